"""Taught by a few examples: what it answers against the formula worked out by hand, and what the answers
play.
"""

from __future__ import annotations

import io
import json
import math
import time
import zipfile
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load as tensors_from

from studio.errors import Refused, Unreadable
from studio.images.networks.backbones import DEFAULT
from studio.images.presets import with_preset
from studio.images.recipes import DreamRecipe
from studio.lessons.kit.lesson import Action
from studio.lessons.teach.drawing import PAINTS
from studio.lessons.teach.lesson import LESSON
from studio.lessons.teach.model import STEPS, TeachState, answer, answer_now, doubtful, ink, mine
from studio.lessons.teach.playing import DREAM_LAYERS, STEPS_LIVE, LiveDream, dream_settings, note
from studio.works.recipe import check

RED, ROSE, BLUE, NAVY, LEAF = (0.0, 0.5), (0.97, 0.6), (0.6, 0.5), (0.63, 0.3), (0.33, 0.4)


def chosen(state: TeachState, place: tuple[float, float]) -> TeachState:
    return LESSON.act(state, Action("click", figure="colour", x=place[0], y=place[1]))


def shown(state: TeachState, place: tuple[float, float], push: str) -> TeachState:
    return LESSON.act(chosen(state, place), Action(push))


def png(pixels: np.ndarray) -> bytes:
    written = io.BytesIO()
    Image.fromarray(pixels).save(written, "PNG")
    return written.getvalue()


@pytest.fixture(scope="module")
def taught() -> TeachState:
    """Two reds are A, two blues are B."""
    state = LESSON.begin(LESSON.settings())
    for place, push in ((RED, "give_a"), (ROSE, "give_a"), (BLUE, "give_b"), (NAVY, "give_b")):
        state = shown(state, place, push)
    return state


def said_of(state: TeachState, place: tuple[float, float]) -> str:
    now = answer_now(chosen(state, place))
    assert now is not None
    return "ABC"[int(now.argmax())]


def test_it_answers_for_colours_it_never_saw(taught: TeachState) -> None:
    assert said_of(taught, (0.02, 0.45)) == "A"
    assert said_of(taught, (0.58, 0.6)) == "B"
    with_green = shown(shown(taught, LEAF, "give_c"), (0.36, 0.5), "give_c")
    assert said_of(with_green, (0.31, 0.5)) == "C"
    assert said_of(with_green, (0.02, 0.45)) == "A"


def test_its_answer_is_the_formula_worked_out_from_the_saved_file(taught: TeachState) -> None:
    """y = softmax(W2 tanh(W1 x + b1) + b2), with the weights as another library reads them, and the
    card's own scale.
    """
    kept = LESSON.act(taught, Action("save")).files[0]
    with zipfile.ZipFile(io.BytesIO(kept.content)) as archive:
        weights = tensors_from(archive.read("taught.safetensors"))
        card = json.loads(archive.read("taught.json"))
    matrices, biases = (
        sorted(name for name in weights if name.endswith(kind)) for kind in (".weight", ".bias")
    )
    colours = np.array([(0.9, 0.1, 0.1), (0.2, 0.2, 0.8), (0.5, 0.5, 0.5)])
    x = (colours - card["scale"]["mean"]) / card["scale"]["deviation"]
    y = np.tanh(x @ weights[matrices[0]].T + weights[biases[0]]) @ weights[matrices[1]].T + weights[biases[1]]
    by_hand = np.exp(y) / np.exp(y).sum(axis=1, keepdims=True)
    assert np.allclose(answer(taught, colours), by_hand, atol=1e-5)

    again = LESSON.act(
        LESSON.begin(LESSON.settings({"way": "sliders"})),
        Action("load", text=kept.name, content=kept.content),
    )
    assert again.settings["way"] == "colour"
    assert np.allclose(answer(again, colours), by_hand, atol=1e-5)


