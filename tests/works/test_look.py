"""Works found by how they look: changed as people change pictures, and never confused with another look of
the same photo.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance
from sqlalchemy import update

from studio.images.paintings.catalogue import FOLDER
from studio.images.pictures import write_jpeg
from studio.images.recipes import DreamRecipe
from studio.making.recognising import THIS_OR_A_TWIN, recognise
from studio.process import finish
from studio.works.care import repair
from studio.works.gallery import Gallery
from studio.works.looking import CERTAIN, PROBABLE, fill_in
from studio.works.tables import WorkRow
from studio.works.work import Made, Work
from tests.conftest import Studio

SHOWN = Path(__file__).parents[2] / "gallery"
LOOKS = ("pagoda-creatures", "pagoda-citadel", "pagoda-weave", "pagoda-woodcut", "dahlia-origami")


@cache
def made(name: str, seed: int) -> Made:
    """A work that has the pixels of a work on show, and no recipe in its file."""
    pixels = np.asarray(Image.open(SHOWN / f"{name}.png").convert("RGB"))
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG", compress_level=1)
    thumbnail = write_jpeg(pixels, longest_side=512)
    return Made(DreamRecipe(seed=seed), content.getvalue(), ".png", "image/png", thumbnail)


def keep(gallery: Gallery, names: tuple[str, ...]) -> dict[str, Work]:
    return {name: gallery.add(made(name, seed)) for seed, name in enumerate(names)}


@pytest.fixture
def gallery(tmp_path: Path) -> Iterator[Gallery]:
    with Gallery.open(tmp_path / "gallery") as gallery:
        yield gallery


def jpeg(picture: Image.Image, quality: int = 85) -> bytes:
    written = io.BytesIO()
    picture.save(written, "JPEG", quality=quality)
    return written.getvalue()


def cut(picture: Image.Image) -> Image.Image:
    width, height = picture.size
    return picture.crop((width // 50, height // 50, width - width // 50, height - height // 50))


CHANGES: dict[str, Callable[[Image.Image], bytes]] = {
    "q30": lambda picture: jpeg(picture, 30),
    "200 px": lambda picture: jpeg(picture.resize((200, 200 * picture.height // picture.width))),
    "96 px": lambda picture: jpeg(picture.resize((96, 96 * picture.height // picture.width))),
    "64 px": lambda picture: jpeg(picture.resize((64, 64 * picture.height // picture.width)), 95),
    "cut": lambda picture: jpeg(cut(picture)),
    "darker": lambda picture: jpeg(ImageEnhance.Brightness(picture).enhance(0.7)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_copy_is_found(gallery: Gallery, change: str) -> None:
    works = keep(gallery, LOOKS)
    for name in LOOKS[:2]:
        copy = CHANGES[change](Image.open(SHOWN / f"{name}.png").convert("RGB"))
        found = recognise(copy, "copy.jpg", gallery)
        assert found.work is not None
        assert found.work.id == works[name].id
        assert found.sure == ("almost certainly" if (found.likeness or 0) >= CERTAIN else "probably")
        assert change == "cut" or found.sure == "almost certainly"
        assert f"{found.sure} the work" in found.sentence
        assert f"{found.likeness:.0%} alike in their fine details" in found.sentence
        assert ("less than most copies" in found.sentence) == ((found.likeness or 0) < CERTAIN)


def test_another_look_of_the_same_photo_is_no_copy(gallery: Gallery) -> None:
    keep(gallery, LOOKS[1:])
    strangers = [
        Image.open(SHOWN / "pagoda-creatures.png"),
        Image.open(SHOWN / "sources" / "pagoda.jpg"),
        Image.open(SHOWN / "dunes-garden.png"),
        Image.linear_gradient("L").resize((300, 200)),
        Image.new("RGB", (64, 64), "red"),
    ]
    for stranger in strangers:
        found = recognise(jpeg(stranger.convert("RGB")), "copy.jpg", gallery)
        assert found.work is None or (found.likeness or 1) < PROBABLE
        assert "no work of this gallery looks like it" in found.sentence
        small = min(stranger.size) < 128
        assert ("little detail to compare" in found.sentence) == small  # and what would be found is said


UNSEEN = {path.stem: path for path in sorted(FOLDER.glob("*.jpg"))}
"""Pictures on which no threshold was chosen."""


def unseen(name: str, width: int = 480) -> Image.Image:
    picture = Image.open(UNSEEN[name]).convert("RGB")
    return picture.resize((width, width * picture.height // picture.width))


def added(gallery: Gallery, picture: Image.Image, seed: int) -> Work:
    content = io.BytesIO()
    picture.save(content, "PNG", compress_level=1)
    thumbnail = write_jpeg(np.asarray(picture), longest_side=512)
    return gallery.add(Made(DreamRecipe(seed=seed), content.getvalue(), ".png", "image/png", thumbnail))


def test_pictures_that_no_threshold_was_chosen_on_are_found_and_not_confused(gallery: Gallery) -> None:
    names = sorted(UNSEEN)
    known, missing = names[: len(names) // 2], names[len(names) // 2 :]
    works = {name: added(gallery, unseen(name), seed) for seed, name in enumerate(known)}
    for change in ("q30", "96 px", "cut"):
        for name in known:
            found = recognise(CHANGES[change](unseen(name)), "copy.jpg", gallery)
            assert found.work is not None, (change, name)
            assert found.work.id == works[name].id
        for name in missing:
            assert recognise(CHANGES[change](unseen(name)), "other.jpg", gallery).work is None, (change, name)


def twins() -> tuple[Image.Image, Image.Image]:
    """A picture, and one that differs in a corner, as the same look with another seed does."""
    picture = unseen("glass")
    pixels = np.asarray(picture).astype(int)
    pixels[:40, :40] += np.random.default_rng(0).integers(-12, 12, (40, 40, 3))
    return picture, Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def test_a_picture_may_be_the_twin_of_a_work(gallery: Gallery) -> None:
    picture, twin = twins()
    work = added(gallery, twin, 1)
    found = recognise(jpeg(picture), "copy.jpg", gallery)
    assert found.work is not None
    assert found.work.id == work.id
    said = f"the work '{work.title}' ({work.id}), or the same look made with another seed or more steps."
    assert said in found.sentence
    assert (found.sure, found.of, found.rival) == ("almost certainly", THIS_OR_A_TWIN, None)


def test_twins_are_both_named_and_neither_is_certain(gallery: Gallery) -> None:
    picture, twin = twins()
    works = [added(gallery, each, seed) for seed, each in enumerate((picture, twin))]
    found = recognise(CHANGES["q30"](picture), "copy.jpg", gallery)
    assert found.sure == "probably"
    assert found.rival is not None
    assert found.work is not None
    assert {found.work.id, found.rival.id} == {work.id for work in works}
    assert all(work.id in found.sentence for work in works)
    assert "looks nearly as much like it" in found.sentence


def test_works_made_before_get_their_look_when_one_is_searched_for(gallery: Gallery) -> None:
    works = keep(gallery, LOOKS[:2])
    with gallery.storage.keeping() as session:
        session.execute(update(WorkRow).values(look=None))
    copy = CHANGES["q30"](Image.open(SHOWN / f"{LOOKS[0]}.png").convert("RGB"))
    found = recognise(copy, "copy.jpg", gallery)
    assert found.work is not None
    assert found.work.id == works[LOOKS[0]].id
    with gallery.storage.keeping() as session:
        session.execute(update(WorkRow).values(look=None))
    finish(repair(gallery))
    assert fill_in(gallery.storage) == 0  # nothing is left to do


def test_a_search_looks_at_a_part_of_a_large_old_gallery_and_the_next_one_goes_on(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    works = keep(gallery, LOOKS[:3])
    with gallery.storage.keeping() as session:
        session.execute(update(WorkRow).values(look=None))
    monkeypatch.setattr("studio.works.looking.FILLED_A_SEARCH", 1)
    oldest = CHANGES["q30"](Image.open(SHOWN / f"{LOOKS[0]}.png").convert("RGB"))
    first, second, third = (recognise(oldest, "copy.jpg", gallery) for _ in range(3))
    assert (first.work, first.unseen, second.work, second.unseen) == (None, 2, None, 1)
    assert "2 older works have not been compared yet" in first.sentence
    assert "1 older work has not been compared yet" in second.sentence
    assert third.work is not None
    assert third.work.id == works[LOOKS[0]].id


def test_show_says_which_work_a_picture_is(studio: Studio, tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    Image.open(SHOWN / "sources" / "pagoda.jpg").resize((96, 64)).save(photo)
    settings = ("--size", "96", "--steps", "2", "--octaves", "2")
    _, out, _ = studio("dream", photo, "-o", "work.png", "--json", *settings)
    id = json.loads(out)["work"]
    title = json.loads(studio("gallery", "show", id, "--json")[1])["title"]
    Image.open("work.png").convert("RGB").save("lost.jpg", quality=80)
    status, out, _ = studio("show", "lost.jpg")
    assert (status, f"almost certainly the work '{title}' ({id})" in out) == (0, True)
    told = json.loads(studio("show", "lost.jpg", "--json")[1])
    assert (told["found"]["work"], told["found"]["sure"]) == (id, "almost certainly")
    assert told["found"]["of"] == "this work, or the same look made with another seed or more steps"
    Image.open(photo).save("photo.jpg", quality=80)  # the photo it was made from is not the work
    status, _, complaint = studio("show", "photo.jpg")
    assert (status, f"'photo.png', from which the work '{title}' ({id}) was made" in complaint) == (2, True)
    Image.open(SHOWN / "dunes-garden.png").convert("RGB").resize((300, 200)).save("other.jpg")
    status, _, complaint = studio("show", "other.jpg")
    assert (status, "no work of the gallery looks like it" in complaint) == (2, True)
    whole = Path("lost.jpg").read_bytes()
    Path("cut.jpg").write_bytes(whole[: len(whole) // 2])
    status, _, complaint = studio("show", "cut.jpg")
    assert (status, "ends too early" in complaint) == (2, True)
    for name in ("kept.jpg", "kept.webp", "kept.tiff"):
        assert studio("gallery", "export", id, "-o", name)[0] == 0
        file = Path(name).read_bytes()
        Path(f"cut-{name}").write_bytes(file[: len(file) - 200])
        status, out, complaint = studio("show", f"cut-{name}")
        assert any(said in complaint for said in ("cut off", "too early", "not a whole")), (name, complaint)
