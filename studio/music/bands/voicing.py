"""Voicings of a row of chords by the shortest path.

Each chord has many placements of its tones within the players' ranges; moving from one to the next costs
something, and a row of voicings is drawn in proportion to exp(-cost / temperature). That is the shortest
path of Tymoczko ("The geometry of musical chords", Science 313, 2006: small moves, voice by voice) with the
rules of part-writing as costs, and at a small temperature the cheapest row or one close to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from studio.errors import Refused
from studio.music.scores.chords import Chord

Longs = NDArray[np.int64]
Floats = NDArray[np.float64]

TEMPERATURE = 0.6
"""Small: rows a few units above the cheapest are drawn now and then."""

MOST = 160
"""Placements of a chord that are considered, the best by themselves."""

PARALLEL, OUTER_PARALLEL, HIDDEN = 8.0, 60.0, 2.0
"""Costs of fifths, octaves or unisons that move in parallel, between the tune and the lowest voice, and of
those that outer voices reach by moving the same way."""

ABSENT = -1
"""The tune's pitch where it rests."""


@dataclass(frozen=True)
class Stand:
    """A chord that is to be voiced. before, at: the tune's pitch just before it begins and when it does;
    `ABSENT` for a rest. ceiling: the lowest pitch of the tune meanwhile, under which voices stay where they
    can. scale: of the key, from which tones are added; () for those that a major key adds to its tonic.
    """

    chord: Chord
    before: int = ABSENT
    at: int = ABSENT
    ceiling: int = 128
    scale: tuple[int, ...] = ()


@dataclass(frozen=True)
class Voices:
    """Who sings a chord, from the bottom up. ranges: (lowest, highest) of each. bass: the lowest has the
    chord's bass note, or its third where no bass is written. span: semitones from the lowest to the highest,
    at most, the bass left out. rootless: the root is left to others.
    """

    ranges: tuple[tuple[int, int], ...]
    bass: bool = False
    span: int = 16
    rootless: bool = False


def voiced(stands: Sequence[Stand], voices: Voices, rng: np.random.Generator) -> list[tuple[int, ...]]:
    """A voicing of each chord, from the bottom up. Raises `Refused` where the ranges cannot hold a chord."""
    if not stands:
        return []
    options = [_options(stand, voices, edge=n in (0, len(stands) - 1)) for n, stand in enumerate(stands)]
    # Backwards: the cost of the best way on from each placement, softened by the temperature.
    ahead = [np.zeros(0)] * len(stands)
    ahead[-1] = options[-1][1]
    for n in range(len(stands) - 2, -1, -1):
        onward = _moves(options[n][0], options[n + 1][0], stands[n + 1]) + ahead[n + 1][None, :]
        least = onward.min(axis=1)
        soft = least - TEMPERATURE * np.log(np.exp(-(onward - least[:, None]) / TEMPERATURE).sum(axis=1))
        ahead[n] = options[n][1] + soft
    found: list[tuple[int, ...]] = []
    cost = ahead[0]
    for n in range(len(stands)):
        if n:
            before = np.array([found[-1]])
            cost = _moves(before, options[n][0], stands[n])[0] + ahead[n]
        mass = np.exp(-(cost - cost.min()) / TEMPERATURE)
        pick = int(np.searchsorted(np.cumsum(mass), rng.random() * mass.sum(), side="right"))
        found.append(tuple(int(each) for each in options[n][0][min(pick, len(mass) - 1)]))
    return found


def path_cost(rows: Sequence[tuple[int, ...]], stands: Sequence[Stand]) -> float:
    """What the moves of a row of voicings cost."""
    moves = zip(rows, rows[1:], stands[1:], strict=False)
    return sum(float(_moves(np.array([a]), np.array([b]), stand)[0, 0]) for a, b, stand in moves)


def ranked_tones(chord: Chord, *, rootless: bool = False) -> list[int]:
    """The chord's pitch classes, those that tell most about it first: third, seventh, what is altered, root,
    fifth.
    """
    root = chord.root_class
    sounding = [pitch for pitch in chord.pitch_classes if pitch != chord.bass_class or not chord.bass]
    sounding = sounding or list(chord.pitch_classes)

    def rank(pitch: int) -> float:
        interval = (pitch - root) % 12
        if interval == 0:
            return 9 if rootless else 2.5
        if interval == 7:
            return 5
        return {3: 0, 4: 0, 5: 0.5, 10: 1, 11: 1, 9: 1.5, 6: 2, 8: 2}.get(interval, 3)

    return sorted(sounding, key=rank)


def colours_of(chord: Chord, scale: Sequence[int] = ()) -> set[int]:
    """The tones that jazz players add to a chord instead of doubling others: the ninth, and the sixth of a
    major triad. Chords that are diminished, augmented or altered, or have a bass of their own, get none.

    scale: of the key. A tone outside it is not added: dominant sevenths get the minor ninth there, and
    triads the minor seventh.
    """
    intervals = {(pitch - chord.root_class) % 12 for pitch in chord.pitch_classes}
    if chord.bass or chord.degrees or 7 not in intervals or not intervals & {3, 4}:
        return set()
    added = {2} | ({9} if intervals == {0, 4, 7} else set())
    tones = {(chord.root_class + step) % 12 for step in added}
    if not scale:
        return tones
    others = {1} if {4, 10} <= intervals else {10} if len(intervals) == 3 else set()
    instead = {(chord.root_class + step) % 12 for step in others}
    return tones & set(scale) or instead & set(scale)


