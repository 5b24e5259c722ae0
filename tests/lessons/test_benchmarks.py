"""Benchmarks: the figures against scikit-learn, drawn digits read, sets in a folder, the visitor's files,
and what is refused.
"""

from __future__ import annotations

import io
import math
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, confusion_matrix

from studio.errors import Missing, Refused, StudioError, Unreadable
from studio.learning import datasets
from studio.lessons.benchmarks import data
from studio.lessons.benchmarks.controls import SETS
from studio.lessons.benchmarks.lesson import LESSON
from studio.lessons.benchmarks.model import BenchmarksState, probabilities, train
from studio.lessons.kit.lesson import Action
from studio.lessons.kit.saving import unpack_network
from studio.lessons.kit.scene import Bars, Button, Figure, Heat, Scene, Words


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STUDIO_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """On a busy machine, threads that wait for one another make small pictures ten times as slow."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def begun(**settings: Any) -> BenchmarksState:
    return LESSON.begin(LESSON.settings(settings))


def trained(epochs: int, **settings: Any) -> BenchmarksState:
    state = begun(**settings)
    for _ in range(epochs):
        state = train(state, epochs=1)
    return state


def act(state: BenchmarksState, name: str, **fields: Any) -> BenchmarksState:
    return LESSON.act(state, Action(name, **fields))


def figure(scene: Scene, name: str) -> Figure:
    return next(figure for figure in scene.figures if figure.name == name)


@pytest.fixture(scope="module")
def digits() -> BenchmarksState:
    return trained(12)


# What is reached


def test_digits_reach_97_percent_on_what_was_held_out(digits: BenchmarksState) -> None:
    assert digits.epochs[-1].held_out_right >= 0.97
    assert len(digits.epochs) == LESSON.settings()["epochs"]


def test_nothing_held_out_was_learnt_from(digits: BenchmarksState) -> None:
    assert digits.data is not None
    pictures, targets = load_digits(return_X_y=True)
    everything = {
        (picture.tobytes(), target)
        for picture, target in zip((pictures / 16).astype(np.float32), targets, strict=True)
    }
    parts = []
    for part in (digits.data.seen, digits.data.held_out):
        parts.append(
            {
                (row.numpy().tobytes(), int(target))
                for row, target in zip(part.inputs.flatten(1), part.targets, strict=True)
            }
        )
    assert parts[0] | parts[1] == everything
    assert not parts[0] & parts[1]


@pytest.mark.parametrize(("name", "least"), [("iris", 0.9), ("wine", 0.93), ("breast-cancer", 0.95)])
def test_tables_are_learnt_about_as_well_as_by_scikit_learn(name: str, least: float) -> None:
    state = trained(30, data=name, network="linear", rate=0.03)
    found = state.data
    assert found is not None
    judge = LogisticRegression(max_iter=2000).fit(found.seen.inputs.numpy(), found.seen.targets.numpy())
    theirs = judge.score(found.held_out.inputs.numpy(), found.held_out.targets.numpy())
    assert state.epochs[-1].held_out_right >= max(least, theirs - 0.06)
    assert found.seen.inputs.mean(dim=0).abs().max() < 1e-5
    assert found.held_out.inputs.mean(dim=0).abs().max() > 1e-3, (
        "the held-out part is standardised by what was learnt from"
    )


def test_the_confusion_matrix_and_the_shares_are_scikit_learns(digits: BenchmarksState) -> None:
    assert digits.data is not None
    assert digits.network is not None
    with torch.no_grad():
        said = digits.network(digits.data.held_out.inputs).argmax(dim=1).numpy()
    targets = digits.data.held_out.targets.numpy()
    scene = LESSON.draw(digits)
    assert scene.numbers["test accuracy"] == f"{accuracy_score(targets, said) * 100:.1f} %"
    counts = next(mark for mark in figure(scene, "confusion").marks if isinstance(mark, Words))
    shown = np.zeros((10, 10), dtype=int)
    for x, y, text in zip(counts.x, counts.y, counts.text, strict=True):
        shown[int(9.5 - y + 0.01), int(x)] = int(text)
    assert np.array_equal(shown, confusion_matrix(targets, said))


def test_the_worst_mistakes_are_wrong_and_in_order(digits: BenchmarksState) -> None:
    assert digits.data is not None
    assert digits.answers is not None
    worst = [mark.id for mark in figure(LESSON.draw(digits), "mistakes").marks if isinstance(mark, Button)]
    numbers = [int(name.removeprefix("worst ")) for name in worst]
    wrong = np.flatnonzero(digits.answers.argmax(axis=1) != digits.data.held_out.targets.numpy())
    assert set(numbers) <= set(wrong.tolist())
    assert len(numbers) == min(12, len(wrong))
    sure = [digits.answers[number].max() for number in numbers]
    assert sure == sorted(sure, reverse=True)
    asked = LESSON.draw(act(digits, "press", figure="mistakes", id=worst[0]))
    assert f"example {numbers[0] + 1}:" in asked.figures[0].title
    assert "; it is " in figure(asked, "bars").title


def test_a_cell_of_the_matrix_shows_one_of_its_examples(digits: BenchmarksState) -> None:
    state = act(digits, "click", figure="confusion", x=4.5, y=5.5)
    assert "example" in LESSON.draw(state).figures[0].title
    assert LESSON.draw(state).figures[0].title.endswith(": 4")


def test_probabilities_add_up(digits: BenchmarksState) -> None:
    bars = next(mark for mark in figure(LESSON.draw(digits), "bars").marks if isinstance(mark, Bars))
    assert sum(bars.y) == pytest.approx(100, abs=0.01)


# A drawn digit


def _arc(x: float, y: float, across: float, up: float, start: float, end: float) -> list[tuple[float, float]]:
    return [
        (x + across * math.cos(math.radians(a)), y + up * math.sin(math.radians(a)))
        for a in np.linspace(start, end, 30)
    ]


DRAWN: dict[int, list[list[tuple[float, float]]]] = {
    0: [_arc(0.5, 0.5, 0.2, 0.35, 90, 450)],
    1: [[(0.5, 0.85), (0.5, 0.15)]],
    2: [[*_arc(0.5, 0.68, 0.18, 0.17, 170, -40), (0.32, 0.15), (0.7, 0.15)]],
    3: [[*_arc(0.47, 0.68, 0.18, 0.17, 150, -80), *_arc(0.47, 0.33, 0.2, 0.18, 80, -150)]],
    4: [[(0.45, 0.85), (0.28, 0.4), (0.72, 0.4)], [(0.6, 0.6), (0.58, 0.12)]],
    5: [[(0.68, 0.85), (0.36, 0.85), (0.34, 0.55), *_arc(0.48, 0.36, 0.2, 0.2, 120, -140)]],
    6: [[(0.6, 0.85), (0.4, 0.55), *_arc(0.5, 0.33, 0.17, 0.18, 160, 520)]],
    7: [[(0.3, 0.85), (0.7, 0.85), (0.45, 0.15)]],
    8: [[*_arc(0.5, 0.67, 0.16, 0.17, -90, 270), *_arc(0.5, 0.32, 0.19, 0.18, 90, -270)]],
    9: [[*_arc(0.48, 0.66, 0.17, 0.18, 0, 360), (0.63, 0.5), (0.52, 0.13)]],
}


def test_drawn_digits_are_read(digits: BenchmarksState) -> None:
    assert digits.data is not None
    read = {}
    for digit, strokes in DRAWN.items():
        state = digits
        for stroke in strokes:
            state = act(state, "stroke", figure="sheet", points=tuple(stroke))
        read[digit] = int(probabilities(state, digits.data)[0].argmax())
    assert sum(digit == answer for digit, answer in read.items()) >= 8, read
    assert LESSON.draw(state).figures[0].title == "Your digit"
    assert "example" in LESSON.draw(act(state, "press", figure="sheet", id="clean")).figures[0].title


def test_a_drawn_digit_is_the_same_wherever_and_however_large_it_is_drawn() -> None:
    five = tuple(tuple(stroke) for stroke in DRAWN[5])
    small = tuple(tuple((0.6 + 0.3 * x, 0.1 + 0.3 * y) for x, y in stroke) for stroke in five)
    for side in (8, 28):
        assert data.drawn_digit(small, side) == pytest.approx(data.drawn_digit(five, side), abs=0.13)


def test_a_drawn_digit_is_made_as_the_sets_were_made() -> None:
    two = tuple(tuple(stroke) for stroke in DRAWN[2])
    uci = data.drawn_digit(two, 8)
    assert np.allclose(uci * 16, np.round(uci * 16), atol=1e-5), "counts of 4 x 4 pixels"
    assert uci[0].any()
    assert uci[-1].any()
    mnist = data.drawn_digit(two, 28)
    ink_rows, ink_columns = np.nonzero(mnist > 0.1)
    assert max(np.ptp(ink_rows), np.ptp(ink_columns)) + 1 in (19, 20, 21)
    rows, columns = np.indices(mnist.shape)
    middle = [float((mnist * where).sum() / mnist.sum()) for where in (rows, columns)]
    assert middle == pytest.approx([13.5, 13.5], abs=0.6)


@pytest.mark.parametrize("side", [8, 28])
def test_a_dot_is_a_drawing_too(side: int) -> None:
    dot = data.drawn_digit((((0.5, 0.5),),), side)
    assert np.isfinite(dot).all()
    assert dot.max() > 0.2


# Sets that must be fetched


def _idx(path: Path, values: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(
        struct.pack(">HBB", 0, 8, values.ndim)
        + struct.pack(f">{values.ndim}I", *values.shape)
        + values.astype(np.uint8).tobytes()
    )


def test_mnist_is_found_in_its_folder_and_learnt(own_home: Path) -> None:
    """Files of MNIST's format, filled with the small digits enlarged."""
    pictures, targets = load_digits(return_X_y=True)
    large = np.pad(np.kron(pictures.reshape(-1, 8, 8), np.ones((3, 3))) * 15.9, ((0, 0), (2, 2), (2, 2)))
    raw = own_home / "datasets" / "MNIST" / "raw"
    for name, part in (("train", slice(0, 600)), ("t10k", slice(600, 800))):
        _idx(raw / f"{name}-images-idx3-ubyte", large[part])
        _idx(raw / f"{name}-labels-idx1-ubyte", targets[part])
    state = trained(3, data="mnist", most=500)
    assert state.data is not None
    assert (len(state.data.seen), len(state.data.held_out)) == (500, 200)
    assert state.epochs[-1].held_out_right > 0.7
    (row,) = (row for row in LESSON.draw(state).tables[-1].rows if row[0] == "mnist")
    assert row[1] == f"{state.epochs[-1].held_out_right:.1%} here after 3 epochs".replace("%", " %")
    assert 0 < float(row[2].removesuffix(" s here")) < 60
    state = act(state, "stroke", figure="sheet", points=tuple(DRAWN[1][0]))
    seen = next(mark for mark in LESSON.draw(state).figures[0].marks if isinstance(mark, Heat))
    assert np.asarray(seen.values).shape == (28, 28)


