"""What can be wished of a melody, in one table: `CONSTRAINTS`. The compiler, the command line, the app and
the explanations read it.

    ground = Ground(idiom, walk, bars=16)
    wishes = compile_wishes(ground, recipe)        # masks, automata and weights, each under the name an explanation uses
    refusal(conflict)                              # which of them contradict each other, in one sentence

Each row belongs to a field of `ComposeRecipe`, where its range, default and help stand. Hard wishes hold
exactly; soft ones change how probable things are; what a style usually does (its range, how its tunes end) is
wished for too, and gives way where it must.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np

from studio.errors import Refused
from studio.music.chains.automata import DEAD, Automaton, Listener, each, forbidding, from_table, requiring
from studio.music.chains.markov import Floats
from studio.music.chains.sampling import Conflict, Mask, Walk, Wish, anywhere, covering, starting
from studio.music.melody.idiom import Idiom
from studio.music.melody.recipes import (
    SCALES,
    ComposeRecipe,
    Pin,
    Sound,
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
class Ground:
    """What wishes are compiled onto: an idiom, a walk in it, so many bars; the take that bars are kept from,
    the theme, the copy limit.
    """

    idiom: Idiom
    walk: Walk
    bars: int
    take: Tune | None = None
    theme: Tune | None = None
    max_copy: int = 8

    @property
    def bar(self) -> int:
        return self.idiom.bar

    @property
    def ticks(self) -> int:
        return self.bars * self.bar

    @cached_property
    def end_of(self) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
        """[ticks, alphabet]: the tick at which an event that starts at a tick is over."""
        found: np.ndarray[tuple[int, int], np.dtype[np.int64]] = (
            np.arange(self.ticks)[:, None] + self.idiom.ticks[None, :]
        )
        return found

    def everything(self) -> Mask:
        return anywhere(self.walk, self.ticks)

    def span(self, bars: Span, wish: str) -> slice:
        """The ticks of these bars. Raises `Refused` where the tune has no such bar."""
        if bars.last > self.bars:
            raise Refused(
                f"{wish} speaks of bar {bars.last}, and the tune has {self.bars}; ask for more bars or an earlier place."
            )
        return slice((bars.first - 1) * self.bar, bars.last * self.bar)

    def matching(self, what: Sound) -> Mask:
        """[alphabet]: events that strike this pitch."""
        idiom = self.idiom
        same = idiom.pitch == what.pitch if what.pitch is not None else idiom.pitch % 12 == what.pitch_class
        found: Mask = idiom.struck & same
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
        low = max(0, tick - int(self.idiom.ticks.max()))
        mask[low:tick] &= (self.end_of[low:tick] != tick) | events
        return mask


Compile = Callable[[Ground, ComposeRecipe], list[Wish]]


@dataclass(frozen=True)
class Constraint:
    """A row of the table. field: of `ComposeRecipe`; its help is what people read. hard: it holds exactly.

    compile: the wishes it makes where it is asked for, or, if `always`, in any case. usual: what the style
    does, wished where the recipe does not ask (or, if `usual_anyway`, also where it does), which gives way.
    """

    field: str
    compile: Compile
    hard: bool = True
    always: bool = False
    usual: Compile | None = None
    usual_anyway: bool = False

    def asked(self, recipe: ComposeRecipe) -> bool:
        return bool(getattr(recipe, self.field) != ComposeRecipe.model_fields[self.field].default)

    @property
    def sentence(self) -> str:
        return ComposeRecipe.model_fields[self.field].description or ""


def _nothing(_ground: Ground, _recipe: ComposeRecipe) -> list[Wish]:
    """Bars and meter are the walk itself; form is drawn step by step (`takes`)."""
    return []


def _copies(ground: Ground, recipe: ComposeRecipe) -> list[Wish]:
    kind = {"interval": RunKind.INTERVAL, "pitch": RunKind.PITCH, "rhythm": RunKind.RHYTHM}[recipe.copy_by]
    name = f"at most {ground.max_copy} notes in a row as in the style"
    return [Wish(name, reading=ground.idiom.copies(kind, ground.max_copy))]


def _scale(ground: Ground, recipe: ComposeRecipe) -> list[Wish]:
    idiom = ground.idiom
    if recipe.scale == "key":
        classes = set(idiom.key.scale)
    elif recipe.scale in SCALES:
        classes = {(idiom.key.tonic + step) % 12 for step in SCALES[recipe.scale]}
    else:
        classes = {pitch_class_of(name) for name in recipe.scale.split()}
    allowed = ~idiom.sounding | np.isin(idiom.pitch % 12, list(classes))
    return [Wish(f"the scale '{recipe.scale}'", allowed=ground.everything() & allowed)]


def _range(ground: Ground, recipe: ComposeRecipe) -> list[Wish]:
    return [_within(ground, *read_range(recipe.range or ""), f"the range {recipe.range}")]


def _usual_range(ground: Ground, _recipe: ComposeRecipe) -> list[Wish]:
    low, high = ground.idiom.range
    return [_within(ground, low, high, f"the range of the style ({pitch_name(low)} to {pitch_name(high)})")]


def _within(ground: Ground, low: int, high: int, name: str) -> Wish:
    idiom = ground.idiom
    return Wish(
        name, allowed=ground.everything() & (~idiom.sounding | ((idiom.pitch >= low) & (idiom.pitch <= high)))
    )


def _start(ground: Ground, recipe: ComposeRecipe) -> list[Wish]:
    what = ground.matching(Sound.read(recipe.start or ""))
    return [Wish(f"the start on {recipe.start}", allowed=starting(ground.walk, ground.ticks, 0, what))]


def _end(ground: Ground, recipe: ComposeRecipe) -> list[Wish]:
    sound = Sound.read(recipe.end or "")
    idiom = ground.idiom
    same = idiom.pitch == sound.pitch if sound.pitch is not None else idiom.pitch % 12 == sound.pitch_class
    return [Wish(f"the end on {recipe.end}", allowed=ground.ending_at(ground.ticks, idiom.sounding & same))]


def _usual_end(_ground: Ground, _recipe: ComposeRecipe) -> list[Wish]:
    return [Wish("an ending as tunes of the style end", ending=True)]


def _pins(ground: Ground, recipe: ComposeRecipe) -> list[Wish]:
    idiom = ground.idiom
    wishes = []
    for text in recipe.pins:
        pin, name = Pin.read(text), f"the pin {text}"
        place = (pin.beat - 1) * Fraction(4, idiom.meter.denominator) / idiom.tick
        if place >= ground.bar:
            raise Refused(
                f"{name[0].upper()}{name[1:]} counts to beat {pin.beat}, and a bar of {idiom.meter} has {idiom.meter.numerator}."
            )
        moment = ground.span(Span(pin.bar, pin.bar), name[0].upper() + name[1:]).start
        if place.denominator != 1:
            raise Refused(
                f"{name[0].upper()}{name[1:]} falls between all notes of {idiom.style.entry.title}; choose a beat it plays on."
            )
        moment += int(place)
        fits = (
            idiom.ticks == float((pin.length or 0) / idiom.tick)
            if pin.length is not None
            else np.ones(idiom.alphabet, dtype=bool)
        )
        if pin.what == "rest" and pin.length is None:
            wishes.append(Wish(name, allowed=covering(ground.walk, ground.ticks, moment, ~idiom.sounding)))
            continue
        plain = idiom.struck if pin.what == "note" else ~idiom.sounding
        what = ground.matching(pin.what) if isinstance(pin.what, Sound) else plain
        wishes.append(Wish(name, allowed=starting(ground.walk, ground.ticks, moment, what & fits)))
    return wishes


def _keep(ground: Ground, recipe: ComposeRecipe) -> list[Wish]:
    if ground.take is None:
        raise Refused("Bars are to be kept, but there is no take to keep them from; give it as well.")
    wishes = []
    for text in recipe.keep:
        there, here = read_keep(text)
        moment = ground.span(there, f"Keeping bars {text}").start
        symbols = ground.idiom.symbols_of(ground.take, here.first, here.last)
        wishes.append(Wish(f"the kept bars {text}", allowed=ground.whole_bars(moment // ground.bar, symbols)))
    return wishes


def _rhythm(ground: Ground, recipe: ComposeRecipe) -> list[Wish]:
    idiom = ground.idiom
    wishes = []
    for text in recipe.rhythm:
        bars, lengths = read_rhythm(text)
        where = ground.span(bars or Span(1, ground.bars), f"The rhythm '{text}'")
        mask = ground.everything()
        mask[where] = False
        tick, number = where.start, 0
        while tick < where.stop:
            length, sounds = lengths[number % len(lengths)]
            ticks = length / idiom.tick
            if ticks.denominator != 1 or tick // ground.bar != (tick + int(ticks) - 1) // ground.bar:
                raise Refused(
                    f"The rhythm '{text}' does not fill bars of {idiom.meter} with lengths {idiom.style.entry.title} plays; "
                    "let its lengths add up to whole bars."
                )
            mask[tick] = (idiom.ticks == int(ticks)) & (idiom.struck if sounds else ~idiom.sounding)
            tick, number = tick + int(ticks), number + 1
        wishes.append(Wish(f"the rhythm '{text}'", allowed=mask))
    return wishes


def _motifs(ground: Ground, recipe: ComposeRecipe) -> list[Wish]:
    return [
        Wish(f"the motif {text}", reading=_listening_for(ground, text, required=True))
        for text in recipe.motifs
    ]


def _avoid(ground: Ground, recipe: ComposeRecipe) -> list[Wish]:
    return [
        Wish(f"avoiding {text}", reading=reading)
        for text in recipe.avoid
        if (reading := _listening_for(ground, text, required=False))
    ]


def _listening_for(ground: Ground, text: str, *, required: bool) -> Listener | None:
    bars, notes, steps = read_motif(text)
    idiom = ground.idiom
    known = idiom.rises if steps else idiom.pitches
    if not np.isin(notes, known).all():
        if required:
            raise Refused(
                f"The motif {text} has a {'step' if steps else 'pitch'} that {idiom.style.entry.title} never plays; change it."
            )
        return None
    view, _ = idiom.heard(RunKind.INTERVAL if steps else RunKind.PITCH)
    word = np.searchsorted(known, notes).tolist()
    automaton = (requiring if required else forbidding)([word], view.letters)
    when = None
    if bars is not None:
        when = np.zeros(ground.ticks, dtype=bool)
        when[ground.span(bars, f"The motif {text}")] = True
    return Listener(view, automaton, when)


def _density(ground: Ground, recipe: ComposeRecipe) -> list[Wish]:
    fewest, most = read_density(recipe.density or "")
    idiom = ground.idiom
    view = each(2 * (idiom.place == 0) + idiom.struck, letters=4)
    return [Wish(f"{fewest} to {most} notes a bar", reading=Listener(view, _a_bar_at_a_time(fewest, most)))]


def _a_bar_at_a_time(fewest: int, most: int) -> Automaton:
    """Counts struck notes between bar lines. Letters: 2 for what starts a bar, and 1 more where it is struck."""
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


def _cadences(ground: Ground, recipe: ComposeRecipe) -> list[Wish]:
    idiom = ground.idiom
    beat = int(idiom.meter.beat / idiom.tick)
    wishes = []
    for text in recipe.cadences:
        bar, degree = read_cadence(text)
        stop = ground.span(Span(bar, bar), f"The cadence {text}").stop
        closing = idiom.sounding & (idiom.pitch % 12 == idiom.key.scale[degree - 1]) & (idiom.ticks >= beat)
        wishes.append(Wish(f"the cadence {text}", allowed=ground.ending_at(stop, closing)))
    return wishes


def _line(ground: Ground, recipe: ComposeRecipe) -> Floats:
    """[ticks]: the height of the drawn line, straight between its points, level before the first and after
    the last.
    """
    points = sorted(read_point(text) for text in recipe.contour)
    if points[-1][0] > ground.bars + 1:
        raise Refused(
            f"The contour goes on to bar {float(points[-1][0]):g}, and the tune has {ground.bars}; draw it within them."
        )
    places = [float((bar - 1) * ground.bar) for bar, _ in points]
    line: Floats = np.interp(np.arange(ground.ticks), places, [pitch for _, pitch in points])
    return line


def _contour_limit(ground: Ground, recipe: ComposeRecipe) -> list[Wish]:
    if not recipe.contour:
        raise Refused("A contour limit needs a contour; draw one, such as --contour 1:D4 --contour 9:A5.")
    idiom = ground.idiom
    near = np.abs(idiom.pitch[None, :] - _line(ground, recipe)[:, None]) <= (recipe.contour_limit or 0)
    return [Wish(f"at most {recipe.contour_limit} half tones off the contour", allowed=near | ~idiom.struck)]


def _contour(ground: Ground, recipe: ComposeRecipe) -> list[Wish]:
    idiom = ground.idiom
    off = np.abs(idiom.pitch[None, :] - _line(ground, recipe)[:, None])
    weight = np.exp(-recipe.contour_pull * np.minimum(off, 12.0) ** 2 / 12)
    return [Wish("the contour", weight=np.where(idiom.struck, weight, 1.0))]


def _theme(ground: Ground, recipe: ComposeRecipe) -> list[Wish]:
    """Local fields towards a theme, or away from it (Papadopoulos, Pachet and Roy, "Sampling variations of
    sequences for structured music generation", ISMIR 2017): an event that sounds the theme's pitch is so much
    more probable, once more if it begins with it."""
    if ground.theme is None:
        return []
    idiom = ground.idiom
    weight = np.zeros((ground.ticks, idiom.alphabet))
    for note in ground.theme.in_key(idiom.key).sounding:
        begins, ends = (
            int(place / idiom.tick)
            for place in (note.start - ground.theme.pickup, note.end - ground.theme.pickup)
        )
        same = idiom.struck & (idiom.pitch % 12 == (note.pitch or 0) % 12)
        weight[max(0, begins) : max(0, ends)] += same
        if 0 <= begins < ground.ticks:
            weight[begins] += same
    return [Wish("the theme", weight=np.exp(2.0 * recipe.theme_pull * weight))]


CONSTRAINTS = (
    Constraint("bars", _nothing),
    Constraint("meter", _nothing),
    Constraint("max_copy", _copies, always=True),
    Constraint("scale", _scale),
    Constraint("range", _range, usual=_usual_range),
    Constraint("start", _start),
    Constraint("end", _end, usual=_usual_end, usual_anyway=True),
    Constraint("pins", _pins),
    Constraint("keep", _keep),
    Constraint("rhythm", _rhythm),
    Constraint("motifs", _motifs),
    Constraint("avoid", _avoid),
    Constraint("density", _density),
    Constraint("cadences", _cadences),
    Constraint("contour_limit", _contour_limit),
    Constraint("contour", _contour, hard=False),
    Constraint("theme_pull", _theme, hard=False, always=True),
    Constraint("form", _nothing),
)
"""Every wish there is, by the field of the recipe that makes it."""

NO_CONSTRAINTS = ("key", "copy_by", "order", "contour_pull", "tempo", "instrument", "title", "format", "seed")
"""Fields that are no wish of their own: the key is where the style is moved to, the rest is how, not what."""


@dataclass(frozen=True)
class Wishes:
    """hard: hold exactly. soft: weights. usual: what the style does, which gives way, the last first."""

    hard: tuple[Wish, ...]
    soft: tuple[Wish, ...]
    usual: tuple[Wish, ...]

    @property
    def readings(self) -> tuple[Listener, ...]:
        return tuple(wish.reading for wish in self.hard if wish.reading is not None)


def compile_wishes(ground: Ground, recipe: ComposeRecipe) -> Wishes:
    """The wishes of a recipe on a ground. Raises `Refused` for one that makes no sense there, such as a pin
    in a bar that is not.
    """
    hard: list[Wish] = []
    soft: list[Wish] = []
    usual: list[Wish] = []
    for row in CONSTRAINTS:
        asked = row.asked(recipe)
        if asked or row.always:
            (hard if row.hard else soft).extend(row.compile(ground, recipe))
        if row.usual is not None and (row.usual_anyway or not asked):
            usual += row.usual(ground, recipe)
    return Wishes(tuple(hard), tuple(soft), tuple(usual))


def refusal(conflict: Conflict, style: str, lowest: int) -> Refused:
    """One sentence: which wishes cannot be met together, and which single one to leave out."""
    if not conflict.wishes:
        return Refused(
            f"{style} cannot fill these bars from the first to the last; ask for other bars or another meter."
        )
    mends = list(conflict.mends)
    if len(conflict.wishes) == 1:
        return Refused(f"Nothing in {style} can meet {conflict.wishes[0]}; leave it out, or change it.")
    few = "" if conflict.smallest else ", at least,"
    said = f"{style} cannot meet {_listed(conflict.wishes, 'and')} together{few}"
    said += f" (looking back {lowest} notes)" if lowest > 1 else ""
    if mends:
        return Refused(f"{said}; leave out {_listed(mends, 'or')}, and the rest can be met.")
    return Refused(f"{said}, and other wishes conflict as well; leave out several.")


def _listed(names: Sequence[str], word: str) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {word} {names[-1]}"
