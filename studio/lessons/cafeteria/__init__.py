"""Lesson 9: learn prices from totals alone."""
