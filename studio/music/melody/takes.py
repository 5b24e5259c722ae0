"""Draws takes: a melody that meets every wish, in a form, bar by bar from the exact distribution.

    outlook = consider(recipe, style)                     # idiom, wishes, trellis: what all takes of a request share
    take = draw(outlook, seed=3)                          # notes, form, and where each note comes from
    outlook.log_chance                                    # the chance that a free walk meets the wishes

What is exact. The wishes hold in every take, always. Without a form a take is one draw from the chain
conditioned on the wishes. With one it is drawn in steps: first the bars that others return to, each step
exact given the ones before, then those bars are laid down at all their places and the next step is drawn with
that known. So every bar knows, when it is drawn, what it has to lead to, but how probable a bar is does not
count how well it will return: with a form the probability of a whole take is not that of the conditioned
chain. Returns and closes of a learnt form give way where they contradict the wishes, and the take says so;
those asked for in letters do not.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from studio.errors import Contradiction, Refused
from studio.music.chains.conflicts import explain
from studio.music.chains.markov import Mask, origin
from studio.music.chains.sampling import Solution, Wish, solve
from studio.music.chains.trellis import SearchBudget, Trellis
from studio.music.melody.compiling import Compiled, Context, compile_constraints
from studio.music.melody.constraints import contradiction, form_not_possible
from studio.music.melody.facts import NoteOrigin
from studio.music.melody.form import Close, FormPlan, Forms, How, Return, learn_forms, moved
from studio.music.melody.idiom import Event, Idiom, learn
from studio.music.melody.recipes import ComposeRecipe, read_keep
from studio.music.scores.keys import Key
from studio.music.scores.meters import Meter
from studio.music.scores.tunes import Tune
from studio.music.styles.originality import Comparison
from studio.music.styles.style import Style

LARGE_STYLE = 20_000
"""Events from which on every step looks back three notes at least, and below which two. That keeps a style of
two thousand tunes small enough, and large styles lose nothing by it; where nothing meets the wishes so,
shorter memories are tried."""

SHORTER_BUDGET = SearchBudget(states=4_000_000, steps=16_000_000)
"""For a walk with a shorter memory, which is some ten times as large."""

EXPLAINING = 60
"""How many sets of wishes are tried at most to find the smallest that conflict."""

TRIES = 4
"""How many draws are tried at most for bars that are to return, until one can."""

DRAWS = 48
"""From so many draws those are tried: the likelier, the more often what leads to the place of the return
leads to its first notes.
"""

PLANS = 3
"""How many plans of the style are tried until all of one can be had."""

PLANS_IN_LETTERS = 10
"""And how many for parts in letters, which must return as they are asked for, until one can."""


@dataclass(frozen=True, eq=False)
class Take:
    """A melody drawn. symbols: of the idiom. plan: its form as it was kept, None without one. relaxed: what
    gave way, in sentences.
    """

    tune: Tune
    symbols: tuple[int, ...]
    plan: FormPlan | None
    relaxed: tuple[str, ...]
    origins: tuple[NoteOrigin, ...]


@dataclass(frozen=True, eq=False)
class Outlook:
    """What all takes of a request share. log_chance: natural logarithm of the chance that a free walk meets
    the hard wishes. remarks: what was done to meet them, in sentences."""

    recipe: ComposeRecipe
    context: Context
    trellis: Trellis
    compiled: Compiled
    usual: tuple[Wish, ...]
    log_chance: float
    remarks: tuple[str, ...]
    forms: Forms | None

    @property
    def idiom(self) -> Idiom:
        return self.context.idiom

    def solve(self, more: Sequence[Wish] = ()) -> Solution:
        """With every wish, the usual ones that did not give way, and these."""
        return solve(
            self.trellis, self.context.ticks, [*self.compiled.hard, *self.compiled.soft, *self.usual, *more]
        )

    def leaning(self, plan: FormPlan) -> Wish:
        """With a form, bars lean towards what the style plays at such places of a tune, and to the gait of
        the tune that lent the plan.
        """
        assert self.forms is not None
        weights = np.repeat(self.forms.weights(self.context.bars), self.context.bar, axis=0)
        return Wish("what is played where", weight=weights * self.forms.gait(plan))


def consider(
    recipe: ComposeRecipe,
    style: Style,
    *,
    take: Tune | None = None,
    theme: Tune | None = None,
    max_copy: int | None = None,
) -> Generator[str, None, Outlook]:
    """Learn from the style and compile the wishes. Yields what it is about to do; returns the outlook.

    take, theme: the tunes of those sources. max_copy: the limit where the recipe leaves it to the style.
    Raises `Refused`, for wishes that cannot be met with the fewest of them that conflict.
    """
    meter = Meter.parse(recipe.meter) if recipe.meter else usual_meter(style)
    key = Key.parse(recipe.key) if recipe.key else usual_key(style, meter)
    yield f"learning from {style.entry.title}"
    idiom = learn(style, meter, key, longest=recipe.order)
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
        yield "learning the form"
        forms = learn_forms(idiom)
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
    yield "finding every possible way"
    trellis = idiom.trellis(context.walk, compiled.readings)
    yield "weighing the constraints"
    found = solve(trellis, context.ticks, compiled.hard)
    if found.feasible:
        return _Ways(compiled, trellis, found.log_z)
    for shorter in range(back - 1, 0, -1):
        yield "looking for ways with a shorter memory"
        wider = compile_constraints(replace(context, walk=idiom.walk(shorter)), recipe)
        try:
            trellis = idiom.trellis(wider.context.walk, wider.readings, SHORTER_BUDGET)
            found = solve(trellis, context.ticks, wider.hard)
        except Refused:  # too large: nobody knows, and what is impossible is told for the longer memory
            break
        if found.feasible:
            remark = (
                f"No melody that looks back {back} notes at every step satisfies these settings; this one looks "
                f"back only {shorter} in places."
            )
            return _Ways(wider, trellis, found.log_z, (remark,))
    yield "finding out which settings conflict"
    conflict = explain(context.walk, context.ticks, compiled.hard, build=idiom.trellis, checks=EXPLAINING)
    title = idiom.style.entry.title
    if conflict is None:
        raise Contradiction(f"{title} cannot satisfy these settings; leave some of them out.")
    raise contradiction(conflict, compiled, recipe, title, back)


def usual_meter(style: Style) -> Meter:
    """The meter most tunes of a style stand in."""
    return Meter.parse(next(iter(style.counts("meter"))))


def usual_key(style: Style, meter: Meter) -> Key:
    """The key most of the tunes in that meter stand in."""
    places = [number for number, name in enumerate(style.meters) if name == str(meter)] or range(len(style))
    keys: dict[tuple[int, str], int] = {}
    named = list(zip(style.tonics, style.modes, strict=True))
    for number in places:
        name = named[number]
        keys[name] = keys.get(name, 0) + 1
    tonic, mode = max(keys, key=lambda each: keys[each])
    return Key.of_tonic(tonic, mode)


Player = Callable[[Solution, int, np.random.Generator], list[list[int]]]
"""Draws melodies, as symbols, under the wishes of a solution: up to so many, at least one."""


def by_chain(solution: Solution, count: int, random: np.random.Generator) -> list[list[int]]:
    """The chain conditioned on the wishes, exactly; so many independent draws."""
    return [row[row >= 0].tolist() for row in solution.sample(count, random)]


def draw(outlook: Outlook, seed: int, play: Player = by_chain) -> Generator[str, None, Take]:
    """One take. play: who chooses the notes. Yields what it is about to do. Raises `Refused` when a form in
    letters cannot be had.
    """
    random = np.random.default_rng(seed)
    recipe, context = outlook.recipe, outlook.context
    if outlook.forms is None:
        yield "drawing"
        solution = outlook.solve()
        symbols, before = play(solution, 1, random)[0], _others(context, recipe)
        for _ in range(
            DRAWS if before else 0
        ):  # as long as nothing is new: rejection, so that the rest stays drawn exactly
            if not _unchanged(before, in_bars(outlook.idiom, symbols)):
                break
            symbols = play(solution, 1, random)[0]
        return _take(
            outlook, symbols, None, _nothing_new(before, in_bars(outlook.idiom, symbols)), solution, seed
        )
    best: tuple[tuple[bool, int], list[int], _Drawing] | None = None
    refused: Refused | None = None
    for attempt in range(PLANS if recipe.form == "learnt" else PLANS_IN_LETTERS):
        plan = (
            outlook.forms.plan(context.bars, random)
            if recipe.form == "learnt"
            else outlook.forms.sections(recipe.form, context.bars, random)
        )
        drawing = _Drawing(outlook, plan, random, play)
        yield "drawing what returns" if not attempt else "drawing in another form"
        try:
            drawing.close_phrases()
            drawing.lay_down_returns()
        except Refused as error:  # these closes leave no way to return; others of the style may
            refused = refused or error
            continue
        yield "drawing the rest"
        symbols = drawing.finish()
        bars = in_bars(outlook.idiom, symbols)
        drawing.relaxed += _nothing_new(drawing.before, bars)
        faults = (
            _unchanged(drawing.before, bars),
            len(drawing.relaxed) + drawing.unplanned(dict(enumerate(bars))),
        )
        if best is None or faults < best[0]:
            best = faults, symbols, drawing
        if not any(faults) or (recipe.form != "learnt" and not faults[0]):
            break
    if best is None and refused is not None:
        raise refused
    assert best is not None
    _, symbols, drawing = best
    return _take(outlook, symbols, drawing.kept_plan(), tuple(drawing.relaxed), drawing.first, seed)


class _Drawing:
    """A take while it is drawn. `laid`: bars (from 0) whose music is settled; `wishes`: what the form has
    added to the wishes so far.
    """

    def __init__(self, outlook: Outlook, plan: FormPlan, random: np.random.Generator, play: Player) -> None:
        self.outlook, self.plan, self.random, self.play = outlook, plan, random, play
        self.context = outlook.context
        self.idiom = outlook.idiom
        self.by_letters = outlook.recipe.form != "learnt"
        self.laid: dict[int, tuple[int, ...]] = {}
        self.closes: list[Close] = []
        self.returns: list[Return] = []
        self.wishes: list[Wish] = []
        self.relaxed: list[str] = []
        self.before = _others(self.context, outlook.recipe)
        self.leaning = outlook.leaning(plan)
        self.solution = outlook.solve([self.leaning])
        self.first = self.solution

    # What is tried is kept if it can be met
    # ----------------------------------------------------------------------------------------------

    def _attempt(self, more: Sequence[Wish], laid: dict[int, tuple[int, ...]] | None = None) -> bool:
        laid = self.laid | (laid or {})
        bars = [Wish("bars laid down", allowed=self._settled(laid))] if laid else []
        found = self.outlook.solve([self.leaning, *self.wishes, *more, *bars])
        if not found.feasible:
            return False
        self.solution, self.laid = found, laid
        self.wishes += more
        return True

    def _settled(self, laid: dict[int, tuple[int, ...]]) -> Mask:
        mask = self.context.everything()
        for bar, symbols in laid.items():
            mask &= self.context.whole_bars(bar, symbols)
        return mask

    def _sample(self) -> list[tuple[int, ...]]:
        return in_bars(self.idiom, self.play(self.solution, 1, self.random)[0])

    # Steps
    # --------------------------------------------------------------------------------------------------------

    def close_phrases(self) -> None:
        """Phrases close where the plan says, on the degrees it says; all at once if that goes, or else as
        many as go, the last first.
        """
        closes = list(self.plan.closes)
        if self._attempt([self._closing(close) for close in closes]):
            self.closes = closes
            self.first = self.solution
            return
        for close in reversed(closes):
            if self._attempt([self._closing(close)]):
                self.closes.append(close)
            else:
                self.relaxed.append(f"Bar {close.bar + 1} does not close as the form has it.")
        self.first = self.solution

    def _closing(self, close: Close) -> Wish:
        """The phrase closes with a note of that degree, at that place, at least so long; what follows in the
        bar is free.
        """
        idiom, context = self.idiom, self.context
        start = close.bar * context.bar
        moment = start + close.place
        mask = context.everything()
        mask[start:moment] &= context.end_of[start:moment] <= moment
        long_enough = idiom.ticks >= min(close.ticks, context.bar - close.place)
        mask[moment] &= idiom.struck & (idiom.degree == close.degree) & long_enough
        return Wish(f"the close of bar {close.bar + 1}", allowed=mask)

    def lay_down_returns(self) -> None:
        """Draw what returns and lay it down at all its places: first the bars a return begins with, so that
        what leads into them knows.
        """
        roots = self._roots()
        heads = {
            root
            for root, copies in roots.items()
            if any(self._root_of.get(copy - 1, copy - 1) != root - 1 for copy in copies)
        }
        self._lay(roots, sorted(heads))
        self._lay(roots, sorted(roots.keys() - heads))

    def _roots(self) -> dict[int, list[int]]:
        self._root_of: dict[int, int] = {}
        roots: dict[int, list[int]] = {}
        for each in self.plan.returns:
            if each.how is How.EXACT:
                root = self._root_of.get(each.of, each.of)
                self._root_of[each.bar] = root
                roots.setdefault(root, []).append(each.bar)
        return roots

    def _lay(self, roots: dict[int, list[int]], some: Sequence[int]) -> None:
        if not some:
            return
        if self._lay_together({root: roots[root] for root in some}):
            return
        for root in some:  # not together: one after the other, each at as many of its places as goes
            self._lay_together({root: roots[root]})
            for copy in roots[root]:
                if copy not in self.laid and len(roots[root]) > 1:
                    self._lay_together({root: [copy]})
            missing = [copy for copy in roots[root] if copy not in self.laid]
            if missing and self.by_letters:
                raise form_not_possible(self.outlook.recipe, missing[0], root)
            self.relaxed += [
                f"Bar {copy + 1} does not return to bar {root + 1} as the form has it." for copy in missing
            ]

    def _lay_together(self, roots: dict[int, list[int]]) -> bool:
        """Settle these bars and all the places they return at, with the first draw that can be had so."""
        drawn = [in_bars(self.idiom, each) for each in self.play(self.solution, DRAWS, self.random)]
        weight = np.ones(len(drawn))
        for root, copies in roots.items():
            for copy in copies:
                beginnings = [bars[copy][:2] for bars in drawn]
                weight *= [beginnings.count(bars[root][:2]) + 0.02 for bars in drawn]
        for number, bars in enumerate(drawn):
            weight[number] *= 1e-3 ** self.unplanned({**self.laid, **{root: bars[root] for root in roots}})
            weight[number] *= 0.05 ** sum(self.before.get(root) == bars[root] for root in roots)
        tried: set[tuple[tuple[int, ...], ...]] = set()
        for number in self.random.choice(len(drawn), size=len(drawn), replace=False, p=weight / weight.sum()):
            music = tuple(drawn[number][root] for root in roots)
            if music in tried:
                continue
            laid = {
                place: bar
                for bar, (root, copies) in zip(music, roots.items(), strict=True)
                for place in (root, *copies)
            }
            if self._attempt([], laid):
                self.returns += [
                    Return(copy, root, How.EXACT) for root, copies in roots.items() for copy in copies
                ]
                return True
            tried.add(music)
            if len(tried) == TRIES:
                break
        return False

    def finish(self) -> list[int]:
        """Other endings, sequences and returning rhythms, and then everything that is still free."""
        likenesses = [
            each for each in self.plan.returns if each.how is not How.EXACT and each.bar not in self.laid
        ]
        if likenesses:
            bars = self._sample()
            sources = {each.of: bars[each.of] for each in likenesses if each.of not in self.laid}
            wished = [
                (each, wish) for each in likenesses if (wish := self._like(each, bars[each.of])) is not None
            ]
            if self._attempt([wish for _, wish in wished], sources):
                self.returns += [each for each, _ in wished]
            elif self._attempt([], sources):
                for each, wish in wished:
                    if self._attempt([wish]):
                        self.returns.append(each)
        # A chain likes to run in circles; what the form does not let return shall be new.
        takes = self.play(self.solution, DRAWS, self.random)

        def faults(take: list[int]) -> tuple[bool, int]:
            bars = in_bars(self.idiom, take)
            return _unchanged(self.before, bars), self.unplanned(dict(enumerate(bars)))

        return min(takes, key=faults)

    def unplanned(self, bars: dict[int, tuple[int, ...]]) -> int:
        """How many of these bars are the same as an earlier one that they are no return of."""
        first: dict[tuple[int, ...], int] = {}
        count = 0
        for bar, music in sorted(bars.items()):
            root = self._root_of.get(bar, bar)
            count += first.setdefault(music, root) != root
        return count

    def _like(self, each: Return, source: Sequence[int]) -> Wish | None:
        """The bar begins like the source, is the source moved, or has its rhythm; None where no such events
        are known.
        """
        idiom, context = self.idiom, self.context
        start = each.bar * context.bar
        mask = context.everything()
        for symbol in source:
            event = idiom.events[symbol]
            if each.how is How.OPENING and event.place >= context.bar / 2:
                break
            allowed = np.zeros(idiom.alphabet, dtype=bool)
            if each.how is How.RHYTHM:
                allowed = (
                    (idiom.ticks == event.ticks)
                    & (idiom.sounding == (event.pitch >= 0))
                    & (idiom.carries == event.carries)
                )
            else:
                pitch = event.pitch
                if each.how is How.MOVED and pitch >= 0:
                    found = moved(pitch, each.steps, idiom.key.scale)
                    if found is None:
                        return None
                    pitch = found
                number = idiom.number.get(Event(pitch, event.ticks, event.place, event.carries))
                if number is None:
                    return None
                allowed[number] = True
            tick = start + event.place
            mask[tick : tick + event.ticks] = False
            mask[tick] = allowed
        return Wish(f"bar {each.bar + 1} like bar {each.of + 1}", allowed=mask)

    def kept_plan(self) -> FormPlan:
        returns = tuple(sorted(self.returns, key=lambda each: each.bar))
        return replace(
            self.plan, returns=returns, closes=tuple(sorted(self.closes, key=lambda each: each.bar))
        )


def _others(context: Context, recipe: ComposeRecipe) -> dict[int, tuple[int, ...] | None]:
    """The bars (from 0) of the take that are not kept, and what stands there: who asks for them again wants
    something else. None where it is nothing of this style. Empty without a take."""
    if context.take is None or not recipe.keep:
        return {}
    kept = {
        place
        for text in recipe.keep
        for there, _ in [read_keep(text)]
        for place in range(there.first, there.last + 1)
    }
    others: dict[int, tuple[int, ...] | None] = {}
    for number in sorted(
        {bar.number for bar in context.take.bars() if 1 <= bar.number <= context.bars} - kept
    ):
        try:
            others[number - 1] = tuple(context.idiom.symbols_of(context.take, number, number))
        except Refused:
            others[number - 1] = None
    return others


def _unchanged(others: dict[int, tuple[int, ...] | None], bars: Sequence[tuple[int, ...]]) -> bool:
    """Whether every bar that was to be new is as it was."""
    return bool(others) and all(bars[place] == music for place, music in others.items())


def _nothing_new(
    others: dict[int, tuple[int, ...] | None], bars: Sequence[tuple[int, ...]]
) -> tuple[str, ...]:
    told = "Around the kept bars these wishes leave the others as they were: keep fewer, or let go of a wish."
    return (told,) if _unchanged(others, bars) else ()


def in_bars(idiom: Idiom, symbols: Sequence[int]) -> list[tuple[int, ...]]:
    """Symbols bar by bar."""
    bars: list[list[int]] = []
    for symbol in symbols:
        if idiom.events[symbol].place == 0:
            bars.append([])
        bars[-1].append(int(symbol))
    return [tuple(bar) for bar in bars]


def _take(
    outlook: Outlook,
    symbols: Sequence[int],
    plan: FormPlan | None,
    relaxed: tuple[str, ...],
    solution: Solution,
    seed: int,
) -> Take:
    recipe, idiom = outlook.recipe, outlook.idiom
    title = recipe.title or f"After {idiom.style.entry.title}, no. {seed}"
    tempo = recipe.tempo or usual_tempo(idiom)
    tune = idiom.tune(symbols, title=title, tempo=float(tempo))
    return Take(tune, tuple(symbols), plan, relaxed, tuple(_origins(outlook, symbols, plan, solution)))


def usual_tempo(idiom: Idiom) -> float:
    """The tempo of most tunes learnt from, in quarter notes a minute; where the style's files name none, that
    of its pace in notes.
    """
    named = float(np.median([idiom.style[line.number].tempo for line in idiom.lines]))
    pace = idiom.style.entry.pace
    if named != UNNAMED_TEMPO or not pace:
        return named
    lengths = [event.ticks for line in idiom.lines for event in line.events if event.pitch >= 0]
    return min(400.0, max(20.0, 4.0 * round(pace * float(np.mean(lengths)) * float(idiom.tick) / 4)))


UNNAMED_TEMPO = 120.0
"""What a file that names no tempo is read with."""


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
        told = known[asked]
        songs: dict[tuple[str, int], None] = {}
        for share in told.shares:
            for sequence, offset in share.places:
                line = idiom.lines[sequence]
                if offset < len(line.events):
                    songs.setdefault((line.title, line.written[line.bars[offset]]))
        returns = repeats.get(bar)
        found.append(
            NoteOrigin(
                len(found),
                bar + 1,
                told.order,
                tuple(songs)[:3],
                step.free,
                step.wished,
                None if returns is None else returns + 1,
            )
        )
    return found
