"""Deterministic automata: what may never be played, what must be, and how far the corpus may be copied.

A `Listener` is how a constraint listens to a sequence of symbols: a `Viewpoint` turns each symbol into a
letter (an interval, an interval with durations, a class of symbols) and an `Automaton` follows the letters
and says yes or no.

    heard = differences(values)                                      letters: how far each value is from the last
    copies = copy_limit(heard.letters_of(corpus), 7, heard.letters)  at most 7 letters in a row as in the corpus
    Listener(heard, copies)

The copy limit is the automaton of Papadopoulos, Roy and Pachet, "Avoiding plagiarism in Markov sequence
generation" (AAAI 2014), built on the automaton of Aho and Corasick (CACM 18(6), 1975).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from studio.errors import Refused
from studio.music.chains.markov import Ints, Longs, freeze, ranges

SILENT = -1
"""In a viewpoint: this symbol is not heard, the automaton stays where it is. In a table of pitches: a rest.
"""
DEAD = -1
"""In an automaton: no way on from here can be accepted."""

LARGEST_TABLE = 1 << 24


@dataclass(frozen=True, eq=False)
class Viewpoint:
    """What a listener makes of symbols who remembers a little of what went before (the pitch sounded last,
    say).

    In memory m, symbol s is heard as letter[m, s] (0 … letters - 1, or `SILENT`), and the memory becomes
    memory[m, s].
    """

    letters: int
    letter: Ints
    """[memories, alphabet]"""
    memory: Ints
    """[memories, alphabet]"""
    start: int = 0

    @property
    def memories(self) -> int:
        return len(self.letter)

    def letters_of(self, sequences: Sequence[ArrayLike]) -> list[Ints]:
        """What is heard of each sequence, silence left out. All sequences are read side by side."""
        bodies = [np.asarray(sequence, dtype=np.int64).ravel() for sequence in sequences]
        length = np.array([len(body) for body in bodies], dtype=np.int64)
        first = np.cumsum(length) - length
        flat = np.concatenate([*bodies, np.empty(0, dtype=np.int64)])
        heard = np.full(len(flat), SILENT, dtype=np.int32)
        memory = np.full(len(bodies), self.start, dtype=np.int64)
        for place in range(int(length.max(initial=0))):
            reads = np.flatnonzero(length > place)
            symbol = flat[first[reads] + place]
            heard[first[reads] + place] = self.letter[memory[reads], symbol]
            memory[reads] = self.memory[memory[reads], symbol]
        return [part[part != SILENT] for part in np.split(heard, first[1:])] if bodies else []


def each(letter_of: ArrayLike, *, letters: int | None = None) -> Viewpoint:
    """Each symbol is heard by itself, as letter_of[symbol]; `SILENT` symbols are passed over."""
    letter = np.asarray(letter_of, dtype=np.int32)[None, :]
    view = Viewpoint(
        int(letter.max(initial=0)) + 1 if letters is None else letters, letter, np.zeros_like(letter)
    )
    freeze(view)
    return view


def differences(values: ArrayLike) -> Viewpoint:
    """Each symbol is heard by how far its value lies from the value heard before it: values[s] - values[r].

    values: [alphabet] whole numbers, `SILENT` for symbols that have none. Those are passed over, and the
    difference is taken across them. The first value heard is silent too: it has no difference yet. Letters
    are numbered by ascending difference. With pitches for values, letters are intervals.
    """
    value = np.asarray(values, dtype=np.int64)
    heard = value != SILENT
    kinds = np.unique(value[heard])
    # Memory 0: nothing has been heard yet; memory 1 + k: kinds[k] was heard last.
    memory = np.where(heard, 1 + np.searchsorted(kinds, value), np.arange(len(kinds) + 1)[:, None])
    steps = np.unique(kinds[None, :] - kinds[:, None])
    letter = np.full(memory.shape, SILENT)
    letter[1:, heard] = np.searchsorted(steps, value[heard] - kinds[:, None])
    view = Viewpoint(max(1, len(steps)), letter.astype(np.int32), memory.astype(np.int32))
    freeze(view)
    return view


@dataclass(frozen=True, eq=False)
class Automaton:
    """A deterministic automaton over letters 0 … letters - 1. A state that does not list a letter does as its
    fallback does.

    keys: state * letters + letter of every listed step, ascending; targets: where it leads, or `DEAD`.
    fallback: [states], the state to ask instead, -1 where there is none: then the letter leads to the start.
    """

    letters: int
    keys: Longs
    targets: Ints
    fallback: Ints
    accepting: NDArray[np.bool_]
    start: int = 0

    @property
    def states(self) -> int:
        return len(self.fallback)

    def step(self, states: NDArray[np.integer], letters: NDArray[np.integer]) -> Ints:
        """The state after each state has read each letter, or `DEAD`. Letters must not be `SILENT`."""
        if self._table is not None:
            found: Ints = self._table[states, letters]
            return found
        return self._look_up(np.asarray(states, dtype=np.int64), np.asarray(letters, dtype=np.int64))

    def accepts(self, letters: Iterable[int]) -> bool:
        """Whether the automaton says yes to this sequence of letters."""
        state = np.array([self.start])
        for letter in letters:
            state = self.step(state, np.array([letter]))
            if state[0] == DEAD:
                return False
        return bool(self.accepting[state[0]])

    @cached_property
    def _table(self) -> Ints | None:
        """[states, letters] where that is small enough to be worth its memory: one look instead of a search."""
        if self.states * self.letters > LARGEST_TABLE:
            return None
        table = np.full((self.states, self.letters), self.start, dtype=np.int32)
        first = np.searchsorted(self.keys, np.arange(self.states + 1) * self.letters)
        generation, depth = np.zeros(self.states, dtype=np.int64), self.fallback.astype(np.int64)
        while np.any(depth >= 0):
            generation += depth >= 0
            depth = np.where(depth >= 0, self.fallback[depth], -1)
        for age in range(
            int(generation.max()) + 1
        ):  # those without a fallback first, then those who ask them
            some = np.flatnonzero(generation == age)
            if age:
                table[some] = table[self.fallback[some]]
            listed = ranges(first[some], np.diff(first)[some])
            table.reshape(-1)[self.keys[listed]] = self.targets[listed]
        return table

    def _look_up(self, states: Longs, letters: Longs) -> Ints:
        found = np.full(len(states), self.start, dtype=np.int32)
        open_ = np.arange(len(states))
        asked = states
        while len(open_) and len(self.keys):
            key = asked * self.letters + letters[open_]
            place = np.minimum(np.searchsorted(self.keys, key), len(self.keys) - 1)
            listed = self.keys[place] == key
            found[open_[listed]] = self.targets[place[listed]]
            asked = self.fallback[asked].astype(np.int64)
            goes_on = ~listed & (asked >= 0)
            open_, asked = open_[goes_on], asked[goes_on]
        return found


@dataclass(frozen=True, eq=False)
class Listener:
    """An automaton that listens to a walk through a viewpoint. The walk is good if the automaton accepts once
    it is over.

    when: [ticks] of booleans, or None for always: only symbols that start at such a tick are heard, so that a
    motif can be required in bars 9 to 12, or notes be counted in one bar. What the viewpoint remembers is
    kept up to date in any case.
    """

    viewpoint: Viewpoint
    automaton: Automaton
    when: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        if self.automaton.letters < self.viewpoint.letters:
            raise Refused(
                f"The automaton knows {self.automaton.letters} letters, the viewpoint hears {self.viewpoint.letters}."
            )

    @property
    def states(self) -> int:
        """How many states the two have together: memory * automaton.states + automaton's state."""
        return self.viewpoint.memories * self.automaton.states

    @property
    def start(self) -> int:
        return self.viewpoint.start * self.automaton.states + self.automaton.start

    def split(self, joint: Longs) -> tuple[Longs, Longs]:
        """The memory of the viewpoint and the state of the automaton that make up each joint state."""
        memory, state = np.divmod(joint, self.automaton.states)
        return memory, state

    def step(
        self, memory: Longs, state: Longs, symbols: NDArray[np.integer], *, listens: bool = True
    ) -> Longs:
        """The joint state after each memory and state has met each symbol, or `DEAD`."""
        joint: Longs = self.viewpoint.memory[memory, symbols].astype(np.int64)
        joint *= self.automaton.states
        if not listens:
            return joint + state
        letter = self.viewpoint.letter[memory, symbols]
        silent = letter == SILENT
        if silent.any():
            heard = np.flatnonzero(~silent)
            after = state.astype(np.int64)
            after[heard] = self.automaton.step(state[heard], letter[heard])
        else:
            after = self.automaton.step(state, letter).astype(np.int64)
        joint += after
        joint[after == DEAD] = DEAD
        return joint

    def accepting(self, joint: Longs) -> NDArray[np.bool_]:
        found: NDArray[np.bool_] = self.automaton.accepting[joint % self.automaton.states]
        return found


