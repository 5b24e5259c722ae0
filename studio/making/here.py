"""One work made in this process, without queue or ledger."""

from __future__ import annotations

import errno
from collections.abc import Generator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from studio.errors import Refused, StudioError
from studio.making.bounds import check_room, predict, room_here
from studio.making.kinds import KINDS, Kind, make
from studio.works.recipe import Recipe
from studio.works.work import Progress, Work

if TYPE_CHECKING:
    from studio.works.gallery import Gallery


def run_here(
    recipe: Recipe, gallery: Gallery, kinds: Mapping[str, Kind] = KINDS
) -> Generator[Progress, None, Work]:
    """Make one work in this process with the gallery's sources, and keep it there. A work that is stopped
    leaves nothing behind.

    Raises `Refused` for a work that needs more memory than there is, before it starts where that can be told.
    """
    try:
        prediction = predict(recipe, gallery.read_source, kinds)
        if prediction is not None:
            check_room(prediction, room_here(), kinds[recipe.kind])
        made = yield from make(recipe, gallery.read_source, kinds)
    except BaseException as error:
        with suppress(StudioError):
            gallery.release_sources(recipe.sources)
        if not is_out_of_memory(error):
            raise
        raise Refused(
            "This work needed more memory than this computer has; make it smaller, or close other programs."
        ) from None
    return gallery.add(made)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error means that: Python's own, the system's, or PyTorch's for the processor or a graphics
    card.
    """
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return True
    return isinstance(error, RuntimeError | ImportError) and any(said in str(error) for said in OUT_OF_MEMORY)


OUT_OF_MEMORY = (
    "can't allocate memory",
    "not enough memory",
    "out of memory",
    "could not create a primitive",  # what oneDNN says of it
    "failed to map segment",  # what Linux says where a library finds no room
)
"""What PyTorch says in a plain RuntimeError, on Linux, Windows and graphics cards, or when it is loaded."""
