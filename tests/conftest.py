"""What all tests share: a home of their own, and no test skipped quietly where everything is at hand."""

from __future__ import annotations

import os

# Tests run side by side, one process a core: a process that took all cores for itself would only wait for the
# others. Works take as many threads as their recipes say; these sleep while they wait, as the studio's do.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

# A studio that a test opens would read all styles while other tests run (see `studio.making.ahead`).
os.environ.setdefault("STUDIO_AHEAD", "no")

import gc
import sys
from collections.abc import Callable, Generator
from itertools import count
from pathlib import Path

import pytest

# What is imported and collected stays to the end: to look for garbage among it takes a third of the time.
gc.disable()


HOMES = count()
"""Numbers of homes. To number them, `mktemp` would read the names of all that are there, for every test."""


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test has an empty studio home: none sees the works of the person who runs the tests, or of
    another test.
    """
    place = tmp_path_factory.getbasetemp() / "homes" / str(next(HOMES))
    place.mkdir(mode=0o700, parents=True)
    monkeypatch.setenv("STUDIO_HOME", str(place))
    for name in ("STUDIO_DATABASE", "STUDIO_FILES", "STUDIO_PASSWORD", "STUDIO_DEVICE"):
        monkeypatch.delenv(name, raising=False)
    return place


Studio = Callable[..., tuple[int, str, str]]


@pytest.fixture
def studio(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Studio:
    """Run a command in this process, in a folder of its own: its status, what it printed, and what it
    complained of.
    """
    monkeypatch.chdir(tmp_path)

    def run(*words: str | Path) -> tuple[int, str, str]:
        from studio import cli

        monkeypatch.setattr(sys, "argv", ["studio", *map(str, words)])
        with pytest.raises(SystemExit) as left:
            cli.main()
        told = capsys.readouterr()
        return int(left.value.code or 0), told.out, told.err

    return run


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where STUDIO_TEST_NOTHING_SKIPPED names a marker, a skipped test of that marker is a failure."""
    report = yield
    demanded = os.environ.get("STUDIO_TEST_NOTHING_SKIPPED", "").split()
    if (
        report.skipped
        and not hasattr(report, "wasxfail")
        and any(item.get_closest_marker(name) for name in demanded)
    ):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, but has to run here: {report.longrepr}"
    return report


FIRST = (
    "page",
    "app",
    "styles",
    "test_jobs",
    "test_workers",
    "test_recorded",
    "test_instant_painting",
    "test_cli",
    "test_unheard",
    "test_keeping",
    "test_regions",
    "test_at_once",
    "test_drawing_rules",
    "test_docs",
    "test_fuzz",
    "test_wheel",
)
"""What takes longest, by its group: begun first, so that no core waits for another at the end."""


def pytest_configure(config: pytest.Config) -> None:
    """Groups begin in the order in which they are collected, and not by how many tests they have."""
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The tests of a file are a group where they name no other: what a file prepares is prepared in one
    process, once. The longest groups come first, the others in their order.
    """
    for item in items:
        if not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group(item.path.stem))
    items.sort(key=lambda item: FIRST.index(group) if (group := group_of(item)) in FIRST else len(FIRST))


def group_of(item: pytest.Item) -> str:
    marker = item.get_closest_marker("xdist_group")
    assert marker is not None
    return str(marker.args[0])


def pytest_collection_finish(session: pytest.Session) -> None:
    """From now on there is garbage. And groups that are not kept together would only be slow, so nobody would
    notice.
    """
    gc.freeze()
    gc.enable()
    if "PYTEST_XDIST_WORKER" in os.environ and session.config.getoption("loadgroup", default=False):
        lost = [
            item.nodeid
            for item in session.items
            if item.get_closest_marker("xdist_group") and "@" not in item.nodeid
        ]
        if lost:
            raise pytest.UsageError(
                f"pytest-xdist does not keep groups together with this pytest: {lost[0]} has lost its own."
            )


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """A long value goes by its argument's name: some, such as archives that tell the time, differ in every
    process.
    """
    return argname if isinstance(val, (bytes, str)) and len(val) > 60 else None
