"""Damaged and hostile input is read or refused in a sentence. `python -m benchmarks.fuzz` tries more."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.skipif(
    not hasattr(os, "fork"), reason="every input is read in a child that is forked"
)

PROGRAM = """
import sys, tempfile
from pathlib import Path
from benchmarks.fuzz import fuzz, judge
from benchmarks._fuzz_formats import FORMATS

bad = False
for name in sys.argv[2:]:
    FORMATS[name].load()
    tempfile.tempdir = sys.argv[1]
    # Inputs that once crashed the studio are named after their format.
    found = tuple(each.read_bytes() for each in sorted(Path("tests/data/fuzz").glob(f"{name}-*")))
    report = fuzz(FORMATS[name], 5, 1, Path(sys.argv[1]), most=15, also=found)
    print(report.sentence, report.findings)
    bad |= bool(report.findings) or report.inputs < 15
sys.exit(bad)
"""


@pytest.mark.parametrize(
    "names", ["recipes carriers gallery backups scores pictures", "endpoints"], ids=["files", "requests"]
)
def test_what_is_damaged_is_read_or_refused_in_a_sentence(names: str, tmp_path: Path) -> None:
    """In one process for all that needs little: to load the code takes longer than to read with it."""
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path), *names.split()],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.count("different answers") == len(names.split())
