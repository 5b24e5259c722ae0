"""Chord symbols of lead sheets: read, written, transposed and turned into pitch classes."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache

from studio.errors import Unreadable
from studio.music.scores.keys import Key
from studio.music.scores.pitches import MAJOR_SCALE, name_on_fifths, pitch_class_of, place_on_fifths


@dataclass(frozen=True, slots=True)
class ChordAt:
    """A chord symbol ("Am7", "F#dim", "C/E", "N.C.") from `start` on, until the next one."""

    start: Fraction
    symbol: str


@dataclass(frozen=True, slots=True)
class Chord:
    """What a chord symbol means.

    root, bass: note names ("F#", "Bb"); bass is empty where it is the root. degrees: what is added or altered
    ("b9", "add9", "sus4").
    """

    root: str
    kind: ChordKind
    degrees: tuple[str, ...] = ()
    bass: str = ""

    @property
    def root_class(self) -> int:
        """The pitch class 0..11 of the root."""
        return pitch_class_of(self.root)

    @property
    def bass_class(self) -> int:
        return pitch_class_of(self.bass or self.root)

    @property
    def pitch_classes(self) -> tuple[int, ...]:
        """Its pitch classes: the bass first, then the others from the root up."""
        tones = list(self.kind.tones)
        for degree in self.degrees:
            word, number = re.fullmatch(r"(add|no|sus|[#b])?(\d+)", degree).groups()  # type: ignore[union-attr]
            step = MAJOR_SCALE[(int(number) - 1) % 7] + 12 * ((int(number) - 1) // 7)
            third = [tone for tone in tones if tone % 12 in (3, 4)]
            if word == "no":
                tones = [tone for tone in tones if tone % 12 not in (step % 12, (step - 1) % 12)]
            elif word == "sus":
                tones = [step if tone in third else tone for tone in tones]
            elif word in ("#", "b"):
                if number == "5":
                    tones = [tone for tone in tones if tone != 7]
                tones.append(step + (1 if word == "#" else -1))
            else:
                tones.append(step - 1 if number == "7" else step)
        classes = dict.fromkeys([self.bass_class, *((self.root_class + tone) % 12 for tone in tones)])
        return tuple(classes)

    def __str__(self) -> str:
        degrees = f"({','.join(self.degrees)})" if self.degrees else ""
        bass = f"/{self.bass}" if self.bass else ""
        return self.root + self.kind.spellings[0] + degrees + bass


@dataclass(frozen=True)
class ChordKind:
    """A kind of chord.

    spellings: how it is written after the root; the studio writes the first. musicxml: MusicXML's name for
    it. tones: semitones above the root.
    """

    spellings: tuple[str, ...]
    musicxml: str
    tones: tuple[int, ...]


CHORD_KINDS = (
    ChordKind(("", "maj", "M", "major"), "major", (0, 4, 7)),
    ChordKind(("m", "min", "-", "mi", "minor"), "minor", (0, 3, 7)),
    ChordKind(("7", "dom7"), "dominant", (0, 4, 7, 10)),
    ChordKind(("maj7", "M7", "ma7", "Δ", "Δ7", "j7"), "major-seventh", (0, 4, 7, 11)),
    ChordKind(("m7", "min7", "-7", "mi7"), "minor-seventh", (0, 3, 7, 10)),
    ChordKind(("dim", "o", "°"), "diminished", (0, 3, 6)),
    ChordKind(("dim7", "o7", "°7"), "diminished-seventh", (0, 3, 6, 9)),
    ChordKind(("m7b5", "ø", "ø7", "-7b5", "min7b5", "h7"), "half-diminished", (0, 3, 6, 10)),
    ChordKind(("aug", "+", "#5"), "augmented", (0, 4, 8)),
    ChordKind(("7#5", "aug7", "+7", "7+"), "augmented-seventh", (0, 4, 8, 10)),
    ChordKind(("6", "maj6", "M6"), "major-sixth", (0, 4, 7, 9)),
    ChordKind(("m6", "min6", "-6"), "minor-sixth", (0, 3, 7, 9)),
    ChordKind(("mmaj7", "mM7", "m(maj7)", "minmaj7", "-maj7"), "major-minor", (0, 3, 7, 11)),
    ChordKind(("9", "dom9"), "dominant-ninth", (0, 4, 7, 10, 14)),
    ChordKind(("maj9", "M9"), "major-ninth", (0, 4, 7, 11, 14)),
    ChordKind(("m9", "min9", "-9"), "minor-ninth", (0, 3, 7, 10, 14)),
    ChordKind(("11",), "dominant-11th", (0, 4, 7, 10, 14, 17)),
    ChordKind(("maj11",), "major-11th", (0, 4, 7, 11, 14, 17)),
    ChordKind(("m11", "min11"), "minor-11th", (0, 3, 7, 10, 14, 17)),
    ChordKind(("13",), "dominant-13th", (0, 4, 7, 10, 14, 21)),
    ChordKind(("maj13",), "major-13th", (0, 4, 7, 11, 14, 21)),
    ChordKind(("m13", "min13"), "minor-13th", (0, 3, 7, 10, 14, 21)),
    ChordKind(("sus4", "sus"), "suspended-fourth", (0, 5, 7)),
    ChordKind(("sus2",), "suspended-second", (0, 2, 7)),
    ChordKind(("5", "power"), "power", (0, 7)),
)
"""Every kind of chord that symbols are read as and written from."""

_SPELLINGS = {spelling: kind for kind in CHORD_KINDS for spelling in kind.spellings}


_NO_CHORD = {"n.c.", "nc", "n.c", "none", "tacet"}


@lru_cache(maxsize=4096)
def parse_chord(symbol: str) -> Chord | None:
    """The chord a symbol means, or None for "N.C." (no chord). Raises `Unreadable`.

    Understands the kinds of CHORD_KINDS, additions with or without parentheses ("7(b9)", "m7add11",
    "7b9#11") and a bass after a slash.
    """
    text = symbol.strip().replace("♯", "#").replace("♭", "b").replace(" ", "")
    if text.lower() in _NO_CHORD or not text:
        return None
    # One accidental belongs to the root and a second one to what follows (Eb#5), unless only a double
    # accidental makes sense (Bbb).
    for signs in ("[#b]?", "##|bb"):
        match = (
            re.fullmatch(rf"([A-G])({signs})(.*?)(?:/([A-Ga-g])(##|bb|[#b])?)?", text)
            if len(text) <= 40
            else None
        )
        found = _kind_and_degrees(match[3]) if match else None
        if match and found:
            return Chord(match[1] + match[2], *found, match[4].upper() + (match[5] or "") if match[4] else "")
    raise Unreadable(
        f"{symbol[:40]!r} is not a chord symbol the studio knows; write it like Am7, F#dim, G7(b9) or C/E."
    )


_DEGREE = r"(?:no[35]|(?:add|sus|[#b])?(?:11|13|2|4|5|6|7|9))"


def _kind_and_degrees(suffix: str) -> tuple[ChordKind, tuple[str, ...]] | None:
    """What follows a root, taken as the longest possible kind and then degrees; None where it is neither."""
    if suffix in _SPELLINGS:
        return _SPELLINGS[suffix], ()
    plain = re.sub(r"[(),]", "", suffix).replace("omit", "no")
    for cut in range(len(plain), -1, -1):
        kind = _SPELLINGS.get(plain[:cut])
        if kind and re.fullmatch(f"{_DEGREE}*", plain[cut:]):
            return kind, tuple(re.findall(_DEGREE, plain[cut:]))
    return None


def transpose_symbol(symbol: str, semitones: int) -> str:
    """A chord symbol transposed by some semitones. Text that is no chord symbol stays as it is."""
    try:
        chord = parse_chord(symbol)
    except Unreadable:
        return symbol
    if chord is None:
        return symbol
    minor = chord.kind.tones[1:2] == (3,)
    root = Key.of_tonic((chord.root_class + semitones) % 12, "minor" if minor else "major").tonic_name
    bass = (
        name_on_fifths(place_on_fifths(chord.bass) + place_on_fifths(root) - place_on_fifths(chord.root))
        if chord.bass
        else ""
    )
    return str(replace(chord, root=root, bass=bass))
