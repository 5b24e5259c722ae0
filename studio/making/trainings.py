"""Trainings that the page asks for: a painter learns a painting in a process of its own.

    trainings = Trainings()
    id = trainings.start(LearntPainting(free_name("Starry night"), "Starry night", "starry.jpg"), content)
    for training in trainings.all(): print(training.done, training.total, training.seconds_left)

One learns at a time; those that follow wait. A training that is stopped, or that the end of the studio stops,
is resumed to the same weights as if nothing had happened (`studio.images.instant.training`).
"""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
import uuid
from collections.abc import Generator
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from typing import Any

from studio.errors import Refused, StudioError, UnknownName
from studio.images.instant.learnt import LearntPainting, keep_painting, learnt_paintings
from studio.making.kinds import found_at
from studio.making.pace import Pace
from studio.works.log import write_log
from studio.works.work import Progress

MOST_WAITING = 8
"""Trainings that may wait."""

PREVIEW_EVERY = 4.0
"""Seconds between two previews."""

TRAIN = "studio.making.trainings:learn"
"""What runs in the process: from a painting to a generator of `Progress` that returns the card's figures."""

ENDED = frozenset({"made", "failed", "stopped"})


@dataclass(frozen=True)
class Training:
    """A training at one moment.

    state: waiting, running, made, failed or stopped. done, total: steps. seconds_left: an estimate. preview:
    JPEG of three photos as the painter paints them now. figures: of its card, once it is made. message: why
    it failed.
    """

    id: str
    about: LearntPainting
    owner: str = ""
    state: str = "waiting"
    stage: str = ""
    done: int = 0
    total: int = 0
    loss: float | None = None
    seconds_left: float | None = None
    preview: bytes | None = None
    figures: tuple[tuple[str, float], ...] = ()
    message: str = ""

    @property
    def ended(self) -> bool:
        return self.state in ENDED


