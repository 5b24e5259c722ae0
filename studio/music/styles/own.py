"""Your own styles: tunes that were added under a name."""

from __future__ import annotations

import re
from pathlib import Path

from studio.errors import UnknownName, Unreadable
from studio.music.styles.cache import load
from studio.music.styles.table import STYLES, StyleEntry, own_entry
from studio.works.home import home as studio_home


def own_styles(home: Path | None = None) -> dict[str, StyleEntry]:
    """Your own styles, by name."""
    folder = (home or studio_home()) / "styles" / "own"
    found = {}
    for file in sorted(folder.glob("*.tunes")) if folder.exists() else []:
        try:
            found[file.stem] = load(file.read_bytes(), None).entry
        except Unreadable:
            found[file.stem] = own_entry(
                file.stem, sentence="Its file is damaged; remove it and add it again."
            )
    return found


def catalogue(home: Path | None = None) -> list[StyleEntry]:
    """Every style there is: those of the table, then your own."""
    return [*STYLES.values(), *own_styles(home).values()]


def remove_style(name: str, home: Path | None = None) -> None:
    """Remove a style of your own. The files it was read from are kept. Raises `UnknownName`."""
    file = own_file(name, (home or studio_home()) / "styles")
    if not file.exists():
        raise UnknownName("style of your own", name, own_styles(home))
    file.unlink()


def own_file(name: str, folder: Path) -> Path:
    """Where a style of your own is kept. A name that is not allowed gives a file that never exists."""
    safe = name if re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", name) else "."
    return folder / "own" / f"{safe}.tunes"
