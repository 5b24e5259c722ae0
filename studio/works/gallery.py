"""The gallery: works with their recipes and sources, whole or not there, whoever dies at whatever moment.

A work's row is committed as "arriving" before its files are written, and as "here" once they are whole; it is
"leaving" while they are removed. Files are only removed inside a "keep" transaction, of which there is one at
a time, and only when no row names them; a row becomes "here" only in such a transaction too, after a look at
its files. So nobody ever waits for a dead process, and several may add, remove and open at once. What a dead
process left is finished or cleared by whoever opens the gallery next.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
import os
import re
import unicodedata
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Any

from sqlalchemy import URL, Engine, Select, delete, exists, func, or_, select, tuple_
from sqlalchemy.orm import Session, load_only

from studio.errors import Missing, Refused, StudioError, UnknownName, Unreadable
from studio.works import database as databases
from studio.works.home import home as home_of_this_person
from studio.works.keeper import Keeper
from studio.works.output import write_file
from studio.works.recipe import Recipe, Source
from studio.works.store import LocalStore, Store, open_store
from studio.works.tables import ClaimRow, IdentityRow, JobRow, SourceRow, UseRow, WorkRow
from studio.works.work import Made, Work

ARRIVING, HERE, LEAVING = "arriving", "here", "leaving"

UNFINISHED_JOBS = ("waiting", "running", "interrupted")
"""Jobs in these states still need their sources."""

FORGOTTEN_AFTER = timedelta(days=1)
"""A source that was kept and never used is removed after that, as is what a process of another machine left
half-done.
"""

ATTEMPTS = 20
"""How often to begin again when other processes remove at the same time what is being added."""

_SUFFIX = re.compile(r"\.[a-z0-9]{1,15}")
_NAME = re.compile(
    r"(?P<folder>works|thumbs|sources)/(?P<start>[0-9a-f]{2})/(?P<sha256>(?P=start)[0-9a-f]{62})(?P<suffix>\.[a-z0-9]{1,15})?"
)
_IDENTITY = "gallery.txt"


@dataclass(frozen=True)
class Recovered:
    """What was put in order after processes that died. All zeros: there was nothing to do."""

    works_finished: int = 0
    works_cleared: int = 0
    sources_cleared: int = 0
    files_cleared: int = 0

    def __bool__(self) -> bool:
        return any((self.works_finished, self.works_cleared, self.sources_cleared, self.files_cleared))


class Gallery:
    """Works in a database and a store of files. Safe to share between threads; other processes may have the
    same gallery open.
    """

    # So that another process can open the same: Gallery.open(home, database=database, files=files).
    home: Path
    database: str
    files: str

    def __init__(self, engine: Engine, store: Store, cache: LocalStore) -> None:
        """Use `open`. cache: where files of a store elsewhere are fetched to."""
        self.engine = engine
        self._store = store
        self._cache = cache
        self._for_reading = engine.execution_options(purpose="read")
        self._for_keeping = engine.execution_options(purpose="keep")

    @classmethod
    def open(
        cls, home: Path | None = None, *, database: str | None = None, files: str | None = None
    ) -> Gallery:
        """Open the gallery, creating it at its first use, and put in order what dead processes left.

        home: the studio's folder, by default `home()`.
        database: SQLAlchemy URL, by default what STUDIO_DATABASE names, else a SQLite file in the home.
        files: a folder or fsspec URL, by default what STUDIO_FILES names, else the folder "files" in the
        home.
        Raises `Refused` for a newer studio's gallery or files of another gallery, `Unreadable` for a damaged
        database, `Missing` when the database or the files cannot be reached.
        """
        folder = Path(home).expanduser().absolute() if home is not None else home_of_this_person()
        database = database or os.environ.get("STUDIO_DATABASE") or None
        files = files or os.environ.get("STUDIO_FILES") or str(folder / "files")
        store = open_store(files)
        engine = databases.connect(database or URL.create("sqlite", database=str(folder / "gallery.sqlite")))
        gallery = cls(engine, store, LocalStore(folder / "cache"))
        gallery.home, gallery.database, gallery.files = (
            folder,
            engine.url.render_as_string(hide_password=False),
            files,
        )
        try:
            with databases.sentences(databases.shown(engine)):
                databases.bring_up_to_date(engine)
            gallery._match_files_with_database()
            with contextlib.suppress(
                StudioError
            ):  # what cannot be put in order now (a disk without write access) can later
                gallery._recover(thoroughly=False)
        except BaseException:
            gallery.close()
            raise
        return gallery

    def close(self) -> None:
        """Let go of the database's connections."""
        self.engine.dispose()

    def __enter__(self) -> Gallery:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # Sources

    def keep_source(
        self,
        content: bytes,
        *,
        role: str,
        name: str = "",
        title: str = "",
        author: str = "",
        licence: str = "",
    ) -> Source:
        """Keep a file that works will be made from. The same content again is kept once.

        role: what it is for (photo, guide, style …). It stays as long as a work uses it, an unfinished job
        names it, or the work it was kept for can still come. Raises `Refused` when the disk is full or cannot
        be written to.
        """
        sha256 = hashlib.sha256(content).hexdigest()
        source = Source(
            sha256=sha256,
            role=role,
            name=_clean(PurePosixPath(name.replace("\\", "/")).name, 255),
            title=_clean(title, 500),
            author=_clean(author, 500),
            licence=_clean(licence, 500),
        )
        claim = uuid.uuid4().hex
        for _ in range(ATTEMPTS):
            with self._keeping() as session:
                self._announce_source(session, source, len(content), claim)
            try:
                if not self._intact(_source_file(sha256), sha256):
                    self._store.write(_source_file(sha256), content)
            except BaseException:
                with contextlib.suppress(Exception), self._keeping() as session:
                    self._withdraw_source(session, sha256, claim)
                raise
            with self._keeping() as session:
                row = session.get(SourceRow, sha256)
                if row is not None and self._store.size(_source_file(sha256)) == len(content):
                    row.state, row.keeper = HERE, ""
                    return source
        raise self._unsettled()

    def read_source(self, source: Source) -> bytes:
        """The bytes of a source. Raises `Missing` when the gallery has it not, `Refused` when they are no
        longer what was kept.
        """
        label = source.title or source.name or source.sha256[:8]
        content = self._read_if_there(_source_file(source.sha256))
        if content is None:
            with self._reading() as session:  # a work can be the source of another
                row = session.scalars(
                    select(WorkRow).where(WorkRow.sha256 == source.sha256, WorkRow.state == HERE).limit(1)
                ).first()
            content = self._read_if_there(_work_file(row.sha256, row.suffix)) if row else None
        if content is None:
            raise Missing(f"The source {label} is not in the gallery: give the file again.")
        if hashlib.sha256(content).hexdigest() != source.sha256:
            raise Refused(
                f"The gallery's copy of {label} is no longer the file that was kept: give the original again."
            )
        return content

    # Works

    def add(self, made: Made) -> Work:
        """Keep a finished work: when this returns it is whole and survives a power cut; when it raises it is
        not there.

        The same work again (same recipe, same file) gives the one that is there. Raises `Refused` when the
        disk is full or cannot be written to.
        """
        row = _row(made)
        self._keep_works_used_as_sources(made.recipe)
        for _ in range(ATTEMPTS):
            with self._keeping() as session:
                here = self._announce(session, row, made.recipe)
            try:
                self._write_files(row, made)
            except BaseException:
                if not here:
                    with contextlib.suppress(Exception), self._keeping() as session:
                        self._withdraw(session, row.id)
                raise
            with self._keeping() as session:
                if self._settle(session, row.id, len(made.content)):
                    return self._works(session, [session.get_one(WorkRow, row.id)])[0]
        raise self._unsettled()

    def get(self, id: str) -> Work:
        """The work with that id; the first letters are enough where no other begins with them.

        Raises `UnknownName` where there is none, `Refused` where there are several.
        """
        with self._reading() as session:
            return self._works(session, [self._named(session, id)])[0]

    def with_fingerprint(self, fingerprint: str) -> Work | None:
        """The newest work of a recipe, or None."""
        with self._reading() as session:
            return next(
                iter(
                    self._works(
                        session,
                        _shown(session, select(WorkRow).where(WorkRow.fingerprint == fingerprint))[:1],
                    )
                ),
                None,
            )

    def find(
        self, *, text: str = "", kind: str | None = None, limit: int = 60, after: Work | None = None
    ) -> list[Work]:
        """Works, newest first.

        text: words that must all occur in the title, the recipe in words, or the sources' names, titles and
        authors; neither case nor accents matter. after: the last work of the page before.
        """
        wanted = _matching(_here(), text, kind)
        if after is not None:
            wanted = wanted.where(tuple_(WorkRow.made_at, WorkRow.id) < tuple_(after.made_at, after.id))
        with self._reading() as session:
            return self._works(session, session.scalars(_newest_first(wanted).limit(max(0, limit))).all())

    def count(self, *, text: str = "", kind: str | None = None) -> int:
        """How many works `find` would give in all."""
        with self._reading() as session:
            return (
                session.scalar(
                    _matching(
                        select(func.count()).select_from(WorkRow).where(WorkRow.state == HERE), text, kind
                    )
                )
                or 0
            )

    def parents(self, work: Work) -> list[Work]:
        """The works this one was made from, newest first."""
        used = select(UseRow.sha256).where(UseRow.work_id == work.id)
        with self._reading() as session:
            return self._works(
                session,
                _shown(session, select(WorkRow).where(WorkRow.sha256.in_(used), WorkRow.id != work.id)),
            )

    def children(self, work: Work) -> list[Work]:
        """The works made from this one, newest first."""
        users = select(UseRow.work_id).where(UseRow.sha256 == work.sha256)
        with self._reading() as session:
            return self._works(
                session, _shown(session, select(WorkRow).where(WorkRow.id.in_(users), WorkRow.id != work.id))
            )

    def read(self, work: Work) -> bytes:
        """The work's file. Raises `Missing` when it was taken from the gallery's files, `Unreadable` when it
        was changed there.
        """
        content = self._read_if_there(_work_file(work.sha256, work.suffix))
        if content is None:
            raise self._lost(work)
        if hashlib.sha256(content).hexdigest() != work.sha256:
            raise Unreadable(
                f"The file of the work '{work.title}' ({work.id}) was changed on the disk: remake it from its recipe."
            )
        return content

    def thumbnail(self, work: Work) -> bytes:
        """The work's small picture: JPEG bytes."""
        content = self._read_if_there(_thumbnail_file(work.sha256))
        if content is None:
            raise self._lost(work)
        return content

    def local_path(self, work: Work) -> Path:
        """The work's file on this machine, to be served and not to be written to. It is fetched first where
        the store is elsewhere.
        """
        name = _work_file(work.sha256, work.suffix)
        if isinstance(self._store, LocalStore):
            path = self._store.folder / name
            if not path.is_file():
                raise self._lost(work)
        else:
            path = self._cache.folder / name
            if not path.is_file():
                self._cache.write(name, self.read(work))
        return path

    def export(self, work: Work, path: Path, *, force: bool = False) -> Path:
        """Write the work's file to `path`, whole or not at all; into a folder, under a name made of its title
        and id.

        Returns the path written. Raises `Refused` when something stands there and not `force`, or the name
        says another format.
        """
        path = Path(path)
        if path.is_dir():
            path = path / f"{_file_name(work.title)}-{work.id[:8]}{work.suffix}"
        alike = {".jpeg": ".jpg", ".midi": ".mid", ".xml": ".musicxml"}
        asked = path.suffix.lower()
        if alike.get(asked, asked) != alike.get(work.suffix, work.suffix):
            raise Refused(
                f"The work is a {work.suffix} file: name it {path.with_suffix(work.suffix).name} instead of {path.name}."
            )
        return write_file(self.read(work), path, force=force)

    def remove(self, id: str) -> None:
        """Remove a work and its files, and the sources that nothing else needs. Works made from it stay, with
        their own copy of it.

        Raises `UnknownName` where there is no such work, `Refused` when the files cannot be removed; then it
        is still there.
        """
        with self._keeping() as session:
            row = self._named(session, id)
            found = row.id
            row.state, row.keeper = LEAVING, str(Keeper.this())
        try:
            with self._keeping() as session:
                self._finish_leaving(session, found)
        except StudioError:
            with contextlib.suppress(StudioError), self._keeping() as session:
                left = session.get(WorkRow, found)
                if left is not None and left.state == LEAVING and self._is_whole(left):
                    left.state, left.keeper = HERE, ""
            raise

    def recover(self) -> Recovered:
        """Finish or clear what dead processes left, and remove files that no work and no source names. Live
        ones are not disturbed.
        """
        return self._recover(thoroughly=True)

    # How a work arrives

    def _announce(self, session: Session, new: WorkRow, recipe: Recipe) -> bool:
        """The row before the files: from now on they are wanted, and whoever finds it knows whose they are.
        True: it was here already.
        """
        row = session.get(WorkRow, new.id)
        if row is not None and row.state == HERE:
            return True
        if (
            row is not None
        ):  # left by a dead process, on its way out, or being added by another process as well: this one sees it through
            session.delete(row)
            session.flush()
        session.add(_copy(new, made_at=datetime.now(UTC), keeper=str(Keeper.this())))
        session.flush()
        session.add_all(
            UseRow(work_id=new.id, sha256=sha256, role=role)
            for sha256, role in {(s.sha256, s.role) for s in recipe.sources}
        )
        return False

    def _write_files(self, row: WorkRow, made: Made) -> None:
        if not self._intact(_work_file(row.sha256, row.suffix), row.sha256):
            self._store.write(_work_file(row.sha256, row.suffix), made.content)
        if self._store.size(_thumbnail_file(row.sha256)) is None:
            self._store.write(_thumbnail_file(row.sha256), made.thumbnail)

    def _settle(self, session: Session, id: str, size: int) -> bool:
        """Here, if row and files still stand: another process that added the same may have failed or been
        told to remove it since.
        """
        row = session.get(WorkRow, id)
        if (
            row is None
            or row.state == LEAVING
            or self._store.size(_work_file(row.sha256, row.suffix)) != size
        ):
            return False
        if self._store.size(_thumbnail_file(row.sha256)) is None:
            return False
        if row.state == ARRIVING:
            self._show(session, row)
        return True

    def _show(self, session: Session, row: WorkRow) -> None:
        row.state, row.keeper, row.made_at = HERE, "", datetime.now(UTC)
        for sha256 in session.scalars(select(UseRow.sha256).where(UseRow.work_id == row.id).distinct()).all():
            claims = session.scalars(
                select(ClaimRow).where(ClaimRow.sha256 == sha256).order_by(ClaimRow.kept_at)
            ).all()
            own = [claim for claim in claims if claim.keeper == str(Keeper.this())]
            for claim in (own or claims)[:1]:
                session.delete(claim)

    def _withdraw(self, session: Session, id: str) -> None:
        row = session.get(WorkRow, id)
        if row is not None and row.state == ARRIVING and row.keeper == str(Keeper.this()):
            self._clear(session, row)

    def _clear(self, session: Session, row: WorkRow) -> None:
        """Row and files of a work, except files that another row names too."""
        others = session.scalars(
            select(WorkRow.suffix).where(WorkRow.sha256 == row.sha256, WorkRow.id != row.id)
        ).all()
        if row.suffix not in others:
            self._store.delete(_work_file(row.sha256, row.suffix))
            self._cache.delete(_work_file(row.sha256, row.suffix))
        if not others:
            self._store.delete(_thumbnail_file(row.sha256))
        session.delete(row)
        session.flush()

    def _finish_leaving(self, session: Session, id: str) -> bool:
        row = session.get(WorkRow, id)
        if row is None or row.state != LEAVING:  # finished by another process, or added again meanwhile
            return False
        used = session.scalars(select(UseRow.sha256).where(UseRow.work_id == id).distinct()).all()
        self._clear(session, row)
        for sha256 in used:
            self._clear_source_unless_needed(session, sha256)
        return True

    def _keep_works_used_as_sources(self, recipe: Recipe) -> None:
        """A work made from a work keeps a copy of it, so that it can be remade when its parent was removed."""
        for source in recipe.sources:
            with self._reading() as session:
                kept = session.get(SourceRow, source.sha256) is not None
                parent = (
                    None
                    if kept
                    else session.scalars(_here().where(WorkRow.sha256 == source.sha256).limit(1)).first()
                )
                work = self._works(session, [parent])[0] if parent else None
            if work is not None:
                labels = source.model_dump(include={"role", "name", "title", "author", "licence"})
                self.keep_source(self.read(work), **labels)

    # How sources come and go

    def _announce_source(self, session: Session, source: Source, size: int, claim: str) -> None:
        now, keeper = datetime.now(UTC), str(Keeper.this())
        row = session.get(SourceRow, source.sha256)
        labels = source.model_dump(include={"name", "title", "author", "licence"})
        if row is None:
            row = SourceRow(
                sha256=source.sha256, size=size, state=ARRIVING, keeper=keeper, kept_at=now, **labels
            )
            session.add(row)
        row.kept_at = now
        for label, value in labels.items():
            if value and not getattr(row, label):
                setattr(row, label, value)
        if session.get(ClaimRow, claim) is None:
            session.add(ClaimRow(id=claim, sha256=source.sha256, keeper=keeper, kept_at=now))

    def _withdraw_source(self, session: Session, sha256: str, claim: str) -> None:
        session.execute(delete(ClaimRow).where(ClaimRow.id == claim))
        row = session.get(SourceRow, sha256)
        if row is not None and row.state == ARRIVING:
            self._clear_source_unless_needed(session, sha256)

    def _clear_source_unless_needed(self, session: Session, sha256: str) -> bool:
        row = session.get(SourceRow, sha256)
        if row is None or self._needed(session, sha256):
            return False
        self._store.delete(_source_file(sha256))
        session.execute(delete(ClaimRow).where(ClaimRow.sha256 == sha256))
        session.delete(row)
        return True

    def _needed(self, session: Session, sha256: str) -> bool:
        used = exists().where(UseRow.sha256 == sha256)
        asked_for = exists().where(JobRow.state.in_(UNFINISHED_JOBS), JobRow.recipe_json.contains(sha256))
        if session.scalar(select(or_(used, asked_for))):
            return True
        return any(
            not _abandoned(claim.keeper, claim.kept_at)
            for claim in session.scalars(select(ClaimRow).where(ClaimRow.sha256 == sha256))
        )

    # After a death

    def _recover(self, *, thoroughly: bool) -> Recovered:
        """thoroughly: look at every file of the store, too. Otherwise that is done only where somebody died."""
        files = self._store.clear_arriving() + self._cache.clear_arriving()
        done = Recovered(files_cleared=files)
        with self._reading() as session:
            half_done = session.scalars(select(WorkRow).where(WorkRow.state.in_((ARRIVING, LEAVING)))).all()
            half_kept = session.scalars(select(SourceRow).where(SourceRow.state != HERE)).all()
            claims = session.scalars(select(ClaimRow)).all()
            unused = session.scalars(
                select(SourceRow.sha256).where(
                    SourceRow.kept_at < datetime.now(UTC) - FORGOTTEN_AFTER,
                    ~exists().where(UseRow.sha256 == SourceRow.sha256),
                )
            ).all()
        dead_claims = [claim.id for claim in claims if _abandoned(claim.keeper, claim.kept_at)]
        if dead_claims:
            with self._keeping() as session:
                session.execute(delete(ClaimRow).where(ClaimRow.id.in_(dead_claims)))
        for work in half_done:
            if _abandoned(work.keeper, work.made_at):
                done = self._recover_work(work.id, work.keeper, done)
        for kept in half_kept:
            if _abandoned(kept.keeper, kept.kept_at):
                done = self._recover_source(kept.sha256, kept.keeper, done)
        for sha256 in unused:
            with self._keeping() as session:
                row = session.get(SourceRow, sha256)
                if (
                    row is not None
                    and row.kept_at < datetime.now(UTC) - FORGOTTEN_AFTER
                    and self._clear_source_unless_needed(session, sha256)
                ):
                    done = replace(done, sources_cleared=done.sources_cleared + 1)
        if thoroughly or done:
            done = replace(done, files_cleared=done.files_cleared + self._clear_orphans())
        return done

    def _recover_work(self, id: str, keeper: str, done: Recovered) -> Recovered:
        with self._keeping() as session:
            row = session.get(WorkRow, id)
            if row is None or row.keeper != keeper:  # another process was faster
                return done
            if row.state == LEAVING:
                self._finish_leaving(session, id)
                return replace(done, works_cleared=done.works_cleared + 1)
            if self._is_whole(row):
                self._show(session, row)
                return replace(done, works_finished=done.works_finished + 1)
            self._clear(session, row)
            return replace(done, works_cleared=done.works_cleared + 1)

    def _recover_source(self, sha256: str, keeper: str, done: Recovered) -> Recovered:
        with self._keeping() as session:
            row = session.get(SourceRow, sha256)
            if row is None or row.keeper != keeper or row.state == HERE:
                return done
            if self._intact(_source_file(sha256), sha256):
                row.state, row.keeper = HERE, ""
                return done
            if self._needed(session, sha256):  # somebody is about to write it
                return done
            self._clear_source_unless_needed(session, sha256)
            return replace(done, sources_cleared=done.sources_cleared + 1)

    def _clear_orphans(self) -> int:
        """Files under names the gallery would give and that no row names. Rows always come before files and
        go after them, so these are left from a power cut or a database that was put back from a copy. Other
        files are none of ours and stay."""
        names = [
            found
            for folder in ("works", "thumbs", "sources")
            for name in self._store.names(folder)
            if (found := _NAME.fullmatch(name))
        ]
        with self._reading() as session:
            wanted = self._wanted(session, None)
        suspects = [name for name in names if name[0] not in wanted]
        if suspects:
            with self._keeping() as session:
                wanted = self._wanted(session, {name["sha256"] for name in suspects})
                suspects = [name for name in suspects if name[0] not in wanted]
                for name in suspects:
                    self._store.delete(name[0])
        return len(suspects)

    def _wanted(self, session: Session, among: set[str] | None) -> set[str]:
        """Names of files that some row names, of whatever state."""
        works, sources = select(WorkRow.sha256, WorkRow.suffix), select(SourceRow.sha256)
        if among is not None:
            works, sources = (
                works.where(WorkRow.sha256.in_(among)),
                sources.where(SourceRow.sha256.in_(among)),
            )
        named = {_source_file(sha256) for sha256 in session.scalars(sources)}
        for sha256, suffix in session.execute(works):
            named |= {_work_file(sha256, suffix), _thumbnail_file(sha256)}
        return named

    # Files and rows

    def _match_files_with_database(self) -> None:
        """Raises `Refused` when the files belong to another gallery: tidying up would remove them all."""
        with self._reading() as session:
            own = session.scalars(select(IdentityRow.gallery)).one()
        there = self._read_if_there(_IDENTITY)
        if there is None:
            self._store.write(_IDENTITY, f"{own}\n".encode())
        elif there.decode("ascii", "replace").strip() != own:
            raise Refused(
                f"The files in {self._store} belong to another gallery than the database {databases.shown(self.engine)}: "
                "set STUDIO_FILES and STUDIO_DATABASE to those of one gallery, or STUDIO_HOME to a new folder."
            )

    def _is_whole(self, row: WorkRow) -> bool:
        return (
            self._intact(_work_file(row.sha256, row.suffix), row.sha256)
            and self._store.size(_thumbnail_file(row.sha256)) is not None
        )

    def _intact(self, name: str, sha256: str) -> bool:
        content = self._read_if_there(name)
        return content is not None and hashlib.sha256(content).hexdigest() == sha256

    def _read_if_there(self, name: str) -> bytes | None:
        try:
            return self._store.read(name)
        except FileNotFoundError:
            return None

    def _unsettled(self) -> StudioError:
        return Refused(
            f"What is written to {self._store} does not stay there, or others remove it at once: check the disk and try again."
        )

    def _lost(self, work: Work) -> StudioError:
        return Missing(
            f"The file of the work '{work.title}' ({work.id}) is gone from {self._store}: put it back, or remake it."
        )

    def _named(self, session: Session, id: str) -> WorkRow:
        start = id.strip().lower()
        rows: Sequence[WorkRow] = ()
        if re.fullmatch(r"[0-9a-f]{1,16}", start):
            rows = session.scalars(
                _here().where(WorkRow.id >= start, WorkRow.id < start + "g").order_by(WorkRow.id).limit(4)
            ).all()
        if len(rows) == 1:
            return rows[0]
        if rows:
            raise Refused(
                f"Several works begin with '{start}': give more letters of {', '.join(row.id for row in rows[:3])} …"
            )
        newest = session.scalars(
            _newest_first(select(WorkRow.id).where(WorkRow.state == HERE)).limit(200)
        ).all()
        raise UnknownName("work", id, newest)

    def _works(self, session: Session, rows: Iterable[WorkRow]) -> list[Work]:
        rows = list(rows)
        parents: dict[str, list[str]] = {row.id: [] for row in rows}
        if rows:
            wanted = (
                select(UseRow.work_id, WorkRow)
                .join(WorkRow, WorkRow.sha256 == UseRow.sha256)
                .where(UseRow.work_id.in_(parents))
            )
            found = session.execute(
                wanted.options(load_only(WorkRow.id, WorkRow.state, WorkRow.made_at))
            ).all()
            for child, parent in sorted(found, key=lambda pair: (pair[1].made_at, pair[1].id), reverse=True):
                if parent.state == HERE and parent.id != child and parent.id not in parents[child]:
                    parents[child].append(parent.id)
        return [
            Work(
                id=row.id,
                kind=row.kind,
                title=row.title,
                words=row.words,
                recipe_json=row.recipe_json,
                fingerprint=row.fingerprint,
                sha256=row.sha256,
                media_type=row.media_type,
                suffix=row.suffix,
                made_at=row.made_at,
                losses=tuple(math.nan if loss is None else loss for loss in row.losses),
                facts=dict(row.facts),
                parents=tuple(parents[row.id]),
            )
            for row in rows
        ]

    @contextlib.contextmanager
    def _reading(self) -> Iterator[Session]:
        with (
            databases.sentences(databases.shown(self.engine)),
            Session(self._for_reading, expire_on_commit=False) as session,
        ):
            yield session

    @contextlib.contextmanager
    def _keeping(self) -> Iterator[Session]:
        """One at a time in the whole gallery."""
        with (
            databases.sentences(databases.shown(self.engine)),
            Session(self._for_keeping, expire_on_commit=False) as session,
            session.begin(),
        ):
            yield session


