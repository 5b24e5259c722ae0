"""The course: its lessons in order. Each stands in a file of its own, read when it is opened."""

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


FILES = {"train_and_test": "seen_and_unseen"}
"""Lessons whose file is not called like the lesson: test runners take a file called train_and_test for a test."""


def lesson(name: str) -> Lesson[Any]:
    """The lesson of that name, or of that number in the course, from 1. Raises `UnknownName`."""
    module = COURSE[int(name) - 1] if name in map(str, range(1, len(COURSE) + 1)) else name.replace("-", "_")
    if module not in COURSE:
        raise UnknownName("lesson", name, COURSE)
    found: Lesson[Any] = import_module(f"studio.lessons.{FILES.get(module, module)}").LESSON
    return found
