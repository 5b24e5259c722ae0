"""Adds styles: your own tunes under a name, or a public data set that is fetched."""

from __future__ import annotations

import re
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

from studio.errors import Refused, did_you_mean
from studio.music.styles.cache import dump, keep
from studio.music.styles.downloads import fetch
from studio.music.styles.opening import open_style
from studio.music.styles.own import own_file
from studio.music.styles.style import Style
from studio.music.styles.table import STYLES, own_entry
from studio.works.home import home as studio_home
from studio.works.work import Progress


def add_style(
    name: str, path: Path | None = None, home: Path | None = None, *, sentence: str = "", licence: str = ""
) -> Generator[Progress, None, Style]:
    """Read a file or folder once and keep its tunes under a name. Without a path, fetch the data set of that
    name.

    Yields progress and returns the style. Raises `Refused` for a name that is taken or not allowed, and
    whatever `open_style` raises.
    """
    folder = (home or studio_home()) / "styles"
    if name in STYLES and STYLES[name].download and path is None:
        yield from fetch(STYLES[name], folder)
        return (yield from open_style(name, home))
    if name in STYLES:
        raise Refused(f"{name} is the name of a style that comes with the studio; choose another.")
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", name):
        raise Refused(f"{name!r} cannot name a style; use up to 40 small letters, digits and hyphens.")
    if path is None:
        fetched = [each for each, entry in STYLES.items() if entry.download]
        near = did_you_mean(name, fetched) or "."
        raise Refused(f"Say which file or folder holds the tunes of {name}{near}")
    if own_file(name, folder).exists():
        raise Refused(f"There is a style {name} already; remove it first or choose another name.")
    style = yield from open_style(Path(path), home)
    style.entry = replace(own_entry(name, sentence, licence, source=Path(path).name), tunes=len(style))
    keep(dump(style), own_file(name, folder))
    return style
