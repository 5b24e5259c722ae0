"""The studio's version. It stands alone, so that whatever records it imports nothing else."""

from __future__ import annotations

__version__ = "0.20.0"

__all__ = ["__version__"]
