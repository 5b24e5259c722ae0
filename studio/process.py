"""Processes are generators: they yield what there is to see, and stop when nobody asks for more.

    made = finish(dream(recipe, materials))                        # run to the end, look at nothing
    made = finish(dream(recipe, materials), watch=print)           # the same, and print every step

Progress bars, live previews, cancelling and tests all go through these two functions.

A process that can end early hears of it at its `yield`: `EndEarly` is raised there, and it goes on to its
result with what there is so far. In any other process the exception goes on to the caller.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from concurrent.futures import Future
from threading import Thread
from typing import Any, TypeVar

Seen = TypeVar("Seen")
Shown = TypeVar("Shown")
Result = TypeVar("Result")


class EndEarly(Exception):
    """A process is to end now, with what there is so far. It may be raised by `watch`."""


def finish(process: Generator[Seen, Any, Result], watch: Callable[[Seen], object] | None = None) -> Result:
    """Run a process to its end and return its result.

    watch: called with everything the process yields. If it raises, the process is closed and the exception
    goes on to the caller; only `EndEarly` goes to the process.
    """
    ending: EndEarly | None = None
    try:
        while True:
            try:
                seen = next(process) if ending is None else process.throw(ending)
            except StopIteration as end:
                result: Result = end.value
                return result
            ending = None
            if watch is not None:
                try:
                    watch(seen)
                except EndEarly as wish:
                    ending = wish
    finally:
        process.close()


def mapped(
    process: Generator[Seen, Any, Result], change: Callable[[Seen], Shown]
) -> Generator[Shown, None, Result]:
    """The same process with `change` applied to everything it yields. Its result stays as it is."""
    try:
        while True:
            try:
                seen = next(process)
            except StopIteration as end:
                result: Result = end.value
                return result
            yield change(seen)
    finally:
        process.close()


def meanwhile(work: Callable[[], Result]) -> Callable[[], Result]:
    """Begin some work in a thread of its own. What is returned waits for the work's result, or raises what it
    raised.
    """
    found: Future[Result] = Future()

    def do() -> None:
        try:
            found.set_result(work())
        except BaseException as error:
            found.set_exception(error)

    Thread(target=do, daemon=True).start()
    return found.result
