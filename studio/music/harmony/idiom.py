"""What a style does with chords in one meter and mode: the events its songs are made of, and the chain that
joins them.

    idiom = learn_harmony(style, Meter.parse("4/4"), "major")
    walk = idiom.walk(lowest=1)
    trellis = idiom.trellis(walk, (idiom.copies(12),))
    idiom.chords(symbols, keys, start=Fraction(0))          symbols back to chord symbols

A symbol is an event: a harmony relative to the key of its bar, how long it lasts, where in the bar it begins,
and whether it only carries the chord before it over a bar line. So the chain knows place and length of every
chord, and a chord of two bars is two events. Keys are those that are heard (`local_keys`): where a song moves
to another key, the events go on in that key, and the chain begins anew with the two chords before, as they
are called there.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from studio.errors import AskedFor, Contradiction, Refused, WayOut
from studio.music.chains.automata import SILENT, Listener, Viewpoint, copy_limit
from studio.music.chains.markov import Chain, ContextTree, Floats, WittenBell, count, freeze, mix
from studio.music.chains.sampling import Requirement
from studio.music.chains.trellis import Trellis, Walk, unfold
from studio.music.harmony.character import Character, chord_character
from studio.music.harmony.local_keys import local_tonics
from studio.music.harmony.symbols import ChordNames, Family, Harmony
from studio.music.scores.bars import Bar
from studio.music.scores.chords import ChordAt
from studio.music.scores.keys import Key
from studio.music.scores.meters import Meter
from studio.music.scores.tunes import Tune
from studio.music.styles.style import Style

PER_QUARTER = 2
"""Ticks a quarter note: chords change on eighths at the finest. Others are moved to the nearest."""

SECTION = 8
"""Bars of a usual section."""

ORDER = 4
"""How many events back the chain looks at most."""

STRENGTH = 6.0
"""Of the escape (`WittenBell`). Measured on held-out songs of the songbook (benchmarks/harmony.py)."""

LONGEST = 4
"""Bars after which a chord's length is no longer told apart by the copy limit."""

HALVINGS = 6
"""Steps of a search for how much new chords are favoured."""

UNKNOWN_BITS = 14.0
"""The surprise of an event that the style never has, or never in that place."""

NEAR_BITS = 0.2
"""How many bits a chord more or less are still about as daring as asked."""

CAUTION = 4.0
"""Chords that are added to what is counted in a kind of bar, and to what is expected there."""

FEWEST_LIKE = 12
"""Songs of about a length without which it is not known how many chords such songs have."""

PLAIN = 0.97
"""The part of a style's songs that end on triads where all songs are to end so."""

SIMPLE = ("", "m", "7", "m7")
"""Kinds of chords that accompany fiddle tunes."""

KEPT = 3
"""Trellises that are kept."""


@dataclass(frozen=True, slots=True)
class ChordEvent:
    """What happens next in the chords. ticks: how long. place: ticks from the bar line. carries: the chord
    before goes on over the bar line.
    """

    harmony: Harmony
    ticks: int
    place: int
    carries: bool = False


@dataclass(frozen=True)
class ChordLine:
    """The chords of one song, as it is played, without its pick-up.

    number: of the song in its style. events: in order. bars: the bar of each event, from 0. tonics: for each
    bar, the pitch class of its key. written: for each bar, its number in the song as it is played, from 0.
    """

    number: int
    title: str
    events: tuple[ChordEvent, ...]
    bars: tuple[int, ...]
    tonics: tuple[int, ...]

    @property
    def length(self) -> int:
        """In bars."""
        return len(self.tonics)

    def parts(self) -> list[tuple[ChordEvent, ...]]:
        """The events key by key, each part after the first with the two before it, as its key calls them."""
        edges = [n for n, (a, b) in enumerate(pairwise(self.bars), 1) if self.tonics[a] != self.tonics[b]]
        found = []
        for start, end in pairwise([0, *edges, len(self.events)]):
            tonic = self.tonics[self.bars[start]] if start < len(self.bars) else 0
            before = [
                ChordEvent(
                    self.events[n].harmony.moved(self.tonics[self.bars[n]] - tonic),
                    self.events[n].ticks,
                    self.events[n].place,
                    self.events[n].carries,
                )
                for n in range(max(0, start - 2), start)
            ]
            found.append((*before, *self.events[start:end]))
        return found


