"""What a song keeps of earlier ones, note for note: sections, bars, notes, chords, and parts of the band.

    kept = Kept.of(recipe, plan, records)     # None where nothing is kept of an earlier song
    kept.tune                                 # in the new song's bars; rests where the melody is asked again
    kept.melody, kept.chords                  # bars (from 0) in which each is kept

A bar that returns in the form is kept at all its places. A section whose melody is kept whole is not drawn at
all: its notes are taken over, whatever the style knows. Of other kept bars the melody is drawn under masks
that leave one way only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from itertools import groupby

import numpy as np

from studio.errors import Refused, UnknownName
from studio.music.bands.band import band_by_name
from studio.music.chains.markov import Mask
from studio.music.harmony.idiom import is_minor
from studio.music.melody.recipes import read_keep
from studio.music.scores.chords import ChordAt
from studio.music.scores.keys import Key, pitch_name
from studio.music.scores.meters import Meter
from studio.music.scores.notes import Note
from studio.music.scores.tunes import Tune
from studio.music.scores.words import Syllable, words_in
from studio.music.songs.kept_wishes import check_wishes
from studio.music.songs.plan import SheetPart, SheetPlan
from studio.music.songs.recipes import (
    SectionName,
    SongRecipe,
    read_keep_section,
    read_note_place,
    read_section_key,
)
from studio.music.songs.record import SongRecord
from studio.music.songs.rules import drawing_rules, since
from studio.music.songs.sung import SungIdiom

TUNE, CHORDS = "tune", "chords"
"""Parts of every song: its melody, and its row of chords."""

NEEDS = {"drums": (), "pattern": (CHORDS,)}
"""What a player plays -> what must be kept with it; those that follow the tune need both."""


@dataclass(frozen=True, slots=True, order=True)
class KeptBar:
    """A bar of an earlier song. song: which, from 0. bar: its number, from 1."""

    song: int
    bar: int


@dataclass(frozen=True)
class KeptBand:
    """What is kept of an earlier band. parts: names of whole parts. spans: (start here, start there, length),
    in quarter notes of the tunes, of bars that all players keep. joined: bars that follow each other in both
    songs are one span, at whose end a note sounds on until something else begins (drawing rules 12).
    """

    record: SongRecord
    parts: tuple[str, ...]
    spans: tuple[tuple[Fraction, Fraction, Fraction], ...]
    joined: bool = False


@dataclass(frozen=True, eq=False)
class Kept:
    """What is kept, in the bars of the new song. melody, chords: bar (from 0) -> where it comes from. notes:
    pins of single notes. tune: the kept notes, chords and words at their new places, rests elsewhere. joined:
    notes of the band are whole (see `KeptBand`), and notes at the edges of kept bars are neither tied to
    others nor held on, as by rules before 12 they could.
    """

    records: tuple[SongRecord, ...]
    plan: SheetPlan
    melody: Mapping[int, KeptBar]
    chords: Mapping[int, KeptBar]
    pins: tuple[str, ...]
    tune: Tune
    players: tuple[str, ...]
    band: str
    joined: bool = False

    @classmethod
    def of(cls, recipe: SongRecipe, plan: SheetPlan, records: Sequence[SongRecord]) -> Kept | None:
        """Raises `Refused` and `UnknownName` for what the song or the earlier one has not."""
        if not records or not (recipe.keeps_more or recipe.keep):
            return None
        players, whole = _parts_of(recipe, records[0])
        _check_meters(recipe, records)
        once = since(drawing_rules(recipe), "12")
        both = _bars_of_sections(recipe, plan, records, once=once)
        both |= _bars(recipe.keep, "bars", plan, records[0], once=once)
        melody, chords = dict(both), dict(both)
        chords |= _bars(recipe.keep_chords, "chords of bars", plan, records[0], once=once)
        for part, bars in ((TUNE, melody), (CHORDS, chords)):
            if part in whole:
                bars |= _all_bars(plan, records[0], part)
        melody, chords = _returned(melody, plan, records), _returned(chords, plan, records)
        if once:
            plan = _in_their_keys(plan, recipe, melody, records)
        tune = _laid_out(plan, records, melody, chords)
        pins = tuple(_pin(text, records[0]) for text in recipe.keep_notes)
        kept = cls(tuple(records), plan, melody, chords, pins, tune, players, recipe.band, once)
        if since(drawing_rules(recipe), "11"):
            check_wishes(recipe, kept)
        return kept

    @cached_property
    def whole(self) -> frozenset[str]:
        """Letters of the sections whose melody is kept whole."""
        return frozenset(
            part.letter
            for part in self.plan.sections
            if all(bar in self.melody for bar in range(part.first, part.first + part.bars))
        )

    @property
    def letters(self) -> frozenset[str]:
        """Letters, without primes, of the sections of which a bar or its chords are kept."""
        bars = self.melody.keys() | self.chords.keys()
        return frozenset(
            part.letter.rstrip("'")
            for part in self.plan.sections
            if not bars.isdisjoint(range(part.first, part.first + part.bars))
        )

    @property
    def everything(self) -> bool:
        """Whether melody and chords are those of one earlier song, bar for bar."""
        same = {number: KeptBar(0, number + 1) for number in range(self.plan.bars)}
        record = self.records[0]
        letters = tuple(
            (part.letter, part.first + 1, part.bars, part.key.short()) for part in self.plan.sections
        )
        told = tuple(
            (each["letter"], each["first"], each["bars"], each["key"])
            for each in record.facts.get("sections", ())
        )
        kept = dict(self.melody) == same and dict(self.chords) == same
        return kept and letters == told and record.bars == self.plan.bars

    def of_band(self) -> KeptBand | None:
        """What the band keeps; None where another band plays, or the earlier song had none."""
        record = self.records[0]
        if not self.band or record.band != self.band:
            return None
        spans: list[tuple[Fraction, Fraction, Fraction]] = []
        for bar in sorted(self.melody.keys() & self.chords.keys()):
            there = self._heard_there(bar)
            if there is not None:
                start, end = record.bar(there)
                spans.append((bar * (end - start), start, end - start))
        if self.joined:
            spans = _joined(spans)
        found = KeptBand(record, self.players, tuple(spans), self.joined)
        return found if spans or self.players else None

    def _heard_there(self, bar: int) -> int | None:
        """The number of the bar whose playing is kept: the same bar where its music is the same, else the one
        that was named. None for bars of other songs, or whose chords and melody are of bars that differ.
        """
        melody, chords, record = self.melody[bar], self.chords[bar], self.records[0]
        if melody.song or chords.song:
            return None
        heard = _heard(record, melody.bar)[0], _heard(record, chords.bar)[1]
        near = (bar + 1, melody.bar) if bar < record.bars else (melody.bar,)
        return next((number for number in near if _heard(record, number) == heard), None)

    # --- For drawing the rest

    def bars_of(self, part: SheetPart) -> list[int]:
        """The bars of a section whose melody is kept."""
        return [bar for bar in range(part.first, part.first + part.bars) if bar in self.melody]

    def mask(self, sung: SungIdiom, *, its_key_alone: bool = False) -> Mask:
        """[ticks, alphabet]: exactly the kept notes in the kept bars of sections that are drawn; however they
        are left, and tied to what comes before where they were. its_key_alone: of sections in the
        idiom's key. Raises `Refused` for a note that the style never plays.
        """
        found = np.ones((self.plan.bars * sung.bar, sung.alphabet), dtype=bool)
        for part in self.plan.sections:
            other = its_key_alone and not sung.is_in(part.key)
            if part.letter not in self.whole and not other:
                for bar in self.bars_of(part):
                    begins, ends = self._edges(bar) if self.joined else (False, False)
                    _only(found, bar, self.tune, sung, struck=begins)
                    if ends and bar + 1 < self.plan.bars and bar + 1 not in self.melody:
                        found[(bar + 1) * sung.bar] &= ~sung.carries | (sung.pitch < 0)
        return found

    def _edges(self, bar: int) -> tuple[bool, bool]:
        """Whether notes begin with a bar that is kept, and end with it, rather than going on over its bar
        lines.
        """
        origin = self.melody[bar]
        record = self.records[origin.song]
        start, end = record.bar(origin.bar)
        notes = record.tune.sounding
        return any(n.start == start for n in notes), not any(n.start < end < n.end for n in notes)

    def section_tune(self, part: SheetPart) -> tuple[Note, ...]:
        """The notes and rests of a section that is kept whole, at their places in the song."""
        length = self.tune.meter.bar_length
        start, end = part.first * length, (part.first + part.bars) * length
        passage = self.tune.passage(start, end)
        return tuple(replace(note, start=note.start + start) for note in passage.notes)

    def chords_in(self, chords: Sequence[ChordAt]) -> tuple[ChordAt, ...]:
        """These chords of the song, as they were written where they are kept."""
        length = self.tune.meter.bar_length
        spans = [(first * length, (last + 1) * length) for first, last in _runs(self.chords)]

        def kept(place: Fraction) -> bool:
            return any(start <= place < end for start, end in spans)

        own = [chord for chord in self.tune.chords if kept(chord.start)]
        found = sorted(
            [*(chord for chord in chords if not kept(chord.start)), *own], key=lambda chord: chord.start
        )
        written = {chord.start for chord in chords}
        return tuple(
            chord
            for number, chord in enumerate(found)
            if number == 0 or chord.symbol != found[number - 1].symbol or chord.start in written
        )

    def words(self) -> tuple[Syllable, ...]:
        """The words that were sung on the kept notes."""
        return self.tune.words

    def origin(self, part: SheetPart, note: int) -> tuple[SongRecord, int]:
        """Of a note (from 0) of a section that is kept whole: the earlier song, and its number there."""
        notes = [each for each in self.section_tune(part) if each.pitch is not None]
        length = self.tune.meter.bar_length
        start = notes[note].start
        found = self.melody[int(start // length)]
        record = self.records[found.song]
        begin, _ = record.bar(found.bar)
        there = begin + start % length
        sounding = record.tune.unfolded().sounding
        return record, next(n for n, each in enumerate(sounding) if each.start <= there < each.end)

    def to_data(self) -> list[dict[str, object]]:
        """As JSON values: of each earlier song its title and the bars (from 1) whose melody and chords are
        kept, and the players whose parts are; of the first also the places of single notes, where some are.
        """
        found: list[dict[str, object]] = []
        for number, record in enumerate(self.records):
            bars = {bar: each for bar, each in self.melody.items() if each.song == number}
            chords = {bar: each for bar, each in self.chords.items() if each.song == number}
            found.append(
                {
                    "title": record.title,
                    "melody": _in_spans(bars),
                    "chords": _in_spans(chords),
                    "parts": list(self.players) if number == 0 else [],
                }
            )
        if self.pins:
            found[0]["notes"] = [pin.partition("=")[0] for pin in self.pins]
        return found


def _joined(
    spans: Iterable[tuple[Fraction, Fraction, Fraction]],
) -> list[tuple[Fraction, Fraction, Fraction]]:
    """These spans, in order, with those as one that follow each other both here and there."""
    found: list[tuple[Fraction, Fraction, Fraction]] = []
    for here, there, length in spans:
        if found and (here, there) == (found[-1][0] + found[-1][2], found[-1][1] + found[-1][2]):
            found[-1] = (found[-1][0], found[-1][1], found[-1][2] + length)
        else:
            found.append((here, there, length))
    return found


def as_kept(recipe: SongRecipe, records: Sequence[SongRecord]) -> SongRecipe:
    """The request in the meter and key of what it keeps, where it names none."""
    if not records or not (recipe.keeps_more or recipe.keep) or not since(drawing_rules(recipe), "12"):
        return recipe
    tune = records[0].tune
    told = {"meter": recipe.meter or str(tune.meter), "key": recipe.key or tune.key.short()}
    return recipe.model_copy(update=told)


def _in_their_keys(
    plan: SheetPlan, recipe: SongRecipe, melody: Mapping[int, KeptBar], records: Sequence[SongRecord]
) -> SheetPlan:
    """The plan with sections whose melody is kept whole in the keys that they have, where the recipe names
    none for them. Those of the first earlier song are where the song is in its key.
    """
    named = dict(map(read_section_key, recipe.section_keys))
    keys: dict[str, Key] = {}
    for part in plan.sections:
        bars = [melody.get(bar) for bar in range(part.first, part.first + part.bars)]
        letter, origin = part.letter.rstrip("'"), bars[0]
        if origin is None or None in bars or letter in named or letter in keys:
            continue
        record = records[origin.song]
        there = record.key_of(origin.bar)
        moved = origin.song == 0 and record.tune.key != plan.key
        its_mode = since(drawing_rules(recipe), "14") or is_minor(there.mode) == is_minor(plan.key.mode)
        if not moved and its_mode:
            keys[letter] = there
    return plan.with_keys(keys)


def _check_meters(recipe: SongRecipe, records: Sequence[SongRecord]) -> None:
    """Raises `Refused` where what is kept is in another meter than the song."""
    meter = records[0].tune.meter
    if recipe.meter and Meter.parse(recipe.meter) != meter:
        raise Refused(
            f"What is kept of {records[0].title!r} is in {meter}, but the song is asked for in "
            f"{recipe.meter}; take {meter}, or keep nothing.",
            setting="meter",
        )


def part_named(name: str, names: Iterable[str]) -> str:
    """The part of that name, capitals or not. Raises `UnknownName`."""
    known = list(names)
    found = next((each for each in known if each.lower() == name.strip().lower()), None)
    if found is None:
        raise UnknownName("part", name.strip(), known)
    return found


# From what was asked for to bars
# ------------------------------------------------------------------------------------------------------------


def _parts_of(recipe: SongRecipe, record: SongRecord) -> tuple[tuple[str, ...], frozenset[str]]:
    """Players whose parts are kept, and which of tune and chords stay whole."""
    players: list[str] = []
    whole: set[str] = set()
    band = band_by_name(record.band) if record.band else None
    for text in recipe.keep_parts:
        name = part_named(text, (TUNE, CHORDS, *record.parts) if band else (TUNE, CHORDS))
        if name in (TUNE, CHORDS):
            whole.add(name)
            continue
        assert band is not None
        if recipe.band != record.band:
            other = f"the band {recipe.band}" if recipe.band else "none"
            raise Refused(
                f"{name} was played in the band {record.band}, but this song has {other}; take the same band "
                "to keep this part."
            )
        player = next((each for each in band.player if each.name == name), None)
        if player is None:
            raise UnknownName("part", name, [each.name for each in band.player])
        if player.plays == "tune":
            whole.add(TUNE)
        else:
            players.append(name)
            whole.update(NEEDS.get(player.plays, (CHORDS, TUNE)))
    return tuple(players), frozenset(whole)


def _all_bars(plan: SheetPlan, record: SongRecord, part: str) -> dict[int, KeptBar]:
    if record.bars != plan.bars:
        raise Refused(
            f"The {part} of the earlier song has {record.bars} bars, but this song has {plan.bars}; make it "
            f"{record.bars} bars, or keep sections."
        )
    return {number: KeptBar(0, number + 1) for number in range(plan.bars)}


def _bars(
    texts: Iterable[str], what: str, plan: SheetPlan, record: SongRecord, *, once: bool
) -> dict[int, KeptBar]:
    """once: two bars that are kept as the same one are refused; by rules before 12 it was the later one."""
    found: dict[int, KeptBar] = {}
    for text in texts:
        there, here = read_keep(text)
        if there.last > plan.bars:
            raise Refused(
                f"The {what} {text} cannot be kept in a song of {plan.bars} bars; name bars of 1 to "
                f"{plan.bars}, or make the song longer."
            )
        for offset in range(there.bars):
            record.bar(here.first + offset)
            place, bar = there.first - 1 + offset, KeptBar(0, here.first + offset)
            if once and found.get(place, bar) != bar:
                raise Refused(
                    f"Bars {found[place].bar} and {bar.bar} of the earlier song are both kept as bar "
                    f"{place + 1}; keep one of them there."
                )
            found[place] = bar
    return found


def _bars_of_sections(
    recipe: SongRecipe, plan: SheetPlan, records: Sequence[SongRecord], *, once: bool
) -> dict[int, KeptBar]:
    """once: as `_bars`."""
    found: dict[int, KeptBar] = {}
    for text in recipe.keep_sections:
        place, song, origin = read_keep_section(text)
        if song > len(records):
            raise Refused(
                f"{text!r} names earlier song {song}, but only {len(records)} "
                f"{'was' if len(records) == 1 else 'were'} given; name one of these."
            )
        here = _sections_named(place, [(p.letter, p.first, p.bars) for p in plan.sections], "this song")
        record = records[song - 1]
        named = [(letter, first - 1, bars) for letter, first, bars in record.sections]
        there = _sections_named(origin, named, f"the earlier song {record.title!r}")
        for number, (_, first, bars) in enumerate(here):
            _, begin, length = there[min(number, len(there) - 1)]
            if length != bars:
                raise Refused(
                    f"Section {origin.letter} has {length} bars in the earlier song, but section "
                    f"{place.letter} has {bars} in this one; give sections the same number of bars."
                )
            for bar in range(bars):
                kept = KeptBar(song - 1, begin + bar + 1)
                if once and found.get(first + bar, kept) != kept:
                    raise Refused(f"Two sections are kept as section {place.letter}; keep one of them there.")
                found[first + bar] = kept
    return found


def _sections_named(
    name: SectionName, sections: Sequence[tuple[str, int, int]], where: str
) -> list[tuple[str, int, int]]:
    alike = [each for each in sections if each[0] == name.letter]
    if not alike or name.number > len(alike):
        asked = f"{name.letter}{name.number or ''}"
        known = "".join(each[0] for each in sections) or "no sections"
        raise Refused(f"There is no section {asked} in {where}, which has {known}; name one that it has.")
    return alike if not name.number else [alike[name.number - 1]]


def _heard(
    record: SongRecord, number: int
) -> tuple[tuple[tuple[int | None, Fraction, Fraction], ...], tuple[tuple[Fraction, str], ...]]:
    """The music of a bar: its notes and chords from the bar line."""
    start, end = record.bar(number)
    bar = record.tune.passage(start, end)
    return (
        tuple((note.pitch, note.start, note.duration) for note in bar.notes),
        tuple((chord.start, chord.symbol) for chord in bar.chords),
    )


def lead_from(record: SongRecord, number: int) -> Fraction:
    """How long before the end of a bar (from 1) the words of the next section begin; 0 where they do not."""
    if not any(first + bars - 1 == number for _, first, bars in record.sections) or not record.tune.words:
        return Fraction(0)
    start, end = record.bar(number)
    ends = [place for place in record.tune.phrase_ends if start < place < end]
    return end - ends[-1] if ends else Fraction(0)


def _alike(records: Sequence[SongRecord], one: KeptBar, other: KeptBar) -> bool:
    """Whether two bars are the same music, but for what leads from them into the next section."""
    ends = []
    for each in (one, other):
        tune, (start, end) = records[each.song].tune, records[each.song].bar(each.bar)
        ends += [place - start for place in tune.phrase_ends if start < place < end]
    (notes, chords), (others, other_chords) = (_heard(records[each.song], each.bar) for each in (one, other))
    if not ends or chords != other_chords:
        return (notes, chords) == (others, other_chords)
    begun, as_begun = (
        [(pitch, start) for pitch, start, _ in each if start < min(ends)] for each in (notes, others)
    )
    return begun == as_begun


def _returned(bars: dict[int, KeptBar], plan: SheetPlan, records: Sequence[SongRecord]) -> dict[int, KeptBar]:
    """The same, also at the bars that are equal in the form. Raises `Refused` for two that differ."""
    found = dict(bars)
    for root, copies in plan.returns.items():
        asked = [(place, bars[place]) for place in (root, *copies) if place in bars]
        for place, each in asked[1:]:
            if each != asked[0][1] and not _alike(records, each, asked[0][1]):
                raise Refused(
                    f"Bars {asked[0][0] + 1} and {place + 1} are the same bar in the form {plan.letters}, "
                    "but different bars are kept for them; keep one of them, or choose another form."
                )
        for place in (root, *copies):
            if asked:
                found.setdefault(place, asked[0][1])
    return found


def _runs(bars: Iterable[int]) -> list[tuple[int, int]]:
    """(first, last) of the stretches of neighbouring numbers."""
    numbered = enumerate(sorted(bars))
    stretches = [[bar for _, bar in group] for _, group in groupby(numbered, lambda each: each[1] - each[0])]
    return [(stretch[0], stretch[-1]) for stretch in stretches]


def _in_spans(bars: Iterable[int]) -> list[str]:
    return [f"{first + 1}-{last + 1}" if first < last else str(first + 1) for first, last in _runs(bars)]


def _stretches(bars: Mapping[int, KeptBar]) -> list[tuple[int, KeptBar, int]]:
    """(first bar here, where it comes from, how many): neighbours that were neighbours there too."""
    numbered = sorted(bars.items())
    groups = groupby(numbered, lambda each: (each[1].song, each[1].bar - each[0]))
    found = []
    for _, group in groups:
        stretch = list(group)
        for first, last in _runs(bar for bar, _ in stretch):
            found.append((first, bars[first], last - first + 1))
    return found


def _laid_out(
    plan: SheetPlan,
    records: Sequence[SongRecord],
    melody: Mapping[int, KeptBar],
    chords: Mapping[int, KeptBar],
) -> Tune:
    """The kept notes, chords and words in the new song's bars."""
    meter = records[0].tune.meter
    if any(record.tune.meter != meter for record in records):
        raise Refused("The earlier songs have different meters; take songs of one meter.")
    length = meter.bar_length
    placed: list[Note] = []
    words: list[Syllable] = []
    symbols: list[ChordAt] = []
    for bars, is_melody in ((melody, True), (chords, False)):
        for first, origin, count in _stretches(bars):
            record = records[origin.song]
            start, end = record.bar(origin.bar)[0], record.bar(origin.bar + count - 1)[1]
            if end - start != count * length:
                raise Refused(f"Bars of the earlier song {record.title!r} are not full; keep full bars.")
            passage, here = record.tune.passage(start, end), first * length
            if is_melody:
                # What leads on from the last bar led to another one than what comes here.
                stop = end - start - lead_from(record, origin.bar + count - 1)
                for note in passage.sounding:
                    if note.start < stop:
                        held = end - start if note.end == stop else note.end
                        placed.append(Note(note.pitch, note.start + here, held - note.start))
                words += words_in(record.tune.words, start, start + stop, here - start)
            else:
                symbols += [replace(chord, start=chord.start + here) for chord in passage.chords]
    notes: list[tuple[int | None, Fraction]] = []
    here = Fraction(0)
    for note in sorted(placed, key=lambda each: each.start):
        notes += [(None, note.start - here)] if note.start > here else []
        notes.append((note.pitch, note.duration))
        here = note.end
    total = plan.bars * length
    notes += [(None, total - here)] if here < total else []
    return Tune.of(
        notes,
        meter=meter,
        key=plan.key,
        chords=[(chord.start, chord.symbol) for chord in sorted(symbols, key=lambda each: each.start)],
        words=tuple(sorted(words, key=lambda word: (word.start, word.verse))),
    )


