"""What the rows of `CONSTRAINTS` mean: each value becomes a mask, an automaton or weights on a walk.

    context = Context(idiom, walk, bars=16)
    compiled = compile_constraints(context, recipe)     # hard and soft ones, and what the style usually does
    compiled.asked["the pin 4:1=G4"]                    # which row and value is behind a name

Each function takes a `Context`, the recipe and one value of its row's parameter. [ticks, alphabet] of
booleans say which events may start when, and an automaton must accept the melody: both hold exactly. [ticks,
alphabet] of numbers say how much more probable an event is made where it starts.

A mask speaks of the tick at which an event *starts*. So "D sounds last" means: whatever is started at a tick
from which it lasts to the end must be a D, for every such tick.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from studio.errors import Refused
from studio.music.chains.automata import DEAD, Automaton, Listener, each, forbidding, from_table, requiring
from studio.music.chains.markov import Floats, Mask
from studio.music.chains.sampling import Requirement, anywhere, covering, starting
from studio.music.chains.trellis import Walk
from studio.music.melody.constraints import CONSTRAINTS, Constraint
from studio.music.melody.idiom import Idiom
from studio.music.melody.recipes import (
    SCALES,
    ComposeRecipe,
    Pin,
    PitchOrClass,
    Span,
    read_cadence,
    read_density,
    read_keep,
    read_motif,
    read_point,
    read_range,
    read_rhythm,
)
from studio.music.scores.keys import pitch_name
from studio.music.scores.pitches import pitch_class_of
from studio.music.scores.tunes import Tune
from studio.music.styles.runs import RunKind


@dataclass(frozen=True, eq=False)
class Context:
    """Where constraints are compiled: an idiom, a walk in it, and how many bars it fills.

    take: the tune that bars are kept from. theme: the tune that attracts or repels. max_copy: the copy limit
    in force, in notes.
    """

    idiom: Idiom
    walk: Walk
    bars: int
    take: Tune | None = None
    theme: Tune | None = None
    max_copy: int = 8

    @property
    def bar(self) -> int:
        """Ticks a bar."""
        return self.idiom.bar

    @property
    def ticks(self) -> int:
        """Ticks in all."""
        return self.bars * self.bar

    @cached_property
    def end_of(self) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
        """[ticks, alphabet]: the tick at which an event that starts at a tick is over."""
        found: np.ndarray[tuple[int, int], np.dtype[np.int64]] = (
            np.arange(self.ticks)[:, None] + self.idiom.ticks[None, :]
        )
        return found

    def everything(self) -> Mask:
        """[ticks, alphabet], all true."""
        return anywhere(self.walk, self.ticks)

    def every_bar(self) -> Mask:
        """[bars, alphabet], all true: what may start at its own place in each bar."""
        return np.ones((self.bars, self.idiom.alphabet), dtype=bool)

    def span(self, bars: Span, what: str) -> slice:
        """The ticks of these bars. Raises `Refused`, naming `what`, where the tune has no such bar."""
        if bars.last > self.bars:
            raise Refused(
                f"{what} names bar {bars.last}, but the tune has only {self.bars}; give it more bars, or "
                "name an earlier one."
            )
        return slice((bars.first - 1) * self.bar, bars.last * self.bar)

    def of_pitch(self, what: PitchOrClass) -> Mask:
        """[alphabet]: events that sound this pitch, struck or carried over a bar line."""
        pitch = self.idiom.pitch
        same = pitch == what.pitch if what.pitch is not None else pitch % 12 == what.pitch_class
        found: Mask = self.idiom.sounding & same
        return found

    def whole_bars(self, first: int, symbols: Sequence[int]) -> Mask:
        """[ticks, alphabet]: from bar `first` (from 0) on exactly these events, which fill whole bars."""
        mask = self.everything()
        tick = first * self.bar
        for symbol in symbols:
            length = int(self.idiom.ticks[symbol])
            mask[tick : tick + length] = False
            mask[tick, symbol] = True
            tick += length
        return mask

    def ending_at(self, tick: int, events: Mask) -> Mask:
        """[ticks, alphabet]: what sounds up to this tick is one of these events."""
        mask = self.everything()
        # Only events that start less than the longest duration earlier can last up to the tick.
        low = max(0, tick - int(self.idiom.ticks.max()))
        mask[low:tick] &= (self.end_of[low:tick] != tick) | events
        return mask


@dataclass(frozen=True, eq=False)
class Compiled:
    """The constraints of a recipe in a context.

    hard: hold exactly. soft: weights. usual: what the style does, which gives way, the last first.
    asked: name of a hard or soft constraint -> its row of the table and the value it came from.
    """

    context: Context
    hard: tuple[Requirement, ...]
    soft: tuple[Requirement, ...]
    usual: tuple[Requirement, ...]
    asked: Mapping[str, tuple[Constraint, Any]]

    @property
    def listeners(self) -> tuple[Listener, ...]:
        """The automata among the hard ones."""
        return tuple(each.listener for each in self.hard if each.listener is not None)


def compile_constraints(context: Context, recipe: ComposeRecipe) -> Compiled:
    """What a recipe asks for in this context.

    Raises `Refused` for a value that makes no sense there, such as a pin in a bar that does not exist.
    """
    hard: list[Requirement] = []
    soft: list[Requirement] = []
    usual: list[Requirement] = []
    asked: dict[str, tuple[Constraint, Any]] = {}
    for row in CONSTRAINTS:
        is_set = row.is_set(recipe)
        for value in row.values(context, recipe) if is_set or row.always else ():
            meaning, name = row.meaning(context, recipe, value), row.name(value)
            if meaning is None:
                continue
            asked[name] = row, value
            if isinstance(meaning, Listener):
                hard.append(Requirement(name, listener=meaning))
            elif meaning.dtype == bool:
                hard.append(Requirement(name, allowed=meaning.astype(bool, copy=False)))
            else:
                soft.append(Requirement(name, weight=meaning.astype(np.float64, copy=False)))
        if row.usual is not None and (row.usual_anyway or not is_set):
            usual.append(row.usually(context))
    return Compiled(context, tuple(hard), tuple(soft), tuple(usual), asked)


KINDS_OF_COPY = {"interval": RunKind.INTERVAL, "pitch": RunKind.PITCH, "rhythm": RunKind.RHYTHM}
"""What a recipe's `copy_by` compares."""


