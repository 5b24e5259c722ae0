"""What was learnt from a style, kept in `home()/learnt`, so that the next process need not learn it again.

    kept = KeptArrays.of("idiom", style.content, "4/4", "D")
    arrays = kept.load()                  # None where there is nothing, or nothing that can be read
    kept.save({"pitch": pitch, …})

A name is the hash of everything the arrays depend on: the tunes themselves, the settings, and the code that
works them out. So nothing in here can be out of date, only unused; the files that were not used for longest
go when there are too many. Only plain arrays of numbers are kept, and never objects (NumPy's `allow_pickle`
is off): a file that somebody put there can be wrong, but it cannot run.
"""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from studio.works.home import environments_home
from studio.works.home import home as studio_home
from studio.works.private import write_private_file

if TYPE_CHECKING:
    from numpy.typing import NDArray

Arrays = dict[str, "NDArray[Any]"]
"""Arrays by their names."""

T = TypeVar("T")

FOLDER = "learnt"

WORTH_KEEPING = 4_000
"""Notes of a style from which on it takes longer to learn than to read back."""

LARGEST, MOST = 64 * 2**20, 384 * 2**20
"""Bytes of the largest file that is kept, and of all of them."""


@dataclass(frozen=True)
class KeptArrays:
    """A place for arrays, by the hash of what they depend on."""

    path: Path

    @classmethod
    def of(cls, what: str, *depends_on: object) -> KeptArrays:
        """what: the kind of thing. depends_on: everything it is worked out from, beside the code."""
        import numpy as np

        parts = [what, code_version(), np.__version__, *map(repr, depends_on)]
        name = hashlib.sha256("\0".join(parts).encode()).hexdigest()
        return cls(studio_home() / FOLDER / f"{what}-{name[:40]}.npz")

    def load(self) -> Arrays | None:
        """The arrays, read-only; None where they are not there or cannot be read. What was learnt when the
        studio was set up counts as well.
        """
        arrays = _arrays_in(self.path)
        if arrays is not None:
            with suppress(OSError):
                os.utime(self.path)  # it was used
            return arrays
        there = environments_home()
        return None if there is None else _arrays_in(there / FOLDER / self.path.name)

    def there(self) -> bool:
        """Whether they are kept; nothing is read."""
        there = environments_home()
        folders = (self.path.parent, *(() if there is None else (there / FOLDER,)))
        return any((folder / self.path.name).exists() for folder in folders)

    def save(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Keep them, if there is room. What cannot be kept is worked out again the next time."""
        import numpy as np

        size = sum(array.nbytes for array in arrays.values())
        if size > LARGEST:
            return
        packed = io.BytesIO()
        np.savez(packed, **arrays)  # type: ignore[arg-type]
        with suppress(OSError):
            make_room(self.path.parent, MOST - packed.tell())
            write_private_file(self.path, packed.getvalue())


def recalled(
    kept: KeptArrays,
    recall: Callable[[Arrays], T],
    work_out: Callable[[], T],
    to_arrays: Callable[[T], Arrays],
) -> T:
    """What is kept, or else what is worked out, which is then kept."""
    arrays = kept.load()
    if arrays is not None:
        try:
            return recall(arrays)
        except (KeyError, ValueError, IndexError, TypeError, OverflowError):
            pass  # a damaged file: what it should hold is worked out
    found = work_out()
    if arrays := to_arrays(found):
        kept.save(arrays)
    return found


def joined(name: str, lists: Iterable[Sequence[Any]], width: int = 1) -> Arrays:
    """Lists of numbers, or of tuples of `width` numbers, end to end, and where each ends."""
    import numpy as np

    parts = [list(one) for one in lists]
    flat = np.array([each for one in parts for each in one], dtype=np.int32)
    return {
        name: flat.reshape(-1, width) if width > 1 else flat,
        f"{name} ends": np.cumsum([len(one) for one in parts], dtype=np.int64),
    }


def parted(arrays: Arrays, name: str) -> list[list[Any]]:
    """The lists again."""
    flat, ends = arrays[name].tolist(), arrays[f"{name} ends"].tolist()
    demand(not ends or (ends[-1] == len(flat) and ends == sorted(ends) and ends[0] >= 0))
    return [flat[start:stop] for start, stop in zip([0, *ends[:-1]], ends, strict=True)]


def demand(condition: object) -> None:
    """Raises `ValueError` for what does not hold: the file is damaged."""
    if not condition:
        raise ValueError("what is kept does not fit together")


def within(array: NDArray[Any], low: int, high: int) -> bool:
    """Whether all numbers of an array are from low to high - 1."""
    return not array.size or (int(array.min()) >= low and int(array.max()) < high)


def _arrays_in(path: Path) -> Arrays | None:
    import numpy as np

    try:
        if path.stat().st_size > LARGEST:
            return None
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as archive:
            arrays: Arrays = {name: archive[name] for name in archive.files}
    except (
        OSError,
        ValueError,
        EOFError,
        KeyError,
        zipfile.BadZipFile,
        NotImplementedError,
        MemoryError,
    ):
        return None
    for array in arrays.values():
        array.flags.writeable = False
    return arrays


def make_room(folder: Path, most: int) -> None:
    """Delete the files that were not used for longest until the others take at most so many bytes."""
    found = []
    for path in folder.glob("*.npz"):
        with suppress(OSError):
            about = path.stat()
            found.append((about.st_mtime, about.st_size, path))
    total = sum(size for _, size, _ in found)
    for _, size, path in sorted(found):
        if total <= most:
            break
        with suppress(OSError):
            path.unlink()
        total -= size


@lru_cache(maxsize=1)
def code_version() -> str:
    """The hash of the code that learns: all of `chains`, and what reads a style for melody or chords."""
    music = Path(__file__).parent.parent
    digest = hashlib.sha256()
    for pattern in (
        "chains/*.py",
        "styles/*.py",
        "scores/*.py",
        "melody/idiom.py",
        "melody/form.py",
        "melody/learnt.py",
        "harmony/*.py",
    ):
        for path in sorted(music.glob(pattern)):
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
