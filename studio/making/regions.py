"""Regions as people ask for them: `sky.png=glass`, `subject=weave*0.5`, `rest=woodcut`.

In a recipe a region names its picture and its painting by their numbers. Here files and names become those.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from studio.errors import Refused
from studio.images.regions import is_place

if TYPE_CHECKING:
    from studio.making.kinds import Role


@dataclass
class RegionRequest:
    """What was asked for. regions: as the recipe takes them. files: of the painted regions, in their order.
    looks: files or names of what the regions are to look like, where a look is a file; those that were there
    before come first.
    """

    regions: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    looks: list[str] = field(default_factory=list)


def read_region_texts(texts: Iterable[str], role: Role, looks: Iterable[str] = ()) -> RegionRequest:
    """Regions as they are written in a command: a place or the file that is light there, =LOOK, *STRENGTH.

    role: of the regions' files; it says whether a look is a file of another role. looks: the files of that
    role so far. Raises `Refused` for one that cannot be read, and for a file given twice.
    """
    asked = RegionRequest(looks=list(looks))
    for text in texts:
        place, look, strength = _taken_apart(text)
        if not is_place(place):
            if place in asked.files:
                raise Refused(
                    f"The region {place} is there twice: give it one look, and leave out the other."
                )
            if not Path(place).is_file():
                raise Refused(
                    f"The region '{place}' is neither a file nor a place: name a picture that is light "
                    "there, or subject, background, rest, or segment 1 to 6."
                )
            asked.files.append(place)
            place = f"area {len(asked.files)}"
        if look and role.looks:
            named = [_without_weight(each) for each in asked.looks]
            if look not in named:
                asked.looks.append(look)
                named.append(look)
            look = str(named.index(look) + 1)
        asked.regions.append(f"{place}{f'={look}' if look else ''}{f'*{strength}' if strength else ''}")
    return asked


def _taken_apart(text: str) -> tuple[str, str, str]:
    """Place or file, look, and strength, the latter two perhaps empty. A file's own name may hold = and *."""
    if Path(text).is_file() or is_place(text):
        return text, "", ""
    before, star, after = text.rpartition("*")
    strength = after.strip() if star and _is_number(after) else ""
    rest = before if strength else text
    place, equals, look = rest.partition("=")
    while equals and "=" in look and not (Path(place).is_file() or is_place(place)):
        more, _, look = look.partition("=")
        place = f"{place}={more}"
    return place.strip(), look.strip() if equals else "", strength


def _without_weight(text: str) -> str:
    before, star, after = text.rpartition("*")
    return before if star and _is_number(after) and not Path(text).exists() else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
