"""The gallery's files, on this machine's disk or behind any fsspec URL. Their names are relative paths.

Most names hold the hash of the content, so writing a file again does no harm.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from studio.errors import Missing, Refused, StudioError
from studio.works.keeper import Keeper
from studio.works.output import lay_down, not_written, sync_folder
from studio.works.private import FILE, FOLDER

ARRIVING = "arriving"
"""The folder of the store in which files are written before they are given their names."""

OBJECT_STORES = ("s3", "s3a", "gs", "gcs", "az", "abfs", "memory")
"""fsspec's names of stores that have no folders: a folder is a part of the name, and making one would make a
bucket."""

DAY = 24 * 60 * 60


class Store(Protocol):
    """Files by name.

    Every method raises a `StudioError` when the store cannot be reached, and `FileNotFoundError` for a file
    that is not there.
    """

    def write(self, name: str, content: bytes) -> None:
        """Write a file, whole or not at all. When this returns, the file survives a power cut."""

    def read(self, name: str) -> bytes: ...

    def size(self, name: str) -> int | None:
        """In bytes; None where there is no such file."""

    def delete(self, name: str) -> None:
        """Nothing happens where there is no such file."""

    def move(self, name: str, to: str) -> None:
        """Give a file another name, in place of a file that has it."""

    def names(self, folder: str) -> Iterator[str]:
        """Every file below that folder."""

    def modified(self, name: str) -> datetime | None:
        """When the file was written; None where the store does not say."""

    def clear_arriving(self) -> int:
        """Remove what dead processes left half-written; returns how many files."""


def open_store(url: str, home: Path | None = None) -> Store:
    """The store at a folder's path or file:// URL, or behind any other URL of fsspec (s3://bucket/folder …).

    home: the studio's home. A store inside it is private to its owner.
    """
    scheme = urlsplit(url).scheme
    if "://" in url and scheme not in ("file", "local"):
        return RemoteStore(url)
    folder = Path(url.partition("://")[2] if "://" in url else url).expanduser().absolute()
    return LocalStore(folder, private=home is not None and folder.is_relative_to(home))


class LocalStore:
    """A folder on this machine, created with the first file.

    private: only its owner may read its files and look into its folders.
    """

    def __init__(self, folder: Path, *, private: bool = False) -> None:
        self.folder, self._private = folder, private

    def __str__(self) -> str:
        return str(self.folder)

    def write(self, name: str, content: bytes) -> None:
        path = self.folder / name
        arriving = self.folder / ARRIVING
        try:
            for folder in (arriving, path.parent):
                self._make_folder(folder)
            temporary = arriving / f"{Keeper.this()}~{secrets.token_hex(6)}"
            lay_down(content, path, temporary, replace=True, mode=FILE if self._private else 0o666)
        except OSError as error:
            raise not_written(error, path) from error

    def _make_folder(self, folder: Path) -> None:
        if not folder.is_dir():
            self._make_folder(folder.parent)
            private = self._private and folder.is_relative_to(self.folder)
            folder.mkdir(mode=FOLDER if private else 0o777, exist_ok=True)
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

    def move(self, name: str, to: str) -> None:
        source, target = self.folder / name, self.folder / to
        try:
            self._make_folder(target.parent)
            source.replace(target)
            sync_folder(target.parent)
            sync_folder(source.parent)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise not_written(error, target) from error

    def modified(self, name: str) -> datetime | None:
        with self._in_a_sentence(name):
            return datetime.fromtimestamp((self.folder / name).stat().st_mtime, UTC)

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
                # The file may just have been given its name, or another process may clear at the same time.
                with contextlib.suppress(FileNotFoundError):
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
                f"The gallery's file {self.folder / name} cannot be reached ({said}): "
                "check the folder's permissions."
            ) from error


class RemoteStore:
    """Any store that fsspec can reach.

    Object stores write a file whole or not at all. On the others the gallery's rows say what is whole.
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
                f"Files at {self.shown} need a package that is not installed{extra}: "
                f"{str(error).rstrip('.')}."
            ) from None
        except ValueError as error:
            raise Refused(
                f"{self.shown} cannot hold the gallery's files ({str(error).rstrip('.')}): "
                "give a folder or an fsspec URL."
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

    def move(self, name: str, to: str) -> None:
        self.write(to, self.read(name))
        self.delete(name)

    def modified(self, name: str) -> datetime | None:
        with self._in_a_sentence():
            about = self._files.info(self._place(name))
        when = next((about[key] for key in ("LastModified", "mtime", "created") if about.get(key)), None)
        return when if isinstance(when, datetime) and when.tzinfo else None

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
            f"The gallery's files at {self.shown} cannot be reached ({said}): "
            "check the address, the network and your access."
        )


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
