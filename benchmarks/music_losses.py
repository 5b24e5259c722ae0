"""How well chains predict tunes they have never seen, for each bundled style: nats a note, smaller is better.

    python -m benchmarks.music_losses [STYLE ...] [--seed 0]

A style's tunes are split into three parts, with settings of one tune in the same part: most for training, a
tenth to choose the strength of the escape, a tenth for the test. Every chain predicts the same thing of the
same notes: pitch, length and whether the note is carried over, given meter, mode and place in the bar, and
whether the tune ends. Below the whole note are two parts of it, its length alone and what the pitch adds, and
the cost of not sharing between keys: a chain that sees pitches as they are written. The error is that of the
mean over tunes. Styles are read the first time, which takes minutes for all of them.
"""

from __future__ import annotations

import argparse
from dataclasses import replace

from studio.errors import StudioError
from studio.music.melody.surprise import chain_losses
from studio.music.melody.tokens import Melody, melodies, parted
from studio.music.styles.opening import ready_style
from studio.music.styles.style import Style
from studio.music.styles.table import STYLES

BEST = "orders 0 to 4"


def as_written(found: list[Melody], style: Style) -> list[Melody]:
    """The same melodies with their pitches in the keys they are written in."""
    steps = [(tonic + 5) % 12 - 5 for tonic in style.tonics]
    return [
        replace(
            melody,
            tokens=tuple(
                token if token.pitch is None else replace(token, pitch=token.pitch + steps[melody.number])
                for token in melody.tokens
            ),
        )
        for melody in found
    ]


def length_only(found: list[Melody]) -> list[Melody]:
    return [
        replace(melody, tokens=tuple(replace(token, pitch=token.pitch and 0) for token in melody.tokens))
        for melody in found
    ]


def loss(learnt: list[Melody], chosen_by: list[Melody], tested: list[Melody]) -> float:
    (found,) = chain_losses(learnt, chosen_by, tested, [BEST])
    return found.every_note.nats


def table(name: str, seed: int) -> None:
    style = ready_style(name)
    parts = parted(melodies(style), seed=seed)
    found = chain_losses(parts.learnt, parts.chosen_by, parts.tested)
    notes = found[0].every_note.notes
    print(
        f"\n{style.entry.title}: {len(parts.learnt)} tunes for training, "
        f"{len(parts.tested)} for the test, {notes:,} notes"
    )
    print(f"{'':24}{'nats a note':>13}{'error':>8}{'first time':>12}{'escape':>8}")
    for chain in found:
        every, first = chain.every_note, chain.first_time
        print(f"{chain.name:24}{every.nats:13.3f}{every.error:8.3f}{first.nats:12.3f}{chain.strength:8g}")
    whole = next(chain.every_note.nats for chain in found if chain.name == BEST)
    learnt, chosen_by, tested = (length_only(part) for part in (parts.learnt, parts.chosen_by, parts.tested))
    length = loss(learnt, chosen_by, tested)
    alone = loss(*(as_written(part, style) for part in (parts.learnt, parts.chosen_by, parts.tested)))
    print(f"{BEST}, of that: {length:.3f} for the length alone, {whole - length:.3f} for what the pitch adds")
    print(
        f"{BEST}, pitches as written: {alone:.3f}, so {alone - whole:+.3f} without sharing by transposition",
        flush=True,
    )


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument(
        "styles", nargs="*", default=[entry.name for entry in STYLES.values() if entry.files]
    )
    options.add_argument("--seed", type=int, default=0)
    asked = options.parse_args()
    for name in asked.styles:
        try:
            table(name, asked.seed)
        except StudioError as error:
            print(f"\n{name}: {error}")


if __name__ == "__main__":
    main()
