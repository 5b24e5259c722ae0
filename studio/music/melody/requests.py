"""Requests about melodies besides composing one: new bars for a take, what is in a visitor's own files, which
styles there are.

Everything here takes and returns plain values, for the page and its endpoints.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from studio.errors import Refused, UnknownName, Unreadable
from studio.music.melody.recipes import ComposeRecipe
from studio.music.reading.describing import tune_in_words
from studio.music.reading.pieces import pieces
from studio.music.reading.readers import Readers
from studio.music.scores.tunes import Tune
from studio.music.styles.opening import open_style
from studio.music.styles.own import catalogue
from studio.works.recipe import Recipe
from studio.works.work import Progress

KIND = "compose"
"""The kind of work a melody is."""

OWN_TUNES = "Tunes of my own"
"""What a visitor's tunes are called until they get a name."""

STYLE_ROLES = frozenset({"tune", "style"})
"""The roles of sources that are the style."""

SETTLED = ("style", "bars", "meter", "key", "keep", "seed", "kind")
"""What stays as it was when a take's other bars are asked for again."""


def melody_recipe(recipe: Recipe) -> ComposeRecipe:
    """The recipe, if it is a melody's. Raises `Refused`."""
    if not isinstance(recipe, ComposeRecipe):
        raise Refused("That is not a melody; choose one from the gallery.")
    return recipe


def fields_around(
    recipe: ComposeRecipe, bars: Iterable[int], seed: int, settings: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The fields of a recipe that keeps these bars of a take (numbered from 1) and changes the others.

    Style, bars, meter and key stay those of the take. So do the other settings, unless `settings` gives new
    ones.
    """
    keep = tuple(str(bar) for bar in sorted(set(bars)))
    fields: dict[str, Any] = recipe.model_dump(exclude={"sources", "setting", "model"})
    fields |= {"title": "", "keep": keep, "seed": seed}
    if settings is None:
        return fields
    return {**settings, **{name: fields[name] for name in SETTLED}}


MOST_SHOWN = 50
"""As many tunes of a visitor's files are shown, bar by bar."""


def describe_files(files: Iterable[tuple[str, bytes]]) -> dict[str, Any]:
    """What is in these scores, given as (file name, bytes).

    {"tunes": how many, "meters": {meter: how many tunes}, "sentence", "unread": [one sentence a file],
    "heard": [{"title", "facts", "bars"} of the first tunes, all lines of text], "remarks": [what was left
    out, moved or guessed]}.
    """
    tunes: list[Tune] = []
    unread: list[str] = []
    remarks: list[str] = []
    with Readers(1) as readers:
        for name, content in files:
            try:
                for piece, reading in readers.read_pieces(pieces(content, name)):
                    if isinstance(reading, Unreadable):
                        unread.append(f"{piece.name}: {reading}")
                    else:
                        tunes += reading.tunes
                        remarks += [f"{piece.name}: {remark}" for remark in reading.remarks]
            except Unreadable as error:
                unread.append(str(error))
    meters = dict(Counter(str(tune.meter) for tune in tunes).most_common())
    notes = sum(len(tune.sounding) for tune in tunes)
    counted = ", ".join(f"{count} in {meter}" for meter, count in meters.items())
    sentence = f"{len(tunes)} tune{'s' * (len(tunes) != 1)}, {notes:,} notes: {counted}."
    return {
        "tunes": len(tunes),
        "meters": meters,
        "sentence": sentence if tunes else "No tune was found.",
        "unread": unread,
        "heard": [vars(tune_in_words(tune)) for tune in tunes[:MOST_SHOWN]],
        "remarks": remarks,
    }


def styles_here() -> list[dict[str, Any]]:
    """The styles: name, title, sentence, source, licence, tunes (0 where unknown), and whether one is
    `to_fetch` first.
    """
    fields = ("name", "title", "sentence", "source", "licence", "tunes")
    return [
        {name: getattr(entry, name) for name in fields} | {"to_fetch": entry.download is not None}
        for entry in catalogue()
    ]


def read_style(name: str) -> Iterator[Progress]:
    """Read a style of the catalogue, which takes a while the first time. Raises `UnknownName`."""
    names = [entry.name for entry in catalogue()]
    if name not in names:
        raise UnknownName("style", name, names)
    yield from open_style(name)