def folded(text: str) -> str:
    """Text as a search compares it: without case and accents. "Tübingen" is found by "tubingen"."""
    plain = "".join(
        letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter)
    )
    return " ".join(plain.casefold().split())


def title_of(recipe: Recipe) -> str:
    """What a work is called: as its kind has it, or its first source, then its look where it has one, as in
    "tubingen, creatures".
    """
    if called := recipe.called():
        return _clean(called, 200)
    first = recipe.sources[0] if recipe.sources else None
    made_from = (first.title or Path(first.name).stem) if first else ""
    look = getattr(recipe, "preset", None) or recipe.kind
    return _clean(f"{made_from}, {look}" if made_from else f"{look}, seed {recipe.seed}", 200)


def work_id(fingerprint: str, sha256: str) -> str:
    """16 hexadecimal digits: the same recipe with the same result is the same work."""
    return hashlib.sha256(f"{fingerprint}{sha256}".encode()).hexdigest()[:16]


def _row(made: Made) -> WorkRow:
    if not _SUFFIX.fullmatch(made.suffix):
        raise Refused(
            f"'{made.suffix}' is no file suffix a work can have: it is a dot and up to 15 small letters or digits."
        )
    for what, value, most in (
        ("kind", made.recipe.kind, 32),
        *(("source's role", source.role, 32) for source in made.recipe.sources),
    ):
        if len(value) > most:
            raise Refused(
                f"The {what} '{value[:40]}…' is longer than {most} letters: give it a shorter name."
            )
    recipe, sha256 = made.recipe, hashlib.sha256(made.content).hexdigest()
    fingerprint, title, words = recipe.fingerprint, title_of(recipe), _clean(recipe.in_words(), 10_000)
    labels = [label for source in recipe.sources for label in (source.name, source.title, source.author)]
    return WorkRow(
        id=work_id(fingerprint, sha256),
        state=ARRIVING,
        kind=recipe.kind,
        title=title,
        words=words,
        search_text=_clean(folded(" ".join([title, words, *labels])), 20_000),
        recipe_json=recipe.to_json(),
        fingerprint=fingerprint,
        sha256=sha256,
        media_type=made.media_type[:100],
        suffix=made.suffix,
        made_at=datetime.now(UTC),
        losses=[
            float(loss) if math.isfinite(loss) else None for loss in made.losses
        ],  # JSON knows no infinity
        facts=_as_json(made.facts),
        keeper="",
    )


