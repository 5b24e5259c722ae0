"""Copies of a photo at other sizes, made once while it is painted again and again."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property

import numpy as np

from studio.images.networks.prepared import Prepared
from studio.images.pictures import Pixels, resize
from studio.process import meanwhile

LARGEST_KEPT = 3 * 4_000_000
"""Bytes of the largest photo of which copies are kept."""

Size = tuple[int, int]


class Copies:
    """Copies of a photo, uint8 [h, w, 3], as `resize` makes them. They are kept with a network, like what it
    saw in the photo (`Prepared.once`), unless the photo is large. Nobody may change them.
    """

    def __init__(self, photo: Pixels, network: Prepared) -> None:
        self._photo, self._network = photo, network
        self.kept = photo.size <= LARGEST_KEPT

    @cached_property
    def digest(self) -> str:
        return digest_of(self._photo)

    def at(self, height: int, width: int) -> Pixels:
        """The photo at a size."""
        if not self.kept:
            return resize(self._photo, height, width)
        key = "copy", self.digest, (height, width)
        return self._network.once(key, lambda: resize(self._photo, height, width))

    def without_finest(self, height: int, width: int) -> Pixels:
        """The photo at a smaller size, enlarged to its own again."""

        def made() -> Pixels:
            return resize(self.at(height, width), *self._photo.shape[:2])

        if not self.kept:
            return made()
        return self._network.once(("without finest", self.digest, (height, width)), made)

    def make_meanwhile(self, sizes: Sequence[Size], without_finest: Size | None) -> None:
        """Make copies that will be asked for while the network looks at something: resizing takes one core,
        and the network leaves time on the others.
        """

        def make() -> None:
            for size in sizes:
                self.at(*size)
            if without_finest is not None:
                self.without_finest(*without_finest)

        if self.kept:
            meanwhile(make)


def digest_of(pixels: np.ndarray) -> str:
    """What tells a picture from all others."""
    found = hashlib.sha256(repr(pixels.shape).encode())
    found.update(np.ascontiguousarray(pixels).data)
    return found.hexdigest()
