"""What works will take is told for the dials as they stand, and for each choice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import gradio as gr

from studio.app import several
from studio.app.dials import Dials
from studio.app.expecting import expecting, with_sizes
from studio.images.recipes import StyleRecipe
from studio.making.bounds import predict_from
from studio.works.recipe import Fold, Recipe
from studio.works.work import Prediction, SourceSize

PHOTO = [["photo", 2000, 1000], ["style", 0, 0]]


class PlainJobs:
    """Predicts for an ordinary computer."""

    def predict(self, recipe: Recipe, sizes: Sequence[SourceSize]) -> Prediction | None:
        return predict_from(recipe, sizes)


@cache
def asking() -> tuple[Dials, Callable[[dict[str, Any]], dict[str, Any]]]:
    """The dials, and what is asked of them; Gradio takes half a second to make them."""
    dials = Dials(StyleRecipe)
    with gr.Blocks():
        dials.add_rest(Fold.IN_SIGHT)
        dials.add_rest(Fold.FOLDED)
    varied = with_sizes(dials) | {"quality": ("draft", "good", "fine")}
    return dials, expecting(PlainJobs(), "style", dials, varied)  # type: ignore[arg-type]


def told(values: dict[str, Any] | None, sources: Any = PHOTO) -> dict[str, Any]:
    dials, ask = asking()
    shown = {name: each.value for name, each in dials.by_name.items()} | (values or {})
    return ask(
        {"values": None if values is None else [shown[name] for name in dials.by_name], "sources": sources}
    )


def test_each_size_and_quality_has_its_time_and_memory() -> None:
    found = told({"quality": "good", "size": 768})
    sizes = found["size"]
    assert list(sizes) == ["512", "768", "1024", "2048", "4096", "own"]
    assert sizes["768"] == found["now"] == found["quality"]["good"]
    assert sizes["1024"]["seconds"] < sizes["own"]["seconds"] < sizes["2048"]["seconds"], "the photo has 2000"
    assert sizes["512"]["bytes"] < sizes["4096"]["bytes"]
    seconds = [found["quality"][name]["seconds"] for name in ("draft", "good", "fine")]
    assert seconds == sorted(seconds)


def test_before_anything_was_touched_the_usual_settings_count() -> None:
    assert told(None)["now"] == told({})["now"]


def test_nonsense_is_left_out() -> None:
    assert "now" not in told({"size": 5}), "smaller than anything is painted"
    wild = told({}, [["photo", -3, "x"], ["photo", 10**9, 10**9], 7, None])
    assert wild["now"] == told({}, [])["now"]


def test_the_style_that_is_shown_counts_though_it_is_no_dial() -> None:
    """Styles differ tenfold. What the visitor's own files, or those of an earlier work, take is not told."""

    def expected(settings: dict[str, Any], count: int) -> dict[str, Any]:
        return {"seconds": {"hymn": 1.0, "sixties-pop": 2.0}.get(settings.get("style", ""), 9.0) * count}

    ask = several.expecting(asking()[0], 4, expected, usual="sixties-pop")

    def told(**shown: object) -> float | None:
        seconds: float | None = ask({"shown": shown})["now"]["seconds"]
        return seconds

    assert told() == 2.0
    assert told(style="hymn") == 1.0
    assert told(style="hymn", takes=3) == 3.0
    assert told(style="own") is told(style="of:0123") is None
