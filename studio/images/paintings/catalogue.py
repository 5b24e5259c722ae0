"""The studio's own paintings, to paint a photo after where no other is at hand. Each was painted by a rule,
in which nothing was learnt.

    studio style photo.jpg glass -o painted.png

They are free for all (CC0). Painting them again:  python -m studio.images.paintings.by_rule
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from studio.errors import Missing, UnknownName

if TYPE_CHECKING:
    from studio.works.ingredient import Ingredient

FOLDER = Path(__file__).with_name("studies")
AUTHOR = "Derivative Works Studio"
LICENCE = "CC0 1.0, https://creativecommons.org/publicdomain/zero/1.0/"


@dataclass(frozen=True)
class Study:
    """A painting of the studio's own: its name in a command, its title, what its rule is, and where its file
    is.
    """

    name: str
    title: str
    sentence: str

    @property
    def path(self) -> Path:
        return FOLDER / f"{self.name}.jpg"

    @property
    def thumbnail(self) -> Path:
        return FOLDER / "small" / f"{self.name}.jpg"

    def ingredient(self) -> Ingredient:
        """The painting as something to paint after. Raises `Missing` when this installation lacks its file."""
        from studio.works.ingredient import Ingredient

        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            raise Missing(
                f"This installation of the studio lacks its painting '{self.name}': install it again."
            ) from None
        return Ingredient("style", content, self.path.name, self.title, AUTHOR, LICENCE)


STUDIES = {
    study.name: study
    for study in (
        Study(
            "whirls",
            "Night wind",
            "Eight thousand brush strokes, each along the wind where it begins; yellow about the eddies.",
        ),
        Study(
            "glass",
            "Leaded glass",
            "Two hundred points; every place takes the colour of the nearest, with lead where two are as near.",
        ),
        Study(
            "marbling",
            "Marbled paper",
            "Drops of colour push each other aside, and combs are drawn through them.",
        ),
        Study(
            "woodcut", "Woodcut", "Lines of equal height over hilly ground, the thicker the darker it lies."
        ),
        Study(
            "points",
            "Evening sea",
            "Dots whose colours lie beside the one that is meant, and meet in the eye.",
        ),
        Study(
            "watercolour",
            "Watercolours",
            "Rough polygons, thirty times over each other, hardly covering, darker where they dry at the edge.",
        ),
        Study("planes", "Planes", "Discs, arcs, bars and chequers, thrown by dice at a few angles."),
    )
}


def study(name: str) -> Study:
    """The painting of that name. Raises `UnknownName`."""
    if name not in STUDIES:
        raise UnknownName("painting", name, STUDIES)
    return STUDIES[name]


__all__ = ["STUDIES", "Study", "study"]
