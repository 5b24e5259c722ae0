"""Restores a gallery from a backup, into SQLite or PostgreSQL, whichever it came from."""

from __future__ import annotations

import contextlib
import hashlib
import struct
import zlib
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from studio.errors import Missing, Refused, Unreadable
from studio.works import trash
from studio.works.care.archive import (
    FORMAT,
    LARGEST_FILE,
    LARGEST_TABLE,
    TABLES,
    broken,
    is_allowed,
    read_header,
    rows_in,
)
from studio.works.care.backups import EVERY
from studio.works.care.damage import SetAside, open_setting_aside
from studio.works.database import known_revisions
from studio.works.gallery import Gallery
from studio.works.naming import LOST, lost_file
from studio.works.output import not_written
from studio.works.private import write_private_file
from studio.works.recovery import Recovered
from studio.works.storage import Storage
from studio.works.tables import Base, ClaimRow, JobRow, SourceRow, UseRow, WorkRow
from studio.works.work import Progress

BATCH = 200
"""Rows that are entered in one statement."""


@dataclass(frozen=True)
class Restored:
    """What is in a gallery that was restored.

    incomplete: files that were not in the backup. recovered: what was put in order afterwards, such as files
    of the works that were there before, which go to the lost and found. aside: the damaged database that was
    there, and was set aside.
    """

    works: int
    sources: int
    jobs: int
    incomplete: tuple[str, ...]
    recovered: Recovered
    aside: SetAside | None = None


def restore(
    path: Path,
    home: Path | None = None,
    *,
    database: str | None = None,
    files: str | None = None,
    force: bool = False,
) -> Generator[Progress, None, Restored]:
    """Read a gallery back from a backup. The whole archive is checked before anything is changed.

    home, database, files: where the gallery will be, as `Gallery.open` takes them. force: replace the works
    that are there; their files go to the lost and found, and what is in the trash is gone. The database
    changes in one transaction, at the end. A damaged one is set aside first.
    Raises `Refused` where there are works and not `force`, and for the backup of a newer studio; `Missing`
    where there is no such file; `Unreadable` for what is not a complete backup.
    """
    path = Path(path)
    if not path.is_file():
        raise Missing(f"There is no file {path}: name the backup to restore.")
    with _reading(path) as archive:
        plan = _check(archive, path)
        yield Progress(0, len(plan.files) + 1, "checked")
        gallery, aside = open_setting_aside(home, database=database, files=files)
        with gallery:
            _refuse_to_overwrite(gallery, force)
            written: list[str] = []
            removed_before = trash.files(gallery.storage)
            try:
                for number, name in enumerate(plan.files, 1):
                    if _write_file(archive, name, gallery, force):
                        written.append(name)
                    if number % EVERY == 0 or number == len(plan.files):
                        yield Progress(number, len(plan.files) + 1, f"file {number} of {len(plan.files)}")
                with gallery.storage.keeping() as session:
                    counts = _replace_rows(session, archive, plan, force)
            except BaseException:
                _take_away(gallery.storage, written)
                raise
            recovered = gallery.recover()
            for name in removed_before:  # a repair would take them back
                gallery.storage.store.delete(lost_file(name))
            yield Progress(len(plan.files) + 1, len(plan.files) + 1, "database")
    return Restored(counts["works"], counts["sources"], counts["jobs"], plan.incomplete, recovered, aside)


@dataclass
class _Plan:
    """What will be restored. removed: works that were removed while the backup was written."""

    files: list[str]
    incomplete: tuple[str, ...] = ()
    removed: set[str] = field(default_factory=set)


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[ZipFile]:
    """The archive. Whatever is wrong with it is said in one sentence."""
    try:
        with ZipFile(path) as archive:
            yield archive
    except (BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError) as error:
        raise broken(path, error) from None
    except OSError as error:
        raise Unreadable(f"{path} cannot be read ({error.strerror or error}): check its disk.") from None


# Before anything is changed


def _check(archive: ZipFile, path: Path) -> _Plan:
    """Look at every entry and every row. Raises `Unreadable` or `Refused`."""
    try:
        header = read_header(archive)
        if header["format"] > FORMAT or header.get("revision") not in known_revisions():
            raise Refused(
                f"A newer studio wrote the backup {path} ({header.get('studio', '?')}): update the studio."
            )
        files = _check_entries(archive.infolist(), path.stat().st_size)
        removed = {str(id) for id in header.get("removed", ())}
        incomplete = {str(name) for name in header.get("incomplete", ())}
        _check_rows(archive, header.get("rows", {}), set(files), incomplete, removed)
    except (ValueError, KeyError, TypeError, AttributeError, RuntimeError, RecursionError) as error:
        raise broken(path, error) from None
    return _Plan(files, tuple(sorted(incomplete)), removed)


