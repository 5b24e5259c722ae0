"""Only its owner looks into a home; a read-only disk can be looked at; a locked database loses no work."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.errors import Refused
from studio.music.styles.opening import waited_for
from studio.process import finish
from studio.works import storage
from studio.works.care import check, repair
from studio.works.gallery import Gallery
from studio.works.ledger import Ledger
from studio.works.log import write_log
from studio.works.private import tighten
from studio.works.recipe import Recipe
from studio.works.work import Made

OLD_HOME = Path(__file__).parents[1] / "data" / "home-0.2.1.zip"


def made(content: bytes = b"work", seed: int = 0) -> Made:
    return Made(Recipe(kind="dream", seed=seed), content, ".png", "image/png", b"small " + content)


def open_to_others(folder: Path) -> list[str]:
    """What anybody but the owner may read, write or enter."""
    everything = [folder, *folder.rglob("*")]
    return [str(path) for path in everything if path.lstat().st_mode & 0o077]


@pytest.mark.skipif(os.name == "nt", reason="on Windows a person's folders are private already")
class TestPrivate:
    @pytest.fixture(autouse=True)
    def usual_umask(self) -> Iterator[None]:
        before = os.umask(0o022)
        yield
        os.umask(before)

    def test_a_new_home(self, tmp_path: Path) -> None:
        home = tmp_path / "studio"
        with Gallery.open(home) as gallery:
            gallery.keep_source(b"photo", role="photo")
            gallery.add(made())
            write_log("Something.", "", place=home)
            list(waited_for(home / "styles" / "a.reading", until=home / "styles" / "a.tunes"))
            assert open_to_others(home) == []  # also the files that SQLite writes beside the database

    def test_a_home_of_before_is_tightened_and_what_is_not_ours_is_left_alone(self, home: Path) -> None:
        with zipfile.ZipFile(OLD_HOME) as packed:
            packed.extractall(home)
        (home / "notes.txt").write_text("mine")
        home.chmod(0o755)
        assert len(open_to_others(home)) > 10
        with Gallery.open(home) as gallery:
            assert gallery.count() == 5
            assert open_to_others(home) == [str(home / "notes.txt")]

    def test_what_is_learnt_and_restored_is_private_too(self, tmp_path: Path, home: Path) -> None:
        """Styles, models, melodies in other formats, and what a backup brings back."""
        from studio.learning.checkpoints import Card, save
        from studio.learning.networks import Neuron
        from studio.music.melody.renditions import Renditions
        from studio.music.melody.training import _folder
        from studio.music.styles.cache import keep
        from studio.works.care import backup, restore

        with Gallery.open(home) as gallery:
            keep(b"tunes", home / "styles" / "own" / "parlour.tunes")
            card = Card(name="reel", what="A test.", data=(), command="none")
            save(Neuron(inputs=1).build(), card, _folder(None) / "reel")
            Renditions(gallery)._cache.file("tune.mid", lambda: b"midi")
            finish(backup(gallery, tmp_path / "all.zip"))
        assert {"reel.json", "parlour.tunes", "tune.mid"} <= {path.name for path in home.rglob("*")}
        assert open_to_others(home) == []
        finish(restore(tmp_path / "all.zip", tmp_path / "new"))
        assert (tmp_path / "new" / "models" / "reel.json").is_file()
        assert open_to_others(tmp_path / "new") == []

    def test_a_folder_that_others_share_keeps_its_mode(self, tmp_path: Path) -> None:
        shared = tmp_path / "shared"
        shared.mkdir()
        shared.chmod(0o1777)
        Gallery.open(shared).close()
        assert shared.stat().st_mode & 0o7777 == 0o1777
        tighten(tmp_path / "nowhere")

    def test_files_that_several_share_are_not_made_private(self, tmp_path: Path) -> None:
        with Gallery.open(tmp_path / "home", files=str(tmp_path / "shared")) as gallery:
            work = gallery.add(made())
            assert gallery.local_path(work).stat().st_mode & 0o777 == 0o644


class TestReadOnly:
    @pytest.fixture
    def disk(self, tmp_path: Path) -> Iterator[Path]:
        """A home of version 0.2.1 that a killed studio left, on a disk that cannot be written to."""
        home = tmp_path / "home"
        with zipfile.ZipFile(OLD_HOME) as packed:
            packed.extractall(home)
        if os.geteuid() == 0:
            mount = ["mount", "--bind", str(home), str(home)]
            if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
                pytest.skip("root may write everywhere, and may not mount a read-only disk here")
            subprocess.run(["mount", "-o", "remount,ro,bind", str(home)], check=True)
            yield home
            subprocess.run(["umount", str(home)], check=True)
        else:
            folders = [home, *(path for path in home.rglob("*") if path.is_dir())]
            for folder in folders:
                folder.chmod(0o500)
            yield home
            for folder in folders:
                folder.chmod(0o700)

    def test_it_can_be_looked_at(self, disk: Path, tmp_path: Path) -> None:
        with Gallery.open(disk) as gallery:
            assert gallery.read_only
            assert gallery.count() == len(gallery.find()) == 5
            work = gallery.find(kind="dream")[-1]
            assert gallery.export(work, tmp_path / "out.png").read_bytes() == gallery.read(work)
            assert [job.state for job in Ledger(gallery.engine).recent()] == ["failed", "made"]
            assert finish(check(gallery)).sound

    def test_changing_it_is_refused_in_a_sentence(self, disk: Path) -> None:
        with Gallery.open(disk) as gallery:
            before = gallery.find()
            for change in (
                lambda: gallery.add(made()),
                lambda: gallery.remove(before[0].id),
                lambda: gallery.keep_source(b"photo", role="photo"),
                lambda: finish(repair(gallery)),
            ):
                with pytest.raises(Refused, match=rf"{disk}/gallery.sqlite cannot be written to.*\.$"):
                    change()
            assert gallery.find() == before


class TestLocked:
    @pytest.fixture
    def lock(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[sqlite3.Connection]:
        """Another program, which can lock the database. The engine itself does not wait for it."""
        monkeypatch.setattr("studio.works.database.PATIENCE", 0.01)
        Gallery.open(tmp_path).close()
        connection = sqlite3.connect(
            tmp_path / "gallery.sqlite", isolation_level=None, check_same_thread=False
        )
        yield connection
        connection.close()

    def test_a_finished_work_waits_for_the_lock(self, tmp_path: Path, lock: sqlite3.Connection) -> None:
        with Gallery.open(tmp_path) as gallery:
            lock.execute("BEGIN IMMEDIATE")
            release = threading.Timer(0.5, lock.execute, ["ROLLBACK"])
            release.start()
            assert gallery.read(gallery.add(made())) == b"work"
            release.join()

    def test_a_lock_that_stays_loses_nothing(
        self, tmp_path: Path, lock: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(storage, "PATIENCE", 0.05)
        monkeypatch.setattr("studio.works.adding.PATIENCE", 0.05)
        from test_care import read_recipe, spots

        work = spots(1)
        with Gallery.open(tmp_path) as gallery:
            lock.execute("BEGIN IMMEDIATE")
            with pytest.raises(Refused, match=r"locked.*safe in the lost and found of .*repair.*\.$"):
                gallery.add(work)
            lock.execute("ROLLBACK")
            assert gallery.count() == 0
            assert gallery.lost_and_found() == 2
            assert finish(repair(gallery, read_recipe)).works_taken_back == 1
            assert gallery.read(gallery.find()[0]) == work.content
            assert finish(check(gallery)).sound
