"""MIDI files: which notes are the melody, and what was written where something was played.

pretty_midi and mido spend minutes or gigabytes on what hostile files claim to contain, so `midi_events` reads
the bytes.
"""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from itertools import pairwise

from studio.errors import Refused, Unreadable
from studio.music.reading.assembling import (
    MELODY_NAMES,
    NO_MELODY,
    FoundNote,
    FoundTune,
    PartLine,
    assemble,
    choose_melody,
    on_tempi,
    part_of,
    remarks_on,
    sung_in,
    tempi_after,
)
from studio.music.reading.budget import OfMelody, Reading, ReadingBudget, labelled
from studio.music.reading.encodings import Guess, decode, guess_encoding
from studio.music.reading.lengths import Held, Touch, touch_of, written_length
from studio.music.reading.midi_events import DRUMS, MidiFile, Played, parse_midi
from studio.music.reading.midi_words import MARKS, texts_as_words, with_line_ends, words_of
from studio.music.reading.pieces import READING_RULES
from studio.music.reading.quantising import WHOLE, must_stay_apart, place_onsets
from studio.music.scores.bars import Grid, MeterAt
from studio.music.scores.chords import ChordAt, parse_chord
from studio.music.scores.keys import Key, KeyAt
from studio.music.scores.meters import Meter
from studio.music.scores.scores import ControlAt, Part, ScoreMarks, TempoAt


def read_midi(
    content: bytes,
    name: str = "The file",
    budget: ReadingBudget | None = None,
    *,
    parts: bool = False,
    rules: str = READING_RULES,
) -> Reading:
    """The melody of a MIDI file, or one of each track of a file of type 2. parts: and all its parts, one for
    each channel of each track. Raises `Unreadable`.

    Notes are read as they were written: each begins at a place of its beat (see `place_onsets`) and lasts
    until the next one begins, unless a rest was seen there (see `written_length`). Files that the studio
    wrote are taken to the tick. A first bar in a shorter meter that lasts one bar is a pick-up. Markers that
    read as chord symbols are the chords; without any, and without a melody, so are such texts and lyrics.
    """
    budget = budget or ReadingBudget()
    files = parse_midi(content, name, budget, to_ends=rules >= "6")
    if len(files) == 1:
        return _read(files[0], name, budget, rules, parts=parts)
    readings: list[tuple[str, Reading]] = []
    reason: Unreadable | None = None
    for number, midi in enumerate(files, 1):
        try:
            label = f"{name}#{number}"
            readings.append((label, _read(midi, label, budget, rules, parts=parts)))
        except Unreadable as error:
            reason = reason or error
    if not readings:
        raise Unreadable(f"None of the {len(files)} patterns in {name} could be read; the first: {reason}")
    remarks = [labelled(remark, label) for label, reading in readings for remark in reading.remarks]
    if len(readings) < len(files):
        remarks.append(f"Patterns without a melody left out: {len(files) - len(readings)}.")
    return Reading(
        tuple(tune for _, reading in readings for tune in reading.tunes),
        tuple(remarks),
        parts=tuple(part for _, reading in readings for part in reading.parts),
        marks=tuple(marks for _, reading in readings for marks in reading.marks),
    )


