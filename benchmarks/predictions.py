"""What works are predicted to take beside what they take: seconds, and bytes on top of the loaded studio.

    python -m benchmarks.predictions [--quick]

Each is made in a process of its own. A work may take twenty times the seconds and twice the memory, and some
more (`studio.making.bounds`); one beyond that is marked.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

WORKS: tuple[tuple[str, dict[str, Any], tuple[int, int]], ...] = (
    ("dream", {"size": 192}, (480, 640)),
    ("dream", {"size": 384, "steps": 5}, (480, 640)),
    ("dream", {"size": 1024, "steps": 1, "octaves": 2}, (1024, 1024)),
    ("dream", {"size": 2048, "steps": 1, "octaves": 1}, (1500, 2048)),
    ("style", {"size": 128, "steps": 10}, (480, 640)),
    ("style", {"size": 384, "steps": 4}, (480, 640)),
    ("style", {"size": 1024, "steps": 1}, (480, 640)),
    ("compose", {"style": "american-fife", "bars": 8}, (0, 0)),
    ("compose", {"style": "ryans-mammoth", "bars": 32}, (0, 0)),
    ("compose", {"style": "ryans-mammoth", "bars": 16, "composer": "lstm"}, (0, 0)),
)


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--quick", action="store_true", help="only the smallest of each kind")
    options.add_argument("--one", help=argparse.SUPPRESS)
    asked = options.parse_args()
    if asked.one:
        print(json.dumps(measure(*json.loads(asked.one))))
        return
    seen: set[str] = set()
    for work in WORKS:
        if asked.quick and work[0] in seen:
            continue
        seen.add(work[0])
        command = [sys.executable, "-m", "benchmarks.predictions", "--one", json.dumps(work)]
        run = subprocess.run(command, capture_output=True, text=True, check=True)
        told = json.loads(run.stdout.splitlines()[-1])
        mark = "" if told["within"] else "   BEYOND ITS BOUNDS"
        print(
            f"{work[0]:8} {json.dumps(work[1]):50} {told['seconds']:6.1f} s of "
            f"{told['predicted_seconds']:6.1f}, "
            f"{told['bytes'] >> 20:5} MiB of {told['predicted_bytes'] >> 20:5}{mark}",
            flush=True,
        )


def measure(kind: str, settings: dict[str, Any], dimensions: tuple[int, int]) -> dict[str, Any]:
    """Make one, and say what it took and what was predicted."""
    import numpy as np

    from studio.images.pictures import resize, write_png
    from studio.making.asking import ask
    from studio.making.bounds import bounds_of, predict
    from studio.making.kinds import KINDS, found_at, run_here
    from studio.process import finish
    from studio.works.gallery import Gallery
    from studio.works.ingredient import Ingredient

    given = []
    if kind != "compose":
        rng = np.random.default_rng(0)
        picture = write_png(resize(rng.integers(0, 255, (60, 80, 3), np.uint8), *dimensions))
        roles = ["photo"] if kind == "dream" else ["photo", "style"]
        given = [Ingredient(role, picture, name=f"{role}.png") for role in roles]
    with tempfile.TemporaryDirectory() as folder, Gallery.open(Path(folder)) as gallery:
        recipe = ask(kind, settings, given, gallery)
        prediction = predict(recipe, gallery.read_source)
        assert prediction is not None
        found_at(KINDS[kind].process)
        base, began = _peak(), time.perf_counter()
        finish(run_here(recipe, gallery))
        took, used = time.perf_counter() - began, _peak() - base
    bounds = bounds_of(prediction)
    return {
        "seconds": took,
        "bytes": used,
        "predicted_seconds": prediction.seconds,
        "predicted_bytes": prediction.bytes,
        "within": not bounds.exceeded(took, used),
    }


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    main()
