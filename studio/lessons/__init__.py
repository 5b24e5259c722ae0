"""Lessons: the lecture, alive. One file a lesson, all on the same learning layer."""
