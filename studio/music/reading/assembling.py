"""From the notes of a file to a tune: which part is the melody, one note at a time, in which key.

What is common to all formats; `music21_streams`, `abc` and `midi` bring the notes.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from studio.errors import Unreadable
from studio.music.reading.budget import ReadingBudget
from studio.music.scores.bars import Grid, Repeat
from studio.music.scores.chords import ChordAt, parse_chord
from studio.music.scores.keys import Key, KeyAt
from studio.music.scores.meters import Meter
from studio.music.scores.notes import Note
from studio.music.scores.tunes import Tune

MELODY_NAMES = re.compile(
    r"melod|voice|vocal|voix|sopran|cantus|canto|superius|\blead\b|\btune\b|stimme|gesang|discant|treble|violin i\b",
    re.I,
)
"""A part that is called so is the melody."""


@dataclass
class PartLine:
    """One part while it is read. notes: (start, end, pitch or None, tied to the one before) in any order."""

    name: str = ""
    notes: list[tuple[Fraction, Fraction, int | None, bool]] = field(default_factory=list)
    percussion: bool = False
    grace: int = 0
    stacked: int = 0

    @property
    def count(self) -> int:
        return sum(pitch is not None for _, _, pitch, _ in self.notes)

    @property
    def height(self) -> float:
        pitches = [pitch for _, _, pitch, _ in self.notes if pitch is not None]
        return sum(pitches) / len(pitches) if pitches else 0.0


def choose_melody(lines: Sequence[PartLine]) -> PartLine | None:
    """The line that is the tune, by the rule at the top of this file; None when nothing but drums sounds."""
    tonal = [line for line in lines if line.count and not line.percussion]
    if not tonal:
        return None
    busiest = max(line.count for line in tonal)
    for line in tonal:
        if MELODY_NAMES.search(line.name) and line.count * 8 >= busiest:
            return line
    return max((line for line in tonal if line.count * 3 >= busiest), key=lambda line: line.height)


def remarks_on(chosen: PartLine, parts: int) -> list[str]:
    remarks = []
    if parts > 1:
        remarks.append(
            f"Of {parts} parts the melody was taken from {chosen.name!r}."
            if chosen.name
            else f"Of {parts} parts the highest was taken."
        )
    if chosen.grace:
        remarks.append(f"{chosen.grace} grace notes were left out.")
    if chosen.stacked:
        remarks.append(f"Of {chosen.stacked} chords the top note was kept.")
    return remarks


def assemble(
    line: PartLine,
    grid: Grid,
    keys: Sequence[KeyAt | tuple[Fraction, int]],
    chords: Sequence[ChordAt],
    repeats: Sequence[Repeat],
    phrase_ends: Sequence[Fraction],
    title: str,
    composer: str,
    tempo: float,
    *,
    end: Fraction,
    name: str,
    budget: ReadingBudget,
    remarks: list[str],
) -> Tune:
    """Put a tune together from what was read: one note at a time, rests in the gaps, keys completed with a
    mode.
    """
    if end > budget.quarters or any(stop > budget.quarters for _, stop, _, _ in line.notes):
        raise Unreadable(
            f"{name} lasts longer than {budget.quarters} quarter notes; cut it into smaller files."
        )
    notes = one_at_a_time(line.notes, end)
    while notes and notes[-1].pitch is None and notes[-1].start >= end:
        notes.pop()
    end = notes[-1].end
    known = _with_modes(keys, notes, chords, remarks)
    return Tune(
        tuple(notes),
        replace(
            grid, meters=tuple(change for change in grid.meters if change.start < end) or grid.meters[:1]
        ),
        tuple(change for change in known if change.start < end),
        tuple(chord for chord in chords if chord.start < end),
        tuple(again for again in repeats if again.end <= end),
        tuple(place for place in phrase_ends if place <= end),
        title[:300],
        composer[:300],
        tempo,
        name,
    )


def one_at_a_time(found: Iterable[tuple[Fraction, Fraction, int | None, bool]], end: Fraction) -> list[Note]:
    """One line from notes that may overlap: the top one of those that begin together, each until the next
    begins; ties joined.
    """
    tops: dict[Fraction, tuple[Fraction, int | None, bool]] = {}
    for start, stop, pitch, tied in found:
        before = tops.get(start)
        if before is None or (-1 if pitch is None else pitch) > (-1 if before[1] is None else before[1]):
            tops[start] = (stop, pitch, tied)
    notes: list[Note] = []
    starts = sorted(tops)
    for place, start in enumerate(starts):
        stop, pitch, tied = tops[start]
        if place + 1 < len(starts):
            stop = min(stop, starts[place + 1])
        last = notes[-1].end if notes else Fraction(0)
        if start > last:
            notes.append(Note(None, last, start - last))
        joins = notes and notes[-1].pitch == pitch and notes[-1].end == start
        if joins and (tied or pitch is None) and pitch is not None:
            notes[-1] = replace(notes[-1], duration=stop - notes[-1].start)
        else:
            notes.append(Note(pitch, start, stop - start))
    last = notes[-1].end if notes else Fraction(0)
    if end > last:
        notes.append(Note(None, last, end - last))
    return _rests_joined(notes)


def _rests_joined(notes: Sequence[Note]) -> list[Note]:
    joined: list[Note] = []
    for note in notes:
        if joined and joined[-1].pitch is None and note.pitch is None:
            joined[-1] = replace(joined[-1], duration=note.end - joined[-1].start)
        else:
            joined.append(note)
    return joined


def barred(bars: Sequence[tuple[Fraction, Meter | None]]) -> list[tuple[Fraction, Meter]]:
    """Bars without a meter get the one that fits the commonest length among them: music is barred as it is
    written.
    """
    common = Counter(length for length, meter in bars if meter is None and length > 0).most_common(1)
    fallback = _meter_of_length(common[0][0]) if common else Meter(4, 4)
    return [(length, meter or fallback) for length, meter in bars]


def _meter_of_length(length: Fraction) -> Meter:
    for denominator in (4, 8, 16, 32):
        numerator = length * denominator / 4
        if numerator.denominator == 1 and 2 <= numerator <= 12:
            return Meter(int(numerator), denominator)
    return Meter(4, 4)


def _with_modes(
    keys: Sequence[KeyAt | tuple[Fraction, int]],
    notes: Sequence[Note],
    chords: Sequence[ChordAt],
    remarks: list[str],
) -> list[KeyAt]:
    """Keys whose signature came without a mode get one from the notes they hold for; a tune without any key
    is analysed whole.
    """
    ordered = sorted(keys, key=lambda each: each.start if isinstance(each, KeyAt) else each[0])
    if not ordered or (ordered[0].start if isinstance(ordered[0], KeyAt) else ordered[0][0]) > 0:
        first = None
        if ordered:
            first = ordered[0].start if isinstance(ordered[0], KeyAt) else ordered[0][0]
        found = estimate_key([note for note in notes if first is None or note.start < first])
        remarks.append(f"No key is given; by its notes it stands in {found}.")
        ordered.insert(0, KeyAt(Fraction(0), found))
    starts = [each.start if isinstance(each, KeyAt) else each[0] for each in ordered] + [notes[-1].end]
    complete: list[KeyAt] = []
    for place, each in enumerate(ordered):
        if not isinstance(each, KeyAt):
            inside = [note for note in notes if starts[place] <= note.start < starts[place + 1]]
            each = KeyAt(each[0], estimate_key(inside, each[1], _root_at(chords, starts[place + 1])))
        if complete and complete[-1].start == each.start:
            complete[-1] = each
        elif not complete or complete[-1].key != each.key:
            complete.append(each)
    return complete


MAJOR_PROFILE = (0.238, 0.006, 0.111, 0.006, 0.137, 0.094, 0.016, 0.214, 0.009, 0.080, 0.008, 0.081)
MINOR_PROFILE = (0.220, 0.006, 0.104, 0.123, 0.019, 0.103, 0.012, 0.214, 0.062, 0.022, 0.061, 0.052)
"""How much of the music falls on each degree, from the tonic up (Albrecht and Shanahan, Music Perception 31,
2013).
"""


def _root_at(chords: Sequence[ChordAt], end: Fraction) -> int | None:
    last = [chord.symbol for chord in chords if chord.start < end][-1:]
    chord = parse_chord(last[0]) if last else None
    return chord.root_class if chord else None


def estimate_key(notes: Sequence[Note], fifths: int | None = None, closing: int | None = None) -> Key:
    """The key notes stand in, by the correlation of how long each pitch class sounds with the profiles of
    Albrecht and Shanahan.

    The end speaks for its tonic: a key on the root of the last chord (closing, a pitch class) or else on the
    last note has 0.2 added to its correlation. fifths: the signature, when it is known; then only major and
    minor (and dorian and mixolydian, when the tune ends there) of that signature are weighed.
    """
    sounding = [note for note in notes if note.pitch is not None]
    if not sounding:
        return Key(fifths or 0)
    weight = [0.0] * 12
    for note in sounding:
        weight[note.pitch % 12] += float(note.duration)  # type: ignore[operator]
    last = sounding[-1].pitch % 12 if closing is None else closing  # type: ignore[operator]
    if fifths is None:
        candidates = [Key.of_tonic(tonic, mode) for mode in ("major", "minor") for tonic in range(12)]
    else:
        candidates = [Key(fifths, "major"), Key(fifths, "minor")]
        candidates += [
            Key(fifths, mode) for mode in ("dorian", "mixolydian") if Key(fifths, mode).tonic == last
        ]

    def fit(key: Key) -> float:
        profile = MINOR_PROFILE if key.mode in ("minor", "dorian") else MAJOR_PROFILE
        turned = [weight[(key.tonic + degree) % 12] for degree in range(12)]
        return _correlation(turned, profile) + (0.2 if key.tonic == last else 0.0)

    return max(candidates, key=fit)


def _correlation(one: Sequence[float], other: Sequence[float]) -> float:
    mean_one, mean_other = sum(one) / len(one), sum(other) / len(other)
    together = sum((a - mean_one) * (b - mean_other) for a, b in zip(one, other, strict=True))
    spread = (sum((a - mean_one) ** 2 for a in one) * sum((b - mean_other) ** 2 for b in other)) ** 0.5
    return together / spread if spread else 0.0
