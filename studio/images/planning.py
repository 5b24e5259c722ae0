"""The sizes that a dream and a painting go through, and what their steps cost. Loads no torch."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from studio.images.pictures import fit_within
from studio.images.recipes import DreamRecipe, StyleRecipe

USUAL_SIDE = 768
"""The longer side, in pixels, that a recipe's number of octaves refers to."""

SMALLEST_OCTAVE = 64
"""Shorter side, in pixels, of the smallest octave: networks recognise little in smaller pictures."""

SMALLEST = 128
"""Longer side, in pixels, of the first and coarsest size of a painting."""

GROWTH = 1.5
"""The largest factor from one size of a painting to the next."""

PAINTING_RULES = 11
"""The rules by which paintings are painted. They are recorded in a work's setting, so that it is made again
by its own: 1 where nothing is recorded, up to version 0.6.0.

By the second, steps learn the loss's curvature, and fewer are taken; faces and fine structure are held; and
the edges of regions that are painted at once are softened once, not twice.

By the third, what is painted at once is painted by a few steps, which a trained network's strokes make finer,
and refining goes on from there; and steps move a pyramid, so that fewer are needed at the finest size.

By the fourth, the photo is held less where it is plain, and steps are quicker; those that paint at once are
taken at the finest size rather than at the coarser ones, since there the textures are that are looked at.

By the fifth, the photo's broad shapes are held in what is painted step by step (`StyleRecipe.hold_shapes`);
and the steps that paint at once begin from what the networks paint of the photo, which has all of the
painting's strokes and not only the finest, so none are taken at coarser sizes.

By the sixth, the photo's broad lights are given back to what is painted (`lights`); and the steps that paint
at once end when the textures are near enough (`style.ENOUGH`).

By the seventh, faces and fine structure are held more in what is painted step by step after some paintings
(`style.MORE_HELD`); of dots that a network paints at once, none shine out (`style.BOUNDED`); and two steps
that paint at once have room for one to learn from, not for three.

By the eighth, a large picture that is painted at once is not only enlarged: the networks' finest strokes are
added where strokes are (`instant.finer`). The steps that paint at once are a little longer, and end a little
sooner.

By the ninth, what is painted at once at up to 640 pixels after some paintings (`HALF_FIRST`) takes its first
steps at half the size: they begin from what the networks paint of the photo, whose finest strokes are added
at the whole size, with some of the photo's own light and dark where it is held.

By the tenth, faces that are found in the photo (`faces`) are held all over, not only where they have fine
structure; and fine structure is held more after some paintings. What is painted step by step gets the
photo's lights before the steps at the largest size, not after them, and more of those steps; and the photo is
held less where it is plain (`style.PLAIN`).

By the eleventh, the strokes that networks paint at once are made as strong as the painting's, coarse and fine
ones, before the steps (`contrasts`), of which fewer are needed.
"""


@dataclass(frozen=True)
class AtOnce:
    """How much is painted at once.

    own: up to these longer sides, in pixels, it is painted at its own size, where it takes so many steps at
    most: there its texture is finer, and they are quick. side, finest: larger ones are painted at this longer
    side, in so many steps, and enlarged. coarser: the steps at the coarsest size, and at half the longer side
    where that is at least `MIDDLE_SIDE`; none where the networks paint what the finest size begins from.
    half: what is painted at its own size above this longer side takes so many steps at half of it, where they
    take a third of the time, and then so many at its own.
    """

    own: tuple[tuple[int, int], ...]
    side: int
    finest: int
    coarser: tuple[int, ...]
    half: tuple[int, int, int] | None = None


AT_ONCE = {
    3: AtOnce(((448, 8), (640, 5)), 576, 4, (10, 5)),
    4: AtOnce(((448, 12), (640, 9)), 576, 4, (5, 2)),
    5: AtOnce(((448, 12), (640, 9)), 576, 4, ()),
    6: AtOnce(((448, 12), (640, 9)), 576, 2, ()),
    9: AtOnce(((448, 12), (640, 9)), 576, 2, (), half=(448, 3, 6)),
    11: AtOnce(((448, 7), (640, 5)), 576, 2, ()),
}
"""By the rules from which on steps paint at once so (see `row_of`)."""

