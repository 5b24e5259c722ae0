"""Where the trained models and the works on show are.

In a checkout they are beside the package, in an installed wheel inside it.
"""

from __future__ import annotations

from pathlib import Path

from studio.errors import Missing


def shipped(folder: str) -> Path:
    """The folder "models" or "gallery" that came with the studio. Raises `Missing` where there is none."""
    package = Path(__file__).parents[1]
    for place in (package / "shipped" / folder, package.parent / folder):
        if place.is_dir():
            return place
    raise Missing(f"This installation of the studio lacks its folder '{folder}': install it again.")
