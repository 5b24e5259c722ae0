"""Where the gallery's tests keep their galleries: SQLite in a folder, and PostgreSQL where
STUDIO_TEST_POSTGRES names a server.
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

from studio.works.gallery import Gallery


@dataclass(frozen=True)
class Place:
    """A gallery that can be opened again and again."""

    home: Path
    database: str | None

    def open(self, **more: str) -> Gallery:
        return Gallery.open(self.home, database=self.database, **more)

    def files(self) -> set[str]:
        """Every file of the store, by its name there."""
        return {
            path.relative_to(self.home / "files").as_posix()
            for path in (self.home / "files").rglob("*")
            if path.is_file()
        }


@pytest.fixture(scope="session")
def schemas() -> Iterator[Callable[[], str]]:
    """Gives the URL of a new schema on the PostgreSQL server, as good as a database of its own."""
    server = os.environ.get("STUDIO_TEST_POSTGRES")
    if not server:
        pytest.skip("no PostgreSQL server: STUDIO_TEST_POSTGRES names none (.ci/postgres starts one)")
    engine, made = create_engine(server), []

    def new() -> str:
        made.append(f"test_{uuid.uuid4().hex}")
        with engine.begin() as connection:
            connection.execute(text(f"CREATE SCHEMA {made[-1]}"))
        url = make_url(server).update_query_dict({"options": f"-csearch_path={made[-1]}"})
        return url.render_as_string(hide_password=False)

    yield new
    with engine.begin() as connection:
        for schema in made:
            connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
    engine.dispose()


@pytest.fixture(scope="session")
def ready(
    schemas_if_wanted: Callable[[str], str | None], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str, Path], Place]:
    """Gives a place that has its tables already: to migrate for every test takes longer than the tests."""
    first: dict[str, Place] = {}

    def put(kind: str, home: Path) -> Place:
        if kind not in first:
            first[kind] = Place(tmp_path_factory.mktemp("ready"), schemas_if_wanted(kind))
            first[kind].open().close()
        database = first[kind].database
        if database is None:
            home.mkdir()
            shutil.copy(first[kind].home / "gallery.sqlite", home)
        else:
            engine = create_engine(database)
            with engine.begin() as connection:
                connection.execute(text("TRUNCATE works, sources, claims, uses, jobs"))
            engine.dispose()
        return Place(home, database)

    return put


@pytest.fixture(scope="session")
def schemas_if_wanted(request: pytest.FixtureRequest) -> Callable[[str], str | None]:
    return lambda kind: request.getfixturevalue("schemas")() if kind == "postgres" else None


BOTH = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]


@pytest.fixture(params=BOTH)
def place(request: pytest.FixtureRequest, ready: Callable[[str, Path], Place], tmp_path: Path) -> Place:
    """An empty gallery."""
    return ready(request.param, tmp_path / "studio")


@pytest.fixture(params=BOTH)
def new_place(
    request: pytest.FixtureRequest, schemas_if_wanted: Callable[[str], str | None], tmp_path: Path
) -> Place:
    """Where there is nothing yet, not even tables."""
    return Place(tmp_path / "studio", schemas_if_wanted(request.param))


@pytest.fixture
def gallery(place: Place) -> Iterator[Gallery]:
    with place.open() as gallery:
        yield gallery
