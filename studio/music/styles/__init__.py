"""Styles: sets of tunes to learn from, and what a melody shares with them."""
