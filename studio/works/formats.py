"""The file formats a kind of work can be saved in: one row each, as plain data.

A kind of work has one `FormatTable`. The command line, the recipe's choices, the page's buttons, the
endpoints and the documentation are derived from it, so that a new format is a new row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from studio.errors import Refused, UnknownName

ALIKE = {".jpeg": ".jpg", ".tif": ".tiff", ".midi": ".mid", ".xml": ".musicxml"}
"""Suffixes that mean another one."""


@dataclass(frozen=True)
class Format:
    """A file format that works can be saved in.

    name: what recipes, endpoints and addresses call it, such as "musicxml". suffix: with its dot, in lower
    case. label: a word or two for a button. description: one sentence for the documentation. write: the
    function that gives the file's bytes, or where to find it ("module:function"), imported when first used.
    options: the names of the keyword arguments that function takes. reads_back: the studio can read the
    work back from such a file. performs: it holds music as it is played (when and how hard) and not only as
    it is written, so that a song is given to it as a performance.
    """

    name: str
    suffix: str
    media_type: str
    label: str
    write: str | Callable[..., bytes]
    description: str = ""
    options: frozenset[str] = frozenset()
    reads_back: bool = False
    performs: bool = False

    def to_bytes(self, content: Any, **options: Any) -> bytes:
        """`content`, such as a tune, as a file of this format. Options it does not take are ignored.

        Raises `Refused` where the format cannot hold this content.
        """
        write = self.write
        if isinstance(write, str):
            module, name = write.split(":")
            write = getattr(import_module(module), name)
        return write(content, **{name: value for name, value in options.items() if name in self.options})


class FormatTable(dict[str, Format]):
    """Formats by name, in the order in which people see them."""

    def __init__(self, formats: Iterable[Format]) -> None:
        super().__init__((each.name, each) for each in formats)

    def names(self) -> tuple[str, ...]:
        """("mid", "musicxml" …)"""
        return tuple(self)

    def suffixes(self) -> tuple[str, ...]:
        """(".mid", ".musicxml" …)"""
        return tuple(each.suffix for each in self.values())

    def by_name(self, name: str) -> Format:
        """Raises `UnknownName`."""
        if name not in self:
            raise UnknownName("format", name, self)
        return self[name]

    def by_suffix(self, path: str | Path) -> Format:
        """The format of a file with that name or suffix; capitals do not matter. Raises `Refused`."""
        text = str(path).lower()
        text += ALIKE.get(text[text.rfind(".") :], "") if "." in text else ""
        found = next((each for each in self.values() if text.endswith(each.suffix)), None)
        if text in ("", "."):
            raise Refused(f"The file to write has no name; give one that ends in {self.suffixes_in_words()}.")
        if found is None:
            pdf = " For a PDF, print the .svg." if text.endswith(".pdf") and "svg" in self else ""
            raise Refused(f"{path} should end in {self.suffixes_in_words()}.{pdf}")
        return found

    def suffixes_in_words(self) -> str:
        """ ".mid, .musicxml or .abc"."""
        *others, last = self.suffixes()
        return f"{', '.join(others)} or {last}" if others else last
