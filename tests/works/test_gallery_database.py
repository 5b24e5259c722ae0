"""The gallery's database: its migrations, where it is put, and what opening it costs."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import inspect, text

from studio.errors import Refused
from studio.works import database
from studio.works.gallery import Gallery
from studio.works.home import home
from studio.works.recipe import Recipe
from studio.works.tables import Base
from studio.works.work import Made


def test_a_new_gallery_and_all_migrations_give_the_tables_of_the_code(
    new_place: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    def tables() -> Any:
        with new_place.open() as gallery, gallery.engine.begin() as connection:
            options = {"version_table": database.VERSION_TABLE, "compare_type": True}
            context = MigrationContext.configure(connection, opts=options)
            assert compare_metadata(context, Base.metadata) == []
            assert context.get_current_revision() == database.HEAD
            [identity] = connection.execute(text("SELECT id, gallery FROM identity")).all()
            assert identity.id == 1
            assert re.fullmatch("[0-9a-f]{32}", identity.gallery)
            looked = inspect(connection)
            found = {
                name: (
                    {
                        each["name"]: (str(each["type"]), each["nullable"], each["default"])
                        for each in looked.get_columns(name)
                    },
                    sorted((each["name"], each["column_names"]) for each in looked.get_indexes(name)),
                    looked.get_pk_constraint(name)["constrained_columns"],
                    [(each["referred_table"], each["options"]) for each in looked.get_foreign_keys(name)],
                )
                for name in looked.get_table_names()
            }
            Base.metadata.drop_all(connection)
            connection.execute(text(f"DROP TABLE {database.VERSION_TABLE}"))
        return found

    new = tables()
    shutil.rmtree(new_place.home)  # its files belong to the first gallery
    monkeypatch.setattr(database, "_create_tables", database.migrate)
    assert tables() == new
    assert new.keys() == {*Base.metadata.tables, database.VERSION_TABLE}


def test_the_newest_migration_is_the_head_that_opening_looks_for() -> None:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(database.__file__).parent / "migrations"))
    assert ScriptDirectory.from_config(config).get_heads() == [database.HEAD]


def test_every_migration_can_be_installed() -> None:
    """Folders without __init__.py are left out of a wheel."""
    migrations = Path(database.__file__).parent / "migrations"
    assert all((folder / "__init__.py").is_file() for folder in (migrations, migrations / "versions"))


def test_a_migration_that_dies_leaves_an_empty_database(
    new_place: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from alembic.operations import Operations

    real = Operations.create_index

    def die(self: Any, name: str, *more: Any, **named: Any) -> Any:
        if name == "ix_jobs_state":
            raise MemoryError
        return real(self, name, *more, **named)

    monkeypatch.setattr(database, "_create_tables", database.migrate)
    monkeypatch.setattr("alembic.op.create_index", lambda *more, **named: die(_operations(), *more, **named))
    with pytest.raises(MemoryError):
        new_place.open()
    monkeypatch.undo()
    with new_place.open() as gallery:
        assert gallery.count() == 0


def _operations() -> Any:
    from alembic import op

    return op._proxy  # type: ignore[attr-defined]


def test_a_new_gallery_that_dies_leaves_an_empty_database(
    new_place: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: Any) -> Any:
        raise MemoryError

    monkeypatch.setattr("studio.works.database.uuid.uuid4", die)
    with pytest.raises(MemoryError):
        new_place.open()
    monkeypatch.undo()
    with new_place.open() as gallery:
        assert gallery.count() == 0


def test_a_gallery_is_opened_without_alembic(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from studio.works.gallery import Gallery\n"
        f"Gallery.open(Path({str(tmp_path)!r})).close()\n"
        "print(sorted({'alembic', 'torch', 'gradio', 'fsspec', 'PIL'} & set(sys.modules)))"
    )
    for _ in ("new", "again"):
        done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
        assert done.stdout.strip() == "[]"


def test_sqlite_is_set_as_promised(tmp_path: Path) -> None:
    with Gallery.open(tmp_path) as gallery, gallery.engine.connect() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(text("PRAGMA synchronous")).scalar() == 1  # NORMAL
        assert connection.execute(text("PRAGMA foreign_keys")).scalar() == 1
        assert connection.execute(text("PRAGMA busy_timeout")).scalar() == 30_000
        with gallery.engine.execution_options(purpose="keep").connect() as keeping:
            connection.rollback()
            assert (
                keeping.execute(text("PRAGMA synchronous")).scalar() == 2
            )  # FULL: what is kept outlives a power cut


def test_where_the_home_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUDIO_HOME", str(tmp_path / "here"))
    assert home() == tmp_path / "here"
    assert not home().exists()
    monkeypatch.setenv("STUDIO_HOME", "~/there")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert home() == tmp_path / "there"
    monkeypatch.delenv("STUDIO_HOME")
    assert home().name == "studio"
    assert home().is_absolute()
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("STUDIO_HOME", str(tmp_path / "file"))
    with pytest.raises(Refused, match="is a file"):
        home()


def test_the_environment_says_where_the_gallery_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUDIO_HOME", str(tmp_path / "50% of ?my #home"))
    monkeypatch.setenv("STUDIO_DATABASE", f"sqlite:///{tmp_path}/db/works.sqlite")
    monkeypatch.setenv("STUDIO_FILES", f"file://{tmp_path}/pictures")
    with Gallery.open() as gallery:
        work = gallery.add(Made(Recipe(kind="dream"), b"x", ".png", "image/png", b"y"))
        assert gallery.local_path(work).is_relative_to(tmp_path / "pictures")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["db", "pictures"]
    monkeypatch.delenv("STUDIO_DATABASE")
    monkeypatch.delenv("STUDIO_FILES")
    with Gallery.open() as gallery:
        assert gallery.count() == 0
    assert (tmp_path / "50% of ?my #home" / "gallery.sqlite").is_file()
