"""A batch of recipes on two workers, one of which is killed: no work may be missing, and none made twice.

    python -m benchmarks.batch_killed_worker [--recipes 100] [--kill-after 30]

The recipes are small dreams of a picture drawn here. After that many lines, a worker that is in the middle of
one is sent SIGKILL.
"""

from __future__ import annotations

import argparse
import json
import signal
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import numpy as np
import psutil

from studio.images.pictures import write_png
from studio.making.batch import run_batch
from studio.works.gallery import Gallery


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--recipes", type=int, default=100)
    options.add_argument("--kill-after", type=int, default=30, help="lines")
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as folder, Gallery.open(Path(folder) / "home") as gallery:
        (Path(folder) / "waves.png").write_bytes(waves())
        settings = {
            "kind": "dream",
            "photo": "waves.png",
            "preset": None,
            "layers": ["blocks.2"],
            "size": 96,
            "octaves": 2,
            "steps": 3,
        }
        lines = "\n".join(json.dumps(settings | {"seed": seed}) for seed in range(asked.recipes))
        began, killed, ends = time.monotonic(), list[int](), Counter[str]()
        killer = threading.Thread(target=lambda: killed.append(kill_a_worker()))
        for event in run_batch(lines, gallery, folder=Path(folder), workers=2):
            ends[event.what] += 1
            if event.what in ("lost", "failed", "summary"):
                print(event.sentence)
            if event.done == asked.kill_after and killer.ident is None:
                killer.start()  # in a thread, so that the batch goes on and there is work to interrupt
        seeds = Counter(
            json.loads(work.recipe_json)["seed"] for work in gallery.find(limit=10 * asked.recipes)
        )
        missing = set(range(asked.recipes)) - seeds.keys()
        doubled = [seed for seed, times in seeds.items() if times > 1]
        took = time.monotonic() - began
        print(f"killed process {killed} after {asked.kill_after} lines; events: {dict(ends)}")
        print(f"{gallery.count()} works, missing {sorted(missing)}, doubled {doubled}, {took:.1f} s")
        assert killed
        assert ends["lost"] >= 1, "the kill interrupted nothing; run again"
        assert not missing
        assert not doubled


def kill_a_worker() -> int:
    """SIGKILL to the worker that is busiest right now, caught in the middle of a line."""
    workers = [
        child
        for child in psutil.Process().children()
        if "spawn_main" in " ".join(child.cmdline()) or "forkserver" in child.name()
    ]
    for worker in workers:
        worker.cpu_percent()
    time.sleep(0.2)
    busiest = max(workers, key=lambda worker: worker.cpu_percent())
    busiest.send_signal(signal.SIGKILL)
    return int(busiest.pid)


def waves() -> bytes:
    y, x = np.mgrid[0:96, 0:96] / 96
    colours = [np.sin(9 * x + 5 * y), np.sin(13 * y - 4 * x), np.cos(11 * (x - 0.5) * (y - 0.5) * 6)]
    return write_png((127.5 + 127.5 * np.stack(colours, axis=2)).astype(np.uint8))


if __name__ == "__main__":
    main()
