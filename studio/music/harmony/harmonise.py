"""Harmonises a melody: a hidden semi-Markov model, sampled exactly.

    asked = Harmonisation.of(tune, idiom, fit)
    rows = asked.draw(3, random, daring=0.5)          # three rows of chords that differ from each other
    asked.tune_with(rows[0])                          # the tune with chord symbols

The chords are the hidden states: p(chords | melody) is in proportion to the chain's probability of the chords
and, for every tick, the likelihood of what sounds there over the chord. A chord that lasts has the product
over its ticks, so a row is drawn by one backward pass and one walk, and exactly. Locked chords, densities and
kinds of bar are requirements like all others (`chains.sampling`).

How daring the chords are is told in bits a chord, -log2 of their probability in the chain. 0 asks for what
the tamest tenth of the style's songs have, 1 for the boldest tenth, 0.5 for the median. It is reached by
tilting the chain towards or away from surprise (`HarmonyIdiom.tilted`), as far as the melody lets it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property

import numpy as np

from studio.errors import Refused
from studio.music.chains.markov import Floats, Longs, Mask
from studio.music.chains.sampling import Requirement, Solution, solve
from studio.music.chains.trellis import Trellis
from studio.music.harmony.character import DWELLING, chord_figures, evenness, longest_stay
from studio.music.harmony.fit import FAMILIES, Fit
from studio.music.harmony.idiom import CONTRAST, FEWEST_LIKE, LAST, SECTION, THEME, HarmonyIdiom
from studio.music.harmony.laying import BarSymbols, in_bars, lay
from studio.music.harmony.local_keys import local_tonics
from studio.music.harmony.symbols import ChordNames
from studio.music.scores.bars import Bar
from studio.music.scores.keys import Key
from studio.music.scores.tunes import Tune

GAMMA = 1.1
"""How much a quarter note of melody counts."""

PLACES = 0.3
"""How much the place of a bar in its section counts (`HarmonyIdiom.weights`)."""

CHANGES = 0.28
"""By how much (a logarithm) each new chord is favoured, so that chords change as often as in the style. Notes
are not as independent as the model takes them to be, and without it a chord is held too long."""

CHANGING = (0.3, 0.6, 0.9, 1.2)
"""By how much (a logarithm) a chord that is held over a bar line is avoided where every row stays on one for
longer than the style's sections: a melody of few tones, which all lie over one chord.
"""

TILTS = (-1.5, 3.0)
"""Between these the tilt is sought at which chords are as daring as asked."""

HALVINGS = 6
"""Steps of that search."""

NEAR_KINDS, STRANGE = 0.7, 0.9
"""How many different triads more or less are still about as many, and by how much (a logarithm) those are
rarer that are more than a song has.
"""

NEAR_EVEN, STRANGE_EVENLY, COMMONEST = 0.1, 0.72, 0.19
"""The same for how evenly a song uses its chords (the entropy of their shares of the time, in nats), which
draws that keep to few chords lose: what would have been strange chords becomes the commonest one. So strange
ones are made less rare, and that one is made rarer. Measured with benchmarks/harmony.py, over several seeds.
"""

STRANGE_MOVING = 0.65
"""The same as `STRANGE_EVENLY` where chords that are held for long are avoided, too: with it the mean of six
seeds has as many different chords as the composers have.
"""

FEWEST_EVENLY = 5
"""Songs of about a length without which it is not known how many chords such songs have; `FEWEST_LIKE` for
songs of 0.8.0, whose waltzes got too many.
"""

ALIKE = 48
"""Rows from which one is taken that is like the style's songs."""

TAKEN = 3
"""Rows of chords that are taken of those, where several are asked for."""

DRAWS = 48
"""Rows that are drawn, from which those are taken that differ most."""


