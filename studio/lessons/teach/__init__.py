"""Lesson 13: teach a network by showing it a few examples."""
