"""What a gallery promises, on SQLite and PostgreSQL alike."""

from __future__ import annotations

import hashlib
import math
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import text, update
from sqlalchemy.orm import Session

from studio.errors import Missing, Refused, UnknownName, Unreadable
from studio.images.recipes import DreamRecipe
from studio.works.gallery import Gallery
from studio.works.recipe import Recipe, Source
from studio.works.tables import JobRow, SourceRow
from studio.works.work import Made, Work


def made(
    content: bytes = b"a dream", *sources: Source, seed: int = 0, kind: str = "dream", **more: Any
) -> Made:
    recipe = Recipe(kind=kind, sources=sources, seed=seed)
    return Made(recipe, content, more.pop("suffix", ".png"), "image/png", b"small " + content, **more)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def work_files(content: bytes, suffix: str = ".png") -> set[str]:
    name = sha256(content)
    return {f"works/{name[:2]}/{name}{suffix}", f"thumbs/{name[:2]}/{name}.jpg"}


def source_file(content: bytes) -> str:
    return f"sources/{sha256(content)[:2]}/{sha256(content)}"


class TestAdding:
    def test_a_work_is_found_again_with_everything_that_made_it(self, place: Any) -> None:
        before = datetime.now(UTC)
        with place.open() as gallery:
            photo = gallery.keep_source(
                b"photo", role="photo", name="tubingen.jpg", author="Ann", licence="CC BY 4.0"
            )
            recipe = DreamRecipe(sources=(photo,), seed=7, preset="creatures")
            added = gallery.add(
                Made(
                    recipe, b"PNG", ".png", "image/png", b"JPEG", (3.0, math.inf, 1.5), {"size": "768 x 576"}
                )
            )
        with place.open() as gallery:
            (found,) = gallery.find()
            assert found.title == "tubingen, creatures"
            assert DreamRecipe.model_validate_json(found.recipe_json) == recipe
            assert (found.kind, found.suffix, found.media_type) == ("dream", ".png", "image/png")
            assert found.facts == {"size": "768 x 576"}
            assert found.losses[::2] == (3.0, 1.5)
            assert math.isnan(found.losses[1])
            assert before <= found.made_at <= datetime.now(UTC)
            assert gallery.read(found) == b"PNG"
            assert gallery.thumbnail(found) == b"JPEG"
            assert gallery.local_path(found).read_bytes() == b"PNG"
            assert gallery.read_source(photo) == b"photo"
            assert (
                found.id
                == added.id
                == hashlib.sha256((recipe.fingerprint + sha256(b"PNG")).encode()).hexdigest()[:16]
            )

    def test_the_files_folder_holds_the_gallery_and_nothing_else(self, gallery: Gallery, place: Any) -> None:
        photo = gallery.keep_source(b"photo", role="photo")
        gallery.add(made(b"one", photo))
        assert place.files() == {"gallery.txt", source_file(b"photo")} | work_files(b"one")

    def test_the_same_work_again_is_the_one_that_is_there(self, gallery: Gallery, place: Any) -> None:
        first = gallery.add(made(seed=1))
        files = place.files()
        again = gallery.add(made(seed=1))
        assert (again.id, again.made_at) == (first.id, first.made_at)
        assert gallery.count() == 1
        assert place.files() == files

    def test_another_result_of_the_same_recipe_is_another_work(self, gallery: Gallery) -> None:
        old, new = gallery.add(made(b"on the old machine")), gallery.add(made(b"on the new machine"))
        assert old.fingerprint == new.fingerprint
        assert gallery.with_fingerprint(new.fingerprint).id == new.id  # type: ignore[union-attr]
        assert gallery.with_fingerprint("0" * 64) is None
        assert gallery.count() == 2

    def test_text_that_databases_choke_on(self, gallery: Gallery) -> None:
        photo = gallery.keep_source(
            b"photo", role="photo", name="C:\\Users\\me\\bad\0\udcff.jpg", title="nul\0 " + "long " * 200
        )
        assert photo.name == "bad?.jpg"
        assert len(photo.title) == 500
        facts = {
            "said": "a\0b",
            "bars": 8,
            "odds": [1.5, float("inf")],
            "copied": {"from": None, "all": True},
        }
        work = gallery.add(made(b"x", photo, facts=facts))
        kept = {"said": "ab", "bars": 8, "odds": [1.5, None], "copied": {"from": None, "all": True}}
        assert gallery.get(work.id).facts == kept
        assert [found.id for found in gallery.find(text="nul long")] == [work.id]

    def test_a_suffix_that_could_lead_elsewhere_is_refused(self, gallery: Gallery) -> None:
        for suffix in ("png", "", ".PNG", "./x", ".p/../x"):
            with pytest.raises(Refused, match="suffix"):
                gallery.add(made(suffix=suffix))
        assert gallery.count() == 0

    def test_several_at_once(self, place: Any) -> None:
        """Four galleries on one place, each adding three works of its own and three that all add."""
        errors: list[BaseException] = []
        together = threading.Barrier(4)

        def add(number: int) -> None:
            try:
                together.wait()
                with place.open() as gallery:
                    for turn in range(3):
                        photo = gallery.keep_source(f"photo {turn}".encode(), role="photo")
                        gallery.add(made(f"own {number} {turn}".encode(), photo))
                        gallery.add(made(f"everybody's {turn}".encode(), photo))
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=add, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        with place.open() as gallery:
            works = gallery.find(limit=100)
            assert {gallery.read(work) for work in works} == {
                *(f"own {number} {turn}".encode() for number in range(4) for turn in range(3)),
                *(f"everybody's {turn}".encode() for turn in range(3)),
            }
            assert len(works) == gallery.count() == 15
            files = place.files()
            assert not gallery.recover()
            assert place.files() == files


