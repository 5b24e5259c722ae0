"""From the notes of a file to a tune: which part is the melody, one note at a time, in which key.

This is what all formats have in common; `abc`, `midi` and `music21_streams` find the notes.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import zip_longest
from math import lcm
from typing import NamedTuple

from studio.errors import Unreadable
from studio.music.reading.budget import OfMelody, ReadingBudget
from studio.music.reading.found_words import FoundLyric, words_under
from studio.music.reading.key_finding import estimate_key
from studio.music.reading.pieces import READING_RULES
from studio.music.scores.bars import Grid, Repeat
from studio.music.scores.chords import ChordAt, parse_chord
from studio.music.scores.clefs import Clef, clefs_after
from studio.music.scores.jumps import TARGETS, JumpMark
from studio.music.scores.keys import Key, KeyAt
from studio.music.scores.meters import Meter
from studio.music.scores.notes import HELD_BELOW, Note
from studio.music.scores.scores import ControlAt, Part, TempoAt
from studio.music.scores.tunes import Tune

MELODY_NAMES = re.compile(
    r"melod|voice|vocal|voix|sopran|cantus|canto|superius|\blead\b|\btune\b|stimme|gesang|discant|treble"
    r"|violin i\b",
    re.I,
)
"""A part with such a name is the melody."""


NO_MELODY = "There is no melody; this is a sheet of chords."


OTHER_VOICES = "Notes of other voices left out"
FIRST_SILENT = "Bars in which the first voice is silent and another one is the melody"
TEMPO_CHANGES = "The tempo changes; only the first one was kept."

MOST_TEMPI = 200
"""Changes of tempo that a score keeps: a file with more follows somebody who plays freely."""


def tempi_after(tempos: Iterable[tuple[Fraction, float]]) -> tuple[TempoAt, ...]:
    """The changes of tempo after the first one, of (place, quarter notes a minute); none where they are too
    many to be written.
    """
    ordered = sorted(tempos, key=lambda each: each[0])
    found: list[TempoAt] = []
    now = ordered[0][1] if ordered else 0.0
    for place, tempo in ordered:
        if round(tempo - now, 2) and place > ordered[0][0]:
            if found and found[-1].start == place:
                found.pop()
            found.append(TempoAt(place, tempo))
            now = tempo
    return tuple(found) if len(found) <= MOST_TEMPI else ()


def on_tempi(kept: Sequence[TempoAt]) -> str:
    """The remark that the tempo changes; where a score keeps them, it is one on the melody alone."""
    return OfMelody(TEMPO_CHANGES) if kept else TEMPO_CHANGES


class FoundNote(NamedTuple):
    """A note as a file has it, in quarter notes. pitch: None for a rest. tied: to the note before it. alter,
    voice: see `Note`.
    """

    start: Fraction
    end: Fraction
    pitch: int | None
    tied: bool
    alter: int | None = None
    voice: int = 0


@dataclass
class PartLine:
    """One part while it is read. notes: in any order. others: those that are not in the melody line, below
    the top of a chord or in another voice. grace: how many grace notes it has. stacked: how many chords.
    lead: the file says that it is the melody. out_of_range: how many notes no MIDI pitch has. sung: how many
    of its notes have a syllable of their own. shared: how many of its notes stand there twice, and unsung:
    how many syllables were put together or left out, once it is a part. program, controls, clef: of that
    part. clefs: all that stand in it, (place, clef).
    """

    name: str = ""
    notes: list[FoundNote] = field(default_factory=list)
    others: list[FoundNote] = field(default_factory=list)
    percussion: bool = False
    grace: int = 0
    stacked: int = 0
    out_of_range: int = 0
    sung: int = 0
    shared: int = 0
    unsung: int = 0
    lead: bool = False
    program: int = 0
    controls: tuple[ControlAt, ...] = ()
    clef: Clef | None = None
    clefs: list[tuple[Fraction, Clef]] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many notes sound."""
        return sum(note.pitch is not None for note in self.notes)

    @property
    def struck(self) -> int:
        """How many notes begin; a tied one began before."""
        return sum(note.pitch is not None and not note.tied for note in self.notes)

    @property
    def height(self) -> float:
        """The mean pitch."""
        pitches = [note.pitch for note in self.notes if note.pitch is not None]
        return sum(pitches) / len(pitches) if pitches else 0.0


@dataclass(frozen=True)
class SignatureAt:
    """A key signature without a mode. fifths: sharps, or flats counted below 0."""

    start: Fraction
    fifths: int


