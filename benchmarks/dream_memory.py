"""How much memory a large dream needs: 4096 x 3072 pixels in a process of its own, whose peak must stay under
1.5 GiB.

    python -m benchmarks.dream_memory [--width 4096] [--height 3072] [--steps 1] [--look roses]

The peak is the largest resident set of the process from start to end: Python, torch, the photo, the dream and
the PNG. It hardly depends on the number of steps, so one step per octave is enough.
"""

from __future__ import annotations

import argparse
import subprocess
import sys

LIMIT = int(1.5 * 2**30)
"""Bytes."""

MAKING = """
import hashlib, io, resource, sys, time
from PIL import Image
from sklearn.datasets import load_sample_image
width, height, steps = map(int, sys.argv[1:4])
written = io.BytesIO()
Image.fromarray(load_sample_image("china.jpg")).resize((width, height)).save(written, "JPEG", quality=92)
photo = written.getvalue()
from studio.images.dream import dream
from studio.process import finish
from studio.images.presets import with_preset
from studio.images.recipes import DreamRecipe
from studio.works.recipe import Source
source = Source(sha256=hashlib.sha256(photo).hexdigest(), role="photo", name="")
begun = time.perf_counter()
fields = {"preset": sys.argv[4], "steps": steps, "coarse_first": 0.0}
recipe = DreamRecipe(sources=(source,), size=max(width, height), **with_preset(fields))
made = finish(dream(recipe, lambda _source: photo))
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
print(*made.facts["size"], len(made.content), round(time.perf_counter() - begun, 1), peak)
"""


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    asked.add_argument("--width", type=int, default=4096)
    asked.add_argument("--height", type=int, default=3072)
    asked.add_argument("--steps", type=int, default=1, help="steps in each octave")
    asked.add_argument("--look", default="creatures", help="the preset")
    options = asked.parse_args()
    numbers = [str(number) for number in (options.width, options.height, options.steps)]
    finished = subprocess.run(
        [sys.executable, "-c", MAKING, *numbers, options.look],
        capture_output=True,
        text=True,
        check=False,
    )
    if finished.returncode:
        sys.exit(finished.stderr)
    width, height, size, seconds, peak = finished.stdout.split()
    print(
        f"{options.look}, {width} x {height}: {int(peak) / 2**30:.2f} GiB at the peak (at most 1.5), "
        f"{seconds} s, PNG of {int(size) / 1e6:.0f} MB"
    )
    if int(peak) > LIMIT:
        sys.exit("The dream needs more memory than claimed.")


if __name__ == "__main__":
    main()
