"""One loop: its prices against the delta rule by hand, its tune against the tunes it heard; a network of
the visitor's own that dreams.
"""

from __future__ import annotations

import io
import itertools
import math
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from studio.images.networks.backbones import DEFAULT
from studio.images.networks.trained_here import prepare_trained
from studio.images.recipes import DreamRecipe
from studio.learning.checkpoints import load as load_model
from studio.lessons.ahead import alike
from studio.lessons.derivative_works.lesson import LESSON
from studio.lessons.derivative_works.licences import LICENCES, credit_line, verdict
from studio.lessons.derivative_works.model import PARTS, STEPS, DerivativeWorksState, OwnNetwork
from studio.lessons.derivative_works.own_network import crops, digest
from studio.lessons.derivative_works.three_uses import PRICE_RATE, TUNES
from studio.lessons.kit.lesson import Action
from studio.lessons.kit.openings import shipped_opening
from studio.lessons.shared.pictures import sample
from studio.works.gallery import Gallery
from studio.works.work import Made


@pytest.fixture(scope="module")
def arrived() -> DerivativeWorksState:
    """The three uses, run to their end by pressing Play once."""
    state = LESSON.act(LESSON.begin(LESSON.settings()), Action("play"))
    while state.playing:
        state = LESSON.act(state, Action("advance"))
    return state


@pytest.fixture(scope="module")
def learnt() -> DerivativeWorksState:
    """A network that has seen digits for two epochs, instead of the lesson's six."""
    epochs, OwnNetwork.epochs = OwnNetwork.epochs, 2
    try:
        state = LESSON.begin(LESSON.settings({"part": PARTS[1], "speckle": 0}))
    finally:
        OwnNetwork.epochs = epochs
    state = LESSON.act(state, Action("play"))
    while state.playing:
        state = LESSON.act(state, Action("advance"))
    return state


def own_of(state: DerivativeWorksState) -> OwnNetwork:
    assert state.own is not None
    return state.own


def test_the_prices_are_those_of_the_delta_rule_by_hand(arrived: DerivativeWorksState) -> None:
    three = arrived.three
    assert three is not None
    meals = np.array([(2, 5, 3), (1, 2, 4), (4, 1, 1), (3, 3, 2), (1, 4, 1)], float)
    totals = meals @ (1.5, 0.5, 1.0)
    prices, losses = np.full(3, 0.2), []
    for _ in range(STEPS):
        errors = totals - meals @ prices
        losses.append(0.5 * float(errors @ errors))
        prices = prices + PRICE_RATE * errors @ meals
    assert np.allclose(three.price_losses, losses)
    assert np.allclose(three.prices.numpy(), prices)


def test_the_melody_goes_as_the_tunes_it_heard(arrived: DerivativeWorksState) -> None:
    """Every step from a note to the next occurs in one of them; before learning that is not so."""
    three = arrived.three
    assert three is not None
    heard = {pair for tune in TUNES for pair in itertools.pairwise(tune)}
    assert set(itertools.pairwise(three.notes)) <= heard
    fresh = LESSON.begin(LESSON.settings()).three
    assert fresh is not None
    assert not set(itertools.pairwise(fresh.notes)) <= heard
    # It knows nothing yet at first: about as surprised as by drawing one of all pitches.
    assert abs(three.melody_losses[0] - np.log(len({pitch for tune in TUNES for pitch in tune}))) < 0.3
    assert three.melody_losses[-1] < 0.3 * three.melody_losses[0]
    sounds = LESSON.act(arrived, Action("hear")).sounds
    assert tuple(sound.pitch for sound in sounds) == three.notes


def test_the_dream_rises_as_the_network_itself_says(arrived: DerivativeWorksState) -> None:
    from studio.images.networks.opening import open_network

    three = arrived.three
    assert three is not None

    def seen(pixels: np.ndarray) -> float:
        picture = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float() / 255
        with torch.no_grad():
            return float(open_network(DEFAULT, ("blocks.4",))[0](picture)["blocks.4"].square().mean())

    assert seen(three.dream.pixels()) > 2 * seen(three.dream.photo)
    assert len(three.price_losses) == len(three.melody_losses) == len(three.dream.losses) == STEPS


