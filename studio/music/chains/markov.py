"""A variable-order Markov chain over small integers: how often each symbol followed each context, and what
that says about the next one.

    tree = count(sequences, alphabet=25, longest=4)     every context of up to four symbols, and its followers
    chain = mix(tree, Geometric(0.3), lowest=2)         orders 2 to 4 mixed: the states and steps of a walk
    origin(chain, context, symbol)                      which orders and places of the corpus suggested a step

Symbols are 0 … alphabet - 1 and mean nothing here. A context is what came immediately before, the newest
symbol last. Contexts form a tree in which a child is one symbol older than its parent, so that dropping the
oldest symbol (the `suffix`) leads up (Ron, Singer and Tishby, "The power of amnesia: learning probabilistic
automata with variable memory length", Machine Learning 25, 1996).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from studio.errors import Refused
from studio.music.chains.numbering import numbered

Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

LONGEST_ORDER = 32


@dataclass(frozen=True, eq=False)
class ContextTree:
    """Every context of a corpus up to `longest` symbols and what followed it. All arrays are read-only.

    Contexts are numbered by length: 0 is the empty one, `1 + s` is the context of the single symbol s (for
    every symbol, whether or not anything followed it), then come the pairs that occur, and so on. With
    `starts`, a start marker (symbol number `alphabet`) stands before each sequence; with `ends`, an end
    marker (`alphabet + 1`) stands after it and is counted like any symbol.
    """

    alphabet: int
    longest: int
    starts: bool
    ends: bool
    level: Longs
    """[longest + 2]: contexts of length k are level[k] … level[k + 1] - 1."""
    branch: Longs
    """[contexts - 1], ascending: suffix * base + oldest symbol of context 1, 2, …"""
    suffix: Ints
    """[contexts]: the context without its oldest symbol; -1 for the empty one."""
    first: Longs
    """[contexts + 1]: the continuations of context c are first[c] … first[c + 1] - 1."""
    follower: Ints
    """[continuations]: the symbol that followed, ascending within a context."""
    weight: Floats
    """[continuations]: how often it followed, each sequence counted with its weight."""
    onward: Ints
    """[continuations]: the longest context that the symbol leads to; -1 after the end."""
    symbols: Ints
    """[n]: the corpus itself, all sequences end to end, with their markers."""
    begins: Longs
    """[sequences + 1]: where each sequence begins in `symbols`, its start marker included. Empty sequences
    are left out.
    """
    number: Longs
    """[sequences]: which of the sequences given to `count` each of them is."""
    context_at: Ints
    """[longest + 1, n]: the context of length k before place i; -1 where there is none."""

    @property
    def base(self) -> int:
        """How many different numbers can occur in `symbols`. A context and a symbol are packed into one
        number as context * base + symbol.
        """
        return self.alphabet + 2

    @property
    def contexts(self) -> int:
        return len(self.suffix)

    @property
    def depth(self) -> NDArray[np.int8]:
        """[contexts]: the length of each context."""
        return np.repeat(np.arange(self.longest + 1, dtype=np.int8), np.diff(self.level))

    def places_of(self, symbol: int) -> Longs:
        """Where a symbol, or a marker, stands in `symbols`, ascending."""
        order, edges = self._order
        return order[edges[symbol] : edges[symbol + 1]]

    @cached_property
    def _order(self) -> tuple[Longs, Longs]:
        """The places of the corpus by the symbol that stands there, and where those of each begin."""
        order = np.argsort(self.symbols, kind="stable")
        return order, np.searchsorted(self.symbols[order], np.arange(self.base + 1))

    def find(self, history: Sequence[int] | NDArray[np.integer], *, from_the_start: bool = False) -> int:
        """The longest context of the tree that `history` ends with. from_the_start: nothing is before it."""
        past = [int(symbol) for symbol in history]
        if from_the_start and self.starts:
            past.insert(0, self.alphabet)
        context = 0
        for symbol in reversed(past[-self.longest :] if self.longest else []):
            key = context * self.base + symbol
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

    starts, ends: whether beginnings and endings are part of what is learnt. weights: one positive number for
    each sequence, 1 by default; a sequence of weight 2 counts as if it occurred twice. Empty sequences are
    skipped. Raises `Refused` for an empty corpus and for numbers out of range.
    """
    if not 0 <= longest <= LONGEST_ORDER:
        raise Refused(f"The order is {longest}; it must be from 0 to {LONGEST_ORDER}.")
    if alphabet < 1:
        raise Refused("The alphabet is empty; give the chain at least one symbol.")
    text = _Text.of(sequences, weights, alphabet, starts, ends)
    contexts = _Contexts.of(text, alphabet + starts, longest)
    # Shortest contexts first, because a context whose continuation leads nowhere asks its suffix.
    followers = [_Followers.of_the_empty_context(text, contexts, alphabet)]
    for length in range(1, longest + 1):
        followers.append(_Followers.of(text, contexts, length, followers[-1]))
    keys = np.concatenate([each.key for each in followers])
    kinds = np.bincount(keys // text.base, minlength=int(contexts.level[-1]))

    tree = ContextTree(
        alphabet=alphabet,
        longest=longest,
        starts=starts,
        ends=ends,
        level=contexts.level,
        branch=contexts.branch,
        suffix=contexts.suffix.astype(np.int32),
        first=np.concatenate([[0], np.cumsum(kinds)]).astype(np.int64),
        follower=(keys % text.base).astype(np.int32),
        weight=np.concatenate([each.weight for each in followers]),
        onward=np.concatenate([each.onward for each in followers]).astype(np.int32),
        symbols=text.symbols.astype(np.int32),
        begins=text.begins,
        number=text.number,
        context_at=contexts.at.astype(np.int32),
    )
    freeze(tree)
    return tree


@dataclass(frozen=True)
class Geometric:
    """Each order counts `weight` times as much as the next longer one: p ~ sum over k of weight^(|s| - k) p(.
    | last k symbols), where |s| is the length of the longest context that occurred.

    `weight` is above 0 and finite. 0.25 is that of the published benchmark of exact variable-order sampling
    (github.com/fpachet/vo-regular-bp).
    """

    weight: float = 0.25

    def __post_init__(self) -> None:
        if not 0 < self.weight < np.inf:
            raise Refused(f"The mixing weight is {self.weight}; it must be above 0.")

    def escapes(self, _total: Floats, _kinds: Longs, rank: int) -> Floats:
        # The order at hand weighs 1, the `rank` orders below it weight, weight^2, … together.
        below = self.weight * sum(self.weight**j for j in range(rank))
        return np.full(len(_total), below / (1 + below))


@dataclass(frozen=True)
class WittenBell:
    """The more varied a context was, the more it escapes: s u / (n + s u) for n occurrences with u different
    followers.

    With a strength s of 1 this is method C of PPM, interpolated (Witten and Bell, "The zero-frequency
    problem", IEEE Trans. Inf. Theory 37(4), 1991), which was made for long texts. Where sequences are short
    and contexts rare, as in tunes, s from 3 to 5 predicts new ones best, and with 1 the long orders do harm.
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

    The states are the tree's contexts and, last, one more from which nothing follows: a walk is stranded
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
        """The context a walk is in after `history`, which by default begins where sequences begin."""
        return self.tree.find(history, from_the_start=from_the_start)

    def onward(self, state: int, symbol: int) -> int:
        """The context that a symbol leads to from another, after which it may follow."""
        low, high = int(self.start[state]), int(self.start[state + 1])
        return int(self.target[low + int(np.searchsorted(self.symbol[low:high], symbol))])

    def distribution(self, state: int) -> Floats:
        """[alphabet + 1]: the probability of each symbol next and, last, of the end."""
        spread = np.zeros(self.tree.alphabet + 1)
        steps = slice(self.start[state], self.start[state + 1])
        spread[self.symbol[steps]] = self.probability[steps]
        spread[-1] = self.ending[state]
        return spread


def mix(tree: ContextTree, blend: Blend = Geometric(), *, lowest: int = 0) -> Chain:
    """The chain that mixes the orders `lowest` … `tree.longest` of `tree`. If they are the same, the chain is
    strictly of that order.

    A context shorter than `lowest` (near the beginning of a sequence) is used at its full length. What
    follows a context is what followed its last `lowest` symbols, so the lowest order decides how large
    everything built on the chain becomes. Raises `Refused` when `lowest` is not among the orders counted.
    """
    if not 0 <= lowest <= tree.longest:
        raise Refused(f"The lowest order is {lowest}; it must be from 0 to the longest, {tree.longest}.")
    levels: list[_Steps] = []
    # Shortest contexts first: P(. | s) needs P(. | s without its oldest symbol) in full (see `Blend`).
    for length in range(tree.longest + 1):
        level = _Steps.counted(tree, length)
        if length > lowest:
            escape = blend.escapes(np.maximum(level.total, 1e-300), level.size, length - lowest)
            # A context that nothing followed has no opinion of its own.
            level = level.escaping(np.where(level.size > 0, escape, 1.0), levels[-1], tree, length)
        levels.append(level)

    size, symbol, target, probability = (
        np.concatenate([getattr(level, part) for level in levels])
        for part in ("size", "symbol", "target", "probability")
    )
    source = np.repeat(np.arange(tree.contexts), size)
    ends = symbol == tree.alphabet + 1
    ending = _sums(source[ends], probability[ends], tree.contexts + 1)
    source, symbol, target, probability = (part[~ends] for part in (source, symbol, target, probability))
    depth = tree.depth
    target[depth[target] < np.minimum(lowest, depth[source] + 1)] = tree.contexts
    chain = Chain(
        tree=tree,
        blend=blend,
        lowest=lowest,
        start=np.searchsorted(source, np.arange(tree.contexts + 2)).astype(np.int64),
        symbol=symbol.astype(np.int32),
        target=target.astype(np.int32),
        probability=probability,
        ending=ending,
    )
    freeze(chain)
    return chain


@dataclass(frozen=True)
class Share:
    """What one order contributed to a probability: `part` of it, from `places`, each a (sequence, offset of
    the symbol).
    """

    order: int
    part: float
    weight: float
    places: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Origin:
    """Where a step comes from. `order` is the longest order that knew it, or -1 if none did; shares run from
    that order down.
    """

    order: int
    probability: float
    shares: tuple[Share, ...]


def origin(chain: Chain, context: int, symbol: int, *, places: int = 20) -> Origin:
    """Which orders and places of the corpus suggested `symbol` after `context`; at most `places` for an
    order.

    The parts of the shares add up to the step's probability in the chain. Sequences are numbered as they were
    given to `count`; an offset is that of the symbol itself, and the length of the sequence for its end. Give
    `tree.alphabet + 1` to ask about the end.
    """
    tree = chain.tree
    depth = int(np.searchsorted(tree.level, context, side="right")) - 1
    shares = []
    reach = 1.0  # the probability that the walk has escaped down to this order
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
            weight = float(tree.weight[place])
            part = reach * (1 - escape) * weight / total
            shares.append(Share(depth, part, weight, _places(tree, context, depth, symbol, places)))
        if at_the_bottom:
            break
        reach *= escape
        context, depth = int(tree.suffix[context]), depth - 1
    return Origin(
        order=shares[0].order if shares else -1,
        probability=sum(share.part for share in shares),
        shares=tuple(shares),
    )


def _places(
    tree: ContextTree, context: int, depth: int, symbol: int, most: int
) -> tuple[tuple[int, int], ...]:
    """Where `symbol` followed `context` in the corpus, as (sequence, offset), the first `most` of them."""
    here = tree.places_of(symbol)
    found = here[tree.context_at[depth][here] == context][:most]
    sequence = np.searchsorted(tree.begins, found, side="right") - 1
    offset = found - tree.begins[sequence] - tree.starts
    return tuple(zip(tree.number[sequence].tolist(), offset.tolist(), strict=True))


def ranges(starts: NDArray[np.integer], lengths: NDArray[np.integer]) -> Longs:
    """starts[0], starts[0] + 1, … (lengths[0] of them), then the next: many slices as one index."""
    lengths = np.asarray(lengths, dtype=np.int64)
    ends = np.cumsum(lengths)
    shift = np.asarray(starts, dtype=np.int64) - (ends - lengths)
    found: Longs = np.repeat(shift, lengths)
    found += np.arange(len(found))
    return found


def freeze(holder: object) -> None:
    """Make every array of a dataclass read-only, because results are shared between callers and threads."""
    for value in vars(holder).values():
        if isinstance(value, np.ndarray):
            value.flags.writeable = False


# How `count` does it: every place of the corpus is looked up at every order at once
# ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Text:
    """The corpus: all sequences that are not empty, end to end, with their markers."""

    base: int
    symbols: Longs
    begins: Longs
    number: Longs
    since: Longs
    """[n]: how many symbols of the same sequence, markers included, come before each."""
    weight: Floats
    """[n]: the weight of the sequence each symbol belongs to."""
    predicted: Mask
    """[n]: all but start markers, which nothing leads to."""
    goes_on: Mask
    """[n]: the same sequence has a symbol after this one."""

    @classmethod
    def of(
        cls,
        sequences: Sequence[ArrayLike],
        weights: ArrayLike | None,
        alphabet: int,
        starts: bool,
        ends: bool,
    ) -> _Text:
        weigh = np.ones(len(sequences)) if weights is None else np.asarray(weights, dtype=np.float64)
        if weigh.shape != (len(sequences),) or not np.all(np.isfinite(weigh)) or np.any(weigh <= 0):
            raise Refused(
                f"The weights do not fit the {len(sequences)} sequences; give each one number above 0."
            )
        bodies = [np.asarray(sequence, dtype=np.int64).ravel() for sequence in sequences]
        number = np.flatnonzero([len(body) for body in bodies])
        weigh, bodies = weigh[number], [bodies[one] for one in number]
        if not bodies:
            raise Refused("There is nothing to learn from: every sequence is empty.")
        _check_symbols(bodies, alphabet)
        head, tail = [alphabet] * starts, [alphabet + 1] * ends
        lengths = np.array([len(body) + starts + ends for body in bodies])
        begins = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        since = np.arange(begins[-1]) - np.repeat(begins[:-1], lengths)
        goes_on = np.ones(begins[-1], dtype=bool)
        goes_on[begins[1:] - 1] = False
        return cls(
            base=alphabet + 2,
            symbols=np.concatenate([np.concatenate([head, body, tail]) for body in bodies]).astype(np.int64),
            begins=begins,
            number=number.astype(np.int64),
            since=since,
            weight=np.repeat(weigh, lengths),
            predicted=since >= starts,
            goes_on=goes_on,
        )


@dataclass(frozen=True, eq=False)
class _Contexts:
    """Which contexts occur (as in `ContextTree`), and which of them comes before each place."""

    level: Longs
    branch: Longs
    suffix: Longs
    at: Longs
    """[longest + 1, n]"""

    @classmethod
    def of(cls, text: _Text, singles: int, longest: int) -> _Contexts:
        """singles: how many symbols can come before another one.

        The context of length k before a place is the context of length k - 1 there, preceded by one older
        symbol. So contexts of length k are pairs (number of the shorter context, older symbol), packed into
        one integer, and `numbered` finds, sorts and numbers those of all places in one pass: a corpus of n
        symbols takes O(n) for each order, however many contexts there are. Being sorted by suffix and
        then by oldest symbol, `branch` can be searched by bisection.
        """
        at = np.full((longest + 1, len(text.symbols)), -1, dtype=np.int64)
        at[0, text.predicted] = 0
        level, branch = [0, 1], [np.empty(0, dtype=np.int64)]
        for k in range(1, longest + 1):
            here = np.flatnonzero(text.predicted & (text.since >= k))
            if k == 1:  # every single symbol is a context, so that a walk always knows where it has come from
                keys = np.arange(singles, dtype=np.int64)
                at[1, here] = 1 + text.symbols[here - 1]
            else:
                keys, _, which = numbered(at[k - 1, here] * text.base + text.symbols[here - k])
                at[k, here] = level[-1] + which
            branch.append(keys)
            level.append(level[-1] + len(keys))
        keys = np.concatenate(branch)
        return cls(np.array(level, dtype=np.int64), keys, np.concatenate([[-1], keys // text.base]), at)


@dataclass(frozen=True, eq=False)
class _Followers:
    """What followed the contexts of one length. key: context * base + symbol, ascending. weight: how often.
    onward: the context a walk is in then.
    """

    key: Longs
    weight: Floats
    onward: Longs

    @classmethod
    def of_the_empty_context(cls, text: _Text, contexts: _Contexts, alphabet: int) -> _Followers:
        here = np.flatnonzero(text.predicted)
        key, _, which = numbered(text.symbols[here])
        single = 1 + key if len(contexts.at) > 1 else np.zeros_like(key)
        return cls(key, _sums(which, text.weight[here], len(key)), np.where(key < alphabet, single, -1))

    @classmethod
    def of(cls, text: _Text, contexts: _Contexts, length: int, shorter: _Followers) -> _Followers:
        here = np.flatnonzero(contexts.at[length] >= 0)
        key, _, which = numbered(contexts.at[length, here] * text.base + text.symbols[here])
        weight = _sums(which, text.weight[here], len(key))
        # After context and symbol a walk is in the context that came, in the corpus, before the next place:
        # the same at every place where they occur.
        onward = np.full(len(key), -1, dtype=np.int64)
        goes_on = text.goes_on[here]
        deeper = min(length + 1, len(contexts.at) - 1)
        onward[which[goes_on]] = contexts.at[deeper, here[goes_on] + 1]
        # Where the corpus always stops there, it is the context that the suffix leads to. The suffix was
        # followed by the same symbol, at the same places at least.
        lost = np.flatnonzero(onward < 0)
        context, symbol = np.divmod(key[lost], text.base)
        onward[lost] = shorter.onward[
            np.searchsorted(shorter.key, contexts.suffix[context] * text.base + symbol)
        ]
        return cls(key, weight, onward)


# How `mix` does it: one length of contexts after the other
# ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Steps:
    """The steps from all contexts of one length, context by context, by ascending symbol."""

    size: Longs
    """[contexts]: how many steps each context has."""
    total: Floats
    """[contexts]: how often anything followed it in the corpus."""
    symbol: Longs
    target: Longs
    probability: Floats

    @classmethod
    def counted(cls, tree: ContextTree, length: int) -> _Steps:
        """What followed in the corpus, each with its plain frequency."""
        low, high = int(tree.level[length]), int(tree.level[length + 1])
        own = slice(int(tree.first[low]), int(tree.first[high]))
        size = np.diff(tree.first[low : high + 1])
        total = _sums(np.repeat(np.arange(high - low), size), tree.weight[own], high - low)
        frequency = tree.weight[own] / np.repeat(total, size)
        symbol, target = tree.follower[own].astype(np.int64), tree.onward[own].astype(np.int64)
        return cls(size, total, symbol, target, frequency)

    def escaping(self, escape: Floats, shorter: _Steps, tree: ContextTree, length: int) -> _Steps:
        """These frequencies mixed with the steps of the contexts one symbol shorter, to which each context
        escapes with probability `escape`.

        Whatever followed a context also followed its suffix. So the mixture has exactly the suffix's steps:
        they are copied, scaled by the escape, and this context's own are added where they occur among them,
        which one search over (context, symbol) finds for all contexts at once. A step that this context knows
        leads to this context's target, which is the longer one.
        """
        low, high = int(tree.level[length]), int(tree.level[length + 1])
        parent = tree.suffix[low:high] - int(tree.level[length - 1])
        size = shorter.size[parent]
        copied = ranges((np.cumsum(shorter.size) - shorter.size)[parent], size)
        symbol, target = shorter.symbol[copied], shorter.target[copied]
        probability = shorter.probability[copied] * np.repeat(escape, size)
        row = np.arange(high - low)
        place = np.searchsorted(
            np.repeat(row, size) * tree.base + symbol, np.repeat(row, self.size) * tree.base + self.symbol
        )
        probability[place] += self.probability * np.repeat(1 - escape, self.size)
        target[place] = self.target
        return _Steps(size, self.total, symbol, target, probability)


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
