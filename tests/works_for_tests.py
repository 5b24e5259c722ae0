"""A cheap kind of work: a small text, step by step, with ways to go wrong. Worker processes import it by name."""

from __future__ import annotations

import hashlib
import os
import signal
import time
from pathlib import Path
from typing import Literal

from studio.errors import Refused
from studio.jobs import Kind
from studio.works.recipe import Recipe, parameter
from studio.works.work import Made, Making, Materials, Progress


class CountRecipe(Recipe):
    """Counts to `steps`, resting `rest` seconds at each, and writes down what it counted. `mishap` happens half-way."""

    kind: Literal["count"] = "count"
    steps: int = parameter(10, "How far to count.", ge=1, le=100_000)
    rest: float = parameter(0.0, "Seconds between two steps.", ge=0, le=10)
    mishap: str = parameter("", "What goes wrong: fault, refused, killed, killed once, memory or drift.")
    witness: str = parameter("", "A file that gets a line whenever this is begun.")
    size: int = parameter(8, "An ordinary number.", ge=1, le=64)


COUNT = Kind("count", "works_for_tests:CountRecipe", "works_for_tests:count", roles=("tune", "second"))


def count(recipe: CountRecipe, materials: Materials) -> Making:
    heard = b"".join(materials(source) for source in recipe.sources)
    if recipe.witness:
        with Path(recipe.witness).open("a") as file:
            file.write(f"{os.getpid()} {recipe.seed}\n")
    hoard: list[bytearray] = []
    for step in range(1, recipe.steps + 1):
        time.sleep(recipe.rest)
        if step == recipe.steps // 2 + 1:
            _meet(recipe, hoard)
        picture = f"step {step}".encode()
        yield Progress(step, recipe.steps, f"counting {step}", 1 / step, lambda picture=picture: picture)
    drift = str(time.time_ns()) if recipe.mishap == "drift" else ""
    said = f"{recipe.seed} {recipe.steps} {hashlib.sha256(heard).hexdigest()} {drift}"
    return Made(recipe, said.encode(), ".txt", "text/plain", b"thumbnail", (1.0, 0.5))


def _meet(recipe: CountRecipe, hoard: list[bytearray]) -> None:
    match recipe.mishap:
        case "fault":
            raise ZeroDivisionError("the count of sheep")
        case "refused":
            raise Refused("There are no sheep to count; bring some.")
        case "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        case "killed once":
            if len(Path(recipe.witness).read_text().splitlines()) == 1:
                os.kill(os.getpid(), signal.SIGKILL)
        case "memory":
            for _ in range(200):
                hoard.append(bytearray(os.urandom(1 << 20) * 16))
                time.sleep(0.02)
