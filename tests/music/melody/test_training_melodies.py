"""`studio train` as a user sees it: a network for the user's own tunes, resumed after an interruption, and
used to compose.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from walks import walking_tunes

from studio.errors import Missing
from studio.learning.checkpoints import load
from studio.music.melody.training import train
from studio.music.writing.abc import write_abc
from tests.conftest import Studio

SMALL = {"epochs": 3, "hidden": 8}
OPTIONS = ("--epochs", "3", "--hidden", "8")


@pytest.fixture(scope="module")
def walks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("own") / "walks"
    folder.mkdir()
    for number, tune in enumerate(walking_tunes(14)):
        (folder / f"{number:02}.abc").write_bytes(write_abc(tune))
    return folder


def test_a_network_for_ones_own_tunes_composes_and_is_named_in_the_work(
    studio: Studio, walks: Path, home: Path, tmp_path: Path
) -> None:
    status, out, err = studio("train", walks, *OPTIONS)
    where = home / "models" / "walks.json"
    assert (status, out.strip()) == (0, str(where))
    card = load(where).card
    assert card.figures["tunes learnt from"] + 2 * card.figures["tunes tested on"] == 14
    assert card.command == f"studio train {walks} --epochs 3 --hidden 8"
    assert "chain, order 2: nats a note" in err
    assert [path.name for path in sorted((home / "models").iterdir())] == ["walks.json", "walks.safetensors"]

    asked = (
        "compose",
        "--style",
        walks,
        "--model",
        "lstm",
        "--bars",
        "4",
        "--form",
        "free",
        "--max-copy",
        "9",
        "--seed",
        "2",
    )
    status, out, _ = studio(*asked, "-o", "a.abc", "--json")
    recipe = json.loads(out)["recipe"]
    assert status == 0
    assert (recipe["model"]["name"], recipe["model"]["sha256"]) == ("lstm walks", card.sha256)
    assert studio("remake", "a.abc")[1].strip() == "Identical, to the byte."
    studio(*asked, "-o", "cold.abc", "--temperature", "0.1", "-q")
    assert (tmp_path / "cold.abc").read_bytes() != (tmp_path / "a.abc").read_bytes()


def test_an_interrupted_training_goes_on_to_the_same_weights(walks: Path, tmp_path: Path) -> None:
    at_once, in_two = tmp_path / "once", tmp_path / "twice"
    for folder in (at_once, in_two):
        folder.mkdir()
    list(train(str(walks), into=at_once, **SMALL))
    interrupted = train(str(walks), into=in_two, **SMALL)
    for progress in interrupted:
        if progress.stage.startswith("epoch 1:"):
            break
    interrupted.close()
    assert [path.name for path in in_two.iterdir()] == ["walks.training.safetensors"]
    list(train(str(walks), into=in_two, resume=True, **SMALL))
    assert (in_two / "walks.safetensors").read_bytes() == (at_once / "walks.safetensors").read_bytes()
    assert not (in_two / "walks.training.safetensors").exists()
    with pytest.raises(Missing, match="No training of walks was interrupted"):
        list(train(str(walks), into=in_two, resume=True, **SMALL))


def test_what_cannot_be_trained_on_is_one_line(studio: Studio, walks: Path, tmp_path: Path) -> None:
    (tmp_path / "two").mkdir()
    for name in ("00.abc", "01.abc"):
        (tmp_path / "two" / name).write_bytes((walks / name).read_bytes())
    (tmp_path / "oneill").mkdir()
    for asked, said in (
        (("nothing-of-the-kind",), "nothing-of-the-kind"),
        (("two",), "bring more"),
        (("./oneill",), "rename your file or folder of tunes"),
        ((walks, "--resume"), "No training of walks was interrupted"),
        ((walks, "--into", "nowhere"), "There is no folder nowhere"),
    ):
        status, out, err = studio("train", *asked)
        assert (status, out) == (2, "")
        assert said in err
        assert len(err.strip().splitlines()) == 1
