"""Styles in files, so that what was read once opens again in a moment."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

from studio.errors import Missing, Unreadable
from studio.music.reading.budget import Unread
from studio.music.styles.columns import Columns
from studio.music.styles.style import Style
from studio.music.styles.table import StyleEntry
from studio.works.private import write_private_file


def dump(style: Style) -> bytes:
    """A style as one file: NumPy columns and JSON in a zip archive. The same style gives the same bytes."""
    import numpy as np

    packed = io.BytesIO()
    about = {
        "version": 1,
        "sha256": style.sha256,
        "entry": {
            key: value
            for key, value in vars(style.entry).items()
            if key in ("name", "title", "sentence", "source", "licence", "tunes")
        },
        "about": style.about,
        "unread": [[each.name, each.reason] for each in style.unread],
        "remarks": style.remarks,
    }
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:

        def put(name: str, content: bytes) -> None:
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED, 6)

        put("about.json", json.dumps(about, separators=(",", ":")).encode())
        for name, column in vars(style.columns).items():
            buffer = io.BytesIO()
            np.save(buffer, column, allow_pickle=False)
            put(f"{name}.npy", buffer.getvalue())
    return packed.getvalue()


def load(content: bytes, entry: StyleEntry | None) -> Style:
    """A style from what `dump` gave.

    entry: its row of the table; None takes the one in the file. Raises `Unreadable`.
    """
    import numpy as np

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            about = json.loads(archive.read("about.json"))
            columns = Columns(
                **{
                    name.removesuffix(".npy"): np.load(io.BytesIO(archive.read(name)), allow_pickle=False)
                    for name in archive.namelist()
                    if name.endswith(".npy")
                }
            )
        found = entry or StyleEntry(**about["entry"])
        if (
            about["version"] != 1
            or len(columns.offsets) != len(about["about"]) + 1
            or columns.offsets[-1] != len(columns.pitches)
        ):
            raise ValueError
        return Style(
            found,
            about["sha256"],
            columns,
            about["about"],
            tuple(Unread(*each) for each in about["unread"]),
            about["remarks"],
        )
    except (zipfile.BadZipFile, OSError, ValueError, KeyError, TypeError, EOFError):
        raise Unreadable("The file of this style is damaged; remove the style and add it again.") from None


def about_in(path: Path) -> list[dict[str, object]]:
    """What is said of each tune in a file of `dump`, without the notes. Raises `Unreadable`."""
    try:
        with zipfile.ZipFile(path) as archive:
            return list(json.loads(archive.read("about.json"))["about"])
    except (zipfile.BadZipFile, OSError, ValueError, KeyError, TypeError, EOFError):
        raise Unreadable("The file of this style is damaged; remove the style and add it again.") from None


def keep(content: bytes, path: Path) -> None:
    """Write a file that only its owner can read, whole or not at all.

    Raises `Missing` where that is not possible.
    """
    try:
        write_private_file(path, content)
    except OSError:
        raise Missing(
            f"The style could not be saved in {path.parent}; make room there and check that you may write."
        ) from None