@pytest.mark.parametrize("name", ["mnist", "cifar10", "own"])
def test_what_is_not_there_is_said_and_nothing_breaks(name: str) -> None:
    state = begun(data=name)
    scene = LESSON.draw(state)
    assert not scene.figures
    assert ("own" if name == "own" else "STUDIO_HOME/datasets") in scene.says
    for action in ("play", "step", "advance", "another", "reset", "save", "stroke", "click"):
        assert not LESSON.draw(act(state, action)).playing
    assert LESSON.draw(act(state, "set", knob="data", value="iris")).figures


def _fetched(state: BenchmarksState) -> BenchmarksState:
    state = act(state, "fetch")
    assert state.fetching is not None
    assert LESSON.draw(state).playing
    assert state.fetching.thread is not None
    assert " of 12 MB" in state.fetching.sentence
    state.fetching.thread.join(20)
    return act(state, "advance")


def test_a_set_that_cannot_be_fetched_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(name: str, **_: Any) -> Any:
        raise Missing(f"The set '{name}' could not be downloaded: bring its files.")

    state = begun(data="mnist")
    monkeypatch.setattr(datasets, "load_test", offline)
    state = _fetched(state)
    assert state.mood == "bad"
    assert "could not be downloaded" in state.said
    assert not state.playing


