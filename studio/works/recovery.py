"""Finishes or clears what dead processes left, and puts files without a row aside.

Rows are written before files and deleted after them. So a file that no row names is left from a power cut, or
the database was replaced by an older copy. A whole source, and a work that is whole or has a recipe in it, is
then moved to the lost and found: nothing a person may want is deleted.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime

from sqlalchemy import delete, exists, select
from sqlalchemy.orm import Session

from studio.errors import Unreadable
from studio.works import adding, removing, sources, trash
from studio.works.log import write_log
from studio.works.metadata import extract
from studio.works.naming import LOST, STORED_NAME, lost_file, source_file, thumbnail_file, work_file
from studio.works.storage import FORGOTTEN_AFTER, Storage, abandoned
from studio.works.tables import ARRIVING, HERE, LEAVING, ClaimRow, SourceRow, UseRow, WorkRow

AT_ONCE = 20
"""Files that are looked at in one transaction, while other processes wait to write."""


@dataclass
class Recovered:
    """How much was put in order. All zeros: there was nothing to do.

    files_put_aside: moved to the lost and found. files_taken_back: moved back, since a row names them again.
    """

    works_finished: int = 0
    works_cleared: int = 0
    sources_cleared: int = 0
    files_cleared: int = 0
    files_put_aside: int = 0
    files_taken_back: int = 0

    def __bool__(self) -> bool:
        return any(getattr(self, field.name) for field in fields(self))


def recover(storage: Storage, *, thoroughly: bool) -> Recovered:
    """Put the gallery in order. Processes that live are not disturbed.

    thoroughly: look for files without a row, too. Otherwise that is done only where a process died.
    """
    done = Recovered(files_cleared=storage.store.clear_arriving() + storage.cache.clear_arriving())
    _take_back(storage, done)
    _forget_claims(storage)
    _finish_works(storage, done)
    trash.empty_what_is_due(storage)
    _finish_sources(storage, done)
    _forget_unused_sources(storage, done)
    if thoroughly or done:
        _clear_orphans(storage, done)
    return done


def lost_names(storage: Storage) -> list[re.Match[str]]:
    """The files in the lost and found, by the names that the store had them under."""
    names = (name.removeprefix(f"{LOST}/") for name in storage.store.names(LOST))
    return [found for name in names if (found := STORED_NAME.fullmatch(name))]


def orphans(storage: Storage) -> list[re.Match[str]]:
    """Files under the gallery's names that no row names, thumbnails last."""
    names = [
        found
        for folder in ("works", "sources", "thumbs")
        for name in storage.store.names(folder)
        if (found := STORED_NAME.fullmatch(name))
    ]
    with storage.reading() as session:
        wanted = _wanted(session, None)
    return [name for name in names if name[0] not in wanted]


def _take_back(storage: Storage, done: Recovered) -> None:
    """Files in the lost and found that a row names, since the newer database was put back, return."""
    names = lost_names(storage)
    with storage.reading() as session:  # most often there is nothing to do, and nobody need wait
        wanted = _wanted(session, {name["sha256"] for name in names}) if names else set()
    names = [name for name in names if name[0] in wanted]
    for start in range(0, len(names), AT_ONCE):
        batch = names[start : start + AT_ONCE]
        with storage.keeping() as session:
            wanted = _wanted(session, {name["sha256"] for name in batch})
            for name in batch:
                if name[0] not in wanted:
                    continue
                if storage.store.size(name[0]) is None:
                    storage.store.move(lost_file(name[0]), name[0])
                    done.files_taken_back += 1
                elif name["folder"] == "thumbs" or storage.intact(name[0], name["sha256"]):
                    storage.store.delete(lost_file(name[0]))


def _forget_claims(storage: Storage) -> None:
    with storage.reading() as session:
        claims = session.scalars(select(ClaimRow)).all()
    dead = [claim.id for claim in claims if abandoned(claim.keeper, claim.kept_at)]
    if dead:
        with storage.keeping() as session:
            session.execute(delete(ClaimRow).where(ClaimRow.id.in_(dead)))


