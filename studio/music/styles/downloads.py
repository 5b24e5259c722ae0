"""Data sets that are fetched from the internet once: downloaded, checked and unpacked."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Generator
from pathlib import Path

from studio.errors import Unreadable
from studio.music.reading.budget import ReadingBudget
from studio.music.styles.cache import keep
from studio.music.styles.known import missing_of
from studio.music.styles.table import StyleEntry
from studio.works.fetching import fetched
from studio.works.work import Progress


def archive_of(entry: StyleEntry, folder: Path) -> Path:
    """Where a style's archive is kept. folder: of the styles."""
    assert entry.download
    return folder / "downloads" / f"{entry.name}-{entry.download.commit[:12]}.zip"


def fetch(entry: StyleEntry, folder: Path) -> Generator[Progress, None, None]:
    """Download a style's archive, unless it is there already. Yields progress.

    folder: of the styles. Raises `Missing` where there is no connection or no archive, and `Unreadable` for
    an archive of another version, or without the music that is known of it (`known`).
    """
    download = entry.download
    assert download
    target = archive_of(entry, folder)
    if target.exists():
        return
    content = yield from fetched(
        download.url.format(commit=download.commit),
        entry.title,
        size=download.size,
        most=10 * download.size,
        offline=f"{entry.title} could not be fetched from {entry.source}; go online and try again.",
    )
    if len(content) > 10 * download.size:
        raise Unreadable(
            f"The archive of {entry.title} is far larger than expected and was not kept; try again later."
        )
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            comment = archive.comment.decode("ascii", "replace")
    except zipfile.BadZipFile:
        comment = ""
    if comment != download.commit:
        raise Unreadable(
            f"The download of {entry.title} is not version {download.commit[:12]} and was not kept; "
            "try again later."
        )
    files = [each for _, each in _in_archive(io.BytesIO(content), download.inside, entry.title, "try again")]
    missing, known = missing_of(entry.name, files)
    if missing > (1 - LEAST_KNOWN) * known:
        raise Unreadable(
            f"The download of {entry.title} has not the music that it should have ({known - missing} "
            f"of {known} known files are in it) and was not kept; try again later."
        )
    keep(content, target)


LEAST_KNOWN = 0.75
"""The part of the known files that have to be in an archive with the music that they had. Not all, for what
their editors mend is known as well.
"""


def unzipped(path: Path, inside: str, title: str) -> list[tuple[str, bytes]]:
    """The tunes in an archive as (name, content), sorted by name.

    inside: see `Download`. title: for errors. Raises `Unreadable`.
    """
    return _in_archive(path, inside, title, f"delete {path} and fetch it again")


def _in_archive(path: Path | io.BytesIO, inside: str, title: str, mended: str) -> list[tuple[str, bytes]]:
    """As `unzipped`. mended: what to do about a damaged archive."""
    found, total = [], 0
    try:
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                if re.fullmatch(inside, info.filename):
                    with archive.open(info) as packed:
                        content = packed.read(ReadingBudget().file)
                    total += len(content)
                    if total > 500_000_000:
                        raise Unreadable(f"The archive of {title} unpacks to more than 500 MB; {mended}.")
                    found.append((info.filename.partition("/")[2], content))
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError):
        raise Unreadable(f"The archive of {title} is damaged; {mended}.") from None
    return sorted(found)