def copies(context: Context, recipe: ComposeRecipe, notes: int) -> Listener:
    return context.idiom.copies(KINDS_OF_COPY[recipe.copy_by], notes)


def scale(context: Context, _recipe: ComposeRecipe, name: str) -> Mask:
    idiom = context.idiom
    if name == "key":
        classes = set(idiom.key.scale)
    elif name in SCALES:
        classes = {(idiom.key.tonic + step) % 12 for step in SCALES[name]}
    else:
        classes = {pitch_class_of(note) for note in name.split()}
    return context.everything() & (~idiom.sounding | np.isin(idiom.pitch % 12, list(classes)))


def in_range(context: Context, _recipe: ComposeRecipe, text: str) -> Mask:
    return _within(context, *read_range(text))


def usual_range(context: Context) -> Requirement:
    low, high = context.idiom.range
    name = f"the range of the style ({pitch_name(low)} to {pitch_name(high)})"
    return Requirement(name, allowed=_within(context, low, high))


def _within(context: Context, low: int, high: int) -> Mask:
    idiom = context.idiom
    return context.everything() & (~idiom.sounding | ((idiom.pitch >= low) & (idiom.pitch <= high)))


def start(context: Context, _recipe: ComposeRecipe, text: str) -> Mask:
    first = context.of_pitch(PitchOrClass.read(text)) & context.idiom.struck
    return starting(context.walk, context.ticks, 0, first)


def end(context: Context, _recipe: ComposeRecipe, text: str) -> Mask:
    return context.ending_at(context.ticks, context.of_pitch(PitchOrClass.read(text)))


def usual_end(_context: Context) -> Requirement:
    return Requirement("the endings typical of this style", ending=True)