def _finish_works(storage: Storage, done: Recovered) -> None:
    with storage.reading() as session:
        unfinished = session.scalars(select(WorkRow).where(WorkRow.state.in_((ARRIVING, LEAVING)))).all()
    for work in unfinished:
        if not abandoned(work.keeper, work.made_at):
            continue
        with storage.keeping() as session:
            row = session.get(WorkRow, work.id)
            if row is None or row.keeper != work.keeper:  # another process was faster
                continue
            if row.state == ARRIVING and storage.is_whole(row):
                adding.show(session, row)
                done.works_finished += 1
                continue
            if row.state == LEAVING:
                removing.finish_leaving(storage, session, work.id)
            else:
                removing.clear(storage, session, row)
            done.works_cleared += 1


def _finish_sources(storage: Storage, done: Recovered) -> None:
    with storage.reading() as session:
        unfinished = session.scalars(select(SourceRow).where(SourceRow.state != HERE)).all()
    for source in unfinished:
        if not abandoned(source.keeper, source.kept_at):
            continue
        with storage.keeping() as session:
            row = session.get(SourceRow, source.sha256)
            if row is None or row.keeper != source.keeper or row.state == HERE:
                continue
            if storage.intact(source_file(row.sha256), row.sha256):
                row.state, row.keeper = HERE, ""
            elif not sources.is_needed(session, row.sha256):  # otherwise somebody is about to write it
                done.sources_cleared += sources.clear_unless_needed(storage, session, row.sha256)


def _forget_unused_sources(storage: Storage, done: Recovered) -> None:
    unused = ~exists().where(UseRow.sha256 == SourceRow.sha256)
    with storage.reading() as session:
        old = SourceRow.kept_at < datetime.now(UTC) - FORGOTTEN_AFTER
        forgotten = session.scalars(select(SourceRow.sha256).where(old, unused)).all()
    for sha256 in forgotten:
        with storage.keeping() as session:
            row = session.get(SourceRow, sha256)
            if row is not None and row.kept_at < datetime.now(UTC) - FORGOTTEN_AFTER:
                done.sources_cleared += sources.clear_unless_needed(storage, session, sha256)


def _clear_orphans(storage: Storage, done: Recovered) -> None:
    suspects = orphans(storage)
    before = done.files_put_aside
    for start in range(0, len(suspects), AT_ONCE):
        batch = suspects[start : start + AT_ONCE]
        with storage.keeping() as session:
            wanted = _wanted(session, {name["sha256"] for name in batch})
            _put_aside(storage, [name for name in batch if name[0] not in wanted], done)
    if put_aside := done.files_put_aside - before:
        write_log(
            f"{put_aside} files in {storage.store} are not in the database, which may be an older copy. They "
            f"were moved to its folder {LOST}; studio gallery repair takes them back.",
            "",
            place=storage.home,
        )


def _put_aside(storage: Storage, names: Sequence[re.Match[str]], done: Recovered) -> None:
    """Move these files to the lost and found if somebody may want them, or else delete them."""
    for name in names:
        if _is_worth_keeping(storage, name):
            storage.store.move(name[0], lost_file(name[0]))
            done.files_put_aside += 1
        else:
            storage.store.delete(name[0])
            done.files_cleared += 1


def _is_worth_keeping(storage: Storage, name: re.Match[str]) -> bool:
    if name["folder"] == "thumbs":
        works = storage.store.names(lost_file(f"works/{name['start']}"))
        return any(name["sha256"] in work for work in works)
    content = storage.read(name[0])
    if content is None:
        return False
    try:
        return hashlib.sha256(content).hexdigest() == name["sha256"] or extract(content) is not None
    except Unreadable:  # a recipe is there, but damaged
        return True


def _wanted(session: Session, among: set[str] | None) -> set[str]:
    """The names of files that some row names, whatever its state. among: of these hashes only."""
    works, kept = select(WorkRow.sha256, WorkRow.suffix), select(SourceRow.sha256)
    if among is not None:
        works, kept = works.where(WorkRow.sha256.in_(among)), kept.where(SourceRow.sha256.in_(among))
    named = {source_file(sha256) for sha256 in session.scalars(kept)}
    for sha256, suffix in session.execute(works):
        named |= {work_file(sha256, suffix), thumbnail_file(sha256)}
    return named
