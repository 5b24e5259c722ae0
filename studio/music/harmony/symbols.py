"""Chords as a style thinks of them: relative to the key of the moment.

    here = Harmony.of("Am7", tonic=0)      # root 9 semitones above C, suffix "m7", the root in the bass
    here.symbol(Key.parse("F"))            # "Dm7": the same step of another key
    here.family, here.tones                # Family.MINOR, (0, 3, 7, 10)

A family is what chords of one function share: G, G7 and G9 are different harmonies, and G7 and G9 are of one
family. Fit and copying are learnt by family, the chain by the whole harmony.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache

from studio.errors import Unreadable
from studio.music.scores.chords import parse_chord
from studio.music.scores.keys import Key, spell
from studio.music.scores.pitches import name_on_fifths, place_on_fifths


class Family(IntEnum):
    """What a chord is at heart."""

    MAJOR = 0
    MINOR = 1
    DOMINANT = 2
    DIMINISHED = 3
    HALF_DIMINISHED = 4
    AUGMENTED = 5
    SUSPENDED = 6


TRIADS = ("maj", "min", "dim", "aug")
"""The four triads that published measures of harmony know."""

_TRIAD_OF = (0, 1, 0, 2, 2, 3, 0)
"""Family -> its triad."""


@dataclass(frozen=True, slots=True)
class Harmony:
    """A chord relative to a tonic.

    root: semitones above the tonic, 0..11. suffix: what is written after the root, such as "m7" or "7(b9)".
    bass: semitones above the root, 0..11; 0 where the root is the bass.
    """

    root: int
    suffix: str = ""
    bass: int = 0

    @classmethod
    def of(cls, symbol: str, tonic: int) -> Harmony | None:
        """A chord symbol relative to the pitch class `tonic`; None for no chord and for what is none."""
        found = _parsed(symbol)
        return None if found is None else cls((found.root - tonic) % 12, found.suffix, found.bass)

    @property
    def tones(self) -> tuple[int, ...]:
        """Its tones without a foreign bass, in semitones above the root, 0..11, ascending."""
        return _tones(self.suffix)

    @property
    def family(self) -> Family:
        return _family(self.suffix)

    @property
    def triad(self) -> int:
        """root * 4 + the number of its triad in TRIADS: one of 48."""
        return self.root * 4 + _TRIAD_OF[self.family]

    def symbol(self, key: Key, *, raised: bool = True) -> str:
        """The chord symbol in a key, spelled as the key spells its notes. raised: diminished chords between
        two degrees are on the raised lower one, C#dim7 in C rather than Dbdim7, as songs write them. By
        drawing rules before 9 they were not.
        """
        return _symbol(self, key, raised)

    def moved(self, semitones: int) -> Harmony:
        """The same chord with its root so many semitones higher."""
        return Harmony((self.root + semitones) % 12, self.suffix, self.bass)


@lru_cache(maxsize=4096)
def _parsed(symbol: str) -> Harmony | None:
    """Relative to C."""
    try:
        chord = parse_chord(symbol)
    except Unreadable:
        return None
    if chord is None:
        return None
    degrees = f"({','.join(chord.degrees)})" if chord.degrees else ""
    bass = (chord.bass_class - chord.root_class) % 12
    return Harmony(chord.root_class, chord.kind.spellings[0] + degrees, bass)


@lru_cache(maxsize=1024)
def _tones(suffix: str) -> tuple[int, ...]:
    chord = parse_chord("C" + suffix)
    return () if chord is None else tuple(sorted(chord.pitch_classes))


@lru_cache(maxsize=1024)
def _family(suffix: str) -> Family:
    tones = set(_tones(suffix))
    if 4 in tones:
        if 10 in tones:
            return Family.DOMINANT
        return Family.AUGMENTED if 8 in tones and 7 not in tones else Family.MAJOR
    if 3 in tones:
        if 6 in tones and 7 not in tones:
            return Family.HALF_DIMINISHED if 10 in tones else Family.DIMINISHED
        return Family.MINOR
    return Family.SUSPENDED


@lru_cache(maxsize=8192)
def _symbol(harmony: Harmony, key: Key, raised: bool) -> str:
    """A root outside the key is spelled by the key too (`spell`), but never with two signs or as Cb or Fb."""
    root = (raised and _raised(harmony, key)) or _name((key.tonic + harmony.root) % 12, key)
    text = root + harmony.suffix
    if not harmony.bass:
        return text
    # The bass is named by its interval above the root, so that E/G# is not E/Ab.
    fifths = place_on_fifths(root) + (7 * harmony.bass + 5) % 12 - 5
    bass = name_on_fifths(fifths)
    return f"{text}/{bass if len(bass) < 3 else _name((key.tonic + harmony.root + harmony.bass) % 12, key)}"


RAISED = {1: 7, 6: 6, 8: 8}
"""Semitones above the tonic of the raised first, fourth and fifth degree -> fifths above it. The songbook
writes 28 of 32 diminished chords on the first of these so, 14 of 16 on the second, and all on the third.
"""


def _raised(harmony: Harmony, key: Key) -> str:
    """The root of a diminished chord on a raised degree; "" for others, and where it would be E#, B# or have
    two signs. In minor the sixth degree is where the raised fifth would be, and the lowered second is usual.
    """
    diminished = harmony.family in (Family.DIMINISHED, Family.HALF_DIMINISHED)
    if not diminished or harmony.root not in RAISED or (key.mode == "minor" and harmony.root != 6):
        return ""
    name = name_on_fifths(place_on_fifths(key.tonic_name) + RAISED[harmony.root])
    return name if len(name) < 3 and name not in ("E#", "B#") else ""


def _name(pitch_class: int, key: Key) -> str:
    letter, alter, _ = spell(60 + pitch_class, key)
    name = letter + ("#" * alter if alter >= 0 else "b" * -alter)
    plain = {"Cb": "B", "Fb": "E", "B#": "C", "E#": "F"}
    if abs(alter) > 1:
        return Key.of_tonic(pitch_class).tonic_name
    return plain.get(name, name) if abs(key.fifths) < 6 else name
