"""Seconds to back up, restore and check a gallery of 1,000 works.

    python -m benchmarks.gallery_care [--works 1000] [--kilobytes 300]

SQLite always; PostgreSQL too where STUDIO_TEST_POSTGRES names an empty database (.ci/postgres python -m
benchmarks.gallery_care). Works are pictures with their recipe inside and share ten sources.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Generator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from sqlalchemy import create_engine, make_url, text

from studio.images.pictures import write_png
from studio.process import finish
from studio.works.care import backup, check, restore
from studio.works.gallery import Gallery
from studio.works.metadata import embed
from studio.works.recipe import Recipe
from studio.works.work import Made

T = TypeVar("T")


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--works", type=int, default=1000)
    options.add_argument("--kilobytes", type=int, default=300, help="of each work")
    asked, _ = options.parse_known_args()
    databases = {"SQLite": None, "PostgreSQL": os.environ.get("STUDIO_TEST_POSTGRES")}
    for name, database in databases.items():
        if name == "SQLite" or database:
            with tempfile.TemporaryDirectory() as folder:
                run(name, database, Path(folder), asked.works, asked.kilobytes)


def run(name: str, database: str | None, folder: Path, works: int, kilobytes: int) -> None:
    """Fill a gallery, back it up, restore it elsewhere and check it there."""
    side = round((kilobytes * 1024 / 3) ** 0.5)
    with ExitStack() as stack:
        first = second = None
        if database:
            first, second = (
                stack.enter_context(_Schema(database, schema)) for schema in ("care_1", "care_2")
            )
        with Gallery.open(folder / "home", database=first) as gallery:
            began = time.perf_counter()
            fill(gallery, works, side)
            filled = time.perf_counter() - began
            written, backed_up = timed(backup(gallery, folder / "backup.zip"))
        restored, took = timed(restore(folder / "backup.zip", folder / "again", database=second))
        with Gallery.open(folder / "again", database=second) as gallery:
            report, checked = timed(check(gallery))
        assert (written.works, restored.works, report.works, report.sound) == (works, works, works, True), (
            report
        )
        print(
            f"{name}: {works} works, {written.size / 1e6:.0f} MB; added in {filled:.1f} s, backed up in "
            f"{backed_up:.1f} s, restored in {took:.1f} s, checked in {checked:.1f} s",
            flush=True,
        )


def fill(gallery: Gallery, works: int, side: int) -> None:
    """Add pictures of noise, which do not compress, each with its recipe inside."""
    rng = np.random.default_rng(0)
    sources = [gallery.keep_source(rng.bytes(50_000), role="photo", name=f"{n}.jpg") for n in range(10)]
    for number in range(works):
        recipe = Recipe(kind="dream", sources=(sources[number % 10],), seed=number)
        picture = write_png(rng.integers(0, 255, (side, side, 3), np.uint8))
        gallery.add(
            Made(recipe, embed(picture, ".png", recipe), ".png", "image/png", rng.bytes(8000), (1.0, 0.5))
        )


def timed(process: Generator[Any, None, T]) -> tuple[T, float]:
    """What a process returns, and its seconds."""
    began = time.perf_counter()
    return finish(process), time.perf_counter() - began


class _Schema:
    """A schema of a PostgreSQL database to itself, dropped at the end; gives its URL."""

    def __init__(self, database: str, name: str) -> None:
        self._database, self._name = database, name

    def __enter__(self) -> str:
        self._run(f"CREATE SCHEMA {self._name}")
        url = make_url(self._database).update_query_dict({"options": f"-csearch_path={self._name}"})
        return url.render_as_string(hide_password=False)

    def __exit__(self, *_: object) -> None:
        self._run(f"DROP SCHEMA {self._name} CASCADE")

    def _run(self, statement: str) -> None:
        engine = create_engine(make_url(self._database))
        with engine.begin() as connection:
            connection.execute(text(statement))
        engine.dispose()


if __name__ == "__main__":
    main()
