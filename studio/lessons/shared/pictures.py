"""Sample photos, noise, and pictures as addresses that a page can show."""

from __future__ import annotations

import base64
from functools import lru_cache

import numpy as np

from studio.images.pictures import Pixels, fit_within, resize, write_jpeg, write_png

SAMPLES = {"pagoda": "china.jpg", "dahlia": "flower.jpg"}


@lru_cache(maxsize=8)
def sample(name: str, side: int) -> Pixels:
    """One of `SAMPLES` with its longer side scaled to `side`: uint8 [h, w, 3]. Read-only: it is cached."""
    from sklearn.datasets import load_sample_image

    pixels = np.asarray(load_sample_image(SAMPLES[name]))
    return resize(pixels, *fit_within(pixels.shape[0], pixels.shape[1], side))


def noise(height: int, width: int, seed: int, spread: float = 6.0) -> Pixels:
    """Grey with a little coloured noise, to start a channel's picture from: uint8 [height, width, 3]."""
    grains = np.random.default_rng(seed).normal(118, spread, (height, width, 3))
    return np.clip(grains, 0, 255).astype(np.uint8)


def jpeg_url(pixels: Pixels, quality: int = 86) -> str:
    """A photo or a dream as a data URL."""
    return "data:image/jpeg;base64," + base64.b64encode(write_jpeg(pixels, quality=quality)).decode("ascii")


def png_url(pixels: Pixels) -> str:
    """A small picture in which every pixel counts, as a data URL."""
    return "data:image/png;base64," + base64.b64encode(write_png(pixels)).decode("ascii")
