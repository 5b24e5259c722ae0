"""The sound of tunes and scores, played with a General MIDI SoundFont.

    sound = render(tune, instrument="Violin", tempo=100)
    path.write_bytes(sound.to_wav())

The SoundFont (TimGM6mb) comes with pretty_midi; `player` plays it.
"""

from __future__ import annotations

import io
import wave
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from studio.errors import Missing, Refused, UnknownName, Unreadable
from studio.music.scores.chords import parse_chord
from studio.music.scores.notes import Note
from studio.music.scores.performance import Clock
from studio.music.scores.scores import Part, Score
from studio.music.scores.tunes import Tune
from studio.music.sound.loudness import integrated_loudness, true_peak
from studio.music.sound.player import play

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RATE = 44_100
"""Samples a second."""

LOUDNESS = -16.0
"""Integrated loudness of a rendered tune, in LUFS, where its peaks allow it."""

CEILING = -1.0
"""The highest true peak, in dB relative to full scale."""

LONGEST = 30 * 60
"""Seconds of music that are rendered at most."""


@dataclass(frozen=True)
class Sound:
    """Rendered music.

    samples: float32 [n, 2], left and right, -1..1. rate: samples a second. loudness: integrated, in LUFS.
    true_peak: in dB relative to full scale.
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
    """The sound of a tune, with its repeats played out, or of a score.

    instrument: a General MIDI name, for a tune; a score's parts have their own. tempo: quarter notes a
    minute, 10..1000; None takes the music's own. chords: whether a tune's chord symbols are heard, softly.
    loudness: in LUFS, -40..-6.
    Raises `UnknownName` for an instrument, `Refused` for music without notes, outside the instrument's range,
    or longer than half an hour, `Missing` without the SoundFont.
    """
    if tempo is not None and not 10 <= tempo <= 1000:
        raise Refused(f"A tempo of {tempo:g} is not playable; choose 10 to 1000 quarter notes a minute.")
    if not -40 <= loudness <= -6:
        raise Refused(f"A loudness of {loudness:g} LUFS is out of range; choose -40 to -6.")
    score = _score_of(music, program_of(instrument), chords)
    if tempo is not None:
        faster = tempo / score.tempo
        changes = (replace(each, tempo=each.tempo * faster) for each in score.tempo_changes)
        score = replace(score, tempo=tempo, tempo_changes=tuple(changes))
    if not any(part.notes for part in score.parts):
        raise Refused("There is no note to hear; add one.")
    seconds = Clock(score.tempi).seconds(score.end)
    if seconds > LONGEST:
        raise Refused(
            f"{seconds / 60:.0f} minutes are too long to render at once; render a passage or play faster."
        )
    samples = play(score, soundfont(), RATE)
    if not samples.any():
        raise Refused(
            f"The SoundFont's {instrument} has no sound at these pitches; "
            "choose another instrument or transpose."
        )
    return _finished(samples, loudness)


def soundfont() -> Path:
    """The SoundFont that pretty_midi ships. Raises `Missing`."""
    from importlib.util import find_spec

    found = find_spec("pretty_midi")
    for folder in (found and found.submodule_search_locations) or ():
        path = Path(folder) / "TimGM6mb.sf2"
        if path.exists():
            return path
    raise Missing(
        "The SoundFont TimGM6mb.sf2, which comes with pretty_midi, is missing; install pretty_midi again."
    )


def instruments() -> tuple[str, ...]:
    """The 128 instruments of General MIDI, by program number."""
    from pretty_midi.constants import INSTRUMENT_MAP

    return tuple(INSTRUMENT_MAP)


def program_of(instrument: str) -> int:
    """The program number, 0..127, of a General MIDI instrument; capitals do not matter. Raises
    `UnknownName`.
    """
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
    return replace(score, parts=(*score.parts, accompaniment(tune))) if chords and tune.chords else score


def accompaniment(tune: Tune) -> Part:
    """The chord symbols as held chords between G3 and F#4 over a bass note, played again in every bar."""
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
    """Trimmed, faded out, and brought to the loudness that is wanted, or as near as the ceiling allows."""
    import numpy as np

    level = np.maximum(np.abs(samples[:, 0]), np.abs(samples[:, 1]))
    peak = float(level.max())
    last = int(np.flatnonzero(level > peak * 10 ** (-60 / 20))[-1])
    samples = samples[: min(len(samples), last + RATE // 20)]
    fade = min(len(samples), RATE // 50)
    samples[-fade:] *= np.linspace(1, 0, fade, dtype=np.float32)[:, None]
    loudness, highest = integrated_loudness(samples, RATE), true_peak(samples)
    raised = min(wanted - loudness, CEILING - highest)
    return Sound(
        (samples * 10 ** (raised / 20)).astype(np.float32), RATE, loudness + raised, highest + raised
    )
