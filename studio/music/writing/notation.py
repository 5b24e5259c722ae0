"""How music is written down: bars, note values, tuplets, ties, beams, spelling. What `writing` needs whatever
the format.

    for measure in measures_of(part, score):
        for voice in measure.voices:
            for written in voice: written.value, written.dots, written.tuplet, written.spelled

The rules are those of engraving handbooks (Read, Music Notation, 1969; Gould, Behind Bars, 2011), in their
plainest form: a note may hide a beat only where readers expect it, tuplets end where they fill a simple
length, beams follow the beats of the meter.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import lru_cache
from math import lcm

from studio.errors import Unreadable
from studio.music.scores.bars import Bar
from studio.music.scores.chords import Chord, parse_chord
from studio.music.scores.keys import Key, spell
from studio.music.scores.meters import Meter
from studio.music.scores.notes import Note
from studio.music.scores.pitches import natural_pitch
from studio.music.scores.scores import Part, Score

VALUES = {
    Fraction(16): "long",
    Fraction(8): "breve",
    Fraction(4): "whole",
    Fraction(2): "half",
    Fraction(1): "quarter",
    Fraction(1, 2): "eighth",
    Fraction(1, 4): "16th",
    Fraction(1, 8): "32nd",
    Fraction(1, 16): "64th",
    Fraction(1, 32): "128th",
    Fraction(1, 64): "256th",
    Fraction(1, 128): "512th",
    Fraction(1, 256): "1024th",
}
"""Note values: length in quarter notes -> MusicXML's name."""


@dataclass(frozen=True)
class Written:
    """One note, chord or rest as it stands on paper.

    pitches: MIDI, upwards; none for a rest. spelled: (letter, alteration, octave) of each. accidentals: the
    sign to draw before each, or "" for none. value, dots: its look. tuplet: (notes, in the time of) or None;
    opens, closes: it is the first or last of its tuplet. tie_in, tie_out: tied from the one before, to the
    next. beams: for each level, from the eighths' beam on, one of begin, continue, end, forward hook,
    backward hook. whole_bar: a rest that fills its bar.
    indices: which of the part's notes it is, or a piece of.
    """

    pitches: tuple[int, ...]
    start: Fraction
    duration: Fraction
    value: Fraction = Fraction(1)
    dots: int = 0
    tuplet: tuple[int, int] | None = None
    opens: bool = False
    closes: bool = False
    tie_in: bool = False
    tie_out: bool = False
    spelled: tuple[tuple[str, int, int], ...] = ()
    accidentals: tuple[str, ...] = ()
    beams: tuple[str, ...] = ()
    whole_bar: bool = False
    indices: tuple[int, ...] = ()

    @property
    def end(self) -> Fraction:
        return self.start + self.duration


@dataclass(frozen=True)
class Measure:
    """A bar on paper, or the part of one up to a repeat sign. implicit: not counted (a pick-up, the rest of a
    cut bar).
    """

    bar: Bar
    start: Fraction
    length: Fraction
    implicit: bool
    key: Key
    voices: list[list[Written]] = field(default_factory=list)

    @property
    def end(self) -> Fraction:
        return self.start + self.length


def measures_of(part: Part, score: Score) -> list[Measure]:
    """The part as it is written, bar by bar, each voice filled up with rests."""
    measures = _empty_measures(score)
    voices = _voices_of(part)
    for number, voice in enumerate(voices or [[]]):
        pieces = _filled(voice, score.end)
        place = 0
        for measure in measures:
            inside: list[Written] = []
            while place < len(pieces) and pieces[place].start < measure.end:
                piece = pieces[place]
                inside.append(_clipped(piece, measure))
                if piece.end > measure.end:
                    break
                place += 1
            if number == 0 or any(piece.pitches for piece in inside):
                measure.voices.append(_laid_out(inside, measure))
    for measure in measures:
        for number, written in enumerate(measure.voices):
            measure.voices[number] = _beamed(written, measure)
    _spell(measures, score)
    return measures


