"""Stars, orders, the trash and family trees, on SQLite and PostgreSQL alike."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text, update
from sqlalchemy.orm import Session

from studio.errors import Refused, UnknownName
from studio.making.zipping import zip_of
from studio.process import finish
from studio.works.care import backup, check, repair, restore
from studio.works.finding import ORDERS, Search
from studio.works.gallery import Gallery
from studio.works.lineage import lineage
from studio.works.recipe import Source
from studio.works.tables import WorkRow
from studio.works.trash import KEPT_FOR, gone_at
from studio.works.work import Work
from tests.works.test_gallery import made, sha256, source_file, work_files
from tests.works.test_home_of_0_2_1 import ZIP


def as_source(work: Work, content: bytes) -> Source:
    return Source(sha256=sha256(content), role="photo", name="", title=work.title, author="", licence="")


def set_back(gallery: Gallery, **values: Any) -> None:
    """Give all works other moments, as if time had passed."""
    with Session(gallery.engine) as session:
        session.execute(update(WorkRow).values(**values))
        session.commit()


def test_a_star_is_found_and_changes_nothing_of_the_work(gallery: Gallery) -> None:
    one, two = gallery.add(made(b"one")), gallery.add(made(b"two"))
    (starred,) = gallery.star(one.id[:8])
    assert starred.starred
    assert [work.id for work in gallery.find(starred=True)] == [one.id]
    assert (gallery.count(starred=True), gallery.count()) == (1, 2)
    assert gallery.get(one.id).recipe_json == one.recipe_json
    assert gallery.read(gallery.get(one.id)) == b"one"
    assert gallery.add(made(b"one")).starred, "the same work made again is the same work"
    gallery.star(one.id, starred=False)
    assert gallery.find(starred=True) == []
    with pytest.raises(UnknownName):
        gallery.star(two.id, "ffff")
    assert gallery.count(starred=True) == 0, "all or none"


@pytest.mark.parametrize("order", ORDERS)
def test_every_order_goes_from_page_to_page_without_a_gap(gallery: Gallery, order: str) -> None:
    kinds = ("dream", "style", "dream", "compose", "style")
    works = [gallery.add(made(str(seed).encode(), seed=seed, kind=kind)) for seed, kind in enumerate(kinds)]
    whole = gallery.find(order=order)
    assert {work.id for work in whole} == {work.id for work in works}
    pages: list[Work] = []
    while page := gallery.find(order=order, limit=2, after=pages[-1] if pages else None):
        pages += page
    assert [work.id for work in pages] == [work.id for work in whole]
    if order == "title":
        assert [work.title for work in whole] == sorted(work.title for work in works)
    if order == "oldest":
        assert [work.id for work in whole] == [work.id for work in works]


def test_works_are_found_by_when_they_were_made(gallery: Gallery) -> None:
    gallery.add(made(b"one"))
    now = datetime.now(UTC)
    assert gallery.count_found(Search(since=now - timedelta(hours=1))) == 1
    assert gallery.count_found(Search(since=now + timedelta(hours=1))) == 0
    assert gallery.count_found(Search(until=now - timedelta(hours=1))) == 0


def test_a_removed_work_comes_back_whole(gallery: Gallery, place: Any) -> None:
    photo = gallery.keep_source(b"photo", role="photo")
    one, two = gallery.add(made(b"one", photo)), gallery.add(made(b"two"))
    gallery.star(one.id)
    before = place.files()
    assert {work.id for work in gallery.discard(one.id, two.id)} == {one.id, two.id}
    assert (gallery.count(), gallery.find(), place.files()) == (0, [], before)
    with pytest.raises(UnknownName):
        gallery.get(one.id)
    (until,) = {gone_at(work) for work in gallery.trash()}
    assert until is not None
    assert timedelta() < until - datetime.now(UTC) <= KEPT_FOR
    assert finish(check(gallery)).sound
    with place.open() as again:  # opening tidies up, and leaves what can be brought back
        (back,) = again.bring_back(one.id)
        assert (back.starred, back.made_at, back.removed_at) == (True, one.made_at, None)
        assert again.read(back) == b"one"
        assert again.read_source(photo) == b"photo"
        assert [work.id for work in again.trash()] == [two.id]


def test_after_its_time_a_removed_work_is_gone_for_good(gallery: Gallery, place: Any) -> None:
    photo, shared = (gallery.keep_source(name, role="photo") for name in (b"photo", b"shared"))
    one, two = gallery.add(made(b"one", photo, shared)), gallery.add(made(b"two", shared))
    gallery.discard(one.id)
    assert gallery.empty_what_is_due() == 0
    set_back(gallery, removed_at=datetime.now(UTC) - KEPT_FOR)
    place.open().close()
    assert gallery.trash() == []
    assert place.files() == {"gallery.txt", source_file(b"shared")} | work_files(b"two")
    with pytest.raises(Refused, match="deleted for good"):
        gallery.bring_back(one.id)
    assert gallery.get(two.id)


def test_the_trash_can_be_emptied_at_once(gallery: Gallery, place: Any) -> None:
    one, two = gallery.add(made(b"one")), gallery.add(made(b"two"))
    gallery.discard(one.id, two.id)
    assert gallery.empty_trash(one.id) == 1
    assert [work.id for work in gallery.trash()] == [two.id]
    assert gallery.empty_trash() == 1
    assert place.files() == {"gallery.txt"}


def test_a_work_that_is_made_again_comes_back_from_the_trash(gallery: Gallery) -> None:
    one = gallery.add(made(b"one"))
    gallery.discard(one.id)
    assert gallery.add(made(b"one")).id == one.id
    assert ([work.id for work in gallery.find()], gallery.trash()) == ([one.id], [])


def test_a_backup_keeps_stars_and_leaves_out_what_was_removed(gallery: Gallery, tmp_path: Path) -> None:
    photo = gallery.keep_source(b"a face", role="photo")
    one, two = gallery.add(made(b"one")), gallery.add(made(b"two", photo))
    gallery.star(one.id)
    gallery.discard(two.id)
    written = finish(backup(gallery, tmp_path / "b.zip"))
    assert (written.works, written.sources) == (1, 0)
    with zipfile.ZipFile(tmp_path / "b.zip") as packed:
        assert all(b"a face" not in packed.read(name) for name in packed.namelist())
    finish(restore(tmp_path / "b.zip", tmp_path / "again"))
    with Gallery.open(tmp_path / "again") as restored:
        assert [(work.id, work.starred) for work in restored.find()] == [(one.id, True)]


def test_restoring_over_a_gallery_does_not_bring_back_what_was_removed(
    gallery: Gallery, place: Any, tmp_path: Path
) -> None:
    kept, removed = gallery.add(made(b"kept")), gallery.add(made(b"removed"))
    gallery.discard(removed.id)
    finish(backup(gallery, tmp_path / "b.zip"))
    finish(restore(tmp_path / "b.zip", place.home, database=place.database, force=True))
    finish(repair(gallery))
    assert [work.id for work in gallery.find()] == [kept.id]
    assert place.files() == {"gallery.txt"} | work_files(b"kept")


def test_a_family_tree_has_two_generations_each_way(gallery: Gallery) -> None:
    works = [gallery.add(made(b"0"))]
    for number in range(1, 6):
        source = as_source(works[-1], str(number - 1).encode())
        works.append(gallery.add(made(str(number).encode(), source)))
    family = lineage(gallery, works[3])
    assert [(each.work.id, each.generation) for each in family.kin] == [
        (works[place].id, place - 3) for place in range(1, 6)
    ]
    assert [each.parents for each in family.kin] == [(), *((works[place].id,) for place in range(1, 5))]
    assert lineage(gallery, works[3], most=2).left_out == 2


def test_a_zip_holds_each_work_once_with_its_credits(gallery: Gallery) -> None:
    photo = gallery.keep_source(b"photo", role="photo", title="Sunset", author="Ann", licence="CC BY 4.0")
    one, two = gallery.add(made(b"one", photo)), gallery.add(made(b"two"))
    with zipfile.ZipFile(io.BytesIO(b"".join(zip_of([one, two, one], gallery)))) as packed:
        assert packed.testzip() is None
        *names, credits = packed.namelist()
        assert [packed.read(name) for name in names] == [b"one", b"two"]
        assert credits == "credits.txt"
        assert "'Sunset' by Ann (CC BY 4.0)" in packed.read(credits).decode()
    with pytest.raises(Refused, match="0 were chosen"):
        zip_of([], gallery)


def test_a_home_of_0_2_1_gets_stars_and_a_trash(home: Path) -> None:
    with zipfile.ZipFile(ZIP) as packed:
        packed.extractall(home)
    with Gallery.open() as old:
        newest, *rest = old.find()
        assert not newest.starred
        old.star(newest.id)
        old.discard(rest[0].id)
    with Gallery.open() as again:
        assert [work.id for work in again.find(starred=True)] == [newest.id]
        assert again.count() == len(rest)
        again.bring_back(rest[0].id)
        assert [work.id for work in again.find()] == [newest.id, *(work.id for work in rest)]
        with again.engine.connect() as connection:
            assert connection.execute(text("SELECT version_num FROM gallery_version")).scalar() == "0005"