def _copy(row: WorkRow, **changes: object) -> WorkRow:
    values = {column.key: getattr(row, column.key) for column in WorkRow.__table__.columns}
    return WorkRow(**(values | changes))


def _here() -> Select[WorkRow]:
    return select(WorkRow).where(WorkRow.state == HERE)


def _matching(wanted: Select[Any], text: str, kind: str | None) -> Select[Any]:
    if kind is not None:
        wanted = wanted.where(WorkRow.kind == kind)
    for word in folded(text).split():
        wanted = wanted.where(WorkRow.search_text.contains(word, autoescape=True))
    return wanted


def _shown(session: Session, wanted: Select[WorkRow]) -> list[WorkRow]:
    """Those of a few rows that are here, newest first. The state is looked at last: SQLite would go by its
    index, and read every work.
    """
    rows = [row for row in session.scalars(wanted).all() if row.state == HERE]
    return sorted(rows, key=lambda row: (row.made_at, row.id), reverse=True)


def _newest_first(wanted: Select[Any]) -> Select[Any]:
    return wanted.order_by(WorkRow.made_at.desc(), WorkRow.id.desc())


def _abandoned(keeper: str, since: datetime) -> bool:
    """Whether what this keeper began will not be finished by it."""
    process = Keeper.read(keeper)
    return process is None or process.dead or since < datetime.now(UTC) - FORGOTTEN_AFTER


