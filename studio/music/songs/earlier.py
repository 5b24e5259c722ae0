"""Going on from an earlier song: its settings hold unless others are given; its record goes with its file."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from studio.errors import Missing, Refused, StudioError, UnknownName
from studio.music.melody.requests import STYLE_ROLES
from studio.music.songs.recipes import SongRecipe
from studio.music.songs.record import EARLIER, RECORD, SongRecord
from studio.music.songs.sources import default_sources
from studio.works.ingredient import Ingredient
from studio.works.recipe import parse_json

if TYPE_CHECKING:
    from studio.works.gallery import Gallery
    from studio.works.reads import ReadsWorks
    from studio.works.work import Work

NOT_INHERITED = frozenset(
    {"kind", "schema_version", "sources", "seed", "model", "setting", "title", "format", "write"}
    | {"keep", "keep_sections", "keep_parts", "keep_chords", "keep_notes", "part_seeds", "pins"}
    | {"composer", "temperature"}
)
"""Fields that belong to the earlier song alone, or make no difference to a song."""


def with_earlier_settings(
    settings: Mapping[str, Any], ingredients: list[Ingredient]
) -> tuple[dict[str, Any], list[Ingredient]]:
    """Settings that hold from the first earlier song on, and the ingredients as they are."""
    first = next((each for each in ingredients if each.role == EARLIER), None)
    recipe = recipe_inside(first.content) if first is not None else None
    if recipe is None:
        return dict(settings), ingredients
    return inherited(recipe) | dict(settings), ingredients


def inherited(recipe: SongRecipe) -> dict[str, Any]:
    """The settings of a song that the next one takes over."""
    found: dict[str, Any] = recipe.model_dump(exclude=set(NOT_INHERITED))
    return found


def recipe_inside(content: bytes) -> SongRecipe | None:
    """The recipe in the file of a song; None for a file without one, or of another kind of work."""
    from studio.works.metadata import extract

    try:
        text = extract(content)
        found = parse_json(SongRecipe, text) if text is not None else None
    except StudioError:
        return None
    return found if isinstance(found, SongRecipe) else None


def with_records(
    settings: Mapping[str, Any], given: Sequence[Ingredient], gallery: Gallery
) -> list[Ingredient]:
    """These ingredients, with the record of each earlier song beside its file, and the style of the first
    where it was learnt from files of one's own and no other style was asked for.

    Raises `Refused` for a file that is no song of the gallery, and no lead sheet either; `Missing` for a
    style of one's own that the gallery does not have.
    """
    first = next((each for each in given if each.role == EARLIER), None)
    if first is None:
        return list(given)
    found: list[Ingredient] = []
    for each in given:
        found.append(each)
        if each.role == EARLIER:
            found.append(_record_with(each, gallery))
    asked = settings.get("style") or any(each.role in STYLE_ROLES for each in given)
    return found if asked else [*found, *_own_style(first, gallery)]


def _record_with(given: Ingredient, gallery: Gallery) -> Ingredient:
    work = gallery.with_sha256(hashlib.sha256(given.content).hexdigest())
    return record_of_work(work, gallery) if work is not None else _packed(_record_of_file(given))


def _own_style(given: Ingredient, gallery: Gallery) -> list[Ingredient]:
    """What an earlier song was learnt from, where its style has no name that this studio knows."""
    recipe = recipe_inside(given.content)
    if recipe is None or not recipe.style:
        return []
    try:
        default_sources({"style": recipe.style}, ())
    except UnknownName:
        return style_of_earlier(recipe, gallery)
    return []


def style_of_earlier(recipe: SongRecipe, gallery: ReadsWorks) -> list[Ingredient]:
    """What an earlier song learnt from. Raises `Missing` where the gallery has it no more."""
    found = []
    for each in recipe.sources:
        if each.role not in STYLE_ROLES:
            continue
        try:
            content = gallery.read_source(each)
        except Missing:
            raise Missing(
                f"The earlier song was made after {each.title or each.name or recipe.style}, which this "
                "gallery does not have: name its style again, or another one."
            ) from None
        found.append(Ingredient(each.role, content, each.name, each.title, each.author, each.licence))
    return found


def record_of_work(work: Work, gallery: ReadsWorks) -> Ingredient:
    """The record of a song of the gallery. Raises `Refused` for a work that is no song."""
    from studio.music.songs.renditions import SongRenditions

    if work.kind != SongRecipe.model_fields["kind"].default:
        raise Refused(f"{work.title!r} is not a song; name a song, or harmonise it first.")
    return _packed(SongRenditions(gallery).record(work))


def _packed(record: SongRecord) -> Ingredient:
    return Ingredient(RECORD, record.to_json(), "record.json", record.title)


def _record_of_file(given: Ingredient) -> SongRecord:
    """Of a lead sheet that is not in the gallery: what can be read in it, with the sections of its recipe."""
    from studio.music.reading.readers import read_tunes
    from studio.music.songs.sheet import plan_of

    recipe = recipe_inside(given.content)
    if recipe is not None and recipe.band:
        raise Refused(
            f"{given.name or 'The earlier song'} is played by a band and is not in your gallery, so its "
            "parts cannot be told apart; name a song of the gallery, or a lead sheet."
        )
    tune = read_tunes(given.content, given.name or "The earlier song").tunes[0].unfolded()
    sections: tuple[tuple[str, int, int], ...] = ()
    if recipe is not None and recipe.source("melody") is None:
        plan = plan_of(recipe, tune.key)
        sections = tuple((each.letter, each.first + 1, each.bars) for each in plan.sections)
    title = tune.title or given.title or given.name or "Untitled"
    return SongRecord(title, tune, sections)
