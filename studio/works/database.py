"""The gallery's database: SQLite in a file, or PostgreSQL by URL, brought up to date when it is opened.

Three purposes of a transaction, chosen with `engine.execution_options(purpose=...)`:

    (none)   writes; on SQLite it takes the write lock at once, so that reading first and writing later never ends in "locked"
    "read"   reads; waits for nobody and nobody waits for it
    "keep"   writes what must outlive a power cut, one such transaction at a time in the whole gallery, whatever the machine
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from studio.errors import Missing, Refused, StudioError, Unreadable
from studio.works.output import not_written
from studio.works.tables import Base

HEAD = "0002"
VERSION_TABLE = "gallery_version"

PATIENCE = 30.0
"""Seconds to wait for another process's lock; it holds one for milliseconds."""

_POSTGRES_DRIVER = "postgresql+psycopg"
_KEEPING = 0x5354554449  # the advisory lock of "keep" transactions on PostgreSQL


def connect(url: str | URL) -> Engine:
    """An engine for this URL; nothing is read or written yet, except that SQLite's folder is created.

    Raises `Refused` for a URL that is none or of another database, `Missing` when the driver is not
    installed.
    """
    try:
        address = make_url(url)
    except (ArgumentError, ValueError):
        raise Refused(
            "STUDIO_DATABASE is no database URL: write postgresql://USER@HOST/NAME, or sqlite:////FOLDER/gallery.sqlite."
        ) from None
    if address.drivername in ("postgres", "postgresql"):
        address = address.set(drivername=_POSTGRES_DRIVER)
    with sentences(address.render_as_string(hide_password=True)):
        if address.get_backend_name() == "sqlite":
            if not address.database or address.database == ":memory:":
                raise Refused(
                    "A gallery in memory would be lost at once: name a file, as in sqlite:////FOLDER/gallery.sqlite."
                )
            if not address.database.startswith("file:"):  # a URI of SQLite's own opens what is there
                _make_folder(Path(address.database).absolute())
            engine = create_engine(address, connect_args={"timeout": PATIENCE, "check_same_thread": False})
            event.listen(engine, "connect", _set_up_sqlite)
            event.listen(engine, "begin", _begin_on_sqlite)
        elif address.drivername == _POSTGRES_DRIVER:
            engine = create_engine(address, pool_pre_ping=True, connect_args={"connect_timeout": 10})
            event.listen(engine, "begin", _begin_on_postgres)
        else:
            raise Refused(
                f"The gallery's database can be SQLite or PostgreSQL, and {address.drivername} is neither."
            )
    return engine


def bring_up_to_date(engine: Engine) -> None:
    """Create the tables, or run the migrations that lack; nothing is done, and Alembic not loaded, where they
    are up to date.

    Raises `Refused` for the gallery of a newer studio and for tables that are no gallery's; then nothing was
    touched.
    """
    with engine.execution_options(purpose="read").connect() as connection:
        revision = _revision(connection)
    if revision == HEAD:
        return
    if engine.dialect.name == "sqlite":
        _use_a_write_ahead_log(engine)
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with engine.execution_options(purpose="keep").begin() as connection:
        if _revision(connection) != HEAD:  # another process may just have done it
            config.attributes["connection"] = connection
            command.upgrade(config, HEAD)


