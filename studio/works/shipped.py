"""Where the trained models and the works on show are: beside the package in a checkout, inside it in an
installed wheel.
"""

from __future__ import annotations

from pathlib import Path

from studio.errors import Missing


def shipped(folder: str) -> Path:
    """The folder "models" or "gallery" as it came with the studio. Raises `Missing` when this installation
    lacks it.
    """
    package = Path(__file__).parents[1]
    for place in (package / "shipped" / folder, package.parent / folder):
        if place.is_dir():
            return place
    raise Missing(f"This installation of the studio lacks its folder '{folder}': install it again.")
