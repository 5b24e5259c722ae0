"""Trains a network on the melodies of a style: the process behind `studio train`.

    for progress in train("ryans-mammoth"):
        print(progress.stage)

The style's tunes are split into three parts, with settings of one tune in the same part: most for training, a
tenth for validation (early stopping), and a tenth for a test, once, at the end, of how well the network
predicts tunes it has never seen. The chains of `surprise` are tested on the same notes. What is kept is the
model of `lstm`: weights as safetensors, with a card.
"""

from __future__ import annotations

import shlex
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from studio.errors import Missing, Refused
from studio.music.melody.lstm import MelodyNetwork, log_probabilities, models_folder
from studio.music.melody.surprise import chain_losses, loss_of
from studio.music.melody.tokens import Layout, Parts, Readings, melodies, parted
from studio.music.styles.opening import open_style
from studio.music.styles.sources import is_path
from studio.music.styles.style import Style
from studio.music.styles.table import STYLES
from studio.works.private import make_private_folder
from studio.works.work import Progress

if TYPE_CHECKING:
    from studio.learning.checkpoints import Card
    from studio.learning.networks import SequenceNetwork
    from studio.learning.training import Report

HIDDEN, DROPOUT = 192, 0.5
"""Cells of the memory, and the share of their outputs that is dropped at random while learning."""

MOST_EPOCHS, PATIENCE = 60, 4
RATE, BATCH, MAX_NORM = 0.003, 16, 1.0

BESIDE = ("order 0", "order 1", "order 2", "order 4, fixed", "orders 0 to 4")
"""The chains of `surprise.CHAINS` whose losses the card gives beside the network's."""

LEARNING = 1000
"""Parts of the progress; all but a few of them are learning."""


@dataclass(frozen=True)
class Trained:
    """A model that was kept. card: with its figures. where: its card's file. resumed: an interrupted training
    was continued.
    """

    card: Card
    where: Path
    resumed: bool


@dataclass(frozen=True)
class _TrainingRequest:
    """What was asked of `train`. name: of the model. source: the style's name, or its files."""

    name: str
    source: str | Path
    folder: Path
    resume: bool
    seed: int
    epochs: int
    hidden: int

    @property
    def underway(self) -> Path:
        """Where the training is kept after every epoch, until it is finished."""
        return self.folder / f"{self.name}.training.safetensors"

    @property
    def command(self) -> str:
        """The command that trains this model again."""
        usual = (
            ("seed", self.seed, 0),
            ("epochs", self.epochs, MOST_EPOCHS),
            ("hidden", self.hidden, HIDDEN),
        )
        options = "".join(f" --{option} {value}" for option, value, default in usual if value != default)
        return f"studio train {shlex.quote(str(self.source))}{options}"


@dataclass(frozen=True, eq=False)
class _Material:
    """A style's melodies, split into three parts, and how they are laid out for a network."""

    style: Style
    parts: Parts
    layout: Layout

    @classmethod
    def of(cls, style: Style, seed: int) -> _Material:
        found = melodies(style)
        return cls(style, parted(found, seed=seed), Layout.of(found))


def train(
    name: str,
    *,
    into: Path | None = None,
    resume: bool = False,
    seed: int = 0,
    epochs: int = MOST_EPOCHS,
    hidden: int = HIDDEN,
) -> Generator[Progress, None, Trained]:
    """Train a network on a style and keep it under the style's name.

    name: a style of the catalogue, a style of the user's own, or the path of a file or folder of tunes, whose
    name is then the model's. into: the folder to keep it in (by default the models of the studio's home).
    resume: continue a training that was interrupted; it is kept after every epoch until it is finished.
    epochs: at most; training stops earlier once the validation tunes are predicted no better. hidden: cells
    of the memory, 8 … 1024. Raises `UnknownName` and `Missing` (a style), `Refused` (too few tunes, numbers
    out of range), `Missing` (nothing to resume).
    """
    from studio.learning.checkpoints import save

    if not 8 <= hidden <= 1024:
        raise Refused(f"A memory of {hidden} cells was asked for; it must be from 8 to 1024.")
    name, source = _named(name)
    request = _TrainingRequest(name, source, _folder(into), resume, seed, epochs, hidden)
    if resume and not request.underway.is_file():
        raise Missing(f"No training of {name} was interrupted; start one with: studio train {name}.")

    style = yield from open_style(source)
    yield Progress(0, LEARNING, f"splitting {len(style):,} tunes into training, validation and test tunes")
    material = _Material.of(style, seed)
    network = yield from _fitted(request, material)
    yield Progress(LEARNING - 1, LEARNING, "testing it on tunes it has never seen")
    kept = save(network, _card(request, material, network), request.folder / name)
    request.underway.unlink(missing_ok=True)
    return Trained(kept, request.folder / f"{name}.json", resume)


