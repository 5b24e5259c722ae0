"""Networks, each described by a small configuration from which it can be built again, bit for bit.

    network = Perceptron(inputs=2, hidden=(4, 2), outputs=1, activation="tanh", seed=1).build()

A checkpoint's card holds the configuration, as JSON that is checked before anything is allocated. The
starting weights depend on its seed alone; building a network neither uses nor changes torch's global random
state.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import Annotated, Any, Literal, Self, cast, get_args

import torch
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator
from torch import Tensor, nn

from studio.errors import Unreadable

Activation = Literal["relu", "tanh", "sigmoid", "linear"]
Start = Literal["torch", "he", "xavier", "playground", "zero"]
"""How weights are initialised: as torch does; He et al. (2015), for relu; Glorot and Bengio (2010), for tanh
and sigmoid; as in TensorFlow's Playground (weights uniform in -0.5..0.5, biases 0.1); all zero, where a
network with hidden layers gets stuck.
"""

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "linear": nn.Identity,
}

Width = Annotated[int, Field(ge=1, le=65_536)]
Share = Annotated[float, Field(ge=0, lt=1)]


class NetworkConfig(BaseModel):
    """What all configurations share. `build` returns the network on the CPU, with its `config`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = Field(default=0, ge=0, le=2**31 - 1)

    def build(self) -> Network:
        """The network with its starting weights, ready to train."""
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(self.seed)
            network = self._network()
        network.config = self
        return network

    @abstractmethod
    def _network(self) -> Network:
        """The layers. Their weights come from torch's global generator, which has been seeded."""


class Network(nn.Module):
    """A network that knows the configuration it was built from."""

    config: NetworkConfig


class Neuron(NetworkConfig):
    """One linear neuron: a weighted sum, with or without a bias. [n, inputs] -> [n, 1]. weights: the starting
    weights; by default, they come from the seed.
    """

    kind: Literal["neuron"] = "neuron"
    inputs: Width
    bias: bool = True
    weights: tuple[float, ...] | None = None

    @model_validator(mode="after")
    def _a_weight_for_each_input(self) -> Self:
        if self.weights is not None and len(self.weights) != self.inputs:
            raise ValueError(f"{len(self.weights)} weights for {self.inputs} inputs; give one for each.")
        return self

    def _network(self) -> Network:
        weighted_sum = nn.Linear(self.inputs, 1, bias=self.bias)
        if self.weights is not None:
            with torch.no_grad():
                weighted_sum.weight.copy_(torch.tensor([self.weights]))
                if self.bias:
                    weighted_sum.bias.zero_()
        return Layered(weighted_sum)


class Perceptron(NetworkConfig):
    """Fully connected layers. [n, inputs] -> [n, outputs].

    inputs: how many numbers, or the shape (channels, height, width) of pictures, which are flattened first.
    hidden: neurons of each hidden layer; none makes it linear. output: activation of the last layer; leave it
    linear for the cross-entropies, which expect logits.
    """

    kind: Literal["perceptron"] = "perceptron"
    inputs: Width | tuple[Width, Width, Width]
    hidden: Annotated[tuple[Width, ...], Field(max_length=32)] = ()
    outputs: Width = 1
    activation: Activation = "relu"
    output: Activation = "linear"
    start: Start = "torch"
    dropout: Share = 0.0

    def _network(self) -> Network:
        layers: list[nn.Module] = []
        width = self.inputs
        if isinstance(width, tuple):
            layers.append(nn.Flatten())
            width = math.prod(width)
        for wide in self.hidden:
            layers += [_started(nn.Linear(width, wide), self.start), ACTIVATIONS[self.activation]()]
            if self.dropout:
                layers.append(nn.Dropout(self.dropout))
            width = wide
        layers.append(_started(nn.Linear(width, self.outputs), self.start))
        if self.output != "linear":
            layers.append(ACTIVATIONS[self.output]())
        return Layered(*layers)


class Convolutional(NetworkConfig):
    """A small picture classifier: convolutional blocks, then dense layers. [n, channels, h, w] -> [n,
    classes].

    shape: (channels, height, width) of the pictures, such as (1, 8, 8), (1, 28, 28) or (3, 32, 32). channels:
    of each block, which is a convolution, batch norm, relu, and 2 x 2 max pooling while both sides are at
    least 2. The blocks are called blocks.0, blocks.1 …, so that one can dream with them.
    """

    kind: Literal["convolutional"] = "convolutional"
    shape: tuple[Width, Width, Width]
    classes: Width
    channels: Annotated[tuple[Width, ...], Field(min_length=1, max_length=16)] = (16, 32)
    kernel: Literal[1, 3, 5, 7] = 3
    batch_norm: bool = True
    hidden: Width = 64
    dropout: Share = 0.0

    def _network(self) -> Network:
        return PictureClassifier(self)


