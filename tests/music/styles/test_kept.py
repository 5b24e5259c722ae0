"""What is learnt is kept as plain numbers, privately, within bounds; a damaged file is as good as none."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from studio.music.styles import kept
from studio.music.styles.kept import KeptArrays, make_room
from studio.music.styles.originality import Comparison
from studio.music.styles.runs import RunKind
from studio.music.styles.style import Style
from tests.music.random_tunes import random_tune


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STUDIO_HOME", str(tmp_path))
    return tmp_path


def test_arrays_come_back_as_they_were_to_nobody_but_their_owner(home: Path) -> None:
    place = KeptArrays.of("things", "a style", 4)
    assert place.load() is None
    numbers = np.random.default_rng(0).random((3, 4))
    place.save({"numbers": numbers, "none": np.zeros(0, np.int32), "yes": np.array([True, False])})
    found = KeptArrays.of("things", "a style", 4).load()
    assert found is not None
    assert np.array_equal(found["numbers"], numbers)
    assert [found["none"].dtype, found["yes"].dtype] == [np.int32, np.bool_]
    assert KeptArrays.of("things", "a style", 5).load() is None
    assert KeptArrays.of("others", "a style", 4).load() is None
    if os.name == "posix":
        assert place.path.stat().st_mode & 0o777 == 0o600
        assert (home / "learnt").stat().st_mode & 0o777 == 0o700


def test_a_file_that_is_damaged_or_holds_objects_is_as_good_as_none() -> None:
    place = KeptArrays.of("things")
    place.save({"numbers": np.arange(1000)})
    content = place.path.read_bytes()
    for damaged in (
        content[:-50],
        content[:600] + b"\xff\xff" + content[602:],
        b"",
        b"PK\x03\x04",
        b"x" * 900,
    ):
        place.path.write_bytes(damaged)
        assert place.load() is None
    with place.path.open("wb") as file:
        np.savez(file, numbers=np.array([{"an": "object"}], dtype=object))
    assert place.load() is None


def test_what_was_not_used_for_longest_goes_first(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "MOST", 30_000)
    monkeypatch.setattr(kept, "LARGEST", 20_000)
    places = [KeptArrays.of("things", number) for number in range(4)]
    for age, place in zip((40, 10, 20, 0), places, strict=True):
        place.save({"numbers": np.zeros(1000)})
        os.utime(place.path, (1e9 - age, 1e9 - age))
    assert [place.path.exists() for place in places] == [False, True, True, True]
    KeptArrays.of("too much").save({"numbers": np.zeros(3000)})
    assert len(list((home / "learnt").iterdir())) == 3
    make_room(home / "learnt", 0)
    assert not list((home / "learnt").iterdir())


def test_a_comparison_is_the_same_from_what_was_kept(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.setattr("studio.music.styles.originality.WORTH_KEEPING", 0)
    style = Style.of([random_tune(seed) for seed in range(12)], "random")
    first, again = Comparison(style), Comparison(style)
    melody = random_tune(3)
    assert first.report(melody, leave_out=3) == again.report(melody, leave_out=3)
    assert [first.baseline(kind) for kind in RunKind] == [again.baseline(kind) for kind in RunKind]
    assert first.max_copy == again.max_copy
    files = sorted(path.name.partition("-")[0] for path in (home / "learnt").iterdir())
    assert files == ["baseline"] * 3 + ["runs"] * 3
    for path in (home / "learnt").iterdir():
        with path.open("wb") as file:
            np.savez(file, whole=np.arange(3), starts=np.array([0, 2]), order=np.array([5, 1, 0]), runs="no")
    assert Comparison(style).report(melody, leave_out=3) == first.report(melody, leave_out=3)
