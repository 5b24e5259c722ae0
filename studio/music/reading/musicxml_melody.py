"""From the parts of a MusicXML score to one tune: the melody, with everything that belongs to it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple
from xml.etree.ElementTree import Element

from studio.errors import Unreadable
from studio.music.reading.assembling import (
    FIRST_SILENT,
    NO_MELODY,
    OTHER_VOICES,
    TEMPO_CHANGES,
    FoundNote,
    FoundTune,
    PartLine,
    SignatureAt,
    assemble,
    barred,
    choose_melody,
    on_tempi,
    part_of,
    remarks_on,
    remarks_on_parts,
    sung_in,
    tempi_after,
    without_meter,
)
from studio.music.reading.budget import OfMelody, Reading, ReadingBudget
from studio.music.reading.chord_symbols import PrintedSymbol, read_symbols
from studio.music.reading.found_words import FoundLyric, borrowed, words_under
from studio.music.reading.jumps import FoundJumps, settled
from studio.music.reading.musicxml_parts import (
    PartMeasure,
    Sounding,
    StaffMeasure,
    XmlPart,
    jumps_of,
    number_of,
    own_field,
    parts_of,
)
from studio.music.reading.musicxml_repeats import Marks, marks_of, remarks_on_times, repeats_of
from studio.music.reading.pieces import READING_RULES
from studio.music.scores.bars import Grid
from studio.music.scores.chords import PLAIN
from studio.music.scores.jumps import BACK, FINE, JumpMark
from studio.music.scores.keys import Key, KeyAt
from studio.music.scores.meters import Meter
from studio.music.scores.scores import ScoreMarks
from studio.music.scores.tunes import Tune


def read_score(
    root: Element,
    name: str,
    budget: ReadingBudget,
    *,
    parts: bool = False,
    ours: bool = False,
    rules: str = READING_RULES,
) -> Reading:
    """The melody of a parsed score.

    name: of the file. parts: all its parts too. ours: the studio wrote it, so that each of its parts is one.
    rules: see READING_RULES.
    Raises `Unreadable` for a score without music, or longer than the budget allows.
    """
    laid = _XmlScore(
        root, parts_of(root, written_out=rules >= "4", chords=rules >= "5"), name, rules, ours=ours
    ).laid_out(budget)
    tune, remarks = laid.tune(budget, parts=parts)
    if not parts:
        return Reading((tune,), tuple(remarks))
    lines = laid.lines(split=not ours)
    kept = tuple(part_of(line, lyrics) for line, lyrics in lines)
    remarks += remarks_on_parts([line for line, _ in lines])
    return Reading((tune,), tuple(remarks), parts=(kept,), marks=(laid.marks(),))


class _StaffLine(NamedTuple):
    """One staff of one part."""

    part: XmlPart
    staff: int
    line: PartLine

    @property
    def staves(self) -> list[StaffMeasure]:
        """The staff in each measure that has something on it."""
        return [each.staves[self.staff] for each in self.part.measures if self.staff in each.staves]


NO_STAFF = 0
"""The number of a staff that no part has."""


class _XmlScore:
    """A parsed score on its way to a tune."""

    def __init__(
        self, root: Element, parts: Sequence[XmlPart], name: str, rules: str, *, ours: bool = False
    ) -> None:
        self.root, self.parts, self.name, self.rules, self.ours = root, parts, name, rules, ours
        self.lines = [self._line_of(part, staff) for part in parts for staff in part.staves]

    @property
    def joins_bars(self) -> bool:
        """Whether measures that are not counted go on with the bar before, as the studio writes a bar in
        which an ending begins.
        """
        return self.ours and self.rules >= "4"

    def melodies(self, staves: Sequence[StaffMeasure]) -> list[_VoiceBar]:
        """The melody of a staff, measure by measure: the first voice that sounds, but none that only holds
        a note of another voice. In what the studio wrote it is the first voice, which rests where the melody
        does.
        """
        if self.rules < "4":
            return [_melody_in(staff) for staff in staves]
        if self.ours:
            found = [_melody_in(staff, stays=True) for staff in staves]
            if any(note.pitch is not None for each in found for note in each.notes):
                return found
        found, last = [], None
        for staff in staves:
            found.append(_melody_in(staff, _unsung_before(staff, last)))
            last = found[-1].notes[-1].pitch if found[-1].notes else last
        return found

    def _line_of(self, part: XmlPart, staff: int) -> _StaffLine:
        """The melody of a staff, to choose by: its notes stand at their places in their measures."""
        line = PartLine(part.name, lead=part.lead)
        staves = [measure.staves[staff] for measure in part.measures if staff in measure.staves]
        for here, melody in zip(staves, self.melodies(staves), strict=True):
            line.percussion |= here.percussion
            line.sung += sung_in((lyric.place, lyric.text) for lyric in here.lyrics)
            for note in melody.notes:
                line.notes.append(
                    FoundNote(note.start, note.start + note.length, note.pitch, note.tied, note.alter)
                )
        return _StaffLine(part, staff, line)

    def laid_out(self, budget: ReadingBudget) -> _Laid:
        """The score with the places of its measures."""
        melody = self._melody()
        lengths = self._lengths(melody.part)
        starts = [Fraction(0)]
        for length in lengths:
            starts.append(starts[-1] + length)
        if starts[-1] > budget.quarters:
            raise Unreadable(f"{self.name} lasts longer than {budget.quarters:,} quarter notes; split it up.")
        return _Laid(self, melody, starts)

    def _melody(self) -> _StaffLine:
        has_chords = any(measure.harmonies for part in self.parts for measure in part.measures)
        if has_chords and not any(each.line.count and not each.line.percussion for each in self.lines):
            return self._chord_sheet()
        chosen = choose_melody([each.line for each in self.lines], self.name, self.rules)
        return next(each for each in self.lines if each.line is chosen)

    def _chord_sheet(self) -> _StaffLine:
        """The line of a sheet of chords, in which nothing sounds; drums beside it are no melody."""
        empty = next((each for each in self.lines if not each.line.count), None)
        part = empty.part if empty else self.lines[0].part
        return empty or _StaffLine(part, NO_STAFF, PartLine(part.name))

    def marks(self, part: XmlPart) -> list[Marks]:
        """What the melody's part says about repeats; where it says nothing, another part."""
        for each in (part, *self.parts):
            if len(each.measures) == len(part.measures):
                marks = marks_of([measure.element for measure in each.measures], implied=self.rules >= "5")
                if any(mark.opens or mark.times for mark in marks):
                    return marks
        return []

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


