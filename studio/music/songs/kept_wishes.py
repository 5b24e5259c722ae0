"""Whether what is kept of earlier songs is as the rest of a request asks.

    check_wishes(recipe, kept)              # raises a `Contradiction` for the first thing that it is not

A section that is kept whole is not drawn, so no search sees that it contradicts a pin or a scale. What the
table of constraints makes of a melody is therefore asked of its notes here, with the same masks and automata
as for one that is drawn. What only leans (a contour, a theme, how daring the chords are) and the copy limits
leave alone what a person chose to keep.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby
from math import lcm
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NoReturn, cast

import numpy as np

from studio.errors import AskedFor, Contradiction, Refused, WayOut
from studio.music.chains.automata import Listener
from studio.music.melody.compiling import Context
from studio.music.melody.constraints import CONSTRAINTS, Constraint, row_of
from studio.music.melody.idiom import PER_QUARTER, Event, Idiom, LearntTune
from studio.music.melody.recipes import (
    ComposeRecipe,
    Pin,
    PitchOrClass,
    Span,
    read_cadence,
    read_density,
    read_motif,
    read_range,
)
from studio.music.scores.chords import parse_chord
from studio.music.scores.events import REST
from studio.music.scores.keys import Key, pitch_name
from studio.music.scores.notes import Note
from studio.music.scores.tunes import Tune
from studio.music.songs.plan import SheetPart
from studio.music.songs.recipes import SongRecipe, in_time, read_changes, read_section_key
from studio.music.songs.rows import LaidRow
from studio.music.songs.rules import drawing_rules, since
from studio.music.styles.style import Style

if TYPE_CHECKING:
    from studio.music.songs.keeping import Kept

AT_ONE_PLACE = frozenset({"pins", "range", "start", "end"})
"""Constraints that are looked for in the notes themselves, by rules 11 already."""

NOT_OF_NOTES = frozenset({"bars", "meter", "form", "keep", "max_copy"})
"""Constraints that the plan keeps, or what is kept itself; and the copy limit: a person chose the notes."""


def check_wishes(recipe: SongRecipe, kept: Kept) -> None:
    """Raises `Contradiction` for what is asked of a section, or of chords, that are kept and contradict it.

    By rules 11 pins, range, first and last note alone; works up to 0.16.0 passed over these too.
    """
    for part in _whole(kept):
        _check_places(recipe, kept, part)
    if since(drawing_rules(recipe), "12"):
        _check_keys(recipe, kept)
        _check_chords(recipe, kept)
        _check_constraints(recipe, kept)


def _whole(kept: Kept) -> list[SheetPart]:
    """The sections whose melody is kept whole, wherever they are played."""
    return [part for part in kept.plan.sections if part.letter in kept.whole]


def _refuse(
    row: Constraint, value: Any, recipe: SongRecipe, found: str, advice: str = "leave that out"
) -> NoReturn:
    """Raises the error: what a kept section has (`found`), and what to do besides keeping others."""
    way = row.relaxed(recipe, value)
    raise Contradiction(
        f"{found}; {advice}, or keep other sections.", [row.asked(value)], [way] if way else []
    )


# At one place
# ------------------------------------------------------------------------------------------------------------


def _check_places(recipe: SongRecipe, kept: Kept, part: SheetPart) -> None:
    """Of one section that is kept: pins, the range, the first and the last note."""
    notes, by_all = kept.section_tune(part), since(drawing_rules(recipe), "12")
    sounding = [note for note in notes if note.pitch is not None]
    named = f"Section {part.letter} is kept"
    for text in recipe.pins:
        if (bar := _elsewhere(text, kept, part, notes)) is not None:
            found = f"{named}, and its bar {bar} is not as the pin {text} says"
            _refuse(row_of("pins"), text, recipe, found, "leave out the pin")
    for text, place in zip(kept.pins, recipe.keep_notes, strict=True) if by_all else ():
        if (bar := _elsewhere(text, kept, part, notes)) is not None:
            raise Contradiction(
                f"{named}, and its bar {bar} has not the note that is kept at {place.strip()}; do not keep "
                "that note, or keep other sections.",
                [AskedFor("keep_notes", place, f"the note at {place}")],
            )
    if recipe.range and sounding:
        low, high = read_range(recipe.range)
        pitches = [note.pitch for note in sounding if note.pitch is not None]
        if min(pitches) < low or max(pitches) > high:
            reach = f"{pitch_name(min(pitches))} to {pitch_name(max(pitches))}"
            found = f"{named} and goes from {reach}, outside of the range {recipe.range}"
            _refuse(row_of("range"), recipe.range, recipe, found, "leave out the range, widen it")
    for edge, row, note in (
        ("begins", "start", sounding[0] if sounding and part is kept.plan.sections[0] else None),
        ("ends", "end", sounding[-1] if sounding and part is kept.plan.sections[-1] else None),
    ):
        asked = getattr(recipe, row)
        if not asked or note is None or note.pitch is None:
            continue
        if not _is_pitch(note.pitch, PitchOrClass.read(asked)):
            found = f"{named} and {edge} on {pitch_name(note.pitch)}, not on {asked}"
            _refuse(row_of(row), asked, recipe, found, "leave that out")


def _elsewhere(text: str, kept: Kept, part: SheetPart, notes: Sequence[Note]) -> int | None:
    """The bar of a pin in a section whose notes are not as it says; None for any other pin."""
    pin = Pin.read(text)
    inside = part.first < pin.bar <= part.first + part.bars
    return pin.bar if inside and not _is_pinned(kept, notes, pin) else None


def _is_pinned(kept: Kept, notes: Sequence[Note], pin: Pin) -> bool:
    """Whether the notes of a kept section are as a pin says."""
    meter = kept.tune.meter
    place = (pin.bar - 1) * meter.bar_length + (pin.beat - 1) * Fraction(4, meter.denominator)
    there = next((note for note in notes if note.start <= place < note.end), None)
    if pin.what == "rest" or there is None or there.pitch is None:
        return pin.what == "rest" and (there is None or there.pitch is None)
    begun = there.start == place and pin.length in (None, there.duration)
    return begun and (isinstance(pin.what, str) or _is_pitch(there.pitch, pin.what))


def _is_pitch(pitch: int, asked: PitchOrClass) -> bool:
    return pitch % 12 == asked.pitch_class and asked.pitch in (None, pitch)


# Keys and chords
# ------------------------------------------------------------------------------------------------------------


def _check_keys(recipe: SongRecipe, kept: Kept) -> None:
    """Raises `Contradiction` where what is kept is in another key than is asked for there."""
    for part in kept.plan.sections:
        for bar in range(part.first, part.first + part.bars):
            origin = kept.melody.get(bar) or kept.chords.get(bar)
            if origin is None:
                continue
            record = kept.records[origin.song]
            there = record.key_of(origin.bar)
            if set(there.scale) == set(part.key.scale):
                continue
            own = part.letter.rstrip("'") in dict(map(read_section_key, recipe.section_keys))
            whose = f"section {part.letter}" if own else "the song"
            asked = AskedFor("section_keys" if own else "key", part.key.short(), f"the key {part.key}")
            raise Contradiction(
                f"What is kept of {record.title!r} in section {part.letter} is in {there}, but {whose} is "
                f"asked for in {part.key}; take {there}, or keep nothing there.",
                [asked],
                [] if own else [WayOut(f"Take {there}", "key", there.short())],
            )


def _check_chords(recipe: SongRecipe, kept: Kept) -> None:
    """Raises `Contradiction` where chords that are kept are not those that were written for their bars, or
    are more or fewer than are asked for.
    """
    laid, meter = LaidRow.of(recipe), kept.tune.meter
    fewest, most = read_changes(recipe.chord_changes) if recipe.chord_changes else (0, 0)
    for bar in sorted(kept.chords):
        has = _chords_of(kept, bar)
        told = " ".join(symbol for symbol, _ in has)
        named = f"The chords of bar {bar + 1} are kept ({told})"
        words = laid.words(bar) if bar in laid.at else None
        if words is not None:
            given = _distinct([(symbol, start) for symbol, start, _ in in_time(list(words), meter)])
            same = [(parse_chord(symbol), start) for symbol, start in has]
            if same != [(parse_chord(symbol), start) for symbol, start in given]:
                raise Contradiction(
                    f"{named}, but {' '.join(words)} is written for that bar; write ? there, or keep other "
                    "chords.",
                    [AskedFor("chords", recipe.chords, f"the chords of bar {bar + 1}")],
                    [WayOut("Leave out your chords", "chords", "")],
                )
        if recipe.chord_changes and not fewest <= len(has) <= most:
            asked = f"{fewest} to {most} chords a bar"
            raise Contradiction(
                f"{named}, but {asked} are asked for; leave that out, or keep other chords.",
                [AskedFor("chord_changes", recipe.chord_changes, asked)],
                [WayOut(f"Leave out {asked}", "chord_changes", None)],
            )


def _chords_of(kept: Kept, bar: int) -> list[tuple[str, Fraction]]:
    """The chords that sound in a bar that is kept, with the places in the bar at which they begin there."""
    length = kept.tune.meter.bar_length
    start, chords = bar * length, kept.tune.chords
    before = [chord for chord in chords if chord.start <= start]
    inside = [chord for chord in chords if start < chord.start < start + length]
    begun = [(before[-1].symbol, Fraction(0))] if before else []
    return _distinct([*begun, *((chord.symbol, chord.start - start) for chord in inside)])


def _distinct(chords: Sequence[tuple[str, Fraction]]) -> list[tuple[str, Fraction]]:
    """Without what is written again although it goes on."""
    return [next(group) for _, group in groupby(chords, lambda each: each[0])]


# Everything in the table of constraints
# ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Stretch:
    """Neighbouring sections in one key that are kept whole, as events. symbols: of `idiom`. ticks: at which
    each begins, in the whole song.
    """

    parts: tuple[SheetPart, ...]
    context: Context
    symbols: tuple[int, ...]
    ticks: tuple[int, ...]

    def bar_of(self, event: int) -> int:
        """The bar, from 1, in which an event begins; the last one for what comes after the last event."""
        return self.ticks[min(event, len(self.ticks) - 1)] // self.context.bar + 1

    def section_of(self, bar: int) -> str:
        """Of a bar, from 1: "Section B is kept"."""
        part = next(each for each in self.parts if each.first < bar <= each.first + each.bars)
        return f"Section {part.letter} is kept"

    def pitch_at(self, event: int) -> str:
        pitch = int(self.context.idiom.pitch[self.symbols[event]])
        return "a rest" if pitch == REST else pitch_name(pitch, self.context.idiom.key)

    def notes_in(self, bar: int) -> int:
        """How many notes begin in a bar."""
        struck, ticks = self.context.idiom.struck, self.context.bar
        begun = zip(self.symbols, self.ticks, strict=True)
        return sum(bool(struck[symbol]) for symbol, tick in begun if tick // ticks == bar - 1)


class _KeptIdiom(Idiom):
    """The events of kept sections as an idiom of their own, in ticks that all of them begin and end on."""

    def __init__(self, kept: Kept, key: Key, events: Sequence[Event], tick: Fraction) -> None:
        title = kept.records[0].title
        # The functions behind the constraints name their style where they refuse what makes no sense.
        style = cast(Style, SimpleNamespace(entry=SimpleNamespace(title=repr(title))))
        line = LearntTune(0, title, tuple(events), (0,) * len(events), (1,), (0,))
        super().__init__(style, kept.tune.meter, key, [line], longest=1, left_out=0, kindred=0, known=1)
        self.tick, self.bar = tick, int(kept.tune.meter.bar_length / tick)


def _check_constraints(recipe: SongRecipe, kept: Kept) -> None:
    """Raises `Contradiction` for the first constraint of the table that a kept section contradicts."""
    rows = [row for row in CONSTRAINTS if row.is_set(recipe) and row.field not in AT_ONE_PLACE | NOT_OF_NOTES]
    melody = cast(ComposeRecipe, recipe)
    stretches = list(_stretches(kept)) if rows else []
    for row in rows:
        for value in row.values(stretches[0].context, melody) if stretches else ():
            if row.field == "motifs":
                _check_motif(recipe, kept, stretches, value)
                continue
            for stretch in stretches:
                _check_meaning(recipe, row, value, stretch, row.meaning(stretch.context, melody, value))


def _stretches(kept: Kept) -> Iterator[_Stretch]:
    whole = _whole(kept)
    for (is_whole, key), group in groupby(kept.plan.sections, lambda part: (part in whole, part.key)):
        if is_whole:
            parts = tuple(group)
            yield _stretch(kept, parts, key, [note for part in parts for note in kept.section_tune(part)])


def _stretch(kept: Kept, parts: tuple[SheetPart, ...], key: Key, notes: Sequence[Note]) -> _Stretch:
    """Sections that follow each other and their notes, at their places in the song."""
    edges = [place for note in notes for place in (note.start, note.end)]
    tick = Fraction(1, lcm(PER_QUARTER, *(place.denominator for place in edges)))
    bar = int(kept.tune.meter.bar_length / tick)
    placed = [each for note in notes for each in _events(note, tick, bar)]
    idiom = _KeptIdiom(kept, key, [event for _, event in placed], tick)
    context = Context(idiom, idiom.walk(0), kept.plan.bars)
    return _Stretch(parts, context, tuple(idiom.sequences[0]), tuple(at for at, _ in placed))


def avoided_in(recipe: SongRecipe, kept: Kept, tune: Tune) -> bool:
    """Whether what must not occur does, from a section that is kept whole to one that was drawn or the other
    way round. tune: the song, without a pick-up.
    """
    if not recipe.avoid or not kept.whole or not since(drawing_rules(recipe), "12"):
        return False
    row, stretch = row_of("avoid"), _stretch(kept, kept.plan.sections, kept.plan.key, tune.notes)
    for value in row.values(stretch.context, cast(ComposeRecipe, recipe)):
        meaning = row.meaning(stretch.context, cast(ComposeRecipe, recipe), value)
        if isinstance(meaning, Listener) and meaning.refused_at(stretch.symbols, stretch.ticks) is not None:
            return True
    return False


def _events(note: Note, tick: Fraction, bar: int) -> Iterator[tuple[int, Event]]:
    """(tick, event) of a note, cut at bar lines."""
    at, end = int(note.start / tick), int(note.end / tick)
    begin = at
    while at < end:
        cut = min(end, (at // bar + 1) * bar)
        pitch = REST if note.pitch is None else note.pitch
        yield at, Event(pitch, cut - at, at % bar, at > begin and pitch != REST)
        at = cut


def _check_meaning(recipe: SongRecipe, row: Constraint, value: Any, stretch: _Stretch, meaning: Any) -> None:
    """Raises `Contradiction` where the notes of a stretch are not as a constraint has it."""
    if isinstance(meaning, Listener):
        event = meaning.refused_at(stretch.symbols, stretch.ticks)
    elif meaning is not None and meaning.dtype == bool:
        good = meaning[list(stretch.ticks), list(stretch.symbols)]
        event = None if good.all() else int(np.flatnonzero(~good)[0])
    else:
        return
    if event is not None:
        bar = stretch.bar_of(event)
        if row.field == "density" and event < len(stretch.symbols):
            bar = _crowded(stretch, bar, value)
        told = SAID[row.field](stretch, event, bar, value) if row.field in SAID else ""
        told = told or f"is not as {row.name(value)} asks"
        _refuse(row, value, recipe, f"{stretch.section_of(bar)}, and its bar {bar} {told}")


def _crowded(stretch: _Stretch, bar: int, value: str) -> int:
    """The bar that has too many notes, or the one before, which had too few."""
    return bar if stretch.notes_in(bar) > read_density(value)[1] else max(bar - 1, 1)


def _cadence_said(stretch: _Stretch, _event: int, _bar: int, value: str) -> str:
    degree, key = read_cadence(value)[1], stretch.context.idiom.key
    name = pitch_name(key.scale[degree - 1] + 60, key).rstrip("0123456789")
    return f"does not close on degree {degree}, {name}, for a beat or more"


SAID: dict[str, Callable[[_Stretch, int, int, Any], str]] = {
    "scale": lambda stretch, event, _bar, value: (
        f"has {stretch.pitch_at(event)}, which is not in the scale '{value}'"
    ),
    "rhythm": lambda _stretch, _event, _bar, value: f"is not in the rhythm '{value}'",
    "avoid": lambda _stretch, _event, _bar, value: f"has {value}, which is to be avoided",
    "density": lambda stretch, _event, bar, value: (
        f"has {_counted(stretch.notes_in(bar))}, not {row_of('density').name(value)}"
    ),
    "cadences": _cadence_said,
    "contour_limit": lambda stretch, event, _bar, value: (
        f"has {stretch.pitch_at(event)}, more than {value} semitones off the contour"
    ),
}
"""Field of a constraint -> what a bar has that is against it: (stretch, event, bar, value)."""


def _counted(notes: int) -> str:
    return "no notes" if not notes else "1 note" if notes == 1 else f"{notes} notes"


def _check_motif(recipe: SongRecipe, kept: Kept, stretches: Sequence[_Stretch], value: str) -> None:
    """Raises `Contradiction` for a motif that must occur in bars all of which are kept, and does not. Where
    some are drawn, it occurs there.
    """
    span = read_motif(value)[0] or Span(1, kept.plan.bars)
    bars = range(span.first, span.last + 1)
    if any(part.letter not in kept.whole for part in kept.plan.sections if _meets(part, bars)):
        return
    reached = [stretch for stretch in stretches if any(_meets(part, bars) for part in stretch.parts)]
    for stretch in reached:
        try:
            meaning = row_of("motifs").meaning(stretch.context, cast(ComposeRecipe, recipe), value)
        except Refused:  # one of its notes is never played there
            continue
        if isinstance(meaning, Listener) and meaning.refused_at(stretch.symbols, stretch.ticks) is None:
            return
    letters = list(dict.fromkeys(part.letter for part in kept.plan.sections if _meets(part, bars)))
    are, have = ("is", "has") if len(letters) == 1 else ("are", "have")
    named = f"Section{'s' * (len(letters) > 1)} {_listed(letters)} {are} kept, and {have}"
    _refuse(row_of("motifs"), value, recipe, f"{named} the motif {value} nowhere")


def _meets(part: SheetPart, bars: range) -> bool:
    """Whether a section has one of these bars, from 1."""
    return part.first < bars.stop - 1 and bars.start <= part.first + part.bars


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
