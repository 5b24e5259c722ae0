"""The faders of a recording: each section, and each part in it, is turned up or down by as much as it needs.

levels = evened(mix, performance, rate)              # dB for each section of the whole
lifts = lifted(part, loud, whole, edges)             # dB for each section of one part
mix *= curve(edges, levels, length, rate)
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from studio.music.scores.performance import Performance, PlayedPart
from studio.music.scores.sections import kinds_of_sections
from studio.music.sound.loudness import integrated_loudness

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LOUDER = {"intro": -1.0, "verse": 0.0, "bridge": 0.0, "chorus": 1.5, "ending": 0.0}
"""In LU, how loud a section should be beside the verses; the last one before the ending is one louder."""

MOST_EVENED, CROSSING = 4.0, 0.5
"""How far a section is turned up or down, in dB, and the seconds in which the fader moves from one to the
next.
"""

AUDIBLE, MOST_LIFTED = -17.0, 6.0
"""In LU beside the mix, how loud a part is at least in a section in which it plays, and by how many dB it is
turned up for that at most. What is 18 LU below is hardly heard.
"""

EARLY = 0.06
"""Seconds: a note that begins so shortly before a section belongs to it, as players are never quite together.
"""


@dataclass(frozen=True)
class Faders:
    """How a recording was mixed beyond the levels of its parts.

    edges: seconds at which its sections begin. whole: dB of all parts in each section. parts: part -> dB of
    it alone in each section; only those that are turned up. gain: what mastering multiplies the mix by,
    before peaks are limited.
    """

    edges: tuple[float, ...]
    whole: tuple[float, ...]
    parts: Mapping[str, tuple[float, ...]]
    gain: float

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def of_json(cls, text: str) -> Faders:
        plain = json.loads(text)
        parts = {name: tuple(levels) for name, levels in plain["parts"].items()}
        return cls(tuple(plain["edges"]), tuple(plain["whole"]), parts, plain["gain"])

    def of_part(self, name: str, length: int, rate: int) -> NDArray[np.float32]:
        """[length]: what the samples of one part, at its level, are multiplied by before the room."""
        return curve(self.edges, self.parts.get(name, ()), length, rate)

    def of_whole(self, length: int, rate: int) -> NDArray[np.float32]:
        """[length]: what the samples of the mix are multiplied by, without the gain."""
        return curve(self.edges, self.whole, length, rate)


def section_edges(performance: Performance) -> tuple[float, ...]:
    """Seconds at which the sections begin."""
    starts = {bar.number: bar.start for bar in performance.score.bars()}
    clock = performance.clock
    return tuple(
        clock.seconds(starts[each.first_bar]) + performance.lead_in for each in performance.score.sections
    )


def spans_of(edges: Sequence[float], length: int, rate: int) -> list[tuple[int, int]]:
    """The first and the last sample of each section, of `length`."""
    return list(pairwise([*(min(length, int(edge * rate)) for edge in edges), length]))


def evened(mix: NDArray[np.float32], performance: Performance, rate: int) -> list[float]:
    """In dB, what brings each section of a mix [2, n] to the loudness it should have.

    A band is balanced part by part, over the whole song. So a section in which few play is soft, an intro
    above all, and one in which all play is loud, whatever it is. An engineer's hand on the fader mends that.
    """
    import numpy as np

    sections = performance.score.sections
    levels = [0.0] * len(sections)
    if len(sections) < 2:
        return levels
    kinds = kinds_of_sections([each.name for each in sections])
    loud = [
        integrated_loudness(mix[:, first:last].T, rate) if last - first > rate // 2 else -math.inf
        for first, last in spans_of(section_edges(performance), mix.shape[1], rate)
    ]
    known = [n for n, each in enumerate(loud) if each > -60]
    verses = [n for n in known if kinds[n] == "verse"] or known
    if not verses:
        return levels
    usual = float(np.mean([loud[n] for n in verses]))
    final = max((n for n, kind in enumerate(kinds) if kind != "ending"), default=-1)
    for n in known:
        wanted = usual + LOUDER[kinds[n]] + (n == final)
        levels[n] = min(MOST_EVENED, max(-MOST_EVENED, wanted - loud[n]))
    return levels


def lifted(
    part: PlayedPart, loud: Sequence[float], whole: Sequence[float], edges: Sequence[float]
) -> tuple[float, ...]:
    """In dB, what a part is turned up by in each section. loud, whole: how loud the part and all parts are in
    each, in LUFS.

    A level that a person chose stays, and nothing is turned up where the part has no note of its own.
    """
    if part.chosen:
        return (0.0,) * len(edges)
    ends = [*edges[1:], math.inf]
    plays = [
        any(edge - EARLY <= note.start < end - EARLY for note in part.notes)
        for edge, end in zip(edges, ends, strict=True)
    ]
    return tuple(
        min(MOST_LIFTED, max(0.0, every + AUDIBLE - alone)) if here and alone > -math.inf else 0.0
        for here, alone, every in zip(plays, loud, whole, strict=True)
    )


def curve(edges: Sequence[float], levels: Sequence[float], length: int, rate: int) -> NDArray[np.float32]:
    """[length]: the gains of faders that stand at these levels, in dB, from these seconds on."""
    import numpy as np

    if not any(levels):
        return np.ones(length, np.float32)
    places, heights = [0.0], [levels[0]]
    for edge, (before, after) in zip(edges[1:], pairwise(levels), strict=True):
        places += [edge - CROSSING, edge]
        heights += [before, after]
    found = np.empty(length, np.float32)
    for begin in range(0, length, 10 * rate):  # in blocks, for the sake of long songs
        end = min(length, begin + 10 * rate)
        found[begin:end] = 10 ** (np.interp(np.arange(begin, end) / rate, places, heights) / 20)
    return found
