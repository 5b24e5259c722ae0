"""From the parts of a MusicXML score to one tune: the melody, with everything that belongs to it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import NamedTuple
from xml.etree.ElementTree import Element

from studio.errors import Unreadable
from studio.music.reading.assembling import (
    FoundNote,
    FoundTune,
    PartLine,
    SignatureAt,
    assemble,
    barred,
    choose_melody,
    remarks_on,
)
from studio.music.reading.budget import ReadingBudget
from studio.music.reading.musicxml_harmony import FoundHarmony, PlacedChords, placed
from studio.music.reading.musicxml_parts import PartMeasure, Sounding, StaffMeasure, XmlPart, parts_of
from studio.music.reading.musicxml_repeats import PlayOrder, marks_of, play_order
from studio.music.reading.musicxml_words import FoundLyric, words_under
from studio.music.scores.bars import Grid, Repeat
from studio.music.scores.keys import Key, KeyAt
from studio.music.scores.meters import Meter
from studio.music.scores.tunes import Tune


def tune_of(root: Element, name: str, budget: ReadingBudget) -> tuple[Tune, list[str]]:
    """The melody of a parsed score, and the remarks on it.

    name: of the file. Raises `Unreadable` for a score without music, or longer than the budget allows.
    """
    return _XmlScore(root, parts_of(root), name).tune(budget)


class _StaffLine(NamedTuple):
    """One staff of one part."""

    part: XmlPart
    staff: int
    line: PartLine


class _XmlScore:
    """A parsed score on its way to a tune."""

    def __init__(self, root: Element, parts: Sequence[XmlPart], name: str) -> None:
        self.root, self.parts, self.name = root, parts, name
        self.lines = [_line_of(part, staff) for part in parts for staff in part.staves]

    def tune(self, budget: ReadingBudget) -> tuple[Tune, list[str]]:
        """The melody as a tune, with the remarks on it."""
        melody = self._melody()
        order = self._order(melody.part)
        lengths = self._lengths(melody.part)
        starts = [Fraction(0)]
        for number in order.measures:
            starts.append(starts[-1] + lengths[number])
        if starts[-1] > budget.quarters:
            raise Unreadable(
                f"{self.name} lasts longer than {budget.quarters:,} quarter notes; cut it into smaller files."
            )
        return _Laid(self, melody, order, lengths, starts).tune(budget)

    def _melody(self) -> _StaffLine:
        has_chords = any(measure.harmonies for part in self.parts for measure in part.measures)
        if has_chords and not any(each.line.count for each in self.lines):
            return self.lines[0]  # a sheet of chords
        chosen = choose_melody([each.line for each in self.lines], self.name)
        return next(each for each in self.lines if each.line is chosen)

    def _order(self, part: XmlPart) -> PlayOrder:
        """What the melody's part says about repeats; where it says nothing, another part."""
        for each in (part, *self.parts):
            if len(each.measures) == len(part.measures):
                marks = marks_of([measure.element for measure in each.measures])
                if any(mark.opens or mark.times for mark in marks):
                    return play_order(marks)
        return PlayOrder(list(range(len(part.measures))))

    def _lengths(self, part: XmlPart) -> list[Fraction]:
        """How long each measure lasts: as long as its notes, and up to a full bar as long as those of other
        parts; a full bar where nobody has anything.
        """
        alike = [each for each in self.parts if len(each.measures) == len(part.measures)]
        lengths = []
        for number, measure in enumerate(part.measures):
            full = measure.meter.bar_length if measure.meter else Fraction(4)
            longest = max(each.measures[number].length for each in alike)
            length = max(measure.length, min(longest, full))
            if number + 1 == len(part.measures) and measure.filled:
                length = measure.filled  # nothing follows that would have to wait
            lengths.append(_not_rounded(length, full))
        return lengths


def _not_rounded(longest: Fraction, full: Fraction) -> Fraction:
    """The length of a measure: a full bar where its contents miss that only because they were rounded."""
    apart = abs(longest - full)
    rounded = apart < Fraction(1, 2) and (apart * 16).denominator > 1 and (apart * 12).denominator > 1
    return full if rounded or not longest else longest


