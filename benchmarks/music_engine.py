"""The sampling engine beside a straightforward implementation of the same mathematics with dictionaries.

    python -m benchmarks.music_engine [--rounds 5] [--whole] [--prelude FILE]

prelude   the published task: a prelude of 592 pitches, order 6, 32 notes, no run of 5 pitches copied, the
          last a C. FILE has the pitches (default: bach_pitches.txt in shared/data beside the checkout);
          without it a made-up prelude of that size is used.
melody    32 bars in 2/4 after 50 fiddle tunes (Ryan's Mammoth, read with music21): orders 2 to 4, the meter,
          a key, at most 8 notes in a row as in the tunes, compared by intervals, two pins, a long last note
          on the tonic. Measured from counting to the first list of notes.
--whole   the same after all 1,059 tunes, 16 and 32 bars, with the peak of memory. Reading them takes a minute
          or two the first time.

Both sides answer in turn and must agree on the partition function to nine digits. CPU seconds are compared,
the median of the rounds, because other programs disturb them least; wall-clock seconds are shown beside them.
Exit status 1 when they disagree, or when the engine needs more than 0.25 s for the prelude's beliefs, 0.2 s
for 10,000 samples, or 1 s for the melody.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import multiprocessing
import random
import resource
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse  # noqa: F401 - loaded here so that its import is in nobody's time

from studio.music.chains.automata import Listener, copy_limit, differences, each
from studio.music.chains.markov import Geometric, count, mix
from studio.music.chains.sampling import Requirement, Solution, anywhere, solve, starting
from studio.music.chains.trellis import Walk, unfold

State = tuple[tuple[int, ...], tuple[int, ...], int]
"""Of the plain side: chain context, the end of the melody that may become a copy, the last pitch."""

SIXTEENTH = 6  # ticks; a quarter note has 24, so that triplets come out whole
BAR = 48


@dataclass(frozen=True)
class Event:
    """A note or rest (pitch -1) of a tune brought to C, with its ticks and its place in the bar."""

    pitch: int
    ticks: int
    place: int
    meter: str


@dataclass(frozen=True)
class Task:
    """One request in the terms both sides understand."""

    sequences: list[list[int]]
    alphabet: int
    longest: int
    lowest: int
    weight: float
    signs: bool
    history: tuple[int, ...]
    durations: list[int]
    period: int
    places: np.ndarray | None
    ticks: int
    allowed: np.ndarray
    pitch: list[int] | None
    """With pitches, copies are compared by intervals; without, by symbols."""
    copied: int
    """The longest run of letters that may be copied."""


def by_engine(task: Task) -> Solution:
    tree = count(
        task.sequences, alphabet=task.alphabet, longest=task.longest, starts=task.signs, ends=task.signs
    )
    chain = mix(tree, Geometric(task.weight), lowest=task.lowest)
    view = each(np.arange(task.alphabet)) if task.pitch is None else differences(task.pitch)
    copies = Listener(view, copy_limit(view.letters_of(task.sequences), task.copied, view.letters))
    walk = Walk(
        chain,
        np.array(task.durations),
        period=task.period,
        places=task.places,
        history=None if task.signs else task.history,
    )
    return solve(unfold(walk, [copies]), task.ticks, [Requirement("all of them", allowed=task.allowed)])


class ByDictionaries:
    """The same chain, copy limit and beliefs in dictionaries: contexts and states are tuples, layers are
    dictionaries.
    """

    def __init__(self, task: Task) -> None:
        self.task = task
        self.counts: dict[tuple[int, ...], dict[int, int]] = defaultdict(lambda: defaultdict(int))
        letters: list[list[int]] = []
        for sequence in task.sequences:
            text = [-1, *sequence, -2] if task.signs else sequence
            for place in range(int(task.signs), len(text)):
                for length in range(min(task.longest, place) + 1):
                    self.counts[tuple(text[place - length : place])][text[place]] += 1
            letters.append(sequence if task.pitch is None else self._intervals(sequence))
        run = task.copied + 1
        self.copies = {tuple(text[at : at + run]) for text in letters for at in range(len(text) - run + 1)}
        self.beginnings = {copy[:length] for copy in self.copies for length in range(run)}
        self.spread: dict[tuple[int, ...], list[tuple[int, float, tuple[int, ...]]]] = {}
        self.after: dict[tuple[tuple[int, ...], int], tuple[int, ...] | None] = {}
        self.layers: list[dict[State, list[tuple[int, float, State, int]]]] = [
            {} for _ in range(task.ticks + 1)
        ]
        self.start: State = (self._longest_known((-1,) if task.signs else task.history), (), -1)
        self._unfold()
        self.belief: list[dict[State, float]] = [{} for _ in range(task.ticks + 1)]
        self._believe()

    @property
    def log_z(self) -> float:
        return math.log(self.belief[0][self.start])

    def sample(self, generator: random.Random) -> list[int]:
        tick, state, drawn = 0, self.start, []
        while tick < self.task.ticks:
            ways = self.layers[tick][state]
            masses = [chance * self.belief[later].get(to, 0.0) for _, chance, to, later in ways]
            symbol, _, state, tick = generator.choices(ways, weights=masses)[0]
            drawn.append(symbol)
        return drawn

    def sample_many(self, draws: int, generator: random.Random) -> list[list[int]]:
        return [self.sample(generator) for _ in range(draws)]

    def _unfold(self) -> None:
        task = self.task
        self.layers[0][self.start] = []
        for tick in range(task.ticks):
            row = task.allowed[tick]
            place = None if task.places is None else task.places[tick % task.period]
            for state, ways in self.layers[tick].items():
                context, run, pitch = state
                for symbol, chance, to in self._next(context):
                    later = tick + task.durations[symbol]
                    if later > task.ticks or not row[symbol] or (place is not None and not place[symbol]):
                        continue
                    heard, sounding = self._hear(pitch, symbol)
                    longer = run if heard is None else self._follow(run, heard)
                    if longer is None:
                        continue
                    target: State = (to, longer, sounding)
                    self.layers[later].setdefault(target, [])
                    ways.append((symbol, chance, target, later))

    def _believe(self) -> None:
        for state in self.layers[-1]:
            self.belief[-1][state] = 1.0
        for tick in range(self.task.ticks - 1, -1, -1):
            for state, ways in self.layers[tick].items():
                mass = sum(chance * self.belief[later].get(to, 0.0) for _, chance, to, later in ways)
                if mass:
                    self.belief[tick][state] = mass

    def _next(self, context: tuple[int, ...]) -> list[tuple[int, float, tuple[int, ...]]]:
        if context not in self.spread:
            chances: dict[int, float] = defaultdict(float)
            orders = range(min(self.task.lowest, len(context)), len(context) + 1)
            whole = sum(self.task.weight ** (len(context) - order) for order in orders)
            for order in orders:
                followers = self.counts[context[len(context) - order :]]
                total = sum(followers.values())
                for symbol, times in followers.items():
                    chances[symbol] += self.task.weight ** (len(context) - order) / whole * times / total
            self.spread[context] = [
                (symbol, chance, self._longest_known((*context, symbol)))
                for symbol, chance in chances.items()
                if symbol >= 0
            ]
        return self.spread[context]

    def _longest_known(self, history: tuple[int, ...]) -> tuple[int, ...]:
        context = history[max(0, len(history) - self.task.longest) :]
        while context not in self.counts:
            context = context[1:]
        return context

    def _hear(self, pitch: int, symbol: int) -> tuple[int | None, int]:
        if self.task.pitch is None:
            return symbol, -1
        new = self.task.pitch[symbol]
        if new < 0:
            return None, pitch
        return (None if pitch < 0 else new - pitch), new

    def _follow(self, run: tuple[int, ...], letter: int) -> tuple[int, ...] | None:
        if (run, letter) not in self.after:
            longer = (*run, letter)
            if longer in self.copies:
                self.after[run, letter] = None
            else:
                while longer not in self.beginnings:
                    longer = longer[1:]
                self.after[run, letter] = longer
        return self.after[run, letter]

    def _intervals(self, sequence: Sequence[int]) -> list[int]:
        assert self.task.pitch is not None
        notes = [pitch for symbol in sequence if (pitch := self.task.pitch[symbol]) >= 0]
        return [after - before for before, after in itertools.pairwise(notes)]


def prelude_task(file: Path) -> Task:
    if file.exists():
        pitches = [int(pitch) for pitch in file.read_text().split()]
    else:
        print(f"({file.name} is missing; a made-up prelude is used)")
        generator = random.Random(1)
        pitches = [60, 64, 67, 72, 76, 67]
        while len(pitches) < 592:
            chord = sorted(generator.sample([55, 57, 60, 62, 64, 65, 67, 69, 72, 74, 76, 77, 79], 5))
            pitches += 2 * [*chord, *chord[2:]]
    names = sorted(set(pitches))
    allowed = np.ones((32, len(names)), dtype=bool)
    allowed[-1] = [pitch % 12 == 0 for pitch in names]
    number = {pitch: symbol for symbol, pitch in enumerate(names)}
    return Task(
        sequences=[[number[pitch] for pitch in pitches]],
        alphabet=len(names),
        longest=6,
        lowest=0,
        weight=0.25,
        signs=False,
        history=tuple(number[pitch] for pitch in (60, 64, 67, 72, 76, 67)),
        durations=[1] * len(names),
        period=1,
        places=None,
        ticks=32,
        allowed=allowed,
        pitch=None,
        copied=4,
    )


def melody_task(tunes: Sequence[list[Event]], bars: int) -> Task:
    names: dict[Event, int] = {}
    sequences = [[names.setdefault(event, len(names)) for event in tune] for tune in tunes]
    events = list(names)
    pitch = np.array([event.pitch for event in events])
    durations = np.array([event.ticks for event in events])
    starts = np.array([event.place for event in events])
    fits = np.array([event.meter == "2/4" for event in events]) & (starts + durations <= BAR)
    walk = Walk(
        mix(count(sequences, alphabet=len(events), longest=0)), durations
    )  # for the shapes of masks only
    ticks = bars * BAR
    final = (pitch >= 0) & (pitch % 12 == 0) & (durations >= 2 * SIXTEENTH)
    allowed = anywhere(walk, ticks)
    allowed &= (pitch < 0) | np.isin(pitch % 12, [0, 2, 4, 5, 7, 9, 11])
    allowed &= final | (np.arange(ticks)[:, None] + durations < ticks)
    allowed &= starting(walk, ticks, 4 * BAR, (pitch >= 0) & (pitch % 12 == 7))
    allowed &= starting(walk, ticks, 8 * BAR, (pitch >= 0) & (pitch % 12 == 0))
    return Task(
        sequences=sequences,
        alphabet=len(events),
        longest=4,
        lowest=2,
        weight=0.3,
        signs=True,
        history=(),
        durations=durations.tolist(),
        period=BAR,
        places=(starts == np.arange(BAR)[:, None]) & fits,
        ticks=ticks,
        allowed=allowed,
        pitch=pitch.tolist(),
        copied=7,
    )


def read_tunes() -> list[list[Event]]:
    """Ryan's Mammoth without pick-ups, brought to C; kept in the temporary folder for the next run."""
    cache = Path(tempfile.gettempdir()) / "studio-benchmark-ryans-mammoth.json"
    if not cache.exists():
        print("reading Ryan's Mammoth with music21 …", flush=True)
        with multiprocessing.Pool() as pool:
            found = pool.map(_read, range(_tunes_there()), chunksize=20)
        cache.write_text(json.dumps(found))
    return [[Event(*event) for event in tune] for tune in json.loads(cache.read_text()) if tune]


