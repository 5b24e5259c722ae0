"""What a person waits for in the first minute, in a fresh home; and beside it an earlier version.

    python -m benchmarks.first_minute [--rounds 3] [--beside FOLDER] [--only commands|studio]

FOLDER holds another version's code. Commands are run in turns, one version after the other, so that whatever
else the machine does affects both alike. What happens inside a running studio is asked of this version's jobs
alone. Medians; a figure beyond what is promised is marked, and promised are those of a quiet machine with two
cores. Pictures are the sample photo of scikit-learn.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

HERE = Path(__file__).resolve().parents[1]
STYLE = "ryans-mammoth"

PROMISED = {
    "studio app answers": 2.5,
    "compose, kept home": 2.5,
    "dream beyond torch and dreaming": 1.2,
    "first tune, prepared": 3.0,
    "another take": 0.5,
    "another key": 1.5,
    "a contradiction explained": 2.0,
    "first preview of a dream": 0.7,
    "draft of a painting, 384 px": 3.0,
}
"""Seconds, on a quiet machine with two cores."""


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--rounds", type=int, default=3)
    asked.add_argument("--beside", type=Path, help="a folder with another version's code")
    asked.add_argument("--only", choices=["commands", "studio"])
    options = asked.parse_args()
    versions = {"now": HERE} | ({"beside": options.beside.resolve()} if options.beside else {})
    if options.only != "studio":
        commands(versions, options.rounds)
    if options.only != "commands":
        studio(options.rounds)


def commands(versions: dict[str, Path], rounds: int) -> None:
    """Commands in processes of their own."""
    took: dict[str, dict[str, list[float]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        photo = Path(folder) / "photo.png"
        _write_photo(photo)
        homes = {name: Path(folder) / f"home of {name}" for name in versions}
        for turn in range(rounds):
            for version, code in versions.items():
                home, out = homes[version], Path(folder) / f"{version} {turn}"

                def note(what: str, seconds: float, version: str = version) -> None:
                    took.setdefault(what, {}).setdefault(version, []).append(seconds)

                shutil.rmtree(home, ignore_errors=True)
                home.mkdir()
                compose = ["compose", "--style", STYLE, "--quiet", "-o"]
                note("compose, fresh home", run(code, home, *compose, f"{out}.mid", "--seed", str(turn)))
                note(
                    "compose, kept home", run(code, home, *compose, f"{out}b.mid", "--seed", f"{turn + 100}")
                )
                whole = run(code, home, "dream", str(photo), "-o", f"{out}.png", "--seed", str(turn))
                note("dream, 768 px", whole)
                note("dream beyond torch and dreaming", whole - dreaming(code, photo, turn))
                note("studio app answers", answers(code, home))
    for what, seconds in took.items():
        now = statistics.median(seconds["now"])
        beside = statistics.median(seconds["beside"]) if "beside" in seconds else None
        _say(what, now, "" if beside is None else f", beside {beside:.2f} s: {now / beside:.2f} of it")


def run(code: Path, home: Path, *arguments: str) -> float:
    """Seconds of a command."""
    return _timed(
        lambda: subprocess.run(
            [sys.executable, "-m", "studio.cli", *arguments],
            env=_environment(code, home),
            cwd=home,
            check=True,
            stdout=subprocess.DEVNULL,
        )
    )


def dreaming(code: Path, photo: Path, seed: int) -> float:
    """Seconds for importing torch in a new process and dreaming in it, and for nothing else."""
    program = (
        "import hashlib, sys, torch\n"
        "from studio.images.dream import dream\n"
        "from studio.images.recipes import DreamRecipe\n"
        "from studio.works.recipe import Source\n"
        "content = open(sys.argv[1], 'rb').read()\n"
        "named = dict(name='', title='', author='', licence='')\n"
        "source = Source(sha256=hashlib.sha256(content).hexdigest(), role='photo', **named)\n"
        f"for _ in dream(DreamRecipe(sources=(source,), seed={seed}), lambda _: content): pass\n"
    )
    return _timed(
        lambda: subprocess.run(
            [sys.executable, "-c", program, str(photo)], env=_environment(code, photo.parent), check=True
        )
    )


def answers(code: Path, home: Path) -> float:
    """Seconds until the page answers."""
    began = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-m", "studio.cli", "app", "--port", "0"],
        env=_environment(code, home) | {"PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        text=True,
    ) as opening:
        try:
            assert opening.stdout is not None
            address = next(found[0] for line in opening.stdout if (found := re.search(r"http://\S+", line)))
            with urlopen(address, timeout=60) as answer:
                assert answer.status == 200
            return time.perf_counter() - began
        finally:
            opening.terminate()
            opening.wait(60)


def studio(rounds: int) -> None:
    """What is asked of a running studio: a fresh home each round, prepared before the first press."""
    from studio.making.ahead import start

    took: dict[str, list[float]] = {}
    for turn in range(rounds):
        with running_studio() as (ask, home):
            del home
            took.setdefault("preparing a style", []).append(
                _timed(lambda: start("compose", STYLE, kindly=False).wait())
            )
            ask("dream", size=128, seed=turn + 1000)  # the workers are up, and networks loaded
            melody: dict[str, Any] = {"style": STYLE, "bars": 16}
            for what, kind, settings in (
                ("first tune, prepared", "compose", melody | {"seed": turn}),
                ("another take", "compose", melody | {"seed": turn + 50}),
                ("another key", "compose", melody | {"seed": turn, "key": "D"}),
                ("24 bars", "compose", melody | {"seed": turn, "bars": 24}),
                ("a contradiction explained", "compose", melody | {"pins": ["1:1=G4", "1:1=A4"]}),
                ("first preview of a dream", "dream", {"seed": turn}),
                ("draft of a painting, 384 px", "style", {"quality": "draft", "size": 384, "seed": turn}),
            ):
                took.setdefault(what, []).append(ask(kind, **settings))
    for what, seconds in took.items():
        _say(what, statistics.median(seconds))


@contextmanager
def running_studio() -> Iterator[tuple[Callable[..., float], Path]]:
    """A studio in a fresh home, and how to ask it: (kind, settings) gives the seconds until the work is made,
    of a dream until its first preview.
    """
    from studio.images.paintings.catalogue import PAINTINGS
    from studio.making.asking import ask
    from studio.making.jobs import Jobs
    from studio.works.gallery import Gallery
    from studio.works.ingredient import Ingredient

    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        os.environ["STUDIO_HOME"] = folder
        _write_photo(home / "photo.png")
        photo = Ingredient("photo", (home / "photo.png").read_bytes(), "photo.png")
        painting = next(iter(PAINTINGS.values())).ingredient()
        with Gallery.open(home) as gallery, Jobs(gallery) as jobs:
            jobs.prepare()

            def seconds(kind: str, **settings: Any) -> float:
                given = [] if kind == "compose" else [photo, painting] if kind == "style" else [photo]
                began = time.perf_counter()
                job = jobs.submit(ask(kind, settings, given, gallery), force=True)
                for state in jobs.follow(job):
                    if state.ended or (kind == "dream" and state.preview):
                        break
                took = time.perf_counter() - began
                jobs.cancel(job)
                jobs.wait(job)
                return took

            yield seconds, home


def _write_photo(path: Path) -> None:
    from PIL import Image
    from sklearn.datasets import load_sample_image

    Image.fromarray(load_sample_image("china.jpg")).save(path)


def _environment(code: Path, home: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(code), "STUDIO_HOME": str(home)}


def _timed(do: Callable[[], object]) -> float:
    began = time.perf_counter()
    do()
    return time.perf_counter() - began


def _say(what: str, seconds: float, more: str = "") -> None:
    promised = PROMISED.get(what)
    mark = (
        "" if promised is None else f"  (promised {promised:g} s{', BEYOND' if seconds > promised else ''})"
    )
    print(f"{what:<34} {seconds:7.2f} s{more}{mark}", flush=True)


if __name__ == "__main__":
    main()
