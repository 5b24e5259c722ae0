"""From music21's streams (MusicXML, ABC, Humdrum kern) to tunes. Runs in the child processes of `reading`."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

from studio.errors import Refused, Unreadable
from studio.music.reading.assembling import (
    PartLine,
    assemble,
    barred,
    choose_melody,
    estimate_key,
    remarks_on,
)
from studio.music.reading.budget import Reading, ReadingBudget
from studio.music.scores.bars import Grid, Repeat
from studio.music.scores.chords import CHORD_KINDS, ChordAt, parse_chord
from studio.music.scores.keys import MODES, Key, KeyAt
from studio.music.scores.meters import Meter
from studio.music.scores.tunes import Tune


def tunes_of(score: Any, name: str, budget: ReadingBudget, *, doubt_major: bool = False) -> Reading:
    """doubt_major: the format says "major" where nobody chose a mode (MusicXML), so a tune that ends in the
    relative minor is in minor.
    """
    from music21 import stream

    if isinstance(score, stream.Opus):
        readings = [tunes_of(each, name, budget, doubt_major=doubt_major) for each in score.scores]
        return Reading(
            tuple(tune for each in readings for tune in each.tunes),
            tuple(said for each in readings for said in each.remarks),
        )
    parts = list(score.parts) if isinstance(score, stream.Score) else [score]
    lines = {id(part): _line_of(part) for part in parts}
    chosen = choose_melody(list(lines.values()))
    if chosen is None:
        if any(line.percussion and line.count for line in lines.values()):
            raise Unreadable(
                f"{name} has only drums, and no melody to learn from; choose a file with a tune."
            )
        raise Unreadable(f"{name} has no notes in it; choose a file with a tune.")
    part = next(part for part in parts if lines[id(part)] is chosen)
    remarks = remarks_on(chosen, len(parts))
    bars = _bars_of(part)
    repeats = _repeats_of(part)
    phrase_ends = []
    keys: list[KeyAt | tuple[Fraction, int]] = []
    for element, place in _elements(part):
        kinds = element.classes
        if "KeySignature" in kinds:
            if abs(element.sharps) <= 7:
                mode = getattr(element, "mode", None)
                keys.append(
                    KeyAt(place, Key(element.sharps, mode)) if mode in MODES else (place, element.sharps)
                )
        elif "NotRest" in kinds and any(type(mark).__name__ == "Fermata" for mark in element.expressions):
            phrase_ends.append(place + Fraction(element.duration.quarterLength))
    chords, unread_chords = _chords_of(parts)
    if unread_chords:
        some = ", ".join(repr(symbol) for symbol in list(dict.fromkeys(unread_chords))[:5])
        remarks.append(
            f"{len(unread_chords)} chord symbols could not be understood and were left out: {some}."
        )
    metadata = score.metadata
    tune = assemble(
        chosen,
        Grid.of_bars(bars),
        keys,
        chords,
        repeats,
        sorted(set(phrase_ends)),
        re.sub(
            r"\.(mxl|xml|musicxml|krn)$",
            "",
            str((metadata and (metadata.title or metadata.movementName)) or "").strip(),
        ),
        str((metadata and metadata.composer) or "").strip(),
        _tempo_of(score),
        end=sum((length for length, _ in bars), Fraction(0)),
        name=name,
        budget=budget,
        remarks=remarks,
    )
    if doubt_major:
        tune = _in_minor_if_so(tune, remarks)
    return Reading((tune,), tuple(remarks))


def _in_minor_if_so(tune: Tune, remarks: list[str]) -> Tune:
    minor = Key(tune.key.fifths, "minor")
    chord = parse_chord(tune.chords[-1].symbol) if tune.chords else None
    last = tune.sounding[-1].pitch or 0
    ends_there = last % 12 == minor.tonic and (chord is None or chord.root_class == minor.tonic)
    if (
        len(tune.keys) == 1
        and tune.mode == "major"
        and ends_there
        and estimate_key(tune.notes, minor.fifths, minor.tonic) == minor
    ):
        remarks.append(f"The file says {tune.key}, but the tune ends in {minor}: taken as {minor}.")
        return replace(tune, keys=(KeyAt(Fraction(0), minor),))
    return tune


def _elements(part: Any) -> Iterator[tuple[Any, Fraction]]:
    """Everything in the first voice of each measure of a part, with its place."""
    from music21 import stream

    measures = list(part.getElementsByClass(stream.Measure))
    if not measures:
        for element in part.flatten():
            yield element, Fraction(element.offset)
        return
    here = Fraction(0)
    for place, measure in enumerate(measures):
        voices = list(measure.voices)
        first: Any = min(voices, key=lambda voice: str(voice.id)) if voices else None
        for element in measure:
            if element is first:
                for inner in element:
                    yield inner, here + Fraction(element.offset) + Fraction(inner.offset)
            elif "Voice" not in element.classes:
                yield element, here + Fraction(element.offset)
        here += _measure_length(measures, place)


def _measure_length(measures: Sequence[Any], place: int) -> Fraction:
    if place + 1 < len(measures):
        apart = Fraction(measures[place + 1].offset) - Fraction(measures[place].offset)
        if apart > 0:
            return apart
    return Fraction(measures[place].highestTime)


def _line_of(part: Any) -> PartLine:
    line = PartLine(
        str(part.partName or part.id or "") if not isinstance(part.id, int) else str(part.partName or "")
    )
    if line.name.startswith(("0x", "spine_")) or re.fullmatch(r"P\d+|\d+", line.name):
        line.name = str(part.partName or "")
    for element, place in _elements(part):
        kinds = element.classes
        if "Unpitched" in kinds or "PercussionChord" in kinds:
            line.percussion = True
            line.notes.append((place, place + Fraction(element.duration.quarterLength), 60, False))
        if "ChordSymbol" in kinds or not ("Note" in kinds or "Chord" in kinds or "Rest" in kinds):
            continue
        if element.duration.isGrace:
            line.grace += 1
            continue
        length = Fraction(element.duration.quarterLength)
        if length <= 0:
            continue
        pitch, tie = None, element.tie if "NotRest" in kinds else None
        if "Chord" in kinds:
            if not element.pitches:
                continue
            top = max(element.notes, key=lambda note: note.pitch.midi)
            pitch, tie = top.pitch.midi, top.tie or tie
            line.stacked += len(element.pitches) > 1
        elif "Note" in kinds:
            pitch = element.pitch.midi
        if pitch is not None and not 0 <= pitch <= 127:
            continue
        line.notes.append(
            (place, place + length, pitch, tie is not None and tie.type in ("stop", "continue"))
        )
    return line


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

    first_endings: dict[int, Fraction] = {}
    measures = list(part.getElementsByClass(stream.Measure))
    here, spans = Fraction(0), []
    for place, measure in enumerate(measures):
        spans.append((measure, here, here + _measure_length(measures, place)))
        here = spans[-1][2]
    places = {id(measure): start for measure, start, _ in spans}
    for bracket in part.recurse().getElementsByClass(spanner.RepeatBracket):
        if "1" in str(bracket.number) and bracket.getFirst() is not None and id(bracket.getFirst()) in places:
            first_endings[id(bracket.getLast())] = places[id(bracket.getFirst())]
    repeats: list[Repeat] = []
    opened = Fraction(0)
    for measure, start, end in spans:
        left, right = measure.leftBarline, measure.rightBarline
        if isinstance(left, bar.Repeat) and left.direction == "start":
            opened = start
        if isinstance(right, bar.Repeat) and right.direction == "end":
            ending = first_endings.get(id(measure))
            times = min(int(right.times or 2), 8)
            if opened < end:
                repeats.append(
                    Repeat(
                        opened,
                        end,
                        ending if ending is not None and opened <= ending < end else None,
                        max(2, times),
                    )
                )
            opened = end
        elif isinstance(right, bar.Repeat) and right.direction == "start":
            opened = end
    return repeats


_KINDS_BY_NAME = {kind.musicxml: kind for kind in CHORD_KINDS} | {
    alias: kind
    for kind in CHORD_KINDS
    for alias in {
        "dominant": ("dominant-seventh",),
        "major-minor": ("minor-major-seventh",),
        "half-diminished": ("half-diminished-seventh",),
    }.get(kind.musicxml, ())
}


def _chords_of(parts: Sequence[Any]) -> tuple[list[ChordAt], list[str]]:
    found: dict[Fraction, str] = {}
    unread: list[str] = []
    for part in parts:
        for element, place in _elements(part):
            if "Harmony" not in element.classes or place in found:
                continue
            symbol = _symbol_of(element)
            try:
                chord = parse_chord(symbol)
                found[place] = str(chord) if chord else "N.C."
            except Unreadable:
                unread.append(symbol)
    return [ChordAt(place, found[place]) for place in sorted(found)], unread


def _symbol_of(element: Any) -> str:
    if "NoChord" in element.classes:
        return "N.C."
    kind = _KINDS_BY_NAME.get(getattr(element, "chordKind", ""))
    try:
        root = element.root()
    except Exception:  # a symbol without a root
        root = None
    if kind is None or root is None:
        return str(element.figure or "?").replace("-", "b")
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


def _tempo_of(score: Any) -> float:
    for mark in score.recurse().getElementsByClass("MetronomeMark"):
        with contextlib.suppress(Exception):
            tempo = float(mark.getQuarterBPM())
            if 10 <= tempo <= 1000:
                return tempo
    return 120.0