def _named(name: str) -> tuple[str, str | Path]:
    """What a model is called, and what it is trained on: a style's name or the path of files."""
    if not is_path(name):
        return name, name
    source = Path(name)
    called = source.resolve().stem
    if called in STYLES:
        raise Refused(f"{called} is already the name of a style; rename your file or folder of tunes.")
    return called, source


def _folder(into: Path | None) -> Path:
    if into is not None and not into.is_dir():
        raise Missing(f"There is no folder {into}; make it first.")
    folder = into or models_folder()
    if into is None:
        make_private_folder(folder)
    return folder


def _fitted(request: _TrainingRequest, material: _Material) -> Generator[Progress, None, SequenceNetwork]:
    from studio.learning.checkpoints import load_training, save_training
    from studio.learning.networks import Recurrent, SequenceNetwork
    from studio.learning.training import Plan, fit

    layout = material.layout
    network = Recurrent(
        inputs=layout.width,
        hidden=request.hidden,
        outputs=len(layout.names),
        dropout=DROPOUT,
        seed=request.seed,
    ).build()
    assert isinstance(network, SequenceNetwork)
    plan = Plan.of(
        cost="cross-entropy",
        rate=RATE,
        batch=BATCH,
        epochs=request.epochs,
        patience=PATIENCE,
        max_norm=MAX_NORM,
        schedule="stall",
        decay=0.4,
        decay_every=2,
        seed=request.seed,
        device="cpu",
    )
    learnt = Readings.of(layout, material.parts.learnt)
    chosen_by = Readings.of(layout, material.parts.chosen_by)
    state = load_training(request.underway) if request.resume else None
    batches = request.epochs * learnt.batch_count(BATCH)
    for report in fit(network, learnt, plan, validation=chosen_by, resume=state, every_step=True):
        if report.figures is not None and report.ending is None:
            save_training(report.state(), request.underway)
        done = min(LEARNING - 1, LEARNING * report.step // batches)
        yield Progress(done, LEARNING, _described(report, request.epochs), report.loss)
        if report.ending is not None and report.ending.kind == "diverged":
            raise Refused(f"The training failed: {report.ending.sentence}")
    return network


def _described(report: Report, epochs: int) -> str:
    figures = report.figures
    if figures is None:
        return f"epoch {report.epoch} of at most {epochs}"
    note = ", the best so far" if figures.best else ""
    return (
        f"epoch {figures.epoch}: loss {figures.loss:.3f} nats a note, "
        f"{figures.watched:.3f} on validation tunes{note}"
    )


def _card(request: _TrainingRequest, material: _Material, network: SequenceNetwork) -> Card:
    """What the model is, what it was trained on, and its loss on the test tunes, beside the chains'."""
    from studio.learning.checkpoints import Card
    from studio.learning.datasets import DataSource

    entry, layout = material.style.entry, material.layout
    blank = Card(name=request.name, what="", data=(), command="", classes=layout.names)
    figures = _figures(material.parts, MelodyNetwork(network, layout, blank))
    return Card(
        name=request.name,
        what=(
            f"Predicts the next note of a melody in the style {entry.title}. "
            f"A long short-term memory of {request.hidden} cells."
        ),
        data=(DataSource(name=entry.title, source=entry.source, licence=entry.licence),),
        licence="MIT, as the studio; what it was trained on is under the licence named there",
        command=request.command,
        figures={name: float(f"{value:.5g}") for name, value in figures.items()},
        classes=layout.names,
        notes=(
            "Nats a note, smaller is better, over the notes and ends of tunes that were used neither for "
            "training nor for stopping. 'First time' leaves out bars that repeat earlier ones. The chains "
            "predicted the same notes of the same tunes."
        ),
    )


def _figures(parts: Parts, model: MelodyNetwork) -> dict[str, float]:
    logs = log_probabilities(model, parts.tested)
    every, first = loss_of(logs, parts.tested), loss_of(logs, parts.tested, first_time=True)
    figures = {
        "tunes learnt from": float(len(parts.learnt)),
        "tunes tested on": float(len(parts.tested)),
        "notes tested on": float(every.notes),
        "nats a note": every.nats,
        "its standard error": every.error,
        "nats a note, first time": first.nats,
    }
    for chain in chain_losses(parts.learnt, parts.chosen_by, parts.tested, BESIDE):
        figures[f"chain, {chain.name}: nats a note"] = chain.every_note.nats
        figures[f"chain, {chain.name}: nats a note, first time"] = chain.first_time.nats
    return figures
