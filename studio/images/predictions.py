"""What a dream and a painting take, told from the recipe and its pictures. No network is loaded.

The seconds are those of one core of an ordinary computer (`python -m benchmarks.predictions`), a process that
has its network loaded, and nothing else to do. What that means here, `studio.making.times` knows; the bounds
made from them allow for a computer that is many times slower.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from studio.errors import StudioError
from studio.images.networks.backbones import DEFAULT
from studio.images.pictures import fit_within
from studio.images.planning import (
    DREAM_BEGINS,
    PAINTING_BEGINS,
    Size,
    cost_of,
    finer_cost,
    going_on,
    painting_rules,
    painting_sizes,
    plan_octaves,
    sizes_made_finer,
    stopped,
    takes_steps,
)
from studio.images.recipes import DreamRecipe, LayerTerm, StyleRecipe
from studio.images.regions import Region
from studio.works.work import Prediction, SourceSize

MIB = 2**20

HEAVINESS = {
    "efficientnet_lite0": (1.0, 1.0),
    "own": (1.0, 1.0),
    "googlenet": (2.0, 2.0),
    "vgg16": (10.0, 6.0),
    "vgg19": (12.5, 6.3),  # by its operations beside those of vgg16
}
"""Seconds and bytes a step takes with a network, as multiples of EfficientNet-Lite0's."""

DEPTHS = {
    "blocks.0": 0.28,
    "blocks.1": 0.54,
    "blocks.2": 0.69,
    "blocks.3": 0.78,
    "blocks.4": 1.0,
    "blocks.5": 1.18,
    "blocks.6": 1.25,
}
"""Seconds that a step of a dream takes with EfficientNet-Lite0, by the deepest block it goes to. What lies
beyond them all counts as the last. A step towards pictures compares every place with theirs: a tenth more.
"""

OTHERS = (6.0, 4.0)
"""The same for networks that are not listed: those of torchvision lie between."""

UNKNOWN = (2000, 1500)
"""Pixels of a photo whose size cannot be read."""

BEFORE = 0.6
"""Seconds for reading the photo and for writing and keeping the result."""

FINDING_SECONDS = 1.5
"""For the segments of a photo, of any size."""

DREAM_REGION, PAINTING_REGION = 0.02, 0.16
"""How much longer a step takes for every region, as a share. Measured with two and three: a dream as long as
without, a painting 1.34 and 1.45 times.
"""

DREAM_SECONDS, PAINTING_SECONDS = 3.0e-7, 3.5e-7
"""Seconds that a step takes for a pixel, with EfficientNet-Lite0."""


def predict_dream(recipe: DreamRecipe, sources: Sequence[SourceSize]) -> Prediction:
    """Steps go by the area of every octave, and something for every step.

    Memory goes by the pixels looked at at once (the picture, or two tiles): 1 KB each, and 150 MiB for the
    network; every pixel of the result takes 60 bytes more. Measured: 768 px 3.2 s; memory of 192 px 130 MiB;
    384 px 229 MiB; 768 px 533 MiB; 1024 x 1024 px 678 MiB; 2048 x 1500 px 550 MiB.
    """
    height, width = _dimensions(recipe.size, sources)
    pixels = height * width
    slower, larger = HEAVINESS.get(recipe.backbone, OTHERS)
    steps = (
        DREAM_SECONDS
        * slower
        * cost_of(_worked_on(plan_octaves(height, width, recipe), recipe), DREAM_BEGINS)
    )
    looked_at = pixels if pixels <= 3 * recipe.tile**2 else 2 * recipe.tile**2
    before = BEFORE + 4e-7 * pixels + _finding(recipe)
    steps *= (1 + DREAM_REGION * len(recipe.regions)) * _depth(recipe)
    return Prediction(
        before + steps,
        int(larger * (150 * MIB + 1000 * looked_at) + (60 + 10 * len(recipe.regions)) * pixels),
        before,
        f"dream {recipe.backbone}",
    )