class TestFinding:
    @pytest.fixture
    def wall(self, gallery: Gallery) -> list[Work]:
        """Twelve works, oldest first."""
        photos = [
            gallery.keep_source(b"1", role="photo", name="Tübingen.jpg", author="Ann Lee"),
            gallery.keep_source(b"2", role="photo", name="50%_off.png", title="Straße nach Delft"),
            gallery.keep_source(b"3", role="photo", name="plain.png"),
        ]
        return [
            gallery.add(made(f"{n}".encode(), photos[n % 3], seed=n, kind=("dream", "style")[n % 2]))
            for n in range(12)
        ]

    def test_newest_first_page_by_page(self, gallery: Gallery, wall: list[Work]) -> None:
        pages: list[Work] = []
        while page := gallery.find(limit=5, after=pages[-1] if pages else None):
            gallery.add(made(f"while leafing {len(pages)}".encode()))  # newer works do not shift the pages
            pages += page
        assert [work.id for work in pages] == [work.id for work in reversed(wall)]

    def test_works_of_the_same_instant_are_neither_lost_nor_doubled(
        self, gallery: Gallery, wall: list[Work]
    ) -> None:
        with gallery.engine.begin() as connection:
            connection.execute(
                text("UPDATE works SET made_at = (SELECT made_at FROM works ORDER BY id LIMIT 1)")
            )
        pages: list[Work] = []
        while page := gallery.find(limit=5, after=pages[-1] if pages else None):
            pages += page
        assert sorted(work.id for work in pages) == sorted(work.id for work in wall)

    def test_search(self, gallery: Gallery, wall: list[Work]) -> None:
        of_tubingen, of_delft = {0, 3, 6, 9}, {1, 4, 7, 10}
        for words, numbers in (
            ("tubingen", of_tubingen),
            ("TÜBINGEN", of_tubingen),
            ("lee ann", of_tubingen),
            ("strasse delft", of_delft),
            ("50%_", of_delft),
            ("%", of_delft),
            ("_", of_delft),
            ("seed 11", {11}),
            ("lee delft", set()),
            ("'; drop table works; --", set()),
            ("  ", set(range(12))),
        ):
            assert {work.id for work in gallery.find(text=words)} == {wall[n].id for n in numbers}, words
            assert gallery.count(text=words) == len(numbers), words
            dreams = {wall[n].id for n in numbers if n % 2 == 0}
            assert {work.id for work in gallery.find(text=words, kind="dream")} == dreams, words
            assert gallery.count(text=words, kind="dream") == len(dreams), words

    def test_a_work_by_the_first_letters_of_its_id(self, gallery: Gallery, wall: list[Work]) -> None:
        for work in wall:
            start = next(
                work.id[:n]
                for n in range(1, 17)
                if sum(other.id.startswith(work.id[:n]) for other in wall) == 1
            )
            assert gallery.get(start.upper()).id == work.id
        with pytest.raises(UnknownName, match="did you mean"):
            gallery.get(wall[0].id[:-1] + ("0" if wall[0].id[-1] != "0" else "1"))
        for nonsense in ("", "%", "../x", "_" * 16):
            with pytest.raises(UnknownName):
                gallery.get(nonsense)

    def test_letters_that_several_ids_begin_with(self, gallery: Gallery) -> None:
        works = [gallery.add(made(f"{n}".encode())) for n in range(17)]  # of 17 ids, two begin alike
        letter = next(a.id[0] for a in works for b in works if a is not b and a.id[0] == b.id[0])
        with pytest.raises(Refused, match="Several works begin"):
            gallery.get(letter)

    def test_an_empty_gallery_says_so(self, gallery: Gallery) -> None:
        assert gallery.find() == []
        assert gallery.count() == 0
        with pytest.raises(UnknownName, match=r"There is no work 'abc'; there are none yet\."):
            gallery.get("abc")


