"""Painting at once: a small network that learnt one painting, and paints any photo in a single pass."""
