"""Tunes to hear and to see: sound from a General MIDI SoundFont, and a piano roll. The engraved score is
`writing.engrave`.

    sound = render(tune, instrument="Violin", tempo=100)
    path.write_bytes(sound.to_wav())

Everything is made on this machine. The SoundFont (TimGM6mb) comes with pretty_midi; `soundfont` plays it.
"""

from __future__ import annotations

import io
import math
import wave
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.errors import Missing, Refused, UnknownName, Unreadable
from studio.music.scores.chords import parse_chord
from studio.music.scores.keys import pitch_name
from studio.music.scores.notes import Note
from studio.music.scores.scores import Part, Score
from studio.music.scores.tunes import Tune
from studio.music.sound.player import play

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RATE = 44_100
"""Samples a second."""

LOUDNESS = -16.0
"""Integrated loudness of a rendered tune, in LUFS, where its peaks allow it."""

CEILING = -1.0
"""The highest true peak, in dB below full scale."""

LONGEST = 30 * 60
"""Seconds of music that are rendered at most."""


@dataclass(frozen=True)
class Sound:
    """samples: float32 [n, 2], -1..1, left and right. rate: samples a second. loudness: LUFS. true_peak: dB
    relative to full scale.
    """

    samples: NDArray[np.float32]
    rate: int
    loudness: float
    true_peak: float

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.rate

    def to_wav(self) -> bytes:
        """A WAV file: 16 bit, stereo."""
        import numpy as np

        packed = io.BytesIO()
        with wave.open(packed, "wb") as file:
            file.setnchannels(2)
            file.setsampwidth(2)
            file.setframerate(self.rate)
            file.writeframes(np.round(np.clip(self.samples, -1, 1) * 32767).astype("<i2").tobytes())
        return packed.getvalue()


def render(
    music: Tune | Score,
    *,
    instrument: str = "Acoustic Grand Piano",
    tempo: float | None = None,
    chords: bool = True,
    loudness: float = LOUDNESS,
) -> Sound:
    """The sound of a tune or score, repeats played out.

    instrument: a General MIDI name, for a tune (a score's parts have their own). tempo: quarter notes a
    minute, 10..1000; its own where None. chords: whether a tune's chord symbols sound, softly. loudness: in
    LUFS (-40..-6).
    Raises `UnknownName` for an instrument, `Refused` for music without notes, out of the instrument's range,
    or longer than half an hour, `Missing` without the SoundFont.
    """
    if tempo is not None and not 10 <= tempo <= 1000:
        raise Refused(f"A tempo of {tempo:g} is not playable; choose 10 to 1000 quarter notes a minute.")
    if not -40 <= loudness <= -6:
        raise Refused(f"A loudness of {loudness:g} LUFS is not sensible; choose -40 to -6.")
    score = _score_of(music, program_of(instrument), chords)
    if tempo is not None:
        score = replace(score, tempo=tempo)
    if not any(part.notes for part in score.parts):
        raise Refused("There is no note to hear; add one.")
    seconds = float(score.end) * 60 / score.tempo
    if seconds > LONGEST:
        raise Refused(
            f"{seconds / 60:.0f} minutes are too long to render at once; render a passage or play faster."
        )
    samples = play(score, soundfont(), RATE)
    if not samples.any():
        raise Refused(
            f"The SoundFont's {instrument} has no sound at these pitches; choose another instrument or transpose."
        )
    return _finished(samples, loudness)


def write_wav(music: Tune | Score, *, program: int = 0) -> bytes:
    """The music as a WAV file. program: General MIDI instrument 0..127 of a tune (a score's parts have their
    own). Raises what `render` raises.
    """
    return render(music, instrument=instruments()[program]).to_wav()


def soundfont() -> Path:
    """The SoundFont that pretty_midi ships. Raises `Missing`."""
    from importlib.util import find_spec

    found = find_spec("pretty_midi")
    path = (
        Path(next(iter(found.submodule_search_locations))) / "TimGM6mb.sf2"
        if found and found.submodule_search_locations
        else None
    )
    if path is None or not path.exists():
        raise Missing(
            "The SoundFont TimGM6mb.sf2, which pretty_midi brings, is not here; install pretty_midi again."
        )
    return path


def instruments() -> tuple[str, ...]:
    """The 128 instruments of General MIDI, by program number."""
    from pretty_midi.constants import INSTRUMENT_MAP

    return tuple(INSTRUMENT_MAP)


