"""The network that paints a photo at once, and the noise from which it makes strokes.

    network = PainterNetwork()
    painted = network(photo, strength=0.5, noise=noise_for(photo.shape[-2], photo.shape[-1], seed=0))

Johnson, Alahi and Fei-Fei, "Perceptual losses for real-time style transfer and super-resolution", ECCV 2016,
is where a network learns one painting. This one differs in three ways. It has no instance normalisation,
whose statistics of a crop are not those of the whole: the photo's colours are brought to the painting's
beforehand, by the whole photo's mean and covariance, so a tile is painted as the whole is. It is given noise,
as the texture networks of Ulyanov, Lebedev, Vedaldi and Lempitsky (ICML 2016) are: in a plain sky there is
nothing else that a stroke could begin with. And it is told the strength, so that one network holds them all.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from studio.images.canvas import strips

STRIDE = 16
"""Pixels between the coarsest places: heights and widths must be multiples of it."""

WIDTHS = (32, 48, 60)
"""Channels at a quarter, an eighth and a sixteenth of the photo's size: 465,000 weights."""

STRIP, MARGIN = 48, 4
"""Rows, at a quarter of the size, that are finished at once when nothing is learnt, and further rows around
them that count.
"""

NOISE = 4
"""Kinds of noise, each twice as coarse as the one before."""

Noise = tuple[Tensor, Tensor]
"""Noise at a quarter and at an eighth of the size, each [1, NOISE, h, w]."""


class PainterNetwork(nn.Module):
    """Paints a photo whose colours are already the painting's. widths: see `WIDTHS`."""

    def __init__(self, widths: tuple[int, int, int] = WIDTHS) -> None:
        super().__init__()
        fine, middle, coarse = widths
        half, whole, more = 12, 8, NOISE
        self.enter = _Convolution(3 * 16 + more, fine)
        self.before = nn.Sequential(_Residual(fine))
        self.down = _Convolution(fine + more, middle, stride=2)
        self.between = nn.Sequential(_Residual(middle), _Residual(middle))
        self.deeper = _Convolution(middle + more, coarse, stride=2)
        self.deepest = nn.Sequential(_Residual(coarse), _Residual(coarse), _Residual(coarse))
        self.rise = _Convolution(coarse, middle)
        self.risen = _Residual(middle)
        self.up = _Convolution(middle, fine)
        self.upper = _Residual(fine)
        self.to_half = _Convolution(fine, half)
        self.half_photo = _Convolution(3 * 4, half)
        self.at_half = _Residual(half)
        self.to_whole = _Convolution(half, whole)
        self.whole_photo = _Convolution(3, whole)
        self.leave = _Convolution(whole, 3)
        self.gates = nn.ModuleList(_Gate(channels) for channels in (fine, middle, coarse, middle, fine, half))
        with torch.no_grad():  # it begins near the photo itself
            self.leave.weight.mul_(0.1)
            self.leave.bias.zero_()  # type: ignore[union-attr]

    def forward(self, photo: Tensor, strength: float, noise: Noise) -> Tensor:
        """photo [1, 3, h, w], 0..1, h and w multiples of `STRIDE` -> the painting, of the same shape and
        range, except that some values lie a little outside.

        strength: 0..1, as `StyleRecipe.strength`.
        """
        (quarter, eighth), level = noise, 2 * strength - 1
        gate = [partial(each, strength=level) for each in self.gates]
        shown = photo - 0.5
        fine = self.before(gate[0](self.enter(torch.cat([F.pixel_unshuffle(shown, 4), quarter], 1))))
        middle = self.between(gate[1](self.down(torch.cat([F.relu(fine), quarter], 1))))
        coarse = self.deepest(gate[2](self.deeper(torch.cat([F.relu(middle), eighth], 1))))
        middle = self.risen(gate[3](middle + self.rise(_doubled(coarse))))
        fine = self.upper(gate[4](fine + self.up(_doubled(middle))))
        if self.training:
            return photo + self._finest(fine, shown, level)
        painted = torch.empty_like(photo)
        rows = fine.shape[-2]
        for top in range(0, rows, STRIP):  # which take much less memory at once
            bottom = min(rows, top + STRIP)
            first, last = max(0, top - MARGIN), min(rows, bottom + MARGIN)
            added = self._finest(fine[..., first:last, :], shown[..., 4 * first : 4 * last, :], level)
            place, own = slice(4 * top, 4 * bottom), slice(4 * (top - first), 4 * (bottom - first))
            painted[..., place, :] = photo[..., place, :] + added[..., own, :]
        return painted

    def _finest(self, fine: Tensor, shown: Tensor, level: float) -> Tensor:
        """What is added to the photo, from the features at a quarter of its size."""
        half = self.to_half(_doubled(fine)) + self.half_photo(F.pixel_unshuffle(shown, 2))
        half = self.at_half(self.gates[5](half, level))
        whole = self.to_whole(_doubled(half)).add_(self.whole_photo(shown))
        added: Tensor = self.leave(F.relu_(whole))
        return added


