"""The data set, the network that learns from it, and what it is asked about."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from studio.errors import Missing, Refused
from studio.lessons.benchmarks.data import (
    BenchmarkSet,
    Fetching,
    Strokes,
    drawn_digit,
    load_set,
    read_pictures,
    read_table,
)
from studio.lessons.kit.scene import File

if TYPE_CHECKING:
    from studio.learning.networks import Network
    from studio.learning.training import Fitted, Report

TURN = 0.06
"""Seconds of training between two drawings."""


@dataclass(frozen=True)
class Epoch:
    """The loss and accuracy after one epoch, on the training set and on the test set."""

    number: int
    loss: float
    right: float
    held_out_loss: float
    held_out_right: float


@dataclass(frozen=True)
class Question:
    """What the network is asked about: a test example by number, or (number -1) the visitor's strokes or
    picture.
    """

    number: int = 0
    strokes: Strokes = ()
    picture: np.ndarray | None = None


@dataclass(frozen=True)
class BenchmarksState:
    """The visitor's place in the lesson. The network's weights and the running `fitting` change in place;
    all else is replaced.

    data: None while the set is not on this computer.
    answers: [test examples, classes], probabilities after the last epoch.
    losses: (epochs, loss) of the batches, smoothed, as they come.
    upload: the visitor's own file, kept for other settings.
    spent: seconds spent on training.
    """

    settings: dict[str, Any]
    data: BenchmarkSet | None
    network: Network | None = None
    fitting: Generator[Report, None, Fitted] | None = None
    epochs: tuple[Epoch, ...] = ()
    losses: tuple[tuple[float, float], ...] = ()
    answers: np.ndarray | None = None
    asked: Question = Question()
    playing: bool = False
    done: float = 0.0
    until: int = 0
    said: str = ""
    mood: str = "plain"
    upload: tuple[str, bytes] | None = None
    fetching: Fetching | None = None
    files: tuple[File, ...] = ()
    spent: float = 0.0


def begin(settings: Mapping[str, Any]) -> BenchmarksState:
    """The set, split, and a network that has seen none of it; or a sentence on how to get the set. Raises
    `Refused`.
    """
    return begin_with(dict(settings), None)


def begin_with(
    settings: dict[str, Any], upload: tuple[str, bytes] | None, kept: BenchmarkSet | None = None
) -> BenchmarksState:
    """The state with this upload; `kept` is the set to use again, split as it is."""
    try:
        found = kept or _bench(settings, upload)
    except Missing as missing:
        return BenchmarksState(settings, None, said=_absent(settings, missing), upload=upload)
    network = _network(settings, found)
    state = BenchmarksState(
        settings, found, network, None, answers=answers_of(network, found), upload=upload, said=found.note
    )
    return replace(state, until=int(settings["epochs"]))


def _absent(settings: Mapping[str, Any], missing: Missing) -> str:
    if settings["data"] == "own":
        return str(missing)
    return (
        f"{settings['data']} is not on this computer. Press Download the set, or put its files into "
        "the studio's folder, STUDIO_HOME/datasets."
    )


def _bench(settings: Mapping[str, Any], upload: tuple[str, bytes] | None) -> BenchmarkSet:
    name, held_out, most, seed = (
        str(settings["data"]),
        int(settings["held_out"]),
        int(settings["most"]),
        int(settings["seed"]),
    )
    if name != "own":
        return load_set(name, held_out, most, seed)
    if upload is None:
        raise Missing(
            "Choose a file of your own: a table (CSV) with the class in the last column, or a "
            "zip with a folder of pictures for each class."
        )
    file, content = upload
    read = read_pictures if content[:4] == b"PK\x03\x04" else read_table
    return read(content, file, held_out, most, seed)


def numbers_in(text: str, what: str, most: int) -> tuple[int, ...]:
    """Whole numbers from a text such as "16, 32". Raises `Refused`."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    numbers = tuple(int(part) if part.isdecimal() and len(part) < 6 else 0 for part in parts)
    if len(numbers) > 4 or not all(1 <= number <= most for number in numbers):
        raise Refused(f"{what} are given as up to four numbers from 1 to {most}, such as 16, 32.")
    return numbers


