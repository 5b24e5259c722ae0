"""The chords of a song whose sections are in major and in minor: those of each section as the style's songs
of its mode have them, joined where one section leads into the next.

    idiom = KeyedIdiom.of({False: in_major, True: in_minor}, keys)      # keys: of each bar
    idiom.playable(ticks)                                                # each bar has the chords of its key

Every key has a voice: the events and the chain of the songs of its mode. A chord that ends a section is heard
in the key of the next, as it is called there, and that voice goes on from it: G7 at the end of a section in
C minor is III7 of E flat, and what follows is what follows that in songs in major.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, groupby

import numpy as np
from numpy.typing import NDArray

from studio.music.chains.markov import Chain, ContextTree, Floats, Longs, Mask, count, freeze
from studio.music.chains.sampling import Requirement
from studio.music.chains.trellis import Walk
from studio.music.harmony.character import Character
from studio.music.harmony.idiom import UNKNOWN_BITS, ChordEvent, ChordLine, HarmonyIdiom, is_minor
from studio.music.harmony.symbols import Harmony
from studio.music.scores.keys import Key

IN_THEIR_KEYS = "the chords of each key"
"""The name of what keeps each bar to the voice of its key."""

LEADING = 0.004
"""Chords that are rarer than this at the beginning of a section, after the last of the one before, are left
out where a chord is looked back at: there are many ways from each to each.
"""


@dataclass(frozen=True, slots=True)
class KeyedEvent(ChordEvent):
    """A chord event of one voice, by its number."""

    voice: int = 0


@dataclass(frozen=True, eq=False)
class KeyedChain(Chain):
    """A chain that begins in a context of its own. begins: that context."""

    begins: int = 0

    def state(
        self,
        history: Sequence[int] | NDArray[np.integer] = (),
        *,
        from_the_start: bool = True,
    ) -> int:
        assert from_the_start
        assert not len(history)
        return self.begins


class KeyedIdiom(HarmonyIdiom):
    """The chords of several keys, of both modes. voices: the different keys, in the order in which they come,
    each with the chords of its mode. keys: of each bar. Symbols are those of all voices, one after the other.
    """

    def __init__(self, voices: Sequence[tuple[Key, HarmonyIdiom]], keys: Sequence[Key]) -> None:
        self.keys, self.voices = tuple(keys), tuple(voices)
        self.idioms = tuple(idiom for _, idiom in voices)
        self.first = [0, *accumulate(idiom.alphabet for idiom in self.idioms)]
        first = self.idioms[0]
        self.title, self.meter, self.mode = first.title, first.meter, first.mode
        self.plain = all(idiom.ends_plainly for idiom in self.idioms)
        self.simple = all(idiom.simple for idiom in self.idioms)
        self.tick, self.bar = first.tick, first.bar
        self.lines = tuple(line for idiom in self.different for line in idiom.lines)
        self.events = tuple(
            KeyedEvent(each.harmony, each.ticks, each.place, each.carries, voice)
            for voice, idiom in enumerate(self.idioms)
            for each in idiom.events
        )
        self.number = {event: number for number, event in enumerate(self.events)}
        for name in ("ticks", "place", "root", "family", "carries"):
            setattr(self, name, np.concatenate([getattr(idiom, name) for idiom in self.idioms]))
        self.voice = np.repeat(np.arange(len(voices)), np.diff(self.first))
        self._walks, self._copies, self._runs, self._trellises = {}, {}, {}, {}

    @classmethod
    def of(cls, modes: Mapping[bool, HarmonyIdiom], keys: Sequence[Key]) -> HarmonyIdiom:
        """modes: the chords of the style by whether they are in minor. keys: of each bar. Where all keys are
        of one mode, its chords as they are.
        """
        different = list(dict.fromkeys(keys))
        minor = {is_minor(key.mode) for key in different}
        if len(minor) == 1:
            return modes[minor.pop()]
        return cls([(key, modes[is_minor(key.mode)]) for key in different], keys)

    @property
    def side_by_side(self) -> tuple[HarmonyIdiom, ...]:
        return self.idioms

    @property
    def different(self) -> list[HarmonyIdiom]:
        """The idioms of its voices, each once."""
        return list({id(idiom.lines) if idiom.lines else id(idiom): idiom for idiom in self.idioms}.values())

    def with_events(self, extra: Sequence[Sequence[ChordEvent]]) -> HarmonyIdiom:
        more: list[list[list[ChordEvent]]] = [[] for _ in self.voices]
        for run in extra:
            for voice, events in groupby(run, key=lambda event: getattr(event, "voice", 0)):
                more[voice].append([_untagged(event) for event in events])
        known = [idiom.with_events(own) for idiom, own in zip(self.idioms, more, strict=True)]
        if all(one is other for one, other in zip(known, self.idioms, strict=True)):
            return self
        return KeyedIdiom(
            [(key, idiom) for (key, _), idiom in zip(self.voices, known, strict=True)], self.keys
        )

    def in_bar(self, event: ChordEvent, bar: int) -> ChordEvent:
        number = next(n for n, (key, _) in enumerate(self.voices) if key == self.keys[bar])
        return KeyedEvent(event.harmony, event.ticks, event.place, event.carries, number)

    def playable(self, ticks: int) -> Requirement | None:
        """Every bar has the chords of its key."""
        allowed = np.zeros((ticks, self.alphabet), dtype=bool)
        for number, (key, idiom) in enumerate(self.voices):
            own, known = self._symbols(number), idiom.playable(self.bar)
            may = np.ones((self.bar, idiom.alphabet), dtype=bool)
            if known is not None and known.allowed is not None:
                may = known.allowed
            for bar, its in enumerate(self.keys):
                if its == key:
                    allowed[bar * self.bar : (bar + 1) * self.bar, own] = may
        return Requirement(IN_THEIR_KEYS, allowed=allowed)

    def _symbols(self, voice: int) -> slice:
        return slice(self.first[voice], self.first[voice + 1])

    # The chain

    @cached_property
    def tree(self) -> ContextTree:
        """Of its symbols alone; what follows what is known by its voices."""
        return count([list(range(self.alphabet))], alphabet=self.alphabet, longest=1)

    def chain(self, lowest: int) -> Chain:
        """The chains of its voices side by side, with steps from what ends a bar in one to what begins one in
        another.
        """
        chains = [idiom.chain(lowest) for idiom in self.idioms]
        contexts = [0, *accumulate(chain.contexts - 1 for chain in chains)]  # all but the one that strands
        steps: list[tuple[Longs, Longs, Longs, Floats]] = []
        for voice, chain in enumerate(chains):
            stranded = chain.target == chain.contexts - 1
            target = np.where(stranded, contexts[-1], chain.target + contexts[voice])
            source = np.repeat(np.arange(chain.contexts), np.diff(chain.start))
            steps.append(
                (
                    source + contexts[voice],
                    chain.symbol.astype(np.int64) + self.first[voice],
                    target.astype(np.int64),
                    chain.probability,
                )
            )
        for one in range(len(chains)):
            for other in range(len(chains)):
                if one != other:
                    steps.append(self._leading(one, other, chains, contexts))
        source, symbol, target, probability = (np.concatenate(part) for part in zip(*steps, strict=True))
        order = np.lexsort((symbol, source))
        source = source[order]
        found = KeyedChain(
            tree=self.tree,
            blend=chains[0].blend,
            lowest=lowest,
            start=np.searchsorted(source, np.arange(contexts[-1] + 2)).astype(np.int64),
            symbol=symbol[order].astype(np.int32),
            target=target[order].astype(np.int32),
            probability=probability[order],
            ending=np.concatenate([*(chain.ending[:-1] for chain in chains), [0.0]]),
            begins=chains[0].state(),
        )
        freeze(found)
        return found

    def _leading(
        self, one: int, other: int, chains: Sequence[Chain], contexts: Sequence[int]
    ) -> tuple[Longs, Longs, Longs, Floats]:
        """Steps from the contexts of one voice into another, as source, symbol, target and probability."""
        idiom, there = self.idioms[one], self.idioms[other]
        newest = idiom.newest[:-1]
        steps = self.voices[one][0].tonic - self.voices[other][0].tonic
        free = there.chain(0) if chains[other].lowest else chains[other]
        begins = (there.place == 0) & (there.ticks <= there.bar)
        found: list[tuple[Longs, Longs, Longs, Floats]] = []
        known: dict[Harmony, tuple[Longs, Floats]] = {}
        for symbol in np.flatnonzero(idiom.place + idiom.ticks == idiom.bar).tolist():
            sources = np.flatnonzero(newest == symbol)
            if not len(sources):
                continue
            harmony = idiom.events[symbol].harmony.moved(steps)
            if harmony not in known:
                known[harmony] = _following(harmony, there, free, begins)
            onto, probability = known[harmony]
            if chains[other].lowest:
                likely = probability >= LEADING
                onto, probability = onto[likely], probability[likely]
            found.append(
                (
                    np.repeat(sources, len(onto)) + contexts[one],
                    np.tile(onto, len(sources)) + self.first[other],
                    np.tile(onto, len(sources)) + 1 + contexts[other],
                    np.tile(probability, len(sources)),
                )
            )
        source, symbols, target, probabilities = (np.concatenate(part) for part in zip(*found, strict=True))
        return source, symbols, target, probabilities

    def walk(self, lowest: int = 1) -> Walk:
        if lowest not in self._walks:
            places = np.hstack(
                [
                    (idiom.place == np.arange(self.bar)[:, None]) & (idiom.place + idiom.ticks <= self.bar)
                    for idiom in self.idioms
                ]
            )
            self._walks[lowest] = Walk(self.chain(lowest), self.ticks, period=self.bar, places=places)
        return self._walks[lowest]

    @cached_property
    def newest(self) -> NDArray[np.int64]:
        found = [
            np.where(
                idiom.newest[:-1] == idiom.alphabet, self.alphabet, idiom.newest[:-1] + self.first[voice]
            )
            for voice, idiom in enumerate(self.idioms)
        ]
        return np.concatenate([*found, [self.alphabet]])

    def follows(self, before: int, after: int) -> bool:
        voice = int(self.voice[before])
        if voice != int(self.voice[after]):
            chain = self.walk(1).chain
            at = int(np.flatnonzero(self.newest == before)[0])
            known = chain.symbol[chain.start[at] : chain.start[at + 1]]
            return bool(np.isin((after, self.twins[after]), known).any())
        return self.idioms[voice].follows(before - self.first[voice], after - self.first[voice])

    # Copying

    @property
    def heard_roots(self) -> NDArray[np.int64]:
        """In semitones above the tonic of the first voice."""
        home = self.voices[0][0].tonic
        moved = np.array([(key.tonic - home) % 12 for key, _ in self.voices])
        found: NDArray[np.int64] = (self.root + moved[self.voice]) % 12
        return found

    @cached_property
    def heard(self) -> list[list[int]]:
        return [letters for idiom in self.different for letters in idiom.heard]

    @property
    def searchable(self) -> bool:
        return all(idiom.searchable for idiom in self.idioms)

    @property
    def least_copy(self) -> int:
        return max(idiom.least_copy for idiom in self.idioms)

    def keeps(self, row: Sequence[int], chords: int) -> bool:
        if self.searchable:
            return super().keeps(row, chords)
        return all(idiom.keeps(run, chords) for idiom, _, run in self._as_voices_call_it(row))

    def longest_run(self, symbols: Sequence[int], *, without: int = -1) -> tuple[int, int, int]:
        if self.searchable:
            return super().longest_run(symbols, without=without)
        found = [(*idiom.longest_run(run)[:1], at) for idiom, at, run in self._as_voices_call_it(symbols)]
        chords, at = max(found, default=(0, 0))
        return chords, at, -1

    def _as_voices_call_it(self, row: Sequence[int]) -> Iterable[tuple[HarmonyIdiom, int, list[int]]]:
        """For each voice the stretches of a row that it has names for, and where each begins."""
        for voice, idiom in enumerate(self.idioms):
            names = self._names[voice][list(row)].tolist()
            for known, run in groupby(enumerate(names), key=lambda each: each[1] >= 0):
                stretch = list(run)
                if known:
                    yield idiom, stretch[0][0], [symbol for _, symbol in stretch]

    @cached_property
    def _names(self) -> list[Longs]:
        """[voices] of [alphabet]: a symbol of the voice that is heard as each; -1 for none."""
        found = []
        for voice, (key, idiom) in enumerate(self.voices):
            by_sound: dict[tuple[int, int, int, bool], int] = {}
            for number, event in enumerate(idiom.events):
                sound = (event.harmony.root, int(event.harmony.family), event.ticks, event.carries)
                by_sound.setdefault(sound, number)
            names = np.full(self.alphabet, -1, dtype=np.int64)
            for number, event in enumerate(self.events):
                steps = self.voices[self.voice[number]][0].tonic - key.tonic
                root = (event.harmony.root + steps) % 12
                sound = (root, int(event.harmony.family), event.ticks, event.carries)
                names[number] = by_sound.get(sound, -1)
            names[self._symbols(voice)] = np.arange(idiom.alphabet)
            found.append(names)
        return found

    # How surprising chords are, and what songs are like

    @cached_property
    def surprise(self) -> Floats:
        found = np.full((self.alphabet + 1, self.alphabet), UNKNOWN_BITS)
        for voice, idiom in enumerate(self.idioms):
            own = self._symbols(voice)
            found[own, own] = idiom.surprise[:-1]
            found[-1, own] = idiom.surprise[-1]
            for other, (key, _) in enumerate(self.voices):
                if other == voice:
                    continue
                steps = key.tonic - self.voices[voice][0].tonic
                called = {event.harmony: number for number, event in enumerate(idiom.events)}
                rows = [called.get(event.harmony.moved(steps), -1) for event in self.idioms[other].events]
                found[self._symbols(other), own] = idiom.surprise[rows]  # the last row where it is unknown
        found[:, self.carries] = 0.0
        found.flags.writeable = False
        return found

    def bits_at(self, daring: float) -> float:
        """As daring as the songs of each mode are, by how many bars each has."""
        bars = Counter(self.keys)
        said = [bars[key] * idiom.bits_at(daring) for key, idiom in self.voices]
        return sum(said) / len(self.keys)

    def character_at(self, bar: int) -> Character:
        return next(idiom for key, idiom in self.voices if key == self.keys[bar]).character

    def triads_in(self, symbols: Iterable[int]) -> Counter[int]:
        """As they sound, whatever key they are called in."""
        found: Counter[int] = Counter()
        home = self.voices[0][0].tonic
        for symbol in symbols:
            steps = self.voices[self.voice[symbol]][0].tonic - home
            found[self.events[symbol].harmony.moved(steps).triad] += self.events[symbol].ticks
        return found

    def song_of_length(self, bars: int, random: np.random.Generator, fewest: int = 0) -> ChordLine | None:
        most = max(self.voices, key=lambda voice: self.keys.count(voice[0]))[1]
        return most.song_of_length(bars, random, fewest) if fewest else most.song_of_length(bars, random)

    def rare_kinds(self, share: float) -> Mask:
        found: Mask = np.concatenate([idiom.rare_kinds(share) for idiom in self.idioms])
        return found

    @cached_property
    def _odds(self) -> Floats:
        found: Floats = np.hstack([idiom._odds for idiom in self.idioms])
        return found


def _untagged(event: ChordEvent) -> ChordEvent:
    return ChordEvent(event.harmony, event.ticks, event.place, event.carries)


def _following(harmony: Harmony, there: HarmonyIdiom, chain: Chain, begins: Mask) -> tuple[Longs, Floats]:
    """What may begin a bar after this chord, as a voice calls it, and how often each does. chain: of the
    voice, which looks back at nothing where it has to: a section may begin with what the style often plays,
    whatever came before. begins: [alphabet].
    """
    called = np.array([event.harmony == harmony for event in there.events], dtype=bool)
    ends = np.flatnonzero(called & (there.place + there.ticks == there.bar))
    ends = ends if len(ends) else np.flatnonzero(called)
    weight = np.zeros(there.alphabet)
    for context in [1 + symbol for symbol in ends.tolist()] or [0]:
        steps = slice(int(chain.start[context]), int(chain.start[context + 1]))
        np.add.at(weight, chain.symbol[steps], chain.probability[steps])
    weight *= begins & (~there.carries | called)
    onto = np.flatnonzero(weight)
    return onto.astype(np.int64), weight[onto] / weight.sum()
