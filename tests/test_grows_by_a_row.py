"""A kind of work, an export format and a constraint: added here and nowhere else, found everywhere."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal
from unittest.mock import patch

import numpy as np
import pytest
from PIL import Image

import studio as library
from studio.api import PictureWork
from studio.errors import Contradiction
from studio.making.jobs import Jobs
from studio.making.kinds import KINDS, Kind, Role
from studio.music.melody import constraints
from studio.music.melody.constraints import Constraint
from studio.music.writing.formats import FORMATS
from studio.works.finishing import Result, finish_work
from studio.works.formats import Format
from studio.works.gallery import Gallery
from studio.works.recipe import Recipe, Setting, parameter
from studio.works.work import Making, Materials, Progress
from tests.conftest import Studio

ROOT = Path(__file__).parent.parent


# --- A kind of work


class DotsRecipe(Recipe):
    """Dots over a photo."""

    kind: Literal["dots"] = "dots"
    number: int = parameter(5, "How many dots.", ge=1, le=100)


def dots(recipe: DotsRecipe, materials: Materials) -> Making:
    from studio.images.pictures import read_picture, write_jpeg, write_png

    (photo,) = recipe.sources
    pixels = read_picture(materials(photo)).pixels.copy()
    random = np.random.default_rng(recipe.seed)
    for step in range(recipe.number):
        pixels[random.integers(pixels.shape[0]), random.integers(pixels.shape[1])] = 255
        yield Progress(step + 1, recipe.number, "dotting")
    result = Result(write_png(pixels), ".png", "image/png", write_jpeg(pixels), facts={"dots": recipe.number})
    return finish_work(recipe, result, model=None, setting=Setting())


DOTS = Kind(
    "dots",
    recipe=f"{__name__}:DotsRecipe",
    process=f"{__name__}:dots",
    label="Dotted photo",
    summary="Put dots on PHOTO.",
    roles=(Role("photo", "The photo.", needed=True, metavar="PHOTO"),),
    result="studio.api:PictureWork",
)


@pytest.fixture
def kind(monkeypatch: pytest.MonkeyPatch) -> Kind:
    monkeypatch.setitem(KINDS, "dots", DOTS)
    return DOTS


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    Image.new("RGB", (64, 48), (30, 60, 90)).save(path)
    return path


@pytest.fixture
def gallery(tmp_path: Path) -> Iterator[Gallery]:
    with Gallery.open(tmp_path / "gallery") as gallery:
        yield gallery


@pytest.mark.usefixtures("kind")
def test_a_kind_gets_its_command_and_is_made_again(studio: Studio, photo: Path) -> None:
    assert "Put dots on PHOTO." in studio("--help")[1]
    assert "How many dots. [5, 1 to 100]" in " ".join(studio("dots", "--help")[1].split())
    status, out, told = studio("dots", photo, "-o", "x.png", "--number", "3", "--seed", "4")
    assert (status, out.strip()) == (0, "x.png"), told
    assert "dots  3" in told
    assert np.asarray(Image.open("x.png")).max() == 255
    assert studio("remake", "x.png")[1].strip() == "Identical, to the byte."
    assert "number  3" in studio("show", "x.png")[1]
    status, _, complaint = studio("dots", photo, "-o", "x.jpg")
    assert (status, ".png" in complaint) == (2, True)


@pytest.mark.usefixtures("kind")
def test_a_kind_gets_its_function_in_python(photo: Path) -> None:
    work = library.dots(photo, number=2, seed=1, progress=False)  # type: ignore[attr-defined]
    assert isinstance(work, PictureWork)
    assert work.image.size == (64, 48)
    assert work.recipe.number == 2
    assert "How many dots." in library.dots.__doc__  # type: ignore[attr-defined]
    assert [found.id for found in library.gallery().find(kind="dots")] == [work.id]


def test_a_kind_gets_its_endpoint_its_jobs_and_its_label(kind: Kind, gallery: Gallery, photo: Path) -> None:
    import gradio as gr  # not at the top: the worker loads this file for its kind

    from studio.app.desk import Desk
    from studio.app.endpoints import endpoints, parameters_of
    from studio.app.room import kinds_shown

    assert [each.name for each in parameters_of(kind)][:1] == ["photo"]
    with Jobs(gallery) as jobs:
        desk = Desk(gallery, jobs)
        with gr.Blocks() as page:
            endpoints(desk)
        info: dict[str, Any] = page.get_api_info()["named_endpoints"]["/dots"]
        assert {"photo", "number", "seed"} <= {each["parameter_name"] for each in info["parameters"]}
        source = gallery.keep_source(photo.read_bytes(), role="photo", name="photo.png")
        with patch.dict(KINDS, {kind.name: kind}, clear=True):  # or a worker would load what the others need
            job = jobs.submit(DotsRecipe(sources=(source,), number=3))
            state = jobs.wait(job, timeout=120)
        assert state.state == "made", state.message
        assert desk.kinds_here() == ["dots"]
    labels = {shown["name"]: shown["label"] for shown in kinds_shown({})}
    assert labels["dots"] == "Dotted photos"


@pytest.mark.usefixtures("kind")
def test_a_kind_gets_its_page_in_the_docs() -> None:
    place = importlib.util.spec_from_file_location("docs_build", ROOT / "docs" / "build.py")
    assert place is not None
    assert place.loader is not None
    build = importlib.util.module_from_spec(place)
    place.loader.exec_module(build)
    pages = build.pages()
    assert "How many dots." in pages["dots.md"]
    assert "`studio.dots()`" in pages["dots.md"]
    assert "studio dots" in pages["commands.md"]
    assert "## /dots" in pages["endpoints.md"]


# --- An export format

HAIKU = Format(
    "haiku",
    ".haiku",
    "text/plain",
    "Haiku",
    lambda music: f"{len(music.notes)} notes fall like rain".encode(),
    "For poets.",
)


def test_a_format_gets_its_suffix_its_button_and_its_endpoint_choice(
    studio: Studio, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, home: Path
) -> None:
    monkeypatch.setitem(FORMATS, "haiku", HAIKU)
    assert ".haiku" in studio("compose", "--help")[1]
    status, _, told = studio(*FIFE, "-o", "x.haiku")
    assert status == 0, told
    assert (tmp_path / "x.haiku").read_text().endswith("notes fall like rain")
    assert (
        "haiku"
        in next(each for each in KINDS["compose"].controls(with_format=True) if each.name == "format").choices
    )
    from studio.app.desk import Desk
    from studio.app.views import work_view

    studio(*FIFE, "-o", "x.mid")
    with Gallery.open(home) as gallery:
        (work,) = [each for each in gallery.find(kind="compose") if each.suffix == ".mid"]
        shown = work_view(work).model_dump()
        assert ["haiku", "Haiku"] in [[each["name"], each["label"]] for each in shown["exports"]]
        with Jobs(gallery) as jobs:
            asked = Desk(gallery, jobs).music.file(work, FORMATS["haiku"])
            assert asked.read_text().endswith("notes fall like rain")


# --- A constraint

FIFE = ("compose", "--style", "american-fife", "--bars", "4", "--key", "D", "--seed", "2")


def _ceiling(context: Any, _recipe: Any, value: int) -> Any:
    return context.everything() & (~context.idiom.sounding | (context.idiom.pitch <= value))


CEILING = Constraint(
    "ceiling",
    "nothing above {}".format,
    _ceiling,
    annotation=int | None,
    parameter=parameter(None, "The highest note, as a MIDI number.", ge=0, le=127),
)


@pytest.fixture
def ceiling() -> Iterator[Constraint]:
    yield constraints.add(CEILING)
    constraints.remove(CEILING)


@pytest.mark.usefixtures("ceiling")
def test_a_constraint_gets_its_option_its_control_and_its_effect(studio: Studio) -> None:
    assert "The highest note, as a MIDI number." in " ".join(studio("compose", "--help")[1].split())
    control = next(each for each in KINDS["compose"].controls() if each.name == "ceiling")
    assert (control.type, control.minimum, control.maximum) == (int, 0, 127)
    status, _, told = studio(*FIFE, "-o", "low.abc", "--ceiling", "76")
    assert status == 0, told
    from studio.music.reading.readers import read_tunes

    (tune,) = read_tunes(Path("low.abc").read_bytes(), "low.abc").tunes
    assert max(note.pitch for note in tune.sounding if note.pitch is not None) <= 76
    assert studio("remake", "low.abc")[1].strip() == "Identical, to the byte."


@pytest.mark.usefixtures("ceiling")
def test_a_constraint_that_contradicts_is_named_and_can_be_left_out(studio: Studio) -> None:
    words = (*FIFE, "-o", "never.abc", "--ceiling", "70", "--start", "D5")
    status, out, complaint = studio(*words, "--json")
    assert status == 2
    assert "nothing above 70" in complaint
    told = json.loads(out)
    assert {"field": "ceiling", "value": 70, "name": "nothing above 70"} in told["conflict"]
    assert {"label": "Leave out nothing above 70", "field": "ceiling", "value": None} in told["ways_out"]
    with pytest.raises(Contradiction) as raised:
        library.compose(style="american-fife", bars=4, key="D", ceiling=70, start="D5", progress=False)  # type: ignore[attr-defined]
    assert "ceiling" in {each.field for each in raised.value.conflict}
