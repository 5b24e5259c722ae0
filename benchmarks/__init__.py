"""What the claims about speed and memory rest on: ratios, measured side by side in one run. `make bench` runs
them all.
"""

from __future__ import annotations

import argparse


def of_styles(doc: str | None, **numbers: int) -> argparse.Namespace:
    """What a benchmark of styles is asked on the command line: `styles` by name, and numbers with their
    defaults.
    """
    options = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("styles", nargs="*", default=["ryans-mammoth", "oneill", "bach-chorales"])
    for name, usual in numbers.items():
        options.add_argument(f"--{name}", type=int, default=usual)
    return options.parse_args()
