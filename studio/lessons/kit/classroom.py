"""Visitors at work on lessons: who is where, and one answer for each thing a visitor does.

The page speaks with a classroom in plain JSON. Every sitting (one lesson open in one page) has a state
of its own; the oldest sittings make room for new ones, and a page whose sitting has gone simply begins
again.
"""

from __future__ import annotations

import base64
import binascii
import math
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from studio.errors import Refused, StudioError
from studio.lessons.kit.course import COURSE, lesson
from studio.lessons.kit.lesson import Action, Knob, Lesson, fitting

SEATS = 64
LARGEST_FILE = 8 * 2**20
LONGEST_TEXT = 200_000
MOST_POINTS = 4_000


@dataclass
class Sitting:
    """One lesson, open in one page."""

    lesson: Lesson[Any]
    state: Any
    settings: dict[str, Any]
    lock: threading.Lock = field(default_factory=threading.Lock)


class Classroom:
    """Keeps the sittings and answers requests: {"do": "course"}, {"do": "open", …} and {"do": "event",
    …}.
    """

    def __init__(self, seats: int = SEATS) -> None:
        self._seats = seats
        self._sittings: OrderedDict[str, Sitting] = OrderedDict()
        self._lock = threading.Lock()

    def answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to a request, or {"error": one sentence} for one that cannot be met."""
        try:
            match request.get("do"):
                case "course":
                    return {"course": [{"name": name, "title": lesson(name).title} for name in COURSE]}
                case "open":
                    return self._open(
                        str(request.get("lesson", "")),
                        str(request.get("session", "")),
                        request.get("settings") or {},
                    )
                case "event":
                    return self._act(str(request.get("session", "")), request.get("event") or {})
            raise Refused("The page asked for something this studio does not know; load it again.")
        except StudioError as error:
            return {"error": str(error)}

    def _open(self, name: str, session: str, wishes: Mapping[str, Any]) -> dict[str, Any]:
        opened = lesson(name)
        known = {knob.name for knob in opened.knobs}
        settings = opened.settings({wish: value for wish, value in wishes.items() if wish in known})
        sitting = Sitting(opened, opened.begin(settings), settings)
        with self._lock:
            self._sittings[session] = sitting
            self._sittings.move_to_end(session)
            while len(self._sittings) > self._seats:
                self._sittings.popitem(last=False)
        return {
            "lesson": _described(opened),
            "settings": settings,
            "scene": opened.draw(sitting.state).to_dict(),
        }

    def _act(self, session: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        with self._lock:
            sitting = self._sittings.get(session)
            if sitting is None:
                raise Refused("This lesson was open too long ago; choose it again to go on.")
            self._sittings.move_to_end(session)
        action = read_action(fields)
        with sitting.lock:
            if action.name == "set":
                knob = sitting.lesson.knob(action.knob)
                sitting.settings[action.knob] = fitting(knob, action.value)
                if getattr(knob, "restarts", False):
                    sitting.state = sitting.lesson.begin(sitting.settings)
                else:
                    sitting.state = sitting.lesson.act(
                        sitting.state, Action("set", knob=action.knob, value=sitting.settings[action.knob])
                    )
            else:
                sitting.state = sitting.lesson.act(sitting.state, action)
            scene = sitting.lesson.draw(sitting.state)
            sitting.settings.update(scene.values)
            return {"scene": scene.to_dict()}


def read_action(fields: Mapping[str, Any]) -> Action:
    """An action as the page sends it. Raises `Refused` for one that is malformed or too large."""
    try:
        points = tuple((float(x), float(y)) for x, y in list(fields.get("points", ()))[:MOST_POINTS])
        x, y = float(fields.get("x", 0.0)), float(fields.get("y", 0.0))
        if not all(math.isfinite(number) for point in (*points, (x, y)) for number in point):
            raise ValueError
        content = base64.b64decode(fields.get("content", ""), validate=True)
        index = int(fields.get("index", -1))
    except (TypeError, ValueError, binascii.Error):
        raise Refused("What the page sent was garbled; try once more.") from None
    if len(content) > LARGEST_FILE:
        raise Refused("The file is larger than 8 MB; make it smaller first.")
    value = fields.get("value")
    if isinstance(value, str) and len(value) > LONGEST_TEXT:
        raise Refused(f"That text is longer than {LONGEST_TEXT:,} characters; shorten it.")
    return Action(
        name=str(fields.get("name", "")),
        figure=str(fields.get("figure", "")),
        x=x,
        y=y,
        index=index,
        id=str(fields.get("id", "")),
        knob=str(fields.get("knob", "")),
        value=value,
        text=str(fields.get("text", ""))[:255],
        points=points,
        content=content,
        shift=bool(fields.get("shift")),
    )


def _described(opened: Lesson[Any]) -> dict[str, Any]:
    texts = (
        "name",
        "title",
        "question",
        "first",
        "notice",
        "formula",
        "code",
        "tab",
        "use",
        "credits",
        "folded",
    )
    return {text: getattr(opened, text) for text in texts} | {
        "checks": [asdict(check) for check in opened.checks],
        "knobs": [_knob(knob) for knob in opened.knobs],
    }


def _knob(knob: Knob) -> dict[str, Any]:
    return {"type": type(knob).__name__, "default": None, "stops": ()} | asdict(knob)
