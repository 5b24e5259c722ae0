"""Plays notes with the samples of a SoundFont (SF2), in numpy.

The synthesiser of symusic 0.5.9 plays TimGM6mb's piano 20 semitones too high and its violin 10, so notes are
played here: sample, pitch, loop, volume envelope, pan and a low-pass filter, by the SoundFont Technical
Specification 2.04 (E-mu Systems, 2006; sections are cited below). Pitch bends and changes of tempo are heard;
other controllers, modulators, low-frequency oscillators and effects are left out.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from studio.errors import Unreadable
from studio.music.scores.performance import Clock
from studio.music.scores.scores import BEND, Part, Score

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PERCUSSION = 128
"""The bank of the drum kits."""

LONGEST_RELEASE = 3.0
"""Seconds a note rings on at most."""


def play(score: Score, path: Path, rate: int) -> NDArray[np.float32]:
    """The sound of a score: float32 [n, 2], left and right, not scaled, with `LONGEST_RELEASE` seconds at
    the end to ring out.

    path: of the SoundFont. rate: samples a second. Raises `Unreadable` when the file is not a SoundFont.
    """
    import numpy as np

    font = _open(path, path.stat().st_mtime_ns)
    clock = Clock(score.tempi)
    mix = np.zeros((int((clock.seconds(score.end) + LONGEST_RELEASE) * rate) + rate, 2), np.float32)
    heard: dict[tuple[int, int, int, int, int], NDArray[np.float32]] = {}
    for part in score.parts:
        bank, program = (PERCUSSION, 0) if part.percussion else (0, part.program)
        bends = _Bends(part, clock, rate)
        for note in part.notes:
            if note.pitch is None:
                continue
            start = round(clock.seconds(note.start) * rate)
            lasts = clock.seconds(note.duration)  # its end less its start would round differently than before
            if score.tempo_changes:
                lasts = clock.seconds(note.end) - clock.seconds(note.start)
            held = max(1, round(lasts * rate))
            velocity = part.velocity if note.velocity is None else note.velocity
            tone = (bank, program, note.pitch, velocity, held)
            if bends.bent(start, held):
                samples = _tone(font, *tone, rate, bends.from_(start))
            else:
                if tone not in heard:
                    heard[tone] = _tone(font, *tone, rate)
                samples = heard[tone]
            samples = samples[: len(mix) - start]
            mix[start : start + len(samples)] += samples
    return mix


Bend = Callable[[int], "NDArray[np.float64]"]
"""So many samples -> by how many semitones each is bent."""

BEND_RANGE = 2.0
"""Semitones that a pitch bends by at most where no file sets it (General MIDI Developer Guidelines, 1998)."""


class _Bends:
    """How far the pitch of a part is bent, sample by sample."""

    def __init__(self, part: Part, clock: Clock, rate: int) -> None:
        import numpy as np

        self.rate = rate
        found = [(0, 0.0), *((round(clock.seconds(place) * rate), bend) for place, bend in _bends_of(part))]
        self.places = np.array([place for place, _ in found])
        self.semitones = np.array([bend for _, bend in found])

    def bent(self, start: int, held: int) -> bool:
        """Whether a note is, that begins at a sample and is held for so many, while it sounds."""
        if len(self.places) < 2:
            return False
        last = start + held + int(LONGEST_RELEASE * self.rate)
        return bool(self._at(start) or (self.semitones[(self.places >= start) & (self.places < last)]).any())

    def from_(self, start: int) -> Bend:
        import numpy as np

        def semitones(length: int) -> NDArray[np.float64]:
            here = np.searchsorted(self.places, np.arange(start, start + length), side="right") - 1
            bends: NDArray[np.float64] = self.semitones[here]
            return bends

        return semitones

    def _at(self, sample: int) -> float:
        import numpy as np

        return float(self.semitones[int(np.searchsorted(self.places, sample, side="right")) - 1])


def _bends_of(part: Part) -> Iterator[tuple[Fraction, float]]:
    """(place, semitones) of the bends of a part. How far the wheel bends at most is registered parameter 0:
    semitones and, in the finer byte, hundredths (MIDI 1.0, RPN 00 00).
    """
    chosen, coarse, fine, value = [127, 127], BEND_RANGE, 0.0, 8192
    for change in part.controls:
        if change.number in (101, 100):
            chosen[change.number == 100] = change.value
        elif change.number in (99, 98):  # a parameter that is not registered
            chosen = [127, 127]
        elif change.number == 6 and chosen == [0, 0]:
            coarse = float(change.value)
        elif change.number == 38 and chosen == [0, 0]:
            fine = change.value / 100
        elif change.number == BEND:
            value = change.value
        else:
            continue
        yield change.start, (coarse + fine) * (value - 8192) / 8192


# The file
# ------------------------------------------------------------------------------------------------------------

# Numbers of the generators that are used here (section 8.1.2).
START, END, LOOP_START, LOOP_END = 0, 1, 2, 3
START_COARSE, END_COARSE, LOOP_START_COARSE, LOOP_END_COARSE = 4, 12, 45, 50
DELAY, ATTACK, HOLD, DECAY, SUSTAIN, RELEASE, KEY_TO_HOLD, KEY_TO_DECAY = 33, 34, 35, 36, 37, 38, 39, 40
INSTRUMENT, SAMPLE, KEYS, VELOCITIES, KEY, MODES, ROOT = 41, 53, 43, 44, 46, 54, 58
COARSE_TUNE, FINE_TUNE, SCALE_TUNING = 51, 52, 56
FILTER_FC, ENVELOPE_TO_FILTER, PAN, ATTENUATION = 8, 11, 17, 48

Zone = dict[int, int]
"""Number of a generator -> its amount."""

_DEFAULTS = {
    FILTER_FC: 13500,
    DELAY: -12000,
    ATTACK: -12000,
    HOLD: -12000,
    DECAY: -12000,
    RELEASE: -12000,
    SCALE_TUNING: 100,
    ROOT: -1,
    KEY: -1,
}
_NOT_ADDED = frozenset(
    {KEYS, VELOCITIES, INSTRUMENT, SAMPLE, MODES, ROOT, KEY}
    | {START, END, LOOP_START, LOOP_END, START_COARSE, END_COARSE}
)
"""Generators that a preset may not add to (section 8.5)."""


@dataclass(frozen=True)
class _Sample:
    """Where a recording is among the samples. root: the key it was recorded at. correction: in cents."""

    start: int
    end: int
    loop_start: int
    loop_end: int
    rate: int
    root: int
    correction: int


@dataclass(frozen=True)
class _Font:
    """A SoundFont. samples: all recordings, one after the other, -1..1. headers: where each one is. presets:
    (bank, program) -> zones. instruments: the zones of each.
    """

    samples: NDArray[np.float32]
    headers: tuple[_Sample, ...]
    presets: dict[tuple[int, int], list[Zone]]
    instruments: tuple[list[Zone], ...]


@lru_cache(maxsize=2)
def _open(path: Path, _changed: int) -> _Font:
    try:
        return _parse(path.read_bytes())
    except (struct.error, IndexError, KeyError, ValueError, OSError):
        raise Unreadable(
            f"{path.name} is not a SoundFont the studio can play; install pretty_midi again."
        ) from None


def _parse(content: bytes) -> _Font:
    import numpy as np

    if content[:4] != b"RIFF" or content[8:12] != b"sfbk":
        raise ValueError
    chunks: dict[str, bytes] = {}
    for name, start, end in _riff_chunks(content, 12, len(content)):
        if name == "LIST":
            inside = _riff_chunks(content, start + 4, end)
            chunks |= {part: content[first:last] for part, first, last in inside}
    headers = tuple(
        _Sample(start, end, loop_start, loop_end, max(rate, 400), root if root <= 127 else 60, correction)
        for _, start, end, loop_start, loop_end, rate, root, correction, _, _ in struct.iter_unpack(
            "<20s5IBbHH", chunks["shdr"]
        )
    )
    preset_zones = _zones(chunks["pbag"], chunks["pgen"])
    instrument_zones = _zones(chunks["ibag"], chunks["igen"])
    rows = list(struct.iter_unpack("<20sHHH3I", chunks["phdr"]))
    presets = {
        (row[2], row[1]): _completed(preset_zones[row[3] : after[3]], INSTRUMENT)
        for row, after in pairwise(rows)
    }
    names = list(struct.iter_unpack("<20sH", chunks["inst"]))
    instruments = tuple(
        _completed(instrument_zones[row[1] : after[1]], SAMPLE) for row, after in pairwise(names)
    )
    samples = np.frombuffer(chunks["smpl"], "<i2").astype(np.float32) / np.float32(32768)
    return _Font(samples, headers, presets, instruments)


def _riff_chunks(content: bytes, place: int, end: int) -> Iterator[tuple[str, int, int]]:
    """(name, start, end) of the data of each chunk from `place` on; chunks begin at even places."""
    while place + 8 <= end:
        name, size = struct.unpack_from("<4sI", content, place)
        yield name.decode("latin-1"), place + 8, place + 8 + size
        place += 8 + size + size % 2


def _zones(bags: bytes, generators: bytes) -> list[Zone]:
    firsts = [first for first, _ in struct.iter_unpack("<HH", bags)]
    pairs = list(struct.iter_unpack("<Hh", generators))
    return [dict(pairs[first:after]) for first, after in pairwise(firsts)]


def _completed(zones: Sequence[Zone], last: int) -> list[Zone]:
    """A first zone without the generator that must come last is global: the others inherit what they do not
    set themselves (sections 7.3 and 7.7).
    """
    common = zones[0] if zones and last not in zones[0] else {}
    return [{**common, **zone} for zone in zones if last in zone]


def _within(zone: Zone, generator: int, value: int) -> bool:
    if generator not in zone:
        return True
    span = zone[generator] & 0xFFFF
    return span & 0xFF <= value <= span >> 8


# One note
# ------------------------------------------------------------------------------------------------------------


def _tone(
    font: _Font,
    bank: int,
    program: int,
    key: int,
    velocity: int,
    held: int,
    rate: int,
    bend: Bend | None = None,
) -> NDArray[np.float32]:
    """A note of `held` samples with its release, float32 [n, 2]. A program that the font lacks is played with
    program 0.
    """
    import numpy as np

    presets = font.presets.get((bank, program)) or font.presets.get((bank, 0)) or []
    layers = [
        _layer(font, _sum_of(preset, zone), key, velocity, held, rate, bend)
        for preset in presets
        if _plays(preset, key, velocity)
        for zone in font.instruments[preset[INSTRUMENT]]
        if _plays(zone, key, velocity)
    ]
    tone = np.zeros((max((len(layer) for layer in layers), default=0), 2), np.float32)
    for layer in layers:
        tone[: len(layer)] += layer
    return tone


def _plays(zone: Zone, key: int, velocity: int) -> bool:
    return _within(zone, KEYS, key) and _within(zone, VELOCITIES, velocity)


def _sum_of(preset: Zone, zone: Zone) -> Zone:
    """An instrument's zone, to which its preset adds (section 9.4)."""
    values = {**_DEFAULTS, **zone}
    for generator, amount in preset.items():
        if generator not in _NOT_ADDED:
            values[generator] = values.get(generator, 0) + amount
    return values


