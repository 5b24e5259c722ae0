"""A gallery's database and its files together: what finding, adding and removing works share."""

from __future__ import annotations

import contextlib
import hashlib
import random
import re
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import URL, Engine, func, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from studio.errors import Refused, StudioError
from studio.works import database as databases
from studio.works import naming
from studio.works.keeper import Keeper
from studio.works.output import not_written
from studio.works.private import make_private_file, make_private_folder, tighten
from studio.works.store import LocalStore, Store, open_store
from studio.works.tables import IdentityRow, JobRow, SourceRow, WorkRow

PATIENCE = 120.0
"""Seconds to wait for a database that another program keeps locked, before what was made is put aside."""

FORGOTTEN_AFTER = timedelta(days=1)
"""A source that no work used is removed after that, as is what another machine's process left unfinished."""

ATTEMPTS = 20
"""How often to start again when other processes remove what is being added."""


class Storage:
    """The database and the files of one gallery. Safe to share between threads.

    engine: of the database. store: the works' files. cache: where files of a store elsewhere are fetched to.
    read_only: the database cannot be written to, so nothing is put in order and nothing can be added.
    """

    def __init__(
        self,
        engine: Engine,
        store: Store,
        cache: LocalStore,
        home: Path,
        copy: TemporaryDirectory[str] | None = None,
    ) -> None:
        """Use `open`. copy: holds the copy of a database on a read-only disk."""
        self.engine, self.store, self.cache, self.home = engine, store, cache, home
        self.read_only = copy is not None
        database, folder = engine.url.database, home / "files"
        self._is_in_home = database == str(home / "gallery.sqlite") and str(store) == str(folder)
        self._copy = copy
        self._for_reading = engine.execution_options(purpose="read")
        self._for_keeping = engine.execution_options(purpose="keep")

    @classmethod
    def open(cls, home: Path, database: str | None, files: str) -> Storage:
        """Connect to the database and the files, and bring the tables up to date.

        Raises what `Gallery.open` raises.
        """
        address = database or URL.create("sqlite", database=str(home / "gallery.sqlite"))
        store, cache = open_store(files, home), LocalStore(home / "cache", private=True)
        if databases.cannot_be_written(address):
            copy = TemporaryDirectory(prefix="studio-gallery-")
            try:
                return cls(databases.connect_to_copy(address, Path(copy.name)), store, cache, home, copy)
            except BaseException:
                copy.cleanup()
                raise
        tighten(home)
        if database is None:
            _make_private(home / "gallery.sqlite")
        elif (file := databases.sqlite_file(database)) is not None and file.parent.is_dir():
            _make_private(file)
        storage = cls(databases.connect(address), store, cache, home)
        try:
            with databases.sentences(databases.shown(storage.engine)):
                databases.bring_up_to_date(storage.engine)
        except BaseException:
            storage.close()
            raise
        return storage

    def close(self) -> None:
        """Close the database's connections."""
        self.engine.dispose()
        if self._copy is not None:
            self._copy.cleanup()

    @contextlib.contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that reads and waits for nobody."""
        with (
            databases.sentences(databases.shown(self.engine)),
            Session(self._for_reading, expire_on_commit=False) as session,
        ):
            yield session

    @contextlib.contextmanager
    def keeping(self, patience: float = 0) -> Iterator[Session]:
        """A session that writes, one at a time in the whole gallery. It is committed at the end of the block.

        patience: seconds to go on asking for SQLite's write lock, beyond the 30 that the engine waits.
        """
        with databases.sentences(databases.shown(self.engine)), self._begun(patience) as session:
            yield session
            session.commit()

    @contextlib.contextmanager
    def _begun(self, patience: float) -> Iterator[Session]:
        deadline = time.monotonic() + patience
        while True:
            session = Session(self._for_keeping, expire_on_commit=False)
            try:
                session.connection()  # begins the transaction
                break
            except OperationalError as error:
                session.close()
                if "locked" not in str(error) or time.monotonic() > deadline:
                    raise
                time.sleep(random.uniform(0.01, 0.1))
        with session:
            yield session

    def check_identity(self) -> None:
        """Raises `Refused` when the files belong to another gallery: tidying up would take them all away.

        Files in the home itself are taken over by an empty database in that home: the old one was lost.
        """
        with self.reading() as session:
            own = session.scalars(select(IdentityRow.gallery)).one()
        content = self.read(naming.IDENTITY)
        there = content.decode("ascii", "replace").strip() if content is not None else None
        if there is None:
            if not self.read_only:
                self.store.write(naming.IDENTITY, f"{own}\n".encode())
        elif there != own and not self._take_over(there):
            raise Refused(
                f"The files in {self.store} belong to another gallery than the database "
                f"{databases.shown(self.engine)}: set STUDIO_FILES and STUDIO_DATABASE to those of one "
                "gallery, or STUDIO_HOME to a new folder."
            )

    def _take_over(self, identity: str) -> bool:
        """Make the files of a lost database those of this one, so that `care.repair` can take them back."""
        return self._is_in_home and self._adopt(identity)

    def adopt_files(self) -> None:
        """Take over the files of a damaged database that this one, still empty, stands in for."""
        content = self.read(naming.IDENTITY)
        if content is not None:
            self._adopt(content.decode("ascii", "replace").strip())

    def _adopt(self, identity: str) -> bool:
        if self.read_only or not re.fullmatch("[0-9a-f]{32}", identity):
            return False
        with self.keeping() as session:
            for table in (WorkRow, SourceRow, JobRow):
                if session.scalar(select(func.count()).select_from(table)):
                    return False
            session.execute(update(IdentityRow).values(gallery=identity))
        return True

    def read(self, name: str) -> bytes | None:
        """A file of the store, or None where there is none."""
        try:
            return self.store.read(name)
        except FileNotFoundError:
            return None

    def intact(self, name: str, sha256: str) -> bool:
        """Whether the store has the file and its content has this hash."""
        content = self.read(name)
        return content is not None and hashlib.sha256(content).hexdigest() == sha256

    def is_whole(self, row: WorkRow) -> bool:
        """Whether both of a work's files are there, and its own file is unchanged."""
        return (
            self.intact(naming.work_file(row.sha256, row.suffix), row.sha256)
            and self.store.size(naming.thumbnail_file(row.sha256)) is not None
        )

    def unsettled(self) -> StudioError:
        """What to raise when a file that was written is gone again and again."""
        return Refused(
            f"What is written to {self.store} does not stay there, or others remove it at once: "
            "check the disk and try again."
        )


def abandoned(keeper: str, since: datetime) -> bool:
    """Whether this keeper (see `studio.works.keeper`) will not finish what it began then."""
    process = Keeper.read(keeper)
    return process is None or process.dead or since < datetime.now(since.tzinfo) - FORGOTTEN_AFTER


def _make_private(database: Path) -> None:
    """SQLite would create its file readable by everybody. What it writes beside it gets the same mode."""
    try:
        make_private_folder(database.parent)
        make_private_file(database)
    except OSError as error:
        raise not_written(error, database) from None
