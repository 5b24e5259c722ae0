"""The atlas of channels: each has a picture and words, found by word and by photo, in every way in."""

from __future__ import annotations

import json
import re
from importlib import resources
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import studio
from studio.app.desk import Desk
from studio.cli import commands
from studio.errors import Refused, UnknownName
from studio.images.channels.atlas import LAYERS, TILE, TRY, Atlas, sheet_path
from studio.images.channels.drawing import colours_of, draw
from studio.images.networks.backbones import DEFAULT, layers
from studio.images.recipes import LayerTerm


@pytest.fixture(scope="module")
def atlas() -> Atlas:
    return Atlas.read()


def test_every_channel_has_a_picture_and_words(atlas: Atlas) -> None:
    counts = {layer.name: layer.channels for layer in layers(DEFAULT)}
    assert atlas.layers == LAYERS
    for layer in LAYERS:
        found = atlas.channels(layer)
        assert [each.number for each in found] == list(range(counts[layer]))
        assert all(each.words for each in found)
        with Image.open(sheet_path(layer)) as sheet:
            assert sheet.size == (Atlas.ACROSS * TILE, -(-counts[layer] // Atlas.ACROSS) * TILE)
    assert atlas.picture(atlas.channel("blocks.4", 102)).std() > 10
    assert sum(sheet_path(layer).stat().st_size for layer in LAYERS) < 2_500_000


def test_they_are_found_by_the_beginning_of_words_best_first(atlas: Atlas) -> None:
    assert atlas.find("castle")[0].term == "classifier:483"
    assert "classifier:985" in [each.term for each in atlas.find("dais")]
    assert all(each.layer == "blocks.3" for each in atlas.find("green", ["blocks.3"]))
    assert atlas.find("xylophonist") == []
    assert LayerTerm.read(atlas.find("castle")[0].term).channel == 483
    with pytest.raises(UnknownName, match=r"blocks\.3"):
        atlas.find("castle", ["blocks.33"])
    with pytest.raises(Refused, match="0 to 79"):
        atlas.channel("blocks.3", 80)


def test_a_picture_excites_its_channel_more_than_a_grey_one_does() -> None:
    from studio.images.channels.strongest import strengths

    (grown,) = draw("blocks.3", [11])
    grey = np.full_like(grown, 128)
    assert strengths(grown, "blocks.3")[11] > 3 * strengths(grey, "blocks.3")[11] + 0.1


def test_colours_are_named_by_what_fills_the_picture() -> None:
    half = np.zeros((10, 10, 3), np.uint8)
    half[:, :6] = (250, 20, 20)
    assert colours_of(half) == ["red", "black"]
    assert colours_of(np.full((4, 4, 3), 250, np.uint8)) == ["white"]


def test_the_channels_that_a_photo_excites_fit_the_photo() -> None:
    cat = Path(str(studio.__path__[0])) / "images" / "instant" / "photos" / "cat.jpg"
    found = studio.channels(photo=cat, layer="classifier", limit=12)
    words = " ".join(word for each in found for word in each.words[:1]).lower()
    assert any(name in words for name in ("cat", "tabby", "lynx", "tiger"))
    assert found[0].image.size == (TILE, TILE)


def test_a_word_and_a_photo_find_the_strongest_that_have_the_word() -> None:
    """The word was passed over."""
    cat = Path(str(studio.__path__[0])) / "images" / "instant" / "photos" / "cat.jpg"
    by_photo = [each.layer for each in studio.channels(photo=cat, layer="classifier", limit=1000)]
    by_word = {each.layer for each in studio.channels("cat", layer="classifier", limit=1000)}
    expected = [term for term in by_photo if term in by_word][:5]
    assert len(by_photo) > len(by_word) > 5
    assert [each.layer for each in studio.channels("cat", photo=cat, layer="classifier", limit=5)] == expected
    asked = ["channels", "cat", "--photo", str(cat), "--layer", "classifier", "--count", "5"]
    done = CliRunner().invoke(commands, asked)
    assert [line.split()[0] for line in done.output.splitlines()] == expected
    done = CliRunner().invoke(commands, ["channels", "qwertyx", "--photo", str(cat)])
    assert "“qwertyx”; try another" in done.stderr
    assert "--photo alone" in done.stderr


def test_the_command_lists_them_and_writes_their_sheet(tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.png"
    done = CliRunner().invoke(commands, ["channels", "castle", "--json", "-o", str(sheet), "--count", "3"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.output.splitlines()[0])["layer"] == "classifier:483"
    with Image.open(sheet) as picture:
        assert picture.width > TILE


def test_the_words_that_are_suggested_find_something(atlas: Atlas) -> None:
    field = resources.files("studio.app").joinpath("widgets/channels.html").read_text("utf-8")
    (offered,) = re.findall(r'placeholder="(.*) …"', field)
    for text in [*re.split(", | or ", f"{offered}, {TRY}"), "bird green"]:
        assert atlas.find(text), text


def test_a_word_that_finds_no_channel_is_answered_with_what_to_try(tmp_path: Path) -> None:
    """The command printed nothing, and wrote of a sheet of 0 pictures."""
    done = CliRunner().invoke(commands, ["channels", "qwertyx"])
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr.startswith(
        f"No channel of the network has the word “qwertyx”; try another, such as {TRY}, or"
    )
    assert "--photo" in done.stderr
    for asked, told in (
        (["casstle"], "has the word “casstle”; did you mean 'castle'?"),
        (["bird", "castle"], "has all of the words “bird castle”; try another"),
        (["castle", "--layer", "blocks.1"], "No channel of blocks.1 has the word “castle”, but"),
    ):
        assert told in CliRunner().invoke(commands, ["channels", *asked]).stderr
    done = CliRunner().invoke(commands, ["channels", "qwertyx", "-o", str(tmp_path / "sheet.png")])
    assert isinstance(done.exception, Refused) or done.exit_code == 2
    assert not list(tmp_path.iterdir())
    told = Desk.channels(cast(Desk, None), {"text": "qwertyx"})
    assert not told["channels"]
    assert "“Strongest for this photo”" in told["told"]
