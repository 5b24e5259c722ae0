"""Lines that are drawn by the exact sampler: a walking bass, a second voice and a counter-line.

A line is a Markov chain whose transitions say which moves are idiomatic, and weights for each moment say what
the chord and the tune want there. `chains.sampling` draws from the product of both exactly, so that a bass
that walks knows, four beats ahead, which note it is going to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from studio.music.chains.markov import Chain, count, mix
from studio.music.chains.sampling import Requirement, solve
from studio.music.chains.trellis import Trellis, Walk, unfold

Floats = NDArray[np.float64]


def chain_of(moves: Floats) -> Chain:
    """A first-order chain from weights of its moves, [alphabet, alphabet]: how likely each symbol is after
    each other; 0 forbids.
    """
    size = len(moves)
    before, after = np.nonzero(moves)
    pairs = np.stack([before, after], axis=1)
    tree = count(
        list(pairs), alphabet=size, longest=1, starts=False, ends=False, weights=moves[before, after]
    )
    return mix(tree, lowest=1)


def drawn(trellis: Trellis, weights: Floats, rng: np.random.Generator) -> list[int] | None:
    """Symbols of a walk under weights [ticks, alphabet]; None where nothing fits."""
    solution = solve(trellis, len(weights), [Requirement("what the moment wants", weight=weights)])
    if not solution.feasible:
        return None
    found = solution.sample(1, rng)[0]
    return [int(symbol) for symbol in found if symbol >= 0]


# A walking bass
# ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Stride:
    """A moment at which a walking bass plays. tones: the chord's pitch classes. scale: those of the key.
    bass: the chord's bass. onto: the bass of the chord that begins with the next note, or None. arrives: the
    chord begins here. strong: a strong beat. tune: the pitch that the tune begins here, or -1.
    """

    tones: tuple[int, ...]
    scale: tuple[int, ...]
    bass: int
    onto: int | None
    arrives: bool
    strong: bool
    tune: int = -1


@lru_cache(maxsize=16)
def _bass_trellis(low: int, high: int) -> Trellis:
    """Steps most, then thirds, fourths and fifths, an octave now and then; a note is hardly repeated."""
    size = high - low + 1
    interval = np.abs(np.arange(size)[None, :] - np.arange(size)[:, None])
    liked = np.array([0.12, 6, 6, 2.4, 2.0, 1.6, 0.25, 1.2, 0.2, 0.15, 0.05, 0.02, 0.5])
    moves = np.where(interval <= 12, liked[np.minimum(interval, 12)], 0)
    return unfold(Walk(chain_of(moves), np.ones(size, dtype=np.int64)))


def walking(strides: Sequence[Stride], low: int, high: int, rng: np.random.Generator) -> list[int]:
    """The pitches of a walking bass, one for each moment, within low..high.

    The bass of a chord where it begins, a chord tone on a strong beat, and before a change the step or half
    step that leads into it. Where the tune begins a note at the same moment in a fifth or octave, another
    note is preferred unless it is the chord's own bass.
    """
    pitches = np.arange(low, high + 1)
    classes = pitches % 12
    weights = np.empty((len(strides), len(pitches)))
    centre = low + 0.45 * (high - low)
    register = np.exp(-(((pitches - centre) / (0.42 * (high - low))) ** 2))
    for place, stride in enumerate(strides):
        tone = np.isin(classes, stride.tones)
        scale = np.isin(classes, stride.scale)
        liked = np.where(tone, 1.0, np.where(scale, 0.35, 0.03))
        if stride.arrives:
            liked = np.where(classes == stride.bass, 1.0, np.where(tone, 0.003, 1e-9))
        elif stride.strong:
            liked = np.where(tone, 1.0, np.where(scale, 0.08, 0.005))
        elif stride.onto is not None:
            away = (classes - stride.onto) % 12
            half = np.isin(away, (1, 11))
            step = np.isin(away, (2, 10)) & scale
            fifth = (away == 7) & (tone | scale)
            same = away == 0
            liked = np.where(half, 2.2, np.where(step, 2.5, np.where(fifth, 1.2, np.where(tone, 0.6, 0.05))))
            liked = np.where(same, 0.05, liked)
        if stride.tune >= 0 and not stride.arrives:
            liked = liked * np.where(np.isin((stride.tune - pitches) % 12, (0, 7)), 0.25, 1.0)
        weights[place] = liked * register
    found = drawn(_bass_trellis(low, high), weights, rng)
    assert found is not None  # every pitch has a weight above 0
    return [low + symbol for symbol in found]


# A second voice under the tune, note against note
# ------------------------------------------------------------------------------------------------------------

NEAREST, FARTHEST = 1, 12
"""How far below the tune a second voice may be, in semitones."""

_BELOW = np.array([0, 0.1, 0.3, 3, 3, 1.6, 0.5, 0.8, 2, 2, 0.4, 0.1, 0.3])
"""Semitones below the tune -> how well a second voice likes to be there: thirds and sixths."""


@dataclass(frozen=True)
class SungNote:
    """A note of the tune that a second voice joins. tones: the pitch classes of the chord. strong: it begins
    on a beat or lasts at least one.
    """

    pitch: int
    tones: tuple[int, ...]
    scale: tuple[int, ...]
    strong: bool


@lru_cache(maxsize=1)
def _second_trellis() -> Trellis:
    """A symbol is the interval below the tune. Fifths and octaves never follow each other, which is the rule
    against parallels; otherwise an interval rather stays as it is than changes much.
    """
    gap = np.arange(NEAREST, FARTHEST + 1)
    moves = np.exp(-np.abs(gap[None, :] - gap[:, None]) / 2.5)
    for perfect in (7, 12):
        moves[perfect - NEAREST, perfect - NEAREST] = 0
    return unfold(Walk(chain_of(moves), np.ones(len(gap), dtype=np.int64)))


def second_voice(
    notes: Sequence[SungNote], low: int, high: int, rng: np.random.Generator, *, below: int = 0
) -> list[int | None]:
    """A pitch under each of these notes, or None where the range has none.

    below: semitones by which it keeps away from thirds: 0 for the voice next to the tune, 4 for one below it.
    """
    gap = np.arange(NEAREST, FARTHEST + 1)
    taste = _BELOW[np.clip(gap - below, 0, 12)] + 1e-6 if below else _BELOW[gap] + 1e-6
    weights = np.empty((len(notes), len(gap)))
    for place, note in enumerate(notes):
        pitch = note.pitch - gap
        tone, scale = np.isin(pitch % 12, note.tones), np.isin(pitch % 12, note.scale)
        fits = np.where(tone, 1.0, np.where(scale, 0.02 if note.strong else 0.4, 1e-6))
        inside = np.where((pitch >= low) & (pitch <= high), 1.0, 1e-9)
        weights[place] = taste * fits * inside
    found = drawn(_second_trellis(), weights, rng) if len(notes) else []
    assert found is not None
    pitches = [note.pitch - NEAREST - symbol for note, symbol in zip(notes, found, strict=True)]
    return [pitch if low <= pitch <= high else None for pitch in pitches]


# A counter-line
# ------------------------------------------------------------------------------------------------------------

LENGTHS = (1, 2, 3, 4, 6, 8)
"""Of the notes of a counter-line, in eighths."""

_LIKED_LENGTHS = np.array([0.6, 1.5, 0.8, 1.6, 0.5, 0.9])


@dataclass(frozen=True)
class Eighth:
    """An eighth of a bar under the tune. tones: the chord's pitch classes. strong: on a beat. begins: the
    tune begins a note here. busy: how many notes the tune begins within half a bar, 0 … 4. pitch: of the tune
    here; -1 for a rest. until: eighths until the chord changes. onward: the tones of the chord that follows,
    and eighths until it ends.
    """

    tones: tuple[int, ...]
    scale: tuple[int, ...]
    strong: bool
    begins: bool
    busy: int
    pitch: int
    until: int
    onward: tuple[tuple[int, ...], int] = ((), 0)


@lru_cache(maxsize=16)
def _counter_trellis(low: int, high: int) -> Trellis:
    """Symbols are (pitch or rest, length), pitch by pitch; the last pitch is the rest. A line that moves by
    step, with some leaps.
    """
    size, kinds = high - low + 2, len(LENGTHS)
    pitch = np.arange(size)
    interval = np.abs(pitch[None, :] - pitch[:, None])
    liked = np.array([0.2, 6, 6, 1.6, 1.4, 0.7, 0.05, 0.4, 0.1, 0.1, 0.01, 0.01, 0.12])
    moves = np.where(interval <= 12, liked[np.minimum(interval, 12)], 0)
    moves[-1, :], moves[:, -1] = 1.0, 0.8
    moves[-1, -1] = 0.3
    full = np.kron(moves, np.ones((kinds, kinds))) * np.tile(_LIKED_LENGTHS, size)[None, :]
    return unfold(Walk(chain_of(full), np.tile(np.array(LENGTHS, dtype=np.int64), size)))


def counter_line(
    moments: Sequence[Eighth], low: int, high: int, rng: np.random.Generator
) -> list[tuple[int, int, int]]:
    """A line that answers the tune: (moment at which it begins, length in eighths, pitch) of each note.

    It moves where the tune holds or rests and holds where the tune moves. On a beat it has a chord tone; it
    never begins together with the tune in a fifth, octave or unison, so no two of them are in parallel; no
    note but a chord tone lasts longer than an eighth, and none is held into a chord that lacks it.
    """
    trellis = _counter_trellis(low, high)
    size, kinds = high - low + 2, len(LENGTHS)
    pitches = np.arange(low, high + 2)
    lengths = np.array(LENGTHS)
    weights = np.empty((len(moments), size * kinds))
    for place, moment in enumerate(moments):
        tone, scale = np.isin(pitches % 12, moment.tones), np.isin(pitches % 12, moment.scale)
        liked = np.where(tone, 1.0, np.where(scale, 0.03 if moment.strong else 0.5, 1e-5))
        if moment.pitch >= 0:
            gap = moment.pitch - pitches
            liked = liked * np.where(np.abs(gap) <= 2, 0.05, 1.0)
            if moment.begins:
                liked = liked * np.where(np.isin(gap % 12, (0, 7)), 0.0, 1.0)
        cells = np.repeat(liked[:, None], kinds, axis=1)
        # Where the tune is busy, few and long notes; where it holds or rests, more and shorter ones.
        patience = np.where(lengths >= 3, 1.0 + moment.busy, 4.0 / (1 + moment.busy))
        cells = cells * patience[None, :] * (0.12 if moment.begins else 1.6)
        if not moment.strong:  # what begins between beats is short, and so no syncopation
            cells = cells * np.where(lengths == 1, 1.0, 0.12)[None, :]
        cells[~tone[:, None] & (lengths > 1)[None, :]] = 0
        held = np.where(np.isin(pitches % 12, moment.onward[0]), moment.onward[1], moment.until)
        cells[lengths[None, :] > held[:, None]] = 0
        rests = np.where(lengths <= 4, 0.3 + 0.35 * moment.busy, 0.02)
        cells[-1] = rests * (1.2 if moment.pitch >= 0 else 0.3)
        weights[place] = cells.ravel()
    found = drawn(trellis, weights, rng)
    if found is None:
        return []
    notes, here = [], 0
    for symbol in found:
        pitch, length = divmod(symbol, kinds)
        if pitch < size - 1:
            notes.append((here, LENGTHS[length], low + pitch))
        here += LENGTHS[length]
    return notes
