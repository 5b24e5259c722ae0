"""Works found by how they look: the hash of each picture's look, and the search among them.

Every hash is made of the work's thumbnail. Works that were made before hashes were kept get theirs when one
is searched for, a thousand at a time, and from `care.repair`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlalchemy import func, select, update

from studio.works.finding import as_works, here
from studio.works.naming import thumbnail_file
from studio.works.storage import Storage
from studio.works.tables import HERE, WorkRow
from studio.works.work import Work

if TYPE_CHECKING:
    from PIL import Image

NO_LOOK = ""
"""What the column holds for music, and for works whose thumbnail cannot be read."""

CERTAIN, PROBABLE = 0.95, 0.86
"""Likeness (see `look.likeness`) from which a picture is almost certainly, or probably, a work.

Chosen on the works on show and the presets' pictures (`python -m benchmarks.found_by_look`), changed as
people change them: the copies come to 0.91 and more, the nearest other work to 0.93 (a dream that goes on
from it). On works of ten other photos (`--of`) the same look with another seed, which may be hard to tell
apart by eye, comes to 0.98: where both are in the gallery the right one is nearer, and both are named
where that is close.
"""

NEARLY = 0.01
"""Likeness by which another work may fall short of the best and still be named beside it."""

FARTHEST, MOST_COMPARED = 100, 24
"""Bits in which hashes may differ, and works whose details are compared."""

AT_A_TIME = 100

FILLED_A_SEARCH = 1000
"""Works that get their hash before one search, newest first: 2 milliseconds each. Later searches go on."""


@dataclass(frozen=True)
class Sighting:
    """A work that a picture looks like. likeness: 0 to 1. rival: another work that it looks like nearly as
    much, such as the same look of the same photo with another seed.
    """

    work: Work
    likeness: float
    rival: Sighting | None = None

    @property
    def certain(self) -> bool:
        return self.likeness >= CERTAIN and self.rival is None


def look_hash(thumbnail: bytes, media_type: str) -> str:
    """The hash of a work's look by its thumbnail, in hexadecimal; `NO_LOOK` for what is no picture."""
    if not media_type.startswith("image/") or media_type == "image/svg+xml":
        return NO_LOOK
    from studio.works.look import look_of_file

    try:
        return look_of_file(thumbnail).hash.hex()
    except Exception:  # Pillow raises whatever a broken thumbnail leads to
        return NO_LOOK


def fill_in(storage: Storage, most: int = 10**9) -> int:
    """Give works their hash that have none yet, newest first, at most so many. Returns how many were done."""
    done = 0
    while done < most:
        with storage.reading() as session:
            lacking = here().where(WorkRow.look.is_(None)).order_by(WorkRow.made_at.desc())
            rows = session.scalars(lacking.limit(min(AT_A_TIME, most - done))).all()
            wanted = [(row.id, row.sha256, row.media_type) for row in rows]
        if not wanted:
            break
        looks = [
            (id, look_hash(storage.read(thumbnail_file(sha256)) or b"", media_type))
            for id, sha256, media_type in wanted
        ]
        with storage.keeping() as session:
            for id, look in looks:
                session.execute(update(WorkRow).where(WorkRow.id == id).values(look=look))
        done += len(looks)
    return done


def unseen(storage: Storage) -> int:
    """How many works have no hash yet, so that no search finds them."""
    with storage.reading() as session:
        lacking = select(func.count()).where(WorkRow.state == HERE, WorkRow.look.is_(None))
        return session.scalar(lacking) or 0


def find_by_look(storage: Storage, picture: Image.Image) -> Sighting | None:
    """The work that a picture most probably is, or None where none is near enough. Works without a hash get
    theirs first, as many as `FILLED_A_SEARCH`; `unseen` counts the others.
    """
    from studio.works.look import distance, likeness, look_of, look_of_file

    if not storage.read_only:
        fill_in(storage, FILLED_A_SEARCH)
    found = look_of(picture)
    with storage.reading() as session:
        kept = session.execute(
            select(WorkRow.id, WorkRow.look).where(WorkRow.state == HERE, WorkRow.look > NO_LOOK)
        ).all()
        near = sorted((distance(bytes.fromhex(look), found.hash), id) for id, look in kept if look)
        ids = [id for apart, id in near[:MOST_COMPARED] if apart <= FARTHEST]
        works = as_works(session, session.scalars(here().where(WorkRow.id.in_(ids))).all())
    sightings = [
        Sighting(work, likeness(look_of_file(thumbnail), found))
        for work in works
        if (thumbnail := storage.read(thumbnail_file(work.sha256))) is not None
    ]
    probable = [each for each in sightings if each.likeness >= PROBABLE]
    if not probable:
        return None
    best, *others = sorted(probable, key=lambda each: -each.likeness)
    if others and best.likeness - others[0].likeness < NEARLY:
        return replace(best, rival=others[0])
    return best
