"""Weights by which drawn melodies have as many notes of each kind as the songs of their style: long and short
ones, on the beat and off it, left by step, by leap or by the same note.

    weights = natural_weights(sung, forms, ways)     # [alphabet], to multiply notes by
    leaning(sung, habits.leans[…])                   # the same for a style of counts, found before

What a song asks for is no part of the style: that copies are forbidden, that notes lie over chords, that
dissonances are resolved, that words are sung. All of it prefers some kinds of notes. A held chord tone fits
chords best, so melodies come out long-breathed; a copy limit forbids mostly what goes on in quick notes;
words that need many notes in a bar are recited on one. Each mark is therefore weighed until melodies that are
drawn under these requirements have as many of it as the style (iterative scaling on samples: Deming and
Stephan, "On a least squares adjustment of a sampled frequency table", 1940).

A style of counts keeps the copy limit by rejection, which hardly one melody in five hundred passes. So what
it weighs was found by drawing whole songs (models/build_songs.py), and comes with its counts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from studio.errors import Refused
from studio.music.chains.markov import Floats
from studio.music.chains.sampling import Solution
from studio.music.harmony.fit import Leaves
from studio.music.melody.takes import by_chain

if TYPE_CHECKING:
    from studio.music.melody.form import Forms
    from studio.music.songs.sung import SungIdiom

WORDED = (2, 5, 6)
"""The marks, of `marks_of`, that are weighed where words say how many notes there are."""

CHOSEN = (0.0, 0.0, 0.8, 0.0, 0.0, 0.6, 0.3)
"""What is added to the weights that are found: those draws are chosen that are like the style's sections, and
bars return, so some of the notes off the beat, the leaps and the repeated notes are lost again. Measured with
benchmarks/likeness.py over songs of the songbook.
"""

ROUNDS, LISTENED = 5, 28
"""How often the weights are corrected, and melodies that are listened to each time."""

FIRST, MOST = 0.6, 2.0
"""By how much (a logarithm) a weight is changed at first, half as much each time that it went too far; and
how far it may go. Quick notes go on in quick notes, so a small change of their weight changes their number a
lot.
"""

RARE = 0.1
"""Of a mark that songs have more seldom in a bar, too few are heard to weigh it."""

STEADY = 4.0
"""Bars of notes as in the style that are added to those drawn: what is rare is left alone."""


def natural_weights(
    sung: SungIdiom,
    forms: Forms,
    ways: Callable[[Floats, int], Solution],
    *,
    leaves_alone: bool = False,
    marks: Sequence[int] | None = None,
    chosen: Sequence[float] | None = None,
) -> Floats:
    """[alphabet]: how much more often each event is to be drawn. ways: from such weights and the number of a
    round, from 0, to the melodies that are possible. leaves_alone: only how notes are left is weighed, where
    words say how many there are; the same as marks ((5, 6)). chosen: of all marks, what is added to what is
    found. 1 for all where no melody is possible.
    """
    which = list(marks or ((5, 6) if leaves_alone else range(7)))
    more = np.array(chosen)[which] if chosen is not None else np.zeros(len(which))
    rows = marks_of(sung)[which]
    search, random = MarkSearch(wanted_of(sung, forms)[which]), np.random.default_rng(0)
    for number in range(ROUNDS):
        try:
            solution = ways(np.exp(search.logs @ rows), number)
        except Refused:
            return np.ones(sung.alphabet)
        if not solution.feasible:
            return np.ones(sung.alphabet)
        drawn = [symbol for row in by_chain(solution, LISTENED, random) for symbol in row]
        bars = float(sung.ticks[drawn].sum()) / sung.bar
        search.hear((rows[:, drawn].sum(axis=1) + STEADY * search.wanted) / (bars + STEADY))
    found: Floats = np.exp((search.found + more) @ rows)
    return found


class MarkSearch:
    """Weights of marks that are corrected step by step until there are as many of each as wanted.

    wanted: a bar, for each mark. logs: the weights now, as logarithms.
    """

    def __init__(self, wanted: Floats) -> None:
        self.wanted = wanted
        self.logs, self.before = np.zeros(len(wanted)), np.zeros(len(wanted))
        self.steps = np.where(wanted < RARE, 0.0, FIRST)
        self.all: list[Floats] = []

    def hear(self, got: Floats) -> None:
        """got: how many a bar there were with these weights."""
        missing = np.log((self.wanted + 1e-6) / (got + 1e-6))
        self.steps = np.where(missing * self.before < 0, self.steps / 2, self.steps)
        self.logs = np.clip(self.logs + self.steps * np.clip(missing, -1, 1), -MOST, MOST)
        self.before = missing
        self.all.append(self.logs)

    @property
    def found(self) -> Floats:
        """The mean of the later half of the weights: single ones are as uncertain as what was heard."""
        found: Floats = np.mean(self.all[len(self.all) // 2 :] or [self.logs], axis=0)
        return found


def leaning(sung: SungIdiom, logs: Floats, *, leaves_alone: bool = False) -> Floats:
    """[alphabet]: the weights of events from those of their marks. leaves_alone: only how notes are left
    counts, the last two of `marks_of`.
    """
    which = slice(-2, None) if leaves_alone else slice(None)
    found: Floats = np.exp(logs[which] @ marks_of(sung)[which])
    return found


def wanted_of(sung: SungIdiom, forms: Forms) -> Floats:
    """[marks]: how many a bar songs of the style have."""
    found: Floats = marks_of(sung) @ forms._counts / float(forms._counts @ sung.ticks) * sung.bar
    return found


def marks_of(sung: SungIdiom) -> Floats:
    """[marks, alphabet]: 1 where an event has a mark: it is short, long, off the beat, held over the bar
    line, a rest, left by a leap, or left by the same note.
    """
    leaps, stays = (sung.struck & (sung.leaves == how) for how in (Leaves.LEAP, Leaves.STAYS))
    beat = sung.meter.beat / sung.tick
    off = sung.struck & ((sung.place * beat.denominator) % beat.numerator != 0)
    short = sung.struck & (sung.ticks < float(beat))
    long = sung.struck & (sung.ticks * 2 >= sung.bar)
    tied = sung.sounding & ~sung.struck
    return np.stack([short, long, off, tied, ~sung.sounding, leaps, stays]).astype(np.float64)
