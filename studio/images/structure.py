"""Where a photo has faces or other fine structure, which is to stay what it is: there its features differ
from those around them.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from studio.images.canvas import tensor_of
from studio.images.networks.prepared import Prepared
from studio.images.pictures import Pixels, fit_within, resize
from studio.images.tiles import Field

SIDE = 448
"""Longer side, in pixels, of the photo that is looked at."""

AROUND = 5
"""Side of what counts as around a place, in places of the layer."""

NONE, ALL = 0.75, 1.15
"""How far features are from those around them, as a share of the features' usual size, where there is no
structure, such as in a sky, and where there is nothing else.
"""


@torch.no_grad()
def structure_of(photo: Pixels, network: Prepared, layer: str) -> Tensor:
    """How much structure a photo, uint8 [h, w, 3], has at every place of a layer of its features, float32
    [1, 1, h', w'], 0..1.
    """
    small = resize(photo, *fit_within(photo.shape[0], photo.shape[1], min(SIDE, max(photo.shape[:2]))))
    shown = tensor_of(small, network.device).float().div_(255)
    field = Field.of(shown, network)
    features = network.at(layer, field.window(shown, next(field.tiles())))
    step = field.height // features.shape[-2]
    usual = features.square().sum(1).mean().sqrt().clamp_min(1e-6)
    far = _around((features - _around(features)).square().sum(1, keepdim=True)).sqrt() / usual
    level = ((far - NONE) / (ALL - NONE)).clamp_(0, 1)
    found = F.interpolate(level, scale_factor=float(step), mode="bilinear", align_corners=False)
    rows = slice(field.above, field.above + small.shape[0])
    columns = slice(field.beside, field.beside + small.shape[1])
    return found[..., rows, columns]


def _around(values: Tensor) -> Tensor:
    """The mean of every place and those around it."""
    return F.avg_pool2d(values, AROUND, 1, AROUND // 2, count_include_pad=False)