def _check_entries(entries: list[ZipInfo], size: int) -> list[str]:
    """The names of the files to restore. Raises `ValueError` for names and sizes that no backup has."""
    names = [entry.filename for entry in entries]
    if len(set(names)) < len(names):
        raise ValueError("a name occurs twice in it")
    for entry in entries:
        if not is_allowed(entry.filename):
            raise ValueError(f"{entry.filename[:80]!r} does not belong in one")
        packed = entry.filename.startswith("rows/")
        if entry.compress_type != (ZIP_DEFLATED if packed else ZIP_STORED) or entry.flag_bits & 1:
            raise ValueError(f"{entry.filename} is not packed as in one")
        if entry.file_size > (LARGEST_TABLE if packed else LARGEST_FILE):
            raise ValueError(f"{entry.filename} is too large")
    stored = [entry for entry in entries if entry.compress_type == ZIP_STORED]
    if sum(entry.file_size for entry in stored) > size:  # entries that share their bytes
        raise ValueError("its parts are larger than the whole")
    return [name for name in names if name.startswith(("files/", "home/"))]


def _check_rows(
    archive: ZipFile, counts: dict[str, int], files: set[str], incomplete: set[str], removed: set[str]
) -> None:
    """Whether the rows fit together and have their files."""
    works: set[str] = set()
    for table in TABLES:
        keys: set[tuple[Any, ...]] = set()
        for row in rows_in(archive, table):
            keys.add(tuple(row[column.key] for column in table.__table__.primary_key))
            if table is UseRow and row["work_id"] not in works:
                raise ValueError("a row names a work that is not in it")
            for name in _files_of(table, row):
                if f"files/{name}" not in files and name not in incomplete and row.get("id") not in removed:
                    raise ValueError(f"{name} is missing")
        if len(keys) != counts[table.__tablename__]:
            raise ValueError(f"rows of {table.__tablename__} are missing or occur twice")
        if table is WorkRow:
            works = {key[0] for key in keys}


def _files_of(table: type[Base], row: dict[str, Any]) -> list[str]:
    sha256 = row.get("sha256", "")
    if table is WorkRow:
        return [f"works/{sha256[:2]}/{sha256}{row['suffix']}", f"thumbs/{sha256[:2]}/{sha256}.jpg"]
    return [f"sources/{sha256[:2]}/{sha256}"] if table is SourceRow else []


def _refuse_to_overwrite(gallery: Gallery, force: bool) -> None:
    if gallery.read_only:
        raise Refused(f"The gallery in {gallery.home} cannot be written to: choose another place.")
    with gallery.storage.reading() as session:
        works = session.scalar(select(func.count()).select_from(WorkRow)) or 0
    if works and not force:
        raise Refused(
            f"The gallery in {gallery.home} has {works} works already: restore into another folder, "
            "or let them be replaced.",
            setting="force",
        )


# The files, and then the rows


def _write_file(archive: ZipFile, entry: str, gallery: Gallery, force: bool) -> bool:
    """Write a file of the archive to its place. False where it is there already. Raises `Unreadable`."""
    content = archive.read(entry)
    room, _, name = entry.partition("/")
    if room == "home":
        target = gallery.home / name
        if target.exists() and not force:
            return False
        try:
            write_private_file(target, content)
        except OSError as error:
            raise not_written(error, target) from None
        return False  # it is never taken away again
    sha256 = name.rpartition("/")[2].partition(".")[0]
    store = gallery.storage.store
    hashed = name.startswith(("works/", "sources/"))
    if hashed and hashlib.sha256(content).hexdigest() != sha256:
        raise broken(archive.filename, f"{name} was changed")
    is_there = store.size(name) is not None
    if is_there and (not hashed or gallery.storage.intact(name, sha256)):
        return False
    store.write(name, content)
    return not is_there


def _replace_rows(session: Session, archive: ZipFile, plan: _Plan, force: bool) -> dict[str, int]:
    """Replace all rows by the archive's. Returns how many each table got."""
    there = session.scalar(select(func.count()).select_from(WorkRow)) or 0
    if there and not force:
        raise Refused("Another process has just added works to this gallery: nothing was restored.")
    for old in (UseRow, ClaimRow, JobRow, WorkRow, SourceRow):
        session.execute(delete(old))
    counts = {}
    for table in TABLES:
        counts[table.__tablename__] = 0
        batch: list[dict[str, Any]] = []
        for row in rows_in(archive, table):
            if row.get("work_id" if table is UseRow else "id") in plan.removed:
                continue
            batch.append(row)
            counts[table.__tablename__] += 1
            if len(batch) == BATCH:
                session.execute(insert(table), batch)
                batch = []
        if batch:
            session.execute(insert(table), batch)
    return counts


def _take_away(storage: Storage, written: list[str]) -> None:
    """Delete what a failed restore has written, so that the gallery is as before."""
    with contextlib.suppress(Exception):
        for entry in written:
            name = entry.removeprefix("files/")
            if not name.startswith(LOST):
                storage.store.delete(name)