MADE_FINER = 1280
"""Pixels along the longer side of the largest picture that is painted at once and stays as it is enlarged."""

FINER_COST = 1.25
"""What it costs to make a pixel finer, in pixels of a step. Measured: 2048 x 1366 px, 1.2 s."""

MIDDLE_SIDE = 160

HALF_FIRST = frozenset(
    {
        "a2e40b67422dbd2da87f1e551ed8f78f908868adcf1d4efed7ecfcce03c5dfa2",  # woodcut
        "2de216b8e2f39fb038a4f9582c9d342b8bf2f534ea2274d0a7b7ddd17a89acd9",  # points
    }
)
"""By the ninth and tenth rules: the sha256 of paintings that pictures come nearer to when their first steps
are taken at half the size. To others they come no nearer, or need so few steps that these would take longer;
and leads of glass cross faces.
"""

SMALLEST_HALF = 32
"""Pixels along the shorter side of the half of a picture at which steps are worth it."""

LARGEST_CURVED = 800_000
"""Pixels of the largest size at which the steps learn the loss's curvature, which takes the memory of eleven
pictures (`LimitedBFGS`). Above it, they are Adam's.
"""

PARTS = {
    2: (2 / 3, 0.25, 0.25, 0.35),
    3: (0.25, 0.2, 0.33, 0.215),
    4: (0.25, 0.2, 0.25, 0.185),
    10: (0.25, 0.2, 0.25, 0.225),
}
"""By the rules from which on it is so, of the recipe's steps: the coarsest size's, those of the sizes
between, those of the last of them, and the finest's.
"""

ALONE = 2 / 3
"""The part of the only size of a small painting."""

DRAFT_STEPS = {2: 36, 3: 40}
"""Of a draft, by the rules from which on it is so: the first steps still learn what later ones use."""

AROUND = 28_000
"""What a step costs beside its pixels, in pixels (`python -m benchmarks.predictions`)."""


@dataclass(frozen=True)
class Size:
    """One of the sizes, coarse to fine, at which a picture is worked on, in pixels, and the number of
    steps.
    """

    height: int
    width: int
    steps: int

    @property
    def step_cost(self) -> int:
        """What a step costs, in pixels."""
        return self.height * self.width + AROUND


def shares(sizes: Sequence[Size], begins: float) -> Iterator[float]:
    """After every step at every size: how much of the whole work is done, 0..1, counted by cost.

    begins: what it costs to begin with a size, in steps of that size.
    """
    whole, done = cost_of(sizes, begins), 0.0
    for size in sizes:
        done += size.step_cost * begins
        for _ in range(size.steps):
            done += size.step_cost
            yield min(1.0, done / whole)


def cost_of(sizes: Sequence[Size], begins: float) -> float:
    """What all steps cost, in pixels."""
    return sum(size.step_cost * (size.steps + begins) for size in sizes)


def going_on(sizes: Sequence[Size], recipe: DreamRecipe | StyleRecipe) -> list[Size]:
    """The sizes and steps of a recipe's work, of all that were planned.

    A work that goes on from an earlier picture takes the steps that follow those the picture has behind it;
    what goes beyond the plan is done at the last size.
    """
    if not recipe.more:
        return list(sizes)
    skipped, left, found = recipe.begin_at, recipe.more, []
    for place, size in enumerate(sizes):
        steps = max(0, size.steps - skipped)
        skipped = max(0, skipped - size.steps)
        steps = left if place + 1 == len(sizes) else min(left, steps)
        left -= steps
        if steps:
            found.append(Size(size.height, size.width, steps))
    return found


R = TypeVar("R", DreamRecipe, StyleRecipe)


def to_its_end(recipe: R, sizes: Sequence[Size]) -> R:
    """The recipe without an end after as many steps as there are: then nothing was left out."""
    whole = 0 < sum(size.steps for size in sizes) <= recipe.stop_after
    return recipe.model_copy(update={"stop_after": 0}) if whole else recipe


def stopped(sizes: Sequence[Size], stop_after: int) -> list[Size]:
    """What is worked on of these sizes where a work ends after so many steps, 0 for the end."""
    left, found = stop_after or sum(size.steps for size in sizes), []
    for size in sizes:
        steps = min(left, size.steps)
        left -= steps
        if steps:
            found.append(Size(size.height, size.width, steps))
    return found


