"""A network that was trained in the studio: its file describes it, it dreams with exactly its own weights,
and the dream can be made again.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from studio.images.networks.described import read_weights_file
from studio.images.networks.trained_here import open_trained
from studio.learning.checkpoints import Card, load, read_model, save
from studio.learning.datasets import DataSource, Scale
from studio.learning.networks import Convolutional, Perceptron, PictureClassifier
from tests.conftest import Studio


@pytest.fixture(autouse=True)
def photo(tmp_path: Path) -> None:
    across = np.linspace(0, 255, 96)[None, :, None] * np.ones((72, 1, 3))
    Image.fromarray(across.astype(np.uint8)).save(tmp_path / "photo.png")


def kept(folder: Path, *, grey: bool = True, seed: int = 5, scale: Scale | None = None) -> Path:
    """A small network as a lesson saves it: NAME.safetensors and NAME.json, both in NAME.zip."""
    network = Convolutional(
        shape=(1 if grey else 3, 8, 8), classes=3, channels=(6, 8), hidden=10, seed=seed
    ).build()
    origin = DataSource(name="strokes", source="drawn here", licence="CC0")
    card = Card(
        name="dreamer",
        what="Tells strokes apart.",
        data=(origin,),
        command="by hand",
        classes=("dot", "line", "ring"),
        scale=scale,
    )
    save(network, card, folder / "dreamer")
    with zipfile.ZipFile(folder / "dreamer.zip", "w") as packed:
        for suffix in ("safetensors", "json"):
            packed.write(folder / f"dreamer.{suffix}", f"dreamer.{suffix}")
    return folder / "dreamer.zip"


def test_a_lessons_zip_dreams_and_is_made_again_identically(studio: Studio, tmp_path: Path) -> None:
    file = kept(tmp_path)
    status, out, _ = studio("layers", "--weights", file)
    assert status == 0
    assert [line.split()[0] for line in out.splitlines()] == ["blocks.0", "blocks.1", "hidden", "classes"]
    assert "0 dot, 1 line, 2 ring" in out

    small = ["--size", "96", "--steps", "3", "--octaves", "2"]
    status, out, _ = studio(
        "dream", "photo.png", "-o", "dream.png", "--weights", file, "--layer", "classes:2", *small, "--json"
    )
    assert status == 0
    recipe = json.loads(out)["recipe"]
    assert recipe["backbone"] == "own"
    assert recipe["layers"] == ["classes:2"]
    source = next(each for each in recipe["sources"] if each["role"] == "weights")
    assert (source["title"], source["licence"]) == ("dreamer, which learnt from strokes", "CC0"), (
        "whose it is stays with it"
    )
    assert recipe["model"]["sha256"] == source["sha256"]
    assert studio("remake", "dream.png")[1].count("Identical") == 1

    # The weights decide: another training gives another dream, and the bare file the same as the zip.
    (tmp_path / "other").mkdir()
    status, _, _ = studio(
        "dream",
        "photo.png",
        "-o",
        "other.png",
        "--weights",
        kept(tmp_path / "other", seed=6),
        "--layer",
        "classes:2",
        *small,
    )
    assert status == 0
    bare = ["--weights", tmp_path / "dreamer.safetensors"]
    assert (
        studio("dream", "photo.png", "-o", "bare.png", *bare, "--layer", "classes:2", *small, "--force")[0]
        == 0
    )
    pixels = [np.asarray(Image.open(tmp_path / f"{name}.png")) for name in ("dream", "other", "bare")]
    assert not np.array_equal(pixels[0], pixels[1])
    assert np.array_equal(pixels[0], pixels[2])


def test_a_look_takes_the_layers_of_the_network_that_lie_as_deep(studio: Studio, tmp_path: Path) -> None:
    file = kept(tmp_path)
    small = ["--size", "96", "--steps", "1", "--octaves", "1", "--json"]
    layers = [
        json.loads(
            studio(
                "dream", "photo.png", "-o", f"{preset}.png", "--weights", file, "--preset", preset, *small
            )[1]
        )["recipe"]["layers"]
        for preset in ("woodcut", "garden")
    ]
    assert layers == [["blocks.0"], ["blocks.1*0.5", "hidden"]]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--backbone", "own"], "its file is missing"),
        (["--weights", "dreamer.zip", "--layer", "blocks.7"], "There is no layer 'blocks.7'"),
        (["--weights", "dreamer.zip", "--layer", "classes:3"], "channels 0 to 2"),
        (["--weights", "numbers.safetensors"], "are not pictures"),
        (["--weights", "photo.png"], "photo.png is not a weights file"),
        (["--weights", "bare.pth"], "choose their backbone"),
        (["--weights", "cut.zip"], "damaged or encrypted"),
        (["--weights", "nothing.zip"], "holds no networks"),
        (["--weights", "cut.safetensors"], "not a whole safetensors file"),
        (["--weights", "not-there.zip"], "There is no file"),
        (["--weights", "bare.pth", "--backbone", "vgg16"], "to read it, give its sha256"),
        (["--weights-sha256", "0" * 64], "add their file as well"),
    ],
)
def test_what_is_no_such_network_is_told_in_a_sentence(
    studio: Studio, tmp_path: Path, words: list[str], sentence: str
) -> None:
    content = kept(tmp_path).read_bytes()
    (tmp_path / "cut.zip").write_bytes(content[: len(content) // 2])
    weights = (tmp_path / "dreamer.safetensors").read_bytes()
    (tmp_path / "cut.safetensors").write_bytes(weights[:-40])
    with zipfile.ZipFile(tmp_path / "nothing.zip", "w") as empty:
        empty.writestr("readme.txt", "nothing")
    torch.save({"weight": torch.ones(2)}, tmp_path / "bare.pth")
    card = Card(name="numbers", what="", data=(), command="")
    save(Perceptron(inputs=2, hidden=(3,), outputs=2).build(), card, tmp_path / "numbers")
    status, out, complaint = studio(
        "dream", "photo.png", "-o", "dream.png", *words, "--size", "64", "--steps", "1"
    )
    assert (status, out) == (2, "")
    assert sentence in complaint
    assert complaint.count("\n") == 1
    assert not (tmp_path / "dream.png").exists()


def test_a_painting_is_not_made_with_it(studio: Studio, tmp_path: Path) -> None:
    status, _, complaint = studio("style", "photo.png", "glass", "-o", "p.png", "--weights", kept(tmp_path))
    assert status == 2
    assert "dream with it instead" in complaint


def test_it_sees_what_the_classifier_sees(tmp_path: Path) -> None:
    """At the size it was trained on there is one place: the classifier's own answer, for inputs standardised
    as its card says.
    """
    torch.manual_seed(1)
    for grey in (True, False):
        scale = Scale(mean=(0.4,) if grey else (0.4, 0.5, 0.6), deviation=(0.2,) if grey else (0.2, 0.3, 0.1))
        kept(tmp_path, grey=grey, scale=scale)
        content = (tmp_path / "dreamer.safetensors").read_bytes()
        eyes, name = open_trained(content, ("classes",))
        assert name == "dreamer"
        picture = torch.rand(1, 3, 8, 8)
        model = load(tmp_path / "dreamer")
        assert isinstance(model.network, PictureClassifier)
        inputs = picture.mean(dim=1, keepdim=True) if grey else picture
        with torch.no_grad():
            expected = model.network(scale.apply(inputs))
            seen = eyes(picture)["classes"]
        assert seen.shape == (1, 3, 1, 1)
        assert torch.allclose(seen[..., 0, 0], expected, atol=1e-4)


def test_the_file_alone_tells_what_the_card_beside_it_tells(tmp_path: Path) -> None:
    kept(tmp_path)
    content = (tmp_path / "dreamer.safetensors").read_bytes()
    beside = json.loads((tmp_path / "dreamer.json").read_text())
    inside = read_model(content, "dreamer").card
    for field in ("name", "what", "command"):
        assert getattr(inside, field) == beside[field]
    assert inside.sha256 == beside["sha256"]
    own = read_weights_file(content, "dreamer")[1]
    assert own is not None
    assert [layer.channels for layer in own.layers] == [6, 8, 10, 3]
