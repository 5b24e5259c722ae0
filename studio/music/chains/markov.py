"""A variable-order Markov chain over small integers: how often each symbol followed each context, and what
that says of the next one.

    tree = count(sequences, alphabet=25, longest=4)          every context of up to four symbols, with what followed it
    chain = mix(tree, Geometric(0.3), lowest=2)              orders 2 to 4 mixed: the states and steps a walk can take
    origin(chain, context, symbol)                           which orders and which places of the corpus suggested this

Symbols are 0 … alphabet - 1 and mean nothing here; what they stand for (pitches, events) and whether a tune
is also shown in other keys is the caller's. A context is what went immediately before, the newest symbol
last. Contexts form a tree in which a child is one symbol older than its parent, so that dropping the oldest
symbol (the `suffix`) is going up (Ron, Singer and Tishby, "The power of amnesia", Machine Learning 25, 1996).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from studio.errors import Refused

Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
Floats = NDArray[np.float64]

LONGEST_ORDER = 32


@dataclass(frozen=True, eq=False)
class ContextTree:
    """Every context of a corpus up to `longest` symbols and what followed it. All arrays are read-only.

    Contexts are numbered by length: 0 is the empty one, `1 + s` is the context of the single symbol s (for
    every symbol, whether or not anything followed it), then the pairs that occur, and so on. Where `starts`,
    a sign of its own stands before each sequence (symbol number `alphabet`), and where `ends`, another after
    it (`alphabet + 1`), counted like any symbol.
    """

    alphabet: int
    longest: int
    starts: bool
    ends: bool
    level: Longs
    """[longest + 2]: contexts of length k are level[k] … level[k + 1] - 1."""
    branch: Longs
    """[contexts - 1], ascending: suffix * (alphabet + 2) + oldest symbol of context 1, 2, …"""
    suffix: Ints
    """[contexts]: the context without its oldest symbol; -1 for the empty one."""
    first: Longs
    """[contexts + 1]: the continuations of a context are first[c] … first[c + 1] - 1."""
    follower: Ints
    """[continuations]: the symbol that followed, ascending within a context."""
    weight: Floats
    """[continuations]: how often, each sequence counted with its weight."""
    onward: Ints
    """[continuations]: the longest context that the symbol leads to; -1 after the end."""
    symbols: Ints
    """[n]: the corpus itself, with its signs of start and end."""
    begins: Longs
    """[sequences + 1]: where each sequence begins in `symbols`, its sign of start included; empty sequences
    are left out.
    """
    number: Longs
    """[sequences]: which of the sequences given to `count` each of them is."""
    met: Ints
    """[longest + 1, n]: the context of length k before place i; -1 where there is none."""

    @property
    def signs(self) -> int:
        """How many different numbers can stand in `symbols`."""
        return self.alphabet + 2

    @property
    def contexts(self) -> int:
        return len(self.suffix)

    @property
    def depth(self) -> NDArray[np.int8]:
        """[contexts]: the length of each context."""
        return np.repeat(np.arange(self.longest + 1, dtype=np.int8), np.diff(self.level))

    def find(self, history: Sequence[int] | NDArray[np.integer], *, from_the_start: bool = False) -> int:
        """The longest context of the tree that `history` ends with. With `from_the_start` nothing went before
        it.
        """
        past = [int(symbol) for symbol in history]
        if from_the_start and self.starts:
            past.insert(0, self.alphabet)
        context = 0
        for symbol in reversed(past[-self.longest :] if self.longest else []):
            key = context * self.signs + symbol
            place = int(np.searchsorted(self.branch, key))
            if place == len(self.branch) or self.branch[place] != key:
                break
            context = place + 1
        return context


def count(
    sequences: Sequence[ArrayLike],
    *,
    alphabet: int,
    longest: int,
    starts: bool = True,
    ends: bool = True,
    weights: ArrayLike | None = None,
) -> ContextTree:
    """Count what follows every context of up to `longest` (0 … 32) symbols in `sequences` of integers 0 …
    alphabet - 1.

    starts, ends: whether beginnings and endings are part of the style. weights: one positive number a
    sequence, 1 for each unless told otherwise; a sequence of weight 2 counts as if it stood there twice.
    Empty sequences are passed over.
    Raises `Refused` for an empty corpus and for numbers out of range.
    """
    if not 0 <= longest <= LONGEST_ORDER:
        raise Refused(f"The order is {longest}; it must be from 0 to {LONGEST_ORDER}.")
    if alphabet < 1:
        raise Refused("The alphabet is empty; give the chain at least one symbol.")
    weigh = np.ones(len(sequences)) if weights is None else np.asarray(weights, dtype=np.float64)
    if weigh.shape != (len(sequences),) or not np.all(np.isfinite(weigh)) or np.any(weigh <= 0):
        raise Refused(
            f"There are {len(sequences)} sequences and the weights do not fit them; give each one number above 0."
        )
    bodies = [np.asarray(sequence, dtype=np.int64).ravel() for sequence in sequences]
    number = np.flatnonzero([len(body) for body in bodies])
    weigh, bodies = weigh[number], [bodies[one] for one in number]
    if not bodies:
        raise Refused("There is nothing to learn from: every sequence is empty.")
    _check_symbols(bodies, alphabet)

    head, tail = [alphabet] * starts, [alphabet + 1] * ends
    begins = np.concatenate([[0], np.cumsum([len(body) + starts + ends for body in bodies])]).astype(np.int64)
    symbols = np.concatenate([np.concatenate([head, body, tail]) for body in bodies]).astype(np.int64)
    n = len(symbols)
    own = np.repeat(np.arange(len(bodies)), np.diff(begins))
    since = np.arange(n) - begins[own]  # how many signs of the same sequence went before
    predicted = since >= starts
    signs = alphabet + 2

    met = np.full((longest + 1, n), -1, dtype=np.int64)
    met[0, predicted] = 0
    level, branch, suffix = [0, 1], [np.empty(0, dtype=np.int64)], [np.array([-1], dtype=np.int64)]
    for k in range(1, longest + 1):
        here = np.flatnonzero(predicted & (since >= k))
        if k == 1:  # every single symbol is a context, so that a walk always knows which symbol it came from
            keys = np.arange(alphabet + starts, dtype=np.int64)
            met[1, here] = 1 + symbols[here - 1]
        else:
            keys, which = np.unique(met[k - 1, here] * signs + symbols[here - k], return_inverse=True)
            met[k, here] = level[-1] + which
        branch.append(keys)
        suffix.append(keys // signs)
        level.append(level[-1] + len(keys))

    continuations: list[Longs] = []  # context * signs + follower, for each length of context
    onwards: list[Longs] = []
    counts: list[Floats] = []
    sizes: list[Longs] = []
    for k in range(longest + 1):
        here = np.flatnonzero(met[k] >= 0)
        keys, which = np.unique(met[k, here] * signs + symbols[here], return_inverse=True)
        weight = _sums(which, weigh[own[here]], len(keys))
        onward = np.full(len(keys), -1, dtype=np.int64)
        deeper = min(k + 1, longest)
        goes_on = (here + 1 < n) & (own[np.minimum(here + 1, n - 1)] == own[here])
        np.maximum.at(onward, which[goes_on], met[deeper, here[goes_on] + 1])
        if k:  # the corpus stops there: fall back on the context without its oldest symbol
            lost = np.flatnonzero(onward < 0)
            shorter = np.concatenate(suffix)[keys[lost] // signs] * signs + keys[lost] % signs
            onward[lost] = onwards[-1][np.searchsorted(continuations[-1], shorter)]
        else:
            onward = np.where(keys < alphabet, (1 + keys) if longest else 0, -1)
        continuations.append(keys)
        counts.append(weight)
        onwards.append(onward)
        sizes.append(np.bincount(keys // signs - level[k], minlength=level[k + 1] - level[k]))
    first = np.concatenate([[0], np.cumsum(np.concatenate(sizes))]).astype(np.int64)

    tree = ContextTree(
        alphabet=alphabet,
        longest=longest,
        starts=starts,
        ends=ends,
        level=np.array(level, dtype=np.int64),
        branch=np.concatenate(branch),
        suffix=np.concatenate(suffix).astype(np.int32),
        first=first,
        follower=(np.concatenate(continuations) % signs).astype(np.int32),
        weight=np.concatenate(counts),
        onward=np.concatenate(onwards).astype(np.int32),
        symbols=symbols.astype(np.int32),
        begins=begins,
        number=number.astype(np.int64),
        met=met.astype(np.int32),
    )
    freeze(tree)
    return tree


@dataclass(frozen=True)
class Geometric:
    """Each order counts `weight` times as much as the next longer one: p ~ sum over k of weight^(|s| - k) p(.
    | last k symbols).

    |s| is the length of the longest context that was met. `weight` is above 0 and finite; 0.25 is the
    published benchmark's.
    """

    weight: float = 0.25

    def __post_init__(self) -> None:
        if not 0 < self.weight < np.inf:
            raise Refused(f"The mixing weight is {self.weight}; it must be above 0.")

    def escapes(self, _total: Floats, _kinds: Longs, rank: int) -> Floats:
        before = sum(self.weight**j for j in range(rank))
        return np.full(len(_total), self.weight * before / (1 + self.weight * before))


@dataclass(frozen=True)
class WittenBell:
    """A context escapes the more, the more varied it was: s u / (n + s u) for n occurrences with u different
    followers.

    With a strength s of 1 it is Moffat's method C, interpolated (Witten and Bell, IEEE Trans. Inf. Theory
    37(4), 1991), made for long texts. Tunes are short and their contexts rare: there 3 to 5 predicts unseen
    tunes best, and with 1 the long orders harm.
    """

    strength: float = 4.0

    def __post_init__(self) -> None:
        if not 0 < self.strength < np.inf:
            raise Refused(f"The strength of the escape is {self.strength}; it must be above 0.")

    def escapes(self, total: Floats, kinds: Longs, _rank: int) -> Floats:
        found: Floats = self.strength * kinds / (total + self.strength * kinds)
        return found


Blend = Geometric | WittenBell
"""How orders are mixed: P(. | s) = (1 - e) p(. | s) + e P(. | s without its oldest symbol), where p is the
plain frequency and the escape e is 0 at the lowest order. `escapes(total, kinds, rank)` gives e for contexts
that were followed `total` times by `kinds` different symbols, `rank` orders above the lowest."""


@dataclass(frozen=True, eq=False)
class Chain:
    """The mixture as a walk: from each context, each symbol that may follow, with its probability and the
    context it leads to.

    The states are the tree's contexts and one more, the last, from which nothing goes on: a walk is stranded
    there when the corpus breaks off (which it never does where `ends` were counted) and no context of the
    lowest order or above fits. The steps of context c are start[c] … start[c + 1] - 1, by ascending symbol;
    their probabilities and `ending` add up to 1.
    """

    tree: ContextTree
    blend: Blend
    lowest: int
    start: Longs
    symbol: Ints
    target: Ints
    probability: Floats
    ending: Floats
    """[contexts + 1]: the probability that the sequence ends here; 0 where endings were not counted."""

    @property
    def contexts(self) -> int:
        return len(self.ending)

    def state(self, history: Sequence[int] | NDArray[np.integer] = (), *, from_the_start: bool = True) -> int:
        """The context a walk is in after `history`; by default one that begins where tunes begin."""
        return self.tree.find(history, from_the_start=from_the_start)

    def distribution(self, state: int) -> Floats:
        """[alphabet + 1]: the probability of each symbol next and, last, of the end."""
        spread = np.zeros(self.tree.alphabet + 1)
        steps = slice(self.start[state], self.start[state + 1])
        spread[self.symbol[steps]] = self.probability[steps]
        spread[-1] = self.ending[state]
        return spread


def mix(tree: ContextTree, blend: Blend = Geometric(), *, lowest: int = 0) -> Chain:
    """The chain that mixes the orders `lowest` … `tree.longest` of `tree`. With `lowest` = `longest` it is
    strictly of that order.

    A context shorter than `lowest` (the first notes of a tune) is used at its full length. What follows a
    context is what followed its last `lowest` symbols, so the lowest order decides how large everything built
    on the chain becomes.
    Raises `Refused` when `lowest` is not among the orders counted.
    """
    if not 0 <= lowest <= tree.longest:
        raise Refused(f"The lowest order is {lowest}; it must be from 0 to the longest, {tree.longest}.")
    signs, alphabet = tree.signs, tree.alphabet
    lengths: list[Longs] = []
    symbols: list[Longs] = []
    targets: list[Longs] = []
    chances: list[Floats] = []
    for k in range(tree.longest + 1):
        low, high = int(tree.level[k]), int(tree.level[k + 1])
        own = slice(int(tree.first[low]), int(tree.first[high]))
        kinds = np.diff(tree.first[low : high + 1])
        total = _sum_rows(tree.weight[own], kinds)
        if k <= lowest:
            length = kinds
            symbol = tree.follower[own].astype(np.int64)
            target = tree.onward[own].astype(np.int64)
            chance = tree.weight[own] / np.repeat(total, kinds)
        else:
            escape = np.where(kinds > 0, blend.escapes(np.maximum(total, 1e-300), kinds, k - lowest), 1.0)
            parent = tree.suffix[low:high] - int(tree.level[k - 1])
            length = lengths[-1][parent]
            take = ranges((np.cumsum(lengths[-1]) - lengths[-1])[parent], length)
            symbol, target = symbols[-1][take], targets[-1][take].copy()
            chance = chances[-1][take] * np.repeat(escape, length)
            row = np.arange(high - low)
            place = np.searchsorted(
                np.repeat(row, length) * signs + symbol, np.repeat(row, kinds) * signs + tree.follower[own]
            )
            chance[place] += tree.weight[own] / np.repeat(total, kinds) * np.repeat(1 - escape, kinds)
            target[place] = tree.onward[own]
        lengths.append(length)
        symbols.append(symbol)
        targets.append(target)
        chances.append(chance)

    length, symbol, target = (np.concatenate(part) for part in (lengths, symbols, targets))
    chance = np.concatenate(chances)
    depth = tree.depth
    source = np.repeat(np.arange(tree.contexts), length)
    walks_on = symbol != alphabet + 1
    ending = _sums(source[~walks_on], chance[~walks_on], tree.contexts + 1)
    source, symbol, target, chance = source[walks_on], symbol[walks_on], target[walks_on], chance[walks_on]
    target[depth[target] < np.minimum(lowest, depth[source] + 1)] = tree.contexts
    chain = Chain(
        tree=tree,
        blend=blend,
        lowest=lowest,
        start=np.searchsorted(source, np.arange(tree.contexts + 2)).astype(np.int64),
        symbol=symbol.astype(np.int32),
        target=target.astype(np.int32),
        probability=chance,
        ending=ending,
    )
    freeze(chain)
    return chain


@dataclass(frozen=True)
class Share:
    """What one order contributed to a probability: `part` of it, from `places` as (sequence, offset of the
    symbol).
    """

    order: int
    part: float
    weight: float
    places: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Origin:
    """Where a step comes from. `order` is the longest order that knew it, or -1 when none did; shares run
    from that order down.
    """

    order: int
    probability: float
    shares: tuple[Share, ...]


def origin(chain: Chain, context: int, symbol: int, *, places: int = 20) -> Origin:
    """Which orders and which places of the corpus suggested `symbol` after `context`; at most `places` places
    an order.

    The parts of the shares add up to the step's probability in the chain. Sequences are numbered as they were
    given to `count`; an offset is that of the symbol itself, and equal to the length of the sequence for its
    end. Give `tree.alphabet + 1` to ask for the end.
    """
    tree = chain.tree
    depth = int(np.searchsorted(tree.level, context, side="right")) - 1
    shares = []
    reach = 1.0
    while True:
        own = slice(int(tree.first[context]), int(tree.first[context + 1]))
        kinds = own.stop - own.start
        total = float(tree.weight[own].sum())
        at_the_bottom = depth <= chain.lowest
        escape = 1.0
        if at_the_bottom:
            escape = 0.0
        elif kinds:
            escape = float(chain.blend.escapes(np.array([total]), np.array([kinds]), depth - chain.lowest)[0])
        place = own.start + int(np.searchsorted(tree.follower[own], symbol))
        if kinds and place < own.stop and tree.follower[place] == symbol:
            met = np.flatnonzero((tree.met[depth] == context) & (tree.symbols == symbol))[:places]
            sequence = np.searchsorted(tree.begins, met, side="right") - 1
            offset = met - tree.begins[sequence] - tree.starts
            shares.append(
                Share(
                    order=depth,
                    part=reach * (1 - escape) * float(tree.weight[place]) / total,
                    weight=float(tree.weight[place]),
                    places=tuple(zip(tree.number[sequence].tolist(), offset.tolist(), strict=True)),
                )
            )
        if at_the_bottom:
            break
        reach *= escape
        context, depth = int(tree.suffix[context]), depth - 1
    return Origin(
        order=shares[0].order if shares else -1,
        probability=sum(share.part for share in shares),
        shares=tuple(shares),
    )


def ranges(starts: NDArray[np.integer], lengths: NDArray[np.integer]) -> Longs:
    """starts[0], starts[0] + 1, … (lengths[0] of them), then the same for the next: many slices as one index."""
    lengths = np.asarray(lengths, dtype=np.int64)
    ends = np.cumsum(lengths)
    shift = np.asarray(starts, dtype=np.int64) - (ends - lengths)
    found: Longs = np.repeat(shift, lengths)
    found += np.arange(len(found))
    return found


def freeze(holder: object) -> None:
    """Make every array of a dataclass read-only: results are shared, between takes and between requests."""
    for value in vars(holder).values():
        if isinstance(value, np.ndarray):
            value.flags.writeable = False


def _sum_rows(values: Floats, lengths: NDArray[np.integer]) -> Floats:
    return _sums(np.repeat(np.arange(len(lengths)), lengths), values, len(lengths))


def _sums(rows: NDArray[np.integer], values: Floats, count: int) -> Floats:
    # With nothing to add up, numpy's bincount gives integers.
    return np.bincount(rows, weights=values, minlength=count).astype(np.float64)


def _check_symbols(bodies: Sequence[NDArray[np.integer]], alphabet: int) -> None:
    for body in bodies:
        if body.min() < 0 or body.max() >= alphabet:
            odd = int(body[(body < 0) | (body >= alphabet)][0])
            raise Refused(
                f"There is a symbol {odd} in the sequences; symbols must be from 0 to {alphabet - 1}."
            )
