"""Networks that describe themselves in their weights file.

A network trained in the studio (in a lesson, or with `studio.learning`) says in its file how it is built. It
becomes the backbone `own`, with the layers blocks.0, blocks.1 … hidden, classes.

Light on purpose: nothing here loads torch. `trained_here` builds the network that is described here.
"""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from studio.errors import Refused, Unreadable
from studio.images.networks.backbones import Layer, is_safetensors

LARGEST_HEADER = 8 * 2**20
LARGEST_WEIGHTS = 2**30
BY_DEPTH = (
    "Strokes and edges.",
    "Bends, corners and crossings.",
    "Parts of the things it was trained on.",
)


@dataclass(frozen=True)
class DescribedNetwork:
    """A network as its file describes it. what: in a sentence. data, licence: what it was trained on, and the
    licence of that.
    """

    name: str
    what: str
    data: str
    licence: str
    layers: tuple[Layer, ...]


def read_weights_file(content: bytes, name: str) -> tuple[bytes, DescribedNetwork | None]:
    """The weights in a file (a lesson's .zip is unpacked), and the network if the file describes it.

    name: for messages. Raises `Unreadable` for a damaged file, `Refused` for a network whose inputs are not
    pictures.
    """
    if content[:4] == b"PK\x03\x04" and not _is_torch_archive(content):
        content = _unpack(content, name)
    card = _card(content)
    return content, None if card is None else _describe(card, name)


def is_pickle(content: bytes) -> bool:
    """Whether it looks like a file of `torch.save`: a zip with a pickle in it, or a bare pickle (before torch
    1.6).
    """
    return content[:1] == b"\x80" or (content[:4] == b"PK\x03\x04" and _is_torch_archive(content))


def check_is_weights(content: bytes, name: str) -> None:
    """Raises `Unreadable` for what is neither safetensors nor a file of `torch.save`."""
    if not is_safetensors(content) and not is_pickle(content):
        raise Unreadable(
            f"{name} is not a weights file: choose a .safetensors, a lesson's .zip, or a state dict of torch."
        )


def _is_torch_archive(content: bytes) -> bool:
    """Whether a zip is a file of `torch.save`, which has a pickle in it."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return any(name.endswith("data.pkl") for name in archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return False


def _unpack(content: bytes, name: str) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            inside = [each for each in archive.namelist() if each.endswith(".safetensors")]
            if len(inside) != 1:
                raise Unreadable(
                    f"{name} holds {len(inside) or 'no'} networks; choose a .zip "
                    "saved by a lesson, with one network."
                )
            with archive.open(inside[0]) as file:
                weights = file.read(LARGEST_WEIGHTS + 1)
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, EOFError, ValueError, zlib.error):
        raise Unreadable(
            f"{name} is damaged or encrypted; save the network again and choose that file."
        ) from None
    if len(weights) > LARGEST_WEIGHTS:
        raise Refused(f"{name} unpacks to more than {LARGEST_WEIGHTS >> 20} MB; choose a smaller network.")
    return weights


def _card(content: bytes) -> dict[str, Any] | None:
    """The card in a safetensors header, as `studio.learning.checkpoints.save` writes it; None if there is
    none.
    """
    if not is_safetensors(content):
        return None
    length = int.from_bytes(content[:8], "little")
    if length > LARGEST_HEADER:
        return None
    try:
        card = json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["card"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return card if isinstance(card, dict) and isinstance(card.get("network"), dict) else None


def _describe(card: Mapping[str, Any], file: str) -> DescribedNetwork:
    config = card["network"]
    name = str(card.get("name") or "a network of your own")[:100]
    if config.get("kind") != "convolutional":
        raise Refused(
            f"The inputs of the network '{name}' in {file} are not pictures; "
            "choose one that was trained on pictures, such as lesson 14's."
        )
    try:
        widths = [int(width) for width in config["channels"]]
        hidden, classes = int(config["hidden"]), int(config["classes"])
    except (KeyError, TypeError, ValueError, OverflowError):
        raise Unreadable(
            f"The description of the network in {file} is broken; save "
            "the network again and choose that file."
        ) from None
    names = tuple(str(each)[:60] for each in _listed(card, "classes"))[: max(0, classes)]
    listed = ", ".join(f"{number} {each}" for number, each in enumerate(names))
    layers = [
        Layer(f"blocks.{number}", width, BY_DEPTH[number * len(BY_DEPTH) // max(1, len(widths))])
        for number, width in enumerate(widths)
    ]
    layers.append(Layer("hidden", hidden, "The features that its answers are made of."))
    layers.append(Layer("classes", classes, f"Its answers{': ' + listed if listed else ''}."[:300]))
    origins = [each for each in _listed(card, "data") if isinstance(each, dict)]
    return DescribedNetwork(
        name,
        str(card.get("what") or "")[:300],
        "; ".join(str(each.get("name") or "") for each in origins)[:300],
        str(
            card.get("licence")
            or "; ".join(dict.fromkeys(str(each.get("licence") or "") for each in origins))
        )[:300],
        tuple(layers),
    )


def _listed(card: Mapping[str, Any], name: str) -> list[Any]:
    """A list of the card; empty where the card has something else there."""
    found = card.get(name)
    return found if isinstance(found, list) else []