class Recurrent(NetworkConfig):
    """A long short-term memory (Hochreiter and Schmidhuber, 1997) with an output after every frame of a
    sequence.

    Either tokens: the inputs are symbols [n, time] in 0..tokens-1, each embedded as `embedding` numbers; or
    inputs: they are vectors [n, time, inputs], such as the frames of a piano roll. outputs: [n, time,
    outputs]. dropout: on the output of each layer (Zaremba et al., 2014), the last one included.
    input_dropout: on the inputs. recurrent_dropout: on the recurrent weights, drawn once for each batch
    (DropConnect; Merity, Keskar and Socher, 2018).
    """

    kind: Literal["lstm"] = "lstm"
    tokens: Width | None = None
    inputs: Width | None = None
    embedding: Width = 64
    hidden: Width = 128
    layers: int = Field(default=1, ge=1, le=8)
    outputs: Width
    dropout: Share = 0.0
    input_dropout: Share = 0.0
    recurrent_dropout: Share = 0.0

    @model_validator(mode="after")
    def _tokens_or_inputs(self) -> Self:
        if (self.tokens is None) == (self.inputs is None):
            raise ValueError("give either tokens (the number of symbols) or inputs (the numbers in a frame).")
        return self

    def _network(self) -> Network:
        return SequenceNetwork(self)


AnyConfig = Annotated[Neuron | Perceptron | Convolutional | Recurrent, Field(discriminator="kind")]
KINDS: tuple[str, ...] = tuple(
    cast(str, kind.model_fields["kind"].default) for kind in get_args(get_args(AnyConfig)[0])
)


def read_config(fields: dict[str, Any]) -> NetworkConfig:
    """A configuration from its JSON. Raises `Unreadable`, naming what is wrong."""
    try:
        config: NetworkConfig = TypeAdapter(AnyConfig).validate_python(fields)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"] if part not in KINDS) or "kind"
        said = first["msg"].removeprefix("Value error, ").rstrip(".")
        raise Unreadable(
            f"The description of the network is not valid: {place}: {said[:1].lower()}{said[1:]}."
        ) from None
    return config


class Layered(nn.Sequential, Network):
    """One layer after the other."""

    def activations(self, inputs: Tensor) -> list[Tensor]:
        """The output of each layer of neurons, after its activation: a tensor [n, width] for each layer, the
        last one being the network's output.
        """
        outputs: list[Tensor] = []
        for layer in self:
            inputs = layer(inputs)
            if isinstance(layer, nn.Linear):
                outputs.append(inputs)
            elif outputs:
                outputs[-1] = inputs
        return outputs


class PictureClassifier(Network):
    """See `Convolutional`."""

    def __init__(self, config: Convolutional) -> None:
        super().__init__()
        before, height, width = config.shape
        blocks = []
        for channels in config.channels:
            layers: list[nn.Module] = [
                nn.Conv2d(before, channels, config.kernel, padding="same", bias=not config.batch_norm)
            ]
            if config.batch_norm:
                layers.append(nn.BatchNorm2d(channels))
            layers.append(nn.ReLU())
            if min(height, width) >= 2:
                layers.append(nn.MaxPool2d(2))
                height, width = height // 2, width // 2
            blocks.append(nn.Sequential(*layers))
            before = channels
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Sequential(
            nn.Flatten(),
            nn.Linear(before * height * width, config.hidden),
            nn.ReLU(),
            nn.Dropout(config.dropout),
            nn.Linear(config.hidden, config.classes),
        )

    def forward(self, pictures: Tensor) -> Tensor:
        classes: Tensor = self.head(self.blocks(pictures))
        return classes


Memory = tuple[Tensor, Tensor]
"""The state that an LSTM carries from frame to frame: hidden and cell state, each [layers, n, hidden]."""


class SequenceNetwork(Network):
    """See `Recurrent`. An output depends only on its frame and those before, so padding at the end is
    harmless.
    """

    def __init__(self, config: Recurrent) -> None:
        super().__init__()
        self.embedding = nn.Embedding(config.tokens, config.embedding) if config.tokens is not None else None
        width = config.embedding if config.inputs is None else config.inputs
        between = config.dropout if config.layers > 1 else 0.0
        self.lstm = nn.LSTM(width, config.hidden, config.layers, batch_first=True, dropout=between)
        self.input_dropout, self.dropout = nn.Dropout(config.input_dropout), nn.Dropout(config.dropout)
        self.recurrent_dropout = nn.Dropout(config.recurrent_dropout)
        self.output = nn.Linear(config.hidden, config.outputs)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.following(inputs, None)[0]

    def following(self, inputs: Tensor, memory: Memory | None) -> tuple[Tensor, Memory]:
        """The outputs for the next frames of some sequences, and the memory after them.

        inputs: [n, time] or [n, time, inputs]; memory: of the frames before, None at the beginning; outputs:
        [n, time, outputs].
        """
        shown = inputs if self.embedding is None else self.embedding(inputs)
        shown, dropped = self.input_dropout(shown), {}
        if self.training and self.recurrent_dropout.p:
            dropped = {
                name: self.recurrent_dropout(weight)
                for name, weight in self.lstm.named_parameters()
                if name.startswith("weight_hh")
            }
        seen, memory = (
            torch.func.functional_call(self.lstm, dropped, (shown, memory))
            if dropped
            else self.lstm(shown, memory)
        )
        return self.output(self.dropout(seen)), memory


def _started(layer: nn.Linear, start: Start) -> nn.Linear:
    with torch.no_grad():
        match start:
            case "torch":
                return layer
            case "he":
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                layer.bias.zero_()
            case "xavier":
                nn.init.xavier_uniform_(layer.weight)
                layer.bias.zero_()
            case "playground":
                layer.weight.uniform_(-0.5, 0.5)
                layer.bias.fill_(0.1)
            case "zero":
                layer.weight.zero_()
                layer.bias.zero_()
    return layer
