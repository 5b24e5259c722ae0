"""The optimised painting beside that of an earlier version: user time of the whole process, and the textures.

    python -m benchmarks.painting_speed --beside /path/to/an/earlier/version [--sheet FILE.png] [--threads 1]
    python -m benchmarks.painting_speed --beside /path/to/0.2.1 --free    this version's paintings also with
                                                                          `hold_shapes` 0, as 0.2.1 paints

Four photos by four paintings at the usual size and settings, each by both versions in turn, in a process of
its own. The texture error is that of the painters' cards: the sum over six layers of the Gram matrix's
squared error, each divided by the painting's own mean square. What is asked: half the time, and no larger
error in the mean.

Since painting rules 5 the photo's shapes are held, and textures are the price. With --free, it is the
textures with `hold_shapes` 0 that may have no larger error than those of the earlier version.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks.catalogue import beside
from benchmarks.instant_painting import _texture_error
from studio.images.paintings.catalogue import PAINTINGS
from studio.images.pictures import read_picture, write_png

ROOT = Path(__file__).parents[1]

PAIRS = (
    ("gallery/sources/pagoda.jpg", "whirls"),
    ("docs/catalogue/photos/astronaut.jpg", "glass"),
    ("gallery/sources/pagoda.jpg", "watercolour"),
    ("studio/images/instant/photos/cat.jpg", "points"),
)

SHARE = 0.5
"""Of the earlier version's time that is asked for."""

PAINTING = """
import hashlib, json, sys
from pathlib import Path
from studio.images.recipes import StyleRecipe
from studio.images.style import paint
from studio.works.recipe import Source
settings = json.loads(sys.argv[1])
*given, out = map(Path, sys.argv[2:])
contents = {}
def source(path, role):
    content = path.read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    contents[sha256] = content
    return Source(sha256=sha256, role=role, name=path.name, title="", author="", licence="")
sources = tuple(map(source, given, ("photo", "style")))
making = paint(StyleRecipe(sources=sources, seed=1, **settings), lambda each: contents[each.sha256])
try:
    while True:
        next(making)
except StopIteration as ended:
    out.write_bytes(ended.value.content)
"""


def painted(
    version: Path, photo: Path, painting: Path, out: Path, threads: int, settings: Mapping[str, float]
) -> float:
    """User seconds of a process in which a version paints a photo."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    words = [sys.executable, "-c", PAINTING, json.dumps(settings), str(photo), str(painting), str(out)]
    environment = os.environ | {"PYTHONPATH": str(version), "OMP_NUM_THREADS": str(threads)}
    subprocess.run(words, check=True, env=environment, cwd=out.parent)
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--beside", type=Path, required=True, help="a folder with an earlier version")
    asked.add_argument("--sheet", type=Path, help="where to put all the paintings, as one picture")
    asked.add_argument("--threads", type=int, default=1)
    asked.add_argument("--free", action="store_true", help="also with hold_shapes 0")
    options = asked.parse_args()
    ways: list[tuple[Path, dict[str, float]]] = [(options.beside.resolve(), {}), (ROOT, {})]
    if options.free:
        ways.append((ROOT, {"hold_shapes": 0.0}))
    rows, times, errors = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        for photo, name in PAIRS:
            painting, error = PAINTINGS[name].path, _texture_error(PAINTINGS[name].path)
            cells, took, off = [], [], []
            for version, settings in ways:
                out = Path(folder) / "out.png"
                took.append(painted(version, ROOT / photo, painting, out, options.threads, settings))
                cells.append(read_picture(out.read_bytes()).pixels)
                off.append(error(cells[-1]))
            print(
                f"{Path(photo).stem} after {name}: {took[0]:.2f} -> {took[1]:.2f} s of the processor "
                f"({took[1] / took[0]:.2f}), {_errors_said(off)}",
                flush=True,
            )
            times.append(took)
            errors.append(off)
            rows.append(beside(cells))
    before, now, *_ = np.sum(times, axis=0)
    mean = np.mean(errors, axis=0)
    fine = now <= SHARE * before and mean[-1] <= mean[0]
    print(f"together {now / before:.2f} of the time, {_errors_said(mean)}")
    if options.sheet:
        wide = max(row.shape[1] for row in rows)
        padded = [
            np.pad(row, ((0, 6), (0, wide - row.shape[1]), (0, 0)), constant_values=255) for row in rows
        ]
        options.sheet.write_bytes(write_png(np.concatenate(padded), None))
    sys.exit(0 if fine else "NOT AS ASKED")


def _errors_said(errors: Sequence[float]) -> str:
    """Of the earlier version, of this one, and of this one with `hold_shapes` 0."""
    were, are, *free = errors
    return f"texture error {were:.3f} -> {are:.3f}" + "".join(
        f", {each:.3f} with hold_shapes 0" for each in free
    )


if __name__ == "__main__":
    main()
