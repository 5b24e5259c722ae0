"""Run every benchmark of this folder, one after the other: python -m benchmarks [NAME ...]"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

HERE = Path(__file__).parent
BY_NAME_ONLY = {"catalogue", "dropped", "fuzz", "rival", "round_trips"}
"""Benchmarks that take up to an hour, or another program."""

ALL = sorted(path.stem for path in HERE.glob("*.py") if not path.stem.startswith("_"))


def main() -> None:
    names = sys.argv[1:] or [name for name in ALL if name not in BY_NAME_ONLY]
    unknown = [name for name in names if name not in ALL]
    if unknown:
        sys.exit(f"There is no benchmark {unknown[0]}; there are {', '.join(ALL)}.")
    for name in names:
        print(f"\n== {name}", flush=True)
        sys.argv = [name]  # each reads its own options, and has none here
        runpy.run_module(f"benchmarks.{name}", run_name="__main__")


if __name__ == "__main__":
    main()
