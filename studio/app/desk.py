"""The desk: what a visitor can ask for, in plain values, whether through the page or through a named endpoint.

Nothing here knows Gradio's components. Answers are plain JSON; whatever cannot be met is a `StudioError` with one sentence.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from studio.app.intake import Credit, Shown, data_url, download_name, receive, show
from studio.app.views import work_page, work_view
from studio.asking import ask
from studio.errors import Refused
from studio.images.pictures import read_picture
from studio.jobs import Jobs
from studio.kinds import KINDS, read_recipe
from studio.remaking import compare
from studio.works.gallery import Gallery
from studio.works.recipe import Recipe, check
from studio.works.work import Made, Work

if TYPE_CHECKING:
    from studio.works.ledger import JobState

PICTURES = frozenset({"photo", "guide", "mask"})
"""Roles whose ingredients are pictures: they are read before the order is taken, so that a broken one is told at once."""

PAGE = 48
"""Works on one page of the wall."""


class Desk:
    """Takes orders and tells how they stand. Safe to use from many threads, as the gallery and the jobs are."""

    def __init__(self, gallery: Gallery, jobs: Jobs) -> None:
        self.gallery, self.jobs = gallery, jobs

    # --- Pictures ---------------------------------------------------------------------------------------------------

    def look(self, offered: Any, role: str) -> Shown:
        """An offered picture as the page shows it, after it was read as the making would read it."""
        return show(receive(offered, role, self.gallery, self.recipe_of_job))

    # --- Jobs ---------------------------------------------------------------------------------------------------------

    def order(self, kind: str, wishes: Mapping[str, Any], pictures: Mapping[str, Any], credit: Credit) -> str:
        """Ask for a work and give the job's id. `pictures` by role, one or a list; the credit belongs to the first role's."""
        roles = KINDS[kind].roles
        if not pictures.get(roles[0]) and not KINDS[kind].implied:
            raise Refused("Choose a photo first: drop one on the page, or click “Choose a photo”.")
        ingredients = [
            receive(offered, role, self.gallery, self.recipe_of_job, credit if role == roles[0] else None)
            for role in roles
            if pictures.get(role)
            for offered in (pictures[role] if isinstance(pictures[role], list) else [pictures[role]])
        ]
        for ingredient in ingredients:
            if ingredient.role in PICTURES:
                read_picture(ingredient.content, ingredient.name or "The picture")
        return self.jobs.submit(ask(kind, wishes, ingredients, self.gallery))

    def order_around(self, id: str, bars: Iterable[int], seed: int) -> str:
        """Ask for a melody of the gallery again with other notes, but for these bars (from 1); gives the job's id.

        Style, wishes and credit are those of the melody; it becomes a source itself. Raises `Refused` when it is no melody.
        """
        work = self.gallery.get(id)
        recipe = read_recipe(work.recipe_json)
        if recipe.kind != "compose":
            raise Refused("Bars can only be kept of a melody; choose one.")
        kept = [source for source in recipe.sources if source.role != "take"]
        content, name = self.gallery.read(work), download_name(work)
        take = self.gallery.keep_source(content, role="take", name=name, title=work.title, author="", licence="")
        places = tuple(str(bar) for bar in sorted(set(bars)))
        fields = recipe.model_dump(exclude={"sources", "setting", "model"})
        wishes = fields | {"keep": places, "seed": seed, "title": "", "sources": [*kept, *([take] if places else [])]}
        return self.jobs.submit(check(type(recipe), wishes))

    def job(self, id: str) -> dict[str, Any]:
        """How a job stands."""
        return self._told(self.jobs.latest(id))

    def follow(self, id: str) -> Iterator[dict[str, Any]]:
        """How a job stands, now and whenever that changes, until it has ended."""
        for state in self.jobs.follow(id):
            yield self._told(state)

    def cancel(self, id: str) -> bool:
        """Stop a job before its next step. False where it had ended."""
        return self.jobs.cancel(id)

    def again(self, id: str) -> str:
        """Ask once more for a job that did not end well; gives the new job's id."""
        return self.jobs.again(id)

    def recipe_of_job(self, id: str) -> Recipe:
        """What a job was asked to make."""
        return read_recipe(self.jobs.latest(id).recipe_json)

    # --- Works --------------------------------------------------------------------------------------------------------

    def works(self, text: str = "", kind: str | None = None, after: str | None = None, limit: int = PAGE) -> dict[str, Any]:
        """A page of the wall, newest first, and how many works fit in all. `after` is the id of the last work of the page before."""
        following = self.gallery.get(after) if after else None
        found = self.gallery.find(text=text, kind=kind, limit=max(1, min(limit, 500)), after=following)
        return {"works": [work_view(work).model_dump() for work in found], "total": self.gallery.count(text=text, kind=kind)}

    def kinds_here(self) -> list[str]:
        """The kinds of which the gallery has works."""
        return [name for name in KINDS if self.gallery.count(kind=name)]

    def work(self, id: str) -> dict[str, Any]:
        """Everything about one work: recipe, sources, parents, children."""
        return work_page(self.gallery.get(id), self.gallery).model_dump()

    def remove(self, id: str) -> str:
        """Remove a work for good; gives its whole id."""
        work = self.gallery.get(id)
        self.gallery.remove(work.id)
        return work.id

    def remake(self, id: str) -> Iterator[dict[str, Any]]:
        """Make a work again from its recipe, in the queue like any other, and say whether it came out identical.

        Yields {"state", "done", "total", "stage", "sentence"}; the last has "identical" too. What differs is kept beside it.
        """
        work = self.gallery.get(id)
        asked = read_recipe(work.recipe_json).model_copy(update={"setting": None, "model": None})
        job = self.jobs.submit(asked, anew=True)
        for state in self.jobs.follow(job):
            told: dict[str, Any] = {"state": state.state, "done": state.done, "total": state.total, "stage": state.stage}
            if state.state == "waiting":
                yield told | {"sentence": "Waiting to be made again …"}
            elif state.state == "running":
                share = f"{state.done} of {state.total} steps" if state.total else "getting ready"
                yield told | {"sentence": f"Making it again … {share}"}
            elif state.state == "made" and state.work_id:
                remade = self.gallery.get(state.work_id)
                yield told | self._compared(work, remade)
            else:
                yield told | {"sentence": state.message or "It was stopped before it was made again.", "identical": False}

    # --- What the page needs to find things again ---------------------------------------------------------------------

    def settings(self, recipe_json: str) -> dict[str, Any]:
        """A recipe's parameters by name, as the controls take them."""
        return read_recipe(recipe_json).model_dump(exclude=set(Recipe.model_fields) - {"seed"})

    def _compared(self, work: Work, remade: Work) -> dict[str, Any]:
        if remade.id == work.id:
            return {"sentence": "Identical, to the byte.", "identical": True, "work_id": work.id}
        content, thumbnail = self.gallery.read(remade), self.gallery.thumbnail(remade)
        made = Made(read_recipe(remade.recipe_json), content, remade.suffix, remade.media_type, thumbnail)
        verdict = compare(self.gallery.read(work), read_recipe(work.recipe_json), made)
        if verdict.identical:
            # The same work in a file that tells of other versions: nobody asked for a second one on the wall.
            self.gallery.remove(remade.id)
            return {"sentence": verdict.sentence, "identical": True, "work_id": work.id}
        return {"sentence": f"{verdict.sentence} It hangs beside the first.", "identical": False, "work_id": remade.id}

    def _told(self, state: JobState) -> dict[str, Any]:
        told: dict[str, Any] = {
            "id": state.id,
            "state": state.state,
            "done": state.done,
            "total": state.total,
            "stage": state.stage,
            "loss": state.loss,
            "seconds_left": state.seconds_left,
            "position": state.position,
            "message": state.message,
            "work_id": state.work_id,
            "preview": data_url(state.preview) if state.preview else None,
        }
        if state.state == "made" and state.work_id:
            told["work"] = work_view(self.gallery.get(state.work_id)).model_dump()
            told["was_there"] = state.started_at is None
        return told


def offers(recipe_json: str, **origin: str) -> dict[str, Any]:
    """The sources of a recipe as the page offers pictures: {role: {"work" or "job": id, "role": role}}."""
    return {source["role"]: origin | {"role": source["role"]} for source in json.loads(recipe_json).get("sources", ())}
