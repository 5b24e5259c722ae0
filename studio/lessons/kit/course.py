"""The course: its lessons in order.

A lesson is a module or, when it is long, a package with a module `lesson`. It is imported when it is
opened.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from studio.errors import UnknownName
from studio.lessons.kit.lesson import Lesson

COURSE: tuple[str, ...] = (
    "memorising",
    "rules",
    "learned",
    "classes_or_numbers",
    "no_labels",
    "train_and_test",
    "wrongness",
    "neuron",
    "cafeteria",
    "playground",
    "deep_networks",
    "benchmarks",
    "teach",
    "derivative_works",
)


def lesson(name: str) -> Lesson[Any]:
    """The lesson of that name, or of that number in the course, from 1. Raises `UnknownName`."""
    numbers = map(str, range(1, len(COURSE) + 1))
    module = COURSE[int(name) - 1] if name in numbers else name.replace("-", "_")
    if module not in COURSE:
        raise UnknownName("lesson", name, COURSE)
    found = import_module(f"studio.lessons.{module}")
    if hasattr(found, "__path__"):
        found = import_module(f"studio.lessons.{module}.lesson")
    opened: Lesson[Any] = found.LESSON
    return opened
