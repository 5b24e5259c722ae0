"""What is yours stays yours: only its owner may look into the studio's home.

Windows is left alone: a person's folders are private there already.
"""

from __future__ import annotations

import contextlib
import os
import stat
import threading
from pathlib import Path

FOLDER, FILE = 0o700, 0o600

OWN_NAMES = (
    "gallery.sqlite*",
    "files",
    "cache",
    "log",
    "styles",
    "models",
    "datasets",
    "learnt",
    "sounds",
    "times.json",
)
"""What the studio puts into its home. Anything else there belongs to somebody else and is left alone."""


def make_private_folder(folder: Path) -> None:
    """Create a folder that only its owner can look into. Folders above it that are missing are private where
    they lie in a private one, such as the studio's home, and ordinary elsewhere.

    Nothing happens where it exists. Raises `OSError`.
    """
    above = folder.parent
    if not above.exists():
        there = next(each for each in above.parents if each.exists())
        if there.stat().st_mode & 0o077:
            above.mkdir(parents=True, exist_ok=True)
        else:
            make_private_folder(above)
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=FOLDER)


def make_private_file(file: Path) -> None:
    """Create an empty file that only its owner can read.

    Nothing happens where it exists. Raises `OSError`.
    """
    with contextlib.suppress(FileExistsError):
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE))


def write_private_file(file: Path, content: bytes) -> None:
    """Write a file that only its owner can read, whole or not at all: beside its place, then moved there.

    Its folder is made where it is missing, private too. Raises `OSError`.
    """
    make_private_folder(file.parent)
    beside = file.with_name(f".{file.name}.{os.getpid()}.{threading.get_ident()}")
    try:
        with contextlib.suppress(FileNotFoundError):
            beside.unlink()  # left by a process that died and had the same number
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE), "wb") as opened:
            opened.write(content)
        beside.replace(file)
    except OSError:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
        raise


def make_private(folder: Path) -> None:
    """Make a folder of the studio's private with all that another library has put into it."""
    with contextlib.suppress(OSError):
        for entry in folder.rglob("*"):
            _tighten_entry(entry)


def tighten(home: Path) -> None:
    """Make an existing home private: folders 0700, files 0600, for what the studio put there.

    Where the studio's home is a folder that others share (/tmp), or the person's own home folder, only the
    database is made private: the rest may be somebody's own. What cannot be changed stays as it is.
    """
    if os.name == "nt":
        return
    with contextlib.suppress(OSError):
        about = home.lstat()
        if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.geteuid():
            return
        shared = about.st_mode & stat.S_ISVTX or home in (Path.home(), Path(home.anchor))
        for pattern in OWN_NAMES[:1] if shared else OWN_NAMES:
            for entry in home.glob(pattern):
                _tighten_entry(entry)
        if about.st_mode & 0o077 and not shared:
            home.chmod(FOLDER)


def _tighten_entry(entry: Path) -> None:
    """A folder's own mode is changed last, so a folder that is private already need not be looked into."""
    with contextlib.suppress(OSError):
        mode = entry.lstat().st_mode
        if stat.S_ISREG(mode) and mode & 0o077:
            entry.chmod(FILE)
        elif stat.S_ISDIR(mode) and mode & 0o077:
            for inner in entry.iterdir():
                _tighten_entry(inner)
            entry.chmod(FOLDER)