def _read(midi: MidiFile, name: str, budget: ReadingBudget, rules: str, *, parts: bool) -> Reading:
    """The melody of one sequence, or its chords where it has no melody."""
    ours = _is_ours(midi)
    texts = _Texts(midi, karaoke=rules >= "4" and not ours, line_ends=rules >= "6" and not ours)
    lines = _lines_of(midi, texts, rules)
    leading = [(line, track, notes) for line, track, notes in lines if track not in texts.other_voices]
    per_quarter = midi.per_quarter
    place = midi.quarters if ours else partial(_plain, per_quarter=per_quarter)
    grid = _grid_of([(place(ticks), top, bottom) for ticks, top, bottom in midi.meters])
    keys = [
        KeyAt(place(ticks), Key(sharps, "minor" if minor else "major")) for ticks, sharps, minor in midi.keys
    ]
    read = partial(_as_it_is, per_quarter=per_quarter)
    if not ours:
        read = partial(_as_written, per_quarter=per_quarter, grid=grid, rules=rules)
    if not any(line.count and not line.percussion for line, _, _ in lines):
        sheet = _sheet_of(midi, texts, grid, ours=ours)
        if sheet:
            tune = assemble(replace(sheet, keys=keys), name, budget)
            drums = (_parts_of(lines, midi, texts, read, ours=ours),) if parts else ()
            over = (_marks_of(midi, texts, place, 0, ours=ours),) if parts else ()
            return Reading((tune,), tuple(sheet.remarks), parts=drums, marks=over)
    if (midi.missing or midi.lacking) and not any(
        each.count and not each.percussion for each, _, _ in leading
    ):
        raise Unreadable(f"{name} is cut short before the first note of a melody; copy or download it again.")
    chosen = choose_melody([line for line, _, _ in leading], name, rules)
    track, played = next((track, notes) for line, track, notes in leading if line is chosen)
    line = read(played)
    chosen.notes, chosen.stacked = line.notes, line.stacked
    remarks = remarks_on(chosen, sum(each.count > 0 for each, _, _ in leading))
    remarks += line.remarks
    chords, more = _chords_of(texts.markers(), line, ours)
    marks = _marks_of(midi, texts, place, min(played)[0], ours=ours)
    if parts and marks.sections:
        more = [OfMelody(each) if each.startswith(REHEARSAL) else each for each in more]
    last = line.end
    end = max(midi.quarters(midi.end), last) if ours else _end_of(midi.quarters(midi.end), last, grid, more)
    found = FoundTune(
        chosen,
        grid,
        end,
        keys=keys,
        chords=chords,
        title=texts.title,
        composer=texts.composer,
        tempo=_tempo_of(midi, played, more, marks.tempi if parts else ()),
        remarks=remarks + more + texts.remarks + texts.unsung + _told_of(midi),
    )
    tune = assemble(found, name, budget)
    lyrics, others = texts.syllables(track)
    words = words_of(lyrics, [note.start for note in tune.sounding], line.place_of, ours=ours)
    if left := len(lyrics) + others - len(words):
        found.remarks.append(f"Syllables that are not sung on notes of the melody left out: {left}.")
    text = texts.below()
    if words or text:
        tune = replace(tune, words=words, text=text)
    reading = Reading((tune,), tuple(found.remarks))
    if not parts:
        return reading
    return replace(reading, parts=(_parts_of(lines, midi, texts, read, ours=ours),), marks=(marks,))


def _marks_of(
    midi: MidiFile, texts: _Texts, place: Callable[[int], Fraction], begins: int, *, ours: bool
) -> ScoreMarks:
    """What stands over the parts: cue points, or else rehearsal letters, and tempi after that of the first
    note. begins: ticks of that.
    """
    found = texts.cues() or ([] if ours else _rehearsal_letters(texts.markers()))
    tempi = [(ticks, 60e6 / value) for ticks, value in sorted(midi.tempos) if value and ticks > begins]
    first = (Fraction(-1), 60e6 / midi.tempo_at(begins))
    return ScoreMarks(
        tuple((place(ticks), name) for ticks, name in found),
        tempi_after([first, *((place(ticks), tempo) for ticks, tempo in tempi)]),
    )


def _rehearsal_letters(markers: Sequence[tuple[int, str]]) -> list[tuple[int, str]]:
    """The markers, where they are A, B, C in this order, or A alone after the beginning."""
    named = [(ticks, text) for ticks, text in markers if text]
    letters = [text for _, text in named]
    if letters != [chr(ord("A") + place) for place in range(len(letters))]:
        return []
    return named if len(letters) > 1 or (named and named[0][0] > 0) else []


