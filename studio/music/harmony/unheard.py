"""Chords that a person gives and a style never had: how a chain of which only counts are known comes to them,
and goes on from them.

    tree = room_for(tree, alphabet)              # the same counts, with contexts for more symbols
    chain = going_on(chain, idiom, runs, known)

A chord that was never heard is taken for what is nearest to it among the chords of the style (`kinship`): the
same chord of another length, else those with its root and of its family, as G6 for G and Gmaj7, else those on
its root, else any. It comes where these come, hardly ever (`RARELY`), and goes on as they do. Where it is
held over a bar line, it is held for as long as they are. What a person gave as a row is possible as a row.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from studio.music.chains.markov import Chain, ContextTree, Floats, Longs, Mask, freeze
from studio.music.harmony.idiom import ChordEvent, HarmonyIdiom
from studio.music.harmony.symbols import Harmony

RARELY = 1e-3
"""How often a chord comes that was given, for each time that those come which it is taken for."""


def held_on(given: Iterable[ChordEvent], events: Sequence[ChordEvent]) -> list[ChordEvent]:
    """The ways in which chords that were never heard may be held over a bar line. given: of these chords.
    events: of the style.
    """
    held: list[ChordEvent] = []
    for harmony in dict.fromkeys(event.harmony for event in given):
        near = _kinship_with(harmony, events)
        if near.min(initial=5):
            nearest = np.flatnonzero(near == near.min()).tolist()
            held += [replace(events[n], harmony=harmony) for n in nearest if events[n].carries]
    return list(dict.fromkeys(held))


def kinship(one: Harmony, other: Harmony) -> int:
    """How near two chords are: 0 for the same, 5 for those on different roots."""
    if one == other:
        return 0
    if one.root != other.root:
        return 5
    if one.family != other.family:
        return 3 if one.triad == other.triad else 4
    return 1 if one.bass == other.bass else 2


def _kinship_with(one: Harmony, events: Sequence[ChordEvent]) -> Longs:
    """[events]"""
    ranks = {harmony: kinship(one, harmony) for harmony in {event.harmony for event in events}}
    return np.array([ranks[event.harmony] for event in events], dtype=np.int64)


def room_for(tree: ContextTree, alphabet: int) -> ContextTree:
    """The same counts for a larger alphabet. Its new symbols, behind those that are known, followed nothing,
    and nothing followed them.
    """
    known, more = tree.alphabet, alphabet - tree.alphabet
    if not more:
        return tree

    def symbols(old: NDArray[np.integer]) -> Longs:
        return np.where(old >= known, old + more, old).astype(np.int64)  # the markers come last

    def contexts(old: NDArray[np.integer]) -> Longs:
        return np.where(old > known, old + more, old).astype(np.int64)

    base, at = tree.base, known  # where the contexts of the new symbols go in `branch`
    branch = contexts(tree.branch // base) * (alphabet + 2) + symbols(tree.branch % base)
    new = np.arange(known, alphabet)
    found = replace(
        tree,
        alphabet=alphabet,
        level=tree.level + more * (np.arange(len(tree.level)) > 1),
        branch=np.insert(branch, at, new),
        suffix=np.insert(contexts(tree.suffix), at + 1, np.zeros(more)).astype(np.int32),
        first=np.insert(tree.first, at + 1, np.full(more, tree.first[at + 1])),
        follower=symbols(tree.follower).astype(np.int32),
        onward=contexts(tree.onward).astype(np.int32),
    )
    freeze(found)
    return found


def going_on(chain: Chain, idiom: HarmonyIdiom, runs: Sequence[Sequence[int]], known: int) -> Chain:
    """The chain with steps to the symbols from `known` on, and from them.

    chain: of the idiom's tree, which has room for them. runs: rows of symbols that a person gave.
    """
    steps = _Steps.of(chain, known)
    kin = _Kin.of(idiom, known)
    steps.add(_coming(steps, kin, idiom.alphabet))
    steps.add(_leaving(steps, kin, chain.tree))
    steps.add(_given(steps, runs, idiom))
    return steps.chain(chain)


@dataclass(frozen=True, eq=False)
class _Kin:
    """What new symbols are taken for. entered, left: for each of them [known], those that come where it
    comes, and those that end where it ends.
    """

    events: tuple[ChordEvent, ...]
    number: dict[ChordEvent, int]
    known: int
    entered: tuple[Mask, ...]
    left: tuple[Mask, ...]

    @classmethod
    def of(cls, idiom: HarmonyIdiom, known: int) -> _Kin:
        events = idiom.events
        place, carries = idiom.place[:known], idiom.carries[:known]
        ends = (place + idiom.ticks[:known]) % idiom.bar
        entered, left = [], []
        for event in events[known:]:
            near = _kinship_with(event.harmony, events[:known])
            # One that is held on comes only after its own chord.
            entered.append(_nearest(near, ~carries & (place == event.place) & (not event.carries)))
            left.append(_nearest(near, ends == (event.place + event.ticks) % idiom.bar))
        return cls(events, idiom.number, known, tuple(entered), tuple(left))

    def after(self, new: int, kin: int, symbol: int) -> int:
        """What follows `new` where `symbol` follows `kin`, for which it is taken: held on, it is itself that
        is held. -1 for nothing.
        """
        event = self.events[symbol]
        if not event.carries:
            return symbol
        if event.harmony != self.events[kin].harmony:
            return -1
        return self.number.get(replace(event, harmony=self.events[new].harmony), -1)


def _nearest(near: Longs, where: Mask) -> Mask:
    """Those of these that are nearest."""
    return where & (near == near[where].min()) if where.any() else where


Step = tuple[int, int, float]
"""From a context, a symbol, and its probability."""


class _Steps:
    """The steps of a chain, to which others are added. The contexts of new symbols have none at first.

    source, symbol, target: [steps]. ending: [contexts + 1].
    """

    def __init__(self, source: Longs, symbol: Longs, target: Longs, probability: Floats, ending: Floats):
        self.source, self.symbol, self.target, self.probability = source, symbol, target, probability
        self.ending = ending
        self._in_order = len(source)  # so many come by their contexts; those that are added lie behind them

    @classmethod
    def of(cls, chain: Chain, known: int) -> _Steps:
        source = np.repeat(np.arange(len(chain.start) - 1), np.diff(chain.start)).astype(np.int64)
        stays = ~((source > known) & (source <= chain.tree.alphabet))
        ending = chain.ending.copy()
        ending[known + 1 : chain.tree.alphabet + 1] = 0.0
        return cls(
            source[stays],
            chain.symbol[stays].astype(np.int64),
            chain.target[stays].astype(np.int64),
            chain.probability[stays],
            ending,
        )

    def add(self, steps: Sequence[Step]) -> None:
        """Each leads to the context of its symbol alone."""
        if not steps:
            return
        source, symbol, probability = zip(*steps, strict=True)
        self.source = np.concatenate([self.source, np.array(source, dtype=np.int64)])
        self.symbol = np.concatenate([self.symbol, np.array(symbol, dtype=np.int64)])
        self.target = np.concatenate([self.target, np.array(symbol, dtype=np.int64) + 1])
        self.probability = np.concatenate([self.probability, np.array(probability)])

    def after(self, context: int) -> list[tuple[int, float]]:
        """The symbols that follow a context, with their probabilities."""
        sources = self.source[: self._in_order]
        first, end = np.searchsorted(sources, [context, context + 1])
        added = np.flatnonzero(self.source[self._in_order :] == context) + self._in_order
        here = np.append(np.arange(first, end), added)
        return list(zip(self.symbol[here].tolist(), self.probability[here].tolist(), strict=True))

    def chain(self, chain: Chain) -> Chain:
        """With probabilities that add up to 1 again."""
        contexts = len(self.ending)
        total = np.bincount(self.source, self.probability, contexts) + self.ending
        total[total == 0] = 1.0
        # By context and symbol. Nearly all are in order, which this sort makes use of.
        order = np.argsort(self.source * (int(self.symbol.max(initial=0)) + 1) + self.symbol, kind="stable")
        source, target = self.source[order], self.target[order]
        depth = np.append(chain.tree.depth, chain.lowest)
        target[depth[target] < np.minimum(chain.lowest, depth[source] + 1)] = chain.tree.contexts
        found = replace(
            chain,
            start=np.searchsorted(source, np.arange(contexts + 1)).astype(np.int64),
            symbol=self.symbol[order].astype(np.int32),
            target=target.astype(np.int32),
            probability=self.probability[order] / total[source],
            ending=self.ending / total,
        )
        freeze(found)
        return found


def _coming(steps: _Steps, kin: _Kin, alphabet: int) -> list[Step]:
    """Steps to new symbols from wherever those come that they are taken for."""
    found: list[Step] = []
    for new, entered in enumerate(kin.entered, kin.known):
        counted = np.zeros(alphabet)
        counted[: kin.known] = entered
        often = np.bincount(steps.source, steps.probability * counted[steps.symbol], len(steps.ending))
        found += [(int(c), new, RARELY * float(often[c])) for c in np.flatnonzero(often)]
    return found


def _leaving(steps: _Steps, kin: _Kin, tree: ContextTree) -> list[Step]:
    """Steps from new symbols, as from those that they are taken for, the more common the more."""
    anywhere = slice(int(tree.first[0]), int(tree.first[1]))
    often = dict(zip(tree.follower[anywhere].tolist(), tree.weight[anywhere].tolist(), strict=True))
    after: dict[int, list[tuple[int, float]]] = {}
    found: list[Step] = []
    for new, left in enumerate(kin.left, kin.known):
        alike = [(symbol, often[symbol]) for symbol in np.flatnonzero(left).tolist() if symbol in often]
        total = sum(times for _, times in alike)
        follows: dict[int, float] = {}
        for one, times in alike:
            for symbol, probability in after.setdefault(one, steps.after(1 + one)):
                other = kin.after(new, one, symbol)
                follows[other] = follows.get(other, 0.0) + probability * times / total
            steps.ending[1 + new] += steps.ending[1 + one] * times / total
        found += [(1 + new, symbol, probability) for symbol, probability in follows.items() if symbol >= 0]
    return found


def _given(steps: _Steps, runs: Sequence[Sequence[int]], idiom: HarmonyIdiom) -> list[Step]:
    """Steps from each symbol of these rows to the next, and from the beginning, where there are none yet."""
    base = idiom.alphabet + 1
    known = set((steps.source * base + steps.symbol).tolist())
    begins = 1 + idiom.alphabet  # the context of the beginning alone
    pairs = {pair for run in runs for pair in pairwise(run)}
    ways = {(int(context), after) for one, after in pairs for context in np.flatnonzero(idiom.newest == one)}
    ways |= {(begins, run[0]) for run in runs if run}
    new = sorted(way for way in ways if way[0] * base + way[1] not in known)
    return [(context, after, RARELY) for context, after in new]
