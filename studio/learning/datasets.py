"""Data to learn from: examples as tensors, sequences of any length, well-known data sets, a table of your
own.

    data = load("digits")
    rest, test = data.split(0.25, seed=1)
    for batch in rest.batches(32): ...

A network can be fitted to anything that has a length and gives batches (`Data`): examples, sequences, or
batches made elsewhere.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple, Protocol, Self, cast, runtime_checkable

import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor

from studio.errors import Missing, Refused, UnknownName, Unreadable

LARGEST_TABLE = 64 * 2**20
SHUFFLED_AT_ONCE = 2**22


class Batch(NamedTuple):
    """Some examples.

    inputs: [n, …]; targets: class numbers [n] or [n, time], or values [n, outputs] or [n, time, outputs].
    mask: booleans [n] or [n, time], True where a target counts; None if all count. places: how many count.
    """

    inputs: Tensor
    targets: Tensor
    mask: Tensor | None
    places: int


@runtime_checkable
class Data(Protocol):
    """What a network can be fitted to."""

    def __len__(self) -> int:
        """How many examples there are."""

    def batches(
        self, size: int, order: Tensor | None = None, device: torch.device | None = None
    ) -> Iterator[Batch]:
        """Every example once, `size` at a time; the last batch may be smaller. order: a permutation of the
        examples' indices.
        """

    def batch_count(self, size: int) -> int:
        """The number of batches of that size."""

    def split(self, share: float, seed: int) -> tuple[Self, Self]:
        """Two disjoint parts; the second has about that share of the examples, chosen by the seed."""


class DataSource(BaseModel):
    """Where data comes from, for the card of a network that was trained on it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    source: str
    licence: str


