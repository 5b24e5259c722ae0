"""Paintings of one's own that a painter has learnt here, or is learning: they stand among the studio's.

    keep_painting(LearntPainting("starry", "Starry night", "starry.jpg"), content)
    learnt_paintings()["starry"].ingredient()

Each is kept beside its painter, with what is needed to go on with its training.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from studio.errors import Missing
from studio.images.instant.painters import PREFIX, painters_folder
from studio.works.ingredient import Ingredient
from studio.works.output import write_file
from studio.works.recipe import MOST_CREDIT

PAINTING, ABOUT, SMALL, UNDERWAY = ".painting", ".painting.json", ".painting.jpg", ".training.safetensors"
"""What the files are called after their painter: the painting, what is known of it, a small picture of it,
and a training that has not ended.
"""

SMALL_SIDE = 240


class LearntPainting(BaseModel):
    """A painting of one's own. name: of its painter. file: the name that the painting's file had. sha256: of
    that file.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,59}$")
    sha256: str = ""
    title: str = Field("", max_length=MOST_CREDIT)
    file: str = Field("painting.jpg", max_length=255)
    author: str = Field("", max_length=MOST_CREDIT)
    licence: str = Field("", max_length=MOST_CREDIT)

    @property
    def thumbnail(self) -> Path:
        """A small JPEG."""
        return self._beside(SMALL)

    @property
    def can_paint(self) -> bool:
        """Whether its painter is there: after the first hundred steps."""
        return self._beside(".safetensors").is_file()

    @property
    def underway(self) -> bool:
        """Whether its training has not ended, and can be resumed."""
        return self._beside(UNDERWAY).is_file()

    def ingredient(self) -> Ingredient:
        """The painting as the source of a style. Raises `Missing` where it was removed."""
        try:
            content = self._beside(PAINTING).read_bytes()
        except OSError:
            raise Missing(
                f"The painting {self.title or self.name} is no longer here; add it again."
            ) from None
        return Ingredient("style", content, self.file, self.title, self.author, self.licence)

    def _beside(self, suffix: str) -> Path:
        return painters_folder() / f"{PREFIX}{self.name}{suffix}"


def keep_painting(about: LearntPainting, content: bytes) -> None:
    """Keep a painting, the bytes of a picture, beside its painter. Raises `Unreadable` for no picture."""
    from studio.images.pictures import read_picture, write_jpeg

    about = about.model_copy(update={"sha256": hashlib.sha256(content).hexdigest()})
    small = write_jpeg(read_picture(content, about.file).pixels, longest_side=SMALL_SIDE)
    painters_folder().mkdir(parents=True, exist_ok=True)
    about_path = about._beside(ABOUT)
    write_file(content, about._beside(PAINTING), force=True)
    write_file(small, about.thumbnail, force=True)
    write_file(about.model_dump_json(indent=1).encode(), about_path, force=True)


def titled_as_learnt(painting: Ingredient) -> Ingredient:
    """A painting's file with the title and credit under which a painter has learnt it here; as it is if none
    has.
    """
    sha256 = hashlib.sha256(painting.content).hexdigest()
    for each in learnt_paintings().values():
        if each.sha256 == sha256 and each.can_paint and each.title:
            return replace(painting, title=each.title, author=each.author, licence=each.licence)
    return painting


def learnt_paintings() -> dict[str, LearntPainting]:
    """Those here by the names of their painters. What is damaged is left out."""
    found = {}
    folder = painters_folder()
    for path in sorted(folder.glob(f"{PREFIX}*{ABOUT}")) if folder.is_dir() else ():
        try:
            about = LearntPainting.model_validate_json(path.read_bytes())
        except (OSError, ValidationError):
            continue
        if path == about._beside(ABOUT) and about._beside(PAINTING).is_file():
            found[about.name] = about
    return found


def free_name(title: str) -> str:
    """A painter's name made of a painting's title, which no painter here has."""
    from studio.images.instant.painters import painters

    plain = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:40] or "painting"
    taken = {*painters(), *learnt_paintings()}
    names = (plain if number == 1 else f"{plain}-{number}" for number in range(1, len(taken) + 2))
    return next(name for name in names if name not in taken)
