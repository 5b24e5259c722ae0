"""What works are predicted to take beside what they take: seconds, and bytes on top of the loaded studio.

    python -m benchmarks.predictions [--quick]
    python -m benchmarks.predictions --left [--busy N]

Each is made in a process of its own. A work may take twenty times the seconds and twice the memory, and some
more (`studio.making.bounds`); one beyond that is marked.

With --left a studio in a new home makes works one after the other, each for the second time with another
seed, and the last ones beside N processes that are always busy. Of each is told what it took beside what was
said before the press; at how many looks from the first tenth on the time left was wrong by more than a fifth
of the whole, and at how many it was not between the least and the most that is said; and by what factor it
rose most from one look to the next.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
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

LEFT: tuple[tuple[str, dict[str, Any]], ...] = (
    ("song", {"style": "ryans-mammoth", "form": "AABA", "bars": 32}),
    ("song", {"style": "hymn", "form": "AB", "bars": 16}),
    ("song", {"style": "sixties-pop", "form": "verse-chorus", "band": "sixties"}),
    ("song", {"style": "songbook-manner", "form": "AABA", "band": "trio", "format": "wav", "bars": 16}),
    (
        "song",
        {"style": "ryans-mammoth", "form": "AABA", "words": "Over the hills\nand far away", "fit": True},
    ),
    ("compose", {"style": "ryans-mammoth", "bars": 16}),
    ("compose", {"style": "oneill", "bars": 32}),
    ("dream", {}),
    ("dream", {"regions": ["subject=garden", "background=weave"]}),
    ("style", {"size": 384}),
)
"""What is made with --left: a photo and a painting are given where they are needed."""


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--quick", action="store_true", help="only the smallest of each kind")
    options.add_argument("--left", action="store_true", help="the time left, while works are made")
    options.add_argument("--busy", type=int, default=0, metavar="N", help="processes that are always busy")
    options.add_argument("--kind", help="with --left, only works of this kind")
    options.add_argument("--one", help=argparse.SUPPRESS)
    asked = options.parse_args()
    if asked.left:
        tell_left([each for each in LEFT if asked.kind in (None, each[0])], asked.busy)
        return
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
    from studio.making.asking import ask
    from studio.making.bounds import bounds_of, predict
    from studio.making.here import run_here
    from studio.making.kinds import KINDS, found_at
    from studio.process import finish
    from studio.works.gallery import Gallery

    given = _given(kind, dimensions)
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


def tell_left(works: list[tuple[str, dict[str, Any]]], busy: int) -> None:
    """Make these works, and say how right the times were that were said of them."""
    from studio.making.asking import ask
    from studio.making.jobs import Jobs
    from studio.works.gallery import Gallery

    with (
        tempfile.TemporaryDirectory() as folder,
        Gallery.open(Path(folder)) as gallery,
        Jobs(gallery) as jobs,
    ):
        jobs.prepare()
        time.sleep(12)  # the workers load their code, as while somebody looks at the page
        for beside in (0, busy) if busy else (0,):
            with _busy(beside):
                time.sleep(5 if beside else 0)
                for kind, settings in works:
                    for seed in (1, 2):
                        seed += 10 * beside
                        given = _given(kind, (576, 768))
                        recipe = ask(kind, {**settings, "seed": seed}, given, gallery)
                        prediction = jobs.predict(recipe)
                        began = time.perf_counter()
                        looks = [
                            (time.perf_counter() - began, state.seconds_left, state.most_left, state.state)
                            for state in jobs.follow(jobs.submit(recipe))
                        ]
                        _tell_looks(kind, settings | {"beside": beside}, looks, prediction)


def _tell_looks(kind: str, settings: dict[str, Any], looks: list[Any], prediction: Any) -> None:
    took = looks[-1][0]
    left = [
        (at, seconds, most)
        for at, seconds, most, state in looks
        if state == "running" and seconds is not None and most is not None
    ]
    late = [each for each in left if each[0] > 0.1 * took]
    wrong = sum(abs(seconds - (took - at)) > 0.2 * took for at, seconds, _ in late)
    within = sum(seconds**2 / max(most, 1e-9) - 0.5 <= took - at <= most + 0.5 for at, seconds, most in late)
    rose = max(
        (after / before for (_, before, _), (_, after, _) in pairwise(left) if before > 1), default=1.0
    )
    said = prediction.seconds if prediction is not None else float("nan")
    print(
        f"{kind:8} {json.dumps(settings):86} {took:6.1f} s of {said:6.1f}, {wrong:3} of {len(late):3} "
        f"looks wrong, {len(late) - within:3} outside what is said, rose by {rose:.2f}  {looks[-1][3]}",
        flush=True,
    )


@contextmanager
def _busy(many: int) -> Iterator[None]:
    spinning = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(many)]
    try:
        yield
    finally:
        for each in spinning:
            each.kill()
            each.wait()


def _given(kind: str, dimensions: tuple[int, int]) -> list[Any]:
    """Pictures for a work of this kind."""
    import numpy as np

    from studio.images.pictures import resize, write_png
    from studio.works.ingredient import Ingredient

    roles = {"dream": ["photo"], "style": ["photo", "style"]}.get(kind, [])
    rng = np.random.default_rng(0)
    pictures = (rng.integers(0, 255, (60, 80, 3), np.uint8) for _ in roles)
    return [
        Ingredient(role, write_png(resize(picture, *dimensions)), name=f"{role}.png")
        for role, picture in zip(roles, pictures, strict=True)
    ]


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    main()
