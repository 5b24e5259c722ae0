"""In which key each bar of a song is: a bridge in another key is heard, and learnt, in that key.

    tonics = local_tonics(tune)        # for each bar of the tune as it is written, a pitch class

A hidden Markov model over the twelve transpositions of the song's mode, one state a bar. A bar says how well
its melody and chords lie in each key, by how long each degree of the scale sounds in songs; a change of key
costs `CHANGE`. The best path is found by dynamic programming (Viterbi). Relative keys are one here: a passage
on the sixth degree of C major is A minor, and its chords are learnt as those of C.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from studio.music.chains.markov import Floats
from studio.music.harmony.symbols import Harmony
from studio.music.scores.tunes import Tune

CHANGE = 14.0
"""What a change of key costs, in nats: about what four bars of a bridge say for their own key."""

_MAJOR = (0.17, 0.01, 0.13, 0.015, 0.16, 0.09, 0.015, 0.19, 0.012, 0.13, 0.02, 0.07)
_MINOR = (0.19, 0.01, 0.12, 0.16, 0.015, 0.11, 0.015, 0.18, 0.08, 0.03, 0.08, 0.04)
"""How long each degree sounds, as a share of the whole: the melodies of lead sheets and chorales, rounded."""

CHORD_WEIGHT = 0.5
"""How much a beat of a chord's tones counts beside a beat of melody."""


def local_tonics(tune: Tune, *, change: float = CHANGE) -> list[int]:
    """For each bar (pick-up included), the pitch class of the tonic there.

    change: what a change of key costs in nats; infinite keeps the key of the signature throughout.
    """
    bars = tune.bars()
    home = tune.key.tonic
    if not bars or not np.isfinite(change):
        return [home] * len(bars)
    profile = np.log(_MINOR if tune.key.mode in ("minor", "dorian", "phrygian") else _MAJOR)
    # [bars, 12]: the likelihood of each bar in each key.
    fits = _durations(tune) @ np.array([np.roll(profile, tonic) for tonic in range(12)]).T
    best = np.where(np.arange(12) == home, 0.0, -change)[None, :] + fits[:1]
    best = best[0]
    came: list[NDArray[np.intp]] = []
    for bar in range(1, len(bars)):
        moves = best[:, None] - change * (1 - np.eye(12))
        came.append(moves.argmax(axis=0))
        best = moves.max(axis=0) + fits[bar]
    # A song ends in its own key unless much speaks against it.
    at = int((best - change * (np.arange(12) != home)).argmax())
    path = [at]
    for pointers in reversed(came):
        at = int(pointers[at])
        path.append(at)
    return path[::-1]


def _durations(tune: Tune) -> Floats:
    """[bars, 12]: how many quarter notes each pitch class sounds in each bar, chords counted less."""
    # In floats: these are weights, and exact fractions would take most of the time of learning a style.
    edges = [float(bar.start) for bar in tune.bars()]
    ends = [*edges[1:], float(tune.end)]
    found = np.zeros((len(edges), 12))

    def sounds(start: float, end: float, classes: Sequence[int], weight: float) -> None:
        bar = max(0, bisect_right(edges, start) - 1)
        while bar < len(edges) and edges[bar] < end:
            held = weight * (min(end, ends[bar]) - max(start, edges[bar]))
            for pitch_class in classes:
                found[bar, pitch_class] += held
            bar += 1

    here = 0.0
    for note in tune.notes:
        after = here + float(note.duration)
        if note.pitch is not None:
            sounds(here, after, (note.pitch % 12,), 1.0)
        here = after
    places = [float(chord.start) for chord in tune.chords]
    for chord, start, end in zip(tune.chords, places, [*places[1:], here], strict=False):
        harmony = Harmony.of(chord.symbol, 0)
        if harmony is not None and start < end:
            classes = [(harmony.root + tone) % 12 for tone in harmony.tones]
            sounds(start, end, classes, CHORD_WEIGHT / len(classes))
    return found
