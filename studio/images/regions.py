"""Regions of a picture, each with a look, a painting or a strength of its own, as a recipe writes them.

    Region.read("subject=stained_glass(blocks.3:42)*0.8")
    Region.read("area 2=1")                    # of a painting: the first of its paintings

Light on purpose: nothing here loads torch. Where a region lies is found in `areas`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from studio.errors import Refused

FOUND = ("subject", "background")
"""Regions that the studio finds itself, beside the numbered segments."""

REST = "rest"
"""The region of everything that no other region covers."""

MOST_REGIONS, LONGEST_REGION = 16, 400
"""Regions of one picture, and characters of each as it is written."""

MOST_SEGMENTS = 6
"""Segments that a photo is divided into."""

OWN_COLOURS = "own colours"
"""Marks a look that changes only light and dark, and keeps the photo's colours."""

OWN_VALUES = ("even", "vary_size", "hold_detail", "hold_shapes", "hold_faces")
"""Settings of a dream, in 0..1, that a region may have for itself, written as "even 0.5"."""

_VALUE = re.compile(rf"^(?P<name>{'|'.join(OWN_VALUES)}) (?P<value>\d*\.?\d+)$")

_PLACE = re.compile(r"^(?:(?P<word>rest|subject|background)|(?P<kind>area|segment) ?(?P<number>\d{1,2}))$")

_FORM = re.compile(
    r"^(?P<place>[a-z]+(?: ?\d{1,2})?)"
    r"(?:=(?P<look>[\w-]*)(?:\((?P<inside>[^()]*)\))?)?"
    r"(?:\*(?P<strength>-?\d*\.?\d+))?$"
)

_EXAMPLES = "such as subject=glass, rest=woodcut*0.5, segment 2=weave or area 1=glass"


@dataclass(frozen=True)
class Region:
    """One region as it is written, PLACE[=LOOK[(LAYER + LAYER, own colours, even 0.5)]][*STRENGTH].

    place: "area N" (the Nth picture with the role `region`), "segment N", "subject", "background" or "rest".
    look: of a dream a preset's name, of a painting the number of one of its paintings, from 1; empty for
    the look of the whole. layers: what the look amplifies, so that the recipe says all; empty until then.
    own_colours: the look changes only light and dark. strength: over 0, at most
    1. How much of a look shows in a dream; in a painting, the recipe's strength is multiplied by it.
    values: those of `OWN_VALUES` that the region has for itself, by name; the recipe's count for the others.
    """

    place: str
    look: str = ""
    layers: tuple[str, ...] = ()
    own_colours: bool = False
    strength: float = 1.0
    values: tuple[tuple[str, float], ...] = ()

    @classmethod
    def read(cls, text: str) -> Region:
        """Raises ValueError with a sentence if the text has another form."""
        match = _FORM.match(text.strip())
        place = _PLACE.match(match["place"]) if match else None
        if match is None or place is None:
            raise ValueError(
                f"'{text[:80]}' is not a region: write PLACE=LOOK or PLACE=LOOK*STRENGTH, {_EXAMPLES}."
            )
        strength = float(match["strength"] or 1)
        if not 0 < strength <= 1:
            raise ValueError(
                f"The strength of the region '{match['place']}' is {strength:g}; it must be more than 0 and "
                "at most 1."
            )
        number = int(place["number"] or 0)
        if place["kind"] and not 1 <= number <= (MOST_SEGMENTS if place["kind"] == "segment" else 99):
            up_to = f" to {MOST_SEGMENTS}" if place["kind"] == "segment" else ""
            raise ValueError(
                f"There is no {place['kind']} {number}: {place['kind']}s are numbered from 1{up_to}."
            )
        inside = [part.strip() for part in (match["inside"] or "").split(",") if part.strip()]
        values = tuple((found["name"], float(found["value"])) for found in map(_VALUE.match, inside) if found)
        for named, value in values:
            if value > 1:
                raise ValueError(f"'{named} {value:g}' of '{text[:80]}' is too large: it is at most 1.")
        listed = [part for part in inside if part != OWN_COLOURS and not _VALUE.match(part)]
        layers = tuple(layer.strip() for part in listed for layer in part.split("+"))
        name = place["word"] or f"{place['kind']} {number}"
        return cls(name, match["look"] or "", layers, OWN_COLOURS in inside, strength, values)

    def __str__(self) -> str:
        own = [OWN_COLOURS] * self.own_colours + [f"{name} {value:g}" for name, value in self.values]
        inside = ", ".join(filter(None, (" + ".join(self.layers), *own)))
        look = f"{self.look}({inside})" if inside else self.look
        strength = "" if self.strength == 1 else f"*{self.strength:g}"
        return f"{self.place}{f'={look}' if look else ''}{strength}"

    def value(self, name: str, otherwise: float) -> float:
        """One of `OWN_VALUES`: the region's own, or the recipe's."""
        return dict(self.values).get(name, otherwise)

    @property
    def area(self) -> int | None:
        """Of a region that somebody painted: the number of its picture, from 1."""
        return int(self.place.removeprefix("area ")) if self.place.startswith("area ") else None

    @property
    def segment(self) -> int | None:
        """Of a segment that the studio finds: its number, from 1."""
        return int(self.place.removeprefix("segment ")) if self.place.startswith("segment ") else None


def is_place(text: str) -> bool:
    """Whether a text names a place that the studio finds itself, and not a picture of one."""
    match = _PLACE.match(text.strip())
    return match is not None and match["kind"] != "area"


def read_regions(texts: Sequence[str]) -> list[Region]:
    """The regions of a recipe. Raises ValueError with a sentence for one that cannot be read, or that is
    there twice.
    """
    regions = [Region.read(text) for text in texts]
    places = [region.place for region in regions]
    for place in places:
        if places.count(place) > 1:
            raise ValueError(
                f"The region '{place}' is there twice: give it one look, and leave out the other."
            )
    return regions


def check_areas(regions: Sequence[Region], pictures: Sequence[str]) -> None:
    """Check that the painted regions have their pictures, each its own.

    pictures: the sha256 of every picture with the role `region`, in their order. Raises `Refused`.
    """
    asked = sorted(region.area for region in regions if region.area is not None)
    for number in asked:
        if number > len(pictures):
            raise Refused(
                f"The region 'area {number}' has no picture: give one for every region that you painted."
            )
    for number in range(1, len(pictures) + 1):
        if number not in asked:
            raise Refused(f"The picture of region {number} has no look: write area {number}=LOOK for it.")
        if pictures.index(pictures[number - 1]) + 1 != number:
            first = pictures.index(pictures[number - 1]) + 1
            raise Refused(
                f"The regions {first} and {number} are the same picture: give the place one look, and leave "
                "out the other."
            )


def in_words(regions: Sequence[Region], named: Sequence[str], looks: Sequence[str] = ()) -> str:
    """The regions in a sentence: "sky as stained glass, the rest as woodcut".

    named: what the painted regions are called, in their order. looks: of a painting, what its paintings are
    called.
    """
    said = []
    for region in regions:
        place = region.place if region.segment else f"the {region.place}"
        if region.area is not None and region.area <= len(named):
            place = named[region.area - 1] or place
        look = region.look.replace("_", " ")
        if looks and look.isdecimal() and 1 <= int(look) <= len(looks):
            look = looks[int(look) - 1]
        as_look = f" {'after' if looks else 'as'} {look}" if look else ""
        strength = f" at {region.strength:.0%}" if region.strength != 1 else ""
        said.append(f"{place}{as_look}{strength}")
    return ", ".join(said)
