"""A gallery among deaths, full disks, damage and strangers: one sentence, nothing half-written, nobody else
disturbed.
"""

from __future__ import annotations

import errno
import hashlib
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from studio.errors import Missing, Refused, StudioError, Unreadable
from studio.works import output
from studio.works.gallery import Gallery
from studio.works.keeper import Keeper
from studio.works.recipe import Recipe, Source
from studio.works.work import Made

SHA = hashlib.sha256(b"work").hexdigest()
WORK, THUMBNAIL = f"works/{SHA[:2]}/{SHA}.png", f"thumbs/{SHA[:2]}/{SHA}.jpg"


def made(content: bytes = b"work", *sources: Source, seed: int = 0) -> Made:
    return Made(
        Recipe(kind="dream", sources=sources, seed=seed), content, ".png", "image/png", b"small " + content
    )


def is_a_sentence(error: BaseException) -> bool:
    said = str(error)
    return isinstance(error, StudioError) and "\n" not in said and 20 < len(said) < 400 and said.endswith(".")


@pytest.fixture(scope="module")
def dead() -> str:
    """A keeper that has lived on this machine and died."""
    program = "from studio.works.keeper import Keeper; print(Keeper.this())"
    return subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    ).stdout.strip()


def left_by(gallery: Gallery, keeper: str, state: str) -> None:
    """Make the only work look as its keeper's death would leave it."""
    with gallery.engine.begin() as connection:
        connection.execute(
            text("UPDATE works SET state = :state, keeper = :keeper"), {"state": state, "keeper": keeper}
        )


class TestDeaths:
    def test_a_work_whose_files_were_whole_is_finished(self, place: Any, dead: str) -> None:
        with place.open() as gallery:
            work = gallery.add(made())
            left_by(gallery, dead, "arriving")
            assert gallery.find() == []
        with place.open() as gallery:
            assert [found.id for found in gallery.find()] == [work.id]
            assert gallery.read(work) == b"work"

    @pytest.mark.parametrize("lacking", [WORK, THUMBNAIL])
    def test_a_work_whose_files_were_not_is_cleared(self, place: Any, dead: str, lacking: str) -> None:
        with place.open() as gallery:
            gallery.add(made())
            (place.home / "files" / lacking).unlink()
            left_by(gallery, dead, "arriving")
        with place.open() as gallery:
            assert gallery.count() == 0
            assert place.files() == {"gallery.txt"}
            assert not gallery.recover()

    def test_a_removal_is_finished(self, place: Any, dead: str) -> None:
        with place.open() as gallery:
            gallery.add(made(b"work", gallery.keep_source(b"photo", role="photo")))
            (place.home / "files" / WORK).unlink()
            left_by(gallery, dead, "leaving")
        with place.open():
            assert place.files() == {"gallery.txt"}

    def test_a_source_without_its_bytes_is_cleared(self, gallery: Gallery, place: Any, dead: str) -> None:
        photo = gallery.keep_source(b"photo", role="photo")
        with gallery.engine.begin() as connection:
            connection.execute(
                text("UPDATE sources SET state = 'arriving', keeper = :keeper"), {"keeper": dead}
            )
            connection.execute(text("UPDATE claims SET keeper = :keeper"), {"keeper": dead})
        assert not gallery.recover().sources_cleared  # its bytes are whole: it stays for the day it is given
        assert gallery.read_source(photo) == b"photo"
        with gallery.engine.begin() as connection:
            connection.execute(
                text("UPDATE sources SET state = 'arriving', keeper = :keeper"), {"keeper": dead}
            )
        (place.home / "files" / f"sources/{photo.sha256[:2]}/{photo.sha256}").write_bytes(b"")
        assert gallery.recover().sources_cleared == 1
        assert place.files() == {"gallery.txt"}

    @pytest.mark.parametrize("state", ["arriving", "leaving"])
    def test_what_living_processes_and_other_machines_are_at_is_left_alone(
        self, place: Any, state: str
    ) -> None:
        this = Keeper.this()
        for keeper in (this, Keeper("another-machine.1", this.pid, "x")):
            with place.open() as gallery:
                gallery.add(made())
                (place.home / "files" / THUMBNAIL).unlink()
                left_by(gallery, str(keeper), state)
                assert not gallery.recover()
                assert WORK in place.files()
                work = gallery.add(made())  # and whoever wants the same work need not wait
                assert gallery.thumbnail(work) == b"small work"
                gallery.remove(work.id)

    def test_stray_files_go_and_strangers_stay(self, gallery: Gallery, place: Any, dead: str) -> None:
        work = gallery.add(made())
        files = place.home / "files"
        orphans = [
            f"{folder}/ab/{'ab' * 32}{suffix}"
            for folder, suffix in (("works", ".png"), ("thumbs", ".jpg"), ("sources", ""))
        ]
        strangers = ["notes.txt", "works/ab/notes.txt", f"works/cd/{'ab' * 32}.png", "arriving/mine"]
        halves = [f"arriving/{dead}~0123456789ab", f"arriving/{Keeper.this()}~0123456789ab"]
        for name in orphans + strangers + halves:
            (files / name).parent.mkdir(parents=True, exist_ok=True)
            (files / name).write_bytes(b"x")
        assert gallery.recover().files_cleared == 4  # the orphans and the dead one's half
        assert place.files() == {"gallery.txt", WORK, THUMBNAIL, *strangers, halves[1]}
        assert gallery.read(work) == b"work"


