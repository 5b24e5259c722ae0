"""How music is written down: bars, note values, tuplets and ties, whatever the format.

    for measure in measures_of(part, score):
        for voice in measure.voices:
            for written in voice:
                written.value, written.dots, written.tuplet, written.spelled

The rules are those of engraving handbooks (Read, Music Notation, 1969; Gould, Behind Bars, 2011) in their
plainest form: a note may hide a beat only where readers expect it, and a tuplet ends where it fills a simple
length. `beams` and `spelling` do the rest.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from math import lcm

from studio.errors import Refused
from studio.music.scores.clefs import ALTO, BASS, TREBLE, Clef, usual_clef
from studio.music.scores.meters import Meter
from studio.music.scores.notes import HELD_BELOW
from studio.music.scores.scores import Part, Score
from studio.music.writing.beams import beamed
from studio.music.writing.spelling import spell_measures
from studio.music.writing.written import MOST_TICKS, VALUES, Measure, Written, common_division


def measures_of(part: Part, score: Score, *, heard: bool = False) -> list[Measure]:
    """The part as it is written, bar by bar, each voice filled up with rests. heard: notes outside the scale
    are named as composers do (`spelling.spell_line`). Raises `Refused`.
    """
    try:
        return _measures_of(part, score, heard=heard)
    except _TooShort as short:
        fits = common_division(score) <= MOST_TICKS
        raise Refused(
            f"A length of {short.length} quarter notes is shorter than any note a score can show; make it at "
            f"least {min(VALUES)}{', or write .mid' * fits}."
        ) from None


class _TooShort(Exception):
    """length: in quarter notes."""

    def __init__(self, length: Fraction) -> None:
        super().__init__(length)
        self.length = length


def _measures_of(part: Part, score: Score, *, heard: bool) -> list[Measure]:
    measures = _empty_measures(score)
    for number, voice in enumerate(_voices_of(part) or [[]]):
        for measure, pieces in zip(measures, _cut(_filled(voice, score.end), measures), strict=True):
            # Only the first voice shows bars in which it rests.
            if number == 0 or any(piece.pitches for piece in pieces):
                measure.voices.append(beamed(_laid_out(pieces, measure), measure))
    spell_measures(measures, score, part, heard=heard)
    return measures


def _empty_measures(score: Score) -> list[Measure]:
    """The bars, cut in two where a repeat, an ending or a jump begins or ends inside one, or the key
    changes.
    """
    changes = {change.start for change in score.keys} | {mark.start for mark in score.jumps}
    cuts = sorted(changes.union(edge for again in score.repeats for edge in again.edges))
    measures, keys, key = [], list(score.keys), score.keys[0].key
    for bar in score.bars():
        inside = [cut for cut in cuts if bar.start < cut < bar.end]
        for start, end in pairwise([bar.start, *inside, bar.end]):
            while keys and keys[0].start <= start:
                key = keys.pop(0).key
            measures.append(Measure(bar, start, end - start, bar.number == 0 or start > bar.start, key))
    return measures


def _voices_of(part: Part) -> list[list[Written]]:
    """Notes of one voice that begin and end together are a chord. Where chords of one voice overlap, the
    higher stay in it and the others are in voices of their own.
    """
    by_voice: dict[int, dict[tuple[Fraction, Fraction], list[int]]] = {}
    leading = {(note.start, note.duration) for note in part.notes if note.voice == 0}
    onsets = sorted({note.start for note in part.notes if note.voice <= 0})
    for index, note in enumerate(part.notes):
        if note.pitch is None:
            continue
        place, voice = note.start, max(0, note.voice)
        following = bisect_right(onsets, note.start)
        if note.voice == HELD_BELOW and following < len(onsets) and onsets[following] < note.end:
            # Up to the next chord it stands alone, and is then a note of that chord if it ends with it.
            place = onsets[following]
            by_voice.setdefault(0, {}).setdefault((note.start, place - note.start), []).append(index)
            voice = 0 if (place, note.end - place) in leading else 1
        by_voice.setdefault(voice, {}).setdefault((place, note.end - place), []).append(index)
    return [line for _, chords in sorted(by_voice.items()) for line in _lines_of(part, chords)]


def _lines_of(part: Part, chords: Mapping[tuple[Fraction, Fraction], list[int]]) -> list[list[Written]]:
    """The lines of one voice, in which no chords overlap. chords: (start, duration) -> numbers of notes."""
    stacked = []
    for (start, duration), indices in chords.items():
        notes = sorted((part.notes[index].pitch or 0, index) for index in indices)
        pitches = tuple(pitch for pitch, _ in notes)
        before = frozenset(pitch for pitch, index in notes if part.notes[index].start < start)
        stacked.append(
            Written(
                pitches,
                start,
                duration,
                indices=tuple(index for _, index in notes),
                tie_in=len(before) == len(pitches),
                tie_out=any(part.notes[index].end > start + duration for index in indices),
                held=before,
            )
        )
    stacked.sort(key=lambda chord: (chord.start, -max(chord.pitches)))
    voices: list[list[Written]] = []
    for chord in stacked:
        free = next((voice for voice in voices if voice[-1].end <= chord.start), None)
        if free is None:
            voices.append([chord])
        else:
            free.append(chord)
    return voices


def _filled(voice: Sequence[Written], end: Fraction) -> list[Written]:
    """The voice with rests between its chords and up to `end`."""
    filled, here = [], Fraction(0)
    for chord in voice:
        if chord.start > here:
            filled.append(Written((), here, chord.start - here))
        filled.append(chord)
        here = chord.end
    if end > here:
        filled.append(Written((), here, end - here))
    return filled


def _cut(pieces: Sequence[Written], measures: Sequence[Measure]) -> Iterator[list[Written]]:
    """For each measure what sounds in it, cut at its bar lines and tied over them."""
    place = 0
    for measure in measures:
        inside: list[Written] = []
        while place < len(pieces) and pieces[place].start < measure.end:
            piece = pieces[place]
            inside.append(_clipped(piece, measure))
            if piece.end > measure.end:
                break
            place += 1
        yield inside


def _clipped(piece: Written, measure: Measure) -> Written:
    start, end = max(piece.start, measure.start), min(piece.end, measure.end)
    sounds = bool(piece.pitches)
    return replace(
        piece,
        start=start,
        duration=end - start,
        tie_in=sounds and (start > piece.start or piece.tie_in),
        tie_out=sounds and (end < piece.end or piece.tie_out),
    )


# Values, dots and tuplets
# ------------------------------------------------------------------------------------------------------------


def _laid_out(pieces: Sequence[Written], measure: Measure) -> list[Written]:
    """Notes of one bar in values that exist, with tuplets and ties."""
    if len(pieces) == 1 and not pieces[0].pitches and measure.length == measure.bar.meter.bar_length:
        return [replace(pieces[0], value=Fraction(4), whole_bar=True)]
    written: list[Written] = []
    place = 0
    while place < len(pieces):
        piece = pieces[place]
        if _binary(piece.start - measure.bar.start) and _binary(piece.end - measure.bar.start):
            written += _in_values(piece, measure)
            place += 1
            continue
        # A tuplet runs from a simple place in the bar to the next one where a note ends.
        group = [piece]
        while not _binary(group[-1].end - measure.bar.start) and place + len(group) < len(pieces):
            group.append(pieces[place + len(group)])
        written += _in_tuplet(group)
        place += len(group)
    return written


def _binary(number: Fraction) -> bool:
    """Halves, quarters, eighths … lead to this place, without a tuplet."""
    return number.denominator & (number.denominator - 1) == 0


def _odd(number: int) -> int:
    while number % 2 == 0:
        number //= 2
    return number


def _in_tuplet(group: Sequence[Written]) -> list[Written]:
    """The notes of one tuplet: `actual` of them in the time of `normal`, the next lower power of two."""
    base = group[0].start
    actual = lcm(*(_odd((edge - base).denominator) for piece in group for edge in (piece.start, piece.end)))
    normal = 1
    while normal * 2 < actual:
        normal *= 2
    stretch = Fraction(actual, normal)
    written: list[Written] = []
    for piece in group:
        here = piece.start
        while here < piece.end:
            value, dots = _largest_value((piece.end - here) * stretch)
            length = _length(value, dots) / stretch
            written.append(replace(_piece(piece, here, length, value, dots), tuplet=(actual, normal)))
            here += length
    written[0] = replace(written[0], opens=True)
    written[-1] = replace(written[-1], closes=True)
    return written


def _in_values(piece: Written, measure: Measure) -> Iterator[Written]:
    """A note or rest in as many pieces as its place in the bar asks for."""
    here = piece.start
    while here < piece.end:
        place = here - measure.bar.start + measure.upbeat
        length = _next_length(place, piece.end - here, measure.bar.meter, rest=not piece.pitches)
        value, dots = _largest_value(length)
        length = _length(value, dots)
        yield _piece(piece, here, length, value, dots)
        here += length


def _piece(whole: Written, start: Fraction, length: Fraction, value: Fraction, dots: int) -> Written:
    """A piece of a note or rest, tied to the pieces before and after it."""
    sounds = bool(whole.pitches)
    return replace(
        whole,
        start=start,
        duration=length,
        value=value,
        dots=dots,
        tie_in=whole.tie_in if start == whole.start else sounds,
        tie_out=whole.tie_out if start + length >= whole.end else sounds,
    )


@lru_cache(maxsize=256)
def _length(value: Fraction, dots: int) -> Fraction:
    return value * (2 - Fraction(1, 2**dots))


@lru_cache(maxsize=4096)
def _largest_value(length: Fraction) -> tuple[Fraction, int]:
    """(value, dots) of the longest note, with at most one dot, that is not longer than `length`."""
    for value in VALUES:
        for dots in (1, 0):
            if _length(value, dots) <= length:
                return value, dots
    raise _TooShort(length)


def _exact_value(length: Fraction) -> tuple[Fraction, int] | None:
    value, dots = _largest_value(length)
    return (value, dots) if _length(value, dots) == length else None


def _next_length(place: Fraction, length: Fraction, meter: Meter, *, rest: bool) -> Fraction:
    """How long the next written piece may be, for a note or rest at `place` in the bar that still lasts
    `length`.
    """
    beat = meter.beat
    next_beat = (place // beat + 1) * beat
    if place + length <= next_beat:
        return _inside_a_beat(place, length, meter, rest=rest)
    if place % beat == 0:
        return _from_a_beat(place, length, meter, rest=rest)
    if not rest and _syncopated(place, length, meter):
        return length
    return next_beat - place


def _inside_a_beat(place: Fraction, length: Fraction, meter: Meter, *, rest: bool) -> Fraction:
    exact = _exact_value(length)
    if exact and (not rest or exact[1] == 0 or meter.compound or length < 1):
        return length
    half = meter.beat / 2
    if meter.compound or place % half == 0:
        return length
    # Off the half beat, a piece may only reach to it.
    return min(length, (place // half + 1) * half - place)


def _from_a_beat(place: Fraction, length: Fraction, meter: Meter, *, rest: bool) -> Fraction:
    if meter.compound:
        return _whole_beats(length, meter.beat, dotted=True)
    middle = meter.bar_length / 2 if meter.numerator % 2 == 0 else None
    if rest and middle is not None and 0 < place < middle < place + length:
        length = middle - place  # a rest shows the middle of the bar
    exact = _exact_value(length)
    if exact and not (rest and exact[1]):
        return length
    return _whole_beats(length, meter.beat, dotted=not rest)


def _whole_beats(length: Fraction, beat: Fraction, *, dotted: bool) -> Fraction:
    """The most whole beats, at least one, that one value can show. dotted: it may have a dot."""
    beats = length // beat
    while beats > 1:
        exact = _exact_value(beats * beat)
        if exact and (dotted or not exact[1]):
            break
        beats -= 1
    return beats * beat


def _syncopated(place: Fraction, length: Fraction, meter: Meter) -> bool:
    """A note off the beat that readers know as a figure, and that is not cut at the next beat."""
    if meter.compound:
        return False
    beat, end = meter.beat, place + length
    if length == beat * 3 / 2 and meter.numerator % 2 == 0 and end % (2 * beat) == 0:
        return True  # short, then long, in two beats
    hides_middle = meter.numerator % 4 == 0 and place < meter.bar_length / 2 < end
    return place % (beat / 2) == 0 and length == beat and not hides_middle


def clef_of(part: Part) -> Clef:
    """The clef of a part: the one that its file has, else the usual one of its instrument."""
    return part.clef or usual_clef(_pitches(part), part.program, part.name)


VIOLA = 41
"""The General MIDI instrument that had the alto clef before others had theirs."""


def with_earlier_clefs(score: Score) -> Score:
    """The score with clefs as they were up to 0.18.0: alto for a viola, and for others by the mean pitch,
    treble from B3 upwards and bass below.
    """
    return replace(score, parts=tuple(replace(part, clef=_earlier_clef(part)) for part in score.parts))


def _earlier_clef(part: Part) -> Clef:
    if part.program == VIOLA:
        return ALTO
    pitches = _pitches(part)
    mean = sum(pitches) / len(pitches) if pitches else 71
    return TREBLE if mean >= 59 else BASS


def _pitches(part: Part) -> list[int]:
    return [note.pitch for note in part.notes if note.pitch is not None]
