"""A file that goes into a work."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Ingredient:
    """A file that goes into a work, and the credit for it.

    role: what it is for, such as "photo", "guide", "mask", "style" or "tune". name: its file name.
    """

    role: str
    content: bytes
    name: str = ""
    title: str = ""
    author: str = ""
    licence: str = ""
