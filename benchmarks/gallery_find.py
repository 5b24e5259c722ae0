"""How long looking things up takes in a gallery of 10,000 works, beside one of 100.

python -m benchmarks.gallery_find [--works 10000] [--database URL]
"""

from __future__ import annotations

import argparse
import hashlib
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import delete, insert

from studio.works.gallery import Gallery
from studio.works.naming import folded, work_id
from studio.works.tables import SourceRow, UseRow, WorkRow

FEW = 100
PLACES = ("Delft", "Tübingen", "Kyoto", "Oaxaca", "Tromsø")
LOOKS = ("creatures", "weaves", "cities", "flowers", "cells")


def fill(gallery: Gallery, number: int) -> None:
    """Rows as `Gallery.add` would write them, without their files: looking up reads none."""
    rng, now = random.Random(number), datetime.now(UTC)
    works: list[dict[str, object]] = []
    uses: list[dict[str, object]] = []
    sources: dict[str, dict[str, object]] = {}
    for n in range(number):
        sha256, photo = (
            hashlib.sha256(f"{what} {n % most}".encode()).hexdigest()
            for what, most in (("work", number), ("photo", number // 5))
        )
        title = f"{rng.choice(PLACES)} {n % 97}, {rng.choice(LOOKS)}"
        words = f"{title} dreamt by efficientnet_lite0 (blocks.4), 5 octaves of 10 steps; seed {n}."
        works.append(
            {
                "id": work_id(str(n), sha256),
                "state": "here",
                "kind": ("dream", "style")[n % 2],
                "title": title,
                "words": words,
                "search_text": folded(f"{title} {words} photo{n % 97}.jpg Ann Lee"),
                "recipe_json": "{}" + " " * 700,
                "fingerprint": hashlib.sha256(f"{n}".encode()).hexdigest(),
                "sha256": sha256,
                "media_type": "image/png",
                "suffix": ".png",
                "made_at": now - timedelta(seconds=n),
                "losses": [n / 50 for n in range(50)],
                "facts": {"size": "768 x 576"},
                "keeper": "",
            }
        )
        uses.append({"work_id": works[-1]["id"], "sha256": photo, "role": "photo"})
        sources[photo] = {
            "sha256": photo,
            "name": "p",
            "title": "",
            "author": "",
            "licence": "",
            "size": 1,
            "kept_at": now,
            "state": "here",
            "keeper": "",
        }
    with gallery.engine.begin() as connection:
        for table in (UseRow, WorkRow, SourceRow):
            connection.execute(delete(table))
        for table, rows in ((WorkRow, works), (UseRow, uses), (SourceRow, list(sources.values()))):
            connection.execute(insert(table), rows)


def lookups(gallery: Gallery, open_again: Callable[[], None]) -> dict[str, Callable[[], object]]:
    middle = gallery.find(limit=gallery.count() // 2)[-1]
    return {
        "open the gallery": open_again,
        "first page": lambda: gallery.find(),
        "page in the middle": lambda: gallery.find(after=middle),
        "page of one kind": lambda: gallery.find(kind="style"),
        "search, many found": lambda: gallery.find(text="tubingen creatures"),
        "search, none found": lambda: gallery.find(text="tubingen unicorns"),
        "count": lambda: gallery.count(),
        "count a search": lambda: gallery.count(text="tubingen creatures"),
        "by id": lambda: gallery.get(middle.id[:8]),
        "by fingerprint": lambda: gallery.with_fingerprint(middle.fingerprint),
        "parents": lambda: gallery.parents(middle),
        "children": lambda: gallery.children(middle),
    }


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--works", type=int, default=10_000)
    options.add_argument("--database", help="a PostgreSQL URL of an empty database; SQLite otherwise")
    asked, _ = options.parse_known_args()
    took: dict[str, dict[int, float]] = {}
    for number in (FEW, asked.works):
        home = Path(tempfile.mkdtemp(prefix="studio-find-"))
        try:
            with Gallery.open(home, database=asked.database) as gallery:
                fill(gallery, number)

                def open_again(home: Path = home) -> None:
                    Gallery.open(home, database=asked.database).close()

                for name, lookup in lookups(gallery, open_again).items():
                    lookup()
                    turns: list[float] = []
                    for _ in range(15):
                        began = time.perf_counter()
                        lookup()
                        turns.append(time.perf_counter() - began)
                    took.setdefault(name, {})[number] = statistics.median(turns)
        finally:
            shutil.rmtree(home, ignore_errors=True)
    print(f"{'milliseconds (median of 15)':30}{FEW:>8,} works{asked.works:>10,} works   ratio")
    for name, times in took.items():
        few, many = times[FEW] * 1000, times[asked.works] * 1000
        print(f"{name:30}{few:14.2f}{many:16.2f}{many / few:8.1f}")


if __name__ == "__main__":
    main()
