"""The mixer: stems of a performance become one recording.

    sound = record(performance)                          -14 LUFS, true peak at most -1 dB
    sound = record(mixed(performance, {"Bass": Strip(level=-2)}))

Every part is first brought to the same loudness, whatever its instrument's recordings are like, and then to
its level: 0 is that of a tune in front, -8 a part behind it. So a band sounds balanced with any SoundFont.
Pan is of constant power. What parts send to the room is convolved with a synthetic impulse response: noise
that dies away and grows darker, different left and right (Moorer, "About this reverberation business",
Computer Music Journal 3(2), 1979, found that to sound like a good hall).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from studio.errors import Refused, UnknownName
from studio.music.scores.performance import Performance, PlayedPart
from studio.music.scores.sections import kinds_of_sections
from studio.music.sound.fonts import chosen_font
from studio.music.sound.limiter import mastered
from studio.music.sound.loudness import integrated_loudness
from studio.music.sound.rendering import LONGEST, RATE, Sound
from studio.music.sound.soundfont import SoundFont, open_soundfont
from studio.music.sound.synthesis import stem

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LOUDNESS = -14.0
"""Integrated loudness of a recording, in LUFS, which streaming services play at."""

NOMINAL = -24.0
"""Loudness in LUFS of a part at level 0 before the recording is mastered."""

RING_OUT = 3.0
"""Seconds after the last note."""

ROOM = 1.5
"""Seconds in which the room's sound falls by 60 dB."""


@dataclass(frozen=True)
class Strip:
    """How one part is mixed otherwise; None leaves what the band says. level: in LU beside a tune in front,
    -40 … 12. pan: -1 … 1. reverb: 0 … 1. mute: it is not heard.
    """

    level: float | None = None
    pan: float | None = None
    reverb: float | None = None
    mute: bool = False


def mixed(performance: Performance, strips: Mapping[str, Strip]) -> Performance:
    """The performance with parts mixed otherwise. Raises `UnknownName` for a part that it lacks, `Refused`
    where nothing is left to hear or a level is out of range.
    """
    names = [part.name for part in performance.parts]
    for name in strips:
        if name not in names:
            raise UnknownName("part", name, names)
    parts = []
    for part in performance.parts:
        strip = strips.get(part.name, Strip())
        if strip.level is not None and not -40 <= strip.level <= 12:
            raise Refused(f"{part.name} cannot be mixed at {strip.level:g} LU; choose -40 to 12.")
        if strip.mute:
            continue
        parts.append(
            replace(
                part,
                level=part.level if strip.level is None else strip.level,
                pan=part.pan if strip.pan is None else min(1.0, max(-1.0, strip.pan)),
                reverb=part.reverb if strip.reverb is None else min(1.0, max(0.0, strip.reverb)),
            )
        )
    if not any(part.notes for part in parts):
        raise Refused("Every part is muted, so there is nothing to hear; leave one on.")
    return replace(performance, parts=tuple(parts))


def record(performance: Performance, *, font: Path | None = None, loudness: float = LOUDNESS) -> Sound:
    """The recording of a performance. font: a SoundFont; None takes the best that is there (see
    `fonts.chosen_font`). loudness: in LUFS, -40..-6.

    Raises `Refused` for music without notes or longer than half an hour, `Unreadable` for a font that is
    none.
    """
    import numpy as np

    opened = open_soundfont(font or chosen_font())
    length = _length(performance)
    mix, room = np.zeros((2, length), np.float32), np.zeros((2, length), np.float32)
    for part, sound in _stems(performance, opened, length):
        mix += sound
        if part.reverb:
            sound *= np.float32(part.reverb)
            room += sound
    mix += _reverberated(room)
    if performance.evened:
        mix *= section_gains(mix, performance)
    return mastered(mix.T, RATE, loudness)


LOUDER = {"intro": -1.0, "verse": 0.0, "bridge": 0.0, "chorus": 1.5, "ending": 0.0}
"""In LU, how loud a section should be beside the verses; the last one before the ending is one louder."""

MOST_EVENED, CROSSING = 4.0, 0.5
"""How far a section is turned up or down, in dB, and the seconds in which the fader moves from one to the
next.
"""