def copy_limit(corpus: Sequence[ArrayLike], longest: int, letters: int) -> Automaton:
    """No more than `longest` letters in a row as they stand in a row anywhere in `corpus` (sequences of
    letters).

    In intervals, n notes are n - 1 letters: to allow runs of 8 notes and forbid 9, `longest` is 7.
    Linear in the corpus: its no-goods are the distinct runs of longest + 1 letters, its states their
    beginnings.
    Raises `Refused` for a limit below 0 (0 forbids every letter that occurs).
    """
    if longest < 0:
        raise Refused(f"The copy limit is {longest} letters; it must be at least 0.")
    bodies = [np.asarray(body, dtype=np.int64).ravel() for body in corpus]
    lengths = np.array([len(body) for body in bodies], dtype=np.int64)
    text = np.concatenate([*bodies, np.empty(0, dtype=np.int64)])
    if len(text) and (text.min() < 0 or text.max() >= letters):
        raise Refused(f"The corpus holds letters outside 0 to {letters - 1}.")
    n = len(text)
    ends = np.repeat(np.cumsum(lengths), lengths)
    left = ends - np.arange(n)  # letters from each place to the end of its own sequence
    limit = longest + 1
    runs = np.full(
        (limit + 1, n + 1), -1, dtype=np.int64
    )  # runs[k, i]: the number of the run of k letters that begins at i
    runs[0] = 0
    keys: list[Longs] = []
    child: list[Longs] = []
    fallback = [np.array([-1], dtype=np.int64)]
    useful = [np.array([True])]
    states = 1
    for k in range(1, limit + 1):
        here = np.flatnonzero(left >= k)
        key, at, which = np.unique(
            runs[k - 1, here] * letters + text[here + k - 1], return_index=True, return_inverse=True
        )
        runs[k, here] = states + which
        keys.append(key)
        child.append(states + np.arange(len(key)))
        if k < limit:
            fallback.append(runs[k - 1, here[at] + 1])
            leads_on = np.zeros(len(key), dtype=bool)
            leads_on[which[left[here] >= limit]] = True
            useful.append(leads_on)
            states += len(key)
    # A run that no no-good begins with does as its own fallback does: such states are dropped.
    works = np.concatenate(useful)
    stands_for = np.arange(states)
    behind = np.concatenate(fallback)
    low = 1
    for part in useful[1:]:
        level = np.arange(low, low + len(part))
        stands_for[level] = np.where(part, level, stands_for[behind[level]])
        low += len(part)
    number = np.cumsum(works) - 1
    key, target = np.concatenate(keys), np.concatenate(child)
    forbidden = target >= states
    listed = forbidden | works[np.minimum(target, states - 1)]
    key, target, forbidden = key[listed], target[listed], forbidden[listed]
    automaton = Automaton(
        letters=letters,
        keys=number[key // letters] * letters + key % letters,
        targets=np.where(forbidden, DEAD, number[np.minimum(target, states - 1)]).astype(np.int32),
        fallback=np.where(behind[works] < 0, -1, number[stands_for[behind[works]]]).astype(np.int32),
        accepting=np.ones(int(works.sum()), dtype=bool),
    )
    freeze(automaton)
    return automaton


def forbidding(words: Iterable[Sequence[int]], letters: int) -> Automaton:
    """None of these words occurs, anywhere. An empty word forbids everything and is refused."""
    trie = _Trie(words, letters)
    step = [[DEAD if trie.complete[to] else to for to in row] for row in trie.full]
    return from_table(np.array(step), np.ones(len(step), dtype=bool))


def requiring(words: Iterable[Sequence[int]], letters: int) -> Automaton:
    """At least one of these words occurs. Where several must all occur, use one listener for each."""
    trie = _Trie(words, letters)
    done = len(trie.full)
    table = [[done if trie.complete[to] else to for to in row] for row in trie.full]
    table.append([done] * letters)
    return from_table(np.array(table), np.arange(done + 1) == done)


def from_table(table: ArrayLike, accepting: ArrayLike, *, start: int = 0) -> Automaton:
    """The automaton with steps table[state, letter] ([states, letters], `DEAD` where there is no way on).

    States from which nothing can be accepted become `DEAD`, and states that do alike become one (Moore's
    partition refinement).
    Raises `Refused` when nothing at all is accepted.
    """
    step = np.asarray(table, dtype=np.int64)
    accepts = np.asarray(accepting, dtype=bool)
    hopeful = accepts.copy()
    while True:
        more = hopeful | np.any((step != DEAD) & hopeful[step], axis=1)
        if np.array_equal(more, hopeful):
            break
        hopeful = more
    if not hopeful[start]:
        raise Refused("The automaton accepts nothing at all; one of its words or counts contradicts another.")
    step = np.where((step != DEAD) & hopeful[step], step, DEAD)

    block = np.where(hopeful, accepts.astype(np.int64), 2)
    blocks = 0
    while True:
        seen = np.where(step == DEAD, DEAD, block[step])
        _, block = np.unique(np.column_stack([block, seen]), axis=0, return_inverse=True)
        block = block.ravel()
        if block.max() + 1 == blocks:
            break
        blocks = int(block.max()) + 1
    reached, waiting = {int(block[start]): 0}, deque([start])
    rows = []
    while waiting:  # number the blocks as they are met, so that the start is 0
        state = waiting.popleft()
        row = []
        for to in step[state]:
            if to == DEAD:
                row.append(DEAD)
                continue
            if int(block[to]) not in reached:
                reached[int(block[to])] = len(reached)
                waiting.append(int(to))
            row.append(reached[int(block[to])])
        rows.append((row, bool(accepts[state])))
    targets = np.array([row for row, _ in rows], dtype=np.int32)
    automaton = Automaton(
        letters=targets.shape[1],
        keys=np.arange(targets.size, dtype=np.int64),
        targets=targets.ravel(),
        fallback=np.full(len(rows), -1, dtype=np.int32),
        accepting=np.array([yes for _, yes in rows]),
    )
    freeze(automaton)
    return automaton


class _Trie:
    """Aho and Corasick's automaton of a few words: `full` is its whole table of steps, `complete` says where
    a word has just ended.
    """

    def __init__(self, words: Iterable[Sequence[int]], letters: int) -> None:
        children: list[dict[int, int]] = [{}]
        self.complete = [False]
        for word in words:
            if not len(word):
                raise Refused("A motif is empty; give it at least one step.")
            state = 0
            for letter in word:
                if not 0 <= letter < letters:
                    raise Refused(f"A motif holds the letter {letter}; letters are 0 to {letters - 1}.")
                if letter not in children[state]:
                    children[state][int(letter)] = len(children)
                    children.append({})
                    self.complete.append(False)
                state = children[state][int(letter)]
            self.complete[state] = True
        behind = [0] * len(children)
        self.full: list[list[int]] = [[]] * len(children)
        waiting = deque([0])
        while waiting:
            state = waiting.popleft()
            elsewhere = self.full[behind[state]] if state else [0] * letters
            self.full[state] = [children[state].get(letter, elsewhere[letter]) for letter in range(letters)]
            for letter, child in children[state].items():
                behind[child] = elsewhere[letter] if state else 0
                self.complete[child] = self.complete[child] or self.complete[behind[child]]
                waiting.append(child)
