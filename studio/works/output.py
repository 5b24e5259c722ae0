"""Files written whole or not at all.

`write_file` is for a file that a person named. `lay_down` is as careful, and leaves the choice of names and
the errors to its caller (the gallery's store).
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from studio.errors import Missing, Refused, StudioError


def write_file(content: bytes, path: Path, *, force: bool = False) -> Path:
    """Write `content` to `path`. At every moment the file there is either the old one or the whole new one.

    force: replace a file that exists. Folders and devices are never replaced; a symbolic link is followed.
    Returns the path. Raises `Refused` when the file exists, or the disk is full or cannot be written to, and
    `Missing` when there is no such folder.
    """
    path = Path(path)
    try:
        target = _target(path, force)
        lay_down(content, target, _temporary(target), replace=force)
    except FileExistsError:
        raise exists_already(path) from None
    except (OSError, ValueError) as error:
        raise not_written(error, path) from None
    return path


@contextlib.contextmanager
def writing(path: Path, *, force: bool = False, mode: int = 0o666) -> Iterator[BinaryIO]:
    """A file to write piece by piece. It is given its name at the end of the block, or nothing is left.

    mode: of the new file, before the umask. Raises what `write_file` raises.
    """
    path = Path(path)
    try:
        target = _target(path, force)
        temporary = _temporary(target)
        descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)
        try:
            with os.fdopen(descriptor, "w+b") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            if force:
                temporary.replace(target)
            else:
                _rename_without_replacing(temporary, target)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise
        sync_folder(target.parent)
    except FileExistsError:
        raise exists_already(path) from None
    except OSError as error:
        raise not_written(error, path) from None


def lay_down(content: bytes, path: Path, temporary: Path, *, replace: bool, mode: int = 0o666) -> None:
    """Write to `temporary`, flush it to the disk, give it its real name, and flush the folder.

    After this the file survives a power cut. temporary: a free name on the same file system. mode: of the
    new file, before the umask. Raises `FileExistsError` where `path` exists and may not be replaced, or
    another `OSError`. When it raises, nothing is left that was not there before.
    """
    try:
        descriptor = os.open(
            temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode
        )
        try:
            rest = memoryview(content)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if replace:
            temporary.replace(path)
        else:
            _rename_without_replacing(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Flush a folder's list of names to the disk. Windows cannot do that, and need not."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network file systems do not sync folders
            raise
    finally:
        os.close(descriptor)


def not_written(error: OSError | ValueError, path: Path | str) -> StudioError:
    """The sentence for a file that could not be written."""
    folder = Path(path).parent
    match getattr(error, "errno", None):
        case errno.ENOSPC | errno.EDQUOT:
            return Refused(
                f"The disk of {folder} is full: free some space and try again; nothing was left half-written."
            )
        case errno.EROFS | errno.EACCES | errno.EPERM:
            return Refused(
                f"{folder} cannot be written to: "
                "choose another folder, or give yourself permission to write there."
            )
        case errno.ENOENT | errno.ENOTDIR:
            return Missing(f"There is no folder {folder}: create it, or choose another.")
        case errno.ENAMETOOLONG:
            return Refused(
                f"The file name {Path(path).name[:40]}… is too long for this disk: choose a shorter one."
            )
        case errno.EFBIG:
            return Refused(f"{path} would be larger than this disk or account allows: choose another place.")
        case _:
            said = (getattr(error, "strerror", None) or str(error)).rstrip(".")
            return Refused(f"{path} could not be written ({said}): choose another place.")


def _target(path: Path, force: bool) -> Path:
    """Where to write the file that a person named, following a symbolic link."""
    if not path.parent.is_dir():
        raise Missing(
            f"There is no folder {path.parent}: create it, or choose another place for {path.name}."
        )
    if path.is_dir():
        raise Refused(f"{path} is a folder: name the file to write in it.")
    if path.exists() and not path.is_file():
        raise Refused(f"{path} is not an ordinary file and is left alone: choose another name.")
    if path.exists() and not force:
        raise exists_already(path)
    return Path(os.path.realpath(path))


def _temporary(target: Path) -> Path:
    return target.parent / f".studio-{secrets.token_hex(6)}.part"


def exists_already(path: Path) -> Refused:
    """The error for a file that nobody asked to replace."""
    return Refused(f"{path} exists already: choose another name, or let it be replaced.", setting="force")


def _rename_without_replacing(temporary: Path, path: Path) -> None:
    """Rename, unless something got that name in the meantime."""
    if os.name == "nt":
        temporary.rename(path)  # refuses by itself there
        return
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links (FAT, some network shares): check, then rename
        if path.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from None
        temporary.replace(path)
        return
    temporary.unlink()
