"""The chords of a song: the requirements that a recipe makes of them, and rows that satisfy these.

    asked = ChordRequest.of(recipe, plan, idiom, take)
    rows = asked.rows(6, random)              # rows of chords, each exactly as probable as the chain says

Rows are drawn with the bars equal that the plan wants equal (`harmony.laying`). The copy limit is kept by
rejection: a row over the limit is drawn again, which leaves the distribution among the others as it is. Where
nearly every row is over it, the limit becomes an automaton of the search instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import groupby, pairwise
from typing import Any

import numpy as np

from studio.errors import AskedFor, Contradiction, Refused, WayOut
from studio.music.chains.automata import DEAD, Listener, each, from_table
from studio.music.chains.conflicts import explain
from studio.music.chains.markov import Floats, Mask
from studio.music.chains.sampling import Requirement, merged, solve
from studio.music.chains.trellis import Trellis
from studio.music.harmony.cadences import beginning_weights, closing_weights, leads
from studio.music.harmony.character import DWELLING, LONGEST_STAY, chord_figures
from studio.music.harmony.fit import Fit
from studio.music.harmony.harmonise import FEWEST_EVENLY, Harmonisation
from studio.music.harmony.idiom import ChordEvent, HarmonyIdiom, chord_changes, events_in_bar, is_minor
from studio.music.harmony.laying import BarSymbols, Music, Solve, in_bars, lay
from studio.music.harmony.symbols import Family, Harmony
from studio.music.melody.recipes import read_keep
from studio.music.scores.keys import Key
from studio.music.scores.tunes import Tune
from studio.music.songs.loops import ChordLoops
from studio.music.songs.plan import SheetPlan
from studio.music.songs.recipes import SongRecipe, in_time, read_changes, read_row
from studio.music.songs.rows import LaidRow
from studio.music.songs.rules import EARLIER_FORMS, drawing_rules, since
from studio.music.songs.sung import ChordsOver

USUAL_COPY = 12
"""Chords in a row that may be as in one song: ii V I and its like belong to everybody."""

PLACES = 0.65
"""How much the place of a bar in its section counts."""


CHANGES = 0.32
"""By how much (a logarithm) each new chord is favoured: chords that sing best are chosen, and those are the
ones that stay; so drawn songs change their chords as often as those of the style.
"""

JUDGED = 12
"""Rows for each one that is asked for, where the likeliest for the style's sections are taken."""

NEAR_KINDS, LEAST = 0.7, 20.0
"""How many different triads more or less are still about as many; and what no weight goes below (minus a
logarithm), so that there is always a row to take.
"""

RARE, RARELY = 0.01, 2.0
"""Kinds of chords that are fewer than this share of the style's chords, and by how much (a logarithm) they
are rarer in songs whose chords go round, which play them again and again.
"""

LOOPS_TRIED = 6
"""Bars that are weighed against each other where chords go round."""

ROUNDS = 2
"""How often other bars are drawn that go round, where no chords do as was drawn."""

FEWEST_BARS = 4
"""Bars of a section that say what it is like."""

LOOSER = (18, 24, 32)
"""Copy limits that are tried one after the other where nobody asked for one and every row is over it."""


def _check_limit(most: int, idiom: HarmonyIdiom) -> None:
    """Raises `Contradiction` for a limit that an idiom cannot tell: by earlier rules it was not kept."""
    least = idiom.least_copy
    if most < least:
        raise Contradiction(
            f"{idiom.title} comes as counts, which cannot tell copies of fewer than {least} chords; "
            f"allow {least} or more, or take chords from songs of your own.",
            [AskedFor("max_chord_copy", most, f"at most {most} chords in a row")],
            [WayOut(f"Allow {least} chords", "max_chord_copy", least)],
        )


@dataclass(frozen=True)
class DrawnRows:
    """Rows of chords as symbols, and the copy limit that they keep."""

    rows: tuple[list[int], ...]
    limit: int


@dataclass(frozen=True)
class AskedChords:
    """One thing that was asked of the chords: the recipe's field, its value, and how to be rid of it."""

    field: str
    value: Any
    name: str
    way_out: WayOut | None


MOST_SWINGS, SWINGING = 2, 0.3
"""G D7 G D7 is two swings. Of sections of eight bars, a tenth of the style's have more, and twice as many
draws had: a chain does not know how often it has been there. SWINGING is how often such a section is taken.
"""


ASTRAY = 4.0
"""By how much (a logarithm) a section in the other mode is avoided in which its tonic's chord never sounds:
nobody would hear its key.
"""


AGAIN = 1.5
"""By how much (a logarithm) each bar is avoided that sounds as an earlier one, though what goes round says
that it is new.
"""