def _work_file(sha256: str, suffix: str) -> str:
    return f"works/{sha256[:2]}/{sha256}{suffix}"


def _thumbnail_file(sha256: str) -> str:
    return f"thumbs/{sha256[:2]}/{sha256}.jpg"


def _source_file(sha256: str) -> str:
    return f"sources/{sha256[:2]}/{sha256}"


def _clean(text: str, most: int) -> str:
    """Text a database takes: PostgreSQL knows no NUL, and a file name from another system may hold halves of
    letters.
    """
    text = text.replace("\0", "").encode("utf-8", "replace").decode()
    return text if len(text) <= most else text[: most - 1] + "…"


def _as_json(value: Any) -> Any:
    """Facts as both databases take them: no NUL in a text, no infinite number.

    Raises `TypeError` for what is no JSON value.
    """
    match value:
        case str():
            return _clean(value, 10_000)
        case None | bool() | int():
            return value
        case float():
            return value if math.isfinite(value) else None
        case Mapping():
            return {_clean(str(name), 200): _as_json(each) for name, each in value.items()}
        case list() | tuple():
            return [_as_json(each) for each in value]
    raise TypeError(f"A fact about a work has to be a JSON value, not a {type(value).__name__}.")


def _file_name(title: str) -> str:
    """A title as a file name that every system takes."""
    return re.sub(r"[^a-z0-9]+", "-", folded(title)).strip("-")[:60] or "work"
