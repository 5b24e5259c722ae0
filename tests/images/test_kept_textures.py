"""What is known of a painting's textures from an earlier process."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from studio.images import style
from studio.images.kept_textures import MOST, kept
from studio.images.pictures import Pixels
from studio.images.recipes import StyleRecipe
from studio.images.textures import Statistics
from studio.process import finish

LAYERS = ("later", "first")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STUDIO_HOME", str(tmp_path))
    return tmp_path / "learnt"


def found() -> Statistics:
    generator = torch.Generator().manual_seed(0)
    grams = {
        name: torch.rand(side, side, generator=generator) for name, side in zip(LAYERS, (5, 3), strict=True)
    }
    return Statistics(grams, torch.rand(4, 4, generator=generator))


def not_again() -> Statistics:
    raise AssertionError("these textures are known")


def test_textures_are_found_once_and_stay_the_same_to_the_last_digit(home: Path) -> None:
    first, again = kept("a painting", LAYERS, found), kept("a painting", LAYERS, not_again)
    assert list(again.grams) == list(first.grams) == list(LAYERS)  # their errors are summed in this order
    assert all(torch.equal(again.grams[layer], first.grams[layer]) for layer in LAYERS)
    assert torch.equal(again.colours, first.colours)
    assert len(list(home.iterdir())) == 1
    for other, layers in (("another", LAYERS), ("a painting", LAYERS[:1])):
        with pytest.raises(AssertionError):
            kept(other, layers, not_again)


@pytest.mark.parametrize("damaged", [b"", b"no file of numbers", bytes(8) + b"{}"])
def test_a_damaged_file_counts_as_none(home: Path, damaged: bytes) -> None:
    kept("a painting", LAYERS, found)
    (file,) = home.iterdir()
    for content in (damaged, file.read_bytes()[:-4] + b"\xff\xff\xff\x7f"):  # or holds what is no number
        file.write_bytes(content)
        assert torch.equal(kept("a painting", LAYERS, found).colours, found().colours)
        kept("a painting", LAYERS, not_again)


def test_those_that_were_not_used_for_longest_go(home: Path) -> None:
    home.mkdir()
    for number in range(MOST + 3):
        (home / f"textures-{number}.safetensors").touch()
    kept("a painting", LAYERS, found)
    assert len(list(home.iterdir())) == MOST
    kept("a painting", LAYERS, not_again)


def test_a_painting_is_the_same_with_and_without(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    painting, photo = np.random.default_rng(0).integers(0, 256, (2, 64, 96, 3), dtype=np.uint8)

    def painted() -> Pixels:
        recipe = StyleRecipe(painter="instant", seed=0)
        network, _ = style._network(recipe, style._no_materials)
        network._found.clear()  # as in a new process
        return finish(style.paint_quickly(recipe, photo, [painting], []))

    first = painted()
    assert list(home.iterdir())
    monkeypatch.setattr(style, "statistics_of", not_again)
    assert np.array_equal(painted(), first)
