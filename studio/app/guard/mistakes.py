"""Requests that cannot be understood, and faults of the studio itself: one sentence for the visitor and one
line for whoever runs it, whatever the request holds.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

from starlette.exceptions import HTTPException

import studio
from studio.works.log import write_log

NOT_UNDERSTOOD = (
    "The studio cannot make sense of this request; /gradio_api/info says what each address takes."
)
OUR_FAULT = "Something went wrong in the studio itself; the details are in log/studio.log of its folder."

SENTENCES = {
    400: NOT_UNDERSTOOD,
    401: "Log in first.",
    403: "This is not for visitors of the studio.",
    404: "There is nothing at this address.",
    405: "The studio answers GET and POST.",
    413: "The request is larger than the studio takes; send less.",
    422: NOT_UNDERSTOOD,
    503: "The studio has too much to do at the moment; try again soon.",
}
"""By status, for answers that have no sentence of their own."""

ODD_REQUESTS: tuple[type[BaseException], ...] = (
    *(LookupError, ValueError, TypeError, AttributeError, AssertionError),
    *(RecursionError, OverflowError),
)
"""What reading a request that holds anything can raise."""

OURS = Path(studio.__file__).parent
GUARD = Path(__file__).parent
LONGEST_LINE = 200


def is_our_fault(error: BaseException) -> bool:
    """Whether the studio is to blame, and not what was asked.

    What fails before any code of the studio runs, in reading the request, is a mistake of the request. A full
    disk or a lack of memory is not.
    """
    return any(not _is_odd(each) or _passed_through_ours(each) for each in _leaves(error))


def note(error: BaseException, where: str, home: Path | None = None) -> None:
    """Write one line to standard error, and where it is our fault, the details to the log."""
    details = "".join(traceback.format_exception_only(next(_leaves(error)))).strip()
    if is_our_fault(error):
        write_log(
            f"A request to {where[:80]} failed.", "".join(traceback.format_exception(error)), place=home
        )
        said = f"a request to {where[:80]} failed; the details are in log/studio.log: {details}"
    else:
        said = f"a request to {where[:80]} could not be understood: {details}"
    line = "".join(letter if letter.isprintable() else " " for letter in said[: LONGEST_LINE + 1])
    print(f"studio: {line if len(line) <= LONGEST_LINE else line[:LONGEST_LINE] + '…'}", file=sys.stderr)


def sentence(status: int, told: object) -> str:
    """What an answer of this status says: `told`, where that is a sentence."""
    if isinstance(told, str) and told.endswith((".", "!", "?")) and len(told) <= 1000 and " " in told:
        return told
    return SENTENCES.get(status, OUR_FAULT if status >= 500 else NOT_UNDERSTOOD)


def _is_odd(error: BaseException) -> bool:
    """Whether this is how a request that makes no sense fails. A page that is told so in the middle of a
    stream raises once more.
    """
    known = isinstance(error, (*ODD_REQUESTS, HTTPException))
    own = type(error).__module__.partition(".")[0] == "gradio"
    return known or own or isinstance(error.__cause__, HTTPException)


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from _leaves(each)
    else:
        yield error


def _passed_through_ours(error: BaseException) -> bool:
    frames = (frame.f_code.co_filename for frame, _ in traceback.walk_tb(error.__traceback__))
    files = (Path(file) for file in frames)
    return any(file.is_relative_to(OURS) and not file.is_relative_to(GUARD) for file in files)