def _empty_measures(score: Score) -> list[Measure]:
    cuts = sorted(
        {
            edge
            for again in score.repeats
            for edge in (again.start, again.end, again.ending)
            if edge is not None
        }
    )
    measures, keys, key = [], list(score.keys), score.keys[0].key
    for bar in score.bars():
        inside = [cut for cut in cuts if bar.start < cut < bar.end]
        for start, end in zip([bar.start, *inside], [*inside, bar.end], strict=True):
            while keys and keys[0].start <= start:
                key = keys.pop(0).key
            measures.append(Measure(bar, start, end - start, bar.number == 0 or start > bar.start, key))
    return measures


def _voices_of(part: Part) -> list[list[Written]]:
    """Notes that begin and end together are a chord; chords that overlap stand in different voices, the
    higher first.
    """
    chords: dict[tuple[Fraction, Fraction], list[int]] = {}
    for index, note in enumerate(part.notes):
        if note.pitch is not None:
            chords.setdefault((note.start, note.duration), []).append(index)
    stacked = []
    for (start, duration), indices in chords.items():
        indices.sort(key=lambda index: part.notes[index].pitch or 0)
        pitches = tuple(part.notes[index].pitch or 0 for index in indices)
        stacked.append(Written(pitches, start, duration, indices=tuple(indices)))
    stacked.sort(key=lambda chord: (chord.start, -max(chord.pitches)))
    voices: list[list[Written]] = []
    for chord in stacked:
        for voice in voices:
            if voice[-1].end <= chord.start:
                voice.append(chord)
                break
        else:
            voices.append([chord])
    return voices


def _filled(voice: Sequence[Written], end: Fraction) -> list[Written]:
    filled, here = [], Fraction(0)
    for chord in voice:
        if chord.start > here:
            filled.append(Written((), here, chord.start - here))
        filled.append(chord)
        here = chord.end
    if end > here:
        filled.append(Written((), here, end - here))
    return filled


def _clipped(piece: Written, measure: Measure) -> Written:
    start, end = max(piece.start, measure.start), min(piece.end, measure.end)
    sounds = bool(piece.pitches)
    return replace(
        piece,
        start=start,
        duration=end - start,
        tie_in=sounds and start > piece.start,
        tie_out=sounds and end < piece.end,
    )


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
        # A tuplet runs from a simple place in the bar to the next one that is reached by the end of a note.
        group = [piece]
        while not _binary(group[-1].end - measure.bar.start) and place + len(group) < len(pieces):
            group.append(pieces[place + len(group)])
        written += _in_tuplet(group)
        place += len(group)
    return written


def _binary(number: Fraction) -> bool:
    return number.denominator & (number.denominator - 1) == 0


def _odd(number: int) -> int:
    while number % 2 == 0:
        number //= 2
    return number


def _in_tuplet(group: Sequence[Written]) -> list[Written]:
    base = group[0].start
    actual = lcm(*(_odd((edge - base).denominator) for piece in group for edge in (piece.start, piece.end)))
    normal = 1
    while normal * 2 < actual:
        normal *= 2
    stretch = Fraction(actual, normal)
    written: list[Written] = []
    for piece in group:
        remaining, here, first = piece.duration, piece.start, True
        while remaining > 0:
            value, dots = _largest_value(remaining * stretch)
            length = _length(value, dots) / stretch
            last = length >= remaining
            written.append(
                replace(
                    piece,
                    start=here,
                    duration=length,
                    value=value,
                    dots=dots,
                    tuplet=(actual, normal),
                    tie_in=piece.tie_in if first else bool(piece.pitches),
                    tie_out=piece.tie_out if last else bool(piece.pitches),
                )
            )
            here, remaining, first = here + length, remaining - length, False
    written[0] = replace(written[0], opens=True)
    written[-1] = replace(written[-1], closes=True)
    return written


@lru_cache(maxsize=256)
def _length(value: Fraction, dots: int) -> Fraction:
    return value * (2 - Fraction(1, 2**dots))


