"""How lessons begin, kept on disk: a lesson is seen before what it computes with is loaded.

    openings = Openings()
    openings.keep("neuron", settings, scene)
    openings.scene("neuron", settings)       # the same scene, or None

What is kept is the first scene of each lesson with its usual settings. It counts as long as the studio's code
and PyTorch are those that drew it. It lies in the cache of the studio's home; what was prepared when the
studio was set up is found too.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from studio.works.home import environments_home, home
from studio.works.private import write_private_file

PLACE = Path("cache") / "lessons"
"""Where they are kept, in a home."""


class Openings:
    """First scenes of lessons. Safe to use from many threads: a file is written whole or not at all."""

    def scene(self, lesson: str, settings: Mapping[str, Any]) -> dict[str, Any] | None:
        """How a lesson with these settings begins, as `Scene.to_dict` told it; None where nobody knows."""
        for folder in (home(), environments_home()):
            if folder is None:
                continue
            with suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
                kept = json.loads((folder / PLACE / _name(lesson)).read_bytes())
                if kept["settings"] == json.loads(json.dumps(settings)):
                    scene: dict[str, Any] = kept["scene"]
                    return scene
        return None

    def keep(self, lesson: str, settings: Mapping[str, Any], scene: Mapping[str, Any]) -> None:
        """Keep how a lesson begins, in place of what an earlier studio kept. A full disk costs a wait."""
        folder, name = home() / PLACE, _name(lesson)
        with suppress(OSError):
            write_private_file(folder / name, json.dumps({"settings": settings, "scene": scene}).encode())
            for path in folder.glob(f"{lesson}-*.json"):
                if path.name != name:
                    path.unlink(missing_ok=True)


def _name(lesson: str) -> str:
    return f"{lesson}-{_drawn_by()}.json"


@lru_cache(maxsize=1)
def _drawn_by() -> str:
    """A hash of the code that draws lessons."""
    code = Path(__file__).resolve().parents[2]
    digest = hashlib.sha256(version("torch").encode())
    for path in sorted(code.rglob("*.py")):
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]
