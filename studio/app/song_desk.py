"""What a visitor can ask for on the Songs tab, in plain values: a song, and another that keeps parts of it.

As `studio.app.desk`: nothing here knows Gradio's components, and what cannot be met is a `StudioError`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, chain
from string import ascii_uppercase
from typing import Any

from studio.app.desk import AS_BEFORE, LARGEST_SEED, Desk
from studio.app.intake import Credit, download_name, own_files, receive
from studio.app.melody_check import Draft
from studio.errors import Refused, StudioError, UnknownName
from studio.making.kinds import kind_of
from studio.music.melody.requests import STYLE_ROLES
from studio.music.songs.earlier import inherited, record_of_work, style_of_earlier
from studio.music.songs.recipes import SectionName, SongRecipe, song_title
from studio.music.songs.record import EARLIER
from studio.works.ingredient import Ingredient
from studio.works.work import Work

KIND = str(SongRecipe.model_fields["kind"].default)
"""The kind of work a song is."""

MOST_SONGS = 4
"""As many songs of one request, to compare."""

MOST_SECTIONS = 26
"""As many sections of which a song is built."""

SETTLED = ("style", "form", "bars", "key", "meter", "section_keys")
"""What stays as it was when a song is asked for again around what is kept."""

KEEPS = ("keep", "keep_sections", "keep_parts", "keep_chords", "keep_notes", "part_seeds", "mix")
"""What a request to keep may name, as the recipe's fields: lists."""

CHANGES = ("form", "chords", "chords_from")
"""And what it may change: texts."""


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
            # A given melody keeps its own title.
            title = {"title": title_of(settings, seed)} if melody is None else {}
            named = {**title, **settings, "seed": seed % (LARGEST_SEED + 1)}
            jobs += self._one(named, list(tunes), credit or Credit(), melody, owner)
        return jobs

    def _one(
        self, settings: Mapping[str, Any], tunes: list[Any], credit: Credit, melody: Any, owner: str
    ) -> list[str]:
        desk, name = self.desk, str(settings.get("style", ""))
        offered: dict[str, Any] = {"tune": tunes}
        if melody is not None:
            offered["melody"] = melody
        if tunes or not name.startswith(AS_BEFORE):
            return desk.orders(KIND, settings, offered, credit, owner=owner)
        recipe = self.recipe(name.removeprefix(AS_BEFORE))
        ingredients = style_of_earlier(recipe, self.desk.library)
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
        fields, ingredients = self._around(id, kept, settings)
        fields |= {"seed": seed}
        return self.desk.asked(KIND, fields, [*self._given_by(work), *ingredients], count=count, owner=owner)

    def _around(
        self, id: str, kept: Mapping[str, Any], settings: Mapping[str, Any] | None
    ) -> tuple[dict[str, Any], list[Ingredient]]:
        """The settings of a song around what is kept of another, and what its style learns from."""
        work = self.desk.library.get(id)
        recipe = self.songs.song_recipe(work)
        fields = inherited(recipe)
        if settings is not None:
            fresh = {name: control.default for name, control in self._controls().items() if name in fields}
            fields = fresh | dict(settings) | {name: fields[name] for name in SETTLED}
        fields |= self._settled_by_melody(recipe, work)
        fields |= {name: kept[name] for name in (*KEEPS, *CHANGES) if kept.get(name)}
        return fields | {"title": recipe.title}, style_of_earlier(recipe, self.desk.library)

    def build(self, sections: Sequence[tuple[str, str]], seed: int, *, owner: str = "") -> list[str]:
        """A song of sections of earlier ones, note for note, in this order; returns the jobs' ids. sections:
        (id of a song, its section's name, such as "A2"). Key, meter, band and all else are those of the first
        song. Raises `Refused` for sections that do not go together, and `UnknownName`.
        """
        if not 1 <= len(sections) <= MOST_SECTIONS:
            raise Refused(f"A song is built of 1 to {MOST_SECTIONS} sections; {len(sections)} were chosen.")
        found = [(self.desk.library.get(id), name) for id, name in sections]
        works = list({work.id: work for work, _ in found}.values())
        lent = [self._given_by(work) for work in works]
        records = accumulate((1 + (len(each) > 1) for each in lent), initial=1)
        places = {work.id: number for work, number in zip(works, records, strict=False)}
        given = [(work, _as_sung(work, SectionName.read(name))) for work, name in found]
        recipe = self.songs.song_recipe(works[0])
        letters: dict[tuple[str, SectionName], str] = {}
        for work, name in given:
            letters.setdefault((work.id, name), ascii_uppercase[len(letters)])
        told = {key: _section_of(self.desk.library.get(key[0]), key[1]) for key in letters}
        _equally_long([(name, work.title, int(told[work.id, name]["bars"])) for work, name in given])
        home = self.songs.tune(works[0]).key.short()
        fields = inherited(recipe) | {
            "form": "".join(letters[work.id, name] for work, name in given),
            "bars": sum(int(told[work.id, name]["bars"]) for work, name in given),
            "key": home,
            "meter": str(self.songs.tune(works[0]).meter),
            "section_keys": [
                f"{letters[key]}={each['key']}" for key, each in told.items() if each["key"] != home
            ],
            "keep_sections": [
                f"{letter}={places[id]}:{name.letter}{name.number or ''}"
                for (id, name), letter in letters.items()
            ],
            "seed": seed,
            "title": title_of({"style": recipe.style, "form": "", "key": home}, seed),
        }
        fields |= dict.fromkeys(("chords", "words"), "")
        ingredients = [*chain.from_iterable(lent), *style_of_earlier(recipe, self.desk.library)]
        return self.desk.asked(KIND, fields, ingredients, owner=owner)

    def _given_by(self, work: Work) -> list[Ingredient]:
        """What the next song takes of this one. A work of the gallery is asked for with its record (see
        `songs.earlier.with_records`); of one that came with the studio all is told that the file does not.
        """
        if self.desk.gallery.with_sha256(work.sha256) is not None:
            return [self._earlier(work)]
        return [record_of_work(work, self.desk.library), self._earlier(work)]

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
        """What songs of these settings will take here; see `Desk.expected`."""
        return self.desk.expected(KIND, settings, count=count)

    def check(
        self, settings: Mapping[str, Any], owner: str = "", tunes: Iterable[Any] = (), around: Any = None
    ) -> dict[str, Any]:
        """Whether these settings can hold together; see `Desk.check_melody`. around: (id of a song, what is
        to be kept of it, whether these settings are new ones for the rest), as `kept_of` reads it.
        """
        if around is not None:
            id, kept, with_dials = around
            fields, ingredients = self._around(id, kept, dict(settings) if with_dials else None)
            work = self.desk.library.get(id)
            given = [record_of_work(work, self.desk.library), *ingredients]
            fields, given = kind_of(KIND).prepare(fields, given)
            draft = Draft(dict(fields), KIND)
            for each in given:
                draft.add(each.role, each.name, each.content)
            return self.desk.check_draft(draft.recipe(), draft.held, owner)
        fields, _ = kind_of(KIND).prepare(settings, [])
        draft, name = Draft(dict(fields), KIND), str(settings.get("style", ""))
        if name.startswith(AS_BEFORE):
            earlier = self.recipe(name.removeprefix(AS_BEFORE))
            draft.fields["style"] = earlier.style
            draft.sources += [each for each in earlier.sources if each.role in STYLE_ROLES]
        for file, content in own_files(tunes):
            draft.add("tune", file, content)
        return self.desk.check_draft(draft.recipe(), draft.held, owner)

    @staticmethod
    def _controls() -> dict[str, Any]:
        return {control.name: control for control in kind_of(KIND).controls()}

    def _earlier(self, work: Work) -> Ingredient:
        return Ingredient(EARLIER, self.desk.library.read(work), download_name(work), work.title)

    def _settled_by_melody(self, recipe: SongRecipe, work: Work) -> dict[str, Any]:
        """A song whose melody was given has one section, as long as that melody."""
        if recipe.source("melody") is None:
            return {}
        tune = self.songs.tune(work)
        bars = sum(bar.number > 0 for bar in tune.bars())
        return {"form": "A", "bars": bars, "key": tune.key.short(), "meter": str(tune.meter)}