class _VoiceBar(NamedTuple):
    """The melody of one staff in one measure. left: sounding notes of other voices. moved: another voice than
    the first is the melody.
    """

    notes: list[Sounding]
    voice: str
    left: int
    moved: bool


def _melody_in(staff: StaffMeasure, without: Collection[str] = (), *, stays: bool = False) -> _VoiceBar:
    """The voice of a measure that is the melody: the first one that sounds. without: voices that are it only
    where no other one sounds. stays: it is the first one, whether that sounds or not.
    """
    voices: dict[str, list[Sounding]] = {}
    counts: dict[str, int] = {}
    for note in staff.notes:
        voices.setdefault(note.voice, []).append(note)
        counts[note.voice] = counts.get(note.voice, 0) + (note.pitch is not None)
    if not voices:
        return _VoiceBar([], "", 0, False)
    ordered = sorted(voices, key=lambda voice: (len(voice), voice))
    sounding = [voice for voice in ordered if counts[voice]]
    chosen = next((voice for voice in sounding if voice not in without), (sounding or ordered)[0])
    chosen = ordered[0] if stays else chosen
    left = sum(counts.values()) - counts[chosen]
    return _VoiceBar(voices[chosen], chosen, left, chosen != ordered[0])


def _first_voice(measures: Sequence[StaffMeasure]) -> str:
    """The first voice of a staff that sounds anywhere; empty where none does."""
    voices = {note.voice for measure in measures for note in measure.notes if note.pitch is not None}
    return min(voices, key=lambda voice: (len(voice), voice), default="")