def program_of(instrument: str) -> int:
    """Program number 0..127 of a General MIDI instrument; capitals do not matter. Raises `UnknownName`."""
    names = instruments()
    wanted = instrument.strip().lower()
    for program, name in enumerate(names):
        if name.lower() == wanted:
            return program
    raise UnknownName("instrument", instrument, names)


def _score_of(music: Tune | Score, program: int, chords: bool) -> Score:
    if isinstance(music, Score):
        return music
    tune = music.unfolded()
    score = tune.score(name=tune.title, program=program)
    return replace(score, parts=(*score.parts, _accompaniment(tune))) if chords and tune.chords else score


def _accompaniment(tune: Tune) -> Part:
    """The chord symbols as held chords between G3 and F#4 over a bass note, struck again in every bar."""
    places = sorted(
        {chord.start for chord in tune.chords}
        | {bar.start for bar in tune.bars() if bar.start >= tune.chords[0].start}
    )
    notes: list[Note] = []
    for start, end in pairwise([*places, tune.end]):
        try:
            chord = parse_chord(tune.chord_at(start) or "")
        except Unreadable:
            continue
        if chord and end > start:
            pitches = {36 + (chord.bass_class - 36) % 12} | {
                55 + (tone - 55) % 12 for tone in chord.pitch_classes
            }
            notes += [Note(pitch, start, end - start) for pitch in sorted(pitches)]
    return Part(tuple(notes), "Chords", program=0, velocity=48)