class Scale(BaseModel):
    """How inputs are standardised: (x - mean) / deviation, for each feature of [n, features], or each channel
    of [n, channels, h, w].
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    mean: tuple[float, ...]
    deviation: tuple[float, ...]

    @classmethod
    def of(cls, inputs: Tensor) -> Scale:
        """The scale that gives these inputs mean 0 and deviation 1. A constant feature is only shifted."""
        axes = [axis for axis in range(inputs.ndim) if axis != 1]
        deviation, mean = torch.std_mean(inputs.double(), dim=axes, correction=0)
        constant = deviation <= 1e-12 * mean.abs().clamp(min=1)
        return cls(mean=tuple(mean.tolist()), deviation=tuple(deviation.masked_fill(constant, 1.0).tolist()))

    def apply(self, inputs: Tensor) -> Tensor:
        return (inputs - self._along(self.mean, inputs)) / self._along(self.deviation, inputs)

    def undo(self, standardised: Tensor) -> Tensor:
        return standardised * self._along(self.deviation, standardised) + self._along(self.mean, standardised)

    def _along(self, numbers: tuple[float, ...], inputs: Tensor) -> Tensor:
        if inputs.shape[1] != len(numbers):
            raise Refused(f"The inputs have {inputs.shape[1]} features; this scale is for {len(numbers)}.")
        return torch.tensor(numbers, dtype=inputs.dtype, device=inputs.device).view(
            -1, *[1] * (inputs.ndim - 2)
        )


@dataclass(frozen=True)
class Examples:
    """Examples of one shape, as two tensors.

    inputs: [n, …] float32 (or symbols, int64); targets: as in `Batch`. features, classes: their names, if
    any. Raises `Refused` for no examples, or different numbers of inputs and targets.
    """

    inputs: Tensor
    targets: Tensor
    features: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    origin: DataSource | None = None

    def __post_init__(self) -> None:
        if len(self.inputs) != len(self.targets):
            raise Refused(
                f"There are {len(self.inputs)} inputs and {len(self.targets)} "
                "targets; each example needs both."
            )
        if not len(self.inputs):
            raise Refused("There are no examples; give at least one.")

    def __len__(self) -> int:
        return len(self.inputs)

    def batches(
        self, size: int, order: Tensor | None = None, device: torch.device | None = None
    ) -> Iterator[Batch]:
        """See `Data`. Shuffles a large piece at a time: as fast as slicing, without a copy of the whole
        set.
        """
        whole = len(self)
        at_once = max(size, SHUFFLED_AT_ONCE // max(1, self.inputs[0].numel()) // size * size)
        places = _places(self.targets) // whole
        for start in range(0, whole, at_once):
            chosen = slice(start, start + at_once) if order is None else order[start : start + at_once]
            inputs, targets = self.inputs[chosen], self.targets[chosen]
            if device is not None:
                inputs, targets = inputs.to(device), targets.to(device)
            for some, theirs in zip(torch.split(inputs, size), torch.split(targets, size), strict=True):
                yield Batch(some, theirs, None, len(some) * places)

    def batch_count(self, size: int) -> int:
        return math.ceil(len(self) / size)

    def take(self, numbers: Tensor | Sequence[int]) -> Examples:
        """Only the examples of these numbers, in this order."""
        chosen = torch.as_tensor(numbers, dtype=torch.int64)
        return replace(self, inputs=self.inputs[chosen], targets=self.targets[chosen])

    def split(self, share: float, seed: int) -> tuple[Examples, Examples]:
        """See `Data`. If the targets are classes, each class is split in the same proportion."""
        is_classes = self.targets.ndim == 1 and not self.targets.is_floating_point()
        rest, held_out = _split(len(self), share, seed, self.targets if is_classes else None)
        return self.take(rest), self.take(held_out)

    def standardised(self, scale: Scale | None = None) -> tuple[Examples, Scale]:
        """The same with standardised inputs, and the scale used: take it from the training part and apply it
        to the others.
        """
        scale = scale or Scale.of(self.inputs)
        return replace(self, inputs=scale.apply(self.inputs)), scale


class Pair(NamedTuple):
    """One sequence: inputs [time] (symbols) or [time, inputs], targets [time] or [time, outputs], mask [time]
    or None.
    """

    inputs: Tensor
    targets: Tensor
    mask: Tensor | None = None


@dataclass(frozen=True)
class Sequences:
    """Sequences of different lengths. Batches are padded with zeros at the end; a mask marks what is real."""

    pairs: tuple[Pair, ...]
    origin: DataSource | None = None

    def __post_init__(self) -> None:
        if not self.pairs:
            raise Refused("There are no sequences; give at least one.")
        for number, pair in enumerate(self.pairs, start=1):
            if not len(pair.inputs) or len(pair.inputs) != len(pair.targets):
                raise Refused(
                    f"Sequence {number} has {len(pair.inputs)} inputs and {len(pair.targets)} targets; it "
                    "needs one target for each input."
                )

    @classmethod
    def predicting_next(cls, sequences: Sequence[Tensor], origin: DataSource | None = None) -> Sequences:
        """Predict each frame from those before: inputs are all frames but the last, targets all but the
        first.

        Raises `Refused` if a sequence has fewer than two frames.
        """
        short = next(
            (number for number, sequence in enumerate(sequences, start=1) if len(sequence) < 2), None
        )
        if short is not None:
            raise Refused(f"Sequence {short} has fewer than two frames; leave it out.")
        return cls(tuple(Pair(sequence[:-1], sequence[1:]) for sequence in sequences), origin)

    def __len__(self) -> int:
        return len(self.pairs)

    def batches(
        self, size: int, order: Tensor | None = None, device: torch.device | None = None
    ) -> Iterator[Batch]:
        numbers = list(range(len(self))) if order is None else order.tolist()
        for start in range(0, len(numbers), size):
            batch = _padded([self.pairs[number] for number in numbers[start : start + size]])
            yield batch if device is None else _on(batch, device)

    def batch_count(self, size: int) -> int:
        return math.ceil(len(self) / size)

    def by_length(self, size: int, generator: torch.Generator) -> Tensor:
        """A random order [n] in which sequences of similar length share a batch of that size, so that little
        is padded.
        """
        lengths = torch.tensor([len(pair.inputs) for pair in self.pairs], dtype=torch.float32)
        # Lengths are blurred by up to a quarter of their spread, so that batches differ from epoch to epoch.
        near = lengths + torch.rand(len(self), generator=generator) * (lengths.std(correction=0) / 4 + 1)
        batches = torch.split(near.argsort(), size)
        whole = [batch for batch in batches if len(batch) == size]  # a smaller one stays the last
        order = [whole[number] for number in torch.randperm(len(whole), generator=generator).tolist()]
        return torch.cat([*order, *batches[len(whole) :]])

    def split(self, share: float, seed: int) -> tuple[Sequences, Sequences]:
        rest, held_out = _split(len(self), share, seed, None)
        return (
            replace(self, pairs=tuple(self.pairs[number] for number in rest.tolist())),
            replace(self, pairs=tuple(self.pairs[number] for number in held_out.tolist())),
        )


@dataclass(frozen=True)
class Batches:
    """Batches made elsewhere. They stay as they are: shuffling only changes their order, and the plan's batch
    size is ignored.
    """

    made: tuple[Batch, ...]

    def __post_init__(self) -> None:
        if not self.made:
            raise Refused("There are no batches; give at least one.")

    def __len__(self) -> int:
        return len(self.made)

    def batches(
        self,
        size: int,  # noqa: ARG002
        order: Tensor | None = None,
        device: torch.device | None = None,
    ) -> Iterator[Batch]:
        for number in range(len(self)) if order is None else order.tolist():
            yield self.made[number] if device is None else _on(self.made[number], device)

    def batch_count(self, size: int) -> int:  # noqa: ARG002
        return len(self)

    def split(self, share: float, seed: int) -> tuple[Batches, Batches]:
        rest, held_out = _split(len(self), share, seed, None)
        return Batches(tuple(self.made[n] for n in rest.tolist())), Batches(
            tuple(self.made[n] for n in held_out.tolist())
        )


Given = Data | Sequence[Batch] | Sequence[tuple[Tensor, ...]]
"""Data in any of the forms that `as_data` accepts."""


def as_data(data: Given) -> Data:
    """`Data` from `Data`, from a sequence of `Batch`, or from single examples (input, target) or (input,
    target, mask).
    """
    if isinstance(data, Data):
        return data
    if all(isinstance(item, Batch) for item in data):
        return Batches(tuple(cast(Sequence[Batch], data)))
    pairs = tuple(Pair(*(torch.as_tensor(part) for part in item)) for item in data)
    alike = len({(pair.inputs.shape, pair.targets.shape) for pair in pairs}) == 1
    if alike and all(pair.mask is None for pair in pairs):
        return Examples(
            torch.stack([pair.inputs for pair in pairs]), torch.stack([pair.targets for pair in pairs])
        )
    return Sequences(pairs)


def _places(targets: Tensor) -> int:
    """The number of separate targets: one for each class number, or for each row of values."""
    if targets.is_floating_point() and targets.ndim > 1:
        return targets.numel() // targets.shape[-1]
    return targets.numel()


def _padded(pairs: Sequence[Pair]) -> Batch:
    lengths = [len(pair.inputs) for pair in pairs]
    inputs = torch.nn.utils.rnn.pad_sequence([pair.inputs for pair in pairs], batch_first=True)
    targets = torch.nn.utils.rnn.pad_sequence([pair.targets for pair in pairs], batch_first=True)
    if all(pair.mask is None for pair in pairs):
        if min(lengths) == max(lengths):
            return Batch(inputs, targets, None, sum(lengths))
        mask = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
        return Batch(inputs, targets, mask, sum(lengths))
    masks = [
        torch.ones(len(pair.inputs), dtype=torch.bool) if pair.mask is None else pair.mask.bool()
        for pair in pairs
    ]
    mask = torch.nn.utils.rnn.pad_sequence(masks, batch_first=True)
    return Batch(inputs, targets, mask, int(mask.sum()))


def _on(batch: Batch, device: torch.device) -> Batch:
    mask = None if batch.mask is None else batch.mask.to(device)
    return Batch(batch.inputs.to(device), batch.targets.to(device), mask, batch.places)


def _split(count: int, share: float, seed: int, classes: Tensor | None) -> tuple[Tensor, Tensor]:
    """Indices of the rest and of the examples held out, both shuffled. With classes, each class gives its
    share, rounded so that the total is right.
    """
    if not 0 < share < 1:
        raise Refused(f"A share of {share:g} cannot be held out; choose one between 0 and 1.")
    wanted = round(share * count)
    if not 0 < wanted < count:
        raise Refused(f"{count} examples cannot be split at {share:.0%}; one part would be empty.")
    shuffled = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
    if classes is None:
        return shuffled[wanted:], shuffled[:wanted]
    members = [shuffled[classes[shuffled] == number] for number in torch.unique(classes)]
    exact = [share * len(those) for those in members]
    taken = [math.floor(part) for part in exact]
    # The largest remainder method (Hamilton), as parliaments use it.
    for index in sorted(range(len(members)), key=lambda i: taken[i] - exact[i])[: wanted - sum(taken)]:
        taken[index] += 1
    held_out = torch.zeros(count, dtype=torch.bool)
    for those, some in zip(members, taken, strict=True):
        held_out[those[:some]] = True
    return shuffled[~held_out[shuffled]], shuffled[held_out[shuffled]]


# Well-known data sets


@dataclass(frozen=True)
class KnownSet:
    """A public data set. read: returns (all or training examples, test examples if there is an official test
    set).
    """

    name: str
    sentence: str
    origin: DataSource
    read: Callable[[KnownSet, Path | None, bool], tuple[Examples, Examples | None]] = field(repr=False)
    needs_download: bool = False


def load(name: str, *, folder: Path | None = None, download: bool = False) -> Examples:
    """The examples of a well-known set; only the training part if there is an official test set
    (`load_test`).

    folder: where downloaded sets are kept. Inputs are float32: measurements as they are, pixels in 0..1 as
    [n, channels, h, w].
    Raises `UnknownName`, and `Missing` for a set that is not on this machine.
    """
    known = _known(name)
    return known.read(known, folder, download)[0]


def load_test(name: str, *, folder: Path | None = None, download: bool = False) -> Examples:
    """The official test set. Raises `Refused` if there is none, otherwise as `load`."""
    known = _known(name)
    if not known.needs_download:
        raise Refused(f"The set '{name}' has no official test set; hold some of it out with split().")
    test = known.read(known, folder, download)[1]
    assert test is not None
    return test


def _known(name: str) -> KnownSet:
    if name not in KNOWN_SETS:
        raise UnknownName("data set", name, KNOWN_SETS)
    return KNOWN_SETS[name]


def _from_sklearn(known: KnownSet, folder: Path | None, download: bool) -> tuple[Examples, None]:  # noqa: ARG001
    """The data sets that come with scikit-learn."""
    import sklearn.datasets

    found = getattr(sklearn.datasets, f"load_{known.name.replace('-', '_')}")()
    inputs = torch.as_tensor(found.data, dtype=torch.float32)
    if known.name == "digits":
        inputs = inputs.view(-1, 1, 8, 8) / 16
    features = (
        ()
        if known.name == "digits"
        else tuple(str(name).removesuffix(" (cm)") for name in found.feature_names)
    )
    classes = tuple(str(name) for name in found.target_names)
    return Examples(
        inputs, torch.as_tensor(found.target, dtype=torch.int64), features, classes, known.origin
    ), None


def _from_torchvision(known: KnownSet, folder: Path | None, download: bool) -> tuple[Examples, Examples]:
    """MNIST and CIFAR-10, read by torchvision, which checks each file's MD5 first."""
    from torchvision import datasets  # type: ignore[import-untyped]

    reader = {"mnist": datasets.MNIST, "cifar10": datasets.CIFAR10}[known.name]
    place = folder or Path("data")

    def part(train: bool) -> Examples:
        try:
            found = reader(str(place), train=train, download=download)
        except (RuntimeError, OSError, ValueError):
            why = "could not be downloaded" if download else "is not on this machine"
            raise Missing(
                f"The set '{known.name}' {why}: copy its files from {known.origin.source} into the folder "
                f"{place}, or download it once; {', '.join(OFFLINE_SETS)} need no download."
            ) from None
        pixels = torch.as_tensor(found.data).float() / 255
        pixels = pixels.unsqueeze(1) if pixels.ndim == 3 else pixels.permute(0, 3, 1, 2).contiguous()
        classes = tuple(str(name) for name in found.classes)
        return Examples(pixels, torch.as_tensor(found.targets, dtype=torch.int64), (), classes, known.origin)

    return part(True), part(False)


