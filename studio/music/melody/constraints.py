"""The table of constraints: everything a melody can be asked to obey, one row each.

    CONSTRAINTS                                    # the rows
    add(Constraint(...)); remove(row)              # a row more, from anywhere; it may bring its own parameter
    recipe_class()                                 # ComposeRecipe with the parameters that rows bring
    contradiction(conflict, compiled, recipe, …)   # the error for settings that cannot hold together, with
    its data

A row is the only place that names a constraint: the recipe's parameter it belongs to, what an explanation
calls it, how to get rid of it, and the function that turns it into masks, automata or weights. The command
line, the controls of the Compose tab, the compiler and the explanations all read the table.

Light on purpose (no numpy): the command line reads it to list its options. The functions behind the rows are
in `compiling`, which is imported when a melody is composed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Union

from pydantic import create_model

from studio.errors import AskedFor, Contradiction, WayOut
from studio.music.melody.recipes import ComposeRecipe, read_density
from studio.music.scores.keys import pitch_name

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from studio.music.chains.automata import Listener
    from studio.music.chains.conflicts import Conflict
    from studio.music.chains.sampling import Requirement
    from studio.music.melody.compiling import Compiled, Context

Meaning = Union["NDArray[np.bool_]", "NDArray[np.float64]", "Listener", None]
"""What a value of a constraint comes to. [ticks, alphabet] of booleans: which events may start when.
[ticks, alphabet] of numbers: how much more probable each is made. A `Listener`: an automaton that must accept
the melody. None: it asks for nothing here."""

Compile = Callable[["Context", ComposeRecipe, Any], Meaning]
Usual = Callable[["Context"], "Requirement"]


@dataclass(frozen=True, eq=False)
class Constraint:
    """A row of the table.

    field: the recipe's parameter. name: what an explanation calls one value of it, such as "the pin 4:1=G4".
    compile: what one value means; a function (context, recipe, value), or the name of one in `compiling`.
    None where the parameter shapes the walk itself (bars, meter) or is drawn step by step (form). Masks and
    automata hold exactly, weights only make events more or less probable.

    exact: False for one that comes to weights, and so only leans. each: the parameter is a list, and every
    entry of it is a constraint of its own, to be left out alone.
    always: it holds even where the recipe leaves the parameter at its default. in_force: the value that
    holds, where that is not simply the recipe's. way_out: (label, new value) of the change that relaxes one
    value, or None where there is none; by default the value is left out.

    usual: what the style does in this respect, asked for where the recipe does not say (or, with
    `usual_anyway`, also where it does). It gives way to everything else.

    annotation, parameter: for a row that brings its own parameter, the type and `works.recipe.parameter(...)`
    of the field that `recipe_class` adds to `ComposeRecipe`.
    """

    field: str
    name: Callable[[Any], str]
    compile: Compile | str | None = None
    exact: bool = True
    each: bool = False
    always: bool = False
    in_force: Callable[[Context, ComposeRecipe], Any] | None = None
    way_out: Callable[[Any], tuple[str, Any] | None] | None = None
    usual: Usual | str | None = None
    usual_anyway: bool = False
    annotation: Any = None
    parameter: Any = None

    def is_set(self, recipe: ComposeRecipe) -> bool:
        """Whether the recipe asks for it: the parameter is not at its default."""
        field = type(recipe).model_fields.get(self.field)
        return field is not None and getattr(recipe, self.field) != field.default

    def values(self, context: Context, recipe: ComposeRecipe) -> Sequence[Any]:
        """The values that hold for this recipe, one for each constraint of this row."""
        if self.in_force is not None:
            return [self.in_force(context, recipe)]
        value = getattr(recipe, self.field)
        return list(dict.fromkeys(value)) if self.each else [value]

    def meaning(self, context: Context, recipe: ComposeRecipe, value: Any) -> Meaning:
        """What one value comes to. Raises `Refused` for one that makes no sense in this context."""
        if self.compile is None:
            return None
        function: Compile = _function(self.compile)
        return function(context, recipe, value)

    def usually(self, context: Context) -> Requirement:
        """What the style does in this respect."""
        function: Usual = _function(self.usual)
        return function(context)

    def asked(self, value: Any) -> AskedFor:
        return AskedFor(self.field, value, self.name(value))

    def relaxed(self, recipe: ComposeRecipe, value: Any) -> WayOut | None:
        """The change to the recipe that gives up this one value, or None where there is none."""
        if self.way_out is not None:
            change = self.way_out(value)
            return None if change is None else WayOut(change[0], self.field, change[1])
        field = type(recipe).model_fields[self.field]
        rest = (
            [entry for entry in getattr(recipe, self.field) if entry != value] if self.each else field.default
        )
        return WayOut(f"Leave out {self.name(value)}", self.field, rest)


def _function(place: Any) -> Any:
    """A row's function: itself, or by its name in `compiling`, which needs numpy and is imported only
    here.
    """
    return getattr(import_module("studio.music.melody.compiling"), place) if isinstance(place, str) else place


MORE_NOTES = 4
"""How many notes longer a shared run may get at a time, where the copy limit is loosened."""

MOST_NOTES = 64
"""The longest copy limit a recipe takes."""


def _density_in_words(text: str) -> str:
    fewest, most = read_density(text)
    return f"{fewest} to {most} notes a bar"


def _limit_in_words(notes: int) -> str:
    return f"at most {notes} notes in a row as in the style"


def _longer_copies(notes: int) -> tuple[str, int] | None:
    more = min(notes + MORE_NOTES, MOST_NOTES)
    return (f"Allow {more} notes in a row as in the style", more) if more > notes else None


def _form_of_the_style(_form: str) -> tuple[str, str]:
    return "Take a form of the style", "learnt"


CONSTRAINTS: list[Constraint] = [
    Constraint("bars", "{} bars".format),
    Constraint("meter", "the meter {}".format),
    Constraint(
        "max_copy",
        _limit_in_words,
        "copies",
        always=True,
        in_force=lambda context, _recipe: context.max_copy,
        way_out=_longer_copies,
    ),
    Constraint("scale", "the scale '{}'".format, "scale"),
    Constraint("range", "the range {}".format, "in_range", usual="usual_range"),
    Constraint("start", "the start on {}".format, "start"),
    Constraint("end", "the end on {}".format, "end", usual="usual_end", usual_anyway=True),
    Constraint("pins", "the pin {}".format, "pin", each=True),
    Constraint("keep", "the kept bars {}".format, "keep", each=True),
    Constraint("rhythm", "the rhythm '{}'".format, "rhythm", each=True),
    Constraint("motifs", "the motif {}".format, "motif", each=True),
    Constraint("avoid", "avoiding {}".format, "avoid", each=True),
    Constraint("density", _density_in_words, "density"),
    Constraint("cadences", "the cadence {}".format, "cadence", each=True),
    Constraint("contour_limit", "at most {} semitones off the contour".format, "contour_limit"),
    Constraint("contour", "the contour".format, "contour", exact=False),
    Constraint("theme_pull", "the theme".format, "theme", exact=False, always=True),
    Constraint("form", "the form {}".format, way_out=_form_of_the_style),
]
"""Every constraint there is. `add` and `remove` change it."""

NO_CONSTRAINTS = ("key", "copy_by", "order", "contour_pull", "tempo", "instrument", "title", "format", "seed")
"""Parameters that constrain nothing themselves: the key is where the style is moved to, the others say how
something is done, not what."""


def add(row: Constraint) -> Constraint:
    """Put a row at the end of the table. What it brings is known everywhere from now on."""
    CONSTRAINTS.append(row)
    return row


def remove(row: Constraint) -> None:
    """Take a row out of the table again."""
    CONSTRAINTS.remove(row)


def row_of(field: str) -> Constraint:
    """The row of that parameter."""
    return next(row for row in CONSTRAINTS if row.field == field)


def recipe_class() -> type[ComposeRecipe]:
    """The recipe of a melody: `ComposeRecipe`, with the parameters that rows of the table bring.

    The row of the kind in `making.kinds` names this function: "studio.music.melody.constraints:recipe_class".
    As long as no row brings a parameter it is `ComposeRecipe` itself, so JSON and fingerprints stay the same.
    """
    return _extended(tuple(row for row in CONSTRAINTS if row.parameter is not None))


@lru_cache(maxsize=4)
def _extended(rows: tuple[Constraint, ...]) -> type[ComposeRecipe]:
    if not rows:
        return ComposeRecipe
    fields: dict[str, Any] = {row.field: (row.annotation, row.parameter) for row in rows}
    return create_model("ComposeRecipe", __base__=ComposeRecipe, __doc__=ComposeRecipe.__doc__, **fields)


# When they cannot hold together
# ------------------------------------------------------------------------------------------------------------


def contradiction(
    conflict: Conflict, compiled: Compiled, recipe: ComposeRecipe, style: str, lowest: int
) -> Contradiction:
    """The error for settings that cannot hold together, in one sentence and as data.

    conflict: what `chains.conflicts.explain` found. style: its title. lowest: how many notes back every step
    looks at least, since with a shorter memory more might be possible. The ways out are the single changes
    after which the rest can be satisfied.
    """
    if not conflict.requirements:
        bars = row_of("bars").asked(recipe.bars)
        meter = str(compiled.context.idiom.meter)
        return Contradiction(
            f"The tunes of {style} cannot be joined to fill exactly {recipe.bars} bars of {meter}; "
            "choose another number of bars or another meter.",
            [bars, row_of("meter").asked(meter)],
        )
    rows = compiled.asked
    asked = [rows[name][0].asked(rows[name][1]) for name in conflict.requirements]
    ways = [way for name in conflict.remedies if (way := rows[name][0].relaxed(recipe, rows[name][1]))]
    if [each.field for each in asked] == ["range"]:
        idiom = compiled.context.idiom
        low, high = (pitch_name(pitch, idiom.key) for pitch in idiom.range)
        said = f"No melody of {style} stays in the range {asked[0].value}; in {idiom.key} they usually lie in"
        ways.append(WayOut(f"Use the range {low}:{high}", "range", f"{low}:{high}"))
        advice = "so choose that range, or one with more of its notes"
        return Contradiction(f"{said} {low}:{high}, {advice}.", asked, ways)
    return Contradiction(_in_a_sentence(conflict, style, lowest), asked, ways)


def _in_a_sentence(conflict: Conflict, style: str, lowest: int) -> str:
    if len(conflict.requirements) == 1:
        (name,) = conflict.requirements
        if conflict.remedies:
            return f"Nothing in {style} allows {name}; leave it out or change it."
        return f"Nothing in {style} allows {name}, and other settings conflict as well; leave out several."
    said = f"{style} cannot satisfy {_listed(conflict.requirements, 'and')} together"
    said += f" (every step looks back {lowest} notes)" if lowest > 1 else ""
    if conflict.remedies:
        return f"{said}; leave out {_listed(conflict.remedies, 'or')}, and the rest can be satisfied."
    return f"{said}, and other settings conflict as well; leave out several."


def _listed(names: Sequence[str], word: str) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {word} {names[-1]}"


def form_not_possible(recipe: ComposeRecipe, bar: int, root: int) -> Contradiction:
    """The error for a form in letters that is not possible. bar, root: from 0; bar cannot be root."""
    form = row_of("form")
    way = form.relaxed(recipe, recipe.form)
    return Contradiction(
        f"The form {recipe.form} is not possible with these settings: bar {bar + 1} cannot repeat "
        f"bar {root + 1}; choose another form or seed, or leave a setting out.",
        [form.asked(recipe.form)],
        [way] if way else [],
    )