def _finished(samples: NDArray[np.float32], wanted: float) -> Sound:
    """Trimmed, faded and as loud as wanted, without a peak over the ceiling."""
    import numpy as np

    level = np.abs(samples).max(axis=1)
    peak = float(level.max())
    last = int(np.flatnonzero(level > peak * 10 ** (-60 / 20))[-1])
    samples = samples[: min(len(samples), last + RATE // 20)]
    fade = min(len(samples), RATE // 50)
    samples[-fade:] *= np.linspace(1, 0, fade, dtype=np.float32)[:, None]
    loudness, highest = measure_loudness(samples, RATE), measure_true_peak(samples)
    raised = min(wanted - loudness, CEILING - highest)
    return Sound(
        (samples * 10 ** (raised / 20)).astype(np.float32), RATE, loudness + raised, highest + raised
    )


# Loudness
# ------------------------------------------------------------------------------------------------------------


def measure_loudness(samples: NDArray[np.floating[Any]], rate: int) -> float:
    """Integrated loudness in LUFS of samples [n, channels], by Recommendation ITU-R BS.1770-5: K-weighting,
    blocks of 0.4 s that overlap by three quarters, gates at -70 LUFS and 10 LU below the mean. Silence gives
    -inf. What is shorter than a block is taken as one block."""
    import numpy as np
    from scipy.signal import lfilter

    weighted = np.asarray(samples, np.float64)
    for numerator, denominator in k_weighting(rate):
        weighted = lfilter(numerator, denominator, weighted, axis=0)
    energy = np.concatenate([np.zeros(1), np.cumsum((weighted**2).sum(axis=1))])
    block = min(round(0.4 * rate), len(weighted))
    if block == 0:
        return -math.inf
    starts = np.arange(0, len(weighted) - block + 1, max(1, block // 4))
    power = (energy[starts + block] - energy[starts]) / block
    kept = power[power > 10 ** ((-70 + 0.691) / 10)]
    if not len(kept):
        return -math.inf
    kept = kept[kept > kept.mean() / 10]
    return float(-0.691 + 10 * math.log10(kept.mean()))


def k_weighting(rate: int) -> tuple[tuple[list[float], list[float]], tuple[list[float], list[float]]]:
    """The two filters of BS.1770 at any rate: a shelf for the head and a high pass. At 48 kHz they are the
    ones it prints (tables 1, 2); the analogue prototypes behind these are those of Brecht De Man, AES 145th
    Convention, 2018."""
    f0, gain, q = 1681.974450955533, 3.999843853973347, 0.7071752369554196
    k = math.tan(math.pi * f0 / rate)
    high = 10 ** (gain / 20)
    band = high**0.4996667741545416
    a0 = 1 + k / q + k * k
    shelf = (
        [(high + band * k / q + k * k) / a0, 2 * (k * k - high) / a0, (high - band * k / q + k * k) / a0],
        [1.0, 2 * (k * k - 1) / a0, (1 - k / q + k * k) / a0],
    )
    f0, q = 38.13547087602444, 0.5003270373238773
    k = math.tan(math.pi * f0 / rate)
    a0 = 1 + k / q + k * k
    return shelf, ([1.0, -2.0, 1.0], [1.0, 2 * (k * k - 1) / a0, (1 - k / q + k * k) / a0])


def measure_true_peak(samples: NDArray[np.floating[Any]]) -> float:
    """The highest level between the samples, in dB relative to full scale, by oversampling four times
    (BS.1770-5, annex 2).
    """
    import numpy as np
    from scipy.signal import resample_poly

    peak = (
        float(np.abs(resample_poly(np.asarray(samples, np.float64), 4, 1, axis=0)).max())
        if len(samples)
        else 0.0
    )
    return 20 * math.log10(peak) if peak > 0 else -math.inf


# Piano roll
# ------------------------------------------------------------------------------------------------------------

INK = "#2b2d42"
PAPER = "#fbfaf7"
NOTE = "#3a6ea5"
CHORD_INK = "#8a4b08"


def piano_roll(
    music: Tune | Score,
    *,
    width: int = 1000,
    height: int = 360,
    colours: Mapping[int, str] | None = None,
    form: str = "PNG",
) -> bytes:
    """A picture of the notes: time to the right, pitch upwards, bars counted, each C named, chord symbols on
    top.

    width, height: pixels, 64..8000. colours: number of a sounding note of the (first) part -> "#rrggbb".
    form: "PNG" or "JPEG".
    """
    from PIL import Image, ImageDraw, ImageFont

    if not (64 <= width <= 8000 and 64 <= height <= 8000):
        raise Refused("A piano roll is 64 to 8000 pixels wide and high.")
    score = music.score() if isinstance(music, Tune) else music
    sounding = [note.pitch for part in score.parts for note in part.notes if note.pitch is not None]
    low, high = (min(sounding) - 2, max(sounding) + 2) if sounding else (60, 72)
    if high - low < 14:
        low, high = low - (14 - (high - low)) // 2, high + (15 - (high - low)) // 2
    left, top, bottom = (34, 18, 16) if width >= 300 else (0, 0, 0)
    row = (height - top - bottom) / (high - low + 1)
    across = (width - left - 2) / max(float(score.end), 1.0)
    picture = Image.new("RGB", (width, height), PAPER)
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(11)

    def x(place: Fraction) -> float:
        return left + float(place) * across

    def y(pitch: int) -> float:
        return top + (high - pitch) * row

    for pitch in range(low, high + 1):
        if pitch % 12 in (1, 3, 6, 8, 10):
            draw.rectangle((left, y(pitch), width, y(pitch) + row), fill="#f1eee7")
        if pitch % 12 == 0 and left:
            draw.line((left, y(pitch) + row, width, y(pitch) + row), fill="#c9c4b8")
            draw.text((4, y(pitch) + row / 2 - 6), pitch_name(pitch), fill=INK, font=font)
    bars = score.bars()
    every = max(1, math.ceil(len(bars) * 26 / max(1, width - left)))
    for bar in bars:
        draw.line((x(bar.start), top, x(bar.start), height - bottom), fill="#b9b3a5")
        if left and bar.number and (bar.number - 1) % every == 0:
            draw.text((x(bar.start) + 3, height - bottom + 2), str(bar.number), fill=INK, font=font)
    if left:
        free = 0.0
        for chord in score.chords:
            if x(chord.start) >= free:
                draw.text((x(chord.start) + 2, 3), chord.symbol, fill=CHORD_INK, font=font)
                free = x(chord.start) + draw.textlength(chord.symbol, font=font) + 5
    shades = (NOTE, "#b5651d", "#4b7f52", "#7a4e8a", "#9a3b3b", "#5c6b73")
    for number, part in reversed(list(enumerate(score.parts))):
        for index, note in enumerate(part.notes):
            if note.pitch is None:
                continue
            fill = (colours or {}).get(index) if number == 0 else None
            box = (
                x(note.start) + 0.5,
                y(note.pitch) + 0.5,
                max(x(note.end) - 1.5, x(note.start) + 1.5),
                y(note.pitch) + max(row - 0.5, 1.5),
            )
            draw.rounded_rectangle(box, radius=min(3, row / 3), fill=fill or shades[number % len(shades)])
    packed = io.BytesIO()
    picture.save(packed, form, **({"quality": 88} if form == "JPEG" else {}))
    return packed.getvalue()


def thumbnail(music: Tune | Score) -> bytes:
    """The piano roll as a gallery shows it: JPEG, 512 x 320 pixels."""
    return piano_roll(music, width=512, height=320, form="JPEG")