def _parts_of(
    lines: Sequence[tuple[PartLine, int, list[Played]]],
    midi: MidiFile,
    texts: _Texts,
    read: Callable[[Sequence[Played]], _Line],
    *,
    ours: bool,
) -> tuple[Part, ...]:
    """Every channel of every track that has notes, as a part, with its other voices."""
    found: list[tuple[tuple[int, int], PartLine, int, _Line]] = []
    struck: list[dict[tuple[Fraction, int], int]] = []
    for (key, _), (line, track, played) in zip(sorted(midi.notes.items()), lines, strict=True):
        if not line.count:
            continue
        read_line = read(played)
        if not (found and track in texts.other_voices):
            struck.append({})
        for (ticks, pitch), velocity in midi.struck.get(key, {}).items():
            struck[-1].setdefault((read_line.place_of(ticks), pitch), velocity)
        if found and track in texts.other_voices:
            others = found[-1][1].others
            voice = max((note.voice for note in others), default=0) + 1
            others += [note._replace(voice=voice) for note in read_line.notes]
        else:
            found.append((key, replace(line, notes=read_line.notes, others=[]), track, read_line))
    parts = []
    for (key, line, track, read_line), velocities in zip(found, struck, strict=True):
        part = _as_struck(part_of(line), velocities)
        lyrics, _ = texts.syllables(track, own=True)
        words = words_of(lyrics, sorted({note.start for note in part.notes}), read_line.place_of, ours=ours)
        controls = tuple(
            ControlAt(read_line.place_of(ticks), number, value)
            for ticks, number, value in _controls_of(midi, key, [other for other, *_ in found])
        )
        program = midi.programs.get(key, 0)
        parts.append(replace(part, program=program, words=words, controls=controls))
    return tuple(parts)


def _controls_of(
    midi: MidiFile, key: tuple[int, int], parts: Sequence[tuple[int, int]]
) -> list[tuple[int, int, int]]:
    """The control changes of a part. The first part of a channel has those of tracks without notes too, such
    as the first track of many files, which sets the mixer. parts: (track, channel) of all, in order.
    """
    found = list(midi.controls.get(key, ()))
    if key == next(each for each in parts if each[1] == key[1]):
        for other, more in midi.controls.items():
            if other[1] == key[1] and other not in midi.notes:
                found += more
    return sorted(found, key=lambda each: each[0])


def _as_struck(part: Part, velocities: Mapping[tuple[Fraction, int], int]) -> Part:
    """The part with the velocities of its notes, (place, pitch) -> 1..127; most of them stand for all."""
    notes = [velocities.get((note.start, note.pitch or 0)) for note in part.notes]
    usual = Counter(each for each in notes if each is not None).most_common(1)
    if not usual:
        return part
    own = (None if each == usual[0][0] else each for each in notes)
    struck = (replace(note, velocity=each) for note, each in zip(part.notes, own, strict=True))
    return replace(part, notes=tuple(struck), velocity=usual[0][0])


def _told_of(midi: MidiFile) -> list[str]:
    """What is said about a file as a whole."""
    told = []
    if midi.missing:
        told.append("The file is cut short; what comes before the cut was read.")
    elif midi.lacking:
        told.append("The file has fewer tracks than it states; those that are there were read.")
    if midi.lengths_wrong:
        told.append("The length that a track states is wrong; it was read to its end.")
    if midi.film:
        told.append(
            "The file counts time in film frames, not in beats; it was read at "
            f"{60e6 / midi.tempo_at(0):g} quarter notes a minute."
        )
    return told


def _tempo_of(
    midi: MidiFile, played: Sequence[Played], remarks: list[str], kept: Sequence[TempoAt] = ()
) -> float:
    """Quarter notes a minute when the first note begins. kept: the changes that are kept."""
    first, last = min(played)[0], max(end for _, end, _ in played)
    tempo = midi.tempo_at(first)
    if any(value not in (0, tempo) for ticks, value in midi.tempos if first < ticks < last):
        remarks.append(on_tempi(kept))
    return 60e6 / tempo


# Texts
# ------------------------------------------------------------------------------------------------------------


_NOT_A_TITLE = re.compile(
    r"untitled|(control|conductor|tempo|master|meta)( track)?|new (song|sequence)"
    r"|(track|staff|part|channel|midi|instrument)\W*\d*|.*\b(piano|violin|viola|cello|flute|fiddle|guitar|bass|organ|drums?|percussion"
    r"|clarinet|oboe|trumpet|strings|harp|accordion|recorder|whistle|synth|keyboard)\b.*",
    re.I,
)
"""Names of tracks that say nothing about the music in them."""


