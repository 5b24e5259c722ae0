"""Settings are checked before anyone asks for the work, and an earlier question is given up."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from studio.making.checking import Checking
from studio.music.melody.recipes import ComposeRecipe
from studio.works.recipe import Recipe, Source
from tests.app.tunes import jigs

TUNES = {f"{number:064x}": content for number, content in enumerate(jigs().values())}
SOURCES = [Source(role="tune", sha256=sha256, name=f"{sha256[-1]}.abc") for sha256 in TUNES]


@pytest.fixture(scope="module")
def checks() -> Iterator[Checking]:
    opened = Checking()
    yield opened
    opened.close()


def asked(**settings: object) -> Recipe:
    fields = {"style": "jigs", "bars": 8, "max_copy": 12, "sources": SOURCES} | settings
    return ComposeRecipe(**fields)


def materials(source: Source) -> bytes:
    return TUNES[source.sha256]


def test_what_contradicts_itself_is_named(checks: Checking) -> None:
    assert checks.check(asked(), materials) == {"state": "possible"}
    found = checks.check(asked(end="Db"), materials)
    assert found["state"] == "conflict"
    assert {each["field"] for each in found["conflict"]} == {"end"}
    assert [way["value"] for way in found["ways_out"]] == [None]
    refused = checks.check(asked(pins=("99:1=G4",)), materials)
    assert refused["state"] == "refused"
    assert "99" in refused["message"]


def test_only_the_latest_question_of_an_owner_is_answered(checks: Checking) -> None:
    found: dict[int, dict[str, object]] = {}

    def ask(number: int, bars: int) -> None:
        found[number] = checks.check(asked(bars=bars, end="Db"), materials, owner="me")

    threads = [threading.Thread(target=ask, args=(number, 60 - number)) for number in range(5)]
    for thread in threads:
        thread.start()
    other = checks.check(asked(), materials, owner="somebody else")
    for thread in threads:
        thread.join(120)
    assert other == {"state": "possible"}
    assert [each["state"] for each in found.values()].count("conflict") >= 1
    assert all(each["state"] in ("conflict", "stale") for each in found.values())


def test_it_starts_again_after_its_process_has_ended(checks: Checking) -> None:
    checks.check(asked(), materials)
    assert checks._process is not None
    checks._process.kill()
    checks._process.wait()
    states = {checks.check(asked(bars=4), materials)["state"] for _ in range(2)}
    assert "possible" in states
