"""The gallery's database: SQLite in a file, or PostgreSQL by URL, brought up to date when it is opened.

A transaction has one of three purposes, chosen with `engine.execution_options(purpose=...)`:

    (none)   writes. On SQLite it takes the write lock at once: reading first and writing later could fail
             with "locked".
    "read"   reads. It waits for nobody and nobody waits for it.
    "keep"   writes what must survive a power cut. There is one such transaction at a time in the whole
             gallery, on whatever machine.
"""

from __future__ import annotations

import contextlib
import math
import os
import shutil
import sqlite3
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import (
    URL,
    Column,
    Connection,
    Engine,
    MetaData,
    String,
    Table,
    create_engine,
    event,
    insert,
    inspect,
    make_url,
    text,
)
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from studio.errors import Missing, Refused, StudioError, Unreadable
from studio.works.output import not_written
from studio.works.tables import Base, IdentityRow

HEAD = "0005"
VERSION_TABLE = "gallery_version"

PATIENCE = 30.0
"""Seconds to wait for another process's lock; it holds one for milliseconds."""


QUERY_SECONDS = 10.0
"""Seconds that one query may compute. A gallery of 100,000 works answers in a fraction of one."""

KEEPING_SECONDS = 600.0
"""The same within a "keep" transaction, in which migrations run. No visitor's words reach those."""

TOO_LONG = (
    f"The gallery took longer than {QUERY_SECONDS:.0f} seconds to answer and was stopped: "
    "ask for less at once."
)

_STEPS = 20_000
"""Instructions of SQLite's machine between two looks at the clock: less than a millisecond."""


class Busy(Refused):
    """The database is locked by another program. Waiting may help."""


_POSTGRES_DRIVER = "postgresql+psycopg"
_KEEPING = 0x5354554449  # the advisory lock of "keep" transactions on PostgreSQL


def connect(url: str | URL) -> Engine:
    """An engine for this URL. Nothing is read or written yet, except that SQLite's folder is created.

    Raises `Refused` for what is not a URL and for other databases, `Missing` when the driver is not
    installed.
    """
    try:
        address = make_url(url)
    except (ArgumentError, ValueError):
        raise Refused(
            "STUDIO_DATABASE is not a database URL: "
            "write postgresql://USER@HOST/NAME, or sqlite:////FOLDER/gallery.sqlite."
        ) from None
    if address.drivername in ("postgres", "postgresql"):
        address = address.set(drivername=_POSTGRES_DRIVER)
    with sentences(address.render_as_string(hide_password=True)):
        if address.get_backend_name() == "sqlite":
            if not address.database or address.database == ":memory:":
                raise Refused(
                    "A gallery in memory would be lost at once: "
                    "name a file, as in sqlite:////FOLDER/gallery.sqlite."
                )
            if not address.database.startswith("file:"):  # SQLite's own URI opens only what is there
                _make_folder(Path(address.database).absolute())
            engine = _sqlite_engine(address)
        elif address.drivername == _POSTGRES_DRIVER:
            engine = create_engine(address, pool_pre_ping=True, connect_args={"connect_timeout": 10})
            event.listen(engine, "connect", _set_up_postgres)
            event.listen(engine, "begin", _begin_on_postgres)
        else:
            raise Refused(
                f"The gallery's database can be SQLite or PostgreSQL, but {address.drivername} is neither."
            )
    return engine


def cannot_be_written(url: str | URL) -> bool:
    """Whether this is a SQLite file that cannot be written to, such as one on a read-only disk."""
    file = sqlite_file(url)
    if file is None or not file.is_file():
        return False
    return not (os.access(file, os.W_OK) and os.access(file.parent, os.W_OK))


def connect_to_copy(url: str | URL, folder: Path) -> Engine:
    """An engine that reads a copy of a SQLite database which cannot be written to.

    SQLite needs to write beside its file even to read it, and a gallery of an older studio has to be
    migrated. Both happen to the copy, in `folder`. Writing through the engine fails.
    Raises `Refused` when the copy cannot be made, and what `bring_up_to_date` raises.
    """
    file = sqlite_file(url)
    assert file is not None
    copy = folder / "gallery.sqlite"
    try:
        shutil.copyfile(file, copy)
        log = file.with_name(f"{file.name}-wal")
        if log.exists():  # the last commits of a studio that was killed
            shutil.copyfile(log, copy.with_name(f"{copy.name}-wal"))
    except OSError as error:
        raise not_written(error, copy) from None
    with sentences(str(file)):
        engine = _sqlite_engine(URL.create("sqlite", database=str(copy)))
        try:
            bring_up_to_date(engine)
        finally:
            engine.dispose()
    uri = f"file:{quote(str(copy))}?mode=ro&uri=true"
    return _sqlite_engine(make_url(f"sqlite:///{uri}"), shown=str(file))


