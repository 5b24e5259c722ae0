"""Writes tunes and scores: one table of formats, one file a format. The same music gives the same bytes."""
