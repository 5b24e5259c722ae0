"""What reading scores costs, in seconds of the processor, beside music21 on the same files in the same run.

    python -m benchmarks.reading [FOLDER ...]

For every format the studio reads itself: MusicXML (in FOLDER, else the songbook beside the checkout, else
music21's trecento) and ABC (in FOLDER, else a tenth of Ryan's Mammoth Collection; the studio alone reads all
of it too). Only the reading is measured, in this process; importing is not, and neither is the process that
strangers' files are read in. music21's time is for its parser alone, without what the studio then does with
its streams. Notes that differ are counted where the studio can also make a tune of what music21 read.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from studio.music.reading.abc import read_abc
from studio.music.reading.budget import Reading, ReadingBudget
from studio.music.reading.music21_streams import tunes_of
from studio.music.reading.musicxml import read_musicxml, xml_of
from studio.music.reading.text import text_of
from studio.music.styles.table import music21_corpus

BUDGET = ReadingBudget()
SONGBOOK = next(
    (
        each
        for up in Path(__file__).resolve().parents
        if (each := up / "shared" / "data" / "songbook").exists()
    ),
    Path(),
)


def by_studio(path: Path) -> Reading:
    content = path.read_bytes()
    if path.suffix.lower() == ".abc":
        return read_abc(text_of(content), path.name, BUDGET)
    return read_musicxml(content, path.name, BUDGET)


def by_music21(path: Path) -> Any:
    from music21 import converter

    content = path.read_bytes()
    if path.suffix.lower() == ".abc":
        return converter.parseData(text_of(content), format="abc")
    return converter.parseData(xml_of(content, path.name, BUDGET), format="musicxml")


def timed(read: Callable[[Path], Any], path: Path) -> tuple[Any, float]:
    began = time.process_time()
    try:
        found = read(path)
    except Exception:  # music21 raises whatever it likes
        found = None
    return found, time.process_time() - began


def compare(what: str, files: list[Path]) -> None:
    """One line: files, seconds of both, their ratio, and how many of both readings have the same notes."""
    ours = theirs = 0.0
    both = same = 0
    for path in files:
        reading, seconds = timed(by_studio, path)
        ours += seconds
        stream, seconds = timed(by_music21, path)
        theirs += seconds
        try:
            other = tunes_of(stream, path.name, BUDGET) if reading and stream else None
        except Exception:
            other = None
        if reading and other:
            both += 1
            same += reading.tunes[0].notes == other.tunes[0].notes
    print(
        f"{what:<34} {len(files):4} files  studio {ours:6.2f} s  music21 {theirs:6.2f} s  "
        f"{theirs / max(ours, 1e-9):5.1f} times  the same notes in {same} of {both}"
    )


def main(folders: list[str]) -> None:
    warnings.simplefilter("ignore")
    inside = [path for folder in folders for path in sorted(Path(folder).rglob("*"))]
    corpus = music21_corpus()
    songs = sorted(SONGBOOK.glob("*.mxl")) or sorted((corpus / "trecento").glob("*.xml"))
    scores = [path for path in inside if path.suffix.lower() in (".xml", ".musicxml", ".mxl")]
    tunes = [path for path in inside if path.suffix.lower() == ".abc"]
    if not folders:
        scores, tunes = songs, sorted((corpus / "ryansMammoth").glob("*.abc"))[::10]
    for path in (*scores[:1], *tunes[:1]):  # what is imported at the first file
        timed(by_studio, path)
        timed(by_music21, path)
    for what, files in (("MusicXML", scores), ("ABC", tunes)):
        if files:
            compare(f"{what} ({files[0].parent.name})", files)
    if not folders:
        every = sorted((corpus / "ryansMammoth").glob("*.abc"))
        seconds = sum(timed(by_studio, path)[1] for path in every)
        print(f"All of Ryan's, by the studio alone {len(every):5} files  studio {seconds:6.2f} s")


if __name__ == "__main__":
    main(sys.argv[1:])
