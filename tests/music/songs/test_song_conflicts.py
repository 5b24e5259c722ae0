"""Why a song cannot be: every set of wishes of tiny songs, beside every melody over every row of chords."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import combinations

import pytest

from studio.errors import Contradiction
from studio.music.scores.keys import pitch_name
from studio.music.scores.tunes import Tune
from studio.music.songs.conflicts import SongWishes
from studio.music.songs.recipes import SongRecipe
from studio.music.songs.sheet import SheetDesk, SongStyles, draw_sheet, prepare
from studio.process import finish
from tests.music.lead_sheets import style

STYLE = style(12)


def desk_of(**asked: object) -> SheetDesk:
    fields = {"key": "C", "meter": "4/4", "max_copy": 60, **asked}
    return finish(prepare(SongRecipe(**fields), SongStyles(STYLE)))  # type: ignore[arg-type]


def melodies(desk: SheetDesk) -> list[tuple[int, ...]]:
    """Every melody of one bar that the chain can play, by walking through its tables."""
    chain, sung = desk.compiled.context.walk.chain, desk.sung
    found: list[tuple[int, ...]] = []

    def go_on(state: int, tick: int, symbols: tuple[int, ...]) -> None:
        if tick == sung.bar:
            found.append(symbols)
            return
        for step in range(int(chain.start[state]), int(chain.start[state + 1])):
            symbol = int(chain.symbol[step])
            if sung.place[symbol] == tick and tick + sung.ticks[symbol] <= sung.bar:
                go_on(int(chain.target[step]), tick + int(sung.ticks[symbol]), (*symbols, symbol))

    go_on(int(chain.state()), 0, ())
    return found


def rows(desk: SheetDesk) -> Iterator[tuple[tuple[Fraction, frozenset[int], str], ...]]:
    """Every bar of chords of the style as (start in quarter notes, pitch classes, symbol)."""
    idiom, key = desk.chords.idiom, desk.plan.keys[0]

    def go_on(
        tick: int, found: tuple[tuple[Fraction, frozenset[int], str], ...]
    ) -> Iterator[tuple[tuple[Fraction, frozenset[int], str], ...]]:
        if tick == idiom.bar:
            yield found
        for event in idiom.events:
            if event.place == tick and tick + event.ticks <= idiom.bar:
                tones = frozenset((event.harmony.root + tone) % 12 for tone in event.harmony.tones)
                here = (tick * idiom.tick, tones, event.harmony.symbol(key))
                yield from go_on(tick + event.ticks, (*found, here))

    return go_on(0, ())


def is_resolved(
    desk: SheetDesk, symbols: Sequence[int], row: Sequence[tuple[Fraction, frozenset[int], str]]
) -> bool:
    """The rule about dissonance, told by pitches."""
    sung, notes = desk.sung, []
    for symbol in symbols:
        notes.append((sung.place[symbol] * sung.tick, int(sung.pitch[symbol])))
    ends = [*(start for start, _ in notes[1:]), Fraction(4)]
    for place, ((start, pitch), end) in enumerate(zip(notes, ends, strict=True)):
        for number, (begins, tones, _) in enumerate(row):
            stops = row[number + 1][0] if number + 1 < len(row) else Fraction(4)
            meets = max(start, begins)
            if pitch < 0 or start >= stops or end <= begins or meets.denominator != 1 or pitch % 12 in tones:
                continue
            onward = notes[place + 1][1] if place + 1 < len(notes) else -1
            if onward < 0 or not 1 <= abs(onward - pitch) <= 2:
                return False
    return desk.sung.events[symbols[-1]].leaves == 2  # what ends a section of the style


def lies_over(
    desk: SheetDesk, symbols: tuple[int, ...], row: tuple[tuple[Fraction, frozenset[int], str], ...]
) -> bool:
    """`is_resolved`, looked at once: many sets of wishes ask for the same."""
    if (symbols, row) not in RESOLVED:
        RESOLVED[symbols, row] = is_resolved(desk, symbols, row)
    return RESOLVED[symbols, row]


def brute_force(wishes: SongWishes, chosen: frozenset[int]) -> bool:
    """Two bars, every melody over every row."""
    desk = wishes.desk
    asked = [wishes.wishes[number] for number in chosen]
    names = {wish.name for wish in asked}
    resolved = any(wish.resolved for wish in asked)
    same = any(wish.form for wish in asked)
    sung, every_row = desk.sung, [*dict.fromkeys(rows(desk))]

    def sings(bar: int, symbols: tuple[int, ...]) -> bool:
        for text in desk.recipe.pins:
            place, pitch = text.split("=")
            if f"the pin {text}" in names and place == f"{bar + 1}:1":
                midi = {"C5": 72, "D5": 74, "F5": 77, "B4": 71, "E5": 76}[pitch]
                if sung.pitch[symbols[0]] != midi:
                    return False
        if any("range" in name for name in names):
            return all(sung.pitch[s] < 0 or 71 <= sung.pitch[s] <= 74 for s in symbols)
        return True

    def chords(bar: int) -> list[tuple[tuple[Fraction, frozenset[int], str], ...]]:
        found = every_row
        given = [word.strip() for word in desk.recipe.chords.split("|")] if desk.recipe.chords else []
        for number, word in enumerate(given):
            there = number == bar or (same and desk.plan.letters[number] == desk.plan.letters[bar])
            if word not in ("", "?") and there and f"the chords of bar {number + 1}" in names:
                found = [row for row in found if len(row) == 1 and row[0][2] == word]
        if any("chords a bar" in name for name in names):
            found = [row for row in found if len(row) == 2]
        return found

    good = [
        {
            s: [row for row in chords(bar) if not resolved or lies_over(desk, s, row)]
            for s in LINES
            if sings(bar, s)
        }
        for bar in (0, 1)
    ]
    good = [{s: row for s, row in each.items() if row} for each in good]
    if same and desk.plan.letters == "AA":
        return bool(
            set(good[0]) & set(good[1])
            and any(set(good[0][s]) & set(good[1][s]) for s in set(good[0]) & set(good[1]))
        )
    return bool(good[0] and good[1])


LINES: list[tuple[int, ...]] = []

RESOLVED: dict[tuple[tuple[int, ...], tuple[tuple[Fraction, frozenset[int], str], ...]], bool] = {}
"""Which of the lines are resolved over which rows."""


@pytest.mark.parametrize(
    "asked",
    [
        {"form": "AB", "pins": ("1:1=F5", "2:1=B4"), "chords": "Em7 | C", "range": "B4:D5"},
        {"form": "AA", "pins": ("2:1=F5",), "chords": "Em7 | ?", "range": "B4:D5", "chord_changes": "2:2"},
    ],
)
def test_every_set_of_wishes_is_judged_as_enumeration_says(asked: dict[str, object]) -> None:
    wishes = SongWishes.of(desk_of(bars=2, **asked))
    LINES[:] = melodies(wishes.desk)
    RESOLVED.clear()
    assert 20 < len(LINES) < 5000
    numbers = [n for n, wish in enumerate(wishes.wishes) if "notes in a row" not in wish.name]
    conflicts: list[frozenset[int]] = []
    for size in range(len(numbers) + 1):
        for chosen in map(frozenset, combinations(numbers, size)):
            foreseen = brute_force(wishes, chosen)
            told = sorted(wishes.wishes[n].name for n in chosen)
            assert wishes.possible(chosen) == foreseen, told
            if not foreseen:
                conflicts.append(chosen)
    assert conflicts
    error = wishes.contradiction()
    assert error is not None
    named = {each.name for each in error.conflict}
    smallest = min(map(len, conflicts))
    assert named in [{wishes.wishes[n].name for n in each} for each in conflicts if len(each) == smallest]
    assert all(each.name in str(error) for each in error.conflict)


def test_a_song_that_cannot_be_names_wishes_of_melody_and_chords_together() -> None:
    desk = desk_of(form="AABA", bars=32, chords="? | Em7", pins=("2:3=F5",), max_copy=12)
    with pytest.raises(Contradiction) as found:
        finish(draw_sheet(desk, 1))
    assert [each.field for each in found.value.conflict] == ["pins", "chords", "dissonance"]
    for way in found.value.ways_out:  # each of them alone makes the song possible
        asked = desk.recipe.model_copy(update={way.field: way.value})
        sheet = finish(draw_sheet(finish(prepare(asked, SongStyles(STYLE))), 1))
        assert len(sheet.tune.bars()) == 32


def pitches_in(tune: Tune, first: int, last: int) -> str:
    """The pitches that begin in some bars of 4/4, as " 60 62 64 "."""
    return "".join(f" {note.pitch}" for note in tune.sounding if 4 * first - 4 <= note.start < 4 * last) + " "


def test_what_is_asked_of_certain_bars_holds_in_the_sections_they_are_in() -> None:
    """In the bridge and over a seam. Before, it was refused in a sentence about ticks."""
    asked = {"form": "AABA", "bars": 32}
    plain = finish(draw_sheet(desk_of(**asked), 1)).tune
    one, two, three = [note.pitch or 0 for note in plain.sounding if note.start >= 68][:3]
    names = " ".join(map(pitch_name, (one, two, three)))
    motif = finish(draw_sheet(desk_of(**asked, motifs=(f"18-20={names}",)), 2)).tune
    assert f" {one} {two} {three} " in pitches_in(motif, 18, 20)
    word = f"{pitch_name(one)} {pitch_name(two)}"
    avoided = finish(draw_sheet(desk_of(**asked, avoid=(f"18-20={word}", f"8-9={word}")), 1)).tune
    assert f" {one} {two} " not in pitches_in(avoided, 18, 20)
    assert f" {one} {two} " not in pitches_in(avoided, 8, 9)
    both = desk_of(**asked, motifs=(f"17-20={names}",), avoid=(f"17-24={word}",))
    with pytest.raises(Contradiction) as refused:
        finish(draw_sheet(both, 1))
    assert {each.field for each in refused.value.conflict} == {"motifs", "avoid"}