class TestParents:
    def test_a_work_made_from_a_work_knows_it_and_outlives_it(self, gallery: Gallery, place: Any) -> None:
        parent = gallery.add(made(b"parent"))
        from_it = Source(sha256=parent.sha256, role="photo", name="parent.png")
        child = gallery.add(made(b"child", from_it))
        assert child.parents == gallery.get(child.id).parents == (parent.id,)
        assert [work.id for work in gallery.parents(child)] == [parent.id]
        assert [work.id for work in gallery.children(parent)] == [child.id]
        assert gallery.parents(parent) == gallery.children(child) == []
        gallery.remove(parent.id)
        assert gallery.get(child.id).parents == ()
        assert gallery.read_source(from_it) == b"parent"  # so that the child can still be remade
        gallery.remove(child.id)
        assert place.files() == {"gallery.txt"}


class TestRemoving:
    def test_nothing_of_it_is_left(self, gallery: Gallery, place: Any) -> None:
        work = gallery.add(made(b"one", gallery.keep_source(b"photo", role="photo")))
        other = gallery.add(made(b"two"))
        gallery.remove(work.id)
        assert [found.id for found in gallery.find()] == [other.id]
        assert place.files() == {"gallery.txt"} | work_files(b"two")
        with pytest.raises(UnknownName):
            gallery.remove(work.id)

    def test_a_source_goes_with_the_last_work_that_used_it(self, gallery: Gallery, place: Any) -> None:
        works = [
            gallery.add(made(f"{n}".encode(), gallery.keep_source(b"photo", role="photo"), seed=n))
            for n in range(3)
        ]
        for work in works:
            assert source_file(b"photo") in place.files()
            gallery.remove(work.id)
        assert place.files() == {"gallery.txt"}

    def test_a_file_that_two_works_share_stays_for_the_other(self, gallery: Gallery, place: Any) -> None:
        one, two = gallery.add(made(b"same", seed=1)), gallery.add(made(b"same", seed=2))
        tune = gallery.add(made(b"same", seed=3, suffix=".mid"))
        gallery.remove(one.id)
        gallery.remove(tune.id)
        assert gallery.read(two) == b"same"
        assert gallery.thumbnail(two) == b"small same"
        assert place.files() == {"gallery.txt"} | work_files(b"same")

    def test_a_source_that_was_kept_again_for_a_work_to_come_stays(self, gallery: Gallery) -> None:
        photo = gallery.keep_source(b"photo", role="photo")
        first = gallery.add(made(b"first", photo))
        gallery.keep_source(b"photo", role="photo")
        gallery.remove(first.id)
        assert gallery.read_source(photo) == b"photo"
        second = gallery.add(made(b"second", photo))
        gallery.remove(second.id)
        with pytest.raises(Missing):
            gallery.read_source(photo)

    def test_a_source_that_an_unfinished_job_needs_stays(self, gallery: Gallery) -> None:
        for seed, (state, stays) in enumerate(
            (("waiting", True), ("running", True), ("interrupted", True), ("cancelled", False))
        ):
            photo = gallery.keep_source(state.encode(), role="photo")
            work = gallery.add(made(b"first", photo))
            recipe = Recipe(kind="dream", sources=(photo,), seed=seed)
            with Session(gallery.engine) as session, session.begin():
                job = JobRow(
                    id=state,
                    state=state,
                    recipe_json=recipe.to_json(),
                    fingerprint=recipe.fingerprint,
                    asked_at=datetime.now(UTC),
                )
                session.add(job)
            gallery.remove(work.id)
            if stays:
                assert gallery.read_source(photo) == state.encode()
            else:
                with pytest.raises(Missing, match="give the file again"):
                    gallery.read_source(photo)


