"""The kinds of work, in one table: `KINDS`. Everything there is to know about a kind is in its row.

The making command, the endpoint, `studio.NAME()`, the gallery's buttons and the page in docs/ are generated
from the row. A new kind of work is a recipe class, a process that yields `Progress` and returns a `Made`, and
a row. No other file branches on a kind's name.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from studio.errors import Refused, StudioError, UnknownName, Unreadable
from studio.making.waiting import wait_politely
from studio.works.ingredient import Ingredient
from studio.works.recipe import SCHEMA_VERSION, Control, Recipe, controls, from_fields
from studio.works.work import Making, Materials

if TYPE_CHECKING:
    from studio.works.formats import FormatTable
    from studio.works.gallery import Gallery


class Bundled(Protocol):
    """Something that comes with the studio and can go into a work, such as one of its paintings."""

    def ingredient(self) -> Ingredient:
        """Raises `Missing` when this installation lacks its file."""
        ...


@dataclass(frozen=True)
class Role:
    """What a file that goes into a work is for.

    name: as in the recipe's sources, such as "photo". help: one sentence for the command line and the docs.
    media: "picture", "score" or "weights": how a file for it is read.
    needed: there is no work without it. several: more than one file may have this role.
    metavar: what the command calls it where it is an argument; empty where it is an option, `--name`.
    weights: the recipe's field that takes the numbers in FILE*NUMBER.
    bundled: "module:TABLE" of what comes with the studio for this role, by name (see `Bundled`).
    bundled_as: what a sentence calls one of those, such as "painting".
    own: "module:function" of what its user has for this role beside those, by name.
    stands_for: the recipe's field that these files take the place of: your own tunes instead of a style.
    opened_by: "module:function" from a path (file or folder) to ingredients, where a path may be more than
    one file. is_path: "module:function" that tells such a path from a name.
    is_work: its files are works of the gallery, which may also be named by their number there.
    regions: the recipe's field of regions, of which these files show the painted ones: FILE=LOOK on the
    command line. looks: with that, the role of the files that a LOOK names; empty where it is a name alone.
    """

    name: str
    help: str = ""
    media: str = "picture"
    needed: bool = False
    several: bool = False
    metavar: str = ""
    weights: str = ""
    bundled: str = ""
    bundled_as: str = ""
    own: str = ""
    stands_for: str = ""
    opened_by: str = ""
    is_path: str = ""
    is_work: bool = False
    regions: str = ""
    looks: str = ""

    def bundled_table(self) -> Mapping[str, Bundled]:
        """What comes with the studio for this role, by name; empty for most roles."""
        table: Mapping[str, Bundled] = found_at(self.bundled) if self.bundled else {}
        return table

    def named_table(self) -> Mapping[str, Bundled]:
        """All that goes by name: what comes with the studio, and what its user has beside that. Of two with
        one name, the studio's.
        """
        bundled = self.bundled_table()
        own: Mapping[str, Bundled] = found_at(self.own)() if self.own else {}
        return {**bundled, **{name: each for name, each in own.items() if name not in bundled}}

    def ingredient_named(self, name: str) -> Ingredient:
        """A bundled ingredient, or one of the user's own, by name. Raises `UnknownName`, or `Missing` where
        its file is not here.
        """
        table = self.named_table()
        if name not in table:
            raise UnknownName(self.bundled_as or self.name, name, table)
        return table[name].ingredient()

    def opens(self, text: str) -> bool:
        """Whether `text`, given for the field this role stands for, is a path and not a name."""
        return bool(self.is_path and found_at(self.is_path)(text))

    def ingredients_at(self, path: Path) -> list[Ingredient]:
        """The ingredients in a file or folder. Raises `Missing`, `Refused` and `Unreadable`."""
        found: list[Ingredient] = found_at(self.opened_by)(path)
        return found


@dataclass(frozen=True)
class Kind:
    """A kind of work. Places are written "module:name" and imported when they are first used.

    name: in recipes, commands and endpoints. label, plural: what a person reads. summary: what making one
    does, in one sentence. details: more of that, for the command's help.
    recipe: its recipe class, or a function that gives it. process: makes it; see `studio.works.work.Making`.
    roles: what its sources are for, in order. formats: a table of `studio.works.formats.Format` by name.
    tab: the tab of the page that continues such a work; empty where none does.
    facts: a function from a work's facts to (label, sentence) pairs.
    result: the class of `studio.api` in which Python gets the work.
    completes: from the settings that were given to all that they imply, such as a preset's values.
    moods: a table of named settings that is no field of the recipe: `mood` among the settings names one.
    resolves: from settings and ingredients to both, read before anything else, such as a network in a file.
    accompanies: from the settings and ingredients that were given, and the gallery, to these ingredients and
    those that must go with them, such as the lead sheet of a recording.
    supplies: from settings and the roles of the given files to further ingredients, such as a named style.
    predicts: from a recipe and the sizes of its sources to a `Prediction`; empty where nothing is known.
    checks: "module:function" of a recipe and materials, a generator that raises what making the work would
    raise for settings that cannot hold together; empty where settings never conflict.
    light: from a recipe to whether its work is so light that it waits for no heavy one; empty where none is.
    exports: from a work to the formats it can be had in. renders: from a work, the gallery, its recipe with
    another format, and that format, to the file's bytes. Both empty where a work can only be had as it is.
    performed: fields of the recipe that say how a work sounds, which may be others in what is exported
    without making it again.
    resumes: from a recipe, the (width, height) of its picture and a number of steps or None to the fields in
    which the recipe of a work that goes on from there differs; empty where none does.
    sheet: from pictures [h, w, 3] and captions to one picture of them all; empty for what is no picture.
    probe: a function that says how many times longer this computer takes than an ordinary one, from a short
    trial; empty where predictions are the same everywhere.
    ahead: a module whose `names()` can be prepared before anyone asks, the likeliest first, each with
    `prepare(name, kindly=)` (see `studio.making.ahead`), and whose `load()` imports what is needed later;
    or empty.
    spelled: recipe field -> its option on the command line, where it differs from the field's name.
    together: two fields of the recipe, or empty: how many works one request makes with one seed, and which
    of them a work is.
    """

    name: str
    recipe: str
    process: str
    label: str = ""
    plural: str = ""
    summary: str = ""
    details: str = ""
    roles: tuple[Role, ...] = ()
    formats: str = "studio.images.formats:FORMATS"
    tab: str = ""
    facts: str = ""
    result: str = "studio.api:MadeWork"
    completes: str = ""
    moods: str = ""
    resolves: str = ""
    accompanies: str = ""
    supplies: str = ""
    predicts: str = ""
    checks: str = ""
    light: str = ""
    exports: str = ""
    renders: str = ""
    performed: tuple[str, ...] = ()
    ahead: str = ""
    probe: str = ""
    resumes: str = ""
    sheet: str = ""
    spelled: Mapping[str, str] = field(default_factory=dict)
    together: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "label", self.label or self.name.capitalize())
        object.__setattr__(self, "plural", self.plural or f"{self.label}s")

    def recipe_class(self) -> type[Recipe]:
        found: Any = found_at(self.recipe)
        recipe: type[Recipe] = found if isinstance(found, type) else found()
        return recipe

    def controls(self, *, with_format: bool = False) -> list[Control]:
        """The parameters a person may set. On the command line the output's suffix sets the format."""
        found = controls(self.recipe_class())
        return [control for control in found if with_format or control.name != "format"]

    def role(self, name: str) -> Role | None:
        """The role of that name, or None."""
        return next((role for role in self.roles if role.name == name), None)

    def format_table(self) -> FormatTable:
        """The formats it can be written in, by name."""
        table: FormatTable = found_at(self.formats)
        return table

    def format_settings(self, output: Path) -> dict[str, Any]:
        """The setting that an output's suffix implies. Raises `Refused` for a suffix it cannot write."""
        asked = self.format_table().by_suffix(output)
        return {"format": asked.name} if "format" in self.recipe_class().model_fields else {}

    def mood_table(self) -> Mapping[str, Any]:
        """Its moods by name, each with a `sentence` and `values`; empty for most kinds."""
        table: Mapping[str, Any] = found_at(self.moods) if self.moods else {}
        return table

    def facts_in_words(self, facts: Mapping[str, Any]) -> list[tuple[str, str]]:
        """(label, sentence) for every fact worth showing."""
        if self.facts:
            return list(found_at(self.facts)(facts))
        return [(name, str(value)) for name, value in facts.items()]

    def prepare(
        self, settings: Mapping[str, Any], ingredients: Iterable[Ingredient]
    ) -> tuple[dict[str, Any], list[Ingredient]]:
        """Settings and ingredients, completed by what the files themselves say and by presets.

        Raises `Refused`, `Unreadable`, or `UnknownName` for a preset that does not exist.
        """
        known, given = dict(settings), list(ingredients)
        if self.resolves:
            known, given = found_at(self.resolves)(known, given)
        return (dict(found_at(self.completes)(known)) if self.completes else known), given

    def accompanying(
        self, settings: Mapping[str, Any], given: Sequence[Ingredient], gallery: Gallery
    ) -> list[Ingredient]:
        """These ingredients, and what must go into a work with them. settings: those that were given. Raises
        `Missing`, `Refused` and `Unreadable`.
        """
        if not self.accompanies:
            return list(given)
        found: list[Ingredient] = found_at(self.accompanies)(settings, given, gallery)
        return found

    def is_light(self, recipe: Recipe) -> bool:
        """Whether a recipe's work need not wait for heavy ones."""
        return bool(self.light and found_at(self.light)(recipe))

    def default_ingredients(self, settings: Mapping[str, Any], roles: Iterable[str]) -> list[Ingredient]:
        """Ingredients that the settings imply beside the files of these roles. Raises `UnknownName`, and
        `Refused` for a style that only works of another kind are made in.
        """
        try:
            return list(found_at(self.supplies)(dict(settings), tuple(roles))) if self.supplies else []
        except UnknownName as error:
            if error.what == "style" and (other := self._with_that_style(error.name)):
                raise Refused(
                    f"{error.name} is a style of {other.plural.lower()}, not of {self.plural.lower()}; make "
                    f"a {other.label.lower()} in it with studio {other.name} --style {error.name}.",
                    setting="style",
                ) from None
            raise

    def _with_that_style(self, name: str) -> Kind | None:
        """Another kind whose works are made in a style of that name."""
        for other in KINDS.values():
            if (
                other is not self
                and other.supplies
                and any(role.stands_for == "style" for role in other.roles)
            ):
                with suppress(StudioError):
                    if found_at(other.supplies)({"style": name}, ()):
                        return other
        return None


