"""Deterministic automata that listen to a sequence: what may never occur, what must, and how far the corpus
may be copied.

A `Listener` is how a constraint hears a sequence of symbols: a `Viewpoint` turns each symbol into a letter
(its class, or how far it is from the one before), and an `Automaton` follows the letters and says yes or no.

    heard = differences(values)                                      letters: from each value to the next
    copies = copy_limit(heard.letters_of(corpus), 7, heard.letters)  at most 7 letters in a row as there
    Listener(heard, copies)

Any constraint that an automaton can check is a Regular constraint, and can be sampled exactly together with a
Markov chain (see `sampling`). The copy limit is the automaton of Papadopoulos, Roy and Pachet, "Avoiding
plagiarism in Markov sequence generation" (AAAI 2014), built on that of Aho and Corasick, "Efficient string
matching: an aid to bibliographic search" (CACM 18(6), 1975).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from studio.errors import Refused
from studio.music.chains.markov import Ints, Longs, Mask, freeze, ranges
from studio.music.chains.numbering import numbered

SILENT = -1
"""In a viewpoint: this symbol is not heard, and the automaton stays where it is."""
DEAD = -1
"""In an automaton: nothing that goes on from here can be accepted."""

LARGEST_TABLE = 1 << 24


@dataclass(frozen=True, eq=False)
class Viewpoint:
    """How symbols are heard by a listener who remembers a little of what came before (the last value, say).

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
        """The letters of each sequence, silence left out. All sequences are read side by side."""
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
    """Each symbol is heard by itself, as letter_of[symbol]; `SILENT` symbols are skipped."""
    letter = np.asarray(letter_of, dtype=np.int32)[None, :]
    view = Viewpoint(
        int(letter.max(initial=0)) + 1 if letters is None else letters, letter, np.zeros_like(letter)
    )
    freeze(view)
    return view


