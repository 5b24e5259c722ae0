"""A convolution and the bend behind it in one pass over memory, and a backward pass that asks only for what a dream needs.

PyTorch writes what a convolution gives, reads it again for the ReLU and writes it once more; oneDNN, which computes both on a processor,
can bend while it writes. Backwards only the slope of what came in is wanted, never that of frozen weights.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

BENDS: dict[str, tuple[str, list[float], float]] = {
    "": ("none", [], 0.0),
    "relu": ("relu", [], float("inf")),
    "relu6": ("hardtanh", [0.0, 6.0], 6.0),
}
"""Bend -> oneDNN's name for it, what that is told, and where it cuts off."""


def bends_at_once(device: torch.device) -> bool:
    """Whether PyTorch here has oneDNN's convolution with a bend (not on Apple's processors, nor on a GPU)."""
    return device.type == "cpu" and bool(torch._C._has_mkldnn) and hasattr(torch.ops.mkldnn, "_convolution_pointwise")


def fits(module: nn.Module | None) -> bool:
    """Whether a module is a convolution as this file knows it."""
    return type(module) is nn.Conv2d and module.padding_mode == "zeros" and not isinstance(module.padding, str)


class BentConvolution(nn.Module):
    """A frozen `Conv2d` followed by a bend: "", "relu" or "relu6".

    overwrites: the slope that comes back is nobody else's, so it may be written over.
    """

    def __init__(self, convolution: nn.Conv2d, bend: str, *, overwrites: bool) -> None:
        super().__init__()
        self.weight, self.bias = convolution.weight, convolution.bias
        self.stride, self.padding, self.dilation = list(convolution.stride), list(convolution.padding), list(convolution.dilation)  # type: ignore[arg-type]
        self.groups, self.bend, self.overwrites = convolution.groups, bend, overwrites
        # Backwards, a mixing of channels place by place is another one, and oneDNN is quicker at those forwards.
        mixes = convolution.kernel_size == (1, 1) and convolution.stride == (1, 1) and convolution.groups == 1 and not any(self.padding)
        turned = convolution.weight.detach().transpose(0, 1).contiguous() if mixes else None
        self.turned: Tensor | None
        self.register_buffer("turned", turned, persistent=False)

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
        back: Tensor = torch.ops.aten.convolution_backward(
            slope, given, self.weight, None, self.stride, self.padding, self.dilation, False, [0, 0], self.groups, [True, False, False]
        )[0]
        return back


class _Convolve(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, given: Tensor, by: BentConvolution) -> Tensor:
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


__all__ = ["BentConvolution", "bends_at_once", "fits"]
