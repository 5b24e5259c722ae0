"""The first scenes of all lessons, drawn before anyone opens one (see `studio.making.ahead`).

    python -m studio.lessons.ahead     # write those that come with the studio

What comes with the studio is written again after a change of a lesson; a test says when.
"""

from __future__ import annotations

import base64
import io
import math
import os
import re
import tempfile
from typing import Any

import numpy as np

from studio.lessons.kit.classroom import Classroom
from studio.lessons.kit.course import COURSE
from studio.lessons.kit.openings import Openings, ship, shipped_opening


def names() -> list[str]:
    """All lessons are prepared as one."""
    return ["course"]


def prepare(name: str, *, kindly: bool = False) -> None:  # noqa: ARG001
    """Draw and keep those that did not come with the studio. Quick where that was done."""
    classroom = Classroom(openings=Openings())
    for lesson in COURSE:
        classroom.answer({"do": "open", "lesson": lesson, "session": lesson})


def main() -> None:
    """Write the first scenes that come with the studio, those that have changed. Nobody's gallery is in
    them."""
    with tempfile.TemporaryDirectory() as nobodys:
        os.environ["STUDIO_HOME"] = nobodys
        _write_all()


def _write_all() -> None:
    classroom = Classroom()
    for lesson in COURSE:
        drawn = classroom.answer({"do": "open", "lesson": lesson, "session": lesson})
        there = shipped_opening(lesson)
        if there is None or not alike(there["scene"], drawn["scene"]):
            print(ship(lesson, drawn["settings"], drawn["scene"]))


NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?")


def alike(one: Any, other: Any) -> bool:
    """Whether two scenes, as `Scene.to_dict` gives them, look the same, their facts in one order.

    The last digits of another computer differ: numbers by a thousandth, in texts too, and the cells of heat
    maps and pixels of pictures by a hundredth on the average.
    """
    match one:
        case {"rows": rows, "columns": columns, "bytes": cells}:
            same = other["rows"] == rows and other["columns"] == columns
            return bool(same and _close(_cells(cells), _cells(other["bytes"])))
        case dict():
            return list(one) == list(other) and all(alike(one[name], other[name]) for name in one)
        case list() | tuple():
            return len(one) == len(other) and all(map(alike, one, other))
        case str() if one.startswith("data:image/"):
            return _close(_pixels(one), _pixels(other))
        case str():
            return NUMBER.sub("#", one) == NUMBER.sub("#", other) and alike(_numbers(one), _numbers(other))
        case int() | float():
            return math.isclose(one, other, rel_tol=1e-3, abs_tol=1e-3)
    return bool(one == other)


def _numbers(text: str) -> list[float]:
    return [float(each) for each in NUMBER.findall(text)]


def _cells(text: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), np.uint8)


def _pixels(url: str) -> np.ndarray:
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))).convert("RGB"))


def _close(one: np.ndarray, other: np.ndarray) -> bool:
    return one.shape == other.shape and bool(np.abs(one.astype(int) - other).mean() < 2.56)


if __name__ == "__main__":
    main()
