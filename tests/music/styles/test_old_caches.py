"""What version 0.2.1 kept opens today without reading the files again.

The folder home_of_0_2_1 was written by that version: the cache of a folder with the files below, the same
tunes added under a name, and the same tunes packed as the source of a work.
"""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import pytest

from studio.music.scores.tunes import Tune
from studio.music.styles import opening
from studio.music.styles.opening import ready_style
from studio.music.styles.own import own_styles
from studio.music.styles.sources import pack, style_of
from studio.process import finish
from studio.works.recipe import Source

OLD = Path(__file__).parent / "home_of_0_2_1"
FILES = {
    "a.abc": 'X:1\nT:One Old Reel\nM:2/4\nL:1/8\nK:D\nQ:1/4=110\n|:"D"d2 f2|"A7"e>c A2|(3ABA d2:|\n',
    "b.abc": 'X:1\nT:A Slow Air\nC:Trad.\nM:3/4\nL:1/4\nK:Amin\nE|"Am"A2 B|c2 "E7"B|A3|]\n',
    "broken.mid": "MThd",
}


def _look(tunes: list[Tune]) -> list[tuple[object, ...]]:
    return [
        (
            tune.title,
            str(tune.key),
            str(tune.meter),
            [(note.pitch, str(note.duration)) for note in tune.notes],
            [chord.symbol for chord in tune.chords],
            len(tune.repeats),
        )
        for tune in tunes
    ]


EXPECTED = [
    (
        "One Old Reel",
        "D major",
        "2/4",
        [
            *((74, "1"), (78, "1"), (76, "3/4"), (73, "1/4"), (69, "1")),
            *((69, "1/3"), (71, "1/3"), (69, "1/3"), (74, "1")),
        ],
        ["D", "A7"],
        1,
    ),
    (
        "A Slow Air",
        "A minor",
        "3/4",
        [(64, "1"), (69, "2"), (71, "1"), (72, "2"), (71, "1"), (69, "3")],
        ["Am", "E7"],
        0,
    ),
]


def test_a_cached_folder_and_an_added_style_open_without_reading(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(OLD, home / "styles")
    folder = tmp_path / "small"
    folder.mkdir()
    for name, content in FILES.items():
        (folder / name).write_text(content, newline="")
    monkeypatch.setattr(opening, "_read", lambda *_: pytest.fail("the files were read again"))
    for name in (folder, "old-tunes"):
        style = ready_style(name)
        assert _look(list(style)) == EXPECTED
        assert [each.name for each in style.unread] == ["broken.mid"]
    entry = own_styles()["old-tunes"]
    assert (entry.sentence, entry.licence, entry.tunes) == ("What I play.", "CC0", 2)


def test_packed_tunes_open_and_are_packed_as_before() -> None:
    packed = (OLD / "packed.tunes").read_bytes()
    source = Source(sha256="0" * 64, role="style", name="", title="", author="", licence="")
    style = finish(style_of([source], lambda _: packed, "old-tunes"))
    assert _look(list(style)) == EXPECTED
    assert (style.entry.name, style.entry.licence) == ("old-tunes", "CC0")
    assert gzip.decompress(pack(style, style.entry)) == gzip.decompress(packed)