def test_a_wrong_example_is_found_and_deleted_and_put_back(taught: TeachState) -> None:
    wrong = shown(taught, BLUE, "give_a")
    for _ in range(3):
        wrong = shown(wrong, BLUE, "give_b")
    assert doubtful(wrong) == [4]
    mended = LESSON.act(wrong, Action("click", figure="examples", x=4.5, y=1.5))
    assert [example.target for example in mine(mended)] == [0, 0, 1, 1, 1, 1, 1]
    assert doubtful(mended) == []
    surer, unsure = answer_now(chosen(mended, BLUE)), answer_now(chosen(wrong, BLUE))
    assert surer is not None
    assert unsure is not None
    assert surer[1] > unsure[1] + 0.1
    back = LESSON.act(mended, Action("back"))
    assert len(mine(back)) == 8
    assert LESSON.act(taught, Action("click", figure="examples", x=9.5, y=0.5)).examples == taught.examples


def test_numbers_glide_between_the_examples() -> None:
    state = LESSON.begin(LESSON.settings({"way": "sliders", "answers": "numbers"}))
    for place, pitch in ((0.0, 0.1), (1.0, 0.9)):
        state = LESSON.act(state, Action("drag", figure="sliders", index=0, x=place, y=0.5))
        state = LESSON.act(state, Action("set", knob="pitch", value=pitch))
        state = LESSON.act(state, Action("give"))
    along = answer(state, np.array([(x, 0.5, 0.5) for x in np.linspace(0, 1, 11)]))[:, 0]
    assert abs(along[0] - 0.1) < 0.1
    assert abs(along[-1] - 0.9) < 0.1
    assert (np.diff(along) > 0).all()


def test_it_learns_again_while_it_runs_and_answers_all_the_while(taught: TeachState) -> None:
    state = LESSON.act(replace(taught, settings=taught.settings | {"drives": "nothing"}), Action("play"))
    old = state.network
    state = shown(shown(state, LEAF, "give_c"), (0.36, 0.5), "give_c")
    assert state.live
    assert state.network is old, "the one that answers stays until the new one has learnt"
    turns = 0
    while state.teaching is not None:
        assert answer_now(state) is not None
        state = LESSON.act(state, Action("advance"))
        turns += 1
    assert turns == math.ceil(STEPS / STEPS_LIVE)
    assert state.network is not old
    assert said_of(state, (0.34, 0.45)) == "C"
    paused = LESSON.act(shown(state, (0.15, 0.5), "give_c"), Action("play"))
    assert not paused.live
    assert paused.teaching is None, "what was being learnt is learnt to the end"


