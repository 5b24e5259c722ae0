"""Where the chords that a person wrote lie in a song.

    laid = LaidRow.of(recipe)
    laid.bars                # of the song: as many as were asked for, or as the chords and the form make
    laid.at                  # bar of the song (from 0) -> bar of the row (from 0)
    laid.remark              # one sentence on what was made of them, or ""

Chords are written bar by bar from the first bar of the song on. Two other ways of writing them are
understood, where read like that they would not fit the form: the chords of the first section (`C | Am7 D7 |
G6 | C` with the form AABA), and those of each different section in turn (16 bars for A and B of 32 bars).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from studio.errors import Refused, WayOut
from studio.music.harmony.idiom import SECTION
from studio.music.melody.recipes import read_parts
from studio.music.scores.chords import parse_chord
from studio.music.scores.keys import Key
from studio.music.scores.meters import Meter
from studio.music.songs.plan import FORMS, SheetPlan
from studio.music.songs.recipes import HELD, SongRecipe, in_time, read_row
from studio.music.songs.rules import BEFORE_ROWS, form_rules

Bars = Sequence[Sequence[str] | None]
"""Chords bar by bar, as `read_row` reads them."""

SHORTEST = 4
"""A section has at least so many bars: fewer bars of chords are played again."""

LONGEST = 12
"""Up to so many bars of chords are taken for one section; more are taken for a whole song."""

ANY_KEY = Key.parse("C")
"""A plan needs a key; which bars return does not depend on it."""


@dataclass(frozen=True)
class LaidRow:
    """row: as written. bars: of the song; None where neither the recipe nor the row says. at: bar of the song
    -> bar of the row, both from 0. remark: what was made of the row where it is not simply the song's, as a
    sentence. offer: what else may be meant.
    """

    row: tuple[Sequence[str] | None, ...]
    bars: int | None
    at: Mapping[int, int]
    remark: str = ""
    offer: WayOut | None = None

    @classmethod
    def of(cls, recipe: SongRecipe) -> LaidRow:
        """Nothing is refused here: a row that fits no way is laid from the first bar on, for
        `checking.check_request` to say what is wrong with it.
        """
        row = tuple(read_row(recipe.chords))
        named = FORMS.get(recipe.form)
        asked = recipe.bars or (named.bars if named else None)
        letters = read_parts(named.letters if named else recipe.form)
        if not row:
            return cls(row, asked, {})
        found = _in_turn(row, letters, asked, recipe) if asked else _in_sections(row, letters, recipe)
        if found is not None:
            return found
        whole = cls(row, asked or len(row), {bar: bar for bar in range(len(row))})
        return whole._begun(letters) if asked else whole

    def words(self, bar: int) -> Sequence[str] | None:
        """The chords of a bar of the song (from 0), as written; None where they are left to the style."""
        return self.row[self.at[bar]] if bar in self.at else None

    def _begun(self, letters: Sequence[str]) -> LaidRow:
        """With a remark, where the row is only the beginning of the first section."""
        size, over = divmod(self.bars or 0, len(letters))
        if over or len(self.row) >= size or None in self.row:
            return self
        first = _different(letters)[0]
        alike = sum(letter.rstrip("'") == first for letter in letters)
        whose = f"every {first}" if alike > 1 else f"section {first}"
        remark = f"Your {_bars(len(self.row))} of chords begin {whose}; the rest is left to the style."
        return LaidRow(self.row, self.bars, self.at, remark, _filled(self.row, size, first))


def first_clash(
    row: Bars, at: Mapping[int, int], plan: SheetPlan, meter: str | None
) -> tuple[int, int] | None:
    """Two bars of the song that are the same bar in the form, but for which different chords were given; None
    where there are none.
    """
    for bar, copies in plan.returns.items():
        given = {place: row[at[place]] for place in (bar, *copies) if place in at}
        said = {place: words for place, words in given.items() if words is not None}
        if not meter and any(HELD in words for words in said.values()):
            continue  # which of them are the same depends on the meter
        first = next(iter(said), 0)
        for place, words in said.items():
            if _meant(words, meter) != _meant(said[first], meter):
                return first, place
    return None


def _meant(words: Sequence[str], meter: str | None) -> list[object]:
    """The chords of a bar, however they are spelled, with their places where some are held."""
    if meter and HELD in words:
        try:
            timed = in_time(list(words), Meter.parse(meter))
        except Refused:  # too many for the bar, which is told elsewhere
            return list(words)
        return [(parse_chord(symbol), start) for symbol, start, _ in timed]
    return [parse_chord(word) for word in words]


def _in_turn(row: Bars, letters: Sequence[str], bars: int, recipe: SongRecipe) -> LaidRow | None:
    """The row as the chords of each different section in turn, where it has exactly as many bars as these and
    does not fit the form from its first bar on.
    """
    different = _different(letters)
    size, over = divmod(bars, len(letters))
    if over or len(row) != size * len(different) or _as_whole(row, letters, bars, recipe):
        return None
    plain = [letter.rstrip("'") for letter in letters]
    at = {
        plain.index(letter) * size + bar: number * size + bar
        for number, letter in enumerate(different)
        for bar in range(size)
    }
    said = f"Your {len(row)} bars of chords are sections {_listed(different)}, {_bars(size)} each"
    return LaidRow(tuple(row), bars, at, f"{said}; the song has {bars} bars.")


def _in_sections(row: Bars, letters: Sequence[str], recipe: SongRecipe) -> LaidRow | None:
    """The row as the chords of one or more sections, where nobody asked for a number of bars and it is not a
    whole song.
    """
    bars, sections = len(row), len(letters)
    least = 1 if form_rules(recipe) in BEFORE_ROWS else 2
    if sections == 1 or (bars >= least * sections and _as_whole(row, letters, bars, recipe)):
        return None
    usual = SECTION * sections
    if bars % SECTION == 0 and SECTION < bars < usual:
        if (found := _in_turn(row, letters, usual, recipe)) is not None:
            return found
        if _as_whole(row, letters, usual, recipe):
            at = {bar: bar for bar in range(bars)}
            said = f"Your {bars} bars of chords are the first {bars // SECTION} sections"
            return LaidRow(tuple(row), usual, at, f"{said}; the song has {usual} bars.")
    return _first_section(row, letters) if bars <= min(LONGEST, usual // 2) else None


def _first_section(row: Bars, letters: Sequence[str]) -> LaidRow:
    """The row as the chords of the first section, played again until that has `SHORTEST` bars."""
    bars, (letter, *others) = len(row), _different(letters)
    times = ceil(SHORTEST / bars)
    size = bars * times
    played = "" if times == 1 else f", played {_times(times)}"
    rest = f" The chords of {_listed(others)} are left to the style." if others else ""
    remark = (
        f"Your {_bars(bars)} of chords {'are' if bars > 1 else 'is'} section {letter}{played}; the song has "
        f"{size * len(letters)} bars.{rest}"
    )
    at = {bar: bar % bars for bar in range(size)}
    return LaidRow(tuple(row), size * len(letters), at, remark, _filled(row, SECTION, letter))


def _as_whole(row: Bars, letters: Sequence[str], bars: int, recipe: SongRecipe) -> bool:
    """Whether a row from the first bar on fits a song of so many bars in these sections."""
    if bars % len(letters):
        return False
    plan = SheetPlan.of("".join(letters), bars, ANY_KEY, rules=form_rules(recipe))
    return first_clash(row, {bar: bar for bar in range(len(row))}, plan, recipe.meter) is None


def _different(letters: Sequence[str]) -> list[str]:
    """The different sections, in order; one with another ending is the same."""
    return list(dict.fromkeys(letter.rstrip("'") for letter in letters))


def _filled(row: Bars, size: int, letter: str) -> WayOut | None:
    """The same chords, written as often as they go into a section; None where they do not."""
    times, over = divmod(size, len(row))
    if over or times < 2 or None in row:
        return None
    text = " | ".join(" ".join(words or ()) for _ in range(times) for words in row)
    return WayOut(f"Play your chords {_times(times)} in section {letter}: {size} bars", "chords", text)


def _times(count: int) -> str:
    return "twice" if count == 2 else f"{count} times"


def _bars(count: int) -> str:
    return f"{count} bar{'s' * (count > 1)}"


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