def _layer(
    font: _Font, zone: Zone, key: int, velocity: int, held: int, rate: int, bend: Bend | None
) -> NDArray[np.float32]:
    import numpy as np

    header = font.headers[zone[SAMPLE]]
    root = zone[ROOT] if 0 <= zone[ROOT] <= 127 else header.root
    sounding = zone[KEY] if 0 <= zone[KEY] <= 127 else key
    cents = (
        (sounding - root) * zone[SCALE_TUNING]
        + 100 * zone.get(COARSE_TUNE, 0)
        + zone.get(FINE_TUNE, 0)
        + header.correction
    )
    step = float(header.rate / rate * 2 ** (cents / 1200))
    envelope = _envelope(zone, key, held, rate)
    start = header.start + zone.get(START, 0) + 32768 * zone.get(START_COARSE, 0)
    end = header.end + zone.get(END, 0) + 32768 * zone.get(END_COARSE, 0)
    loop_start = header.loop_start + zone.get(LOOP_START, 0) + 32768 * zone.get(LOOP_START_COARSE, 0)
    loop_end = header.loop_end + zone.get(LOOP_END, 0) + 32768 * zone.get(LOOP_END_COARSE, 0)
    looped = (
        bool(zone.get(MODES, 0) & 1) and loop_end - loop_start > 1 and start <= loop_start and loop_end <= end
    )
    places: NDArray[np.float64] = np.arange(len(envelope), dtype=np.float64) * step
    if bend is not None:
        steps = step * 2 ** (bend(len(envelope)) / 12)
        places = np.concatenate([[0.0], np.cumsum(steps)[:-1]])
    if not looped:
        places = places[places < end - start - 2]
        envelope = envelope[: len(places)]
        wave = read_between(font.samples, start + places, start, end)
    else:
        over = start + places >= loop_end
        places = np.where(
            over, loop_start - start + np.mod(places - (loop_start - start), loop_end - loop_start), places
        )
        wave = read_looped(font.samples, start + places, start, loop_start, loop_end, end)
    wave = _low_passed(wave, zone, rate)
    # Section 8.1.2, generator 48: in centibels; players agree on four tenths of what is written, as E-mu's
    # hardware did.
    gain = 10 ** (-0.4 * max(0, zone.get(ATTENUATION, 0)) / 200) * (velocity / 127) ** 2
    turn = (min(max(zone.get(PAN, 0), -500), 500) + 500) / 1000 * math.pi / 2
    mono = (wave * envelope * gain).astype(np.float32)
    return np.stack([mono * np.float32(math.cos(turn)), mono * np.float32(math.sin(turn))], axis=1)


