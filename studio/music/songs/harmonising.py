"""Harmonising a given melody as a recipe asks: in a style, with chords that are given and chords a bar."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np

from studio.errors import AskedFor, Contradiction, Refused, WayOut
from studio.music.chains.conflicts import explain
from studio.music.chains.sampling import Requirement
from studio.music.harmony.harmonise import DRAWS, Harmonisation
from studio.music.harmony.idiom import HarmonyIdiom, is_minor
from studio.music.melody.compose import given_reading, given_tune, reading_rules
from studio.music.scores.keys import Key, KeyAt
from studio.music.scores.tunes import Tune
from studio.music.songs.chording import COLOURED, coloured, locked, restless, simple_chords
from studio.music.songs.recipes import SongRecipe, read_row
from studio.music.songs.rules import by_key_rules, drawing_rules, since
from studio.music.songs.sheet import SongStyles
from studio.music.styles.style import Style
from studio.works.recipe import Source
from studio.works.work import Materials

MOST_HARMONISED = 600
"""Bars of a melody that gets chords: 100 take a second, 400 seven, and more the more."""

MOST_REMARKS = 10
"""Remarks on how a melody was read that go with its song."""


def melody_of(recipe: SongRecipe, source: Source, materials: Materials) -> tuple[Tune, list[str]]:
    """The melody that gets chords, in the key that the recipe names if it names one, and remarks on what had
    to be judged, such as the key of a file that says none. Raises what `given_tune` raises.
    """
    if not by_key_rules(recipe):
        return given_tune(source, materials, reading_rules(recipe)), []
    found = given_reading(source, materials, reading_rules(recipe))
    tune, remarks = found.tunes[0], list(found.remarks[:MOST_REMARKS])
    if recipe.key and Key.parse(recipe.key) != tune.key:
        remarks.append(f"The file was read in {tune.key}; the chords are in {recipe.key}, as you asked.")
        tune = replace(tune, keys=(KeyAt(Fraction(0), Key.parse(recipe.key)),))
    return tune, remarks


ROUNDS = 4
"""Rounds of draws in which different harmonisations are looked for."""

ALIKE_EACH = 2
"""Draws that are like the style's songs, for each harmonisation that is asked for."""


def harmonisation_of(recipe: SongRecipe, style: Style, tune: Tune) -> Harmonisation:
    """The melody, with everything that is asked of its chords.
    Raises `Refused` for a melody that cannot be harmonised, and `Contradiction` where given chords leave no
    way.
    """
    if not tune.sounding:
        raise Refused("The melody has no notes; give one that sounds.")
    if (bars := len(tune.bars())) > MOST_HARMONISED:
        raise Refused(
            f"The melody has {bars:,} bars, and at most {MOST_HARMONISED} can get chords; give a part of it."
        )
    styles = SongStyles.of(recipe, style)
    idiom = styles.harmony(tune.meter, "minor" if is_minor(tune.key.mode) else "major")
    fit = styles.fit()
    asked = Harmonisation.of(tune, idiom, fit)
    row = read_row(recipe.chords)
    if len(row) > len(asked.bars):
        raise Refused(
            f"{len(row)} bars of chords were given for a melody of {len(asked.bars)} bars; give fewer."
        )
    begun = since(drawing_rules(recipe), "6")
    known, requirements, names = locked(recipe, asked.keys(), idiom, begun=begun)
    if known is not idiom:
        asked = Harmonisation.of(tune, known, fit)
    if since(drawing_rules(recipe), "6"):
        asked = replace(asked, closing=_closing(asked, at_rest=since(drawing_rules(recipe), "11")))
    asked = replace(asked, requirements=(*asked.requirements, *requirements))
    asked = _simply(asked, recipe, idiom)
    if since(drawing_rules(recipe), "12"):
        plain = since(drawing_rules(recipe), "13") and idiom.ends_plainly
        rooted = _closing(asked, at_rest=True, rooted=True, plain=plain)
        for lowest in (1, 0):
            closed = replace(asked, closing=rooted, lowest=lowest)
            if closed.solve().feasible:
                return closed
    if not requirements:
        return asked
    for lowest in (1, 0):
        asked = replace(asked, lowest=lowest)
        if asked.solve().feasible:
            return asked
    conflict = explain(known.walk(0), asked.ticks, requirements, build=known.trellis, checks=60)
    told = conflict.requirements if conflict else tuple(names)
    raise Contradiction(
        f"{styles.chords_title} cannot have {' and '.join(told)} together; leave one of them out.",
        [AskedFor("chords", recipe.chords, name) for name in told],
        [WayOut("Leave the chords to the style", "chords", "")],
    )