def _tunes_there() -> int:
    from music21 import corpus

    return len(corpus.getComposer("ryansMammoth"))


def _read(number: int) -> list[tuple[int, int, int, str]]:
    from music21 import corpus, key, meter

    part = corpus.parse(corpus.getComposer("ryansMammoth")[number]).parts[0]
    meters = {sign.ratioString for sign in part.recurse().getElementsByClass(meter.TimeSignature)}
    keys = list(part.recurse().getElementsByClass(key.KeySignature))
    if len(meters) != 1 or not keys:
        return []
    tonic = (keys[0] if isinstance(keys[0], key.Key) else keys[0].asKey("major")).tonic.pitchClass
    shift = -tonic if tonic <= 6 else 12 - tonic
    tune = []
    for bar in part.getElementsByClass("Measure"):
        if bar.paddingLeft:
            continue
        for note in bar.notesAndRests:
            ticks = round(float(note.quarterLength) * 24)
            if ticks:
                pitch = -1 if note.isRest else note.pitches[-1].midi + shift
                tune.append((pitch, ticks, round(float(note.offset) * 24), next(iter(meters))))
    return tune


@dataclass(frozen=True)
class Timed:
    cpu: float
    wall: float


def timed(run: Callable[[], Any]) -> tuple[Any, Timed]:
    wall, cpu = time.perf_counter(), time.process_time()
    result = run()
    return result, Timed(time.process_time() - cpu, time.perf_counter() - wall)