def read_between(
    samples: NDArray[np.float32], places: NDArray[np.float64], low: int, high: int
) -> NDArray[np.float64]:
    """The wave between its samples, by cubic (Catmull-Rom) interpolation."""
    import numpy as np

    whole = places.astype(np.int64)
    return _cubic(
        [samples[np.clip(whole + offset, low, high - 1)] for offset in (-1, 0, 1, 2)], places - whole
    )


def read_looped(
    samples: NDArray[np.float32],
    places: NDArray[np.float64],
    low: int,
    loop_start: int,
    loop_end: int,
    high: int,
) -> NDArray[np.float64]:
    """The same for a sample with a loop, whose end is followed by its beginning."""
    import numpy as np

    whole = places.astype(np.int64)
    length = loop_end - loop_start
    four = []
    for offset in (-1, 0, 1, 2):
        at = whole + offset
        four.append(samples[np.clip(np.where(at >= loop_end, at - length, at), low, high - 1)])
    return _cubic(four, places - whole)


def _cubic(four: Sequence[NDArray[np.float32]], part: NDArray[np.float64]) -> NDArray[np.float64]:
    before, here, after, later = four
    a = 0.5 * (3 * (here - after) + later - before)
    b = before - 2.5 * here + 2 * after - 0.5 * later
    wave: NDArray[np.float64] = ((a * part + b) * part + 0.5 * (after - before)) * part + here
    return wave


