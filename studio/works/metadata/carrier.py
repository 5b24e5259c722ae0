"""A format that can carry a recipe, and what all of these formats share."""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from xml.parsers import expat

from studio.works.recipe import Recipe

KEYWORD = "studio-recipe"
"""What a recipe is called inside a file, in every format."""
TOOL = "Derivative Works Studio"
LARGEST_RECIPE = 2**20
"""Bytes of the longest recipe that is read; real ones have about one thousand."""


@dataclass(frozen=True)
class Carrier:
    """A format that can carry a recipe.

    name: as a sentence calls it. suffixes: the usual one first. signature: matches how a file begins.
    insert: gives the file with the recipe in it, in place of one that is there. It may raise any of `BROKEN`.
    find: gives the recipe's bytes, or None where there are none. It may raise any of `BROKEN`, or
    `Unreadable` for a recipe that is damaged. is_cut_off: whether the end of the file is missing; it may
    raise any of `BROKEN`.
    """

    name: str
    suffixes: tuple[str, ...]
    media_type: str
    signature: re.Pattern[bytes]
    insert: Callable[[bytes, Recipe], bytes]
    find: Callable[[bytes], bytes | None]
    is_cut_off: Callable[[bytes], bool]


class NotWhole(ValueError):
    """The file ends before its own sizes say so, or lacks a part that every such file has."""


BROKEN: tuple[type[Exception], ...] = (
    *(struct.error, zlib.error, expat.ExpatError, zipfile.BadZipFile),
    *(LookupError, ValueError, EOFError, OverflowError),
    *(NotImplementedError, RuntimeError),  # zipfile raises these for an unknown method and for a password
)
"""What reading a damaged or hostile file can raise."""
