"""The trash: works that were removed and can be brought back for a while. Then they are gone for good.

A work in the trash is in no list, no search and no backup. Its files and sources stay where they are until
its time is over, or until the trash is emptied; then it is removed like any other (see `removing`). Time is
looked at whenever a gallery is opened, and every minute while the studio runs.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from sqlalchemy import Select, exists, select
from sqlalchemy.orm import Session, aliased

from studio.errors import Refused, StudioError
from studio.works import removing
from studio.works.finding import as_works, named
from studio.works.keeper import Keeper
from studio.works.naming import source_file, thumbnail_file, work_file
from studio.works.storage import Storage
from studio.works.tables import HERE, LEAVING, TRASH, UseRow, WorkRow
from studio.works.work import Work

KEPT_FOR = timedelta(days=1)
"""How long a removed work can be brought back."""


def discard(storage: Storage, ids: Iterable[str]) -> list[Work]:
    """See `Gallery.discard`."""
    now = datetime.now(UTC)
    with storage.keeping() as session:
        rows = list({row.id: row for row in (named(session, id) for id in ids)}.values())
        for row in rows:
            row.state, row.removed_at = TRASH, now
        return as_works(session, rows)


def bring_back(storage: Storage, ids: Iterable[str]) -> list[Work]:
    """See `Gallery.bring_back`."""
    with storage.keeping() as session:
        rows = [_in_trash(session, id) for id in ids]
        for row in rows:
            row.state, row.removed_at = HERE, None
        return as_works(session, rows)


def works(storage: Storage) -> list[Work]:
    """See `Gallery.trash`."""
    with storage.reading() as session:
        wanted = _trashed().order_by(WorkRow.removed_at.desc(), WorkRow.id)
        return as_works(session, session.scalars(wanted).all())


def empty(storage: Storage, ids: Iterable[str] | None = None) -> int:
    """See `Gallery.empty_trash`."""
    with storage.keeping() as session:
        rows = session.scalars(_trashed()).all() if ids is None else [_in_trash(session, id) for id in ids]
        going = _let_go(rows)
    return _delete(storage, going)


def empty_what_is_due(storage: Storage) -> int:
    """Delete for good what was removed long enough ago. Returns how many works that were."""
    due = _trashed().where(WorkRow.removed_at < datetime.now(UTC) - KEPT_FOR)
    with storage.reading() as session:  # most often there is nothing to do, and nobody need wait
        if session.scalars(due.limit(1)).first() is None:
            return 0
    with storage.keeping() as session:
        going = _let_go(session.scalars(due).all())
    return _delete(storage, going)


def gone_at(work: Work) -> datetime | None:
    """When a work in the trash is deleted for good; None for any other work."""
    return work.removed_at + KEPT_FOR if work.removed_at is not None else None


def only_for_trash() -> Select[str]:
    """The hashes of sources that only works in the trash used."""
    also = aliased(UseRow)
    elsewhere = exists().where(also.sha256 == UseRow.sha256, also.work_id.not_in(_ids()))
    return select(UseRow.sha256).where(UseRow.work_id.in_(_ids()), ~elsewhere)


def files(storage: Storage) -> list[str]:
    """The store's names of the files that only the trash needs."""
    with storage.reading() as session:
        rows = session.scalars(_trashed()).all()
        here = set(session.scalars(select(WorkRow.sha256).where(WorkRow.state != TRASH)))
        sources = session.scalars(only_for_trash()).all()
    own = [
        name
        for row in rows
        if row.sha256 not in here
        for name in (work_file(row.sha256, row.suffix), thumbnail_file(row.sha256))
    ]
    return [*own, *map(source_file, sources)]


def _trashed() -> Select[WorkRow]:
    return select(WorkRow).where(WorkRow.state == TRASH)


def _ids() -> Select[str]:
    return select(WorkRow.id).where(WorkRow.state == TRASH)


def _in_trash(session: Session, id: str) -> WorkRow:
    rows = session.scalars(_trashed().where(WorkRow.id.startswith(id.strip().lower(), autoescape=True))).all()
    if len(rows) > 1:
        raise Refused(f"Several works in the trash begin with '{id[:20]}': give more letters.")
    if not rows or not id.strip():
        raise Refused(f"The work '{id[:20]}' is not in the trash: it was deleted for good, or never removed.")
    return rows[0]


def _let_go(rows: Iterable[WorkRow]) -> list[str]:
    going = list(rows)
    for row in going:
        row.state, row.keeper = LEAVING, str(Keeper.this())
    return [row.id for row in going]


def _delete(storage: Storage, ids: list[str]) -> int:
    """Delete these works. What cannot be deleted stays in the trash; the first error is raised at the end."""
    failed: list[StudioError] = []
    for id in ids:
        try:
            removing.delete(storage, id, otherwise=TRASH)
        except StudioError as error:
            failed.append(error)
    if failed:
        raise failed[0]
    return len(ids)
