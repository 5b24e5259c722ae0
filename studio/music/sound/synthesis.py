"""Plays a part with a SoundFont: velocity for each note, modulators, filter and both envelopes.

For speed, the wave of a layer is read at a key's pitch once, as long as the longest of its notes, and every
note takes its beginning. What depends on the note alone (envelopes, velocity, a filter that moves) comes
after.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from studio.music.scores.performance import PlayedNote, PlayedPart
from studio.music.sound import soundfont as sf
from studio.music.sound.player import read_between, read_looped, timecents
from studio.music.sound.soundfont import SoundFont, SoundLayer, Zone

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LONGEST_RING = 3.0
"""Seconds a note rings on at most after its end."""

LONGEST_STROKE = 4.0
"""Seconds a drum is heard at most."""

SILENCE = -84.0
"""In dB: what falls below is not computed."""

CHOKED = ({42, 44, 46},)
"""Drums that silence each other: the hi-hat, closed, by foot and open."""

CHOKING = 0.03
"""Seconds in which a drum falls silent that another one silences."""

BRIGHTNESS_STEP = 100
"""Cents of cutoff to which filters are rounded, so that notes of nearly the same velocity share a wave."""


def stem(part: PlayedPart, font: SoundFont, rate: int, length: int) -> NDArray[np.float32]:
    """The sound of a part, float32 [2, length], left and right, before the mixer. rate: samples a second.
    Notes that ring beyond `length` are cut there.
    """
    import numpy as np

    sound = np.zeros((2, length), np.float32)
    bank, program = (sf.DRUM_BANK, part.program) if part.percussion else (0, part.program)
    notes = _ringing(part.notes) if part.percussion else [(note, False) for note in part.notes]
    by_key: dict[int, list[tuple[PlayedNote, bool]]] = {}
    for note, choked in notes:
        by_key.setdefault(note.pitch, []).append((note, choked))
    for key, struck in by_key.items():
        voice = _Voice(font, rate, bank, program, key, max(note.duration for note, _ in struck))
        for note, choked in struck:
            voice.add(note, sound, choked=choked)
    return sound


def _ringing(notes: Sequence[PlayedNote]) -> list[tuple[PlayedNote, bool]]:
    """Drums ring until their end, or until one strikes that silences them: (note, whether one does)."""
    found: list[tuple[PlayedNote, bool]] = []
    until: dict[int, float] = {}
    for note in sorted(notes, key=lambda each: each.start, reverse=True):
        group = next((number for number, each in enumerate(CHOKED) if note.pitch in each), None)
        lasts = LONGEST_STROKE
        if group is not None:
            lasts = min(lasts, until.get(group, math.inf) - note.start)
            until[group] = note.start
        ringing = PlayedNote(note.start, max(0.02, lasts), note.pitch, note.velocity)
        found.append((ringing, lasts < LONGEST_STROKE))
    return found[::-1]


@dataclass
class _Voice:
    """A key of an instrument. longest: seconds that its longest note is held."""

    font: SoundFont
    rate: int
    bank: int
    program: int
    key: int
    longest: float

    def __post_init__(self) -> None:
        self._waves: dict[tuple[int, float, int], NDArray[np.float32]] = {}
        self._layers: dict[int, list[SoundLayer]] = {}

    def add(self, note: PlayedNote, sound: NDArray[np.float32], *, choked: bool = False) -> None:
        """Mix a note into [2, n]. choked: it is silenced at its end and does not ring on."""
        import numpy as np

        start = round(note.start * self.rate)
        if start >= sound.shape[1]:
            return
        if note.velocity not in self._layers:
            self._layers[note.velocity] = self.font.layers(self.bank, self.program, self.key, note.velocity)
        held = max(1, round(note.duration * self.rate))
        for layer in self._layers[note.velocity]:
            mono = self._played(layer, held)
            mono = mono[: sound.shape[1] - start]
            if choked and len(mono) > held:
                mono = mono[: held + int(CHOKING * self.rate)]
                mono[held:] *= np.linspace(1, 0, len(mono) - held, dtype=np.float32)
            turn = (min(max(layer.zone.get(sf.PAN, 0), -500), 500) + 500) / 1000 * math.pi / 2
            stretch = slice(start, start + len(mono))
            sound[0, stretch] += mono * mono.dtype.type(math.cos(turn))
            sound[1, stretch] += mono * mono.dtype.type(math.sin(turn))

    def _played(self, layer: SoundLayer, held: int) -> NDArray[np.float32]:
        zone = layer.zone
        envelope = _volume(zone, self.key, held, self.rate)
        moving = abs(zone.get(sf.ENVELOPE_TO_FILTER, 0)) >= 50 and zone[sf.FILTER_FC] < 13500
        cutoff = 0 if moving else _rounded(zone[sf.FILTER_FC])
        wave = self._wave(layer, cutoff)[: len(envelope)]
        envelope = envelope[: len(wave)]
        if moving:
            wave = _filtered_by_envelope(wave, zone, self.key, held, self.rate)
        lost = 0.4 * max(0.0, zone.get(sf.ATTENUATION, 0)) + zone.get(sf.MODULATED_ATTENUATION, 0)
        envelope *= envelope.dtype.type(10 ** (-max(0.0, lost) / 200))
        envelope *= wave
        return envelope

    def _wave(self, layer: SoundLayer, cutoff: int) -> NDArray[np.float32]:
        """The layer at the key's pitch, through a filter that stands still; cutoff: in cents, 0 for none."""
        step = _step(layer, self.key, self.rate)
        name = layer.number, step, cutoff
        if name not in self._waves:
            if cutoff:
                wave = _low_passed(self._wave(layer, 0), cutoff, layer.zone, self.rate)
            else:
                ring = min(timecents(layer.zone[sf.RELEASE]) * -SILENCE / 100, LONGEST_RING)
                wave = _resampled(layer, step, int((self.longest + ring) * self.rate) + 2)
            self._waves[name] = wave
        return self._waves[name]