@lru_cache(maxsize=4096)
def _largest_value(length: Fraction) -> tuple[Fraction, int]:
    """The longest note, with at most one dot, that is not longer than `length`."""
    for value in VALUES:
        for dots in (1, 0):
            if _length(value, dots) <= length:
                return value, dots
    raise ValueError(f"{length} is shorter than any note")


def _exact_value(length: Fraction) -> tuple[Fraction, int] | None:
    value, dots = _largest_value(length)
    return (value, dots) if _length(value, dots) == length else None


def _in_values(piece: Written, measure: Measure) -> Iterator[Written]:
    here, end, first = piece.start, piece.end, True
    while here < end:
        length = _next_length(
            here - measure.bar.start + _upbeat(measure), end - here, measure.bar.meter, rest=not piece.pitches
        )
        value, dots = _largest_value(length)
        length = _length(value, dots)
        last = here + length >= end
        yield replace(
            piece,
            start=here,
            duration=length,
            value=value,
            dots=dots,
            tie_in=piece.tie_in if first else bool(piece.pitches),
            tie_out=piece.tie_out if last else bool(piece.pitches),
        )
        here, first = here + length, False


def _upbeat(measure: Measure) -> Fraction:
    """A pick-up counts from where it would stand in a full bar."""
    return measure.bar.meter.bar_length - measure.bar.length if measure.bar.number == 0 else Fraction(0)


