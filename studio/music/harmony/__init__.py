"""Harmony: chords as a style uses them, learnt, drawn under constraints, and fitted to melodies."""
