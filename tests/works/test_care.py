"""Checking, repairing, backing up and restoring a gallery, on SQLite and PostgreSQL."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import sqlite3
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sqlalchemy import text
from works_for_tests import SpotsRecipe

from studio.errors import Missing, Refused, Unreadable
from studio.process import finish
from studio.works.care import backup, check, open_setting_aside, repair, restore
from studio.works.gallery import Gallery
from studio.works.ledger import Ledger
from studio.works.metadata import embed
from studio.works.recipe import Recipe, Source, parse_json
from studio.works.work import Made, Progress, Work


def read_recipe(recipe_json: str) -> Recipe:
    return parse_json(SpotsRecipe, recipe_json)


def spots(seed: int, *sources: Source, facts: dict[str, Any] | None = None) -> Made:
    """A small picture with its recipe inside."""
    written = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 255, (8, 8, 3), np.uint8)).save(written, "PNG")
    recipe = SpotsRecipe(seed=seed, sources=sources)
    content = embed(written.getvalue(), ".png", recipe)
    return Made(recipe, content, ".png", "image/png", b"\xff\xd8small", (1.0, float("inf")), facts or {})


def fill(gallery: Gallery) -> list[Work]:
    """Three works: two of a photo, and one of the first of them."""
    photo = gallery.keep_source(b"photo", role="photo", name="tübingen.jpg", author="Ann")
    first = gallery.add(spots(1, photo, facts={"size": "8 x 8", "odds": [1, None]}))
    from_first = Source(sha256=first.sha256, role="photo", name="first.png")
    return [first, gallery.add(spots(2, photo)), gallery.add(spots(3, from_first))]


def words_of(work: Work) -> tuple[str, ...]:
    return work.title, work.words, work.recipe_json, work.fingerprint, work.media_type


def paths(gallery: Gallery, work: Work) -> tuple[Path, Path]:
    """A work's file and its small picture."""
    file = gallery.local_path(work)
    return file, file.parents[2] / "thumbs" / file.parent.name / f"{work.sha256}.jpg"


def source_path(gallery: Gallery, content: bytes) -> Path:
    sha256 = hashlib.sha256(content).hexdigest()
    return Path(gallery.files) / "sources" / sha256[:2] / sha256


class TestCheck:
    def test_a_sound_gallery(self, gallery: Gallery) -> None:
        works = fill(gallery)
        progress: list[Progress] = []
        report = finish(check(gallery), watch=progress.append)
        assert report.sound
        assert (report.works, report.sources) == (3, 2)
        sizes = sum(len(gallery.read(work)) for work in works) + len(gallery.read(works[0])) + len(b"photo")
        assert report.size == sizes
        assert [step.done for step in progress] == list(range(1, progress[0].total + 1))

    def test_every_kind_of_damage_is_named(self, gallery: Gallery) -> None:
        first, second, third = fill(gallery)
        paths(gallery, first)[0].write_bytes(b"changed")
        paths(gallery, second)[1].unlink()
        paths(gallery, third)[0].unlink()
        source_path(gallery, b"photo").write_bytes(b"phot0")
        with gallery.engine.begin() as connection:
            connection.execute(text("UPDATE works SET recipe_json = '{' WHERE id = :id"), {"id": second.id})
        report = finish(check(gallery))
        found = {(flaw.what, flaw.subject) for flaw in report.flaws}
        assert found == {
            ("work", first.id),
            ("thumbnail", second.id),
            ("recipe", second.id),
            ("work", third.id),
            ("source", hashlib.sha256(b"photo").hexdigest()),
        }
        assert all(flaw.sentence.endswith(".") and "\n" not in flaw.sentence for flaw in report.flaws)


