"""The works on show in gallery/: a table of what they are, and the one command that makes them all.

python -m studio.making.exhibition           make what is missing
python -m studio.making.exhibition --check   make every work again and say whether it is identical
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.errors import StudioError, UnknownName
from studio.making.kinds import KINDS, make, read_recipe
from studio.process import finish
from studio.works.ingredient import Ingredient
from studio.works.metadata import extract
from studio.works.naming import as_json
from studio.works.shipped import shipped

if TYPE_CHECKING:
    from studio.works.gallery import Gallery
    from studio.works.work import Made


@dataclass(frozen=True)
class ShownSource:
    """A source that may be shown and shared, with the credit it is due. called: what a person calls what is
    to be seen on it.
    """

    file: str
    title: str
    author: str
    licence: str
    called: str = ""


CC_BY = "CC BY 2.0, https://creativecommons.org/licenses/by/2.0/"
SOURCES = {
    picture.file: picture
    for picture in (
        ShownSource(
            "pagoda.jpg",
            "China (scikit-learn's china.jpg)",
            "danielbuechele, flickr.com/photos/danielbuechele/6061409035",
            CC_BY,
            "The pagoda",
        ),
        ShownSource(
            "dahlia.jpg",
            "Flower (scikit-learn's flower.jpg)",
            "vultilion, flickr.com/photos/vultilion/6056698931",
            CC_BY,
            "A dahlia",
        ),
        ShownSource(
            "dunes.png",
            "Dunes by moonlight",
            "Derivative Works Studio",
            "CC0 1.0, https://creativecommons.org/publicdomain/zero/1.0/",
            "Dunes by moonlight",
        ),
    )
}


def samples_here() -> list[ShownSource]:
    """The photos to try that this installation has."""
    try:
        folder = shipped("gallery") / "sources"
    except StudioError:
        return []
    return [each for each in SOURCES.values() if (folder / each.file).is_file()]


def sample(name: str) -> Ingredient:
    """One of the photos to try, by its name in `SOURCES`. Raises `UnknownName`."""
    if name not in SOURCES:
        raise UnknownName("photo to try", name, SOURCES)
    credit, content = SOURCES[name], (shipped("gallery") / "sources" / name).read_bytes()
    return Ingredient("photo", content, name, credit.title, credit.author, credit.licence)


@dataclass(frozen=True)
class Exhibit:
    """A work on show.

    file: its name in gallery/. kind: of work. sources: role -> a file in gallery/sources, an earlier work on
    show, or the name of a bundled painting; the first is the one it is mainly made from. settings: those
    beyond the defaults. title: what it is called here; empty for the title every such work gets.
    """

    file: str
    kind: str
    sources: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    title: str = ""

    @property
    def main_source(self) -> str:
        return next(iter(self.sources.values()), "")


def _dream(file: str, photo: str, seed: int, preset: str, guide: str = "", **settings: Any) -> Exhibit:
    sources = {"photo": photo} | ({"guide": guide} if guide else {})
    asked = {"size": SIZE, "preset": preset, "seed": seed}
    return Exhibit(file, "dream", sources, asked | STEPS | settings)


def _painting(file: str, photo: str, style: str) -> Exhibit:
    return Exhibit(file, "style", {"photo": photo, "style": style}, {"size": SIZE, "seed": 1})


def _tune(file: str, title: str, style: str, seed: int, **settings: Any) -> Exhibit:
    return Exhibit(file, "compose", {}, {"style": style, "seed": seed, "title": title, **settings}, title)


def _song(file: str, title: str, style: str, seed: int, **settings: Any) -> Exhibit:
    own = {"style": style, "seed": seed, "title": title, "meter": "4/4", **settings}
    return Exhibit(file, "song", {}, own, title)


@dataclass(frozen=True)
class Rendition:
    """Another file of a work on show. file: its name in gallery/. of: the exhibit's file. settings: those
    beyond the exhibit's.
    """

    file: str
    of: str
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def exhibit(self) -> Exhibit:
        """What is made for it."""
        whole = next(each for each in EXHIBITS if each.file == self.of)
        return Exhibit(self.file, whole.kind, whole.sources, {**whole.settings, **self.settings}, whole.title)


SIZE = 640
"""Longer side of the pictures on show, in pixels."""

STEPS = {"steps": 12, "coarse_first": 0.4, "step_size": 0.011, "hold": 0.02, "smoothing": 0.45}
"""How the dreams on show climb: by the defaults of their time."""


LEAVE_THE_LIGHT_ON = """[A]
Rain is on the window
and the bus is late
I can see your shadow
by the garden gate