def pin(context: Context, _recipe: ComposeRecipe, text: str) -> Mask:
    idiom = context.idiom
    asked = Pin.read(text)
    place = (asked.beat - 1) * Fraction(4, idiom.meter.denominator) / idiom.tick
    if place >= context.bar:
        raise Refused(
            f"The pin {text} is on beat {asked.beat}, but a bar of {idiom.meter} has only "
            f"{idiom.meter.numerator}; choose an earlier beat."
        )
    moment = context.span(Span(asked.bar, asked.bar), f"The pin {text}").start
    if place.denominator != 1:
        raise Refused(
            f"{idiom.style.entry.title} never begins a note where the pin {text} is; choose another beat."
        )
    moment += int(place)
    if asked.what == "rest" and asked.length is None:
        # A rest without a length only asks for silence at that moment, however long it has lasted already.
        return covering(context.walk, context.ticks, moment, ~idiom.sounding)
    if isinstance(asked.what, PitchOrClass):
        events = context.of_pitch(asked.what) & idiom.struck
    else:
        events = idiom.struck if asked.what == "note" else ~idiom.sounding
    if asked.length is not None:
        events = events & (idiom.ticks == float(asked.length / idiom.tick))
    return starting(context.walk, context.ticks, moment, events)


def keep(context: Context, _recipe: ComposeRecipe, text: str) -> Mask:
    if context.take is None:
        raise Refused("There is no take to keep bars from; add the tune as the take, or keep no bars.")
    there, here = read_keep(text)
    first = context.span(there, f"Keeping bars {text}").start // context.bar
    return context.whole_bars(first, context.idiom.symbols_of(context.take, here.first, here.last))


def rhythm(context: Context, _recipe: ComposeRecipe, text: str) -> Mask:
    idiom = context.idiom
    bars, lengths = read_rhythm(text)
    where = context.span(bars or Span(1, context.bars), f"The rhythm '{text}'")
    mask = context.everything()
    mask[where] = False
    tick, number = where.start, 0
    # The lengths are repeated until the bars are full. Only where one of them begins may anything start.
    while tick < where.stop:
        length, sounds = lengths[number % len(lengths)]
        ticks = length / idiom.tick
        if ticks.denominator != 1 or tick // context.bar != (tick + int(ticks) - 1) // context.bar:
            raise Refused(
                f"The rhythm '{text}' does not fill bars of {idiom.meter} with note lengths of "
                f"{idiom.style.entry.title}; let its lengths add up to whole bars."
            )
        mask[tick] = (idiom.ticks == int(ticks)) & (idiom.struck if sounds else ~idiom.sounding)
        tick, number = tick + int(ticks), number + 1
    return mask


def motif(context: Context, _recipe: ComposeRecipe, text: str) -> Listener:
    found = _listening_for(context, text, requiring)
    if found is None:
        title, part = context.idiom.style.entry.title, "step" if read_motif(text)[2] else "pitch"
        raise Refused(f"The motif {text} has a {part} that {title} never plays; change it.")
    return found


def avoid(context: Context, _recipe: ComposeRecipe, text: str) -> Listener | None:
    return _listening_for(context, text, forbidding)


def _listening_for(
    context: Context, text: str, automaton: Callable[[list[list[int]], int], Automaton]
) -> Listener | None:
    """An automaton that requires or forbids a motif; None where the style never plays one of its notes."""
    bars, notes, steps = read_motif(text)
    idiom = context.idiom
    known = idiom.rises if steps else idiom.pitches
    if not np.isin(notes, known).all():
        return None
    view = idiom.viewpoint(RunKind.INTERVAL if steps else RunKind.PITCH)
    word = np.searchsorted(known, notes).tolist()
    when = None
    if bars is not None:
        when = np.zeros(context.ticks, dtype=bool)
        when[context.span(bars, f"The motif {text}")] = True
    return Listener(view, automaton([word], view.letters), when)


