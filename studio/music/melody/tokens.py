"""Melodies as a network reads them: one token for each note, with everything that is known when it is chosen.

    found = melodies(style)              # every tune as tokens, its pitches counted from its tonic
    parts = parted(found)                # for training, validation and test: no tune in two parts
    layout = Layout.of(found)
    Readings.of(layout, parts.learnt)    # what `learning.training.fit` takes

A token is a pitch (in semitones above the tonic) or a rest, a length, and whether it only continues the note
before it over a bar line. What is known when a token is chosen: the token before it, the place in the bar,
the number of the bar, meter and mode, and what began at the same place one, two, four and eight bars before.
The events are those of `idiom`: repeats are played out, pick-ups left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from studio.errors import Refused, Unreadable
from studio.music.melody.idiom import PER_QUARTER, Event, learn
from studio.music.scores.keys import MODES, Key
from studio.music.scores.meters import Meter
from studio.music.styles.style import Style

if TYPE_CHECKING:
    import torch

    from studio.learning.datasets import Batch

Numbers = NDArray[np.int64]

BARS_BACK = (1, 2, 4, 8)
"""How many bars back the network sees what began at the same place: where tunes repeat themselves."""

METERS = ("2/4", "4/4", "2/2", "3/4", "6/8", "9/8", "12/8", "3/8", "3/2", "6/4")
MOST_QUARTERS, MOST_PHRASES = 12, 9
END = "end"

KINDRED = 24
"""Tunes that share a run of so many notes, compared by intervals, are settings of one tune and go into the
same part.
"""


@dataclass(frozen=True, slots=True)
class Token:
    """pitch: semitones above the tonic that `tonic_below` gives, None for a rest. length: in quarter notes.
    carries: continues the note before, without being struck.
    """

    pitch: int | None
    length: Fraction
    carries: bool = False

    def __str__(self) -> str:
        return f"{'r' if self.pitch is None else self.pitch} {self.length}{' ~' if self.carries else ''}"

    @classmethod
    def read(cls, text: str) -> Token:
        """Reads what `str` wrote. Raises `Unreadable`."""
        try:
            pitch, length, *carries = text.split()
            if carries not in ([], ["~"]) or not 0 < Fraction(length) <= 1000:
                raise ValueError
            return cls(None if pitch == "r" else int(pitch), Fraction(length), bool(carries))
        except (ValueError, ZeroDivisionError):
            raise Unreadable(
                f"{text[:40]!r} is not a token of a melody; get the model's files again."
            ) from None

    @property
    def order(self) -> tuple[int, Fraction, bool]:
        return (-1000 if self.pitch is None else self.pitch, self.length, self.carries)


@dataclass(frozen=True, eq=False)
class Melody:
    """One tune. number: in the style. bar: its length in ticks, `PER_QUARTER` to a quarter note. starts: [n +
    1], the tick at which each token begins, and the end of the last. again: [n], the token is in a bar that
    has been played before (a repeat).
    """

    number: int
    title: str
    meter: str
    mode: str
    bar: int
    tokens: tuple[Token, ...]
    starts: Numbers
    again: NDArray[np.bool_]

    @property
    def places(self) -> Numbers:
        """[n + 1]: ticks from the bar line."""
        found: Numbers = self.starts % self.bar
        return found


def melodies(style: Style) -> list[Melody]:
    """Every tune of a style that can be learnt from, in the style's order.

    Left out are tunes that change meter, have notes between the ticks, or have no full bar. Raises `Refused`
    when none is left.
    """
    groups: dict[tuple[str, str], list[int]] = {}
    for number, named in enumerate(zip(style.meters, style.modes, strict=True)):
        groups.setdefault(named, []).append(number)
    found: list[Melody] = []
    for (meter, mode), numbers in groups.items():
        try:
            idiom = learn(style.part(numbers), Meter.parse(meter), Key.of_tonic(0, mode))
        except Refused:
            continue
        unit = int(idiom.tick * PER_QUARTER)
        for line in idiom.lines:
            tonic = tonic_below([event.pitch for event in line.events if event.pitch >= 0], 0)
            tokens = tuple(token_of(event, tonic, idiom.tick) for event in line.events)
            starts = np.cumsum([0, *(event.ticks for event in line.events)]) * unit
            first = {written: bar for bar, written in reversed(list(enumerate(line.written)))}
            again = np.array([first[line.written[bar]] < bar for bar in line.bars])
            found.append(
                Melody(numbers[line.number], line.title, meter, mode, idiom.bar * unit, tokens, starts, again)
            )
    if not found:
        raise Refused(
            f"{style.entry.title} has no tune to learn from, because bars are irregular or rhythms finer "
            f"than {PER_QUARTER} ticks a quarter; choose another style."
        )
    return sorted(found, key=lambda melody: melody.number)


def tonic_below(pitches: ArrayLike, tonic: int) -> int:
    """The pitch of the tonic (a pitch class, 0..11) that a melody is counted from: in the octave in which the
    mean pitch lies from 2 semitones below it to 9 above.
    """
    heard = np.asarray(pitches, dtype=np.float64)
    mean = float(heard.mean()) if heard.size else float(tonic + 60)
    return tonic + 12 * int((mean - tonic + 2) // 12)


def token_of(event: Event, tonic: int, tick: Fraction, stretch: Fraction = Fraction(1)) -> Token:
    """An event of an idiom as a token. tonic: the pitch it is counted from. tick: its length in quarter
    notes. stretch: how many times longer the event is written than the model knows it.
    """
    return Token(
        None if event.pitch < 0 else event.pitch - tonic, event.ticks * tick / stretch, event.carries
    )


@dataclass(frozen=True)
class Parts:
    """Melodies for training, for validation (early stopping, strengths), and for the test."""

    learnt: list[Melody]
    chosen_by: list[Melody]
    tested: list[Melody]


def parted(found: Sequence[Melody], *, seed: int = 0, share: float = 0.1) -> Parts:
    """Split melodies into three parts at random, `share` of them for each of the last two. Settings of one
    tune stay together. Raises `Refused` with fewer than three tunes, settings of one counted once.
    """
    families = _families(found)
    if len(families) < 3:
        raise Refused(
            f"{len(found)} melodies of {len(families)} different tunes are too few for training and a test; "
            "bring more."
        )
    want = max(1, round(share * len(found)))
    parts: list[list[int]] = [[], [], []]
    for place in np.random.default_rng(seed).permutation(len(families)):
        family = families[int(place)]
        part = next(
            (part for part in (2, 1) if len(family) <= max(1, want // 2) and len(parts[part]) < want), 0
        )
        parts[part] += family
    if not parts[0]:
        parts[0], parts[2] = parts[2], parts[0]
    return Parts(*([found[number] for number in sorted(part)] for part in parts))


def _families(found: Sequence[Melody]) -> list[list[int]]:
    """The numbers of the melodies, grouped by whether they share a run of `KINDRED` notes."""
    leader = list(range(len(found)))

    def first(number: int) -> int:
        while leader[number] != number:
            leader[number] = leader[leader[number]]
            number = leader[number]
        return number

    seen: dict[bytes, int] = {}
    for number, melody in enumerate(found):
        struck = [token.pitch for token in melody.tokens if token.pitch is not None and not token.carries]
        rises = np.diff(np.array(struck, dtype=np.int8)).tobytes()
        length = min(KINDRED - 1, max(1, len(rises)))
        for at in range(len(rises) - length + 1):
            one, other = first(seen.setdefault(rises[at : at + length], number)), first(number)
            leader[max(one, other)] = min(one, other)
    families: dict[int, list[int]] = {}
    for number in range(len(found)):
        families.setdefault(first(number), []).append(number)
    return list(families.values())


class Layout:
    """Which tokens there are, and how what is known is laid out as inputs of the network: one-hot codes side
    by side.

    tokens: in the order of the network's outputs; the end comes after them. width: how many inputs there are.
    columns: how many of them are 1.
    """

    def __init__(self, tokens: Sequence[Token]) -> None:
        if not tokens:
            raise Refused("There is no token to learn; bring tunes with notes.")
        self.tokens = tuple(tokens)
        self.number = {token: number for number, token in enumerate(self.tokens)}
        self.pitches = sorted({token.pitch for token in tokens if token.pitch is not None}) or [0]
        self.lengths = sorted({token.length for token in tokens})
        # Pitches, and the rest, and no token at all; lengths, and none.
        pitch, length = len(self.pitches) + 2, len(self.lengths) + 1
        sizes = [
            pitch,
            length,
            3,
            14,
            MOST_QUARTERS,
            PER_QUARTER,
            len(METERS) + 1,
            len(MODES),
            8,
            MOST_PHRASES,
        ]
        sizes += [pitch, length] * len(BARS_BACK)
        self.offsets = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        self.width, self.columns = sum(sizes), len(sizes)
        self.nothing = np.array([len(self.pitches) + 1, len(self.lengths), 2, 13])
        """No token at all, as `describe` writes it."""

    @classmethod
    def of(cls, found: Sequence[Melody]) -> Layout:
        return cls(
            sorted({token for melody in found for token in melody.tokens}, key=lambda token: token.order)
        )

    @classmethod
    def read(cls, names: Sequence[str]) -> Layout:
        """From the names of the outputs, as `names` gives them. Raises `Unreadable`."""
        if len(names) < 2 or names[-1] != END or len(set(names)) != len(names):
            raise Unreadable(
                "The model's card does not list the tokens of a melody and its end; get its files again."
            )
        return cls([Token.read(name) for name in names[:-1]])

    @property
    def names(self) -> tuple[str, ...]:
        return (*(str(token) for token in self.tokens), END)

    @property
    def end(self) -> int:
        """The number of the output for the end of the tune."""
        return len(self.tokens)

    def describe(self, tokens: Sequence[Token]) -> Numbers:
        """[n, 4]: the numbers of pitch, length, carrying and degree. A pitch or length that is not known
        counts as the nearest that is.
        """
        described = {token: self._described(token) for token in dict.fromkeys(tokens)}
        return np.array([described[token] for token in tokens], dtype=np.int64).reshape(-1, 4)

    def _described(self, token: Token) -> tuple[int, int, int, int]:
        length = _nearest(self.lengths, token.length)
        if token.pitch is None:
            return len(self.pitches), length, int(token.carries), 12
        return _nearest(self.pitches, token.pitch), length, int(token.carries), token.pitch % 12

    def rows(
        self, before: Numbers, there: Numbers, ticks: Numbers, bar: int, meter: str, mode: str
    ) -> Numbers:
        """[n, columns]: which inputs are 1 at n moments.

        before: [n, 4], the token before each, as `describe` writes it. there: [n, bars back, 4], what began
        at the same place so many bars before. ticks: [n] from the first bar line. bar: its length in ticks.
        """
        number, place = np.divmod(ticks, bar)
        n = len(ticks)
        columns = [
            *before.T,
            np.minimum(place // PER_QUARTER, MOST_QUARTERS - 1),
            place % PER_QUARTER,
            np.full(n, METERS.index(meter) if meter in METERS else len(METERS)),
            np.full(n, list(MODES).index(mode)),
            number % 8,
            np.minimum(number // 8, MOST_PHRASES - 1),
            *(there[:, back, part] for back in range(len(BARS_BACK)) for part in (0, 1)),
        ]
        found: Numbers = np.stack(columns, axis=1) + self.offsets
        return found

    def read_melody(self, melody: Melody) -> tuple[Numbers, Numbers]:
        """[n + 1, columns] and [n + 1]: what is known before each token and the end, and the number of that
        token. Every token must be in the layout.
        """
        described = np.concatenate([self.describe(melody.tokens), self.nothing[None]])
        n = len(melody.tokens)
        # At each tick, the number of the token that began then; n for none.
        began = np.full(int(melody.starts[-1]) + 1, n)
        began[melody.starts[:-1]] = np.arange(n)
        there = np.stack(
            [described[began_before(began, melody.starts, back * melody.bar, n)] for back in BARS_BACK],
            axis=1,
        )
        before = described[np.concatenate([[n], np.arange(n)])]
        rows = self.rows(before, there, melody.starts, melody.bar, melody.meter, melody.mode)
        return rows, np.array([*(self.number[token] for token in melody.tokens), self.end], dtype=np.int64)


def began_before(began: Numbers, ticks: Numbers, ago: int, none: int) -> Numbers:
    """What `began` ([ticks] or [n, ticks]) has `ago` ticks before each of `ticks`; `none` before the
    beginning."""
    there = np.maximum(ticks - ago, 0)
    found: Numbers = began[there] if began.ndim == 1 else began[np.arange(len(ticks)), there]
    return np.where(ticks >= ago, found, none)


def _nearest(known: Sequence[int] | Sequence[Fraction], value: int | Fraction) -> int:
    """The number of the known value nearest to this one; of two equally near, the smaller."""
    return min(range(len(known)), key=lambda number: (abs(known[number] - value), number))


@dataclass(frozen=True, eq=False)
class Readings:
    """Melodies as training data (a `learning.datasets.Data`), kept compactly: only which inputs are 1.
    Melodies of similar length go into one batch, so that little of it is padding.
    """

    rows: tuple[Numbers, ...]
    targets: tuple[Numbers, ...]
    width: int

    @classmethod
    def of(cls, layout: Layout, found: Sequence[Melody]) -> Readings:
        read = [layout.read_melody(melody) for melody in found]
        return cls(tuple(rows for rows, _ in read), tuple(targets for _, targets in read), layout.width)

    def __len__(self) -> int:
        return len(self.rows)

    def batches(
        self, size: int, order: torch.Tensor | None = None, device: torch.device | None = None
    ) -> Iterator[Batch]:
        import torch

        from studio.learning.datasets import Batch

        numbers = list(range(len(self))) if order is None else order.tolist()
        for many in (numbers[at : at + 8 * size] for at in range(0, len(numbers), 8 * size)):
            alike = sorted(many, key=lambda number: len(self.rows[number]))
            groups = [alike[at : at + size] for at in range(0, len(alike), size)]
            # Long and short ones in mixed order again.
            for group in sorted(groups, key=lambda group: many.index(group[0])):
                lengths = [len(self.rows[number]) for number in group]
                inputs = torch.zeros(len(group), max(lengths), self.width)
                targets = torch.zeros(len(group), max(lengths), dtype=torch.int64)
                for place, number in enumerate(group):
                    ones = torch.as_tensor(self.rows[number])
                    inputs[place, : len(ones)].scatter_(1, ones, 1.0)
                    targets[place, : len(ones)] = torch.as_tensor(self.targets[number])
                mask = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
                yield Batch(inputs.to(device), targets.to(device), mask.to(device), sum(lengths))

    def batch_count(self, size: int) -> int:
        return -(-len(self) // size)

    def split(self, share: float, seed: int) -> tuple[Self, Self]:
        order = np.random.default_rng(seed).permutation(len(self)).tolist()
        cut = round(share * len(self))
        if not 0 < cut < len(self):
            raise Refused(f"{len(self)} melodies cannot be split at {share:.0%}; one part would be empty.")
        return self.some(order[cut:]), self.some(order[:cut])

    def some(self, numbers: Sequence[int]) -> Self:
        """Only the melodies with these numbers."""
        return type(self)(
            tuple(self.rows[n] for n in numbers), tuple(self.targets[n] for n in numbers), self.width
        )
