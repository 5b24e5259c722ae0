"""The recipe inside the file.

`embed` puts it in without touching a pixel or a note. `extract` reads it back, also from a stranger's file.
`CARRIERS` lists the formats that can carry one, each in a file of its own: a new format is a file and a row.
What is written is exactly `Recipe.to_json()`. Where the format has a place for it, the file also says in
words what it is, that a trained model took part (IPTC's digital source type), and who made its sources.
"""

from __future__ import annotations

from studio.errors import Refused, Unreadable
from studio.works.metadata.abc import ABC
from studio.works.metadata.carrier import BROKEN, LARGEST_RECIPE, Carrier
from studio.works.metadata.flac import FLAC
from studio.works.metadata.jpeg import JPEG
from studio.works.metadata.midi import MIDI
from studio.works.metadata.mp3 import MP3
from studio.works.metadata.musicxml import MUSICXML
from studio.works.metadata.mxl import MXL
from studio.works.metadata.png import PNG
from studio.works.metadata.svg import SVG
from studio.works.metadata.tiff import TIFF
from studio.works.metadata.wav import WAV
from studio.works.metadata.webp import WEBP
from studio.works.recipe import Recipe

CARRIERS: tuple[Carrier, ...] = (
    *(PNG, JPEG, WEBP, TIFF),
    *(MIDI, WAV, FLAC, MP3),
    *(SVG, MUSICXML, MXL, ABC),
)
"""The formats that carry a recipe, in the order in which they are tried; ABC is plain text and comes last."""


def can_carry(suffix: str) -> bool:
    """Whether files that end in `suffix` can carry a recipe."""
    return any(suffix.lower() in carrier.suffixes for carrier in CARRIERS)


def embed(content: bytes, suffix: str, recipe: Recipe) -> bytes:
    """The same file with `recipe` inside. A recipe that is there already is replaced.

    suffix: ".png", ".mid" … as in `CARRIERS`. Raises `Refused` for a format that cannot carry a recipe,
    `Unreadable` when `content` is not a whole file of that format.
    """
    carrier = next((known for known in CARRIERS if suffix.lower() in known.suffixes), None)
    if carrier is None:
        can = ", ".join(known.suffixes[0] for known in CARRIERS)
        raise Refused(f"A {suffix or 'file without a suffix'} cannot carry its recipe; choose one of {can}.")
    if not carrier.signature.match(content):
        raise Unreadable(
            f"This is not a {carrier.name} file, so no recipe can be put into it; choose the right suffix."
        )
    try:
        return carrier.insert(content, recipe)
    except BROKEN:
        if is_cut_off(content):
            raise Unreadable(
                f"The {carrier.name} file is cut off, so no recipe can be put into it; take the whole file."
            ) from None
        raise Unreadable(
            f"The {carrier.name} file is broken, so no recipe can be put into it; make it again."
        ) from None


def is_cut_off(content: bytes) -> bool:
    """Whether the end of a file is missing, as far as its format can tell. The recipe is at the beginning of
    most files, and can be whole all the same.
    """
    carrier = next((known for known in CARRIERS if known.signature.match(content)), None)
    try:
        return carrier is not None and carrier.is_cut_off(content)
    except BROKEN:
        return False


def extract(content: bytes) -> str | None:
    """The recipe's JSON inside a file, or None. The first bytes say which format it is.

    The text comes from outside: check it with `parse_json`. Raises only `Unreadable`, for a recipe that is
    damaged, not UTF-8, or longer than `LARGEST_RECIPE`.
    """
    carrier = next((known for known in CARRIERS if known.signature.match(content)), None)
    if carrier is None:
        return None
    try:
        found = carrier.find(content)
    except BROKEN:
        return None
    if found is None:
        return None
    if len(found) > LARGEST_RECIPE:
        raise Unreadable(
            "The recipe inside the file is larger than any the studio writes; take the original file."
        )
    try:
        return found.decode("utf-8")
    except UnicodeDecodeError:
        raise Unreadable("The recipe inside the file is not UTF-8 text; take the original file.") from None
