"""Data: batches and splits lose and repeat nothing, the known sets are those of scikit-learn, tables agree
with Python's csv.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sklearn.datasets
import sklearn.preprocessing
import torch

from studio.errors import Missing, Refused, StudioError, UnknownName, Unreadable
from studio.learning import datasets
from studio.learning.datasets import (
    KNOWN_SETS,
    Batch,
    Batches,
    Data,
    Examples,
    Scale,
    Sequences,
    as_data,
    load,
    load_test,
    read_csv,
)


def numbered(count: int) -> Examples:
    return Examples(torch.arange(count).float().unsqueeze(1), torch.arange(count) % 3)


@pytest.mark.parametrize("count", [1, 7, 30, 101])
@pytest.mark.parametrize("at_once", [1, 2**22])
def test_batches_hold_every_example_once_in_the_order_asked_for(
    count: int, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(datasets, "SHUFFLED_AT_ONCE", at_once)
    data, order = numbered(count), torch.randperm(count)
    for asked in (None, order):
        batches = list(data.batches(7, asked))
        expected = list(range(count)) if asked is None else order.tolist()
        assert torch.cat([batch.inputs for batch in batches]).ravel().tolist() == expected
        assert torch.cat([batch.targets for batch in batches]).tolist() == [number % 3 for number in expected]
        assert [len(batch.inputs) for batch in batches[:-1]] == [7] * (len(batches) - 1)
        assert len(batches) == data.batch_count(7)
        assert sum(batch.places for batch in batches) == count


@pytest.mark.parametrize(
    "data",
    [numbered(40), Sequences.predicting_next([torch.arange(n) for n in range(2, 42)])],
    ids=["examples", "sequences"],
)
def test_a_split_shares_nothing_and_is_decided_by_its_seed(data: Data) -> None:
    def contents(part: Data) -> list[list[float]]:
        return [batch.inputs.ravel().tolist() for batch in part.batches(1)]

    rest, held_out = data.split(0.25, seed=4)
    assert (len(rest), len(held_out)) == (30, 10)
    assert sorted(contents(rest) + contents(held_out)) == sorted(contents(data))
    torch.manual_seed(99)
    again = data.split(0.25, seed=4)
    assert contents(again[1]) == contents(held_out)
    assert contents(data.split(0.25, seed=5)[1]) != contents(held_out)


@pytest.mark.parametrize("share", [0.1, 0.25, 1 / 3, 0.5])
def test_a_split_keeps_the_proportions_of_the_classes(share: float) -> None:
    classes = torch.tensor([0] * 90 + [1] * 30 + [2] * 7)
    data = Examples(torch.zeros(127, 2), classes)
    rest, held_out = data.split(share, seed=1)
    assert len(held_out) == round(127 * share)
    for number, count in Counter(classes.tolist()).items():
        assert abs(int((held_out.targets == number).sum()) - share * count) < 1
    assert len(rest) + len(held_out) == 127


@pytest.mark.parametrize("share", [0, 1, -0.5, 0.001, float("nan")])
def test_a_share_that_leaves_a_part_empty_is_refused(share: float) -> None:
    with pytest.raises(Refused):
        numbered(10).split(share, seed=0)


def test_standardising_is_that_of_scikit_learn_and_can_be_undone() -> None:
    inputs = torch.randn(50, 4, generator=torch.Generator().manual_seed(1)) * torch.tensor(
        [1.0, 100.0, 0.01, 0.0]
    ) + torch.tensor([0.0, -5.0, 3.0, 7.0])
    data, scale = Examples(inputs, torch.zeros(50, 1)).standardised()
    expected = sklearn.preprocessing.StandardScaler().fit_transform(inputs.double().numpy())
    assert data.inputs.numpy() == pytest.approx(expected, abs=1e-4)
    assert torch.allclose(scale.undo(data.inputs), inputs, atol=1e-4)
    stored = Scale.model_validate_json(scale.model_dump_json())
    assert torch.equal(stored.apply(inputs), data.inputs)
    pictures = torch.rand(10, 3, 4, 4)
    each = Scale.of(pictures).apply(pictures)
    assert each.mean((0, 2, 3)).abs().max() < 1e-5
    assert each.std((0, 2, 3), correction=0).numpy() == pytest.approx(1, abs=1e-4)
    with pytest.raises(Refused, match="3 features; this scale is for 4"):
        scale.apply(torch.zeros(2, 3))


def test_single_examples_become_tensors_or_sequences_and_batches_stay() -> None:
    alike = as_data([(torch.zeros(3), torch.tensor(1)), (torch.ones(3), torch.tensor(2))])
    assert isinstance(alike, Examples)
    assert alike.targets.tolist() == [1, 2]
    ragged = as_data([(torch.ones(2, 4), torch.zeros(2, 4)), (torch.ones(5, 4), torch.ones(5, 4))])
    assert isinstance(ragged, Sequences)
    (batch,) = ragged.batches(2)
    assert batch.inputs.shape == (2, 5, 4)
    assert batch.mask is not None
    assert batch.mask.sum(1).tolist() == [2, 5]
    assert batch.places == 7
    assert batch.inputs[0, 2:].abs().sum() == 0
    ready = as_data([Batch(torch.zeros(2, 1), torch.zeros(2, 1), None, 2)])
    assert isinstance(ready, Batches)
    assert as_data(ready) is ready


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Examples(torch.zeros(3, 1), torch.zeros(2)),
        lambda: Examples(torch.zeros(0, 1), torch.zeros(0)),
        lambda: Sequences(()),
        lambda: Batches(()),
        lambda: as_data([]),
        lambda: as_data([(torch.zeros(3, 2), torch.zeros(4, 2)), (torch.zeros(2, 2), torch.zeros(2, 2))]),
        lambda: Sequences.predicting_next([torch.zeros(5), torch.zeros(1)]),
    ],
)
def test_what_cannot_be_learnt_from_is_refused(wrong: Any) -> None:
    with pytest.raises(Refused):
        wrong()


@pytest.mark.parametrize("name", datasets.OFFLINE_SETS)
def test_the_offline_sets_are_those_of_scikit_learn(name: str) -> None:
    data = load(name)
    inputs, targets = getattr(sklearn.datasets, f"load_{name.replace('-', '_')}")(return_X_y=True)
    assert data.inputs.reshape(len(data), -1).numpy() == pytest.approx(
        inputs / (16 if name == "digits" else 1), rel=1e-6
    )
    assert data.targets.numpy().tolist() == targets.tolist()
    assert len(data.classes) == len(set(targets))
    assert len(data.features) == (0 if name == "digits" else inputs.shape[1])
    assert data.origin is not None
    assert data.origin.licence
    assert f"{len(data):,}" in KNOWN_SETS[name].sentence
    with pytest.raises(Refused, match="no official test set"):
        load_test(name)


@pytest.mark.parametrize("name", ["mnist", "cifar10"])
def test_a_set_that_is_not_here_is_missed_with_what_to_do(name: str, tmp_path: Path) -> None:
    for wanted in (load, load_test):
        with pytest.raises(Missing, match="iris, wine, breast-cancer, digits need no download") as told:
            wanted(name, folder=tmp_path)
        assert str(tmp_path) in str(told.value)


def test_mnist_is_read_from_a_folder_with_its_files(tmp_path: Path) -> None:
    """Files in MNIST's own format (idx), written by hand; torchvision reads them."""
    generator = np.random.default_rng(0)
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    written = {}
    for part, count in (("train", 5), ("t10k", 3)):
        pixels, labels = (
            generator.integers(0, 256, (count, 28, 28), dtype=np.uint8),
            generator.integers(0, 10, count, dtype=np.uint8),
        )
        sizes = b"".join(number.to_bytes(4, "big") for number in (count, 28, 28))
        (raw / f"{part}-images-idx3-ubyte").write_bytes(b"\0\0\x08\x03" + sizes + pixels.tobytes())
        (raw / f"{part}-labels-idx1-ubyte").write_bytes(b"\0\0\x08\x01" + sizes[:4] + labels.tobytes())
        written[part] = pixels, labels
    for part, data in (
        ("train", load("mnist", folder=tmp_path)),
        ("t10k", load_test("mnist", folder=tmp_path)),
    ):
        pixels, labels = written[part]
        assert data.inputs.shape == (len(labels), 1, 28, 28)
        assert data.inputs.numpy()[:, 0] * 255 == pytest.approx(pixels, abs=1e-3)
        assert data.targets.tolist() == labels.tolist()


