"""Why a song cannot be: the fewest wishes that conflict, over the whole request.

    found = SongWishes.of(desk)
    found.possible({0, 3})             # whether a song satisfies the wishes 0 and 3
    found.contradiction()              # the fewest that conflict, in one sentence; None where none do

The wishes are all that a person asked for or that holds by default: of the melody, of the chords, the words
of each section, the form, and the rule that dissonances are resolved. Melody and chords each are decided
exactly, every section with all places at which it returns. They meet in the rule about dissonance alone.
Where all chords are given, that is exact too. Where bars are left open, a set of wishes is called possible
when a melody and a row of chords were found that go together, by drawing; it is called impossible when the
bars that are given already rule every melody out, or when none were found. So what is said to conflict has a
proof, but for the rare song that many draws do not find.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from studio.errors import Contradiction, WayOut
from studio.music.chains.conflicts import Conflict, smallest_conflict
from studio.music.chains.markov import Mask
from studio.music.chains.sampling import Requirement, possible, solve
from studio.music.chains.trellis import USUAL_BUDGET
from studio.music.harmony.fit import Leaves
from studio.music.harmony.keyed import IN_THEIR_KEYS
from studio.music.harmony.laying import in_bars
from studio.music.melody.constraints import Constraint, contradiction
from studio.music.songs.plan import SheetPart
from studio.music.songs.recipes import read_changes
from studio.music.songs.rows import LaidRow
from studio.music.songs.sung import ChordsOver, SungIdiom, resolves

if TYPE_CHECKING:
    from studio.music.songs.sheet import SheetDesk

CHECKS = 120
"""Sets of wishes that are tried."""

MELODIES, EACH, ROWS = 24, 6, 6
"""How often bars of a melody are drawn again until all of them have chords, melodies drawn each time, and
rows of chords that are tried then.
"""

KEPT_AGAIN = 0.85
"""Share of the bars with chords that are kept each time."""


@dataclass(frozen=True, eq=False)
class SongWish:
    """One thing that is asked of a song. row, value: what an explanation says of it. melody, chords: what it
    asks of either, over the whole song. bar: whose chords it gives, from 0, or -1. letter: of the section
    whose words it is, or "". form, resolved: it is the form, or the rule about dissonance.
    """

    name: str
    row: Constraint
    value: Any
    melody: Requirement | None = None
    chords: Requirement | None = None
    bar: int = -1
    letter: str = ""
    form: bool = False
    resolved: bool = False


@dataclass(frozen=True, eq=False)
class SongWishes:
    """All wishes of a request, and what was found out about sets of them."""

    desk: SheetDesk
    wishes: tuple[SongWish, ...]
    known: dict[tuple[object, ...], bool] = field(default_factory=dict)

    @classmethod
    def of(cls, desk: SheetDesk) -> SongWishes:
        return cls(desk, (*_of_melody(desk), *_of_chords(desk), *_of_both(desk)))

    def contradiction(self) -> Contradiction | None:
        """The error that names the fewest wishes that conflict; None where no conflict was found."""
        # What melody or chords alone rule out is decided exactly, and much sooner than whether both meet.
        found = smallest_conflict(len(self.wishes), self.possible_apart, checks=CHECKS)
        found = found or smallest_conflict(len(self.wishes), self.possible, checks=CHECKS)
        if found is None:
            return None
        members, proved, tried = found
        everything = frozenset(range(len(self.wishes)))
        remedies = [number for number in sorted(members) if self.possible(everything - {number})]
        names = [self.wishes[number].name for number in sorted(members)]
        conflict = Conflict(
            tuple(names), tuple(self.wishes[number].name for number in remedies), proved, tried + len(members)
        )
        desk = self.desk
        of_chords = members and all(self.wishes[n].chords for n in members)
        title = desk.chords_title if of_chords else desk.sung.style.entry.title
        asked = {wish.name: (wish.row, wish.value) for wish in self.wishes}
        back = 1 if of_chords else desk.side.back
        return contradiction(conflict, replace(desk.compiled, asked=asked), desk.recipe, title, back)

    def fitted(self) -> SheetDesk | None:
        """The request with chords that some melody lies over which does all that is asked; None where none
        was found. For when there are such songs, but so few that rows drawn alone miss them.
        """
        asked = _AskedSong(self, self.wishes)
        if not asked.meet or not all(map(asked.part_possible, asked.parts)):
            return None
        mask = asked.chords_for_a_melody(np.random.default_rng(0))
        if mask is None:
            return None
        request = self.desk.chords
        hard = (*request.hard, Requirement("chords under a melody", allowed=mask))
        return replace(self.desk, chords=replace(request, hard=hard, solvers={}))

    def possible_apart(self, chosen: Set[int]) -> bool:
        """Whether chords alone, and the melody over those that are given, can satisfy these wishes."""
        asked = _AskedSong(self, [self.wishes[number] for number in sorted(chosen)])
        return asked.chords_possible and all(map(asked.part_possible, asked.parts))

    def possible(self, chosen: Set[int]) -> bool:
        """Whether some song satisfies these wishes, by number; see the head of this file."""
        wishes = [self.wishes[number] for number in sorted(chosen)]
        asked = _AskedSong(self, wishes)
        if not asked.chords_possible or not all(asked.part_possible(part) for part in asked.parts):
            return False
        return not asked.meet or asked.go_together()


# What is asked
# ------------------------------------------------------------------------------------------------------------


def _of_melody(desk: SheetDesk) -> Iterable[SongWish]:
    for each in desk.compiled.hard:
        row, value = desk.compiled.asked[each.name]
        yield SongWish(each.name, row, value, melody=each)


def _of_chords(desk: SheetDesk) -> Iterable[SongWish]:
    request = desk.chords
    laid = LaidRow.of(desk.recipe)
    own = {number for number in laid.at if laid.words(number) is not None}
    for each in request.hard:
        asked = next((one for one in request.asked if one.name == each.name), None)
        if asked is None:  # of a request that was fitted, see `SongWishes.fitted`
            continue
        bar = next((n for n in range(request.plan.bars) if each.name == f"the chords of bar {n + 1}"), -1)
        if bar < 0 or not own or bar in own:
            yield SongWish(
                each.name, _row(asked.field, each.name, asked.way_out), asked.value, chords=each, bar=bar
            )
    if request.copy_asked and request.idiom.searchable:
        most = request.max_copy
        name = f"at most {most} chords in a row as in the style"
        way = WayOut(f"Allow {most + 4} chords", "max_chord_copy", most + 4)
        limit = Requirement(name, listener=request.idiom.copies(most))
        yield SongWish(name, _row("max_chord_copy", name, way), most, chords=limit)


def _of_both(desk: SheetDesk) -> Iterable[SongWish]:
    from studio.music.songs.sheet import RESOLVED
    from studio.music.songs.sung_words import WORDS

    plain = list(dict.fromkeys(part.letter.rstrip("'") for part in desk.plan.sections))
    if len(plain) < len(desk.plan.sections):
        name = f"the form {desk.recipe.form}"
        row = _row("form", name, WayOut("Take one section", "form", "through"))
        yield SongWish(name, row, desk.recipe.form, form=True)
    if desk.recipe.dissonance == "resolved":
        yield SongWish(RESOLVED.name(None), RESOLVED, "resolved", resolved=True)
    for letter in plain if desk.words is not None else ():
        if desk.words is not None and desk.words.lines.get(letter):
            yield SongWish(WORDS.name(letter), WORDS, letter, letter=letter)


def _row(name: str, said: str, way: WayOut | None) -> Constraint:
    """What an explanation says of a wish that is no row of the table of constraints."""
    return Constraint(name, lambda _: said, way_out=lambda _: None if way is None else (way.label, way.value))


# Whether it can be
# ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _AskedSong:
    """A song of which some wishes are asked."""

    all: SongWishes
    wishes: Sequence[SongWish]

    @property
    def desk(self) -> SheetDesk:
        return self.all.desk

    @cached_property
    def meet(self) -> bool:
        """Whether melody and chords have to go together."""
        return any(wish.resolved for wish in self.wishes)

    @cached_property
    def parts(self) -> list[tuple[SheetPart, tuple[int, ...]]]:
        """The sections whose melody is drawn, each with the first bars at which it is played: with the form
        every different one, without it each on its own.
        """
        desk = self.desk
        drawn = {part.letter for part in desk.drawn}
        sections = [part for part in desk.plan.sections if part.letter in drawn]
        if not any(wish.form for wish in self.wishes):
            return [(part, (part.first,)) for part in sections]
        places: dict[str, list[int]] = {}
        for part in sections:
            places.setdefault(part.letter, []).append(part.first)
        return [(part, tuple(places[part.letter])) for part in desk.drawn]

    # Chords

    @cached_property
    def chord_requirements(self) -> list[Requirement]:
        """With the form, the chords of a bar are also those of the bars it returns to."""
        request, found = self.desk.chords, [wish.chords for wish in self.wishes if wish.chords is not None]
        if any(wish.form for wish in self.wishes):
            given = {wish.bar for wish in self.wishes if wish.bar >= 0}
            alike = [{root, *copies} for root, copies in request.plan.returns.items()]
            more = {bar for bars in alike if bars & given for bar in bars} - given
            names = {f"the chords of bar {bar + 1}" for bar in more}
            found += [each for each in request.hard if each.name in names]
        return [*found, *(each for each in request.hard if each.name == IN_THEIR_KEYS)]

    def _quick_trellis(self) -> Any:
        idiom = self.desk.chords.idiom
        listeners = tuple(one.listener for one in self.chord_requirements if one.listener is not None)
        return idiom.trellis(idiom.walk(1), listeners)

    @cached_property
    def chord_trellis(self) -> Any:
        idiom = self.desk.chords.idiom
        listeners = tuple(one.listener for one in self.chord_requirements if one.listener is not None)
        return idiom.trellis(idiom.walk(0), listeners)

    @cached_property
    def chords_possible(self) -> bool:
        if len(self.given) == self.desk.plan.bars:  # which may be what no song of the style has
            return self._settled_row_holds()
        key = ("chords", *sorted(id(each) for each in self.chord_requirements))
        if key not in self.all.known:
            self.all.known[key] = not self.chord_requirements or possible(
                self.chord_trellis, self.desk.chords.ticks, self.chord_requirements, budget=USUAL_BUDGET
            )
        return self.all.known[key]

    def _settled_row_holds(self) -> bool:
        """Whether the one row there is does what is asked of the chords."""
        idiom, tick = self.desk.chords.idiom, 0
        row = [symbol for bar in range(self.desk.plan.bars) for symbol in self.given[bar]]
        for each in self.chord_requirements:
            if each.listener is not None:
                (letters,) = each.listener.viewpoint.letters_of([row])
                if not each.listener.automaton.accepts(letters.tolist()):
                    return False
        for symbol in row:
            masks = [each.allowed for each in self.chord_requirements if each.allowed is not None]
            if not all(mask[tick, symbol] or mask[tick, idiom.twins[symbol]] for mask in masks):
                return False
            tick += int(idiom.ticks[symbol])
        return True

    @cached_property
    def given(self) -> dict[int, list[int]]:
        """Bar (from 0) -> the symbols of its chords, where these were given."""
        names = {each.name for each in self.chord_requirements}
        request = self.desk.chords
        return {
            bar: [request.idiom.number[event] for event in events]
            for bar, events in enumerate(request.given)
            if events is not None and f"the chords of bar {bar + 1}" in names
        }

    # Melody

    def requirements(
        self, part: SheetPart, places: tuple[int, ...], rows: Sequence[Mapping[int, Sequence[int]]]
    ) -> list[Requirement]:
        """What is asked of the melody of a section. rows: bars of the song -> their chords, for every place
        at which these are to be heard.
        """
        from studio.music.songs.sheet import in_section

        desk = self.desk.sung_in(part)
        sung, walk = desk.sung, desk.compiled.context.walk
        asked = [wish.melody for wish in self.wishes if wish.melody is not None]
        if desk.forms is not self.desk.forms:  # of the other mode, whose notes are others
            names = {each.name for each in asked}
            asked = [each for each in desk.compiled.hard if each.name in names]
        found = [
            in_section(self.desk.listened_to_in(each, part), places, part.bars * sung.bar, sung.bar, walk)
            for each in asked
        ]
        if desk.words is not None and any(wish.letter == part.letter.rstrip("'") for wish in self.wishes):
            clock = desk.clocks_of(part)[-1][0]
            found.append(Requirement("words", clock=clock))
        for row, first in zip(rows, places, strict=False) if self.meet else ():
            found.append(Requirement("dissonance", allowed=self._resolving(sung, row, first, part.bars)))
        return found

    def _resolving(self, sung: SungIdiom, row: Mapping[int, Sequence[int]], first: int, bars: int) -> Mask:
        """[bars, alphabet]: what the chords of those bars allow that are known."""
        known = [bar for bar in range(bars) if first + bar in row]
        found = np.ones((bars, sung.alphabet), dtype=bool)
        for bar in known:
            here = self._over(first + bar, row[first + bar], sung.tick)
            found[bar] = sung.resolving_by_bars(here, last=bar == bars - 1)[0]
        if bars - 1 not in known:  # as `SungIdiom.resolving`: nothing follows that would keep a promise
            found[-1] &= (sung.place + sung.ticks < sung.bar) | (sung.leaves == Leaves.STAYS)
        return found

    def _over(self, bar: int, symbols: Sequence[int], tick: Fraction) -> ChordsOver:
        """The chords of one bar under a melody whose ticks are `tick` quarter notes."""
        idiom = self.desk.chords.idiom
        events = [idiom.events[symbol] for symbol in symbols]
        row = [(e.place * idiom.tick, (e.place + e.ticks) * idiom.tick, e.harmony) for e in events]
        return ChordsOver.of([row], [self.desk.plan.keys[bar].tonic], tick)

    def part_possible(self, part: tuple[SheetPart, tuple[int, ...]]) -> bool:
        """Whether a section has a melody, over the chords that are given."""
        section, places = part
        asked = self.requirements(section, places, [self.given] * len(places))
        key = (section.first, section.letter, places, *_signature(asked))
        if key not in self.all.known:
            self.all.known[key] = self._melody(section, asked)
        return self.all.known[key]

    def _melody(self, section: SheetPart, asked: Sequence[Requirement]) -> bool:
        desk = self.desk.sung_in(section)
        sung = desk.sung
        listeners = tuple(one.listener for one in asked if one.listener is not None)
        trellis = sung.trellis(desk.compiled.context.walk, listeners)
        return possible(trellis, section.bars * sung.bar, asked, budget=USUAL_BUDGET)

    # Both

    def go_together(self) -> bool:
        """Whether a melody and a row of chords were found that go together."""
        if len(self.given) == self.desk.plan.bars:
            return True  # `part_possible` has heard all chords
        random = np.random.default_rng(0)
        return self.chords_for_a_melody(random) is not None or self._melodies_for_chords(random)

    def chords_for_a_melody(self, random: np.random.Generator) -> Mask | None:
        """[bars, alphabet of the chords]: what may sound under a melody that was found; None where none was
        found that has chords in every bar.
        """
        desk = self.desk
        mask = np.ones((desk.plan.bars, desk.chords.idiom.alphabet), dtype=bool)
        for section, places in self.parts:
            found = self._with_chords(section, places, random)
            if found is None:
                return None
            for first in places:
                mask[first : first + section.bars] &= found
        asked = [*self.chord_requirements, Requirement("the melody", allowed=mask)]
        # A way that looks back one chord is one, and its search is there already.
        ways = (self._quick_trellis, lambda: self.chord_trellis)
        holds = any(possible(way(), desk.chords.ticks, asked, budget=USUAL_BUDGET) for way in ways)
        return mask if holds else None

    def _with_chords(
        self, section: SheetPart, places: tuple[int, ...], random: np.random.Generator
    ) -> Mask | None:
        """[bars, alphabet of the chords]: what may sound under a melody of a section that has chords in every
        bar. Bars that have some are kept, most of them, while the others are drawn again.
        """
        desk = self.desk.sung_in(section)
        sung = desk.sung
        asked = self.requirements(section, places, [self.given] * len(places))
        trellis = sung.trellis(
            desk.compiled.context.walk, tuple(one.listener for one in asked if one.listener is not None)
        )
        ticks, tonic = section.bars * sung.bar, section.key.tonic
        kept: dict[int, list[int]] = {}
        for _ in range(MELODIES):
            fixed = np.ones((ticks, sung.alphabet), dtype=bool)
            for bar, symbols in kept.items():
                tick = bar * sung.bar
                fixed[tick : tick + sung.bar] = False
                for symbol in symbols:
                    fixed[tick, symbol] = True
                    tick += int(sung.ticks[symbol])
            solution = solve(trellis, ticks, [*asked, Requirement("bars kept", allowed=fixed)])
            best: tuple[int, list[list[int]], list[Mask], list[bool]] | None = None
            for row in solution.sample(EACH, random):
                bars = _bars_of(desk, [symbol for symbol in row.tolist() if symbol >= 0])
                masks = [resolves(sung, own, desk.chords.idiom, tonic) for own in bars]
                good = [
                    self._bar_possible(mask, [first + bar for first in places])
                    for bar, mask in enumerate(masks)
                ]
                if best is None or sum(good) > best[0]:
                    best = sum(good), bars, masks, good
            assert best is not None
            _, bars, masks, good = best
            if all(good):
                return np.array(masks)
            kept = {n: own for n, own in enumerate(bars) if good[n] and random.random() < KEPT_AGAIN}
        return None

    def _bar_possible(self, mask: Mask, bars: Sequence[int]) -> bool:
        """Whether chords of `mask` fill a bar as it is asked at all of these places."""
        idiom = self.desk.chords.idiom
        allowed = mask.copy()
        for bar in bars:
            allowed &= self._chords_at(bar)
        fewest, most = self._changes
        reached: set[tuple[int, int]] = {(0, 0)}
        for symbol in np.flatnonzero(allowed)[np.argsort(idiom.place[allowed], kind="stable")].tolist():
            place, end = int(idiom.place[symbol]), int(idiom.place[symbol] + idiom.ticks[symbol])
            reached |= {(end, count + 1) for tick, count in reached if tick == place and count < most}
        return any(tick == idiom.bar and count >= fewest for tick, count in reached)

    @cached_property
    def _changes(self) -> tuple[int, int]:
        asked = next((wish for wish in self.wishes if wish.row.field == "chord_changes"), None)
        return read_changes(asked.value) if asked is not None else (1, self.desk.chords.idiom.bar)

    def _chords_at(self, bar: int) -> Mask:
        """[alphabet]: the chord events that are allowed in a bar, each at its place."""
        if bar not in self._known_chords:
            idiom = self.desk.chords.idiom
            found = np.ones(idiom.alphabet, dtype=bool)
            for each in self.chord_requirements:
                if each.allowed is not None:
                    found &= each.allowed[bar * idiom.bar + idiom.place, np.arange(idiom.alphabet)]
            self._known_chords[bar] = found
        return self._known_chords[bar]

    @cached_property
    def _known_chords(self) -> dict[int, Mask]:
        return {}

    def _melodies_for_chords(self, random: np.random.Generator) -> bool:
        request = self.desk.chords
        rows = solve(self.chord_trellis, request.ticks, self.chord_requirements).sample(ROWS, random)
        for row in rows:
            symbols = [symbol for symbol in row.tolist() if symbol >= 0]
            bars = dict(enumerate(map(list, in_bars(symbols, request.idiom.ticks, request.idiom.bar))))
            if all(
                self._melody(section, self.requirements(section, places, [bars]))
                for section, places in self.parts
            ):
                return True
        return False


def _bars_of(desk: SheetDesk, symbols: Sequence[int]) -> list[list[int]]:
    return [list(bar) for bar in in_bars(symbols, desk.sung.ticks, desk.sung.bar)]


def _signature(asked: Sequence[Requirement]) -> list[object]:
    """What tells two requests of a section apart: what allows everything there is nothing."""
    found: list[object] = []
    for each in asked:
        if each.allowed is not None and not each.allowed.all():
            found.append(each.allowed.tobytes())
        found += [id(part) for part in (each.listener, each.clock) if part is not None]
    return found
