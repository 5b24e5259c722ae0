"""Draws takes: melodies that satisfy every constraint, with a form.

    outlook = finish(consider(recipe, style))      # what all takes of a request share
    take = finish(draw(outlook, seed=3))           # notes, form, and where each note comes from
    outlook.log_chance                             # that a melody without constraints satisfies them

What is exact, and what is not. The constraints hold in every take, always. Without a form, a take is one draw
from the chain conditioned on the constraints: exactly as probable as the theory says.

With a form it is drawn in steps. First come the bars that others return to. They are laid down at all their
places, and the next step is drawn knowing them. Each step is an exact draw given the steps before, so every
bar that is drawn knows what it has to lead to. But a bar is drawn as if it came once: how well it will fit
where it returns only decides among a few draws (`_Drawing._lay_together`). So the probability of a whole take
with a form is not that of the conditioned chain.

Returns and closes of a learnt form give way where they contradict the constraints, and the take says so.
Those of a form in letters never give way.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from studio.errors import Contradiction, Refused
from studio.music.chains.conflicts import explain
from studio.music.chains.markov import Floats, Mask, origin
from studio.music.chains.sampling import Requirement, Solution, merged, possible, solve, tried
from studio.music.chains.trellis import SearchBudget, Trellis
from studio.music.melody.compiling import Compiled, Context, compile_constraints
from studio.music.melody.constraints import contradiction, form_not_possible
from studio.music.melody.form import Close, FormPlan, Forms, How, Return, moved
from studio.music.melody.idiom import Event, Idiom
from studio.music.melody.learnt import latest_forms, latest_idiom
from studio.music.melody.origins import NoteOrigin
from studio.music.melody.recipes import ComposeRecipe, named, read_keep
from studio.music.scores.keys import Key
from studio.music.scores.meters import Meter
from studio.music.scores.tunes import Tune
from studio.music.styles.originality import Comparison
from studio.music.styles.style import Style

LARGE_STYLE = 20_000
"""Events in a large style. There every step looks back at least three notes, elsewhere two. This keeps the
trellis of a style of two thousand tunes small enough, and large styles lose nothing by it. If no melody
satisfies the constraints that way, shorter memories are tried."""

SHORTER_BUDGET = SearchBudget(states=4_000_000, steps=16_000_000)
"""For a trellis with a shorter memory, which is some ten times as large."""

EXPLAINING = 60
"""The most sets of constraints that are tried to find the smallest that conflict."""

TRIES = 4
"""The most draws that are tried for bars that return, until one fits at all their places."""

DRAWS = 48
"""Draws from which those are chosen."""

PLANS = 3
"""Forms of the style that are tried until one is kept in full."""

PLANS_IN_LETTERS = 10
"""And forms in letters, which may differ within their parts, until one is possible."""


@dataclass(frozen=True, eq=False)
class Take:
    """A melody that was drawn.

    symbols: its events, by their numbers in the idiom. plan: its form as far as it was kept, None without
    one. relaxed: what gave way, in sentences. origins: where each sounding note comes from.
    """

    tune: Tune
    symbols: tuple[int, ...]
    plan: FormPlan | None
    relaxed: tuple[str, ...]
    origins: tuple[NoteOrigin, ...]


class Stage(str):
    """What is going on, in words. part: how much of the drawing is done, 0..1, as far as one can know."""

    __slots__ = ("part",)
    part: float

    def __new__(cls, said: str, part: float) -> Stage:
        stage = super().__new__(cls, said)
        stage.part = part
        return stage


ATTEMPTS = (0.0, 0.75, 0.92, 1.0)
"""How much of a drawing is done before each form that is tried: most are kept in full the first time."""

RETURNING, RESTING = 0.2, 0.75
"""How much of one form is done before what returns is composed, and before the rest is."""

Music = tuple[int, ...]
"""The symbols of one bar."""

Judge = Callable[[Sequence[Sequence[Music]]], Floats]
"""From draws, each bar by bar, to [draws]: how often each should be taken, the best about 1."""


@dataclass(frozen=True, eq=False)
class Outlook:
    """What all takes of a request share.

    usual: what the style does and the constraints leave room for. log_chance: natural logarithm of the chance
    that a melody without the constraints satisfies the hard ones. remarks: what gave way, in sentences.
    judge: from melodies in bars to how often each should be taken among the others; None takes the one with
    the fewest faults. may_settle: whether a stretch of symbols can stand in a melody, where the search cannot
    tell; bars of which it does not hold are not settled. sets_aside: a form of which something gives way is
    set aside at once, while there may be others.
    """

    recipe: ComposeRecipe
    context: Context
    trellis: Trellis
    compiled: Compiled
    usual: tuple[Requirement, ...]
    log_chance: float
    remarks: tuple[str, ...]
    forms: Forms | None
    judge: Judge | None = None
    may_settle: Callable[[Sequence[int]], bool] | None = None
    sets_aside: bool = False

    @property
    def idiom(self) -> Idiom:
        return self.context.idiom

    def solve(self, more: Sequence[Requirement] = ()) -> Solution:
        """Everything asked for, what is usual, and `more`."""
        return solve(self.trellis, self.context.ticks, [*self.asked, *more])

    @cached_property
    def asked(self) -> list[Requirement]:
        """Everything asked for and what is usual, as few requirements."""
        compiled = self.compiled
        return merged(self.trellis, self.context.ticks, [*compiled.hard, *compiled.soft, *self.usual])

    def leaning(self, plan: FormPlan) -> Requirement:
        """With a form, bars lean towards what the style plays at such places of a tune, and towards the gait
        of the tune that lent the plan.
        """
        assert self.forms is not None
        weights = self.forms.weights(self.context.bars) * self.forms.gait(plan)
        walk = self.context.walk
        if walk.home is None or walk.phase or walk.period != self.context.bar:
            weights = np.repeat(weights, self.context.bar, axis=0)
        return Requirement("what is played where", weight=weights)


@dataclass(frozen=True, eq=False)
class PreparedRequest:
    """What all takes of a request share: its style, and all that does not depend on who chooses the notes or
    on the seed.

    takes: the latest ones by their seed and title, since one take may be written in several formats.
    """

    style: Style
    comparison: Comparison
    outlook: Outlook
    takes: dict[str, Take] = field(default_factory=dict)


def consider(
    recipe: ComposeRecipe,
    style: Style,
    *,
    take: Tune | None = None,
    theme: Tune | None = None,
    max_copy: int | None = None,
) -> Generator[str, None, Outlook]:
    """Learn from the style and compile the constraints. Yields what it is about to do; returns the outlook.

    take, theme: the tunes of those sources. max_copy: the limit where the recipe leaves it to the style.
    Raises `Contradiction` for settings that cannot hold together, with the fewest that conflict, and
    `Refused` for one that makes no sense here.
    """
    meter = Meter.parse(recipe.meter) if recipe.meter else usual_meter(style)
    key = Key.parse(recipe.key) if recipe.key else usual_key(style, meter)
    yield f"learning from {style.entry.title}"
    idiom = latest_idiom(style, meter, key, recipe.order)
    limit = recipe.max_copy or max_copy or Comparison(style, style.entry.title).max_copy
    back = min(2 if sum(map(len, idiom.sequences)) < LARGE_STYLE else 3, recipe.order)
    context = Context(idiom, idiom.walk(back), recipe.bars, take, theme, limit)
    ways = yield from _every_way(context, recipe, back)
    remarks = list(ways.remarks)
    usual = list(ways.compiled.usual)
    while usual and not solve(ways.trellis, context.ticks, [*ways.compiled.hard, *usual]).feasible:
        remarks.append(f"Your settings rule out {usual.pop().name}.")
    forms = None
    if recipe.form != "free":
        yield "learning how such tunes are built"
        forms = latest_forms(idiom)
    return Outlook(
        recipe,
        ways.compiled.context,
        ways.trellis,
        ways.compiled,
        tuple(usual),
        ways.log_chance,
        tuple(remarks),
        forms,
    )


@dataclass(frozen=True, eq=False)
class _Ways:
    """Every way through the bars that satisfies the hard constraints."""

    compiled: Compiled
    trellis: Trellis
    log_chance: float
    remarks: tuple[str, ...] = ()


def _every_way(context: Context, recipe: ComposeRecipe, back: int) -> Generator[str, None, _Ways]:
    """Look back `back` notes at every step; where that leaves no way, fewer.

    Raises `Contradiction` where there is no way either.
    """
    idiom = context.idiom
    compiled = compile_constraints(context, recipe)
    yield "looking for every melody that fits"
    trellis = idiom.trellis(context.walk, compiled.listeners)
    yield "weighing your settings"
    found = solve(trellis, context.ticks, compiled.hard)
    if found.feasible:
        return _Ways(compiled, trellis, found.log_z)
    hopeless = back > 1 and _hopeless(context, recipe)
    for shorter in () if hopeless else range(back - 1, 0, -1):
        yield "looking for melodies with a shorter memory"
        wider = compile_constraints(replace(context, walk=idiom.walk(shorter)), recipe)
        try:
            trellis = idiom.trellis(wider.context.walk, wider.listeners, SHORTER_BUDGET)
            found = solve(trellis, context.ticks, wider.hard)
        except Refused:  # too large to be searched; what conflicts is then said of the longer memory
            break
        if found.feasible:
            remark = (
                f"No melody that looks back {back} notes at every step satisfies these settings; "
                f"this one looks back only {shorter} in places."
            )
            return _Ways(wider, trellis, found.log_z, (remark,))
    yield "finding out which settings conflict"
    conflict = explain(context.walk, context.ticks, compiled.hard, build=idiom.trellis, checks=EXPLAINING)
    title = idiom.style.entry.title
    if conflict is None:
        raise Contradiction(f"{title} cannot satisfy these settings; leave some of them out.")
    raise contradiction(conflict, compiled, recipe, title, back)


def _hopeless(context: Context, recipe: ComposeRecipe) -> bool:
    """Whether no walk that looks back a single note satisfies the hard constraints, even without those that
    listen, such as the copy limit. Then no walk does that looks back further, or listens. It is quick to find
    out, since without listeners there are few states.
    """
    loose = replace(context, walk=context.idiom.walk(1))
    hard = [
        each
        for each in compile_constraints(loose, recipe).hard
        if each.listener is None and each.clock is None
    ]
    try:
        trellis = context.idiom.trellis(loose.walk, (), SHORTER_BUDGET)
        return not possible(trellis, context.ticks, hard, budget=SHORTER_BUDGET)
    except Refused:
        return False


def usual_meter(style: Style) -> Meter:
    """The meter of most tunes of a style."""
    return Meter.parse(next(iter(style.counts("meter"))))


def usual_key(style: Style, meter: Meter) -> Key:
    """The key of most tunes in that meter."""
    return usual_keys(style, meter)[0]


def usual_keys(style: Style, meter: Meter) -> list[Key]:
    """The keys of the tunes in that meter, the commonest first."""
    places = [number for number, name in enumerate(style.meters) if name == str(meter)] or range(len(style))
    keys: dict[tuple[int, str], int] = {}
    named = list(zip(style.tonics, style.modes, strict=True))
    for number in places:
        name = named[number]
        keys[name] = keys.get(name, 0) + 1
    return [Key.of_tonic(*each) for each in sorted(keys, key=lambda each: -keys[each])]


Player = Callable[[Solution, int, np.random.Generator], list[list[int]]]
"""Draws melodies, as symbols, under the constraints of a solution: up to so many, at least one."""


def by_chain(solution: Solution, count: int, random: np.random.Generator) -> list[list[int]]:
    """The chain conditioned on the constraints, exactly: `count` independent draws."""
    return [row[row >= 0].tolist() for row in solution.sample(count, random)]


def draw(outlook: Outlook, seed: int, play: Player = by_chain) -> Generator[str, None, Take]:
    """One take. play: who chooses the notes. Yields what it is about to do.

    Raises `Contradiction` where a form in letters is not possible.
    """
    random = np.random.default_rng(seed)
    if outlook.forms is None:
        yield Stage("composing", 0.0)
        return _drawn_freely(outlook, seed, play, random)
    drawing = yield from _drawn_in_form(outlook, outlook.forms, play, random)
    return _take(outlook, drawing.symbols, drawing.kept_plan(), tuple(drawing.relaxed), drawing.first, seed)


def _drawn_freely(outlook: Outlook, seed: int, play: Player, random: np.random.Generator) -> Take:
    solution = outlook.solve()
    before = _other_bars(outlook.context, outlook.recipe)
    symbols = play(solution, 1, random)[0]
    # A person who keeps some bars wants the others to change. Drawing again while nothing has changed is
    # rejection sampling, so what comes out is still drawn exactly, among the melodies that are new.
    for _ in range(DRAWS if before else 0):
        if not _unchanged(before, in_bars(outlook.idiom, symbols)):
            break
        symbols = play(solution, 1, random)[0]
    relaxed = _nothing_new(before, in_bars(outlook.idiom, symbols))
    return _take(outlook, symbols, None, relaxed, solution, seed)


def _drawn_in_form(
    outlook: Outlook, forms: Forms, play: Player, random: np.random.Generator
) -> Generator[str, None, _Drawing]:
    """The best of a few drawings, each in a form of its own; the first without a fault ends the search."""
    recipe, bars = outlook.recipe, outlook.context.bars
    learnt = recipe.form == "learnt"
    if outlook.sets_aside and learnt:
        return (yield from _drawn_in_one_of_few(outlook, forms, play, random))
    best: _Drawing | None = None
    refused: Refused | None = None
    for attempt in range(PLANS if learnt else PLANS_IN_LETTERS):
        plan = forms.plan(bars, random) if learnt else forms.sections(recipe.form, bars, random)
        began, ends = (ATTEMPTS[min(attempt + each, len(ATTEMPTS) - 1)] for each in (0, 1))
        said = "composing what returns" if not attempt else "composing in another form"
        yield Stage(said, began)
        drawing = _Drawing(outlook, plan, random, play)
        try:
            drawing.close_phrases()
            for part in drawing.lay_down_returns():
                yield Stage(said, began + (ends - began) * (RETURNING + (RESTING - RETURNING) * part))
        except Refused as error:  # these closes leave no way to return; those of another plan may
            refused = refused or error
            continue
        yield Stage("composing the rest", began + (ends - began) * RESTING)
        drawing.finish()
        if best is None or drawing.faults < best.faults:
            best = drawing
        # What a form in letters asks for is kept by now, so only a take that is not new is drawn again.
        if not any(drawing.faults) or (not learnt and not drawing.faults[0]):
            break
    if best is None:
        assert refused is not None
        raise refused
    return best


def _drawn_in_one_of_few(
    outlook: Outlook, forms: Forms, play: Player, random: np.random.Generator
) -> Generator[str, None, _Drawing]:
    """The same in learnt forms, of which those are set aside where something gives way. Where none is kept in
    full, the one in which the least did is finished.
    """
    found: list[tuple[_Drawing, Iterator[tuple[str, float]]]] = []
    refused: Refused | None = None
    for attempt, (began, ends) in enumerate(pairwise(ATTEMPTS)):
        drawing = _Drawing(outlook, forms.plan(outlook.context.bars, random), random, play)
        steps = drawing.steps("composing in another form" if attempt else "composing what returns")
        try:
            for said, part in steps:
                yield Stage(said, began + (ends - began) * part)
                if drawing.relaxed:
                    break
        except Refused as error:  # these closes leave no way to return; those of another plan may
            refused = refused or error
            continue
        if not any(drawing.faults):
            return drawing
        found.append((drawing, steps))
    resumed = ATTEMPTS[-2] + (ATTEMPTS[-1] - ATTEMPTS[-2]) * RESTING  # beyond what was said so far
    while found:
        least = min(range(len(found)), key=lambda each: found[each][0].faults)
        drawing, steps = found.pop(least)
        try:
            for said, part in steps:
                yield Stage(said, resumed + (ATTEMPTS[-1] - resumed) * part)
            return drawing
        except Refused as error:
            refused = refused or error
    assert refused is not None
    raise refused


class _Drawing:
    """A take while it is drawn: what is settled so far, and the solution that knows it.

    laid: bars (from 0) whose music is settled. closes, returns: the parts of the plan that were kept. likes:
    what the form has added to the constraints so far. relaxed: what gave way. first: `solution` before any
    bar was settled, for the origins of the notes.
    """

    def __init__(self, outlook: Outlook, plan: FormPlan, random: np.random.Generator, play: Player) -> None:
        self.outlook, self.plan, self.random, self.play = outlook, plan, random, play
        self.context, self.idiom = outlook.context, outlook.idiom
        self.by_letters = outlook.recipe.form != "learnt"
        self.before = _other_bars(self.context, outlook.recipe)
        self.roots, self.root_of = _roots(plan)
        self.laid: dict[int, Music] = {}
        self.closes: list[Close] = []
        self.returns: list[Return] = []
        self.likes: list[Requirement] = []
        self.relaxed: list[str] = []
        self.symbols: list[int] = []
        self.leaning = outlook.leaning(plan)
        self._found: Solution | None = None

    @property
    def solution(self) -> Solution:
        """Everything that holds now. Nearly always the closes hold, and it is never solved without them."""
        if self._found is None:
            self._found = self.outlook.solve([self.leaning])
        return self._found

    def steps(self, said: str) -> Iterator[tuple[str, float]]:
        """All of it, step by step. Yields what is going on, and how much is done, 0..1."""
        yield said, 0.0
        self.close_phrases()
        for part in self.lay_down_returns():
            yield said, RETURNING + (RESTING - RETURNING) * part
        yield "composing the rest", RESTING
        self.finish()

    # What is tried is kept if it is possible
    # ----------------------------------------------------------------------------------------------

    def _attempt(self, more: Sequence[Requirement], laid: dict[int, Music] | None = None) -> bool:
        """Add these constraints and settle these bars, if some melody still satisfies everything."""
        laid = self.laid | (laid or {})
        bars = [Requirement("bars laid down", allowed=self._settled(laid))] if laid else []
        outlook = self.outlook
        found = tried(
            outlook.trellis,
            outlook.context.ticks,
            [*outlook.asked, self.leaning, *self.likes, *more, *bars],
        )
        if found is None:
            return False
        self._found, self.laid = found, laid
        self.likes += more
        return True

    def _may_stand(self, laid: dict[int, Music]) -> bool:
        """Whether these bars can be settled beside those that are, for all that the search cannot tell."""
        if self.outlook.may_settle is None:
            return True
        laid = self.laid | laid
        stretches: list[list[int]] = []
        for bar in sorted(laid):
            if bar - 1 not in laid:
                stretches.append([])
            stretches[-1] += laid[bar]
        return all(map(self.outlook.may_settle, stretches))

    def _settled(self, laid: dict[int, Music]) -> Mask:
        """[bars, alphabet], each event at its place in the bar, as all masks here."""
        mask = self.context.every_bar()
        for bar, symbols in laid.items():
            mask[bar] = False
            mask[bar, list(symbols)] = True
        return mask

    # Phrases
    # --------------------------------------------------------------------------------------------------------

    def close_phrases(self) -> None:
        """Phrases close where the plan says, on the degrees it says; all of them if possible, otherwise as
        many as possible, the last ones first, since an end matters more than a breath.
        """
        closes = list(self.plan.closes)
        if self._attempt([self._closing(close) for close in closes]):
            self.closes = closes
        else:
            for close in reversed(closes):
                if self._attempt([self._closing(close)]):
                    self.closes.append(close)
                else:
                    self.relaxed.append(f"Bar {close.bar + 1} could not close a phrase as the form asks.")
        self.first = self.solution

    def _closing(self, close: Close) -> Requirement:
        """The phrase closes with a note of that degree, at that place, at least that long. What follows in
        the bar is free.
        """
        idiom, context = self.idiom, self.context
        mask = context.every_bar()
        # Nothing that starts earlier in the bar may last beyond the moment, so something starts there.
        over = (idiom.place >= close.place) | (idiom.place + idiom.ticks <= close.place)
        long_enough = idiom.ticks >= min(close.ticks, context.bar - close.place)
        closes = idiom.struck & (idiom.degree == close.degree) & long_enough
        mask[close.bar] = over & ((idiom.place != close.place) | closes)
        return Requirement(f"the close of bar {close.bar + 1}", allowed=mask)

    # Bars that return
    # --------------------------------------------------------------------------------------------------------

    def lay_down_returns(self) -> Iterator[float]:
        """Draw what returns, and lay it down at all its places. Yields how much of that is done, 0..1.

        They come before anything else, because a bar that returns has to fit twice: while the bars around its
        second place are still open, nearly every bar does. And among them those come first that a return
        begins with (the heads). The bars after them in the same return have the same neighbours at both
        places, but what leads into a head differs, and has to know where it goes.

        Raises `Contradiction` where a form in letters is not possible.
        """
        heads = {
            root
            for root, copies in self.roots.items()
            if any(self.root_of.get(copy - 1, copy - 1) != root - 1 for copy in copies)
        }
        others = sorted(self.roots.keys() - heads)
        first = len(heads) / max(1, len(self.roots))
        yield 0.0
        for part in self._lay(sorted(heads)):
            yield first * part
        for part in self._lay(others):
            yield first + (1 - first) * part

    def _lay(self, some: Sequence[int]) -> Iterator[float]:
        """Settle these bars together; or else one after the other, each at as many of its places as
        possible. Yields how much of that is done.
        """
        if not some or self._lay_together({root: self.roots[root] for root in some}):
            return
        for place, root in enumerate(some, 1):
            yield place / (len(some) + 1)
            copies = self.roots[root]
            self._lay_together({root: copies})
            for copy in copies:
                if copy not in self.laid and len(copies) > 1:
                    self._lay_together({root: [copy]})
            missing = [copy for copy in copies if copy not in self.laid]
            if missing and self.by_letters:
                raise form_not_possible(self.outlook.recipe, missing[0], root)
            self.relaxed += [
                f"Bar {copy + 1} could not repeat bar {root + 1} as the form asks." for copy in missing
            ]

    def _lay_together(self, roots: dict[int, list[int]]) -> bool:
        """Settle these bars (root -> its copies) at all their places, with the first of a few draws that
        fits.
        """
        drawn = [in_bars(self.idiom, each) for each in self.play(self.solution, DRAWS, self.random)]
        weight = self._promise(drawn, roots)
        tried: set[tuple[Music, ...]] = set()
        for number in self.random.choice(len(drawn), size=len(drawn), replace=False, p=weight / weight.sum()):
            music = tuple(drawn[number][root] for root in roots)
            if music in tried:
                continue
            laid = {
                place: bar
                for bar, (root, copies) in zip(music, roots.items(), strict=True)
                for place in (root, *copies)
            }
            if not self._may_stand(laid):
                continue
            if self._attempt([], laid):
                self.returns += [
                    Return(copy, root, How.EXACT) for root, copies in roots.items() for copy in copies
                ]
                return True
            tried.add(music)
            if len(tried) == TRIES:
                break
        return False

    def _promise(self, drawn: list[list[Music]], roots: dict[int, list[int]]) -> Floats:
        """[draws]: the weight with which each draw is chosen.

        A draw knows what leads into a bar at its first place only. How well it would follow what leads into
        its other places is estimated from the draws themselves: the more of them begin that place with the
        same two events, the better. A draw whose bars are equal where the plan has different ones, and one
        whose bars are those that were to be replaced, are chosen only where there is hardly anything else.
        """
        weight = np.ones(len(drawn))
        for root, copies in roots.items():
            for copy in copies:
                beginnings = [bars[copy][:2] for bars in drawn]
                weight *= [beginnings.count(bars[root][:2]) + 0.02 for bars in drawn]
        for number, bars in enumerate(drawn):
            weight[number] *= 1e-3 ** self._unplanned({**self.laid, **{root: bars[root] for root in roots}})
            weight[number] *= 0.05 ** sum(self.before.get(root) == bars[root] for root in roots)
        return weight if self.outlook.judge is None else weight * self.outlook.judge(drawn)

    # Everything else
    # --------------------------------------------------------------------------------------------------------

    def finish(self) -> None:
        """Other endings, sequences and returning rhythms, and then everything that is still open."""
        self._lay_likenesses()
        # A chain likes to run in circles. What the form does not let return should be new.
        self.symbols = self._chosen(self.play(self.solution, DRAWS, self.random))
        self.relaxed += _nothing_new(self.before, in_bars(self.idiom, self.symbols))

    def _chosen(self, drawn: list[list[int]]) -> list[int]:
        """The draw with the fewest faults or, with a judge, one of those as often as it should be taken."""
        if self.outlook.judge is None:
            return min(drawn, key=self._faults_of)
        faults = [self._faults_of(each) for each in drawn]
        weight = self.outlook.judge([in_bars(self.idiom, each) for each in drawn])
        weight = weight * [0.25**unplanned * 1e-9**unchanged for unchanged, unplanned in faults]
        return drawn[int(self.random.choice(len(drawn), p=weight / weight.sum()))]

    @property
    def faults(self) -> tuple[bool, int]:
        """Whether nothing is new that was to be, and how much gave way or returns unplanned: less is
        better. Of one that is not finished, what gave way so far.
        """
        if not self.symbols:
            return False, len(self.relaxed)
        unchanged, unplanned = self._faults_of(self.symbols)
        return unchanged, len(self.relaxed) + unplanned

    def _faults_of(self, symbols: list[int]) -> tuple[bool, int]:
        bars = in_bars(self.idiom, symbols)
        return _unchanged(self.before, bars), self._unplanned(dict(enumerate(bars)))

    def _unplanned(self, bars: dict[int, Music]) -> int:
        """How many of these bars equal an earlier one that they are no return of."""
        first: dict[Music, int] = {}
        count = 0
        for bar, music in sorted(bars.items()):
            root = self.root_of.get(bar, bar)
            count += first.setdefault(music, root) != root
        return count

    def _lay_likenesses(self) -> None:
        """Bars that are like earlier ones without being equal. They lean on one draw of those earlier bars,
        which is settled with them; likenesses that contradict the rest are left out.
        """
        likenesses = [
            each for each in self.plan.returns if each.how is not How.EXACT and each.bar not in self.laid
        ]
        if not likenesses:
            return
        for _ in range(TRIES):
            bars = in_bars(self.idiom, self.play(self.solution, 1, self.random)[0])
            sources = {each.of: bars[each.of] for each in likenesses if each.of not in self.laid}
            if self._may_stand(sources):
                break
        else:
            return
        possible = [
            (each, requirement)
            for each in likenesses
            if (requirement := self._like(each, bars[each.of])) is not None
        ]
        if self._attempt([requirement for _, requirement in possible], sources):
            self.returns += [each for each, _ in possible]
        elif self._attempt([], sources):
            for each, requirement in possible:
                if self._attempt([requirement]):
                    self.returns.append(each)

    def _like(self, each: Return, source: Sequence[int]) -> Requirement | None:
        """The bar begins like the source, is the source moved, or has its rhythm. None where the style has no
        such events.
        """
        place = self.idiom.place
        mask = self.context.every_bar()
        for symbol in source:
            event = self.idiom.events[symbol]
            if each.how is How.OPENING and event.place >= self.context.bar / 2:
                break
            allowed = self._events_like(each, event)
            if not allowed.any():
                return None
            during = (place >= event.place) & (place < event.place + event.ticks)
            mask[each.bar] &= ~during | (allowed & (place == event.place))
        return Requirement(f"bar {each.bar + 1} like bar {each.of + 1}", allowed=mask)

    def _events_like(self, each: Return, event: Event) -> Mask:
        """[alphabet]: what may stand for this event of the source."""
        idiom = self.idiom
        if each.how is How.RHYTHM:
            sounds = idiom.sounding == (event.pitch >= 0)
            same: Mask = (idiom.ticks == event.ticks) & sounds & (idiom.carries == event.carries)
            return same
        pitch: int | None = event.pitch
        if each.how is How.MOVED and event.pitch >= 0:
            pitch = moved(event.pitch, each.steps, idiom.key.scale)
        if pitch is None:
            return np.zeros(idiom.alphabet, dtype=bool)
        return idiom.standing_for(pitch, event)

    def kept_plan(self) -> FormPlan:
        """The plan with what was kept of it."""
        returns = tuple(sorted(self.returns, key=lambda each: each.bar))
        closes = tuple(sorted(self.closes, key=lambda each: each.bar))
        return replace(self.plan, returns=returns, closes=closes)


def _roots(plan: FormPlan) -> tuple[dict[int, list[int]], dict[int, int]]:
    """Bars that return exactly -> where they do; and for each such place, the bar it goes back to in the end,
    however many times it has returned between.
    """
    roots: dict[int, list[int]] = {}
    root_of: dict[int, int] = {}
    for each in plan.returns:
        if each.how is How.EXACT:
            root = root_of.get(each.of, each.of)
            root_of[each.bar] = root
            roots.setdefault(root, []).append(each.bar)
    return roots, root_of


def _other_bars(context: Context, recipe: ComposeRecipe) -> dict[int, Music | None]:
    """The bars (from 0) of the take that are not kept, with their music, which a new take should not repeat.
    None where the music is nothing the style could play. Empty without a take.
    """
    if context.take is None or not recipe.keep:
        return {}
    kept = {
        place
        for text in recipe.keep
        for there, _ in [read_keep(text)]
        for place in range(there.first, there.last + 1)
    }
    numbers = {bar.number for bar in context.take.bars() if 1 <= bar.number <= context.bars}
    others: dict[int, Music | None] = {}
    for number in sorted(numbers - kept):
        try:
            others[number - 1] = tuple(context.idiom.symbols_of(context.take, number, number))
        except Refused:
            others[number - 1] = None
    return others


def _unchanged(others: dict[int, Music | None], bars: Sequence[Music]) -> bool:
    """Whether every bar that was to be new is as it was."""
    return bool(others) and all(bars[place] == music for place, music in others.items())


def _nothing_new(others: dict[int, Music | None], bars: Sequence[Music]) -> tuple[str, ...]:
    said = (
        "These settings leave the bars around the kept ones as they were; keep fewer, or leave a setting out."
    )
    return (said,) if _unchanged(others, bars) else ()


def in_bars(idiom: Idiom, symbols: Sequence[int]) -> list[Music]:
    """Symbols bar by bar."""
    whole = np.asarray(symbols, dtype=np.int64)
    begins = np.flatnonzero(idiom.place[whole] == 0).tolist()
    plain = whole.tolist()
    return [tuple(plain[start:stop]) for start, stop in pairwise([*begins, len(plain)])]


# The take
# ------------------------------------------------------------------------------------------------------------


def _take(
    outlook: Outlook,
    symbols: Sequence[int],
    plan: FormPlan | None,
    relaxed: tuple[str, ...],
    solution: Solution,
    seed: int,
) -> Take:
    """solution: gives the probabilities of the notes."""
    recipe, idiom = outlook.recipe, outlook.idiom
    title = recipe.title or named(recipe.model_copy(update={"seed": seed}), idiom.style.entry.title)
    tempo = recipe.tempo or usual_tempo(idiom)
    tune = idiom.tune(symbols, title=title, tempo=float(tempo))
    return Take(tune, tuple(symbols), plan, relaxed, tuple(_origins(outlook, symbols, plan, solution)))


def usual_tempo(idiom: Idiom) -> float:
    """The median tempo of the tunes learnt from, in quarter notes a minute. Where the style's files name
    none, it follows from the style's pace in notes.
    """
    named = float(np.median([idiom.style.tempos[line.number] for line in idiom.lines]))
    pace = idiom.style.entry.pace
    if named != UNNAMED_TEMPO or not pace:
        return named
    return min(400.0, max(20.0, 4.0 * round(pace * idiom.usual_length * float(idiom.tick) / 4)))


UNNAMED_TEMPO = 120.0
"""The tempo assumed for a file that states none."""


def _origins(
    outlook: Outlook, symbols: Sequence[int], plan: FormPlan | None, solution: Solution
) -> list[NoteOrigin]:
    idiom, chain = outlook.idiom, outlook.context.walk.chain
    repeats = {each.bar: each.of for each in plan.returns if each.how is How.EXACT} if plan else {}
    known: dict[tuple[int, int], Any] = {}
    found: list[NoteOrigin] = []
    for step in solution.trace(symbols):
        if not idiom.struck[step.symbol]:
            continue
        bar = step.tick // idiom.bar
        asked = (step.context, step.symbol)
        if asked not in known:
            known[asked] = origin(chain, *asked, places=3)
        known_from = known[asked]
        songs: dict[tuple[str, int], None] = {}
        for share in known_from.shares:
            for sequence, offset in share.places:
                line = idiom.lines[sequence]
                if offset < len(line.events):
                    songs.setdefault((line.title, line.written[line.bars[offset]]))
        returns = repeats.get(bar)
        found.append(
            NoteOrigin(
                len(found),
                bar + 1,
                known_from.order,
                tuple(songs)[:3],
                step.free,
                step.constrained,
                None if returns is None else returns + 1,
            )
        )
    return found
