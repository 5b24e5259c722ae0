"""Files are written whole or not at all, replace nothing unasked, and say in one sentence why not."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from studio.errors import Missing, Refused
from studio.works import output
from studio.works.incoming import read_text
from studio.works.output import write_file


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_writes_the_whole_file(tmp_path: Path) -> None:
    content = os.urandom(3_000_000)
    assert write_file(content, tmp_path / "d.png") == tmp_path / "d.png"
    assert (tmp_path / "d.png").read_bytes() == content
    assert names(tmp_path) == ["d.png"]


def test_a_write_that_takes_many_turns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    monkeypatch.setattr(output.os, "write", lambda descriptor, rest: real(descriptor, rest[:7]))
    write_file(bytes(range(100)), tmp_path / "d.png")
    assert (tmp_path / "d.png").read_bytes() == bytes(range(100))


def test_permissions_are_those_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(b"")
    write_file(b"x", tmp_path / "written")
    assert stat.S_IMODE((tmp_path / "written").stat().st_mode) == stat.S_IMODE(
        (tmp_path / "plain").stat().st_mode
    )


def test_replaces_only_when_told_to(tmp_path: Path) -> None:
    file = tmp_path / "d.png"
    file.write_bytes(b"mine")
    with pytest.raises(Refused, match=r"d\.png exists already: choose another name, or let it be replaced\."):
        write_file(b"new", file)
    assert file.read_bytes() == b"mine"
    write_file(b"new", file, force=True)
    assert file.read_bytes() == b"new"
    assert names(tmp_path) == ["d.png"]


def test_a_file_that_comes_while_writing_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, real = tmp_path / "d.png", os.fsync

    def somebody_else_writes(descriptor: int) -> None:
        file.write_bytes(b"theirs")
        real(descriptor)

    monkeypatch.setattr(output.os, "fsync", somebody_else_writes)
    with pytest.raises(Refused, match="exists already"):
        write_file(b"mine", file)
    assert file.read_bytes() == b"theirs"
    assert names(tmp_path) == ["d.png"]


def test_works_where_there_are_no_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_: Any) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(output.os, "link", no_links)
    write_file(b"x", tmp_path / "d.png")
    assert names(tmp_path) == ["d.png"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("force", [False, True])
def test_a_full_disk_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, force: bool
) -> None:
    if force:
        (tmp_path / "d.png").write_bytes(b"mine")
    real, turns = os.write, iter((True, False))

    def fill(descriptor: int, rest: memoryview) -> int:
        if next(turns):
            return real(descriptor, rest[:10])
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(output.os, "write", fill)
    with pytest.raises(
        Refused, match=r"is full: free some space and try again; nothing was left half-written\.$"
    ):
        write_file(bytes(100), tmp_path / "d.png", force=force)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == (
        {"d.png": b"mine"} if force else {}
    )


def test_ctrl_c_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(output.os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_file(b"x", tmp_path / "d.png")
    assert names(tmp_path) == []


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "folder").mkdir()
    cases: list[tuple[Path, type[Exception], str]] = [
        (
            tmp_path / "nowhere" / "d.png",
            Missing,
            r"There is no folder .*nowhere: create it, or choose another place for d\.png\.$",
        ),
        (tmp_path / "file" / "d.png", Missing, "There is no folder"),
        (tmp_path / "folder", Refused, "is a folder: name the file"),
        (tmp_path / ("x" * 300), Refused, "too long"),
        (tmp_path / "nul\0.png", Refused, "could not be written"),
    ]
    if Path("/sys/kernel").is_dir():
        cases.append((Path("/sys/kernel/d.png"), Refused, r"^/sys/kernel cannot be written to"))
    for path, error, said in cases:
        with pytest.raises(error, match=said):
            write_file(b"x", path, force=True)
    assert names(tmp_path) == ["file", "folder"]


def test_the_longest_name_the_disk_takes(tmp_path: Path) -> None:
    write_file(b"x", tmp_path / ("x" * 251 + ".png"))
    assert len(names(tmp_path)) == 1


@pytest.mark.skipif(os.name == "nt", reason="named pipes and symbolic links as here are POSIX")
def test_devices_are_left_alone_and_links_followed(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Refused, match="not an ordinary file"):
        write_file(b"x", tmp_path / "pipe", force=True)
    assert (tmp_path / "pipe").is_fifo()
    (tmp_path / "real.png").write_bytes(b"old")
    (tmp_path / "link.png").symlink_to("real.png")
    write_file(b"new", tmp_path / "link.png", force=True)
    assert (tmp_path / "link.png").is_symlink()
    assert (tmp_path / "real.png").read_bytes() == b"new"


def test_an_empty_file_of_words_is_told(tmp_path: Path) -> None:
    for content in (b"", b" \n\t\n"):
        (tmp_path / "words.txt").write_bytes(content)
        with pytest.raises(Refused, match=r"words\.txt is empty: write the text into it"):
            read_text(tmp_path / "words.txt")
