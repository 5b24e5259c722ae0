"""Trains a network on the melodies of a style: the process behind `studio train`.

    for progress in train("ryans-mammoth"):
        print(progress.stage)

The style's tunes are dealt into three parts, settings of one tune into the same: most to learn from, a tenth
to stop early by, and a tenth that is looked at once, at the end, to tell how well it foresees tunes it has
never met. The chains of `surprise` are told beside it, on the same tunes and the same notes. What is kept is
the model of `lstm`: weights as safetensors, with a card.
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
from studio.music.styles.sources import stands_for_files
from studio.music.styles.style import Style
from studio.music.styles.table import STYLES
from studio.works.work import Progress

if TYPE_CHECKING:
    from studio.learning.checkpoints import Card
    from studio.learning.networks import SequenceNetwork
    from studio.learning.training import Report

HIDDEN, DROPOUT = 192, 0.5
"""Cells of the memory, and the share of what they pass on that is left out at random while learning."""

MOST_EPOCHS, PATIENCE = 60, 4
RATE, BATCH, LONGEST_GRADIENT = 0.003, 16, 1.0

BESIDE = ("order 0", "order 1", "order 2", "order 4, fixed", "orders 0 to 4")
"""The chains of `surprise.CHAINS` that the card tells beside the network."""

LEARNING = 1000
"""Of a thousand parts of the progress, all but a few are learning."""


@dataclass(frozen=True)
class Trained:
    """A model that was kept. card: with its figures; where: its card's file; resumed: whether an interrupted
    training went on.
    """

    card: Card
    where: Path
    resumed: bool


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

    name: of the catalogue, of a style of one's own, or the path of a file or folder of tunes, whose name it
    is then kept under. into: the folder it goes to (by default the models of the studio's home).
    resume: go on with a training that was interrupted; every epoch is kept until the end. epochs: at most so
    many; it stops earlier once the tunes kept for that are foreseen no better. hidden: cells of the memory.
    Raises `UnknownName` and `Missing` (a style), `Refused` (too few tunes, numbers out of range), `Missing`
    (nothing to resume).
    """
    from studio.learning.checkpoints import load_training, save, save_training
    from studio.learning.networks import Recurrent, SequenceNetwork
    from studio.learning.training import Plan, fit

    if not 8 <= hidden <= 1024:
        raise Refused(f"A memory of {hidden} cells was asked for; it must be from 8 to 1024.")
    source: str | Path = name
    if stands_for_files(name):
        source = Path(name)
        name = source.resolve().stem
        if name in STYLES:
            raise Refused(
                f"{name} is the name of a style that is here already; call your file or folder of tunes something else."
            )
    folder = into or models_folder()
    if into is not None and not into.is_dir():
        raise Missing(f"There is no folder {into}; make it first.")
    folder.mkdir(parents=True, exist_ok=True)
    underway = folder / f"{name}.training.safetensors"
    if resume and not underway.is_file():
        raise Missing(f"No training of {name} was interrupted; start one with: studio train {name}.")

    style = yield from open_style(source)
    yield Progress(
        0, LEARNING, f"dealing {len(style):,} tunes into those to learn from and those to be tried on"
    )
    found = melodies(style)
    parts = parted(found, seed=seed)
    layout = Layout.of(found)
    learnt, chosen_by = Readings.of(layout, parts.learnt), Readings.of(layout, parts.chosen_by)
    network = Recurrent(
        inputs=layout.width, hidden=hidden, outputs=len(layout.names), dropout=DROPOUT, seed=seed
    ).build()
    assert isinstance(network, SequenceNetwork)
    plan = Plan.of(
        cost="cross-entropy",
        rate=RATE,
        batch=BATCH,
        epochs=epochs,
        patience=PATIENCE,
        max_norm=LONGEST_GRADIENT,
        schedule="stall",
        decay=0.4,
        decay_every=2,
        seed=seed,
        device="cpu",
    )
    state = load_training(underway) if resume else None
    batches = epochs * learnt.batch_count(BATCH)
    fitting = fit(network, learnt, plan, validation=chosen_by, resume=state, every_step=True)
    for report in fitting:
        if report.figures is not None and report.ending is None:
            save_training(report.state(), underway)
        yield Progress(
            min(LEARNING - 1, LEARNING * report.step // batches), LEARNING, _told(report, epochs), report.loss
        )
        if report.ending is not None and report.ending.kind == "diverged":
            raise Refused(f"The training came to nothing: {report.ending.sentence}")
    yield Progress(LEARNING - 1, LEARNING, "trying it on tunes it has never met")
    asked = shlex.quote(str(source))
    card = _card(name, asked, style, parts, network, layout, seed=seed, epochs=epochs, hidden=hidden)
    kept = save(network, card, folder / name)
    underway.unlink(missing_ok=True)
    return Trained(kept, folder / f"{name}.json", resume)


def _told(report: Report, epochs: int) -> str:
    if report.figures is None:
        return f"epoch {report.epoch} of at most {epochs}"
    figures = report.figures
    note = ", the best so far" if figures.best else ""
    return f"epoch {figures.epoch}: {figures.loss:.3f} nats a note learnt from, {figures.watched:.3f} on tunes kept for choosing{note}"


def _card(
    name: str,
    asked: str,
    style: Style,
    parts: Parts,
    network: SequenceNetwork,
    layout: Layout,
    *,
    seed: int,
    epochs: int,
    hidden: int,
) -> Card:
    """What the model is, what it learnt from, and what it reaches on the tunes that were kept for that,
    beside the chains.
    """
    from studio.learning.checkpoints import Card
    from studio.learning.datasets import DataSource

    entry = style.entry
    blank = Card(name=name, what="", data=(), command="", classes=layout.names)
    logs = log_probabilities(MelodyNetwork(network, layout, blank), parts.tested)
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
    usual = (("seed", seed, 0), ("epochs", epochs, MOST_EPOCHS), ("hidden", hidden, HIDDEN))
    options = "".join(f" --{option} {value}" for option, value, default in usual if value != default)
    return Card(
        name=name,
        what=f"Foretells the next note of a melody in the style {entry.title}: a long short-term memory of {hidden} cells.",
        data=(DataSource(name=entry.title, source=entry.source, licence=entry.licence),),
        licence="MIT, as the studio; what it learnt from is under the licence named there",
        command=f"studio train {asked}{options}",
        figures={name: float(f"{value:.5g}") for name, value in figures.items()},
        classes=layout.names,
        notes=(
            "Nats a note, the smaller the better, over notes and ends of tunes that were neither learnt from nor used to stop; "
            "'first time' leaves out bars that a repeat plays again. The chains stand beside it on the same notes of the same tunes."
        ),
    )
