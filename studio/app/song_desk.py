"""What a visitor can ask for on the Songs tab, in plain values: a song, and another that keeps parts of it.

As `studio.app.desk`: nothing here knows Gradio's components, and what cannot be met is a `StudioError`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from studio.app.desk import LARGEST_SEED, Desk
from studio.app.intake import Credit, download_name, receive
from studio.errors import Refused, StudioError
from studio.making.kinds import kind_of
from studio.music.melody.requests import STYLE_ROLES
from studio.music.songs.earlier import inherited, record_of_work
from studio.music.songs.recipes import SongRecipe, song_title
from studio.music.songs.record import EARLIER
from studio.works.ingredient import Ingredient
from studio.works.recipe import check
from studio.works.work import Work

KIND = str(SongRecipe.model_fields["kind"].default)
"""The kind of work a song is."""

MOST_SONGS = 4
"""As many songs of one request, to compare."""

SETTLED = ("style", "form", "bars", "key", "meter", "section_keys")
"""What stays as it was when a song is asked for again around what is kept."""

KEEPS = ("keep", "keep_sections", "keep_parts", "keep_chords", "keep_notes", "part_seeds", "mix", "form")
"""What a request to keep may name, as the recipe's fields."""


class SongDesk:
    """Takes requests for songs. Safe to use from many threads."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.songs = desk.music

    def ask(
        self,
        settings: Mapping[str, Any],
        tunes: Iterable[Any] = (),
        credit: Credit | None = None,
        *,
        melody: Any = None,
        count: int = 1,
        owner: str = "",
    ) -> list[str]:
        """Ask for songs; returns the jobs' ids. A style called `of:ID` is that of the work or job of that id.

        tunes: files of the visitor's own that are the style; the credit is due to them. melody: a file that
        gets chords.
        """
        if not 1 <= count <= MOST_SONGS:
            raise Refused(f"Ask for 1 to {MOST_SONGS} songs at once, not {count}.")
        first = int(settings.get("seed", 0))
        jobs = []
        for seed in range(first, first + count):
            named = {"title": title_of(settings, seed), **settings, "seed": seed % (LARGEST_SEED + 1)}
            jobs += self._one(named, list(tunes), credit or Credit(), melody, owner)
        return jobs

    def _one(
        self, settings: Mapping[str, Any], tunes: list[Any], credit: Credit, melody: Any, owner: str
    ) -> list[str]:
        desk, name = self.desk, str(settings.get("style", ""))
        offered: dict[str, Any] = {"tune": tunes}
        if melody is not None:
            offered["melody"] = melody
        if tunes or not name.startswith("of:"):
            return desk.orders(KIND, settings, offered, credit, owner=owner)
        recipe = self.recipe(name.removeprefix("of:"))
        ingredients = self._style_of(recipe)
        if melody is not None:
            ingredients.append(receive(melody, "melody", desk.library, desk.recipe_of_job))
        return desk.asked(KIND, {**settings, "style": recipe.style}, ingredients, owner=owner)

    def again(
        self,
        id: str,
        kept: Mapping[str, Any],
        seed: int,
        *,
        settings: Mapping[str, Any] | None = None,
        count: int = 1,
        owner: str = "",
    ) -> list[str]:
        """Keep some of a song of the gallery and ask for the rest again; returns the jobs' ids.

        kept: lists by the recipe's fields, such as {"keep_sections": ["A2"], "keep_parts": ["Bass"], "mix":
        ["Bass=mute"]}, and perhaps another "form". settings: new ones for what is not settled by the song;
        None leaves all as they were. Raises `Refused` where it is no song.
        """
        work = self.desk.library.get(id)
        recipe = self.songs.song_recipe(work)
        fields = inherited(recipe)
        if settings is not None:
            fresh = {name: control.default for name, control in self._controls().items() if name in fields}
            fields = fresh | dict(settings) | {name: fields[name] for name in SETTLED}
        fields |= self._settled_by_melody(recipe, work)
        fields |= {name: kept[name] for name in KEEPS if kept.get(name)} | {
            "seed": seed,
            "title": recipe.title,
        }
        ingredients = [self._earlier(work), record_of_work(work, self.desk.library)]
        ingredients += self._style_of(recipe)
        return self.desk.asked(KIND, fields, ingredients, count=count, owner=owner)

    def recipe(self, id: str) -> SongRecipe:
        """The recipe of a song, by the id of its work or job. Raises `Refused` for anything else."""
        try:
            recipe = self.songs.song_recipe(self.desk.library.get(id))
        except StudioError:
            found = self.desk.recipe_of_job(id)
            if not isinstance(found, SongRecipe):
                raise Refused("That is not a song; choose one from the gallery.") from None
            recipe = found
        return recipe

    def shown(self) -> Work | None:
        """A song that came with the studio, or else the latest of this gallery; None where there is none."""
        on_show = self.desk.library.on_show.first(KIND)
        if on_show is not None:
            return on_show
        return next(iter(self.desk.gallery.find(kind=KIND, limit=1)), None)

    def expected(self, settings: Mapping[str, Any], count: int = 1) -> dict[str, Any]:
        """What songs of these settings will take here: {"seconds", "bytes"}, or {} where nothing is known."""
        told = self.desk.jobs.predict(check(kind_of(KIND).recipe_class(), dict(settings)), ())
        if told is None:
            return {}
        return {"seconds": round(told.seconds * max(1, count), 1), "bytes": told.bytes}

    @staticmethod
    def _controls() -> dict[str, Any]:
        return {control.name: control for control in kind_of(KIND).controls()}

    def _earlier(self, work: Work) -> Ingredient:
        return Ingredient(EARLIER, self.desk.library.read(work), download_name(work), work.title)

    def _style_of(self, recipe: SongRecipe) -> list[Ingredient]:
        """The style of an earlier song: what it learnt from."""
        return [
            Ingredient(
                each.role,
                self.desk.library.read_source(each),
                each.name,
                each.title,
                each.author,
                each.licence,
            )
            for each in recipe.sources
            if each.role in STYLE_ROLES
        ]

    def _settled_by_melody(self, recipe: SongRecipe, work: Work) -> dict[str, Any]:
        """A song whose melody was given has one section, as long as that melody."""
        if recipe.source("melody") is None:
            return {}
        tune = self.songs.tune(work)
        bars = sum(bar.number > 0 for bar in tune.bars())
        return {"form": "A", "bars": bars, "key": tune.key.short(), "meter": str(tune.meter)}


def title_of(settings: Mapping[str, Any], seed: int) -> str:
    """A title that one remembers, for a song that nobody named."""
    return song_title(
        str(settings.get("style", "")), seed, str(settings.get("form", "")), settings.get("key") or None
    )


def as_lists(told: Any) -> dict[str, Any]:
    """What the page says is to be kept, as `SongDesk.again` takes it; anything else is left out."""
    found: dict[str, Any] = {}
    for name in KEEPS:
        value = told.get(name) if isinstance(told, Mapping) else None
        if name == "form":
            found |= {name: str(value)} if isinstance(value, str) and value else {}
        elif isinstance(value, list | tuple):
            found[name] = [str(each) for each in value]
    return found
