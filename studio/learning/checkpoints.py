"""Trained networks as files: the weights as safetensors, and a card that says what they are and how to make
them again.

    card = Card(name="digits", what="reads handwritten digits", data=(data.origin,), command="…")
    save(network, card, Path("models/digits"))
    network = load(Path("models/digits")).network

An interrupted training is a single safetensors file with its JSON in the file's header. Pickles are never
read. Every file is checked against its sha256 first, and replaced completely or not at all.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import platform
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load as tensors_from
from safetensors.torch import save as bytes_from
from torch import Tensor

from studio.errors import Missing, Refused, StudioError, Unreadable
from studio.learning.datasets import DataSource, Scale
from studio.learning.networks import AnyConfig, Network, NetworkConfig, read_config
from studio.learning.training import Standing, TrainingState
from studio.version import __version__

SCHEMA_VERSION = 1
LARGEST_CARD = 2**20
LARGEST_WEIGHTS = 4 * 2**30


class Card(BaseModel):
    """What there is to know about trained weights.

    name, what: their name, and in a sentence what they do. data: what they were trained on. licence: of the
    weights. command: rebuilds them. figures: their results, such as {"test accuracy": 0.98}.
    scale, classes: how inputs must be standardised, and what the outputs mean, if that applies.
    network, versions, sha256: filled in by `save`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = 1
    name: str = Field(min_length=1, max_length=200)
    what: str = Field(max_length=2000)
    data: tuple[DataSource, ...]
    licence: str = Field(default="", max_length=500)
    command: str = Field(max_length=2000)
    figures: dict[str, float] = Field(default_factory=dict)
    scale: Scale | None = None
    classes: tuple[str, ...] = ()
    notes: str = Field(default="", max_length=20_000)
    network: AnyConfig | None = None
    versions: dict[str, str] = Field(default_factory=dict)
    sha256: str = Field(default="", pattern=r"^([0-9a-f]{64})?$")


@dataclass(frozen=True)
class Model:
    """A trained network, on the CPU and in evaluation mode, with its card."""

    network: Network
    card: Card


def save(network: Network, card: Card, path: Path) -> Card:
    """Save a network as `path`.safetensors, with the completed card as `path`.json. `path` may have either
    suffix.

    An older model there is replaced. `load` finds either the old model or the new one, complete, at any
    moment and after a crash. Raises `Refused` for weights that are not finite or a full disk, `Missing` if
    the folder does not exist.
    """
    place = _Place(path)
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    broken = next((name for name, tensor in weights.items() if not bool(torch.isfinite(tensor).all())), None)
    if broken is not None:
        raise Refused(
            f"The weights '{broken}' are not all finite numbers; train the "
            "network again with a smaller learning rate."
        )
    content = bytes_from(weights, {"card": _in_file(network, card)})
    versions = {"studio": __version__, "python": platform.python_version(), "torch": torch.__version__}
    card = Card.model_validate(
        card.model_dump()
        | {
            "network": network.config.model_dump(),
            "versions": versions,
            "sha256": hashlib.sha256(content).hexdigest(),
        }
    )
    text = json.dumps(card.model_dump(mode="json", exclude_none=True), indent=2, ensure_ascii=False) + "\n"

    # The card decides: until the new one is in place, `load` must be able to find the weights that the old
    # one names.
    arriving = _written_beside(place.weights, content)
    try:
        if _sha256_of(place.weights) == _sha256_named_by(place.card):
            place.weights.replace(place.previous)
        arriving.replace(place.weights)
        _replace(place.card, text.encode())
        place.previous.unlink(missing_ok=True)
    finally:
        arriving.unlink(missing_ok=True)
    return card


def load(path: Path) -> Model:
    """A network from its files. The card, the weights' sha256 and every name and shape are checked first.

    Raises `Missing` if a file is not there, `Unreadable` for a card or weights that are broken, do not belong
    together, or come from a newer studio.
    """
    place = _Place(path)
    card = _read_card(place)
    content = _weights_of(card, place)
    return Model(_built(card, content, place.weights.name), card)