def predict_painting(recipe: StyleRecipe, sources: Sequence[SourceSize]) -> Prediction:
    """Steps go by the area of every size, and something for every step.

    Memory as for a dream, with tiles of 600,000 pixels and 120 bytes for every pixel of the result; every
    painting is looked at once, at the result's size. Measured: 384 px, 40 steps, 2.9 s; memory of 128 px 113
    MiB; 512 px 366 MiB; 768 px and two paintings 592 MiB.

    What is painted at once is sparing (`networks.banded`), and no step sees more than its finest size.
    Measured, beside torch: 320 px 182 MiB; 640 px 332 MiB; 1024 px 272 MiB; 4096 px 496 MiB.
    """
    height, width = _dimensions(recipe.size, sources)
    pixels = height * width
    if not takes_steps(recipe):
        worked_on = max(1, len(recipe.regions)) * pixels / recipe.style_scale**2
        return _predict_at_once(worked_on, pixels)
    slower, larger = HEAVINESS.get(recipe.backbone, OTHERS)
    paintings = max(1, sum(source.role == "style" for source in sources))
    begins = PAINTING_BEGINS + paintings - 1
    sizes = painting_sizes(height, width, recipe)
    steps = PAINTING_SECONDS * slower * cost_of(_worked_on(sizes, recipe), begins)
    finest, a_place, a_pixel = min(pixels, 600_000), 1200, 120
    if recipe.painter == "instant" and recipe.backbone == DEFAULT and painting_rules(recipe) > 4:
        finest, a_place, a_pixel = sizes[-1].height * sizes[-1].width, 660, 32
        if sizes_made_finer(height, width, recipe):
            steps += PAINTING_SECONDS * finer_cost(height, width, recipe)
            a_pixel = 72
    looked_at = finest * max(1.0, recipe.style_scale)
    before = BEFORE + 4e-7 * pixels + _finding(recipe)
    steps *= 1 + PAINTING_REGION * len(recipe.regions)
    return Prediction(
        before + steps,
        int(larger * (150 * MIB + a_place * looked_at) + (a_pixel + 12 * len(recipe.regions)) * pixels),
        before,
        f"style {recipe.backbone}",
    )


def _depth(recipe: DreamRecipe) -> float:
    """How many times longer a step takes for the layers it goes to, where the network is the usual one."""
    if recipe.backbone != DEFAULT:
        return 1.0
    regions = [text for each in recipe.regions for text in Region.read(each).layers]
    terms = [LayerTerm.read(text) for text in (*recipe.layers, *regions)]
    blocks = {".".join(term.name.split(".")[:2]) for term in terms} - {"conv_stem", "bn1"}
    deepest = max((DEPTHS.get(block, DEPTHS["blocks.6"]) for block in blocks), default=DEPTHS["blocks.0"])
    return deepest * (1.1 if any(term.motif for term in terms) else 1.0)


def _finding(recipe: DreamRecipe | StyleRecipe) -> float:
    """Seconds for finding segments, where a region is one."""
    found = any(not text.startswith(("area", "rest")) for text in recipe.regions)
    return FINDING_SECONDS if found else 0.0


def _worked_on(sizes: Sequence[Size], recipe: DreamRecipe | StyleRecipe) -> list[Size]:
    return stopped(going_on(sizes, recipe), recipe.stop_after)


def _predict_at_once(worked_on: float, pixels: int) -> Prediction:
    """A painting that is painted at once: a microsecond for every pixel that the painter works on; at most a
    megapixel is looked at at once.

    Measured: 1024 x 768 px, 0.7 s of the processor and 160 MiB.
    """
    before = BEFORE + 0.4 + 4e-7 * pixels
    memory = int(250 * MIB + 24 * worked_on + 60 * pixels)
    return Prediction(before + 1e-6 * worked_on, memory, before, "style instant")


def is_draft(recipe: StyleRecipe) -> bool:
    """A draft, and what is painted at once, waits for no other painting."""
    return recipe.quality == "draft" or recipe.painter == "instant"


def probe() -> float:
    """How many times longer a step takes here than on an ordinary computer, from a few small ones. The usual
    look is got ready after them, so that the first dream finds it there. What counts is the time that
    this thread works: others who want the processor now are no fault of the computer.
    """
    import time

    import torch

    from studio.images.dream import get_ready
    from studio.images.networks.opening import open_network
    from studio.images.presets import with_preset
    from studio.images.recipes import layer_names
    from studio.works.recipe import check

    usual = DreamRecipe(seed=0)
    layers = layer_names(usual.layers)
    network, _ = open_network(usual.backbone, layers)
    generator = torch.Generator().manual_seed(0)
    picture = torch.rand(1, 3, 192, 256, generator=generator).contiguous(memory_format=torch.channels_last)
    taken = []
    for _ in range(5):
        began = time.thread_time()
        shown = picture.detach().requires_grad_()
        torch.autograd.grad(network(shown)[layers[0]].square().mean(), shown)
        taken.append(time.thread_time() - began)
    with suppress(StudioError):  # whoever asks for the look is told; how fast this computer is, is known
        get_ready(check(DreamRecipe, with_preset({})), lambda _source: b"")  # it has no sources
    return min(taken) / PROBED


PROBED = 0.0095
"""Seconds that this thread works on one step of the probe on an ordinary computer."""


def _dimensions(size: int | None, sources: Sequence[SourceSize]) -> tuple[int, int]:
    """(height, width) of the result: the photo's own, or with its longer side made `size`."""
    photo = next((source for source in sources if source.role == "photo" and source.width), None)
    width, height = (photo.width, photo.height) if photo else UNKNOWN
    return (height, width) if size is None else fit_within(height, width, size)
