"""What a work will take on this computer, told before it is asked for.

A tab's stage asks at every change of a dial, and whenever a photo arrives; the answer goes to the dials whose
choices say their seconds (`js/estimates.js`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from studio.app.dials import OWN_SIZE, SIZES, Dials
from studio.app.widgets import answer
from studio.errors import StudioError
from studio.making.kinds import kind_of
from studio.works.recipe import check
from studio.works.work import SourceSize

if TYPE_CHECKING:
    from studio.making.jobs import Jobs

MOST_SIDE = 100_000
"""Pixels of the longest side that a page may say a picture has."""

Ask = Callable[[dict[str, Any]], dict[str, Any]]


def expecting(jobs: Jobs, kind: str, dials: Dials, varied: Mapping[str, tuple[Any, ...]]) -> Ask:
    """The server function of a tab's stage that tells what its works will take.

    varied: by the recipe's field, the values whose times are told beside what the dials show. It answers a
    request {"values": of the dials in their order, "sources": [[role, width, height] …]} with
    {"now": {"seconds", "bytes"}, field: {value: {"seconds", "bytes"} …} …}. What cannot be told is left out.
    """

    def expect(asked: dict[str, Any]) -> dict[str, Any]:
        return answer(lambda: _expected(jobs, kind, dials, varied, asked))

    return expect


def with_sizes(dials: Dials) -> dict[str, tuple[Any, ...]]:
    """The sizes that are offered by a click, as `varied` takes them."""
    control = dials.controls["size"]
    offered = (size for size in SIZES if (control.minimum or 0) <= size <= (control.maximum or size))
    return {"size": (*offered, OWN_SIZE)}


def _expected(
    jobs: Jobs, kind: str, dials: Dials, varied: Mapping[str, tuple[Any, ...]], asked: dict[str, Any]
) -> dict[str, Any]:
    values = asked.get("values")
    if not isinstance(values, list) or len(values) != len(dials.by_name):  # nothing was touched yet
        values = [getattr(each, "value", None) for each in dials.components]
    settings = dials.settings(values)
    sizes = _sizes(asked.get("sources"))
    told: dict[str, Any] = {}
    with suppress(StudioError):
        told["now"] = _one(jobs, kind, settings, sizes)
    for field, choices in varied.items():
        told[field] = {}
        for choice in choices:
            value = None if field == "size" and choice == OWN_SIZE else choice
            with suppress(StudioError):
                told[field][str(choice)] = _one(jobs, kind, settings | {field: value}, sizes)
    return told


def _one(
    jobs: Jobs, kind: str, settings: Mapping[str, Any], sizes: tuple[SourceSize, ...]
) -> dict[str, Any] | None:
    prediction = jobs.predict(check(kind_of(kind).recipe_class(), dict(settings)), sizes)
    if prediction is None:
        return None
    return {"seconds": round(prediction.seconds, 2), "bytes": prediction.bytes}


def _sizes(given: Any) -> tuple[SourceSize, ...]:
    """The sources that a page describes; what makes no sense is left out."""
    found = []
    for each in given if isinstance(given, list) else ():
        if isinstance(each, list) and len(each) == 3 and all(type(side) is int for side in each[1:]):
            role, width, height = str(each[0]), each[1], each[2]
            if min(width, height) >= 0 and max(width, height) <= MOST_SIDE:
                found.append(SourceSize(role, 0, width, height))
    return tuple(found)
