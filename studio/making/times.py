"""What works take on this computer: seconds and memory, said before anything is made.

    times = Times(home)
    times.expected(prediction).seconds               # what a recipe's prediction means here
    times.learn(prediction, before=0.4, steps=3.1)   # what a work took

A kind predicts what a work takes on an ordinary computer (`studio.making.bounds.predict`). How much faster or
slower this one is, a short probe says at the first start, and every work that is made corrects it, each
group of works by itself (`Prediction.group`). What is learnt is what a work takes while nothing else is to
do: how busy the computer was is taken out, and how busy it is now is put in (`studio.making.load`). Of the
latest works the middle one counts, so that one which had to wait or to learn first does not stay in the mean.
What is learnt is kept in the home, by computer, since a home may be shared.
"""

from __future__ import annotations

import json
import math
import os
import platform
import statistics
import threading
from collections.abc import Callable, Iterable
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

SLOWEST_PROBE = 4.0
"""A probe that says more was disturbed. It is short; the first works measure better."""

LATEST = 5
"""Works of a group that count."""

QUIET = 1.2
"""Up to so many times slower a computer counts as quiet."""

ONE_SAYS = 2.0
"""How many times longer or shorter the first work of a group makes what is expected of the next, where their
parts are of different kinds and differ by chance.
"""

FELT = 0.5
"""How much of what the system says of others works feel, until they have shown it: many who want a processor
want it for a moment only.
"""


@dataclass(frozen=True)
class Spent:
    """What one work would have taken on a quiet computer. before: seconds before and after its steps. rate:
    how many times longer its steps take than on an ordinary computer.
    """

    before: float
    rate: float


@dataclass(frozen=True)
class GroupTimes:
    """How the works of one group go here. latest: the latest works. works: how many there were. threads: how
    many processors they keep busy.
    """

    latest: tuple[Spent, ...]
    works: int = 1
    threads: float = 1.0

    @property
    def before(self) -> float:
        return statistics.median_low(each.before for each in self.latest)

    @property
    def rate(self) -> float:
        return statistics.median_low(each.rate for each in self.latest)


