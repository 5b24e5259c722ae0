"""The sources of works: how they are kept, read, and removed when nothing needs them any more."""

from __future__ import annotations

import contextlib
import hashlib
import uuid
from datetime import UTC, datetime
from pathlib import PurePosixPath

from sqlalchemy import delete, exists, or_, select
from sqlalchemy.orm import Session

from studio.errors import Missing, Refused
from studio.works.finding import here
from studio.works.keeper import Keeper
from studio.works.naming import clean, source_file, work_file
from studio.works.recipe import Source
from studio.works.storage import ATTEMPTS, Storage, abandoned
from studio.works.tables import ARRIVING, HERE, ClaimRow, JobRow, SourceRow, UseRow, WorkRow

UNFINISHED_JOBS = ("waiting", "running", "interrupted")
"""Jobs in these states still need their sources."""


def labelled(sha256: str, role: str, name: str, title: str, author: str, licence: str) -> Source:
    """A source with labels as the database takes them; of the name, only the file's own."""
    return Source(
        sha256=sha256,
        role=role,
        name=clean(PurePosixPath(name.replace("\\", "/")).name, 255),
        title=clean(title, 500),
        author=clean(author, 500),
        licence=clean(licence, 500),
    )


def keep(storage: Storage, content: bytes, source: Source, patience: float = 0) -> Source:
    """Keep the bytes of `source`; see `Gallery.keep_source`."""
    name, claim = source_file(source.sha256), uuid.uuid4().hex
    for _ in range(ATTEMPTS):
        with storage.keeping(patience) as session:
            _announce(session, source, len(content), claim)
        try:
            if not storage.intact(name, source.sha256):
                storage.store.write(name, content)
        except BaseException:
            with contextlib.suppress(Exception), storage.keeping() as session:
                _withdraw(storage, session, source.sha256, claim)
            raise
        with storage.keeping(patience) as session:
            row = session.get(SourceRow, source.sha256)
            if row is not None and storage.store.size(name) == len(content):
                row.state, row.keeper = HERE, ""
                return source
    raise storage.unsettled()


def read(storage: Storage, source: Source) -> bytes:
    """See `Gallery.read_source`."""
    label = source.title or source.name or source.sha256[:8]
    content = storage.read(source_file(source.sha256))
    if content is None:
        with storage.reading() as session:  # a work can be the source of another
            row = session.scalars(here().where(WorkRow.sha256 == source.sha256).limit(1)).first()
        content = storage.read(work_file(row.sha256, row.suffix)) if row else None
    if content is None:
        raise Missing(f"The source {label} is not in the gallery: give the file again.")
    if hashlib.sha256(content).hexdigest() != source.sha256:
        raise Refused(
            f"The gallery's copy of {label} is no longer the file that was kept: give the original again."
        )
    return content


def clear_unless_needed(storage: Storage, session: Session, sha256: str) -> bool:
    """Remove a source, row and file, that nothing needs. True where it was removed."""
    row = session.get(SourceRow, sha256)
    if row is None or is_needed(session, sha256):
        return False
    storage.store.delete(source_file(sha256))
    session.execute(delete(ClaimRow).where(ClaimRow.sha256 == sha256))
    session.delete(row)
    return True


def release(storage: Storage, sha256s: set[str]) -> None:
    """Give up sources that this process kept for a work that will not come. What nothing else needs goes."""
    with storage.keeping() as session:
        for sha256 in sha256s:
            # One claim only: another work of this process may be made from the same file.
            mine = select(ClaimRow).where(ClaimRow.sha256 == sha256, ClaimRow.keeper == str(Keeper.this()))
            claim = session.scalars(mine.order_by(ClaimRow.kept_at).limit(1)).first()
            if claim is not None:
                session.delete(claim)
                session.flush()
                clear_unless_needed(storage, session, sha256)


def is_needed(session: Session, sha256: str) -> bool:
    """Whether a work uses it, an unfinished job names it, or a living process kept it for a work to come."""
    used = exists().where(UseRow.sha256 == sha256)
    asked_for = exists().where(JobRow.state.in_(UNFINISHED_JOBS), JobRow.recipe_json.contains(sha256))
    if session.scalar(select(or_(used, asked_for))):
        return True
    claims = session.scalars(select(ClaimRow).where(ClaimRow.sha256 == sha256))
    return any(not abandoned(claim.keeper, claim.kept_at) for claim in claims)


def settle_claims(session: Session, work_id: str) -> None:
    """Delete a claim on each source of a work that has come: this process's own, or else the oldest."""
    used = select(UseRow.sha256).where(UseRow.work_id == work_id).distinct()
    for sha256 in session.scalars(used).all():
        claims = session.scalars(
            select(ClaimRow).where(ClaimRow.sha256 == sha256).order_by(ClaimRow.kept_at)
        ).all()
        own = [claim for claim in claims if claim.keeper == str(Keeper.this())]
        for claim in (own or claims)[:1]:
            session.delete(claim)


def _announce(session: Session, source: Source, size: int, claim: str) -> None:
    """The row before the file, and a claim on it. Labels that are missing are added."""
    now, keeper = datetime.now(UTC), str(Keeper.this())
    labels = source.model_dump(include={"name", "title", "author", "licence"})
    row = session.get(SourceRow, source.sha256)
    if row is None:
        row = SourceRow(sha256=source.sha256, size=size, state=ARRIVING, keeper=keeper, kept_at=now, **labels)
        session.add(row)
    row.kept_at = now
    for label, value in labels.items():
        if value and not getattr(row, label):
            setattr(row, label, value)
    if session.get(ClaimRow, claim) is None:
        session.add(ClaimRow(id=claim, sha256=source.sha256, keeper=keeper, kept_at=now))


def _withdraw(storage: Storage, session: Session, sha256: str, claim: str) -> None:
    session.execute(delete(ClaimRow).where(ClaimRow.id == claim))
    row = session.get(SourceRow, sha256)
    if row is not None and row.state == ARRIVING:
        clear_unless_needed(storage, session, sha256)
