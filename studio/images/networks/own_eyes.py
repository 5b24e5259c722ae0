"""A network that a person trained here, as something that can look at pictures of any size and dream."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from studio.errors import Unreadable
from studio.images.networks.prepared import Prepared, prepare
from studio.learning.checkpoints import read_model
from studio.learning.networks import PictureClassifier


def own_eyes(
    trained: PictureClassifier,
    layers: Sequence[str],
    *,
    mean: Sequence[float] = (0.0, 0.0, 0.0),
    std: Sequence[float] = (1.0, 1.0, 1.0),
    device: torch.device | str = "cpu",
) -> Prepared:
    """The classifier as it is now, ready to dream with: a copy, so that it can go on learning.

    layers: of blocks.N, hidden and classes. mean, std: how its inputs were standardised, one number each or
    three.
    Raises `UnknownName` for another layer.
    """
    import copy

    return prepare(
        OwnEyes(copy.deepcopy(trained).eval()), layers, mean=_three(mean), std=_three(std), device=device
    )


def open_own(
    content: bytes, layers: Sequence[str], device: torch.device | str = "cpu"
) -> tuple[Prepared, str]:
    """A network from the file it was saved as, prepared to show `layers`, and what it is called.

    Raises `Unreadable` for a file that is none or was trained on something else than pictures, `UnknownName`
    for a layer.
    """
    model = read_model(content, "The weights file")
    if not isinstance(model.network, PictureClassifier):
        raise Unreadable(
            "The weights file holds no network that looks at pictures; bring one that was trained on pictures."
        )
    scale: Any = (
        {} if model.card.scale is None else {"mean": model.card.scale.mean, "std": model.card.scale.deviation}
    )
    return own_eyes(model.network, layers, device=device, **scale), model.card.name


def _three(numbers: Sequence[float]) -> tuple[float, ...]:
    """For red, green and blue: a grey network has one number, which is for the mean of the three."""
    return tuple(numbers) * 3 if len(numbers) == 1 else tuple(numbers)


class OwnEyes(nn.Module):
    """A `PictureClassifier` as something that can look at pictures of any size, with exactly the weights it
    was trained to.

    Its blocks are its own. Its head, which saw the last block's plane as one row of numbers, looks at every
    place of a larger plane
    instead: a dense layer is a convolution as large as the plane. So "classes" has a channel a class, and at
    a picture of the size it was trained on, one place, which is what the classifier answers. Grey networks
    are shown the mean of red, green and blue.
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
