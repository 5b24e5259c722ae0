"""Names: a work's id, its files in the store, and what a search looks for. Its title is made in `titles`."""

from __future__ import annotations

import hashlib
import math
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from studio.works.recipe import Recipe

IDENTITY = "gallery.txt"
"""The file of the store that says which gallery it belongs to."""

LOST = "lost-and-found"
"""The folder of the store for works and sources that no row of the database names."""

SUFFIX = re.compile(r"\.[a-z0-9]{1,15}")
STORED_NAME = re.compile(
    r"(?P<folder>works|thumbs|sources)/(?P<start>[0-9a-f]{2})/"
    r"(?P<sha256>(?P=start)[0-9a-f]{62})(?P<suffix>\.[a-z0-9]{1,15})?"
)
"""The names that the gallery gives to files. Files of any other name are not ours and are left alone."""


def work_file(sha256: str, suffix: str) -> str:
    """Where the store keeps a work's file."""
    return f"works/{sha256[:2]}/{sha256}{suffix}"


def thumbnail_file(sha256: str) -> str:
    """Where the store keeps the small picture of the work whose file has this hash."""
    return f"thumbs/{sha256[:2]}/{sha256}.jpg"


def source_file(sha256: str) -> str:
    """Where the store keeps a source."""
    return f"sources/{sha256[:2]}/{sha256}"


def lost_file(name: str) -> str:
    """Where the store keeps the file `name` while no row of the database names it."""
    return f"{LOST}/{name}"


def work_id(fingerprint: str, sha256: str) -> str:
    """16 hexadecimal digits: the same recipe with the same result is the same work."""
    return hashlib.sha256(f"{fingerprint}{sha256}".encode()).hexdigest()[:16]


def file_name(title: str) -> str:
    """A title as a file name that every system takes."""
    return re.sub(r"[^a-z0-9]+", "-", folded(title)).strip("-")[:60] or "work"


def search_text(recipe: Recipe, title: str, words: str) -> str:
    """Everything that a search for a work looks at, folded."""
    labels = [label for source in recipe.sources for label in (source.name, source.title, source.author)]
    return clean(folded(" ".join([title, words, *labels])), 20_000)


def folded(text: str) -> str:
    """Text as a search compares it: without case and accents. "Tübingen" is found by "tubingen"."""
    plain = "".join(
        letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter)
    )
    return " ".join(plain.casefold().split())


def clean(text: str, most: int) -> str:
    """Text that a database takes, at most `most` characters.

    PostgreSQL does not take NUL, and a file name from another system may hold half a character.
    """
    text = text.replace("\0", "").encode("utf-8", "replace").decode()
    return text if len(text) <= most else text[: most - 1] + "…"


def as_json(value: Any) -> Any:
    """Facts as both databases take them: no NUL in a text, no infinite number.

    Raises `TypeError` for what is not a JSON value.
    """
    match value:
        case str():
            return clean(value, 10_000)
        case None | bool() | int():
            return value
        case float():
            return value if math.isfinite(value) else None
        case Mapping():
            return {clean(str(name), 200): as_json(each) for name, each in value.items()}
        case list() | tuple():
            return [as_json(each) for each in value]
    raise TypeError(f"A fact about a work has to be a JSON value, not a {type(value).__name__}.")
