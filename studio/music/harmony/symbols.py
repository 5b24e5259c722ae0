"""Chords as a style thinks of them: relative to the key of the moment.

    here = Harmony.of("Am7", tonic=0)      # root 9 semitones above C, suffix "m7", the root in the bass
    here.symbol(Key.parse("F"))            # "Dm7": the same step of another key
    here.family, here.tones                # Family.MINOR, (0, 3, 7, 10)

A family is what chords of one function share: G, G7 and G9 are different harmonies, and G7 and G9 are of one
family. Fit and copying are learnt by family, the chain by the whole harmony.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum
from functools import lru_cache
from typing import Literal

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


ChordNames = Literal["plain", "raised", "heard", "common"]
"""How chords are named. raised: diminished chords between two degrees are on the raised lower one, C#dim7 in
C rather than Dbdim7, as songs write them. heard: and a bass is named as what it is heard as, a tone of the
chord or one of the key: Bm7b5/F, not Bm7b5/E#. common: and a chord has its commonest name: F/A, not
Am(#5), and G7sus4, not Gsus4(add7) (`common_name`). plain: none of these.
"""

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
    def plain(self) -> bool:
        """Whether it is a major or minor triad."""
        return self.tones in ((0, 4, 7), (0, 3, 7))

    @property
    def triad(self) -> int:
        """root * 4 + the number of its triad in TRIADS: one of 48."""
        return self.root * 4 + _TRIAD_OF[self.family]

    def symbol(self, key: Key, *, names: ChordNames = "common") -> str:
        """The chord symbol in a key, spelled as the key spells its notes. names: see `ChordNames`."""
        return _symbol(self, key, names)

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
def _symbol(harmony: Harmony, key: Key, names: ChordNames) -> str:
    """A root outside the key is spelled by the key too (`spell`), but never with two signs or as Cb or Fb."""
    if names == "common":
        return _symbol(common_name(harmony), key, "heard")
    root = (names != "plain" and _raised(harmony, key)) or _name((key.tonic + harmony.root) % 12, key)
    text = root + harmony.suffix
    if not harmony.bass:
        return text
    by_key = _name((key.tonic + harmony.root + harmony.bass) % 12, key)
    if names == "heard" and harmony.bass in UNCLEAR and harmony.bass not in harmony.tones:
        return f"{text}/{by_key}"
    # The bass is named by its interval above the root, so that E/G# is not E/Ab.
    above = (7 * harmony.bass + 5) % 12 - 5
    if names == "heard" and harmony.bass in harmony.tones:
        above = _fifths_of_tone(harmony)
    bass = name_on_fifths(place_on_fifths(root) + above)
    return f"{text}/{bass if len(bass) < 3 else by_key}"


COMMON = ("", "m", "7", "maj7", "m7", "m7b5", "dim", "7#5")
"""Kinds of chords that need no brackets, the commonest first."""


@lru_cache(maxsize=1024)
def common_name(harmony: Harmony) -> Harmony:
    """The same tones by their commonest name: F/A for Am(#5), Bbmaj7/D for Dm(b13), G7sus4 for Gsus4(add7).
    A name without brackets stays, and so does one that has no commoner.
    """
    kind, bracket, rest = harmony.suffix.partition("(")
    if not bracket:
        return harmony
    degrees = rest.rstrip(")").split(",")
    if kind in ("sus4", "sus2") and {"b7", "add7"} & {*degrees}:
        others = [each for each in degrees if each not in ("b7", "add7")]
        most = "13" if {"9", "13"} <= {*others} else "9" if "9" in others else "7"
        more = [each for each in others if each not in ("9", "13") or (each == "13" and most != "13")]
        return replace(harmony, suffix=f"{most}{kind}" + (f"({','.join(more)})" if more else ""))
    if kind in ("6", "m6") and degrees in (["add7"], ["b7"]):
        return replace(harmony, suffix=f"{kind.replace('6', '7')}(add13)")
    tones = {(harmony.root + tone) % 12 for tone in harmony.tones}
    bass = (harmony.root + harmony.bass) % 12
    for suffix in COMMON:
        for root in sorted(tones, key=lambda root: root != harmony.root):
            if {(root + tone) % 12 for tone in _tones(suffix)} == tones:
                return Harmony(root, suffix, (bass - root) % 12)
    return harmony


UNCLEAR = (1, 3, 6, 8)
"""Semitones above a root that have two usual names there: Bm/F and Bm/E#, C/Ab and C/G#. Where the chord does
not have the note, its key says which. The other intervals have one: F/G, C/Bb, Am/C#.
"""


def _fifths_of_tone(harmony: Harmony) -> int:
    """How many fifths above the root its bass is, which is a tone of the chord: the fifth of Bm7b5 is F, that
    of Caug G#, and the seventh of C#dim7 is Bb.
    """
    lowered = harmony.family in (Family.DIMINISHED, Family.HALF_DIMINISHED) or "b5" in harmony.suffix
    if harmony.bass == 6 and lowered:
        return -6
    if harmony.bass == 8 and any(mark in harmony.suffix for mark in ("aug", "#5")):
        return 8
    if harmony.bass == 9 and harmony.suffix.startswith("dim7"):
        return -9
    return (7 * harmony.bass + 5) % 12 - 5


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