class TestSources:
    def test_a_source_that_no_work_ever_used_is_forgotten_after_a_day(
        self, gallery: Gallery, place: Any
    ) -> None:
        fresh, old = gallery.keep_source(b"fresh", role="photo"), gallery.keep_source(b"old", role="photo")
        used = gallery.keep_source(b"used", role="photo")
        gallery.add(made(b"work", used))
        with gallery.engine.begin() as connection:
            for table in ("sources", "claims"):
                connection.execute(
                    text(f"UPDATE {table} SET kept_at = :then WHERE sha256 <> :fresh"),
                    {"then": datetime.now(UTC) - timedelta(hours=25), "fresh": fresh.sha256},
                )
        assert gallery.recover().sources_cleared == 1
        assert place.files() == {"gallery.txt", source_file(b"fresh"), source_file(b"used")} | work_files(
            b"work"
        )
        with pytest.raises(Missing):
            gallery.read_source(old)

    def test_labels_that_come_later_are_remembered(self, gallery: Gallery) -> None:
        gallery.keep_source(b"photo", role="photo", name="a.jpg")
        gallery.keep_source(b"photo", role="style", name="b.jpg", author="Ann")
        with Session(gallery.engine) as session:
            (row,) = session.query(SourceRow).all()
            assert (row.name, row.author) == ("a.jpg", "Ann")

    def test_a_copy_that_changed_on_the_disk_is_refused_and_can_be_mended(
        self, gallery: Gallery, place: Any
    ) -> None:
        photo = gallery.keep_source(b"photo", role="photo", name="tubingen.jpg")
        (place.home / "files" / source_file(b"photo")).write_bytes(b"phot0")
        with pytest.raises(Refused, match=r"copy of tubingen\.jpg is no longer"):
            gallery.read_source(photo)
        gallery.keep_source(b"photo", role="photo")
        assert gallery.read_source(photo) == b"photo"


