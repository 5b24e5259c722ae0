"""Cheap kinds of work, with ways to go wrong: a text counted step by step, and a picture of spots. Worker
processes import them by name.
"""

from __future__ import annotations

import errno
import hashlib
import os
import signal
import time
from functools import partial
from pathlib import Path
from typing import Literal

from studio.errors import Refused
from studio.making.kinds import Kind, Role
from studio.works.recipe import ModelIdentity, Recipe, Setting, parameter
from studio.works.work import Made, Making, Materials, Prediction, Progress, SourceSize


class CountRecipe(Recipe):
    """Counts to `steps`, resting `rest` seconds at each, and writes down what it counted. `mishap` happens
    half-way.
    """

    kind: Literal["count"] = "count"
    steps: int = parameter(10, "How far to count.", ge=1, le=100_000)
    rest: float = parameter(0.0, "Seconds between two steps.", ge=0, le=10)
    mishap: str = parameter(
        "", "What goes wrong: fault, refused, killed, killed once, memory, slow or drift."
    )
    witness: str = parameter(
        "", "A file that gets a line at the beginning and at every step: process, seed, step."
    )
    size: int = parameter(8, "An ordinary number.", ge=1, le=64)


COUNT = Kind(
    "count",
    "works_for_tests:CountRecipe",
    "works_for_tests:count",
    roles=(Role("tune"), Role("second")),
    predicts="works_for_tests:predict_count",
)


def predict_count(recipe: CountRecipe, sources: tuple[SourceSize, ...]) -> Prediction:
    """A large one needs as many GiB as it has steps, and any other the bytes of its sources. A slow one takes
    twice as long as is believed.
    """
    room = recipe.steps * 2**30 if recipe.mishap == "large" else sum(source.bytes for source in sources)
    slow = recipe.mishap == "slow"
    return Prediction(recipe.steps * min(recipe.rest, 1.0), room, group="slow" if slow else "")


def count(recipe: CountRecipe, materials: Materials) -> Making:
    heard = b"".join(materials(source) for source in recipe.sources)
    _testify(recipe, 0)
    hoard: list[bytearray] = []
    for step in range(1, recipe.steps + 1):
        time.sleep(recipe.rest * (2 if recipe.mishap == "slow" else 1))
        _testify(recipe, step)
        if step == recipe.steps // 2 + 1:
            _meet(recipe, hoard)
        yield Progress(
            step, recipe.steps, f"counting {step}", 1 / step, partial(bytes, f"step {step}".encode())
        )
    drift = str(time.time_ns()) if recipe.mishap == "drift" else ""
    said = f"{recipe.seed} {recipe.steps} {hashlib.sha256(heard).hexdigest()} {drift}"
    return Made(recipe, said.encode(), ".txt", "text/plain", b"thumbnail", (1.0, 0.5))


def _testify(recipe: CountRecipe, step: int) -> None:
    if recipe.witness:
        with Path(recipe.witness).open("a") as file:
            file.write(f"{os.getpid()} {recipe.seed} {step}\n")


def heard_from(witness: Path) -> list[tuple[int, int, int]]:
    """What was written: process, seed, step."""
    if not witness.exists():
        return []
    return [
        (int(process), int(seed), int(step))
        for process, seed, step in (line.split() for line in witness.read_text().splitlines())
    ]


def _meet(recipe: CountRecipe, hoard: list[bytearray]) -> None:
    match recipe.mishap:
        case "fault":
            raise ZeroDivisionError("the count of sheep")
        case "refused":
            raise Refused("There are no sheep to count; bring some.")
        case "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        case "killed once":
            if [step for _, _, step in heard_from(Path(recipe.witness))].count(0) == 1:
                os.kill(os.getpid(), signal.SIGKILL)
        case "no torch memory":
            raise RuntimeError(
                "[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: can't allocate memory"
            )
        case "no room for a library":
            raise ImportError("libtorch_cpu.so: failed to map segment from shared object")
        case "no system memory":
            raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))
        case "no python memory":
            raise MemoryError
        case "memory":
            for _ in range(200):
                hoard.append(bytearray(os.urandom(1 << 20) * 16))
                time.sleep(0.02)


class SpotsRecipe(Recipe):
    """A picture of 20 x 16 random spots, as a PNG with its recipe inside.

    The variables SPOTS_VERSION and SPOTS_DRIFT stand for a machine that changed.
    """

    kind: Literal["spots"] = "spots"


SPOTS = Kind("spots", "works_for_tests:SpotsRecipe", "works_for_tests:spots", roles=(Role("tune"),))


def spots(recipe: SpotsRecipe, materials: Materials) -> Making:
    import numpy as np

    from studio.images.pictures import write_png
    from studio.works.metadata import embed

    for source in recipe.sources:
        materials(source)
    version, drift = os.environ.get("SPOTS_VERSION", "1"), os.environ.get("SPOTS_DRIFT", "")
    pixels = np.random.default_rng(recipe.seed).integers(
        0, 250, (16, 21 if drift == "larger" else 20, 3), np.uint8
    )
    if drift.isdigit():
        pixels[3, 4, 1] += int(drift)
    yield Progress(1, 1, "spots")
    setting = Setting(
        versions={"spots": version}, device="drawing board" + (" " + version if version != "1" else "")
    )
    known = recipe.model_copy(
        update={"setting": setting, "model": ModelIdentity(name="spots", sha256=version * 64)}
    )
    return Made(known, embed(write_png(pixels), ".png", known), ".png", "image/png", b"thumbnail")