def test_what_it_reports_as_right_is_right(learnt: DerivativeWorksState) -> None:
    own = own_of(learnt)
    with torch.no_grad():
        said = own.network.eval()(own.held_out.inputs).argmax(dim=1)
    assert own.right[-1] == pytest.approx(float((said == own.held_out.targets).float().mean()))
    assert own.right[-1] > 0.8
    assert own.weights == digest(own.network)
    assert "Press Play once more" in LESSON.draw(learnt).says


def test_the_eyes_that_dream_are_the_network_that_learnt(learnt: DerivativeWorksState) -> None:
    """At the size it was trained on, "classes" is what the classifier answers; at larger ones it is that,
    at every place.
    """
    own = own_of(learnt)
    eyes = prepare_trained(own.network, ("classes",))
    digits = own.held_out.inputs[:6].repeat(1, 3, 1, 1)
    with torch.no_grad():
        seen = eyes(digits)["classes"]
        assert seen.shape[2:] == (1, 1)
        assert torch.allclose(seen[:, :, 0, 0], own.network.eval()(own.held_out.inputs[:6]), atol=1e-4)
        assert eyes(torch.rand(1, 3, 64, 96))["classes"].shape[1] == 10


def test_it_dreams_with_exactly_these_weights(learnt: DerivativeWorksState, tmp_path: Path) -> None:
    """The first digits of the sha256 are those of the weights in the file it is kept in, read back;
    another network dreams otherwise.
    """
    state = LESSON.act(LESSON.act(learnt, Action("set", knob="layer", value="blocks.1")), Action("play"))
    for _ in range(6):
        state = LESSON.act(state, Action("advance"))
    own = own_of(state)
    assert own.dream is not None
    assert len(own.dream.losses) == 7
    assert own.dream.losses[-1] > own.dream.losses[0]
    assert LESSON.draw(state).numbers["the dream was made with"] == own.weights

    zipped, picture = LESSON.act(state, Action("save")).files
    with zipfile.ZipFile(io.BytesIO(zipped.content)) as archive:
        archive.extractall(tmp_path)
    kept: Any = load_model(tmp_path / "dreamer").network
    assert digest(kept) == own.weights
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(picture.content))), own.dream.pixels())

    def dreamt(network: Any) -> np.ndarray:
        from studio.images.objectives import layer
        from studio.lessons.shared.small_dream import SmallDream

        dream = SmallDream(
            sample("pagoda", 64),
            prepare_trained(network, ("blocks.1",)),
            layer("blocks.1"),
            DreamRecipe(octaves=1, steps=4),
        )
        dream.go_on(4)
        return dream.pixels()

    assert np.array_equal(dreamt(kept), dreamt(own.network))
    other = kept.config.model_copy(update={"seed": 99}).build()
    assert not np.array_equal(dreamt(kept), dreamt(other))


def test_a_class_that_is_dreamt_of_is_what_the_network_then_sees(learnt: DerivativeWorksState) -> None:
    state = learnt
    for knob, value in (("layer", "classes"), ("digit", 3)):
        state = LESSON.act(state, Action("set", knob=knob, value=value))
    state = LESSON.act(state, Action("play"))
    while state.playing:
        state = LESSON.act(state, Action("advance"))
    own = own_of(state)
    assert own.dream is not None

    def sure(pixels: np.ndarray) -> float:
        picture = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float() / 255
        with torch.no_grad():
            return float(
                torch.log_softmax(prepare_trained(own.network, ("classes",))(picture)["classes"], dim=1)[
                    :, 3
                ].mean()
            )

    # Twice as likely, on average over all places.
    assert sure(own.dream.pixels()) > sure(own.dream.photo) + math.log(2)


def test_pieces_come_from_the_picture_they_are_named_after() -> None:
    """Each piece is found in its picture by looking everywhere, as it is or mirrored."""
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 256, (32, 40, 3)).astype(np.uint8) for _ in range(3)]
    found = crops(pictures, seed=1)
    assert len(found.classes) == 3
    for number in range(0, len(found), 97):
        piece = (found.inputs[number].numpy().transpose(1, 2, 0) * 255).round().astype(np.uint8)
        picture = pictures[int(found.targets[number])]
        windows = np.lib.stride_tricks.sliding_window_view(picture, (16, 16, 3))[:, :, 0]
        assert any((windows == way).all(axis=(2, 3, 4)).any() for way in (piece, piece[:, ::-1]))


