"""How well chains and networks predict tunes they have not learnt from: the mean surprise in nats a note,
smaller is better.

    evidence = Evidence.of(parts.learnt, parts.tested, longest=5)
    logs = evidence.log_chances(WittenBell(4.0), orders=(0, 1, 2))    # orders 0 to 2 mixed
    loss_of(logs, parts.tested)                                       # over all notes and ends

Every model predicts the same thing: which token comes next (pitch, length, continued or not), or that the
tune is over. And every model knows the same: meter, mode, and the place in the bar. A chain whose events
contain their place in the bar knows it at every order but the lowest. So here order 0 is the tokens found at
that place, and what a chain escapes with below it is spread evenly over them, as when it composes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from studio.errors import Refused
from studio.music.chains.markov import Blend, ContextTree, Floats, Longs, WittenBell, count
from studio.music.melody.tokens import Melody, Token

STRENGTHS = (0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 9.0, 14.0, 20.0, 30.0)
"""Strengths of the escape, from which the best on the validation melodies is chosen."""

Symbol = tuple[Token | None, int, str, str]
"""A token (None: the end) at a place in the bar of a meter and mode."""


@dataclass(frozen=True)
class Loss:
    """nats: the mean surprise, in nats a note. error: the standard error of that mean. notes: how many notes
    and ends it is the mean of.
    """

    nats: float
    error: float
    notes: int


@dataclass(frozen=True, eq=False)
class Evidence:
    """What a corpus says about each symbol of other melodies, order by order. Any blend of orders is then
    plain arithmetic.

    seen, total, kinds: [orders, symbols]: how often the symbol followed its context of that length, how often
    anything did, and how many different symbols did; all 0 where the context is unknown. choices: [symbols]:
    how many tokens (and the end) occur at that place in the bar.
    """

    seen: Floats
    total: Floats
    kinds: Longs
    choices: Longs

    @classmethod
    def of(
        cls, learnt: Sequence[Melody], asked: Sequence[Melody], *, longest: int, known: Sequence[Melody] = ()
    ) -> Evidence:
        """longest: the longest order. known: melodies whose tokens count as possible at their place, besides
        those of `learnt` and `asked`.
        """
        begins: dict[tuple[str, str], int] = {}
        number: dict[Symbol, int] = {}
        symbols = [
            [number.setdefault(symbol, len(number)) for symbol in _symbols(melody)]
            for melody in (*learnt, *asked, *known)
        ]
        for melody in (*learnt, *asked, *known):
            begins.setdefault((melody.meter, melody.mode), len(number) + len(begins))
        lines = [
            np.array([begins[melody.meter, melody.mode], *line])
            for melody, line in zip((*learnt, *asked, *known), symbols, strict=True)
        ]
        tree = count(
            lines[: len(learnt)],
            alphabet=len(number) + len(begins),
            longest=longest,
            starts=False,
            ends=False,
        )
        where = {place: at for at, place in enumerate(dict.fromkeys(symbol[1:] for symbol in number))}
        place = np.array([*(where[symbol[1:]] for symbol in number), *([-1] * len(begins))])
        return _evidence(tree, lines[len(learnt) : len(learnt) + len(asked)], place)

    def log_chances(self, blend: Blend, orders: Sequence[int]) -> Floats:
        """[symbols]: the logarithm of the probability of each, with these orders mixed. Below the lowest, all
        tokens found at the place are equally likely. Raises `Refused` for orders that were not counted.
        """
        if not orders or min(orders) < 0 or max(orders) >= len(self.seen):
            raise Refused(
                f"The orders asked for are {list(orders)}; they must be from 0 to {len(self.seen) - 1}."
            )
        chance = 1 / self.choices
        for rank, order in enumerate(sorted(set(orders)), start=1):
            met = self.total[order] > 0
            total, kinds = self.total[order, met], self.kinds[order, met]
            escape = blend.escapes(total, kinds, rank)
            chance[met] = (1 - escape) * self.seen[order, met] / total + escape * chance[met]
        logs: Floats = np.log(chance)
        return logs


def _symbols(melody: Melody) -> list[Symbol]:
    places = melody.places.tolist()
    tokens: list[Token | None] = [*melody.tokens, None]
    return [(token, place, melody.meter, melody.mode) for token, place in zip(tokens, places, strict=True)]


def _evidence(tree: ContextTree, lines: Sequence[NDArray[np.integer]], place: Longs) -> Evidence:
    """lines: each with its start marker. place: [alphabet], the place in the bar of each symbol; -1 for start
    markers.
    """
    base, longest = tree.base, tree.longest
    text = np.concatenate(lines).astype(np.int64)
    back = np.concatenate([np.arange(len(line)) for line in lines])
    at = np.flatnonzero(back > 0)
    back = back[at]
    kinds = np.diff(tree.first)
    owner = np.repeat(np.arange(tree.contexts), kinds)
    total = np.bincount(owner, weights=tree.weight, minlength=tree.contexts)
    follows = owner * base + tree.follower
    shape = (longest + 1, len(at))
    seen, totals, different = np.zeros(shape), np.zeros(shape), np.zeros(shape, dtype=np.int64)

    # Where nothing is remembered, only what stands at this place in the bar counts; every longer context
    # knows its place.
    loose = slice(int(tree.first[0]), int(tree.first[1]))
    here = place[tree.follower[loose]]
    places = int(place.max()) + 1
    at_place = np.bincount(here[here >= 0], weights=tree.weight[loose][here >= 0], minlength=places)
    kinds_at_place = np.bincount(here[here >= 0], minlength=places)
    spot = place[text[at]]

    context = np.zeros(len(at), dtype=np.int64)
    for order in range(longest + 1):
        if order:
            reaches = (context >= 0) & (back >= order)
            key = np.where(reaches, context * base + text[np.maximum(at - order, 0)], -1)
            branch = np.minimum(np.searchsorted(tree.branch, key), len(tree.branch) - 1)
            context = np.where(reaches & (tree.branch[branch] == key), branch + 1, -1)
        known = np.flatnonzero(context >= 0)
        totals[order, known] = total[context[known]] if order else at_place[spot[known]]
        different[order, known] = kinds[context[known]] if order else kinds_at_place[spot[known]]
        key = context[known] * base + text[at[known]]
        found = np.minimum(np.searchsorted(follows, key), len(follows) - 1)
        seen[order, known] = np.where(follows[found] == key, tree.weight[found], 0.0)
    choices = np.bincount(place[place >= 0], minlength=places)[spot]
    return Evidence(seen, totals, different, choices)


def loss_of(logs: Floats, found: Sequence[Melody], *, first_time: bool = False) -> Loss:
    """Nats a note, ends included. logs: of every token and end, melody by melody.

    first_time: leave out bars that repeat earlier ones. The standard error treats tunes as independent, and
    not notes, which are not.
    """
    chosen = [~melody.again if first_time else np.ones(len(melody.again), dtype=bool) for melody in found]
    keep = [np.concatenate([each, [True]]) for each in chosen]
    parts = np.split(logs, np.cumsum([len(each) for each in keep])[:-1])
    sums = np.array([-part[each].sum() for part, each in zip(parts, keep, strict=True)])
    sizes = np.array([each.sum() for each in keep])
    mean = float(sums.sum() / sizes.sum())
    spread = float(np.sqrt(np.mean((sums - mean * sizes) ** 2) * len(found)) / sizes.sum())
    return Loss(nats=mean, error=spread, notes=int(sizes.sum()))


@dataclass(frozen=True)
class ChainLoss:
    """The loss of a chain on tunes it has not learnt from. strength: of its escape, chosen on the validation
    tunes.
    """

    name: str
    orders: tuple[int, ...]
    strength: float
    every_note: Loss
    first_time: Loss


CHAINS: dict[str, tuple[int, ...]] = {
    "order 0": (0,),
    "order 1": (0, 1),
    "order 2": (0, 2),
    "order 4, fixed": (0, 4),
    "orders 0 to 2": (0, 1, 2),
    "orders 0 to 4": (0, 1, 2, 3, 4),
    "orders 0 to 8": tuple(range(9)),
}
"""Name -> the orders that are mixed. "order 2" and "order 4, fixed" escape straight to order 0, what is usual
at the place in the bar.
"""


def chain_losses(
    learnt: Sequence[Melody],
    chosen_by: Sequence[Melody],
    tested: Sequence[Melody],
    chains: Sequence[str] = tuple(CHAINS),
) -> list[ChainLoss]:
    """The loss of every chain of the table on `tested`, with the strength of its escape chosen on
    `chosen_by`."""
    longest = max(max(CHAINS[name]) for name in chains)
    choosing = Evidence.of(learnt, chosen_by, longest=longest, known=tested)
    testing = Evidence.of(learnt, tested, longest=longest, known=chosen_by)
    found = []
    for name in chains:
        orders = CHAINS[name]
        best = min(
            STRENGTHS, key=lambda strength: -float(choosing.log_chances(WittenBell(strength), orders).mean())
        )
        logs = testing.log_chances(WittenBell(best), orders)
        found.append(
            ChainLoss(name, orders, best, loss_of(logs, tested), loss_of(logs, tested, first_time=True))
        )
    return found