def _unsung_before(staff: StaffMeasure, last: int | None) -> set[str]:
    """The voices of a measure that strike nothing, and begin with a note that the melody did not have before
    the bar line. last: the pitch on which the melody ended, None where it rested.
    """
    strikes, first = set[str](), dict[str, int]()
    for note in staff.notes:
        if note.pitch is not None:
            first.setdefault(note.voice, note.pitch)
            if not note.tied:
                strikes.add(note.voice)
    return {voice for voice, pitch in first.items() if voice not in strikes and pitch != last}


def _leads(measures: Sequence[StaffMeasure], homes: Mapping[str, str]) -> bool:
    """Whether the first of the parts that a staff is cut into is the highest. homes: see `_homes_of`."""
    lines = {number: PartLine() for number in sorted(set(homes.values()))}
    for measure in measures:
        for note in measure.notes:
            lines[homes[note.voice]].notes.append(FoundNote(note.start, note.start, note.pitch, False))
    heights = [line.height for line in lines.values()]
    return heights[0] == max(heights)


def _ranks_in(staff: StaffMeasure, leading: str) -> dict[str, int]:
    """Voice -> its number in a measure: 0 for the one that leads, then those that sound."""
    found = {note.voice for note in staff.notes}
    sounding = {note.voice for note in staff.notes if note.pitch is not None}
    ordered = sorted(found, key=lambda voice: (voice != leading, voice not in sounding, len(voice), voice))
    return {voice: rank for rank, voice in enumerate(ordered)}


@dataclass
class _Gathered:
    """What the melody's measures hold, at their places in the piece. first: the first voice of its staff.
    moved: how many measures have the melody in another one.
    """

    line: PartLine
    bars: list[tuple[Fraction, Meter | None]] = field(default_factory=list)
    keys: list[KeyAt | SignatureAt] = field(default_factory=list)
    odd_keys: int = 0
    ends: set[Fraction] = field(default_factory=set)
    lyrics: list[tuple[Fraction, FoundLyric, bool]] = field(default_factory=list)
    cues: int = 0
    empty: int = 0
    left: int = 0
    first: str = ""
    moved: int = 0
    jumps: int = 0
    told: int = 0


