"""Contact sheets: several pictures side by side, each with a caption under it.

pixels = contact_sheet([first, second, third], ["seed 1", "seed 2", "seed 3"])
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from studio.errors import Refused
from studio.images.pictures import Pixels, fit_within, resize

SIDE, GAP, CAPTION = 480, 16, 34
"""Longer side of each picture, the space around it, and the height of its caption, in pixels."""

PAPER, INK = (250, 248, 243), (60, 56, 50)

MOST = 100
"""Pictures of one sheet."""


def contact_sheet(pictures: Sequence[Pixels], captions: Sequence[str]) -> Pixels:
    """The pictures, uint8 [h, w, 3] of whatever sizes, in rows of nearly as many as there are rows.

    captions: one for each. Raises `Refused` for no picture, or for more than `MOST`.
    """
    if not 1 <= len(pictures) <= MOST:
        raise Refused(f"{len(pictures)} pictures do not make a sheet; give 1 to {MOST}.")
    small = [resize(each, *_fitted(each)) for each in pictures]
    wide, high = max(each.shape[1] for each in small), max(each.shape[0] for each in small)
    columns = math.ceil(math.sqrt(len(small)))
    rows = math.ceil(len(small) / columns)
    across, down = wide + GAP, high + CAPTION + GAP
    sheet = Image.new("RGB", (columns * across + GAP, rows * down + GAP), PAPER)
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(18)
    for place, (each, caption) in enumerate(zip(small, captions, strict=True)):
        left, top = GAP + place % columns * across, GAP + place // columns * down
        height, width = each.shape[:2]
        sheet.paste(Image.fromarray(each), (left + (wide - width) // 2, top + (high - height) // 2))
        pen.text((left + wide / 2, top + high + 6), caption[:60], INK, font, anchor="ma")
    return np.asarray(sheet)


def _fitted(picture: Pixels) -> tuple[int, int]:
    height, width = picture.shape[:2]
    return fit_within(height, width, min(SIDE, max(height, width)))
