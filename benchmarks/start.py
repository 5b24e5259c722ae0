"""How fast the studio starts: importing it, its help, and its page.

    python -m benchmarks.start [--rounds 5]

Each is measured in a process of its own, in turn, beside Python doing nothing. The page is timed from the
command to its first answer over HTTP. Exit status 1 where the median is above what is promised: 0.3 s for the
import, 1 s for the help, 6 s for the page.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from urllib.request import urlopen

PROMISED = {"import studio": 0.3, "studio --help": 1.0, "the page answers": 6.0}


def run(*words: str) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, *words], stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began


def page() -> float:
    """Seconds from `studio app` to the page's first answer."""
    with tempfile.TemporaryDirectory() as home:
        began = time.perf_counter()
        command = [sys.executable, "-m", "studio.cli", "app", "--port", "0"]
        opening = subprocess.Popen(
            command, env=os.environ | {"STUDIO_HOME": home}, stdout=subprocess.PIPE, text=True
        )
        try:
            assert opening.stdout is not None
            address = next(found[0] for line in opening.stdout if (found := re.search(r"http://\S+", line)))
            with urlopen(address, timeout=30) as answer:
                assert answer.status == 200
            return time.perf_counter() - began
        finally:
            opening.terminate()
            opening.wait(30)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--rounds", type=int, default=5)
    rounds = asked.parse_args().rounds
    took: dict[str, list[float]] = {"python alone": [], **{name: [] for name in PROMISED}}
    for _ in range(rounds):
        took["python alone"].append(run("-c", "pass"))
        took["import studio"].append(run("-c", "import studio"))
        took["studio --help"].append(run("-m", "studio.cli", "--help"))
        took["the page answers"].append(page())
    late = False
    for name, seconds in took.items():
        middle = statistics.median(seconds)
        late |= middle > PROMISED.get(name, float("inf"))
        promised = f", promised {PROMISED[name]:g} s" if name in PROMISED else ""
        print(f"{name:<18} {middle:6.2f} s (from {min(seconds):.2f} to {max(seconds):.2f}{promised})")
    sys.exit(late)


if __name__ == "__main__":
    main()
