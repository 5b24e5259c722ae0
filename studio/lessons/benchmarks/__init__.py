"""Lesson 12: the sets that everybody measures by."""