def compare(
    name: str, task: Task, rounds: int, engine_draws: int, plain_draws: int, limits: tuple[float, float]
) -> bool:
    """Print a table of both sides. Returns whether they agree and the engine stayed within `limits` (CPU
    seconds for beliefs and for samples).
    """
    taken: dict[str, list[Timed]] = defaultdict(list)
    for seed in range(rounds):
        solution, spent = timed(lambda: by_engine(task))
        taken["engine beliefs"].append(spent)
        drawn, spent = timed(partial(solution.sample, engine_draws, seed=seed))
        taken["engine samples"].append(spent)
        plain, spent = timed(lambda: ByDictionaries(task))
        taken["plain beliefs"].append(spent)
        generator = random.Random(seed)
        _, spent = timed(partial(plain.sample_many, plain_draws, generator))
        taken["plain samples"].append(
            Timed(spent.cpu / plain_draws * engine_draws, spent.wall / plain_draws * engine_draws)
        )
    agree = math.isclose(solution.log_z, plain.log_z, rel_tol=1e-9, abs_tol=1e-9)
    cpu = {what: statistics.median(one.cpu for one in times) for what, times in taken.items()}
    wall = {what: statistics.median(one.wall for one in times) for what, times in taken.items()}
    trellis = solution.trellis
    print(f"\n{name}: {trellis.states:,} states, {trellis.steps:,} steps; probability {chance(solution)}")
    print(f"{'':24}{'dictionaries':>16}{'engine':>12}{'ratio':>9}{'limit':>9}   CPU seconds (wall clock)")
    for what, row, limit in (
        ("count, unfold, believe", "beliefs", limits[0]),
        (f"{engine_draws:,} samples", "samples", limits[1]),
    ):
        print(
            f"{what:24}{cpu['plain ' + row]:16.3f}{cpu['engine ' + row]:12.4f}"
            f"{cpu['plain ' + row] / cpu['engine ' + row]:8.0f}x{limit:9.2f}"
            f"   ({wall['plain ' + row]:.3f}, {wall['engine ' + row]:.4f})"
        )
    verdict = "the same" if agree else "DIFFERENT"
    print(
        f"log Z {solution.log_z:.12f} and {plain.log_z:.12f}: {verdict}; "
        f"{len(np.unique(drawn, axis=0)):,} distinct samples"
    )
    return agree and cpu["engine beliefs"] <= limits[0] and cpu["engine samples"] <= limits[1]


