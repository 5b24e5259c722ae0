"""The same mathematics as the studio's engine, written the slow and obvious way: dictionaries, lists,
enumeration.

Shares no code with it, so that agreement means something.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import combinations, pairwise

START, END = "start", "end"


class PlainChain:
    """Orders `lowest` … `longest` mixed. `mixed` is ("geometric", w) or ("witten-bell", s)."""

    def __init__(self, sequences, *, longest, lowest, mixed, starts=True, ends=True, weights=None):
        self.longest, self.lowest, self.mixed = longest, lowest, mixed
        self.counts = defaultdict(lambda: defaultdict(float))
        for sequence, weight in zip(sequences, weights or [1.0] * len(sequences), strict=True):
            text = [START] * starts + list(sequence) + [END] * ends
            for place in range(int(starts), len(text)):
                for length in range(min(longest, place) + 1):
                    self.counts[tuple(text[place - length : place])][text[place]] += weight

    def longest_context(self, history):
        """The longest end of `history` that something followed in the corpus."""
        context = tuple(history)[max(0, len(history) - self.longest) :]
        while context not in self.counts and context:
            context = context[1:]
        return context

    def weights(self, context):
        """How much each order counts at this context, longest order first."""
        orders = list(range(len(context), min(self.lowest, len(context)) - 1, -1))
        kind, number = self.mixed
        if kind == "geometric":
            raw = {order: number ** (len(context) - order) for order in orders}
            return {order: weight / sum(raw.values()) for order, weight in raw.items()}
        left, found = 1.0, {}
        for order in orders:
            followers = self.counts[context[len(context) - order :]]
            escape = number * len(followers) / (sum(followers.values()) + number * len(followers))
            if order == orders[-1]:
                escape = 0.0
            found[order] = left * (1 - escape)
            left *= escape
        return found

    def next(self, context):
        """P(. | context), and for each symbol the context it leads to, None where no long enough context
        fits.
        """
        spread, after = defaultdict(float), {}
        for order, weight in self.weights(context).items():
            followers = self.counts[context[len(context) - order :]]
            for symbol, times in followers.items():
                spread[symbol] += weight * times / sum(followers.values())
        for symbol in spread:
            new = self.longest_context((*context, symbol))
            after[symbol] = None if len(new) < min(self.lowest, len(context) + 1) else new
        return spread, after


def walks(
    chain: PlainChain, context, durations: Sequence[int], ticks: int, ending: bool
) -> Iterator[tuple[tuple[int, ...], float]]:
    """Every sequence that fills exactly `ticks`, with the probability that a free walk begins with it (and
    stops there).
    """

    def extend(done, context, tick, chance):
        if tick == ticks:
            stops = 1.0
            if ending:
                stops = chain.next(context)[0].get(END, 0.0) if context is not None else 0.0
            if stops:
                yield done, chance * stops
            return
        if context is None:
            return
        spread, after = chain.next(context)
        for symbol, probability in spread.items():
            if symbol != END and tick + durations[symbol] <= ticks:
                yield from extend(
                    (*done, symbol), after[symbol], tick + durations[symbol], chance * probability
                )

    yield from extend((), context, 0, 1.0)


def intervals(pitches: Sequence[int | None]) -> list[int]:
    """Differences between one sounding note and the next; None is a rest."""
    notes = [pitch for pitch in pitches if pitch is not None]
    return [after - before for before, after in pairwise(notes)]


def contains(text: Sequence, word: Sequence) -> bool:
    return any(
        list(text[place : place + len(word)]) == list(word) for place in range(len(text) - len(word) + 1)
    )


def longest_shared_run(text: Sequence, corpus: Sequence[Sequence]) -> int:
    """How many elements in a row `text` has in common with any sequence of the corpus."""
    best = 0
    while best < len(text) and any(
        contains(other, text[place : place + best + 1])
        for other in corpus
        for place in range(len(text) - best)
    ):
        best += 1
    return best


def smallest_conflicts(count: int, possible: Callable[[frozenset[int]], bool]) -> list[frozenset[int]]:
    """All conflicts of the least size, by trying every subset."""
    for size in range(count + 1):
        found = [
            frozenset(chosen)
            for chosen in combinations(range(count), size)
            if not possible(frozenset(chosen))
        ]
        if found:
            return found
    return []
