"""How close a hundred composed tunes are to a hundred of the style that nothing was learnt from, beside tunes
that should be closer and tunes that should not.

    python -m benchmarks.music_style [STYLE ...] [--tunes 100] [--seed 0]

Yang and Lerch's features on a common grid (`studio.music.styles.report`): closeness is 1 where two sets
cannot be told apart by them. Half of the style's tunes in its most common meter and mode are learnt from, the
others are held out. Compared with the held-out ones are those learnt from (as close as possible), tunes
composed in a form of the style, without a form, and looking one note back only, and the tunes learnt from
with their notes shuffled.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks import of_styles
from studio.errors import StudioError
from studio.music.melody.recipes import ComposeRecipe
from studio.music.melody.takes import consider, draw, usual_key, usual_meter
from studio.music.scores.tunes import Tune
from studio.music.styles.opening import ready_style
from studio.music.styles.originality import Comparison
from studio.music.styles.report import compare
from studio.music.styles.style import Style
from studio.process import finish


def composed(recipe: ComposeRecipe, style: Style, tunes: int) -> list[Tune]:
    outlook = finish(consider(recipe, style, max_copy=Comparison(style).max_copy))
    return [finish(draw(outlook, seed)).tune for seed in range(tunes)]


def shuffled(tune: Tune, random: np.random.Generator) -> Tune:
    notes = [tune.notes[place] for place in random.permutation(len(tune.notes))]
    return Tune.of([(note.pitch, note.duration) for note in notes], meter=tune.meter, key=tune.key)


def table(name: str, tunes: int, seed: int) -> None:
    style = ready_style(name)
    meter = usual_meter(style)
    key = usual_key(style, meter)
    style = style.filtered(meter=str(meter), mode=key.mode)
    style = style.part([place for place in range(len(style)) if len(style[place].sounding) >= 8])
    random = np.random.default_rng(seed)
    order = random.permutation(len(style))
    half = len(style) // 2
    held_out = style.part(np.sort(order[:half]).tolist())
    learnt = style.part(np.sort(order[half:]).tolist())
    some = [held_out[int(place)] for place in random.permutation(len(held_out))[:tunes]]
    known = [learnt[int(place)] for place in random.permutation(len(learnt))[:tunes]]
    print(
        f"\n{style.entry.title}, {meter}, {key.mode}: {len(learnt)} tunes learnt from, {len(some)} held out"
    )
    print(f"{'':28}{'closeness':>11}{'overlap':>9}{'divergence':>12}{'variety':>9}   furthest off")
    asked = ComposeRecipe(style=name, meter=str(meter), key=key.short(), bars=16)

    def row(what: str, made: Sequence[Tune]) -> None:
        report = compare(made, some)
        far = min(report.features, key=lambda each: min(each.overlap, each.variety))
        print(
            f"{what:28}{report.closeness:11.3f}{report.overlap:9.3f}{report.divergence:12.3f}"
            f"{report.variety:9.3f}   {far.name}",
            flush=True,
        )

    row("those learnt from", known)
    ways = {
        "composed": {},
        "composed without a form": {"form": "free"},
        "composed, one note back": {"form": "free", "order": 1},
    }
    for what, settings in ways.items():
        try:
            row(what, composed(asked.model_copy(update=settings), learnt, tunes))
        except StudioError as error:
            print(f"{what:28}{error}")
    row("learnt from, shuffled", [shuffled(tune, random) for tune in known])


def main() -> None:
    asked = of_styles(__doc__, tunes=100, seed=0)
    for name in asked.styles:
        table(name, asked.tunes, asked.seed)


if __name__ == "__main__":
    main()
