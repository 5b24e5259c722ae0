"""The Derivative Works Studio: make art from art with neural networks, and understand how.

    import studio

    studio.dream("photo.jpg", preset="weave").save("dream.png")

There is a function for every kind of work (dream, style, compose …), `studio.gallery()`, and two that look:
`studio.segments()` and `studio.channels()`. They are loaded when they are first used. See `studio.api`.
"""

from __future__ import annotations

from typing import Any

from studio.version import __version__

__all__ = ["__version__", "channels", "compose", "dream", "gallery", "segments", "style"]

LOOKING = ("channels", "gallery", "segments")
"""Functions that make no work."""


def __getattr__(name: str) -> Any:
    """The functions of `studio.api`: those that look, and one for every kind of work."""
    if name.startswith("_"):
        raise AttributeError(f"module 'studio' has no attribute '{name}'")
    from studio.making.kinds import KINDS

    if name in LOOKING:
        from studio import api

        return getattr(api, name)
    if name in KINDS:
        from studio.api import making_function

        return making_function(name)
    raise AttributeError(f"module 'studio' has no attribute '{name}'")


def __dir__() -> list[str]:
    from studio.making.kinds import KINDS

    return sorted({"__version__", *LOOKING, *KINDS})
