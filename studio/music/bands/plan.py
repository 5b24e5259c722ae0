"""The plan of a song as the band plays it: bars with their sections and grooves, chords, and the tune between
an intro and an ending.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise

import numpy as np

from studio.errors import Refused
from studio.music.bands.band import Band, Pattern, Role, kind_of_section
from studio.music.scores.bars import Bar, Grid
from studio.music.scores.chords import Chord, ChordAt, parse_chord
from studio.music.scores.keys import Key, KeyAt
from studio.music.scores.meters import Meter
from studio.music.scores.notes import Note
from studio.music.scores.sections import Section, check_sections, kinds_of_sections
from studio.music.scores.tunes import Tune
from studio.music.scores.words import Syllable

ARRANGING_RULES, EARLIER_ARRANGING = "4", "1"
"""How bands play. 1: as in 0.6.0, where every C was a chorus and any other letter but the first a bridge. 2:
a letter that comes back is a chorus, one that comes once a bridge (`sections.kinds_of_sections`). 3: nobody
is silent for a whole song (`arranging.sections_of`), and degrees and ninths that are not of the chord are of
the key. A player of chords has their third though the tune begins on it. 4: no counter-line goes on alone
after the last stroke of an ending (`arranging.ended_together`). A work says by which it was made.
"""

BEFORE_KEYS = ("1", "2")
"""The rules by which degrees were those of major."""

BEFORE_ENDING_TOGETHER = (*BEFORE_KEYS, "3")
"""Those by which a trombone could play on alone."""


@dataclass(frozen=True)
class PlannedBar:
    """A bar of the song. role: what the band does. kind: of its section ("verse", "chorus" …). section:
    number of the section, from 1; 0 for intro and ending. groove: its pattern, and index, which bar of it
    this is. place: which bar of its section it is, from 0.
    """

    bar: Bar
    role: Role
    kind: str
    section: int
    groove: Pattern
    index: int
    place: int


@dataclass(frozen=True)
class ChordSpan:
    """A chord and how long it holds. chord: None where none sounds."""

    start: Fraction
    end: Fraction
    chord: Chord | None


@dataclass(frozen=True)
class SongPlan:
    """What all players share. All places are those of the song with its intro."""

    band: Band
    bars: tuple[PlannedBar, ...]
    spans: tuple[ChordSpan, ...]
    chords: tuple[ChordAt, ...]
    keys: tuple[KeyAt, ...]
    grid: Grid
    sections: tuple[Section, ...]
    tune: tuple[Note, ...]
    """The sounding notes of the tune."""
    words: tuple[Syllable, ...]
    tune_start: Fraction
    tune_end: Fraction
    end: Fraction
    rules: str = ARRANGING_RULES

    def span_at(self, place: Fraction) -> ChordSpan | None:
        """The chord that sounds then; None where none does."""
        found = bisect_right(self.spans, place, key=lambda span: span.start) - 1
        if found < 0 or self.spans[found].end <= place or self.spans[found].chord is None:
            return None
        return self.spans[found]

    def span_after(self, span: ChordSpan) -> ChordSpan | None:
        """The chord that follows at once, if it is another one."""
        after = self.span_at(span.end)
        return after if after and after.chord != span.chord else None

    def key_at(self, place: Fraction) -> Key:
        return self.keys[max(0, bisect_right(self.keys, place, key=lambda change: change.start) - 1)].key

    def tune_at(self, place: Fraction) -> Note | None:
        """The note of the tune that sounds then."""
        found = bisect_right(self.tune, place, key=lambda note: note.start) - 1
        return self.tune[found] if found >= 0 and self.tune[found].end > place else None

    def tune_before(self, place: Fraction) -> Note | None:
        """The note of the tune that sounds just before."""
        found = bisect_right(self.tune, place, key=lambda note: note.start) - 1
        if found >= 0 and self.tune[found].start == place:
            found -= 1
        return self.tune[found] if found >= 0 and self.tune[found].end >= place else None

    def loudness(self, bar: PlannedBar) -> int:
        """Steps of velocity by which a bar is louder or softer: by its kind of section, and the last one
        again."""
        dynamics = self.band.dynamics
        last = max(each.section for each in self.bars)
        again = dynamics.get("last", 0) if bar.section == last and last > 1 else 0
        return dynamics.get(bar.kind, 0) + again

    def bar_at(self, place: Fraction) -> PlannedBar:
        """The bar at this place; before the first, the first."""
        return self.bars[max(0, bisect_right(self.bars, place, key=lambda each: each.bar.start) - 1)]

    def tune_within(self, start: Fraction, end: Fraction) -> tuple[Note, ...]:
        """The notes of the tune that sound there."""
        first = max(0, bisect_right(self.tune, start, key=lambda note: note.start) - 1)
        found = []
        for note in self.tune[first:]:
            if note.start >= end:
                break
            if note.end > start:
                found.append(note)
        return tuple(found)


def plan_song(
    sheet: Tune,
    sections: Sequence[Section],
    band: Band,
    rng: np.random.Generator,
    rules: str = ARRANGING_RULES,
) -> SongPlan:
    """The plan of a lead sheet for a band. rules: see `ARRANGING_RULES`. Raises `Refused` for a meter that
    the band lacks, for a sheet without notes or chords, and for sections that do not fit; `Unreadable` for a
    chord symbol.
    """
    tune = sheet.unfolded()
    if not tune.sounding:
        raise Refused("There is no note to arrange; add one.")
    if not tune.chords:
        raise Refused("The tune has no chords for a band to play; add chord symbols or harmonise it first.")
    bars = [bar for bar in tune.bars() if bar.number > 0]
    if not bars:
        raise Refused("The tune is shorter than one bar; a band needs at least one.")
    for meter in dict.fromkeys(bar.meter for bar in bars):
        band.check_meter(meter)
    check_sections(sections, bars[-1].number)
    sections = tuple(sections) or (Section("A", 1, len(bars)),)
    frame = _Frame.of(tune, bars, band)
    chords = _chords(tune, frame)
    kinds = _outer_kinds(sections) if rules == EARLIER_ARRANGING else _kinds(sections)
    planned = _planned(frame, sections, band, rng, kinds)
    end = planned[-1].bar.end
    return SongPlan(
        band=band,
        bars=planned,
        spans=_spans(chords, end),
        chords=chords,
        keys=(
            KeyAt(Fraction(0), tune.key),
            *(KeyAt(each.start + frame.shift, each.key) for each in tune.keys[1:]),
        ),
        grid=frame.grid,
        sections=_named_sections(frame, sections),
        tune=tuple(replace(note, start=note.start + frame.shift) for note in tune.sounding),
        words=tuple(replace(word, start=word.start + frame.shift) for word in tune.words),
        tune_start=frame.shift,
        tune_end=frame.shift + tune.end,
        end=end,
        rules=rules,
    )


@dataclass(frozen=True)
class _Frame:
    """Where the tune stands among the bars. shift: from a place of the tune to one of the song. intro,
    ending: bars before and after. bars: of the tune, as it has them, without a pick-up.
    """

    grid: Grid
    shift: Fraction
    intro: int
    ending: int
    bars: tuple[Bar, ...]

    @classmethod
    def of(cls, tune: Tune, bars: Sequence[Bar], band: Band) -> _Frame:
        first, last = bars[0].meter, bars[-1].meter
        intro = [(first.bar_length, first)] * band.intro
        pickup = [(tune.pickup, first)] if tune.pickup and not intro else []
        body = [(bar.length, bar.meter) for bar in bars]
        body[-1] = (last.bar_length, last)
        after = [(last.bar_length, last)] * band.ending
        grid = Grid.of_bars([*pickup, *intro, *body, *after])
        shift = first.bar_length * band.intro - (tune.pickup if intro else 0)
        return cls(grid, shift, band.intro, band.ending, tuple(bars))

    def all_bars(self) -> tuple[Bar, ...]:
        """Of the song, without a pick-up."""
        last = self.bars[-1]
        end = last.start + self.shift + last.meter.bar_length * (1 + self.ending)
        return tuple(bar for bar in self.grid.bars(end) if bar.number > 0)


def _planned(
    frame: _Frame,
    sections: Sequence[Section],
    band: Band,
    rng: np.random.Generator,
    outer: Sequence[str],
) -> tuple[PlannedBar, ...]:
    """outer: the kind of each section."""
    bars = frame.all_bars()
    planned: list[PlannedBar] = []
    grooves: dict[tuple[str, str], Pattern] = {}

    def add(bar: Bar, role: Role, kind: str, section: int, groove: Pattern, place: int, since: int) -> None:
        planned.append(PlannedBar(bar, role, kind, section, groove, since % groove.bars, place))

    body = bars[frame.intro : len(bars) - frame.ending]
    at_first = _groove(band, body[0].meter, outer[0], rng)
    for place, bar in enumerate(bars[: frame.intro]):
        add(bar, "intro", "intro", 0, at_first, place, place)
    stop = len(sections) >= 3 and bool(rng.random() < 0.6)
    for number, (section, kind) in enumerate(zip(sections, outer, strict=True), 1):
        own = body[section.first_bar - 1 : section.last_bar]
        since = 0
        for place, bar in enumerate(own):
            key = (section.name, str(bar.meter))
            if key not in grooves:
                grooves[key] = _groove(band, bar.meter, kind, rng)
            if place % 4 == 0:
                # Four bars at a time: mostly the section's own groove, now and then another one.
                groove = grooves[key] if rng.random() < 0.75 else _groove(band, bar.meter, kind, rng)
                since = 0
            elif bar.meter not in groove.meters:
                groove, since = grooves[key], 0
            last = place == len(own) - 1 and number < len(sections)
            role: Role = "fill" if last and len(own) >= 4 else "main"
            if last and stop and number == len(sections) - 1 and band.of_role("break", bar.meter):
                role = "break"
            add(bar, role, kind, number, groove, place, since)
            since += 1
    groove = planned[-1].groove
    for place, bar in enumerate(bars[len(bars) - frame.ending :] if frame.ending else ()):
        add(bar, "ending", "ending", 0, groove, place, place)
    return tuple(planned)


def _outer_kinds(sections: Sequence[Section]) -> list[str]:
    names = [each.name for each in sections]
    plain = [each for each in names if kind_of_section(each, "") not in ("intro", "ending")]
    return [kind_of_section(each, plain[0] if plain else "A") for each in names]


def _kinds(sections: Sequence[Section]) -> list[str]:
    return kinds_of_sections([each.name for each in sections])


def _groove(band: Band, meter: Meter, kind: str, rng: np.random.Generator) -> Pattern:
    """One of the band's grooves for a kind of section, drawn by weight."""
    mains = band.main(meter)
    fitting = [each for each in mains if kind in each.sections]
    fitting = fitting or [each for each in mains if not each.sections] or list(mains)
    mass = np.cumsum([each.weight for each in fitting])
    pick = int(np.searchsorted(mass, rng.random() * mass[-1], side="right"))
    return fitting[min(pick, len(fitting) - 1)]