def density(context: Context, _recipe: ComposeRecipe, text: str) -> Listener:
    # Every bar begins with an event of its own (none lasts across a bar line), so the events themselves show
    # where counting starts again.
    idiom = context.idiom
    view = each(2 * (idiom.place == 0) + idiom.struck, letters=4)
    return Listener(view, _notes_a_bar(*read_density(text)))


def _notes_a_bar(fewest: int, most: int) -> Automaton:
    """Counts struck notes between bar lines. Letters: 2 for what starts a bar, and 1 more where it is struck.

    State n: n notes in this bar so far; one state more for before the first bar. A bar line is only passed
    with at least `fewest` notes, a note only counted up to `most`.
    """
    before = most + 1
    table = np.full((most + 2, 4), DEAD)
    for count in range(most + 2):
        done = count == before or count >= fewest
        for struck in (0, 1):
            if count != before and count + struck <= most:
                table[count, struck] = count + struck
            if done and struck <= most:
                table[count, 2 + struck] = struck
    return from_table(table, [fewest <= count <= most for count in range(most + 2)], start=before)


def cadence(context: Context, _recipe: ComposeRecipe, text: str) -> Mask:
    """The last event of the bar is a note of that degree that lasts a beat or more."""
    idiom = context.idiom
    bar, degree = read_cadence(text)
    stop = context.span(Span(bar, bar), f"The cadence {text}").stop
    beat = int(idiom.meter.beat / idiom.tick)
    closing = idiom.sounding & (idiom.pitch % 12 == idiom.key.scale[degree - 1]) & (idiom.ticks >= beat)
    return context.ending_at(stop, closing)


def _line(context: Context, recipe: ComposeRecipe) -> Floats:
    """[ticks]: the height of the drawn line: straight between its points, level before the first and after
    the last.
    """
    points = sorted(read_point(text) for text in recipe.contour)
    if points[-1][0] > context.bars + 1:
        raise Refused(
            f"The contour reaches bar {float(points[-1][0]):g}, but the tune has {context.bars}; draw it "
            "within them."
        )
    places = [float((bar - 1) * context.bar) for bar, _ in points]
    line: Floats = np.interp(np.arange(context.ticks), places, [pitch for _, pitch in points])
    return line


def contour_limit(context: Context, recipe: ComposeRecipe, semitones: int) -> Mask:
    if not recipe.contour:
        said = "A contour limit needs a contour; draw one, such as from D4 in bar 1 to A5 in bar 9."
        raise Refused(said, setting="contour")
    idiom = context.idiom
    near = np.abs(idiom.pitch[None, :] - _line(context, recipe)[:, None]) <= semitones
    return near | ~idiom.struck


def contour(context: Context, recipe: ComposeRecipe, _points: tuple[str, ...]) -> Floats:
    """A bell curve around the line: its logarithm falls with the square of the distance, up to an octave."""
    idiom = context.idiom
    off = np.abs(idiom.pitch[None, :] - _line(context, recipe)[:, None])
    weight = np.exp(-recipe.contour_pull * np.minimum(off, 12.0) ** 2 / 12)
    return np.where(idiom.struck, weight, 1.0)


def theme(context: Context, _recipe: ComposeRecipe, pull: float) -> Floats | None:
    """Towards a theme, or away from it (Papadopoulos, Pachet and Roy, "Sampling variations of sequences for
    structured music generation", ISMIR 2017, where such weights are called local fields).

    An event that sounds the theme's pitch class is made more probable, and once more if it begins with it.
    """
    if context.theme is None:
        return None
    idiom = context.idiom
    agrees = np.zeros((context.ticks, idiom.alphabet))
    for note in context.theme.in_key(idiom.key).sounding:
        begins, ends = (
            int(place / idiom.tick)
            for place in (note.start - context.theme.pickup, note.end - context.theme.pickup)
        )
        same = idiom.struck & (idiom.pitch % 12 == (note.pitch or 0) % 12)
        agrees[max(0, begins) : max(0, ends)] += same
        if 0 <= begins < context.ticks:
            agrees[begins] += same
    found: Floats = np.exp(2.0 * pull * agrees)
    return found