def _rounded(cutoff: float) -> int:
    """A cutoff in cents, 0 where it is too high to be heard."""
    return 0 if cutoff >= 13300 else max(1500, round(cutoff / BRIGHTNESS_STEP) * BRIGHTNESS_STEP)


def _step(layer: SoundLayer, key: int, rate: int) -> float:
    """Samples of the recording to go on by for each one of the sound."""
    zone, recording = layer.zone, layer.recording
    root = zone[sf.ROOT] if 0 <= zone[sf.ROOT] <= 127 else recording.root
    sounding = zone[sf.KEY] if 0 <= zone[sf.KEY] <= 127 else key
    cents = (
        (sounding - root) * zone[sf.SCALE_TUNING]
        + 100 * zone.get(sf.COARSE_TUNE, 0)
        + zone.get(sf.FINE_TUNE, 0)
        + recording.correction
    )
    return float(recording.rate / rate * 2 ** (cents / 1200))


def _resampled(layer: SoundLayer, step: float, length: int) -> NDArray[np.float32]:
    import numpy as np

    zone, recording = layer.zone, layer.recording
    samples = recording.samples

    def moved(place: float, fine: int, coarse: int) -> int:
        return int(place + zone.get(fine, 0) + 32768 * zone.get(coarse, 0))

    start = max(0, moved(0, sf.START, sf.START_COARSE))
    end = min(len(samples), moved(len(samples), sf.END, sf.END_COARSE))
    loop_start = moved(recording.loop_start, sf.LOOP_START, sf.LOOP_START_COARSE)
    loop_end = moved(recording.loop_end, sf.LOOP_END, sf.LOOP_END_COARSE)
    looped = int(zone.get(sf.MODES, 0)) & 1 and loop_end - loop_start > 1
    looped = looped and start <= loop_start and loop_end <= end
    places: NDArray[np.float64] = np.arange(length, dtype=np.float64) * step
    if not looped:
        places = places[: max(0, int(np.searchsorted(places, end - start - 2)))]
        if not len(places):
            return np.zeros(0, np.float32)
        return read_between(samples, start + places, start, end).astype(np.float32)
    from_loop = loop_start - start
    over = start + places >= loop_end
    places[over] = from_loop + np.mod(places[over] - from_loop, loop_end - loop_start)
    return read_looped(samples, start + places, start, loop_start, loop_end, end).astype(np.float32)


# Envelopes
# ------------------------------------------------------------------------------------------------------------


def _volume(zone: Zone, key: int, held: int, rate: int) -> NDArray[np.float32]:
    """The volume envelope, float32 [n], 0..1: a linear attack, then a level that falls evenly in decibels, by
    100 in a full decay or release (section 9.1.7).
    """
    import numpy as np

    begins = timecents(zone[sf.DELAY]) * rate
    attack = max(1.0, timecents(zone[sf.ATTACK]) * rate)
    hold = timecents(zone[sf.HOLD] + (60 - key) * zone.get(sf.KEY_TO_HOLD, 0)) * rate
    decay = timecents(zone[sf.DECAY] + (60 - key) * zone.get(sf.KEY_TO_DECAY, 0)) * rate
    release = max(timecents(zone[sf.RELEASE]), 0.006) * rate
    sustain = min(max(zone.get(sf.SUSTAIN, 0) / 10, 0.0), 100.0)
    falls_from = begins + attack + hold
    if sustain > -SILENCE:  # it is over before it is let go
        held = min(held, int(falls_from + decay * -SILENCE / 100) + 1)
    fallen = min(max(0.0, (held - falls_from) / decay * 100), sustain)
    ring = int(min(max(0.0, (-SILENCE - fallen) / 100) * release, LONGEST_RING * rate)) + 1
    decibels = np.empty(held + ring, np.float32)
    decibels[:held] = np.arange(held, dtype=np.float32)
    decibels[:held] -= falls_from
    decibels[:held] *= 100 / decay
    np.clip(decibels[:held], 0, sustain, out=decibels[:held])
    decibels[held:] = np.arange(ring, dtype=np.float32)
    decibels[held:] *= 100 / release
    decibels[held:] += fallen
    decibels *= np.float32(-math.log(10) / 20)
    level: NDArray[np.float32] = np.exp(decibels, out=decibels)
    rising = int(min(len(level), math.ceil(begins + attack)))
    ramp = np.clip((np.arange(rising, dtype=np.float32) + 1 - begins) / attack, 0, 1)
    level[:rising] *= ramp
    if rising > held:  # let go while it still rises: it falls from where it was
        level[held:rising] *= ramp[held - 1] / ramp[held:]
        level[rising:] *= ramp[held - 1]
    return level


