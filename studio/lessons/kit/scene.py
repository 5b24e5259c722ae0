"""What a lesson shows, as data: figures made of marks. A page draws them, a terminal prints their text, a
test reads their numbers.

Coordinates are the data's own; whoever draws scales them. Colours are named by meaning, and the theme
chooses them, safe for colour-blind eyes: "one" and "two" are the two sides of every comparison (orange
and blue), "three" to "six" are further classes, "ink" and "faint" are for text, "good" and "bad" for
judgements, "accent" for what the eye should find first.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from dataclasses import fields as dataclass_fields
from typing import Any

import numpy as np

Grid = Sequence[Sequence[float]] | np.ndarray
Row = Sequence[float] | np.ndarray


@dataclass(frozen=True)
class Points:
    """Dots. colour: one for all, or one for each. drag: the dots can be moved (action "drag" with the
    dot's index).
    """

    x: Row
    y: Row
    colour: str | Sequence[str] = "one"
    size: float = 5.0
    shape: str | Sequence[str] = "circle"
    """circle, square, ring, cross, or the name of a drawing: apple, orange."""
    label: Sequence[str] = ()
    drag: bool = False
    mark: str = field(default="points", init=False)


@dataclass(frozen=True)
class Line:
    """A line through points in order; `fill` shades the area down to 0."""

    x: Row
    y: Row
    colour: str = "one"
    width: float = 2.0
    dash: bool = False
    fill: bool = False
    name: str = ""
    mark: str = field(default="line", init=False)


@dataclass(frozen=True)
class Bars:
    """Vertical bars from 0; x holds their centres."""

    x: Row
    y: Row
    colour: str | Sequence[str] = "one"
    width: float = 0.8
    label: Sequence[str] = ()
    mark: str = field(default="bars", init=False)


@dataclass(frozen=True)
class Heat:
    """A grid of values as colours.

    values: rows from the bottom up; -1 is colour "two", 0 the background, +1 colour "one". With the
    scale "colour", each value is a red, a green and a blue of 0 … 1.
    extent: x0, x1, y0, y1 of the grid's outer edges.
    steps: True shows only the sign (a decision), False shades.
    """

    values: Grid
    extent: tuple[float, float, float, float]
    steps: bool = False
    scale: str = "diverging"
    """diverging (-1 … 1), "light" for 0 … 1 from dark to light, or "colour"."""
    pixelated: bool = False
    mark: str = field(default="heat", init=False)


@dataclass(frozen=True)
class PictureView:
    """A picture (data URL) filling the extent x0, x1, y0, y1.

    pixelated: show the pixels as squares.
    name: the page keeps a picture that has one; an empty url then shows it again, so that a large one
    is sent once.
    """

    url: str
    extent: tuple[float, float, float, float]
    pixelated: bool = False
    text: str = ""
    name: str = ""
    mark: str = field(default="picture", init=False)


@dataclass(frozen=True)
class Words:
    """Text at given places."""

    x: Row
    y: Row
    text: Sequence[str]
    colour: str | Sequence[str] = "ink"
    size: float = 13.0
    anchor: str = "middle"
    mark: str = field(default="words", init=False)


@dataclass(frozen=True)
class Arrow:
    """An arrow from one place to another, such as a step downhill."""

    start: tuple[float, float]
    end: tuple[float, float]
    colour: str = "accent"
    width: float = 2.0
    mark: str = field(default="arrow", init=False)


@dataclass(frozen=True)
class Node:
    """One neuron in a drawing of a network, with its own output as a small heat map. Clicking it sends
    action "node" with its id.

    bias: shown as a small square; clicking that sends action "link" with the id and ":bias".
    size: half its side, in pixels.
    """

    id: str
    x: float
    y: float
    text: str = ""
    heat: Grid | None = None
    chosen: bool = False
    dim: bool = False
    bias: float | None = None
    size: float = 17.0
    mark: str = field(default="node", init=False)


@dataclass(frozen=True)
class Link:
    """A weight between two nodes, its size as width, its sign as colour. Clicking it sends action "link"
    with its id.
    """

    id: str
    start: str
    end: str
    weight: float
    dim: bool = False
    chosen: bool = False
    mark: str = field(default="link", init=False)


@dataclass(frozen=True)
class Button:
    """A small round button inside a drawing, such as “one more neuron”. Pressing it sends action "press"
    with its id.

    help: what it does.
    """

    id: str
    x: float
    y: float
    text: str
    help: str
    size: float = 11.0
    dim: bool = False
    colour: str = ""
    chosen: bool = False
    mark: str = field(default="button", init=False)


@dataclass(frozen=True)
class Entry:
    """A number to type in, over the drawing at x, y. Typing sends action "edit" with its id and the
    value.
    """

    id: str
    x: float
    y: float
    text: str
    value: float
    mark: str = field(default="entry", init=False)


Mark = Points | Line | Bars | Heat | PictureView | Words | Arrow | Node | Link | Button | Entry


@dataclass(frozen=True)
class Figure:
    """One drawing.

    text: the same in words, for screen readers and for print: what is to be seen, with its numbers.
    clicks: what a click on the background does, as a hint under the figure; empty when it does
    nothing.
    draws: the figure is a sheet to draw on with a finger or a mouse (action "stroke" with the points).
    aspect: width over height.
    axes: False for pictures and networks.
    hovers: it wants to know which node or link is pointed at.
    rows: how many rows of the page it fills, where the scene's figures stand in columns.
    """

    name: str
    title: str
    x: tuple[float, float]
    y: tuple[float, float]
    marks: tuple[Mark, ...]
    text: str
    x_label: str = ""
    y_label: str = ""
    aspect: float = 1.5
    axes: bool = True
    clicks: str = ""
    draws: bool = False
    wide: bool = False
    hovers: bool = False
    rows: int = 1


@dataclass(frozen=True)
class Table:
    """Numbers as on paper. rows: the texts to be shown. chosen: the row the eye should find."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    chosen: int | None = None


@dataclass(frozen=True)
class Audio:
    """A tone.

    pitch: a MIDI number. seconds: how long it sounds. loudness: 0 … 1.
    timbre: one the browser knows (sine, triangle, square).
    after: seconds from now until it starts.
    """

    pitch: float
    seconds: float = 0.2
    loudness: float = 0.4
    timbre: str = "triangle"
    after: float = 0.0


@dataclass(frozen=True)
class File:
    """Something for the visitor to keep; the page offers it as a download."""

    name: str
    content: bytes
    kind: str = "application/octet-stream"


@dataclass(frozen=True)
class Visit:
    """The page opens another tab, by its label, with these settings there (for the Dream tab: fields of
    its recipe).

    network: a network trained here that goes along as a file, to dream with `layers`.
    """

    tab: str
    settings: dict[str, Any]
    network: File | None = None
    layers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Scene:
    """All that a lesson shows at one moment.

    says: one sentence on what just happened or what to try (the coach).
    mood: plain, good or bad.
    numbers: a few figures worth reading at a glance, name -> value as text.
    playing: whether it wants to go on by itself (the page then sends "advance" again and again).
    values: settings that the lesson itself changed, for the controls to follow.
    columns: widths of the columns of figures on a wide page, such as (3, 2); the page chooses when
    empty.
    visit: where the visitor is taken, with what was found here.
    away: groups of controls, and buttons by name, that have no use at the moment; the page hides them.
    """

    figures: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()
    numbers: dict[str, str] = field(default_factory=dict)
    says: str = ""
    mood: str = "plain"
    playing: bool = False
    values: dict[str, Any] = field(default_factory=dict)
    sounds: tuple[Audio, ...] = ()
    files: tuple[File, ...] = ()
    columns: tuple[float, ...] = ()
    visit: Visit | None = None
    away: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain lists and numbers, ready for JSON. Heat maps are base64, one byte per cell: 0 is -1 (or
        dark), 255 is +1 (or light).
        """
        scene = asdict(replace(self, figures=(), files=()))
        scene["files"] = [_carried(file) for file in self.files]
        if self.visit is not None and self.visit.network is not None:
            scene["visit"]["network"] = _carried(self.visit.network)
        scene["figures"] = [
            {**asdict(replace(figure, marks=())), "marks": [_marked(mark) for mark in figure.marks]}
            for figure in self.figures
        ]
        return scene

    def in_words(self) -> str:
        """The scene for a terminal or a screen reader."""
        parts = [f"{name}: {value}" for name, value in self.numbers.items()]
        parts += [f"{figure.title}. {figure.text}" for figure in self.figures]
        parts += [table_in_words(table) for table in self.tables]
        return "\n".join([*parts, self.says] if self.says else parts)


def _carried(file: File) -> dict[str, str]:
    return {"name": file.name, "kind": file.kind, "content": base64.b64encode(file.content).decode("ascii")}


def _marked(mark: Mark) -> dict[str, Any]:
    fields = {each.name: getattr(mark, each.name) for each in dataclass_fields(mark)}
    if isinstance(mark, Heat):
        fields["values"] = _bytes(mark.values, -1.0 if mark.scale == "diverging" else 0.0)
    elif isinstance(mark, Node):
        fields["heat"] = None if mark.heat is None else _bytes(mark.heat, -1.0)
    else:
        fields = {name: _plain(value) for name, value in fields.items()}
    return fields


def _bytes(values: Grid, lowest: float) -> dict[str, Any]:
    """The grid's values, from `lowest` to 1, as bytes. What is not a number becomes the middle."""
    grid = np.nan_to_num(np.asarray(values, dtype=np.float32), nan=(lowest + 1) / 2)
    cells = np.clip((grid - lowest) / (1 - lowest) * 255 + 0.5, 0, 255).astype(np.uint8)
    return {
        "rows": cells.shape[0],
        "columns": cells.shape[1],
        "bytes": base64.b64encode(cells.tobytes()).decode("ascii"),
    }


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, (list, tuple, range)):
        return [_plain(each) for each in value]
    return value


def table_in_words(table: Table) -> str:
    """The table as text, in columns of even width."""
    widths = [
        max(len(row[column]) for row in (table.columns, *table.rows)) for column in range(len(table.columns))
    ]
    lines = [
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        for row in (table.columns, *table.rows)
    ]
    return "\n".join([table.title, *lines] if table.title else lines)


def written(value: float, digits: int = 4, *, sign: bool = False) -> str:
    """A number with a fixed count of decimals; in powers of ten if it would be too long for a column."""
    form = f"{'+' if sign else ''}z.{digits}{'f' if abs(value) < 1e6 else 'e'}"
    return format(value, form)
