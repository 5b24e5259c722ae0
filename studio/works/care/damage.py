"""A damaged database is set aside, and what can still be read of it goes into a new one.

Only a SQLite file can be set aside; a PostgreSQL server looks after its own. The damaged file is kept. The
works that are missing after that are in their files, where `repair` finds them.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import JSON, insert, select
from sqlalchemy.orm import Session

from studio.errors import Unreadable
from studio.works.care.archive import TABLES, checked_row
from studio.works.database import sqlite_file
from studio.works.gallery import Gallery, own_database, place_of
from studio.works.output import not_written
from studio.works.storage import Storage
from studio.works.tables import HERE, TRASH, Base, Moment, SourceRow, UseRow, WorkRow

BESIDE = ("", "-wal", "-shm")
"""SQLite's files: the database, its write-ahead log, and the log's index."""


@dataclass(frozen=True)
class SetAside:
    """A damaged database that was set aside.

    path: where it is now. works, sources, jobs: how many of its rows could still be read.
    """

    path: Path
    works: int
    sources: int
    jobs: int


def open_setting_aside(
    home: Path | None = None, *, database: str | None = None, files: str | None = None
) -> tuple[Gallery, SetAside | None]:
    """Open a gallery even if its database is damaged: a damaged one is set aside, and a new one begun.

    home, database, files: as `Gallery.open` takes them. Nothing is changed where the database is sound.
    Raises what `Gallery.open` raises, and `Refused` where the damaged file cannot be moved.
    """
    folder, address, store = place_of(home, database, files)
    own = address == own_database(folder)
    file = folder / "gallery.sqlite" if own else sqlite_file(address)
    new = partial(Storage.open, folder, None if own else address, store)
    aside = _set_aside(file, new) if file is not None and _is_damaged(file) else None
    try:
        return Gallery.open(home, database=database, files=files), aside
    except Unreadable:
        if file is None or aside is not None or not file.is_file():
            raise
    aside = _set_aside(file, new)
    return Gallery.open(home, database=database, files=files), aside


def _is_damaged(file: Path) -> bool:
    """Whether SQLite says so. A file that cannot even be opened is left to whoever opens the gallery."""
    if not file.is_file():
        return False
    try:
        with contextlib.closing(sqlite3.connect(f"{file.as_uri()}?mode=rw", uri=True, timeout=30)) as opened:
            return bool(opened.execute("PRAGMA quick_check(1)").fetchone() != ("ok",))
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        return code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _set_aside(file: Path, new: Callable[[], Storage]) -> SetAside:
    there = file.with_name(f"{file.name}.damaged-{datetime.now():%Y-%m-%d-%H%M%S-%f}")
    for suffix in reversed(BESIDE):  # the log first: without it the database would be an older one
        with contextlib.suppress(FileNotFoundError):
            try:
                file.with_name(file.name + suffix).replace(there.with_name(there.name + suffix))
            except OSError as error:
                if isinstance(error, FileNotFoundError):
                    raise
                raise not_written(error, there) from None
    storage = new()
    try:
        storage.adopt_files()
        with storage.keeping() as session:
            counts = {table: _enter(session, table, rows) for table, rows in _readable(there)}
    finally:
        storage.close()
    works, sources, _, jobs = (counts.get(table, 0) for table in TABLES)
    return SetAside(there, works, sources, jobs)


def _enter(session: Session, table: type[Base], rows: list[dict[str, Any]]) -> int:
    if table is UseRow:
        works = set(session.scalars(select(WorkRow.id)))
        rows = [row for row in rows if row["work_id"] in works]
    if rows:
        session.execute(insert(table), rows)
    return len(rows)


def _readable(damaged: Path) -> Iterator[tuple[type[Base], list[dict[str, Any]]]]:
    """The rows of each table that can still be read, and that are whole, from a copy: reading could change
    the file.
    """
    with tempfile.TemporaryDirectory(prefix="studio-gallery-") as folder:
        copy = Path(folder) / "gallery.sqlite"
        for suffix in BESIDE[:2]:
            with contextlib.suppress(FileNotFoundError):
                shutil.copyfile(damaged.with_name(damaged.name + suffix), copy.with_name(copy.name + suffix))
        with contextlib.closing(sqlite3.connect(copy)) as opened:
            opened.row_factory = sqlite3.Row
            opened.text_factory = lambda text: text.decode("utf-8", "replace")
            for table in TABLES:
                # From both ends: what lies behind the damage is reached from the other side.
                found = [*_rows(opened, table, "ASC"), *_rows(opened, table, "DESC")]
                keys = [column.key for column in table.__table__.primary_key]
                yield table, list({tuple(row[key] for key in keys): row for row in found}.values())


def _rows(opened: sqlite3.Connection, table: type[Base], order: str) -> Iterator[dict[str, Any]]:
    with contextlib.suppress(sqlite3.Error):
        for row in opened.execute(f"SELECT * FROM {table.__tablename__} ORDER BY rowid {order}"):
            with contextlib.suppress(ValueError, TypeError, KeyError, RecursionError):
                fields = checked_row(table, _as_json_has_it(table, row))
                if table not in (WorkRow, SourceRow) or fields["state"] in (HERE, TRASH):
                    yield fields


def _as_json_has_it(table: type[Base], row: sqlite3.Row) -> dict[str, Any]:
    """A row of SQLite's as a line of a backup has it."""
    fields = dict(row)
    for column in table.__table__.columns:
        value = fields.get(column.key)
        if value is not None and isinstance(column.type, Moment):
            fields[column.key] = datetime.fromisoformat(value).replace(tzinfo=UTC).isoformat()
        elif value is not None and isinstance(column.type, JSON):
            fields[column.key] = json.loads(value)
    return fields
