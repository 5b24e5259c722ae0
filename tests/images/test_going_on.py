"""Works that end early are remade identically; a finished one is deepened; guides have weights; channels can
be left to chance.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pytest

from studio.errors import Refused
from studio.images.dream import dream
from studio.images.pictures import read_picture, write_png
from studio.images.planning import Size, going_on, plan_octaves, plan_sizes, stopped
from studio.images.recipes import DreamRecipe, LayerTerm, StyleRecipe
from studio.images.requests import resolve_weights
from studio.images.resuming import resumed
from studio.images.style import paint
from studio.process import EndEarly, finish
from studio.works.ingredient import Ingredient
from studio.works.metadata import extract
from studio.works.recipe import Recipe, Source, parse_json
from studio.works.work import Made, Progress
from tests.app.photos import picture

FILES = {"photo": picture(), "style": picture(seed=3)}

DREAM = {"size": 256, "steps": 3, "layers": ("blocks.2",), "jitter": 8}
PAINTING = {"size": 160, "steps": 12}


def sources(**files: Any) -> tuple[dict[Source, bytes], tuple[Source, ...]]:
    found = {}
    for role, contents in files.items():
        for content in contents if isinstance(contents, list) else [contents]:
            found[Source(sha256=hashlib.sha256(content).hexdigest(), role=role)] = content
    return found, tuple(found)


def made(kind: type[Recipe], settings: dict[str, Any], ending: int = 0, **files: Any) -> Made:
    """A work of these settings, told to end after so many steps, 0 for never."""
    given, named = sources(**files)
    process = dream if kind is DreamRecipe else paint

    def watch(progress: Progress) -> None:
        if progress.done == ending:
            raise EndEarly

    recipe = kind(sources=named, **settings)
    return finish(process(recipe, given.__getitem__), watch if ending else None)  # type: ignore[arg-type]


CASES = [(DreamRecipe, DREAM, {"photo": FILES["photo"]}), (StyleRecipe, PAINTING, FILES)]


@pytest.mark.parametrize(("kind", "settings", "files"), CASES)
def test_a_work_that_was_ended_says_after_how_many_steps_and_is_remade_identically(
    kind: type[Recipe], settings: dict[str, Any], files: dict[str, bytes]
) -> None:
    ended = made(kind, settings, ending=4, **files)
    text = extract(ended.content)
    assert text is not None
    recipe = parse_json(kind, text)
    assert recipe.stop_after == len(ended.losses) == 4  # type: ignore[attr-defined]
    assert "ended after 4 steps" in recipe.in_words()
    assert ended.facts["size"][0] == settings["size"], "the picture so far at the size of the whole"
    again = made(kind, settings | {"stop_after": 4}, **files)
    assert again.content == ended.content
    whole = made(kind, settings, **files)
    assert "stop_after" not in whole.recipe.to_json()
    assert made(kind, settings | {"stop_after": 10_000}, **files).content == whole.content


@pytest.mark.parametrize(("kind", "settings", "files"), CASES)
def test_a_stopped_work_is_made_to_its_end_and_a_finished_one_is_deepened(
    kind: type[Recipe], settings: dict[str, Any], files: dict[str, bytes]
) -> None:
    begun = made(kind, settings, ending=4, **files)
    planned = plan_octaves if kind is DreamRecipe else plan_sizes
    width, height = begun.facts["size"]
    whole = sum(size.steps for size in planned(height, width, kind(**settings)))  # type: ignore[operator]
    fields = resumed(begun.recipe, (width, height), None)  # type: ignore[arg-type]
    assert (fields["begin_at"], fields["more"]) == (4, whole - 4)
    ended = made(kind, settings | fields, begun=begun.content, **files)
    assert len(ended.losses) == whole - 4
    deeper = resumed(ended.recipe, (width, height), 2)  # type: ignore[arg-type]
    assert (deeper["begin_at"], deeper["more"]) == (whole, 2)
    last = made(kind, settings | deeper, begun=ended.content, **files)
    before, after = (read_picture(each.content).pixels.astype(int) for each in (ended, last))
    assert 0 < np.abs(before - after).mean() < 20, "it goes on from the picture"
    assert made(kind, settings | deeper, begun=ended.content, **files).content == last.content
    assert "gone on with for 2 steps" in last.recipe.in_words()


def test_plans_are_cut_and_lengthened_where_they_should_be() -> None:
    plan = [Size(10, 10, 4), Size(20, 20, 3)]
    cases = [(0, 0, [4, 3]), (2, 3, [2, 1]), (4, 5, [5]), (7, 6, [6]), (9, 2, [2])]
    for begin, more, steps in cases:
        recipe = DreamRecipe(begin_at=begin, more=more)
        assert [size.steps for size in going_on(plan, recipe)] == steps
    assert [size.steps for size in stopped(plan, 5)] == [4, 1]
    assert [size.steps for size in stopped(plan, 0)] == [4, 3]
    with pytest.raises(Refused, match="painted at once"):
        resumed(StyleRecipe(painter="instant"), (64, 64), None)


def test_guides_are_weighed_and_one_guide_is_as_before() -> None:
    guides = [picture(seed=5), picture(seed=6)]
    plain = {**DREAM, "guide_weight": 1.0}
    one, other = (made(DreamRecipe, plain, photo=FILES["photo"], guide=guide) for guide in guides)
    only_first = made(DreamRecipe, plain | {"guide_weights": (2, 0)}, photo=FILES["photo"], guide=guides)
    both = made(DreamRecipe, plain, photo=FILES["photo"], guide=guides)
    pictures = [read_picture(each.content).pixels.astype(int) for each in (one, other, only_first, both)]
    assert (pictures[0] == pictures[2]).all()
    assert (pictures[0] != pictures[1]).any()
    assert (pictures[3] != pictures[0]).any()
    with pytest.raises(Refused, match="give each guide one weight"):
        made(DreamRecipe, plain | {"guide_weights": (1,)}, photo=FILES["photo"], guide=guides)


def test_a_guide_of_one_colour_is_refused() -> None:
    plain = write_png(np.full((20, 30, 3), 90, np.uint8))
    with pytest.raises(
        Refused, match=r"plain\.png has only one colour, so there is nothing to dream towards"
    ):
        resolve_weights({}, [Ingredient("guide", plain, "plain.png")])


def test_a_channel_left_to_chance_is_the_seeds_and_is_told() -> None:
    settings = DREAM | {"layers": ("blocks.2:random*0.5", "blocks.1*-1")}
    first, second = (made(DreamRecipe, settings | {"seed": seed}, photo=FILES["photo"]) for seed in (1, 2))
    assert first.facts["layers"] != second.facts["layers"]
    term = LayerTerm.read(first.facts["layers"].split(" + ")[0])
    assert term.channel is not None
    named = made(
        DreamRecipe, settings | {"seed": 1, "layers": (str(term), "blocks.1*-1")}, photo=FILES["photo"]
    )
    assert (read_picture(named.content).pixels == read_picture(first.content).pixels).all()
