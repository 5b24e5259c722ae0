"""Notes on which words begin before their section: "I was | walking", sung in the bar before.

    leading = Leading(words, habits, fits)
    leading.into(tune, sections, random)      # (the tune with them, their numbers); None where none can be

A section is the same whatever it leads to, so what comes before its first bar is no part of it. The clock of
its words keeps its last beats free (`sung_words`), and once the song is put together, each section that
begins with unstressed syllables is led into: in the bar before it, whose last note ends there, or before the
first bar of the song. The notes are drawn from the ways in which the style's songs lead to a note, and from
the simplest ways of all (steps, the same note, a fourth from below). They lie in the scale, keep the copy
limit and the range, begin near the note before, and a dissonance on a beat goes on by step where it has to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import product

import numpy as np

from studio.music.scores.chords import parse_chord
from studio.music.scores.notes import Note
from studio.music.scores.sections import Section
from studio.music.scores.tunes import Tune
from studio.music.songs.habits import SongHabits, Upbeat, led_by, upbeats_of
from studio.music.songs.keeping import Kept, lead_from
from studio.music.songs.sung_words import SongWords

SIMPLE = {-2: 3.0, -1: 3.0, 2: 2.0, 1: 2.0, 0: 2.0, -3: 1.0, -4: 1.0, 3: 0.7, 4: 0.7, -5: 1.5}
"""Semitones from the note that is led to, and how often each is taken, of one note."""

OWN = 1.5
"""How often the style's own ways are taken for each simple one."""

NEAR, AWAY = 4, 0.4
"""Semitones from the note before that cost nothing, and the logarithm for each more."""

TRIED = 60
"""Ways that are tried, the likelier sooner, until one keeps the copy limit."""