def _named_sections(frame: _Frame, sections: Sequence[Section]) -> tuple[Section, ...]:
    named = [replace(each, first_bar=each.first_bar + frame.intro) for each in sections]
    if frame.intro:
        named.insert(0, Section("Intro", 1, frame.intro))
    if frame.ending:
        named.append(Section("Ending", named[-1].last_bar + 1, frame.ending))
    return tuple(named)


# Chords
# ------------------------------------------------------------------------------------------------------------


def _chords(tune: Tune, frame: _Frame) -> tuple[ChordAt, ...]:
    """Those of the intro, the tune and the ending."""
    inside = [ChordAt(each.start + frame.shift, each.symbol) for each in tune.chords]
    bars = frame.all_bars()
    before = _intro_chords(tune, frame, bars) if frame.intro else []
    after = []
    if frame.ending:
        start = bars[len(bars) - frame.ending].start
        after = [ChordAt(start, _home(tune))]
    first_bar = bars[frame.intro].start
    inside = [each for each in inside if each.start >= first_bar or not before]
    return (*before, *inside, *after)


def _home(tune: Tune) -> str:
    """The last chord where it stands on the tonic, else the tonic's triad."""
    key = tune.keys[-1].key
    last = parse_chord(tune.chords[-1].symbol)
    if last and last.root_class == key.tonic and not last.bass and last.kind.tones[1:2] in ((3,), (4,)):
        return tune.chords[-1].symbol
    return key.tonic_name + ("" if 4 in [(each - key.tonic) % 12 for each in key.scale] else "m")


