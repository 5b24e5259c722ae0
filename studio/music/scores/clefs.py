"""Clefs: what a file says of them, and the usual ones of instruments.

usual_clef([52, 55, 59], 71)        # a clarinet is written in the treble clef, however low it plays
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Clef:
    """sign: "G", "F" or "C". line: of the staff on which it stands, from 1 at the bottom. octaves: by which
    what sounds is higher than what is written, such as -1 for the treble clef of a tenor.
    """

    sign: str = "G"
    line: int = 2
    octaves: int = 0

    def to_plain(self) -> list[str | int]:
        """As JSON values, which `from_plain` reads back."""
        return [self.sign, self.line, self.octaves]

    @classmethod
    def from_plain(cls, values: Sequence[str | int]) -> Clef:
        """Raises `ValueError` or `TypeError` for what `to_plain` did not give."""
        sign, line, octaves = values
        return cls(str(sign), int(line), int(octaves))

    @classmethod
    def found(cls, sign: str, line: int | None, octaves: int = 0) -> Clef | None:
        """The clef of a file; None for one that is not written here. line: None for the usual one."""
        sign = sign.strip().upper()
        if sign not in USUAL_LINES:
            return None
        line = USUAL_LINES[sign] if line is None else line
        return cls(sign, line, octaves) if 1 <= line <= 5 and abs(octaves) <= 2 else None


@dataclass(frozen=True, slots=True)
class ClefAt:
    """A clef from `start`, in quarter notes, on."""

    start: Fraction
    clef: Clef


def clefs_after(first: Clef | None, found: Iterable[tuple[Fraction, Clef]]) -> tuple[ClefAt, ...]:
    """The changes of clef after the beginning, in order; one that is stated again is none. first: the clef
    with which the music begins; None where that is not known.
    """
    changes: list[ClefAt] = []
    for start, clef in sorted(found, key=lambda each: each[0]):
        if start <= 0:
            continue
        if changes and changes[-1].start == start:
            changes.pop()
        if clef != (changes[-1].clef if changes else first):
            changes.append(ClefAt(start, clef))
    return tuple(changes)


USUAL_LINES = {"G": 2, "F": 4, "C": 3}

TREBLE, BASS, ALTO, TENOR = Clef(), Clef("F", 4), Clef("C", 3), Clef("C", 4)
TREBLE_BELOW, TREBLE_ABOVE, TREBLE_FAR_ABOVE = Clef("G", 2, -1), Clef("G", 2, 1), Clef("G", 2, 2)
BASS_BELOW = Clef("F", 4, -1)

Usual = tuple[tuple[int, Clef], ...]
"""(lowest mean pitch, clef), from the highest; the last serves whatever is lower."""

_PLAIN: Usual = ((59, TREBLE), (0, BASS))
"""Where an instrument says nothing, or is written on two staves."""

# A treble instrument that plays far below its range is not heard as itself, and would be all ledger lines.
_TREBLE: Usual = ((48, TREBLE), (0, BASS))
_LOW: Usual = ((67, TREBLE), (58, TENOR), (0, BASS))
_GUITAR: Usual = ((71, TREBLE), (46, TREBLE_BELOW), (0, BASS))
_BASS: Usual = ((59, TREBLE), (48, BASS), (0, BASS_BELOW))
_TENOR: Usual = ((69, TREBLE), (46, TREBLE_BELOW), (0, BASS))

USUAL: dict[int, Usual] = {
    **dict.fromkeys((10, 11, 15, 21, 22, 40, 56, 59, 64, 65, 66, 68, 69, 71), _TREBLE),
    **dict.fromkeys((73, 74, 75, 76, 77, 78, 79, 105, 107, 109, 110, 111, 114), _TREBLE),
    9: ((84, TREBLE_FAR_ABOVE), *_TREBLE),
    13: ((84, TREBLE_ABOVE), *_TREBLE),
    **dict.fromkeys(range(24, 32), _GUITAR),
    **dict.fromkeys((*range(32, 40), 43), _BASS),
    41: ((74, TREBLE), (0, ALTO)),
    **dict.fromkeys((42, 57, 70), _LOW),
    47: ((0, BASS),),
    58: ((0, BASS),),
    60: ((53, TREBLE), (0, BASS)),
    67: ((50, TREBLE), (0, BASS)),
    72: ((79, TREBLE_ABOVE), *_TREBLE),
}
"""General MIDI program -> its clefs where a score is written as it sounds: those in common use, not copied
from one book. Keyboards, harps, ensembles and what has no staff of its own are left to their mean pitch.
"""

_SINGERS: tuple[tuple[str, Usual], ...] = (
    (r"\b(mezzo|soprano|treble|descant|sopran|alto|contralto|discantus|cantus|altus)", _TREBLE),
    (r"\btenor", _TENOR),
    (r"\b(bass|basso|bassus|baritone)\b", ((60, TREBLE), (0, BASS))),
)
"""What the names of singers say."""

_PLAYERS = (
    (r"\b(violins?|violino|oboes?|clarinets?|flutes?|recorders?|trumpets?|cornets?|fiddles?)\b", _TREBLE),
    (r"\bviol(as?|e)\b", USUAL[41]),
    (r"\b((violon)?cell(os?|i)|bassoons?|trombones?)\b", _LOW),
    (r"\b(double bass(es)?|contrabass(es)?|bass guitar)\b", _BASS),
)
"""What the names of players say where the program is one of a choir of strings, or of none."""

_SUNG = (0, 52, 53, 54)
"""Programs that voices have: of a choir, and that of a file that names none."""


def usual_clef(pitches: Iterable[int], program: int = 0, name: str = "") -> Clef:
    """The clef in which an instrument is usually written, and by the mean pitch where it says nothing, or has
    several.

    program: General MIDI instrument, 0..127. name: of the part, which counts where the program says nothing:
    "Violas" that are plucked, or a "Tenor" unless it is one of an organ.
    """
    heights = list(pitches)
    mean = sum(heights) / len(heights) if heights else 71.0
    named = (*_PLAYERS, *(_SINGERS if program in _SUNG else ()))
    usual = USUAL.get(program) or next((each for word, each in named if re.search(word, name, re.I)), _PLAIN)
    return next((clef for lowest, clef in usual if mean >= lowest), usual[-1][1])