def _simply(asked: Harmonisation, recipe: SongRecipe, style: HarmonyIdiom) -> Harmonisation:
    """The same with chords as they accompany fiddle tunes, in the style of these, where the melody lets them
    be.
    """
    if not (style.simple and since(drawing_rules(recipe), "14")):
        return asked
    given = [bar for bar, words in enumerate(read_row(recipe.chords)) if words is not None]
    simple = simple_chords(asked.idiom, asked.ticks, given)
    found = replace(asked, requirements=(*asked.requirements, simple))
    return found if found.solve().feasible else asked


UNCLOSED = 12.0
"""By how much (a logarithm) a last chord is avoided that is not the tonic's."""


def _closing(
    asked: Harmonisation, *, at_rest: bool, rooted: bool = False, plain: bool = False
) -> tuple[Requirement, ...]:
    """That the last chord is the tonic's, wherever the melody and what is asked of the chords let it be.
    at_rest: and seldom a dominant seventh. rooted: with its root in the bass, and always. plain: a triad, and
    one at the beginning.
    """
    idiom = asked.idiom
    home = (idiom.root + asked.tonics[-1] - asked.tune.key.tonic) % 12 == 0
    ends = idiom.place + idiom.ticks == idiom.bar
    if rooted:
        home &= np.array([event.harmony.bass == 0 for event in idiom.events])
    weight = np.ones((asked.ticks, idiom.alphabet))
    closed = restless(idiom, home, is_minor(idiom.mode), plain=plain) if at_rest else 1.0
    weight[-idiom.bar :] = np.where(ends, np.where(home, closed, 0.0 if rooted else np.exp(-UNCLOSED)), 1.0)
    if plain:
        weight[0] *= np.where(coloured(idiom), np.exp(-COLOURED), 1.0)
    return (Requirement("an end on the tonic's chord", weight=weight),)


def rows_of(asked: Harmonisation, recipe: SongRecipe) -> list[list[int]]:
    """The rows of chords that a recipe asks for, no two with the same chords at every tick. Raises `Refused`
    where there are not so many.
    """
    count = recipe.harmonisations
    if recipe.harmonisation > count:
        raise Refused(
            f"Harmonisation {recipe.harmonisation} was asked for, but {count} are drawn; ask for one of "
            f"these, or for {recipe.harmonisation} harmonisations."
        )
    random = np.random.default_rng(recipe.seed)
    asked = replace(asked, as_daring=since(drawing_rules(recipe), "13"))
    if count == 1 and since(drawing_rules(recipe), "5"):
        evenly, moving = (since(drawing_rules(recipe), rules) for rules in ("6", "11"))
        return [asked.draw_alike(random, daring=recipe.daring, evenly=evenly, moving=moving)]
    if count == 1:
        return asked.draw(1, random, daring=recipe.daring)
    alike = since(drawing_rules(recipe), "12")
    return distinct(asked, count, random, daring=recipe.daring, alike=alike)


def distinct(
    asked: Harmonisation,
    count: int,
    random: np.random.Generator,
    *,
    daring: float | None = None,
    alike: bool = True,
) -> list[list[int]]:
    """`count` rows of chords for one melody: of many draws the first, and then always the one that differs
    from those taken over the most beats. No two have the same chords at every tick. alike: each draw is like
    the style's songs, as where one is asked for, which is the first; by rules before 12 none was. Raises
    `Refused` where no more different ones turned up in `ROUNDS` rounds of draws.
    """

    rows: list[list[int]] = []
    for number in range(ROUNDS):
        if alike and not number:
            drawn = asked.draw_each_alike(ALIKE_EACH * count, random, daring=daring)
        else:
            drawn = asked.many(max(4 * count, DRAWS), 8 * count, random, daring)
        for row in drawn:
            if all(asked.apart(row, other) > 0 for other in rows):
                rows.append(row)
        if len(rows) >= count:
            return asked.farthest(_moving(asked, rows, count) if alike else rows, count)
    found = "1 harmonisation" if len(rows) == 1 else f"{len(rows)} different harmonisations"
    raise Refused(
        f"Only {found} of this melody could be found, but {count} were asked for; ask for {len(rows)}, or "
        "leave more bars of the chords open."
    )


def _moving(asked: Harmonisation, rows: list[list[int]], count: int) -> list[list[int]]:
    """The first of these rows, and of the others those that stay on no chord for long, where these are
    enough: what is farthest from the others is not to be what moves least.
    """
    stays = asked.long_stays(rows[1:])
    others = [row for row, long in zip(rows[1:], stays, strict=True) if not long]
    return [rows[0], *others] if len(others) >= count - 1 else rows
