"""Small random requests with every kind of requirement, and the same ones as plain predicates."""

from __future__ import annotations

import itertools
import math

import numpy as np
from plain_chain import START, PlainChain, contains, intervals, longest_shared_run, walks

from studio.music.chains.automata import (
    DEAD,
    SILENT,
    Listener,
    copy_limit,
    differences,
    each,
    forbidding,
    from_table,
    requiring,
)
from studio.music.chains.markov import Geometric, WittenBell, count, mix
from studio.music.chains.sampling import Requirement
from studio.music.chains.trellis import Walk

BLENDS = [
    (Geometric(0.25), ("geometric", 0.25)),
    (Geometric(3.0), ("geometric", 3.0)),
    (WittenBell(), ("witten-bell", 4.0)),
]


def counting(letters: int, counted: int, least: int, most: int):
    """The automaton that accepts from `least` to `most` of one letter."""
    counts = np.arange(most + 1)[:, None] + (np.arange(letters) == counted)
    return from_table(np.where(counts > most, DEAD, counts), np.arange(most + 1) >= least)


class RandomRequest:
    """A small corpus with random requirements of every kind, and the same ones as plain predicates over a
    finished sequence.
    """

    def __init__(self, seed: int) -> None:
        random = np.random.default_rng(seed)
        self.alphabet = int(random.integers(2, 6))
        self.ticks = int(random.integers(3, 8))
        self.durations = random.integers(1, 4, self.alphabet)
        self.durations[0] = 1
        self.period = int(random.integers(1, 5))
        self.phase = int(random.integers(0, self.period))
        self.ending = bool(random.integers(2))
        longest = int(random.integers(0, 4))
        lowest = int(random.integers(0, longest + 1)) if random.random() < 0.6 else 0
        blend, mixed = BLENDS[seed % 3]
        tunes = [
            random.integers(0, self.alphabet, random.integers(1, 14)).tolist()
            for _ in range(random.integers(1, 6))
        ]
        weights = random.uniform(0.5, 2, len(tunes)).tolist()
        starts, ends = bool(random.integers(2)), self.ending or bool(random.integers(2))
        self.history = random.integers(0, self.alphabet, 3).tolist() if random.random() < 0.4 else None

        chain = mix(
            count(tunes, alphabet=self.alphabet, longest=longest, starts=starts, ends=ends, weights=weights),
            blend,
            lowest=lowest,
        )
        self.plain = PlainChain(
            tunes, longest=longest, lowest=lowest, mixed=mixed, starts=starts, ends=ends, weights=weights
        )
        self.origin = self.plain.longest_context([START] * starts if self.history is None else self.history)
        self.places = random.random((self.period, self.alphabet)) < 0.85 if random.random() < 0.5 else None
        history = None if self.history is None else tuple(self.history)
        self.walk = Walk(
            chain, self.durations, period=self.period, places=self.places, phase=self.phase, history=history
        )

        self.requirements: list[Requirement] = []
        self.keeps: list = []  # predicates over (symbols, the tick at which each starts)
        self.weight = None
        if random.random() < 0.5:
            self._mask(random.random((self.ticks, self.alphabet)) < 0.8)
        if random.random() < 0.3:
            self.weight = random.uniform(0, 3, (self.ticks, self.alphabet))
            self.requirements.append(Requirement("a preference", weight=self.weight))
        pitches = random.integers(0, 4, self.alphabet)
        pitches[random.random(self.alphabet) < 0.25] = SILENT
        pitch_of = [None if pitch == SILENT else int(pitch) for pitch in pitches]
        for kind in random.permutation(5)[: random.integers(0, 4)]:
            when = random.random(self.ticks) < 0.7 if random.random() < 0.3 else None
            self._reading(int(kind), random, tunes, pitches, pitch_of, when)
        if self.ending:
            self.requirements.append(Requirement("the ending", ending=True))
        self.listeners = [
            requirement.listener for requirement in self.requirements if requirement.listener is not None
        ]

    def _mask(self, mask) -> None:
        self.requirements.append(Requirement("a mask", allowed=mask))
        self.keeps.append(
            lambda symbols, starts: all(
                mask[tick, symbol] for symbol, tick in zip(symbols, starts, strict=True)
            )
        )

    def _reading(self, kind, random, tunes, pitches, pitch_of, when) -> None:
        def heard(symbols, starts, only=True):
            return [
                s for s, tick in zip(symbols, starts, strict=True) if when is None or not only or when[tick]
            ]

        if kind == 0:
            # No run of more than `longest` intervals as in the tunes. A window would need a plain reader with
            # a memory.
            view, longest = differences(pitches), int(random.integers(0, 4))
            automaton, when = copy_limit(view.letters_of(tunes), longest, view.letters), None
            corpus = [intervals([pitch_of[s] for s in tune]) for tune in tunes]

            def keep(symbols, _starts):
                return longest_shared_run(intervals([pitch_of[s] for s in symbols]), corpus) <= longest
        elif kind == 1:  # no run of more than `longest` durations as in the tunes
            view, longest = each(self.durations), int(random.integers(0, 3))
            automaton, when = copy_limit(view.letters_of(tunes), longest, view.letters), None
            corpus = [self.durations[tune].tolist() for tune in tunes]

            def keep(symbols, _starts):
                return longest_shared_run(self.durations[list(symbols)].tolist(), corpus) <= longest
        else:
            view = each(np.arange(self.alphabet))
            words = [
                tuple(random.integers(0, self.alphabet, random.integers(1, 3)).tolist()) for _ in range(2)
            ]
            if kind == 2:
                automaton = requiring(words, self.alphabet)

                def keep(symbols, starts):
                    return any(contains(heard(symbols, starts), word) for word in words)
            elif kind == 3:
                automaton = forbidding(words[:1], self.alphabet)

                def keep(symbols, starts):
                    return not contains(heard(symbols, starts), words[0])
            else:
                automaton = counting(self.alphabet, 1, 1, 2)

                def keep(symbols, starts):
                    return 1 <= heard(symbols, starts).count(1) <= 2

        self.requirements.append(Requirement(f"reading {kind}", listener=Listener(view, automaton, when)))
        self.keeps.append(keep)

    def enumerate(self) -> dict[tuple[int, ...], float]:
        """Every sequence that meets every requirement, with its mass."""
        found = {}
        for symbols, mass in walks(self.plain, self.origin, self.durations.tolist(), self.ticks, self.ending):
            starts = [0, *itertools.accumulate(int(self.durations[s]) for s in symbols)][:-1]
            if self.places is not None and not all(
                self.places[(self.phase + tick) % self.period, s]
                for s, tick in zip(symbols, starts, strict=True)
            ):
                continue
            if not all(keep(symbols, starts) for keep in self.keeps):
                continue
            if self.weight is not None:
                mass *= math.prod(self.weight[tick, s] for s, tick in zip(symbols, starts, strict=True))
            found[symbols] = mass
        return found


def coin(chance_of_one: float, durations=(1, 1)):
    """A chain without memory: symbol 1 with this chance, symbol 0 otherwise."""
    tree = count(
        [[0], [1]],
        alphabet=2,
        longest=0,
        starts=False,
        ends=False,
        weights=[1 - chance_of_one, chance_of_one],
    )
    return Walk(mix(tree), np.array(durations))
