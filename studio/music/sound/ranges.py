"""The notes that real instruments have, and what to say of a melody that goes beyond them.

beyond_range(tune, "Piccolo")       # "8 of 8 notes are below the range of Piccolo (B1 to G2; …"
"""

from __future__ import annotations

from studio.music.scores.keys import pitch_name
from studio.music.scores.tunes import Tune
from studio.music.sound.rendering import instruments

_GUITAR, _BASS_GUITAR, _ORGAN, _PIANO = (40, 88), (28, 67), (24, 108), (21, 108)

RANGES = {
    **dict.fromkeys((1, 2, 3, 4, 5), _PIANO),
    6: (29, 89),
    8: (60, 108),
    9: (79, 108),
    11: (53, 89),
    12: (36, 96),
    13: (65, 108),
    14: (60, 77),
    **dict.fromkeys((16, 17, 18, 19), _ORGAN),
    21: (53, 93),
    22: (60, 96),
    **dict.fromkeys(range(24, 31), _GUITAR),
    32: (24, 67),
    **dict.fromkeys((33, 34, 35, 36, 37), _BASS_GUITAR),
    40: (55, 103),
    41: (48, 93),
    42: (36, 84),
    43: (24, 67),
    46: (23, 104),
    47: (36, 60),
    56: (54, 86),
    57: (34, 77),
    58: (26, 65),
    59: (54, 86),
    60: (35, 77),
    64: (56, 88),
    65: (49, 81),
    66: (44, 76),
    67: (36, 69),
    68: (58, 93),
    69: (52, 84),
    70: (34, 76),
    71: (50, 94),
    72: (74, 108),
    73: (59, 98),
    74: (65, 98),
    110: (55, 103),
}
"""General MIDI program -> the lowest and highest MIDI number that it sounds, as professional players reach
them: the ranges that are commonly given, not copied from one book; the lowest notes of eight agree with
music21's. The recorder is from the lowest note of the treble to the highest of the descant. Instruments of no
one size are left out, and so is the grand piano, which everything is played on unless another is named.
"""

_OCTAVES = ("", "an octave", "two octaves", "three octaves", "four octaves", "five octaves", "six octaves")


def range_of(instrument: str) -> tuple[int, int] | None:
    """Lowest and highest MIDI number of a General MIDI instrument; None where that is not known."""
    wanted = instrument.strip().lower()
    names = [name.lower() for name in instruments()]
    return RANGES.get(names.index(wanted)) if wanted in names else None


def beyond_range(tune: Tune, instrument: str) -> str:
    """What is said of notes that an instrument does not have, and how to move them; "" where it has all."""
    known = range_of(instrument)
    pitches = [note.pitch for note in tune.sounding if note.pitch is not None]
    if known is None or not pitches:
        return ""
    low, high = known

    def outside(shift: int) -> list[int]:
        return [pitch for pitch in pitches if not low <= pitch + shift <= high]

    missing = outside(0)
    if not missing:
        return ""
    named = [pitch_name(pitch, tune.key) for pitch in (min(missing), max(missing), low, high)]
    which = named[0] if named[0] == named[1] else f"{named[0]} to {named[1]}"
    where = "below" if max(missing) < low else "above" if min(missing) > high else "outside"
    best = min(range(-72, 73, 12), key=lambda shift: (len(outside(shift)), abs(shift)))
    way = f"{_OCTAVES[abs(best) // 12]} {'up' if best > 0 else 'down'}"
    ways = f"move the melody {way}, or choose another instrument" if best else "choose another instrument"
    if best and (left := len(outside(best))):
        ways = f"move the melody {way}, where {left} would be left, or choose another instrument"
    name = next(each for each in instruments() if each.lower() == instrument.strip().lower())
    are = f"{'note' if len(pitches) == 1 else 'notes'} {'is' if len(missing) == 1 else 'are'}"
    return (
        f"{len(missing)} of {len(pitches)} {are} {where} the range of {name} ({which}; it has {named[2]} to "
        f"{named[3]}): {ways}."
    )
