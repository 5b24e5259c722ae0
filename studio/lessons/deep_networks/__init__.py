"""Lesson 11: what the layers of a deep network see."""
