"""Whatever is searched for, the database has few words to look for and little time."""

from __future__ import annotations

import time
from typing import Any

import pytest
from sqlalchemy import text

from studio.errors import Refused
from studio.works import database
from studio.works.gallery import Gallery


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (" ".join(f"w{number}" for number in range(50_000)), "at most 20 words"),
        ("a " * 21, "at most 20 words"),
        ("a" * 101, "at most 100 letters"),
        ("a" * 5_000_000, "at most 20 words"),
    ],
)
def test_a_search_has_few_words(gallery: Gallery, words: str, sentence: str) -> None:
    """On 0.2.1, 50,000 words kept a core busy for a minute, long after the visitor had gone."""
    for search in (gallery.find, gallery.count):
        with pytest.raises(Refused, match=sentence):
            search(text=words)


def test_a_query_that_computes_too_long_is_stopped(place: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "QUERY_SECONDS", 0.05)
    endless = text("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n")
    with place.open() as gallery:
        with pytest.raises(Refused, match="ask for less"), gallery.storage.reading() as session:
            session.execute(endless)
        with (
            pytest.raises(Refused, match="ask for less"),
            database.sentences("x"),
            gallery.engine.begin() as writing,
        ):
            writing.execute(endless)
        assert gallery.count() == 0, "the connection goes on"


def test_time_counts_for_each_query_alone(place: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "QUERY_SECONDS", 1.0)
    some = text(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) "
        "SELECT count(*) FROM n"
    )
    with place.open() as gallery, gallery.storage.reading() as session:
        session.execute(some)
        time.sleep(1.1)
        assert session.execute(some).scalar() == 10_000
