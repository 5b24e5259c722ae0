"""Styles: what is in the table is there, what was read is kept, and folders of one's own are styles at once."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pytest
from random_tunes import random_tune

from studio.errors import Missing, Refused, UnknownName, Unreadable
from studio.music.scores.events import REST
from studio.music.scores.keys import Key
from studio.music.scores.tunes import Tune
from studio.music.styles import opening
from studio.music.styles.adding import add_style
from studio.music.styles.opening import open_style, ready_style
from studio.music.styles.own import catalogue, own_styles, remove_style
from studio.music.styles.style import Style
from studio.music.styles.table import STYLES, music21_corpus
from studio.music.writing.formats import by_suffix
from studio.process import finish
from studio.works.work import Progress


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Tunes in every format, in folders, beside what is none."""
    place = tmp_path / "my tunes"
    (place / "deep" / "er").mkdir(parents=True)
    for seed, name in enumerate(("a.mid", "deep/b.musicxml", "deep/er/c.abc", "d.ABC")):
        (place / name).write_bytes(by_suffix(name).to_bytes(random_tune(seed)))
    (place / "notes.txt").write_text("buy strings")
    (place / "broken.mid").write_bytes(b"MThd")
    return place


def test_a_folder_is_a_style_at_once_and_what_was_read_is_kept(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Progress] = []
    style = finish(open_style(folder, processes=1), seen.append)
    assert [(step.done, step.total) for step in seen] == [(1, 5), (2, 5), (3, 5), (4, 5), (5, 5)] or seen[
        -1
    ].done == seen[-1].total
    assert style.ids == ["a.mid", "d.ABC", "deep/b.musicxml", "deep/er/c.abc"]
    assert [tune.notes for tune in style] == [random_tune(seed).notes for seed in (0, 3, 1, 2)]
    assert [each.name for each in style.unread] == ["broken.mid"]
    assert "MIDI" in style.unread[0].reason

    monkeypatch.setattr(opening, "_read", lambda *_: pytest.fail("it was read again"))
    again = ready_style(folder)
    assert list(again) == list(style)
    assert (again.sha256, again.unread, again.remarks) == (style.sha256, style.unread, style.remarks)
    monkeypatch.undo()

    (folder / "e.mid").write_bytes(by_suffix(".mid").to_bytes(random_tune(9)))
    changed = ready_style(folder, processes=1)
    assert len(changed) == 5
    assert changed.sha256 != style.sha256


def test_a_damaged_cache_is_read_anew(folder: Path, home: Path) -> None:
    (folder / "deep" / "b.musicxml").unlink()  # the only one that needs a process to read it
    style = ready_style(folder, processes=1)
    (kept,) = (home / "styles").glob("*.tunes")
    whole = kept.read_bytes()
    for damage in (b"", whole[:100], whole[:-30], b"PK" + bytes(1000)):
        kept.write_bytes(damage)
        assert list(ready_style(folder, processes=1)) == list(style)
        assert kept.read_bytes() == whole, "the same style is kept as the same bytes"


def test_columns_are_the_tunes() -> None:
    tunes = [random_tune(seed) for seed in range(30)]
    style = Style.of(tunes, "random")
    assert list(style) == tunes
    for relative in (False, True):
        events = style.events(240, relative=relative)
        assert events.left_out == 0
        for number, tune in enumerate(tunes):
            moved = tune.in_key(Key.of_tonic(0, tune.mode)) if relative else tune
            expected = moved.events(240)
            span = slice(events.offsets[number], events.offsets[number + 1])
            for column in ("pitches", "durations", "in_bar", "bars"):
                assert np.array_equal(getattr(events, column)[span], getattr(expected, column)), column
    coarse = style.events(24)
    fitting = [number for number, tune in enumerate(tunes) if tune.fits(24)]
    assert 0 < len(fitting) < 30
    assert list(coarse.tunes) == fitting
    assert coarse.left_out == 30 - len(fitting)
    assert style.notes == sum(len(tune.sounding) for tune in tunes)
    assert int((style.events(240).pitches == REST).sum()) == sum(
        note.is_rest for tune in tunes for note in tune.notes
    )


def test_filters_and_parts() -> None:
    style = Style.of(
        [
            Tune.of([(60, 3)], meter=meter, key=key, id=f"{number}")
            for number, (meter, key) in enumerate([("3/4", "C"), ("3/4", "Am"), ("6/8", "D"), ("3/4", "G")])
        ]
    )
    assert style.filtered(meter="3/4", mode="major").ids == ["0", "3"]
    assert style.filtered(mode="minor")[0].key == Key.parse("Am")
    assert style.filtered(ids=["2", "3"]).filtered(meter="6/8").ids == ["2"]
    assert style.part([3, 0]).tonics == [7, 0]
    assert style.counts("meter") == {"3/4": 3, "6/8": 1}
    assert style.find("2").meter.numerator == 6
    with pytest.raises(UnknownName):
        style.find("7")
    with pytest.raises(Refused, match=r"no tune in 4/4; it has 3 in 3/4, 1 in 6/8"):
        style.filtered(meter="4/4")


