"""Melodies: what is learnt of a style, the constraints, and the takes drawn under them."""