def bring_up_to_date(engine: Engine) -> None:
    """Create the tables, or run the migrations that are missing.

    Alembic is loaded for migrations alone: it takes a tenth of a second. Raises `Refused` for the gallery of
    a newer studio and for tables of another program; then nothing was changed.
    """
    with engine.execution_options(purpose="read").connect() as connection:
        revision = _revision(connection)
    if revision == HEAD:
        return
    if engine.dialect.name == "sqlite":
        _use_a_write_ahead_log(engine)
    with engine.execution_options(purpose="keep").begin() as connection:
        revision = _revision(connection)  # another process may just have done it
        if revision is None:
            _create_tables(connection)
        elif revision != HEAD:
            migrate(connection)


def _create_tables(connection: Connection) -> None:
    """What all migrations come to."""
    Base.metadata.create_all(connection)
    connection.execute(insert(IdentityRow).values(id=1, gallery=uuid.uuid4().hex))
    version = Table(VERSION_TABLE, MetaData(), Column("version_num", String(32), primary_key=True))
    version.create(connection, checkfirst=True)
    connection.execute(insert(version).values(version_num=HEAD))


def migrate(connection: Connection) -> None:
    """Run the migrations that are missing, from the first on in an empty database, in the transaction of this
    connection.
    """
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, HEAD)


@contextlib.contextmanager
def sentences(database: str) -> Iterator[None]:
    """Turn whatever goes wrong with the database in this block into one sentence.

    database: its URL without the password.
    """
    try:
        yield
    except StudioError:
        raise
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in ("psycopg", "psycopg2"):
            raise
        raise Missing(
            "PostgreSQL needs a driver that is not installed: pip install 'studio[postgres]'."
        ) from None
    except NoSuchModuleError:
        raise Refused(
            f"{database} is not a database the studio can use: it can be SQLite or PostgreSQL."
        ) from None
    except PoolTimeout:
        raise Busy("The gallery's database is too busy: try again in a moment.") from None
    except (DBAPIError, sqlite3.Error) as error:
        explained = _sentence(error, database)
        if explained is None:
            raise
        raise explained from error


def shown(engine: Engine) -> str:
    """The database as a person may see it: its file, or its URL without the password."""
    if original := engine.get_execution_options().get("shown"):
        return str(original)
    if engine.dialect.name == "sqlite":
        return str(engine.url.database)
    return engine.url.render_as_string(hide_password=True)


def _is_full(database: str) -> bool:
    """Whether there is no room for the files that SQLite needs even to read: it calls that an I/O error."""
    try:
        return shutil.disk_usage(Path(database).parent).free < 2**18
    except OSError:
        return False


def _sentence(error: SQLAlchemyError | sqlite3.Error, database: str) -> StudioError | None:
    """What a person can do about a database error; None for a mistake of ours."""
    cause = getattr(error, "orig", None) or error
    said = (str(cause).strip().splitlines() or [type(cause).__name__])[0].rstrip(".")
    if isinstance(cause, sqlite3.Error):
        return _sqlite_sentence(getattr(cause, "sqlite_errorcode", 0) & 0xFF, said, database)
    if type(cause).__module__.partition(".")[0] == "psycopg":
        return _postgres_sentence(getattr(cause, "sqlstate", None) or "", said, database)
    return None


def _sqlite_sentence(code: int, said: str, database: str) -> StudioError | None:
    if said.startswith("Could not decode"):  # text that is not UTF-8
        code = sqlite3.SQLITE_CORRUPT
    full = Refused(
        f"The disk of {database} is full: free some space and try again; nothing was left half-written."
    )
    if code == sqlite3.SQLITE_IOERR and _is_full(database):
        return full
    sentences: dict[int, StudioError] = {
        sqlite3.SQLITE_INTERRUPT: Refused(TOO_LONG),
        sqlite3.SQLITE_FULL: full,
        sqlite3.SQLITE_READONLY: Refused(
            f"{database} cannot be written to: give yourself permission, "
            "or choose another folder with STUDIO_HOME."
        ),
        sqlite3.SQLITE_BUSY: Busy(
            f"Another program keeps {database} locked: close it, or try again in a moment."
        ),
        sqlite3.SQLITE_CANTOPEN: Refused(
            f"{database} cannot be opened: check its folder's permissions, "
            "or choose another folder with STUDIO_HOME."
        ),
        sqlite3.SQLITE_CORRUPT: Unreadable(
            f"The gallery's database {database} is damaged ({said}): "
            "run studio gallery repair, which sets that file aside and finds the works in their files."
        ),
        sqlite3.SQLITE_IOERR: Refused(f"The disk of {database} failed ({said}): check it and try again."),
    }
    same = {
        sqlite3.SQLITE_LOCKED: sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_PERM: sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_NOTADB: sqlite3.SQLITE_CORRUPT,
    }
    return sentences.get(same.get(code, code))


