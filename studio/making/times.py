"""What works take on this computer: seconds and memory, said before anything is made.

    times = Times(home)
    times.expected(prediction).seconds               # what a recipe's prediction means here
    times.learn(prediction, before=0.4, steps=3.1)   # what a work took

A kind predicts what a work takes on an ordinary computer (`studio.making.bounds.predict`). How much faster or
slower this one is, a short probe says at the first start, and every work that is made corrects it, each
group of works by itself (`Prediction.group`). What is learnt is kept in the home, by computer, since a home
may be shared.
"""

from __future__ import annotations

import json
import os
import platform
import threading
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from studio.works.private import write_private_file
from studio.works.work import Prediction

FILE = "times.json"
"""Where it is kept, in the home."""

MOST_COMPUTERS, MOST_GROUPS = 8, 64
"""What is kept in one file: of so many computers, so many groups each."""

SLOWEST = 100.0
"""A computer counts as at most that many times slower or faster than an ordinary one."""

NEW = 0.3
"""How much the latest work counts beside all before it."""


@dataclass(frozen=True)
class GroupTimes:
    """How the works of one group go here.

    before: seconds before and after the steps. rate: how many times longer steps take than on an ordinary
    computer. works: how many this was learnt from.
    """

    before: float
    rate: float
    works: int


class Times:
    """What is known of this computer's speed. Safe to use from many threads.

    home: where it is kept. A file that cannot be read counts as empty, and one that cannot be written is
    left alone.
    """

    def __init__(self, home: Path) -> None:
        self._file = home / FILE
        self._lock = threading.Lock()
        self._computer = f"{platform.node()[:60]} {os.cpu_count()}"
        self._rates, self._groups = self._read()

    @property
    def probed(self) -> frozenset[str]:
        """The kinds of which a probe has said how fast they go here."""
        with self._lock:
            return frozenset(self._rates)

    def expected(self, prediction: Prediction, kind: str = "") -> Prediction:
        """What a prediction for an ordinary computer means for this one.

        kind: whose probe counts as long as no work of the group was made.
        """
        with self._lock:
            known = self._groups.get(prediction.group)
            rate = known.rate if known else self._rates.get(kind, 1.0)
        before = known.before if known else prediction.before * min(1.0, rate)
        steps = rate * (prediction.seconds - prediction.before)
        return replace(prediction, seconds=before + steps, before=before)

    def learn(self, prediction: Prediction, before: float, steps: float) -> None:
        """A work of this prediction took so many seconds before its steps and in them."""
        planned = prediction.seconds - prediction.before
        if planned <= 0 or steps <= 0:
            return
        rate = _bounded(steps / planned)
        with self._lock:
            known = self._groups.pop(prediction.group, None)
            if known is None:
                found = GroupTimes(before, rate, 1)
            else:
                new = max(NEW, 1 / (known.works + 1))
                found = GroupTimes(
                    known.before + new * (before - known.before),
                    known.rate * (rate / known.rate) ** new,
                    known.works + 1,
                )
            while len(self._groups) >= MOST_GROUPS:
                del self._groups[next(iter(self._groups))]
            self._groups[prediction.group] = found
            self._write()

    def note_probe(self, kind: str, rate: float) -> None:
        """A probe of this kind took `rate` times as long as on an ordinary computer."""
        with self._lock:
            self._rates[kind] = _bounded(rate)
            self._write()

    def _read(self) -> tuple[dict[str, float], dict[str, GroupTimes]]:
        try:
            here = json.loads(self._file.read_bytes())["computers"][self._computer]
            rates = {str(kind): _bounded(rate) for kind, rate in here["rates"].items()}
            groups = {
                str(name): GroupTimes(max(0.0, float(before)), _bounded(rate), max(1, int(works)))
                for name, (before, rate, works) in here["groups"].items()
            }
            return rates, groups
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return {}, {}

    def _write(self) -> None:
        """Keep it, with what the file says of other computers."""
        computers: dict[str, Any] = {}
        with suppress(OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            computers = dict(json.loads(self._file.read_bytes())["computers"])
        computers.pop(self._computer, None)
        while len(computers) >= MOST_COMPUTERS:
            del computers[next(iter(computers))]
        computers[self._computer] = {
            "rates": {kind: round(rate, 4) for kind, rate in self._rates.items()},
            "groups": {
                name: [round(each.before, 3), round(each.rate, 4), each.works]
                for name, each in self._groups.items()
            },
        }
        with suppress(OSError):  # a full disk costs an estimate, not a work
            write_private_file(self._file, json.dumps({"computers": computers}, indent=1).encode())


def _bounded(rate: float) -> float:
    number = float(rate)
    if number != number:
        raise ValueError("not a rate")
    return min(SLOWEST, max(1 / SLOWEST, number))