def _next_length(place: Fraction, length: Fraction, meter: Meter, *, rest: bool) -> Fraction:
    """How long the next written piece may be, for a note at `place` in the bar that still has `length` to go."""
    beat = meter.beat
    on_beat = place % beat == 0
    next_beat = (place // beat + 1) * beat
    exact = _exact_value(length)
    if place + length <= next_beat:
        if exact and (not rest or exact[1] == 0 or meter.compound or length < 1):
            return length
        # Inside a beat the smaller halves come first: off the half beat a piece may only reach to it.
        half = (place // (beat / 2) + 1) * (beat / 2) if not meter.compound else next_beat
        return min(length, half - place) if place + length > half and place % (beat / 2) else length
    if on_beat:
        if meter.compound:
            beats = length // beat
            while beats > 1 and not _exact_value(beats * beat):
                beats -= 1
            return beats * beat
        middle = meter.bar_length / 2 if meter.numerator % 2 == 0 else None
        if rest and middle is not None and 0 < place < middle < place + length:
            length = middle - place  # a rest shows the middle of the bar
            exact = _exact_value(length)
        if exact and not (rest and exact[1]):
            return length
        beats = length // beat
        while beats > 1 and (
            not _exact_value(beats * beat) or (rest and (_exact_value(beats * beat) or (0, 1))[1])
        ):
            beats -= 1
        return beats * beat
    syncopated = not rest and not meter.compound and place % (beat / 2) == 0 and length == beat
    middle = meter.bar_length / 2
    if (
        not rest
        and not meter.compound
        and length == beat * 3 / 2
        and meter.numerator % 2 == 0
        and (place + length) % (2 * beat) == 0
    ):
        return length  # short, then long, in two beats
    if syncopated and not (meter.numerator % 4 == 0 and place < middle < place + length):
        return length
    return next_beat - place


# Beams
# ------------------------------------------------------------------------------------------------------------


def beam_groups(meter: Meter) -> tuple[Fraction, ...]:
    """The stretches of a bar, in quarter notes, that beams may span."""
    eighth = Fraction(1, 2)
    uneven = {5: (3, 2), 7: (2, 2, 3), 8: (3, 3, 2), 10: (3, 2, 3, 2), 11: (3, 3, 3, 2)}
    if meter.compound and meter.denominator >= 8:
        return (meter.beat,) * (meter.numerator // 3)
    if meter.denominator == 8 and meter.numerator in uneven:
        return tuple(eighth * count for count in uneven[meter.numerator])
    unit = max(meter.beat, Fraction(1)) if meter.denominator >= 4 else Fraction(2)
    if meter.denominator > 4 and meter.bar_length % 1:
        return (meter.bar_length,)
    whole = int(meter.bar_length // unit)
    return (unit,) * whole


def _beamed(written: Sequence[Written], measure: Measure) -> list[Written]:
    result = list(written)
    edges, here = [], Fraction(0)
    for stretch in beam_groups(measure.bar.meter):
        edges.append((here, here + stretch))
        here += stretch
    edges = _widened(edges, result, measure)
    for start, end in edges:
        run: list[int] = []
        for place, note in enumerate(result):
            at = note.start - measure.bar.start + _upbeat(measure)
            if start <= at < end and note.pitches and note.value < 1 and at + note.duration <= end:
                run.append(place)
            else:
                _beam_run(result, run)
                run = []
        _beam_run(result, run)
    return result


def _widened(
    edges: list[tuple[Fraction, Fraction]], written: Sequence[Written], measure: Measure
) -> list[tuple[Fraction, Fraction]]:
    """Two beats (all three in 3/4) of nothing but eighths share a beam."""
    meter = measure.bar.meter
    if meter.compound or meter.denominator != 4:
        return edges
    span = 3 if meter.numerator == 3 else 2
    wide: list[tuple[Fraction, Fraction]] = []
    for first in range(0, len(edges), span):
        together = edges[first : first + span]
        start, end = together[0][0], together[-1][1]
        inside = [
            note for note in written if start <= note.start - measure.bar.start + _upbeat(measure) < end
        ]
        plain = all(
            note.pitches and note.value == Fraction(1, 2) and not note.dots and not note.tuplet
            for note in inside
        )
        wide += [(start, end)] if plain and inside else together
    return wide


def _beam_run(result: list[Written], run: Sequence[int]) -> None:
    if len(run) < 2:
        return
    levels = [_levels(result[place].value) for place in run]
    for position, place in enumerate(run):
        marks = []
        for level in range(1, levels[position] + 1):
            before = position > 0 and levels[position - 1] >= level
            after = position + 1 < len(run) and levels[position + 1] >= level
            if before and after:
                marks.append("continue")
            elif after:
                marks.append("begin")
            elif before:
                marks.append("end")
            else:
                marks.append("forward hook" if position == 0 else "backward hook")
        result[place] = replace(result[place], beams=tuple(marks))


def _levels(value: Fraction) -> int:
    """How many beams a note value has: 1 for an eighth."""
    levels = 0
    while value < 1:
        value *= 2
        levels += 1
    return levels


# Spelling
# ------------------------------------------------------------------------------------------------------------

SIGNS = {-2: "flat-flat", -1: "flat", 0: "natural", 1: "sharp", 2: "double-sharp"}


def spell_line(
    pitches: Sequence[int], key: Key, chords: Sequence[Chord | None] = ()
) -> list[tuple[str, int, int]]:
    """Every pitch of a line as (letter, alteration, octave).

    Tones outside of the scale that lead a half step up to the next note are raised (D# to E), those that lead
    down are lowered (Eb to D), except where the key has its own custom (`spell`): the raised fourth, the
    lowered seventh, minor's raised sixth and seventh. Others are spelled as tones of the chord that sounds
    (chords: one a pitch, or none), so that the third of E is G#.
    """
    scale = set(key.scale)
    spelled = []
    for place, pitch in enumerate(pitches):
        usual = spell(pitch, key)
        following = pitches[place + 1] if place + 1 < len(pitches) else None
        if (
            pitch % 12 not in scale
            and following is not None
            and following % 12 in scale
            and abs(following - pitch) == 1
        ):
            target = spell(following, key)
            step = -1 if following > pitch else 1
            letters = "CDEFGAB"
            index = letters.index(target[0]) + step
            letter = letters[index % 7]
            octave = target[2] + index // 7
            natural = natural_pitch(letter, octave)
            degree = (pitch - key.tonic) % 12
            custom = degree == 10 or (
                step == 1 and (degree == 6 or (key.mode == "minor" and degree in (9, 11)))
            )
            if abs(pitch - natural) <= 1 and not custom:
                usual = (letter, pitch - natural, octave)
        elif pitch % 12 not in scale and chords and (chord := chords[place]):
            usual = _as_chord_tone(pitch, chord) or usual
        spelled.append(usual)
    return spelled


_CHORD_STEPS = {0: 0, 3: 2, 4: 2, 6: 4, 7: 4, 8: 4, 9: 6, 10: 6, 11: 6}
"""Half steps above the root -> letters above the root."""


def _as_chord_tone(pitch: int, chord: Chord) -> tuple[str, int, int] | None:
    above = (pitch - chord.root_class) % 12
    if above not in {tone % 12 for tone in chord.kind.tones} or above not in _CHORD_STEPS:
        return None
    letters = "CDEFGAB"
    letter = letters[(letters.index(chord.root[0]) + _CHORD_STEPS[above]) % 7]
    alter = (pitch - natural_pitch(letter, 4) + 6) % 12 - 6
    return (letter, alter, (pitch - alter) // 12 - 1) if abs(alter) <= 1 else None


def _spell(measures: Sequence[Measure], score: Score) -> None:
    """Names and accidentals: a sign holds to the end of its bar, and a tied note needs none."""
    voices = max((len(measure.voices) for measure in measures), default=0)
    names: dict[tuple[int, int, int, int], tuple[str, int, int]] = {}
    for voice in range(voices):
        line = []
        for place, measure in enumerate(measures):
            if voice < len(measure.voices):
                line += [
                    (place, voice, item, rank, pitch, measure.key)
                    for item, written in enumerate(measure.voices[voice])
                    for rank, pitch in enumerate(written.pitches)
                ]
        for key, run in _runs_by_key(line):
            tops = [entry for entry in run if entry[3] == 0]
            chords = [_chord_at(score, measures[entry[0]].voices[voice][entry[2]].start) for entry in tops]
            for entry, name in zip(tops, spell_line([entry[4] for entry in tops], key, chords), strict=True):
                names[entry[:4]] = name
            for entry in run:
                names.setdefault(entry[:4], spell(entry[4], key))
    held: dict[tuple[int, int], tuple[str, int, int]] = {}
    for place, measure in enumerate(measures):
        in_force = {
            (letter, octave): alter
            for letter, alter in measure.key.signature.items()
            for octave in range(-2, 11)
        }
        order = sorted(
            (
                (written.start, voice, item)
                for voice, line in enumerate(measure.voices)
                for item, written in enumerate(line)
            ),
        )
        for _, voice, item in order:
            written = measure.voices[voice][item]
            spelled, signs = [], []
            for rank, pitch in enumerate(written.pitches):
                name = names[place, voice, item, rank]
                if written.tie_in and (voice, pitch) in held:
                    name = held[voice, pitch]
                letter, alter, octave = name
                if in_force[letter, octave] == alter or (written.tie_in and (voice, pitch) in held):
                    signs.append("")
                else:
                    signs.append(SIGNS[alter])
                    in_force[letter, octave] = alter
                held[voice, pitch] = name
                spelled.append(name)
            measure.voices[voice][item] = replace(written, spelled=tuple(spelled), accidentals=tuple(signs))


def _chord_at(score: Score, place: Fraction) -> Chord | None:
    found = bisect_right(score.chords, place, key=lambda chord: chord.start)
    try:
        return parse_chord(score.chords[found - 1].symbol) if found else None
    except Unreadable:
        return None


def _runs_by_key(
    line: Iterable[tuple[int, int, int, int, int, Key]],
) -> Iterator[tuple[Key, list[tuple[int, int, int, int, int, Key]]]]:
    run: list[tuple[int, int, int, int, int, Key]] = []
    for entry in line:
        if run and run[-1][5] != entry[5]:
            yield run[-1][5], run
            run = []
        run.append(entry)
    if run:
        yield run[-1][5], run


def clef_of(notes: Sequence[Note]) -> tuple[str, int, int]:
    """(sign, line, octave change) of the clef with the fewest ledger lines: treble, treble 8 lower, or bass."""
    pitches = [note.pitch for note in notes if note.pitch is not None]
    mean = sum(pitches) / len(pitches) if pitches else 71
    if mean >= 59:
        return ("G", 2, 0)
    return ("F", 4, 0)