class _Texts:
    """The texts of a file, decoded. remarks: what to say about them. other_voices: tracks that belong to the
    one before. karaoke: texts that stand at the notes are their words, where there are no lyrics, though
    nothing calls the file karaoke. line_ends: between syllables they end words. unsung: what to say about
    other texts.
    """

    def __init__(self, midi: MidiFile, *, karaoke: bool = False, line_ends: bool = False) -> None:
        self.midi, self.line_ends = midi, line_ends
        found, left = texts_as_words(midi) if karaoke else ([], 0)
        self.lyrics = midi.lyrics or found
        self.unsung = [f"Texts left out: {left}."] if left else []
        self.guess: Guess = guess_encoding(
            [
                *midi.names.values(),
                *(text for _, text in midi.markers),
                *(text for _, _, text in (*midi.texts, *midi.lyrics)),
            ]
        )
        self.remarks = [] if self.guess.sure else [self.guess.remark]
        self.tracks = {track for track, _ in midi.notes}
        self.other_voices = {track for _, track, text in midi.texts if text == OTHER_VOICE}
        self.leads = {track for _, track, text in midi.texts if text == LEAD}
        if not self.tracks - self.other_voices:
            self.other_voices = set()

    def name_of(self, track: int, channel: int) -> str:
        """The name of a part. The name of a file of type 0 is that of the music (RP-001, FF 03)."""
        names = self.midi.names
        own = names.get((track, channel))
        if own is None and not (self.midi.form == 0 and len(self.midi.notes) > 1):
            own = names.get((track, None)) or names.get((track, -1))
        return self._decoded(own or b"")

    @property
    def title(self) -> str:
        """The name of the first track, which is that of the music; a track of drums names nothing. Where it
        has none, and only one track has notes, the name of that, unless it is that of an instrument.
        """
        drums = self.midi.form == 1 and {channel for track, channel in self.midi.notes if track == 0}
        title = "" if drums == {DRUMS} else self._decoded(self.midi.names.get((0, None), b""))
        if not title:
            karaoke = [text[2:] for _, _, text in self.midi.texts if text.startswith(b"@T")]
            title = self._decoded(karaoke[0]) if karaoke else ""
        alone = next(iter(self.tracks)) if len(self.tracks) == 1 else None
        if not title and alone:
            title = self._decoded(self.midi.names.get((alone, None), b""))
            title = "" if MELODY_NAMES.search(title) or _NOT_A_TITLE.fullmatch(title) else title
        return title

    @property
    def composer(self) -> str:
        for _, _, text in self.midi.texts:
            if text.startswith(b"Composer: "):
                return self._decoded(text).removeprefix("Composer: ")
        return ""

    def markers(self) -> list[tuple[int, str]]:
        """(ticks, text), in order."""
        return [(ticks, self._decoded(text)) for ticks, text in sorted(self.midi.markers)]

    def cues(self) -> list[tuple[int, str]]:
        """(ticks, text), in order."""
        found = ((ticks, self._decoded(text)) for ticks, text in sorted(self.midi.cues))
        return [(ticks, text) for ticks, text in found if text]

    def all_of(self, events: Sequence[tuple[int, int, bytes]]) -> list[tuple[int, str]]:
        """The texts of some events as (ticks, text), in order."""
        found = ((ticks, self._decoded(text)) for ticks, _, text in events)
        return sorted((ticks, text) for ticks, text in found if text)

    def below(self) -> tuple[str, ...]:
        """The words below the music, which the studio writes as texts, one a line."""
        lines = [text[6:] for _, _, text in self.midi.texts if text.startswith(b"Words: ")]
        return tuple(decode(line, self.guess).strip() for line in lines)

    def syllables(self, track: int, *, own: bool = False) -> tuple[list[tuple[int, str]], int]:
        """(ticks, text) of what is sung to the notes of a track, in order, and how many syllables the others
        have: its own lyrics, or (unless `own`) those of the only track that has some. Karaoke files have
        texts instead (their first says "@KMIDI KARAOKE FILE").
        """
        lyrics = self.lyrics
        if not lyrics and any(text.startswith(b"@K") for _, _, text in self.midi.texts):
            lyrics = [each for each in self.midi.texts if not each[2].startswith(b"@")]
        syllables = [each for each in lyrics if each[2].strip(MARKS)]
        tracks = {number for _, number, _ in syllables}
        source = track if track in tracks or own else next(iter(tracks)) if len(tracks) == 1 else None
        found = sorted((each for each in lyrics if each[1] == source), key=lambda each: each[0])
        if self.line_ends:
            sung = with_line_ends(
                [(ticks, decode(text, self.guess, line_ends=True)) for ticks, _, text in found]
            )
        else:
            sung = [(ticks, decode(text, self.guess)) for ticks, _, text in found if text.strip(MARKS)]
        return sung, len(syllables) - len(sung)

    def _decoded(self, text: bytes) -> str:
        return decode(text, self.guess).strip()[:200]


