"""What the page and its named endpoints say about works: plain JSON with addresses, never a path of this
computer.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from pydantic import BaseModel

from studio.app.intake import download_name
from studio.errors import StudioError
from studio.making.exporting import formats_of
from studio.making.kinds import KINDS, read_recipe
from studio.music.melody.renditions import reads_back
from studio.works.lineage import lineage
from studio.works.reads import ReadsWorks
from studio.works.recipe import Source
from studio.works.trash import gone_at
from studio.works.work import Work


class ExportView(BaseModel):
    """A format that a work can be had in: its name in addresses, and what its button says."""

    name: str
    label: str


class WorkView(BaseModel):
    """A work as a tile on the wall. `ratio` is width / height; `file`, `view`, `thumb` are addresses on this
    server. `exports` is empty for a work that can only be had as it is. `reads_back`: its file can be read as
    a score. `on_show`: it came with the studio. `series`: works made after one another that have the same one
    are takes of the same wish, with other seeds. `gone_at`: when a work in the trash is deleted for good.
    """

    id: str
    kind: str
    title: str
    words: str
    made_at: str
    name: str
    media_type: str
    ratio: float
    facts: dict[str, str]
    exports: tuple[ExportView, ...]
    reads_back: bool
    on_show: bool
    starred: bool
    series: str
    gone_at: str | None
    file: str
    view: str
    thumb: str


class SourceView(BaseModel):
    """What a work was made from. `view` shows it; `work` is the gallery's work it is, where it is one."""

    role: str
    name: str
    title: str
    author: str
    licence: str
    sha256: str
    view: str


class RelativeView(BaseModel):
    """A work of a family tree; see `studio.works.lineage.Relative`."""

    work: WorkView
    generation: int
    parents: tuple[str, ...]


class FamilyView(BaseModel):
    """The family of a work: parents, children, and theirs."""

    kin: tuple[RelativeView, ...]
    left_out: int


class WorkPage(WorkView):
    """A work with everything that is known of it."""

    recipe: dict[str, Any]
    sources: tuple[SourceView, ...]
    parents: tuple[WorkView, ...]
    children: tuple[WorkView, ...]
    family: FamilyView
    losses: tuple[float, ...]
    sha256: str


def work_view(work: Work) -> WorkView:
    """The tile of a work."""
    return WorkView(**_tile(work))


def work_page(work: Work, gallery: ReadsWorks) -> WorkPage:
    """Everything about a work."""
    recipe = json.loads(work.recipe_json)
    sources = [Source.model_validate(source) for source in recipe.get("sources", ())]
    family = lineage(gallery, work)
    kin = (
        RelativeView(work=work_view(each.work), generation=each.generation, parents=each.parents)
        for each in family.kin
    )
    return WorkPage(
        **_tile(work) | {"words": _caption(work)},
        family=FamilyView(kin=tuple(kin), left_out=family.left_out),
        recipe=recipe,
        sources=tuple(
            SourceView(**source.model_dump(), view=f"works/{work.id}/sources/{place}")
            for place, source in enumerate(sources)
        ),
        parents=tuple(work_view(parent) for parent in gallery.parents(work)),
        children=tuple(work_view(child) for child in gallery.children(work)),
        losses=work.losses,
        sha256=work.sha256,
    )


def _caption(work: Work) -> str:
    """The recipe in a sentence as this studio puts it; what an older one wrote named machinery."""
    try:
        return read_recipe(work.recipe_json).caption()
    except StudioError:
        return work.words


MELODY_RATIO = 1.6
"""Width / height of a thumbnail that is no picture but a piano roll, 512 x 320."""


def _tile(work: Work) -> dict[str, Any]:
    """What the work's row holds already: no recipe is checked for a tile."""
    gone = gone_at(work)
    return {
        "id": work.id,
        "kind": work.kind,
        "title": work.title,
        "words": work.words,
        "made_at": work.made_at.isoformat(),
        "name": download_name(work),
        "media_type": work.media_type,
        "ratio": _ratio(work),
        "facts": _facts(work),
        "exports": [ExportView(name=form.name, label=form.label) for form in formats_of(work)],
        "reads_back": reads_back(work),
        "on_show": work.on_show,
        "starred": work.starred,
        "series": _series(work),
        "gone_at": gone.isoformat() if gone else None,
        "file": f"works/{work.id}/file",
        "view": f"works/{work.id}/view",
        "thumb": f"{'trash' if gone else 'works'}/{work.id}/thumb",
    }


OF_ONE_TAKE = ("seed", "setting", "model", "keep", "title", "format")
"""Fields of a recipe in which takes of the same wish may differ."""


def _series(work: Work) -> str:
    """The same for works whose recipes differ in no more than takes of one wish do."""
    try:
        recipe = json.loads(work.recipe_json)
    except ValueError:
        return work.id
    asked = {name: value for name, value in recipe.items() if name not in OF_ONE_TAKE}
    asked["sources"] = [
        [source.get("role"), source.get("sha256")]
        for source in recipe.get("sources", ())
        if source.get("role") != "take"
    ]
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:16]


def _facts(work: Work) -> dict[str, str]:
    """What is worth knowing of a work, in words."""
    kind = KINDS.get(work.kind)
    if kind is None:  # a kind of another studio
        return {name: str(fact) for name, fact in work.facts.items()}
    return dict(kind.facts_in_words(work.facts))


def _ratio(work: Work) -> float:
    """Width / height, within what can be laid out on a wall."""
    told = str(work.facts.get("size", ""))  # [768, 576], or before 0.3 "768 x 576"
    size = re.search(r"(\d+)\D+(\d+)", told)
    return max(0.2, min(5.0, int(size[1]) / int(size[2]))) if size else MELODY_RATIO
