"""The table's styles are there, what was read is kept, and your own folders are styles at once."""

from __future__ import annotations

import os
import re
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from random_tunes import random_tune

from studio import cli
from studio.errors import Missing, Refused, UnknownName, Unreadable
from studio.music.scores.tunes import Tune
from studio.music.styles import opening
from studio.music.styles.adding import add_style
from studio.music.styles.known import hash_of_music
from studio.music.styles.opening import open_style, ready_style, waited_for
from studio.music.styles.originality import Comparison
from studio.music.styles.own import catalogue, own_styles, remove_style
from studio.music.styles.report import compare
from studio.music.styles.style import Style
from studio.music.styles.table import STYLES, music21_corpus
from studio.music.writing.formats import by_suffix
from studio.music.writing.midi import write_midi
from studio.process import finish
from studio.works.keeper import Keeper
from studio.works.work import Progress


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Tunes in every format, in nested folders, with files that are no tunes."""
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


def test_after_a_damaged_cache_the_files_are_read_again(folder: Path, home: Path) -> None:
    (folder / "deep" / "b.musicxml").unlink()  # the only one that needs a process to read it
    style = ready_style(folder, processes=1)
    (kept,) = (home / "styles").glob("*.tunes")
    whole = kept.read_bytes()
    for damage in (b"", whole[:100], whole[:-30], b"PK" + bytes(1000)):
        kept.write_bytes(damage)
        assert list(ready_style(folder, processes=1)) == list(style)
        assert kept.read_bytes() == whole, "the same style is kept as the same bytes"


def test_your_own_styles_are_added_listed_and_removed(folder: Path) -> None:
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


def test_every_row_of_the_table_is_complete_and_its_files_exist() -> None:
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


def test_a_bundled_style_is_read_completely_by_processes() -> None:
    style = ready_style("american-fife", processes=2)
    assert (len(style), style.unread) == (56, ())
    assert len(set(style.ids)) == 56
    assert style.notes == sum(len(tune.sounding) for tune in style)
    assert style.filtered(meter="6/8", mode="major").titles


def test_a_data_set_that_was_not_fetched_says_how_to_fetch_it(
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


TWO_TUNES = {
    "set-1/ABC_cleaned/one.abc": b'X:1\nT:One\nM:3/4\nK:G\n"G"G2 B2 d2|\n\nX:2\nT:Two\nM:3/4\nK:D\nA6|\n',
    "set-1/README": b"words",
}


class _Archive(BaseHTTPRequestHandler):
    """Serves an archive, of two tunes by default. Its comment is the commit in the path, or another one under
    /wrong.
    """

    files = TWO_TUNES

    def __init__(self, *rest: object, log: list[str]) -> None:
        self.log = log
        super().__init__(*rest)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        import io
        import zipfile

        self.log.append(self.path)
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            for name, content in self.files.items():
                archive.writestr(name, content)
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
    monkeypatch.setattr("studio.music.styles.known.known_music", dict)
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


def _song_as_mxl() -> bytes:
    tune = Tune.of([(60, 4), (62, 4)], key="C", chords=[(0, "C"), (4, "G7")], title="Sheet")
    return by_suffix("a.mxl").to_bytes(tune)


HYMN = b"""X:1
T:Hymn
C:copyright: public domain.
M:4/4
L:1/4
K:C
V:1
c d e f|
V:2
G G G A|
V:3 clef=bass
E, F, G, F,|
V:4 clef=bass
C, B,, C, F,|
"""


@pytest.mark.parametrize("name", ["hymnal", "openewld", "nottingham"])
def test_an_archive_that_only_says_it_is_the_right_version_is_refused(
    name: str, server: tuple[str, list[str]], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = STYLES[name]
    assert entry.download
    download = replace(entry.download, url=server[0] + "/{commit}", inside=r".*\.abc")
    monkeypatch.setitem(STYLES, name, replace(entry, download=download))
    with pytest.raises(Unreadable, match="has not the music that it should have \\(0 of "):
        for _ in add_style(name):
            pass
    assert not list((home / "styles").rglob("*.zip"))
    here = hash_of_music(TWO_TUNES["set-1/ABC_cleaned/one.abc"])
    known = {name: frozenset([here, "another"] if name == "hymnal" else [here])}
    monkeypatch.setattr("studio.music.styles.known.known_music", lambda: known)
    if name != "hymnal":
        for _ in add_style(name):
            pass
        assert list((home / "styles").rglob("*.zip"))
    else:
        with pytest.raises(Unreadable, match="1 of 2 known files"):
            for _ in add_style(name):
                pass


def test_music_is_known_however_it_is_packed_or_printed() -> None:
    sheet = by_suffix("a.musicxml").to_bytes(
        Tune.of([(60, 4), (62, 4)], key="C", chords=[(0, "C")], title="A")
    )
    other = by_suffix("a.mxl").to_bytes(Tune.of([(60, 4), (62, 4)], key="C", chords=[(0, "C")], title="B"))
    assert hash_of_music(sheet) == hash_of_music(other)
    for changed in (
        Tune.of([(60, 4), (63, 4)], key="C", chords=[(0, "C")]),
        Tune.of([(60, 4), (62, 4)], key="C", chords=[(0, "Am")]),
        Tune.of([(60, 4), (62, 2)], key="C", chords=[(0, "C")]),
    ):
        assert hash_of_music(by_suffix("a.musicxml").to_bytes(changed)) != hash_of_music(sheet)
    plain = b"% Open Hymnal\r\n%%scale 0.7\r\n" + HYMN.replace(b"\n", b"\r\n").replace(
        b"T:Hymn", b"T: A Hymn"
    )
    assert hash_of_music(plain) == hash_of_music(HYMN)
    assert hash_of_music(HYMN.replace(b"c d e f", b"c d e g")) != hash_of_music(HYMN)


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(
    ("name", "files", "found"),
    [
        ("hymnal", {"openhymnal-1/Complete/Hymn/Hymn.abc": HYMN, "openhymnal-1/bin/x.abc": b"?"}, "Hymn"),
        ("openewld", {"OpenEWLD-1/dataset/Someone/Sheet/Sheet.mxl": None, "OpenEWLD-1/a.mxl": b"?"}, "Sheet"),
        ("nottingham", TWO_TUNES, "One"),
    ],
)
def test_every_data_set_is_found_in_an_archive_laid_out_as_its_own(
    name: str,
    files: dict[str, bytes | None],
    found: str,
    server: tuple[str, list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By the command, from a server of our own: the row's version and the folders of its repository."""
    monkeypatch.setattr("studio.music.styles.known.known_music", dict)
    packed = {path: content or _song_as_mxl() for path, content in files.items()}
    monkeypatch.setattr(_Archive, "files", packed)
    entry = STYLES[name]
    assert entry.download
    assert len(entry.download.commit) == 40
    url = server[0] + "/{commit}"
    monkeypatch.setitem(STYLES, name, replace(entry, download=replace(entry.download, url=url)))
    monkeypatch.setattr(sys, "argv", ["studio", "styles", "add", name])
    with pytest.raises(SystemExit) as left:
        cli.main()
    assert not left.value.code
    assert server[1] == [f"/{entry.download.commit}"]
    style = ready_style(name)
    assert style[0].title == found
    assert len(style) == (2 if name == "nottingham" else 1)