def test_the_visitors_own_pictures_are_what_it_learns_from(learnt: DerivativeWorksState) -> None:
    written = io.BytesIO()
    Image.fromarray(np.random.default_rng(2).integers(0, 256, (60, 80, 3)).astype(np.uint8)).save(
        written, "PNG"
    )
    state = LESSON.act(learnt, Action("learn", text="mine.png", content=written.getvalue()))
    assert state.settings["learn_from"] == "my pictures"
    assert own_of(state).seen.classes == ("picture 1", "dahlia")
    assert LESSON.draw(state).values["learn_from"] == "my pictures"


CHART = {
    # After Creative Commons' chart of what may be remixed: may it be passed on, may it be sold.
    ("CC BY", "CC BY"): (True, True),
    ("CC BY", "CC BY-SA"): (True, True),
    ("CC BY", "CC BY-NC"): (True, False),
    ("CC BY", "CC BY-ND"): (False, False),
    ("CC BY-SA", "CC BY-SA"): (True, True),
    ("CC BY-SA", "CC BY-NC"): (False, False),
    ("CC BY-SA", "CC BY-ND"): (False, False),
    ("CC BY-NC", "CC BY-NC"): (True, False),
    ("CC BY-NC", "CC BY-ND"): (False, False),
    ("CC BY-ND", "CC BY-ND"): (False, False),
    ("public domain", "CC BY-NC"): (True, False),
    ("public domain", "CC BY-SA"): (True, True),
    ("CC0", "public domain"): (True, True),
    ("CC0", "all rights reserved"): (False, False),
}


@pytest.mark.parametrize("pair", CHART, ids=" and ".join)
def test_the_verdict_is_that_of_the_chart(pair: tuple[str, str]) -> None:
    for first, second in (pair, pair[::-1]):
        said = verdict((LICENCES[first], LICENCES[second]))
        assert (said.share, said.sell) == CHART[pair]
        assert said.credit == any(name.startswith("CC BY") or name == "all rights reserved" for name in pair)
        if "CC BY-SA" in pair and said.share:
            assert said.licence == "CC BY-SA"


def test_the_credit_names_title_author_and_licence() -> None:
    line = credit_line(LESSON.settings({"title": "China", "author": "danielbuechele", "first": "CC BY"}))
    for word in ("China", "danielbuechele", "CC BY", "changed"):
        assert word in line


def test_works_of_the_gallery_hang_beside_with_their_curves(arrived: DerivativeWorksState) -> None:
    """A dream whose curve rises from 1 to 4 is kept; the lesson then shows it, with its source's credit."""
    with Gallery.open() as gallery:
        photo = gallery.keep_source(
            b"a photo",
            role="photo",
            name="hill.jpg",
            title="The hill",
            author="A. Walker",
            licence="CC BY 4.0",
        )
        gallery.add(
            Made(
                DreamRecipe(sources=(photo,)),
                b"a picture",
                ".png",
                "image/png",
                b"thumbnail",
                (1.0, 2.0, 4.0),
            )
        )
    state = LESSON.begin(LESSON.settings())
    hung = next(figure for figure in LESSON.draw(state).figures if figure.name == "gallery")
    assert "rises from 1.000 to 4.000 in 3 steps" in hung.text
    kept = shipped_opening(LESSON.name)
    assert kept is not None
    assert "The gallery is empty" in kept["scene"]["says"]
    assert alike(LESSON.look_again(kept["scene"]), LESSON.draw(state).to_dict()), "who comes back sees works"
    line: Any = hung.marks[0]
    assert np.allclose(line.y, [0, 1 / 3, 1])
    credit = LESSON.draw(replace(state, settings=state.settings | {"part": PARTS[2]})).tables[1]
    assert any("“The hill” by A. Walker" in row[1] and row[2] == "CC BY 4.0" for row in credit.rows)
    assert "The gallery is empty" in LESSON.draw(replace(arrived, found={}, works=0, said="")).says


def test_a_dream_before_the_learning_is_done_says_with_which_weights() -> None:
    state = LESSON.begin(LESSON.settings({"part": PARTS[1], "speckle": 0}))
    state = LESSON.act(
        LESSON.act(LESSON.act(state, Action("step")), Action("set", knob="layer", value="blocks.0")),
        Action("again"),
    )
    dreamt = LESSON.draw(state).numbers
    assert dreamt["the dream was made with"] == dreamt["its weights"] == digest(own_of(state).network)
    learnt_on = LESSON.draw(LESSON.act(state, Action("step"))).numbers
    assert learnt_on["the dream was made with"] == dreamt["its weights"] != learnt_on["its weights"]
