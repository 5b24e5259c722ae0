"""Every row of the table against plain code: all melodies of a tiny style are written out, and a constraint
must leave exactly those that a reader of the notes would leave. And one more row is known everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pytest

from studio.errors import Contradiction
from studio.making.kinds import KINDS
from studio.music.chains.sampling import solve
from studio.music.melody import constraints
from studio.music.melody.compiling import Context, compile_constraints
from studio.music.melody.constraints import CONSTRAINTS, Constraint, recipe_class
from studio.music.melody.idiom import learn
from studio.music.melody.recipes import ComposeRecipe
from studio.music.melody.takes import consider, draw
from studio.music.reading.readers import read_tunes
from studio.music.scores.keys import Key
from studio.music.scores.meters import Meter
from studio.music.scores.pitches import parse_pitch
from studio.music.scores.tunes import Tune
from studio.music.styles.style import Style
from studio.process import finish
from studio.works.recipe import controls, parameter
from tests.conftest import Studio

TUNES = (
    b"X:1\nM:3/4\nL:1/4\nK:C\nCEG|FED|E2C|DzC|\n",
    b"X:2\nM:3/4\nL:1/4\nK:C\nECD|E2G|FzD|C3|\n",
    b"X:3\nM:3/4\nL:1/4\nK:C\nC/D/EC|G2F|EDB,|C2z|\n",
)
BARS = 2
OFF = {"max_copy": 64}
"""A copy limit that nothing so short reaches."""


class Note(NamedTuple):
    """pitch: None for a rest. start, length: in quarter notes."""

    pitch: int | None
    start: Fraction
    length: Fraction

    @property
    def bar(self) -> int:
        return int(self.start // 3) + 1

    @property
    def end(self) -> Fraction:
        return self.start + self.length


@pytest.fixture(scope="module")
def style() -> Style:
    return Style.of([tune for content in TUNES for tune in read_tunes(content).tunes])


@pytest.fixture(scope="module")
def context(style: Style) -> Context:
    idiom = learn(style, Meter(3, 4), Key(0), longest=2)
    return Context(idiom, idiom.walk(1), BARS, take=style[1], max_copy=64)


@pytest.fixture(scope="module")
def melodies(context: Context) -> dict[tuple[int, ...], list[Note]]:
    """Every melody of two bars in which any two neighbours are neighbours in a tune: symbols -> notes."""
    idiom = context.idiom
    after: dict[int, set[int]] = {}
    for sequence in idiom.sequences:
        for one, other in pairwise(sequence):
            after.setdefault(one, set()).add(other)
    found: dict[tuple[int, ...], list[Note]] = {}
    open_: list[tuple[tuple[int, ...], int]] = [
        ((first,), int(idiom.ticks[first])) for first in {sequence[0] for sequence in idiom.sequences}
    ]
    while open_:
        symbols, ticks = open_.pop()
        if ticks == BARS * idiom.bar:
            found[symbols] = _notes(context, symbols)
        for symbol in after.get(symbols[-1], ()) if ticks < BARS * idiom.bar else ():
            open_.append(((*symbols, symbol), ticks + int(idiom.ticks[symbol])))
    return found


def _notes(context: Context, symbols: tuple[int, ...]) -> list[Note]:
    notes, here = [], Fraction(0)
    for symbol in symbols:
        event = context.idiom.events[symbol]
        length = event.ticks * context.idiom.tick
        notes.append(Note(event.pitch if event.pitch >= 0 else None, here, length))
        here += length
    return notes


def allowed(
    context: Context, melodies: dict[tuple[int, ...], list[Note]], **asked: Any
) -> set[tuple[int, ...]]:
    """The melodies that can be drawn under these settings."""
    compiled = compile_constraints(context, ComposeRecipe(**(OFF | asked)))
    trellis = context.idiom.trellis(context.walk, compiled.listeners)
    solution = solve(trellis, context.ticks, compiled.hard)
    return {symbols for symbols in melodies if solution.log_probability(symbols) > -np.inf}


def sounding(notes: list[Note]) -> list[int]:
    return [note.pitch for note in notes if note.pitch is not None]


def steps(notes: list[Note]) -> list[int]:
    return [after - before for before, after in pairwise(sounding(notes))]


def has(line: list[int], part: list[int]) -> bool:
    return any(line[at : at + len(part)] == part for at in range(len(line)))


def struck_in(notes: list[Note], bar: int) -> int:
    return sum(note.pitch is not None for note in notes if note.bar == bar)


def height(start: Fraction) -> float:
    """Of the line from C4 at the beginning to G4 at the end of six quarter notes."""
    return 60 + 7 * float(start) / 6


C4, E4, G4 = parse_pitch("C4"), parse_pitch("E4"), parse_pitch("G4")
ROWS: list[tuple[dict[str, Any], Callable[[list[Note]], bool]]] = [
    ({"scale": "C D E G"}, lambda notes: all(pitch % 12 in (0, 2, 4, 7) for pitch in sounding(notes))),
    ({"scale": "pentatonic"}, lambda notes: all(pitch % 12 in (0, 2, 4, 7, 9) for pitch in sounding(notes))),
    ({"range": "C4:E4"}, lambda notes: all(C4 <= pitch <= E4 for pitch in sounding(notes))),
    ({"start": "E4"}, lambda notes: notes[0].pitch == E4),
    ({"start": "E"}, lambda notes: notes[0].pitch is not None and notes[0].pitch % 12 == 4),
    ({"end": "C4"}, lambda notes: notes[-1].pitch == C4),
    ({"end": "D"}, lambda notes: notes[-1].pitch is not None and notes[-1].pitch % 12 == 2),
    ({"pins": ("2:1=G4",)}, lambda notes: any((note.pitch, note.start) == (G4, 3) for note in notes)),
    (
        {"pins": ("2:1=note*2",)},
        lambda notes: any((n.pitch is not None, n.start, n.length) == (True, 3, 2) for n in notes),
    ),
    ({"pins": ("2:2=rest",)}, lambda notes: any(n.pitch is None and n.start <= 4 < n.end for n in notes)),
    (
        {"pins": ("1:2=note", "2:3=D")},
        lambda notes: (
            any(n.start == 1 and n.pitch is not None for n in notes)
            and any(n.start == 5 and n.pitch == 62 for n in notes)
        ),
    ),
    (
        {"keep": ("2",)},
        lambda notes: [(n.pitch, n.length) for n in notes if n.bar == 2] == [(64, 2), (67, 1)],
    ),
    (
        {"rhythm": ("2=2 1",)},
        lambda notes: [(n.pitch is None, n.length) for n in notes if n.bar == 2] == [(False, 2), (False, 1)],
    ),
    (
        {"rhythm": ("2=1 1r 1",)},
        lambda notes: (
            [(n.pitch is None, n.length) for n in notes if n.bar == 2] == [(False, 1), (True, 1), (False, 1)]
        ),
    ),
    ({"motifs": ("G4 F4",)}, lambda notes: has(sounding(notes), [67, 65])),
    ({"motifs": ("-1 -2",)}, lambda notes: has(steps(notes), [-1, -2])),
    ({"motifs": ("2=F4 E4",)}, lambda notes: has(sounding([n for n in notes if n.bar == 2]), [65, 64])),
    ({"avoid": ("C4 E4",)}, lambda notes: not has(sounding(notes), [60, 64])),
    ({"avoid": ("+2 +2",)}, lambda notes: not has(steps(notes), [2, 2])),
    ({"density": "2:3"}, lambda notes: all(2 <= struck_in(notes, bar) <= 3 for bar in (1, 2))),
    (
        {"cadences": ("1=1",)},
        lambda notes: any(
            n.end == 3 and n.pitch is not None and n.pitch % 12 == 0 and n.length >= 1 for n in notes
        ),
    ),
    (
        {"contour": ("1:C4", "3:G4"), "contour_limit": 4},
        lambda notes: all(n.pitch is None or abs(n.pitch - height(n.start)) <= 4 for n in notes),
    ),
    ({}, lambda _notes: True),
]


@pytest.mark.parametrize(("asked", "holds"), ROWS, ids=[str(asked) for asked, _ in ROWS])
def test_a_constraint_leaves_exactly_the_melodies_that_keep_it(
    context: Context,
    melodies: dict[tuple[int, ...], list[Note]],
    asked: dict[str, Any],
    holds: Callable[[list[Note]], bool],
) -> None:
    wanted = {symbols for symbols, notes in melodies.items() if holds(notes)}
    assert wanted
    assert (wanted == set(melodies)) == (not asked), "it rules something out"
    assert allowed(context, melodies, **asked) == wanted


def test_every_row_that_holds_exactly_is_among_them() -> None:
    tested = {field for asked, _ in ROWS for field in asked}
    soft_or_elsewhere = {"bars", "meter", "form", "max_copy", "theme_pull"}
    assert tested | soft_or_elsewhere == {row.field for row in CONSTRAINTS}


@pytest.mark.parametrize("copy_by", ["pitch", "interval"])
def test_the_copy_limit_leaves_the_melodies_without_a_longer_run(
    context: Context, melodies: dict[tuple[int, ...], list[Note]], style: Style, copy_by: str
) -> None:
    def line(pitches: list[int]) -> list[int]:
        return pitches if copy_by == "pitch" else [after - before for before, after in pairwise(pitches)]

    songs = [line([note.pitch for note in tune.sounding if note.pitch is not None]) for tune in style]
    size = 4 if copy_by == "pitch" else 3  # four notes are three steps

    def copies(notes: list[Note]) -> bool:
        own = line(sounding(notes))
        return any(has(song, own[at : at + size]) for song in songs for at in range(len(own) - size + 1))

    wanted = {symbols for symbols, notes in melodies.items() if not copies(notes)}
    assert 0 < len(wanted) < len(melodies)
    limited = replace(context, max_copy=3)
    assert allowed(limited, melodies, max_copy=3, copy_by=copy_by) == wanted


def test_soft_constraints_shift_probabilities_as_their_formulas_say(
    context: Context, melodies: dict[tuple[int, ...], list[Note]]
) -> None:
    theme = Tune.of([(64, Fraction(3)), (67, Fraction(3))], meter=Meter(3, 4), key=Key(0))
    trellis = context.idiom.trellis(context.walk, ())
    free = solve(trellis, context.ticks, [])

    def on_line(notes: list[Note]) -> float:
        off = [min(abs(note.pitch - height(note.start)), 12) for note in notes if note.pitch is not None]
        return float(np.exp(-0.8 * sum(distance**2 for distance in off) / 12))

    def like_theme(notes: list[Note]) -> float:
        said = 0
        for note in notes:
            asked = 64 if note.start < 3 else 67
            said += (note.pitch == asked) * (1 + (note.start in (0, 3)))
        return float(np.exp(2 * 0.6 * said))

    for asked, there, formula in (
        ({"contour": ("1:C4", "3:G4"), "contour_pull": 0.8}, context, on_line),
        ({"theme_pull": 0.6}, replace(context, theme=theme), like_theme),
    ):
        compiled = compile_constraints(there, ComposeRecipe(**(OFF | asked)))  # type: ignore[arg-type]
        (soft,) = compiled.soft
        assert not compiled.asked[soft.name][0].exact
        assert all(compiled.asked[requirement.name][0].exact for requirement in compiled.hard)
        leaning = solve(trellis, context.ticks, [soft])
        weights = {
            symbols: np.exp(free.log_probability(symbols)) * formula(notes)
            for symbols, notes in melodies.items()
        }
        total = sum(weights.values())
        for symbols, weight in weights.items():
            assert np.exp(leaning.log_probability(symbols)) == pytest.approx(weight / total, rel=1e-9)


# One more row
# ------------------------------------------------------------------------------------------------------------


def _no_shorter(context: Context, _recipe: ComposeRecipe, quarters: float) -> Any:
    idiom = context.idiom
    return context.everything() & (~idiom.sounding | (idiom.ticks * float(idiom.tick) >= quarters))


@pytest.fixture
def shortest() -> Iterator[Constraint]:
    """A constraint with its own parameter, in this file alone."""
    row = constraints.add(
        Constraint(
            "shortest",
            "the shortest note of {} quarters".format,
            _no_shorter,
            annotation=float | None,
            parameter=parameter(None, "The shortest note, in quarter notes.", ge=0.125, le=4, step=0.125),
        )
    )
    yield row
    constraints.remove(row)


@pytest.mark.usefixtures("shortest")
def test_a_row_brings_its_option_its_control_its_explanation_and_its_way_out(
    studio: Studio, style: Style
) -> None:
    status, out, _ = studio("compose", "--help")
    assert status == 0
    assert "--shortest" in out
    assert "The shortest note, in quarter notes." in out
    (control,) = [each for each in controls(KINDS["compose"].recipe_class()) if each.name == "shortest"]
    assert (control.minimum, control.maximum, control.step) == (0.125, 4, 0.125)

    asked = {"bars": 4, "meter": "3/4", "key": "C", "form": "free", "max_copy": 64}
    recipe = recipe_class().model_validate(asked | {"shortest": 1.0})
    for seed in range(5):
        tune = finish(draw(finish(consider(recipe, style)), seed)).tune
        assert all(note.duration >= 1 for note in tune.sounding)

    both = recipe_class().model_validate(asked | {"shortest": 4.0, "pins": ("2:1=note",)})
    with pytest.raises(Contradiction) as caught:
        finish(consider(both, style))
    assert "the shortest note of 4.0 quarters" in str(caught.value)
    assert "shortest" in {each.field for each in caught.value.conflict}
    (way,) = [way for way in caught.value.ways_out if way.field == "shortest"]
    assert way.label == "Leave out the shortest note of 4.0 quarters"
    assert way.value is None


def test_without_the_row_everything_is_as_before(studio: Studio) -> None:
    assert recipe_class() is ComposeRecipe
    assert KINDS["compose"].recipe_class() is ComposeRecipe
    assert "--shortest" not in studio("compose", "--help")[1]


@pytest.mark.usefixtures("shortest")
def test_a_row_that_is_not_used_changes_no_other_field() -> None:
    extended, plain = recipe_class()(bars=4), ComposeRecipe(bars=4)
    assert isinstance(extended, ComposeRecipe)
    assert extended.model_dump() == plain.model_dump() | {"shortest": None}
    assert recipe_class() is recipe_class()


def test_what_the_controls_offer_are_constraints_or_listed_as_none() -> None:
    fields = {control.name for control in controls(ComposeRecipe)}
    others = {"style", "composer", "temperature"}
    assert fields == {row.field for row in CONSTRAINTS} | {*constraints.NO_CONSTRAINTS} | others