def _modulation(
    zone: Zone, key: int, held: int, rate: int, places: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The modulation envelope at these samples, 0..1 (section 9.1.7): all its stages are linear but the
    attack, which is convex.
    """
    import numpy as np

    begins = timecents(zone[sf.MOD_DELAY]) * rate
    attack = max(1.0, timecents(zone[sf.MOD_ATTACK]) * rate)
    hold = timecents(zone[sf.MOD_HOLD] + (60 - key) * zone.get(sf.KEY_TO_MOD_HOLD, 0)) * rate
    decay = max(1.0, timecents(zone[sf.MOD_DECAY] + (60 - key) * zone.get(sf.KEY_TO_MOD_DECAY, 0)) * rate)
    release = max(1.0, timecents(zone[sf.MOD_RELEASE]) * rate)
    sustain = 1 - min(max(zone.get(sf.MOD_SUSTAIN, 0) / 1000, 0.0), 1.0)

    def level(at: NDArray[np.float64]) -> NDArray[np.float64]:
        rising = np.clip((at - begins) / attack, 0, 1)
        convex = np.where(rising > 0, 1 + 40 / 96 * np.log10(np.maximum(rising, 1e-3)), 0)
        falling = 1 - np.maximum(at - begins - attack - hold, 0) / decay
        found: NDArray[np.float64] = np.minimum(np.clip(convex, 0, 1), np.maximum(falling, sustain))
        return found

    at_end = level(np.array([float(held)]))[0]
    let_go = np.maximum(0, at_end - np.maximum(places - held, 0) / release)
    return np.where(places < held, level(places), let_go)


# The filter
# ------------------------------------------------------------------------------------------------------------


def _coefficients(cutoff: float, resonance: float, rate: int) -> tuple[list[float], list[float]]:
    """A two-pole low-pass. cutoff: in cents above 8.176 Hz. resonance: height of its peak in centibels
    (section 8.1.2, generator 9). After Robert Bristow-Johnson's Audio EQ Cookbook, with half of the peak
    taken back.
    """
    frequency = min(8.176 * 2 ** (cutoff / 1200), 0.45 * rate)
    q = 10 ** ((min(max(resonance, 0.0), 960.0) / 10 - 3.01) / 20)
    omega = 2 * math.pi * frequency / rate
    alpha = math.sin(omega) / (2 * max(q, 0.1))
    gain = 1 / math.sqrt(q) if q > 1 else 1.0
    b = (1 - math.cos(omega)) / 2 * gain
    a0 = 1 + alpha
    return [b / a0, 2 * b / a0, b / a0], [1.0, -2 * math.cos(omega) / a0, (1 - alpha) / a0]


def _low_passed(wave: NDArray[np.float32], cutoff: float, zone: Zone, rate: int) -> NDArray[np.float32]:
    from scipy.signal import lfilter

    if not len(wave):
        return wave
    numerator, denominator = _coefficients(cutoff, zone.get(sf.FILTER_Q, 0), rate)
    filtered: NDArray[np.float32] = lfilter(numerator, denominator, wave).astype("float32")
    return filtered


def _filtered_by_envelope(
    wave: NDArray[np.float32], zone: Zone, key: int, held: int, rate: int
) -> NDArray[np.float32]:
    """Through a filter whose cutoff follows the modulation envelope: in stretches over which it changes by
    less than a semitone and a half, at least 64 samples long.
    """
    import numpy as np
    from scipy.signal import lfilter

    if not len(wave):
        return wave
    block = 64
    places = np.arange(0, len(wave), block, dtype=np.float64)
    cutoff = zone[sf.FILTER_FC] + zone.get(sf.ENVELOPE_TO_FILTER, 0) * _modulation(
        zone, key, held, rate, places
    )
    rounded = np.clip(np.round(cutoff / 150) * 150, 1500, 13500)
    edges = [0, *(np.flatnonzero(np.diff(rounded)) + 1).tolist(), len(rounded)]
    found = np.empty(len(wave), np.float32)
    state = np.zeros(2)
    for first, after in pairwise(edges):
        stretch = slice(first * block, min(after * block, len(wave)))
        numerator, denominator = _coefficients(float(rounded[first]), zone.get(sf.FILTER_Q, 0), rate)
        found[stretch], state = lfilter(numerator, denominator, wave[stretch], zi=state)
    return found