class Trainings:
    """Safe to use from many threads. `close` stops what is learning; it can be resumed.

    train: see `TRAIN`.
    """

    def __init__(self, train: str = TRAIN) -> None:
        self._train = train
        self._changed = threading.Condition()
        self._known: dict[str, Training] = {}
        self._pipe: tuple[str, Connection] | None = None
        self._closing = False
        self._thread: threading.Thread | None = None

    def start(self, about: LearntPainting, content: bytes, *, owner: str = "") -> str:
        """Keep a painting and let a painter learn it; returns the training's id.

        Raises `Unreadable` for no picture, `Refused` for a painting of one colour, or when too many wait.
        """
        from studio.images.checks import check_has_strokes

        check_has_strokes(content, about.file)
        keep_painting(about, content)
        return self._wait(about, owner)

    def resume(self, name: str, *, owner: str = "") -> str:
        """Go on with a training that was stopped. Raises `UnknownName`."""
        paintings = learnt_paintings()
        if name not in paintings or not paintings[name].underway:
            raise UnknownName(
                "interrupted training", name, [each.name for each in paintings.values() if each.underway]
            )
        return self._wait(paintings[name], owner)

    def stop(self, id: str, *, owner: str | None = None) -> bool:
        """Stop a training, which can be resumed. False where it had ended.

        owner: who asks; raises `Refused` for a training of another's. None may stop any.
        """
        with self._changed:
            training = self._known.get(id)
            if training is None or training.ended:
                return False
            if owner is not None and training.owner not in (owner, ""):
                raise Refused("This was asked for in another session; only that session may change it.")
            if training.state == "waiting":
                self._change(id, state="stopped")
            elif self._pipe is not None and self._pipe[0] == id:
                with suppress(OSError):
                    self._pipe[1].send("stop")
            return True

    def all(self) -> list[Training]:
        """Those of this session of the studio, in the order in which they were asked for."""
        with self._changed:
            return list(self._known.values())

    def get(self, id: str) -> Training | None:
        """A training by its id, or None."""
        with self._changed:
            return self._known.get(id)

    def close(self) -> None:
        """Stop what is learning, and wait for it a little."""
        with self._changed:
            self._closing = True
            pipe, thread = self._pipe, self._thread
            self._changed.notify_all()
        if pipe is not None:
            with suppress(OSError):
                pipe[1].send("stop")
        if thread is not None:
            thread.join(timeout=5)

    def _wait(self, about: LearntPainting, owner: str) -> str:
        with self._changed:
            for each in self._known.values():
                if each.about.name == about.name and not each.ended:
                    return each.id
            if sum(each.state == "waiting" for each in self._known.values()) >= MOST_WAITING:
                raise Refused(f"{MOST_WAITING} trainings are already waiting; try again when one is done.")
            for id in [id for id, each in self._known.items() if each.about.name == about.name]:
                del self._known[id]
            id = f"t{uuid.uuid4().hex}"
            self._known[id] = Training(id, about, owner)
            if self._thread is None:
                self._thread = threading.Thread(target=self._serve, name="studio trainings", daemon=True)
                self._thread.start()
            self._changed.notify_all()
        return id

    def _change(self, id: str, **changes: Any) -> None:
        with self._changed:
            self._known[id] = replace(self._known[id], **changes)
            self._changed.notify_all()

    # --- In a thread of its own

    def _serve(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closing or self._next() is not None)
                waiting = self._next()
                if self._closing or waiting is None:
                    return
                self._change(waiting.id, state="running", stage="getting ready")
            try:
                self._run(waiting)
            except Exception:
                log = write_log("A training failed.")
                self._change(
                    waiting.id, state="failed", message=f"The training failed; the details are in {log}."
                )

    def _next(self) -> Training | None:
        return next((each for each in self._known.values() if each.state == "waiting"), None)

    def _run(self, training: Training) -> None:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_in_process, args=(self._train, training.about, theirs), daemon=True)
        process.start()
        theirs.close()
        with self._changed:
            self._pipe = (training.id, ours)
        pace = Pace()
        pace.begin(time.monotonic())
        try:
            while True:
                told: dict[str, Any] = ours.recv()
                if told.get("total") and "done" in told:
                    now = time.monotonic()
                    pace.note(told["done"] / told["total"], now)
                    told["seconds_left"] = pace.seconds_left(now)
                self._change(training.id, **told)
                if told.get("state") in ENDED:
                    break
        except (EOFError, OSError):
            self._change(training.id, state="failed", message="The process that learnt was ended; resume it.")
        finally:
            with self._changed:
                self._pipe = None
            process.join(timeout=10)
            if process.is_alive():
                process.kill()


# --- In the process


def _in_process(train: str, about: LearntPainting, pipe: Connection) -> None:
    """Learn, and tell how far it is; stop when told to, or when nobody listens any more."""
    with suppress(AttributeError, OSError):  # Windows has no such call
        os.nice(10)
    learning: Generator[Progress, None, dict[str, float]] = found_at(train)(about)
    look_at = 0.0
    try:
        while True:
            try:
                progress = next(learning)
            except StopIteration as end:
                pipe.send({"state": "made", "figures": tuple(end.value.items()), "seconds_left": None})
                return
            told: dict[str, Any] = {
                "done": progress.done, "total": progress.total, "stage": progress.stage, "loss": progress.loss
            }  # fmt: skip
            if progress.preview is not None and time.monotonic() >= look_at:
                told["preview"] = progress.preview()
                look_at = time.monotonic() + PREVIEW_EVERY
            pipe.send(told)
            if pipe.poll():
                pipe.recv()
                learning.close()
                pipe.send({"state": "stopped", "seconds_left": None})
                return
    except StudioError as error:
        pipe.send({"state": "failed", "message": str(error)})
    except (BrokenPipeError, EOFError):
        learning.close()
    except Exception:
        log = write_log("A training failed.")
        pipe.send({"state": "failed", "message": f"The training failed; the details are in {log}."})


def learn(about: LearntPainting) -> Generator[Progress, None, dict[str, float]]:
    """Let a painter learn a painting that is kept here, or go on where it was stopped."""
    from studio.images.instant.training import PainterOrder, train_painter

    painting = about.ingredient()
    order = PainterOrder(
        painting.content,
        about.name,
        file=about.file,
        title=about.title,
        licence=about.licence,
        resume=about.underway,
    )
    trained = yield from train_painter(order)
    return dict(trained.card.figures)
