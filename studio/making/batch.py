"""Many works from a file of recipes, one JSON object a line, made by several workers or a cluster.

A line is a whole recipe as `studio show --json` prints it, or a request: the kind, the files, and settings.

    {"kind": "dream", "photo": "harbour.jpg", "preset": "castles", "seed": 3}
    {"kind": "dream", "photo": {"path": "harbour.jpg", "author": "Ada", "licence": "CC BY 4.0"}, "size": 1024}
    {"kind": "dream", "photo": "work:3ad9a265", "guide": "sha256:9f86d081884c7d659 … (64 digits)"}

Files are named by their role. Paths start from the folder of the file. `work:` takes a work of the gallery by
its id, `sha256:` a source or work that the gallery has. Several files of one role are a list. Works that the
gallery has are skipped, so a batch that was stopped can simply be run again.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

import functools
import json
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from studio.errors import Missing, Refused, StudioError, Unreadable
from studio.making.asking import ask, check_credit
from studio.making.bounds import bounds_of, check_room, predict
from studio.making.kinds import KINDS, Kind, Role, recipe_from
from studio.making.worker_process import Outcome, Place
from studio.making.workers import Workers
from studio.works.gallery import Gallery
from studio.works.incoming import read_file
from studio.works.ingredient import Ingredient
from studio.works.log import write_log
from studio.works.recipe import Recipe, Source
from studio.works.work import Prediction

TRIES = 3
"""How often a line is tried when its worker dies each time."""


@dataclass(frozen=True)
class BatchEvent:
    """What happened to a line, or, at the end, to all of them. `sentence` says it for a person.

    what: made, there (made before, or the same as an earlier line), lost (its worker died; it is tried
    again), failed, or summary. line: its number in the file, from 1; 0 in the summary. done, total: lines
    finished so far, and lines in the file. told: the sentence without the line's number.
    """

    what: str
    line: int
    sentence: str
    work_id: str | None
    done: int
    total: int
    told: str = ""


def run_batch(
    recipes: bytes | str,
    gallery: Gallery,
    *,
    folder: Path | None = None,
    scheduler: str | None = None,
    workers: int = 1,
) -> Iterator[BatchEvent]:
    """Make every work in the lines. Yields one event a line, in the order they end, and a summary.

    folder: where the lines' paths start from. scheduler: address of a Dask scheduler, whose keys the
    environment names (see `keys`); without it, `workers` processes are started here. A line that cannot be
    made is reported and skipped. Raises `Missing` when no scheduler answers, or when it stops answering, and
    `Refused` for one without keys.
    """
    with ExitStack() as stack:
        hire = functools.cache(lambda: stack.enter_context(Workers(scheduler, workers, beforehand=False)))
        if scheduler is not None:
            hire()  # so that a wrong address is refused before anything is read
        batch = _Batch(_lines(recipes), gallery, folder or Path(), hire)
        stack.callback(batch.stop)
        yield from batch.run()


@dataclass
class _Line:
    number: int
    recipe: Recipe
    prediction: Prediction | None = None
    tries: int = 0

    @property
    def job(self) -> str:
        return f"line-{self.number}-{self.recipe.fingerprint[:12]}"


class _Batch:
    """One run: which lines wait, which are being made, and how the others ended."""

    def __init__(
        self, lines: list[tuple[int, str]], gallery: Gallery, folder: Path, hire: Callable[[], Workers]
    ) -> None:
        self.gallery, self.folder, self.hire = gallery, folder, hire
        self.total = len(lines)
        self.unread = iter(lines)
        self.lost: deque[_Line] = deque()
        self.underway: dict[Any, _Line] = {}
        self.asked_in: dict[object, int] = {}
        self.counts = {"made": 0, "there": 0, "failed": 0}
        self.ring = threading.Event()

    def run(self) -> Iterator[BatchEvent]:
        began = time.monotonic()
        while True:
            yield from self._hand_out()
            if not self.underway:
                break
            crew = self.hire()
            self.ring.wait(timeout=1)
            self.ring.clear()
            for future in list(self.underway):
                outcome = crew.outcome(future)
                if outcome is not None:
                    yield self._ended(self.underway.pop(future), outcome)
            if not crew.connected:
                raise Missing(
                    f"The cluster stopped answering after {sum(self.counts.values())} of {self.total} lines; "
                    "run this again to continue."
                )
        counts = ", ".join(
            f"{number} {word}"
            for word, number in zip(("made", "there already", "failed"), self.counts.values(), strict=True)
        )
        took = time.monotonic() - began
        yield BatchEvent(
            "summary", 0, f"{self.total} lines in {took:.0f} s: {counts}.", None, self.total, self.total
        )

    def stop(self) -> None:
        for line in self.underway.values():
            self.hire().stop(line.job)

    def _hand_out(self) -> Iterator[BatchEvent]:
        """Give every free worker a line, the lost ones first."""
        while not self.underway or len(self.underway) < self.hire().places:
            if self.lost:
                self._submit(self.lost.popleft())
                continue
            number, text = next(self.unread, (0, ""))
            if not number:
                return
            read = self._read(number, text)
            if isinstance(read, BatchEvent):
                yield read
            else:
                self._submit(read)

    def _submit(self, line: _Line) -> None:
        line.tries += 1
        place, bounds = Place.of(self.gallery), bounds_of(line.prediction)
        future = self.hire().submit(line.job, line.recipe.to_json(), place, bounds=bounds)
        self.underway[future] = line
        future.add_done_callback(lambda _: self.ring.set())

    def _read(self, number: int, text: str) -> _Line | BatchEvent:
        """The line, if there is something to make; otherwise what to report of it."""
        try:
            recipe = _read_line(text, self.folder, self.gallery)
        except StudioError as error:
            return self._event("failed", number, str(error))
        except Exception:
            return self._event("failed", number, self._our_fault(number, traceback.format_exc()))
        first = self.asked_in.setdefault((recipe.fingerprint, recipe.credits), number)
        there = self.gallery.made_by(recipe)
        if first != number:
            same = f"asks for the same as line {first}."
            return self._event("there", number, same, there.id if there else None)
        if there is not None:
            return self._event("there", number, f"was made before: work {there.id}.", there.id)
        prediction = predict(recipe, self.gallery.read_source)
        try:
            check_room(prediction, self.hire().room, KINDS[recipe.kind])
        except StudioError as error:
            return self._event("failed", number, str(error))
        return _Line(number, recipe, prediction)

    def _ended(self, line: _Line, outcome: Outcome) -> BatchEvent:
        if outcome.state == "made":
            # If the gallery had it at the first try, somebody else made it. At a later try, our own worker
            # had just finished it when it died.
            if outcome.there_already and line.tries == 1:
                return self._event(
                    "there", line.number, f"was made meanwhile: work {outcome.work_id}.", outcome.work_id
                )
            return self._event("made", line.number, f"made: work {outcome.work_id}.", outcome.work_id)
        if outcome.state == "interrupted" and line.tries < TRIES:
            self.lost.append(line)
            return self._event(
                "lost", line.number, f"was lost with its worker; try {line.tries + 1} of {TRIES} follows."
            )
        if outcome.state == "interrupted":
            return self._event("failed", line.number, f"Its worker died {TRIES} times. {outcome.message}")
        if outcome.fault:
            return self._event("failed", line.number, self._our_fault(line.number, outcome.fault))
        return self._event("failed", line.number, outcome.message or "It was cancelled.")

    def _our_fault(self, line: int, details: str) -> str:
        log = write_log(f"Line {line} of a batch failed.", details, place=self.gallery.home)
        return f"Something went wrong in the studio itself; the details are in {log}."

    def _event(self, what: str, line: int, told: str, work_id: str | None = None) -> BatchEvent:
        if what in self.counts:
            self.counts[what] += 1
        colon = ":" if what == "failed" else ""
        return BatchEvent(
            what, line, f"Line {line}{colon} {told}", work_id, sum(self.counts.values()), self.total, told
        )


# --- Reading lines


def _lines(recipes: bytes | str) -> list[tuple[int, str]]:
    """The lines that are not empty, with their numbers. Raises `Unreadable` where it is not text."""
    if isinstance(recipes, bytes):
        try:
            recipes = recipes.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise Unreadable(
                "The file of recipes is not text in UTF-8: write one JSON object a line."
            ) from None
    return [(number, line) for number, line in enumerate(recipes.split("\n"), 1) if line.strip()]


def _read_line(text: str, folder: Path, gallery: Gallery) -> Recipe:
    """The recipe of a line. Its sources are kept in the gallery."""
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"This is not JSON ({error}); write one object a line.") from None
    if not isinstance(fields, dict) or "kind" not in fields:
        raise Unreadable(
            'This names no kind of work; write an object such as {"kind": "dream", "photo": "a.jpg"}.'
        )
    kind = KINDS.get(fields["kind"]) if isinstance(fields["kind"], str) else None
    if kind is None or "sources" in fields:
        return recipe_from(fields)
    roles = {role.name for role in kind.roles}
    settings = {name: value for name, value in fields.items() if name != "kind" and name not in roles}
    return ask(kind.name, settings, _ingredients(kind, fields, folder, gallery), gallery)


def _ingredients(kind: Kind, fields: dict[str, Any], folder: Path, gallery: Gallery) -> list[Ingredient]:
    return [
        _ingredient(role, one, folder, gallery)
        for role in kind.roles
        if role.name in fields
        for one in (fields[role.name] if isinstance(fields[role.name], list) else [fields[role.name]])
    ]


def _ingredient(role: Role, written: Any, folder: Path, gallery: Gallery) -> Ingredient:
    credit = {"path": written} if isinstance(written, str) else written
    if not isinstance(credit, dict) or not isinstance(credit.get("path"), str):
        raise Refused(
            f'The {role.name} is {written!r}; write a path, "work:ID", "sha256:…", or an object with a path '
            "and its credits."
        )
    unknown = set(credit) - {"path", "name", "title", "author", "licence"}
    if unknown:
        raise Refused(
            f"The {role.name} has the unknown entry '{min(unknown)}'; it may have "
            "a path, name, title, author and licence."
        )
    place, told = credit["path"], {name: str(value) for name, value in credit.items() if name != "path"}
    check_credit({name: text for name, text in told.items() if name != "name"})
    if place.startswith("work:"):
        work = gallery.get(place.removeprefix("work:"))
        known = {"name": f"{work.id}{work.suffix}", "title": work.title}
        return Ingredient(role.name, gallery.read(work), **known | told)
    if place.startswith("sha256:"):
        sha256 = place.removeprefix("sha256:")
        if len(sha256) != 64 or set(sha256) - set("0123456789abcdef"):
            raise Refused(f"The {role.name} is {place!r}; a sha256 has 64 digits, 0 to 9 and a to f.")
        return Ingredient(role.name, gallery.read_source(_source(sha256, role)), **told)
    if not (folder / place).exists() and place in role.named_table():
        return replace(role.ingredient_named(place), **told)  # type: ignore[arg-type]
    return Ingredient(role.name, _read_file(folder / place, role.name), **{"name": Path(place).name} | told)


def _source(sha256: str, role: Role) -> Source:
    return Source(sha256=sha256, role=role.name, name="", title="", author="", licence="")


def _read_file(path: Path, role: str) -> bytes:
    try:
        return read_file(path, f"The {role}")
    except Missing as error:
        raise Missing(f"{str(error).rstrip('.')}; paths start from the recipes' folder.") from None