def test_a_set_is_fetched_beside_the_lesson(monkeypatch: pytest.MonkeyPatch) -> None:
    state = begun(data="mnist")
    examples = datasets.load("digits")
    asked: list[bool] = []

    def here(_: str, *, folder: Path | None = None, download: bool = False) -> datasets.Examples:
        assert folder == data.folder()
        asked.append(download)
        return examples

    monkeypatch.setattr(datasets, "load_test", here)
    monkeypatch.setattr(datasets, "load", here)
    state = _fetched(state)
    assert asked[0] is True
    assert not any(asked[1:]), "only the button fetches"
    assert state.data is not None
    assert act(state, "fetch").fetching is None


# One's own


def test_a_table_of_the_visitors_own_is_learnt() -> None:
    rng = np.random.default_rng(0)
    rows = "\n".join(
        f"{rng.normal(3 * k, 1):.3f};{rng.normal(0, 1):.3f};{['low', 'mid', 'high'][k]}"
        for k in (0, 1, 2) * 40
    )
    state = act(begun(), "own", content=f"size;noise;kind\n{rows}".encode(), text="mine.csv")
    assert state.data is not None
    assert state.data.classes == ("high", "low", "mid")
    assert data.most_telling(state.data)[0] == 0
    for _ in range(30):
        state = train(state, epochs=1)
    assert state.epochs[-1].held_out_right > 0.8
    scene = LESSON.draw(state)
    assert scene.values["data"] == "own"
    assert scene.figures[0].name == "plane"


