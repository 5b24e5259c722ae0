"""Checks a gallery: whether every file is there and unchanged, and every row agrees with its file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from studio.errors import StudioError
from studio.works import recovery
from studio.works.gallery import Gallery
from studio.works.metadata import extract
from studio.works.naming import source_file, thumbnail_file, work_file, work_id
from studio.works.storage import Storage, abandoned
from studio.works.tables import HERE, TRASH, SourceRow, UseRow, WorkRow
from studio.works.work import Progress


@dataclass(frozen=True)
class GalleryFlaw:
    """Something in a gallery that is not as it should be.

    what: database, work, thumbnail, recipe, source or unfinished. subject: a work's id or a source's sha256;
    empty for the database.
    """

    what: str
    subject: str
    sentence: str


@dataclass(frozen=True)
class GalleryReport:
    """What a check found.

    works, sources: how many there are. size: bytes of their files. flaws: what is wrong, one sentence each.
    orphans: files that no row names. lost_and_found: files that were put aside; `repair` takes them back.
    """

    works: int
    sources: int
    size: int
    flaws: tuple[GalleryFlaw, ...]
    orphans: int
    lost_and_found: int

    @property
    def sound(self) -> bool:
        """Whether there is nothing to repair."""
        return not (self.flaws or self.orphans or self.lost_and_found)


def check(gallery: Gallery) -> Generator[Progress, None, GalleryReport]:
    """Read every file of the gallery and compare it with its row. Nothing is changed.

    Raises `Missing` or `Refused` when the database or the files cannot be reached.
    """
    storage = gallery.storage
    with storage.reading() as session:
        works = session.scalars(
            select(WorkRow.id).where(WorkRow.state != TRASH).order_by(WorkRow.made_at)
        ).all()
        kept = session.scalars(select(SourceRow.sha256).order_by(SourceRow.kept_at)).all()
    total, size = len(works) + len(kept) + 1, 0
    flaws = list(_check_database(storage))
    yield Progress(1, total, "database")
    for number, id in enumerate(works, 1):
        found, bytes_read = _check_work(storage, id)
        flaws += found
        size += bytes_read
        yield Progress(1 + number, total, f"work {number} of {len(works)}")
    for number, sha256 in enumerate(kept, 1):
        found, bytes_read = _check_source(storage, sha256)
        flaws += found
        size += bytes_read
        yield Progress(1 + len(works) + number, total, f"source {number} of {len(kept)}")
    orphans, lost = len(recovery.orphans(storage)), len(recovery.lost_names(storage))
    return GalleryReport(len(works), len(kept), size, tuple(flaws), orphans, lost)


def recipe_fields(recipe_json: str) -> dict[str, Any] | None:
    """The fields of a recipe of any kind, or None for what is not a recipe."""
    try:
        fields = json.loads(recipe_json)
    except (ValueError, RecursionError):
        return None
    if not isinstance(fields, dict) or not isinstance(fields.get("kind"), str):
        return None
    sources = fields.get("sources", [])
    if not isinstance(sources, list) or not all(_is_source(source) for source in sources):
        return None
    return fields


def uses_of_work(session: Session, id: str) -> set[tuple[str, str]]:
    """The sources that the database lists for a work: (sha256, role)."""
    wanted = select(UseRow.sha256, UseRow.role).where(UseRow.work_id == id)
    return {(sha256, role) for sha256, role in session.execute(wanted)}


def fingerprint_of(fields: dict[str, Any]) -> str:
    """`Recipe.fingerprint` from the fields of any recipe, also of a kind that this studio does not know."""
    asked = {name: value for name, value in fields.items() if name not in ("setting", "model")}
    asked["sources"] = [[source["role"], source["sha256"]] for source in fields.get("sources", [])]
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def _is_source(source: Any) -> bool:
    return (
        isinstance(source, dict)
        and isinstance(source.get("sha256"), str)
        and isinstance(source.get("role"), str)
    )


def _check_database(storage: Storage) -> Iterator[GalleryFlaw]:
    if storage.engine.dialect.name != "sqlite":
        return
    with storage.reading() as session:
        said = session.execute(text("PRAGMA quick_check(1)")).scalar()
    if said != "ok":
        yield GalleryFlaw("database", "", f"The database is damaged ({said}): repair the gallery.")


def _check_work(storage: Storage, id: str) -> tuple[list[GalleryFlaw], int]:
    with storage.reading() as session:
        row = session.get(WorkRow, id)
        uses = uses_of_work(session, id)
    if row is None or row.state == TRASH:  # removed meanwhile
        return [], 0
    called = f"'{row.title}' ({id})"
    if row.state != HERE:
        unfinished = f"The work {called} was left unfinished by a process that died: repair the gallery."
        return [GalleryFlaw("unfinished", id, unfinished)] if abandoned(row.keeper, row.made_at) else [], 0
    content = storage.read(work_file(row.sha256, row.suffix))
    flaws = list(_check_file(row, called, content))
    if not storage.store.size(thumbnail_file(row.sha256)):
        flaws.append(
            GalleryFlaw("thumbnail", id, f"The small picture of {called} is gone: repair the gallery.")
        )
    flaws += _check_recipe(row, called, None if flaws else content)
    fields = recipe_fields(row.recipe_json)
    named = {(source["sha256"], source["role"]) for source in (fields or {}).get("sources", [])}
    if fields is not None and named != uses:
        flaws.append(
            GalleryFlaw(
                "recipe", id, f"The database does not list the sources of {called}: repair the gallery."
            )
        )
    for sha256, role in sorted(named):
        if not _has_source(storage, sha256):
            flaws.append(
                GalleryFlaw(
                    "source", sha256, f"The {role} that {called} was made from is gone: give it again."
                )
            )
    return flaws, len(content or b"")


def _check_file(row: WorkRow, called: str, content: bytes | None) -> Iterator[GalleryFlaw]:
    if content is None:
        yield GalleryFlaw(
            "work", row.id, f"The file of {called} is gone: repair the gallery, or restore a backup."
        )
    elif hashlib.sha256(content).hexdigest() != row.sha256:
        yield GalleryFlaw("work", row.id, f"The file of {called} was changed on the disk: restore a backup.")


def _check_recipe(row: WorkRow, called: str, content: bytes | None) -> Iterator[GalleryFlaw]:
    """content: of the work's file where that is unchanged."""
    fields = recipe_fields(row.recipe_json)
    if fields is None:
        yield GalleryFlaw(
            "recipe", row.id, f"The recipe of {called} is damaged in the database: repair the gallery."
        )
        return
    try:
        inside = extract(content) if content is not None else None
    except StudioError:
        inside = None
    right = work_id(row.fingerprint, row.sha256) == row.id
    if not right or (inside is not None and inside != row.recipe_json):
        yield GalleryFlaw(
            "recipe", row.id, f"The database and the file of {called} do not agree: repair the gallery."
        )


def _check_source(storage: Storage, sha256: str) -> tuple[list[GalleryFlaw], int]:
    with storage.reading() as session:
        row = session.get(SourceRow, sha256)
    if row is None or row.state != HERE:
        return [], 0
    called = row.title or row.name or sha256[:12]
    content = storage.read(source_file(sha256))
    if content is None:
        return [GalleryFlaw("source", sha256, f"The file of the source {called} is gone: give it again.")], 0
    if hashlib.sha256(content).hexdigest() != sha256:
        changed = f"The file of the source {called} was changed on the disk: give it again."
        return [GalleryFlaw("source", sha256, changed)], len(content)
    return [], len(content)


def _has_source(storage: Storage, sha256: str) -> bool:
    """Whether the source has a row. Its file is checked with that row."""
    with storage.reading() as session:
        if session.get(SourceRow, sha256) is not None:
            return True
        work = select(WorkRow.id).where(WorkRow.sha256 == sha256, WorkRow.state == HERE).limit(1)
        return session.scalars(work).first() is not None
