"""Changing an XML file without rewriting it.

expat says at which byte each element starts and ends, so everything around stays as it is. A document that
declares entities is refused: a few of them can unpack to gigabytes.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from xml.parsers import expat
from xml.sax.saxutils import escape

from studio.works.metadata.carrier import LARGEST_RECIPE
from studio.works.recipe import Recipe

MOST_LETTERS = 400_000_000
"""Letters in the paths of all elements of a document. A score of 64 MB has a quarter of that; long names,
each inside the other, make many more.
"""


@dataclass
class Element:
    """One element that was asked for.

    start: the byte where it starts. end_tag: where its end tag starts, or where it ends if it is written
    <empty/>; -1 while it is open. text: its own text, in pieces.
    """

    path: str
    attributes: dict[str, str]
    start: int
    end_tag: int = -1
    text: list[str] = field(default_factory=list)
    has_children: bool = False

    def is_empty(self, content: bytes) -> bool:
        """Whether it is written <empty/>."""
        return not self.has_children and not self.text and content[self.start : self.end_tag].endswith(b"/>")


def elements(
    content: bytes,
    wanted: Callable[[str, dict[str, str]], bool],
    *,
    until: Callable[[Element], bool] | None = None,
) -> list[Element]:
    """Every element whose path ("/score-partwise/identification") and attributes are wanted.

    Reading stops after the element for which `until` is true. Raises `ValueError` for UTF-16, for declared
    entities, for elements nested more than 200 deep and for paths of more than `MOST_LETTERS` in all,
    `expat.ExpatError` for what is not well-formed.
    """
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ValueError("UTF-16")
    parser = expat.ParserCreate()
    parser.buffer_text = True
    paths = [""]
    found: list[Element] = []
    opened: list[Element | None] = []
    taken = letters = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal letters
        path = f"{paths[-1]}/{name.rpartition(':')[2]}"
        paths.append(path)
        letters += len(path)
        if len(paths) > 201 or letters > MOST_LETTERS:
            raise ValueError("nested too deeply")
        element = Element(path, attributes, parser.CurrentByteIndex) if wanted(path, attributes) else None
        if opened and opened[-1] is not None:
            opened[-1].has_children = True
        opened.append(element)
        if element is not None:
            found.append(element)

    def end(_name: str) -> None:
        paths.pop()
        element = opened.pop()
        if element is not None:
            element.end_tag = parser.CurrentByteIndex
            if until is not None and until(element):
                raise _Enough

    def text(data: str) -> None:
        nonlocal taken
        if opened and opened[-1] is not None and taken <= LARGEST_RECIPE:
            taken += len(data)
            opened[-1].text.append(data)

    def entity(*_declared: object) -> None:
        raise ValueError("a document that declares entities")

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler, parser.EntityDeclHandler = text, entity
    with contextlib.suppress(_Enough):
        parser.Parse(content, True)
    return found


class _Enough(Exception):
    """What was looked for is found."""


def text_of(content: bytes, wanted: Callable[[str, dict[str, str]], bool]) -> bytes | None:
    """The text of the first element that is wanted, in UTF-8, or None where there is none."""
    found = elements(content, wanted, until=lambda _element: True)
    return "".join(found[0].text).encode() if found and found[0].end_tag >= 0 else None


def is_cut_off(content: bytes) -> bool:
    """Whether the document ends before its first element does."""
    try:
        elements(content, lambda *_: False)
    except expat.ExpatError as error:
        ends_early = (expat.errors.XML_ERROR_NO_ELEMENTS, expat.errors.XML_ERROR_UNCLOSED_TOKEN)
        return expat.ErrorString(error.code) in (*ends_early, *_ENDS_INSIDE)
    return False


_ENDS_INSIDE = (expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION, expat.errors.XML_ERROR_PARTIAL_CHAR)
"""What expat says where the end comes in the middle of something."""


def without(content: bytes, unwanted: list[Element]) -> bytes:
    """The document without these elements."""
    for element in sorted(unwanted, key=lambda each: each.start, reverse=True):
        end = element.end_tag if element.is_empty(content) else content.index(b">", element.end_tag) + 1
        content = content[: element.start] + content[end:]
    return content


def as_last_child(content: bytes, parent: Element, child: bytes) -> bytes:
    """The document with `child` before the end tag of `parent`."""
    at = parent.end_tag
    if not parent.is_empty(content):
        return content[:at] + child + content[at:]
    # <parent/> becomes <parent>child</parent>.
    name = re.split(rb"[\s/>]", content[parent.start + 1 : at], maxsplit=1)[0]
    return content[: at - 2] + b">" + child + b"</" + name + b">" + content[at:]


def recipe_as_xml(recipe: Recipe) -> str:
    """The recipe's JSON as an element's text. The two characters that XML cannot hold even as a reference are
    written with JSON's own escapes.
    """
    return escape(recipe.to_json().replace("\ufffe", "\\ufffe").replace("\uffff", "\\uffff"))


def ascii_bytes(text: str) -> bytes:
    """Every other character as a reference, which is right in whatever encoding the document declares."""
    return text.encode("ascii", "xmlcharrefreplace")


# What may come before an XML document's first element: a byte order mark, a declaration, comments, a
# document type.
_PROLOGUE = (
    rb"(?:\xef\xbb\xbf)?(?:\s|<\?[^>]{0,999}\?>|<!--(?:(?!-->).){0,9999}-->|<!DOCTYPE[^>\[]{0,999}>)*+"
)


def document(root: bytes) -> re.Pattern[bytes]:
    """The signature of an XML document whose first tag begins with the regular expression `root`."""
    return re.compile(_PROLOGUE + rb"<" + root, re.DOTALL)
