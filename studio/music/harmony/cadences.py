"""How phrases of chorales close and how chorales begin, and by how much chords are favoured so that sections
of songs in their manner do.

    closing_weights(idiom)        # [alphabet], for what a section ends on
    leads(before, last)           # how often such a chord leads to such a close
    beginning_weights(idiom)      # [alphabet], for what a song begins with

Counted at the fermatas within 197 chorales of music21's corpus (every second one; 1038 fermatas), by the
chords that their four voices sound there, relative to the key of the signature.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from studio.music.chains.markov import Floats
from studio.music.harmony.idiom import HarmonyIdiom, is_minor
from studio.music.harmony.symbols import Family, Harmony

CLOSES: Mapping[bool, Mapping[tuple[int, str], float]] = {
    False: {
        (0, ""): 0.324,
        (7, ""): 0.321,
        (5, ""): 0.077,
        (9, "m"): 0.068,
        (2, "m"): 0.036,
        (9, ""): 0.036,
        (4, ""): 0.027,
        (2, ""): 0.022,
        (4, "m"): 0.022,
    },
    True: {
        (7, ""): 0.221,
        (0, "m"): 0.173,
        (3, ""): 0.171,
        (10, ""): 0.115,
        (0, ""): 0.096,
        (5, "m"): 0.05,
        (8, ""): 0.048,
        (7, "m"): 0.027,
        (5, ""): 0.025,
    },
}
"""Whether in minor -> (semitones above the tonic, kind of triad) -> its share of the fermatas. Nineteen in
twenty are triads in root position; the few others come as often as `RARE_CLOSE`, all together.
"""

RARE_CLOSE = 0.04

SHORT = 0.4
"""How much as often sections close on a chord that is shorter than half a bar. In the chorales half of them
are, since an upbeat follows, which sections do not have.
"""

LEADS: Mapping[tuple[int, tuple[Family, ...]], float] = {
    (7, (Family.MAJOR, Family.DOMINANT)): 0.6,
    (5, (Family.MAJOR, Family.MINOR)): 0.16,
    (11, (Family.DIMINISHED, Family.HALF_DIMINISHED, Family.DOMINANT)): 0.07,
    (10, (Family.MAJOR, Family.MINOR)): 0.05,
    (2, (Family.MINOR,)): 0.02,
}
"""(Semitones from the last root up to the one before it, family of that chord) -> share of the fermatas."""

OTHER_LEAD = 0.01

BEGINS_ELSEWHERE, BEGINS_INVERTED = 0.02, 0.3
"""How much as often as usual songs begin with another chord than I or V, and with an inversion of V. With it
hardly any does, as of the chorales one in twenty; where their full bars alone are counted, one in four does,
after an upbeat.
"""

LEAST_SHARE = 0.002
"""What is rarer than this at the ends of a style's bars counts as if it were as frequent."""


def closing_weights(idiom: HarmonyIdiom) -> Floats:
    """[alphabet]: how much more often a chord closes a phrase than it ends a bar; 1 for what ends none."""
    return np.concatenate([_closing_weights(each) for each in idiom.side_by_side])


def _closing_weights(idiom: HarmonyIdiom) -> Floats:
    tree = idiom.tree
    often = np.zeros(idiom.alphabet)
    anywhere = slice(int(tree.first[0]), int(tree.first[1]))
    known = tree.follower[anywhere] < idiom.alphabet
    often[tree.follower[anywhere][known]] = tree.weight[anywhere][known]
    ends = idiom.place + idiom.ticks == idiom.bar
    total = max(1e-9, float(often[ends].sum()))
    closes = CLOSES[is_minor(idiom.mode)]
    kinds = [_kind(event.harmony) for event in idiom.events]
    share: dict[tuple[int, str] | None, float] = {}
    for kind, times, end in zip(kinds, often, ends, strict=True):
        if end:
            key = kind if kind in closes else None
            share[key] = share.get(key, 0.0) + float(times) / total
    wanted = [closes.get(kind, RARE_CLOSE) if kind is not None else RARE_CLOSE for kind in kinds]
    usual = [share.get(kind if kind in closes else None, 0.0) for kind in kinds]
    short = np.where(idiom.ticks * 2 < idiom.bar, SHORT, 1.0)
    found: Floats = np.where(ends, short * np.array(wanted) / np.maximum(LEAST_SHARE, usual), 1.0)
    return found


def leads(before: Harmony | None, last: Harmony) -> float:
    """How often a chord like this one comes before the last of a phrase."""
    if before is None:
        return OTHER_LEAD
    steps = (before.root - last.root) % 12
    return next(
        (
            share
            for (its, families), share in LEADS.items()
            if its == steps and Family(before.family) in families
        ),
        OTHER_LEAD,
    )


def beginning_weights(idiom: HarmonyIdiom) -> Floats:
    """[alphabet]: less for chords that are on neither the tonic nor the dominant."""
    inverted = np.array([event.harmony.bass != 0 for event in idiom.events], dtype=bool)
    on_fifth = np.where(inverted, BEGINS_INVERTED, 1.0)
    return np.where(idiom.root == 0, 1.0, np.where(idiom.root == 7, on_fifth, BEGINS_ELSEWHERE))


def _kind(harmony: Harmony) -> tuple[int, str] | None:
    """A triad in root position; None for any other chord."""
    return (harmony.root, harmony.suffix) if harmony.plain and not harmony.bass else None
