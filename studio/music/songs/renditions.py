"""Renditions of songs: as `melody.renditions`, and a song with a band is written as the band plays it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studio.music.melody.recipes import ComposeRecipe
from studio.music.melody.renditions import Renditions
from studio.music.scores.sections import Section
from studio.works.work import Work

if TYPE_CHECKING:
    from studio.works.formats import Format
    from studio.works.gallery import Gallery
    from studio.works.recipe import Recipe


class SongRenditions(Renditions):
    """Renditions of the songs of a gallery, each made once."""

    def _recipe(self, work: Work) -> ComposeRecipe:
        from studio.music.songs.recipes import SongRecipe
        from studio.works.recipe import parse_json

        recipe = parse_json(SongRecipe, work.recipe_json)
        assert isinstance(recipe, SongRecipe)
        return recipe

    def _written(self, work: Work, recipe: ComposeRecipe) -> bytes:
        from studio.music.songs.recipes import SongRecipe
        from studio.music.songs.song import file_of

        assert isinstance(recipe, SongRecipe)
        return file_of(self.tune(work), sections_of_work(work), recipe)


def rendered(work: Work, gallery: Gallery, _recipe: Recipe, form: Format) -> bytes:
    """A song in another format, with the recipe that makes it in that format inside."""
    return SongRenditions(gallery).file(work, form).read_bytes()


def sections_of_work(work: Work) -> tuple[Section, ...]:
    """The sections of a song, as its facts say."""
    return tuple(
        Section(str(each["letter"]), int(each["first"]), int(each["bars"]))
        for each in work.facts.get("sections", ())
    )