def _pin(text: str, record: SongRecord) -> str:
    """A note of the earlier song as a pin of the new one."""
    bar, beat = read_note_place(text)
    start, end = record.bar(bar)
    place = start + (beat - 1) * Fraction(4, record.tune.meter.denominator)
    note = next((each for each in record.tune.sounding if each.start == place), None)
    if note is None or note.pitch is None or place >= end:
        raise Refused(
            f"No note of the earlier song begins at {text}; name the bar and beat where one begins."
        )
    return f"{text.strip()}={pitch_name(note.pitch, record.tune.key)}*{min(note.end, end) - note.start}"


def _only(mask: Mask, number: int, tune: Tune, sung: SungIdiom, *, struck: bool) -> None:
    """Leave the tune's events as the only ones in that bar (from 0) of a mask. struck: a note that begins
    with the bar is not the end of another one.
    """
    start = number * tune.meter.bar_length
    end = start + tune.meter.bar_length
    first = number * sung.bar
    mask[first : first + sung.bar] = False
    for note in tune.notes:
        begins, stops = max(note.start, start), min(note.end, end)
        if begins >= stops:
            continue
        ticks, place = (stops - begins) / sung.tick, (begins - start) / sung.tick
        pitch = -1 if note.pitch is None else note.pitch
        tied = note.start < start
        either = place == 0 and not (struck and pitch >= 0)
        ways = [True] if tied and pitch >= 0 else [False, True] if either else [False]
        exact = ticks.denominator == 1 and place.denominator == 1
        alike = np.zeros(sung.alphabet, dtype=bool)
        for carries in ways if exact else ():
            alike |= sung.alike(pitch, int(ticks), int(place), carries=carries)
        if not alike.any():
            raise Refused(
                f"Bar {number + 1} has a kept note that {sung.style.entry.title} never plays at that place; "
                "keep the whole section, or keep other bars."
            )
        mask[first + int(place)] = alike
