"""What photos of phones and studios cost to open: memory at the peak and seconds, each in its own process.

    python -m benchmarks.large_photos [--formats JPEG HEIC ...] [--megapixels 48 108]

The photos are made here: china.jpg of scikit-learn, enlarged, as each format's own writer saves it. The peak
is the largest resident set of the process from its start, Python and libraries included, and must stay under
1 GB. A picture of 400 megapixels in a small file, which no camera makes, must be refused.
"""

from __future__ import annotations

import argparse
import io
import json
import subprocess
import sys
import tempfile
from pathlib import Path

LIMIT = 10**9
"""Bytes."""

SIZES = {48: (8064, 6048), 108: (12000, 9000), 400: (20000, 20000)}

FORMATS = {
    "JPEG": (".jpg", {"quality": 90}),
    "progressive JPEG": (".jpg", {"quality": 90, "progressive": True}),
    "HEIC": (".heic", {"quality": 60}),
    "AVIF": (".avif", {"quality": 60, "speed": 10}),
    "JPEG 2000": (".jp2", {"quality_mode": "rates", "quality_layers": [20]}),
    "WebP": (".webp", {"quality": 60, "method": 0}),
    "PNG": (".png", {"compress_level": 1}),
    "TIFF": (".tif", {"compression": "jpeg"}),
}
"""Format -> suffix, and how it is saved."""

REFUSED = {("WebP", 108), ("AVIF", 108)}
"""What is refused, with a sentence: its decoder would take more than a gigabyte. No camera makes it."""

MAKING = """
import json, sys
from PIL import Image
from sklearn.datasets import load_sample_image
path, width, height, how = sys.argv[1], *map(int, sys.argv[2:4]), json.loads(sys.argv[4])
Image.MAX_IMAGE_PIXELS = None
if path.endswith(".heic"):
    import pillow_heif
    pillow_heif.register_heif_opener()
Image.fromarray(load_sample_image("china.jpg")).resize((width, height)).save(path, **how)
"""

READING = """
import json, resource, sys, time
from pathlib import Path
from studio.errors import StudioError
from studio.images.pictures import read_picture
content = Path(sys.argv[1]).read_bytes()
begun = time.process_time()
try:
    picture = read_picture(content, "the photo")
    found = {"size": picture.pixels.shape[1::-1], "notes": list(picture.notes)}
except StudioError as error:
    found = {"refused": str(error)}
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
print(json.dumps(found | {"seconds": round(time.process_time() - begun, 1), "peak": peak}))
"""


def run(program: str, *arguments: object) -> str:
    finished = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    if finished.returncode:
        raise RuntimeError(finished.stderr.strip().splitlines()[-1] if finished.stderr else "killed")
    return finished.stdout


def measure(name: str, megapixels: int, folder: Path) -> bool:
    """One photo; prints a line. Returns whether it is as it should be."""
    suffix, how = FORMATS[name]
    photo = folder / f"photo{suffix}"
    try:
        run(MAKING, photo, *SIZES[megapixels], json.dumps(how))
    except RuntimeError as error:
        print(f"{name:<17} {megapixels:>4} MP  no writer here: {error}", flush=True)
        return True
    found = json.loads(run(READING, photo))
    told = found.get("refused") or f"{found['size'][0]} x {found['size'][1]}; {' '.join(found['notes'])}"
    size = photo.stat().st_size / 1e6
    print(
        f"{name:<17} {megapixels:>4} MP {size:6.1f} MB  {found['peak'] / 1e6:5.0f} MB at the peak, "
        f"{found['seconds']:5.1f} s: {told}",
        flush=True,
    )
    return found["peak"] < LIMIT and ("refused" in found) == (
        megapixels > 108 or (name, megapixels) in REFUSED
    )


def bomb(folder: Path) -> bool:
    """400 megapixels of one colour, in a PNG of half a megabyte."""
    from PIL import Image

    file = io.BytesIO()
    Image.new("1", SIZES[400]).save(file, "PNG")
    path = folder / "bomb.png"
    path.write_bytes(file.getvalue())
    found = json.loads(run(READING, path))
    print(f"bomb, 400 MP in {len(file.getvalue()) / 1e3:.0f} kB: {found.get('refused', 'opened')}")
    return "refused" in found and found["peak"] < LIMIT


def main() -> None:
    asked = argparse.ArgumentParser(prog="python -m benchmarks.large_photos")
    asked.add_argument("--formats", nargs="*", default=list(FORMATS), choices=list(FORMATS))
    asked.add_argument("--megapixels", nargs="*", type=int, default=[48, 108], choices=list(SIZES))
    given = asked.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        good = [measure(name, size, folder) for name in given.formats for size in given.megapixels]
        good.append(bomb(folder))
    if not all(good):
        sys.exit("A photo takes more than 1 GB, or was refused or opened where it should not be.")


if __name__ == "__main__":
    main()
