"""How long a song takes: a lead sheet of 32 bars, AABA, copy limit 8 in intervals, beside plain dictionaries.

    python -m benchmarks.songs [STYLE] [--takes 5]

STYLE is a name or a folder of lead sheets. A fresh command is measured with the style read, then a request in
a running studio, then another take. Last the hardest stage alone: every way of a melody through one section
of eight bars under the copy limit and over its chords, by the studio and by the same algorithm in Python's
dictionaries, in one run. Both give the same probability.
"""

from __future__ import annotations

import argparse
import itertools
import math
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import numpy as np

from studio.music.chains.sampling import Requirement, solve
from studio.music.chains.trellis import unfold
from studio.music.songs.counted import melody_style
from studio.music.songs.recipes import SongRecipe
from studio.music.songs.sheet import SheetDesk, SongStyles, draw_sheet, prepare
from studio.process import finish

ASKED = {"form": "AABA", "bars": 32, "meter": "4/4", "key": "F", "max_copy": 8}


def in_dictionaries(desk: SheetDesk, weight: np.ndarray, bars: int) -> float:  # type: ignore[type-arg]
    """The logarithm of the mass of all melodies of so many bars: contexts, copies and beliefs in
    dictionaries.

    A state is the context of the chain, the pitch heard last, and the longest run of intervals so far that
    begins one of the style's runs of eight.
    """
    sung, chain = desk.sung, desk.compiled.context.walk.chain
    limit = desk.compiled.context.max_copy
    songs = [[int(p) for p in line[:, 0]] for line in (*sung._written, *sung._played())]
    rises = [[b - a for a, b in itertools.pairwise(song)] for song in songs]
    forbidden = {tuple(row[n : n + limit]) for row in rises for n in range(len(row) - limit + 1)}
    begins = {run[:n] for run in forbidden for n in range(limit)}
    steps: dict[int, list[tuple[int, float, int]]] = {}

    def onward(context: int) -> list[tuple[int, float, int]]:
        if context not in steps:
            span = range(int(chain.start[context]), int(chain.start[context + 1]))
            steps[context] = [
                (int(chain.symbol[n]), float(chain.probability[n]), int(chain.target[n])) for n in span
            ]
        return steps[context]

    layers: list[dict[tuple[int, int, tuple[int, ...]], float]] = [
        defaultdict(float) for _ in range(bars * sung.bar + 1)
    ]
    layers[0][chain.state(), -1, ()] = 1.0
    for tick in range(bars * sung.bar):
        for (context, last, run), mass in layers[tick].items():
            for symbol, probability, target in onward(context):
                end = tick + int(sung.ticks[symbol])
                place = tick % sung.bar
                if int(sung.place[symbol]) != place or place + int(sung.ticks[symbol]) > sung.bar:
                    continue
                heard, pitch = run, last
                if sung.struck[symbol]:
                    pitch = int(sung.pitch[symbol])
                    if last >= 0:
                        heard = (*run, pitch - last)
                        if heard in forbidden or heard[-limit:] in forbidden:
                            continue
                        while heard not in begins:
                            heard = heard[1:]
                factor = float(weight[tick, symbol])
                if factor:
                    layers[end][target, pitch, heard] += mass * probability * factor
    return math.log(sum(layers[-1].values()))


def fresh_command(style: str) -> float:
    """Seconds from a fresh command to its file, the style read before."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "studio.cli", "song", "-q", "--style", style, "--form", "AABA"]
        command += ["--bars", "32", "--meter", "4/4", "--key", "F", "--max-copy", "8", "--seed", "5"]
        environment = {**os.environ, "STUDIO_HOME": str(Path(folder) / "home")}
        best = math.inf
        for number in range(3):
            begin = time.perf_counter()
            output = str(Path(folder) / f"{number}.musicxml")
            subprocess.run([*command, "-o", output], check=True, env=environment, stdout=subprocess.DEVNULL)
            best = min(best, time.perf_counter() - begin)
        return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("style", nargs="?", default="songbook-manner")
    parser.add_argument("--takes", type=int, default=5)
    given = parser.parse_args()
    print(f"a fresh command, the style read       {fresh_command(given.style):7.2f} s", flush=True)
    style = finish(melody_style(given.style))
    recipe = SongRecipe(**ASKED)  # type: ignore[arg-type]
    begin = time.perf_counter()
    desk = finish(prepare(recipe, SongStyles.of(recipe, style)))
    finish(draw_sheet(desk, 0))
    print(f"in a running studio, style new to it  {time.perf_counter() - begin:7.2f} s", flush=True)
    times = []
    for seed in range(1, given.takes + 1):
        begin = time.perf_counter()
        finish(draw_sheet(desk, seed))
        times.append(time.perf_counter() - begin)
    print(f"another take, median of {given.takes}             {np.median(times):7.2f} s", flush=True)
    row = desk.chords.rows(1, np.random.default_rng(1)).rows[0]
    part = desk.plan.sections[0]
    over = desk.chords.over(row, desk.sung.tick).part(part.first, part.bars)
    weight = desk.sung.lying_over(over, desk.fit)
    begin = time.perf_counter()
    context = desk.compiled.context
    trellis = unfold(context.walk, desk.compiled.listeners[:1])  # anew, as the dictionaries are
    ours = solve(trellis, part.bars * desk.sung.bar, [Requirement("chords", weight=weight)]).log_z
    studio = time.perf_counter() - begin
    begin = time.perf_counter()
    plain = in_dictionaries(desk, weight, part.bars)
    dictionaries = time.perf_counter() - begin
    assert context.max_copy == ASKED["max_copy"]
    print(f"one section's melodies: studio {studio:.3f} s, dictionaries {dictionaries:.2f} s ", end="")
    print(f"({dictionaries / studio:.0f} times), log Z {ours:.6f} and {plain:.6f}")


if __name__ == "__main__":
    main()
