"""The few errors a person can meet. `str(error)` is one sentence that says what is wrong and how to mend it.

Every way in (command line, app, batch) shows that sentence as it stands; whatever is not a `StudioError` is a
fault of ours.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class StudioError(Exception):
    """Something the person who asked can mend."""


class Refused(StudioError):
    """The request itself cannot be met: a number out of range, wishes that contradict each other, an output
    that exists.
    """


class Unreadable(StudioError):
    """A file is not what it was taken for, is broken, or is larger than the studio will open."""


class Missing(StudioError):
    """Something that must be on this machine is not: a source, weights, a corpus, a folder."""


class UnknownName(Refused):
    """A name that stands in none of our tables; the nearest that does is offered.

    `UnknownName("layer", "blokcs.4", layers)` reads: There is no layer 'blokcs.4'; did you mean 'blocks.4'?
    """

    def __init__(self, what: str, name: str, known: Iterable[str]) -> None:
        self.what, self.name, self.known = what, name, tuple(sorted(known))
        near = difflib.get_close_matches(name[:80], self.known, n=1, cutoff=0.5)
        if near:
            mend = f"did you mean '{near[0]}'?"
        elif not self.known:
            mend = "there is none yet."
        elif len(self.known) <= 12:
            mend = f"choose from {', '.join(self.known)}."
        else:
            mend = f"there are {len(self.known)}, such as {', '.join(self.known[:6])}."
        shown = name if len(name) <= 80 else f"{name[:77]}…"
        super().__init__(f"There is no {what} '{shown}'; {mend}")

    def __reduce__(self) -> tuple[type[UnknownName], tuple[str, str, tuple[str, ...]]]:
        """Errors travel from a worker's process to the one who asked, and are rebuilt there from these."""
        return type(self), (self.what, self.name, self.known)
