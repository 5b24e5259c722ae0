"""Open lessons: which visitor is in which lesson, and one answer for each thing a visitor does.

The page talks to a classroom in plain JSON. Each lesson open in a page is a session with a state of
its own. The sessions unused for longest make room for new ones; a page whose session is gone opens its
lesson again.
"""

from __future__ import annotations

import base64
import binascii
import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any

from studio.errors import Refused, StudioError
from studio.lessons.kit.course import COURSE, lesson
from studio.lessons.kit.lesson import Action, Knob, Lesson, fitting
from studio.lessons.kit.openings import Openings

MOST_OPEN = 64
LONGEST_SESSION = 100
LARGEST_FILE = 8 * 2**20
LONGEST_TEXT = 200_000
MOST_POINTS = 4_000

SEEN_FIRST = 1.5
"""Seconds that a lesson whose first scene was known is looked at, before its state is computed: whoever leafs
through the lessons waits for none of them.
"""


@dataclass
class OpenLesson:
    """One lesson, open in one page. begun: its state is there. Whoever uses the state holds the lock."""

    lesson: Lesson[Any]
    settings: dict[str, Any]
    state: Any = None
    begun: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self) -> None:
        """Compute the state, unless it is there."""
        if not self.begun:
            self.state = self.lesson.begin(self.settings)
            self.begun = True

    def begin_soon(self, wanted: Callable[[], bool], turn: threading.Lock) -> None:
        """The same in the background, if it is still wanted when the first scene has been looked at. turn:
        held by the one that begins; the others wait.
        """

        def begin() -> None:
            with turn:
                if wanted():
                    with self.lock, suppress(Exception):  # whoever does something gets the error
                        self.begin()

        later = threading.Timer(SEEN_FIRST, begin)
        later.daemon = True
        later.start()


class Classroom:
    """Holds the open lessons and answers requests: {"do": "course"}, {"do": "open", …} and {"do":
    "event", …}. A page that opens another lesson says the session it "leaves"; "" opens the first.

    openings: first scenes that are known, so that a lesson opens at once; None computes each.
    """

    def __init__(self, most_open: int = MOST_OPEN, openings: Openings | None = None) -> None:
        self._most_open = most_open
        self._openings = openings
        self._lessons: OrderedDict[str, OpenLesson] = OrderedDict()
        self._lock = threading.Lock()
        self._turn = threading.Lock()

    def answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to a request, or {"error": one sentence} for one that cannot be met."""
        try:
            match request.get("do"):
                case "course":
                    listed = ((name, lesson(name)) for name in COURSE)
                    return {
                        "course": [
                            {"name": name, "title": each.title, "minutes": each.minutes}
                            for name, each in listed
                        ]
                    }
                case "open":
                    self._leave(str(request.get("leaves", "")))
                    return self._open(
                        str(request.get("lesson", "")),
                        str(request.get("session", ""))[:LONGEST_SESSION],
                        request.get("settings") or {},
                    )
                case "event":
                    return self._act(
                        str(request.get("session", ""))[:LONGEST_SESSION], request.get("event") or {}
                    )
            raise Refused("The page asked for something this studio does not know; reload it.")
        except StudioError as error:
            return {"error": str(error)}

    def _leave(self, session: str) -> None:
        """A page has left that lesson for another one: nobody asks for it any more."""
        if session:
            with self._lock:
                self._lessons.pop(session, None)

    def _open(self, lesson_name: str, session: str, given: Mapping[str, Any]) -> dict[str, Any]:
        opened = lesson(lesson_name := lesson_name or COURSE[0])
        known = {knob.name for knob in opened.knobs}
        settings = opened.settings({name: value for name, value in given.items() if name in known})
        current = OpenLesson(opened, settings)
        scene = self._first_scene(lesson_name, current, session)
        with self._lock:
            self._lessons[session] = current
            self._lessons.move_to_end(session)
            while len(self._lessons) > self._most_open:
                self._lessons.popitem(last=False)
        return {
            "lesson": _described(opened),
            "settings": settings,
            "scene": scene,
        }

    def _first_scene(self, name: str, current: OpenLesson, session: str) -> dict[str, Any]:
        """How a lesson begins: kept with the usual settings, or else computed."""
        opened, settings = current.lesson, current.settings
        openings = self._openings if settings == opened.settings({}) else None
        known = openings.scene(name, settings) if openings is not None else None
        if known is not None:
            current.begin_soon(lambda: self._lessons.get(session) is current, self._turn)
            return opened.look_again(known)
        current.begin()
        scene = opened.draw(current.state).to_dict()
        if openings is not None:
            openings.keep(name, settings, scene)
        return scene

    def _act(self, session: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        with self._lock:
            current = self._lessons.get(session)
            if current is None:
                raise Refused("This lesson was left alone for too long; choose it again to go on.")
            self._lessons.move_to_end(session)
        action = read_action(fields)
        with current.lock:
            current.begin()
            if action.name == "set":
                knob = current.lesson.knob(action.knob)
                current.settings[action.knob] = fitting(knob, action.value)
                if getattr(knob, "restarts", False):
                    current.state = current.lesson.begin(current.settings)
                else:
                    current.state = current.lesson.act(
                        current.state, Action("set", knob=action.knob, value=current.settings[action.knob])
                    )
            else:
                current.state = current.lesson.act(current.state, action)
            scene = current.lesson.draw(current.state)
            current.settings.update(scene.values)
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
        raise Refused("The page sent something unreadable; try again.") from None
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
        "minutes",
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
