"""How lessons begin, kept on disk: a lesson is seen before what it computes with is loaded.

    openings = Openings()
    openings.keep("neuron", settings, scene)
    openings.scene("neuron", settings)       # the same scene, or None

What is kept is the first scene of each lesson with its usual settings. Those of all lessons come with the
studio, written by `python -m studio.lessons.ahead`; one counts as long as the lesson's code is that which
drew it, and a test draws them all. Where the code was changed, a scene that was drawn here is found: in the
cache of the studio's home, or where it was prepared when the studio was set up. It counts as long as the
studio's code and PyTorch are those that drew it.
"""

from __future__ import annotations

import hashlib
import json
import lzma
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from studio.works.home import environments_home, home
from studio.works.private import write_private_file

PLACE = Path("cache") / "lessons"
"""Where they are kept, in a home."""

LESSONS = Path(__file__).resolve().parents[1]

SHIPPED = LESSONS / "first_scenes"
"""Where those lie that come with the studio."""


class Openings:
    """First scenes of lessons. Safe to use from many threads: a file is written whole or not at all."""

    def scene(self, lesson: str, settings: Mapping[str, Any]) -> dict[str, Any] | None:
        """How a lesson with these settings begins, as `Scene.to_dict` told it; None where nobody knows."""
        shipped = shipped_opening(lesson)
        if shipped is not None and _same(shipped["settings"], settings):
            return dict(shipped["scene"])
        for folder in (home(), environments_home()):
            if folder is None:
                continue
            with suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
                kept = json.loads((folder / PLACE / _name(lesson)).read_bytes())
                if _same(kept["settings"], settings):
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


def shipped_opening(lesson: str) -> dict[str, Any] | None:
    """The "settings" and the "scene" of a lesson as they come with the studio; None where there are none, or
    where the lesson's code is not that which drew them.
    """
    with suppress(OSError, ValueError, KeyError, TypeError, lzma.LZMAError):
        kept: dict[str, Any] = json.loads(lzma.decompress(_shipped(lesson).read_bytes()))
        if kept["drawn_by"] == _drawn_by_lesson(lesson) and kept["scene"]["figures"]:
            return kept
    return None


def ship(lesson: str, settings: Mapping[str, Any], scene: Mapping[str, Any]) -> Path:
    """Write how a lesson begins, to come with the studio; gives the file. Raises `OSError`."""
    kept = {"drawn_by": _drawn_by_lesson(lesson), "settings": settings, "scene": scene}
    path = _shipped(lesson)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(lzma.compress(json.dumps(kept).encode(), preset=9))
    return path


def _shipped(lesson: str) -> Path:
    return SHIPPED / f"{lesson}.json.xz"


def _same(kept: Mapping[str, Any], settings: Mapping[str, Any]) -> bool:
    return bool(kept == json.loads(json.dumps(settings)))


def _name(lesson: str) -> str:
    return f"{lesson}-{_drawn_by()}.json"


@lru_cache(maxsize=1)
def _drawn_by() -> str:
    """A hash of the code that draws lessons."""
    return _hash(LESSONS.parent.rglob("*.py"), version("torch"))


@lru_cache(maxsize=32)
def _drawn_by_lesson(lesson: str) -> str:
    """A hash of a lesson's own code, of what draws its scenes, and of the loop that learns."""
    own = LESSONS / lesson
    code = [*own.rglob("*.py")] if own.is_dir() else [own.with_suffix(".py")]
    shared = [LESSONS / "kit" / "scene.py", *(LESSONS / "shared").rglob("*.py")]
    return _hash([*code, *shared, *(LESSONS.parent / "learning").rglob("*.py")])


def _hash(code: Iterable[Path], more: str = "") -> str:
    digest = hashlib.sha256(more.encode())
    for path in sorted(code):
        digest.update(hashlib.sha256(path.read_bytes().replace(b"\r\n", b"\n")).digest())
    return digest.hexdigest()[:16]
