"""A song of three minutes by a band of eight: processor seconds and memory from lead sheet to MP3, and how
it is mixed.

    python -m benchmarks.recordings [--band sixties] [--bars 84] [--font FILE]

The claim: eight parts, three minutes, under 20 s and 1.5 GiB, at -14 LUFS within 0.5 with a true peak of at
most -1 dB, every part within 18 LU of the recording. Loudness is measured by pyloudnorm. Where FluidSynth is
installed, its time for the same notes and font is beside it.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from studio.music.bands.arranging import arrange
from studio.music.bands.band import band_by_name
from studio.music.bands.performing import perform
from studio.music.scores.sections import sections_of
from studio.music.scores.tunes import Tune
from studio.music.sound.encoding import to_mp3
from studio.music.sound.fonts import chosen_font
from studio.music.sound.mixing import record, recorded_stems
from studio.music.sound.rendering import RATE
from studio.music.writing.midi import write_midi

T = TypeVar("T")

SYMBOLS = ("C", "Am7", "F", "G7", "Em7", "A7", "Dm7", "G7")
HEADS = (64, 72, 69, 67, 71, 69, 65, 62)


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--band", default="sixties")
    options.add_argument("--bars", type=int, default=84)
    options.add_argument("--font", type=Path)
    asked = options.parse_args()
    font = asked.font or chosen_font()
    band = band_by_name(asked.band)
    tune = song(asked.bars, str(band.meters[0]))
    sections = sections_of([("A" if n % 4 != 2 else "Chorus", 4) for n in range(asked.bars // 4)])
    score, arranging = timed(lambda: arrange(tune, sections, band, np.random.default_rng(1)))
    performance, performing = timed(lambda: perform(score, band, np.random.default_rng(1)))
    performance = replace(performance, evened=True, lifted=True)  # as songs are mixed
    sound, recording = timed(lambda: record(performance, font=font))
    mp3, encoding = timed(lambda: to_mp3(sound))
    gib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    total = arranging + performing + recording + encoding
    notes = sum(len(part.notes) for part in performance.parts)
    print(f"{band.title}: {len(performance.parts)} parts, {notes:,} notes")
    print(f"{performance.seconds:.0f} s, {font.name}")
    print(
        f"arranged {arranging:.2f} s, performed {performing:.2f} s, recorded {recording:.2f} s, "
        f"MP3 {encoding:.2f} s ({len(mp3) / 1e6:.1f} MB): {total:.1f} s (at most 20), {gib:.2f} GiB (1.5)"
    )
    print(loudness_of(sound.samples), f"true peak {sound.true_peak:.2f} dB (at most -1)")
    below = {name: sound.loudness - each.loudness for name, each in recorded_stems(performance, font=font)}
    print("below the recording, in LU (at most 18):", {name: round(each, 1) for name, each in below.items()})
    if shutil.which("fluidsynth"):
        _, other = timed(lambda: fluidsynth(write_midi(performance), font))
        print(f"FluidSynth, the notes alone: {other:.2f} s; ours with mixing and mastering {recording:.2f} s")


def loudness_of(samples: np.ndarray) -> str:
    import pyloudnorm

    found = pyloudnorm.Meter(RATE).integrated_loudness(samples.astype(np.float64))
    return f"{found:.2f} LUFS by pyloudnorm (-14 within 0.5),"


def song(bars: int, meter: str) -> Tune:
    """A tune of that many bars, a chord a bar."""
    from studio.music.scores.meters import Meter

    length = Meter.parse(meter).bar_length
    notes = []
    for bar in range(bars):
        head = HEADS[bar % 8]
        notes += [(head, length / 2), (head - 2, length / 4), (head, length / 4)]
    chords = [(bar * length, SYMBOLS[bar % 8]) for bar in range(bars)]
    return Tune.of(notes, meter=meter, key="C", chords=chords, tempo=120.0, title="Benchmark")


def fluidsynth(midi: bytes, font: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "song.mid"
        path.write_bytes(midi)
        command = ["fluidsynth", "-ni", "-q", "-F", str(path.with_suffix(".wav")), str(font), str(path)]
        subprocess.run(command, check=True, capture_output=True)


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """What some work gives, and how many seconds of a processor it took, with those of its children."""
    began = spent()
    return work(), spent() - began


def spent() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


if __name__ == "__main__":
    main()