@dataclass(frozen=True, eq=False)
class Harmonisation:
    """A melody to be harmonised.

    bars: the full bars (and a last one cut short). tonics: the key of each. fits: [bars * idiom.bar, chords],
    see `Fit.of_melody`. requirements: what must hold beside. closing: what leans towards an end. as_daring:
    a row that is like the style's songs is about as daring as asked itself; otherwise rows are on average.
    """

    tune: Tune
    idiom: HarmonyIdiom
    bars: tuple[Bar, ...]
    tonics: tuple[int, ...]
    fits: Floats
    requirements: tuple[Requirement, ...] = ()
    gamma: float = GAMMA
    places: float = PLACES
    changes: float = CHANGES
    lowest: int = 1
    closing: tuple[Requirement, ...] = ()
    as_daring: bool = True

    @classmethod
    def of(cls, tune: Tune, idiom: HarmonyIdiom, fit: Fit, *, keys: bool = True) -> Harmonisation:
        """keys: listen for other keys in the melody. Raises `Refused` for a melody that changes meter, or has
        no note in a full bar.
        """
        plain = replace(tune, chords=(), repeats=())
        if len(tune.grid.meters) > 1:
            raise Refused("The melody changes its meter; give one that keeps it, or harmonise its parts.")
        tonics = local_tonics(plain) if keys else [tune.key.tonic] * len(plain.bars())
        both = [(bar, tonic) for bar, tonic in zip(plain.bars(), tonics, strict=True) if bar.number > 0]
        if not both:
            raise Refused("The melody has no full bar to put chords over; give a longer one.")
        bars, kept = zip(*both, strict=True)
        spans = [(bar.start, bar.start + tune.meter.bar_length) for bar in bars]
        playable = idiom.playable(len(bars) * idiom.bar)
        hard = () if playable is None else (playable,)
        return cls(tune, idiom, bars, kept, fit.of_melody(plain, spans, kept, idiom.bar), hard)

    @property
    def ticks(self) -> int:
        return len(self.bars) * self.idiom.bar

    @cached_property
    def emission(self) -> Requirement:
        """[ticks, alphabet]: how likely what sounds is over a chord that begins then, through its whole
        length, divided by that of the likeliest chord, so that numbers stay near 1.
        """
        idiom = self.idiom
        best = self.fits.max(axis=1, keepdims=True)
        sums = np.vstack([np.zeros((1, self.fits.shape[1])), np.cumsum(self.fits - best, axis=0)])
        chord = idiom.root * FAMILIES + idiom.family
        start = np.arange(self.ticks)[:, None]
        end = np.minimum(start + idiom.ticks[None, :], self.ticks)
        said = self.gamma * (sums[end, chord[None, :]] - sums[start, chord[None, :]])
        said += self.changes * ~idiom.carries
        return Requirement("the melody", weight=np.exp(np.maximum(said, -60.0)))

    @cached_property
    def kinds(self) -> list[int]:
        """The kind of each bar: where it is in its section, and whether its section is like the first."""
        count = len(self.bars)
        heard = [self._pitches(bar) for bar in self.bars]
        found = []
        for number in range(count):
            first = number - number % SECTION
            here, there = heard[first : first + 2], heard[:2]
            part = THEME if first == 0 or here == there else CONTRAST
            found.append(part * SECTION + number % SECTION)
            if count - number <= SECTION // 2 and count >= SECTION:
                found[-1] = LAST * SECTION + SECTION - (count - number)
        return found

    def _pitches(self, bar: Bar) -> list[tuple[int | None, Fraction]]:
        return [
            (note.pitch, note.start - bar.start)
            for note in self.tune.notes
            if bar.start <= note.start < bar.end
        ]

    def solve(self, more: Sequence[Requirement] = (), trellis: Trellis | None = None) -> Solution:
        """Every row of chords under this melody, weighed. trellis: a tilted one."""
        idiom = self.idiom
        where = Requirement("what is played where", weight=idiom.weights(self.kinds, self.places))
        trellis = trellis or self.trellis
        return solve(trellis, self.ticks, [self.emission, where, *self.requirements, *self.closing, *more])

    @property
    def trellis(self) -> Trellis:
        listeners = tuple(each.listener for each in self.requirements if each.listener is not None)
        return self.idiom.trellis(self.idiom.walk(self.lowest), listeners)

    def tempered(self, daring: float, random: np.random.Generator) -> Trellis:
        """The chain tilted until chords are as daring as asked, on average over draws."""
        idiom, plain = self.idiom, self.trellis
        wanted = idiom.bits_at(daring)
        low, high = TILTS
        for _ in range(HALVINGS):
            tilt = (low + high) / 2
            solution = self.solve((), idiom.tilted(plain, tilt, wanted))
            rows = [[s for s in row.tolist() if s >= 0] for row in solution.sample(16, random)]
            bits = float(np.mean([idiom.bits(row) for row in rows]))
            low, high = (tilt, high) if bits > wanted else (low, tilt)
        return idiom.tilted(plain, (low + high) / 2, wanted)

    def draw(
        self, count: int, random: np.random.Generator, *, daring: float | None = None, returns: bool = True
    ) -> list[list[int]]:
        """`count` rows of chords that differ from each other. daring: 0 to 1; None is the chain as it is.
        returns: bars whose melody returns get the chords they had (`laying`); without, and with daring None,
        every row is an exact draw.

        Of more draws than are asked for the first is taken, and then always the one that differs from those
        taken over the most beats. One row alone is the first draw.
        """
        wanted = 1 if count == 1 else max(count, DRAWS)
        return self.farthest(self.many(wanted, 8 * count, random, daring, returns=returns), count)

    def draw_alike(
        self,
        random: np.random.Generator,
        *,
        daring: float | None = None,
        evenly: bool = True,
        moving: bool = True,
    ) -> list[int]:
        """One row of chords whose sections are like those of the style's songs: in how many different chords
        they have, how long they stay on one and how much returns (`harmony.character`, importance
        resampling). Rows as they are drawn have more different chords than songs have: a song keeps to
        its own. So one of the style's songs of about that length says how many there are, and a first row
        which. evenly: it says, too, how evenly they are used, as it did not for songs of 0.8.0. moving: rows
        that stay longer on a chord than the style's sections are avoided, as they were not up to 0.16.0.
        """
        rows, weights = self._alike(random, daring, evenly=evenly, moving=moving)
        return rows[int(random.choice(len(rows), p=weights))]

    def draw_each_alike(
        self, count: int, random: np.random.Generator, *, daring: float | None = None
    ) -> list[list[int]]:
        """About `count` rows, each of which is taken as `draw_alike` takes its one; the first is that one.
        One of the style's songs says how many chords `TAKEN` of them have. Some may be the same, and there
        are fewer where all stay on a chord for long, because of what is asked.
        """
        found: list[list[int]] = []
        while len(found) < count:
            rows, weights = self._alike(random, daring)
            count = 0 if self.long_stays(rows).all() else count
            # The first as `draw_alike` takes it, and others after it.
            for _ in range(min(TAKEN, int(np.count_nonzero(weights)))):
                taken = int(random.choice(len(rows), p=weights / weights.sum()))
                found.append(rows[taken])
                weights[taken] = 0.0
        return found

    def _alike(
        self,
        random: np.random.Generator,
        daring: float | None,
        *,
        evenly: bool = True,
        moving: bool = True,
    ) -> tuple[list[list[int]], Floats]:
        """Rows of chords, and how often each of them is taken: see `draw_alike`."""
        plain = self.many(1, 8, random, daring)[0]
        fewest = FEWEST_EVENLY if evenly else FEWEST_LIKE
        like = self.idiom.song_of_length(len(self.bars), random, fewest)
        wanted = None if like is None else self.idiom.kinds_in(like)
        lean = replace(
            self, requirements=(*self.requirements, *self._keeping_to(plain, wanted, evenly, moving))
        )
        rows = lean.many(ALIKE, 8, random, daring)
        for more in CHANGING if moving else ():
            if not self.long_stays(rows).all():
                break
            held = np.tile(np.exp(-more * self.idiom.carries), (self.ticks, 1))
            moved = Requirement("chords that are not held", weight=held)
            rows = replace(lean, requirements=(*lean.requirements, moved)).many(ALIKE, 8, random, daring)
        logs = np.zeros(len(rows))
        length = min(SECTION, len(self.bars))
        drawn = [in_bars(row, self.idiom.ticks, self.idiom.bar) for row in rows]
        for first in range(0, len(self.bars) - length + 1, length):
            own = [row[first : first + length] for row in drawn]
            sections = [[[self.idiom.events[s] for s in bar] for bar in bars] for bars in own]
            figures = [chord_figures(section, self.idiom.bar) for section in sections]
            logs += self.idiom.character.log_weights(figures)
        if moving:
            logs -= DWELLING * self.long_stays(rows)
        if self.as_daring and daring is not None:
            logs += self.idiom.log_near(rows, daring)
        if wanted is not None:
            kinds = np.array([len(self.idiom.triads_in(row)) for row in rows])
            logs += -0.5 * ((kinds - wanted) / NEAR_KINDS) ** 2
        if evenly and like is not None:
            even = np.array([evenness(self.idiom.triads_in(row)) for row in rows])
            logs += -0.5 * ((even - evenness(self.idiom.triads_of(like))) / NEAR_EVEN) ** 2
        weights = np.exp(logs - logs.max())
        return rows, weights / weights.sum()

    def long_stays(self, rows: Sequence[Sequence[int]]) -> Mask:
        """[rows]: whether a row stays longer on a chord than the style's sections."""
        stays = [longest_stay([self.idiom.events[s] for s in row], self.idiom.bar) for row in rows]
        return self.idiom.character.stays_long(stays)

    def _keeping_to(
        self, row: Sequence[int], kinds: int | None, evenly: bool, moving: bool
    ) -> tuple[Requirement, ...]:
        """That chords other than the `kinds` triads that sound longest in this row are rarer; nothing for
        None. evenly: and a little the one that sounds longest of all. moving: see `draw_alike`.
        """
        if kinds is None:
            return ()
        own = [triad for triad, _ in self.idiom.triads_in(row).most_common(kinds)]
        strange = np.array([event.harmony.triad not in own for event in self.idiom.events])
        rarer = STRANGE if not evenly else STRANGE_MOVING if moving else STRANGE_EVENLY
        weights = np.where(strange, np.exp(-rarer), 1.0)
        if evenly:
            commonest = np.array([event.harmony.triad == own[0] for event in self.idiom.events])
            weights = np.where(commonest, np.exp(-COMMONEST), weights)
        weight = np.tile(weights, (self.ticks, 1))
        return (Requirement("chords as few as in a song", weight=weight),)

    def many(
        self,
        wanted: int,
        tries: int,
        random: np.random.Generator,
        daring: float | None = None,
        *,
        returns: bool = True,
    ) -> list[list[int]]:
        """Up to `wanted` rows as they are drawn, at least one. tries: see `laying.lay`."""
        trellis = None if daring is None else self.tempered(daring, random)
        same = self.same_bars if returns else {}
        if self.closing:  # where the last bar was heard before, it went on there, and now it ends
            last = len(self.bars) - 1
            same = {bar: [copy for copy in copies if copy != last] for bar, copies in same.items()}
            same = {bar: copies for bar, copies in same.items() if copies}
        bars = BarSymbols(self.idiom.ticks, self.idiom.bar, self.idiom.twins)
        drawn = lay(lambda more: self.solve(more, trellis), same, bars, random, count=wanted, tries=tries)
        if not drawn:  # no equal chords lead to what comes before and after: bars may differ then
            rows = self.solve((), trellis).sample(wanted, random)
            drawn = [[symbol for symbol in row.tolist() if symbol >= 0] for row in rows]
        return drawn

    def farthest(self, rows: Sequence[list[int]], count: int) -> list[list[int]]:
        """Up to `count` of these rows: the first, and then always the one that differs from those taken over
        the most beats.
        """
        drawn = list(rows)
        taken = [drawn.pop(0)]
        while len(taken) < count and drawn:
            far = [min(self.apart(row, other) for other in taken) for row in drawn]
            taken.append(drawn.pop(int(np.argmax(far))))
        return taken

    @cached_property
    def same_bars(self) -> dict[int, list[int]]:
        """BarSymbols (from 0) -> later bars with the same melody in the same key, where at least two in a row
        are the same.
        """
        heard = [
            (tuple(self._pitches(bar)), tonic) for bar, tonic in zip(self.bars, self.tonics, strict=True)
        ]
        of = [heard.index(each) for each in heard]
        found: dict[int, list[int]] = {}
        for number, first in enumerate(of):
            before = number > 0 and of[number - 1] == first - 1
            after = number + 1 < len(of) and of[number + 1] == first + 1
            if first < number and (before or after) and heard[number][0]:
                found.setdefault(first, []).append(number)
        return found

    def apart(self, one: Sequence[int], other: Sequence[int]) -> float:
        """Share of the ticks at which two rows have chords of another root or family."""
        lines = [np.repeat(self._labels[list(row)], self.idiom.ticks[list(row)]) for row in (one, other)]
        return float(np.mean(lines[0] != lines[1]))

    @cached_property
    def _labels(self) -> Longs:
        found: Longs = self.idiom.root * FAMILIES + self.idiom.family
        return found

    def keys(self) -> list[Key]:
        """The key of each bar."""
        home = self.tune.key
        return [home if tonic == home.tonic else Key.of_tonic(tonic, home.mode) for tonic in self.tonics]

    def tune_with(self, row: Sequence[int], *, names: ChordNames = "common") -> Tune:
        """The tune with these chords."""
        chords = self.idiom.chords(row, self.keys(), self.bars[0].start, names=names)
        return replace(self.tune, chords=tuple(chord for chord in chords if chord.start < self.tune.end))
