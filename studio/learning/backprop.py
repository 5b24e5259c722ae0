"""Backpropagation, written out: the chain rule for layers of neurons, from the outputs back to the first
weights.

    backprop = Backprop.of(network, "half squared")
    outputs = backprop.forward(inputs)
    gradients = backprop.backward(targets)

Rumelhart, Hinton and Williams, "Learning representations by back-propagating errors", Nature 323, 1986.
torch's autograd gives the same numbers, bit for bit, for any network. But it records every operation, and for
a network as small as a lesson's that costs more than half of the time of a step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from studio.learning.costs import CostName, as_numbers
from studio.learning.networks import Layered

aten = torch.ops.aten

ACTIVATIONS: dict[type[nn.Module], tuple[Callable[[Tensor], Tensor], Callable[[Tensor, Tensor], Tensor]]] = {
    nn.ReLU: (aten.relu.default, lambda slope, output: aten.threshold_backward.default(slope, output, 0)),
    nn.Tanh: (aten.tanh.default, aten.tanh_backward.default),  # slope · (1 - output²)
    nn.Sigmoid: (aten.sigmoid.default, aten.sigmoid_backward.default),  # slope · output (1 - output)
}
"""Activation -> the function itself, and its derivative: from the slope at its output and that output, the
slope at its input.
"""


class _WeightedSums:
    """A layer's weighted sums: inputs · weights + biases."""

    def __init__(self, layer: nn.Linear) -> None:
        # Detached, they share the memory of the weights (which change in place), but nothing is recorded.
        self.weight = layer.weight.detach()
        self.transposed = self.weight.t()
        self.bias = None if layer.bias is None else layer.bias.detach()
        self.inputs: Tensor

    def forward(self, inputs: Tensor) -> Tensor:
        self.inputs = inputs
        if self.bias is None:
            return aten.mm.default(inputs, self.transposed)  # type: ignore[no-any-return]
        return aten.addmm.default(self.bias, inputs, self.transposed)  # type: ignore[no-any-return]

    def gradients(self, slope: Tensor) -> list[Tensor]:
        """Of the weights and of the biases: a weight's gradient is the slope times the input it saw."""
        weight = aten.mm.default(slope.t(), self.inputs)
        return [weight] if self.bias is None else [weight, aten.sum.dim_IntList(slope, [0])]

    def backward(self, slope: Tensor) -> Tensor:
        """The slope at the inputs: each neuron passes its slope back along its weights."""
        return aten.mm.default(slope, self.weight)  # type: ignore[no-any-return]


class _Activation:
    """A layer's activation."""

    def __init__(self, layer: nn.Module) -> None:
        self.function, self.derivative = ACTIVATIONS[type(layer)]
        self.output: Tensor

    def forward(self, sums: Tensor) -> Tensor:
        self.output = self.function(sums)
        return self.output

    def backward(self, slope: Tensor) -> Tensor:
        return self.derivative(slope, self.output)


class Backprop:
    """See above. Remembers what its last `forward` saw, for `backward`."""

    def __init__(self, layers: Sequence[_WeightedSums | _Activation], cost: CostName) -> None:
        self.layers, self.slope_of = layers, SLOPES[cost]
        self.outputs: Tensor

    @classmethod
    def of(cls, network: nn.Module, cost: CostName) -> Backprop | None:
        """For a network of plain layers whose weights are all trainable. None for any other network, and for
        a cost that is not in SLOPES.
        """
        if type(network) is not Layered or cost not in SLOPES:
            return None
        layers: list[_WeightedSums | _Activation] = []
        for layer in network:
            if type(layer) is nn.Linear and all(weight.requires_grad for weight in layer.parameters()):
                layers.append(_WeightedSums(layer))
            elif type(layer) in ACTIVATIONS:
                layers.append(_Activation(layer))
            elif type(layer) is not nn.Identity:
                return None
        return cls(layers, cost)

    def forward(self, inputs: Tensor) -> Tensor:
        """[n, inputs] -> [n, outputs]. Raises torch's RuntimeError if they do not fit."""
        for layer in self.layers:
            inputs = layer.forward(inputs)
        self.outputs = inputs
        return inputs

    def backward(self, targets: Tensor) -> list[Tensor]:
        """The gradient of the mean cost of the last `forward`, for every weight, in the order of the
        parameters.
        """
        slope = self.slope_of(self.outputs, targets)
        found: list[list[Tensor]] = []
        for place in range(len(self.layers) - 1, -1, -1):
            layer = self.layers[place]
            if isinstance(layer, _WeightedSums):
                found.append(layer.gradients(slope))
                if not place:
                    break  # the slope at the network's inputs is not needed
            slope = layer.backward(slope)
        return [gradient for gradients in reversed(found) for gradient in gradients]


# The slope of each mean cost at the outputs: what autograd finds for the costs in `costs`.


def _of_squares(part: float) -> Callable[[Tensor, Tensor], Tensor]:
    def slope(outputs: Tensor, targets: Tensor) -> Tensor:
        """part · 2 (y - t) / number of examples: the error itself, which makes it the delta rule."""
        scale = outputs.new_tensor(part * outputs.shape[-1])
        return aten.mse_loss_backward.default(scale, outputs, as_numbers(outputs, targets), 1)  # type: ignore[no-any-return]

    return slope


def _of_binary_cross_entropy(outputs: Tensor, targets: Tensor) -> Tensor:
    """(sigmoid(y) - t) / number of examples."""
    slope: Tensor = aten.sub.Tensor(aten.sigmoid.default(outputs), as_numbers(outputs, targets))
    width = outputs.shape[-1]
    return (slope if width == 1 else slope.mul_(width)).div_(outputs.numel())


def _of_cross_entropy(outputs: Tensor, targets: Tensor) -> Tensor:
    """(softmax(y) - 1 at the right class) / number of examples."""
    logarithms = aten._log_softmax.default(outputs, 1, False)
    one, count = outputs.new_ones(()), outputs.new_tensor(float(len(outputs)))
    slope = aten.nll_loss_backward.default(one, logarithms, targets, None, 1, -100, count)
    return aten._log_softmax_backward_data.default(slope, logarithms, 1, outputs.dtype)  # type: ignore[no-any-return]


SLOPES: dict[CostName, Callable[[Tensor, Tensor], Tensor]] = {
    "squared": _of_squares(1.0),
    "half squared": _of_squares(0.5),
    "cross-entropy": _of_cross_entropy,
    "binary cross-entropy": _of_binary_cross_entropy,
}
