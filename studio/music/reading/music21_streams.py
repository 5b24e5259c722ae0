"""From music21's streams (MusicXML, Humdrum kern) to tunes. Runs in the child processes of `readers`."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import Any

from studio.errors import Refused
from studio.music.reading.assembling import (
    FIRST_SILENT,
    OTHER_VOICES,
    TEMPO_CHANGES,
    FoundNote,
    FoundTune,
    PartLine,
    SignatureAt,
    assemble,
    barred,
    choose_melody,
    in_minor_if_so,
    part_of,
    remarks_on,
)
from studio.music.reading.budget import OfMelody, Reading, ReadingBudget
from studio.music.reading.chord_symbols import FoundChords, PrintedSymbol, read_symbols
from studio.music.reading.found_words import FoundLyric
from studio.music.reading.repeats import RepeatSigns, passes_of
from studio.music.scores.bars import Grid, Repeat
from studio.music.scores.chords import CHORD_KINDS
from studio.music.scores.clefs import Clef
from studio.music.scores.keys import MODES, Key, KeyAt
from studio.music.scores.meters import Meter
from studio.music.scores.scores import Part
from studio.music.scores.words import SYLLABICS

Order = Callable[[Any], "list[Any]"]
"""The voices of a measure, the one that is the melody first."""


def by_id(measure: Any) -> list[Any]:
    """As their names have it."""
    return sorted(measure.voices, key=lambda voice: str(voice.id))


def sounding_by_id(measure: Any) -> list[Any]:
    """Those that sound first. Voices without a name of their own stand in no order that lasts, as kern was
    read by the rules of 5.
    """
    return sorted(measure.voices, key=lambda voice: (not _sounds(voice), str(voice.id)))


def sounding(measure: Any) -> list[Any]:
    """Those that sound first, and else as they stand in the file: music21 groups kern's sub-spines as
    "voice1", "voice2" …, from left to right.
    """
    return sorted(measure.voices, key=lambda voice: (not _sounds(voice), _layer_of(voice)))


def _layer_of(voice: Any) -> int:
    numbers = (re.fullmatch(r"voice(\d+)", str(group)) for group in voice.groups)
    return next((int(number[1]) for number in numbers if number), 99)


def tunes_of(
    score: Any, name: str, budget: ReadingBudget, *, doubt_major: bool = False, order: Order = by_id
) -> Reading:
    """The melody of a music21 score, or of each score of an opus.

    doubt_major: the format says "major" where nobody chose a mode, as MusicXML does, so a tune that ends in
    the relative minor is in minor. order: which voice of a measure is the melody. Raises `Unreadable`.
    """
    from music21 import stream

    if isinstance(score, stream.Opus):
        readings = [
            tunes_of(each, name, budget, doubt_major=doubt_major, order=order) for each in score.scores
        ]
        return Reading(
            tuple(tune for each in readings for tune in each.tunes),
            tuple(remark for each in readings for remark in each.remarks),
        )
    parts = list(score.parts) if isinstance(score, stream.Score) else [score]
    lines = [_line_of(part, order) for part in parts]
    chosen = choose_melody(lines, name)
    part = next(part for part, line in zip(parts, lines, strict=True) if line is chosen)
    bars = _bars_of(part)
    keys, phrase_ends = _keys_and_phrase_ends(part, order)
    symbols = _chords_of(parts)
    title, composer = _title_and_composer(score)
    tempos = _tempos_of(score)
    found = FoundTune(
        chosen,
        Grid.of_bars(bars),
        sum((length for length, _ in bars), Fraction(0)),
        keys=keys,
        chords=symbols.chords,
        repeats=_repeats_of(part),
        phrase_ends=phrase_ends,
        title=title,
        composer=composer,
        tempo=tempos[0] if tempos else 120.0,
        remarks=[
            *remarks_on(chosen, len(parts), symbols.unread),
            *_remarks_on_voices(part, order),
            *symbols.remarks,
            *([TEMPO_CHANGES] if len({round(tempo, 2) for tempo in tempos}) > 1 else []),
        ],
    )
    tune = assemble(found, name, budget)
    if doubt_major:
        tune = in_minor_if_so(tune, found.remarks)
    return Reading((tune,), tuple(found.remarks))


def parts_of(score: Any, order: Order) -> tuple[tuple[Part, ...], ...]:
    """The parts of a music21 score, or of each score of an opus. order: of the voices of a measure."""
    from music21 import stream

    if isinstance(score, stream.Opus):
        return tuple(parts for each in score.scores for parts in parts_of(each, order))
    parts = list(score.parts) if isinstance(score, stream.Score) else [score]
    found = (_part_of(part, order) for part in parts)
    return (tuple(part for part in found if part.notes),)


def _part_of(part: Any, order: Order) -> Part:
    line, lyrics = PartLine(_name_of(part), clef=_clef_of(part), clefs=_clefs_in(part)), []
    for element, place, voice in _elements(part, order, all_voices=True):
        kinds = element.classes
        length = Fraction(element.duration.quarterLength)
        if "ChordSymbol" in kinds or not ("Note" in kinds or "Chord" in kinds) or length <= 0:
            continue
        notes = element.notes if "Chord" in kinds else [element]
        for rank, note in enumerate(sorted(notes, key=lambda note: -note.pitch.midi)):
            tied = note.tie is not None and note.tie.type in ("stop", "continue")
            pitch, ends = note.pitch.midi, place + length
            if 0 <= pitch <= 127:
                into = line.others if rank else line.notes
                into.append(FoundNote(place, ends, pitch, tied, _alter_of(note.pitch), voice))
        for lyric in element.lyrics:
            text = "".join(letter for letter in lyric.text or "" if letter.isprintable())[:200]
            if text:
                syllabic = lyric.syllabic if lyric.syllabic in SYLLABICS else "single"
                found = FoundLyric(place, text, syllabic, max(1, int(lyric.number or 1)), extends=False)
                lyrics.append((place, found, True))
    return part_of(line, lyrics)


def _clef_of(part: Any) -> Clef | None:
    """The clef with which a part begins."""
    first = part.recurse().getElementsByClass("Clef").first()
    if first is None or first.getOffsetInHierarchy(part) > 0:
        return None
    return Clef.found(first.sign or "", first.line, first.octaveChange or 0)


def _clefs_in(part: Any) -> list[tuple[Fraction, Clef]]:
    """All clefs of a part, with their places in quarter notes."""
    signs = part.recurse().getElementsByClass("Clef")
    found = (
        (
            Fraction(each.getOffsetInHierarchy(part)),
            Clef.found(each.sign or "", each.line, each.octaveChange or 0),
        )
        for each in signs
    )
    return [(place, clef) for place, clef in found if clef]


def _keys_and_phrase_ends(part: Any, order: Order) -> tuple[list[KeyAt | SignatureAt], list[Fraction]]:
    """The key signatures of a part, and the ends of the notes under a fermata."""
    keys: list[KeyAt | SignatureAt] = []
    ends: set[Fraction] = set()
    for element, place, _ in _elements(part, order):
        kinds = element.classes
        if "KeySignature" in kinds:
            mode = getattr(element, "mode", None)
            if abs(element.sharps) > 7:
                continue
            if mode in MODES:
                keys.append(KeyAt(place, Key(element.sharps, mode)))
            else:
                keys.append(SignatureAt(place, element.sharps))
        elif "NotRest" in kinds and any(type(mark).__name__ == "Fermata" for mark in element.expressions):
            ends.add(place + Fraction(element.duration.quarterLength))
    return keys, sorted(ends)


def _title_and_composer(score: Any) -> tuple[str, str]:
    metadata = score.metadata
    if not metadata:
        return "", ""
    title = str(metadata.title or metadata.movementName or "").strip()
    composer = str(metadata.composer or "").strip()
    # Where a score has no title, music21 gives the name of the file.
    return re.sub(r"\.(mxl|xml|musicxml|krn)$", "", title), composer


def _elements(
    part: Any, order: Order = by_id, *, all_voices: bool = False
) -> Iterator[tuple[Any, Fraction, int]]:
    """Everything in the first voice of each measure of a part, or in all of them, with its place and the
    number of its voice.
    """
    from music21 import stream

    measures = list(part.getElementsByClass(stream.Measure))
    if not measures:
        for element in part.flatten():
            yield element, Fraction(element.offset), 0
        return
    here = Fraction(0)
    for place, measure in enumerate(measures):
        ranks = {id(voice): rank for rank, voice in enumerate(order(measure))}
        for element in measure:
            rank = ranks.get(id(element))
            if rank is None:
                yield element, here + Fraction(element.offset), 0
            elif rank == 0 or all_voices:
                for inner in element:
                    yield inner, here + Fraction(element.offset) + Fraction(inner.offset), rank
        here += _measure_length(measures, place)


def _sounds(voice: Any) -> bool:
    return any("NotRest" in element.classes for element in voice)


def _remarks_on_voices(part: Any, order: Order) -> list[str]:
    """What to say about the voices of a part beside the melody."""
    from music21 import stream

    left = moved = 0
    for measure in part.getElementsByClass(stream.Measure):
        first, *others = order(measure) or [()]
        inside = (element for voice in others for element in voice if "NotRest" in element.classes)
        left += sum("ChordSymbol" not in each.classes and not each.duration.isGrace for each in inside)
        moved += _sounds(first) and any(_layer_of(voice) < _layer_of(first) for voice in others)
    remarks = [f"{FIRST_SILENT}: {moved}."] if moved else []
    return remarks + ([OfMelody(f"{OTHER_VOICES}: {left}.")] if left else [])


def _measure_length(measures: Sequence[Any], place: int) -> Fraction:
    if place + 1 < len(measures):
        apart = Fraction(measures[place + 1].offset) - Fraction(measures[place].offset)
        if apart > 0:
            return apart
    return Fraction(measures[place].highestTime)


def _line_of(part: Any, order: Order) -> PartLine:
    line = PartLine(_name_of(part))
    for element, place, _ in _elements(part, order):
        kinds = element.classes
        if "Unpitched" in kinds or "PercussionChord" in kinds:
            line.percussion = True
            end = place + Fraction(element.duration.quarterLength)
            line.notes.append(FoundNote(place, end, 60, False))
        if "ChordSymbol" in kinds or not ("Note" in kinds or "Chord" in kinds or "Rest" in kinds):
            continue
        if element.duration.isGrace:
            line.grace += 1
            continue
        length = Fraction(element.duration.quarterLength)
        if length <= 0:
            continue
        pitch, tie, alter = None, element.tie if "NotRest" in kinds else None, None
        if "Chord" in kinds:
            if not element.pitches:
                continue
            top = max(element.notes, key=lambda note: note.pitch.midi)
            pitch, tie, alter = top.pitch.midi, top.tie or tie, _alter_of(top.pitch)
            line.stacked += len(element.pitches) > 1
        elif "Note" in kinds:
            pitch, alter = element.pitch.midi, _alter_of(element.pitch)
        if pitch is not None and not 0 <= pitch <= 127:
            continue
        tied = tie is not None and tie.type in ("stop", "continue")
        line.notes.append(FoundNote(place, place + length, pitch, tied, alter))
    return line


def _alter_of(pitch: Any) -> int | None:
    """How a pitch is spelled (see `Note`)."""
    alter = round(pitch.alter)
    return alter if alter == pitch.alter and abs(alter) <= 2 else None


def _name_of(part: Any) -> str:
    """The name of a part, else its id, unless music21 made that up or it is only a number."""
    name = str(part.partName or "")
    if name or isinstance(part.id, int):
        return name
    id = str(part.id or "")
    return "" if id.startswith(("0x", "spine_")) or re.fullmatch(r"P\d+|\d+", id) else id


def _bars_of(part: Any) -> list[tuple[Fraction, Meter]]:
    from music21 import stream

    measures = list(part.getElementsByClass(stream.Measure))
    meter: Meter | None = None
    bars: list[tuple[Fraction, Meter | None]] = []
    for place, measure in enumerate(measures):
        signs = list(measure.getElementsByClass("TimeSignature"))
        if signs:
            with contextlib.suppress(Refused, AttributeError, TypeError):
                meter = Meter(signs[0].numerator, signs[0].denominator)
        length = _measure_length(measures, place)
        bars.append((length, meter))
    if not measures:
        bars = [(Fraction(part.highestTime), None)]
    return barred(bars)


def _repeats_of(part: Any) -> list[Repeat]:
    from music21 import bar, spanner, stream

    measures = list(part.getElementsByClass(stream.Measure))
    brackets: dict[int, tuple[int, ...]] = {}
    closing: set[int] = set()
    for bracket in part.recurse().getElementsByClass(spanner.RepeatBracket):
        if bracket.getFirst() is not None:
            brackets[id(bracket.getFirst())] = passes_of(str(bracket.number))
            closing.add(id(bracket.getLast()))
    signs, here = RepeatSigns(), Fraction(0)
    for place, measure in enumerate(measures):
        end = here + _measure_length(measures, place)
        left, right = measure.leftBarline, measure.rightBarline
        if isinstance(left, bar.Repeat) and left.direction == "start":
            signs.opens(here)
        if id(measure) in brackets:
            signs.ending(here, brackets[id(measure)])
        signs.bar_line(end)
        if isinstance(right, bar.Repeat) and right.direction == "end":
            signs.closes(end, max(2, int(right.times or 2)))
        elif isinstance(right, bar.Repeat) and right.direction == "start":
            signs.opens(end)
        elif id(measure) in closing:
            signs.double_bar(end)
        here = end
    return signs.finish(here)


_KINDS_BY_NAME = {kind.musicxml: kind for kind in CHORD_KINDS if kind.musicxml != "other"} | {
    alias: kind
    for kind in CHORD_KINDS
    for alias in {
        "dominant": ("dominant-seventh",),
        "major-minor": ("minor-major-seventh",),
        "half-diminished": ("half-diminished-seventh",),
    }.get(kind.musicxml, ())
}


def _chords_of(parts: Sequence[Any]) -> FoundChords:
    return read_symbols([_printed_symbols(part) for part in parts])


def _printed_symbols(part: Any) -> list[PrintedSymbol]:
    symbols: list[tuple[Fraction, str]] = []
    ends: dict[Fraction, Fraction] = {}
    for element, place, _ in _elements(part):
        if "Harmony" in element.classes:
            symbols.append((place, _symbol_of(element)))
        elif "GeneralNote" in element.classes:
            ends[place] = max(ends.get(place, place), place + Fraction(element.duration.quarterLength))
    return [PrintedSymbol(place, text, ends.get(place, place)) for place, text in symbols]


def _symbol_of(element: Any) -> str:
    if "NoChord" in element.classes:
        return "N.C."
    kind = _KINDS_BY_NAME.get(getattr(element, "chordKind", ""))
    try:
        root = element.root()
    except Exception:  # a symbol without a root
        root = None
    if kind is None or root is None:
        name = str(root.name).replace("-", "b") if root is not None else ""
        text = str(getattr(element, "chordKindStr", "") or getattr(element, "chordKind", "") or "?")
        return name + text if name else str(element.figure or "?").replace("-", "b")
    degrees = []
    for change in element.chordStepModifications:
        sign = {1: "#", -1: "b"}.get(int(change.interval.semitones) if change.interval is not None else 0, "")
        prefix = "no" if change.modType == "subtract" else sign or "add"
        degrees.append(f"{prefix}{change.degree}")
    bass = element.bass()
    bass_name = bass.name.replace("-", "b") if bass is not None and bass.name != root.name else ""
    inner = f"({','.join(degrees)})" if degrees else ""
    return (
        str(root.name).replace("-", "b") + kind.spellings[0] + inner + (f"/{bass_name}" if bass_name else "")
    )


def _tempos_of(score: Any) -> list[float]:
    """In quarter notes a minute, in order."""
    found = []
    for mark in score.recurse().getElementsByClass("MetronomeMark"):
        with contextlib.suppress(Exception):
            tempo = float(mark.getQuarterBPM())
            if 10 <= tempo <= 1000:
                found.append(tempo)
    return found
