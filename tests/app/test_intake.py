"""How a picture comes in: through an upload of this server or from the gallery, and in no other way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from studio.app.intake import Credit, Offer, own_tunes, receive, show, uploaded
from studio.errors import Missing, Refused, StudioError
from studio.images.instant.learnt import LearntPainting, keep_painting
from studio.music.styles.sources import style_of
from studio.process import finish
from studio.works.gallery import Gallery
from studio.works.recipe import Recipe, Source
from tests.app.photos import picture


@pytest.fixture
def uploads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "uploads"
    folder.mkdir()
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(folder))
    return folder


def described(path: Path | str, **more: Any) -> dict[str, Any]:
    return {"path": str(path), "meta": {"_type": "gradio.FileData"}} | more


def no_job(id: str) -> Recipe:
    raise AssertionError(id)


def test_an_uploaded_file_is_taken_under_its_own_name(uploads: Path) -> None:
    path = uploads / "abc" / "blob"
    path.parent.mkdir()
    path.write_bytes(picture())
    assert uploaded(described(path, orig_name="../../etc/Mein Foto.jpg")) == (path, "Mein Foto.jpg")


@pytest.mark.parametrize(
    "path",
    ["/etc/passwd", "{uploads}/../secret.jpg", "{uploads}/link.jpg", "{uploads}", "file:///etc/passwd", ""],
)
def test_no_other_file_of_this_machine_comes_in(path: str, uploads: Path) -> None:
    (uploads.parent / "secret.jpg").write_bytes(picture())
    (uploads / "link.jpg").symlink_to(uploads.parent / "secret.jpg")
    with pytest.raises((Refused, Missing)):
        uploaded(described(path.format(uploads=uploads)))


@pytest.mark.parametrize(
    "file",
    [
        "/etc/passwd",
        {"path": "/etc/passwd"},
        {"path": 3, "meta": {"_type": "gradio.FileData"}},
        None,
        [],
        {"meta": 1},
    ],
)
@pytest.mark.usefixtures("uploads")
def test_what_does_not_describe_an_upload_is_refused(file: Any) -> None:
    with pytest.raises(Refused):
        uploaded(file)


def test_a_painting_that_was_learnt_has_its_title_also_where_its_file_is_offered(
    uploads: Path, home: Path
) -> None:
    """What was painted after it was learnt said the file's name until the page was loaded again."""
    (uploads / "blob").write_bytes(picture(seed=5))
    offered = {"file": described(uploads / "blob", orig_name="shipwreck.jpg")}
    keep_painting(LearntPainting(name="ship", title="Shipwreck", author="Vernet"), picture(seed=5))
    with Gallery.open(home / "works") as gallery:
        assert receive(offered, "style", gallery, no_job).title == "", "no painter can paint like it yet"
        (home / "models" / "painter-ship.safetensors").write_bytes(b"")
        taken = receive(offered, "style", gallery, no_job)
        assert (taken.name, taken.title, taken.author) == ("shipwreck.jpg", "Shipwreck", "Vernet")
        assert receive(offered, "photo", gallery, no_job).title == ""


def test_an_upload_that_was_cleared_away_says_what_to_do(uploads: Path) -> None:
    with pytest.raises(Missing, match="choose it again"):
        uploaded(described(uploads / "gone.jpg"))


@pytest.mark.parametrize(
    "offered", [None, {}, 3, "x", {"file": "x"}, {"work": "nosuchwork"}, {"work": "../../x", "role": "photo"}]
)
@pytest.mark.usefixtures("uploads")
def test_an_offer_that_is_none_is_refused_in_a_sentence(offered: Any) -> None:
    with Gallery.open() as gallery, pytest.raises(StudioError) as told:
        receive(offered, "photo", gallery, no_job)
    assert str(told.value).strip().endswith((".", "?"))


def test_the_view_of_a_large_photo_is_small(uploads: Path) -> None:
    path = uploads / "large.jpg"
    path.write_bytes(picture(3000, 2000))
    with Gallery.open() as gallery:
        shown = show(receive(Offer(file=described(path)).model_dump(), "photo", gallery, no_job))
    assert (shown.width, shown.height) == (3000, 2000)
    assert shown.view.startswith("data:image/jpeg;base64,")
    assert len(shown.view) < 1_500_000


def test_many_tunes_of_ones_own_are_a_style_by_the_name_they_were_given(
    uploads: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("STUDIO_HOME", str(tmp_path / "home"))
    offered = []
    for number in range(41):
        path = uploads / f"{number}.abc"
        path.write_text(f"X:1\nT:Tune {number}\nM:4/4\nL:1/4\nK:C\nCDEF|GABc|cBAG|FEDC|\n")
        offered.append(described(path, orig_name=path.name))
    (style,) = own_tunes(offered, Credit("Songs, by Ann B."))
    assert style.role == "style"
    source = Source(role="style", sha256="0" * 64, name=style.name)
    assert finish(style_of([source], lambda _: style.content, "own")).entry.title == "Songs by Ann B"