def _intro_chords(tune: Tune, frame: _Frame, bars: Sequence[Bar]) -> list[ChordAt]:
    """The last bars of the song, with a dominant at their end, as musicians lead into a tune."""
    wanted = sum(bar.length for bar in bars[: frame.intro])
    ends = frame.bars[-1].start + frame.bars[-1].meter.bar_length
    begins = ends - wanted
    found = []
    if begins >= frame.bars[0].start:
        at = tune.chord_at(begins)
        if at is not None:
            found.append(ChordAt(Fraction(0), at))
        found += [
            ChordAt(each.start - begins, each.symbol) for each in tune.chords if begins < each.start < ends
        ]
    if not found:
        found = [ChordAt(Fraction(0), _home(tune))]
    key = tune.key
    last = bars[frame.intro - 1]
    dominant = Key.of_tonic((key.tonic + 7) % 12).tonic_name + "7"
    half = last.start + last.length - (last.length / 2 if last.length % 2 == 0 else last.meter.beat)
    current = [each for each in found if each.start <= half][-1]
    opening = parse_chord(tune.chords[0].symbol)
    sounds = parse_chord(current.symbol)
    if opening and sounds and sounds.root_class == (key.tonic + 7) % 12:
        return found
    return [*(each for each in found if each.start < half), ChordAt(half, dominant)]


def _spans(chords: Sequence[ChordAt], end: Fraction) -> tuple[ChordSpan, ...]:
    """Chords with their ends; a symbol that is written again without a change goes on."""
    spans: list[ChordSpan] = []
    edges = [*(each.start for each in chords), end]
    for each, (start, until) in zip(chords, pairwise(edges), strict=True):
        if until <= start:
            continue
        chord = parse_chord(each.symbol)
        if spans and spans[-1].chord == chord and spans[-1].end == start:
            spans[-1] = replace(spans[-1], end=until)
        else:
            spans.append(ChordSpan(start, until, chord))
    return tuple(spans)
