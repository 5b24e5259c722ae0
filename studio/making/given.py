"""What a Python program may give as a file: paths, bytes, PIL images, music21 streams, pretty_midi objects,
and works made before.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from studio.errors import Refused
from studio.making.kinds import Role
from studio.works.incoming import read_file
from studio.works.ingredient import Ingredient


def ingredients_from(role: Role, value: Any) -> list[Ingredient]:
    """`value`, one file or a list of them, as ingredients for this role.

    Raises `Refused` for what cannot be such a file, `Missing` for a path where nothing is, and `UnknownName`.
    """
    several = isinstance(value, list | tuple)
    if several and not value:
        raise Refused(f"The list for the {role.name} is empty; give at least one file.")
    return [one for each in (value if several else [value]) for one in _from_one(role, each)]


def _from_one(role: Role, value: Any) -> list[Ingredient]:
    if isinstance(value, str | Path):
        return _from_path(role, value)
    if isinstance(value, bytes | bytearray | memoryview):
        return [Ingredient(role.name, bytes(value))]
    if isinstance(value, Ingredient):
        return [value]
    library = type(value).__module__.partition(".")[0]
    convert = CONVERTERS.get((role.media, library))
    if convert is None:
        raise Refused(
            f"The {role.name} cannot be {_a(type(value).__name__)}; give a path, bytes or "
            f"{OBJECTS[role.media]}."
        )
    return [convert(role, value)]


def _from_path(role: Role, value: str | Path) -> list[Ingredient]:
    path = Path(value)
    if role.opened_by and path.exists():
        return role.ingredients_at(path)
    if role.bundled and len(path.parts) == 1 and not path.suffix and not path.exists():
        if "*" in path.name:
            raise Refused(f"'{path}' is not a file; in Python, the weights go into {role.weights}=(…).")
        return [role.ingredient_named(path.name)]
    return [Ingredient(role.name, read_file(path), path.name)]


def _from_pil(role: Role, picture: Any) -> Ingredient:
    packed = io.BytesIO()
    try:
        picture.save(packed, "PNG")
    except OSError:  # a mode that PNG cannot hold, such as CMYK
        picture.convert("RGB").save(packed, "PNG")
    return Ingredient(
        role.name, packed.getvalue(), Path(getattr(picture, "filename", "") or "picture.png").name
    )


def _from_music21(role: Role, stream: Any) -> Ingredient:
    from music21.musicxml.m21ToXml import GeneralObjectExporter

    content: bytes = GeneralObjectExporter(stream).parse()
    title = getattr(getattr(stream, "metadata", None), "bestTitle", None) or ""
    return Ingredient(role.name, content, "score.musicxml", str(title))


def _from_pretty_midi(role: Role, music: Any) -> Ingredient:
    packed = io.BytesIO()
    music.write(packed)
    return Ingredient(role.name, packed.getvalue(), "score.mid")


def _from_work(role: Role, work: Any) -> Ingredient:
    return Ingredient(role.name, work.content, f"{work.id}{work.suffix}", work.title)


CONVERTERS = {
    ("picture", "PIL"): _from_pil,
    ("picture", "studio"): _from_work,
    ("score", "music21"): _from_music21,
    ("score", "pretty_midi"): _from_pretty_midi,
    ("score", "studio"): _from_work,
}
"""(what the role reads, the library an object comes from) -> the function that makes a file of it."""

OBJECTS = {
    "picture": "a PIL image",
    "score": "a music21 stream or pretty_midi object",
    "weights": "a .safetensors file's content",
}


def _a(noun: str) -> str:
    return f"an {noun}" if noun[:1].lower() in "aeiou" else f"a {noun}"
