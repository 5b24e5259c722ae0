"""Several works in one zip: each file with its recipe inside, and a list of whom to credit.

    for part in zip_of(works, gallery):
        file.write(part)

One work at a time is in memory.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from studio.errors import Refused, StudioError
from studio.works.metadata.credits import rights
from studio.works.naming import file_name
from studio.works.output import writing

if TYPE_CHECKING:
    from studio.works.reads import ReadsWorks
    from studio.works.work import Work

MOST_AT_ONCE = 500
"""Works in one zip."""

CREDITS = "credits.txt"


def write_zip(works: Sequence[Work], gallery: ReadsWorks, path: Path, *, force: bool = False) -> Path:
    """Write a zip of these works, whole or not at all; see `zip_of`. In a folder it is called works.zip.

    force: replace a file. Raises also what `studio.works.output.writing` raises.
    """
    path = path / "works.zip" if path.is_dir() else path
    parts = zip_of(works, gallery)
    with writing(path, force=force) as file:
        for part in parts:
            file.write(part)
    return path


def zip_of(works: Sequence[Work], gallery: ReadsWorks) -> Iterator[bytes]:
    """The bytes of a zip, piece by piece. The files are stored as they are, under their titles.

    Raises `Refused`, before the first piece, for no works or more than `MOST_AT_ONCE`; then `Missing` or
    `Unreadable` where a work's file is gone or was changed.
    """
    each_once = list({work.id: work for work in works}.values())
    if not 1 <= len(each_once) <= MOST_AT_ONCE:
        raise Refused(f"A zip takes 1 to {MOST_AT_ONCE} works; {len(each_once)} were chosen.")
    return _pieces(each_once, gallery)


def _pieces(works: list[Work], gallery: ReadsWorks) -> Iterator[bytes]:
    pipe = _Pipe()
    with ZipFile(pipe, "w", ZIP_STORED, allowZip64=True) as archive:
        for work in works:
            entry = ZipInfo(name_of(work), work.made_at.timetuple()[:6])
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, gallery.read(work))
            yield pipe.taken()
        listed = ZipInfo(CREDITS, max(work.made_at for work in works).timetuple()[:6])
        listed.compress_type, listed.external_attr = ZIP_DEFLATED, 0o100644 << 16
        archive.writestr(listed, "\n\n".join(_credit(work) for work in works) + "\n")
    yield pipe.taken()


def name_of(work: Work) -> str:
    """What a work's file is called in a zip: tubingen-creatures-7f3a.png."""
    return f"{file_name(work.title)}-{work.id[:4]}{work.suffix}"


def _credit(work: Work) -> str:
    """A work in the list of credits."""
    from studio.making.kinds import read_recipe

    told = [name_of(work), work.title, work.words]
    try:
        recipe = read_recipe(work.recipe_json)
    except StudioError:  # a kind of another studio
        return "\n".join(told)
    return "\n".join([*told, *([rights(recipe)] if recipe.sources else [])])


class _Pipe(io.RawIOBase):
    """A file to write to that cannot be gone back in; what was written is taken out piece by piece."""

    def __init__(self) -> None:
        self._written = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, content: object) -> int:
        piece = memoryview(content).cast("B")  # type: ignore[arg-type]
        self._written += piece
        return len(piece)

    def taken(self) -> bytes:
        """What was written since the last time."""
        piece = bytes(self._written)
        self._written.clear()
        return piece
