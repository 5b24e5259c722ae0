"""A convolution and the bend behind it in one pass over memory, and a backward pass that asks only for what a
dream needs.

PyTorch writes what a convolution gives, reads it again for the ReLU and writes it once more; oneDNN, which
computes both on a processor, can bend while it writes. Backwards only the slope of what came in is wanted,
never that of frozen weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import torch
from torch import Tensor, nn

BENDS: dict[str, tuple[str, list[float], float]] = {
    "": ("none", [], 0.0),
    "relu": ("relu", [], float("inf")),
    "relu6": ("hardtanh", [0.0, 6.0], 6.0),
}
"""Bend -> oneDNN's name for it, what that is told, and where it cuts off."""


def can_fuse(device: torch.device) -> bool:
    """Whether PyTorch here has oneDNN's convolution with a bend (not on Apple's processors, nor on a GPU)."""
    return (
        device.type == "cpu"
        and bool(torch._C._has_mkldnn)
        and hasattr(torch.ops.mkldnn, "_convolution_pointwise")
    )


def fits(module: nn.Module | None) -> bool:
    """Whether a module is a convolution as this file knows it."""
    return (
        type(module) is nn.Conv2d and module.padding_mode == "zeros" and not isinstance(module.padding, str)
    )


class FusedConvolution(nn.Module):
    """A frozen `Conv2d` followed by a bend: "", "relu" or "relu6".

    overwrites: the slope that comes back is nobody else's, so it may be written over.
    """

    def __init__(self, convolution: nn.Conv2d, bend: str, *, overwrites: bool) -> None:
        super().__init__()
        self.weight, self.bias = convolution.weight, convolution.bias
        self.stride, self.dilation = list(convolution.stride), list(convolution.dilation)
        self.padding = [int(pad) for pad in convolution.padding]
        self.groups, self.bend, self.overwrites = convolution.groups, bend, overwrites
        # Backwards, a mixing of channels place by place is another one, and oneDNN is quicker at those
        # forwards.
        mixes = (
            convolution.kernel_size == (1, 1)
            and convolution.stride == (1, 1)
            and convolution.groups == 1
            and not any(self.padding)
        )
        turned = convolution.weight.detach().transpose(0, 1).contiguous() if mixes else None
        self.turned: Tensor | None
        self.register_buffer("turned", turned, persistent=False)
        # It is slow where three colours are all that comes out; with four pixels' colours at once it takes
        # half the time.
        sees_pixels = (
            convolution.in_channels <= 4 and convolution.stride == (2, 2) and convolution.groups == 1
        )
        apart = (
            sub_pixels(convolution.weight.detach(), self.padding)
            if sees_pixels and convolution.dilation == (1, 1)
            else None
        )
        self.quarters: Tensor | None
        self.register_buffer("quarters", None if apart is None else apart[0], persistent=False)
        self.first = (0, 0) if apart is None else apart[1]

    def forward(self, given: Tensor) -> Tensor:
        """given [n, c, h, w] -> [n, channels, h', w'], bent."""
        if given.requires_grad and torch.is_grad_enabled():
            bent: Tensor = _Convolve.apply(given, self)
            return bent
        return self.convolve(given, self.weight, self.bias, self.bend)

    def convolve(self, given: Tensor, weight: Tensor, bias: Tensor | None, bend: str) -> Tensor:
        name, told, _ = BENDS[bend]
        convolved: Tensor = torch.ops.mkldnn._convolution_pointwise(
            given, weight, bias, self.padding, self.stride, self.dilation, self.groups, name, told, ""
        )
        return convolved

    def slope(self, slope: Tensor, given: Tensor) -> Tensor:
        """The slope of what came in, from that of what the convolution gave."""
        if self.turned is not None:
            return self.convolve(slope, self.turned, None, "")
        if self.quarters is not None:
            return self._by_quarters(slope, self.quarters, given.shape[-2], given.shape[-1])
        back: Tensor = torch.ops.aten.convolution_backward(
            slope,
            given,
            self.weight,
            None,
            self.stride,
            self.padding,
            self.dilation,
            False,
            [0, 0],
            self.groups,
            [True, False, False],
        )[0]
        return back

    def _by_quarters(self, slope: Tensor, quarters: Tensor, height: int, width: int) -> Tensor:
        rows, columns = -(-height // 2), -(-width // 2)
        # oneDNN pads evenly; what that is too much is left out.
        above, beside = (
            max(0, -first, first + size - 1 + wanted - there)
            for first, size, wanted, there in zip(
                self.first, quarters.shape[-2:], (rows, columns), slope.shape[-2:], strict=True
            )
        )
        apart = torch.ops.mkldnn._convolution_pointwise(
            slope, quarters, None, [above, beside], [1, 1], [1, 1], 1, "none", [], ""
        )
        top, left = above + self.first[0], beside + self.first[1]
        apart = apart[..., top : top + rows, left : left + columns].view(
            -1, self.weight.shape[1], 2, 2, rows, columns
        )
        # What `pixel_shuffle` does, in half its time: colour by colour, as a picture's slope is wanted.
        together: Tensor = apart.permute(0, 1, 4, 2, 5, 3).reshape(
            -1, self.weight.shape[1], 2 * rows, 2 * columns
        )
        return together[..., :height, :width]


def sub_pixels(weight: Tensor, padding: Sequence[int]) -> tuple[Tensor, tuple[int, int]]:
    """A convolution with stride 2 run backwards, as one with stride 1 whose channels are the four pixels of
    every 2 x 2.

    weight [out, in, h, w] -> weight [4 in, out, h', w'], channels in the order of `pixel_shuffle`, and how
    far from where its sum goes its first row and column stand. Shi et al., "Real-Time Single Image and Video
    Super-Resolution Using an Efficient Sub-Pixel Convolutional Neural Network", 2016, section 2.2.
    """
    rows = _taps(weight.amax((0, 1, 3)), weight.amin((0, 1, 3)), padding[0])
    columns = _taps(weight.amax((0, 1, 2)), weight.amin((0, 1, 2)), padding[1])
    first_row, first_column = (min(away for _, _, away in taps) for taps in (rows, columns))
    height, width = (
        1 + max(away for _, _, away in taps) - first
        for taps, first in ((rows, first_row), (columns, first_column))
    )
    outs, ins = weight.shape[:2]
    quarters = weight.new_zeros(ins, 2, 2, outs, height, width)
    for (k, odd_row, down), (j, odd_column, right) in product(rows, columns):
        quarters[:, odd_row, odd_column, :, down - first_row, right - first_column] = weight[:, :, k, j].T
    return quarters.flatten(0, 2).contiguous(memory_format=torch.channels_last), (first_row, first_column)


def _taps(highest: Tensor, lowest: Tensor, pad: int) -> list[tuple[int, int, int]]:
    """For each row of a kernel that is not all zeros: which it is, whether it acts on odd rows, and from how
    many rows further on.
    """
    places = [k for k in range(len(highest)) if highest[k] or lowest[k]] or [0]
    return [(k, (k - pad) % 2, (pad - k + 1) // 2) for k in places]


class _Convolve(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, given: Tensor, by: FusedConvolution) -> Tensor:
        bent = by.convolve(given, by.weight, by.bias, by.bend)
        ctx.by = by
        ctx.save_for_backward(given, bent if by.bend else None)
        return bent

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor, None]:
        (slope,) = slopes
        given, bent = ctx.saved_tensors
        if bent is not None:
            # What was cut off lies at 0, or at 6, where a hard tanh's slope is 0 too.
            highest = BENDS[ctx.by.bend][2]
            into = slope if ctx.by.overwrites else torch.empty_like(slope)
            slope = torch.ops.aten.hardtanh_backward.grad_input(slope, bent, 0.0, highest, grad_input=into)
        return ctx.by.slope(slope, given), None


__all__ = ["FusedConvolution", "can_fuse", "fits", "sub_pixels"]