def _sheet_of(midi: MidiFile, texts: _Texts, grid: Grid, *, ours: bool) -> FoundTune | None:
    """A sheet of chords, without a melody: what most of the markers are, or else of the texts, or of the
    lyrics. It goes on to the end of the file, at least to the end of the bar of the last chord.
    """
    nothing = _Line([], {}, [], midi.per_quarter, Fraction(0))
    for what, words in (
        ("Markers", texts.markers()),
        ("Texts", texts.all_of(midi.texts)),
        ("Lyrics", texts.all_of(midi.lyrics)),
    ):
        chords, told = _chords_of(words, nothing, ours, what)
        if 2 * len(chords) > len(words):
            break
    else:
        return None
    end = midi.quarters(midi.end)
    last = chords[-1].start + Fraction(1, 4)
    if not (ours and end > chords[-1].start):
        end = _bar_end(max(end, last), grid)
    line = PartLine(notes=[FoundNote(Fraction(0), end, None, False)])
    told = [NO_MELODY, *told, *texts.remarks, *_told_of(midi)]
    tempo = _tempo_of(midi, [(0, midi.end, 0)], told)
    return FoundTune(
        line, grid, end, chords=chords, title=texts.title, composer=texts.composer, tempo=tempo, remarks=told
    )


REHEARSAL = "Rehearsal letters left out"


def _chords_of(
    words: Sequence[tuple[int, str]], line: _Line, ours: bool, what: str = "Markers"
) -> tuple[list[ChordAt], list[str]]:
    """The chords among the markers, and what to say about the others. A, B, C in this order, or A alone
    after the beginning, are rehearsal letters, not chords.

    words: (ticks, text), in order. what: they are.
    """
    markers = [(ticks, text) for ticks, text in words if text]
    letters = [text for _, text in markers]
    if not ours and _rehearsal_letters(markers):
        return [], [f"{REHEARSAL}: {', '.join(letters)}."]
    chords, others = [], 0
    told = []
    if letters == ["A"] and not ours:
        told.append("The only marker is A; it was read as a chord, but it may be a rehearsal letter.")
    for ticks, text in markers:
        try:
            chord = parse_chord(text)
        except Unreadable:
            others += 1
            continue
        place = line.place_of(ticks)
        if not ours and place.denominator > 12 and ticks not in line.places:
            place = Fraction(round(place * 4), 4)
        chords.append(ChordAt(place, str(chord) if chord else "N.C."))
    if others:
        told.append(f"{what} that are not chord symbols left out: {others}.")
    return sorted(chords, key=lambda chord: chord.start), told


# Notes
# ------------------------------------------------------------------------------------------------------------


OTHER_VOICE = b"Another voice of the part before"
"""How a track begins that the studio wrote for a voice beside the leading one of a part."""

LEAD = b"The melody"
"""How a track begins that the studio wrote for the melody, where the parts do not show which that is."""


@dataclass
class _Line:
    """A line of notes, read. places: ticks -> where the notes that begin there were written. end: of the
    last note. stacked: how many chords.
    """

    notes: list[FoundNote]
    places: dict[int, Fraction]
    remarks: list[str]
    per_quarter: Fraction
    end: Fraction
    stacked: int = 0

    def place_of(self, ticks: int) -> Fraction:
        """Where the notes that begin then were written, or else that time in quarter notes."""
        place = self.places.get(ticks)
        return ticks / self.per_quarter if place is None else place


def _lines_of(midi: MidiFile, texts: _Texts, rules: str) -> list[tuple[PartLine, int, list[Played]]]:
    """One line for each channel of each track, with the track and its notes as played. The top pitches alone
    tell which is the melody (before rules 3: all pitches). A line of notes without a length is as good as
    empty.
    """
    lines = []
    nowhere = Fraction(0)
    for (track, channel), played in sorted(midi.notes.items()):
        line = PartLine(texts.name_of(track, channel), percussion=channel == DRUMS, lead=track in texts.leads)
        if any(end > start for start, end, _ in played):
            tops = dict(sorted((start, pitch) for start, _, pitch in played))
            pitches = tops.values() if rules >= "3" else [pitch for _, _, pitch in played]
            line.notes = [FoundNote(nowhere, nowhere, pitch, False) for pitch in pitches]
            line.sung = sung_in(each for each in texts.syllables(track, own=True)[0] if each[0] in tops)
        lines.append((line, track, played))
    return lines