class TestFullDisk:
    @pytest.fixture(params=["while writing", "while flushing", "while naming"])
    def full(
        self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
    ) -> Iterator[pytest.MonkeyPatch]:
        """The third file from now on meets a full disk, having got some bytes through."""
        files = [0]

        def out_of_space(*_: Any, **__: Any) -> Any:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        real_open, real_write = os.open, os.write

        def counting_open(path: Any, flags: int, *more: Any, **named: Any) -> int:
            if flags & os.O_CREAT and str(path).find("arriving") > 0:
                files[0] += 1
                if files[0] == 3:
                    if request.param == "while writing":
                        sent: list[int] = []
                        monkeypatch.setattr(
                            output.os,
                            "write",
                            lambda fd, rest: (
                                out_of_space() if sent else sent.append(1) or real_write(fd, rest[:3])
                            ),
                        )
                    elif request.param == "while flushing":
                        monkeypatch.setattr(output.os, "fsync", out_of_space)
                    else:
                        monkeypatch.setattr(output.Path, "replace", out_of_space)
            return real_open(path, flags, *more, **named)

        monkeypatch.setattr(output.os, "open", counting_open)
        yield monkeypatch
        monkeypatch.undo()

    def test_nothing_half_written(self, gallery: Gallery, place: Any, full: pytest.MonkeyPatch) -> None:
        gallery.add(made(b"before"))  # two files: work and thumbnail
        before = place.files()
        with pytest.raises(Refused, match="is full: free some space") as refused:
            gallery.add(made())
        assert is_a_sentence(refused.value)
        assert place.files() == before
        with pytest.raises(Refused, match="is full"):
            gallery.keep_source(b"photo", role="photo")
        assert place.files() == before
        full.undo()
        assert not gallery.recover()
        assert gallery.count() == 1
        assert gallery.read(gallery.add(made())) == b"work"

    def test_a_full_database(self, tmp_path: Path) -> None:
        """SQLite's own limit on its pages meets a transaction as a full disk does."""
        with Gallery.open(tmp_path) as gallery:
            gallery.add(made(b"before"))
            connection = gallery.engine.raw_connection()
            pages = connection.cursor().execute("PRAGMA page_count").fetchone()[0]
            connection.cursor().execute(f"PRAGMA max_page_count = {pages + 2}")
            connection.close()
            many = Made(
                Recipe(kind="dream"),
                b"work",
                ".png",
                "image/png",
                b"small work",
                tuple(float(n) for n in range(20_000)),
            )
            with pytest.raises(Refused, match="is full: free some space") as refused:
                gallery.add(many)
            assert is_a_sentence(refused.value)
            assert not (tmp_path / "files" / WORK).exists()
            assert gallery.count() == 1
        with Gallery.open(tmp_path) as gallery:
            assert gallery.add(many).losses[-1] == 19_999


