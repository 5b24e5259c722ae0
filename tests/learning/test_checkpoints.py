"""Checkpoints: what is saved can be loaded, what is broken is refused in one sentence, and a crash leaves the
old model or the new one.
"""

from __future__ import annotations

import hashlib
import json
import os
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from studio.errors import Missing, Refused, StudioError, Unreadable
from studio.learning.checkpoints import Card, load, load_training, save, save_training
from studio.learning.datasets import DataSource, Examples, Scale
from studio.learning.networks import Convolutional, Neuron, Perceptron, Recurrent
from studio.learning.training import Plan, TrainingState, fit

CARD = Card(
    name="clouds",
    what="Tells three clouds of points apart.",
    data=(DataSource(name="drawn points", source="made by the studio", licence="CC0"),),
    licence="CC0",
    command="studio train clouds",
    figures={"test accuracy": 0.93},
    scale=Scale(mean=(0.5, 1.0), deviation=(2.0, 3.0)),
    classes=("one", "two", "three"),
)
CONFIGS = [
    Neuron(inputs=3, weights=(1.0, 2.0, 3.0)),
    Perceptron(inputs=2, hidden=(4, 2), outputs=3, start="xavier", seed=3),
    Convolutional(shape=(3, 8, 8), classes=4, channels=(4, 6), hidden=8, dropout=0.2),
    Recurrent(tokens=9, embedding=3, hidden=5, layers=2, outputs=9, seed=1),
]


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: str(config.kind))
def test_a_network_comes_back_with_its_card(config: Any, tmp_path: Path) -> None:
    network = config.build()
    with torch.no_grad():
        for weight in network.parameters():
            weight.add_(0.25)
    saved = save(network, CARD, tmp_path / "clouds.v1.5")
    model = load(tmp_path / "clouds.v1.5.json")
    assert model.card == saved
    assert model.network.config == config
    assert not model.network.training
    state = network.state_dict()
    assert all(torch.equal(tensor, state[name]) for name, tensor in model.network.state_dict().items())
    assert model.card.figures == CARD.figures
    assert model.card.versions["torch"] == torch.__version__

    # Read by others: any safetensors reader, any JSON reader, any sha256.
    weights = tmp_path / "clouds.v1.5.safetensors"
    assert load_file(weights).keys() == state.keys()
    card = json.loads((tmp_path / "clouds.v1.5.json").read_text("utf-8"))
    assert card["sha256"] == hashlib.sha256(weights.read_bytes()).hexdigest()
    assert card["data"][0]["licence"] == "CC0"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clouds.v1.5.json", "clouds.v1.5.safetensors"]


def test_the_same_weights_give_the_same_file(tmp_path: Path) -> None:
    first = save(CONFIGS[2].build(), CARD, tmp_path / "one")
    second = save(CONFIGS[2].build(), CARD, tmp_path / "two.safetensors")
    assert first == second
    assert (tmp_path / "one.safetensors").read_bytes() == (tmp_path / "two.safetensors").read_bytes()


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    save(CONFIGS[1].build(), CARD, tmp_path / "clouds")
    return tmp_path / "clouds"


def edit_card(path: Path, **changes: Any) -> None:
    card = path.with_suffix(".json")
    card.write_text(json.dumps(json.loads(card.read_text()) | changes))


def rehash(path: Path) -> None:
    edit_card(path, sha256=hashlib.sha256(path.with_suffix(".safetensors").read_bytes()).hexdigest())


def flip_a_bit(path: Path) -> None:
    weights = path.with_suffix(".safetensors")
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)


def cut(path: Path) -> None:
    weights = path.with_suffix(".safetensors")
    weights.write_bytes(weights.read_bytes()[:-10])


def cut_and_rehash(path: Path) -> None:
    cut(path)
    rehash(path)


def a_pickle(path: Path) -> None:
    path.with_suffix(".safetensors").write_bytes(pickle.dumps({"weights": [1, 2]}))
    rehash(path)


def another_network(path: Path) -> None:
    save_file(
        Perceptron(inputs=2, hidden=(5, 2), outputs=3).build().state_dict(), path.with_suffix(".safetensors")
    )
    rehash(path)


def a_giant(path: Path) -> None:
    network = Perceptron(inputs=65_536, hidden=(65_536,) * 32, outputs=3).model_dump(mode="json")
    edit_card(path, network=network)  # half a terabyte, if it were built


DAMAGE: list[tuple[Any, type[StudioError], str]] = [
    (flip_a_bit, Unreadable, "not those of their card.*studio train clouds"),
    (cut, Unreadable, "not those of their card"),
    (cut_and_rehash, Unreadable, "not a whole safetensors file"),
    (a_pickle, Unreadable, "not a whole safetensors file"),
    (another_network, Unreadable, "'0.bias' is 5 instead of 4"),
    (a_giant, Unreadable, "do not fit the network"),
    (lambda path: path.with_suffix(".safetensors").unlink(), Missing, "are not there.*studio train clouds"),
    (lambda path: path.with_suffix(".json").unlink(), Missing, "have no card"),
    (
        lambda path: [path.with_suffix(end).unlink() for end in (".json", ".safetensors")],
        Missing,
        "There is no file",
    ),
    (lambda path: path.with_suffix(".json").write_text('{"name": '), Unreadable, "not valid JSON"),
    (lambda path: path.with_suffix(".json").write_text("[" * 100_000), Unreadable, "not valid JSON"),
    (lambda path: path.with_suffix(".json").write_bytes(b"\xff\xfe{}"), Unreadable, "not valid JSON"),
    (lambda path: path.with_suffix(".json").write_text("[1]"), Unreadable, "not valid JSON"),
    (lambda path: edit_card(path, schema_version=2), Unreadable, "newer studio"),
    (lambda path: edit_card(path, colour="red"), Unreadable, "colour"),
    (lambda path: edit_card(path, sha256=""), Unreadable, "no sha256"),
    (lambda path: edit_card(path, network={"kind": "transformer"}), Unreadable, "not valid"),
    (lambda path: edit_card(path, network={"kind": "lstm", "outputs": 3}), Unreadable, "either tokens"),
    (
        lambda path: edit_card(path, network={"kind": "perceptron", "inputs": 2, "hidden": [0]}),
        Unreadable,
        "hidden",
    ),
]