def _network(settings: Mapping[str, Any], found: BenchmarkSet) -> Network:
    from studio.learning.networks import Convolutional, Perceptron

    shape = tuple(found.seen.inputs.shape[1:])
    kind, classes, seed = str(settings["network"]), max(2, len(found.classes)), int(settings["seed"])
    if kind == "convolutional" and found.is_pictures:
        channels = numbers_in(str(settings["channels"]), "Channels", 128) or (16,)
        channels_high_wide: Any = shape
        return Convolutional(
            shape=channels_high_wide,
            classes=classes,
            channels=channels,
            hidden=64,
            dropout=float(settings["dropout"]),
            seed=seed,
        ).build()
    hidden = () if kind == "linear" else numbers_in(str(settings["hidden"]), "Neurons", 512)
    inputs: Any = shape if found.is_pictures else shape[0]
    return Perceptron(
        inputs=inputs, hidden=hidden, outputs=classes, dropout=float(settings["dropout"]), seed=seed
    ).build()


@contextmanager
def _threads(found: BenchmarkSet) -> Iterator[None]:
    """Small pictures and tables train faster on one thread than on several that wait for one another."""
    import torch

    before = torch.get_num_threads()
    if found.seen.inputs[0].numel() < 500:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def answers_of(network: Network, found: BenchmarkSet) -> np.ndarray:
    """Probabilities for the whole test set: [n, classes]."""
    import torch

    with torch.no_grad(), _threads(found):
        network.eval()
        parts = [torch.softmax(network(part), dim=1) for part in torch.split(found.held_out.inputs, 512)]
    return np.asarray(torch.cat(parts).numpy())


def train(state: BenchmarksState, *, seconds: float = 0.0, epochs: int = 0) -> BenchmarksState:
    """Train for so many seconds, or to the end of the epoch if that comes first; or for so many epochs."""
    from studio.learning.training import Plan, evaluate, fit

    found, network = state.data, state.network
    assert found is not None
    assert network is not None
    batch = int(state.settings["batch"])
    fitting = state.fitting or fit(
        network,
        found.seen,
        Plan.of(
            metrics=("accuracy",),
            optimiser=state.settings["optimiser"],
            rate=float(state.settings["rate"]),
            batch=batch,
            epochs=10_000,
            seed=int(state.settings["seed"]),
            device="cpu",
        ),
        every_step=True,
    )
    per_epoch = found.seen.batch_count(batch)
    began, losses, done = time.perf_counter(), list(state.losses), state.done
    history, answers = list(state.epochs), state.answers
    ended = 0
    with _threads(found):
        while True:
            report = next(fitting)
            done = len(history) + 1 if report.figures is not None else done + 1 / per_epoch
            if report.ending is not None:
                said = f"{report.ending.sentence}"
                return replace(
                    state,
                    fitting=None,
                    playing=False,
                    said=said,
                    mood="bad",
                    answers=answers_of(network, found),
                )
            losses.append((done, report.loss if not losses else 0.9 * losses[-1][1] + 0.1 * report.loss))
            if report.figures is not None:
                judged = evaluate(network, found.held_out, metrics=("accuracy",))
                history.append(
                    Epoch(
                        len(history) + 1,
                        report.figures.loss,
                        report.figures.metrics["accuracy"],
                        judged.loss,
                        judged.metrics["accuracy"],
                    )
                )
                answers = answers_of(network, found)
                ended += 1
            if (epochs and ended == epochs) or (seconds and (ended or time.perf_counter() - began > seconds)):
                break
    if len(losses) > 600:
        losses = [*losses[:-1:2], losses[-1]]
    state = replace(
        state,
        fitting=fitting,
        epochs=tuple(history),
        losses=tuple(losses),
        answers=answers,
        done=done,
        said="",
        mood="plain",
        spent=state.spent + time.perf_counter() - began,
    )
    return replace(state, playing=False) if state.playing and len(history) >= state.until else state


def asked_about(state: BenchmarksState, found: BenchmarkSet) -> tuple[np.ndarray, str, str]:
    """The input the network is asked about, its true class (empty if unknown), and what to call it."""
    asked = state.asked
    if asked.picture is not None:
        return asked.picture, "", "Your picture"
    if asked.strokes:
        side = found.seen.inputs.shape[2]
        return drawn_digit(asked.strokes, side)[None], "", "Your digit"
    number = max(asked.number, 0)
    truth = found.classes[int(found.held_out.targets[number])]
    return found.held_out.inputs[number].numpy(), truth, f"Test example {number + 1}: {truth}"


def probabilities(state: BenchmarksState, found: BenchmarkSet) -> tuple[np.ndarray, str]:
    """The network's probabilities for what it is asked about, [classes], and the true class (empty if
    unknown).
    """
    import torch

    assert state.network is not None
    inputs, truth, _ = asked_about(state, found)
    with torch.no_grad(), _threads(found):
        state.network.eval()
        return np.asarray(
            torch.softmax(state.network(torch.from_numpy(np.ascontiguousarray(inputs))[None]), dim=1)[
                0
            ].numpy()
        ), truth
