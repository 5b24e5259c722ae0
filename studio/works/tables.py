"""The gallery's tables. A change here needs a migration in `studio/works/migrations`; a test compares the two."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, DateTime, Float, ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """All tables of the gallery's database."""


class WorkRow(Base):
    """A work. `state` is "arriving" until its files are whole in the store and "here" from then on; only works that are here are shown."""

    __tablename__ = "works"

    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    state: Mapped[str] = mapped_column(String(16))
    kind: Mapped[str] = mapped_column(String(32))
    title: Mapped[str] = mapped_column(String(500))
    words: Mapped[str] = mapped_column(Text)
    recipe_json: Mapped[str] = mapped_column(Text)
    fingerprint: Mapped[str] = mapped_column(String(64), index=True)
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    media_type: Mapped[str] = mapped_column(String(100))
    suffix: Mapped[str] = mapped_column(String(16))
    made_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    losses: Mapped[list[float]] = mapped_column(JSON)
    facts: Mapped[dict[str, str]] = mapped_column(JSON)
    keeper: Mapped[str] = mapped_column(String(200), default="")

    __table_args__ = (Index("works_newest_first", "state", "made_at"),)


class SourceRow(Base):
    """A file works were made from; its bytes stand in the store under its hash."""

    __tablename__ = "sources"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(255))
    title: Mapped[str] = mapped_column(String(500))
    author: Mapped[str] = mapped_column(String(500))
    licence: Mapped[str] = mapped_column(String(500))
    size: Mapped[int] = mapped_column(Integer)
    kept_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    state: Mapped[str] = mapped_column(String(16))
    keeper: Mapped[str] = mapped_column(String(200), default="")


class UseRow(Base):
    """Which source a work used, and as what. Where the source is itself a work's file, that work is a parent."""

    __tablename__ = "uses"

    work_id: Mapped[str] = mapped_column(ForeignKey("works.id", ondelete="CASCADE"), primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64), primary_key=True, index=True)
    role: Mapped[str] = mapped_column(String(32), primary_key=True)


class JobRow(Base):
    """A making that was asked for, from the moment of asking.

    state: waiting, running, made, failed, cancelled or interrupted. worker: which process answers for it while it runs, so that a dead
    one's jobs can be told; seen_at: its last sign of life, for those who stand at another machine and cannot look whether it lives.
    """

    __tablename__ = "jobs"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    state: Mapped[str] = mapped_column(String(16), index=True)
    recipe_json: Mapped[str] = mapped_column(Text)
    fingerprint: Mapped[str] = mapped_column(String(64), index=True)
    asked_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    started_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    done: Mapped[int] = mapped_column(Integer, default=0)
    total: Mapped[int] = mapped_column(Integer, default=0)
    stage: Mapped[str] = mapped_column(String(200), default="")
    loss: Mapped[float | None] = mapped_column(Float)
    message: Mapped[str] = mapped_column(Text, default="")
    work_id: Mapped[str | None] = mapped_column(String(16))
    worker: Mapped[str] = mapped_column(String(200), default="")
    seen_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    attempts: Mapped[int] = mapped_column(Integer, default=0)