def chance(solution: Solution) -> str:
    return f"1 in 10^{-solution.log_z / math.log(10):.1f}"


def whole_style(bars: int, lowest: int) -> None:
    """One request after all tunes, in a process of its own so that its memory is its own."""
    tunes = read_tunes()
    task = replace(melody_task(tunes, bars), lowest=lowest)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    solution, spent = timed(lambda: by_engine(task))
    _, first = timed(lambda: solution.sample(1))
    again, second = timed(
        lambda: solve(solution.trellis, task.ticks, [Requirement("all of them", allowed=task.allowed)])
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    trellis = solution.trellis
    print(
        f"{len(tunes):,} tunes, {sum(map(len, tunes)):,} events, {bars} bars, lowest order {lowest}, "
        f"probability {chance(again)}"
    )
    print(
        f"    {trellis.states:,} states, {trellis.steps:,} steps; peak {peak:,.0f} MiB, "
        f"{before:,.0f} of them before it began"
    )
    print(
        f"    first list of notes: {spent.cpu + first.cpu:.1f} s CPU "
        f"({spent.wall + first.wall:.1f} s wall clock)"
    )
    print(
        f"    another request: {second.cpu:.1f} s CPU ({second.wall:.1f} s wall clock)",
        flush=True,
    )


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--whole", action="store_true", help="all 1,059 tunes too")
    options.add_argument(
        "--prelude", type=Path, default=Path(__file__).parents[2] / "shared" / "data" / "bach_pitches.txt"
    )
    asked = options.parse_args()
    good = compare("prelude", prelude_task(asked.prelude), asked.rounds, 10_000, 200, (0.25, 0.2))
    tunes = [tune for tune in read_tunes() if tune[0].meter == "2/4"][:50]
    good &= compare(
        "melody, 32 bars after 50 tunes", melody_task(tunes, 32), asked.rounds, 100, 20, (1.0, 1.0)
    )
    if asked.whole:
        print("\nthe whole style (aim: 5 s, 2,048 MiB)")
        for bars, lowest in ((16, 3), (16, 2), (32, 2)):
            process = multiprocessing.get_context("spawn").Process(target=whole_style, args=(bars, lowest))
            process.start()
            process.join()
            good &= process.exitcode == 0
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