@contextlib.contextmanager
def sentences(database: str) -> Iterator[None]:
    """Whatever goes wrong with the database in this block is said in one sentence. `database`: its URL
    without a password.
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
            f"{database} is no database the studio can use: it can be SQLite or PostgreSQL."
        ) from None
    except PoolTimeout:
        raise Refused("The gallery's database is too busy: try again in a moment.") from None
    except (DBAPIError, sqlite3.Error) as error:
        told = _sentence(error, database)
        if told is None:
            raise
        raise told from error


def shown(engine: Engine) -> str:
    """The database as a person may see it: its file, or its URL without the password."""
    if engine.dialect.name == "sqlite":
        return str(engine.url.database)
    return engine.url.render_as_string(hide_password=True)


def _is_full(database: str) -> bool:
    """Whether there is no room for what SQLite keeps beside its file even to read it: it calls that an I/O
    error.
    """
    try:
        return shutil.disk_usage(Path(database).parent).free < 2**18
    except OSError:
        return False


def _sentence(error: SQLAlchemyError | sqlite3.Error, database: str) -> StudioError | None:
    """None where the error is none of the person's doing."""
    cause = getattr(error, "orig", None) or error
    said = (str(cause).strip().splitlines() or [type(cause).__name__])[0].rstrip(".")
    if isinstance(cause, sqlite3.Error):
        match getattr(cause, "sqlite_errorcode", 0) & 0xFF:
            case sqlite3.SQLITE_FULL:
                return Refused(
                    f"The disk of {database} is full: free some space and try again; nothing was left half-written."
                )
            case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
                return Refused(
                    f"Another program keeps {database} locked: close it, or try again in a moment."
                )
            case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM:
                return Refused(
                    f"{database} cannot be written to: give yourself the right to, or choose another folder with STUDIO_HOME."
                )
            case sqlite3.SQLITE_CANTOPEN:
                return Refused(
                    f"{database} cannot be opened: check its folder's permissions, or choose another with STUDIO_HOME."
                )
            case sqlite3.SQLITE_NOTADB | sqlite3.SQLITE_CORRUPT:
                return Unreadable(
                    f"The gallery's database {database} is damaged ({said}): put a copy of it back, or move the whole folder away."
                )
            case sqlite3.SQLITE_IOERR if _is_full(database):
                return Refused(
                    f"The disk of {database} is full: free some space and try again; nothing was left half-written."
                )
            case sqlite3.SQLITE_IOERR:
                return Refused(f"The disk of {database} failed ({said}): check it and try again.")
        return None
    if type(cause).__module__.partition(".")[0] == "psycopg":
        state = getattr(cause, "sqlstate", None) or ""
        if state.startswith("53"):
            return Refused(
                f"The database server of {database} is out of space or connections ({said}): mend that and try again."
            )
        if not state or state[:2] in ("08", "28", "3D", "57"):
            return Missing(
                f"The database {database} does not answer ({said}): start it or mend STUDIO_DATABASE."
            )
        if state in ("42501", "25006"):
            return Refused(
                f"The database {database} may not be written to ({said}): ask its owner for the right."
            )
    return None


def _set_up_sqlite(connection: Any, record: object) -> None:  # noqa: ARG001
    connection.isolation_level = (
        None  # the "begin" event says when a transaction begins and of which sort, not the driver
    )
    connection.execute("PRAGMA foreign_keys = ON")


def _begin_on_sqlite(connection: Connection) -> None:
    purpose = connection.get_execution_options().get("purpose")
    # In WAL, NORMAL never breaks the file but may forget the last commits at a power cut, and FULL flushes
    # each commit.
    connection.exec_driver_sql(f"PRAGMA synchronous = {'FULL' if purpose == 'keep' else 'NORMAL'}")
    connection.exec_driver_sql("BEGIN" if purpose == "read" else "BEGIN IMMEDIATE")


def _begin_on_postgres(connection: Connection) -> None:
    if connection.get_execution_options().get("purpose") == "keep":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_KEEPING})")


def _use_a_write_ahead_log(engine: Engine) -> None:
    """Readers and a writer side by side. The file remembers it, so it is asked for when the tables are made."""
    deadline = time.monotonic() + PATIENCE
    while True:
        connection = engine.raw_connection()
        try:
            connection.cursor().execute("PRAGMA journal_mode = WAL")
            return
        except (
            sqlite3.OperationalError
        ) as error:  # two processes at once: SQLite does not wait here by itself
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        finally:
            connection.close()


def _revision(connection: Connection) -> str | None:
    """The migration this database stands at, None when it is empty of gallery tables."""
    tables = set(inspect(connection).get_table_names())
    place = shown(connection.engine)
    if VERSION_TABLE not in tables:
        if strangers := tables & set(Base.metadata.tables):
            raise Refused(
                f"{place} holds tables of another program ({', '.join(sorted(strangers))}): choose another database for the gallery."
            )
        return None
    revision: str | None = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()
    if revision not in (None, HEAD) and revision not in _known():
        raise Refused(
            f"A newer studio wrote the gallery {place} (version {revision}): update the studio, or choose another gallery."
        )
    return revision


def _known() -> set[str]:
    return {
        file.name.partition("_")[0]
        for file in (Path(__file__).parent / "migrations" / "versions").glob("[0-9]*.py")
    }


def _make_folder(file: Path) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise not_written(error, file.parent) from None
