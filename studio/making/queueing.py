"""The queue as a person sees it: what runs, what waits, whose it is, and how long everything will take."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from studio.errors import StudioError
from studio.making.kinds import KINDS, read_recipe
from studio.works.ledger import JobState
from studio.works.recipe import Recipe
from studio.works.titles import title_of


@dataclass(frozen=True)
class QueueEntry:
    """A work that runs or waits, as one session sees it.

    state: "running" or "waiting". label: what its kind is called, such as "Painting". lane: the queue it is
    in. position: how many wait before it in its lane; None while it runs. mine: this session asked for it.
    seconds_left: until it is done, the waiting included. most_left: of one that runs, as in `JobState`.
    seconds_until: until it begins, 0.0 while it runs.
    Both are estimates, None where nothing is known. can_move_up: it waits behind another of this session.

    Of another session's work everything below stays empty. id: of the job. title: what the work will be
    called. source: the sha256 of its first source. stage, done, total: how far it is. preview: JPEG bytes.
    """

    state: str
    kind: str
    label: str
    lane: str
    position: int | None
    mine: bool
    asked_at: datetime
    seconds_left: float | None
    most_left: float | None
    seconds_until: float | None
    can_move_up: bool = False
    id: str = ""
    title: str = ""
    source: str = ""
    stage: str = ""
    done: int = 0
    total: int = 0
    preview: bytes | None = None


def listed(
    running: Iterable[JobState],
    waiting: Iterable[JobState],
    seconds_of: Callable[[JobState], float | None],
    owner: str | None,
) -> list[QueueEntry]:
    """The queue for one session; None sees everything. seconds_of: how long a job takes from its start."""
    found = []
    until: dict[str, float | None] = {}
    for job in running:
        left = job.seconds_left
        found.append(_entry(job, owner, 0.0, left))
        before = until.get(job.lane)
        # Where several run at once, the next begins when the first of them is done.
        until[job.lane] = left if before is None or left is None else min(before, left)
    mine_before: set[str] = set()
    for job in waiting:
        begins, takes = until.get(job.lane, 0.0), seconds_of(job)
        ends = None if begins is None or takes is None else begins + takes
        until[job.lane] = ends
        mine = owner is None or job.owner == owner
        found.append(
            _entry(job, owner, begins, ends, can_move_up=mine and job.lane + job.owner in mine_before)
        )
        mine_before.add(job.lane + job.owner)
    return found


def _entry(
    job: JobState,
    owner: str | None,
    begins: float | None,
    ends: float | None,
    *,
    can_move_up: bool = False,
) -> QueueEntry:
    try:
        recipe: Recipe | None = read_recipe(job.recipe_json)
    except StudioError:  # of a studio that knows more kinds
        recipe = None
    kind = recipe.kind if recipe is not None else ""
    entry = QueueEntry(
        state=job.state,
        kind=kind,
        label=KINDS[kind].label if kind in KINDS else "Work",
        lane=job.lane,
        position=job.position,
        mine=owner is None or job.owner == owner,
        asked_at=job.asked_at,
        seconds_left=ends,
        most_left=job.most_left,
        seconds_until=begins,
        can_move_up=can_move_up,
    )
    return _with_content(entry, job, recipe) if entry.mine else entry


def _with_content(entry: QueueEntry, job: JobState, recipe: Recipe | None) -> QueueEntry:
    sources = recipe.sources if recipe is not None else ()
    return replace(
        entry,
        id=job.id,
        title=title_of(recipe) if recipe is not None else "",
        source=sources[0].sha256 if sources else "",
        stage=job.stage,
        done=job.done,
        total=job.total,
        preview=job.preview,
    )
