"""A network that was trained in the studio, made ready to look at pictures of any size and to dream."""

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


def prepare_trained(
    trained: PictureClassifier,
    layers: Sequence[str],
    *,
    mean: Sequence[float] = (0.0, 0.0, 0.0),
    std: Sequence[float] = (1.0, 1.0, 1.0),
    device: torch.device | str = "cpu",
) -> Prepared:
    """The classifier as it is now, prepared to show `layers`. It is copied, so its training can go on.

    layers: any of blocks.N, hidden and classes. mean, std: how its inputs were standardised, one number each
    or three.
    Raises `UnknownName` for another layer.
    """
    import copy

    network = ConvolutionalClassifier(copy.deepcopy(trained).eval())
    return prepare(network, layers, mean=_three(mean), std=_three(std), device=device)


def open_trained(
    content: bytes, layers: Sequence[str], device: torch.device | str = "cpu"
) -> tuple[Prepared, str]:
    """A network from the bytes of its file, prepared to show `layers`, and its name.

    Raises `Unreadable` for a file that holds no network trained on pictures, `UnknownName` for a layer.
    """
    model = read_model(content, "The weights file")
    if not isinstance(model.network, PictureClassifier):
        raise Unreadable("The network in the weights file was not trained on pictures; choose one that was.")
    card: Any = model.card
    scale = {} if card.scale is None else {"mean": card.scale.mean, "std": card.scale.deviation}
    return prepare_trained(model.network, layers, device=device, **scale), card.name


def _three(numbers: Sequence[float]) -> tuple[float, ...]:
    """For red, green and blue. A grey network has one number, which applies to the mean of the three."""
    return tuple(numbers) * 3 if len(numbers) == 1 else tuple(numbers)


class ConvolutionalClassifier(nn.Module):
    """A `PictureClassifier` for pictures of any size, with exactly its weights.

    The blocks stay as they are. The head saw the last block's output as one row of numbers; here it looks at
    every place of a larger plane, because a dense layer is a convolution with a kernel as large as the plane
    it was trained on (Long, Shelhamer and Darrell, "Fully Convolutional Networks for Semantic Segmentation",
    2015). "classes" thus has one channel for each class, and for a picture of the training size a single
    place: the classifier's own answer. Grey networks see the mean of red, green and blue.
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
        self.hidden = _as_convolution(first, side)
        self.classes = _as_convolution(last, torch.Size((1, 1)))

    def forward(self, pictures: Tensor) -> Tensor:
        """pictures [n, 3, h, w] -> [n, classes, h', w']."""
        shown = pictures.mean(dim=1, keepdim=True) if self.grey else pictures
        answers: Tensor = self.classes(F.relu(self.hidden(self.blocks(shown))))
        return answers


def _as_convolution(layer: nn.Linear, side: torch.Size) -> nn.Conv2d:
    """A dense layer over a plane of `side` (height, width), as a convolution."""
    channels = layer.in_features // (side[0] * side[1])
    convolution = nn.Conv2d(channels, layer.out_features, (side[0], side[1]))
    with torch.no_grad():
        convolution.weight.copy_(layer.weight.view(layer.out_features, channels, *side))
        convolution.bias.copy_(layer.bias)  # type: ignore[union-attr]
    return convolution
