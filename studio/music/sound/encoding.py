"""Recordings as files: WAV, FLAC and MP3. The same sound gives the same bytes each time."""

from __future__ import annotations

import io

from studio.music.scores.performance import Performance
from studio.music.scores.scores import Score
from studio.music.scores.tunes import Tune
from studio.music.sound.fonts import named_font
from studio.music.sound.mixing import record
from studio.music.sound.rendering import Sound, instruments, render


def to_flac(sound: Sound) -> bytes:
    """FLAC, 16 bit, without loss."""
    return _encoded(sound, "FLAC", "PCM_16")


def to_mp3(sound: Sound) -> bytes:
    """MP3 of variable bit rate, about 130 kb/s."""
    return _encoded(sound, "MP3", "MPEG_LAYER_III")


def _encoded(sound: Sound, kind: str, subtype: str) -> bytes:
    import soundfile

    packed = io.BytesIO()
    samples = sound.samples
    with soundfile.SoundFile(packed, "w", sound.rate, samples.shape[1], subtype=subtype, format=kind) as file:
        for start in range(0, len(samples), sound.rate):  # long writes at once have failed in libsndfile
            file.write(samples[start : start + sound.rate])
    return packed.getvalue()


Music = Tune | Score | Performance


def write_wav(music: Music, *, program: int = 0, sound: str = "") -> bytes:
    """A performance as a recording, or a tune or score as `render` plays it. program: General MIDI instrument
    0..127 of a tune. sound: the SoundFont of a performance, as `fonts.named_font` knows it; the best that is
    here where it is empty. Raises what `record`, `named_font` and `render` raise, as the two below.
    """
    return _sound(music, program, sound).to_wav()


def write_flac(music: Music, *, program: int = 0, sound: str = "") -> bytes:
    return to_flac(_sound(music, program, sound))


def write_mp3(music: Music, *, program: int = 0, sound: str = "") -> bytes:
    return to_mp3(_sound(music, program, sound))


def _sound(music: Music, program: int, sound: str) -> Sound:
    if isinstance(music, Performance):
        return record(music, font=named_font(sound) if sound else None)
    return render(music, instrument=instruments()[program], tempo=music.tempo)