class TestInterrupted:
    def test_ctrl_c_while_adding_leaves_nothing(
        self, gallery: Gallery, place: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def interrupt(*_: Any) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(output.os, "fsync", interrupt)
        with pytest.raises(KeyboardInterrupt):
            gallery.add(made())
        monkeypatch.undo()
        assert place.files() - {"gallery.txt"} == set()
        assert gallery.count() == 0
        assert not gallery.recover()


class TestNotWritable:
    @pytest.mark.skipif(
        not Path("/sys/kernel").is_dir(), reason="needs Linux's /sys, where not even root creates folders"
    )
    def test_a_home_that_cannot_be_created(self) -> None:
        with pytest.raises(StudioError) as told:
            Gallery.open(Path("/sys/kernel/studio"))
        assert is_a_sentence(told.value)

    @pytest.mark.skipif(
        not Path("/sys/kernel").is_dir(), reason="needs Linux's /sys, where not even root creates folders"
    )
    def test_files_that_cannot_be_written(self, place: Any) -> None:
        with pytest.raises(Refused, match="cannot be written to") as told:
            place.open(files="/sys/kernel/studio")
        assert is_a_sentence(told.value)

    def test_a_database_that_may_only_be_read(self, tmp_path: Path) -> None:
        with Gallery.open(tmp_path) as gallery:
            work = gallery.add(made())
        with Gallery.open(
            tmp_path, database=f"sqlite:///file:{tmp_path}/gallery.sqlite?mode=ro&uri=true"
        ) as gallery:
            assert gallery.read(gallery.get(work.id)) == b"work"
            for attempt in (
                lambda: gallery.add(made(b"new")),
                lambda: gallery.remove(work.id),
                lambda: gallery.keep_source(b"p", role="photo"),
            ):
                with pytest.raises(Refused, match="cannot be written to") as told:
                    attempt()
                assert is_a_sentence(told.value)
            assert gallery.read(gallery.get(work.id)) == b"work"

    def test_files_that_cannot_be_removed(
        self, gallery: Gallery, place: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        work = gallery.add(made())

        def forbidden(*_: Any, **__: Any) -> None:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

        monkeypatch.setattr(Path, "unlink", forbidden)
        with pytest.raises(Refused, match="cannot be reached") as told:
            gallery.remove(work.id)
        assert is_a_sentence(told.value)
        monkeypatch.undo()
        assert gallery.read(gallery.get(work.id)) == b"work"
        gallery.remove(work.id)
        assert place.files() == {"gallery.txt"}

    def test_a_database_that_stays_locked(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("studio.works.database.PATIENCE", 0.05)
        monkeypatch.setattr("studio.works.adding.PATIENCE", 0.05)
        with Gallery.open(tmp_path) as gallery:
            other = sqlite3.connect(tmp_path / "gallery.sqlite", isolation_level=None)
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(Refused, match=r"keeps .* locked") as told:
                gallery.add(made())
            assert is_a_sentence(told.value)
            assert gallery.find() == []  # reading goes on
            other.execute("ROLLBACK")
            other.close()
            gallery.add(made())


class TestStrangers:
    def everything(self, folder: Path) -> dict[str, str]:
        return {
            path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in folder.rglob("*")
            if path.is_file()
        }

    def test_the_gallery_of_a_newer_studio(self, new_place: Any) -> None:
        with new_place.open() as gallery:
            gallery.add(made())
            with gallery.engine.begin() as connection:
                connection.execute(text("UPDATE gallery_version SET version_num = '0999'"))
                connection.execute(text("ALTER TABLE works ADD COLUMN mood TEXT"))
        before = self.everything(new_place.home)
        with pytest.raises(
            Refused, match=r"A newer studio wrote the gallery .* \(version 0999\): update the studio"
        ) as told:
            new_place.open()
        assert is_a_sentence(told.value)
        assert self.everything(new_place.home) == before

    def test_files_of_another_gallery_are_not_tidied_up(self, place: Any, tmp_path: Path) -> None:
        with Gallery.open(tmp_path / "other") as other:
            work = other.add(made())
            with pytest.raises(Refused, match="belong to another gallery") as told:
                place.open(files=str(tmp_path / "other" / "files"))
            assert is_a_sentence(told.value)
            assert other.read(work) == b"work"

    def test_tables_of_another_program(self, tmp_path: Path) -> None:
        with sqlite3.connect(tmp_path / "gallery.sqlite") as database:
            database.execute("CREATE TABLE works (opus INTEGER)")
        database.close()
        before = self.everything(tmp_path)
        with pytest.raises(Refused, match=r"tables of another program \(works\)") as told:
            Gallery.open(tmp_path)
        assert is_a_sentence(told.value)
        assert self.everything(tmp_path) == before

    def test_a_database_that_is_none(self, tmp_path: Path) -> None:
        (tmp_path / "gallery.sqlite").write_bytes(b"Dear diary, " * 1000)
        with pytest.raises(Unreadable, match="is damaged") as told:
            Gallery.open(tmp_path)
        assert is_a_sentence(told.value)

    def test_a_database_with_damaged_pages(self, tmp_path: Path) -> None:
        with Gallery.open(tmp_path) as gallery:
            for seed in range(5):
                gallery.add(made(b"%d" % seed))
        file = tmp_path / "gallery.sqlite"
        content = bytearray(file.read_bytes())
        content[100:] = b"\xaa" * (len(content) - 100)
        file.write_bytes(content)
        with pytest.raises(Unreadable, match="is damaged") as told:
            Gallery.open(tmp_path)
        assert is_a_sentence(told.value)

    def test_addresses_that_lead_nowhere(self, tmp_path: Path) -> None:
        for address, error, said in (
            ("nonsense", Refused, "not a database URL"),
            ("mysql://me:secret@here/studio", Refused, "SQLite or PostgreSQL"),
            ("sqlite://", Refused, "in memory"),
            ("postgresql://me:secret@127.0.0.1:1/studio", Missing, "does not answer"),
        ):
            with pytest.raises(error, match=said) as told:
                Gallery.open(tmp_path, database=address)
            assert is_a_sentence(told.value)
            assert "secret" not in str(told.value)

    def test_files_that_lead_nowhere(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "s3fs", None)  # as where it is not installed
        for address, error, said in (
            ("nowhere://me:secret@here/x", Refused, "cannot hold the gallery's files"),
            ("s3://me:secret@here/x", Missing, r"pip install 'studio\[s3\]'"),
        ):
            with pytest.raises(error, match=said) as told:
                Gallery.open(tmp_path, files=address)
            assert is_a_sentence(told.value)
            assert "secret" not in str(told.value)