class _Convolution(nn.Conv2d):
    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__(inputs, outputs, 3, stride, 1, padding_mode="reflect")


class _Gate(nn.Module):
    """Scales and shifts every channel, more or less by the strength, -1..1. At 0 it does nothing."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.zeros(1, channels, 1, 1))
        self.shift = nn.Parameter(torch.zeros(1, channels, 1, 1))

    def forward(self, features: Tensor, strength: float) -> Tensor:
        if not strength:
            return features
        return torch.addcmul(strength * self.shift, features, 1 + strength * self.scale)


class _Residual(nn.Module):
    """Two convolutions whose output is added to what comes in."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first, self.second = _Convolution(channels, channels), _Convolution(channels, channels)
        with torch.no_grad():
            self.second.weight.mul_(0.3)

    def forward(self, features: Tensor) -> Tensor:
        added: Tensor = self.second(F.relu_(self.first(F.relu(features))))
        return features + added


def _doubled(features: Tensor) -> Tensor:
    return F.interpolate(F.relu(features), scale_factor=2, mode="nearest")


def noise_for(height: int, width: int, seed: int) -> Noise:
    """The noise for a picture of height x width pixels, multiples of `STRIDE`: smooth, at four scales, each
    with deviation 1.
    """
    generator = torch.Generator().manual_seed(seed)
    return _noise(height // 4, width // 4, generator), _noise(height // 8, width // 8, generator)


def _noise(height: int, width: int, generator: torch.Generator) -> Tensor:
    kinds = []
    for number in range(NOISE):
        factor = 2**number
        drawn = torch.randn(1, 1, -(-height // factor) + 1, -(-width // factor) + 1, generator=generator)
        enlarged = F.interpolate(drawn, scale_factor=factor, mode="bilinear", align_corners=False)
        kind = enlarged[..., :height, :width]
        kinds.append(kind / kind.std().clamp_min(1e-6))
    return torch.cat(kinds, 1)


@dataclass(frozen=True)
class ColourMoments:
    """Mean [3] and covariance [3, 3] of a picture's colours, 0..1, in double precision."""

    mean: Tensor
    covariance: Tensor

    @classmethod
    def of(cls, picture: Tensor) -> ColourMoments:
        """The palette of a picture [1, 3, h, w], uint8 or 0..1, summed in strips, which saves memory."""
        scale = 255.0 if picture.dtype == torch.uint8 else 1.0
        total, products, count = torch.zeros(3, dtype=torch.double), torch.zeros(3, 3, dtype=torch.double), 0
        for rows in strips(picture):
            colours = picture[0, :, rows].flatten(1).double() / scale
            total, products, count = (
                total + colours.sum(1),
                products + colours @ colours.T,
                count + colours.shape[1],
            )
        mean = total / count
        return cls(mean, products / count - torch.outer(mean, mean))

    def move_to(self, wanted: ColourMoments) -> tuple[Tensor, Tensor]:
        """Matrix [3, 3] and shift [3] of the linear move with the least change of colour that gives colours
        of this palette the wanted one (Monge's map between Gaussians), as float32.
        """
        own = _root(self.covariance + 1e-5 * torch.eye(3, dtype=torch.double))
        inverse = torch.linalg.inv(own)
        matrix = inverse @ _root(own @ wanted.covariance @ own) @ inverse
        return matrix.float(), (wanted.mean - matrix @ self.mean).float()


def _root(covariance: Tensor) -> Tensor:
    values, axes = torch.linalg.eigh(covariance)
    root: Tensor = (axes * values.clamp_min(0).sqrt()) @ axes.T
    return root


def moved(picture: Tensor, move: tuple[Tensor, Tensor]) -> Tensor:
    """A picture [1, 3, h, w], 0..1, with its colours moved, within 0..1."""
    matrix, shift = move
    result = torch.einsum("dc,nchw->ndhw", matrix, picture) + shift.view(1, 3, 1, 1)
    return result.clamp_(0, 1)
