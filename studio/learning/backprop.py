"""Backpropagation, written out: the chain rule for layers of neurons, from the answers back to the first
weights.

    backprop = Backprop.of(network, "half squared")
    answers = backprop.forwards(inputs)
    gradients = backprop.backwards(targets)

Rumelhart, Hinton and Williams, "Learning representations by back-propagating errors", Nature 323, 1986.
torch's autograd works the same numbers out for any network, and these are its numbers to the bit; but it
keeps books on every operation, and for a network as small as a lesson's that is more than half of a step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from studio.learning.costs import CostName, as_numbers
from studio.learning.networks import Layered

aten = torch.ops.aten

BENDS: dict[type[nn.Module], tuple[Callable[[Tensor], Tensor], Callable[[Tensor, Tensor], Tensor]]] = {
    nn.ReLU: (aten.relu.default, lambda slope, said: aten.threshold_backward.default(slope, said, 0)),
    nn.Tanh: (aten.tanh.default, aten.tanh_backward.default),  # slope · (1 - said²)
    nn.Sigmoid: (aten.sigmoid.default, aten.sigmoid_backward.default),  # slope · said (1 - said)
}
"""Activation -> what it says of a sum, and the slope at the sum from the slope at what it said, which is all
it takes.
"""


class _Sums:
    """A layer's weighted sums: said = inputs · weights + biases."""

    def __init__(self, layer: nn.Linear) -> None:
        # Detached, they share the memory of the weights, which change in place, without their books being
        # kept.
        self.weight = layer.weight.detach()
        self.across = self.weight.t()
        self.bias = None if layer.bias is None else layer.bias.detach()
        self.inputs: Tensor

    def forwards(self, inputs: Tensor) -> Tensor:
        self.inputs = inputs
        if self.bias is None:
            return aten.mm.default(inputs, self.across)  # type: ignore[no-any-return]
        return aten.addmm.default(self.bias, inputs, self.across)  # type: ignore[no-any-return]

    def gradients(self, slope: Tensor) -> list[Tensor]:
        """Of the weights and of the biases: each weight is to blame by what came in through it."""
        weight = aten.mm.default(slope.t(), self.inputs)
        return [weight] if self.bias is None else [weight, aten.sum.dim_IntList(slope, [0])]

    def backwards(self, slope: Tensor) -> Tensor:
        """The slope of what came in: each neuron passes its blame back along its weights."""
        return aten.mm.default(slope, self.weight)  # type: ignore[no-any-return]


class _Bend:
    """A layer's activation."""

    def __init__(self, layer: nn.Module) -> None:
        self.bend, self.unbend = BENDS[type(layer)]
        self.said: Tensor

    def forwards(self, sums: Tensor) -> Tensor:
        self.said = self.bend(sums)
        return self.said

    def backwards(self, slope: Tensor) -> Tensor:
        return self.unbend(slope, self.said)


class Backprop:
    """See above. Holds what its last `forwards` has seen, for `backwards`."""

    def __init__(self, layers: Sequence[_Sums | _Bend], cost: CostName) -> None:
        self.layers, self.slope_of = layers, SLOPES[cost]
        self.answers: Tensor

    @classmethod
    def of(cls, network: nn.Module, cost: CostName) -> Backprop | None:
        """For a network of plain layers, all of whose weights learn; None for any other network, and for a
        cost that is not in SLOPES.
        """
        if type(network) is not Layered or cost not in SLOPES:
            return None
        layers: list[_Sums | _Bend] = []
        for layer in network:
            if type(layer) is nn.Linear and all(weight.requires_grad for weight in layer.parameters()):
                layers.append(_Sums(layer))
            elif type(layer) in BENDS:
                layers.append(_Bend(layer))
            elif type(layer) is not nn.Identity:
                return None
        return cls(layers, cost)

    def forwards(self, inputs: Tensor) -> Tensor:
        """[n, inputs] -> the network's answers [n, outputs]. Raises torch's RuntimeError where they do not
        fit.
        """
        for layer in self.layers:
            inputs = layer.forwards(inputs)
        self.answers = inputs
        return inputs

    def backwards(self, targets: Tensor) -> list[Tensor]:
        """Of what the last `forwards` answered: the gradient of the mean cost for every weight, in the order
        of the parameters.
        """
        slope = self.slope_of(self.answers, targets)
        found: list[list[Tensor]] = []
        for place in range(len(self.layers) - 1, -1, -1):
            layer = self.layers[place]
            if isinstance(layer, _Sums):
                found.append(layer.gradients(slope))
                if not place:
                    break  # nobody asks for the slope of the inputs
            slope = layer.backwards(slope)
        return [gradient for gradients in reversed(found) for gradient in gradients]


# The slope of each mean cost at the answers. `F.cross_entropy` and the others in `costs` differentiate to the
# same.


def _of_squares(part: float) -> Callable[[Tensor, Tensor], Tensor]:
    def slope(answers: Tensor, targets: Tensor) -> Tensor:
        """part · 2 (y - t), over the number of examples: the error itself is the slope, which makes it the
        delta rule.
        """
        scale = answers.new_tensor(part * answers.shape[-1])
        return aten.mse_loss_backward.default(scale, answers, as_numbers(answers, targets), 1)  # type: ignore[no-any-return]

    return slope


def _of_binary_cross_entropy(answers: Tensor, targets: Tensor) -> Tensor:
    """(sigmoid(y) - t), over the number of examples."""
    slope: Tensor = aten.sub.Tensor(aten.sigmoid.default(answers), as_numbers(answers, targets))
    outputs = answers.shape[-1]
    return (slope if outputs == 1 else slope.mul_(outputs)).div_(answers.numel())


def _of_cross_entropy(answers: Tensor, targets: Tensor) -> Tensor:
    """(softmax(y) - 1 at the right class), over the number of examples."""
    logarithms = aten._log_softmax.default(answers, 1, False)
    one, count = answers.new_ones(()), answers.new_tensor(float(len(answers)))
    slope = aten.nll_loss_backward.default(one, logarithms, targets, None, 1, -100, count)
    return aten._log_softmax_backward_data.default(slope, logarithms, 1, answers.dtype)  # type: ignore[no-any-return]


SLOPES: dict[CostName, Callable[[Tensor, Tensor], Tensor]] = {
    "squared": _of_squares(1.0),
    "half squared": _of_squares(0.5),
    "cross-entropy": _of_cross_entropy,
    "binary cross-entropy": _of_binary_cross_entropy,
}
