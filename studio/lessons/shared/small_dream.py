"""A dream small enough to be watched step by step in a lesson, made of the Dream tab's own parts.

dream = SmallDream(photo, network, channel("blocks.4", 48), DreamRecipe(steps=20))
while dream.go_on():
    show(dream.pixels(), dream.losses[-1])
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from studio.images.dream import Climb, DreamMeasure, plan_octaves
from studio.images.networks.prepared import Prepared
from studio.images.pictures import Pixels, resize
from studio.images.recipes import DreamRecipe
from studio.learning.descent import DescentOptions, descend

Objective = Callable[[dict[str, Tensor]], Tensor]
"""From features by layer, as `Prepared` gives them, to a scalar to be maximized."""


class SmallDream:
    """A dream on `photo`, uint8 [h, w, 3], one step at a time, from the coarsest octave to the finest.

    recipe: octaves, steps, step size, hold, smoothing, colour, jitter, seed and strength are used.
    steps: how many there will be.
    losses: the objective at every step so far.
    failure: why it had to stop early, or empty.
    """

    def __init__(self, photo: Pixels, network: Prepared, objective: Any, recipe: DreamRecipe) -> None:
        self.photo, self.recipe = photo, recipe
        self.octaves = plan_octaves(photo.shape[0], photo.shape[1], recipe)
        self.steps = sum(octave.steps for octave in self.octaves)
        self.losses: list[float] = []
        self.failure = ""
        self._base, self._picture = _bytes(photo), _bytes(photo).float() / 255
        self._turns = self._run(network, objective)

    def go_on(self, steps: int = 1) -> bool:
        """Take so many steps. False when there are none left, or when it diverged (then `failure` says
        why).
        """
        return all(next(self._turns, False) for _ in range(steps))

    def pixels(self) -> Pixels:
        """The dream so far, as large as the photo: uint8 [h, w, 3]."""
        laid = (
            (self._base.float().lerp(self._picture * 255, self.recipe.strength))
            .round()
            .clamp(0, 255)
            .to(torch.uint8)
        )
        return resize(np.ascontiguousarray(laid[0].permute(1, 2, 0).cpu().numpy()), *self.photo.shape[:2])

    def _run(self, network: Prepared, objective: Any) -> Iterator[bool]:
        rng = torch.Generator().manual_seed(self.recipe.seed)
        detail: Tensor | None = None
        for octave in self.octaves:
            base = _bytes(resize(self.photo, octave.height, octave.width))
            picture = base.float() / 255
            if detail is not None:
                picture = (
                    picture + F.interpolate(detail, picture.shape[-2:], mode="bicubic", align_corners=False)
                ).clamp_(0, 1)
            self._base, self._picture = base, picture
            look = DreamMeasure(
                picture, network, objective, rng, jitter=self.recipe.jitter, tile=self.recipe.tile
            )
            for step in descend(
                [picture],
                look,
                Climb(self.recipe, base, None),
                steps=octave.steps,
                maximize=True,
                options=DescentOptions(keep_every=0),
            ):
                if step.ending is not None and step.ending.kind == "diverged":
                    self.failure = step.ending.sentence
                    return
                self.losses.append(step.loss)
                yield True
            detail = picture - base.float() / 255


def _bytes(pixels: Pixels) -> Tensor:
    return torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None]
