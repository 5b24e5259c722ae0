"""How a work leaves: its row says so, then its files go, then the row and the sources that only it needed."""

from __future__ import annotations

import contextlib

from sqlalchemy import select
from sqlalchemy.orm import Session

from studio.errors import StudioError
from studio.works import sources
from studio.works.finding import named
from studio.works.keeper import Keeper
from studio.works.naming import thumbnail_file, work_file
from studio.works.storage import Storage
from studio.works.tables import HERE, LEAVING, UseRow, WorkRow


def remove(storage: Storage, id: str) -> None:
    """See `Gallery.remove`."""
    with storage.keeping() as session:
        row = named(session, id)
        found = row.id
        row.state, row.keeper = LEAVING, str(Keeper.this())
    delete(storage, found, otherwise=HERE)


def delete(storage: Storage, id: str, *, otherwise: str) -> None:
    """Finish the removal of a work whose row says that it leaves. otherwise: its state if that fails."""
    try:
        with storage.keeping() as session:
            finish_leaving(storage, session, id)
    except StudioError:
        with contextlib.suppress(StudioError), storage.keeping() as session:
            left = session.get(WorkRow, id)
            if left is not None and left.state == LEAVING and storage.is_whole(left):
                left.state, left.keeper = otherwise, ""
        raise


def finish_leaving(storage: Storage, session: Session, id: str) -> bool:
    """Remove what is left of a work that is leaving. False where there is nothing to do any more."""
    row = session.get(WorkRow, id)
    if row is None or row.state != LEAVING:  # finished by another process, or added again meanwhile
        return False
    used = session.scalars(select(UseRow.sha256).where(UseRow.work_id == id).distinct()).all()
    clear(storage, session, row)
    for sha256 in used:
        sources.clear_unless_needed(storage, session, sha256)
    return True


def clear(storage: Storage, session: Session, row: WorkRow) -> None:
    """Delete a work's row and its files, except files that another row names too."""
    others = session.scalars(
        select(WorkRow.suffix).where(WorkRow.sha256 == row.sha256, WorkRow.id != row.id)
    ).all()
    if row.suffix not in others:
        storage.store.delete(work_file(row.sha256, row.suffix))
        storage.cache.delete(work_file(row.sha256, row.suffix))
    if not others:
        storage.store.delete(thumbnail_file(row.sha256))
    session.delete(row)
    session.flush()
