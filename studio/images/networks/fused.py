"""A convolution fused with its activation: one pass over memory, and a backward pass for its input alone.

PyTorch writes a convolution's output, reads it again for the ReLU and writes it once more. oneDNN, which
computes both on a CPU, can apply the activation while it writes. In the backward pass only the gradient of
the input is needed, never that of the frozen weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import torch
from torch import Tensor, nn

ACTIVATIONS: dict[str, tuple[str, list[float], float]] = {
    "": ("none", [], 0.0),
    "relu": ("relu", [], float("inf")),
    "relu6": ("hardtanh", [0.0, 6.0], 6.0),
}
"""Activation -> oneDNN's name for it, its arguments there, and the upper limit."""


def can_fuse(device: torch.device) -> bool:
    """Whether this PyTorch has oneDNN's fused convolution (not on Apple's processors, nor on a GPU)."""
    return (
        device.type == "cpu"
        and bool(torch._C._has_mkldnn)
        and hasattr(torch.ops.mkldnn, "_convolution_pointwise")
    )


def is_fusible(module: nn.Module | None) -> bool:
    """Whether a module is a convolution that `FusedConvolution` can replace."""
    return (
        type(module) is nn.Conv2d and module.padding_mode == "zeros" and not isinstance(module.padding, str)
    )


class FusedConvolution(nn.Module):
    """A frozen `Conv2d` followed by an activation: "", "relu" or "relu6".

    overwrites: the gradient of the output may be overwritten, because nothing else uses it.
    """

    def __init__(self, convolution: nn.Conv2d, activation: str, *, overwrites: bool) -> None:
        super().__init__()
        self.weight, self.bias = convolution.weight, convolution.bias
        self.stride, self.dilation = list(convolution.stride), list(convolution.dilation)
        self.padding = [int(pad) for pad in convolution.padding]
        self.groups, self.activation, self.overwrites = convolution.groups, activation, overwrites
        # The backward pass of a 1 x 1 convolution is another one, and oneDNN is faster at forward passes.
        is_pointwise = (
            convolution.kernel_size == (1, 1)
            and convolution.stride == (1, 1)
            and convolution.groups == 1
            and not any(self.padding)
        )
        transposed = convolution.weight.detach().transpose(0, 1).contiguous() if is_pointwise else None
        self.transposed: Tensor | None
        self.register_buffer("transposed", transposed, persistent=False)
        # It is slow if only three colours come out; with the colours of four pixels at once, it takes half
        # the time.
        is_first = convolution.in_channels <= 4 and convolution.stride == (2, 2) and convolution.groups == 1
        split = (
            sub_pixels(convolution.weight.detach(), self.padding)
            if is_first and convolution.dilation == (1, 1)
            else None
        )
        self.quarters: Tensor | None
        self.register_buffer("quarters", None if split is None else split[0], persistent=False)
        self.first = (0, 0) if split is None else split[1]

    def forward(self, given: Tensor) -> Tensor:
        """given [n, c, h, w] -> [n, channels, h', w'], after the activation."""
        if given.requires_grad and torch.is_grad_enabled():
            output: Tensor = _Convolve.apply(given, self)
            return output
        return self.convolve(given, self.weight, self.bias, self.activation)

    def convolve(self, given: Tensor, weight: Tensor, bias: Tensor | None, activation: str) -> Tensor:
        name, arguments, _ = ACTIVATIONS[activation]
        convolved: Tensor = torch.ops.mkldnn._convolution_pointwise(
            given, weight, bias, self.padding, self.stride, self.dilation, self.groups, name, arguments, ""
        )
        return convolved

    def slope(self, slope: Tensor, shape: torch.Size) -> Tensor:
        """The gradient of the input, which has this shape, from that of the convolution's output."""
        if self.transposed is not None:
            return self.convolve(slope, self.transposed, None, "")
        if self.quarters is not None:
            return self._by_quarters(slope, self.quarters, shape[-2], shape[-1])
        # A convolution is linear, so the input's values do not count. PyTorch only reads its shape.
        like = slope
        if slope.shape != shape:
            like = torch.empty(
                shape, dtype=slope.dtype, device=slope.device, memory_format=torch.channels_last
            )
        back: Tensor = torch.ops.aten.convolution_backward(
            slope,
            like,
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
        # oneDNN pads both sides equally; the surplus is cut off below.
        above, beside = (
            max(0, -first, first + size - 1 + wanted - there)
            for first, size, wanted, there in zip(
                self.first, quarters.shape[-2:], (rows, columns), slope.shape[-2:], strict=True
            )
        )
        quarter_slopes = torch.ops.mkldnn._convolution_pointwise(
            slope, quarters, None, [above, beside], [1, 1], [1, 1], 1, "none", [], ""
        )
        top, left = above + self.first[0], beside + self.first[1]
        quarter_slopes = quarter_slopes[..., top : top + rows, left : left + columns].view(
            -1, self.weight.shape[1], 2, 2, rows, columns
        )
        # The same as `pixel_shuffle` in half the time, colour by colour, as the picture's gradient is laid
        # out.
        together: Tensor = quarter_slopes.permute(0, 1, 4, 2, 5, 3).reshape(
            -1, self.weight.shape[1], 2 * rows, 2 * columns
        )
        return together[..., :height, :width]


def sub_pixels(weight: Tensor, padding: Sequence[int]) -> tuple[Tensor, tuple[int, int]]:
    """The backward pass of a convolution with stride 2, as a convolution with stride 1 whose output channels
    are the four pixels of every 2 x 2.

    weight [out, in, h, w] -> weight [4 in, out, h', w'], channels in the order of `pixel_shuffle`, and the
    offset of its first row and column from the output's place. Shi et al., "Real-Time Single Image and Video
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
    """For each row of a kernel that is not all zeros: its number, whether it contributes to odd rows (1) or
    even ones (0), and the offset of the gradient's row that it multiplies.
    """
    places = [k for k in range(len(highest)) if highest[k] or lowest[k]] or [0]
    return [(k, (k - pad) % 2, (pad - k + 1) // 2) for k in places]


class _Convolve(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, given: Tensor, by: FusedConvolution) -> Tensor:
        output = by.convolve(given, by.weight, by.bias, by.activation)
        ctx.by, ctx.shape = by, given.shape
        ctx.save_for_backward(output if by.activation else None)
        return output

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor, None]:
        (slope,) = slopes
        (output,) = ctx.saved_tensors
        if output is not None:
            # Clipped values are exactly 0 or 6, where the derivative of a hard tanh is 0 too.
            highest = ACTIVATIONS[ctx.by.activation][2]
            into = slope if ctx.by.overwrites else torch.empty_like(slope)
            slope = torch.ops.aten.hardtanh_backward.grad_input(slope, output, 0.0, highest, grad_input=into)
        return ctx.by.slope(slope, ctx.shape), None


__all__ = ["FusedConvolution", "can_fuse", "is_fusible", "sub_pixels"]