DREAM_BEGINS, PAINTING_BEGINS = 1.0, 2.0
"""What it costs to begin with a size, in steps: the network prepares for it, and paintings are looked at."""


def plan_octaves(height: int, width: int, recipe: DreamRecipe) -> list[Size]:
    """The sizes that a dream of height x width goes through, coarsest first; at least one.

    The recipe's number of octaves refers to 768 px. A larger picture gets more and a smaller one fewer, so
    that the coarsest octave, and with it the largest shapes, keep their size. None is smaller than a network
    can use.
    """
    more = math.log(max(height, width) / USUAL_SIDE) / math.log(recipe.octave_scale)
    count = max(1, recipe.octaves + round(more))
    factors = [recipe.octave_scale**-k for k in range(count)]
    factors = [factor for factor in factors if factor == 1 or min(height, width) * factor >= SMALLEST_OCTAVE]
    octaves = []
    for k, factor in enumerate(factors):
        lean = 2 * k / (len(factors) - 1) - 1 if len(factors) > 1 else 0.0  # -1 finest … 1 coarsest
        steps = max(1, round(recipe.steps * (1 + recipe.coarse_first * lean)))
        octaves.append(Size(max(1, round(height * factor)), max(1, round(width * factor)), steps))
    return octaves[::-1]


def painting_rules(recipe: StyleRecipe) -> int:
    """Today's, or those that its work was made by (see `PAINTING_RULES`)."""
    return _recorded_rules(recipe, "painting", PAINTING_RULES)


DREAMING_RULES = 2
"""The rules by which dreams are dreamt, kept as those of paintings are: 1 where nothing is recorded, up to
version 0.18.0.

By the second, shapes whose size varies (`DreamRecipe.vary_size`) are as large as what the photo shows at
their place, and keep closer to that (`spread`). By the first they were large where the photo is plain.
"""


def dreaming_rules(recipe: DreamRecipe) -> int:
    """Today's, or those that its work was made by (see `DREAMING_RULES`)."""
    return _recorded_rules(recipe, "dreaming", DREAMING_RULES)


def _recorded_rules(recipe: DreamRecipe | StyleRecipe, name: str, latest: int) -> int:
    """1 for a work that says nothing of its rules; the latest for a new work, and for rules yet to come."""
    if recipe.setting is None:
        return latest
    recorded = recipe.setting.versions.get(name, "1")
    return int(recorded) if recorded in {str(rules) for rules in range(1, latest + 1)} else latest


T = TypeVar("T")


def row_of(table: Mapping[int, T], rules: int) -> T:
    """What a table says for these rules: its row of the latest that are not later; else its first row."""
    return table[max((each for each in table if each <= rules), default=min(table))]


def takes_steps(recipe: StyleRecipe) -> bool:
    """Whether it is painted step by step. By the first two rules, what is painted at once is not; nor is,
    by any, what pieces of the painting are laid over.
    """
    return recipe.painter != "instant" or (painting_rules(recipe) > 2 and not recipe.pieces)


def painting_sizes(
    height: int, width: int, recipe: StyleRecipe, paintings: Sequence[str] | None = None
) -> list[Size]:
    """The sizes that the recipe's painter goes through, coarsest first (see `plan_sizes` for the optimised
    one). paintings: the sha256 of its paintings, if they are not among its sources.
    """
    sizes = plan_sizes(height, width, recipe)
    if recipe.painter == "optimised":
        return sizes
    rules = painting_rules(recipe)
    if recipe.painter == "instant":
        how = row_of(AT_ONCE, rules)
        if paintings is None:
            paintings = [source.sha256 for source in recipe.sources if source.role == "style"]
        if not (paintings and HALF_FIRST.issuperset(paintings)):
            how = replace(how, half=None)
        return _sizes_at_once(height, width, how)
    at_once = _sizes_at_once(height, width, AT_ONCE[3])  # whose coarser sizes leave less to refine
    refining = refining_sizes(sizes)
    return [*at_once[:-1], *refining] if rules > 2 else refining


