"""Lesson 10: a small network on points in a plane."""
