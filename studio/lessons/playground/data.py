"""What the Playground learns: the eight tasks, the features of a place, and the visitor's own points.

The six drawn tasks are those of TensorFlow's Playground (Smilkov, Carter and others, 2016), by the
same formulas.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from studio.errors import Refused, Unreadable

REACH = 6.0
"""The plane goes from -REACH to REACH in both directions."""
CLASS_POINTS, NUMBER_POINTS = 500, 1200
MOST_POINTS = 2_000
PAINTED = 40
"""A picture is learnt as PAINTED x PAINTED colours."""
LARGEST_CSV = 2**20

FEATURES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "x": lambda p: p[:, 0],
    "y": lambda p: p[:, 1],
    "x²": lambda p: p[:, 0] ** 2,
    "y²": lambda p: p[:, 1] ** 2,
    "xy": lambda p: p[:, 0] * p[:, 1],
    "sin x": lambda p: np.sin(p[:, 0]),
    "sin y": lambda p: np.sin(p[:, 1]),
}


@dataclass(frozen=True)
class Task:
    """What is to be learnt.

    kind: "classes" (targets -1 and 1), "numbers" (targets -1 … 1) or "colours" (targets [n, 3], -1 …
    1).
    points: [n, 2] in -REACH … REACH.
    targets: [n, outputs].
    test_points, test_targets: the points kept for the test, possibly none.
    note: a sentence on what was done to the data when it was read.
    """

    kind: str
    points: np.ndarray
    targets: np.ndarray
    test_points: np.ndarray
    test_targets: np.ndarray
    note: str = ""

    @property
    def outputs(self) -> int:
        return 3 if self.kind == "colours" else 1


def features_of(points: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
    """The chosen features of points [n, 2], as float32 [n, features]."""
    return np.column_stack([FEATURES[name](points) for name in names]).astype(np.float32)


def drawn_task(name: str, ratio: float, noise: float, seed: int) -> Task:
    """One of the drawn tasks. ratio: percent of the points used for training; noise: 0 … 50 percent."""
    drawn = DRAWN[name]
    rng = np.random.default_rng(seed)
    points, targets = drawn.draw(drawn.count, noise / 100, rng)
    order = rng.permutation(len(points))
    seen = round(len(points) * ratio / 100)
    return Task(drawn.kind, *_parted(points[order], targets[order, None], np.arange(len(points)) < seen))


def own_task(text: str, ratio: float, seed: int) -> Task:
    """The visitor's own points. Whether a point is for training or for the test is decided when it is
    added and does not change when others follow.
    """
    points, targets, note = read_points(text)
    seen = np.random.default_rng(seed).random(len(points)) < ratio / 100
    if len(points):
        seen[0] = True
    kind = "classes" if np.isin(targets, (-1.0, 1.0)).all() else "numbers"
    return Task(kind, *_parted(points, targets[:, None], seen), note=note)


def painted_task(colours: np.ndarray, ratio: float, seed: int) -> Task:
    """A picture [side, side, 3] (rows from the top, 0 … 1) as colours of places."""
    side = len(colours)
    places = (np.arange(side) + 0.5) / side * 2 * REACH - REACH
    across, down = np.meshgrid(places, -places)
    points, targets = np.column_stack([across.ravel(), down.ravel()]), colours.reshape(-1, 3) * 2 - 1
    order = np.random.default_rng(seed).permutation(len(points))
    return Task(
        "colours",
        *_parted(points[order], targets[order], np.arange(len(points)) < round(len(points) * ratio / 100)),
    )


def _parted(
    points: np.ndarray, targets: np.ndarray, seen: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    return points[seen], targets[seen], points[~seen], targets[~seen]


# The drawn tasks. Each gives points [n, 2] and targets [n].

Drawn = tuple[np.ndarray, np.ndarray]


def _circle(count: int, noise: float, rng: np.random.Generator) -> Drawn:
    """A disc inside a ring. Noise moves where the side is decided, not the point, so the border is
    frayed.
    """
    radius, half = 5.0, count // 2
    far = np.concatenate(
        [rng.uniform(0, radius * 0.5, half), rng.uniform(radius * 0.7, radius, count - half)]
    )
    angle = rng.uniform(0, 2 * math.pi, count)
    points = np.column_stack([far * np.sin(angle), far * np.cos(angle)])
    judged = points + rng.uniform(-radius, radius, (count, 2)) * noise
    return points, np.where(np.hypot(*judged.T) < radius * 0.5, 1.0, -1.0)


def _xor(count: int, noise: float, rng: np.random.Generator) -> Drawn:
    points = rng.uniform(-5, 5, (count, 2))
    points += np.where(points > 0, 0.3, -0.3)
    judged = points + rng.uniform(-5, 5, (count, 2)) * noise
    return points, np.where(judged[:, 0] * judged[:, 1] >= 0, 1.0, -1.0)


def _gauss(count: int, noise: float, rng: np.random.Generator) -> Drawn:
    spread = math.sqrt(0.5 + noise * 7)
    half = count // 2
    points = np.concatenate([rng.normal(2, spread, (half, 2)), rng.normal(-2, spread, (count - half, 2))])
    return np.clip(points, -REACH, REACH), np.repeat([1.0, -1.0], [half, count - half])


def _spiral(count: int, noise: float, rng: np.random.Generator) -> Drawn:
    half = count // 2
    along = np.arange(half) / half
    arms = []
    for turn in (0.0, math.pi):
        angle = 1.75 * along * 2 * math.pi + turn
        arms.append(
            5 * along[:, None] * np.column_stack([np.sin(angle), np.cos(angle)])
            + rng.uniform(-1, 1, (half, 2)) * noise
        )
    return np.concatenate(arms), np.repeat([1.0, -1.0], half)


def _plane(count: int, noise: float, rng: np.random.Generator) -> Drawn:
    points = rng.uniform(-REACH, REACH, (count, 2))
    judged = points + rng.uniform(-REACH, REACH, (count, 2)) * noise
    return points, np.clip(judged.sum(axis=1) / 10, -1, 1)


HILLS = ((-4, 2.5, 1), (0, 2.5, -1), (4, 2.5, 1), (-4, -2.5, -1), (0, -2.5, 1), (4, -2.5, -1))


def _hills(count: int, noise: float, rng: np.random.Generator) -> Drawn:
    """Six cones, up and down; a point has the height of the nearest one."""
    points = rng.uniform(-REACH, REACH, (count, 2))
    judged = points + rng.uniform(-REACH, REACH, (count, 2)) * noise
    heights = np.column_stack(
        [sign * np.clip(1 - np.hypot(judged[:, 0] - x, judged[:, 1] - y) / 2, 0, 1) for x, y, sign in HILLS]
    )
    return points, heights[np.arange(count), np.abs(heights).argmax(axis=1)]


@dataclass(frozen=True)
class DrawnTask:
    """A task drawn by a formula.

    kind: as of `Task`.
    count: how many points.
    draw: from count, noise (0 … 0.5) and a generator to points [n, 2] and targets [n].
    """

    kind: str
    count: int
    draw: Callable[[int, float, np.random.Generator], Drawn]


DRAWN: dict[str, DrawnTask] = {
    "circle": DrawnTask("classes", CLASS_POINTS, _circle),
    "xor": DrawnTask("classes", CLASS_POINTS, _xor),
    "gauss": DrawnTask("classes", CLASS_POINTS, _gauss),
    "spiral": DrawnTask("classes", CLASS_POINTS, _spiral),
    "plane": DrawnTask("numbers", NUMBER_POINTS, _plane),
    "multi-gauss": DrawnTask("numbers", NUMBER_POINTS, _hills),
}


# The visitor's own points, as text: one per line, x, y and a class or number


def read_points(text: str) -> tuple[np.ndarray, np.ndarray, str]:
    """Points [n, 2], targets [n] in -1 … 1, and a sentence on what was changed to make them fit (empty if
    nothing was).

    Each line is x, y and a class or a number. Two different words or numbers are two classes: the
    first word (or the larger number) is orange. More numbers than two are targets as they are. A
    header is skipped. Places beyond the plane are scaled to fit. Raises `Refused`, naming the line.
    """
    separator = max((",", ";", "\t"), key=text.count)
    rows: list[tuple[int, list[str]]] = []
    for number, row in enumerate(csv.reader(io.StringIO(text), delimiter=separator), start=1):
        cells = [cell.strip() for cell in row]
        if any(cells):
            rows.append((number, cells))
    if rows and not _is_number(rows[0][1][0]):
        rows = rows[1:]
    if len(rows) > MOST_POINTS:
        raise Refused(f"There are {len(rows):,} points; the Playground takes at most {MOST_POINTS:,}.")
    for number, cells in rows:
        if len(cells) != 3 or not (_is_number(cells[0]) and _is_number(cells[1])) or not cells[2]:
            raise Refused(
                f"Line {number} of the points should be a place and a colour or number, such as 1.5, "
                "-2, orange."
            )
    points = np.array([[float(cells[0]), float(cells[1])] for _, cells in rows], dtype=np.float64).reshape(
        -1, 2
    )
    targets, said = _targets([cells[2] for _, cells in rows])
    notes = [said] if said else []
    if len(points) and np.abs(points).max() > REACH:
        low, high = points.min(axis=0), points.max(axis=0)
        points = (points - (low + high) / 2) / max(float((high - low).max()) / 2, 1e-300) * (REACH - 1)
        notes.append("The places were scaled to fit the plane.")
    return points, targets, " ".join(notes)


def _is_number(cell: str) -> bool:
    try:
        return math.isfinite(float(cell)) and abs(float(cell)) < 1e30
    except ValueError:
        return False


ORANGE, BLUE = "orange", "blue"


def _targets(cells: list[str]) -> tuple[np.ndarray, str]:
    if all(cell in (ORANGE, BLUE) for cell in cells):
        return np.array([1.0 if cell == ORANGE else -1.0 for cell in cells]), ""
    if all(_is_number(cell) for cell in cells):
        numbers = np.array([float(cell) for cell in cells])
        kinds = np.unique(numbers)
        if len(kinds) <= 2:
            return np.where(numbers == kinds[-1], 1.0, -1.0), f"{kinds[-1]:g} is orange." if tuple(kinds) != (
                -1.0,
                1.0,
            ) else ""
        if np.abs(numbers).max() <= 1:
            return numbers, ""
        low, high = numbers.min(), numbers.max()
        return (numbers - low) / (
            high - low
        ) * 2 - 1, f"The numbers from {low:g} to {high:g} were scaled to -1 … 1."
    kinds_met = list(dict.fromkeys(cells))
    if len(kinds_met) > 2:
        met = ", ".join(kinds_met[:4])
        raise Refused(
            f"The points have {len(kinds_met)} kinds ({met} …); the Playground can learn two kinds, "
            "or numbers."
        )
    return np.array([1.0 if cell == kinds_met[0] else -1.0 for cell in cells]), f"{kinds_met[0]} is orange."


def write_points(points: np.ndarray, targets: np.ndarray) -> str:
    """The points as text, one per line."""
    lines = []
    for (x, y), target in zip(points, targets, strict=True):
        what = (
            {1.0: ORANGE, -1.0: BLUE}.get(float(target))
            if np.isin(targets, (-1.0, 1.0)).all()
            else f"{target:.3f}"
        )
        lines.append(f"{x:.2f}, {y:.2f}, {what}")
    return "\n".join(lines)


def points_from_file(content: bytes, name: str) -> str:
    """The text of a file of points. Raises `Unreadable` for a file that is not text or too large,
    `Refused` for text without points.
    """
    if len(content) > LARGEST_CSV:
        raise Unreadable(f"{name} is larger than 1 MB; keep at most {MOST_POINTS:,} points.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise Unreadable(f"{name} is not a text table; export it as CSV with columns x, y and colour.")
    if not len(read_points(text)[0]):
        raise Refused(f"{name} contains no points; write one per line, such as 1.5, -2, orange.")
    return text


def with_stroke(text: str, stroke: tuple[tuple[float, float], ...], brush: str) -> str:
    """The points after a stroke of a brush: dots along it, or without the dots it passed over (the
    eraser).
    """
    points, targets, _ = read_points(text)
    if brush == "eraser":
        way = np.array(stroke)
        far = (
            np.sqrt(((points[:, None] - way[None]) ** 2).sum(axis=2)).min(axis=1)
            if len(points)
            else np.empty(0)
        )
        return write_points(points[far > 0.4], targets[far > 0.4])
    target = 1.0 if brush == ORANGE else -1.0
    added: list[tuple[float, float]] = []
    for x, y in stroke:
        if abs(x) <= REACH and abs(y) <= REACH and (not added or math.dist(added[-1], (x, y)) >= 0.45):
            added.append((x, y))
    room = MOST_POINTS - len(points)
    if len(added) > room:
        raise Refused(
            f"That would be more than {MOST_POINTS:,} points, the most the Playground takes; erase some "
            "first."
        )
    if not added:
        return text
    return write_points(
        np.concatenate([points, added]), np.concatenate([targets, np.full(len(added), target)])
    )


def sunset(side: int = PAINTED) -> np.ndarray:
    """A small picture to start with: a low sun over water. [side, side, 3], 0 … 1."""
    down, across = np.meshgrid(np.linspace(0, 1, side), np.linspace(0, 1, side), indexing="ij")
    sky = (
        np.array([0.13, 0.16, 0.42])
        + (np.array([0.98, 0.56, 0.30]) - np.array([0.13, 0.16, 0.42])) * (down / 0.62)[..., None]
    )
    water = (
        np.array([0.72, 0.40, 0.32])
        + (np.array([0.05, 0.10, 0.24]) - np.array([0.72, 0.40, 0.32])) * ((down - 0.62) / 0.38)[..., None]
    )
    colours = np.where((down < 0.62)[..., None], sky, water)
    sun = np.clip((0.17 - np.hypot(across - 0.6, down - 0.5)) / 0.03, 0, 1) * (down < 0.62)
    glitter = np.clip(1 - np.abs(across - 0.6) / (0.05 + 0.25 * (down - 0.62)), 0, 1) * (down >= 0.62) * 0.8
    light = np.array([1.0, 0.88, 0.55])
    for share in (sun, glitter):
        colours = colours + (light - colours) * share[..., None]
    return np.asarray(np.clip(colours, 0, 1))


def small_picture(content: bytes, name: str) -> np.ndarray:
    """A picture file as PAINTED x PAINTED colours 0 … 1, cropped to a square at its middle. Raises
    `Unreadable`.
    """
    from PIL import Image

    from studio.images.pictures import read_picture

    pixels = Image.fromarray(read_picture(content, name).pixels)
    side = min(pixels.size)
    left, top = (pixels.width - side) // 2, (pixels.height - side) // 2
    square = pixels.crop((left, top, left + side, top + side)).resize(
        (PAINTED, PAINTED), Image.Resampling.LANCZOS
    )
    return np.asarray(square, dtype=np.float64) / 255