def timecents(amount: float) -> float:
    return float(2 ** (min(max(amount, -12000), 8000) / 1200))


def _envelope(zone: Zone, key: int, held: int, rate: int) -> NDArray[np.float64]:
    """The volume envelope, float64 [n], 0..1: a linear attack, then a level that falls evenly in decibels,
    by 100 in a full decay or release (section 9.1.7).
    """
    import numpy as np

    attack, hold = timecents(zone[ATTACK]), timecents(zone[HOLD] + (60 - key) * zone.get(KEY_TO_HOLD, 0))
    decay, release = timecents(zone[DECAY] + (60 - key) * zone.get(KEY_TO_DECAY, 0)), timecents(zone[RELEASE])
    begins = timecents(zone[DELAY])
    sustain = min(max(zone.get(SUSTAIN, 0) / 10, 0.0), 100.0)
    ring = min(release * 0.8, LONGEST_RELEASE)
    time = np.arange(held + max(1, int(ring * rate))) / rate

    def level(at: NDArray[np.float64]) -> NDArray[np.float64]:
        fallen = np.minimum(np.maximum(at - begins - attack - hold, 0) / decay * 100, sustain)
        rising = np.clip((at - begins) / attack, 0, 1)
        result: NDArray[np.float64] = rising * 10 ** (-fallen / 20)
        return result

    end = held / rate
    envelope = level(np.minimum(time, end))
    envelope[held:] *= 10 ** (-100 * (time[held:] - end) / release / 20)
    return envelope


def _low_passed(wave: NDArray[np.float64], zone: Zone, rate: int) -> NDArray[np.float64]:
    """The low-pass filter at its initial cutoff. Where an envelope would open it, it is left open."""
    cutoff = 8.176 * 2 ** (zone[FILTER_FC] / 1200)
    if cutoff > 0.4 * rate or zone.get(ENVELOPE_TO_FILTER, 0) > 0 or not len(wave):
        return wave
    from scipy.signal import butter, lfilter

    numerator, denominator = butter(2, cutoff / (rate / 2))
    filtered: NDArray[np.float64] = lfilter(numerator, denominator, wave)
    return filtered