def swings(chords: Sequence[Harmony]) -> int:
    """How often in a row the same two chords follow each other at most: 3 in G D7 G D7 G D7 C. A chord is
    what it is whatever its bass and whether it is a dominant.
    """
    plain = [(each.root, Family.MAJOR if each.family == Family.DOMINANT else each.family) for each in chords]
    changes = [chord for chord, _ in groupby(plain)]
    most, run = min(1, len(changes) // 2), 2
    for before, here in zip(changes, changes[2:], strict=False):
        run = run + 1 if before == here else 2
        most = max(most, run // 2)
    return most


@dataclass(frozen=True, eq=False)
class ChordRequest:
    """What is asked of the chords of a song.

    idiom: knows every chord that was given. hard: named requirements, `asked` says where each comes from.
    usual: what songs do, which gives way, the last first. given: for each bar the chords a person gave, or
    None. max_copy: in chords. copy_asked: a person asked for that limit. heard: [ticks, alphabet], how well
    chords fit what is kept of a melody; None where none is. judged: rows are chosen whose sections are like
    the style's (`harmony.character`), as songs of 0.4.0 were not. loops: what goes round in the songs of the
    style; None where nothing is known of it, and by rules before 6. varied: rows in which two chords swing
    to and fro are taken less often, see `swings`; not so by rules before 10. moving: and so are those that
    stay on a chord, see `character.LONG`; not so by rules before 11. as_many: rows have about as many
    different triads as one of the style's songs of that length; not so by rules before 12. as_daring: each
    row is about as daring as asked; by rules before 13 rows were on average. closing: sections come to a
    close as phrases of chorales do; by rules before 14 only the last did. begins_at_once: the melody begins
    with the first bar.
    """

    plan: SheetPlan
    idiom: HarmonyIdiom
    hard: tuple[Requirement, ...]
    usual: tuple[Requirement, ...]
    asked: tuple[AskedChords, ...]
    given: tuple[tuple[ChordEvent, ...] | None, ...]
    max_copy: int
    copy_asked: bool
    daring: float | None
    heard: Floats | None = None
    judged: bool = True
    loops: ChordLoops | None = None
    varied: bool = False
    moving: bool = False
    as_many: bool = False
    as_daring: bool = False
    closing: bool = False
    begins_at_once: bool = False
    tilts: list[float] = field(default_factory=list)
    solvers: dict[tuple[int, int | None], Solve | None] = field(default_factory=dict)
    """What `solver` found."""

    @classmethod
    def of(
        cls,
        recipe: SongRecipe,
        plan: SheetPlan,
        idiom: HarmonyIdiom,
        take: Tune | None = None,
        kept: KeptChords | None = None,
        *,
        judged: bool = True,
        loops: ChordLoops | None = None,
        begun: bool = True,
    ) -> ChordRequest:
        """begun: a chord that is given is heard in its bar, see `_bar_mask`. Raises `Refused` for chords that
        do not fit the plan.
        """
        if recipe.max_chord_copy is not None and since(drawing_rules(recipe), "10"):
            _check_limit(recipe.max_chord_copy, idiom)
        laid = LaidRow.of(recipe)
        given = _in_their_bars(_given(recipe, plan, idiom, laid, take, kept), idiom)
        known = idiom.with_events(_runs(given))
        ticks = plan.bars * known.bar
        plain = since(drawing_rules(recipe), "13") and idiom.ends_plainly
        closing = since(drawing_rules(recipe), "14") and idiom.ends_plainly and not plan.sevenths
        hard: list[Requirement] = [each for each in (known.playable(ticks),) if each is not None]
        asked: list[AskedChords] = []
        for number, events in enumerate(given):
            if events is not None:
                name = f"the chords of bar {number + 1}"
                hard.append(Requirement(name, allowed=_bar_mask(known, ticks, number, given, begun)))
                field, value = _asked_by(recipe)
                without = _without(recipe.chords, laid.at.get(number))
                way = WayOut(f"Leave bar {number + 1} open", "chords", without)
                asked.append(AskedChords(field, value, name, way if recipe.chords else None))
        if recipe.chord_changes is not None:
            fewest, most = read_changes(recipe.chord_changes)
            name = f"{fewest} to {most} chords a bar"
            hard.append(Requirement(name, listener=_changes(known, fewest, most)))
            way = WayOut(f"Leave out {name}", "chord_changes", None)
            asked.append(AskedChords("chord_changes", recipe.chord_changes, name, way))
        for bar, root in plan.anchors:
            name = f"the form {recipe.form}"
            mask = _rooted(known, ticks, bar, root)
            hard.append(Requirement(f"{name} in bar {bar + 1}", allowed=mask))
            way = WayOut("Take another form", "form", "AABA")
            asked.append(AskedChords("form", recipe.form, f"{name} in bar {bar + 1}", way))
        simple = since(drawing_rules(recipe), "14") and idiom.simple
        hard += _kept_where_possible(known, plan, ticks, given, hard, simple=simple)
        return cls(
            plan,
            known,
            tuple(hard),
            (
                *(_of_form(known, plan, ticks) if judged else ()),
                *_usual(known, plan, ticks),
                *(_at_rest(known, plan, ticks, plain=plain) if since(drawing_rules(recipe), "11") else ()),
                *(_as_chorales_do(known, plan, ticks) if closing else ()),
            ),
            tuple(asked),
            given,
            recipe.max_chord_copy or USUAL_COPY,
            recipe.max_chord_copy is not None,
            recipe.daring,
            kept.heard(known, plan) if kept is not None else None,
            judged,
            loops,
            varied=since(drawing_rules(recipe), "10"),
            moving=since(drawing_rules(recipe), "11"),
            as_many=since(drawing_rules(recipe), "12"),
            as_daring=since(drawing_rules(recipe), "13"),
            closing=closing and not idiom.simple,
            begins_at_once=closing,
        )

    @property
    def ticks(self) -> int:
        return self.plan.bars * self.idiom.bar

    @property
    def settled(self) -> list[int] | None:
        """The one row there is, where every bar was given; otherwise None."""
        if any(events is None for events in self.given):
            return None
        return [self.idiom.number[event] for events in self.given for event in events or ()]

    def solver(self, lowest: int = 1, copies: int | None = None) -> Solve | None:
        """What `laying.lay` needs: everything that is asked for, with more requirements; None where nothing
        satisfies it.

        lowest: how many events back every step looks at least. copies: a copy limit that is searched with.
        """
        if (lowest, copies) not in self.solvers:
            self.solvers[lowest, copies] = self._solver(lowest, copies)
        return self.solvers[lowest, copies]

    def _solver(self, lowest: int, copies: int | None) -> Solve | None:
        limit = [Requirement("the copy limit", listener=self.idiom.copies(copies))] if copies else []
        hard = [*self.hard, *limit]
        listeners = _listening(hard)
        weight = self.idiom.weights(self.plan.kinds, PLACES) * np.exp(CHANGES * ~self.idiom.carries)
        if self.heard is not None:
            weight = weight * self.heard
        if self.loops is not None:
            weight = weight * np.where(self._of_rare_kind, np.exp(-RARELY), 1.0)
        where = Requirement("what is played where", weight=weight)
        trellis = self.idiom.trellis(self.idiom.walk(lowest), listeners)
        if self.daring is not None:
            trellis = self._tempered(trellis, [*hard, where])
        usual = list(self.usual)
        while True:
            if solve(trellis, self.ticks, [*hard, *usual, where]).feasible:
                return _solver(trellis, self.ticks, merged(trellis, self.ticks, [*hard, *usual, where]))
            if not usual:
                return None
            usual.pop()

    @property
    def _of_rare_kind(self) -> Mask:
        """[alphabet]: chords of a kind that hardly any chord of the style is of: one song's own, such as
        sus4(b7,9), which is at home there and strange among the chords of others.
        """
        return self.idiom.rare_kinds(RARE)

    def _tempered(self, trellis: Trellis, requirements: Sequence[Requirement]) -> Trellis:
        """The chain tilted so that rows are as daring as asked, as `harmonise.Harmonisation.tempered`
        does.
        """
        assert self.daring is not None
        wanted, (low, high) = self.idiom.bits_at(self.daring), (-1.5, 3.0)
        if self.tilts:  # found before, with a longer or shorter memory
            return self.idiom.tilted(trellis, self.tilts[0], wanted)
        random = np.random.default_rng(0)
        for _ in range(6):
            tilt = (low + high) / 2
            found = solve(self.idiom.tilted(trellis, tilt, wanted), self.ticks, requirements)
            if not found.feasible:
                return trellis
            rows = [[s for s in row.tolist() if s >= 0] for row in found.sample(16, random)]
            bits = float(np.mean([self.idiom.bits(row) for row in rows]))
            low, high = (tilt, high) if bits > wanted else (low, tilt)
        self.tilts.append((low + high) / 2)
        return self.idiom.tilted(trellis, self.tilts[0], wanted)

    def rows(self, count: int, random: np.random.Generator) -> DrawnRows:
        """Up to `count` rows that satisfy everything, drawn independently; one where all chords were given.

        Every step looks back one chord at least; where that leaves no way, at none. A copy limit that nobody
        asked for is loosened where every row exceeds it. Raises `Contradiction` where there is no row.
        """
        settled = self.settled
        if settled is not None:
            if not all(self._accepts(each.listener, settled) for each in self.hard if each.listener):
                raise self._contradiction(self.hard)
            return DrawnRows((settled,), self.max_copy)
        limits = (self.max_copy,) if self.copy_asked else (self.max_copy, *LOOSER)
        feasible = False
        for limit in limits:
            for returns in self._ways_to_return(random):
                for lowest, copies in ((1, None), (2, limit), (0, None)):
                    if copies and not self.idiom.searchable:
                        continue
                    solved = self.solver(lowest, copies)
                    if solved is None:
                        continue
                    feasible = True
                    if found := self._rows_of(solved, returns, limit, count, random):
                        return DrawnRows(tuple(found), limit)
        if not feasible:
            raise self._contradiction(self.hard)
        raise Contradiction(
            f"The form {self.plan.letters} is not possible with these chords: none of their progressions "
            f"returns as it asks and has at most {limits[-1]} chords in a row as in the style; choose "
            "another form, allow more, or leave more bars open.",
            [
                AskedFor("form", self.plan.letters, f"the form {self.plan.letters}"),
                AskedFor("max_chord_copy", limits[-1], f"at most {limits[-1]} chords in a row"),
            ],
            [WayOut("Take one section", "form", "through")],
        )

    def _ways_to_return(self, random: np.random.Generator) -> Iterator[Mapping[int, Sequence[int]]]:
        """Which bars are equal to which: what goes round in the sections, and, where no chords do, what the
        form alone says.
        """
        if self.loops is not None:
            for _ in range(ROUNDS):
                yield self.loops.returns(self.plan, random)
        yield self.plan.returns

    def _rows_of(
        self,
        solved: Solve,
        returns: Mapping[int, Sequence[int]],
        limit: int,
        count: int,
        random: np.random.Generator,
    ) -> list[list[int]]:
        """Up to `count` rows within a copy limit in which these bars return."""
        bars = BarSymbols(self.idiom.ticks, self.idiom.bar, self.idiom.twins)

        def accept(row: Sequence[int]) -> bool:
            return self.idiom.keeps(row, limit) and (not self.plan.degrees or self._carries_on(row))

        round_again = self.loops is not None and returns is not self.plan.returns
        kinds = self.loops.kinds_of_a_song(self.plan, random) if self.loops and round_again else None
        if kinds is None and self.as_many:
            like = self.idiom.song_of_length(self.plan.bars, random, FEWEST_EVENLY)
            kinds = None if like is None else self.idiom.kinds_in(like)

        def judge(drawn: Sequence[Music]) -> Floats:
            roots = list(returns)
            laid = [dict(zip(roots, music, strict=True)) for music in drawn]
            found = self._judge(laid, set(roots))
            return found * self._going_round(laid, returns, kinds) if round_again else found

        tries = max(8, (4 if self.judged else 2) * count)
        if not self.judged:
            return lay(solved, returns, bars, random, count=count, tries=tries, accept=accept)
        many = count * JUDGED
        if round_again:
            tries, many = LOOPS_TRIED, count * JUDGED // 4
        found = lay(solved, returns, bars, random, count=many, tries=tries, accept=accept, judge=judge)
        return self._best(found, count, random, returns, kinds)

    def _carries_on(self, row: Sequence[int]) -> bool:
        """Whether each chord that is carried on is the one before it: where steps look back at nothing, it
        may be another, which nobody would hear.
        """
        events = [self.idiom.events[symbol] for symbol in row]
        return all(not b.carries or a.harmony == b.harmony for a, b in pairwise(events))

    def _going_round(
        self,
        drawn: Sequence[Mapping[int, tuple[int, ...]]],
        returns: Mapping[int, Sequence[int]],
        kinds: int | None,
    ) -> Floats:
        """[draws]: how often draws of the bars that go round should be taken: hardly ever where what ends a
        bar never leads to what begins the next, and seldom where there are not about `kinds` triads.
        """
        root_of = {place: root for root, copies in returns.items() for place in (root, *copies)}
        meet = {(root_of[bar], root_of[bar + 1]) for bar in root_of if bar + 1 in root_of}
        logs = np.zeros(len(drawn))
        for number, bars in enumerate(drawn):
            follows = (self.idiom.follows(bars[one][-1], bars[other][0]) for one, other in meet)
            if not all(follows):
                logs[number] = -LEAST
            elif kinds is not None:
                found = len(self.idiom.triads_in([symbol for bar in bars.values() for symbol in bar]))
                logs[number] = max(-0.5 * ((found - kinds) / NEAR_KINDS) ** 2, 1 - LEAST)
            if self.moving:
                logs[number] -= self._monotony(bars, returns)
        weights: Floats = np.exp(logs)
        return weights

    def _monotony(self, bars: Mapping[int, tuple[int, ...]], returns: Mapping[int, Sequence[int]]) -> float:
        """By how much (a logarithm) these bars are avoided: for each that sounds as an earlier one of its
        section, though it returns to none, and for each section that is one chord.
        """
        copies = {copy for places in returns.values() for copy in places}
        root_of = {place: root for root, places in returns.items() for place in places}
        found = 0.0
        for part in self.plan.sections:
            own = [
                bar for bar in range(part.first, part.first + part.bars) if bar in bars and bar not in copies
            ]
            found += AGAIN * (len(own) - len({self._sound(bars[bar]) for bar in own}))
            whole = {bar: root_of.get(bar, bar) for bar in range(part.first, part.first + part.bars)}
            if all(bar in bars for bar in whole.values()):
                events = [self.idiom.events[symbol] for bar in whole.values() for symbol in bars[bar]]
                found += DWELLING * (len({event.harmony for event in events}) == 1)
        return found

    def _sound(self, symbols: Sequence[int]) -> tuple[tuple[Harmony, int], ...]:
        """What is heard in a bar: its chords and their ticks, however it begins."""
        events = [self.idiom.events[symbol] for symbol in symbols]
        return tuple((event.harmony, event.ticks) for event in events)

    def _best(
        self,
        rows: Sequence[list[int]],
        count: int,
        random: np.random.Generator,
        returns: Mapping[int, Sequence[int]],
        kinds: int | None,
    ) -> list[list[int]]:
        """`count` of these rows, taken as often as the sections that come once say. kinds: about how many
        different triads they should have, None for any number.
        """
        if len(rows) <= count:
            return list(rows)
        again = {copy for copies in returns.values() for copy in copies}
        once = set(range(self.plan.bars)) - set(returns) - again
        drawn = [dict(enumerate(in_bars(row, self.idiom.ticks, self.idiom.bar))) for row in rows]
        weights = self._judge(drawn, once)
        if kinds is not None:
            found = np.array([len(self.idiom.triads_in(row)) for row in rows])
            weights = weights * np.exp(np.maximum(-0.5 * ((found - kinds) / NEAR_KINDS) ** 2, -LEAST))
        if self.as_daring and self.daring is not None:
            logs = self.idiom.log_near(rows, self.daring)
            weights = weights * np.exp(np.maximum(logs - logs.max(), -LEAST))
        if self.moving and returns is not self.plan.returns:
            logs = np.array([self._monotony(bars, returns) for bars in drawn])
            weights = weights * np.exp(logs.min() - logs)
        chosen = random.choice(len(rows), size=count, replace=False, p=weights / weights.sum())
        return [rows[number] for number in chosen]

    def _judge(self, drawn: Sequence[Mapping[int, tuple[int, ...]]], bars: Set[int]) -> Floats:
        """[draws]: from bars to their symbols, judged by those different sections that lie in `bars`."""
        logs = np.zeros(len(drawn))
        known: set[str] = set()
        last = self.plan.sections[-1].letter
        for section in self.plan.sections:
            inside = [bar for bar in range(section.first, section.first + section.bars) if bar in bars]
            if section.letter in known or len(inside) < FEWEST_BARS:
                continue
            known.add(section.letter)
            figures = [
                chord_figures([[self.idiom.events[s] for s in one[bar]] for bar in inside], self.idiom.bar)
                for one in drawn
            ]
            character = self.idiom.character_at(section.first)
            logs += character.log_weights(figures)
            if self.moving:
                logs -= DWELLING * character.stays_long([row[LONGEST_STAY] for row in figures])
            if is_minor(section.key.mode) != is_minor(self.plan.key.mode):
                logs -= [ASTRAY * (not self._comes_home(one[bar] for bar in inside)) for one in drawn]
            if self.closing and section.first + section.bars - 1 in bars and section.letter != last:
                logs += [self._led([symbol for bar in inside for symbol in one[bar]]) for one in drawn]
            if self.varied:
                logs += [self._swinging([symbol for bar in inside for symbol in one[bar]]) for one in drawn]
        found: Floats = np.exp(logs - logs.max())
        return found

    def _comes_home(self, bars: Iterable[Sequence[int]]) -> bool:
        """Whether the tonic's chord sounds in some of these bars."""
        return any(self.idiom.root[symbol] == 0 for bar in bars for symbol in bar)

    def _led(self, symbols: Sequence[int]) -> float:
        """The logarithm of how often a section is taken by how its last chord is led to."""
        chords = [chord for chord, _ in groupby(self.idiom.events[symbol].harmony for symbol in symbols)]
        return float(np.log(leads(chords[-2] if len(chords) > 1 else None, chords[-1])))

    def _swinging(self, symbols: Sequence[int]) -> float:
        """The logarithm of how often a section is taken in which two chords swing to and fro."""
        most = swings([self.idiom.events[symbol].harmony for symbol in symbols])
        return float(np.log(SWINGING)) if most > MOST_SWINGS else 0.0

    @staticmethod
    def _accepts(listener: Listener, row: Sequence[int]) -> bool:
        (letters,) = listener.viewpoint.letters_of([list(row)])
        return listener.automaton.accepts(letters.tolist())

    def _contradiction(self, hard: Sequence[Requirement]) -> Contradiction:
        found = explain(self.idiom.walk(0), self.ticks, hard, build=self.idiom.trellis, checks=60)
        known = {each.name: each for each in self.asked}
        limit = AskedChords(
            "max_chord_copy",
            self.max_copy,
            f"at most {self.max_copy} chords in a row as in the style",
            WayOut(f"Allow {self.max_copy + 4} chords", "max_chord_copy", self.max_copy + 4),
        )
        names = found.requirements if found else ()
        told = [known.get(name, limit) for name in names]
        title = self.idiom.title
        if not told:
            return Contradiction(
                f"The chords of {title} cannot be joined to fill {self.plan.bars} bars; choose "
                "another number of bars.",
                [AskedFor("bars", self.plan.bars, f"{self.plan.bars} bars")],
            )
        said = " and ".join(each.name for each in told)
        together = "together" if len(told) > 1 else "here"
        return Contradiction(
            f"{title} cannot have {said} {together}; leave one of them out or change it.",
            [AskedFor(each.field, each.value, each.name) for each in told],
            [each.way_out for each in told if each.way_out is not None],
        )

    def over(self, row: Sequence[int], tick: Fraction) -> ChordsOver:
        """The chords of a row under a melody whose ticks are `tick` quarter notes."""
        bars = []
        for symbols in in_bars(row, self.idiom.ticks, self.idiom.bar):
            events = [self.idiom.events[symbol] for symbol in symbols]
            bars.append(
                [
                    (
                        event.place * self.idiom.tick,
                        (event.place + event.ticks) * self.idiom.tick,
                        event.harmony,
                    )
                    for event in events
                ]
            )
        return ChordsOver.of(bars, [key.tonic for key in self.plan.keys], tick)


def _solver(trellis: Trellis, ticks: int, base: Sequence[Requirement]) -> Solve:
    return lambda more: solve(trellis, ticks, [*base, *more])


def locked(
    recipe: SongRecipe, keys: Sequence[Key], idiom: HarmonyIdiom, *, begun: bool = True
) -> tuple[HarmonyIdiom, list[Requirement], list[str]]:
    """The chords and numbers of chords that a recipe asks for over given bars: the idiom that knows them, the
    requirements, and their names. keys: of each bar. begun: see `_bar_mask`.
    """
    row = read_row(recipe.chords)
    given = list(
        _joined(
            [_written(words, key, idiom) if words else None for words, key in zip(row, keys, strict=False)]
        )
    )
    known = idiom.with_events(_runs(given))
    ticks = len(keys) * known.bar
    found = [
        Requirement(f"the chords of bar {number + 1}", allowed=_bar_mask(known, ticks, number, given, begun))
        for number, events in enumerate(given)
        if events is not None
    ]
    if recipe.chord_changes is not None:
        fewest, most = read_changes(recipe.chord_changes)
        found.append(Requirement(f"{fewest} to {most} chords a bar", listener=_changes(known, fewest, most)))
    return known, found, [each.name for each in found]


@dataclass(frozen=True)
class KeptChords:
    """What is kept of earlier songs, as far as chords are concerned. tune: in the new song's bars. chords:
    bars (from 0) whose chords are kept. melody: bars whose melody is kept while their chords are asked again.
    """

    tune: Tune
    chords: frozenset[int]
    melody: frozenset[int]
    fit: Fit

    def heard(self, idiom: HarmonyIdiom, plan: SheetPlan) -> Floats | None:
        """[ticks, alphabet]: how likely the kept melody is over each chord; None where every chord over it is
        kept too. As in harmonising (`harmonise.Harmonisation`).
        """
        if not self.melody:
            return None
        bars = self.tune.bars()
        spans = [(bar.start, bar.end) for bar in bars]
        tonics = tuple(key.tonic for key in plan.keys)
        fits = self.fit.of_melody(self.tune, spans, tonics, idiom.bar)
        for bar in set(range(plan.bars)) - self.melody:
            fits[bar * idiom.bar : (bar + 1) * idiom.bar] = 0
        asked = Harmonisation(self.tune, idiom, bars, tonics, fits, changes=0.0)
        return asked.emission.weight


def _asked_by(recipe: SongRecipe) -> tuple[str, Any]:
    """The field that gives chords, and its value."""
    if recipe.chords:
        return "chords", recipe.chords
    fields = ("keep", "keep_sections", "keep_chords", "keep_parts")
    name = next((name for name in fields if getattr(recipe, name)), "keep")
    return name, list(getattr(recipe, name))


def _given(
    recipe: SongRecipe,
    plan: SheetPlan,
    idiom: HarmonyIdiom,
    laid: LaidRow,
    take: Tune | None,
    kept: KeptChords | None = None,
) -> tuple[tuple[ChordEvent, ...] | None, ...]:
    """For each bar, the chords that were written in the recipe or that a kept bar of the take has."""
    found = _of_earlier(recipe, plan, idiom, take, kept)
    for number in laid.at:
        if number >= plan.bars:
            raise Refused(
                f"{len(laid.row)} bars of chords were given for a song of {plan.bars}; make it "
                f"{len(laid.row)} bars, or give fewer chords."
            )
        if (words := laid.words(number)) is not None:
            found[number] = _written(words, plan.keys[number], idiom)
    # A bar that returns has the chords of the bar it returns to.
    for root, copies in plan.returns.items():
        places = [root, *copies]
        asked = [found[place] for place in places if found[place] is not None]
        if asked and any(each != asked[0] for each in asked):
            first, other = [place for place in places if found[place] is not None and found[place]][:2]
            how = "given or kept" if kept else "given"
            less = ", keep less" if kept else ""
            raise Refused(
                f"Bars {first + 1} and {other + 1} are the same bar in the form {plan.letters}, but "
                f"different chords were {how} for them; give the same{less}, or choose another form."
            )
        for place in places:
            found[place] = asked[0] if asked else None
    return tuple(_joined(found))


def _in_their_bars(
    given: Iterable[tuple[ChordEvent, ...] | None], idiom: HarmonyIdiom
) -> tuple[tuple[ChordEvent, ...] | None, ...]:
    """The same as the idiom calls them, whose keys may be of both modes."""
    return tuple(
        None if events is None else tuple(idiom.in_bar(event, bar) for event in events)
        for bar, events in enumerate(given)
    )


def _of_earlier(
    recipe: SongRecipe, plan: SheetPlan, idiom: HarmonyIdiom, take: Tune | None, kept: KeptChords | None
) -> list[tuple[ChordEvent, ...] | None]:
    """For each bar, the chords that are kept of a take or an earlier song."""
    found: list[tuple[ChordEvent, ...] | None] = [None] * plan.bars
    if take is not None:
        changes = chord_changes(take)
        for text in recipe.keep:
            there, here = read_keep(text)
            for offset in range(there.bars):
                bar = next((b for b in take.bars() if b.number == here.first + offset), None)
                place = there.first - 1 + offset
                if bar is None or place >= plan.bars or not changes:
                    continue
                found[place] = events_in_bar(changes, bar, plan.keys[place].tonic, idiom)
    if kept is not None and kept.chords:
        changes = chord_changes(kept.tune)
        for bar in kept.tune.bars():
            if bar.number - 1 in kept.chords:
                found[bar.number - 1] = events_in_bar(changes, bar, plan.keys[bar.number - 1].tonic, idiom)
    return found


def _joined(bars: Sequence[tuple[ChordEvent, ...] | None]) -> Iterator[tuple[ChordEvent, ...] | None]:
    """The same, where a bar that begins with the chord before it carries that on."""
    before: Harmony | None = None
    for events in bars:
        if events is None:
            before = None
            yield None
            continue
        first = replace(events[0], carries=events[0].harmony == before)
        before = events[-1].harmony
        yield (first, *events[1:])


def _written(words: Sequence[str], key: Key, idiom: HarmonyIdiom) -> tuple[ChordEvent, ...]:
    events = []
    for symbol, start, end in in_time(list(words), idiom.meter):
        harmony = Harmony.of(symbol, key.tonic)
        assert harmony is not None  # the recipe has checked it
        first, last = int(start / idiom.tick), int(end / idiom.tick)
        if first == last:
            raise Refused(
                f"{len(words)} chords are too many for a bar of {idiom.meter}: chords change on eighth "
                f"notes at the finest, so give it at most {idiom.bar}."
            )
        events.append(ChordEvent(harmony, last - first, first))
    return tuple(events)


def _runs(given: Sequence[tuple[ChordEvent, ...] | None]) -> list[list[ChordEvent]]:
    """Stretches of given bars, as sequences the chain is to know."""
    runs: list[list[ChordEvent]] = [[]]
    for events in given:
        if events is None:
            runs.append([])
        else:
            runs[-1] += events
    return [run for run in runs if run]


def _bar_mask(
    idiom: HarmonyIdiom, ticks: int, number: int, given: Sequence[tuple[ChordEvent, ...] | None], begun: bool
) -> Mask:
    """Exactly the events that are given for that bar. begun: its first chord is carried on only where the bar
    before was given, and ends in it; carried on after any other chord, it would not be heard. By rules before
    6 it was, now and then.
    """
    mask = np.ones((ticks, idiom.alphabet), dtype=bool)
    tick = number * idiom.bar
    mask[tick : tick + idiom.bar] = False
    for place, event in enumerate(given[number] or ()):
        ways = {idiom.number[event], int(idiom.twins[idiom.number[event]])} if place == 0 else set()
        if begun and not (event.carries and number and given[number - 1] is not None):
            ways = {way for way in ways if not idiom.events[way].carries}
        mask[tick, [*(ways or {idiom.number[event]})]] = True
        tick += event.ticks
    return mask


def _rooted(idiom: HarmonyIdiom, ticks: int, bar: int, root: int) -> Mask:
    """The chord that sounds at the beginning of that bar has this root, and is new there or carried on."""
    mask = np.ones((ticks, idiom.alphabet), dtype=bool)
    mask[bar * idiom.bar] = idiom.root == root
    return mask


def _usual(idiom: HarmonyIdiom, plan: SheetPlan, ticks: int) -> tuple[Requirement, ...]:
    """The last chord is the tonic's, on its own bass, for half a bar at least."""
    end = np.ones((ticks, idiom.alphabet), dtype=bool)
    last = slice(ticks - idiom.bar, ticks)
    starts = np.arange(idiom.bar)
    reaches = starts[:, None] + idiom.ticks[None, :] >= idiom.bar
    home = (idiom.root == 0) & (idiom.ticks * 2 >= idiom.bar)
    home &= np.array([event.harmony.bass == 0 for event in idiom.events])
    end[last] = ~reaches | home[None, :]
    for root, copies in plan.returns.items():
        if plan.bars - 1 in copies:  # what ends the song has to close wherever it is played
            end[root * idiom.bar : (root + 1) * idiom.bar] = end[last]
    return (Requirement("the last chord is the tonic", allowed=end),)


RESTLESS, MAJOR_IN_MINOR = 1.5, 4.0
"""By how much (a logarithm) the tonic's chord with a minor seventh is avoided at the end of a song: in major,
where one chart in eight of the sixties ends so (three songs in eight did up to 0.16.0) and no song of the
songbook; and in minor, where its third is foreign.
"""


COLOURED = 9.0
"""The same of any chord on the tonic but a triad, at the end and the beginning of a song in a style whose
songs end on triads (`HarmonyIdiom.ends_plainly`): one in four of the drawn jigs in D ended on Dmaj7.
"""


def restless(idiom: HarmonyIdiom, home: Mask, minor: bool, *, plain: bool = False) -> Floats:
    """[alphabet]: weights for the end of a song, less for dominant sevenths on the tonic. home: [alphabet],
    which chords are on the tonic. plain: less for all but its triads.
    """
    less = np.exp(-(MAJOR_IN_MINOR if minor else RESTLESS))
    weights: Floats = np.where(home & (idiom.family == Family.DOMINANT), less, 1.0)
    return weights * np.where(home & coloured(idiom), np.exp(-COLOURED), 1.0) if plain else weights


def coloured(idiom: HarmonyIdiom) -> Mask:
    """[alphabet]: which chords are no triads."""
    return np.array([not event.harmony.plain for event in idiom.events], dtype=bool)


def _at_rest(
    idiom: HarmonyIdiom, plan: SheetPlan, ticks: int, *, plain: bool = False
) -> tuple[Requirement, ...]:
    """That a song seldom ends on a dominant seventh, unless its form has these throughout. plain: it ends on
    a triad, and begins with one.
    """
    if plan.sevenths:
        return ()
    weight = np.ones((ticks, idiom.alphabet))
    reaches = np.arange(idiom.bar)[:, None] + idiom.ticks[None, :] >= idiom.bar
    minor = is_minor(plan.keys[-1].mode)
    home = idiom.root == 0
    weight[ticks - idiom.bar :] = np.where(reaches, restless(idiom, home, minor, plain=plain)[None, :], 1.0)
    for root, copies in plan.returns.items():
        if plan.bars - 1 in copies:
            weight[root * idiom.bar : (root + 1) * idiom.bar] = weight[ticks - idiom.bar :]
            weight[ticks - idiom.bar :] = 1.0
    if plain:
        weight[0] *= np.where(coloured(idiom), np.exp(-COLOURED), 1.0)
    return (Requirement("an end at rest", weight=weight),)


def _kept_where_possible(
    idiom: HarmonyIdiom,
    plan: SheetPlan,
    ticks: int,
    given: Sequence[tuple[ChordEvent, ...] | None],
    hard: Sequence[Requirement],
    *,
    simple: bool,
) -> list[Requirement]:
    """The chords of the form, and those that accompany fiddle tunes where chords are to be `simple`: what can
    be kept beside all that is asked, so that it need not be explained.
    """
    found: list[Requirement] = []

    def possible(more: Sequence[Requirement], lowest: int) -> bool:
        trellis = idiom.trellis(idiom.walk(lowest), _listening(hard))
        return solve(trellis, ticks, [*hard, *found, *more]).feasible

    degrees = _in_degrees(idiom, plan, ticks, given)
    if degrees and possible(degrees, 0):
        found += degrees
    plain = simple_chords(idiom, ticks, [bar for bar, its in enumerate(given) if its is not None])
    if simple and possible([plain], 1):
        found.append(plain)
    return found


def _as_chorales_do(idiom: HarmonyIdiom, plan: SheetPlan, ticks: int) -> tuple[Requirement, ...]:
    """Sections close as phrases of chorales do, each where it comes first, and the song begins on the tonic
    or the dominant. What ends the song is another matter.
    """
    weight = np.ones((ticks, idiom.alphabet))
    weight[0] = beginning_weights(idiom)
    reaches = np.arange(idiom.bar)[:, None] + idiom.ticks[None, :] >= idiom.bar
    for part in {part.letter: part for part in reversed(plan.sections)}.values():
        end = part.first + part.bars - 1
        if idiom.simple or plan.bars - 1 in (end, *plan.returns.get(end, ())):
            continue
        weight[end * idiom.bar : (end + 1) * idiom.bar] *= np.where(reaches, closing_weights(idiom), 1.0)
    return (Requirement("closes of phrases", weight=weight),)


def simple_chords(idiom: HarmonyIdiom, ticks: int, given: Iterable[int] = ()) -> Requirement:
    """Chords as they accompany fiddle tunes. given: bars (from 0) whose chords a person gave."""
    mask = np.tile(idiom.simply, (ticks, 1))
    for bar in given:
        mask[bar * idiom.bar : (bar + 1) * idiom.bar] = True
    return Requirement("triads and sevenths for half a bar", allowed=mask)


def _of_form(idiom: HarmonyIdiom, plan: SheetPlan, ticks: int) -> tuple[Requirement, ...]:
    """Chords with sevenths, where the form has these throughout: every major chord of a blues is a dominant,
    and so are those that the form names. The last bar may come to rest.
    """
    if not plan.sevenths:
        return ()
    mask = np.ones((ticks, idiom.alphabet), dtype=bool)
    mask[: ticks - idiom.bar] = idiom.family != Family.MAJOR
    if plan.rules != EARLIER_FORMS:
        for bar, _ in plan.anchors:
            mask[bar * idiom.bar] &= idiom.family == Family.DOMINANT
    return (Requirement("dominant sevenths", allowed=mask),)


def _listening(requirements: Sequence[Requirement]) -> tuple[Listener, ...]:
    return tuple(each.listener for each in requirements if each.listener is not None)


def _in_degrees(
    idiom: HarmonyIdiom, plan: SheetPlan, ticks: int, given: Sequence[tuple[ChordEvent, ...] | None]
) -> tuple[Requirement, ...]:
    """The chords of each bar, where the form says them: in major dominant sevenths on I, IV and V. What a
    person gave stays, and the last bar may come to rest.
    """
    if not plan.degrees:
        return ()
    mask = np.ones((ticks, idiom.alphabet), dtype=bool)
    for bar in range(plan.bars):
        if given[bar] is not None:
            continue
        allowed = np.isin(idiom.root, plan.degrees[bar % len(plan.degrees)])
        if not is_minor(plan.key.mode) and bar + 1 < plan.bars:
            allowed &= (idiom.family == Family.DOMINANT) | ~np.isin(idiom.root, (0, 5, 7))
        mask[bar * idiom.bar : (bar + 1) * idiom.bar] = allowed
        before = plan.degrees[(bar - 1) % len(plan.degrees)]
        mask[bar * idiom.bar] &= ~idiom.carries | np.isin(idiom.root, before)
    return (Requirement("the chords of the form", allowed=mask),)


def _changes(idiom: HarmonyIdiom, fewest: int, most: int) -> Listener:
    """Counts the chords that sound in each bar. Letters: 1 for what begins a bar, 0 for what follows in
    it.
    """
    before = most + 1
    table = np.full((most + 2, 2), DEAD)
    for count in range(most + 2):
        if count == before or count >= fewest:
            table[count, 1] = 1
        if count != before and count < most:
            table[count, 0] = count + 1
    automaton = from_table(table, [fewest <= count <= most for count in range(most + 2)], start=before)
    return Listener(each((idiom.place == 0).astype(int), letters=2), automaton)


def _without(chords: str, number: int | None) -> str:
    bars = chords.strip().strip("|").split("|")
    if number is not None:
        bars[number] = " ? "
    return "|".join(bars).strip()
