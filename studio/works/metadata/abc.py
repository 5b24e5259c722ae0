"""ABC (standard 2.1): a %% line, which programs that do not know it skip."""

from __future__ import annotations

import re

from studio.works.metadata.carrier import KEYWORD, Carrier, NotWhole
from studio.works.recipe import Recipe

_LINE = re.compile(rb"^%%" + KEYWORD.encode() + rb"[ \t]+([^\r\n]*)(?:\r\n|\n|\r|$)", re.MULTILINE)


def _insert(content: bytes, recipe: Recipe) -> bytes:
    content = _LINE.sub(b"", content)
    newline = b"\r\n" if b"\r\n" in content[:4096] else b"\n"
    line = b"%%" + KEYWORD.encode() + b" " + recipe.to_json().encode() + newline
    tune = re.search(rb"^X:", content, re.MULTILINE)
    if tune is None:
        raise NotWhole
    return content[: tune.start()] + line + content[tune.start() :]


def _find(content: bytes) -> bytes | None:
    found = _LINE.search(content)
    return found[1].strip() if found else None


ABC = Carrier(
    "ABC",
    (".abc",),
    "text/vnd.abc",
    re.compile(rb"(?:\xef\xbb\xbf)?(?:%[^\r\n]*|[A-Za-z]:[^\r\n]*|\s*)(?:[\r\n]|$)"),
    _insert,
    _find,
    lambda _content: False,  # plain text can end anywhere
)
