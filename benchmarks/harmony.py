"""How close harmonisations of songs come to those of their composers: leave one out.

    python -m benchmarks.harmony [STYLE] [--songs 0] [--seed 0] [--seeds 6]

STYLE is a name or a folder of lead sheets (the songbook of the project's data, OpenEWLD). Each song is
harmonised by what was learnt from the others, its repeats played out. Beside the studio (exact samples of a
hidden semi-Markov model, bars that return harmonised alike) stand, learnt from the same songs, on 48 triads
by slots of half a bar: template matching, a hidden Markov model by Viterbi and by sampling; and the song's
own chords in another order. Measures are those of `music.harmony.measures`; they should be as near to the
composers' as possible, not beyond. `rhythm` is the overlap with the composers' histogram of harmonic rhythm.
One seed's means are uncertain by about 0.03 in che and 0.15 in cc, so the studio's are those of several.

The last lines tell how well the chain of chords predicts songs it has not seen, in bits a chord.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from statistics import mean

import numpy as np
from numpy.typing import NDArray

from studio.errors import Refused
from studio.music.chains.markov import WittenBell, count, mix
from studio.music.harmony.fit import FitCounts
from studio.music.harmony.harmonise import Harmonisation
from studio.music.harmony.idiom import ORDER, STRENGTH, HarmonyIdiom, chord_changes, is_minor, learn_harmony
from studio.music.harmony.measures import HarmonyMeasures, mean_measures, measure_harmony, overlap, rhythm_of
from studio.music.harmony.symbols import Harmony
from studio.music.scores.chords import ChordAt
from studio.music.scores.meters import Meter
from studio.music.scores.tunes import Tune
from studio.music.styles.opening import ready_style
from studio.music.styles.style import Style

SUFFIXES = ("", "m", "dim", "aug")
TONES = ((0, 4, 7), (0, 3, 7), (0, 3, 6), (0, 4, 8))


@dataclass(frozen=True)
class Slots:
    """A song in slots of half a bar (4/4, 2/2) or a bar. heard: [slots, 12], how long each degree sounds.
    labels: [slots], the triad of the composer.
    """

    starts: list[Fraction]
    heard: NDArray[np.float64]
    labels: NDArray[np.int64]

    @classmethod
    def of(cls, tune: Tune) -> Slots:
        changes = chord_changes(tune)
        starts, labels, rows = [], [], []
        for bar in tune.bars():
            parts = 2 if str(bar.meter) in ("4/4", "2/2") else 1
            for part in range(parts):
                start = bar.start + part * bar.meter.bar_length / parts
                end = min(bar.end, start + bar.meter.bar_length / parts)
                before = [chord for place, chord in changes if place <= start]
                if not before or start >= end:
                    continue
                heard = np.zeros(12)
                for note in tune.notes:
                    if note.pitch is not None and note.start < end and note.end > start:
                        held = min(note.end, end) - max(note.start, start)
                        heard[(note.pitch - tune.key.tonic) % 12] += float(held)
                starts.append(start)
                labels.append(before[-1].moved(-tune.key.tonic).triad)
                rows.append(heard)
        return cls(starts, np.array(rows), np.array(labels))

    def tune(self, tune: Tune, labels: Sequence[int]) -> Tune:
        """The song with these triads."""
        chords = []
        for start, label in zip(self.starts, labels, strict=True):
            symbol = Harmony(int(label) // 4, SUFFIXES[int(label) % 4]).symbol(tune.key)
            if not chords or chords[-1].symbol != symbol:
                chords.append(ChordAt(start, symbol))
        return replace(tune, chords=tuple(chords))


@dataclass(frozen=True)
class HiddenMarkov:
    """First order on 48 triads, 0.01 added to transitions; a note sounds over a triad by duration, half of it
    tied over roots. Logarithms.
    """

    start: NDArray[np.float64]
    move: NDArray[np.float64]
    sound: NDArray[np.float64]

    @classmethod
    def learn(cls, songs: Sequence[Slots]) -> HiddenMarkov:
        start, move, sound = np.full(48, 0.01), np.full((48, 48), 0.01), np.zeros((48, 12))
        for song in songs:
            start[song.labels[0]] += 1
            np.add.at(move, (song.labels[:-1], song.labels[1:]), 1)
            np.add.at(sound, song.labels, song.heard)
        tied = np.zeros((4, 12)) + 0.5
        for label in range(48):
            tied[label % 4] += np.roll(sound[label], -(label // 4))
        tied /= tied.sum(axis=1, keepdims=True)
        shared = np.stack([np.roll(tied[label % 4], label // 4) for label in range(48)])
        own = sound + 2 * shared
        own /= own.sum(axis=1, keepdims=True)
        rows = np.log(move / move.sum(axis=1, keepdims=True))
        return cls(np.log(start / start.sum()), rows, np.log((own + shared) / 2))

    def viterbi(self, song: Slots, _random: np.random.Generator) -> list[int]:
        fits = song.heard @ self.sound.T
        best, came = self.start + fits[0], []
        for fit in fits[1:]:
            moves = best[:, None] + self.move
            came.append(moves.argmax(axis=0))
            best = moves.max(axis=0) + fit
        path = [int(best.argmax())]
        for back in reversed(came):
            path.append(int(back[path[-1]]))
        return path[::-1]

    def sample(self, song: Slots, random: np.random.Generator) -> list[int]:
        fits = song.heard @ self.sound.T
        ahead = [np.zeros(48)]
        for fit in fits[:0:-1]:
            ahead.append(np.logaddexp.reduce(self.move + (fit + ahead[-1])[None, :], axis=1))
        path: list[int] = []
        for number, fit in enumerate(fits):
            before = self.move[path[-1]] if path else self.start
            log = before + fit + ahead[len(fits) - 1 - number]
            weights = np.exp(log - log.max())
            path.append(int(random.choice(48, p=weights / weights.sum())))
        return path


def template(song: Slots, _random: np.random.Generator) -> list[int]:
    """The triad whose tones sound longest in each slot; of equal ones that of the slot before."""
    path: list[int] = []
    for heard in song.heard:
        score = np.array([heard[[(n // 4 + tone) % 12 for tone in TONES[n % 4]]].sum() for n in range(48)])
        score -= 1e-3 * (np.arange(48) % 4 > 1)
        if path:
            score[path[-1]] += 1e-6
        path.append(int(score.argmax()))
    return path


def shuffled(song: Slots, random: np.random.Generator) -> list[int]:
    return [int(label) for label in random.permutation(song.labels)]


def held_out_bits(idiom: HarmonyIdiom, longest: int, folds: int = 8) -> float:
    """Bits a chord of songs the chain has not seen; events it has not seen at all are one more symbol."""
    lost, chords = 0.0, 0
    for fold in range(folds):
        learnt = [line for number, line in enumerate(idiom.lines) if number % folds != fold]
        known: dict[object, int] = {}
        rows = [[known.setdefault(e, len(known) + 1) for e in line.events] for line in learnt]
        # Each song's first event stands for all that may be new, so that what is new has a probability.
        tree = count([*rows, [0]], alphabet=len(known) + 1, longest=longest)
        chain = mix(tree, WittenBell(STRENGTH), lowest=0)
        for line in idiom.lines[fold::folds]:
            row = [known.get(event, 0) for event in line.events]
            for place, symbol in enumerate(row):
                state = chain.state(row[max(0, place - longest) : place], from_the_start=place < longest)
                lost -= float(np.log2(chain.distribution(state)[symbol]))
            chords += sum(not event.carries for event in line.events)
    return lost / max(1, chords)


def show(name: str, draws: Sequence[Sequence[Tune]], human: Sequence[Tune]) -> None:
    """A line of the table: the mean of several draws of all songs."""
    found: list[HarmonyMeasures] = [
        mean_measures(m for tune in tunes if (m := measure_harmony(tune))) for tunes in draws
    ]
    numbers = "  ".join(f"{key} {mean(vars(each)[key] for each in found):6.3f}" for key in vars(found[0]))
    rhythm = mean(overlap(rhythm_of(tunes), rhythm_of(human)) for tunes in draws)
    print(f"{name:26} {numbers}  rhythm {rhythm:.3f}", flush=True)


def harmonised(
    idiom: HarmonyIdiom, counts: FitCounts, tune: Tune, number: int, randoms: Sequence[np.random.Generator]
) -> list[Tune]:
    rest = HarmonyIdiom(
        idiom.title, idiom.meter, idiom.mode, [line for line in idiom.lines if line.number != number]
    )
    asked = Harmonisation.of(tune, rest, counts.fit())
    return [asked.tune_with(asked.draw_alike(random)) for random in randoms]


def run(style: Style, most: int, seed: int, seeds: int) -> None:
    own = [FitCounts.of([tune]) for tune in style]
    total = FitCounts.of([])
    for each in own:
        total += each
    groups: dict[tuple[str, bool], list[int]] = {}
    for number, (meter, mode) in enumerate(zip(style.meters, style.modes, strict=True)):
        groups.setdefault((meter, is_minor(mode)), []).append(number)
    rivals: dict[str, Callable[[Slots, np.random.Generator], list[int]] | None] = {
        "template matching": template,
        "chords shuffled": shuffled,
        "HMM, Viterbi": None,
        "HMM, sampled": None,
    }
    slots = {number: Slots.of(tune) for number, tune in enumerate(style) if chord_changes(tune)}
    human: list[Tune] = []
    found: dict[str, list[Tune]] = {name: [] for name in rivals}
    ours: list[list[Tune]] = []
    bits: list[str] = []
    for (meter, minor), numbers in groups.items():
        try:
            idiom = learn_harmony(style, Meter.parse(meter), "minor" if minor else "major")
        except Refused:
            continue
        if len(idiom.lines) < 4:
            continue
        told = ", ".join(
            f"order {longest} {held_out_bits(idiom, longest):.2f}" for longest in (0, 1, 2, ORDER)
        )
        bits.append(f"{meter} {idiom.mode}, {len(idiom.lines)} songs: {told}")
        for number in numbers:
            tune = style[number].unfolded()
            if number not in slots or len(tune.grid.meters) > 1 or (most and len(human) >= most):
                continue
            random = np.random.default_rng(seed + number)
            song = Slots.of(tune)
            model = HiddenMarkov.learn([slots[other] for other in slots if other != number])
            human.append(tune)
            for name, rival in rivals.items():
                way = rival or (model.viterbi if "Viterbi" in name else model.sample)
                found[name].append(song.tune(tune, way(song, random)))
            randoms = [
                random,
                *(np.random.default_rng(each + number) for each in range(seed + 1, seed + seeds)),
            ]
            ours.append(harmonised(idiom, total - own[number], tune, number, randoms))
    print(f"{style.entry.title}: {len(human)} songs, each harmonised by what the others teach")
    show("composers", [human], human)
    for name, tunes in found.items():
        show(name, [tunes], human)
    show("studio" if seeds == 1 else f"studio, mean of {seeds} seeds", list(zip(*ours, strict=True)), human)
    print("Bits a chord, of songs held out in eight folds:")
    for line in bits:
        print("  " + line)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("style", nargs="?", default="nottingham")
    parser.add_argument("--songs", type=int, default=0, help="at most so many songs; 0 for all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seeds", type=int, default=6, help="the studio's mean over so many seeds")
    given = parser.parse_args()
    run(ready_style(given.style), given.songs, given.seed, given.seeds)


if __name__ == "__main__":
    main()
