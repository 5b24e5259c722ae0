"""What a lesson is: a few texts, some controls, and three functions that know nothing of the page that
shows them.

    state = lesson.begin(settings)       # a fresh start
    state = lesson.act(state, action)    # the visitor did something, or time goes on
    scene = lesson.draw(state)           # what there is to see now

A page, a terminal and a test use a lesson in the same way. All training goes through
`studio.learning`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from studio.errors import Refused
from studio.lessons.kit.scene import Scene, Table

State = TypeVar("State")


@dataclass(frozen=True)
class Choice:
    """Choose one of a few words.

    icons: a small picture for each, the inside of an SVG of 32 by 32 units; the choices are then shown
    side by side. labels: what a person reads for each, where the option itself is a name for programs.
    """

    name: str
    label: str
    options: tuple[str, ...]
    default: str
    help: str = ""
    restarts: bool = False
    icons: tuple[str, ...] = ()
    group: str = ""
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Slide:
    """A number in a range. `stops` lists the only values allowed, where they are not evenly spaced."""

    name: str
    label: str
    minimum: float
    maximum: float
    step: float
    default: float
    help: str = ""
    restarts: bool = False
    stops: tuple[float, ...] = ()
    group: str = ""


@dataclass(frozen=True)
class Switch:
    """On or off."""

    name: str
    label: str
    default: bool = False
    help: str = ""
    restarts: bool = False
    group: str = ""


@dataclass(frozen=True)
class Push:
    """A button that sends an action of its name.

    key: the key that presses it. group: the group it belongs to; without one it is among the main
    buttons.
    """

    name: str
    label: str
    help: str = ""
    key: str = ""
    main: bool = False
    group: str = ""


@dataclass(frozen=True)
class Write:
    """A text to write or paste, such as a rule or a CSV; sent as action "set"."""

    name: str
    label: str
    default: str = ""
    help: str = ""
    lines: int = 1
    restarts: bool = False
    group: str = ""


@dataclass(frozen=True)
class Upload:
    """A file from the visitor: sends an action of its name with `content` (bytes) and `text` (the file's
    name).
    """

    name: str
    label: str
    accepts: str = "image/*"
    help: str = ""
    group: str = ""


@dataclass(frozen=True)
class Camera(Upload):
    """A button that turns the visitor's camera on. While it is on, actions of its name bring small JPEGs,
    a few per second, like uploads.
    """


Knob = Choice | Slide | Switch | Push | Write | Upload


@dataclass(frozen=True)
class Action:
    """Something that happened.

    name: one of

    - a button's name; "set" (knob, value); "advance" (time goes on); "key" - "click" and "drag" on a
    figure (x, y in the figure's coordinates; index for a dot); "stroke" (points) - "node", "link" and
    "press" (id of what was clicked); "hover" (id of the node or link under the pointer, empty for
    none) - "edit" (id of an entry and the value typed, None to close it)
    """

    name: str
    figure: str = ""
    x: float = 0.0
    y: float = 0.0
    index: int = -1
    id: str = ""
    knob: str = ""
    value: Any = None
    text: str = ""
    points: tuple[tuple[float, float], ...] = ()
    content: bytes = b""
    shift: bool = False


@dataclass(frozen=True)
class Check:
    """What will happen if …: a question to answer before trying it out.

    answer: index of the right choice. why: shown afterwards, whatever was chosen.
    """

    question: str
    choices: tuple[str, ...]
    answer: int
    why: str


@dataclass(frozen=True)
class Lesson(Generic[State]):
    """One lesson of the course.

    minutes: about how long it takes with its checks.
    question: the one it answers.
    first: what to do in the first ten seconds.
    notice: what to look for, one sentence each.
    formula: in plain notation, with every sign explained.
    code: about twelve lines of Python that do it and run as printed.
    tab, use: the tab where artists use it, and the sentence that says how.
    knobs: in order; those of one `group` stand together under its name.
    folded: the groups that are closed at first. begin(settings) -> state, act(state, action) -> state,
    draw(state) -> scene.
    look_again(scene) -> scene: the first scene with the usual settings, as it was drawn at some time, with
    what may have changed since, such as the visitor's gallery. Quick: it computes nothing.
    table: the lesson's numbers, step by step, for `studio lesson NAME`; None for lessons without
    numbers to print.
    """

    name: str
    title: str
    question: str
    first: str
    notice: tuple[str, ...]
    checks: tuple[Check, ...]
    formula: str
    code: str
    tab: str
    use: str
    knobs: tuple[Knob, ...]
    begin: Callable[[Mapping[str, Any]], State]
    act: Callable[[State, Action], State]
    draw: Callable[[State], Scene]
    look_again: Callable[[Mapping[str, Any]], dict[str, Any]] = dict
    table: Callable[[Mapping[str, Any]], Iterator[Table | str]] | None = None
    credits: tuple[str, ...] = field(default=())
    folded: tuple[str, ...] = ()
    minutes: int = 8

    def settings(self, given: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Every knob's value: the given one where there is one, its default otherwise. Raises `Refused`."""
        return settings_of(self.knobs, given)

    def knob(self, name: str) -> Knob:
        """The control of that name. Raises `Refused` with the names there are."""
        return find_knob(self.knobs, name)


Handler = Callable[[State, Action], State]


def dispatch(handlers: Mapping[str, Handler[State]], state: State, action: Action) -> State:
    """The state after an action, by the handler for its name and figure ("click map") or for its name
    ("play").

    An action that no handler is for changes nothing.
    """
    handler = handlers.get(f"{action.name} {action.figure}") or handlers.get(action.name)
    return state if handler is None else handler(state, action)


def settings_of(knobs: tuple[Knob, ...], given: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Every knob's value: the given one where there is one, its default otherwise.

    Raises `Refused` for a value that does not fit its knob and for a name that no knob has.
    """
    values = {knob.name: knob.default for knob in knobs if not isinstance(knob, (Push, Upload))}
    for name, value in (given or {}).items():
        values[name] = fitting(find_knob(knobs, name), value)
    return values


def find_knob(knobs: tuple[Knob, ...], name: str) -> Knob:
    """The knob of that name. Raises `Refused` with the names there are."""
    for knob in knobs:
        if knob.name == name:
            return knob
    raise Refused(
        f"This lesson has no control '{name}'; choose from {', '.join(knob.name for knob in knobs)}."
    )


def fitting(knob: Knob, value: Any) -> Any:
    """The value as the knob takes it, read from text where needed. Raises `Refused` saying what would
    fit.
    """
    if isinstance(knob, Choice):
        if str(value) not in knob.options:
            raise Refused(f"{knob.label} can be {', '.join(knob.options)}, not {value}.")
        return str(value)
    if isinstance(knob, Slide):
        try:
            number = float(value)
        except (TypeError, ValueError):
            raise Refused(
                f"{knob.label} is a number from {knob.minimum:g} to {knob.maximum:g}, not {value!r}."
            ) from None
        if not knob.minimum <= number <= knob.maximum:
            raise Refused(
                f"{knob.label} goes from {knob.minimum:g} to {knob.maximum:g}; {number:g} is outside "
                "that range."
            )
        return (
            int(number)
            if knob.step == int(knob.step) and number == int(number) and not knob.stops
            else number
        )
    if isinstance(knob, Switch):
        return value if isinstance(value, bool) else str(value).lower() in ("1", "true", "yes", "on")
    if isinstance(knob, Write):
        return str(value)
    raise Refused(f"{knob.label} is a button and has no value.")