_UCI = "https://archive.ics.uci.edu/dataset"
KNOWN_SETS = {
    known.name: known
    for known in (
        KnownSet(
            "iris",
            "150 irises of three species, four measurements each.",
            DataSource(name="Iris (R. A. Fisher, 1936)", source=f"{_UCI}/53/iris", licence="CC BY 4.0"),
            _from_sklearn,
        ),
        KnownSet(
            "wine",
            "178 wines from three growers, thirteen chemical measurements each.",
            DataSource(
                name="Wine (S. Aeberhard, M. Forina, 1991)", source=f"{_UCI}/109/wine", licence="CC BY 4.0"
            ),
            _from_sklearn,
        ),
        KnownSet(
            "breast-cancer",
            "569 tumours, malignant or benign, thirty measurements of cells each.",
            DataSource(
                name="Breast Cancer Wisconsin, Diagnostic "
                "(W. Wolberg, O. Mangasarian, N. Street, W. Street, 1993)",
                source=f"{_UCI}/17/breast+cancer+wisconsin+diagnostic",
                licence="CC BY 4.0",
            ),
            _from_sklearn,
        ),
        KnownSet(
            "digits",
            "1,797 handwritten digits of 8 x 8 pixels.",
            DataSource(
                name="Optical Recognition of Handwritten Digits (E. Alpaydin, C. Kaynak, 1998)",
                source=f"{_UCI}/80/optical+recognition+of+handwritten+digits",
                licence="CC BY 4.0",
            ),
            _from_sklearn,
        ),
        KnownSet(
            "mnist",
            "70,000 handwritten digits of 28 x 28 pixels.",
            DataSource(
                name="MNIST (Y. LeCun, C. Cortes, C. Burges, 1998)",
                source="http://yann.lecun.com/exdb/mnist/",
                licence="CC BY-SA 3.0",
            ),
            _from_torchvision,
            needs_download=True,
        ),
        KnownSet(
            "cifar10",
            "60,000 photographs of 32 x 32 pixels in ten classes.",
            DataSource(
                name="CIFAR-10 (A. Krizhevsky, 2009)",
                source="https://www.cs.toronto.edu/~kriz/cifar.html",
                licence="none stated; for research and teaching, cite the report",
            ),
            _from_torchvision,
            needs_download=True,
        ),
    )
}
OFFLINE_SETS = tuple(known.name for known in KNOWN_SETS.values() if not known.needs_download)


