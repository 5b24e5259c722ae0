"""Keys, and how pitches are spelled in them: 61 is C#4 in D major and Db4 in Ab major."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from studio.errors import Refused, UnknownName
from studio.music.scores.pitches import MAJOR_SCALE, name_on_fifths, place_on_fifths

MODES = {
    "major": 0,
    "dorian": 2,
    "phrygian": 4,
    "lydian": 5,
    "mixolydian": 7,
    "minor": 9,
    "locrian": 11,
}
"""Mode -> semitones from the tonic of the major key with the same signature up to the mode's own tonic."""

_MODE_SPELLINGS = {"": "major", "m": "minor", "ion": "major", "aeo": "minor"} | {
    mode[:3]: mode for mode in MODES
}
"""The first three letters of what is written after a tonic -> the mode."""

_MODE_FIFTHS = {
    "major": 0,
    "mixolydian": 1,
    "dorian": 2,
    "minor": 3,
    "phrygian": 4,
    "locrian": 5,
    "lydian": -1,
}
"""Mode -> fifths from the tonic of the major key with the same signature up to the mode's own tonic."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key. fifths: its signature as a number of sharps, or of flats below 0; -7..7. mode: see MODES."""

    fifths: int
    mode: str = "major"

    def __post_init__(self) -> None:
        if not -7 <= self.fifths <= 7:
            raise Refused(f"A key signature has at most seven sharps or flats, not {abs(self.fifths)}.")
        if self.mode not in MODES:
            raise UnknownName("mode", self.mode, MODES)

    @classmethod
    def parse(cls, text: str) -> Key:
        """From "D", "Bm", "F#", "Eb minor", "D dorian" or "Amix". Raises `Refused`.

        Keys with more than seven sharps or flats are respelled.
        """
        match = re.fullmatch(r"\s*([A-Ga-g])([#b♯♭-]?)\s*([A-Za-z]*)\s*", text)
        mode = _MODE_SPELLINGS.get(match[3].lower()[:3] if match[3] != "M" else "maj") if match else None
        if not match or mode is None:
            if re.fullmatch(r"\s*[Hh]\s*(m|min|minor|moll|maj|major|dur)?\s*", text):
                raise Refused(
                    f"{text!r} is the German name of a key; write B or Bm (and Bb for what is B there)."
                )
            raise Refused(f"{text!r} is not a key; write it like D, Bm, F#, Eb or D dorian.")
        letter = match[1].upper()
        sign = {"#": 7, "♯": 7, "": 0}.get(match[2], -7)
        fifths = place_on_fifths(letter) + sign - _MODE_FIFTHS[mode]
        return cls(fifths - 12 if fifths > 7 else fifths + 12 if fifths < -7 else fifths, mode)

    @classmethod
    def of_tonic(cls, tonic: int, mode: str = "major") -> Key:
        """The key on pitch class `tonic` (0..11, 0 is C) with the fewest sharps or flats; on a tie, flats."""
        if mode not in MODES:
            raise UnknownName("mode", mode, MODES)
        fifths = (7 * (tonic - MODES[mode])) % 12
        return cls(fifths if fifths < 6 else fifths - 12, mode)

    @property
    def tonic(self) -> int:
        """Pitch class 0..11 of the tonic."""
        return (7 * self.fifths + MODES[self.mode]) % 12

    @property
    def tonic_name(self) -> str:
        """Such as F#, Bb or C."""
        return name_on_fifths(self.fifths + _MODE_FIFTHS[self.mode])

    @property
    def scale(self) -> tuple[int, ...]:
        """Its seven pitch classes, from the tonic up."""
        major = {(7 * self.fifths + step) % 12 for step in MAJOR_SCALE}
        return tuple(sorted(major, key=lambda pitch_class: (pitch_class - self.tonic) % 12))

    @property
    def signature(self) -> dict[str, int]:
        """Letter -> alteration by the key signature: 1 for a sharp, -1 for a flat, 0 for neither."""
        signs = dict.fromkeys("CDEFGAB", 0)
        for letter in "FCGDAEB"[: max(0, self.fifths)]:
            signs[letter] = 1
        for letter in "BEADGCF"[: max(0, -self.fifths)]:
            signs[letter] = -1
        return signs

    @property
    def major_or_minor(self) -> Key:
        """The key of the same signature for formats without other modes: minor where its own third is."""
        minor = self.mode in ("minor", "dorian", "phrygian", "locrian")
        return Key(self.fifths, "minor" if minor else "major")

    def transposed(self, semitones: int) -> Key:
        return Key.of_tonic((self.tonic + semitones) % 12, self.mode)

    def __str__(self) -> str:
        return f"{self.tonic_name} {self.mode}"

    def short(self) -> str:
        """Such as D, Bm or D dorian."""
        return self.tonic_name + {"major": "", "minor": "m"}.get(self.mode, " " + self.mode)


@dataclass(frozen=True, slots=True)
class KeyAt:
    """A key from `start` on."""

    start: Fraction
    key: Key


def pitch_name(pitch: int, key: Key = Key(0)) -> str:
    """The name of a MIDI pitch in a key, with its octave: 61 is C#4 in D, Db4 in Ab. See `spell`."""
    return name_of(*spell(pitch, key))


def name_of(letter: str, alter: int, octave: int) -> str:
    """C, 1, 4 is C#4."""
    return letter + ("#" * alter if alter >= 0 else "b" * -alter) + str(octave)


def spell(pitch: int, key: Key) -> tuple[str, int, int]:
    """A MIDI pitch as (letter, alteration, octave) in a key.

    Tones of the scale are spelled by the signature. The others are spelled as the twelve names from five
    fifths below the tonic to six above: b2, b3, #4, b6 and b7 in major, and in minor also the raised third,
    sixth and seventh.
    """
    tonic = key.fifths + _MODE_FIFTHS[key.mode]
    lowest = min(tonic - 5, key.fifths - 1)
    place = lowest + (7 * pitch - lowest) % 12
    name = name_on_fifths(place)
    alter = name.count("#") - name.count("b")
    return name[0], alter, (pitch - alter) // 12 - 1
