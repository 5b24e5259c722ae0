"""What a backup consists of: a zip with a header, the database's rows as JSON lines, and the files.

    gallery.json              which gallery, when, by which studio, and how much is in it
    rows/TABLE.jsonl          one row a line, for works, sources, uses and jobs; the same for every database
    files/…                   the store's files, by their names there, stored without compression
    home/…                    your own styles and trained models

Rows are checked one by one when they are read: an archive may come from anywhere.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zipfile import BadZipFile, ZipFile

from sqlalchemy import JSON, Boolean, Float, Integer, String

from studio.errors import Unreadable
from studio.works.naming import LOST, STORED_NAME, SUFFIX, as_json, clean
from studio.works.tables import Base, JobRow, Moment, SourceRow, UseRow, WorkRow

FORMAT = 1
HEADER = "gallery.json"
TABLES: tuple[type[Base], ...] = (WorkRow, SourceRow, UseRow, JobRow)
"""The tables in the order in which their rows can be entered."""

OF_THE_HOME = ("styles/own", "models")
"""Folders of the home that are backed up with the gallery."""

LARGEST_FILE = 2 * 2**30
"""Bytes of the largest file that is restored."""
LARGEST_TABLE = 2 * 2**30
"""Bytes of the largest table that is restored, as JSON lines."""
LONGEST_ROW = 64 * 2**20
"""Bytes of the longest row."""
LARGEST_HEADER = 2**26

_SHA256 = re.compile(r"[0-9a-f]{64}")
_ID = re.compile(r"[0-9a-f]{16}")
_HOME_FILE = re.compile(r"home/(?:styles/own|models)/[A-Za-z0-9][A-Za-z0-9._-]{0,120}")
_STORE_FILE = re.compile(rf"files/(?:{LOST}/)?(?P<name>.+)")


def rows_file(table: type[Base]) -> str:
    """Where the archive has the rows of a table."""
    return f"rows/{table.__tablename__}.jsonl"


def is_allowed(name: str) -> bool:
    """Whether a backup may hold a file of this name. None of these leads out of the gallery's folders."""
    if name == HEADER or name in map(rows_file, TABLES):
        return True
    if _HOME_FILE.fullmatch(name):
        return ".." not in name
    found = _STORE_FILE.fullmatch(name)
    return found is not None and STORED_NAME.fullmatch(found["name"]) is not None


def encode_row(row: Base) -> bytes:
    """A row as one line of JSON."""
    values = {column.key: getattr(row, column.key) for column in row.__table__.columns}
    return json.dumps(values, ensure_ascii=False, default=datetime.isoformat).encode() + b"\n"


def rows_in(archive: ZipFile, table: type[Base]) -> Iterator[dict[str, Any]]:
    """The rows of a table, checked column by column. Raises `ValueError` for one that cannot be entered."""
    with archive.open(rows_file(table)) as lines:
        while line := lines.readline(LONGEST_ROW + 1):
            if len(line) > LONGEST_ROW:
                raise ValueError("a row is too long")
            fields = json.loads(line)
            if not isinstance(fields, dict):
                raise ValueError("a row is not an object")
            yield checked_row(table, fields)


def checked_row(table: type[Base], fields: dict[str, Any]) -> dict[str, Any]:
    """The row of a table as the database takes it, from the decoded JSON of one line. Raises `ValueError`."""
    row = {column.key: _checked(column, fields) for column in table.__table__.columns}
    _check_names(row)
    return row


def read_header(archive: ZipFile) -> dict[str, Any]:
    """The header, with the entries that restoring needs. Raises `ValueError` or `KeyError`."""
    about = archive.getinfo(HEADER)
    if about.file_size > LARGEST_HEADER:
        raise ValueError("the header is too long")
    header = json.loads(archive.read(about))
    if not isinstance(header, dict) or not isinstance(header.get("format"), int):
        raise ValueError("the header says nothing")
    for name in ("removed", "incomplete"):
        if not isinstance(header.get(name, []), list):
            raise ValueError(name)
    return header


def broken(path: object, why: object) -> Unreadable:
    """The error for a file that is not a backup, or not a whole one. why: in words, or an error."""
    said = (_in_words(why) if isinstance(why, Exception) else str(why)).rstrip(".")
    said = said[:160]  # it may quote a broken name of any length
    return Unreadable(f"{path} is not a complete backup of a gallery ({said}): take another copy.")


def _in_words(error: Exception) -> str:
    """What a person can make of an error. Python's own words are for programmers."""
    if isinstance(error, RecursionError):
        return "something in it is nested too deeply"
    if isinstance(error, UnicodeError | json.JSONDecodeError):
        return "a part of it is not JSON"
    if type(error) in (ValueError, BadZipFile):  # our own words, and those of the archive's reader
        return str(error)
    return "a part of it is not what it should be"


def _checked(column: Any, fields: dict[str, Any]) -> Any:
    """The value of a column as the database takes it."""
    value = fields.get(column.key)
    if value is None:
        if column.nullable:
            return None
        if column.default is not None and column.key not in fields:
            return column.default.arg
        raise ValueError(f"{column.key} is missing")
    if isinstance(column.type, Moment):
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ValueError(f"{column.key} has no time zone")
        return moment
    if isinstance(column.type, JSON):
        return as_json(value)
    if isinstance(column.type, Boolean) and value in (True, False):  # SQLite has 0 and 1
        return bool(value)
    if isinstance(column.type, Integer) and type(value) is int and abs(value) < 2**31 * 2**31:
        return value
    if isinstance(column.type, Float) and type(value) in (int, float):
        return float(value)
    if isinstance(column.type, String) and type(value) is str:
        if column.type.length is not None and len(value) > column.type.length:
            raise ValueError(f"{column.key} is too long")
        return clean(value, len(value))
    raise ValueError(f"{column.key} is not what it should be")


def _check_names(row: dict[str, Any]) -> None:
    """Names become paths of files, so they may hold nothing else."""
    if "suffix" in row and not SUFFIX.fullmatch(row["suffix"]):
        raise ValueError("a suffix is not one")
    if "sha256" in row and not _SHA256.fullmatch(row["sha256"]):
        raise ValueError("a hash is not one")
    if "kind" in row and not _ID.fullmatch(row["id"]):
        raise ValueError("an id is not one")
    if "losses" in row and not isinstance(row["losses"], list):
        raise ValueError("losses are not a list")
    for name in ("facts", "problem"):
        if row.get(name) is not None and not isinstance(row[name], dict):
            raise ValueError(f"{name} are not an object")