def test_styles_of_ones_own_are_added_listed_and_removed(folder: Path) -> None:
    adding = add_style("my-tunes", folder, sentence="What I play.", licence="CC0")
    for _ in adding:
        pass
    entry = own_styles()["my-tunes"]
    assert (entry.sentence, entry.licence, entry.tunes) == ("What I play.", "CC0", 4)
    for file in folder.rglob("*.*"):
        file.unlink()
    style = ready_style("my-tunes")
    assert len(style) == 4, "it stays when the files are gone"
    assert (style.name, style.entry.licence) == ("my-tunes", "CC0")
    assert catalogue()[-1].name == "my-tunes"
    for name, why in (
        ("my-tunes", "already"),
        ("ryans-mammoth", "comes with the studio"),
        ("../evil", "cannot name"),
        ("Big Name", "cannot name"),
    ):
        with pytest.raises(Refused, match=why):
            next(add_style(name, folder))
    remove_style("my-tunes")
    assert own_styles() == {}
    with pytest.raises(UnknownName):
        remove_style("my-tunes")


def test_a_single_file_is_a_style(folder: Path) -> None:
    assert ready_style(folder / "deep" / "er" / "c.abc", processes=1)[0].notes == random_tune(2).notes
    with pytest.raises(Unreadable, match="MIDI"):
        ready_style(folder / "broken.mid")


def test_every_row_of_the_table_says_what_a_catalogue_must_and_has_its_files() -> None:
    for name, entry in STYLES.items():
        assert re.fullmatch(r"[a-z][a-z-]+", name)
        assert name == entry.name
        for text in (entry.sentence, entry.licence):
            assert text.endswith(".")
            assert "\n" not in text
        assert bool(entry.files) != bool(entry.download)
        if entry.files:
            found = [path for pattern in entry.files for path in music21_corpus().glob(pattern)]
            assert found, name
    assert "unclear" in STYLES["essen"].licence
    assert (
        len(list((music21_corpus() / "ryansMammoth").glob("*.abc"))) == STYLES["ryans-mammoth"].tunes == 1059
    )
    tunes = sum(
        path.read_text("latin-1").count("\nX:") + path.read_text("latin-1").startswith("X:")
        for path in (music21_corpus() / "oneills1850").glob("*.abc")
    )
    assert tunes == STYLES["oneill"].tunes


def test_a_bundled_style_is_read_whole_in_processes() -> None:
    style = ready_style("american-fife", processes=2)
    assert (len(style), style.unread) == (56, ())
    assert len(set(style.ids)) == 56
    assert style.notes == sum(len(tune.sounding) for tune in style)
    assert style.filtered(meter="6/8", mode="major").titles


def test_a_data_set_on_the_net_says_that_it_must_be_fetched(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Missing, match="studio styles add nottingham"):
        ready_style("nottingham")
    offline = _with_url(monkeypatch, "http://127.0.0.1:9/{commit}")
    with pytest.raises(Missing, match="go online"):
        for _ in add_style(offline):
            pass
    assert not list((home / "styles").rglob("*.zip"))


def _with_url(monkeypatch: pytest.MonkeyPatch, url: str) -> str:
    from dataclasses import replace

    entry = STYLES["nottingham"]
    assert entry.download
    monkeypatch.setitem(STYLES, "nottingham", replace(entry, download=replace(entry.download, url=url)))
    return "nottingham"


class _Archive(BaseHTTPRequestHandler):
    """Serves an archive of one tune, whose comment is the commit of its path or, under /wrong, another."""

    def __init__(self, *rest: object, log: list[str]) -> None:
        self.log = log
        super().__init__(*rest)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        import io
        import zipfile

        self.log.append(self.path)
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr(
                "set-1/ABC_cleaned/one.abc",
                'X:1\nT:One\nM:3/4\nK:G\n"G"G2 B2 d2|\n\nX:2\nT:Two\nM:3/4\nK:D\nA6|\n',
            )
            archive.writestr("set-1/README", "words")
            archive.comment = b"another" if "wrong" in self.path else self.path.rpartition("/")[2].encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(packed.getvalue())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[tuple[str, list[str]]]:
    log: list[str] = []
    server = HTTPServer(("127.0.0.1", 0), partial(_Archive, log=log))  # type: ignore[arg-type]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", log
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_data_set_is_fetched_once_and_only_in_the_right_version(
    server: tuple[str, list[str]], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, log = server
    name = _with_url(monkeypatch, address + "/wrong/{commit}")
    with pytest.raises(Unreadable, match="is not version"):
        for _ in add_style(name):
            pass
    assert not list((home / "styles").rglob("*.zip"))
    _with_url(monkeypatch, address + "/{commit}")
    for _ in add_style(name):
        pass
    style = ready_style(name)
    assert [(tune.title, str(tune.key)) for tune in style] == [("One", "G major"), ("Two", "D major")]
    assert [chord.symbol for chord in style[0].chords] == ["G"]
    for _ in add_style(name):
        pass
    assert len(log) == 2
