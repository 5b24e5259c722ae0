"""Lesson 6: a curve that fits every point, and why that is no compliment."""
