"""A pretrained network made ready to look at pictures, again and again, as fast as this machine can.

    network = prepare(build(), ["blocks.4"], mean=(0.5,) * 3, std=(0.5,) * 3)
    seen = network(picture)["blocks.4"]

Done once, it makes a gradient about twice as fast: frozen; cut behind the deepest layer asked for; batch
norms and the scaling of the input folded into the convolutions; pixels' channels side by side in memory;
bending done by the convolutions themselves, or in place, wherever nobody looks. The numbers stay those of the
network as it was, up to rounding.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from studio.errors import Refused, UnknownName
from studio.images.networks.efficientnet_lite import SameConv2d
from studio.images.networks.fused import FusedConvolution, can_fuse, fits

CONVOLUTIONS = (nn.Conv2d, FusedConvolution)

LARGEST_STRIDE = 32
"""No network here looks at a picture in steps wider than this many pixels."""


class Prepared:
    """A network that shows what it sees at some layers.

    layers: their names, as asked. channels: how many channels each has. stride: pixels between neighbouring
    places of the deepest one, a power of 2; pictures are shown in multiples of it. smallest: the least side
    of a picture, in pixels, that it can bear.
    """

    def __init__(
        self, graph: fx.GraphModule, layers: tuple[str, ...], mean: Tensor, std: Tensor | None, smallest: int
    ) -> None:
        self._graph, self._mean, self._std = graph, mean, std
        self.layers = layers
        self.smallest = smallest
        side = max(2 * LARGEST_STRIDE, smallest)
        with torch.no_grad():
            seen = self(torch.full((1, 3, side, side), 0.5, device=mean.device))
        self.channels = {
            layer: 0 if features.ndim != 4 else features.shape[1] for layer, features in seen.items()
        }
        widest = max(side / features.shape[-1] for features in seen.values())
        self.stride = min(LARGEST_STRIDE, 2 ** math.ceil(math.log2(max(1.0, widest))))

    def __call__(self, picture: Tensor) -> dict[str, Tensor]:
        """picture [n, 3, h, w], sRGB in 0..1, h and w multiples of `stride` -> for each layer its features
        [n, channels, ...].
        """
        shown = picture - self._mean
        if self._std is not None:
            shown = shown / self._std
        shown = shown.contiguous(memory_format=torch.channels_last)
        return dict(zip(self.layers, self._graph(shown), strict=True))

    @property
    def device(self) -> torch.device:
        return self._mean.device


def prepare(
    network: nn.Module,
    layers: Sequence[str],
    *,
    mean: Sequence[float],
    std: Sequence[float],
    smallest: int = LARGEST_STRIDE,
    device: torch.device | str = "cpu",
) -> Prepared:
    """Prepare `network` to show `layers`. The network itself is used up: its weights go into what is
    returned.

    layers: dotted module names, without repeats; what a layer shows is the output of its last call.
    mean, std: what the network expects its input to be scaled by, (x - mean) / std for x in 0..1, three
    numbers each.
    smallest: the least side of a picture the network can bear.
    Raises `UnknownName` for a name that is no module of the network's forward pass, `Refused` for one that
    shows no plane of features.
    """
    layers = tuple(dict.fromkeys(layers))
    network.eval().requires_grad_(False)
    tracer = _Tracer()
    graph = tracer.trace(network)
    traced = fx.GraphModule(tracer.root, graph)
    ends = layer_ends(graph)
    for layer in layers:
        if layer not in ends:
            raise UnknownName("layer", layer, ends)
    shown = {layer: ends[layer] for layer in layers}
    _cut(traced, list(shown.values()))
    keep = set(shown.values())
    _fold_batch_norms(traced, keep)
    scaled = _fold_scaling(traced, torch.tensor(std))
    _pad_within(traced)
    if can_fuse(torch.device(device)):
        _bend_at_once(traced, keep)
    _bend_in_place(traced, keep)
    traced.delete_all_unused_submodules()
    traced.graph.lint()
    traced.recompile()
    traced.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    column = [1, 3, 1, 1]
    prepared = Prepared(
        traced,
        layers,
        torch.tensor(mean, device=device).view(column),
        None if scaled else torch.tensor(std, device=device).view(column),
        smallest,
    )
    for layer, channels in prepared.channels.items():
        if channels == 0:
            raise Refused(
                f"Layer '{layer}' shows single numbers, not a plane of features: choose an earlier one."
            )
    return prepared


def layer_ends(graph: fx.Graph) -> dict[str, fx.Node]:
    """Every module that takes part in the forward pass -> the node that gives its (last) output."""
    ends: dict[str, fx.Node] = {}
    for node in graph.nodes:
        for name, _ in node.meta.get("nn_module_stack", {}).values():
            if name:
                ends[name] = node
    return ends


class _Tracer(fx.Tracer):
    """Follows a forward pass into every module but torch's own and ours that pads by the size of what comes
    in.
    """

    def is_leaf_module(self, module: nn.Module, name: str) -> bool:
        return isinstance(module, SameConv2d) or super().is_leaf_module(module, name)


def _cut(traced: fx.GraphModule, shown: list[fx.Node]) -> None:
    """Give out what is shown and drop all that it does not need."""
    graph = traced.graph
    for node in graph.find_nodes(op="output"):
        graph.erase_node(node)
    graph.output(tuple(shown))
    for node in reversed(list(graph.nodes)):
        if not node.users and node.op not in ("output", "placeholder"):
            graph.erase_node(node)
    traced.delete_all_unused_submodules()


def _fold_batch_norms(traced: fx.GraphModule, keep: set[fx.Node]) -> None:
    """A convolution followed by a batch norm at rest is one convolution. Drop-out at rest is nothing."""
    calls = _calls(traced)
    for node in list(traced.graph.nodes):
        module = _module(traced, node)
        if isinstance(module, (nn.Dropout, nn.Identity)) and node not in keep:
            node.replace_all_uses_with(node.args[0])
            traced.graph.erase_node(node)
            continue
        if not isinstance(module, nn.BatchNorm2d):
            continue
        before = node.args[0]
        convolution = _module(traced, before)
        if not isinstance(convolution, nn.Conv2d) or len(before.users) > 1 or before in keep:
            continue
        if calls[str(before.target)] > 1 or calls[str(node.target)] > 1:
            continue
        traced.set_submodule(str(before.target), fuse_conv_bn_eval(convolution, module))
        _swap(node, before, keep)
        traced.graph.erase_node(node)


def _swap(node: fx.Node, by: fx.Node, keep: set[fx.Node]) -> None:
    node.replace_all_uses_with(by)
    if node in keep:
        keep.remove(node)
        keep.add(by)


def _fold_scaling(traced: fx.GraphModule, std: Tensor) -> bool:
    """Divide the first convolutions' weights by the input's scale; False where something else looks at the
    input first.

    Only the scale: the mean is subtracted from the picture itself, since the zeros that convolutions pad with
    stand for the mean.
    """
    picture = traced.graph.find_nodes(op="placeholder")[0]
    first = [(node, _module(traced, node)) for node in picture.users]
    calls = _calls(traced)
    if not all(
        isinstance(module, nn.Conv2d) and module.groups == 1 and calls[str(node.target)] == 1
        for node, module in first
    ):
        return False
    for _, module in first:
        assert isinstance(module, nn.Conv2d)
        module.weight = nn.Parameter(
            module.weight / std.to(module.weight).view(1, 3, 1, 1), requires_grad=False
        )
    return True


def _pad_within(traced: fx.GraphModule) -> None:
    """A convolution that pads by what comes in becomes one that always pads alike, at any even size
    (multiples of the network's `stride`).

    One with a stride pads unevenly; with a wider kernel, whose first row and column are zero, it pads evenly,
    and a copy of everything that goes in is saved.
    """
    for name, module in list(traced.named_modules()):
        if not isinstance(module, SameConv2d) or module.stride[0] > 2:
            continue
        wider = int(module.stride[0] == 2)
        kernel = module.kernel_size[0] + wider
        sizes = (module.in_channels, module.out_channels, kernel, 1 + wider, (kernel - 1) // 2)
        padded = nn.Conv2d(*sizes, groups=module.groups, bias=module.bias is not None)
        padded.weight, padded.bias = nn.Parameter(F.pad(module.weight, (wider, 0, wider, 0))), module.bias
        traced.set_submodule(name, padded.requires_grad_(False))


def _bend_at_once(traced: fx.GraphModule, keep: set[fx.Node]) -> None:
    """Convolutions bend what they give themselves, where nobody else looks at it before."""
    calls = _calls(traced)
    for node in list(traced.graph.nodes):
        convolution = _module(traced, node)
        if not isinstance(convolution, nn.Conv2d) or not fits(convolution) or calls[str(node.target)] > 1:
            continue
        bend, overwrites = "", False
        after = next(iter(node.users)) if len(node.users) == 1 and node not in keep else None
        bends = None if after is None else _bend(_module(traced, after), after)
        if after is not None and bends is not None:
            bend = "relu" if bends is F.relu else "relu6"
            # A convolution gives its input's slope in a tensor of its own.
            overwrites = (
                after not in keep
                and len(after.users) == 1
                and isinstance(_module(traced, next(iter(after.users))), CONVOLUTIONS)
            )
            _swap(after, node, keep)
            traced.graph.erase_node(after)
        traced.set_submodule(str(node.target), FusedConvolution(convolution, bend, overwrites=overwrites))


def _bend_in_place(traced: fx.GraphModule, keep: set[fx.Node]) -> None:
    """ReLUs write over what they are given where only they read it, and never where somebody else does."""
    for node in list(traced.graph.nodes):
        bend = _bend(_module(traced, node), node)
        if bend is None:
            if "inplace" in node.kwargs:
                node.update_kwarg("inplace", False)
            module = _module(traced, node)
            if getattr(module, "inplace", False):
                module.inplace = False  # type: ignore[union-attr, assignment]
            continue
        given = node.args[0]
        # A convolution's backward pass does not need its own output, and gives its input's slope in a tensor
        # of its own.
        alone = given not in keep and len(given.users) == 1 and isinstance(_module(traced, given), nn.Conv2d)
        followed = (
            node not in keep
            and len(node.users) == 1
            and isinstance(_module(traced, next(iter(node.users))), nn.Conv2d)
        )
        with traced.graph.inserting_before(node):
            if bend is F.relu6 and alone and followed:
                new = traced.graph.call_function(_relu6_in_place, (given,))
            else:
                # Written in place, PyTorch's ReLU6 first makes a copy for its backward pass; its ReLU does
                # not.
                new = traced.graph.call_function(bend, (given,), {"inplace": alone and bend is F.relu})
        node.replace_all_uses_with(new)
        if node in keep:
            keep.remove(node)
            keep.add(new)
        traced.graph.erase_node(node)


def _bend(module: nn.Module | None, node: fx.Node) -> Callable[..., Tensor] | None:
    """F.relu or F.relu6 where the node is one of them, as a function or as a module."""
    if node.op == "call_function" and node.target in (F.relu, F.relu6):
        return F.relu if node.target is F.relu else F.relu6
    return F.relu6 if type(module) is nn.ReLU6 else F.relu if type(module) is nn.ReLU else None


class _Relu6InPlace(torch.autograd.Function):
    """min(max(x, 0), 6) written over x, and its slope over the slope that comes back: no copies."""

    @staticmethod
    def forward(ctx: Any, given: Tensor) -> Tensor:
        given.clamp_(0, 6)
        ctx.mark_dirty(given)
        ctx.save_for_backward(given)
        return given

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> Tensor:
        (bent,) = ctx.saved_tensors
        (slope,) = slopes
        # What was cut off lies at 0 or 6 now, where this slope is 0 too.
        passed: Tensor = torch.ops.aten.hardtanh_backward.grad_input(slope, bent, 0.0, 6.0, grad_input=slope)
        return passed


def _relu6_in_place(given: Tensor) -> Tensor:
    bent: Tensor = _Relu6InPlace.apply(given) if given.requires_grad else given.clamp_(0, 6)
    return bent


def _module(traced: fx.GraphModule, node: object) -> nn.Module | None:
    if isinstance(node, fx.Node) and node.op == "call_module":
        return traced.get_submodule(str(node.target))
    return None


def _calls(traced: fx.GraphModule) -> dict[str, int]:
    """How often each module is called."""
    calls: dict[str, int] = {}
    for node in traced.graph.nodes:
        if node.op == "call_module":
            calls[str(node.target)] = calls.get(str(node.target), 0) + 1
    return calls
