"""Backs a gallery up into one archive, while the studio runs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from studio.version import __version__
from studio.works import recovery, trash
from studio.works.care.archive import FORMAT, HEADER, OF_THE_HOME, TABLES, encode_row, is_allowed, rows_file
from studio.works.database import HEAD
from studio.works.gallery import Gallery
from studio.works.naming import lost_file, source_file, thumbnail_file, work_file
from studio.works.output import writing
from studio.works.private import FILE
from studio.works.storage import Storage
from studio.works.tables import HERE, Base, IdentityRow, JobRow, SourceRow, UseRow, WorkRow
from studio.works.work import Progress

EVERY = 50
"""Files between two `Progress`es."""


@dataclass(frozen=True)
class Backup:
    """A backup that was written.

    incomplete: files that are not in it, since the gallery lost them or they were changed on the disk.
    """

    path: Path
    works: int
    sources: int
    jobs: int
    size: int
    incomplete: tuple[str, ...]


def backup(gallery: Gallery, path: Path, *, force: bool = False) -> Generator[Progress, None, Backup]:
    """Write the whole gallery to one file, to be read back by `restore`. Nobody has to close the studio.

    The rows are those of one moment. In it are works, sources and jobs, and the styles and models of one's
    own. path: the file, or a folder, where it is named after the day. force: replace a file.
    The file is written whole or not at all, and only its owner may read it. Raises `Refused` when it exists
    or the disk is full, `Missing` when there is no such folder.
    """
    path = Path(path)
    if path.is_dir():
        path = path / f"studio-{datetime.now():%Y-%m-%d}.zip"
    with writing(path, force=force, mode=FILE) as file:
        written = yield from _write(gallery, file, path)
    return written


def _write(gallery: Gallery, file: BinaryIO, path: Path) -> Generator[Progress, None, Backup]:
    storage = gallery.storage
    with ZipFile(file, "w", ZIP_STORED, allowZip64=True) as archive:
        yield Progress(0, 1, "database")
        contents = _write_rows(storage, archive)
        incomplete: list[str] = []
        for number, (name, sha256) in enumerate(contents.files.items(), 1):
            content = storage.read(name)
            if content is None or (sha256 and hashlib.sha256(content).hexdigest() != sha256):
                incomplete.append(name)
            else:
                archive.writestr(_entry(f"files/{name}"), content)
            if number % EVERY == 0 or number == len(contents.files):
                yield Progress(number, len(contents.files), f"file {number} of {len(contents.files)}")
        for name, content in _of_the_home(gallery.home):
            archive.writestr(_entry(name), content)
        removed, incomplete = _removed_meanwhile(storage, contents.works, incomplete)
        header = {
            "format": FORMAT,
            "studio": __version__,
            "revision": HEAD,
            "gallery": _identity(storage),
            "made_at": datetime.now(UTC).isoformat(),
            "rows": contents.counts,
            "removed": removed,
            "incomplete": incomplete,
        }
        archive.writestr(_entry(HEADER), json.dumps(header, indent=1))
    return Backup(
        path,
        contents.counts["works"] - len(removed),
        contents.counts["sources"],
        contents.counts["jobs"],
        file.tell(),
        tuple(incomplete),
    )


@dataclass
class _Contents:
    """What goes into a backup.

    counts: rows of each table. works: ids by the name of their file. files: the store's names with the hash
    that the file must have, or "".
    """

    counts: dict[str, int]
    works: dict[str, str]
    files: dict[str, str]

    def add(self, row: Base) -> None:
        self.counts[row.__tablename__] += 1
        if isinstance(row, WorkRow):
            name = work_file(row.sha256, row.suffix)
            self.works[name] = row.id
            self.files |= {name: row.sha256, thumbnail_file(row.sha256): ""}
        elif isinstance(row, SourceRow):
            self.files[source_file(row.sha256)] = row.sha256


def _write_rows(storage: Storage, archive: ZipFile) -> _Contents:
    """Write all rows of one moment."""
    lost = {lost_file(name[0]): "" for name in recovery.lost_names(storage)}
    contents = _Contents({table.__tablename__: 0 for table in TABLES}, {}, lost)
    with storage.reading() as session:
        if storage.engine.dialect.name == "postgresql":  # SQLite's reading transaction sees one moment anyway
            session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        for table in TABLES:
            with archive.open(_entry(rows_file(table), ZIP_DEFLATED), "w", force_zip64=True) as lines:
                for row in _rows(session, table):
                    lines.write(encode_row(row))
                    contents.add(row)
    return contents


def _rows(session: Session, table: type[Base]) -> Iterator[Base]:
    """The rows that belong to a backup: what is whole. Claims belong to living processes and are left out, as
    is what was removed, though it could still be brought back.
    """
    wanted = select(table)
    if table in (WorkRow, SourceRow):
        wanted = wanted.where(table.state == HERE)  # type: ignore[attr-defined]
        if table is SourceRow:
            wanted = wanted.where(SourceRow.sha256.not_in(trash.only_for_trash()))
    elif table is UseRow:
        wanted = wanted.where(UseRow.work_id.in_(select(WorkRow.id).where(WorkRow.state == HERE)))
    elif table is JobRow:
        wanted = wanted.order_by(JobRow.asked_at)
    for row in session.scalars(wanted.execution_options(yield_per=200)):
        yield row
        session.expunge(row)


def _removed_meanwhile(
    storage: Storage, works: dict[str, str], incomplete: list[str]
) -> tuple[list[str], list[str]]:
    """The ids of works that were removed while they were backed up, and the files that are really missing."""
    with storage.reading() as session:
        there = set(session.scalars(select(WorkRow.id).where(WorkRow.state == HERE)))
        gone = [id for name, id in works.items() if name in incomplete and id not in there]
        kept = set(session.scalars(select(SourceRow.sha256)))
        hashes = set(session.scalars(select(WorkRow.sha256).where(WorkRow.state == HERE)))
    missing = [name for name in incomplete if name.rpartition("/")[2].partition(".")[0] in kept | hashes]
    return gone, missing


def _identity(storage: Storage) -> str:
    with storage.reading() as session:
        return session.scalars(select(IdentityRow.gallery)).one()


def _of_the_home(home: Path) -> Iterator[tuple[str, bytes]]:
    for folder in OF_THE_HOME:
        for file in sorted((home / folder).glob("*")):
            name = f"home/{folder}/{file.name}"
            if is_allowed(name) and file.is_file() and not file.is_symlink():
                yield name, file.read_bytes()


def _entry(name: str, compression: int = ZIP_STORED) -> ZipInfo:
    entry = ZipInfo(name, datetime.now().timetuple()[:6])
    entry.compress_type = compression
    entry.external_attr = (0o100000 | FILE) << 16
    return entry
