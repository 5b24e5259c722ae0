"""Which work a file is: by its bytes, by the recipe inside, or by how it looks."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from studio.errors import StudioError
from studio.making.kinds import read_recipe
from studio.works.metadata import extract

if TYPE_CHECKING:
    from PIL import Image

    from studio.works.gallery import Gallery
    from studio.works.looking import Sighting
    from studio.works.recipe import Source
    from studio.works.work import Work


THIS, THIS_OR_A_TWIN = "this work", "this work, or the same look made with another seed or more steps"
"""What `Recognised.sure` is said of."""


@dataclass(frozen=True)
class Recognised:
    """What is known of a file. sentence: says it. work: of this gallery, or None. recipe: the JSON of the
    recipe in the file, "" where there is none. sure: "certainly", "almost certainly", "probably", or "", of
    what `of` says: a picture that was found by its look may also be a twin of the work, which can differ
    in a corner alone. likeness: 0 to 1, how alike the pictures are, where that decided. rival: another work
    that it looks like nearly as much. unseen: older works that were not compared yet, where none was found.
    photo_of: the work whose photo it is. hint: where none was found, a sentence about what would be found
    more surely, or "".
    """

    sentence: str
    work: Work | None = None
    recipe: str = ""
    sure: str = ""
    likeness: float | None = None
    unseen: int = 0
    of: str = THIS
    rival: Work | None = None
    photo_of: Work | None = None
    hint: str = ""


def recognise(content: bytes, name: str, gallery: Gallery) -> Recognised:
    """What a file is, among the works of the gallery.

    Raises `Unreadable` where it has no recipe inside and is no whole picture, or its recipe is damaged.
    """
    text = extract(content)
    sha256 = hashlib.sha256(content).hexdigest()
    found = gallery.with_sha256(sha256)
    if found is not None:
        return Recognised(f"This is the work {_called(found)}.", found, text or "", "certainly", 1.0)
    if text is not None:
        return _by_recipe(text, gallery)
    return by_look(content, name, gallery)


def _by_recipe(text: str, gallery: Gallery) -> Recognised:
    recipe = read_recipe(text)
    same = gallery.with_fingerprint(recipe.fingerprint)
    if same is None and "format" in type(recipe).model_fields:
        default = type(recipe).model_fields["format"].default
        same = gallery.with_fingerprint(recipe.model_copy(update={"format": default}).fingerprint)
    if same is not None:
        return Recognised(f"By its recipe, this is the work {_called(same)}.", same, text, "certainly")
    return Recognised(f"No work of this gallery has its recipe: {recipe.in_words()}", None, text)


def by_look(content: bytes, name: str, gallery: Gallery) -> Recognised:
    """The work that a picture without a recipe looks like. Raises `Unreadable` for what is no picture."""
    from PIL import Image

    from studio.images.pictures import read_picture

    picture = read_picture(content, name)
    seen = Image.fromarray(picture.pixels)
    sighting = gallery.find_by_look(seen)
    if sighting is not None and (photo := _photo_more_alike(seen, sighting, gallery)):
        called = f"'{photo.title or photo.name}', from which the work {_called(sighting.work)} was made"
        return Recognised(f"{name} has no recipe inside. By its look it is {called}.", photo_of=sighting.work)
    if sighting is None:
        unseen = gallery.unseen()
        sentence = f"{name} has no recipe inside, and no work of this gallery looks like it."
        hint = _hard_to_find(*seen.size)
        told = " ".join(filter(None, (sentence, hint, not_compared(unseen) if unseen else "")))
        return Recognised(told, unseen=unseen, hint=hint)
    sure = "almost certainly" if sighting.certain else "probably"
    sentence = (
        f"{name} has no recipe inside. By its look it is {sure} the work {_called(sighting.work)}, or the "
        f"same look made with another seed or more steps. {_how_alike(sighting.likeness)}"
    )
    if sighting.rival:
        sentence += f" The work {_called(sighting.rival.work)} looks nearly as much like it."
    rival = sighting.rival.work if sighting.rival else None
    likeness = round(sighting.likeness, 4)
    return Recognised(sentence, sighting.work, "", sure, likeness, of=THIS_OR_A_TWIN, rival=rival)


def _how_alike(likeness: float) -> str:
    """What the likeness says and what it cannot, as a person would say it."""
    from studio.works.looking import CERTAIN

    if likeness >= CERTAIN:
        return (
            f"The two pictures are {likeness:.0%} alike in their fine details, as a work and its copy are, "
            "and sometimes two works of one look."
        )
    return (
        f"The two pictures are {likeness:.0%} alike in their fine details, less than most copies are: this "
        "may be a copy that was cut, changed or saved with much loss. Compare the two by eye."
    )


def _hard_to_find(width: int, height: int) -> str:
    """Why a small picture may not be found though it is a copy, and what would be; "" for a larger one."""
    from studio.works.look import DETAIL

    if min(width, height) >= DETAIL:
        return ""
    return (
        f"With {width} x {height} pixels it has little detail to compare, and saving it as JPEG takes some "
        f"of that: try a copy of {DETAIL} pixels or more on each side, or one never saved as JPEG."
    )


def _photo_more_alike(picture: Image.Image, sighting: Sighting, gallery: Gallery) -> Source | None:
    """The photo that the work was made from, where the picture is more like that than like the work."""
    from PIL import Image

    from studio.images.pictures import read_picture
    from studio.works.look import likeness, look_of

    source = next(iter(read_recipe(sighting.work.recipe_json).sources), None)
    if source is None:
        return None
    try:
        photo = read_picture(gallery.read_source(source), source.name)
    except StudioError:
        return None  # it is not kept any more
    alike = likeness(look_of(Image.fromarray(photo.pixels)), look_of(picture))
    return source if alike > sighting.likeness else None


def not_compared(count: int) -> str:
    """Says that so many works have no hash of their look yet."""
    works = "1 older work has" if count == 1 else f"{count} older works have"
    return f"{works} not been compared yet; try again, or run studio gallery repair once."


def _called(work: Work) -> str:
    return f"'{work.title}' ({work.id})"
