"""What the Paint tab asks for beside works: previews painted at once, and painters that learn a painting."""

from __future__ import annotations

import hashlib
from functools import cached_property
from threading import Thread
from typing import TYPE_CHECKING, Any

from studio.app.dials import Dials
from studio.app.intake import data_url, show
from studio.app.sentences import said
from studio.app.widgets import answer
from studio.errors import Missing, Refused
from studio.images.checks import check_has_strokes
from studio.images.instant.learnt import LearntPainting, free_name, learnt_paintings
from studio.images.instant.painters import painters
from studio.images.paintings.catalogue import PAINTINGS
from studio.images.recipes import NO_WEIGHT, StyleRecipe
from studio.making.trainings import Training
from studio.works.recipe import check

if TYPE_CHECKING:
    from studio.app.desk import Desk
    from studio.images.instant.glimpse import Glimpses
    from studio.works.ingredient import Ingredient

MOST_PAINTINGS = 4
"""Paintings that the page mixes."""


class Easel:
    """The server functions of the Paint tab's widgets. Each takes a request from the page and answers with
    JSON, {"trouble": sentence} where it cannot be met.
    """

    def __init__(self, desk: Desk, dials: Dials) -> None:
        self._desk, self._dials = desk, dials

    @cached_property
    def _glimpses(self) -> Glimpses:
        from studio.images.instant.glimpse import Glimpses  # loads torch, for the first preview

        return Glimpses()

    @cached_property
    def _own(self) -> dict[str, str]:
        """The names of the studio's own paintings by their sha256."""
        own = ((each.path, each.name) for each in PAINTINGS.values())
        return {hashlib.sha256(path.read_bytes()).hexdigest(): name for path, name in own if path.is_file()}

    def glimpse(self, asked: dict[str, Any]) -> dict[str, Any]:
        """A preview: {"view", "seconds", "smaller", "held"}; {"unlearnt": True} for a painting without a
        painter; {"overtaken": True} for a preview that was given up for a later one.

        asked: "photo" and "style" as the page offers files, "weights" of the paintings, "values" of the
        dials, "held" while a slider is held, and the "owner" who asks.
        """

        def painted() -> dict[str, Any]:
            values = asked.get("values")
            if not isinstance(values, list) or len(values) != len(self._dials.by_name):
                values = [getattr(each, "value", None) for each in self._dials.components]
            paintings = [self._painting(each) for each in _some(asked.get("style"))]
            photo = self._desk.receive(asked.get("photo"), "photo")
            weights = [float(each) for each in _some(asked.get("weights")) if isinstance(each, int | float)]
            settings = self._dials.settings(values) | {"painter": "instant"}
            if len(weights) == len(paintings):
                if not any(weights):
                    raise Refused(NO_WEIGHT)
                settings["style_weights"] = tuple(weights)
            recipe = check(StyleRecipe, settings)
            held = asked.get("held") is True
            return self._preview(recipe, photo, paintings, held, visitor=_owner(asked))

        return answer(painted)

    def _preview(
        self, recipe: StyleRecipe, photo: Ingredient, paintings: list[Ingredient], held: bool, visitor: str
    ) -> dict[str, Any]:
        from studio.images.instant.glimpse import Overtaken

        try:
            seen = self._glimpses.paint(recipe, photo, paintings, held=held, visitor=visitor)
        except Missing:
            return {"unlearnt": True}
        except Overtaken:
            return {"overtaken": True}
        told = {"seconds": seen.seconds, "smaller": seen.smaller, "held": seen.held}
        return {"view": data_url(seen.jpeg)} | told

    def hang(self, asked: dict[str, Any]) -> dict[str, Any]:
        """A painting as the page shows it, with its sha256 and whether a painter has learnt it. One that was
        learnt is called what its painter's card calls it. "study" and "painter" say which of the studio's own
        it is, or of those that were learnt here, however it was offered. One of a single colour is refused.
        """

        def hung() -> dict[str, Any]:
            found = self._painting(asked.get("picture"))
            check_has_strokes(found.content, found.name)
            sha256, learnt = hashlib.sha256(found.content).hexdigest(), _learnt()
            Thread(target=lambda: self._glimpses, daemon=True).start()  # the first preview is not far
            title = found.title or learnt.get(sha256, "")
            here = {each.sha256: each.name for each in learnt_paintings().values()}
            known = {"study": self._own.get(sha256, ""), "painter": here.get(sha256, "")}
            told = {"title": title, "sha256": sha256, "learnt": sha256 in learnt}
            return show(found).model_dump() | told | known

        return answer(hung)

    def learn(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Let a painter learn the "picture" for the "owner" who asks; {"id"} of the training."""

        def learning() -> dict[str, Any]:
            found = self._painting(asked.get("picture"))
            sha256 = hashlib.sha256(found.content).hexdigest()
            stem = found.name.rpartition(".")[0].replace("_", " ").strip()
            title = found.title or stem[:1].upper() + stem[1:] or "A painting"
            if sha256 in _learnt():
                raise Refused(f"A painter has already learnt {title}; choose it among the paintings.")
            named = {"file": found.name or "painting.jpg", "author": found.author, "licence": found.licence}
            about = LearntPainting(name=free_name(title), title=title[:500], **named)
            return {"id": self._desk.jobs.trainings.start(about, found.content, owner=_owner(asked))}

        return answer(learning)

    def resume(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Go on with the training of the painter "name"; {"id"}."""
        owner = _owner(asked)
        return answer(
            lambda: {"id": self._desk.jobs.trainings.resume(str(asked.get("name", "")), owner=owner)}
        )

    def pause(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Stop the training "id", which can be resumed; {"stopped"}."""
        owner = _owner(asked)
        return answer(
            lambda: {"stopped": self._desk.jobs.trainings.stop(str(asked.get("id", "")), owner=owner)}
        )

    def learning(self, asked: dict[str, Any]) -> dict[str, Any]:
        """All paintings that were learnt here or are being learnt: {"paintings": [...]}."""
        owner = _owner(asked)

        def listed() -> dict[str, Any]:
            trainings = {each.about.name: each for each in self._desk.jobs.trainings.all()}
            known, titles = learnt_paintings().values(), _learnt()
            return {
                "paintings": [
                    _told(each, titles.get(each.sha256, ""), trainings.get(each.name), owner)
                    for each in known
                ]
            }

        return answer(listed)

    def _painting(self, offered: Any) -> Ingredient:
        return self._desk.receive(offered, "style")


def _told(about: LearntPainting, title: str, training: Training | None, owner: str) -> dict[str, Any]:
    """Its state is learning, waiting, stopped, failed or learnt. title: of the card."""
    state = "stopped" if about.underway else "learnt"
    told: dict[str, Any] = {
        "name": about.name,
        "title": about.title or title or about.name,
        "sha256": about.sha256,
        "picture": f"learnt/{about.name}",
        "can_paint": about.can_paint,
        "mine": training is None or training.owner in (owner, ""),
    }
    if training is not None:
        state = {"running": "learning", "made": "learnt"}.get(training.state, training.state)
        told |= {"id": training.id, "done": training.done, "total": training.total, "loss": training.loss}
        told |= {"seconds_left": training.seconds_left, "message": said(training.message)}
        told["stage"], told["figures"] = said(training.stage), dict(training.figures)
        told["preview"] = data_url(training.preview) if training.preview else None
    return told | {"state": state}


def _learnt() -> dict[str, str]:
    """The sha256 of every painting that a painter here can paint like -> its title on the painter's card."""
    return {header.painting: header.title for header in reversed(painters().values())}


def _some(given: Any) -> list[Any]:
    return given[:MOST_PAINTINGS] if isinstance(given, list) else []


def _owner(asked: dict[str, Any]) -> str:
    from studio.app.tray import owner_of

    return owner_of(asked)
