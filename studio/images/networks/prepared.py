"""A pretrained network prepared to look at many pictures, as fast as this machine can.

    network = prepare(build(), ["blocks.4"], mean=(0.5,) * 3, std=(0.5,) * 3)
    seen = network(picture)["blocks.4"]

This happens once and makes a gradient about twice as fast. The network is frozen and cut off after the
deepest layer asked for; batch norms and the scaling of the input are folded into the convolutions; tensors
are channels_last; activations are fused with the convolutions, or done in place, wherever no other node reads
the value. Its outputs stay the same, up to rounding.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Hashable, Sequence
from typing import Any, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from studio.errors import Refused, UnknownName
from studio.images.networks.banded import Banded, can_band
from studio.images.networks.efficientnet_lite import SameConv2d
from studio.images.networks.fused import FusedConvolution, can_fuse, is_fusible

CONVOLUTIONS = (nn.Conv2d, FusedConvolution)

KEPT = 24
"""Of what a network found in pictures, so many findings stay in memory (`Prepared.once`)."""

T = TypeVar("T")

LARGEST_STRIDE = 32
"""The largest stride of any layer of any network here, in pixels."""


class Prepared:
    """A network that returns the features of some of its layers.

    layers: their names, as requested. channels: the number of channels of each. stride: pixels between
    neighbouring places of the deepest one, a power of 2; heights and widths must be multiples of it.
    smallest: the shortest side that it accepts, in pixels. seen: what its layers see in pictures that every
    work finds the same, by (picture, layer), once somebody has looked.
    """

    def __init__(
        self, graph: fx.GraphModule, layers: tuple[str, ...], mean: Tensor, std: Tensor | None, smallest: int
    ) -> None:
        self._graph, self._mean, self._std = graph, mean, std
        self.layers = layers
        self.smallest = smallest
        self.seen: dict[tuple[str, str], Tensor] = {}
        self._found: dict[Hashable, Any] = {}
        self._finding = threading.Lock()
        self._shorter: dict[str, fx.GraphModule] = {}
        self._looking: fx.GraphModule | None = None
        side = max(2 * LARGEST_STRIDE, smallest)
        with torch.no_grad():
            seen = self(torch.full((1, 3, side, side), 0.5, device=mean.device))
        self.channels = {
            layer: 0 if features.ndim != 4 else features.shape[1] for layer, features in seen.items()
        }
        widest = max(side / features.shape[-1] for features in seen.values())
        self.stride = min(LARGEST_STRIDE, 2 ** math.ceil(math.log2(max(1.0, widest))))

    def __call__(self, picture: Tensor) -> dict[str, Tensor]:
        """picture [n, 3, h, w], sRGB in 0..1, h and w multiples of `stride` -> each layer's features [n,
        channels, h', w'].
        """
        return dict(zip(self.layers, self._graph(self._scaled(picture)), strict=True))

    def looked_at(self, picture: Tensor, look: Callable[[str, Tensor], T]) -> dict[str, T]:
        """What `look` makes of the name and the features of each layer. It is called as soon as they are
        there. So the gradients of what it makes are computed layer by layer, and do not all exist at once.
        """
        if self._looking is None:
            graph = fx.Graph()
            copies: dict[fx.Node, fx.Node] = {}
            graph.graph_copy(self._graph.graph, copies)
            (output,) = self._graph.graph.find_nodes(op="output")
            shown = [copies[node] for node in output.args[0]]
            with graph.inserting_before(next(iter(graph.nodes))):
                looking = graph.placeholder("look")
            made = []
            for layer, node in zip(self.layers, shown, strict=True):
                with graph.inserting_after(node):
                    made.append(graph.call_function(_looked, (looking, layer, node)))
            graph.output(tuple(made))
            self._looking = fx.GraphModule(self._graph, graph)
        return dict(zip(self.layers, self._looking(look, self._scaled(picture)), strict=True))

    def at(self, layer: str, picture: Tensor) -> Tensor:
        """The features of one of the layers alone, which takes no longer than it must."""
        if layer not in self._shorter:
            (output,) = self._graph.graph.find_nodes(op="output")
            graph, copies = fx.Graph(), dict[fx.Node, fx.Node]()
            graph.graph_copy(self._graph.graph, copies)
            shorter = fx.GraphModule(self._graph, graph)
            _cut(shorter, [copies[output.args[0][self.layers.index(layer)]]])
            shorter.recompile()
            self._shorter[layer] = shorter
        features: Tensor = self._shorter[layer](self._scaled(picture))[0]
        return features

    def once(self, key: Hashable, find: Callable[[], T]) -> T:
        """What `find` finds with this network, or found for the same key not long ago. It stays as it is, so
        nobody may change it.
        """
        key = key, torch.get_num_threads()  # which decides how sums are rounded
        with self._finding:
            known = key in self._found
            found: T = self._found.pop(key, None)
        if not known:
            found = find()
        with self._finding:
            self._found[key] = found  # behind all others
            for oldest in list(self._found)[:-KEPT]:
                del self._found[oldest]
        return found

    def _scaled(self, picture: Tensor) -> Tensor:
        shown = picture - self._mean
        if self._std is not None:
            shown = shown / self._std
        return shown.contiguous(memory_format=torch.channels_last)

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
    sparing: bool = False,
) -> Prepared:
    """Prepare `network` to show `layers`. The network itself cannot be used afterwards: its weights are
    reused.

    layers: dotted module names. A layer that is called several times shows its last output.
    mean, std: the scaling that the network expects, (x - mean) / std for x in 0..1, three numbers each.
    smallest: the shortest side of a picture that the network accepts, in pixels. sparing: a gradient takes
    less memory and a little more time (`banded`), where convolutions can be fused.
    Raises `UnknownName` for a name that is no module of the network's forward pass, `Refused` for a layer
    whose output is not [n, channels, h, w].
    """
    layers = tuple(dict.fromkeys(layers))
    network.eval().requires_grad_(False)
    tracer = _Tracer()
    with tracer.alone:
        graph = tracer.trace(network)
    traced = fx.GraphModule(tracer.root, graph)
    tracer.forget()
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
        _fuse_activations(traced, keep)
        if sparing:
            _put_in_bands(traced, keep)
    _activate_in_place(traced, keep)
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
                f"Layer '{layer}' gives single numbers, not a map of features: choose an earlier layer."
            )
    return prepared


def layer_ends(graph: fx.Graph) -> dict[str, fx.Node]:
    """Every module of the forward pass -> the node of its (last) output."""
    ends: dict[str, fx.Node] = {}
    for node in graph.nodes:
        for name, _ in node.meta.get("nn_module_stack", {}).values():
            if name:
                ends[name] = node
    return ends


class _Tracer(fx.Tracer):
    """Traces into every module except torch's own, and except ours that pads by the size of its input.

    While torch traces, every call of every module in this process goes through the tracer, whatever thread
    calls it. So only one thread traces at a time, and the calls of the others are done as usual.
    """

    alone = threading.Lock()

    def __init__(self) -> None:
        super().__init__()
        self.thread = threading.get_ident()

    def forget(self) -> None:
        """Let go of the network. The tracer is part of a reference cycle, and would keep all weights, even
        those of layers that nobody asked for, until Python collects such cycles.
        """
        self.root, self.submodule_paths, self.tensor_attrs = nn.Module(), None, {}

    def call_module(
        self, m: nn.Module, forward: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        if threading.get_ident() != self.thread:
            return forward(*args, **kwargs)
        return super().call_module(m, forward, args, kwargs)

    def getattr(self, attr: str, attr_val: Any, parameter_proxy_cache: dict[str, Any]) -> Any:
        if threading.get_ident() != self.thread:
            return attr_val
        return super().getattr(attr, attr_val, parameter_proxy_cache)

    def is_leaf_module(self, module: nn.Module, name: str) -> bool:
        return isinstance(module, SameConv2d) or super().is_leaf_module(module, name)


def _cut(traced: fx.GraphModule, shown: list[fx.Node]) -> None:
    """Return the shown nodes and remove everything that they do not need."""
    graph = traced.graph
    for node in graph.find_nodes(op="output"):
        graph.erase_node(node)
    graph.output(tuple(shown))
    for node in reversed(list(graph.nodes)):
        if not node.users and node.op not in ("output", "placeholder"):
            graph.erase_node(node)
    traced.delete_all_unused_submodules()


def _fold_batch_norms(traced: fx.GraphModule, keep: set[fx.Node]) -> None:
    """In evaluation mode, a convolution followed by a batch norm is one convolution, and dropout does
    nothing.
    """
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
    """Divide the first convolutions' weights by the input's scale; False if something else reads the input
    first.

    Only the scale is folded. The mean is subtracted from the picture, because the zeros that convolutions pad
    with stand for the mean.
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
    """Replace convolutions that pad by the size of their input (`SameConv2d`) by ones with fixed padding,
    which is the same for all multiples of the network's `stride`.

    With a stride of 2 the padding is asymmetric. A kernel with an extra first row and column of zeros makes
    it symmetric, which saves a copy of the input.
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


def _fuse_activations(traced: fx.GraphModule, keep: set[fx.Node]) -> None:
    """Fuse convolutions with the activation that follows, if nothing else reads their output."""
    calls = _calls(traced)
    for node in list(traced.graph.nodes):
        convolution = _module(traced, node)
        if (
            not isinstance(convolution, nn.Conv2d)
            or not is_fusible(convolution)
            or calls[str(node.target)] > 1
        ):
            continue
        name, overwrites = "", False
        after = next(iter(node.users)) if len(node.users) == 1 and node not in keep else None
        activation = None if after is None else _activation(_module(traced, after), after)
        if after is not None and activation is not None:
            name = "relu" if activation is F.relu else "relu6"
            # A convolution returns the gradient of its input in a new tensor.
            overwrites = (
                after not in keep
                and len(after.users) == 1
                and isinstance(_module(traced, next(iter(after.users))), CONVOLUTIONS)
            )
            _swap(after, node, keep)
            traced.graph.erase_node(after)
        traced.set_submodule(str(node.target), FusedConvolution(convolution, name, overwrites=overwrites))


def _put_in_bands(traced: fx.GraphModule, keep: set[fx.Node]) -> None:
    """Do blocks of three convolutions band by band (`Banded`), if nothing else reads what is between them."""
    calls = _calls(traced)
    for narrow in list(traced.graph.nodes):
        nodes, modules = [narrow], [_module(traced, narrow)]
        for _ in range(2):
            before = nodes[0].args[0] if nodes[0].args else None
            if not isinstance(before, fx.Node) or before in keep or len(before.users) > 1:
                break
            nodes.insert(0, before)
            modules.insert(0, _module(traced, before))
        fused = [each for each in modules if isinstance(each, FusedConvolution)]
        if len(fused) < 3 or any(calls[str(node.target)] > 1 for node in nodes) or not can_band(*fused):
            continue
        traced.set_submodule(str(narrow.target), Banded(*fused))
        narrow.replace_input_with(nodes[1], nodes[0].args[0])
        for node in (nodes[1], nodes[0]):
            traced.graph.erase_node(node)


def _activate_in_place(traced: fx.GraphModule, keep: set[fx.Node]) -> None:
    """ReLUs work in place if nothing else reads their input, and never otherwise."""
    for node in list(traced.graph.nodes):
        activation = _activation(_module(traced, node), node)
        if activation is None:
            if "inplace" in node.kwargs:
                node.update_kwarg("inplace", False)
            module = _module(traced, node)
            if getattr(module, "inplace", False):
                module.inplace = False  # type: ignore[union-attr, assignment]
            continue
        given = node.args[0]
        # A convolution's backward pass does not need its own output, and returns the gradient of its input in
        # a new tensor.
        alone = given not in keep and len(given.users) == 1 and isinstance(_module(traced, given), nn.Conv2d)
        followed = (
            node not in keep
            and len(node.users) == 1
            and isinstance(_module(traced, next(iter(node.users))), nn.Conv2d)
        )
        with traced.graph.inserting_before(node):
            if activation is F.relu6 and alone and followed:
                new = traced.graph.call_function(_relu6_in_place, (given,))
            else:
                # In place, PyTorch's ReLU6 first makes a copy for its backward pass; its ReLU does not.
                new = traced.graph.call_function(
                    activation, (given,), {"inplace": alone and activation is F.relu}
                )
        node.replace_all_uses_with(new)
        if node in keep:
            keep.remove(node)
            keep.add(new)
        traced.graph.erase_node(node)


def _activation(module: nn.Module | None, node: fx.Node) -> Callable[..., Tensor] | None:
    """F.relu or F.relu6 if the node is one of them, as a function or as a module."""
    if node.op == "call_function" and node.target in (F.relu, F.relu6):
        return F.relu if node.target is F.relu else F.relu6
    return F.relu6 if type(module) is nn.ReLU6 else F.relu if type(module) is nn.ReLU else None


class _Relu6InPlace(torch.autograd.Function):
    """min(max(x, 0), 6), in place in both directions, without copies."""

    @staticmethod
    def forward(ctx: Any, given: Tensor) -> Tensor:
        given.clamp_(0, 6)
        ctx.mark_dirty(given)
        ctx.save_for_backward(given)
        return given

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> Tensor:
        (output,) = ctx.saved_tensors
        (slope,) = slopes
        # Clipped values are exactly 0 or 6, where this derivative is 0 too.
        passed: Tensor = torch.ops.aten.hardtanh_backward.grad_input(
            slope, output, 0.0, 6.0, grad_input=slope
        )
        return passed


def _looked(look: Callable[[str, Tensor], T], layer: str, features: Tensor) -> T:
    return look(layer, features)


def _relu6_in_place(given: Tensor) -> Tensor:
    output: Tensor = _Relu6InPlace.apply(given) if given.requires_grad else given.clamp_(0, 6)
    return output


def _module(traced: fx.GraphModule, node: object) -> nn.Module | None:
    if isinstance(node, fx.Node) and node.op == "call_module":
        return traced.get_submodule(str(node.target))
    return None


def _calls(traced: fx.GraphModule) -> dict[str, int]:
    """The number of calls of each module."""
    calls: dict[str, int] = {}
    for node in traced.graph.nodes:
        if node.op == "call_module":
            calls[str(node.target)] = calls.get(str(node.target), 0) + 1
    return calls
