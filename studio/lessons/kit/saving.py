"""A trained network as a file to take away: its weights and its card in one zip."""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.errors import Unreadable
from studio.lessons.kit.lesson import Knob, settings_of
from studio.lessons.kit.scene import File

if TYPE_CHECKING:
    from studio.learning.checkpoints import Card, Model
    from studio.learning.networks import Network

LARGEST_PART = 8 * 2**20


def pack_network(network: Network, card: Card) -> File:
    """`NAME.zip` with NAME.safetensors and its card NAME.json, where NAME is the card's name.

    Raises `Refused` for weights that are not finite.
    """
    from studio.learning.checkpoints import save

    archive = io.BytesIO()
    with tempfile.TemporaryDirectory() as folder:
        save(network, card, Path(folder) / card.name)
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
            for path in sorted(Path(folder).iterdir()):
                zipped.writestr(zipfile.ZipInfo(path.name), path.read_bytes(), zipfile.ZIP_DEFLATED)
    return File(f"{card.name}.zip", archive.getvalue(), "application/zip")


def lesson_command(lesson: str, knobs: tuple[Knob, ...], settings: Mapping[str, Any]) -> str:
    """The command that runs the lesson with these settings; those at their default are left out."""
    defaults = settings_of(knobs)
    options = [f"--set '{name}={value}'" for name, value in settings.items() if value != defaults[name]]
    return " ".join([f"studio lesson {lesson}", *options])


def unpack_network(content: bytes, card_name: str, file_name: str) -> Model:
    """The network from such a zip, checked. Raises `Unreadable` if it is something else, broken or too
    large.
    """
    from studio.learning.checkpoints import load

    with tempfile.TemporaryDirectory() as folder:
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as zipped:
                for part in (f"{card_name}.safetensors", f"{card_name}.json"):
                    with zipped.open(part) as file:
                        Path(folder, part).write_bytes(file.read(LARGEST_PART))
        except (
            zipfile.BadZipFile,
            KeyError,
            OSError,
            RuntimeError,
            NotImplementedError,
            EOFError,
            ValueError,
        ):
            raise Unreadable(
                f"{file_name} contains no network '{card_name}'; choose a zip that this lesson saved."
            ) from None
        return load(Path(folder) / card_name)
