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
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from studio.errors import Refused, UnknownName
from studio.music.scores.performance import Performance, PlayedPart
from studio.music.sound.faders import Faders, curve, evened, lifted, section_edges, spans_of
from studio.music.sound.fonts import chosen_font
from studio.music.sound.limiter import Mastered, mastered
from studio.music.sound.loudness import integrated_loudness, loudness_of_spans
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

KEPT = 64
"""Recordings whose faders are remembered."""

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
                chosen=part.chosen or strip.level is not None,
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
    return recorded(performance, font=font, loudness=loudness)[0].sound


def recorded(
    performance: Performance,
    *,
    font: Path | None = None,
    loudness: float = LOUDNESS,
    keep: dict[str, Path] | None = None,
    folder: str = "",
) -> tuple[Mastered, Faders]:
    """As `record`, with what the mix was multiplied by, and where the faders stood. keep: takes, of each part
    that is heard, the file in `folder` in which it stands as it was played, at its level and place.
    """
    import numpy as np

    opened = open_soundfont(font or chosen_font())
    length = _length(performance)
    edges = section_edges(performance)
    spans = spans_of(edges, length, RATE) if performance.lifted else []
    mix, room = np.zeros((2, length), np.float32), np.zeros((2, length), np.float32)
    loud = {}
    for part, sound, in_sections in _stems(performance, opened, length, spans=spans):
        loud[part.name] = in_sections
        if keep is not None:
            keep[part.name] = Path(folder) / f"{len(keep)}.npy"
            np.save(keep[part.name], sound)
        _add(part, sound, mix, room)
    mix += _reverberated(room)
    lifts = {}
    if performance.lifted:
        whole = loudness_of_spans(mix.T, RATE, spans)
        found = {part.name: part for part in performance.parts}
        lifts = {name: lifted(found[name], its, whole, edges) for name, its in loud.items()}
        lifts = {name: its for name, its in lifts.items() if any(its)}
    if lifts:
        room[:] = 0
        for part, sound in _again(performance, opened, length, lifts, keep or {}):
            sound *= curve(edges, lifts[part.name], length, RATE) - np.float32(1)
            _add(part, sound, mix, room)
        mix += _reverberated(room)
    levels = evened(mix, performance, RATE) if performance.evened else [0.0] * len(edges)
    if performance.evened:
        mix *= curve(edges, levels, length, RATE)
    done = mastered(mix.T, RATE, loudness)
    faders = Faders(edges, tuple(levels), lifts, done.gain)
    kept = _kept_faders()
    while len(kept) >= KEPT:
        kept.pop(next(iter(kept)), None)
    kept[_of_sound(performance, font, loudness)] = faders
    return done, faders


def _again(
    performance: Performance,
    font: SoundFont,
    length: int,
    names: Collection[str],
    kept: Mapping[str, Path],
) -> Iterator[tuple[PlayedPart, NDArray[np.float32]]]:
    """These parts once more, as `_stems` plays them or as they were kept."""
    import numpy as np

    parts = [part for part in performance.parts if part.name in names]
    yield from ((part, np.load(kept[part.name])) for part in parts if part.name in kept)
    others = tuple(part for part in parts if part.name not in kept)
    yield from ((part, sound) for part, sound, _ in _stems(replace(performance, parts=others), font, length))


def faders_of(performance: Performance, *, font: Path | None = None) -> Faders:
    """Where the faders stand in the recording of a performance, which is recorded unless it just was."""
    found = _kept_faders().get(_of_sound(performance, font, LOUDNESS))
    return found or recorded(performance, font=font)[1]


@lru_cache(maxsize=1)
def _kept_faders() -> dict[str, Faders]:
    """The faders of the latest recordings, by what was recorded."""
    return {}


def _of_sound(performance: Performance, font: Path | None, loudness: float) -> str:
    heard = (performance.parts, performance.tempi, performance.score.sections, performance.evened)
    said = f"{heard!r} {performance.lifted} {font or chosen_font()} {loudness}"
    return sha256(said.encode()).hexdigest()


def _add(
    part: PlayedPart, sound: NDArray[np.float32], mix: NDArray[np.float32], room: NDArray[np.float32]
) -> None:
    """Adds a part to the mix, and what it sends to the room. The sound is used up."""
    mix += sound
    if part.reverb:
        sound *= sound.dtype.type(part.reverb)
        room += sound


def stems(
    performance: Performance,
    *,
    font: Path | None = None,
    rate: int = RATE,
    only: str = "",
    faders: Faders | None = None,
) -> Iterator[tuple[str, Sound]]:
    """Each part alone, with its room, as it stands in the mix before its faders are moved and it is mastered:
    (name, sound). rate: samples a second. only: the name of one part; empty for all. faders: those of its
    recording; then each part is as loud as in it, but for what holds its peaks down.
    """
    opened = open_soundfont(font or chosen_font())
    length = _length(performance, rate)
    if only:
        performance = replace(performance, parts=tuple(p for p in performance.parts if p.name == only))
    for part, sound, _ in _stems(performance, opened, length, rate):
        if faders is not None:
            sound *= faders.of_part(part.name, length, rate)
        if part.reverb:
            sound += _reverberated(sound * sound.dtype.type(part.reverb), rate)
        if faders is not None:
            sound *= faders.of_whole(length, rate)
            sound *= sound.dtype.type(faders.gain)
        samples = sound.T
        yield part.name, Sound(samples, rate, integrated_loudness(samples, rate), float("nan"))


def recorded_stems(
    performance: Performance, *, font: Path | None = None, folder: Path | None = None
) -> Iterator[tuple[str, Sound]]:
    """Each part alone as it is heard in the recording: added up, they are the recording.

    folder: where what was played is kept meanwhile, which needs 20 MB for each part and minute, so that no
    part is played twice; None for the system's own.
    """
    import numpy as np

    with TemporaryDirectory(dir=folder) as place:
        played: dict[str, Path] = {}
        done, faders = recorded(performance, font=font, keep=played, folder=place)
        length = _length(performance)
        whole = faders.of_whole(length, RATE)[: len(done.gains)] * done.gains
        opened = open_soundfont(font or chosen_font())
        for part, sound in _again(performance, opened, length, played, played):
            sound *= faders.of_part(part.name, length, RATE)
            if part.reverb:
                sound += _reverberated(sound * np.float32(part.reverb))
            samples = np.ascontiguousarray((sound[:, : len(whole)] * whole).T)
            yield part.name, Sound(samples, RATE, integrated_loudness(samples, RATE), float("nan"))


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
    performance: Performance,
    font: SoundFont,
    length: int,
    rate: int = RATE,
    spans: Sequence[tuple[int, int]] = (),
) -> Iterator[tuple[PlayedPart, NDArray[np.float32], list[float]]]:
    """Each part at its level and place, without the room, [2, length], and how loud it is in each of these
    spans, in LUFS, as it is in the middle.
    """
    import numpy as np

    for part in performance.parts:
        if not part.notes:
            continue
        sound = stem(part, font, rate, length)
        loud, *inside = loudness_of_spans(sound.T, rate, [(0, length), *spans])
        if loud == -math.inf:
            continue
        change = NOMINAL + part.level - loud
        gain = 10 ** (change / 20)
        left, right = _panned(part.pan)
        sound[0] *= np.float32(gain * left)
        sound[1] *= np.float32(gain * right)
        yield part, sound, [each + change for each in inside]


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