WEIGHTS = Role("weights", "Your own weights: a lesson's .zip, or a file for the backbone.", media="weights")

REGION = (
    "A part of the photo with a look of its own: PLACE=LOOK or PLACE=LOOK*STRENGTH. A place is a picture "
    "that is light there; subject, background or segment 1 to 6, which the studio finds (studio segments "
    "shows them); or rest. Outside all regions nothing changes."
)

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            "dream",
            recipe="studio.images.recipes:DreamRecipe",
            process="studio.images.dream:dream",
            label="Dream",
            summary="Let a pretrained network dream on PHOTO.",
            details="What the network sees in the photo is made stronger, from coarse to fine.",
            roles=(
                Role("photo", "The photo to dream on.", needed=True, metavar="PHOTO"),
                Role(
                    "guide",
                    "Dream towards what the network sees in this picture. With several, FILE*2 counts twice.",
                    several=True,
                    weights="guide_weights",
                ),
                Role("mask", "Dream only where this picture is light."),
                Role("region", f"{REGION} A look is a preset.", several=True, regions="regions"),
                WEIGHTS,
            ),
            formats="studio.images.formats:FORMATS",
            tab="dream",
            facts="studio.images.facts:facts_in_words",
            result="studio.api:PictureWork",
            completes="studio.images.presets:with_preset",
            predicts="studio.images.predictions:predict_dream",
            probe="studio.images.predictions:probe",
            exports="studio.images.renditions:exports",
            renders="studio.images.renditions:rendered",
            resolves="studio.images.requests:resolve_weights",
            resumes="studio.images.resuming:resumed",
            sheet="studio.images.sheets:contact_sheet",
        ),
        Kind(
            "style",
            recipe="studio.images.recipes:StyleRecipe",
            process="studio.images.style:paint",
            label="Painting",
            summary="Paint the photo CONTENT in the style of one or more paintings.",
            details="Several paintings are mixed; starry.jpg*2 counts twice as much as the others. A STYLE "
            "is a file, or the name of one of the studio's own paintings or of those that your painters have "
            "learnt (studio paintings).",
            roles=(
                Role("photo", "The photo to paint.", needed=True, metavar="CONTENT"),
                Role(
                    "style",
                    "A painting whose strokes and colours the photo takes on.",
                    needed=True,
                    several=True,
                    metavar="STYLE[*WEIGHT]",
                    weights="style_weights",
                    bundled="studio.images.paintings.catalogue:PAINTINGS",
                    bundled_as="painting",
                    own="studio.images.instant.learnt:learnt_paintings",
                ),
                Role("mask", "Paint only where this picture is light."),
                Role(
                    "region",
                    f"{REGION} A look is a painting.",
                    several=True,
                    regions="regions",
                    looks="style",
                ),
                WEIGHTS,
            ),
            formats="studio.images.formats:FORMATS",
            tab="style",
            facts="studio.images.facts:facts_in_words",
            result="studio.api:PictureWork",
            resolves="studio.images.requests:resolve_weights_to_paint",
            predicts="studio.images.predictions:predict_painting",
            light="studio.images.predictions:is_draft",
            probe="studio.images.predictions:probe",
            exports="studio.images.renditions:exports",
            renders="studio.images.renditions:rendered",
            resumes="studio.images.resuming:resumed",
            sheet="studio.images.sheets:contact_sheet",
        ),
        Kind(
            "compose",
            recipe="studio.music.melody.constraints:recipe_class",
            process="studio.music.melody.compose:compose",
            label="Melody",
            plural="Melodies",
            summary="Compose a melody in a style under exact constraints.",
            details="The style is one of studio styles, or a file or folder of your own tunes. Every "
            "constraint holds exactly. Where constraints contradict each other, the fewest that conflict are "
            "named.",
            roles=(
                Role(
                    "tune",
                    "Tunes of your own, as the style.",
                    media="score",
                    several=True,
                    stands_for="style",
                    opened_by="studio.music.styles.sources:own_ingredients",
                    is_path="studio.music.styles.sources:is_path",
                ),
                Role("take", "The tune from which bars are kept.", media="score"),
                Role("theme", "A theme: a tune to stay close to, or away from.", media="score"),
            ),
            formats="studio.music.writing.formats:FORMATS",
            tab="compose",
            completes="studio.music.melody.moods:with_mood",
            moods="studio.music.melody.moods:MOODS",
            facts="studio.music.melody.facts:facts_in_words",
            result="studio.api:TuneWork",
            supplies="studio.music.melody.sources:default_sources",
            predicts="studio.music.melody.predictions:predict_melody",
            exports="studio.music.melody.renditions:exports",
            renders="studio.music.melody.renditions:rendered",
            performed=("tempo", "instrument"),
            checks="studio.music.melody.compose:prepared",
            light="studio.music.melody.predictions:is_light",
            ahead="studio.music.melody.ahead",
            spelled={"composer": "--model"},
        ),
        Kind(
            "song",
            recipe="studio.music.songs.recipes:SongRecipe",
            process="studio.music.songs.song:song",
            label="Song",
            summary="Make a lead sheet, or a song, in a style: form, chords, and a melody over them.",
            details="The style is one of studio styles, or a file or folder of your own lead sheets. To "
            "write in the manner of the Beatles or Cole Porter, give lead sheets of their songs "
            "that you own. Your own melody gets chords, and your own chords get a melody. A band "
            "can play it, and it can have words. Constraints hold exactly, and the melody is "
            "drawn exactly, given its chords. The chords are chosen from several progressions, by "
            "how like the style's they are and a little by how well they can be sung, which only "
            "approximates their joint probability.",
            roles=(
                Role(
                    "tune",
                    "Lead sheets of your own, as the style.",
                    media="score",
                    several=True,
                    stands_for="style",
                    opened_by="studio.music.styles.sources:own_ingredients",
                    is_path="studio.music.styles.sources:is_path",
                ),
                Role("melody", "A melody to harmonise.", media="score"),
                Role("take", "The song from which bars are kept.", media="score"),
                Role("theme", "A theme: a tune to stay close to, or away from.", media="score"),
                Role(
                    "earlier",
                    "A song of the gallery to go on from, by its number there or its file: what you keep of "
                    "it stays note for note, and its settings hold unless you give others. There may be "
                    "several.",
                    media="score",
                    several=True,
                    is_work=True,
                ),
            ),
            formats="studio.music.writing.formats:FORMATS",
            tab="songs",
            facts="studio.music.songs.facts:facts_in_words",
            result="studio.api:SongWork",
            resolves="studio.music.songs.earlier:with_earlier_settings",
            accompanies="studio.music.songs.earlier:with_records",
            supplies="studio.music.songs.sources:default_sources",
            together=("harmonisations", "harmonisation"),
            predicts="studio.music.songs.predictions:predict_song",
            checks="studio.music.songs.possible:possible",
            light="studio.music.songs.predictions:is_light",
            exports="studio.music.melody.renditions:exports",
            renders="studio.music.songs.renditions:rendered",
            spelled={"composer": "--model"},
        ),
    )
}