def read_model(content: bytes, name: str) -> Model:
    """A network from the bytes of its weights file alone: the header holds the card (as `save` writes it).

    name: for messages. Raises `Unreadable` for another file, a broken one, or one from a newer studio.
    """
    _read_tensors(content, name)  # whole, before its header is believed
    try:
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        card = Card.model_validate(json.loads(header["__metadata__"]["card"]))
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Unreadable(
            f"{name} does not describe its network; choose a file that the studio saved."
        ) from None
    if card.network is None:
        raise Unreadable(f"{name} does not describe its network; choose a file that the studio saved.")
    return Model(
        _built(card, content, name), card.model_copy(update={"sha256": hashlib.sha256(content).hexdigest()})
    )


def _in_file(network: Network, card: Card) -> str:
    """The card for the weights' own header: without what depends on the weights or the machine."""
    described = card.model_copy(update={"network": network.config, "versions": {}, "sha256": ""})
    return json.dumps(
        described.model_dump(mode="json", exclude_none=True, exclude={"versions", "sha256"}),
        ensure_ascii=False,
        sort_keys=True,
    )


def _built(card: Card, content: bytes, name: str) -> Network:
    """The network of a card with these weights, every name and shape checked before anything is built."""
    weights = _read_tensors(content, name)
    assert card.network is not None
    config: NetworkConfig = card.network
    with torch.device("meta"):  # shapes without memory: a card may describe any size
        expected = {name: tensor.shape for name, tensor in config.build().state_dict().items()}
    wrong = next(
        (
            key
            for key in sorted(expected.keys() | weights.keys())
            if _shape(expected, key) != _shape(weights, key)
        ),
        None,
    )
    if wrong is not None:
        raise Unreadable(
            f"The weights {name} do not fit the network their card describes: '{wrong}' is "
            f"{_shape(weights, wrong)} instead of {_shape(expected, wrong)}; get both files from the "
            "same source again."
        )
    network = config.build()
    network.load_state_dict(weights)
    return network.eval()


def save_training(state: TrainingState, path: Path) -> None:
    """Save an interrupted training as one file, completely or not at all. Raises `Refused` for a full disk,
    `Missing` if the folder does not exist.
    """
    description = {
        "schema_version": SCHEMA_VERSION,
        "standing": state.standing.model_dump(mode="json"),
        "sha256": _digest(state.tensors),
    }
    _replace(
        path,
        bytes_from(
            {name: tensor.contiguous() for name, tensor in state.tensors.items()},
            {"training": json.dumps(description)},
        ),
    )


def load_training(path: Path) -> TrainingState:
    """A training from its file, for `fit(resume=…)`. Raises `Missing`, or `Unreadable` for another or a
    broken file.
    """
    content = _read(path, LARGEST_WEIGHTS)
    tensors = _read_tensors(content, path.name)
    try:
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        description = json.loads(header["__metadata__"]["training"])
        version, standing, sha256 = (description[name] for name in ("schema_version", "standing", "sha256"))
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Unreadable(f"{path.name} does not hold a training; start it again without resuming.") from None
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise Unreadable(
            f"A newer studio wrote {path.name} (schema {version}; this one "
            f"reads {SCHEMA_VERSION}): update the studio."
        )
    if sha256 != _digest(tensors):
        raise Unreadable(
            f"{path.name} was changed after it was saved; start the training again without resuming."
        )
    try:
        return TrainingState(Standing.model_validate(standing), tensors)
    except ValidationError as error:
        place = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise Unreadable(
            f"{path.name} was changed by hand and is no longer valid ({place}); start the training again."
        ) from None


class _Place:
    """Where a model's files are, whichever suffix its path has."""

    def __init__(self, path: Path) -> None:
        stem = path.name.removesuffix(".safetensors").removesuffix(".json")
        self.name = stem
        self.weights = path.with_name(f"{stem}.safetensors")
        self.card = path.with_name(f"{stem}.json")
        self.previous = path.with_name(f"{stem}.previous.safetensors")


