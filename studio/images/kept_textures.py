"""The textures of paintings, kept in `home()/learnt`, so that the next process need not look at them again.

    textures = kept(("digest of the painting", 640), layers, lambda: statistics_of(…))

They follow from the painting, the network and this computer alone, and are the same to the last digit: a name
is the hash of everything they depend on, the code as well. A file that is damaged counts as none.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor

from studio.images.textures import Statistics
from studio.works.home import environments_home, home
from studio.works.private import write_private_file

FOLDER, PREFIX, SUFFIX = "learnt", "textures-", ".safetensors"

MOST = 200
"""Files that are kept, of a tenth of a megabyte each: those that were not used for longest go."""

COLOURS = "colours"
"""What stands beside the layers in a file."""


def kept(depends_on: object, layers: Sequence[str], find: Callable[[], Statistics]) -> Statistics:
    """The textures that are kept, or else those that `find` finds, which are then kept.

    depends_on: everything they follow from, beside the layers, the code and the computer. Its `repr` has to
    tell it from all else.
    """
    name = _name_of((depends_on, *layers))
    place = home() / FOLDER / name
    folders = (place.parent, *((there / FOLDER,) if (there := environments_home()) else ()))
    for folder in folders:
        known = _read(folder / name, layers)
        if known is not None:
            with suppress(OSError):
                os.utime(folder / name)  # it was used
            return known
    found = find()
    _write(place, found)
    return found


def _name_of(depends_on: object) -> str:
    computer = (
        torch.__version__,
        torch.get_num_threads(),  # which decides how sums are rounded
        torch.backends.cpu.get_cpu_capability(),
    )
    parts = "\0".join([_code(), repr(computer), repr(depends_on)])
    return f"{PREFIX}{hashlib.sha256(parts.encode()).hexdigest()[:40]}{SUFFIX}"


def _read(path: Path, layers: Sequence[str]) -> Statistics | None:
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        tensors = load(path.read_bytes())
    except (OSError, SafetensorError, ValueError):
        return None
    if tensors.keys() != {*layers, COLOURS} or not all(_is_sound(each) for each in tensors.values()):
        return None
    return Statistics({layer: tensors[layer] for layer in layers}, tensors[COLOURS])


def _is_sound(gram: Tensor) -> bool:
    square = gram.ndim == 2 and gram.shape[0] == gram.shape[1]
    return square and gram.dtype == torch.float32 and bool(gram.isfinite().all())


def _write(path: Path, found: Statistics) -> None:
    """Keep them, if there is room. What cannot be kept is found again the next time."""
    from safetensors.torch import save

    tensors = {layer: gram.contiguous() for layer, gram in found.grams.items()}
    with suppress(OSError):
        _make_room(path.parent)
        write_private_file(path, save(tensors | {COLOURS: found.colours.contiguous()}))


def _make_room(folder: Path) -> None:
    files = []
    for path in folder.glob(f"{PREFIX}*{SUFFIX}"):
        with suppress(OSError):
            files.append((path.stat().st_mtime, path))
    for _, path in sorted(files)[: max(0, len(files) - MOST + 1)]:
        with suppress(OSError):
            path.unlink()


@lru_cache(maxsize=1)
def _code() -> str:
    """The hash of the code that finds them."""
    images, digest = Path(__file__).parent, hashlib.sha256()
    for path in (*sorted(images.glob("networks/*.py")), *(images / f"{name}.py" for name in CODE)):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


CODE = ("textures", "tiles", "canvas", "pictures")
