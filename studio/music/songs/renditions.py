"""Renditions of songs: as `melody.renditions`, and a song with a band is written as the band plays it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studio.music.melody.recipes import ComposeRecipe
from studio.music.melody.renditions import Renditions
from studio.music.scores.sections import Section
from studio.works.work import Work

if TYPE_CHECKING:
    from studio.music.songs.keeping import KeptBand
    from studio.music.songs.playing import PlayedSong
    from studio.music.songs.recipes import SongRecipe
    from studio.music.songs.record import SongRecord
    from studio.works.formats import Format
    from studio.works.gallery import Gallery
    from studio.works.recipe import Recipe


class SongRenditions(Renditions):
    """Renditions of the songs of a gallery, each made once."""

    def _recipe(self, work: Work) -> SongRecipe:
        from studio.music.songs.recipes import SongRecipe
        from studio.works.recipe import parse_json

        recipe = parse_json(SongRecipe, work.recipe_json)
        assert isinstance(recipe, SongRecipe)
        return recipe

    def _written(self, work: Work, recipe: ComposeRecipe) -> bytes:
        from studio.music.songs.playing import file_of
        from studio.music.songs.recipes import SongRecipe

        assert isinstance(recipe, SongRecipe)
        return file_of(self.tune(work), sections_of_work(work), recipe, self._kept_band(work, recipe))

    def _kept_band(self, work: Work, recipe: SongRecipe) -> KeptBand | None:
        """What its band keeps of an earlier song."""
        from studio.music.scores.keys import Key
        from studio.music.songs.keeping import Kept
        from studio.music.songs.sheet import plan_of
        from studio.music.songs.song import records_of

        if not recipe.band or not (recipe.keeps_more or recipe.keep):
            return None
        records = records_of(recipe, self.gallery.read_source)
        if not records or recipe.source("melody") is not None:
            return None
        key = Key.parse(recipe.key) if recipe.key else self.tune(work).key
        kept = Kept.of(recipe, plan_of(recipe, key), records)
        return kept.of_band() if kept is not None else None

    def played(self, work: Work) -> PlayedSong | None:
        """What its band plays; None for a lead sheet without one."""
        from studio.music.songs.playing import play

        recipe = self._recipe(work)
        if not recipe.band:
            return None
        return play(self.tune(work), sections_of_work(work), recipe, self._kept_band(work, recipe))

    def record(self, work: Work) -> SongRecord:
        """What it gives to the next song."""
        from studio.music.songs.record import SongRecord

        return SongRecord.of(self._recipe(work), work.title, self.tune(work), work.facts, self.played(work))


def rendered(work: Work, gallery: Gallery, _recipe: Recipe, form: Format) -> bytes:
    """A song in another format, with the recipe that makes it in that format inside."""
    return SongRenditions(gallery).file(work, form).read_bytes()


def sections_of_work(work: Work) -> tuple[Section, ...]:
    """The sections of a song, as its facts say."""
    return tuple(
        Section(str(each["letter"]), int(each["first"]), int(each["bars"]))
        for each in work.facts.get("sections", ())
    )
