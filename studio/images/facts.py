"""The facts of a picture in words: what the page and the command line show beside a dream or a painting.

    facts_in_words({"size": [768, 576], "steps": 62})
    # [("size", "768 x 576 pixels"), ("steps", "62")]

Light on purpose: nothing here loads torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def facts_in_words(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Each fact's label and what it says. Understands the facts of studio 0.2.1 too, which are strings:
    {"size": "768 x 576", "steps": "62"}.
    """
    return [(label, _in_words(label, fact)) for label, fact in facts.items()]


def _in_words(label: str, fact: Any) -> str:
    match label, fact:
        case "size", str():
            return f"{fact} pixels"
        case "size", (width, height):
            return f"{width} x {height} pixels"
        case "density", int() | float():
            return f"{fact:g} pixels per inch"
        case "background", str():
            return f"what was transparent is {fact}"
        case _:
            return str(fact)