def test_the_answer_is_a_tune(taught: TeachState, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four notes a second of the chord of the class; time is the test's own."""
    clock = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    state = LESSON.act(
        chosen(replace(taught, settings=taught.settings | {"drives": "sound"}), RED), Action("play")
    )
    heard: list[float] = []
    for _ in range(40):
        state = LESSON.act(state, Action("advance"))
        heard += [sound.pitch for sound in state.sounds]
        clock[0] += 0.05
    assert heard == [57, 60, 64, 69] * 2
    sound, seconds = note(np.array([1.0, 0.5, 0.0]), "numbers", 3)
    assert (sound.pitch, seconds, sound.timbre) == (84, 0.5, "sine")
    assert [note(np.array([0.5, 0.5, b]), "numbers", 0)[0].timbre for b in (0.1, 0.5, 0.9)] == [
        "sine",
        "triangle",
        "square",
    ]
    assert note(np.array([0.5, 1.0, 0.5]), "numbers", 0)[1] == pytest.approx(0.25)


def test_the_answer_sets_a_dream_that_the_dream_tab_can_make(taught: TeachState) -> None:
    visit = LESSON.draw(LESSON.act(chosen(taught, RED), Action("dream"))).visit
    assert visit is not None
    recipe = check(DreamRecipe, with_preset(visit.settings))
    assert recipe.backbone == DEFAULT
    assert recipe.layers[0].startswith("blocks.2*")
    deep = check(DreamRecipe, with_preset(dream_settings(np.array([1.0, 0.0, 0.25]), "numbers")))
    assert deep.layers == ("blocks.5*1.00",)
    assert (deep.step_size, deep.colour) == (0.005, 0.25)


def test_the_live_dream_grows_what_the_answer_asks_for() -> None:
    """Measured afresh: what blocks.2 sees in the picture, before and after."""
    import torch

    from studio.images.networks.opening import open_network

    def seen(picture: Any) -> float:
        with torch.no_grad():
            return float(open_network(DEFAULT, DREAM_LAYERS)[0](picture)["blocks.2"].square().mean())

    dream = LiveDream()
    before = seen(dream.picture)
    for _ in range(6):
        dream.follow(np.array([1.0, 0.0, 0.0]), "classes")
    assert seen(dream.picture) > 1.5 * before
    assert dream.pixels().dtype == np.uint8


def test_ink_lies_where_it_was_drawn() -> None:
    sheet = ink([[(0.1, 0.9), (0.1, 0.1)]])
    assert sheet.shape == (8, 8)
    assert sheet[:, 0].min() > 4 * sheet[:, 4:].max()
    top = ink([[(0.1, 0.95), (0.9, 0.95)]])
    assert top[0].sum() > 4 * top[4:].sum()


def test_drawings_are_told_apart() -> None:
    state = LESSON.begin(LESSON.settings({"way": "drawing"}))
    assert "Draw something" in LESSON.draw(LESSON.act(state, Action("give_a"))).says
    for x, push in ((0.2, "give_a"), (0.8, "give_b")):
        state = LESSON.act(state, Action("stroke", figure="drawing", points=((x, 0.1), (x, 0.9))))
        state = LESSON.act(state, Action(push))
        assert state.strokes == ()
    state = LESSON.act(state, Action("stroke", figure="drawing", points=((0.75, 0.2), (0.75, 0.8))))
    now = answer_now(state)
    assert now is not None
    assert now.argmax() == 1


def test_camera_pictures_are_told_apart_by_what_the_pretrained_network_sees() -> None:
    """Stripes against a disc; then stripes moved along are still stripes."""
    down, across = np.mgrid[0:120, 0:160]
    stripes = [
        np.uint8(255) * ((across + shift) // 8 % 2 == 0)[..., None].repeat(3, axis=2).astype(np.uint8)
        for shift in (0, 5)
    ]
    disc = np.uint8(255) * (((down - 60) ** 2 + (across - 80) ** 2) < 900)[..., None].repeat(
        3, axis=2
    ).astype(np.uint8)
    state = LESSON.act(
        LESSON.begin(LESSON.settings()), Action("frame", text="stripes.png", content=png(stripes[0]))
    )
    assert state.settings["way"] == "camera"
    assert len(state.seen) == 320
    assert np.mean(np.square(state.seen)) == pytest.approx(1, abs=1e-4)
    state = LESSON.act(state, Action("give_a"))
    state = LESSON.act(LESSON.act(state, Action("camera", content=png(disc))), Action("give_b"))
    state = LESSON.act(state, Action("camera", content=png(stripes[1])))
    now = answer_now(state)
    assert now is not None
    assert now.argmax() == 0


def test_the_map_shows_what_it_would_say(taught: TeachState) -> None:
    """The map's cell at a place is the mixture of the classes' colours by the answer there."""
    scene = LESSON.draw(taught)
    heat = next(figure for figure in scene.figures if figure.name == "map").marks[0]
    values = np.asarray(heat.values)  # type: ignore[union-attr]
    row, column = 11, 26
    now = answer_now(chosen(taught, ((column + 0.5) / values.shape[1], (row + 0.5) / values.shape[0])))
    assert np.allclose(values[row, column], now @ np.array(PAINTS) / 255, atol=1e-6)


def test_what_is_no_model_of_this_lesson_is_refused(taught: TeachState) -> None:
    with pytest.raises(Unreadable, match="contains no network"):
        LESSON.act(taught, Action("load", text="notes.zip", content=b"PK nothing"))
    full = replace(taught, examples=taught.examples * 50)
    with pytest.raises(Refused, match="200 examples"):
        LESSON.act(full, Action("give_a"))


def test_forgetting_can_be_undone(taught: TeachState) -> None:
    empty = LESSON.act(taught, Action("forget"))
    assert mine(empty) == ()
    assert answer_now(empty) is None
    assert mine(LESSON.act(empty, Action("back"))) == mine(taught)