def _zipped(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def _png(colour: tuple[int, int, int], side: int = 40) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (side, side), colour).save(file, "PNG")
    return file.getvalue()


def test_folders_of_pictures_are_learnt_and_a_new_one_is_read() -> None:
    files = {f"warm/{number}.png": _png((200 + number, 90, 20)) for number in range(20)}
    files |= {f"cold/{number}.png": _png((20, 90, 200 + number)) for number in range(20)}
    files |= {"__MACOSX/warm/._1.png": b"x", "cold/notes.txt": b"no picture"}
    state = act(begun(channels="4"), "own", content=_zipped(files), text="mine.zip")
    assert state.data is not None
    assert state.data.classes == ("cold", "warm")
    assert "they are not pictures: 1." in state.said
    for _ in range(6):
        state = train(state, epochs=1)
    assert state.epochs[-1].held_out_right == 1.0
    state = act(state, "show", content=_png((230, 110, 40)), text="new.png")
    assert figure(LESSON.draw(state), "bars").title == "It says warm"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "at least"),
        (b"a,b\n1,2.5\n3,4.25", "put the class there"),
        (b"a,b\n1,x\n3,x", "1 classes"),
        (b"a,b\n1,x\n3,y", "at least ten"),
        (b"a,b\nred,x\n3,y", "not a number"),
        (b"PK\x03\x04 and no more", "neither a table"),
        (_zipped({"one/a.png": _png((1, 2, 3))}), "1 folders"),
        (_zipped({"one/a.png": b"x", "two/b.png": b"y"}), "no readable pictures"),
        (_zipped({"one/a.png": b"\0" * (5 * 2**20), "two/b.png": b"y"}), "larger than 4 MB"),
    ],
)
def test_what_cannot_be_learnt_from_is_refused_in_a_sentence(content: bytes, said: str) -> None:
    with pytest.raises((Refused, Unreadable)) as refusal:
        act(begun(data="iris"), "own", content=content, text="mine.csv")
    assert said in str(refusal.value)
    assert str(refusal.value).endswith(".")


def test_networks_are_built_as_written_or_refused() -> None:
    state = begun(channels="4, 8, 16")
    assert state.network is not None
    assert state.network.config.model_dump()["channels"] == (4, 8, 16)
    for settings in (
        {"channels": "0"},
        {"channels": "a"},
        {"network": "perceptron", "hidden": "9999"},
        {"channels": "1,1,1,1,1"},
    ):
        with pytest.raises(StudioError):
            begun(**settings)


def test_a_rate_too_large_ends_with_a_sentence() -> None:
    state = begun(data="wine", rate=1.0, optimiser="sgd", network="perceptron", hidden="64, 64, 64")
    for _ in range(4):
        state = train(state, epochs=1)
    answers = state.answers
    assert answers is not None
    assert np.isfinite(answers).all()


def test_the_saved_network_says_the_same(digits: BenchmarksState) -> None:
    file = act(digits, "save").files[0]
    model = unpack_network(file.content, "benchmark-digits", file.name)
    assert digits.data is not None
    with torch.no_grad():
        again = torch.softmax(model.network(digits.data.held_out.inputs), dim=1).numpy()
    assert again == pytest.approx(digits.answers, abs=1e-6)
    assert model.card.figures["held-out accuracy"] == pytest.approx(digits.epochs[-1].held_out_right)
    assert model.card.classes == tuple("0123456789")


def test_playing_stops_at_the_epochs_asked_for_and_goes_on_when_asked_again() -> None:
    state = act(begun(data="iris", epochs=3), "play")
    for _ in range(40):
        state = act(state, "advance")
    assert (len(state.epochs), state.playing) == (3, False)
    state = act(state, "play")
    for _ in range(40):
        state = act(state, "advance")
    assert len(state.epochs) == 6


def test_the_card_names_every_set() -> None:
    tables = LESSON.draw(begun(data="iris")).tables
    assert [row[0] for row in tables[-1].rows] == list(SETS[:-1])