def test_an_unknown_set_is_met_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match="did you mean 'digits'"):
        load("digit")


# Tables


def test_a_table_of_classes() -> None:
    data = read_csv(
        b"\xef\xbb\xbfweight,texture,fruit\n150, 0.9 ,apple\n170,1e-1,orange\n\n140,0.8,apple\n",
        target="fruit",
    )
    assert data.features == ("weight", "texture")
    assert data.classes == ("apple", "orange")
    assert data.targets.tolist() == [0, 1, 0]
    assert data.inputs.tolist() == [
        [150, pytest.approx(0.9)],
        [170, pytest.approx(0.1)],
        [140, pytest.approx(0.8)],
    ]


def test_a_table_with_semicolons_and_decimal_commas() -> None:
    data = read_csv("preis;menge\n1,5;2\n0,25;3\n", target="preis")
    assert data.targets.tolist() == [[1.5], [0.25]]
    assert data.inputs.tolist() == [[2], [3]]
    assert data.classes == ()


def test_a_few_whole_numbers_are_classes_and_many_are_numbers() -> None:
    few = read_csv("x\tclass\n" + "".join(f"{n}\t{n % 2 * 5}\n" for n in range(10)))
    assert few.classes == ("0", "5")
    assert few.targets.tolist() == [0, 1] * 5
    many = read_csv("x,y\n" + "".join(f"{n},{n}\n" for n in range(10)))
    assert many.targets.shape == (10, 1)


