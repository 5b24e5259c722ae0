"""What the page and its named endpoints say about works: plain JSON with addresses, never a path of this
computer.
"""

from __future__ import annotations

import json
import re
from typing import Any

from pydantic import BaseModel

from studio.app.intake import download_name
from studio.making.exporting import formats_of
from studio.making.kinds import KINDS
from studio.music.melody.renditions import reads_back
from studio.works.reads import ReadsWorks
from studio.works.recipe import Source
from studio.works.work import Work


class ExportView(BaseModel):
    """A format that a work can be had in: its name in addresses, and what its button says."""

    name: str
    label: str


class WorkView(BaseModel):
    """A work as a tile on the wall. `ratio` is width / height; `file`, `view`, `thumb` are addresses on this
    server. `exports` is empty for a work that can only be had as it is. `reads_back`: its file can be read as
    a score. `on_show`: it came with the studio.
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


class WorkPage(WorkView):
    """A work with everything that is known of it."""

    recipe: dict[str, Any]
    sources: tuple[SourceView, ...]
    parents: tuple[WorkView, ...]
    children: tuple[WorkView, ...]
    losses: tuple[float, ...]
    sha256: str


def work_view(work: Work) -> WorkView:
    """The tile of a work."""
    return WorkView(**_tile(work))


def work_page(work: Work, gallery: ReadsWorks) -> WorkPage:
    """Everything about a work."""
    recipe = json.loads(work.recipe_json)
    sources = [Source.model_validate(source) for source in recipe.get("sources", ())]
    return WorkPage(
        **_tile(work),
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


MELODY_RATIO = 1.6
"""Width / height of a thumbnail that is no picture but a piano roll, 512 x 320."""


def _tile(work: Work) -> dict[str, Any]:
    """What the work's row holds already: no recipe is read for a tile."""
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
        "file": f"works/{work.id}/file",
        "view": f"works/{work.id}/view",
        "thumb": f"works/{work.id}/thumb",
    }


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
