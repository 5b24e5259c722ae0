"""What a dream and a painting take, told from the recipe and its pictures. No network is loaded.

The figures are for two cores of an ordinary computer (`python -m benchmarks.predictions`). Another may be
five times slower, which the bounds made from them allow for.
"""

from __future__ import annotations

from collections.abc import Sequence

from studio.images.pictures import fit_within
from studio.images.recipes import DreamRecipe, StyleRecipe
from studio.works.work import Prediction, SourceSize

MIB = 2**20

HEAVINESS = {
    "efficientnet_lite0": (1.0, 1.0),
    "own": (1.0, 1.0),
    "googlenet": (2.0, 2.0),
    "vgg16": (10.0, 6.0),
}
"""Seconds and bytes a step takes with a network, as multiples of EfficientNet-Lite0's."""

OTHERS = (6.0, 4.0)
"""The same for networks that are not listed: those of torchvision lie between."""

UNKNOWN = (2000, 1500)
"""Pixels of a photo whose size cannot be read."""

USUAL_SIDE, SMALLEST_OCTAVE = 768, 64
"""As in `studio.images.dream`, which cannot be imported here, since it loads torch."""


def predict_dream(recipe: DreamRecipe, sources: Sequence[SourceSize]) -> Prediction:
    """Steps go by the area of every octave: 2 microseconds a pixel, and 3 seconds for what comes before.

    Memory goes by the pixels looked at at once (the picture, or two tiles): 1 KB each, and 150 MiB for the
    network; every pixel of the result takes 60 bytes more. Measured: 192 px 10 s of the processor and 130
    MiB; 384 px 24 s and 229 MiB; 768 px 57 s and 533 MiB; 1024 x 1024 px, 2 steps, 15 s and 678 MiB;
    2048 x 1500 px, 1 step, 38 s and 550 MiB.
    """
    pixels = _pixels(recipe.size, sources)
    slower, larger = HEAVINESS.get(recipe.backbone, OTHERS)
    work, factor = 0.0, 1.0
    for _ in range(_octaves(recipe, pixels)):
        work += pixels * factor * recipe.steps
        factor /= recipe.octave_scale**2
    looked_at = pixels if pixels <= 3 * recipe.tile**2 else 2 * recipe.tile**2
    return Prediction(
        3 + 4e-6 * slower * (work + 4 * pixels), int(larger * (150 * MIB + 1000 * looked_at) + 60 * pixels)
    )


def predict_painting(recipe: StyleRecipe, sources: Sequence[SourceSize]) -> Prediction:
    """A painting goes through a few sizes, each half as large, with all its steps at every one.

    8 microseconds a pixel and step, and 5 seconds for what comes before. Memory as for a dream, with tiles of
    600,000 pixels and 120 bytes for every pixel of the result; every painting is looked at once, at the
    result's size. Measured: 128 px, 20 steps, 15 s of the processor and 113 MiB; 512 px, 4 steps, 13 s and
    366 MiB; 768 px, 2 steps and two paintings, 15 s and 592 MiB.
    """
    pixels = _pixels(recipe.size, sources)
    if recipe.painter == "instant":
        return _predict_at_once(pixels / recipe.style_scale**2, pixels)
    slower, larger = HEAVINESS.get(recipe.backbone, OTHERS)
    paintings = max(1, sum(source.role == "style" for source in sources))
    third = 3 if recipe.painter == "refined" else 1
    steps = 1.5 * recipe.steps / third + 2 * paintings
    looked_at = min(pixels, 600_000) * max(1.0, recipe.style_scale)
    return Prediction(
        5 + 8e-6 * slower * pixels * steps, int(larger * (150 * MIB + 1200 * looked_at) + 120 * pixels)
    )


def _predict_at_once(worked_on: float, pixels: int) -> Prediction:
    """A painting that is painted at once: 2 microseconds for every pixel that the painter works on, and 4
    seconds for what comes before; at most a megapixel is looked at at once.

    Measured: 1024 x 768 px, 0.7 s of the processor and 160 MiB.
    """
    return Prediction(4 + 2e-6 * worked_on, int(200 * MIB + 12 * worked_on + 60 * pixels))


def _pixels(size: int | None, sources: Sequence[SourceSize]) -> int:
    """Pixels of the result: the photo's own, or with its longer side made `size`."""
    photo = next((source for source in sources if source.role == "photo" and source.width), None)
    width, height = (photo.width, photo.height) if photo else UNKNOWN
    if size is None:
        return width * height
    height, width = fit_within(height, width, size)
    return height * width


def _octaves(recipe: DreamRecipe, pixels: int) -> int:
    """About as many as `studio.images.dream.plan_octaves` has, of a square."""
    side, count = pixels**0.5, 1
    scale = recipe.octave_scale
    most = recipe.octaves
    while side > USUAL_SIDE * scale**0.5 and most < 60:  # a larger picture has more
        side, most = side / scale, most + 1
    side = pixels**0.5
    while count < most and side / scale >= SMALLEST_OCTAVE:
        side, count = side / scale, count + 1
    return count
