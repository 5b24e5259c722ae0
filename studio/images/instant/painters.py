"""Painters as files: a network that learnt one painting, its card, and where both are found.

    painter = painter_for(painting.sha256)
    painter.network(photo, 0.5, noise)

The weights are safetensors in half precision. The file's own header says which painting they learnt, so it
can travel without its card.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from studio.errors import Missing, UnknownName, Unreadable
from studio.works.home import home
from studio.works.recipe import Sha256
from studio.works.shipped import shipped

if TYPE_CHECKING:
    from torch import Tensor

    from studio.images.instant.network import ColourMoments, PainterNetwork
    from studio.images.instant.pieces import Pieces
    from studio.images.pictures import Pixels

PREFIX = "painter-"
"""Of a painter's file, beside those of other models."""

SCHEMA_VERSION = 1
"""Of a painter's header."""

LARGEST, LARGEST_HEADER = 16 * 2**20, 2**16
"""Bytes of a painter's file, and of its header."""

Colour = tuple[float, float, float]
Width = Annotated[int, Field(ge=4, le=256)]


class PainterHeader(BaseModel):
    """What a painter's file says of itself.

    painting: sha256 of the painting's file. title: the painting's. mean, covariance: of its colours, 0..1.
    widths: of the network. lineage: the training from nothing that its weights go back to. steps: of
    learning, with those of the painters that it started from.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    schema_version: Literal[1] = 1
    name: str = Field(min_length=1, max_length=100)
    painting: Sha256
    title: str = Field(max_length=500)
    mean: Colour
    covariance: tuple[Colour, Colour, Colour]
    widths: tuple[Width, Width, Width]
    lineage: str = Field(max_length=100)
    steps: int = Field(ge=0)


@dataclass(frozen=True)
class Painter:
    """A network that paints at once. sha256: of its file. pieces: of the painting, which are laid over
    what the network paints, or None.
    """

    network: PainterNetwork
    palette: ColourMoments
    header: PainterHeader
    sha256: str
    pieces: Pieces | None = None

    def with_pieces(self, painting: Pixels) -> Painter:
        """The same painter with the pieces of its painting, uint8 [h, w, 3]."""
        from studio.images.instant.pieces import Pieces

        return replace(self, pieces=Pieces.of(painting))


def read_header(content: bytes, name: str) -> PainterHeader:
    """The header of a painter's file. Loads no torch. Raises `Unreadable` for any other file."""
    length = int.from_bytes(content[:8], "little")
    try:
        if len(content) < 9 or length > LARGEST_HEADER:
            raise ValueError
        fields: Any = json.loads(content[8 : 8 + length])
        told = fields["__metadata__"]["painter"]
        if _is_later(told):
            raise Unreadable(f"A newer studio wrote {name}: update the studio.")
        return PainterHeader.model_validate_json(told)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):  # pydantic's is a ValueError
        raise Unreadable(
            f"{name} is not a painter that the studio trained: choose a file that studio train painting kept."
        ) from None


def _is_later(told: str) -> bool:
    """Whether a header says that it is of a version that is not known yet."""
    version = json.loads(told).get("schema_version", SCHEMA_VERSION)
    return isinstance(version, int) and version > SCHEMA_VERSION


def read_painter(content: bytes, name: str) -> Painter:
    """A painter from the bytes of its file. Raises `Unreadable` for a broken one or another file."""
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load

    from studio.images.instant.network import ColourMoments, PainterNetwork

    header = read_header(content, name)
    try:
        weights = {key: tensor.float() for key, tensor in load(content).items()}
        with torch.device("meta"):
            network = PainterNetwork(header.widths)
        network.load_state_dict(weights, assign=True)
    except (SafetensorError, RuntimeError, ValueError):
        raise Unreadable(f"{name} is damaged: get it again, or train the painter again.") from None
    if not all(bool(tensor.isfinite().all()) for tensor in weights.values()):
        raise Unreadable(f"{name} holds weights that are not numbers: train the painter again.")
    network = network.eval().requires_grad_(False).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    palette = ColourMoments(
        torch.tensor(header.mean, dtype=torch.double), torch.tensor(header.covariance, dtype=torch.double)
    )
    return Painter(network, palette, header, hashlib.sha256(content).hexdigest())


def painter_bytes(weights: Mapping[str, Tensor], header: PainterHeader) -> bytes:
    """The file of a painter: its weights in half precision, and the header. The same weights give the same
    bytes.
    """
    from safetensors.torch import save

    halves = {name: tensor.detach().half().contiguous() for name, tensor in weights.items()}
    return save(halves, {"painter": header.model_dump_json()})


# --- Where they are


def painters_folder() -> Path:
    """Where painters trained here are kept."""
    return home() / "models"


def painter_path(name: str) -> Path:
    """The file of the painter of that name: one of your own, or else one that came with the studio. Raises
    `UnknownName`.
    """
    known = {each.stem.removeprefix(PREFIX): each for each in _files()}
    if name not in known:
        raise UnknownName("painter", name, known)
    return known[name]


def painters() -> dict[str, PainterHeader]:
    """The headers of all painters by name, your own first. Damaged files are left out."""
    found: dict[str, PainterHeader] = {}
    for path in _files():
        name = path.stem.removeprefix(PREFIX)
        header = _header_of(path)
        if header is not None and name not in found:
            found[name] = header
    return found


def painter_file_for(painting: str, title: str) -> Path:
    """The file of the painter that learnt the painting with this sha256, your own before the studio's. title:
    for messages. Raises `Missing` if there is none, `Unreadable` where only a file is there that cannot be
    read.
    """
    from studio.images.instant.learnt import learnt_paintings

    for path in _files():
        header = _header_of(path)
        if header is not None and header.painting == painting:
            return path
    for learnt in learnt_paintings().values():
        path = painters_folder() / f"{PREFIX}{learnt.name}.safetensors"
        if learnt.sha256 == painting and path.is_file():
            with path.open("rb") as file:
                read_header(file.read(8 + LARGEST_HEADER), path.name)
    raise Missing(
        f"No painter has learnt {title} yet: let one learn it with studio train painting, or choose the "
        "optimised painter."
    )


def painter_for(painting: str, title: str) -> Painter:
    """That painter, read. Raises `Unreadable` too, for a damaged file."""
    path = painter_file_for(painting, title)
    return read_painter(path.read_bytes(), path.name)


def _files() -> Iterator[Path]:
    """All painters' files, your own before those that came with the studio."""
    for folder in (painters_folder(), shipped("models")):
        if folder.is_dir():
            yield from (
                path
                for path in sorted(folder.glob(f"{PREFIX}*.safetensors"))
                if not path.name.endswith(".training.safetensors")
            )


def _header_of(path: Path) -> PainterHeader | None:
    try:
        if path.stat().st_size > LARGEST:
            return None
        with path.open("rb") as file:
            return read_header(file.read(8 + LARGEST_HEADER), path.name)
    except (OSError, Unreadable, ValidationError):
        return None
