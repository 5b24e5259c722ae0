"""Reads a person's file: an ordinary file, and no larger than anything the studio could use."""

from __future__ import annotations

import stat
from pathlib import Path

from studio.errors import Missing, Refused

LARGEST = 2**30
"""Bytes of the largest file that is read: weights may be that large."""


def read_file(path: Path, what: str = "") -> bytes:
    """The bytes of a file. what: what a sentence calls it, such as "The photo"; its path where empty.

    Raises `Missing` where there is no such file or it cannot be read, `Refused` for a folder, a device, a
    pipe, or a file of more than a gigabyte.
    """
    called = f"{what} {path}" if what else str(path)
    try:
        found = path.stat()
        if stat.S_ISDIR(found.st_mode):
            raise Refused(f"{called} is a folder; name a file.")
        if not stat.S_ISREG(found.st_mode):
            raise Refused(f"{called} is not an ordinary file; name a picture, a score or weights.")
        if found.st_size > LARGEST:
            size = f"{found.st_size / 1e9:.1f} GB"
            raise Refused(
                f"{called} has {size}, but the studio reads files of up to 1 GB; choose a smaller one."
            )
        return path.read_bytes()
    except FileNotFoundError:
        raise Missing(f"There is no file {path}; check the name and the folder.") from None
    except OSError as error:
        raise Missing(f"{called} cannot be read ({error.strerror}).") from None


def read_text(path: Path) -> str:
    """The text of a file: UTF-16 where a byte order mark says so, else UTF-8, else Latin-1.

    Raises what `read_file` raises, and `Refused` for a file that is no text, or is empty.
    """
    content = read_file(path)
    if not content.strip():
        raise Refused(f"{path} is empty: write the text into it, or leave it out.")
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return content.decode("utf-16", "replace")
    if b"\0" in content[:LOOKED_AT]:
        raise Refused(f"{path} is not a text file; save the words as plain text (.txt).")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


LOOKED_AT = 4096
"""Bytes in which a text file has no zero."""