@pytest.mark.parametrize(
    ("table", "error", "sentence"),
    [
        ("a,b\n1,2\n1,x\n", None, ""),
        ("a,b\nx,2\n", Unreadable, "line 2: column 'a' holds 'x', which is not a number"),
        ("a,b\n1,2\n,3\n", Unreadable, "line 3: column 'a' is empty"),
        ("a,b\nnan,2\n", Unreadable, "not a number"),
        ("a,b\n1,2,3\n", Unreadable, "line 2: 3 cells for 2 columns"),
        ("a,a\n1,2\n", Unreadable, "same name"),
        ("a,b\n", Unreadable, "at least one row"),
        ("a\n1\n", Unreadable, "two columns"),
        ("", Unreadable, "header row"),
        (b"PK\x03\x04\0\0", Unreadable, "not a text table"),
        (b"a,b\n" + b"9" * 200_000 + b",1\n", Unreadable, "cannot be read|not a number"),
    ],
)
def test_tables_that_cannot_be_used_are_told_by_the_line(
    table: Any, error: type[StudioError] | None, sentence: str
) -> None:
    if error is None:
        assert read_csv(table).classes == ("2", "x")
        return
    with pytest.raises(error, match=sentence):
        read_csv(table)


def test_a_column_that_is_not_there_is_met_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match="did you mean 'texture'"):
        read_csv("texture,fruit\n1,a\n", target="textur")


def test_sequences_of_like_length_share_a_batch_and_none_is_missing() -> None:
    lengths = torch.randint(1, 120, (90,), generator=torch.Generator().manual_seed(4)).tolist()
    data = Sequences.predicting_next(
        [torch.full((length + 1, 1), float(number)) for number, length in enumerate(lengths)]
    )

    def padded(order: torch.Tensor) -> int:
        batches = list(data.batches(8, order))
        met = sorted(int(batch.inputs[row, 0, 0]) for batch in batches for row in range(len(batch.inputs)))
        assert met == list(range(90))
        assert len(batches) == data.batch_count(8)
        return sum(batch.inputs.shape[0] * batch.inputs.shape[1] for batch in batches) - sum(lengths)

    generator = torch.Generator().manual_seed(1)
    first, second = data.by_length(8, generator), data.by_length(8, generator)
    assert padded(first) < padded(torch.randperm(90, generator=generator)) / 3
    assert not torch.equal(first, second)
    together = [{frozenset(batch.tolist()) for batch in order.split(8)} for order in (first, second)]
    assert len(together[0] & together[1]) <= 3, "in another epoch most have other company"
    shortest = [min(lengths[number] for number in batch) for batch in first.split(8)]
    assert shortest != sorted(shortest), "the batches come in any order"