def _sizes_at_once(height: int, width: int, how: AtOnce) -> list[Size]:
    longer = max(height, width)
    own = [(longer, steps) for side, steps in how.own if longer <= side]
    if own and how.half and longer > how.half[0] and min(height, width) >= 2 * SMALLEST_HALF:
        _, first, then = how.half
        return [Size(*fit_within(height, width, longer // 2), first), Size(height, width, then)]
    longer, finest = own[0] if own else (how.side, how.finest)
    sides = [SMALLEST] * (longer > SMALLEST) + [longer // 2] * (longer // 2 >= MIDDLE_SIDE)
    sides = sides[: len(how.coarser)]
    steps = (*how.coarser[: len(sides)], finest)
    return [
        Size(*fit_within(height, width, side), count)
        for side, count in zip([*sides, longer], steps, strict=True)
    ]


def sizes_made_finer(height: int, width: int, recipe: StyleRecipe) -> list[tuple[int, int]]:
    """The sizes, (height, width), at which a picture that is painted at once is made finer when it is
    enlarged, each twice the one before: none up to `MADE_FINER`, by earlier rules, and without strength.
    """
    if recipe.painter != "instant" or painting_rules(recipe) < 8 or not recipe.strength:
        return []
    sizes: list[tuple[int, int]] = []
    longer, part = max(height, width), 1
    while longer / part > MADE_FINER:
        sizes.insert(0, (max(1, round(height / part)), max(1, round(width / part))))
        part *= 2
    return sizes


def finer_cost(height: int, width: int, recipe: StyleRecipe) -> float:
    """What it costs to make it finer, in pixels of a step (see `cost_of`)."""
    paintings = max(1, sum(source.role == "style" for source in recipe.sources))
    networks = paintings * max(1, len(recipe.regions))
    area = sum(high * wide for high, wide in sizes_made_finer(height, width, recipe))
    return FINER_COST * networks * area / max(1.0, recipe.style_scale) ** 2


def plan_sizes(height: int, width: int, recipe: StyleRecipe) -> list[Size]:
    """The sizes at which a picture of height x width is painted, coarsest first.

    Each takes a part of the recipe's steps (`PARTS`). Where Adam paints them (see `is_curved`), sizes take
    half as many as the recipe says, or a quarter above 1024 pixels. By the first rules all do, and the
    coarsest takes them all.
    """
    longer = max(height, width)
    count = max(0, math.ceil(math.log(longer / SMALLEST) / math.log(GROWTH))) if longer > SMALLEST else 0
    sides = [SMALLEST * (longer / SMALLEST) ** (k / count) for k in range(count)] if count else []
    rules = painting_rules(recipe)
    draft = recipe.quality == "draft" and rules > 1
    steps = row_of(DRAFT_STEPS, rules) if draft else recipe.planned_steps
    parts = row_of(PARTS, rules)
    sizes = []
    for place, side in enumerate([*sides, float(longer)]):
        size = Size(*fit_within(height, width, round(side)), 0)
        if not is_curved(recipe, size):
            part = 1.0 if place == 0 else 0.5 if side <= 1024 else 0.25
        else:
            part = _part_of(parts, place, count)
        sizes.append(replace(size, steps=max(1, round(steps * part))))
    return sizes


def _part_of(parts: tuple[float, ...], place: int, last: int) -> float:
    """The part of the size at a place, of 0 to `last`."""
    if last == 0:
        return ALONE
    if place in (0, last):
        return parts[0] if place == 0 else parts[3]
    return parts[2] if place == last - 1 else parts[1]


def is_curved(recipe: StyleRecipe, size: Size) -> bool:
    """Whether the steps at this size learn the loss's curvature (`LimitedBFGS`), as they do by the second
    rules in what is not too large; otherwise they are Adam's.
    """
    return painting_rules(recipe) > 1 and size.height * size.width <= LARGEST_CURVED


def refining_sizes(sizes: Sequence[Size]) -> list[Size]:
    """The sizes at which a painting that was begun at once is refined: the last two of a whole painting, in
    which a third of its steps are taken.
    """
    last = list(sizes[-2:])
    steps = sum(size.steps for size in sizes) / 3
    own = sum(size.steps for size in last)
    return [Size(size.height, size.width, max(1, round(size.steps * min(1, steps / own)))) for size in last]