def differences(values: ArrayLike) -> Viewpoint:
    """Each symbol is heard by how far its value lies from the value heard before it: values[s] - values[r].

    values: [alphabet] whole numbers, `SILENT` for symbols that have none. Those are skipped, and the
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
    """A deterministic automaton over letters 0 … letters - 1. A state that does not list a letter takes the
    step of its fallback.

    keys: state * letters + letter of every listed step, ascending. targets: where that step leads, or `DEAD`.
    fallback: [states], the state to ask instead; -1 where there is none, and then the letter leads to the
    start. (Fallbacks are the failure function of Aho and Corasick: they keep the automaton as small as its
    words, where a full table would grow with the alphabet.)
    """

    letters: int
    keys: Longs
    targets: Ints
    fallback: Ints
    accepting: Mask
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
        """Whether the automaton accepts this sequence of letters."""
        state = np.array([self.start])
        for letter in letters:
            state = self.step(state, np.array([letter]))
            if state[0] == DEAD:
                return False
        return bool(self.accepting[state[0]])

    def accepts_each(self, lines: Sequence[Ints]) -> Mask:
        """[lines]: whether it accepts each of these sequences of letters, which are read side by side."""
        length = np.array([len(line) for line in lines], dtype=np.int64)
        states = np.full(len(lines), self.start, dtype=np.int64)
        for place in range(int(length.max(initial=0))):
            reads = np.flatnonzero((length > place) & (states != DEAD))
            letters = np.array([lines[each][place] for each in reads.tolist()], dtype=np.int64)
            states[reads] = self.step(states[reads], letters)
        found: Mask = (states != DEAD) & self.accepting[states]
        return found

    @cached_property
    def _table(self) -> Ints | None:
        """[states, letters] if that is small enough to be worth its memory: look-ups, not searches."""
        if self.states * self.letters > LARGEST_TABLE:
            return None
        table = np.full((self.states, self.letters), self.start, dtype=np.int32)
        first = np.searchsorted(self.keys, np.arange(self.states + 1) * self.letters)
        removed = self._removed()
        # States without a fallback first, then those that copy their rows, and so on.
        for distance in range(int(removed.max()) + 1):
            some = np.flatnonzero(removed == distance)
            if distance:
                table[some] = table[self.fallback[some]]
            listed = ranges(first[some], np.diff(first)[some])
            table.reshape(-1)[self.keys[listed]] = self.targets[listed]
        return table

    def _removed(self) -> Longs:
        """[states]: how many fallbacks away each is from a state that has none."""
        removed, ahead = np.zeros(self.states, dtype=np.int64), self.fallback.astype(np.int64)
        while np.any(ahead >= 0):
            removed += ahead >= 0
            ahead = np.where(ahead >= 0, self.fallback[ahead], -1)
        return removed

    def _look_up(self, states: Longs, letters: Longs) -> Ints:
        found = np.full(len(states), self.start, dtype=np.int32)
        unanswered = np.arange(len(states))
        asked = states
        while len(unanswered) and len(self.keys):
            key = asked * self.letters + letters[unanswered]
            place = np.minimum(np.searchsorted(self.keys, key), len(self.keys) - 1)
            listed = self.keys[place] == key
            found[unanswered[listed]] = self.targets[place[listed]]
            asked = self.fallback[asked].astype(np.int64)
            goes_on = ~listed & (asked >= 0)
            unanswered, asked = unanswered[goes_on], asked[goes_on]
        return found


@dataclass(frozen=True, eq=False)
class Listener:
    """An automaton that listens to a walk from a viewpoint. The walk is accepted if the automaton accepts
    once it is over.

    when: [ticks] of booleans, or None for always: the automaton hears only symbols that start at such a tick,
    so that a word can be required in one stretch of the walk. The viewpoint hears all of them and keeps its
    memory up to date.
    """

    viewpoint: Viewpoint
    automaton: Automaton
    when: Mask | None = None

    def __post_init__(self) -> None:
        if self.automaton.letters < self.viewpoint.letters:
            raise Refused(
                f"The viewpoint has {self.viewpoint.letters} letters, its automaton "
                f"{self.automaton.letters}; give the automaton at least as many."
            )

    @property
    def states(self) -> int:
        """How many joint states there are, each of them memory * automaton.states + state."""
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
        """The joint state after each memory and state has heard each symbol, or `DEAD`."""
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

    def refused_at(self, symbols: Sequence[int], ticks: Sequence[int]) -> int | None:
        """The number of the symbol from which on nothing can be accepted; how many there are where they only
        end too early; None where they are accepted. ticks: at which each of them starts.
        """
        joint = np.array([self.start], dtype=np.int64)
        for number, (symbol, tick) in enumerate(zip(symbols, ticks, strict=True)):
            listens = self.when is None or bool(self.when[tick])
            joint = self.step(*self.split(joint), np.array([symbol]), listens=listens)
            if joint[0] == DEAD:
                return number
        return None if self.accepting(joint)[0] else len(symbols)

    def accepting(self, joint: Longs) -> Mask:
        found: Mask = self.automaton.accepting[joint % self.automaton.states]
        return found


def copy_limit(corpus: Sequence[ArrayLike], longest: int, letters: int) -> Automaton:
    """At most `longest` letters in a row as they occur in a row anywhere in `corpus` (sequences of letters).

    n values have n - 1 differences: to allow runs of 8 values and forbid 9, `longest` is 7. Raises `Refused`
    for a limit below 0 (0 forbids every letter that occurs) and for letters out of range.

    The automaton of MaxOrder (Papadopoulos, Roy and Pachet, AAAI 2014): its no-goods are the distinct runs of
    longest + 1 letters, its states what no-goods begin with. A state is the longest such beginning that the
    letters heard so far end with, and completing a no-good is `DEAD`. Its size is linear in the corpus.
    """
    if longest < 0:
        raise Refused(f"The copy limit is {longest} letters; it must be at least 0.")
    text, left = _joined(corpus, letters)
    runs = _Runs.of(text, left, longest + 1, letters)
    states = len(runs.fallback)
    # A run that begins no no-good lists no step, and does what its fallback does: it needs no state of its
    # own. What stands for it is found shortest runs first, since a fallback is one letter shorter.
    stands_for = np.arange(states)
    for low, high in pairwise(runs.level[:-1]):
        level = np.arange(low, high)
        stands_for[level] = np.where(runs.leads_on[level], level, stands_for[runs.fallback[level]])
    number = np.cumsum(runs.leads_on) - 1
    # A state lists the letters that lead to a longer one, or complete a no-good.
    target = 1 + np.arange(len(runs.key))
    completes = target >= states
    listed = completes | runs.leads_on[np.minimum(target, states - 1)]
    key, target, completes = runs.key[listed], target[listed], completes[listed]
    fallback = runs.fallback[runs.leads_on]
    automaton = Automaton(
        letters=letters,
        keys=number[key // letters] * letters + key % letters,
        targets=np.where(completes, DEAD, number[np.minimum(target, states - 1)]).astype(np.int32),
        fallback=np.where(fallback < 0, -1, number[stands_for[fallback]]).astype(np.int32),
        accepting=np.ones(int(runs.leads_on.sum()), dtype=bool),
    )
    freeze(automaton)
    return automaton


def forbidding(words: Iterable[Sequence[int]], letters: int) -> Automaton:
    """None of these words occurs anywhere. Raises `Refused` for an empty word."""
    step, complete = _matcher(words, letters)
    return from_table(np.where(complete[step], DEAD, step), np.ones(len(step), dtype=bool))


def requiring(words: Iterable[Sequence[int]], letters: int) -> Automaton:
    """At least one of these words occurs. Where several must all occur, use one listener for each. Raises
    `Refused` for an empty word.
    """
    step, complete = _matcher(words, letters)
    done = len(step)
    table = np.vstack([np.where(complete[step], done, step), np.full(letters, done)])
    return from_table(table, np.arange(done + 1) == done)


def from_table(table: ArrayLike, accepting: ArrayLike, *, start: int = 0) -> Automaton:
    """The smallest automaton that does what this table says: table[state, letter] is the next state ([states,
    letters], `DEAD` where nothing goes on).

    States from which nothing can be accepted become `DEAD`, and equivalent states become one. Raises
    `Refused` when nothing at all is accepted.
    """
    step = np.asarray(table, dtype=np.int64)
    accepts = np.asarray(accepting, dtype=bool)
    hopeful = _hopeful(step, accepts)
    if not hopeful[start]:
        raise Refused("The automaton accepts nothing at all; one of its words or counts contradicts another.")
    step = np.where((step != DEAD) & hopeful[step], step, DEAD)
    block = _equivalent(step, np.where(hopeful, accepts.astype(np.int64), 2))

    # Blocks are numbered as a breadth-first search reaches them, so that the start is 0.
    number, representatives = {int(block[start]): 0}, [start]
    rows: list[list[int]] = []
    for state in representatives:  # grows while it is read
        for to in step[state][step[state] != DEAD].tolist():
            if int(block[to]) not in number:
                number[int(block[to])] = len(number)
                representatives.append(to)
        rows.append([DEAD if to == DEAD else number[int(block[to])] for to in step[state].tolist()])
    targets = np.array(rows, dtype=np.int32)
    automaton = Automaton(
        letters=targets.shape[1],
        keys=np.arange(targets.size, dtype=np.int64),
        targets=targets.ravel(),
        fallback=np.full(len(rows), -1, dtype=np.int32),
        accepting=accepts[representatives],
    )
    freeze(automaton)
    return automaton


def _hopeful(step: Longs, accepts: Mask) -> Mask:
    """[states]: something can be accepted from here."""
    hopeful = accepts.copy()
    while True:
        more = hopeful | np.any((step != DEAD) & hopeful[step], axis=1)
        if np.array_equal(more, hopeful):
            return hopeful
        hopeful = more


def _equivalent(step: Longs, block: Longs) -> Longs:
    """[states]: the number of the block of equivalent states that each belongs to. block: a first guess,
    which keeps apart what must be kept apart.

    Partition refinement (Moore, "Gedanken-experiments on sequential machines", 1956): states stay together
    while their letters lead to the same blocks, until no block is split any more.
    """
    blocks = 0
    while True:
        leads_to = np.where(step == DEAD, DEAD, block[step])
        _, block = np.unique(np.column_stack([block, leads_to]), axis=0, return_inverse=True)
        block = block.ravel()
        if block.max() + 1 == blocks:
            return block
        blocks = int(block.max()) + 1


def _joined(corpus: Sequence[ArrayLike], letters: int) -> tuple[Longs, Longs]:
    """All sequences end to end, and [letters of the corpus] how many letters are left from each to the end of
    its own sequence, itself included.
    """
    bodies = [np.asarray(body, dtype=np.int64).ravel() for body in corpus]
    lengths = np.array([len(body) for body in bodies], dtype=np.int64)
    text = np.concatenate([*bodies, np.empty(0, dtype=np.int64)])
    if len(text) and (text.min() < 0 or text.max() >= letters):
        raise Refused(
            f"The corpus has letters outside 0 to {letters - 1}; give the number of letters it has."
        )
    return text, np.repeat(np.cumsum(lengths), lengths) - np.arange(len(text))


@dataclass(frozen=True, eq=False)
class _Runs:
    """The distinct runs of 0 … limit letters in a corpus, numbered by length. The longest are the no-goods,
    all others could be states.
    """

    level: list[int]
    """Runs of k letters are level[k] … level[k + 1] - 1."""
    key: Longs
    """Of run 1, 2, …: the run without its last letter * letters + its last letter. Ascending."""
    fallback: Longs
    """[states]: the run without its first letter; -1 for the empty one."""
    leads_on: Mask
    """[states]: a no-good begins with it."""

    @classmethod
    def of(cls, text: Longs, left: Longs, limit: int, letters: int) -> _Runs:
        """A run of k letters is a run of k - 1 letters and one more. So all places of the corpus are taken
        from one length to the next at once, as `markov.count` does with contexts.

        Whatever a run ends with is a run too, so the failure function of Aho and Corasick needs no search
        here: it is the run of k - 1 letters that begins one place later.
        """
        level, keys = [0, 1], []
        fallback, leads_on = [np.array([-1], dtype=np.int64)], [np.array([True])]
        at = np.zeros(len(text) + 1, dtype=np.int64)  # the run of k - 1 letters that begins at each place
        for k in range(1, limit + 1):
            here = np.flatnonzero(left >= k)
            key, example, which = numbered(at[here] * letters + text[here + k - 1])
            if k < limit:
                fallback.append(at[here[example] + 1])
                begins_one = np.zeros(len(key), dtype=bool)
                begins_one[which[left[here] >= limit]] = True
                leads_on.append(begins_one)
            at[here] = level[-1] + which
            keys.append(key)
            level.append(level[-1] + len(key))
        return cls(level, np.concatenate(keys), np.concatenate(fallback), np.concatenate(leads_on))


def _matcher(words: Iterable[Sequence[int]], letters: int) -> tuple[Longs, Mask]:
    """Aho and Corasick's automaton of a few words: its whole table of steps, [states, letters], and [states]
    whether a word has just ended.
    """
    children, complete = _trie(words, letters)
    step = np.zeros((len(children), letters), dtype=np.int64)
    fallback = [0] * len(children)
    waiting = deque([0])
    while waiting:  # shortest first: a state copies the row of its fallback, which is shorter
        state = waiting.popleft()
        if state:
            step[state] = step[fallback[state]]
        for letter, child in children[state].items():
            fallback[child] = int(step[state, letter]) if state else 0
            complete[child] |= complete[fallback[child]]
            step[state, letter] = child
            waiting.append(child)
    return step, np.array(complete)


def _trie(words: Iterable[Sequence[int]], letters: int) -> tuple[list[dict[int, int]], list[bool]]:
    """The children of each state by letter, and whether a word ends there."""
    children: list[dict[int, int]] = [{}]
    complete = [False]
    for word in words:
        if not len(word):
            raise Refused("A word is empty; give it at least one letter.")
        state = 0
        for letter in word:
            if not 0 <= letter < letters:
                raise Refused(f"A word has the letter {letter}; letters must be from 0 to {letters - 1}.")
            if letter not in children[state]:
                children[state][int(letter)] = len(children)
                children.append({})
                complete.append(False)
            state = children[state][int(letter)]
        complete[state] = True
    return children, complete
