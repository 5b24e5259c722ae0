"""A home that version 0.2.1 left behind opens, lists, is brought up to date, and its works can be made again.

`tests/data/home-0.2.1.zip` holds a dream, a dream of that dream, a painting, two melodies, a job that was
made and one that failed, and a style of the person's own.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.making.kinds import read_recipe
from studio.making.remaking import remake
from studio.music.styles.opening import ready_style
from studio.music.styles.own import own_styles
from studio.process import finish
from studio.works.gallery import Gallery
from studio.works.ledger import Ledger
from studio.works.metadata import extract

ZIP = Path(__file__).parents[1] / "data" / "home-0.2.1.zip"

WORKS = {
    "902c30f4c09daf95": "Sunset, creatures",
    "afac4c5856008ae7": "dream, creatures",
    "0f7e7322ac7ead3a": "sunset, style",
    "48c6e8c34dbb47f0": "After American fife tunes, no. 2",
    "8f70b1f3e988f05c": "After parlour, no. 4",
}
DREAM, CHILD, PAINTING, MARCH, PARLOUR = WORKS


@pytest.fixture
def old(home: Path) -> Iterator[Gallery]:
    with zipfile.ZipFile(ZIP) as packed:
        packed.extractall(home)
    with Gallery.open() as gallery:
        yield gallery


def test_the_works_are_listed_as_they_were(old: Gallery) -> None:
    assert {work.id: work.title for work in reversed(old.find())} == WORKS
    assert old.get(MARCH).words == "4 bars after American fife tunes, in a form of the style; seed 2."
    assert old.get(DREAM).facts == {"size": "96 x 96", "steps": "2"}
    assert old.get(MARCH).facts["bars"] == "4"
    assert [work.id for work in old.find(text="a. photographer")] == [CHILD, DREAM]
    for work in old.find():
        assert extract(old.read(work)) == work.recipe_json
        assert old.thumbnail(work).startswith(b"\xff\xd8")


def test_sources_and_parents_are_there(old: Gallery) -> None:
    assert [work.id for work in old.parents(old.get(CHILD))] == [DREAM]
    assert [work.id for work in old.children(old.get(DREAM))] == [CHILD]
    for work in old.find():
        for source in read_recipe(work.recipe_json).sources:
            assert old.read_source(source)


def test_jobs_are_there(old: Gallery) -> None:
    failed, made = Ledger(old.engine).recent()
    assert (made.state, made.work_id, made.problem) == ("made", DREAM, {})
    assert (failed.state, failed.problem) == ("failed", {})
    assert failed.message.startswith("Nothing in American fife tunes can meet the pin 2:1=Bb4")


def test_the_style_of_ones_own_opens(old: Gallery) -> None:  # noqa: ARG001
    assert own_styles()["parlour"].sentence == "Three small tunes."
    assert len(ready_style("parlour")) == 3


@pytest.mark.parametrize("id", WORKS)
def test_every_work_is_made_again_as_it_was(old: Gallery, id: str) -> None:
    work = old.get(id)
    remade = finish(remake(old.read(work), old))
    then, now = read_recipe(work.recipe_json).setting, remade.made.recipe.setting
    assert then is not None
    assert now is not None
    own = {"studio": "", "python": ""}
    same_machine = then.device == now.device and then.versions | own == now.versions | own
    if same_machine or work.kind == "compose":
        assert remade.identical, remade.sentence
    else:  # another processor or another PyTorch may round a picture's last digits differently
        assert "Changed since then" in remade.sentence