@dataclass
class FoundTune:
    """What a reader found in a file, before it becomes a `Tune`.

    line: the melody. end: of the music, in quarter notes; rests fill the time after the last note. keys: with
    a mode, or a signature alone, in any order. remarks: sentences on what was left out or chosen.
    """

    line: PartLine
    grid: Grid
    end: Fraction
    keys: Sequence[KeyAt | SignatureAt] = ()
    chords: Sequence[ChordAt] = ()
    repeats: Sequence[Repeat] = ()
    jumps: Sequence[JumpMark] = ()
    phrase_ends: Sequence[Fraction] = ()
    title: str = ""
    composer: str = ""
    tempo: float = 120.0
    remarks: list[str] = field(default_factory=list)


def choose_melody(lines: Sequence[PartLine], name: str, rules: str = READING_RULES) -> PartLine:
    """The part that is the melody, by the rule in the docstring of `readers`.

    name: of the file. rules: see READING_RULES. Raises `Unreadable` where no part has pitches.
    """
    tonal = [line for line in lines if line.count and not line.percussion]
    if not tonal:
        if any(line.count for line in lines):
            raise Unreadable(f"{name} has only drums; choose a file with a melody.")
        raise Unreadable(f"{name} has no notes in it; choose a file with a melody.")
    busiest = max(line.count for line in tonal)
    if told := next((line for line in tonal if line.lead), None):
        return told
    for line in tonal:
        if MELODY_NAMES.search(line.name) and line.count * 8 >= busiest:
            return line
    top = max((line for line in tonal if line.count * 3 >= busiest), key=lambda line: line.height)
    return top if rules < "3" else _sung_instead([line for line in tonal if line.count * 3 >= busiest], top)


def _sung_instead(lines: Sequence[PartLine], top: PartLine) -> PartLine:
    """The highest part that is sung, where the highest of all is an accompaniment: it has no words. One that
    moves with a sung part, above it, is a soprano whose words are printed below the alto.
    """
    if top.sung:
        return top
    sung = [line for line in lines if 2 * line.sung >= line.struck]
    if not sung:
        return top
    voice = max(sung, key=lambda line: line.height)
    together = 0.8 * voice.struck <= top.struck <= 1.25 * voice.struck
    return top if together and top.height > voice.height + 1.5 else voice


def sung_in(syllables: Iterable[tuple[object, str]]) -> int:
    """At how many places there is a syllable to sing, given as (place, text). Figures of a thorough bass,
    which some programs keep as words, are none.
    """
    return len({place for place, text in syllables if any(letter.isalpha() for letter in text)})


def remarks_on(
    chosen: PartLine, parts: int, unread_chords: Sequence[str] = (), *, staff: int | None = None
) -> list[str]:
    """What to say about a melody: which of the parts it is, and what was left out of it.

    unread_chords: symbols that could not be understood. staff: of a part that has several, where the melody
    stands.
    """
    remarks: list[str] = []
    if parts > 1 and (chosen.name or staff):
        where = [repr(chosen.name)] * bool(chosen.name) + [f"staff {staff}"] * bool(staff)
        remarks.append(OfMelody(f"The melody was taken from {', '.join(where)}, one of {parts} parts."))
    elif parts > 1:
        remarks.append(OfMelody(f"The melody was taken from the highest of {parts} parts."))
    if chosen.grace:
        remarks.append(f"Grace notes left out: {chosen.grace}.")
    if chosen.stacked:
        remarks.append(OfMelody(f"Chords reduced to their top note: {chosen.stacked}."))
    if chosen.out_of_range:
        remarks.append(f"Notes outside the range of MIDI left out: {chosen.out_of_range}.")
    if unread_chords:
        some = ", ".join(repr(symbol) for symbol in list(dict.fromkeys(unread_chords))[:5])
        remarks.append(
            f"Chord symbols that could not be read and were left out ({len(unread_chords)}): {some}."
        )
    return remarks


def without_meter(meter: Meter) -> str:
    """What to say about music that states that it has no meter."""
    return f"The music is written without a meter, at least in part; those bars were read in {meter}."


def assemble(found: FoundTune, name: str, budget: ReadingBudget) -> Tune:
    """Make a tune of what was found: one note at a time, rests in the gaps, every key with a mode.

    Adds to `found.remarks`. name: of the file, becomes the tune's id. Raises `Unreadable` for music that
    lasts longer than the budget allows.
    """
    if found.end > budget.quarters or any(note.end > budget.quarters for note in found.line.notes):
        raise Unreadable(
            f"{name} lasts longer than {budget.quarters:,} quarter notes; split it into smaller files."
        )
    notes = one_at_a_time(found.line.notes, found.end)
    while notes and notes[-1].pitch is None and notes[-1].start >= found.end:
        notes.pop()
    end = notes[-1].end
    meters = tuple(change for change in found.grid.meters if change.start < end)
    return Tune(
        tuple(notes),
        replace(found.grid, meters=meters or found.grid.meters[:1]),
        tuple(change for change in _keys_with_modes(found, notes) if change.start < end),
        tuple(chord for chord in found.chords if chord.start < end),
        tuple(repeat for repeat in found.repeats if repeat.end <= end),
        tuple(place for place in found.phrase_ends if place <= end),
        found.title[:300],
        found.composer[:300],
        found.tempo,
        name,
        jumps=tuple(
            mark for mark in found.jumps if (mark.start < end if mark.kind in TARGETS else mark.start <= end)
        ),
    )