@pytest.mark.parametrize(("damage", "error", "sentence"), DAMAGE)
def test_what_is_broken_is_told_in_one_sentence(
    kept: Path, damage: Any, error: type[StudioError], sentence: str
) -> None:
    damage(kept)
    with pytest.raises(error, match=sentence) as told:
        load(kept)
    assert "\n" not in str(told.value)


class Crash(Exception):
    """The plug was pulled."""


@pytest.mark.parametrize("moment", range(8))
def test_a_crash_while_saving_leaves_the_old_model_or_the_new(
    kept: Path, moment: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may crash at every operation on the disk. Nothing happens afterwards, not even cleaning up."""
    old, new = load(kept), CONFIGS[0]
    left = moment

    def may_crash(operation: Any) -> Any:
        def crashing(*arguments: Any, **named: Any) -> Any:
            nonlocal left
            left -= 1
            if left < 0:
                raise Crash
            return operation(*arguments, **named)

        return crashing

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", may_crash(Path.replace))
        patched.setattr(Path, "unlink", may_crash(Path.unlink))
        patched.setattr(os, "fsync", may_crash(os.fsync))
        crashed = False
        try:
            save(new.build(), CARD, kept)
        except Crash:
            crashed = True
    assert load(kept).network.config in (old.network.config, new)
    if not crashed:
        assert load(kept).network.config == new
    save(CONFIGS[3].build(), CARD, kept)  # and it can be saved again
    assert load(kept).network.config == CONFIGS[3]


def test_a_second_crash_does_not_lose_what_the_first_left(kept: Path) -> None:
    old = load(kept)
    weights = kept.with_suffix(".safetensors")
    weights.rename(kept.with_suffix(".previous.safetensors"))
    save_file(CONFIGS[0].build().state_dict(), weights)  # the new weights were written, their card was not
    assert load(kept).network.config == old.network.config
    with pytest.raises(Missing):
        save(CONFIGS[0].build(), CARD, kept.parent / "nowhere" / "clouds")
    assert load(kept).network.config == old.network.config


def test_weights_that_are_not_numbers_are_not_saved(tmp_path: Path) -> None:
    network = CONFIGS[1].build()
    with torch.no_grad():
        next(network.parameters())[0, 0] = torch.nan
    with pytest.raises(Refused, match="not all finite"):
        save(network, CARD, tmp_path / "clouds")
    assert not list(tmp_path.iterdir())


# An interrupted training


@pytest.fixture(scope="module")
def state() -> TrainingState:
    data = Examples(torch.arange(12.0).view(6, 2), torch.arange(6) % 3)
    network = Perceptron(inputs=2, hidden=(4,), outputs=3, dropout=0.1).build()
    fitting = fit(
        network, data, Plan(epochs=3, batch=2, validation_share=0.34, metrics=("accuracy",)), every_step=True
    )
    next(fitting)
    for _ in range(3):
        report = next(fitting)
    return report.state()


def test_a_training_comes_back_whole(state: TrainingState, tmp_path: Path) -> None:
    path = tmp_path / "training.safetensors"
    save_training(state, path)
    save_training(state, path)
    back = load_training(path)
    assert back.standing == state.standing
    assert back.tensors.keys() == state.tensors.keys()
    assert all(
        torch.equal(tensor, state.tensors[name]) and tensor.dtype == state.tensors[name].dtype
        for name, tensor in back.tensors.items()
    )
    assert {name.split("/")[0] for name in back.tensors} == {"weights", "best", "optimiser", "generator"}
    assert [path.name for path in tmp_path.iterdir()] == ["training.safetensors"]


def test_a_broken_training_is_told_in_one_sentence(state: TrainingState, tmp_path: Path) -> None:
    path = tmp_path / "training.safetensors"
    with pytest.raises(Missing, match="no file"):
        load_training(path)
    save_training(state, path)
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[-3] ^= 4
    plain = tmp_path / "plain.safetensors"
    save_file(state.tensors, plain)
    broken: list[tuple[bytes, str]] = [
        (bytes(flipped), "changed after it was saved"),
        (whole[:-1], "not a whole safetensors file"),
        (b"", "not a whole safetensors file"),
        (pickle.dumps([1]), "not a whole safetensors file"),
        (plain.read_bytes(), "does not hold a training"),
        (whole.replace(b'schema_version\\": 1', b'schema_version\\": 7'), "newer studio"),
        (whole.replace(b'\\"epoch\\": ', b'\\"epoca\\": ', 1), "changed by hand"),
    ]
    for content, sentence in broken:
        path.write_bytes(content)
        with pytest.raises(Unreadable, match=sentence) as told:
            load_training(path)
        assert "\n" not in str(told.value)
