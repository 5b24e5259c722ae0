"""The atlas: a picture and words for every channel of the usual network, found by word or by number.

    atlas = Atlas.read()
    atlas.find("castle")[0].term                  # "classifier:483"

The pictures and words are made by `drawing` and come with the studio. Light on purpose: nothing here loads
torch.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from studio.errors import Missing, Refused, UnknownName, did_you_mean
from studio.images.networks.backbones import CLASSES
from studio.images.pictures import Pixels, read_picture

FOLDER = Path(__file__).with_name("pictures")

LAYERS = (*(f"blocks.{number}" for number in range(1, 7)), CLASSES.name)
"""The layers whose channels are in the atlas, the deepest last. Those before see only edges, and those
between, such as blocks.4.1, add to the same channels as the end of their stage.
"""

TILE = 64
"""Side of a channel's picture, in pixels."""

TRY = "castle, bird, dog or green"
"""Words that find channels, for somebody whose word finds none."""

SIDE = 256
"""Longer side, in pixels, at which a photo is looked at."""


@dataclass(frozen=True)
class Channel:
    """A channel: its layer, its number, and words that say what it sees, the surest first."""

    layer: str
    number: int
    words: tuple[str, ...]

    @property
    def term(self) -> str:
        """As a dream's setting takes it: blocks.4:102."""
        return f"{self.layer}:{self.number}"

    @property
    def caption(self) -> str:
        """Its number and its surest word, for a sheet of pictures."""
        return f"{self.term} {self.words[0] if self.words else ''}"

    @property
    def place(self) -> tuple[int, int]:
        """Where its picture begins on its layer's sheet: top and left, in pixels."""
        return self.number // Atlas.ACROSS * TILE, self.number % Atlas.ACROSS * TILE


def sheet_path(layer: str) -> Path:
    """The JPEG with the pictures of all channels of a layer, in rows of `Atlas.ACROSS`."""
    return FOLDER / f"{layer}.jpg"


class Atlas:
    """The channels of all layers of the atlas."""

    ACROSS: ClassVar[int] = 16
    """Pictures in a row of a sheet."""

    def __init__(self, told: dict[str, Any]) -> None:
        self._told = told

    @classmethod
    def read(cls) -> Atlas:
        """Raises `Missing` where the atlas did not come with this installation."""
        path = FOLDER / "words.json"
        if not path.is_file():
            raise Missing("The atlas of channels is missing: install the studio again.")
        return cls(json.loads(path.read_text("utf-8")))

    @property
    def layers(self) -> tuple[str, ...]:
        return tuple(layer for layer in LAYERS if layer in self._told)

    def channels(self, layer: str) -> list[Channel]:
        """All channels of a layer, by number. Raises `UnknownName` for a layer that is not in the atlas."""
        words = self._layer(layer)["words"]
        return [Channel(layer, number, tuple(each)) for number, each in enumerate(words)]

    def channel(self, layer: str, number: int) -> Channel:
        """Raises `UnknownName` for the layer, `Refused` for a number that it does not have."""
        words = self._layer(layer)["words"]
        if not 0 <= number < len(words):
            raise Refused(f"Layer '{layer}' has channels 0 to {len(words) - 1}; there is no {number}.")
        return Channel(layer, number, tuple(words[number]))

    def find(self, text: str, layers: Iterable[str] = ()) -> list[Channel]:
        """The channels whose words have every word of a text, those first in which it comes first.

        A word is found by its beginning: "cast" finds castle. An empty text finds every channel. layers:
        where to look; everywhere if empty. Raises `UnknownName` for a layer.
        """
        wanted = re.findall(r"\w+", text.lower())
        found: list[tuple[int, int, Channel]] = []
        for depth, layer in enumerate(layers or self.layers):
            for each in self.channels(layer):
                places = [_place_of(word, each.words) for word in wanted]
                if all(place is not None for place in places):
                    found.append((max((place or 0 for place in places), default=0), -depth, each))
        return [each for _, _, each in sorted(found, key=lambda row: row[:2])]

    def none_found(self, text: str, layers: Iterable[str] = (), *, photo: str) -> str:
        """A sentence for a text that finds no channel, with what to try. photo: what one does for the
        channels that a photo excites most.
        """
        words, where = re.findall(r"\w+", text.lower()), tuple(layers)
        said = f"No channel of {', '.join(where) or 'the network'} has {_quoted(words)}"
        if where and (others := len(self.find(text))):
            return f"{said}, but {others} of other layers: look in all layers."
        known = {word for layer in self.layers for each in self.channels(layer) for word in _words(each)}
        near = ((word, did_you_mean(word, known)) for word in words if not self.find(word))
        asked = next((told for _, told in near if told), "")
        return f"{said}{asked or f'; try another, such as {TRY}, or {photo}.'}"

    def usual(self, layer: str) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """The mean and the spread of every channel's strength over photos, [channels] each."""
        told = self._layer(layer)
        return np.asarray(told["mean"], np.float64), np.asarray(told["spread"], np.float64)

    def picture(self, channel: Channel) -> Pixels:
        """uint8 [TILE, TILE, 3]. Raises `Missing` where the sheet did not come with this installation."""
        return self.pictures([channel])[0]

    def pictures(self, channels: Iterable[Channel]) -> list[Pixels]:
        """The pictures of several channels, uint8 [TILE, TILE, 3] each."""
        sheets: dict[str, Pixels] = {}
        found = []
        for each in channels:
            if each.layer not in sheets:
                path = sheet_path(each.layer)
                if not path.is_file():
                    raise Missing("The pictures of the channels are missing: install the studio again.")
                sheets[each.layer] = read_picture(path.read_bytes(), path.name).pixels
            top, left = each.place
            found.append(sheets[each.layer][top : top + TILE, left : left + TILE])
        return found

    def _layer(self, name: str) -> Any:
        if name not in self._told:
            raise UnknownName("layer of the atlas", name, self.layers)
        return self._told[name]


def _quoted(words: Sequence[str]) -> str:
    """the word “dog”; all of the words “dog green”."""
    return f"{'the word' if len(words) == 1 else 'all of the words'} “{' '.join(words)}”"


def _words(channel: Channel) -> list[str]:
    return re.findall(r"[a-z]{3,}", " ".join(channel.words).lower())


def _place_of(word: str, among: tuple[str, ...]) -> int | None:
    """The place of the first of some names that has a word with this beginning."""
    pattern = re.compile(rf"\b{re.escape(word)}", re.IGNORECASE)
    return next((place for place, name in enumerate(among) if pattern.search(name)), None)