def _options(stand: Stand, voices: Voices, *, edge: bool) -> tuple[Longs, Floats]:
    """Placements of a chord [n, voices] and what each costs by itself."""
    chord = stand.chord
    tones = ranked_tones(chord, rootless=voices.rootless)
    colours = colours_of(chord, stand.scale) if voices.rootless else set()
    columns: list[list[int]] = []
    for place, (low, high) in enumerate(voices.ranges):
        classes = set(tones) | colours
        if place == 0 and voices.bass:
            classes = {chord.bass_class}
            third = [t for t in tones if (t - chord.root_class) % 12 in (3, 4)]
            if not chord.bass and not edge:
                classes |= set(third)
        columns.append([pitch for pitch in range(low, high + 1) if pitch % 12 in classes])
    if not all(columns):
        raise Refused(
            f"The range of a player is too small for the chord {chord}; widen it in the band's file."
        )
    found = np.array(list(_ascending(columns)), dtype=np.int64)
    if not len(found):
        found = np.array([[column[len(column) // 2] for column in columns]], dtype=np.int64)
        found.sort(axis=1)
    upper = found[:, 1:] if voices.bass and found.shape[1] > 1 else found
    spread = upper[:, -1] - upper[:, 0]
    if (spread <= voices.span).any():
        found = found[spread <= voices.span]
    cost = _alone(found, stand, voices, tones)
    best = np.argsort(cost, kind="stable")[:MOST]
    return found[best], cost[best]


def _ascending(columns: Sequence[Sequence[int]]) -> list[tuple[int, ...]]:
    """One pitch of each column, each above the one before and not more than an octave (the lowest: two)."""
    rows: list[tuple[int, ...]] = [(pitch,) for pitch in columns[0]]
    for place, column in enumerate(columns[1:]):
        widest = 24 if place == 0 else 12
        rows = [(*row, pitch) for row, pitch in product(rows, column) if 0 < pitch - row[-1] <= widest]
    return rows


def _alone(rows: Longs, stand: Stand, voices: Voices, tones: Sequence[int]) -> Floats:
    """What a placement costs by itself: tones that are missing or doubled, register, spacing, what is above
    the tune.
    """
    chord = stand.chord
    classes = rows % 12
    cost: Floats = np.zeros(len(rows))
    for pitch in tones:
        own = (classes == pitch).sum(axis=1)
        times = own + (stand.at >= 0 and stand.at % 12 == pitch)
        interval = (pitch - chord.root_class) % 12
        # The tune leaves its tone sooner than the chord: only in part-writing does it stand for a third.
        heard = own if interval in (3, 4) and stand.scale and not voices.bass else times
        essential = {3: 14.0, 4: 14.0, 10: 7.0, 11: 7.0, 0: 0.0 if voices.rootless else 2.5, 7: 0.8}
        cost += np.where(heard == 0, essential.get(interval, 4.0), 0)
        doubled = 0.6 if interval in (0, 7) else 3.0
        cost += np.maximum(times - 1, 0) * doubled
    for place, (low, high) in enumerate(voices.ranges):
        middle = (low + high) / 2
        away = np.abs(rows[:, place] - middle) / (high - low + 1)
        cost += 4 * np.maximum(away - 0.2, 0)
    gaps = np.diff(rows, axis=1)
    if gaps.shape[1]:
        cost += 3.0 * (gaps == 1).sum(axis=1)
        muddy = (gaps < 5) & (rows[:, :-1] < 48)
        cost += 2.5 * muddy.sum(axis=1)
    above = np.maximum(rows[:, -1] - (stand.ceiling - 1), 0)
    cost += 1.2 * above
    if voices.bass and rows.shape[1]:
        cost += 3.0 * (classes[:, 0] != chord.bass_class)
    return cost


def _moves(a: Longs, b: Longs, onto: Stand) -> Floats:
    """[a, b]: what it costs to move from each placement to each other."""
    moves = b[None, :, :] - a[:, None, :]
    size = np.abs(moves)
    cost: Floats = size.sum(axis=2) * 0.5 + 0.8 * np.maximum(size - 4, 0).sum(axis=2)
    voices = a.shape[1]
    for low in range(voices):
        for high in range(low + 1, voices):
            cost += PARALLEL * _parallel(a, b, low, high)
    if onto.before != ABSENT and onto.at != ABSENT and onto.at != onto.before:
        step = onto.at - onto.before
        for voice in range(voices):
            was = (onto.before - a[:, voice]) % 12
            now = (onto.at - b[:, voice]) % 12
            perfect = (now == 0) | (now == 7)
            same = was[:, None] == now[None, :]
            together = np.sign(moves[:, :, voice]) == np.sign(step)
            parallel = perfect[None, :] & same & (moves[:, :, voice] != 0)
            cost += (OUTER_PARALLEL if voice == 0 else PARALLEL) * parallel
            if voice == 0 and abs(step) > 2:
                cost += HIDDEN * (perfect[None, :] & together & ~same)
    return cost


def _parallel(a: Longs, b: Longs, low: int, high: int) -> NDArray[np.bool_]:
    """[a, b]: two voices move from a fifth, octave or unison to the same again."""
    was = (a[:, high] - a[:, low]) % 12
    now = (b[:, high] - b[:, low]) % 12
    perfect = (now == 0) | (now == 7)
    moved = b[None, :, low] != a[:, None, low]
    found: NDArray[np.bool_] = perfect[None, :] & (was[:, None] == now[None, :]) & moved
    return found
