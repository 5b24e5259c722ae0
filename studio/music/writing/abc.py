"""Writes ABC 2.1 (abcnotation.com/wiki/abc:standard:v2.1): one melody with chord symbols, as plain text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

from studio.errors import Refused
from studio.music.scores.bars import Repeat
from studio.music.scores.chords import ChordAt
from studio.music.scores.keys import Key
from studio.music.scores.scores import Score
from studio.music.scores.tunes import Tune
from studio.music.writing.musicxml import number_text
from studio.music.writing.notation import measures_of
from studio.music.writing.written import Measure, Written

UNIT = Fraction(1, 2)
"""The length of a note without a number behind it, in quarter notes (L:1/8)."""

BARS_ON_LINE = 4

_SIGNS = {-2: "__", -1: "_", 0: "=", 1: "^", 2: "^^"}


def write_abc(music: Tune | Score) -> bytes:
    """An ABC tune with chord symbols, four bars to a line. Raises `Refused` for a score, which may have
    several parts.
    """
    if isinstance(music, Score):
        raise Refused(
            "ABC is written for a single melody; choose .musicxml or .mid for a score of several parts."
        )
    score = replace(music.score(), chords=music.chords)
    measures = measures_of(score.parts[0], score)
    text, bars_on_line = "", 0
    chords = list(music.chords)
    before = None
    for measure in measures:
        last = measure is measures[-1]
        text = _with_left_barline(text, measure, music) + _changes(measure, before)
        text += _measure(measure, chords) + _right_barline(measure, music, last=last)
        bars_on_line += not measure.implicit
        if bars_on_line == BARS_ON_LINE and not last:
            text, bars_on_line = text + "\n", 0
        elif not last:
            text += " "
        before = measure
    return ("\n".join(_header(music)) + "\n" + text.strip() + "\n").encode()


def _header(tune: Tune) -> list[str]:
    lines = ["X:1", f"T:{_line(tune.title) or 'Untitled'}"]
    if tune.composer:
        lines.append(f"C:{_line(tune.composer)}")
    meter, tempo = tune.grid.meters[0].meter, number_text(tune.tempo)
    return [*lines, f"M:{meter}", "L:1/8", f"Q:1/4={tempo}", f"K:{_key(tune.key)}"]


def _line(text: str) -> str:
    """Text on one line, where a bare % would begin a comment, and \\ or &eacute; would mean a letter."""
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    escaped = re.sub(r"&(?=#?\w+;)", r"\&", " ".join(printable.split()).replace("\\", r"\\"))
    return escaped.replace("%", r"\%")


def _key(key: Key) -> str:
    return key.tonic_name + {"major": "", "minor": "m"}.get(key.mode, key.mode[:3])


def _with_left_barline(text: str, measure: Measure, tune: Tune) -> str:
    """The text so far, with the signs of repeats and endings that begin at this measure (ABC 2.1, sections
    4.8 to 4.10).
    """
    begun = next((again for again in tune.repeats if again.start == measure.start), None)
    colons = "" if begun is None else ":" * (_times_by_colons(begun) - 1)
    if begun and (measure.start > 0 or len(colons) > 1):
        text = text.rstrip().removesuffix("|") + "|" + colons
    for again in tune.repeats:
        for ending in again.written():
            if ending.start == measure.start:
                text = text.rstrip()
                bar = "" if text.endswith(("|", ":")) else "|"
                text += f"{bar}{','.join(str(number) for number in ending.passes)} "
    return text


def _times_by_colons(again: Repeat) -> int:
    """How often the signs say that a section is played; where it has endings, their numbers say it."""
    return again.times if again.ending is None else 2


def _right_barline(measure: Measure, tune: Tune, *, last: bool) -> str:
    for again in tune.repeats:
        if measure.end == again.end or measure.end in {ending.start for ending in again.endings[1:]}:
            return ":" * (_times_by_colons(again) - 1) + "|"
    return "|]" if last else "|"


def _changes(measure: Measure, before: Measure | None) -> str:
    if before is None:
        return ""
    text = f"[M:{measure.bar.meter}]" if before.bar.meter != measure.bar.meter else ""
    return text + (f"[K:{_key(measure.key)}]" if before.key != measure.key else "")


def _measure(measure: Measure, chords: list[ChordAt]) -> str:
    """The notes of a measure. Takes the chords that begin in it from the front of `chords`."""
    text, signs, altered = "", measure.key.signature, set[str]()
    written = [_cut_at_chords(note, chords) for note in measure.voices[0]]
    for place, pieces in enumerate(written):
        note = pieces[0][1]
        if note.opens and note.tuplet:
            group = written[place:]
            size = next(count for count, each in enumerate(group, 1) if each[-1][1].closes)
            text += f"({note.tuplet[0]}:{note.tuplet[1]}:{sum(len(each) for each in group[:size])}"
        for symbols, piece in pieces:
            text += symbols + _note(piece, signs, altered)
        # A space ends a beam.
        beamed_on = note.beams and note.beams[0] in ("begin", "continue")
        if not beamed_on and not (note.tuplet and not note.closes):
            text += " "
    return text


def _cut_at_chords(note: Written, chords: list[ChordAt]) -> list[tuple[str, Written]]:
    """A note in tied pieces, so that each chord symbol stands where it begins: (symbols, piece).

    ABC has no other place for a chord that begins while a note is held.
    """
    pieces: list[tuple[str, Written]] = []
    here, symbols = note.start, ""
    while chords and chords[0].start < note.end:
        chord = chords.pop(0)
        if chord.start > here:
            pieces.append((symbols, _between(note, here, chord.start)))
            here, symbols = chord.start, ""
        symbols += f'"{chord.symbol}"'
    return [*pieces, (symbols, _between(note, here, note.end))]


def _between(note: Written, start: Fraction, end: Fraction) -> Written:
    tied = bool(note.pitches) and end < note.end
    return replace(note, start=start, duration=end - start, tie_out=note.tie_out or tied)


def _note(note: Written, signs: Mapping[str, int], altered: set[str]) -> str:
    """One note or rest. altered: letters that had a sign of their own in this measure; it is added to."""
    length = note.duration / UNIT
    if note.tuplet:
        length = length * note.tuplet[0] / note.tuplet[1]
    if not note.pitches:
        return "z" + _length(length)
    letter, alter, octave = note.spelled[-1]
    sign = _SIGNS[alter] if alter != signs[letter] or letter in altered else ""
    if alter != signs[letter]:
        altered.add(letter)
    name = letter + "," * (4 - octave) if octave <= 4 else letter.lower() + "'" * (octave - 5)
    return sign + name + _length(length) + ("-" if note.tie_out else "")


def _length(length: Fraction) -> str:
    if length == 1:
        return ""
    if length.denominator == 1:
        return str(length.numerator)
    return f"{'' if length.numerator == 1 else length.numerator}/{length.denominator}"
