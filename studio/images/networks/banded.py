"""Three convolutions of a network done in bands of rows, in little memory.

A block of a mobile network widens its features, filters every channel by itself, and narrows them again
(Sandler et al., "MobileNetV2: Inverted residuals and linear bottlenecks", CVPR 2018, section 3). What is wide
takes six times the memory of what comes in and goes out, and is kept for the gradient. Here it exists for one
band of rows at a time, and the gradient computes it once more: Chen, Xu, Zhang and Guestrin, "Training deep
nets with sublinear memory cost", 2016. The result is the same, up to rounding.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from studio.images.networks.fused import ACTIVATIONS, FusedConvolution

BAND = 4 * 2**20
"""Bytes of the widened features of a band, about."""

LARGE = 8 * 2**20
"""Bytes of widened features that are worth it: smaller ones are computed as a whole, and kept."""

LEAST = 8
"""Rows that come out of a band, at least: fewer would mostly compute what their neighbours compute too."""


def can_band(widen: FusedConvolution, filter: FusedConvolution, narrow: FusedConvolution) -> bool:
    """Whether these convolutions follow each other as in a block of a mobile network."""
    pointwise = all(
        each.weight.shape[-2:] == (1, 1) and each.stride == [1, 1] and each.groups == 1
        for each in (widen, narrow)
    )
    alone = filter.groups == filter.weight.shape[0] and filter.weight.shape[1] == 1
    even = filter.dilation == [1, 1] and filter.stride[0] == filter.stride[1]
    return pointwise and alone and even and not narrow.activation


class Banded(nn.Module):
    """`widen`, `filter` and `narrow`, one after the other (see `can_band`)."""

    def __init__(self, widen: FusedConvolution, filter: FusedConvolution, narrow: FusedConvolution) -> None:
        super().__init__()
        self.widen, self.filter, self.narrow = widen, filter, narrow

    def forward(self, given: Tensor) -> Tensor:
        """given [n, c, h, w] -> [n, channels, h', w']."""
        if self._bytes_of_a_row(given) * given.shape[-2] < LARGE:
            whole: Tensor = self.narrow(self.filter(self.widen(given)))
            return whole
        if given.requires_grad and torch.is_grad_enabled():
            output: Tensor = _Bands.apply(given, self)
            return output
        return self.through(given)

    def through(self, given: Tensor) -> Tensor:
        output: Tensor | None = None
        for band in self.bands(given):
            part = self.narrow(self.filter(self.widen(band.of(given)))[..., band.own, :])
            if output is None:
                rows = self._rows(given)
                output = part.new_empty((*part.shape[:2], rows, part.shape[-1]))
                output = output.contiguous(memory_format=torch.channels_last)
            output[..., band.top : band.bottom, :] = part
        assert output is not None
        return output

    def slope(self, slope: Tensor, given: Tensor) -> Tensor:
        """The gradient of the input, from that of the output."""
        found = torch.zeros_like(given)
        for band in self.bands(given):
            shown = band.of(given)
            wide = self.widen(shown)
            filtered = self.filter(wide)
            back = self.narrow.slope(_among_zeros(slope, band, filtered), filtered.shape)
            back = self.filter.slope(_unclipped(back, filtered, self.filter), wide.shape)
            back = self.widen.slope(_unclipped(back, wide, self.widen), shown.shape)
            found[..., band.first : band.last, :] += back
        return found

    def bands(self, given: Tensor) -> Iterator[_Band]:
        step, high = self.filter.stride[0], given.shape[-2]
        rows = self._rows(given)
        before = self.filter.padding[0]
        reach = -(-max(before, self.filter.weight.shape[-2] - 1 - before) // step)
        length = max(LEAST, BAND // (self._bytes_of_a_row(given) * step))
        for top in range(0, rows, length):
            bottom = min(rows, top + length)
            above = max(0, top - reach)
            below = min(rows, bottom + reach)
            last = high if below == rows else below * step
            yield _Band(top, bottom, above * step, last, slice(top - above, bottom - above))

    def _bytes_of_a_row(self, given: Tensor) -> int:
        """Of the widened features."""
        return given.shape[0] * given.shape[-1] * self.widen.weight.shape[0] * given.element_size()

    def _rows(self, given: Tensor) -> int:
        """Rows that come out."""
        by = self.filter
        return (given.shape[-2] + 2 * by.padding[0] - by.weight.shape[-2]) // by.stride[0] + 1


@dataclass(frozen=True)
class _Band:
    """Rows of the output from `top` to `bottom`, and those of the input, from `first` to `last`, that they
    are computed from. own: their place among what comes of these.
    """

    top: int
    bottom: int
    first: int
    last: int
    own: slice

    def of(self, given: Tensor) -> Tensor:
        return given[..., self.first : self.last, :]


def _among_zeros(slope: Tensor, band: _Band, filtered: Tensor) -> Tensor:
    """A band's rows of the gradient, and zeros in the rows around them that were computed for their sake.

    They are put in here, where there are few channels: the zeros stay zeros when these become many.
    """
    own = slope[..., band.top : band.bottom, :]
    rows = filtered.shape[-2]
    if own.shape[-2] == rows:
        return own
    laid = torch.empty(
        (*slope.shape[:2], rows, slope.shape[-1]),
        dtype=slope.dtype,
        device=slope.device,
        memory_format=torch.channels_last,
    )
    laid[..., : band.own.start, :] = 0
    laid[..., band.own, :] = own
    laid[..., band.own.stop :, :] = 0
    return laid


def _unclipped(slope: Tensor, output: Tensor, by: FusedConvolution) -> Tensor:
    """The gradient before the activation, written over the one after it."""
    if not by.activation:
        return slope
    # Clipped values are exactly 0 or 6, where the derivative of a hard tanh is 0 too.
    highest = ACTIVATIONS[by.activation][2]
    before: Tensor = torch.ops.aten.hardtanh_backward.grad_input(
        slope, output, 0.0, highest, grad_input=slope
    )
    return before


class _Bands(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, given: Tensor, by: Banded) -> Tensor:
        ctx.by = by
        ctx.save_for_backward(given)
        return by.through(given)

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor, None]:
        (given,) = ctx.saved_tensors
        return ctx.by.slope(slopes[0], given), None


__all__ = ["Banded", "can_band"]