class Times:
    """What is known of this computer's speed. Safe to use from many threads.

    home: where it is kept. A file that cannot be read counts as empty, and one that cannot be written is
    left alone. slower: how many times longer a work with so many busy threads takes now than while nothing
    else is to do.
    """

    def __init__(self, home: Path, slower: Callable[[float], float] = lambda _threads: 1.0) -> None:
        self._file = home / FILE
        self._lock = threading.Lock()
        self._slower = slower
        self._felt = FELT
        self._computer = f"{platform.node()[:60]} {os.cpu_count()}"
        self._rates, self._groups = self._read()

    @property
    def probed(self) -> frozenset[str]:
        """The kinds of which a probe has said how fast they go here."""
        with self._lock:
            return frozenset(self._rates)

    def expected(self, prediction: Prediction, kind: str = "", *, again: bool = False) -> Prediction:
        """What a prediction for an ordinary computer means for this one, as busy as it is now.

        kind: whose probe counts as long as no work of the group was made. again: what it shares with others
        (`Prediction.shared`) is there; such works are a group of their own.
        """
        prediction = _as_it_is(prediction, again)
        with self._lock:
            known = self._groups.get(prediction.group)
            probed = self._rates.get(kind, 1.0)
        rate = known.rate if known else probed
        before = known.before if known else prediction.before * min(1.0, rate)
        if known is not None and not prediction.even:
            # Such works differ from one to the next, and one of them says little of the others; nor does what
            # came before the steps of one say what comes before those of another.
            if known.works == 1:
                rate = min(max(rate, probed / ONE_SAYS), probed * ONE_SAYS)
            before = rate * prediction.before
        steps = rate * (prediction.seconds - prediction.before - prediction.once)
        before += rate * prediction.once
        wanted = self._slower(known.threads if known else 1.0)
        slower = self._feels(wanted)
        return replace(
            prediction,
            seconds=slower * (before + steps),
            before=slower * before,
            unsure=0.5 * math.log(max(1.0, wanted)),
        )

    def learn(
        self,
        prediction: Prediction,
        before: float,
        steps: float | None,
        busy: float | None = None,
        *,
        again: bool = False,
    ) -> None:
        """A work of this prediction took so many seconds before its steps and in them.

        steps: None where only the whole is known, which `before` then is. busy: how many processors the work
        kept busy on the average, where that is known. again: as for `expected`. Nothing is learnt from one
        that got ready what the next finds there.
        """
        prediction = _as_it_is(prediction, again)
        planned = prediction.seconds - prediction.before
        if prediction.once or planned <= 0 or before < 0 or (before <= 0 if steps is None else steps <= 0):
            return
        with self._lock:
            known = self._groups.pop(prediction.group, None)
            if steps is None:
                before, steps = _parted(prediction, known, before)
            threads, slower = self._shared(known, busy)
            spent = Spent(before / slower, _bounded(steps / planned / slower))
            latest = (*(known.latest if known else ()), spent)[-LATEST:]
            while len(self._groups) >= MOST_GROUPS:
                del self._groups[next(iter(self._groups))]
            self._groups[prediction.group] = GroupTimes(latest, known.works + 1 if known else 1, threads)
            self._write()

    def _shared(self, known: GroupTimes | None, busy: float | None) -> tuple[float, float]:
        """How many processors a group keeps busy while nothing else is to do, and how many times longer the
        latest work of it took since something else was. Both what the system says of others and what the work
        got of the processors must speak for that.
        """
        threads = known.threads if known else 1.0
        slower = self._slower(threads)
        if busy is None or busy <= 0:  # as much slower as `expected` said that it would be
            return threads, self._feels(slower)
        if slower < QUIET:
            return max(busy, 0.1), 1.0
        felt = max(1.0, min(slower, threads / busy))
        self._felt += 0.5 * ((felt - 1) / (slower - 1) - self._felt)
        return threads, felt

    def note_probe(self, kind: str, rate: float) -> None:
        """A probe of this kind took `rate` times as long as on an ordinary computer. What else this one does
        meanwhile is taken out of it.
        """
        with self._lock:
            self._rates[kind] = min(_bounded(rate / self._feels(self._slower(1.0))), SLOWEST_PROBE)
            self._write()

    def _feels(self, slower: float) -> float:
        """How many times longer works take beside others, of which the system says that it is `slower`."""
        return 1 + self._felt * (slower - 1)

    def _read(self) -> tuple[dict[str, float], dict[str, GroupTimes]]:
        try:
            here = json.loads(self._file.read_bytes())["computers"][self._computer]
            rates = {kind: min(_bounded(rate), SLOWEST_PROBE) for kind, rate in here["rates"].items()}
            return rates, dict(_groups_from(here["groups"], here.get("latest", {})))
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
            "latest": {
                name: [
                    round(each.threads, 3),
                    *([round(one.before, 3), round(one.rate, 4)] for one in each.latest),
                ]
                for name, each in self._groups.items()
            },
        }
        with suppress(OSError):  # a full disk costs an estimate, not a work
            write_private_file(self._file, json.dumps({"computers": computers}, indent=1).encode())


def _groups_from(groups: dict[str, Any], latest: dict[str, Any]) -> Iterable[tuple[str, GroupTimes]]:
    """The groups of a file. groups: name -> [before, rate, works]. latest: name -> [threads, [before, rate]
    of each of the latest works]; a file of a studio before 0.6 has none.
    """
    for name, (before, rate, works) in groups.items():
        threads, *spent = latest.get(name) or [1.0]
        spent = spent or [[before, rate]]
        yield (
            str(name),
            GroupTimes(
                tuple(Spent(max(0.0, float(one)), _bounded(other)) for one, other in spent[-LATEST:]),
                max(1, int(works)),
                min(64.0, max(0.1, float(threads))),
            ),
        )


def _as_it_is(prediction: Prediction, again: bool) -> Prediction:
    """The prediction for a work whose shared part is there."""
    if not again:
        return prediction
    steps = prediction.seconds - prediction.before - prediction.once
    return replace(prediction, seconds=steps, before=0.0, once=0.0, group=f"{prediction.group} again")


def _parted(prediction: Prediction, known: GroupTimes | None, whole: float) -> tuple[float, float]:
    """The seconds of a whole work before its steps and in them, in the shares that are expected."""
    planned = prediction.seconds - prediction.before
    before, steps = prediction.before, planned
    if known is not None and prediction.even:
        before, steps = known.before, known.rate * planned
    return whole * before / (before + steps), whole * steps / (before + steps)


def _bounded(rate: float) -> float:
    number = float(rate)
    if number != number:
        raise ValueError("not a rate")
    return min(SLOWEST, max(1 / SLOWEST, number))
