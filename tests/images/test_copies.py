"""Copies of a photo: what `resize` makes, made once while the network that keeps them is there."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch
from torch import nn

from studio.images import copies as copies_file
from studio.images.copies import Copies
from studio.images.networks.prepared import Prepared, prepare
from studio.images.pictures import Pixels, resize


@pytest.fixture
def network() -> Prepared:
    return prepare(nn.Sequential(nn.Conv2d(3, 2, 3)), ["0"], mean=(0.5,) * 3, std=(0.5,) * 3)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The sizes that pictures were resized to."""
    sizes: list[tuple[int, int]] = []

    def counted(pixels: Pixels, height: int, width: int) -> Pixels:
        sizes.append((height, width))
        return resize(pixels, height, width)

    monkeypatch.setattr(copies_file, "resize", counted)
    return sizes


def photo(seed: int = 0) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (40, 60, 3)).astype(np.uint8)


def test_copies_are_made_once_for_a_photo(network: Prepared, asked: list[tuple[int, int]]) -> None:
    for _ in range(2):
        copies = Copies(photo(), network)
        assert np.array_equal(copies.at(20, 30), resize(photo(), 20, 30))
        assert np.array_equal(copies.without_finest(10, 15), resize(resize(photo(), 10, 15), 40, 60))
    assert asked == [(20, 30), (10, 15), (40, 60)]
    assert np.array_equal(Copies(photo(1), network).at(20, 30), resize(photo(1), 20, 30))


def test_a_large_photo_is_not_kept_twice(
    network: Prepared, asked: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies_file, "LARGEST_KEPT", photo().size - 1)
    copies = Copies(photo(), network)
    copies.make_meanwhile([(20, 30)], (10, 15))
    for _ in range(2):
        assert np.array_equal(copies.at(20, 30), resize(photo(), 20, 30))
    assert asked == [(20, 30), (20, 30)]


def test_copies_are_made_while_something_else_is_done(
    network: Prepared, asked: list[tuple[int, int]]
) -> None:
    with torch.no_grad():
        copies = Copies(photo(), network)
        before = set(threading.enumerate())
        copies.make_meanwhile([(20, 30)], (10, 15))
        for thread in set(threading.enumerate()) - before:
            thread.join()
    made = len(asked)
    copies.at(20, 30), copies.without_finest(10, 15)
    assert made == len(asked) == 3