def test_folders_and_styles_that_are_not_there_or_too_small(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(Refused, match="no scores in it"):
        ready_style(tmp_path / "empty")
    with pytest.raises(Missing, match="no file or folder"):
        ready_style(tmp_path / "nowhere")
    with pytest.raises(UnknownName, match="did you mean 'ryans-mammoth'"):
        ready_style("ryans-mamoth")
    with pytest.raises(Refused, match="the tunes of hymnl; did you mean 'hymnal'"):
        finish(add_style("hymnl"))
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "one.mid").write_bytes(b"MThd")
    (tmp_path / "bad" / "two.abc").write_bytes(b"hello")
    with pytest.raises(Unreadable, match=r"Nothing in bad could be read; the first: (one|two)\."):
        ready_style(tmp_path / "bad")
    (tmp_path / "bad" / "three.mid").write_bytes(write_midi(Tune.of([(60, 4)])))
    style = ready_style(tmp_path / "bad", processes=1)
    assert (len(style), style.notes, sorted(each.name for each in style.unread)) == (
        1,
        1,
        ["one.mid", "two.abc"],
    )
    assert Comparison(style).max_copy == 8
    with pytest.raises(Refused, match="fewer than two notes"):
        Comparison(style).report(style[0])
    with pytest.raises(Refused, match="Three tunes"):
        compare(style, style)
    with pytest.raises(Refused, match="no tune in 3/4"):
        style.filtered(meter="3/4")


def test_a_style_is_left_alone_when_its_reading_is_stopped(tmp_path: Path, home: Path) -> None:
    for number in range(5):
        (tmp_path / f"{number}.mid").write_bytes(write_midi(Tune.of([(60 + number, 4)])))
    opening = open_style(tmp_path, processes=1)
    assert next(opening).total == 5
    opening.close()
    assert not list((home / "styles").glob("*")) if (home / "styles").exists() else True
    assert isinstance(ready_style(tmp_path, processes=1), Style)
    assert len(list((home / "styles").glob("*.tunes"))) == 1


def test_a_style_that_another_process_reads_is_waited_for(tmp_path: Path) -> None:
    """The other is this process, which lives; then one that has ended; then one that takes far too long."""
    marker, there = tmp_path / "a.reading", tmp_path / "a.tunes"
    assert list(waited_for(marker, until=there)) == [], "it is our turn"
    waiting = waited_for(marker, until=there)
    assert next(waiting) is None
    assert next(waiting) is None
    there.write_bytes(b"read")
    assert list(waiting) == []
    there.unlink()
    marker.write_text(str(replace(Keeper.this(), began="long ago")))
    os.utime(marker, (1e9, 1e9))
    assert list(waited_for(marker, until=there)) == []
    assert Keeper.read(marker.read_text()) == Keeper.this()
    os.utime(marker, (1e9, 1e9))
    assert list(waited_for(marker, until=there)) == []


def test_nothing_is_left_of_a_reading_that_was_given_up(tmp_path: Path) -> None:
    reading = open_style("american-fife", tmp_path)
    next(reading)
    assert len(list((tmp_path / "styles").glob("*.reading"))) == 1
    reading.close()
    assert list((tmp_path / "styles").iterdir()) == []
