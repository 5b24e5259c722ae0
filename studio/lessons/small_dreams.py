"""A dream small enough to be watched step by step in a lesson, on any network that sees: the Dream tab's own parts, put together bare.

dream = SmallDream(photo, network, channel("blocks.4", 48), DreamRecipe(steps=20))
while dream.go_on():
    show(dream.pixels(), dream.losses[-1])
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from studio.images.dream import Climb, Look, plan_octaves
from studio.images.pictures import Pixels, fit_within, resize, write_jpeg, write_png
from studio.images.prepared import Prepared, prepare
from studio.images.recipes import DreamRecipe
from studio.learning.descent import descend

if TYPE_CHECKING:
    from studio.learning.networks import PictureClassifier

Objective = Callable[[dict[str, Tensor]], Tensor]
"""Features by layer, as `Prepared` gives them, to a scalar that is to grow."""

SAMPLES = {"pagoda": "china.jpg", "dahlia": "flower.jpg"}


class SmallDream:
    """A dream on `photo`, uint8 [h, w, 3], that goes on as long as it is asked to, from the coarsest octave to the finest.

    recipe: octaves, steps, step size, hold, smoothing, colour, jitter, seed and strength are followed. steps: how many there will be.
    losses: the objective at every step so far.
    """

    def __init__(self, photo: Pixels, network: Prepared, objective: Any, recipe: DreamRecipe) -> None:
        self.photo, self.recipe = photo, recipe
        self.octaves = plan_octaves(photo.shape[0], photo.shape[1], recipe)
        self.steps = sum(octave.steps for octave in self.octaves)
        self.losses: list[float] = []
        self.burst = ""
        self._base, self._picture = _bytes(photo), _bytes(photo).float() / 255
        self._turns = self._run(network, objective)

    def go_on(self, steps: int = 1) -> bool:
        """Take so many steps. False when there are none left, or when it burst (then `burst` says why)."""
        return all(next(self._turns, False) for _ in range(steps))

    def pixels(self) -> Pixels:
        """The dream as it stands, as large as the photo: uint8 [h, w, 3]."""
        laid = (self._base.float().lerp(self._picture * 255, self.recipe.strength)).round().clamp(0, 255).to(torch.uint8)
        return resize(np.ascontiguousarray(laid[0].permute(1, 2, 0).cpu().numpy()), *self.photo.shape[:2])

    def _run(self, network: Prepared, objective: Any) -> Iterator[bool]:
        dice = torch.Generator().manual_seed(self.recipe.seed)
        detail: Tensor | None = None
        for octave in self.octaves:
            base = _bytes(resize(self.photo, octave.height, octave.width))
            picture = base.float() / 255
            if detail is not None:
                picture = (picture + F.interpolate(detail, picture.shape[-2:], mode="bicubic", align_corners=False)).clamp_(0, 1)
            self._base, self._picture = base, picture
            look = Look(picture, network, objective, dice, jitter=self.recipe.jitter, tile=self.recipe.tile)
            for step in descend([picture], look, Climb(self.recipe, base, None), steps=octave.steps, raising=True, keep_every=0):
                if step.ending is not None and step.ending.kind == "diverged":
                    self.burst = step.ending.sentence
                    return
                self.losses.append(step.loss)
                yield True
            detail = picture - base.float() / 255


def _bytes(pixels: Pixels) -> Tensor:
    return torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None]


class OwnEyes(nn.Module):
    """A `PictureClassifier` as something that can look at pictures of any size, with exactly the weights it was trained to.

    Its blocks are its own. Its head, which saw the last block's plane as one row of numbers, looks at every place of a larger plane
    instead: a dense layer is a convolution as large as the plane. So "classes" has a channel a class, and at a picture of the size
    it was trained on, one place, which is what the classifier answers. Grey networks are shown the mean of red, green and blue.
    """

    def __init__(self, trained: PictureClassifier) -> None:
        super().__init__()
        config: Any = trained.config
        self.grey = config.shape[0] == 1
        self.blocks = trained.blocks
        with torch.no_grad():
            side = trained.blocks(torch.zeros(1, *config.shape)).shape[-2:]
        first, last = trained.head[1], trained.head[4]
        assert isinstance(first, nn.Linear)
        assert isinstance(last, nn.Linear)
        self.hidden = _everywhere(first, side)
        self.classes = _everywhere(last, torch.Size((1, 1)))

    def forward(self, pictures: Tensor) -> Tensor:
        seen = pictures.mean(dim=1, keepdim=True) if self.grey else pictures
        said: Tensor = self.classes(F.relu(self.hidden(self.blocks(seen))))
        return said


def _everywhere(layer: nn.Linear, side: torch.Size) -> nn.Conv2d:
    """A dense layer over a plane of `side`, as a convolution."""
    channels = layer.in_features // (side[0] * side[1])
    convolution = nn.Conv2d(channels, layer.out_features, (side[0], side[1]))
    with torch.no_grad():
        convolution.weight.copy_(layer.weight.view(layer.out_features, channels, *side))
        convolution.bias.copy_(layer.bias)  # type: ignore[union-attr]
    return convolution


def own_eyes(trained: PictureClassifier, layer: str) -> Prepared:
    """The classifier as it is now, ready to dream with: a copy, so that it can go on learning. layer: blocks.N, hidden or classes."""
    import copy

    return prepare(OwnEyes(copy.deepcopy(trained).eval()), (layer,), mean=(0.0,) * 3, std=(1.0,) * 3)


@lru_cache(maxsize=8)
def sample(name: str, side: int) -> Pixels:
    """One of `SAMPLES` with its longer side scaled to `side`: uint8 [h, w, 3]. Not to be written to."""
    from sklearn.datasets import load_sample_image

    pixels = np.asarray(load_sample_image(SAMPLES[name]))
    return resize(pixels, *fit_within(pixels.shape[0], pixels.shape[1], side))


def noise(height: int, width: int, seed: int, spread: float = 6.0) -> Pixels:
    """Grey with a little coloured noise, where a picture of a channel begins: uint8 [height, width, 3]."""
    grains = np.random.default_rng(seed).normal(118, spread, (height, width, 3))
    return np.clip(grains, 0, 255).astype(np.uint8)


def jpeg_url(pixels: Pixels, quality: int = 86) -> str:
    """For the page: a photo or a dream."""
    return "data:image/jpeg;base64," + base64.b64encode(write_jpeg(pixels, quality=quality)).decode("ascii")


def png_url(pixels: Pixels) -> str:
    """For the page: a picture of few pixels, each of which counts."""
    return "data:image/png;base64," + base64.b64encode(write_png(pixels)).decode("ascii")
