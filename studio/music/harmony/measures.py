"""Published measures of a harmony and of how a melody lies over it.

    found = measure_harmony(tune)
    found.che, found.ctnctr                    # to be set beside those of the style's own songs
    rhythm_of([tune, …])                       # histogram of harmonic rhythm; overlap(one, other)

From Yeh et al., "Automatic melody harmonization with triad chords" (arXiv 2001.02360, 2020), on the 48
triads, by slots of half a bar in 4/4 and 2/2 and of a bar elsewhere; a slot has the chord that is in force
where it begins. Tonal centroids are those of Harte, Sandler and Gasser (2006). Where definitions differ
between implementations, each field below says which is meant.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from fractions import Fraction
from itertools import pairwise

import numpy as np

from studio.music.chains.markov import Floats
from studio.music.harmony.idiom import chord_changes
from studio.music.harmony.symbols import Harmony
from studio.music.scores.tunes import Tune

_TRIAD_TONES = ((0, 4, 7), (0, 3, 7), (0, 3, 6), (0, 4, 8))


@dataclass(frozen=True)
class HarmonyMeasures:
    """Measures of one song.

    che: entropy of the histogram of chords over slots, in nats. cc: how many different chords. ctd: mean
    distance of the tonal centroids of neighbouring slots, equal ones included. ctd_changes: of chords that
    differ. ctnctr: (chord tones + other notes that move by at most two semitones to a tone of the chord under
    the next note) / notes. pcs: mean over (note, tone of its chord) of +1 for unison, thirds, fifth and
    sixths, 0 for a fourth, -1 otherwise. mctd: mean distance of a note's centroid from its chord's, by
    duration. chord_tones: share of the notes that are tones of their chord.
    """

    che: float
    cc: float
    ctd: float
    ctd_changes: float
    ctnctr: float
    pcs: float
    mctd: float
    chord_tones: float


def measure_harmony(tune: Tune) -> HarmonyMeasures | None:
    """The measures of a tune with chords; None for one without chords or notes."""
    changes = chord_changes(tune)
    if not changes or not tune.sounding:
        return None
    slots = _slots(tune, changes)
    shares = np.array(list(Counter(slots).values())) / max(1, len(slots))
    steps = [_apart(one, other) for one, other in pairwise(slots)]
    moved = [step for step, (one, other) in zip(steps, pairwise(slots), strict=True) if one != other]
    under = [(note, _in_force(changes, note.start)) for note in tune.sounding]
    tones = [_tones(chord) for _, chord in under]
    pitches = [note.pitch or 0 for note, _ in under]
    inside = [pitch % 12 in own for pitch, own in zip(pitches, tones, strict=True)]
    proper = sum(not inside[place] and _resolves(place, pitches, tones) for place in range(len(pitches)))
    consonance = [
        _SCORE[(pitch - tone) % 12] for pitch, own in zip(pitches, tones, strict=True) for tone in own
    ]
    lengths = np.array([float(note.duration) for note, _ in under])
    far = np.array(
        [
            np.linalg.norm(_centroid((pitch % 12,)) - _centroid(tuple(own)))
            for pitch, own in zip(pitches, tones, strict=True)
        ]
    )
    return HarmonyMeasures(
        che=float(-(shares * np.log(shares)).sum()),
        cc=float(len(shares)),
        ctd=float(np.mean(steps)) if steps else 0.0,
        ctd_changes=float(np.mean(moved)) if moved else 0.0,
        ctnctr=(sum(inside) + proper) / len(inside),
        pcs=float(np.mean(consonance)),
        mctd=float((far * lengths).sum() / lengths.sum()),
        chord_tones=sum(inside) / len(inside),
    )


def mean_measures(found: Iterable[HarmonyMeasures]) -> HarmonyMeasures:
    """The mean over songs."""
    rows = list(found)
    return HarmonyMeasures(
        **{
            field.name: float(np.mean([getattr(row, field.name) for row in rows]))
            for field in fields(HarmonyMeasures)
        }
    )


def rhythm_of(tunes: Iterable[Tune]) -> Mapping[tuple[Fraction, Fraction], float]:
    """The histogram of harmonic rhythm: (where in the bar a chord begins, how long it lasts) -> share.

    In beats; lengths over four bars count as four.
    """
    counts: Counter[tuple[Fraction, Fraction]] = Counter()
    for tune in tunes:
        changes = chord_changes(tune)
        ends = [*(place for place, _ in changes[1:]), tune.end]
        for (place, _), end in zip(changes, ends, strict=True):
            bar = tune.bar_at(place)
            length = min(end - place, 4 * bar.meter.bar_length)
            counts[round((place - bar.start) * 2) / Fraction(2), round(length * 2) / Fraction(2)] += 1
    total = max(1, sum(counts.values()))
    return {what: count / total for what, count in counts.items()}


def overlap(one: Mapping[object, float], other: Mapping[object, float]) -> float:
    """How much two histograms share, 0 to 1."""
    return sum(min(share, other.get(what, 0.0)) for what, share in one.items())


def _slots(tune: Tune, changes: Sequence[tuple[Fraction, Harmony]]) -> list[int]:
    """The triad in force at each slot; slots before the first chord are left out."""
    found = []
    for bar in tune.bars():
        parts = 2 if str(bar.meter) in ("4/4", "2/2") else 1
        for part in range(parts):
            place = bar.start + part * bar.meter.bar_length / parts
            if changes[0][0] <= place < bar.end:
                found.append(_in_force(changes, place).triad)
    return found


def _in_force(changes: Sequence[tuple[Fraction, Harmony]], place: Fraction) -> Harmony:
    """The chord at a place; before the first, the first."""
    low, high = 0, len(changes)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if changes[middle][0] <= place else (low, middle)
    return changes[low][1]


def _tones(chord: Harmony) -> set[int]:
    """The pitch classes of its triad."""
    root, triad = divmod(chord.triad, 4)
    return {(root + tone) % 12 for tone in _TRIAD_TONES[triad]}


def _resolves(place: int, pitches: Sequence[int], tones: Sequence[set[int]]) -> bool:
    """Whether the next different note is at most two semitones away and a tone of its chord."""
    for after in range(place + 1, len(pitches)):
        if pitches[after] != pitches[place]:
            return abs(pitches[after] - pitches[place]) <= 2 and pitches[after] % 12 in tones[after]
    return False


_SCORE = (1, -1, -1, 1, 1, 0, -1, 1, 1, 1, -1, -1)
"""Semitones from the tone up to the note -> how consonant."""


def _centroid(classes: tuple[int, ...]) -> Floats:
    """[6]: the tonal centroid of a set of pitch classes (Harte et al. 2006, section 3)."""
    step = np.array(classes, dtype=np.float64)
    rows = [
        np.sin(step * 7 * np.pi / 6),
        np.cos(step * 7 * np.pi / 6),
        np.sin(step * 3 * np.pi / 2),
        np.cos(step * 3 * np.pi / 2),
        0.5 * np.sin(step * 2 * np.pi / 3),
        0.5 * np.cos(step * 2 * np.pi / 3),
    ]
    found: Floats = np.array(rows).mean(axis=1)
    return found


def _apart(one: int, other: int) -> float:
    tones = [tuple((label // 4 + tone) % 12 for tone in _TRIAD_TONES[label % 4]) for label in (one, other)]
    return float(np.linalg.norm(_centroid(tones[0]) - _centroid(tones[1])))
