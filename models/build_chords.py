"""Builds the chord styles that ship: counts, without any song.

    python models/build_chords.py songbook-manner FOLDER     lead sheets (OpenEWLD) beside their index.csv
    python models/build_chords.py sixties-pop FOLDER         McGill Billboard annotations, a text file each

Writes models/NAME.chords and models/NAME.chords.json, its card.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from studio.errors import Refused
from studio.music.harmony.counts import CHORD_STYLES, pack_counts
from studio.music.harmony.fit import FitCounts
from studio.music.harmony.idiom import ChordEvent, ChordLine, HarmonyIdiom, learn_harmony
from studio.music.harmony.symbols import Family, Harmony
from studio.music.scores.meters import Meter
from studio.music.scores.pitches import pitch_class_of
from studio.music.styles.opening import ready_style

HERE = Path(__file__).parent
BAR = 8
"""Ticks in a bar of 4/4."""

NOT_FREE = {"ave_maria_caccini.mxl"}
"""Songs that are marked as traditional and are not: this one is by Vladimir Vavilov, of about 1970."""


def songbook(folder: Path) -> tuple[list[HarmonyIdiom], FitCounts | None, int]:
    with tempfile.TemporaryDirectory() as kept:
        for path in folder.glob("*.mxl"):
            if path.name not in NOT_FREE:
                shutil.copy(path, kept)
        style = ready_style(Path(kept))
    idioms = []
    for meter in ("4/4", "3/4", "2/4", "2/2", "6/8"):
        for mode in ("major", "minor"):
            try:
                idiom = learn_harmony(style, Meter.parse(meter), mode)
            except Refused:
                continue
            if len(idiom.lines) >= 3:
                idioms.append(idiom)
    return idioms, FitCounts.of(style), len(style)


def billboard(folder: Path) -> tuple[list[HarmonyIdiom], None, int]:
    lines = []
    for number, path in enumerate(sorted(folder.glob("*.txt"))):
        line = _line(path.read_text("utf-8"), number)
        if line is not None:
            lines.append(line)
    title, meter = CHORD_STYLES["sixties-pop"].title, Meter.parse("4/4")
    minor = [line for line in lines if _is_minor(line)]
    major = [line for line in lines if not _is_minor(line)]
    idioms = [HarmonyIdiom(title, meter, "major", major), HarmonyIdiom(title, meter, "minor", minor)]
    return idioms, None, len(lines)


def _is_minor(line: ChordLine) -> bool:
    """Whether its chords on the tonic are minor for most of the time."""
    home = [event for event in line.events if event.harmony.root == 0]
    minor = sum(event.ticks for event in home if event.harmony.family == Family.MINOR)
    return 2 * minor > sum(event.ticks for event in home)


def _line(text: str, number: int) -> ChordLine | None:
    """A song in 4/4 as events; None for one in another meter."""
    if "# metre: 4/4" not in text:
        return None
    tonic = 0
    events: list[ChordEvent] = []
    bars: list[int] = []
    tonics: list[int] = []
    before: Harmony | None = None
    for row in text.splitlines():
        told = re.match(r"# (tonic|metre): (\S+)", row)
        if told and told[1] == "tonic":
            tonic = pitch_class_of(told[2])
        if told and told[1] == "metre" and told[2] != "4/4":
            break
        for words in _bars(row):
            inside: list[ChordEvent] = []
            for name, start, end in _spans(words):
                harmony = before if name in (".", "&pause", "*") else Harmony.of(name, tonic)
                harmony = harmony or before
                if harmony is None:
                    continue
                if inside and inside[-1].harmony == harmony:
                    last = inside.pop()
                    start = last.place
                    inside.append(ChordEvent(harmony, end - start, start, last.carries))
                else:
                    inside.append(ChordEvent(harmony, end - start, start, not inside and harmony == before))
                before = harmony
            if not inside or inside[0].place:
                continue
            events += inside
            bars += [len(tonics)] * len(inside)
            tonics.append(tonic)
    if len(tonics) < 8:
        return None
    return ChordLine(number, "", tuple(events), tuple(bars), tuple(tonics))


def _bars(row: str) -> Iterator[list[str]]:
    """The bars of one row of an annotation; a row with xN is played N times."""
    if "|" not in row:
        return
    body = row[row.index("|") + 1 : row.rindex("|")]
    times = re.search(r"\bx(\d+)", row[row.rindex("|") :])
    for _ in range(int(times[1]) if times else 1):
        for bar in body.split("|"):
            words = bar.split()
            if words and not words[0].startswith("("):
                yield words


def _spans(words: list[str]) -> Iterator[tuple[str, int, int]]:
    """(chord, first tick, end) of a bar that its words share equally."""
    edges = [round(Fraction(BAR * n, len(words))) for n in range(len(words) + 1)]
    for word, start, end in zip(words, edges, edges[1:], strict=False):
        if start < end:
            yield word, start, end


def main() -> None:
    name, folder = sys.argv[1], Path(sys.argv[2])
    idioms, fit, songs = songbook(folder) if name == "songbook-manner" else billboard(folder)
    content = pack_counts(idioms, fit)
    (HERE / f"{name}.chords").write_bytes(content)
    style = CHORD_STYLES[name]
    card = {
        "name": name,
        "what": style.sentence + " Counts only: no song can be read from them.",
        "data": [{"name": style.title, "source": style.source, "licence": style.licence}],
        "licence": "MIT, as the studio; what it was counted in is under the licence named there",
        "command": f"python models/build_chords.py {name} FOLDER",
        "figures": {
            "songs": songs,
            **{f"{idiom.meter} {idiom.mode}: events": sum(map(len, idiom.sequences)) for idiom in idioms},
        },
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    (HERE / f"{name}.chords.json").write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n")
    print(f"{name}: {songs} songs, {len(content):,} bytes")


if __name__ == "__main__":
    main()