def kind_of(name: str) -> Kind:
    """The kind of that name. Raises `UnknownName`."""
    if name not in KINDS:
        raise UnknownName("kind of work", name, KINDS)
    return KINDS[name]


def read_recipe(text: str | bytes, kinds: Mapping[str, Kind] = KINDS) -> Recipe:
    """A recipe of whatever kind, from its JSON.

    Raises `Unreadable`, or `UnknownName` for a kind this studio cannot make.
    """
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        raise Unreadable("The recipe is not valid JSON; restore it from the original file.") from None
    return recipe_from(fields, kinds)


def recipe_from(fields: Any, kinds: Mapping[str, Kind] = KINDS) -> Recipe:
    """A recipe of whatever kind, from its decoded JSON. Raises as `read_recipe` does."""
    kind = fields.get("kind") if isinstance(fields, dict) else None
    if not isinstance(kind, str):
        raise Unreadable(
            "The recipe does not say what kind of work it is for; restore it from the original file."
        )
    if kind not in kinds:
        version = fields.get("schema_version")
        if isinstance(version, int) and version > SCHEMA_VERSION:
            raise Unreadable(
                f"A newer studio wrote this recipe, for a {kind}, which this one cannot make: "
                "update the studio."
            )
        raise UnknownName("kind of work", kind, kinds)
    return from_fields(kinds[kind].recipe_class(), fields)


def make(recipe: Recipe, materials: Materials, kinds: Mapping[str, Kind] = KINDS) -> Making:
    """The process that makes this recipe's work: iterate it for progress; it returns what was made."""
    process = found_at(kinds[recipe.kind].process)
    making: Making = process(recipe, materials)
    return making


def found_at(place: str) -> Any:
    """The object at "module:name". What it needs may be PyTorch, so threads are told how to wait before."""
    wait_politely()
    module, name = place.split(":")
    return getattr(import_module(module), name)
