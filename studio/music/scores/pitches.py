"""Note names and pitches: "F#5" is MIDI pitch 78, "Bb" is pitch class 10.

MIDI pitches run from 0 to 127, and 60 is middle C (C4). A pitch class is a pitch without its octave: 0..11,
and 0 is C.
"""

import re

from studio.errors import Refused

MAJOR_SCALE = (0, 2, 4, 5, 7, 9, 11)
"""Semitones from the tonic to each degree of a major scale."""

_STEPS = dict(zip("CDEFGAB", MAJOR_SCALE, strict=True))
"""Letter -> pitch class."""

_FIFTHS = "FCGDAEB"
"""The letters in the order of fifths."""


def name_on_fifths(place: int) -> str:
    """The note name at a place on the line of fifths: 0 is C, 1 G, -1 F, 6 F#, -2 Bb."""
    turns, letter = divmod(place + 1, 7)
    return _FIFTHS[letter] + ("#" * turns if turns >= 0 else "b" * -turns)


def place_on_fifths(name: str) -> int:
    """The inverse of `name_on_fifths`: "C" -> 0, "F#" -> 6, "Bb" -> -2."""
    return _FIFTHS.index(name[0]) - 1 + 7 * (name.count("#") - name[1:].count("b"))


def pitch_class_of(name: str) -> int:
    """The pitch class of a note name: "F#" is 6, "Bb" is 10. Raises `Refused`."""
    match = re.fullmatch(r"([A-Ga-g])(#*|b*)", name)
    if not match:
        raise Refused(f"{name!r} is not a note name; write it like F#, Bb or C.")
    return (_STEPS[match[1].upper()] + match[2].count("#") - match[2].count("b")) % 12


def natural_pitch(letter: str, octave: int) -> int:
    """The MIDI pitch of a letter without an accidental in an octave: C4 is 60."""
    return _STEPS[letter] + 12 * (octave + 1)


def parse_pitch(text: str) -> int:
    """The MIDI pitch of "C4" (60), "F#5" or "Bb3"; a bare number is a MIDI pitch. Raises `Refused`."""
    match = re.fullmatch(r"([A-Ga-g])(##|bb|♯♯|♭♭|[#b♯♭]?)(-?\d{1,2})", text.strip())
    if match:
        signs = match[2].replace("♯", "#").replace("♭", "b")
        pitch = _STEPS[match[1].upper()] + signs.count("#") - signs.count("b") + 12 * (int(match[3]) + 1)
    elif re.fullmatch(r"\d{1,3}", text.strip()):
        pitch = int(text)
    else:
        raise Refused(f"{text!r} is not a pitch; write it like C4 (middle C), F#5 or Bb3.")
    if not 0 <= pitch <= 127:
        raise Refused(f"{text} is outside the range of MIDI; choose a pitch from C-1 to G9.")
    return pitch
