"""The works on show in gallery/: a table of what they are, and the one command that makes them all.

python -m studio.making.exhibition           make what is missing
python -m studio.making.exhibition --check   make every work again and say whether it is identical
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from studio.images.paintings.catalogue import PAINTINGS
from studio.process import finish
from studio.works.shipped import shipped


@dataclass(frozen=True)
class ShownSource:
    """A source that may be shown and passed on, with the credit it is due."""

    file: str
    title: str
    author: str
    licence: str


CC_BY = "CC BY 2.0, https://creativecommons.org/licenses/by/2.0/"
SOURCES = {
    picture.file: picture
    for picture in (
        ShownSource(
            "pagoda.jpg",
            "China (scikit-learn's china.jpg)",
            "danielbuechele, flickr.com/photos/danielbuechele/6061409035",
            CC_BY,
        ),
        ShownSource(
            "dahlia.jpg",
            "Flower (scikit-learn's flower.jpg)",
            "vultilion, flickr.com/photos/vultilion/6056698931",
            CC_BY,
        ),
        ShownSource(
            "dunes.png",
            "Dunes by moonlight",
            "Derivative Works Studio",
            "CC0 1.0, https://creativecommons.org/publicdomain/zero/1.0/",
        ),
    )
}


@dataclass(frozen=True)
class Exhibit:
    """A work on show: its file, its photo (a source, or an earlier work on show), and what was wished for
    beyond the defaults.

    guide: what a dream goes towards; painting: whose style it is painted in, a work on show or one of the
    studio's own paintings.
    """

    file: str
    photo: str
    wishes: Mapping[str, Any] = field(default_factory=dict)
    guide: str = ""
    painting: str = ""


EXHIBITS = (
    Exhibit("pagoda-creatures.png", "pagoda.jpg", {"preset": "creatures", "seed": 3}),
    Exhibit("pagoda-citadel.png", "pagoda.jpg", {"preset": "citadel", "seed": 1}),
    Exhibit("pagoda-weave.png", "pagoda.jpg", {"preset": "weave", "seed": 1}),
    Exhibit("pagoda-woodcut.png", "pagoda.jpg", {"preset": "woodcut", "seed": 1}),
    Exhibit("dahlia-origami.png", "dahlia.jpg", {"preset": "origami", "seed": 1}),
    Exhibit("dahlia-whirlpools.png", "dahlia.jpg", {"preset": "whirlpools", "seed": 1}),
    Exhibit("dunes-creatures.png", "dunes.png", {"preset": "creatures", "seed": 5}),
    Exhibit("dunes-garden.png", "dunes.png", {"preset": "garden", "seed": 2}),
    Exhibit("dunes-towards-the-dahlia.png", "dunes.png", {"preset": "garden", "seed": 4}, guide="dahlia.jpg"),
    Exhibit(
        "dunes-creatures-mosaic.png", "dunes-creatures.png", {"preset": "mosaic", "strength": 0.6, "seed": 1}
    ),
    Exhibit("pagoda-after-the-dunes.png", "pagoda.jpg", {"seed": 1}, painting="dunes-creatures-mosaic.png"),
    Exhibit("pagoda-night-wind.png", "pagoda.jpg", {"seed": 1}, painting="whirls"),
    Exhibit("dahlia-leaded-glass.png", "dahlia.jpg", {"seed": 1}, painting="glass"),
)
SIZE = 640


def make_exhibits(*, check: bool = False) -> Iterator[str]:
    """Make what is missing in gallery/ (or make all again, to compare), a sentence for each."""
    from studio.making.asking import ask
    from studio.making.kinds import make
    from studio.making.remaking import remake, shown_sources
    from studio.works.gallery import Gallery
    from studio.works.ingredient import Ingredient
    from studio.works.output import write_file

    folder = shipped("gallery")
    with tempfile.TemporaryDirectory() as place, Gallery.open(Path(place)) as gallery:
        for exhibit in EXHIBITS:
            path = folder / exhibit.file
            if path.exists() and not check:
                yield f"{exhibit.file} is there."
                continue
            if check:
                yield f"{exhibit.file}: {finish(remake(path.read_bytes(), gallery, shown_sources())).sentence}"
                continue
            ingredients = []
            for role, name in (
                ("photo", exhibit.photo),
                ("guide", exhibit.guide),
                ("style", exhibit.painting),
            ):
                if name in PAINTINGS:
                    ingredients.append(PAINTINGS[name].ingredient())
                elif name:
                    credit = SOURCES.get(name) or ShownSource(
                        name, Path(name).stem, "Derivative Works Studio", _licence_of(exhibit.photo)
                    )
                    content = (folder / "sources" / name if name in SOURCES else folder / name).read_bytes()
                    ingredients.append(
                        Ingredient(role, content, name, credit.title, credit.author, credit.licence)
                    )
            recipe = ask(
                "style" if exhibit.painting else "dream",
                {"size": SIZE, **exhibit.wishes},
                ingredients,
                gallery,
            )
            write_file(finish(make(recipe, gallery.read_source)).content, path)
            yield f"{exhibit.file} made."


def _licence_of(name: str) -> str:
    """A work made from CC BY pictures may be passed on with their credit; one made from our own is free."""
    first = next((exhibit.photo for exhibit in EXHIBITS if exhibit.file == name), name)
    return SOURCES[first].licence


if __name__ == "__main__":
    for sentence in make_exhibits(check="--check" in sys.argv[1:]):
        print(sentence, flush=True)
