"""What the Paint tab says of the paintings that hang beside the photo."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import ClassVar, cast

import pytest
from PIL import Image

from studio.app.desk import Desk
from studio.app.dials import Dials
from studio.app.easel import Easel
from studio.app.tabs.style import _adjust
from studio.errors import Refused
from studio.images.checks import check_paintings
from studio.images.instant.learnt import LearntPainting, keep_painting
from studio.images.instant.network import PainterNetwork
from studio.images.instant.painters import PainterHeader, painter_bytes
from studio.images.paintings.catalogue import PAINTINGS
from studio.works.ingredient import Ingredient
from tests.app.photos import picture


class Drop:
    """A desk onto which one file was dropped."""

    def __init__(self, content: bytes, name: str) -> None:
        self.content, self.name = content, name

    def receive(self, _: object, role: str) -> Ingredient:
        return Ingredient(role, self.content, self.name)


def hung(content: bytes, name: str) -> dict[str, object]:
    return Easel(cast(Desk, Drop(content, name)), cast(Dials, None)).hang({"picture": {}})


def let_learn(home: Path, content: bytes, about: LearntPainting, title: str) -> None:
    """What is in a home after a painter has learnt a painting. title: of the painter's card."""
    header = PainterHeader(
        name=about.name,
        painting=hashlib.sha256(content).hexdigest(),
        title=title,
        mean=(0.5, 0.4, 0.3),
        covariance=((0.04, 0.01, 0.0), (0.01, 0.03, 0.0), (0.0, 0.0, 0.02)),
        widths=(8, 8, 8),
        lineage="",
        steps=0,
    )
    keep_painting(about, content)
    painter = painter_bytes(PainterNetwork(header.widths).state_dict(), header)
    (home / "models" / f"painter-{about.name}.safetensors").write_bytes(painter)


def test_a_painting_that_was_learnt_has_the_title_of_its_painters_card(home: Path) -> None:
    content = picture(seed=5)
    let_learn(home, content, LearntPainting(name="sea", file="IMG_0001.jpg"), "Evening at sea")
    told = hung(content, "IMG_0001.jpg")
    assert (told["title"], told["name"], told["learnt"]) == ("Evening at sea", "IMG_0001.jpg", True)
    assert (told["painter"], told["study"]) == ("sea", "")
    told = hung(picture(seed=6), "IMG_0002.jpg")
    assert (told["title"], told["learnt"], told["painter"]) == ("", False, "")
    told = hung(PAINTINGS["woodcut"].path.read_bytes(), "a-copy.jpg")
    assert (told["study"], told["painter"]) == ("woodcut", "")


def test_a_painting_or_guide_of_one_colour_is_refused_when_it_is_hung() -> None:
    """It hung, and was refused only when something was to be painted like it."""
    written = io.BytesIO()
    Image.new("RGB", (40, 30), (12, 90, 200)).save(written, "PNG")
    flat = Ingredient("style", written.getvalue(), "blue.png")
    with pytest.raises(Refused) as at_paint:
        check_paintings([flat])
    assert hung(flat.content, flat.name)["trouble"] == str(at_paint.value)
    with pytest.raises(Refused, match="nothing to dream towards"):
        Desk.look(cast(Desk, Drop(flat.content, flat.name)), {}, "guide")
    assert Desk.look(cast(Desk, Drop(flat.content, flat.name)), {}, "photo").width == 40


class NoDials:
    """Dials that nobody has moved."""

    by_name: ClassVar[dict[str, object]] = {}
    components: ClassVar[list[object]] = []

    def settings(self, _: object) -> dict[str, object]:
        return {}


def test_paintings_that_weigh_nothing_are_refused_by_the_preview_and_by_the_button() -> None:
    """They were mixed equally, without a word."""
    easel = Easel(cast(Desk, Drop(picture(seed=5), "sea.jpg")), cast(Dials, NoDials()))
    asked = {"photo": {}, "style": [{}, {}], "weights": [0, 0]}
    assert "weights are all 0" in easel.glimpse(asked)["trouble"]
    settings: dict[str, object] = {}
    _adjust(settings, {"photo": {}, "style": [{}, {}, {}], "weights": [0, 0, 0]})
    assert settings["style_weights"] == (0.0, 0.0, 0.0)
    settings.clear()
    _adjust(settings, {"photo": {}, "style": [{}, {}], "weights": [2, 2]})
    assert "style_weights" not in settings
    _adjust(settings, {"photo": {}, "style": [{}]})
    assert "style_weights" not in settings