class _Laid:
    """A score with the places of its measures. starts: of each measure, and the end of the last."""

    def __init__(self, score: _XmlScore, melody: _StaffLine, starts: Sequence[Fraction]) -> None:
        self.score, self.melody, self.starts = score, melody, starts

    def marks(self) -> ScoreMarks:
        """What stands over the score. A rehearsal mark is that of its measure."""
        sections: dict[Fraction, str] = {}
        tempi = []
        for part in self.score.parts:
            for start, _, measure in self._measures(part):
                for name in measure.sections:
                    sections.setdefault(start, name)
                tempi += [(start + place, tempo) for place, tempo in measure.tempi]
        return ScoreMarks(tuple(sorted(sections.items())), tempi_after(tempi))

    def tune(self, budget: ReadingBudget, *, parts: bool = False) -> tuple[Tune, list[str]]:
        """The melody, and remarks. parts: the parts are kept too, with what stands over them."""
        gathered = self._gathered()
        symbols = read_symbols([list(self._symbols(part)) for part in self.score.parts], PLAIN)
        staff = self.melody.staff if len(self.melody.part.staves) > 1 else None
        remarks = remarks_on(gathered.line, len(self.score.lines), symbols.unread, staff=staff)
        tempos = self._tempos()
        if any(place > tempos[0][0] and round(tempo - tempos[0][1], 2) for place, tempo in tempos):
            remarks.append(on_tempi(self.marks().tempi) if parts else TEMPO_CHANGES)
        bars = barred(gathered.bars)
        grid = Grid.of_bars(bars, cut_long=True)
        jumps = self._jumps(grid.pickup)
        remarks += [*symbols.remarks, *jumps.remarks]
        if self.score.rules >= "5":
            gathered.jumps = 0
            gathered.told = sum(
                len(each.findall("direction-type/words"))
                for each in self.score.root.iter("direction")
                if jumps_of(each)
            )
        if parts:
            gathered.told += _count(self.score.root, "rehearsal")
        remarks += _more_remarks(gathered, self.melody.part, self.score.root, bars[0][1])
        title, composer = _title_and_composer(self.score.root)
        marks = self.score.marks(self.melody.part)
        remarks += remarks_on_times(marks)
        found = FoundTune(
            gathered.line,
            grid,
            self.starts[-1],
            keys=gathered.keys,
            chords=symbols.chords,
            repeats=repeats_of(marks, self.starts) if marks else [],
            jumps=jumps.jumps,
            phrase_ends=sorted(gathered.ends),
            title=title,
            composer=composer,
            tempo=tempos[0][1] if tempos else 120.0,
            remarks=remarks,
        )
        tune = assemble(found, self.score.name, budget)
        late = sum(chord.start >= tune.end for chord in symbols.chords)
        if late:
            remarks.append(f"Chord symbols after the last note left out: {late}.")
        words, joined, lost = words_under(tune.notes, gathered.lyrics or self._words_elsewhere())
        if words and not gathered.lyrics:
            remarks.append(
                OfMelody(
                    "The melody has no words of its own; those of another staff stand under it: "
                    f"{len(words)}."
                )
            )
        if joined:
            remarks.append(f"Syllables put together because they stand under one tied note: {joined}.")
        if lost:
            remarks.append(f"Syllables left out because they stand under no note of the melody: {lost}.")
        text = _text_below(self.score.root)
        return replace(tune, words=words, text=text) if words or text else tune, remarks

    def _jumps(self, pickup: Fraction) -> FoundJumps:
        """The jumps of the melody's part; where it has none, those of the first that has."""
        if self.score.rules < "5":
            return FoundJumps()
        by_part = ([*self._jumps_in(part)] for part in (self.melody.part, *self.score.parts))
        return settled(next((found for found in by_part if found), []), self.starts[1:], pickup)

    def _jumps_in(self, part: XmlPart) -> Iterator[JumpMark]:
        for start, length, measure in self._measures(part):
            for mark in measure.jumps:
                # What ends a stretch and stands where a measure begins ends that measure.
                ends = (mark.kind in BACK or mark.kind == FINE) and not mark.start
                yield replace(mark, start=start + (length if ends else min(mark.start, length)))

    def _words_elsewhere(self) -> list[tuple[Fraction, FoundLyric, bool]]:
        """The words of the first staff that has some, for a melody without."""
        for line in self.score.lines:
            found = [
                (start + each.place, each, False)
                for start, _, measure in self._measures(line.part)
                if line.staff in measure.staves
                for each in measure.staves[line.staff].lyrics
            ]
            if found and self.score.rules < "3":
                return found
            if found:
                voice, lyrics = next(self._voices_of(line, split=False))
                return borrowed(part_of(voice, lyrics).words)
        return []

    def lines(self, *, split: bool) -> list[_VoiceLine]:
        """All staves with notes, in order. split: voices that go through a staff are lines of their own."""
        return [
            (line, lyrics)
            for each in self.score.lines
            for line, lyrics in self._voices_of(each, split=split)
            if line.count
        ]

    def _voices_of(self, staff: _StaffLine, *, split: bool) -> Iterator[_VoiceLine]:
        measures = [
            (start, measure.staves[staff.staff])
            for start, _, measure in self._measures(staff.part)
            if staff.staff in measure.staves
        ]
        staves = [measure for _, measure in measures]
        homes = _homes_of(staves) if split else {}
        if len(set(homes.values())) > 1 and (
            any(melody.moved for melody in self.score.melodies(staves))
            or (staff is self.melody and not _leads(staves, homes))
        ):
            homes = {}  # the melody goes on in another voice, or would be looked for in another part
        numbers = sorted({number for number in homes.values() if number}) or [""]
        name = staff.part.name
        if len(staff.part.staves) > 1:
            name = f"{name}, staff {staff.staff}" if name else f"Staff {staff.staff}"
        for number in numbers:
            label = f"{name} ({number})" if name else f"Line {number}"
            line = PartLine(label if len(numbers) > 1 else name, percussion=staff.line.percussion)
            line.lead = staff.part.lead
            line.program, line.controls = staff.part.program, staff.part.controls
            line.clef = staff.part.clefs.get(staff.staff)
            line.clefs = [
                (start + place, clef)
                for start, _, measure in self._measures(staff.part)
                for place, number_of_staff, clef in measure.clefs
                if number_of_staff == staff.staff
            ]
            lyrics = []
            own = [_of_voices(measure, homes, number) for measure in staves]
            for (start, _), measure, melody in zip(measures, own, self.score.melodies(own), strict=True):
                ranks = _ranks_in(measure, melody.voice)
                for into, notes in ((line.notes, measure.notes), (line.others, measure.below)):
                    for note in notes:
                        begins = start + note.start
                        ends, voice = begins + note.length, ranks[note.voice]
                        into.append(FoundNote(begins, ends, note.pitch, note.tied, note.alter, voice))
                lyrics += [(start + each.place, each, True) for each in measure.lyrics]
            yield line, lyrics

    def _measures(self, part: XmlPart) -> Iterator[tuple[Fraction, Fraction, PartMeasure]]:
        """(start, length, measure), in order."""
        for (start, end), measure in zip(pairwise(self.starts), part.measures, strict=False):
            yield start, end - start, measure

    def _gathered(self) -> _Gathered:
        into = _Gathered(PartLine(self.melody.line.name), first=_first_voice(self.melody.staves))
        measures = (measure for part in self.score.parts for measure in part.measures)
        into.empty = sum(staff.empty for measure in measures for staff in measure.staves.values())
        staff = self.melody.staff
        melodies = iter(self.score.melodies(self.melody.staves))
        for start, length, measure in self._measures(self.melody.part):
            if into.bars and measure.element.get("implicit") == "yes" and self.score.joins_bars:
                length += into.bars.pop()[0]
            into.bars.append((length, measure.meter))
            into.jumps += measure.jumps_told
            for place, fifths, mode in measure.keys:
                if fifths is None:
                    into.odd_keys += 1
                elif mode:
                    into.keys.append(KeyAt(start + place, Key(fifths, mode)))
                else:
                    into.keys.append(SignatureAt(start + place, fifths))
            if staff in measure.staves:
                _gather_staff(into, start, measure.staves[staff], next(melodies))
        return into

    def _symbols(self, part: XmlPart) -> Iterator[PrintedSymbol]:
        for start, _, measure in self._measures(part):
            beat = measure.meter.beat if measure.meter else Fraction(1)
            for harmony in measure.harmonies:
                place = start + harmony.place
                yield PrintedSymbol(place, harmony.symbol, place + (harmony.above or beat), beat)

    def _tempos(self) -> list[tuple[Fraction, float]]:
        """The tempos of the piece with their places, in quarter notes a minute, in order."""
        marks = (
            (start + place, tempo)
            for part in self.score.parts
            for start, _, measure in self._measures(part)
            for place, tempo in measure.tempos
        )
        return sorted(marks, key=lambda mark: mark[0])