def _is_ours(midi: MidiFile) -> bool:
    """Whether the studio wrote this file: everything is as `write_midi` writes it. Such a file is exact, and
    what looks like a note cut short is followed by a rest.
    """
    tracks = Counter(track for track, _ in midi.notes)
    return (
        midi.form == 1
        and not (midi.film or midi.missing)
        and midi.habits <= {90, 48}
        and midi.division > 240
        and 0 not in tracks
        and max(tracks.values(), default=0) == 1
        and len(midi.ends) > 1
        and len(set(midi.ends)) == 1
        and len(midi.tempos) == 1
        and all(signs and signs[0][0] == 0 for signs in (midi.tempos, midi.meters, midi.keys))
    )


def _as_it_is(played: Sequence[Played], per_quarter: Fraction) -> _Line:
    """The notes at the ticks where the file has them."""
    top, bottom = per_quarter.numerator, per_quarter.denominator
    notes = [
        FoundNote(Fraction(start * bottom, top), Fraction(end * bottom, top), pitch, False)
        for start, end, pitch in played
        if end > start
    ]
    starts = Counter(start for start, _, _ in played)
    stacked = sum(together > 1 for together in starts.values())
    end = Fraction(max(end for _, end, _ in played) * bottom, top)
    return _Line(notes, {}, [], per_quarter, end, stacked)


def _as_written(played: Sequence[Played], per_quarter: Fraction, grid: Grid, *, rules: str) -> _Line:
    """The notes where and as long as they were written."""
    sounding, told = _without_empty(played)
    tops = {start: (start, end) for start, end, _ in sounding}  # the highest of those that begin together
    onsets = sorted(tops)
    apart = must_stay_apart([tops[onset] for onset in onsets], per_quarter)
    bars = [change.start or grid.pickup for change in grid.meters]
    placed = place_onsets(onsets, apart, per_quarter, bars)
    following = dict(pairwise(sorted(set(placed.places.values()))))
    tick = 1 / float(per_quarter)
    held = []
    for start, end, _ in sounding:
        place = placed.places[start]
        after = following.get(place)
        held.append(Held(place, (end - start) * tick, None if after is None else after - place))
    until = None
    if rules >= "5" and held:
        last = Fraction(held[-1].start, WHOLE)
        until = int((_bar_end(last + Fraction(1, 64), grid) - last) * WHOLE)
    touch = touch_of(held, tick, placed.blur, until, apart=rules >= "6")
    lengths = [written_length(each, touch) for each in held]
    ends = [each.start + length for each, length in zip(held, lengths, strict=True)]
    quarters = {place: Fraction(place, WHOLE) for place in {*ends, *(each.start for each in held)}}
    notes = [
        FoundNote(quarters[each.start], quarters[end], pitch, False)
        for each, end, (_, _, pitch) in zip(held, ends, sounding, strict=True)
    ]
    together = Counter(each.start for each in held)
    stacked = sum(count > 1 for count in together.values()) - placed.merged
    others = [
        length == each.room
        for each, length in zip(held, lengths, strict=True)
        if abs(length / WHOLE - each.held) > 1.01 * tick
    ]
    told += _moved(placed.shifts, others, len(notes), touch, tick)
    if placed.merged:
        told.append(f"Notes left out because no grid could keep them apart: {placed.merged}.")
    places = {ticks: quarters[place] for ticks, place in placed.places.items()}
    return _Line(notes, places, told, per_quarter, quarters[max(ends)], max(stacked, 0))


def _without_empty(played: Sequence[Played]) -> tuple[list[Played], list[str]]:
    """The notes without those of no length that begin together with others, and what to say about them."""
    begun = {start for start, end, _ in played if end > start}
    sounding = sorted(
        {note for note in played if note[1] > note[0] or note[0] not in begun},
        key=lambda note: (note[0], note[2]),
    )
    told = []
    kept = sum(end == start for start, end, _ in sounding)
    left = sum(end == start for start, end, _ in played) - kept
    if left:
        told.append(f"Notes of no length left out: {left}.")
    if kept:
        told.append(f"Notes of no length that were read up to the next note, for a beat at most: {kept}.")
    return sounding, told


