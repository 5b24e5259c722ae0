"""The gallery's files: content under names that are relative paths, on this machine's disk or behind any
fsspec URL.

A name is written once with one content (names hold the content's hash), so writing again what is there does
no harm.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from studio.errors import Missing, Refused, StudioError
from studio.works.keeper import Keeper
from studio.works.output import lay_down, not_written, sync_folder

ARRIVING = "arriving"
"""The folder of the store in which files are written before they get their names."""

OBJECT_STORES = ("s3", "s3a", "gs", "gcs", "az", "abfs", "memory")
"""fsspec's names of stores in which folders are only parts of names, and making one would mean a bucket."""

DAY = 24 * 60 * 60


class Store(Protocol):
    """Files by name. Every method raises a `StudioError` when the store cannot be reached, or
    `FileNotFoundError` for a lacking file.
    """

    def write(self, name: str, content: bytes) -> None:
        """Whole or not at all, and there to stay when this returns."""

    def read(self, name: str) -> bytes: ...

    def size(self, name: str) -> int | None:
        """In bytes; None where there is no such file."""

    def delete(self, name: str) -> None:
        """Nothing happens where there is no such file."""

    def names(self, folder: str) -> Iterator[str]:
        """Every file below that folder."""

    def clear_arriving(self) -> int:
        """Remove what dead processes left half-written; returns how many files."""


def open_store(url: str) -> Store:
    """A folder's path or a file:// URL is kept on this disk; any other URL (s3://bucket/folder, memory://,
    sftp://…) through fsspec.
    """
    scheme = urlsplit(url).scheme
    if "://" not in url:
        return LocalStore(Path(url).expanduser().absolute())
    if scheme in ("file", "local"):
        return LocalStore(Path(url.partition("://")[2]).expanduser().absolute())
    return RemoteStore(url)


class LocalStore:
    """A folder of this machine. It is created when the first file comes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __str__(self) -> str:
        return str(self.folder)

    def write(self, name: str, content: bytes) -> None:
        path = self.folder / name
        arriving = self.folder / ARRIVING
        try:
            for folder in (arriving, path.parent):
                self._make_folder(folder)
            lay_down(content, path, arriving / f"{Keeper.this()}~{secrets.token_hex(6)}", replace=True)
        except OSError as error:
            raise not_written(error, path) from error

    def _make_folder(self, folder: Path) -> None:
        if not folder.is_dir():
            self._make_folder(folder.parent)
            folder.mkdir(exist_ok=True)
            sync_folder(folder.parent)

    def read(self, name: str) -> bytes:
        with self._in_a_sentence(name):
            return (self.folder / name).read_bytes()

    def size(self, name: str) -> int | None:
        with self._in_a_sentence(name):
            try:
                return (self.folder / name).stat().st_size
            except (FileNotFoundError, NotADirectoryError):
                return None

    def delete(self, name: str) -> None:
        with self._in_a_sentence(name):
            (self.folder / name).unlink(missing_ok=True)

    def names(self, folder: str) -> Iterator[str]:
        for path, _, files in os.walk(self.folder / folder):
            for file in files:
                yield (Path(path) / file).relative_to(self.folder).as_posix()

    def clear_arriving(self) -> int:
        cleared = 0
        with contextlib.suppress(FileNotFoundError), os.scandir(self.folder / ARRIVING) as entries:
            for entry in entries:
                keeper = Keeper.read(entry.name.rpartition("~")[0])
                if keeper is None:
                    continue  # not ours
                with contextlib.suppress(
                    FileNotFoundError
                ):  # it was given its name just now, or another process clears as well
                    if keeper.dead or (keeper.elsewhere and entry.stat().st_mtime < time.time() - DAY):
                        Path(entry.path).unlink()
                        cleared += 1
        return cleared

    @contextlib.contextmanager
    def _in_a_sentence(self, name: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            raise
        except OSError as error:
            said = error.strerror or str(error)
            raise Refused(
                f"The gallery's file {self.folder / name} cannot be reached ({said}): check the folder's permissions."
            ) from error


class RemoteStore:
    """Anything fsspec speaks to. Object stores put a file whole or not at all; on others the gallery's rows
    say what is whole.
    """

    def __init__(self, url: str) -> None:
        self.shown = _without_password(url)
        self._has_folders = urlsplit(url).scheme not in OBJECT_STORES
        try:
            import fsspec

            self._files: Any
            self._files, self._root = fsspec.core.url_to_fs(url, use_listings_cache=False)
        except ImportError as error:
            extra = " (for s3: pip install 'studio[s3]')" if url.startswith("s3") else ""
            raise Missing(
                f"Files at {self.shown} need a package that is not installed{extra}: {str(error).rstrip('.')}."
            ) from None
        except ValueError as error:
            raise Refused(
                f"{self.shown} is no place for the gallery's files ({str(error).rstrip('.')}): give a folder or an fsspec URL."
            ) from None
        except Exception as error:
            raise self._unreachable(error) from error

    def __str__(self) -> str:
        return self.shown

    def write(self, name: str, content: bytes) -> None:
        with self._in_a_sentence():
            place = self._place(name)
            if self._has_folders:
                self._files.makedirs(place.rpartition("/")[0], exist_ok=True)
            try:
                self._files.pipe_file(place, content)
            except FileNotFoundError as error:  # the bucket or server folder itself
                raise self._unreachable(error) from error

    def read(self, name: str) -> bytes:
        with self._in_a_sentence():
            content: bytes = self._files.cat_file(self._place(name))
            return content

    def size(self, name: str) -> int | None:
        with self._in_a_sentence():
            try:
                size: int = self._files.info(self._place(name))["size"]
            except FileNotFoundError:
                return None
            return size

    def delete(self, name: str) -> None:
        with self._in_a_sentence(), contextlib.suppress(FileNotFoundError):
            self._files.rm_file(self._place(name))

    def names(self, folder: str) -> Iterator[str]:
        with self._in_a_sentence():
            root = self._files._strip_protocol(self._root).rstrip("/") + "/"
            try:
                found = self._files.find(self._place(folder))
            except FileNotFoundError:
                found = []
        for place in found:
            yield place.removeprefix(root)

    def clear_arriving(self) -> int:
        return 0  # nothing is written under another name there

    def _place(self, name: str) -> str:
        return f"{self._root.rstrip('/')}/{name}"

    @contextlib.contextmanager
    def _in_a_sentence(self) -> Iterator[None]:
        try:
            yield
        except (FileNotFoundError, StudioError):
            raise
        except Exception as error:  # each of fsspec's file systems has errors of its own
            raise self._unreachable(error) from error

    def _unreachable(self, error: Exception) -> StudioError:
        said = (str(error).splitlines() or [type(error).__name__])[0][:200].rstrip(".")
        return Missing(
            f"The gallery's files at {self.shown} cannot be reached ({said}): check the address, the network and your access."
        )


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