_VoiceLine = tuple[PartLine, list[tuple[Fraction, FoundLyric, bool]]]
"""The notes of a voice, and its words (see `words_under`)."""


def _homes_of(measures: Sequence[StaffMeasure]) -> dict[str, str]:
    """Voice -> the voice that it is a part with: itself where it sounds in half of the measures or more in
    which its staff does, else the first of those.
    """
    sounding = [{note.voice for note in measure.notes if note.pitch is not None} for measure in measures]
    counted = Counter(voice for voices in sounding for voice in voices)
    most = sum(bool(voices) for voices in sounding)
    ordered = sorted(counted, key=lambda voice: (len(voice), voice))
    own = [voice for voice in ordered if 2 * counted[voice] >= most] or ordered[:1]
    voices = {note.voice for measure in measures for note in measure.notes}
    return {voice: voice if voice in own else (own[0] if own else "") for voice in voices}


def _of_voices(measure: StaffMeasure, homes: Mapping[str, str], number: str) -> StaffMeasure:
    """What the voices of one part have in a measure. homes: see `_homes_of`; empty where all are one part."""
    if not homes:
        return measure
    return replace(
        measure,
        notes=[note for note in measure.notes if homes.get(note.voice, "") == number],
        below=[note for note in measure.below if homes.get(note.voice, "") == number],
        lyrics=[each for each in measure.lyrics if homes.get(each.voice, "") == number],
    )


