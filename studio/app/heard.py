"""What the studio hears in a visitor's scores, as HTML: each tune with its bars, and what was left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

MOST_LINES = 30
"""As many remarks or refusals are shown."""


def heard_as_html(found: Mapping[str, Any]) -> str:
    """found: what `requests.describe_files` says of the files."""
    tunes = [_tune(tune) for tune in found["heard"]]
    left = found["tunes"] - len(tunes)
    more = f"<p>… and {left:,} more.</p>" if left else ""
    unread = "".join(f'<p class="bad">{escape(each)}</p>' for each in _first(found["unread"]))
    return f"<p>{escape(found['sentence'])}</p>{unread}{_remarks(found['remarks'])}{''.join(tunes)}{more}"


def _tune(tune: Mapping[str, Any]) -> str:
    facts = "".join(f"<span>{escape(fact)}</span>" for fact in tune["facts"])
    bars = escape("\n".join([*tune["bars"], *tune["text"]]))
    summary = f"<summary>{escape(tune['title'])}{facts}</summary>"
    return f"<details>{summary}<pre>{bars}</pre></details>"


def _remarks(remarks: Sequence[str]) -> str:
    if not remarks:
        return ""
    items = "".join(f"<li>{escape(each)}</li>" for each in _first(remarks))
    counted = f"{len(remarks)} remark{'s' * (len(remarks) > 1)} on what was left out, moved or guessed"
    return f"<details><summary>{counted}</summary><ul>{items}</ul></details>"


def _first(lines: Sequence[str]) -> list[str]:
    left = len(lines) - MOST_LINES
    return [*lines[:MOST_LINES], *([f"… and {left:,} more."] if left > 0 else [])]
