"""Finding works: searching, looking one up by its id, and who was made from whom."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, literal, select, tuple_
from sqlalchemy.orm import Session, load_only

from studio.errors import Refused, UnknownName
from studio.works.naming import folded
from studio.works.storage import Storage
from studio.works.tables import HERE, UseRow, WorkRow
from studio.works.work import Work

MOST_WORDS, LONGEST_WORD = 20, 100
"""Words of one search, and characters of each."""

LONGEST_SEARCH = MOST_WORDS * (LONGEST_WORD + 1)
"""Characters of one search."""


@dataclass(frozen=True)
class Search:
    """What works are looked for; see `Gallery.find`."""

    text: str = ""
    kind: str | None = None
    starred: bool = False
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Sorting:
    """An order of works. by: what they are compared by; the id decides where all that is equal.

    place: the same of one work, to go on after it.
    """

    label: str
    by: Callable[[], tuple[Any, ...]]
    place: Callable[[Work], tuple[Any, ...]]
    falling: bool = False

    def sort(self, wanted: Select[Any]) -> Select[Any]:
        columns = (*self.by(), WorkRow.id)
        return wanted.order_by(*(column.desc() for column in columns) if self.falling else columns)

    def after(self, wanted: Select[Any], work: Work) -> Select[Any]:
        here, there = tuple_(*self.by(), WorkRow.id), tuple_(*self.place(work), work.id)
        return wanted.where(here < there if self.falling else here > there)


ORDERS: dict[str, Sorting] = {
    "newest": Sorting("Newest first", lambda: (WorkRow.made_at,), lambda work: (work.made_at,), falling=True),
    "oldest": Sorting("Oldest first", lambda: (WorkRow.made_at,), lambda work: (work.made_at,)),
    "title": Sorting(
        "By title", lambda: (func.lower(WorkRow.title),), lambda work: (func.lower(literal(work.title)),)
    ),
    "kind": Sorting(
        "By kind",
        lambda: (WorkRow.kind, WorkRow.made_at),
        lambda work: (work.kind, work.made_at),
        falling=True,
    ),
}
"""The orders in which works are listed."""


def find(
    storage: Storage, search: Search, limit: int, after: Work | None = None, order: str = "newest"
) -> list[Work]:
    """See `Gallery.find`."""
    if order not in ORDERS:
        raise UnknownName("order", order, ORDERS)
    by, wanted = ORDERS[order], _matching(here(), search)
    if after is not None:
        wanted = by.after(wanted, after)
    with storage.reading() as session:
        return as_works(session, session.scalars(by.sort(wanted).limit(max(0, limit))).all())


def count(storage: Storage, search: Search) -> int:
    """See `Gallery.count`."""
    works = select(func.count()).select_from(WorkRow).where(WorkRow.state == HERE)
    with storage.reading() as session:
        return session.scalar(_matching(works, search)) or 0


def star(storage: Storage, ids: Iterable[str], starred: bool) -> list[Work]:
    """See `Gallery.star`."""
    with storage.keeping() as session:
        rows = [named(session, id) for id in ids]
        for row in rows:
            row.starred = starred
        return as_works(session, rows)


def few(storage: Storage, wanted: Select[WorkRow]) -> list[Work]:
    """The works among a few rows that are here, newest first."""
    with storage.reading() as session:
        # The state is compared last: SQLite would go by its index, and read every work.
        rows = [row for row in session.scalars(wanted).all() if row.state == HERE]
        rows.sort(key=lambda row: (row.made_at, row.id), reverse=True)
        return as_works(session, rows)


def parents(storage: Storage, work: Work) -> list[Work]:
    """See `Gallery.parents`."""
    used = select(UseRow.sha256).where(UseRow.work_id == work.id)
    return few(storage, select(WorkRow).where(WorkRow.sha256.in_(used), WorkRow.id != work.id))


def children(storage: Storage, work: Work) -> list[Work]:
    """See `Gallery.children`."""
    users = select(UseRow.work_id).where(UseRow.sha256 == work.sha256)
    return few(storage, select(WorkRow).where(WorkRow.id.in_(users), WorkRow.id != work.id))


def named(session: Session, id: str) -> WorkRow:
    """The row of the work whose id begins with `id`. Raises `UnknownName`, or `Refused` if several do."""
    start = id.strip().lower()
    rows: Sequence[WorkRow] = ()
    if re.fullmatch(r"[0-9a-f]{1,16}", start):
        wanted = here().where(WorkRow.id >= start, WorkRow.id < start + "g")
        rows = session.scalars(wanted.order_by(WorkRow.id).limit(4)).all()
    if len(rows) == 1:
        return rows[0]
    if rows:
        raise Refused(
            f"Several works begin with '{start}': "
            f"give more letters of {', '.join(row.id for row in rows[:3])} …"
        )
    newest = _newest_first(select(WorkRow.id).where(WorkRow.state == HERE)).limit(200)
    raise UnknownName("work", id, session.scalars(newest).all())


def here() -> Select[WorkRow]:
    """The rows of all works that are here."""
    return select(WorkRow).where(WorkRow.state == HERE)


def as_works(session: Session, rows: Iterable[WorkRow]) -> list[Work]:
    """The works of these rows, with their parents."""
    rows = list(rows)
    parents = _parents(session, [row.id for row in rows])
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
            starred=row.starred,
            removed_at=row.removed_at,
        )
        for row in rows
    ]


def _parents(session: Session, ids: Sequence[str]) -> dict[str, list[str]]:
    """The ids of each work's parents, newest first."""
    parents: dict[str, list[str]] = {id: [] for id in ids}
    if not parents:
        return parents
    wanted = (
        select(UseRow.work_id, WorkRow)
        .join(WorkRow, WorkRow.sha256 == UseRow.sha256)
        .where(UseRow.work_id.in_(parents))
        .options(load_only(WorkRow.id, WorkRow.state, WorkRow.made_at))
    )
    found = session.execute(wanted).all()
    for child, parent in sorted(found, key=lambda pair: (pair[1].made_at, pair[1].id), reverse=True):
        if parent.state == HERE and parent.id != child and parent.id not in parents[child]:
            parents[child].append(parent.id)
    return parents


def _matching(wanted: Select[Any], search: Search) -> Select[Any]:
    if search.kind is not None:
        wanted = wanted.where(WorkRow.kind == search.kind)
    if search.starred:
        wanted = wanted.where(WorkRow.starred)
    if search.since is not None:
        wanted = wanted.where(WorkRow.made_at >= search.since)
    if search.until is not None:
        wanted = wanted.where(WorkRow.made_at < search.until)
    for word in words_of(search.text):
        wanted = wanted.where(WorkRow.search_text.contains(word, autoescape=True))
    return wanted


def words_of(text: str) -> list[str]:
    """The words of a search, folded as what they are looked for in. Raises `Refused` when they are too many
    or too long: the database would compare each with every work.
    """
    words = folded(text).split() if len(text) <= LONGEST_SEARCH else []
    if len(text) > LONGEST_SEARCH or len(words) > MOST_WORDS:
        raise Refused(f"A search takes at most {MOST_WORDS} words; leave some out.")
    if any(len(word) > LONGEST_WORD for word in words):
        raise Refused(f"A word of a search has at most {LONGEST_WORD} letters; its beginning is enough.")
    return words


def _newest_first(wanted: Select[Any]) -> Select[Any]:
    return wanted.order_by(WorkRow.made_at.desc(), WorkRow.id.desc())
