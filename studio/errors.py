"""The few errors a person can meet. `str(error)` is one sentence that says what is wrong and how to fix it.

The command line, the page and batches show that sentence unchanged. Any other exception is a bug of ours.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any


class StudioError(Exception):
    """An error that the person who asked can fix.

    setting: the setting that does, such as "force", where there is one. The sentence does not name it, for
    Python, the command line and the page each call it their own way.
    """

    def __init__(self, *sentence: object, setting: str = "") -> None:
        self.setting = setting
        super().__init__(*sentence)


class Refused(StudioError):
    """The request itself cannot be met: a number out of range, settings that contradict each other, an
    output that exists.
    """


class Unreadable(StudioError):
    """A file is not what it was taken for, is broken, or is larger than the studio will open."""


class Missing(StudioError):
    """Something that must be on this machine is not: a source, weights, a corpus, a folder."""


MOST_LETTERS = 150
"""Of all names together, so that a sentence may list them, as it does the languages by their codes."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """ "; did you mean 'standard'?" for a name that is nearly one of these, otherwise ""."""
    near = difflib.get_close_matches(name[:80], sorted(known), n=1)
    return f"; did you mean '{near[0]}'?" if near else ""


class UnknownName(Refused):
    """A name that is in none of our tables. The sentence suggests the closest one that is.

    `UnknownName("layer", "blokcs.4", layers)` reads: There is no layer 'blokcs.4'; did you mean 'blocks.4'?
    """

    def __init__(self, what: str, name: str, known: Iterable[str]) -> None:
        self.what, self.name, self.known = what, name, tuple(sorted(known))
        if near := did_you_mean(name, self.known):
            remedy = near.removeprefix("; ")
        elif not self.known:
            remedy = "there are none yet."
        elif len(self.known) <= 12 or sum(map(len, self.known)) <= MOST_LETTERS:
            remedy = f"choose from {', '.join(self.known)}."
        else:
            remedy = f"there are {len(self.known)}, such as {', '.join(self.known[:6])}."
        shown = name if len(name) <= 80 else f"{name[:77]}…"
        super().__init__(f"There is no {what} '{shown}'; {remedy}")

    def __reduce__(self) -> tuple[type[UnknownName], tuple[str, str, tuple[str, ...]]]:
        """What pickle rebuilds the error from, on its way from a worker process."""
        return type(self), (self.what, self.name, self.known)


@dataclass(frozen=True)
class AskedFor:
    """A setting that takes part in a contradiction.

    field: of the recipe. value: what was asked for; of a list, the one entry that is meant. name: how a
    sentence calls it, such as "the pin 4:1=G4".
    """

    field: str
    value: Any
    name: str


@dataclass(frozen=True)
class WayOut:
    """One change to a recipe that resolves a contradiction.

    label: what to press, such as "Leave out the pin 4:1=G4". field: of the recipe. value: its new value.
    """

    label: str
    field: str
    value: Any


class Contradiction(Refused):
    """Settings that cannot hold together: which ones, and the single changes that would help.

    `conflict` and `ways_out` hold plain JSON values, so that a job, a page and a program can act on them.
    Nobody needs to read the sentence for that.
    """

    def __init__(
        self, sentence: str, conflict: Iterable[AskedFor] = (), ways_out: Iterable[WayOut] = ()
    ) -> None:
        self.conflict, self.ways_out = tuple(conflict), tuple(ways_out)
        super().__init__(sentence)

    def __reduce__(self) -> tuple[type[Contradiction], tuple[Any, ...]]:
        return type(self), (str(self), self.conflict, self.ways_out)


def error_data(error: StudioError) -> dict[str, Any]:
    """What an error knows beside its sentence, as JSON: empty for most.

    For a `Contradiction`: {"conflict": [{"field", "value", "name"}],
    "ways_out": [{"label", "field", "value"}]}.
    """
    if isinstance(error, Contradiction):
        return {
            "conflict": [asdict(each) for each in error.conflict],
            "ways_out": [asdict(each) for each in error.ways_out],
        }
    return {}


def ways_out_of(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The ways out in what `error_data` gave; empty where there are none."""
    return list(data.get("ways_out", ()))
