"""The file of a picture in other formats."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from studio.errors import Unreadable
from studio.images.formats import FORMATS
from studio.images.pictures import read_picture
from studio.works.metadata import can_carry, embed

if TYPE_CHECKING:
    from studio.works.formats import Format
    from studio.works.gallery import Gallery
    from studio.works.recipe import Recipe
    from studio.works.work import Work


def exports(work: Work) -> tuple[Format, ...]:
    """Every format for a picture that was kept without loss, else its own alone."""
    own = next((form for form in FORMATS.values() if form.suffix == work.suffix), None)
    if own is None:
        return ()
    return tuple(FORMATS.values()) if own.reads_back else (own,)


def rendered(work: Work, gallery: Gallery, recipe: Recipe, form: Format) -> bytes:
    """The picture in that format, as making its recipe would write it. Raises as `Gallery.read` does."""
    content = gallery.read(work)
    # Not by `read_picture`: it gives colours to what is wholly transparent, and the file is our own.
    try:
        with Image.open(io.BytesIO(content)) as opened:
            samples = np.asarray(opened if opened.mode in ("RGB", "RGBA") else opened.convert("RGB"))
    except Exception as error:  # Pillow raises whatever a broken file leads to
        raise Unreadable(
            f"The file of the work '{work.title}' cannot be read: make it again from its recipe."
        ) from error
    alpha = np.ascontiguousarray(samples[..., 3]) if samples.shape[2] == 4 else None
    pixels = np.ascontiguousarray(samples[..., :3])
    density = read_picture(content, whole=True).density
    made = form.to_bytes(pixels, alpha=alpha, density=density)
    return embed(made, form.suffix, recipe) if can_carry(form.suffix) else made