def _postgres_sentence(state: str, said: str, database: str) -> StudioError | None:
    """state: PostgreSQL's error code. Its first two characters are the class of the error."""
    if state == "57014":  # query_canceled
        return Refused(TOO_LONG)
    if state.startswith("53"):
        return Refused(
            f"The database server of {database} is out of space or connections ({said}): "
            "free some and try again."
        )
    if not state or state[:2] in ("08", "28", "3D", "57"):
        return Missing(
            f"The database {database} does not answer ({said}): start it or correct STUDIO_DATABASE."
        )
    if state in ("42501", "25006"):
        return Refused(
            f"The database {database} may not be written to ({said}): ask its owner for permission."
        )
    return None


def _sqlite_engine(address: URL, **options: str) -> Engine:
    """options: execution options that every connection has."""
    waits = {"timeout": PATIENCE, "check_same_thread": False}
    engine = create_engine(address, connect_args=waits, execution_options=options)
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "before_cursor_execute", _start_the_clock)
    event.listen(engine, "begin", _begin_on_sqlite)
    return engine


def sqlite_file(url: str | URL) -> Path | None:
    """The file of a SQLite database, or None for any other."""
    with contextlib.suppress(ArgumentError, ValueError):
        address = make_url(url)
        name = address.database or ""
        if address.get_backend_name() == "sqlite" and name and not name.startswith(("file:", ":memory:")):
            return Path(name).absolute()
    return None


def _set_up_sqlite(connection: Any, record: Any) -> None:
    connection.isolation_level = None  # the "begin" event starts transactions, not the driver
    connection.execute("PRAGMA foreign_keys = ON")
    record.info["deadline"] = math.inf
    # SQLite asks this while it computes, in the thread that waits for it. It does not ask while it waits for
    # a lock, which has its own patience.
    connection.set_progress_handler(lambda: time.monotonic() > record.info["deadline"], _STEPS)


def _start_the_clock(
    connection: Connection, _cursor: Any, statement: str, _values: Any, context: Any, _many: bool
) -> None:
    """Give the query its time. What checks the file (PRAGMA), and what is read bit by bit (a backup), may
    take as long as it takes.
    """
    patient = statement.startswith("PRAGMA") or "yield_per" in context.execution_options
    keeps = connection.get_execution_options().get("purpose") == "keep"
    seconds = math.inf if patient else KEEPING_SECONDS if keeps else QUERY_SECONDS
    connection.info["deadline"] = time.monotonic() + seconds


def _set_up_postgres(connection: Any, record: object) -> None:  # noqa: ARG001
    with connection.cursor() as cursor:
        cursor.execute(f"SET statement_timeout = {int(QUERY_SECONDS * 1000)}")
    connection.commit()


def _begin_on_sqlite(connection: Connection) -> None:
    purpose = connection.get_execution_options().get("purpose")
    # With a write-ahead log, NORMAL never damages the file but may lose the last commits in a power cut. FULL
    # flushes each commit to the disk.
    connection.exec_driver_sql(f"PRAGMA synchronous = {'FULL' if purpose == 'keep' else 'NORMAL'}")
    connection.exec_driver_sql("BEGIN" if purpose == "read" else "BEGIN IMMEDIATE")


def _begin_on_postgres(connection: Connection) -> None:
    if connection.get_execution_options().get("purpose") == "keep":
        # Waiting for the lock counts as a query there.
        connection.exec_driver_sql(f"SET LOCAL statement_timeout = {int(KEEPING_SECONDS * 1000)}")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_KEEPING})")


def _use_a_write_ahead_log(engine: Engine) -> None:
    """Let readers and a writer work side by side. The file remembers it, so once is enough."""
    deadline = time.monotonic() + PATIENCE
    while True:
        connection = engine.raw_connection()
        try:
            connection.cursor().execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:  # two processes at once: here SQLite does not wait
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        finally:
            connection.close()


def _revision(connection: Connection) -> str | None:
    """The latest migration of this database, None when it has no tables of a gallery."""
    tables = set(inspect(connection).get_table_names())
    place = shown(connection.engine)
    if VERSION_TABLE not in tables:
        if strangers := tables & set(Base.metadata.tables):
            raise Refused(
                f"{place} holds tables of another program ({', '.join(sorted(strangers))}): "
                "choose another database for the gallery."
            )
        return None
    revision: str | None = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()
    if revision is None and tables & set(Base.metadata.tables):
        raise Unreadable(
            f"The gallery's database {place} is damaged: its version is lost; run studio gallery "
            "repair, which sets that file aside and finds the works in their files."
        )
    if revision not in (None, HEAD) and revision not in known_revisions():
        raise Refused(
            f"A newer studio wrote the gallery {place} (version {revision}): "
            "update the studio, or choose another gallery."
        )
    return revision


def known_revisions() -> set[str]:
    """The migrations that this studio has."""
    return {
        file.name.partition("_")[0]
        for file in (Path(__file__).parent / "migrations" / "versions").glob("[0-9]*.py")
    }


def _make_folder(file: Path) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise not_written(error, file.parent) from None