def section_gains(mix: NDArray[np.float32], performance: Performance) -> NDArray[np.float32]:
    """[n]: the gains of a mix [2, n] that bring each of its sections to the loudness it should have.

    A band is balanced part by part, over the whole song. So a section in which few play is soft, an intro
    above all, and one in which all play is loud, whatever it is. An engineer's hand on the fader mends that.
    """
    import numpy as np

    length, sections = mix.shape[1], performance.score.sections
    if len(sections) < 2:
        return np.ones(length, np.float32)
    starts = {bar.number: bar.start for bar in performance.score.bars()}
    edges = [performance.clock.seconds(starts[each.first_bar]) + performance.lead_in for each in sections]
    samples = [*(min(length, int(edge * RATE)) for edge in edges), length]
    kinds = kinds_of_sections([each.name for each in sections])
    loud = [
        integrated_loudness(mix[:, first:last].T, RATE) if last - first > RATE // 2 else -math.inf
        for first, last in pairwise(samples)
    ]
    known = [n for n, each in enumerate(loud) if each > -60]
    verses = [n for n in known if kinds[n] == "verse"] or known
    if not verses:
        return np.ones(length, np.float32)
    usual = float(np.mean([loud[n] for n in verses]))
    final = max((n for n, kind in enumerate(kinds) if kind != "ending"), default=-1)
    gains = [0.0] * len(sections)
    for n in known:
        wanted = usual + LOUDER[kinds[n]] + (n == final)
        gains[n] = min(MOST_EVENED, max(-MOST_EVENED, wanted - loud[n]))
    places, levels = [0.0], [gains[0]]
    for edge, (before, after) in zip(edges[1:], pairwise(gains), strict=True):
        places += [edge - CROSSING, edge]
        levels += [before, after]
    found = np.empty(length, np.float32)
    for begin in range(0, length, 10 * RATE):  # in blocks, for the sake of long songs
        end = min(length, begin + 10 * RATE)
        found[begin:end] = 10 ** (np.interp(np.arange(begin, end) / RATE, places, levels) / 20)
    return found


def stems(
    performance: Performance, *, font: Path | None = None, rate: int = RATE, only: str = ""
) -> Iterator[tuple[str, Sound]]:
    """Each part alone, with its room, as it stands in the mix before its sections are evened and it is
    mastered: (name, sound). rate: samples a second. only: the name of one part; empty for all.
    """
    opened = open_soundfont(font or chosen_font())
    length = _length(performance, rate)
    if only:
        performance = replace(performance, parts=tuple(p for p in performance.parts if p.name == only))
    for part, sound in _stems(performance, opened, length, rate):
        if part.reverb:
            sound += _reverberated(sound * sound.dtype.type(part.reverb), rate)
        samples = sound.T
        yield part.name, Sound(samples, rate, integrated_loudness(samples, rate), float("nan"))


def _length(performance: Performance, rate: int = RATE) -> int:
    """Samples of the recording. Raises `Refused`."""
    if not any(part.notes for part in performance.parts):
        raise Refused("There is no note to hear; add one.")
    seconds = performance.seconds
    if seconds > LONGEST:
        raise Refused(
            f"{seconds / 60:.0f} minutes are too long to record at once; record a passage or play faster."
        )
    return int((seconds + RING_OUT) * rate)


def _stems(
    performance: Performance, font: SoundFont, length: int, rate: int = RATE
) -> Iterator[tuple[PlayedPart, NDArray[np.float32]]]:
    """Each part at its level and place, without the room, [2, length]."""
    import numpy as np

    for part in performance.parts:
        if not part.notes:
            continue
        sound = stem(part, font, rate, length)
        loud = integrated_loudness(sound.T, rate)
        if loud == -math.inf:
            continue
        gain = 10 ** ((NOMINAL + part.level - loud) / 20)
        left, right = _panned(part.pan)
        sound[0] *= np.float32(gain * left)
        sound[1] *= np.float32(gain * right)
        yield part, sound


def _panned(pan: float) -> tuple[float, float]:
    """Gains left and right, of constant power; (1, 1) in the middle."""
    turn = (pan + 1) * math.pi / 4
    return math.sqrt(2) * math.cos(turn), math.sqrt(2) * math.sin(turn)


def _reverberated(sound: NDArray[np.float32], rate: int = RATE) -> NDArray[np.float32]:
    """What the room answers to [2, n]."""
    import numpy as np
    from scipy.signal import oaconvolve

    answer = impulse_response(rate)
    found = np.empty_like(sound)
    for side in (0, 1):
        found[side] = oaconvolve(sound[side], answer[side])[: sound.shape[1]]
    return found


def impulse_response(rate: int) -> NDArray[np.float32]:
    """The room, float32 [2, n]: after 18 ms, noise that falls by 60 dB in `ROOM` seconds, and by twice as
    much above about 2 kHz. Its energy is 1 on each side.
    """
    import numpy as np
    from scipy.signal import butter, sosfilt

    generator = np.random.default_rng(1962)
    length, before = int(ROOM * 1.1 * rate), int(0.018 * rate)
    time = np.arange(length) / rate
    noise = generator.standard_normal((2, length))
    dark = sosfilt(butter(2, 2000, fs=rate, output="sos"), noise, axis=1)
    falls = 10 ** (-3 * time / ROOM)
    room = dark * falls + (noise - dark) * 0.5 * falls**2
    room = sosfilt(butter(1, 180, "highpass", fs=rate, output="sos"), room, axis=1)
    room *= np.minimum(1, time / 0.01)  # early reflections grow together
    room = np.pad(room, ((0, 0), (before, 0)))
    room /= np.sqrt((room**2).sum(axis=1, keepdims=True))
    return room.astype(np.float32)