class TestRepair:
    def test_an_older_database_loses_no_work(self, tmp_path: Path) -> None:
        """An older copy of the database is put back over the files. Looking must not delete what is newer."""
        with Gallery.open(tmp_path) as gallery:
            fill(gallery)
        shutil.copy(tmp_path / "gallery.sqlite", tmp_path.parent / "older.sqlite")
        with Gallery.open(tmp_path) as gallery:
            tune = gallery.keep_source(b"tune", role="tune", name="tune.abc", licence="CC0")
            newer = [gallery.add(spots(4, tune)), gallery.add(spots(5))]
            contents = {work.id: gallery.read(work) for work in gallery.find()}
            told = {work.id: words_of(work) for work in gallery.find()}
        shutil.copy(tmp_path.parent / "older.sqlite", tmp_path / "gallery.sqlite")
        with Gallery.open(tmp_path) as gallery:
            assert gallery.count() == 3
            gallery.recover()
            assert finish(check(gallery)).lost_and_found == gallery.lost_and_found() == 5
            assert "lost-and-found" in (tmp_path / "log" / "studio.log").read_text()
            done = finish(repair(gallery, read_recipe))
            assert (done.works_taken_back, done.sources_taken_back) == (2, 1)
            assert done.report is not None
            assert done.report.sound, done.report
            assert {work.id: gallery.read(work) for work in gallery.find()} == contents
            assert {work.id: words_of(work) for work in gallery.find()} == told
            back = gallery.get(newer[0].id)
            assert abs((back.made_at - newer[0].made_at).total_seconds()) < 60
            assert gallery.thumbnail(back) == b"\xff\xd8small"
            assert gallery.read_source(tune) == b"tune"
            assert [work.id for work in gallery.find(text="tune")] == [back.id]

    def test_the_newer_database_comes_back(self, tmp_path: Path) -> None:
        """The older copy was a mistake: with the right database everything is in its place again."""
        with Gallery.open(tmp_path) as gallery:
            fill(gallery)
        shutil.copy(tmp_path / "gallery.sqlite", tmp_path.parent / "older.sqlite")
        with Gallery.open(tmp_path) as gallery:
            newer = gallery.add(spots(4))
        shutil.copy(tmp_path / "gallery.sqlite", tmp_path.parent / "newer.sqlite")
        shutil.copy(tmp_path.parent / "older.sqlite", tmp_path / "gallery.sqlite")
        with Gallery.open(tmp_path) as gallery:
            assert gallery.recover().files_put_aside == 2
        shutil.copy(tmp_path.parent / "newer.sqlite", tmp_path / "gallery.sqlite")
        with Gallery.open(tmp_path) as gallery:
            assert gallery.read(newer) == spots(4).content
            assert finish(check(gallery)).sound

    def test_a_database_that_was_lost_is_made_again(self, tmp_path: Path) -> None:
        with Gallery.open(tmp_path) as gallery:
            fill(gallery)
            works = {work.id: words_of(work) for work in gallery.find()}
        (tmp_path / "gallery.sqlite").unlink()
        with Gallery.open(tmp_path) as gallery:
            assert gallery.count() == 0
            assert finish(check(gallery)).orphans == 8
            progress: list[Progress] = []
            done = finish(repair(gallery, read_recipe), watch=progress.append)
            assert (done.works_taken_back, done.sources_taken_back) == (3, 2)
            assert [step.done for step in progress] == sorted(step.done for step in progress)
            assert {step.total for step in progress} == {progress[-1].done}
            assert done.report is not None
            assert done.report.sound
            assert {work.id: words_of(work) for work in gallery.find()} == works
            assert [len(gallery.parents(work)) for work in gallery.find(text="first")] == [1]

    @pytest.mark.parametrize("damage", ["garbage", "a page", "cut short", "no version"])
    def test_a_damaged_database_is_set_aside_and_its_works_come_back(
        self, tmp_path: Path, damage: str
    ) -> None:
        """Facts, titles and jobs are only in the database, so what can still be read of it is."""
        with Gallery.open(tmp_path) as gallery:
            fill(gallery)
            contents = {work.id: gallery.read(work) for work in gallery.find()}
            Ledger(gallery.engine).ask(SpotsRecipe(seed=9))
        file = tmp_path / "gallery.sqlite"
        damage_database(file, damage)
        before = file.read_bytes()
        if damage != "a page":
            with pytest.raises(Unreadable, match="studio gallery repair, which sets that file aside"):
                Gallery.open(tmp_path)
        gallery, aside = open_setting_aside(tmp_path)
        with gallery:
            assert aside is not None
            assert aside.path.read_bytes() == before
            assert aside.path.parent == tmp_path
            assert aside.path.stat().st_mode & 0o077 == 0
            done = finish(repair(gallery, read_recipe))
            assert done.report is not None
            assert done.report.sound, done.report
            assert {work.id: gallery.read(work) for work in gallery.find()} == contents
            assert [len(gallery.parents(work)) for work in gallery.find(text="first")] == [1]
            jobs = Ledger(gallery.engine).recent()
            assert aside.works + done.works_taken_back == len(contents)
            assert len(jobs) == aside.jobs == (1 if damage in ("a page", "no version") else 0)
        again, aside = open_setting_aside(tmp_path)
        again.close()
        assert aside is None, "a sound one stays where it is"

    def test_a_damaged_database_elsewhere_is_set_aside_too(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("STUDIO_DATABASE", f"sqlite:///{tmp_path}/elsewhere.sqlite")
        monkeypatch.setenv("STUDIO_FILES", str(tmp_path / "works"))
        with Gallery.open(tmp_path / "home") as gallery:
            fill(gallery)
        damage_database(tmp_path / "elsewhere.sqlite", "garbage")
        gallery, aside = open_setting_aside(tmp_path / "home")
        with gallery:
            assert aside is not None
            assert aside.path.name.startswith("elsewhere.sqlite.damaged-")
            assert finish(repair(gallery, read_recipe)).works_taken_back == 3

    def test_what_the_gallery_can_mend_by_itself(self, gallery: Gallery) -> None:
        first, second, third = fill(gallery)
        paths(gallery, first)[0].unlink()  # its child has a copy of it
        paths(gallery, second)[1].unlink()
        with gallery.engine.begin() as connection:
            connection.execute(text("UPDATE works SET recipe_json = '{' WHERE id = :id"), {"id": second.id})
            connection.execute(text("DELETE FROM uses WHERE work_id = :id"), {"id": third.id})
        done = finish(repair(gallery, read_recipe))
        assert (done.files_restored, done.thumbnails_drawn, done.rows_mended) == (1, 1, 2)
        assert done.report is not None
        assert done.report.sound, done.report.flaws
        assert gallery.get(second.id).recipe_json == second.recipe_json
        assert gallery.get(third.id).parents == (first.id,)
        with Image.open(io.BytesIO(gallery.thumbnail(second))) as picture:
            assert (picture.format, picture.size) == ("JPEG", (8, 8))

    def test_what_cannot_be_mended_is_still_told(self, gallery: Gallery) -> None:
        _, second, _ = fill(gallery)
        paths(gallery, second)[0].unlink()
        done = finish(repair(gallery))
        assert done.report is not None
        assert [(flaw.what, flaw.subject) for flaw in done.report.flaws] == [("work", second.id)]


def everything(gallery: Gallery) -> dict[str, Any]:
    """What a person would notice of a gallery."""
    works = gallery.find()
    return {
        "works": [(work, gallery.read(work), gallery.thumbnail(work)) for work in works],
        "sources": [
            gallery.read_source(source) for work in works for source in read_recipe(work.recipe_json).sources
        ],
        "jobs": [
            (job.id, job.state, job.message, job.problem, job.asked_at)
            for job in Ledger(gallery.engine).recent()
        ],
    }


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return repr(one) == repr(other)  # a loss may be NaN, which is not equal to itself


@pytest.fixture
def full(gallery: Gallery) -> Gallery:
    fill(gallery)
    ledger = Ledger(gallery.engine)
    ledger.failed(ledger.ask(SpotsRecipe(seed=9)), "No paint.", {"ways_out": [{"label": "Buy some"}]})
    own = gallery.home / "styles" / "own"
    own.mkdir(parents=True)
    (own / "parlour.tunes").write_bytes(b"tunes")
    return gallery


class TestBackup:
    @pytest.mark.parametrize("target", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
    def test_a_gallery_comes_back_in_either_database(
        self,
        full: Gallery,
        tmp_path: Path,
        target: str,
        schemas_if_wanted: Callable[[str], str | None],
    ) -> None:
        written = finish(backup(full, tmp_path / "all.zip"))
        assert (written.works, written.sources, written.jobs, written.incomplete) == (3, 2, 1, ())
        assert written.size == written.path.stat().st_size
        assert written.path.stat().st_mode & 0o077 == 0
        database = schemas_if_wanted(target)
        restored = finish(restore(written.path, tmp_path / "new", database=database))
        assert (restored.works, restored.sources, restored.jobs) == (3, 2, 1)
        with Gallery.open(tmp_path / "new", database=database) as gallery:
            assert same(everything(gallery), everything(full))
            assert finish(check(gallery)).sound
        assert (tmp_path / "new/styles/own/parlour.tunes").read_bytes() == b"tunes"

    def test_it_is_taken_while_others_add_and_remove(self, full: Gallery, tmp_path: Path) -> None:
        process = backup(full, tmp_path / "all.zip")
        next(process)
        full.remove(full.find()[1].id)
        full.add(spots(8))
        finish(process)
        finish(restore(tmp_path / "all.zip", tmp_path / "new"))
        with Gallery.open(tmp_path / "new") as gallery:
            assert finish(check(gallery)).sound
            assert gallery.count() in (2, 3)

    def test_nothing_is_left_of_one_that_is_stopped(self, full: Gallery, tmp_path: Path) -> None:
        process = backup(full, tmp_path / "all.zip")
        next(process)
        next(process)
        process.close()
        assert not [*tmp_path.glob("*.zip"), *tmp_path.glob(".studio-*")]

    def test_no_file_is_replaced_unless_asked(self, full: Gallery, tmp_path: Path) -> None:
        (tmp_path / "all.zip").write_bytes(b"mine")
        with pytest.raises(Refused, match="exists already"):
            finish(backup(full, tmp_path / "all.zip"))
        assert (tmp_path / "all.zip").read_bytes() == b"mine"
        finish(backup(full, tmp_path / "all.zip", force=True))
        with pytest.raises(Missing, match="no folder"):
            finish(backup(full, tmp_path / "nowhere" / "all.zip"))

    def test_files_that_are_gone_are_told(self, full: Gallery, tmp_path: Path) -> None:
        work = full.find()[0]
        paths(full, work)[0].write_bytes(b"changed")
        written = finish(backup(full, tmp_path))
        assert written.path.parent == tmp_path
        assert written.incomplete == (f"works/{work.sha256[:2]}/{work.sha256}.png",)
        assert finish(restore(written.path, tmp_path / "new")).incomplete == written.incomplete
        with Gallery.open(tmp_path / "new") as gallery:
            assert [flaw.subject for flaw in finish(check(gallery)).flaws] == [work.id]


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A backup of a small gallery."""
    with Gallery.open(tmp_path / "old") as gallery:
        fill(gallery)
        return finish(backup(gallery, tmp_path / "all.zip")).path


class TestRestore:
    def test_works_are_not_overwritten_unless_asked_and_then_not_lost(
        self, archive: Path, place: Any, tmp_path: Path
    ) -> None:
        with place.open() as gallery:
            mine = gallery.add(spots(7))
        with pytest.raises(Refused, match="has 1 works already"):
            finish(restore(archive, place.home, database=place.database))
        finish(restore(archive, place.home, database=place.database, force=True))
        with place.open() as gallery, Gallery.open(tmp_path / "old") as old:
            assert same(everything(gallery), everything(old))
            assert finish(repair(gallery, read_recipe)).works_taken_back == 1
            assert gallery.read(mine) == spots(7).content
            assert gallery.count() == 4

    @pytest.mark.parametrize(
        "mishap",
        [
            *("cut short", "another file", "a work changed", "a path that leads out", "a row changed"),
            *(
                "newer",
                "a bomb",
                "a work missing",
                "rows missing",
                "a suffix that leads out",
                "two of a name",
            ),
        ],
    )
    def test_a_bad_archive_is_refused_in_a_sentence_and_changes_nothing(
        self, archive: Path, tmp_path: Path, mishap: str
    ) -> None:
        spoil(archive, mishap)
        home = tmp_path / "new"
        with pytest.raises((Unreadable, Refused)) as told:
            finish(restore(archive, home))
        said = str(told.value)
        assert said.endswith(".")
        assert "\n" not in said
        assert ("newer studio" if mishap == "newer" else "not a complete backup") in said
        assert not list(tmp_path.rglob("evil*"))
        kept = [file.name for file in home.rglob("*") if file.is_file()] if home.exists() else []
        assert set(kept) <= {"gallery.sqlite", "gallery.txt", "studio.log"}

    def test_a_damaged_database_in_the_way_is_set_aside(self, archive: Path, tmp_path: Path) -> None:
        with Gallery.open(tmp_path / "new") as gallery:
            mine = gallery.add(spots(7))
        damage_database(tmp_path / "new" / "gallery.sqlite", "garbage")
        restored = finish(restore(archive, tmp_path / "new"))
        assert restored.aside is not None
        assert restored.aside.path.read_bytes().startswith(b"Dear diary")
        with Gallery.open(tmp_path / "new") as gallery, Gallery.open(tmp_path / "old") as old:
            assert same(everything(gallery), everything(old))
            assert finish(repair(gallery, read_recipe)).works_taken_back == 1
            assert gallery.read(mine) == spots(7).content

    def test_a_backup_that_is_nested_without_end_is_refused_in_plain_words(
        self, archive: Path, tmp_path: Path
    ) -> None:
        spoil(archive, "nested")
        with pytest.raises(Unreadable, match="something in it is nested too deeply"):
            finish(restore(archive, tmp_path / "new"))

    def test_no_such_file(self, tmp_path: Path) -> None:
        with pytest.raises(Missing, match="There is no file"):
            finish(restore(tmp_path / "none.zip", tmp_path / "new"))


def damage_database(file: Path, damage: str) -> None:
    """Damage a SQLite database as a failing disk or a slip of the hand would."""
    content = file.read_bytes()
    if damage == "garbage":
        file.write_bytes(b"Dear diary, " * 1000)
    elif damage == "cut short":
        file.write_bytes(content[: len(content) // 8])
    elif damage == "no version":
        with closing(sqlite3.connect(file)) as opened:
            opened.execute("DELETE FROM gallery_version")
            opened.commit()
    else:
        with closing(sqlite3.connect(file)) as opened:
            root = opened.execute("SELECT rootpage FROM sqlite_master WHERE name = 'ix_works_sha256'")
            page, (size,) = root.fetchone()[0], opened.execute("PRAGMA page_size").fetchone()
        file.write_bytes(content[: (page - 1) * size] + b"\xff" * size + content[page * size :])


def spoil(path: Path, mishap: str) -> None:
    """Damage a backup, as an accident or a stranger would."""
    if mishap == "cut short":
        path.write_bytes(path.read_bytes()[:-1000])
        return
    if mishap == "another file":
        path.write_bytes(b"Dear diary, " * 1000)
        return
    with zipfile.ZipFile(path) as packed:
        entries = [(info, packed.read(info)) for info in packed.infolist()]
    work = next(info.filename for info, _ in entries if info.filename.startswith("files/works/"))
    with zipfile.ZipFile(path, "w") as packed:
        for info, content in entries:
            name, changed = info.filename, content
            if name == "rows/works.jsonl":
                changed = _spoilt_rows(content, mishap)
            elif name == "gallery.json" and mishap == "newer":
                changed = json.dumps(json.loads(content) | {"revision": "0999"}).encode()
            elif name == work and mishap == "a work changed":
                changed = content[:-1] + b"x"
            elif name == work and mishap == "a work missing":
                continue
            packed.writestr(info, changed)
        if mishap == "a path that leads out":
            packed.writestr("files/../../evil.png", b"x")
        if mishap == "two of a name":
            with pytest.warns(UserWarning, match="Duplicate"):
                packed.writestr(work, b"x")
        if mishap == "a bomb":
            bomb = zipfile.ZipInfo(f"files/works/ab/{'ab' * 32}.png")
            bomb.compress_type = zipfile.ZIP_DEFLATED
            packed.writestr(bomb, bytes(10_000_000))


def _spoilt_rows(content: bytes, mishap: str) -> bytes:
    lines = content.splitlines(keepends=True)
    if mishap == "nested":
        return b"[" * 200_000 + b"\n"
    if mishap == "rows missing":
        return b"".join(lines[:-1])
    row = json.loads(lines[0])
    if mishap == "a row changed":
        row["losses"] = "none"
    elif mishap == "a suffix that leads out":
        row["suffix"] = "/../../../evil.png"
    else:
        return content
    return json.dumps(row).encode() + b"\n" + b"".join(lines[1:])
