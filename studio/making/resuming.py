"""Goes on with a work that was stopped, or deepens a finished one: a new work, whose parent is that one."""

from __future__ import annotations

from studio.errors import Refused
from studio.making.kinds import found_at, kind_of, read_recipe
from studio.works.gallery import Gallery
from studio.works.ingredient import Ingredient
from studio.works.recipe import Recipe, check

ROLE = "begun"
"""The role of the earlier work's file among the sources."""


def resume(
    recipe_json: str,
    content: bytes,
    gallery: Gallery,
    *,
    steps: int | None = None,
    name: str = "",
    title: str = "",
) -> Recipe:
    """The recipe that goes on from a work. Its other sources must be in the gallery when it is made.

    recipe_json, content: of the work. steps: to take; by default those that were left out, or a third of the
    whole. name, title: of the work's file and the work, for the credits. Raises `Refused` for a kind of work
    that has no steps to go on with.
    """
    from studio.images.pictures import picture_size

    earlier = read_recipe(recipe_json)
    kind = kind_of(earlier.kind)
    if not kind.resumes:
        raise Refused(
            f"A {kind.label.lower()} cannot be resumed: only dreams and paintings go on from a picture."
        )
    fields = found_at(kind.resumes)(earlier, picture_size(content), steps)
    kept = gallery.keep_ingredient(Ingredient(ROLE, content, name, title))
    sources = [*(source for source in earlier.sources if source.role != ROLE), kept]
    common = earlier.model_dump(exclude={"model", "setting", "sources"})
    return check(type(earlier), common | fields | {"sources": sources})
