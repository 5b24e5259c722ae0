"""What returns in a tune and where its phrases end: in the style's own tunes, in composed ones, and in ones
composed without a form.

    python -m benchmarks.music_form [STYLE ...] [--takes 24] [--bars 16]

For each style, in its most common meter and key, with no constraint but the length: what a tune repeats
exactly, begins alike or moves to other steps (share of its bars); the stripes of its self-similarity (how
much more alike bars half a part apart are); how many phrase ends breathe, and close on 1, 3 or 5; how many
tunes end on the tonic; on which degrees phrases end. The style's own tunes are taken once through, those of
that length, or all of them where fewer than ten have it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import astuple, fields

import numpy as np

from benchmarks import of_styles
from studio.music.melody.form import Bar, FormFeatures, learn_forms, measure
from studio.music.melody.idiom import Idiom
from studio.music.melody.recipes import ComposeRecipe
from studio.music.melody.takes import consider, draw, in_bars
from studio.music.styles.opening import ready_style
from studio.music.styles.originality import Comparison
from studio.process import finish

DEGREES = ("1", "b2", "2", "b3", "3", "4", "#4", "5", "b6", "6", "b7", "7")


def composed(recipe: ComposeRecipe, name: str, takes: int) -> tuple[Idiom, list[list[Bar]]]:
    style = ready_style(name)
    outlook = finish(consider(recipe, style, max_copy=Comparison(style, name).max_copy))
    idiom: Idiom = outlook.idiom
    tunes = []
    for seed in range(takes):
        bars = in_bars(idiom, finish(draw(outlook, seed)).symbols)
        tunes.append([tuple(idiom.events[symbol] for symbol in bar) for bar in bars])
    return idiom, tunes


def own(idiom: Idiom, bars: int) -> dict[str, list[list[Bar]]]:
    """The style's tunes, those of that length if there are enough: each part once through, and with its
    repeats played.
    """
    once, played = [], []
    for shape in learn_forms(idiom).shapes:
        if shape.whole:
            once.append(list(shape.bars))
            played.append(list(shape.bars))
        else:  # the same tune with its repeats follows it
            played[-1] = list(shape.bars)
    found = {}
    for how, tunes in (("its own, once", once), ("its own, as played", played)):
        as_long = [tune for tune in tunes if len(tune) == bars]
        found[how] = as_long if len(as_long) >= 10 else [tune for tune in tunes if len(tune) >= 8]
    return found


def phrase_ends(idiom: Idiom, tunes: Sequence[Sequence[Bar]]) -> str:
    found: Counter[str] = Counter()
    for tune in tunes:
        for bar in tune[3::4]:
            notes = [event for event in bar if event.pitch >= 0]
            if notes:
                found[
                    DEGREES[
                        (max(reversed(notes), key=lambda event: event.ticks).pitch - idiom.key.tonic) % 12
                    ]
                ] += 1
    return ", ".join(f"{degree} {count / found.total():.0%}" for degree, count in found.most_common(4))


def table(name: str, takes: int, bars: int) -> None:
    idiom, learnt = composed(ComposeRecipe(style=name, bars=bars), name, takes)
    _, free = composed(ComposeRecipe(style=name, bars=bars, form="free"), name, takes)
    rows = own(idiom, bars) | {"composed": learnt, "without a form": free}
    print(f"\n{idiom.style.entry.title}, {bars} bars of {idiom.meter} in {idiom.key}")
    print(
        f"{'':20}{'tunes':>6}"
        + "".join(f"{each.name:>11}" for each in fields(FormFeatures))
        + "   phrases end on"
    )
    for what, tunes in rows.items():
        found = np.array([astuple(measure(tune, idiom.bar, idiom.key.scale)) for tune in tunes])
        print(
            f"{what:20}{len(tunes):6}"
            + "".join(f"{value:11.2f}" for value in found.mean(axis=0))
            + f"   {phrase_ends(idiom, tunes)}"
        )
    print(flush=True)


def main() -> None:
    asked = of_styles(__doc__, takes=24, bars=16)
    for name in asked.styles:
        table(name, asked.takes, asked.bars)


if __name__ == "__main__":
    main()