def _moved(
    shifts: Sequence[float], others: Sequence[bool], notes: int, touch: Touch, tick: float
) -> list[str]:
    """What to say about how much was moved. A tick is rounding, and no move.

    shifts: of the starts, in quarter notes. others: for each of the `notes` that got another length, whether
    it lasts until the next one.
    """
    far = [shift for shift in shifts if shift > 1.01 * tick]
    if len(far) > 0.02 * len(shifts):
        return [
            f"This was played, not written: {len(far)} of {len(shifts)} notes were moved to places of the "
            f"beat, by {sum(far) / len(far):.3f} quarter notes on average and {max(far):.3f} at most, and "
            f"{len(others)} got another length."
        ]
    if touch.doubtful:
        return [
            f"Its notes are held for about {touch.doubtful:.0%} of the time to the next one, and too few to "
            "tell short notes with rests from longer ones; they were read as short notes."
        ]
    usual = f" (notes are held for about {touch.share:.0%} of it)" if touch.share < 0.995 else ""
    to_next, alone = sum(others), len(others) - sum(others)
    if to_next:
        more = f"; from how long they are held: {alone}" if alone else ""
        return [
            f"Notes whose length was read from the time to the next one{usual}: {to_next} of {notes}{more}."
        ]
    if alone:
        return [f"Notes whose length was read from how long they are held{usual}: {alone} of {notes}."]
    return []


# Bars
# ------------------------------------------------------------------------------------------------------------


def _grid_of(signs: Sequence[tuple[Fraction, int, int]]) -> Grid:
    """The bar lines that follow from time signatures, as (place, numerator, denominator)."""
    meters: list[MeterAt] = []
    for place, top, bottom in sorted(signs):
        with contextlib.suppress(Refused):
            change = MeterAt(place if meters else Fraction(0), Meter(top, bottom))
            if meters and meters[-1].start == change.start:
                meters[-1] = change
            elif (
                not meters
                or meters[-1].meter != change.meter
                or (change.start - meters[-1].start) % change.meter.bar_length
            ):
                meters.append(change)
    if not meters:
        return Grid()
    if len(meters) > 1:
        first, second = meters[0].meter, meters[1]
        of_its_own = second.start == first.bar_length < second.meter.bar_length and first != second.meter
        begun_again = second.meter == first and second.start < first.bar_length
        if of_its_own or begun_again:
            return Grid((MeterAt(Fraction(0), second.meter), *meters[2:]), second.start)
    return Grid(tuple(meters))


def _plain(ticks: int, per_quarter: Fraction) -> Fraction:
    """The place of a meter or key, in quarter notes, without the rounding to ticks."""
    place = ticks / per_quarter
    if place.denominator > 2:
        for part in (1, 2, 4, 3, 8, 6, 16):
            near = Fraction(round(place * part), part)
            if abs(near - place) * per_quarter < 1:
                return near
    return place


def _end_of(file: Fraction, last: Fraction, grid: Grid, remarks: list[str]) -> Fraction:
    """Where a tune ends: with the bar of its last note, if the file goes on so long. file: where that ends.
    last: where the last note ends.
    """
    length = [each for each in grid.meters if each.start < last][-1].meter.bar_length
    bar = _bar_end(last, grid)
    if file < bar:
        return file if file > last and file.denominator in (1, 2, 4) else last
    if file - bar >= length:
        more = int((file - bar) / length)
        said = "1 bar after the melody; it was" if more == 1 else f"{more} bars after the melody; they were"
        remarks.append(f"The file goes on for {said} left out.")
    return bar


def _bar_end(place: Fraction, grid: Grid) -> Fraction:
    """The end of the bar that holds what comes before a place."""
    change = [each for each in grid.meters if each.start < place][-1]
    start, length = change.start, change.meter.bar_length
    if start == 0 and grid.pickup:
        start, length = (grid.pickup, length) if place > grid.pickup else (start, grid.pickup)
    bar = start + -((start - place) // length) * length
    return min([bar, *(each.start for each in grid.meters if each.start >= place)])