class HarmonyIdiom:
    """The chords of a style in one meter and mode. Its parts are worked out when first asked for, and kept.

    events: what each symbol stands for. ticks, place, root, family: [alphabet]. carries: [alphabet].
    bar: ticks a bar. tick: quarter notes a tick. lines: the songs learnt from. plain: whether songs end on
    triads; None for what those do that it was learnt from (`ends_plainly`). simple: whether its chords are
    triads and sevenths, each for half a bar at least (`simply`).
    """

    plain: bool | None = None
    simple = False

    def __init__(
        self,
        title: str,
        meter: Meter,
        mode: str,
        lines: Sequence[ChordLine],
        *,
        extra: Sequence[Sequence[ChordEvent]] = (),
    ) -> None:
        self.title, self.meter, self.mode, self.lines = title, meter, mode, tuple(lines)
        self.tick = Fraction(1, PER_QUARTER)
        self.bar = int(meter.bar_length * PER_QUARTER)
        self.number: dict[ChordEvent, int] = {}
        self.sequences = [
            [self.number.setdefault(event, len(self.number)) for event in part]
            for line in self.lines
            for part in line.parts()
        ]
        self._extra = [
            [self.number.setdefault(event, len(self.number)) for event in part] for part in extra if part
        ]
        self.events = tuple(self.number)
        self.ticks = np.array([event.ticks for event in self.events], dtype=np.int64)
        self.place = np.array([event.place for event in self.events], dtype=np.int64)
        self.root = np.array([event.harmony.root for event in self.events], dtype=np.int64)
        self.family = np.array([event.harmony.family for event in self.events], dtype=np.int64)
        self.carries = np.array([event.carries for event in self.events], dtype=bool)
        self._walks: dict[int, Walk] = {}
        self._copies: dict[int, Listener] = {}
        self._runs: dict[int, frozenset[tuple[int, ...]]] = {}
        self._trellises: dict[tuple[int, ...], Trellis] = {}

    @property
    def alphabet(self) -> int:
        return len(self.events)

    @property
    def ends_plainly(self) -> bool:
        """Whether songs end on triads: where that is not said, `PLAIN` of those that end on the tonic do."""
        if self.plain is not None:
            return self.plain
        last = [line.events[-1].harmony for line in self.lines if line.events]
        home = [each for each in last if each.root == 0]
        return len(home) >= FEWEST_LIKE and sum(each.plain for each in home) >= PLAIN * len(home)

    def with_events(self, extra: Sequence[Sequence[ChordEvent]]) -> HarmonyIdiom:
        """The same idiom that also knows these events, which a person asked for. Itself where it does."""
        if all(event in self.number for part in extra for event in part):
            return self
        return HarmonyIdiom(self.title, self.meter, self.mode, self.lines, extra=extra)

    @cached_property
    def tree(self) -> ContextTree:
        # What a person asked for is known, and hardly ever chosen elsewhere.
        weights = [1.0] * len(self.sequences) + [1e-3] * len(self._extra)
        sequences = [*self.sequences, *self._extra]
        return count(sequences, alphabet=self.alphabet, longest=ORDER, weights=weights)

    def chain(self, lowest: int) -> Chain:
        return mix(self.tree, WittenBell(STRENGTH), lowest=lowest)

    def walk(self, lowest: int = 1) -> Walk:
        """A walk from bar line to bar line: every event at its own place, none across a bar line."""
        if lowest not in self._walks:
            places = (self.place == np.arange(self.bar)[:, None]) & (self.place + self.ticks <= self.bar)
            self._walks[lowest] = Walk(self.chain(lowest), self.ticks, period=self.bar, places=places)
        return self._walks[lowest]

    def trellis(self, walk: Walk, listeners: tuple[Listener, ...] = ()) -> Trellis:
        """`unfold`, kept for the next request with the same walk and listeners."""
        key = (id(walk), *(id(listener) for listener in listeners))
        found = self._trellises.pop(key, None)
        if found is None or found.walk is not walk:
            while len(self._trellises) >= KEPT:
                del self._trellises[next(iter(self._trellises))]
            found = unfold(walk, listeners)
        self._trellises[key] = found
        return found

    def in_bar(self, event: ChordEvent, bar: int) -> ChordEvent:  # noqa: ARG002 - by key, see `keyed`
        """The event as it is called in a bar (from 0) of the song."""
        return event

    @property
    def side_by_side(self) -> tuple[HarmonyIdiom, ...]:
        """The idioms whose symbols are its own, one after the other, see `keyed`."""
        return (self,)

    @property
    def different(self) -> list[HarmonyIdiom]:
        """The idioms that it is made of, see `keyed`."""
        return [self]

    def follows(self, before: int, after: int) -> bool:
        """Whether a chord came after another in a song, begun or carried on."""
        context = int(self.tree.level[1]) + before
        known = self.tree.follower[int(self.tree.first[context]) : int(self.tree.first[context + 1])]
        return bool(np.isin((after, self.twins[after]), known).any())

    # Copying
    # --------------------------------------------------------------------------------------------------------

    def copies(self, chords: int) -> Listener:
        """At most `chords` chords in a row as in a song of the style: the same steps from root to root, the
        same families, the same lengths. The last one's length does not count. Raises `Refused` below 2.
        """
        if chords < 2:
            raise Refused(f"A copy limit of {chords} chords leaves nothing to play; allow at least 2.")
        if chords not in self._copies:
            self._copies[chords] = Listener(self.view, copy_limit(self.heard, chords - 1, self.view.letters))
        return self._copies[chords]

    def keeps(self, row: Sequence[int], chords: int) -> bool:
        """Whether a row has at most `chords` chords in a row as in a song of the style."""
        if chords < 2:
            self.copies(chords)  # says what is wrong
        if chords not in self._runs:
            self._runs[chords] = frozenset(
                run for line in self.heard for run in zip(*(line[at:] for at in range(chords)), strict=False)
            )
        letters, runs = self.letters(row), self._runs[chords]
        return not any(run in runs for run in zip(*(letters[at:] for at in range(chords)), strict=False))

    @cached_property
    def heard(self) -> list[list[int]]:
        """The letters of each line, see `view`."""
        return [self.letters(self._numbers(line.events)) for line in self.lines]

    def letters(self, row: Iterable[int]) -> list[int]:
        """What `view` hears in a row of symbols, without its tables, which take longer than a few rows."""
        return self._letters(row, self.bar, self._heard_as)

    def _letters(
        self, row: Iterable[int], bar: int, heard_as: Sequence[tuple[int, int, int, bool]]
    ) -> list[int]:
        """The same, for a bar of so many ticks and symbols that are heard so."""
        most, families = LONGEST * bar + 1, len(Family)
        found: list[int] = []
        sounds: tuple[int, int, int] | None = None  # root, family, length from 0
        for symbol in row:
            root, family, ticks, carries = heard_as[symbol]
            if sounds is not None and carries:
                sounds = root, family, min(sounds[2] + ticks, most - 1)
                continue
            if sounds is not None:
                found.append(((root - sounds[0]) % 12 * families + sounds[1]) * most + sounds[2])
            sounds = root, family, min(ticks, most) - 1
        return found

    @property
    def heard_roots(self) -> NDArray[np.int64]:
        """[alphabet]: the roots between which steps are heard."""
        return self.root

    @cached_property
    def _heard_as(self) -> list[tuple[int, int, int, bool]]:
        """[alphabet]: root, family, ticks and whether it is carried, as plain numbers."""
        parts = (self.heard_roots, self.family, self.ticks, self.carries)
        return list(zip(*(part.tolist() for part in parts), strict=True))

    @property
    def searchable(self) -> bool:
        """Whether the copy limit can be an automaton of a search."""
        return True

    def _numbers(self, events: Iterable[ChordEvent]) -> list[int]:
        return [self.number[event] for event in events]

    @cached_property
    def view(self) -> Viewpoint:
        """How a chord is heard: when the next begins, as the step to its root with the family and length of
        the chord that is left. A chord that is carried over a bar line grows.

        The memory is the chord that sounds: 0 for none, then 1 + (root, family, length) in a mixed base. The
        last of the lengths stands for all longer ones.
        """
        most = LONGEST * self.bar + 1
        families = len(Family)
        memories = 1 + 12 * families * most
        roots = self.heard_roots
        own = 1 + (roots * families + self.family) * most + np.minimum(self.ticks, most) - 1
        memory = np.tile(own, (memories, 1))
        root, family, length = np.unravel_index(np.arange(memories - 1), (12, families, most))
        letter = np.full((memories, self.alphabet), SILENT)
        step = (roots[None, :] - root[:, None]) % 12
        letter[1:] = (step * families + family[:, None]) * most + length[:, None]
        held = np.flatnonzero(self.carries)
        letter[:, held] = SILENT
        # A chord carried into another key is called by its new name there, with the length it had.
        grown = np.minimum(length[:, None] + self.ticks[held], most - 1)
        memory[1:, held] = 1 + (roots[held] * families + self.family[held])[None, :] * most + grown
        view = Viewpoint(12 * families * most, letter.astype(np.int32), memory.astype(np.int32))
        freeze(view)
        return view

    @property
    def simply(self) -> NDArray[np.bool_]:
        """[alphabet]: triads and sevenths on their root or third that begin with a bar, or in the middle of
        one, and last as long.
        """
        beats = int(self.meter.bar_length / self.meter.beat)
        middle = -(-beats // 2) * self.meter.beat * PER_QUARTER
        edges = {0, self.bar, *([int(middle)] if beats > 1 and middle.denominator == 1 else [])}
        return np.array(
            [
                each.harmony.suffix in SIMPLE
                and each.harmony.bass in (0, *each.harmony.tones[1:2])
                and each.place in edges
                and each.place + each.ticks in edges
                for each in self.events
            ],
            dtype=bool,
        )

    def playable(self, ticks: int) -> Requirement | None:  # noqa: ARG002 - by style
        """Which events may be played at all, for a row of so many ticks; None where all may."""
        return None

    @property
    def least_copy(self) -> int:
        """The shortest row of chords of which it is known whether a song has it."""
        return 1

    def longest_run(self, symbols: Sequence[int], *, without: int = -1) -> tuple[int, int, int]:
        """(chords, event, line): the longest run that these symbols share with a line, in chords, where it
        begins among them, and the line: the first of those. without: a line that does not count.
        """
        best = 0
        ends: list[tuple[int, int]] = []
        for place, (runs, lines) in enumerate(self.runs_ending(self.letters(symbols), without=without)):
            longest = int(runs.max(initial=0))
            if longest > best:
                best, ends = longest, []
            if longest and longest == best:
                ends.append((int(lines[runs.argmax()]), place - longest + 1))
        if not ends:
            return (1 if len(symbols) else 0), 0, -1
        line, begins = min(ends)
        return best + 1, begins, line

    def runs_ending(
        self, letters: Iterable[int], *, without: int = -1
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """For each of these letters, as `letters` gives them: the length of the run that ends with it and at
        each letter of the lines, 0 where they differ, and the line of each. without: a line that is left out.
        """
        everywhere, lines = self._heard_together
        if without >= 0:
            everywhere = np.where(lines == without, SILENT, everywhere)
        runs = np.zeros(len(everywhere) + 1, dtype=np.int64)
        for letter in letters:
            runs[1:] = np.where(everywhere == letter, runs[:-1] + 1, 0)
            yield runs[1:], lines

    @cached_property
    def _heard_together(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The letters of all lines, one line after the other with a silence between, and the line of each."""
        rows = [np.array([*letters, SILENT], dtype=np.int64) for letters in self.heard]
        numbers = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
        return np.concatenate(rows) if rows else numbers, numbers

    # How surprising chords are
    # --------------------------------------------------------------------------------------------------------

    def bits(self, symbols: Sequence[int]) -> float:
        """Mean surprise in bits a chord: -log2 of the probability of each chord after the one before,
        whatever their lengths. A longer memory would know the songs it was learnt from by heart, and call a
        copy tame.
        """
        row = np.array(symbols, dtype=np.int64)
        before = np.concatenate([[self.alphabet], row[:-1]])
        return float(self.surprise[before, row].sum() / max(1, np.count_nonzero(~self.carries[row])))

    @cached_property
    def surprise(self) -> Floats:
        """[alphabet + 1, alphabet]: bits of each event's chord after the chord of each event, the last row at
        the beginning; 0 where a chord is carried on.
        """
        names: dict[Harmony, int] = {}
        number = np.array([names.setdefault(event.harmony, len(names)) for event in self.events])
        rows = [
            [int(number[symbol]) for symbol in sequence if not self.carries[symbol]]
            for sequence in self.sequences
        ]
        chain = mix(count(rows, alphabet=len(names), longest=1), WittenBell(STRENGTH), lowest=0)
        bits = np.full((len(names) + 1, len(names)), UNKNOWN_BITS)
        for before in range(len(names) + 1):
            steps = slice(int(chain.start[1 + before]), int(chain.start[2 + before]))
            bits[before, chain.symbol[steps]] = -np.log2(chain.probability[steps])
        found: Floats = bits[np.concatenate([number, [len(names)]])[:, None], number[None, :]]
        found[:, self.carries] = 0.0
        found.flags.writeable = False
        return found

    def tilted(self, trellis: Trellis, tilt: float, bits: float) -> Trellis:
        """The same trellis with every step weighed by 2^(-tilt * (its surprise - bits, where a chord
        begins)).

        Rows are then drawn in proportion to their probability times 2^(-tilt * (surprise - bits * chords)):
        an exponential family, in which the mean of what is in the brackets falls as the tilt grows.
        """
        source = np.repeat(np.arange(trellis.states), np.diff(trellis.first))
        before = self.newest[trellis.context[source]]
        begins = ~self.carries[trellis.symbol]
        exponent = self.surprise[before, trellis.symbol] - bits * begins
        weight = trellis.probability * np.exp2(np.clip(-tilt * exponent, -60, 60))
        found = replace(trellis, probability=weight, latest={})
        freeze(found)
        return found

    @cached_property
    def newest(self) -> NDArray[np.int64]:
        """[contexts + 1]: the newest symbol of each context; `alphabet` for none."""
        tree = self.tree
        newest = np.full(tree.contexts + 1, self.alphabet, dtype=np.int64)
        newest[tree.level[1] : tree.level[2]] = np.arange(tree.level[2] - tree.level[1])
        for length in range(2, tree.longest + 1):
            level = slice(int(tree.level[length]), int(tree.level[length + 1]))
            newest[level] = newest[tree.suffix[level]]
        return np.minimum(newest, self.alphabet)

    def bits_at(self, daring: float) -> float:
        """The bits a chord of a song that is so daring among the style's own: 0 the tenth percentile, 1 the
        ninetieth.
        """
        return float(np.percentile(self._bits_of_songs, 10 + 80 * daring))

    def log_near(self, rows: Iterable[Sequence[int]], daring: float) -> Floats:
        """[rows]: the logarithm of how often each is taken where rows are to be so daring."""
        bits = np.array([self.bits(row) for row in rows])
        found: Floats = -0.5 * ((bits - self.bits_at(daring)) / NEAR_BITS) ** 2
        return found

    @cached_property
    def _bits_of_songs(self) -> list[float]:
        return [self.bits(self._numbers(line.events)) for line in self.lines]

    @cached_property
    def character(self) -> Character:
        """What sections of the style's songs are like."""
        return chord_character(self.lines, self.bar, SECTION)

    def character_at(self, bar: int) -> Character:  # noqa: ARG002 - by key, see `keyed`
        """The same of a section that begins in that bar (from 0) of the song."""
        return self.character

    def rare_kinds(self, share: float) -> NDArray[np.bool_]:
        """[alphabet]: chords of a kind that less than this share of the style's chords is of."""
        tree = self.tree
        all_of_them = slice(int(tree.first[0]), int(tree.first[1]))
        often: dict[str, float] = {}
        for symbol, times in zip(tree.follower[all_of_them], tree.weight[all_of_them], strict=True):
            if symbol < self.alphabet:
                kind = self.events[symbol].harmony.suffix
                often[kind] = often.get(kind, 0.0) + float(times)
        least = share * sum(often.values())
        return np.array([often.get(event.harmony.suffix, 0.0) < least for event in self.events])

    def triads_in(self, symbols: Iterable[int]) -> Counter[int]:
        """The different triads of a row, and for how many ticks each sounds."""
        found: Counter[int] = Counter()
        for symbol in symbols:
            found[self.events[symbol].harmony.triad] += self.events[symbol].ticks
        return found

    def song_of_length(
        self, bars: int, random: np.random.Generator, fewest: int = FEWEST_LIKE
    ) -> ChordLine | None:
        """A song of the style of about so many bars, which is drawn; None where fewer than `fewest` such
        songs are known.
        """
        lines = [line for line in self.lines if bars * 2 <= line.length * 3 <= bars * 5]
        return lines[int(random.integers(len(lines)))] if len(lines) >= fewest else None

    def triads_of(self, line: ChordLine) -> Counter[int]:
        """The same of a song."""
        return self.triads_in(self._numbers(line.events))

    def kinds_in(self, line: ChordLine) -> int:
        """How many different triads a song has."""
        return len({event.harmony.triad for event in line.events})

    # What is played where
    # --------------------------------------------------------------------------------------------------------

    def weights(self, kinds: Sequence[int], strength: float = 1.0) -> Floats:
        """[bars * bar, alphabet]: how much more often each event is played in bars of these kinds than
        anywhere. kinds: see `kinds_of`. strength: 0 makes everything 1.
        """
        rows = np.exp(strength * self._odds[list(kinds)])
        return np.repeat(rows, self.bar, axis=0)

    @cached_property
    def _odds(self) -> Floats:
        """[kinds, alphabet]: the logarithm of p(what | kind of bar, place) over p(what | place), where what
        an event is has its root, family, and whether it is carried.
        """
        feature = np.stack([self.place, self.root, self.family, self.carries])
        _, what = np.unique(feature, axis=1, return_inverse=True)
        what = what.ravel()
        places, place = np.unique(self.place, return_inverse=True)
        counts = np.zeros((KINDS_OF_BAR, what.max() + 1))
        place_of = np.zeros(what.max() + 1, dtype=np.int64)
        place_of[what] = place
        for line in self.lines:
            kinds = kinds_of(line)
            # A song counts once, however often it goes round: its loop is no habit of the style.
            played = {
                (kinds[bar], int(what[self.number[event]]))
                for event, bar in zip(line.events, line.bars, strict=True)
            }
            for which, one in played:
                counts[which, one] += 1
        at_place = np.stack([np.bincount(place_of, row, len(places)) for row in counts])
        usual = counts.sum(axis=0) / np.maximum(1e-9, at_place.sum(axis=0))[place_of]
        # Beside the counts, those that would be expected if the kind of bar made no difference. What is rare
        # stays near 1: two strange chords in bar 3 do not make bar 3 strange.
        expected = at_place[:, place_of] * usual
        odds = np.log((counts + CAUTION) / (expected + CAUTION))
        clipped: Floats = np.clip(odds, -np.log(20), np.log(20))
        return clipped[:, what]

    # From symbols to chords
    # --------------------------------------------------------------------------------------------------------

    @cached_property
    def twins(self) -> NDArray[np.int64]:
        """[alphabet]: the same event carried on instead of begun, or begun instead of carried on; itself
        where the style does not have that.
        """
        pairs = [replace(event, carries=not event.carries) for event in self.events]
        return np.array([self.number.get(twin, number) for number, twin in enumerate(pairs)])

    def chords(
        self,
        symbols: Iterable[int],
        keys: Sequence[Key],
        start: Fraction,
        restated: Container[int] = (),
        *,
        names: ChordNames = "common",
    ) -> tuple[ChordAt, ...]:
        """Chord symbols, one where a chord begins. keys: of each bar. start: where the first bar begins.
        restated: bars (from 0) at which a chord that is carried on is written once more. names: see
        `ChordNames`.
        """
        found: list[ChordAt] = []
        tick = 0
        for symbol in symbols:
            event = self.events[symbol]
            text = event.harmony.symbol(keys[tick // self.bar], names=names)
            if not event.carries or not found or (tick % self.bar == 0 and tick // self.bar in restated):
                found.append(ChordAt(start + tick * self.tick, text))
            tick += event.ticks
        return tuple(found)


THEME, CONTRAST, LAST = 0, 1, 2
"""What part a bar is in: a section that begins as the first does, another, or the last bars of all."""

KINDS_OF_BAR = 3 * SECTION


def kinds_of(line: ChordLine) -> list[int]:
    """For each bar, part * SECTION + its place in its section of eight bars."""
    labels = _labels(line)
    half = SECTION // 2
    found = []
    for bar in range(line.length):
        first = bar - bar % SECTION
        there, here = labels[:half], labels[first : first + half]
        alike = sum(a == b for a, b in zip(there, here, strict=False)) / len(here) if here else 0.0
        part = THEME if alike >= 0.5 else CONTRAST
        found.append(part * SECTION + bar % SECTION)
        if line.length - bar <= half and line.length >= SECTION:
            found[-1] = LAST * SECTION + SECTION - (line.length - bar)
    return found


def _labels(line: ChordLine) -> list[tuple[tuple[int, int, int], ...]]:
    """Bar by bar, the triads that are played, with their places, relative to the first bar's key."""
    bars: list[list[tuple[int, int, int]]] = [[] for _ in range(line.length)]
    home = line.tonics[0] if line.tonics else 0
    for event, bar in zip(line.events, line.bars, strict=True):
        harmony = event.harmony.moved(line.tonics[bar] - home)
        bars[bar].append((event.place, harmony.root, harmony.family))
    return [tuple(events) for events in bars]


def learn_harmony(style: Style, meter: Meter, mode: str, *, leave_out: int = -1) -> HarmonyIdiom:
    """The chords of a style's songs in a meter and mode, and in kindred meters (2/4 for 4/4).

    leave_out: the number of a song not to learn from. Raises `Refused` where no song has chords.
    """
    lines = [
        line
        for number, (name, its_mode) in enumerate(zip(style.meters, style.modes, strict=True))
        if number != leave_out
        and (factor := stretch(Meter.parse(name), meter))
        and is_minor(its_mode) == is_minor(mode)
        and (line := chord_line(style[number], number, factor, meter)) is not None
    ]
    if not lines:
        raise Contradiction(
            f"{style.entry.title} has no song in {meter} and {mode} with chords to learn from; choose "
            "another meter, key or style, or let the chords be inferred.",
            [AskedFor("chords_from", "", f"chords of {style.entry.title}")],
            [WayOut("Infer chords from the style's melodies", "chords_from", "inferred")],
        )
    return HarmonyIdiom(style.entry.title, meter, mode, lines)


def is_minor(mode: str) -> bool:
    """Whether a mode has a minor third."""
    return mode in ("minor", "dorian", "phrygian", "locrian")


def stretch(there: Meter, asked: Meter) -> Fraction | None:
    """The factor by which lengths in one meter are stretched to fit another: 1 for 2/2 in 4/4, 2 for 2/4.
    None where bars are counted differently.
    """

    def beats(meter: Meter) -> tuple[int, bool]:
        whole = 2 if meter.numerator in (2, 4) else meter.numerator
        return (2 if meter.compound and whole == 12 else whole), meter.compound

    factor = asked.bar_length / there.bar_length
    return factor if beats(there) == beats(asked) and factor in (Fraction(1, 2), 1, 2) else None


def chord_line(tune: Tune, number: int, factor: Fraction, meter: Meter) -> ChordLine | None:
    """The chords of a tune, bar by bar; None for one without chords or with changing meters.

    factor: how much its lengths are stretched. Bars before the first chord, and bars that are cut short, are
    left out.
    """
    if len(tune.grid.meters) > 1 or not tune.chords:
        return None
    played = tune.unfolded()
    tonics = local_tonics(played)
    per_bar = int(meter.bar_length * PER_QUARTER)
    changes = chord_changes(played)
    events: list[ChordEvent] = []
    bars: list[int] = []
    kept: list[int] = []
    at = 0
    for place, bar in enumerate(played.bars()):
        if bar.number < 1 or bar.length != bar.meter.bar_length:
            continue
        while at + 1 < len(changes) and changes[at + 1][0] <= bar.start:
            at += 1
        if at >= len(changes) or changes[at][0] > bar.start:
            inside = [each for each in changes if bar.start <= each[0] < bar.end]
            if not inside and not kept:
                continue
        here = _in_bar(changes, at, (bar.start, bar.end), factor, per_bar)
        if not here:
            continue
        for chord, start, end, carries in here:
            events.append(
                ChordEvent(chord.moved(-tonics[place]), end - start, start, carries and bool(events))
            )
            bars.append(len(kept))
        kept.append(tonics[place])
    if len(events) < 2:
        return None
    return ChordLine(number, tune.title or tune.id, tuple(events), tuple(bars), tuple(kept))


def chord_changes(tune: Tune) -> list[tuple[Fraction, Harmony]]:
    """Where the chords of a tune change, and to what, relative to C. Equal neighbours are one."""
    found: list[tuple[Fraction, Harmony]] = []
    for chord in tune.chords:
        harmony = Harmony.of(chord.symbol, 0)
        if harmony is not None and (not found or found[-1][1] != harmony):
            found.append((chord.start, harmony))
    return found


def events_in_bar(
    changes: Sequence[tuple[Fraction, Harmony]], bar: Bar, tonic: int, idiom: HarmonyIdiom
) -> tuple[ChordEvent, ...] | None:
    """The chords of one bar of a tune as events of an idiom; None where it has none, or is no full bar of the
    idiom's meter. changes: see `chord_changes`.
    """
    at = max(0, bisect_right(changes, bar.start, key=lambda change: change[0]) - 1)
    if bar.length != idiom.meter.bar_length or (changes and changes[at][0] >= bar.end):
        return None
    found = _in_bar(changes, at, (bar.start, bar.end), Fraction(1), idiom.bar)
    return (
        tuple(ChordEvent(chord.moved(-tonic), end - start, start) for chord, start, end, _ in found) or None
    )


def _in_bar(
    changes: Sequence[tuple[Fraction, Harmony]],
    at: int,
    span: tuple[Fraction, Fraction],
    factor: Fraction,
    per_bar: int,
) -> list[tuple[Harmony, int, int, bool]]:
    """The chords of one bar as (harmony, first tick, end, carried over the bar line).

    at: the change that is in force at the bar line, or the first of all. A bar whose first chord comes later
    begins with that chord.
    """
    start, end = span
    found: list[tuple[Harmony, int, bool]] = []
    for place, harmony in changes[at:]:
        if place >= end:
            break
        tick = max(0, round((place - start) * factor * PER_QUARTER))
        carries = place < start
        if tick >= per_bar:
            break
        if found and found[-1][1] == tick:
            found.pop()
            carries = carries and not found
        found.append((harmony, tick if found else 0, carries))
    ends = [*(tick for _, tick, _ in found[1:]), per_bar]
    return [
        (harmony, tick, stop, carries)
        for (harmony, tick, carries), stop in zip(found, ends, strict=True)
        if tick < stop
    ]
