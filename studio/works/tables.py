"""The gallery's tables.

A change here needs a migration in `studio/works/migrations`; a test compares the two.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    false,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

ARRIVING, HERE, LEAVING, TRASH = "arriving", "here", "leaving", "trash"
"""The states of a work or a source: see `WorkRow`."""


class Moment(TypeDecorator[datetime]):
    """A point in time with its zone, stored as UTC. SQLite has no zones, so there it is UTC by convention."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("A moment in the gallery needs its time zone: datetime.now(UTC).")
        return value.astimezone(UTC)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        moment: datetime = value
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


class Base(DeclarativeBase):
    """All tables of the gallery's database."""


class IdentityRow(Base):
    """Which gallery this is. The files' folder has the same name in it, so that no database tidies up the
    files of another gallery.
    """

    __tablename__ = "identity"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    gallery: Mapped[str] = mapped_column(String(32))


class WorkRow(Base):
    """A work.

    state: "arriving" until its files are whole in the store, then "here", and "leaving" while they are
    removed. "trash": it was removed, and can be brought back for a while (see `trash`). Only works that are
    here are shown.
    keeper: the process that adds or removes it (see `studio.works.keeper`), so that the unfinished works of a
    dead process can be told from those of a living one.
    search_text: everything a search looks at, folded (see `naming.folded`).
    look: the hash of how a picture looks (see `looking`), None where nobody has looked yet.
    starred: somebody likes it. No part of the work: its recipe and its id do not know.
    removed_at: since when it is in the trash.
    """

    __tablename__ = "works"

    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    state: Mapped[str] = mapped_column(String(16))
    kind: Mapped[str] = mapped_column(String(32))
    title: Mapped[str] = mapped_column(String(500))
    words: Mapped[str] = mapped_column(Text)
    search_text: Mapped[str] = mapped_column(Text)
    recipe_json: Mapped[str] = mapped_column(Text)
    fingerprint: Mapped[str] = mapped_column(String(64), index=True)
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    media_type: Mapped[str] = mapped_column(String(100))
    suffix: Mapped[str] = mapped_column(String(16))
    made_at: Mapped[datetime] = mapped_column(Moment)
    losses: Mapped[list[float | None]] = mapped_column(JSON)
    facts: Mapped[dict[str, Any]] = mapped_column(JSON)
    keeper: Mapped[str] = mapped_column(String(200), default="")
    look: Mapped[str | None] = mapped_column(String(64))
    starred: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    removed_at: Mapped[datetime | None] = mapped_column(Moment)

    __table_args__ = (
        Index("works_newest_first", "state", "made_at", "id"),
        Index("works_of_a_kind", "state", "kind", "made_at", "id"),
    )


class SourceRow(Base):
    """A file that works were made from. Its bytes are in the store, under its hash, once it is "here"."""

    __tablename__ = "sources"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(255))
    title: Mapped[str] = mapped_column(String(500))
    author: Mapped[str] = mapped_column(String(500))
    licence: Mapped[str] = mapped_column(String(500))
    size: Mapped[int] = mapped_column(BigInteger)
    kept_at: Mapped[datetime] = mapped_column(Moment)
    state: Mapped[str] = mapped_column(String(16))
    keeper: Mapped[str] = mapped_column(String(200), default="")


class ClaimRow(Base):
    """A source was kept for a work that is not made yet: one row for each time, deleted when the work comes.

    While the keeper of a claim lives, the source stays, even when the last work that used it is removed.
    """

    __tablename__ = "claims"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    keeper: Mapped[str] = mapped_column(String(200))
    kept_at: Mapped[datetime] = mapped_column(Moment)


class UseRow(Base):
    """Which source a work used, and in what role. A work whose file is the source is a parent."""

    __tablename__ = "uses"

    work_id: Mapped[str] = mapped_column(ForeignKey("works.id", ondelete="CASCADE"), primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64), primary_key=True, index=True)
    role: Mapped[str] = mapped_column(String(32), primary_key=True)


class JobRow(Base):
    """A work that was asked for.

    state: waiting, running, made, failed, cancelled or interrupted.
    worker: the process that runs it. seen_at: its last sign of life, for other machines, which cannot see
    whether the process lives.
    problem: what the error of a failed job knows beside its sentence (`studio.errors.error_data`), or None.
    owner: the session that asked, "" where nobody said. lane: the queue it waits in (see
    `studio.making.jobs`). turn: its place there; the lowest is next.
    """

    __tablename__ = "jobs"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    state: Mapped[str] = mapped_column(String(16), index=True)
    recipe_json: Mapped[str] = mapped_column(Text)
    fingerprint: Mapped[str] = mapped_column(String(64), index=True)
    asked_at: Mapped[datetime] = mapped_column(Moment)
    started_at: Mapped[datetime | None] = mapped_column(Moment)
    ended_at: Mapped[datetime | None] = mapped_column(Moment)
    done: Mapped[int] = mapped_column(Integer, default=0)
    total: Mapped[int] = mapped_column(Integer, default=0)
    stage: Mapped[str] = mapped_column(String(200), default="")
    loss: Mapped[float | None] = mapped_column(Float)
    message: Mapped[str] = mapped_column(Text, default="")
    problem: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    work_id: Mapped[str | None] = mapped_column(String(16))
    worker: Mapped[str] = mapped_column(String(200), default="")
    seen_at: Mapped[datetime | None] = mapped_column(Moment)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    owner: Mapped[str] = mapped_column(String(64), default="", server_default="")
    lane: Mapped[str] = mapped_column(String(16), default="", server_default="")
    turn: Mapped[float] = mapped_column(Float, default=0.0, server_default="0")