def _read_card(where: _Place) -> Card:
    if not where.card.is_file() and where.weights.is_file():
        raise Missing(
            f"The weights {where.weights.name} have no card {where.card.name} beside them; copy both files."
        )
    try:
        fields: Any = json.loads(_read(where.card, LARGEST_CARD))
        if not isinstance(fields, dict):
            raise ValueError
    except (ValueError, RecursionError):
        raise Unreadable(
            f"The card {where.card.name} is not valid JSON; get it again from its source."
        ) from None
    version = fields.get("schema_version")
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise Unreadable(
            f"A newer studio wrote the card {where.card.name} (schema {version}; this one reads "
            f"{SCHEMA_VERSION}): update it."
        )
    try:
        if not isinstance(fields.get("network"), dict) or not fields.get("sha256"):
            raise Unreadable("it names no network or no sha256.")
        read_config(fields["network"])
        return Card.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        why = f"{place}: {first['msg'][:1].lower()}{first['msg'][1:].rstrip('.')}."
    except StudioError as error:
        why = str(error)[:1].lower() + str(error)[1:]
    raise Unreadable(f"The card {where.card.name} is not valid: {why}")


def _weights_of(card: Card, place: _Place) -> bytes:
    """The weights that this card names: beside it, or the previous file if a crash came in between."""
    found = False
    for path in (place.weights, place.previous):
        if path.is_file():
            found = True
            content = _read(path, LARGEST_WEIGHTS)
            if hashlib.sha256(content).hexdigest() == card.sha256:
                return content
    rebuild = f"get them again, or rebuild them with: {card.command}"
    if not found:
        raise Missing(f"The weights {place.weights.name} are not there; {rebuild}")
    raise Unreadable(
        f"The weights {place.weights.name} are not those of their card (another "
        f"sha256): changed or cut off; {rebuild}"
    )


def _read(path: Path, largest: int) -> bytes:
    try:
        if path.stat().st_size > largest:
            raise Unreadable(
                f"{path.name} is larger than {largest // 2**20} MB, so it is not a checkpoint of the "
                "studio; choose another file."
            )
        return path.read_bytes()
    except FileNotFoundError:
        raise Missing(f"There is no file {path}; train the network first, or check the path.") from None
    except OSError as error:
        raise Unreadable(f"{path} cannot be read ({error.strerror}).") from None


def _read_tensors(content: bytes, name: str) -> dict[str, Tensor]:
    try:
        return tensors_from(content)
    except (SafetensorError, ValueError, KeyError, RuntimeError, TypeError):
        raise Unreadable(f"{name} is not a whole safetensors file; get it again from its source.") from None


def _shape(tensors: Mapping[str, Tensor | torch.Size], name: str) -> str:
    if name not in tensors:
        return "absent"
    found = tensors[name]
    return "x".join(map(str, found.shape if isinstance(found, Tensor) else found)) or "a single number"


def _digest(tensors: dict[str, Tensor]) -> str:
    """sha256 of names, types, shapes and bytes, in any order."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _sha256_of(path: Path) -> str | None:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None


def _sha256_named_by(card: Path) -> str:
    try:
        return str(json.loads(card.read_bytes())["sha256"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _replace(path: Path, content: bytes) -> None:
    """Replace a file's content atomically: after a crash, it is either the old or the new one."""
    arriving = _written_beside(path, content)
    try:
        arriving.replace(path)
    finally:
        arriving.unlink(missing_ok=True)


def _written_beside(path: Path, content: bytes) -> Path:
    """A file of another name in the same folder, flushed to the disk. In a folder that only its owner can
    look into, only the owner can read it.
    """
    if not path.parent.is_dir():
        raise Missing(f"There is no folder {path.parent}; create it first.")
    arriving = path.with_name(f".{path.name}.{secrets.token_hex(6)}.part")
    try:
        mode = 0o666 if path.parent.stat().st_mode & 0o077 else 0o600
        opened = os.open(arriving, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)
        with os.fdopen(opened, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        arriving.unlink(missing_ok=True)
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise Refused(f"The disk is full; free {len(content) // 2**20 + 1} MB for {path.name}.") from None
        raise Refused(f"{path} cannot be written ({error.strerror}).") from None
    return arriving