[B]
Leave the light on, darling
I am coming home
Every road I follow
leads me to your own

[A]
Half the town is sleeping
half the stars are gone
I will go on walking
if you keep it on

[C]
Summer, winter, any weather
I will find the way
all we ever said together
I would gladly say"""

THE_LAST_TRAIN = """[A]
The last train is a slow one
It stops at every town
It lets the moon keep up with it
and never puts it down

[A]
The last train is a kind one
It waits for those who run
It took the two of us tonight
and brings the morning sun

[B]
Somebody sang in the dining car
nobody knew the tune
you hummed along and I held your hand
we will be home too soon

[A]
The last train is a slow one
and I would have it so
for every mile is one more mile
with nowhere else to go"""

LIGHT_ROWS = {
    "A": "G C | G | % | D | C | D | G | C D",
    "B": "Gmaj7 Dm7 G7 | Cmaj7 | A9 | A9 | D7 | % | Gmaj7 | G",
    "C": "G | % | C/G | Gmaj7 | C/G | Bm7 Em7 | Bm7 Em7 | Am7 Abmaj7",
}
TRAIN_ROWS = {
    "A": "F | % | C7 | % | F Bb7 | F C7 | F C7 | F",
    "B": "Bb | C7 | Bb Bbm6 | F Faug C7 . | F A7 | D7 | Gm7 C13(b9) | Am7 Eb9",
}
"""Chords that the studio drew for these songs, and that were kept."""


EXHIBITS = (
    _dream("pagoda-creatures.png", "pagoda.jpg", 3, "creatures"),
    _dream("pagoda-citadel.png", "pagoda.jpg", 1, "citadel", steps=14),
    _dream("pagoda-weave.png", "pagoda.jpg", 1, "weave"),
    _dream("pagoda-woodcut.png", "pagoda.jpg", 1, "woodcut"),
    _dream("dahlia-origami.png", "dahlia.jpg", 1, "origami"),
    _dream("dahlia-whirlpools.png", "dahlia.jpg", 1, "whirlpools"),
    _dream("dunes-creatures.png", "dunes.png", 5, "creatures"),
    _dream("dunes-garden.png", "dunes.png", 2, "garden", steps=14),
    _dream("dunes-towards-the-dahlia.png", "dunes.png", 4, "garden", guide="dahlia.jpg", steps=14),
    _dream("dunes-creatures-mosaic.png", "dunes-creatures.png", 1, "mosaic", strength=0.6),
    _painting("pagoda-night-wind.png", "pagoda.jpg", "whirls"),
    _painting("pagoda-after-the-dunes.png", "pagoda.jpg", "dunes-creatures-mosaic.png"),
    _painting("dahlia-leaded-glass.png", "dahlia.jpg", "glass"),
    _tune(
        "the-open-door.musicxml",
        "The Open Door",
        "ryans-mammoth",
        5,
        bars=16,
        meter="6/8",
        key="D",
        form="AABA",
        end="D",
    ),
    _song(
        "leave-the-light-on.musicxml",
        "Leave the Light On",
        "sixties-pop",
        1,
        words=LEAVE_THE_LIGHT_ON,
        chords=" | ".join(LIGHT_ROWS[letter] for letter in "ABABCB"),
        form="ABABCB",
        bars=48,
        key="G",
        tempo=100,
    ),
    _song(
        "the-last-train.musicxml",
        "The Last Train Is a Slow One",
        "songbook-manner",
        2,
        words=THE_LAST_TRAIN,
        chords=" | ".join(TRAIN_ROWS[letter] for letter in "AABABA"),
        form="AABABA",
        bars=48,
        key="F",
        tempo=92,
    ),
)

RENDITIONS = tuple(
    Rendition(f"{song}.{suffix}", f"{song}.musicxml", settings)
    for song, band in (("leave-the-light-on", "sixties"), ("the-last-train", "trio"))
    for suffix, settings in (("svg", {}), ("mid", {"band": band}), ("mp3", {"band": band}))
)
"""The songs on show as they are printed and played, each made from the settings of its lead sheet and some
more.
"""


def make_exhibits(*, check: bool = False) -> Iterator[str]:
    """Make what is missing in gallery/, or make everything again to compare; one sentence for each work."""
    from studio.making.remaking import remake, shown_sources
    from studio.works.gallery import Gallery
    from studio.works.output import write_file

    folder = shipped("gallery")
    with tempfile.TemporaryDirectory() as place, Gallery.open(Path(place)) as gallery:
        for exhibit in (*EXHIBITS, *(each.exhibit for each in RENDITIONS)):
            path = folder / exhibit.file
            if check:
                remade = finish(remake(path.read_bytes(), gallery, shown_sources()))
                yield f"{exhibit.file}: {remade.sentence}"
            elif path.exists():
                yield f"{exhibit.file} is there."
            else:
                made = _made(exhibit, folder, gallery)
                write_file(made.content, path)
                if exhibit in EXHIBITS and not made.media_type.startswith("image/"):
                    facts = json.dumps({"facts": as_json(made.facts), "losses": list(made.losses)})
                    write_file(facts.encode(), facts_file(exhibit), force=True)
                yield f"{exhibit.file} made."


def facts_file(exhibit: Exhibit) -> Path:
    """What is known of a work beside its recipe, such as where each note comes from: a JSON file, which
    pictures do without. Raises `Missing`.
    """
    return (shipped("gallery") / exhibit.file).with_suffix(".json")


def ingredients_of(exhibit: Exhibit) -> list[Ingredient]:
    """What it was made from, with what its settings imply. Raises a `StudioError` where that is not here."""
    given = [_ingredient(exhibit, role, name, shipped("gallery")) for role, name in exhibit.sources.items()]
    path = shipped("gallery") / exhibit.file
    recipe = extract(path.read_bytes()) if path.exists() else None
    # The recipe in it also says by which rules, and so from which counts.
    implied = exhibit.settings if recipe is None else read_recipe(recipe).model_dump()
    return given + KINDS[exhibit.kind].default_ingredients(implied, exhibit.sources)


def _made(exhibit: Exhibit, folder: Path, gallery: Gallery) -> Made:
    from studio.making.asking import ask

    ingredients = [_ingredient(exhibit, role, name, folder) for role, name in exhibit.sources.items()]
    form = KINDS[exhibit.kind].format_settings(Path(exhibit.file))
    recipe = ask(exhibit.kind, {**form, **exhibit.settings}, ingredients, gallery)
    return finish(make(recipe, gallery.read_source))


def _ingredient(exhibit: Exhibit, role: str, name: str, folder: Path) -> Ingredient:
    known = KINDS[exhibit.kind].role(role)
    if known is not None and name in known.bundled_table():
        return known.ingredient_named(name)
    if name in SOURCES:
        credit, content = SOURCES[name], (folder / "sources" / name).read_bytes()
    else:
        licence = _licence_of(exhibit.main_source)
        credit = ShownSource(name, Path(name).stem, "Derivative Works Studio", licence)
        content = (folder / name).read_bytes()
    return Ingredient(role, content, name, credit.title, credit.author, credit.licence)


def _licence_of(name: str) -> str:
    """A work made from CC BY pictures may be shared with their credit; one made from our own is free."""
    first = next((exhibit.main_source for exhibit in EXHIBITS if exhibit.file == name), name)
    return SOURCES[first].licence


if __name__ == "__main__":
    for sentence in make_exhibits(check="--check" in sys.argv[1:]):
        print(sentence, flush=True)