# A table of your own


def read_csv(content: bytes | str, target: str | None = None, *, name: str = "The table") -> Examples:
    """Examples from a table with a header row, separated by commas, tabs or semicolons (which allow decimal
    commas).

    target: the name of the column to predict; the last one if None. All others must hold numbers. A target of
    words gives classes; one of numbers gives values [n, 1], except for a few whole numbers (at most 20, each
    about twice or more), which are classes.
    Raises `Unreadable`, naming the line, and `UnknownName` for a column that does not exist.
    """
    heading, rows, decimal = _table(content, name)
    if target is not None and target not in heading:
        raise UnknownName("column", target, heading)
    place = heading.index(target) if target is not None else len(heading) - 1
    features = [number for number in range(len(heading)) if number != place]
    inputs = [[_number(row[column], decimal) for column in features] for _, row in rows]
    for (line, row), numbers in zip(rows, inputs, strict=True):
        for column, number in zip(features, numbers, strict=True):
            if number is None:
                cell = row[column].strip()
                said = f"holds '{cell[:40]}', which is not a number" if cell else "is empty"
                raise Unreadable(
                    f"{name}, line {line}: column '{heading[column]}' {said}; only the target may hold words."
                )
    targets, classes = _targets([row[place] for _, row in rows], decimal)
    return Examples(
        torch.tensor(inputs, dtype=torch.float32),
        targets,
        tuple(heading[column] for column in features),
        classes,
    )


