"""Photos for the tests of the app, made here, and how small a dream can be."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

SMALL = {"size": 96, "octaves": 2, "steps": 3, "jitter": 4}
"""A dream that is a dream, in a second or two."""


def picture(width: int = 240, height: int = 180, form: str = "JPEG", seed: int = 3) -> bytes:
    """Something with edges and textures for a network to see."""
    noise = np.random.default_rng(seed)
    size = width, height
    width, height = (round(side * min(1, 320 / max(size))) for side in size)
    y, x = np.mgrid[0:height, 0:width]
    sky = np.stack([90 + y / height * 90, 130 + y / height * 60, 220 - y / height * 40], axis=-1)
    hills = height * (0.55 + 0.15 * np.sin(x / width * 9 + seed) + 0.06 * np.sin(x / width * 31))
    ground = np.stack(
        [60 + 40 * np.sin(x / 7), 110 + 50 * np.cos(y / 5), 50 + 20 * np.sin((x + y) / 9)], axis=-1
    )
    pixels = np.where((y > hills)[..., None], ground, sky) + noise.normal(0, 9, (height, width, 3))
    written = io.BytesIO()
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).resize(size).save(written, form)
    return written.getvalue()
