"""How much a request may hold: bytes, depth, lists, texts and numbers of the JSON that all endpoints take."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from studio.errors import Refused

LONGEST_ADDRESS = 8_192
"""Characters of an address with its query."""


@dataclass(frozen=True)
class Bounds:
    """What the JSON of one request may hold."""

    body: int = 4 * 2**20
    text: int = 1_000_000
    depth: int = 32
    entries: int = 10_000
    values: int = 200_000
    number: float = 2.0**63

    def check(self, value: Any) -> None:
        """Raises `Refused` for decoded JSON that holds more. Takes no more steps than `values`."""
        left, seen = [(value, 1)], 0
        while left:
            each, depth = left.pop()
            seen += 1
            if seen > self.values:
                raise Refused(f"The request holds more than {self.values:,} values; send fewer.")
            if isinstance(each, str):
                self._check_text(each)
            elif isinstance(each, int | float):
                self._check_number(each)
            elif isinstance(each, list | dict):
                if depth > self.depth:
                    raise Refused(
                        f"The request is nested more than {self.depth} levels deep; send plain values."
                    )
                if len(each) > self.entries:
                    raise Refused(
                        f"A list in the request is longer than {self.entries:,} entries; send a shorter one."
                    )
                if isinstance(each, dict):
                    left.extend((name, depth) for name in each)
                    each = each.values()
                left.extend((inner, depth + 1) for inner in each)

    def decode(self, text: bytes | str) -> Any:
        """Decode JSON. Raises `Refused` for what is not JSON, and as `check` does."""
        if len(text) > self.body:
            raise Refused(f"The request is larger than {in_megabytes(self.body)}; send less.")
        try:
            value = json.loads(text, parse_constant=_no_number)
        except (ValueError, RecursionError):
            raise Refused(
                "The request is not JSON that the studio can read; check how it was written."
            ) from None
        self.check(value)
        return value

    def _check_text(self, text: str) -> None:
        if len(text) > self.text:
            raise Refused(f"A text in the request is longer than {self.text:,} characters; shorten it.")

    def _check_number(self, number: float) -> None:
        # Infinity is what JSON's 1e999 becomes.
        if not -self.number <= number <= self.number:
            raise Refused("A number in the request is too large; use one of at most 18 digits.")


JSON = Bounds()
"""For all endpoints."""

LESSONS = Bounds(body=16 * 2**20, text=15 * 2**20)
"""For the page's own widgets: a lesson takes files of 8 MB in a text."""


def in_megabytes(size: int) -> str:
    """A number of bytes as a person says it."""
    return f"{size / 2**20:.0f} MB" if size >= 2**20 else f"{size / 2**10:.0f} kB"


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is not a number in JSON")
