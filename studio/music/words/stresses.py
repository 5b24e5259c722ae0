"""Stress against beats: how strongly a note is felt, and where words and notes disagree.

    weights(tune)                      # the weight of each sounding note
    faults(tune, laid)                 # stressed syllables on notes weaker than their neighbours'
    patterns(tune, sections)           # da DUM da DUM: what words for this tune would have to be

A note weighs as much as its place in the bar (3 on the first beat, 2 in the middle of a bar of two halves, 1
on another beat, 0 between beats), and half as much again for each doubling of its length over a beat, a
rough form of the rules for meter by Lerdahl and Jackendoff ("A Generative Theory of Tonal Music", 1983,
MPR 4 and 5a). Placing a stressed syllable below its unstressed neighbour is what writers on song call a
misplaced accent.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import log2

from studio.music.scores.meters import Meter
from studio.music.scores.notes import Note
from studio.music.scores.sections import Section
from studio.music.scores.tunes import Tune
from studio.music.words.lyrics import SungSyllable

STRONG = 1.5
"""The weight from which on a note is a DUM of a pattern."""

LONGEST_LINE = 16
"""Notes of a line of a pattern, after which it ends at the next bar line."""


def level_of(place: Fraction, meter: Meter) -> int:
    """How strong a place of the bar is, 0 to 3. place: quarter notes from the bar line."""
    bar, beat = meter.bar_length, meter.beat
    place = place % bar
    if place == 0:
        return 3
    beats = bar / beat
    if place * 2 == bar and beats.denominator == 1 and beats % 2 == 0:
        return 2
    return 1 if (place / beat).denominator == 1 else 0


def weight_of(note: Note, tune: Tune) -> float:
    """How strongly a note is felt, about -1 to 4."""
    bar = tune.bar_at(note.start)
    place = note.start - bar.start
    if bar.number < 1 or bar.length < bar.meter.bar_length:  # a pick-up is the end of a bar
        place += bar.meter.bar_length - bar.length if bar.start == 0 else 0
    longer = log2(float(note.duration / bar.meter.beat))
    return level_of(place, bar.meter) + max(-1.0, min(1.0, 0.5 * longer))


@dataclass(frozen=True, slots=True)
class StressFault:
    """A stressed syllable that is weaker than an unstressed one beside it in its word; or a light word, such
    as *the*, on the first beat of a bar and stronger than the stress it leads to.

    bar: its number. beat: from 1, as musicians count. word: the whole word; of a light word with the one
    after it. text: the syllable. verse: 1 for the first.
    """

    bar: int
    beat: float
    word: str
    text: str
    verse: int = 1

    def in_words(self) -> str:
        verse = f" (verse {self.verse})" if self.verse > 1 else ""
        return f"bar {self.bar}, beat {self.beat:g}: {self.text} in {self.word}{verse}"


Placed = tuple[SungSyllable, Note]
"""A syllable and the note it begins on."""


def faults(tune: Tune, placed: Sequence[Placed], verse: int = 1) -> tuple[StressFault, ...]:
    """Where stress and beats disagree within a word, and then where light words stand on first beats."""
    found = []
    for word in words_of(placed):
        weights = [weight_of(note, tune) for _, note in word]
        for number, (syllable, note) in enumerate(word):
            beside = [
                weights[other]
                for other in (number - 1, number + 1)
                if 0 <= other < len(word) and word[other][0].stress == 0
            ]
            if syllable.stress == 1 and beside and weights[number] < max(beside):
                bar = tune.bar_at(note.start)
                beat = float((note.start - bar.start) / Fraction(4, bar.meter.denominator)) + 1
                found.append(StressFault(bar.number, round(beat, 3), syllable.word, syllable.text, verse))
    for (light, note), (led_to, after) in light_words_of(placed):
        bar = tune.bar_at(note.start)
        if note.start == bar.start and weight_of(note, tune) > max(2.0, weight_of(after, tune)):
            together = f"{light.word} {led_to.word}"
            found.append(StressFault(bar.number, 1.0, together, light.text, verse))
    return tuple(found)


def light_words_of(placed: Sequence[Placed]) -> Iterator[tuple[Placed, Placed]]:
    """The light words before a stress, each with the syllable that has it."""
    for one, other in pairwise(placed):
        if one[0].light and other[0].text and not other[0].light and other[0].stress:
            yield one, other


def words_of(placed: Sequence[Placed]) -> Iterator[list[Placed]]:
    """The words of several syllables whose stress is known."""
    word: list[Placed] = []
    for each in placed:
        if each[0].syllabic in ("single", "begin"):
            word = []
        word.append(each)
        if each[0].syllabic == "end" and all(syllable.stress >= 0 for syllable, _ in word):
            yield word


# Tune first: what words would have to be
# ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PatternLine:
    """A line of a tune to be filled with words. section: its name, or empty. first_bar, last_bar: numbers.
    strong: for each note, whether it is felt strongly.
    """

    section: str
    first_bar: int
    last_bar: int
    strong: tuple[bool, ...]

    @property
    def feet(self) -> str:
        return " ".join("DUM" if strong else "da" for strong in self.strong)

    def in_words(self) -> str:
        bars = f"bar {self.first_bar}" if self.first_bar == self.last_bar else ""
        bars = bars or f"bars {self.first_bar} to {self.last_bar}"
        named = f"{self.section}, " if self.section else ""
        count = len(self.strong)
        return f"{named}{bars}: {self.feet} ({count} {'syllable' if count == 1 else 'syllables'})"


def patterns(tune: Tune, sections: Sequence[Section] = ()) -> tuple[PatternLine, ...]:
    """The lines of a tune, each as a pattern of stresses to be filled with words; a section that returns is
    shown once.

    A line ends where a phrase is marked to end, at a rest of a beat or more, and after a note of two beats or
    more that is longer than the note after it and all of its line.
    """
    found: list[PatternLine] = []
    shown: set[str] = set()
    for section, notes in in_sections(tune, sections, leads_in(tune, sections)):
        name = section.name if section else ""
        if name and name in shown:
            continue
        shown.add(name)
        for line in lines_of(tune, notes):
            found.append(
                PatternLine(
                    name,
                    tune.bar_at(line[0].start).number,
                    tune.bar_at(line[-1].start).number,
                    tuple(weight_of(note, tune) >= STRONG for note in line),
                )
            )
    return tuple(found)


def in_sections(
    tune: Tune, sections: Sequence[Section], leads: Sequence[Fraction] = ()
) -> list[tuple[Section | None, list[Note]]]:
    """The sounding notes of each section; all of them as one where there are none. A pick-up belongs to the
    first. leads: for each section, how many quarter notes before its first bar it begins.
    """
    notes = list(tune.sounding)
    if not sections:
        return [(None, notes)] if notes else []
    numbers = [max(1, tune.bar_at(note.start).number) for note in notes]
    for section, lead in zip(sections, leads, strict=False):
        start = next((bar.start for bar in tune.bars() if bar.number == section.first_bar), tune.end)
        leading = [lead > 0 and start - lead <= note.start < start for note in notes]
        numbers = [
            section.first_bar if leads_on else number
            for number, leads_on in zip(numbers, leading, strict=True)
        ]
    return [
        (
            section,
            [
                note
                for note, number in zip(notes, numbers, strict=True)
                if section.first_bar <= number <= section.last_bar
            ],
        )
        for section in sections
    ]


def leads_in(tune: Tune, sections: Sequence[Section]) -> tuple[Fraction, ...]:
    """How many quarter notes before its first bar each section begins: where a phrase ends within the bar
    before it, what comes after that end leads into the section.
    """
    bars = {bar.number: bar for bar in tune.bars()}
    found = []
    for section in sections:
        before = bars.get(section.first_bar - 1) if section.first_bar > 1 else None
        ends = [place for place in tune.phrase_ends if before and before.start < place < before.end]
        found.append(before.end - ends[-1] if before and ends else Fraction(0))
    return tuple(found)


def lines_of(tune: Tune, notes: Sequence[Note]) -> list[list[Note]]:
    """The phrases of these notes, which follow each other."""
    found: list[list[Note]] = [[]]
    for number, note in enumerate(notes):
        found[-1].append(note)
        if number + 1 < len(notes) and _ends_a_line(tune, notes, number, len(found[-1])):
            found.append([])
    return [line for line in found if line]


def _ends_a_line(tune: Tune, notes: Sequence[Note], number: int, length: int) -> bool:
    note, after = notes[number], notes[number + 1]
    beat = tune.bar_at(note.start).meter.beat
    if any(note.start < place <= after.start for place in tune.phrase_ends):
        return True
    if length < 3:
        return False
    if after.start - note.end >= beat:
        return True
    before = max(each.duration for each in notes[number - length + 1 : number])
    if note.duration >= 2 * beat and note.duration > before and note.duration > after.duration:
        return True
    new_bar = tune.bar_at(after.start).number > tune.bar_at(note.start).number
    return length >= LONGEST_LINE and new_bar