def _as_sung(work: Work, name: SectionName) -> SectionName:
    """The section as a new form calls it: all of one letter are the same music, and differ in words alone."""
    return name if work.facts.get("words") else SectionName(name.letter, 0)


def _section_of(work: Work, name: SectionName) -> dict[str, Any]:
    """What a song's facts say of a section. Raises `UnknownName`."""
    sections = list(work.facts.get("sections", ()))
    alike = [each for each in sections if each["letter"] == name.letter]
    if not alike or name.number > len(alike):
        known = [str(each["letter"]) for each in sections]
        raise UnknownName("section", f"{name.letter}{name.number or ''}", known)
    found: dict[str, Any] = alike[max(0, name.number - 1)]
    return found


def _equally_long(sections: Sequence[tuple[SectionName, str, int]]) -> None:
    """Sections of a form are equally long. Raises `Refused`, naming two that are not."""
    first, bars = f"{sections[0][0].letter} of “{sections[0][1]}”", sections[0][2]
    for name, title, others in sections:
        if others != bars:
            raise Refused(
                f"All sections of a song have the same number of bars, but {first} has {bars} and "
                f"{name.letter} of “{title}” has {others}. Remove one of the two."
            )


def title_of(settings: Mapping[str, Any], seed: int) -> str:
    """A title that one remembers, for a song that nobody named."""
    return song_title(
        str(settings.get("style", "")), seed, str(settings.get("form", "")), settings.get("key") or None
    )


def kept_of(asked: Mapping[str, Any]) -> tuple[str, dict[str, Any], bool] | None:
    """What the page says is to be kept of a song while one edits, as `SongDesk.check` takes it; None for
    nothing.
    """
    given = asked.get("keep")
    if not isinstance(given, Mapping) or not isinstance(given.get("asked"), Mapping):
        return None
    kept = as_lists(given["asked"])
    told = any(kept.values())
    return (str(given.get("id")), kept, bool(given["asked"].get("with_dials"))) if told else None


def as_lists(told: Any) -> dict[str, Any]:
    """What the page says is to be kept, as `SongDesk.again` takes it; anything else is left out."""
    found: dict[str, Any] = {}
    given = told if isinstance(told, Mapping) else {}
    for name in KEEPS:
        if isinstance(given.get(name), list | tuple):
            found[name] = [str(each) for each in given[name]]
    for name in CHANGES:
        if isinstance(given.get(name), str) and given[name]:
            found[name] = given[name]
    return found