def _gather_staff(into: _Gathered, start: Fraction, staff: StaffMeasure, melody: _VoiceBar) -> None:
    for note in melody.notes:
        place = start + note.start
        into.line.notes.append(FoundNote(place, place + note.length, note.pitch, note.tied, note.alter))
        into.line.stacked += note.stacked
        if note.fermata and note.pitch is not None:
            into.ends.add(place + note.length)
    into.line.grace += staff.graces
    into.cues += staff.cues
    into.left += melody.left
    sounds = any(note.pitch is not None for note in melody.notes)
    into.moved += melody.moved or (sounds and melody.voice != into.first)
    into.lyrics += [(start + each.place, each, each.voice == melody.voice) for each in staff.lyrics]


def _more_remarks(gathered: _Gathered, part: XmlPart, root: Element, meter: Meter) -> list[str]:
    """What else was left out, moved or decided. meter: the first one."""
    remarks = []
    if not gathered.line.count:
        remarks.append(NO_MELODY)
    for semitones in part.transposed:
        where = "above" if semitones > 0 else "below"
        remarks.append(
            f"The part is written for a transposing instrument; it was read as it sounds, {abs(semitones)} "
            f"semitone{'s' * (abs(semitones) > 1)} {where} what is written."
        )
    if root.find(".//attributes/time/senza-misura") is not None:
        remarks.append(without_meter(meter))
    bent, outside = _odd_pitches(root)
    for count, sentence in (
        (bent, "Microtones read as the nearest semitone"),
        (outside, "Notes whose pitch is none that MIDI has left out"),
        (gathered.moved, FIRST_SILENT),
        (gathered.left, OTHER_VOICES),
        (gathered.cues, "Cue notes left out"),
        (gathered.empty, "Notes without a length left out"),
        (gathered.odd_keys, "Key signatures that belong to no key left out"),
        (gathered.jumps, "Jumps (D.C., D.S.) that are not followed"),
        (part.repeated, "Bars that say that those before are played again, written out"),
        (part.unsung, "Syllables that are not sung again where their bars are played again"),
        (_count(root, "slur") // 2, "Slurs left out"),
        (_count(root, *_MARKS) - gathered.told, "Ornaments, dynamics and other marks left out"),
    ):
        if count:
            # The parts have the notes of all voices.
            kind = OfMelody if sentence == OTHER_VOICES else str
            remarks.append(kind(f"{sentence}: {count}."))
    return remarks


def _odd_pitches(root: Element) -> tuple[int, int]:
    """How many pitches lie between two semitones, and how many outside of MIDI's range or off its letters."""
    bent = outside = 0
    for pitch in root.iter("pitch"):
        octave, alter = number_of(pitch.findtext("octave")), number_of(pitch.findtext("alter")) or 0
        bent += alter != round(alter)
        outside += octave is None or not -1 <= octave <= 9 or (pitch.findtext("step") or "") not in _STEPS
    return bent, outside


_STEPS = tuple("CDEFGAB")

_MARKS = ("dynamics", "wedge", "words", "rehearsal", "articulations", "ornaments", "technical", "arpeggiate")


def _count(root: Element, *tags: str) -> int:
    return sum(1 for tag in tags for _ in root.iter(tag))


def _text_below(root: Element) -> tuple[str, ...]:
    """The words below the music."""
    text = own_field(root, "words")
    return tuple(text.split("\n")) if text else ()


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