@dataclass(frozen=True)
class Leading:
    """fits: whether a line of pitches keeps range and copy limit. resolved: a dissonance on a beat goes on by
    step. kept: what is kept of an earlier song, whose notes stay as they are.
    """

    words: SongWords
    habits: SongHabits
    fits: Callable[[Sequence[int]], bool]
    resolved: bool = True
    kept: Kept | None = None

    def into(
        self, tune: Tune, sections: Sequence[Section], random: np.random.Generator
    ) -> tuple[Tune, tuple[int, ...]] | None:
        """The tune with the notes before its sections, and their numbers among the notes that sound."""
        bar = tune.meter.bar_length
        starts: list[Fraction] = []
        for number in range(1, len(sections)):
            place = (sections[number].first_bar - 1) * bar
            count = self.words.leads[number]
            known = self._kept_lead(sections[number].first_bar - 2)
            if known is None and count:
                found = self._before(tune, place, number, random)
                if found is None and not self._is_kept(sections[number].first_bar - 2):
                    return None
                if found is not None:
                    tune, lead = found
                    starts += [note.start for note in lead]
                    known = place - lead[0].start
            if known:
                ends = (end - known if end == place else end for end in tune.phrase_ends)
                tune = replace(tune, phrase_ends=tuple(ends))
        if self.words.leads[0]:
            before = self._kept_pickup() or self._upbeat(tune, Fraction(0), 0, random)
            if before is None:
                return None
            tune = led_by(tune, before)
            shift = sum((length for _, length in before), Fraction(0))
            starts = [start + shift for start in starts]
            starts += [note.start for note in tune.notes[: len(before)]]
        new = set(starts)
        return tune, tuple(place for place, note in enumerate(tune.sounding) if note.start in new)

    def _before(
        self, tune: Tune, place: Fraction, section: int, random: np.random.Generator
    ) -> tuple[Tune, list[Note]] | None:
        """The tune with notes that lead to `place`, and these."""
        found = self._upbeat(tune, place, section, random)
        if found is None:
            return None
        here = place - sum(length for _, length in found)
        notes = [note for note in tune.notes if note.start < here]
        notes[-1] = replace(notes[-1], duration=here - notes[-1].start)
        aim = _first_from(tune, place)
        lead = []
        for rise, length in found:
            lead.append(Note(aim + rise, here, length))
            here += length
        after = [note for note in tune.notes if note.start >= place]
        return replace(tune, notes=(*notes, *lead, *after)), lead

    def _upbeat(
        self, tune: Tune, place: Fraction, section: int, random: np.random.Generator
    ) -> Upbeat | None:
        """A way to lead to what begins at `place`."""
        count, aim = self.words.leads[section], _first_from(tune, place)
        longest = self.words.lead_beats(section) * tune.meter.beat
        before = [note for note in tune.sounding if note.start < place]
        ways = [
            (way, weight * self._suits(tune, place, way, before))
            for way, weight in self._ways(tune, count, longest)
        ]
        ways = [(way, weight) for way, weight in ways if weight > 0]
        if not ways:
            return None
        weights = np.array([weight for _, weight in ways])
        old = [note.pitch for note in before if note.pitch is not None]
        new = [note.pitch for note in tune.sounding if note.start >= place and note.pitch is not None]
        size = min(TRIED, len(ways))
        for number in random.choice(len(ways), size=size, replace=False, p=weights / weights.sum()):
            way = ways[int(number)][0]
            if self.fits([*old, *(aim + rise for rise, _ in way), *new]):
                return way
        return None

    def _ways(self, tune: Tune, count: int, longest: Fraction) -> Iterator[tuple[Upbeat, float]]:
        """Each way with how often it is taken, whatever it leads to."""
        own = {
            way: often
            for way, often in upbeats_of(self.habits, tune.meter).items()
            if len(way) == count
            and sum(length for _, length in way) <= longest
            and all(length.denominator in (1, 2) for _, length in way)
        }
        simple = dict(_simple(count, tune.meter.beat, longest))
        for ways, share in ((own, OWN), (simple, 1.0)):
            total = float(sum(ways.values()))
            yield from ((way, share * float(often) / total) for way, often in ways.items())

    def _suits(self, tune: Tune, place: Fraction, way: Upbeat, before: Sequence[Note]) -> float:
        """How well a way suits where it comes; 0 where it must not be."""
        aim = _first_from(tune, place)
        pitches = [aim + rise for rise, _ in way] + [aim]
        key = next(each.key for each in reversed(tune.keys) if each.start <= place)
        if any(pitch % 12 not in key.scale or not 0 <= pitch <= 127 for pitch in pitches[:-1]):
            return 0.0
        here = place - sum(length for _, length in way)
        if before and before[-1].start >= here:
            return 0.0
        found = 1.0
        if before:
            apart = abs(pitches[0] - (before[-1].pitch or 0))
            found *= float(np.exp(-AWAY * max(0, apart - NEAR)))
            same = [note.pitch for note in before[-2:]] + pitches
            found *= 0.15 if any(len(set(same[at : at + 4])) == 1 for at in range(len(same) - 3)) else 1.0
        for pitch, after, (_, length) in zip(pitches, pitches[1:], way, strict=False):
            symbol = tune.chord_at(here) if here >= 0 else None
            chord = parse_chord(symbol) if symbol else None
            good = chord is None or pitch % 12 in chord.pitch_classes
            on_a_beat = (here / tune.meter.beat).denominator == 1
            if not good and self.resolved and on_a_beat and abs(after - pitch) not in (1, 2):
                return 0.0
            found *= 1.0 if good else 0.5
            here += length
        return found

    def _kept_lead(self, bar: int) -> Fraction | None:
        """How long before its end the words of the next section begin in a bar (from 0) that is kept of an
        earlier song together with the next one; None for another.
        """
        melody = self.kept.melody if self.kept is not None else {}
        each, after = melody.get(bar), melody.get(bar + 1)
        if self.kept is None or each is None or after is None:
            return None
        goes_on = (after.song, after.bar) == (each.song, each.bar + 1)
        return lead_from(self.kept.records[each.song], each.bar) if goes_on else None

    def _is_kept(self, bar: int) -> bool:
        return self.kept is not None and bar in self.kept.melody

    def _kept_pickup(self) -> Upbeat | None:
        """The pick-up of an earlier song, where the first bar is its own first bar."""
        each = self.kept.melody.get(0) if self.kept is not None else None
        if each is None or self.kept is None or each.bar != 1:
            return None
        tune = self.kept.records[each.song].tune
        lead = [note for note in tune.sounding if note.start < tune.pickup]
        if len(lead) != self.words.leads[0] or sum(note.duration for note in lead) != tune.pickup:
            return None
        aim = _first_from(tune, tune.pickup)
        return tuple(((note.pitch or aim) - aim, note.duration) for note in lead)


def _first_from(tune: Tune, place: Fraction) -> int:
    """The first pitch from a place on; middle C where nothing sounds there."""
    return next((note.pitch for note in tune.sounding if note.start >= place and note.pitch is not None), 60)


def _simple(count: int, beat: Fraction, longest: Fraction) -> Iterator[tuple[Upbeat, float]]:
    """The simplest ways of so many notes: half beats or whole ones; of a beat of three, thirds."""
    parts = 3 if beat.numerator % 3 == 0 else 2
    lengths = [length for length in (beat / parts, beat) if count * length <= longest]
    for length in lengths:
        share = 1.0 if length < beat else 0.6
        for rises in product(SIMPLE, repeat=count):
            weight, after = share, 0
            for rise in reversed(rises):
                weight *= SIMPLE.get(rise - after, 0.0)
                after = rise
            if weight:
                yield tuple((rise, length) for rise in rises), weight
