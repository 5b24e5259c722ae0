"""What songs of a style do beside their chords and melodies: where their bridges modulate to, and how they
lead into their first bar.

    habits = learn_habits(style, lines)               # from songs; shipped_habits(name) for styles of counts
    habits.key_of(Key.parse("C"), random)             # of a section that contrasts: mostly the song's own
    with_pickup(tune, habits, fits, random)           # the tune with a pick-up; None where none leads to it

How often a contrasting section is in another key, and in which, is counted by the local key of its bars
(`harmony.local_keys`), relative to the key in which the song begins. Upbeats are counted as intervals below
or above the note they lead to, with their lengths: those before the first bar, and those in the last half bar
before a section of eight bars, where a longer note or a rest comes before them.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from studio.errors import Missing
from studio.music.harmony.idiom import CONTRAST, SECTION, ChordLine, is_minor, kinds_of
from studio.music.scores.bars import Grid
from studio.music.scores.chords import ChordAt
from studio.music.scores.keys import Key, KeyAt
from studio.music.scores.meters import Meter
from studio.music.scores.notes import Note
from studio.music.scores.tunes import Tune
from studio.works.shipped import shipped

if TYPE_CHECKING:
    from studio.music.styles.style import Style

Upbeat = tuple[tuple[int, Fraction], ...]
"""(semitones from the note it leads to, length in quarter notes) of each note, in order."""

End = tuple[int, Fraction, Fraction, Fraction, int]
"""The last note of a song: bars from the one it begins in to the one it ends in, where it begins in its bar,
how long it sounds in that bar and in the last one, in quarter notes, and semitones above the tonic."""

FILE = "song-habits.json"

MOST_NOTES = 4
"""Notes of an upbeat that is learnt."""


@dataclass(frozen=True)
class SongHabits:
    """Counts. songs: learnt from. begun: of these, songs that begin with a pick-up. section_keys: semitones
    above the song's key -> contrasting sections in that key. upbeats: meter -> upbeat -> how often. ends:
    meter and mode -> the last note -> how often. leans: chords, meter and mode -> what `natural.leaning`
    takes. loops: see `loops.ChordLoops.patterns`. kinds: meter and mode -> (bars, different triads) of each
    song. spans: meter and mode -> the lowest and highest pitch of each song, in C.
    """

    songs: int
    begun: int
    section_keys: Mapping[int, int]
    upbeats: Mapping[str, Mapping[Upbeat, int]]
    ends: Mapping[str, Mapping[End, int]] = field(default_factory=dict)
    leans: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    loops: Mapping[int, Mapping[tuple[int, ...], int]] = field(default_factory=dict)
    kinds: Mapping[str, Sequence[tuple[int, int]]] = field(default_factory=dict)
    spans: Mapping[str, Sequence[tuple[int, int]]] = field(default_factory=dict)

    def key_of(self, home: Key, random: np.random.Generator) -> Key:
        """The key of a contrasting section, as often as in the songs."""
        steps = sorted(self.section_keys)
        counts = np.array([self.section_keys[step] for step in steps], dtype=np.float64)
        if not counts.sum():
            return home
        step = steps[int(random.choice(len(steps), p=counts / counts.sum()))]
        return Key.of_tonic((home.tonic + step) % 12, home.mode) if step else home

    def to_data(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "songs": self.songs,
            "begun": self.begun,
            "section keys": {str(step): self.section_keys[step] for step in sorted(self.section_keys)},
            "upbeats": {
                meter: [
                    [count, [[rise, str(length)] for rise, length in upbeat]]
                    for upbeat, count in sorted(counts.items())
                ]
                for meter, counts in sorted(self.upbeats.items())
            },
            "leans": {name: list(logs) for name, logs in sorted(self.leans.items())},
            "ends": {
                name: [
                    [often, back, *map(str, lengths), degree]
                    for (back, *lengths, degree), often in sorted(counts.items())
                ]
                for name, counts in sorted(self.ends.items())
            },
            "loops": {
                str(bars): [[often, list(pattern)] for pattern, often in sorted(counts.items())]
                for bars, counts in sorted(self.loops.items())
            },
            "kinds": {name: sorted(map(list, each)) for name, each in sorted(self.kinds.items())},
            "spans": {name: sorted(map(list, each)) for name, each in sorted(self.spans.items())},
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> SongHabits:
        return cls(
            int(data["songs"]),
            int(data["begun"]),
            {int(step): int(count) for step, count in data["section keys"].items()},
            {
                meter: {
                    tuple((int(rise), Fraction(length)) for rise, length in upbeat): int(count)
                    for count, upbeat in rows
                }
                for meter, rows in data["upbeats"].items()
            },
            {
                name: {
                    (int(back), Fraction(place), Fraction(length), Fraction(last), int(degree)): int(often)
                    for often, back, place, length, last, degree in rows
                }
                for name, rows in data.get("ends", {}).items()
            },
            {name: tuple(map(float, logs)) for name, logs in data.get("leans", {}).items()},
            {
                int(bars): {tuple(map(int, pattern)): int(often) for often, pattern in rows}
                for bars, rows in data.get("loops", {}).items()
            },
            *(
                {
                    name: tuple((int(one), int(other)) for one, other in rows)
                    for name, rows in data.get(each, {}).items()
                }
                for each in ("kinds", "spans")
            ),
        )


def learn_habits(tunes: Iterable[Tune], lines: Iterable[ChordLine]) -> SongHabits:
    """From the tunes of a style, and the chords of its songs as `harmony.idiom` reads them."""
    songs = begun = 0
    upbeats: dict[str, Counter[Upbeat]] = {}
    ends: dict[str, Counter[End]] = {}
    for tune in tunes:
        songs += 1
        if (end := _end_of(tune)) is not None:
            mode = "minor" if is_minor(tune.key.mode) else "major"
            ends.setdefault(f"{tune.meter} {mode}", Counter())[end] += 1
        begun += bool(tune.pickup)
        for upbeat in _upbeats(tune):
            upbeats.setdefault(str(tune.meter), Counter())[upbeat] += 1
    return SongHabits(songs, begun, section_keys(lines), upbeats, ends)


@lru_cache(maxsize=2)
def habits_of(style: Style) -> SongHabits:
    """What the tunes of a style do; the latest styles are remembered."""
    return learn_habits(style, ())


def _end_of(tune: Tune) -> End | None:
    """The last note; None for a song with changing meters, or whose last note is longer than two bars."""
    played = tune.unfolded()
    if not played.sounding or len(played.grid.meters) > 1:
        return None
    note = played.sounding[-1]
    bars = [bar for bar in played.bars() if bar.start < note.end and bar.end > note.start]
    if not 1 <= len(bars) <= 2 or note.pitch is None:
        return None
    inside = [min(bar.end, note.end) - max(bar.start, note.start) for bar in bars]
    return (
        len(bars) - 1,
        note.start - bars[0].start,
        inside[0],
        inside[-1],
        (note.pitch - tune.key.tonic) % 12,
    )


def section_keys(lines: Iterable[ChordLine]) -> Counter[int]:
    """Semitones above the key in which its song begins -> contrasting sections of eight bars in that key."""
    found: Counter[int] = Counter()
    for line in lines:
        kinds = kinds_of(line)
        for first in range(0, line.length - SECTION + 1, SECTION):
            if kinds[first] // SECTION == CONTRAST:
                ((tonic, _),) = Counter(line.tonics[first : first + SECTION]).most_common(1)
                found[(tonic - line.tonics[0]) % 12] += 1
    return found


def _upbeats(tune: Tune) -> Iterator[Upbeat]:
    bars, beat = tune.bars(), tune.meter.beat
    for bar in bars:
        first = bar.number == 1 and tune.pickup > 0
        if not first and (bar.number <= 1 or (bar.number - 1) % SECTION):
            continue
        at = next((place for place, note in enumerate(tune.notes) if note.start == bar.start), None)
        if at is None or tune.notes[at].pitch is None:
            continue
        lead = _leading(tune.notes, at, Fraction(0) if first else bar.start - tune.meter.bar_length / 2)
        before = tune.notes[at - len(lead) - 1] if at > len(lead) else None
        apart = before is None or before.pitch is None or before.duration > beat
        if 0 < len(lead) <= MOST_NOTES and (first or (apart and max(n.duration for n in lead) <= beat)):
            aim = tune.notes[at].pitch or 0
            yield tuple(((note.pitch or 0) - aim, note.duration) for note in lead)


def _leading(notes: Sequence[Note], at: int, earliest: Fraction) -> list[Note]:
    """The notes without a rest between that come before the note `at`, from `earliest` on."""
    found: list[Note] = []
    for note in reversed(notes[:at]):
        if note.pitch is None or note.start < earliest:
            break
        found.insert(0, note)
    return found


# Where they are used
# ------------------------------------------------------------------------------------------------------------


def with_pickup(
    tune: Tune,
    habits: SongHabits,
    fits: Callable[[Sequence[int]], bool],
    random: np.random.Generator,
    *,
    plain: bool = False,
) -> Tune | None:
    """The tune with a pick-up before its first bar, drawn as often as songs lead to a first note so; None
    where the first bar begins with a rest, or no upbeat stays in the key and `fits`, which is asked of the
    pitches of the whole line. plain: none with parts of triplets, which are hard to read, where there is
    another.
    """
    if not tune.notes or tune.notes[0].pitch is None:
        return None
    first, line = tune.notes[0].pitch, [note.pitch for note in tune.sounding if note.pitch is not None]
    scale = set(tune.key.scale)
    ways = [
        (upbeat, count)
        for upbeat, count in upbeats_of(habits, tune.meter).items()
        if all((first + rise) % 12 in scale and 0 <= first + rise <= 127 for rise, _ in upbeat)
        and fits([*(first + rise for rise, _ in upbeat), *line])
    ]
    if plain:
        ways = [
            each for each in ways if all(length.denominator in (1, 2, 4) for _, length in each[0])
        ] or ways
    if not ways:
        return None
    counts = np.array([count for _, count in ways], dtype=np.float64)
    return led_by(tune, ways[int(random.choice(len(ways), p=counts / counts.sum()))][0])


def led_by(tune: Tune, upbeat: Upbeat) -> Tune:
    """A tune that begins with its first bar, with this pick-up before its first sounding note."""
    first = next((note.pitch for note in tune.sounding if note.pitch is not None), 60)
    lead: list[Note] = []
    here = Fraction(0)
    for rise, length in upbeat:
        lead.append(Note(first + rise, here, length))
        here += length
    return replace(
        tune,
        notes=(*lead, *(replace(note, start=note.start + here) for note in tune.notes)),
        grid=Grid.of(tune.meter, here),
        keys=tuple(KeyAt(each.start + here if each.start else each.start, each.key) for each in tune.keys),
        chords=tuple(ChordAt(chord.start + here, chord.symbol) for chord in tune.chords),
        phrase_ends=tuple(place + here for place in tune.phrase_ends),
        words=tuple(replace(word, start=word.start + here) for word in tune.words),
    )


def upbeats_of(habits: SongHabits, meter: Meter) -> Mapping[Upbeat, int]:
    """The upbeats of a meter, those of all meters with the same beat where there are none; shorter than a
    bar.
    """
    found: Counter[Upbeat] = Counter(habits.upbeats.get(str(meter), {}))
    if not found:
        for name, counts in sorted(habits.upbeats.items()):
            if Meter.parse(name).beat == meter.beat:
                found.update(counts)
    return {u: count for u, count in found.items() if sum(length for _, length in u) < meter.bar_length}


def shipped_habits(name: str) -> SongHabits:
    """Those of a style of counts that comes with the studio, by the name of its chords or of its melodies.
    Raises `Missing`.
    """
    path = shipped("models") / FILE
    if not path.exists():
        raise Missing("This installation lacks the habits of songs; install the studio again.")
    return _read(path, path.stat().st_mtime_ns).get(name) or SongHabits(0, 0, {}, {})


@lru_cache(maxsize=1)
def _read(path: Path, _changed: int) -> dict[str, SongHabits]:
    data = json.loads(path.read_text("utf-8"))
    return {name: SongHabits.from_data(each) for name, each in data["styles"].items()}