def _line_of(part: XmlPart, staff: int) -> _StaffLine:
    """The melody of a staff, to choose by: its notes stand at their places in their measures."""
    line = PartLine(part.name)
    for measure in part.measures:
        here = measure.staves.get(staff)
        if here is None:
            continue
        line.percussion |= here.percussion
        for note in _melody_in(here).notes:
            line.notes.append(FoundNote(note.start, note.start + note.length, note.pitch, note.tied))
    return _StaffLine(part, staff, line)


class _VoiceBar(NamedTuple):
    """The melody of one staff in one measure. left: sounding notes of other voices. moved: the first voice is
    silent, so another one is the melody.
    """

    notes: list[Sounding]
    voice: str
    left: int
    moved: bool


def _melody_in(staff: StaffMeasure) -> _VoiceBar:
    """The voice of a measure that is the melody: the first one that sounds."""
    voices: dict[str, list[Sounding]] = {}
    counts: dict[str, int] = {}
    for note in staff.notes:
        voices.setdefault(note.voice, []).append(note)
        counts[note.voice] = counts.get(note.voice, 0) + (note.pitch is not None)
    if not voices:
        return _VoiceBar([], "", 0, False)
    ordered = sorted(voices, key=lambda voice: (len(voice), voice))
    chosen = next((voice for voice in ordered if counts[voice]), ordered[0])
    left = sum(counts.values()) - counts[chosen]
    return _VoiceBar(voices[chosen], chosen, left, chosen != ordered[0])


@dataclass
class _Gathered:
    """What the melody's measures hold, at their places in the piece."""

    line: PartLine
    bars: list[tuple[Fraction, Meter | None]] = field(default_factory=list)
    keys: list[KeyAt | SignatureAt] = field(default_factory=list)
    odd_keys: int = 0
    ends: set[Fraction] = field(default_factory=set)
    lyrics: list[tuple[Fraction, FoundLyric, bool]] = field(default_factory=list)
    cues: int = 0
    left: int = 0
    moved: int = 0
    jumps: int = 0


class _Laid:
    """A score whose measures have been laid out in order."""

    def __init__(
        self,
        score: _XmlScore,
        melody: _StaffLine,
        order: PlayOrder,
        lengths: Sequence[Fraction],
        starts: Sequence[Fraction],
    ) -> None:
        self.score, self.melody, self.order = score, melody, order
        self.lengths, self.starts = lengths, starts

    def tune(self, budget: ReadingBudget) -> tuple[Tune, list[str]]:
        gathered = self._gathered()
        chords = placed([list(self._harmonies(part)) for part in self.score.parts])
        remarks = remarks_on(gathered.line, len(self.score.lines), chords.unread)
        remarks += _more_remarks(gathered, chords, self.order, self.melody.part)
        title, composer = _title_and_composer(self.score.root)
        found = FoundTune(
            gathered.line,
            Grid.of_bars(barred(gathered.bars)),
            self.starts[-1],
            keys=gathered.keys,
            chords=chords.chords,
            repeats=self._repeats(),
            phrase_ends=sorted(gathered.ends),
            title=title,
            composer=composer,
            tempo=self._tempo(),
            remarks=remarks,
        )
        tune = assemble(found, self.score.name, budget)
        late = sum(chord.start >= tune.end for chord in chords.chords)
        if late:
            remarks.append(f"Chord symbols after the last note left out: {late}.")
        words, joined, lost = words_under(tune.notes, gathered.lyrics)
        if joined:
            remarks.append(f"Syllables put together because they stand under one tied note: {joined}.")
        if lost:
            remarks.append(f"Syllables left out because they stand under no note of the melody: {lost}.")
        return replace(tune, words=words), remarks

    def _measures(self, part: XmlPart) -> Iterator[tuple[Fraction, Fraction, PartMeasure]]:
        """(start, length, measure) in the order of the layout."""
        for start, number in zip(self.starts, self.order.measures, strict=False):
            if number < len(part.measures):
                yield start, self.lengths[number], part.measures[number]

    def _gathered(self) -> _Gathered:
        into = _Gathered(PartLine(self.melody.line.name))
        for start, length, measure in self._measures(self.melody.part):
            into.bars.append((length, measure.meter))
            into.jumps += measure.jumps
            for place, fifths, mode in measure.keys:
                if fifths is None:
                    into.odd_keys += 1
                elif mode:
                    into.keys.append(KeyAt(start + place, Key(fifths, mode)))
                else:
                    into.keys.append(SignatureAt(start + place, fifths))
            staff = measure.staves.get(self.melody.staff)
            if staff:
                _gather_staff(into, start, staff)
        return into

    def _harmonies(self, part: XmlPart) -> Iterator[tuple[Fraction, FoundHarmony, Fraction]]:
        for start, _, measure in self._measures(part):
            beat = measure.meter.beat if measure.meter else Fraction(1)
            for harmony in measure.harmonies:
                yield start, harmony, beat

    def _repeats(self) -> list[Repeat]:
        at: dict[int, Fraction] = {}
        for start, number in zip(self.starts, self.order.measures, strict=False):
            at.setdefault(number, start)
        ends = {number: at[number] + self.lengths[number] for number in at}
        return [
            Repeat(at[first], ends[end - 1], None if ending is None else at[ending], times)
            for first, end, ending, times in self.order.repeats
            if at[first] < ends[end - 1] and (ending is None or at[first] <= at[ending])
        ]

    def _tempo(self) -> float:
        """The first tempo of the piece, in quarter notes a minute; 120 where none is given."""
        marks = (
            (start + place, tempo)
            for part in self.score.parts
            for start, _, measure in self._measures(part)
            for place, tempo in measure.tempos
        )
        first = min(marks, key=lambda mark: mark[0], default=None)
        return first[1] if first else 120.0