def _table(content: bytes | str, name: str) -> tuple[list[str], list[tuple[int, list[str]]], str]:
    if len(content) > LARGEST_TABLE:
        raise Unreadable(f"{name} is larger than {LARGEST_TABLE // 2**20} MB; keep fewer rows.")
    text = content if isinstance(content, str) else _decoded(content)
    if "\0" in text:
        raise Unreadable(f"{name} is not a text table; export it as CSV.")
    first = text.lstrip().split("\n", 1)[0]
    separator = max((",", ";", "\t"), key=first.count)
    try:
        reader = csv.reader(io.StringIO(text), delimiter=separator)
        lines = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise Unreadable(f"{name} cannot be read as a table ({error}); export it as CSV.") from None
    if len(lines) < 2 or len(lines[0][1]) < 2:
        raise Unreadable(
            f"{name} needs a header row, at least two columns and at least one row; export it as CSV."
        )
    heading = [cell.strip() for cell in lines[0][1]]
    if len(set(heading)) < len(heading):
        raise Unreadable(f"{name} has two columns of the same name; give each its own.")
    for line, row in lines[1:]:
        if len(row) != len(heading):
            raise Unreadable(
                f"{name}, line {line}: {len(row)} cells for {len(heading)} columns; give each row one cell "
                "for each column."
            )
    return heading, lines[1:], "," if separator == ";" else "."


def _decoded(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _number(cell: str, decimal: str) -> float | None:
    try:
        number = float(cell.strip().replace(decimal, "."))
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _targets(cells: list[str], decimal: str) -> tuple[Tensor, tuple[str, ...]]:
    numbers = [_number(cell, decimal) for cell in cells]
    exact = [number for number in numbers if number is not None]
    if len(exact) == len(cells):
        kinds = sorted(set(exact))
        few = (
            2 <= len(kinds) <= 20
            and all(number.is_integer() for number in kinds)
            and len(cells) >= 2 * len(kinds)
        )
        if not few:
            return torch.tensor(exact, dtype=torch.float32).unsqueeze(1), ()
        names = [f"{number:g}" for number in kinds]
        return torch.tensor([kinds.index(number) for number in exact]), tuple(names)
    words = [cell.strip() or "(nothing)" for cell in cells]
    names = sorted(set(words))
    numbered = {word: number for number, word in enumerate(names)}
    return torch.tensor([numbered[word] for word in words]), tuple(names)
