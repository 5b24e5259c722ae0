"""Painters that learn a painting, as the tray shows them among the works that wait and run."""

from __future__ import annotations

from typing import Any

from studio.app.intake import data_url
from studio.app.sentences import said
from studio.making.trainings import Training


def queued(training: Training, owner: str, *, previews: bool) -> dict[str, Any]:
    """A training as the tray shows what runs and waits. Others see nothing of its content."""
    mine = training.owner in (owner, "")
    seen = data_url(training.preview) if training.preview and previews and mine else ""
    return {
        "id": training.id,
        "state": training.state,
        "kind": "painter",
        "label": "Painter",
        "title": f"Learning “{training.about.title or training.about.name}”" if mine else "",
        "position": 0 if training.state == "waiting" else None,
        "mine": mine,
        "done": training.done,
        "total": training.total,
        "seconds_left": training.seconds_left,
        "seconds_until": None,
        "can_move_up": False,
        "stage": said(training.stage) if mine else "",
        "medium": "picture",
        "picture": (seen or f"learnt/{training.about.name}") if mine else "",
    }


def ended(training: Training) -> dict[str, Any]:
    """The same once it has ended, as the tray shows jobs. A training that was stopped ended as was wished."""
    title = f"“{training.about.title or training.about.name}” is learnt"
    state = "cancelled" if training.state == "stopped" else training.state
    return {"id": training.id, "state": state, "title": title, "message": said(training.message)}