def _gather_staff(into: _Gathered, start: Fraction, staff: StaffMeasure) -> None:
    melody = _melody_in(staff)
    for note in melody.notes:
        place = start + note.start
        into.line.notes.append(FoundNote(place, place + note.length, note.pitch, note.tied))
        into.line.stacked += note.stacked
        if note.fermata and note.pitch is not None:
            into.ends.add(place + note.length)
    into.line.grace += staff.graces
    into.cues += staff.cues
    into.left += melody.left
    into.moved += melody.moved
    into.lyrics += [(start + each.place, each, each.voice == melody.voice) for each in staff.lyrics]


def _more_remarks(gathered: _Gathered, chords: PlacedChords, order: PlayOrder, part: XmlPart) -> list[str]:
    """What else was left out, moved or decided."""
    remarks = []
    if not gathered.line.count:
        remarks.append("There is no melody; this is a sheet of chords.")
    for semitones in part.transposed:
        where = "above" if semitones > 0 else "below"
        remarks.append(
            f"The part is written for a transposing instrument; it was read as it sounds, {abs(semitones)} "
            f"semitone{'s' * (abs(semitones) > 1)} {where} what is written."
        )
    for count, sentence in (
        (gathered.moved, "Bars in which the first voice is silent and another one is the melody"),
        (gathered.left, "Notes of other voices left out"),
        (gathered.cues, "Cue notes left out"),
        (gathered.odd_keys, "Key signatures that belong to no key left out"),
        (gathered.jumps, "Jumps (D.C., D.S.) that are not followed"),
        (order.written_out, "Repeats with several endings written out"),
        (chords.moved, "Chord symbols that stood together and were spread over the note below them"),
        (chords.merged, "Equal chord symbols at one place taken as one"),
        (chords.clashing, "Chord symbols of another part at the same place left out"),
    ):
        if count:
            remarks.append(f"{sentence}: {count}.")
    return remarks


def _title_and_composer(root: Element) -> tuple[str, str]:
    title = _text(root.find("work/work-title")) or _text(root.find("movement-title"))
    composer = ""
    for creator in root.iterfind("identification/creator"):
        if creator.get("type") == "composer" and not composer:
            composer = _text(creator)
    if not title:
        for credit in root.iterfind("credit"):
            if _text(credit.find("credit-type")) == "title":
                title = title or _text(credit.find("credit-words"))
    # Some programs give the name of the file.
    return re.sub(r"\.(mxl|xml|musicxml)$", "", title), composer


def _text(element: Element | None) -> str:
    return " ".join((element.text or "").split()) if element is not None else ""
