"""Trainings run in a process of their own: they can be left, stopped and resumed; one learns at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest

from studio.errors import Refused, UnknownName
from studio.images.instant.learnt import LearntPainting, learnt_paintings
from studio.images.instant.painters import painters_folder
from studio.making.trainings import Training, Trainings
from studio.works.work import Progress
from tests.app.photos import picture

PATIENCE = 120.0


def patient(about: LearntPainting) -> Generator[Progress, None, dict[str, float]]:
    """Learns until it is stopped, and then leaves what it can be resumed from; next time, to its end."""
    underway = painters_folder() / f"painter-{about.name}.training.safetensors"
    try:
        steps = 20 if about.underway else 1_000_000
        for step in range(1, steps + 1):
            if not about.underway:
                time.sleep(0.01)
            yield Progress(step, steps, f"step {step}", 0.5, lambda: b"\xff\xd8three photos")
    except GeneratorExit:
        underway.write_bytes(b"so far")
        raise
    underway.unlink(missing_ok=True)
    return {"steps": 20.0, "minutes": 0.5}


def wrong(about: LearntPainting) -> Generator[Progress, None, dict[str, float]]:
    yield Progress(0, 5)
    raise Refused(f"{about.title} cannot be learnt.")


def lost(_: LearntPainting) -> Generator[Progress, None, dict[str, float]]:
    import os

    yield Progress(1, 5)
    os._exit(9)


@pytest.fixture
def started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Trainings]]:
    monkeypatch.setenv("STUDIO_HOME", str(tmp_path))
    opened: list[Trainings] = []

    def start(train: str) -> Trainings:
        opened.append(Trainings(f"tests.making.test_trainings:{train}"))
        return opened[-1]

    yield start
    for each in opened:
        each.close()


def until(trainings: Trainings, id: str, true: Callable[[Training], bool]) -> Training:
    give_up = time.monotonic() + PATIENCE
    while time.monotonic() < give_up:
        found = trainings.get(id)
        assert found is not None
        if true(found):
            return found
        time.sleep(0.02)
    raise AssertionError(f"It stays as {trainings.get(id)}")


def test_a_training_is_watched_stopped_by_its_owner_and_resumed_to_its_end(
    started: Callable[[str], Trainings],
) -> None:
    trainings = started("patient")
    id = trainings.start(LearntPainting(name="one", title="One"), picture(), owner="a" * 32)
    seen = until(trainings, id, lambda each: each.done > 5 and each.seconds_left is not None)
    assert seen.preview == b"\xff\xd8three photos"
    assert seen.state == "running"
    second = trainings.start(LearntPainting(name="two", title="Two"), picture(seed=4), owner="b" * 32)
    found = trainings.get(second)
    assert found is not None
    assert found.state == "waiting", "one learns at a time"
    with pytest.raises(Refused, match="another session"):
        trainings.stop(id, owner="b" * 32)
    assert trainings.stop(second, owner="b" * 32)
    assert trainings.stop(id, owner="a" * 32)
    until(trainings, id, lambda each: each.state == "stopped")
    assert learnt_paintings()["one"].underway
    again = trainings.resume("one", owner="a" * 32)
    made = until(trainings, again, lambda each: each.ended)
    assert (made.state, dict(made.figures)) == ("made", {"steps": 20.0, "minutes": 0.5})
    assert [each.about.name for each in trainings.all()] == ["two", "one"], "of each painting the latest"
    with pytest.raises(UnknownName):
        trainings.resume("one")


@pytest.mark.parametrize(("train", "said"), [("wrong", "One cannot be learnt."), ("lost", "resume it")])
def test_what_goes_wrong_is_a_sentence(started: Callable[[str], Trainings], train: str, said: str) -> None:
    trainings = started(train)
    id = trainings.start(LearntPainting(name="one", title="One"), picture())
    failed = until(trainings, id, lambda each: each.ended)
    assert failed.state == "failed"
    assert said in failed.message