class TestFiles:
    def test_a_file_that_was_changed_or_taken_is_told_and_mended_by_adding_it_again(
        self, gallery: Gallery, place: Any
    ) -> None:
        work = gallery.add(made(b"work"))
        file, thumbnail = (place.home / "files" / name for name in sorted(work_files(b"work"), reverse=True))
        file.write_bytes(b"w0rk")
        with pytest.raises(Unreadable, match="changed on the disk"):
            gallery.read(work)
        file.unlink()
        thumbnail.unlink()
        for reading in (gallery.read, gallery.local_path, gallery.thumbnail):
            with pytest.raises(Missing, match="is gone"):
                reading(work)
        assert gallery.add(made(b"work")).id == work.id
        assert gallery.read(work) == b"work"
        assert gallery.thumbnail(work) == b"small work"

    def test_export(self, gallery: Gallery, tmp_path: Path) -> None:
        work = gallery.add(made(b"work", gallery.keep_source(b"p", role="photo", name="Große Fuge!.png")))
        target = tmp_path / "out.PNG"
        assert gallery.export(work, target) == target
        assert target.read_bytes() == b"work"
        target.write_bytes(b"mine")
        with pytest.raises(Refused, match="exists already"):
            gallery.export(work, target)
        assert target.read_bytes() == b"mine"
        gallery.export(work, target, force=True)
        assert target.read_bytes() == b"work"
        with pytest.raises(Refused, match=r"name it out\.png instead of out\.jpg"):
            gallery.export(work, tmp_path / "out.jpg")
        with pytest.raises(Missing):
            gallery.export(work, tmp_path / "nowhere" / "out.png")
        assert gallery.export(work, tmp_path) == tmp_path / f"grosse-fuge-dream-{work.id[:8]}.png"
        assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == [
            f"grosse-fuge-dream-{work.id[:8]}.png",
            "out.PNG",
        ]

    def test_a_store_elsewhere(self, place: Any) -> None:
        """The same promises with files behind an fsspec URL, here in memory; `local_path` fetches."""
        import fsspec

        url = f"memory://studio-{place.home.parent.name}-{'pg' if place.database else 'lite'}"
        with place.open(files=url) as gallery:
            photo = gallery.keep_source(b"photo", role="photo")
            work = gallery.add(made(b"work", photo))
            other = gallery.add(made(b"other"))
            assert gallery.read(work) == b"work"
            assert gallery.thumbnail(work) == b"small work"
            assert gallery.read_source(photo) == b"photo"
            path = gallery.local_path(work)
            assert path.read_bytes() == b"work"
            gallery.remove(work.id)
            assert not path.exists()
            memory = fsspec.filesystem("memory")
            orphan = f"{url.removeprefix('memory:/')}/works/ab/{'ab' * 32}.png"
            memory.pipe_file(orphan, b"from a power cut")
            assert gallery.recover().files_cleared == 1
            root = url.removeprefix("memory:/") + "/"
            assert {name.removeprefix(root) for name in memory.find(root)} == {"gallery.txt"} | work_files(
                b"other"
            )
            assert gallery.read(other) == b"other"
        assert not (place.home / "files").exists()
        memory.rm(root, recursive=True)


def test_moments_have_zones(gallery: Gallery) -> None:
    with Session(gallery.engine) as session, session.begin():
        asked = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC) + timedelta(hours=1)
        session.add(JobRow(id="j", state="made", recipe_json="{}", fingerprint="", asked_at=asked))
    with Session(gallery.engine) as session:
        assert session.get_one(JobRow, "j").asked_at == asked
        with pytest.raises(Exception, match="time zone"):
            session.execute(update(JobRow).values(ended_at=datetime(2026, 1, 1)))


def test_a_work_with_other_credit_is_another(tmp_path: Path) -> None:
    def painted(author: str) -> Made:
        source = gallery.keep_source(b"photo", role="photo", author=author)
        return Made(Recipe(kind="dream", sources=(source,)), author.encode(), ".png", "image/png", b"small")

    with Gallery.open(tmp_path) as gallery:
        ann = gallery.add(painted("Ann"))
        assert gallery.made_by(painted("Ben").recipe) is None
        ben = gallery.add(painted("Ben"))
        assert [gallery.made_by(painted(name).recipe) for name in ("Ann", "Ben", "")] == [ann, ben, ben]


def test_a_work_that_is_stopped_leaves_no_source(gallery: Gallery) -> None:
    from studio.images.pictures import write_png
    from studio.making.asking import ask
    from studio.making.here import run_here
    from studio.works.ingredient import Ingredient

    photo = Ingredient("photo", write_png(np.full((64, 64, 3), 99, np.uint8)), "photo.png")
    settings = {"size": 64, "steps": 3, "octaves": 1}
    before = list(gallery.storage.store.names("sources"))
    recipe = ask("dream", settings, [photo], gallery)
    making = run_here(recipe, gallery)
    next(making)
    making.close()
    assert list(gallery.storage.store.names("sources")) == before
    kept = ask("dream", settings | {"seed": 1}, [photo], gallery)
    stopped = run_here(ask("dream", settings | {"seed": 2}, [photo], gallery), gallery)
    next(stopped)
    stopped.close()
    assert gallery.read_source(kept.sources[0]) == photo.content  # the first still waits to be made