def one_at_a_time(found: Iterable[FoundNote], end: Fraction) -> list[Note]:
    """One line from notes that may overlap.

    Of notes that begin together the top one is kept, and each note ends where the next begins. Tied notes are
    joined, and rests fill the gaps up to `end`.
    """
    found = list(found)
    # In whole numbers, of which a quarter note has `parts`: fractions are slow.
    parts = lcm(end.denominator, *{time.denominator for note in found for time in (note.start, note.end)})
    exact: dict[int, Fraction] = {}

    def whole(time: Fraction) -> int:
        return time.numerator * (parts // time.denominator)

    def quarters(time: int) -> Fraction:
        known = exact.get(time)
        if known is None:
            known = exact[time] = Fraction(time, parts)
        return known

    tops: dict[int, FoundNote] = {}
    for note in found:
        place = whole(note.start)
        before = tops.get(place)
        if before is None or _height(note) > _height(before):
            tops[place] = note
    lines: list[_Whole] = []
    starts = sorted(tops)
    last = 0
    for start, following in zip_longest(starts, starts[1:]):
        _, note_end, pitch, tied, alter, _ = tops[start]
        stop = whole(note_end)
        if following is not None and following < stop:
            stop = following
        if start > last:
            _rest(lines, last, start)
        if pitch is None:
            _rest(lines, start, stop)
        elif tied and lines and lines[-1][2] == pitch and lines[-1][1] == start:
            lines[-1] = (lines[-1][0], stop, pitch, lines[-1][3])
        else:
            lines.append((start, stop, pitch, alter))
        last = stop
    if whole(end) > last:
        _rest(lines, last, whole(end))
    return [
        Note(pitch, quarters(start), quarters(stop - start), alter=alter)
        for start, stop, pitch, alter in lines
    ]


_Whole = tuple[int, int, int | None, int | None]
"""The start, end and pitch of a note, in whole numbers, and how it is spelled."""


def _rest(lines: list[_Whole], start: int, stop: int) -> None:
    """A rest, which joins the one before it."""
    if lines and lines[-1][2] is None:
        lines[-1] = (lines[-1][0], stop, None, None)
    else:
        lines.append((start, stop, None, None))


def part_of(line: PartLine, lyrics: Sequence[tuple[Fraction, FoundLyric, bool]] = ()) -> Part:
    """All notes of a line as a part, tied ones joined, with its words (see `words_under`)."""
    sounding = [note for note in (*line.notes, *line.others) if note.pitch is not None]
    found = sorted(set(sounding), key=_by_pitch)
    line.shared += len(sounding) - len(found)
    notes: list[Note] = []
    latest: dict[int, dict[int, int]] = {}  # pitch -> voice -> number of its last note
    for start, end, pitch, tied, alter, voice in found:
        assert pitch is not None
        by_voice = latest.setdefault(pitch, {})
        before = by_voice.get(voice)
        if before is not None and notes[before].start == start:
            line.shared += 1
            continue  # of two notes that are one, the longer counts
        if tied and (before is None or notes[before].end != start):
            # A tie may lead into another voice.
            before = next((each for each in by_voice.values() if notes[each].end == start), before)
        if before is not None and tied and notes[before].end == start:
            notes[before] = replace(notes[before], duration=end - notes[before].start)
            by_voice[voice] = before
            continue
        if before is not None and notes[before].end > start:
            # One voice cannot sound a pitch twice at a time: it is struck again.
            notes[before] = replace(notes[before], duration=start - notes[before].start)
        by_voice[voice] = len(notes)
        notes.append(Note(pitch, start, end - start, alter=alter, voice=voice))
    ends = max((note.end for note in notes), default=Fraction(0))
    tops = one_at_a_time([FoundNote(note.start, note.end, note.pitch, False) for note in notes], ends)
    words, joined, left = words_under(tops, lyrics)
    line.unsung = joined + left
    several = line.others or any(note.voice for note in notes)
    voiced = _in_voices(notes, line) if several else notes
    return Part(
        tuple(voiced),
        line.name[:300],
        line.program,
        line.percussion,
        words=words,
        lead=line.lead,
        controls=line.controls,
        clef=None if line.percussion else line.clef,
        clef_changes=() if line.percussion else clefs_after(line.clef, line.clefs),
    )


def remarks_on_parts(lines: Sequence[PartLine]) -> list[str]:
    """What to say about what lines lost when they became parts."""
    shared, unsung = sum(line.shared for line in lines), sum(line.unsung for line in lines)
    remarks = [f"Notes that stand twice in one voice, kept once: {shared}."] if shared else []
    if unsung and len(lines) > 1:
        remarks.append(f"Syllables put together or left out in the parts: {unsung}.")
    return remarks


def _in_voices(notes: Sequence[Note], line: PartLine) -> list[Note]:
    """The notes of a line, where voice 0 holds its leading line and the chords below that; what else sounds
    is in other voices.
    """
    leading = [note for note in line.notes if note.voice == 0]
    ends = max((note.end for note in leading), default=Fraction(0))
    leads = {note.start: note for note in one_at_a_time(leading, ends) if note.pitch is not None}
    by_rank = sorted(notes, key=lambda note: -note.voice)  # where voices meet, the leading one counts
    lasting = {(note.start, note.pitch): note.duration for note in by_rank}
    own = {(note.start, note.pitch) for note in notes if note.voice == 0}
    voiced = []
    for note in notes:
        top, voice = leads.get(note.start), max(1, note.voice)
        doubles = note.voice > 0 and (note.start, note.pitch) in own
        if top and (note.pitch or 0) <= (top.pitch or 0) and not doubles:
            if note.duration == top.duration:
                voice = 0
            elif top.duration < note.duration == lasting.get((top.start, top.pitch)):
                voice = HELD_BELOW
        voiced.append(note if note.voice == voice else replace(note, voice=voice))
    return voiced


def _by_pitch(note: FoundNote) -> tuple[Fraction, int, Fraction, int, int]:
    return note.start, note.pitch or 0, -note.end, note.voice, note.alter or 0


def _height(note: FoundNote) -> int:
    return -1 if note.pitch is None else note.pitch


def barred(bars: Sequence[tuple[Fraction, Meter | None]]) -> list[tuple[Fraction, Meter]]:
    """Bars as (length, meter), where those without a meter get the one that fits their most common length."""
    common = Counter(length for length, meter in bars if meter is None and length > 0).most_common(1)
    fallback = _meter_of_length(common[0][0]) if common else Meter(4, 4)
    return [(length, meter or fallback) for length, meter in bars]


def _meter_of_length(length: Fraction) -> Meter:
    for denominator in (4, 8, 16, 32):
        numerator = length * denominator / 4
        if numerator.denominator == 1 and 2 <= numerator <= 12:
            return Meter(int(numerator), denominator)
    return Meter(4, 4)


def _keys_with_modes(found: FoundTune, notes: Sequence[Note]) -> list[KeyAt]:
    """The keys of a tune. A signature without a mode gets one from the notes it holds for, and where no key
    is given from the start the notes decide.
    """
    ordered = sorted(found.keys, key=lambda each: each.start)
    if not ordered or ordered[0].start > 0:
        first = ordered[0].start if ordered else None
        key = estimate_key([note for note in notes if first is None or note.start < first])
        found.remarks.append(f"No key is given; judging by the notes it is {key}.")
        ordered.insert(0, KeyAt(Fraction(0), key))
    starts = [each.start for each in ordered] + [notes[-1].end]
    complete: list[KeyAt] = []
    for each, end in zip(ordered, starts[1:], strict=True):
        if isinstance(each, SignatureAt):
            inside = [note for note in notes if each.start <= note.start < end]
            key = estimate_key(inside, each.fifths, _root_before(found.chords, end))
            each = KeyAt(each.start, key)
        if complete and complete[-1].start == each.start:
            complete[-1] = each
        elif not complete or complete[-1].key != each.key:
            complete.append(each)
    return complete


def _root_before(chords: Sequence[ChordAt], end: Fraction) -> int | None:
    """The root of the last chord before a place, as a pitch class."""
    last = [chord.symbol for chord in chords if chord.start < end][-1:]
    chord = parse_chord(last[0]) if last else None
    return chord.root_class if chord else None


def in_minor_if_so(tune: Tune, remarks: list[str]) -> Tune:
    """The tune in the relative minor, where its ending and its notes agree on that. Adds to the remarks."""
    minor = Key(tune.key.fifths, "minor")
    chord = parse_chord(tune.chords[-1].symbol) if tune.chords else None
    last = (tune.sounding[-1].pitch or 0) if tune.sounding else -1
    ends_there = last % 12 == minor.tonic and (chord is None or chord.root_class == minor.tonic)
    if (
        len(tune.keys) == 1
        and tune.mode == "major"
        and ends_there
        and estimate_key(tune.notes, minor.fifths, minor.tonic) == minor
    ):
        remarks.append(f"The file says {tune.key}, but the tune ends in {minor}, so it was read as {minor}.")
        return replace(tune, keys=(KeyAt(Fraction(0), minor),))
    return tune
