"""Damaged and hostile input is read or refused in a sentence. `python -m benchmarks.fuzz` tries more."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOUND = sorted((Path(__file__).parent / "data" / "fuzz").iterdir())
"""Inputs that once crashed the studio, named after their format."""

pytestmark = pytest.mark.skipif(
    not hasattr(os, "fork"), reason="every input is read in a child that is forked"
)

PROGRAM = """
import sys
from pathlib import Path
from benchmarks.fuzz import fuzz, judge
from benchmarks._fuzz_formats import FORMATS

form = FORMATS[sys.argv[1]]
form.load()
found = tuple(Path(found).read_bytes() for found in sys.argv[3:])
report = fuzz(form, 5, 1, Path(sys.argv[2]), most=15, also=found)
print(report.sentence, report.findings)
sys.exit(bool(report.findings) or report.inputs < 15)
"""


@pytest.mark.parametrize(
    "name", ["recipes", "carriers", "gallery", "backups", "endpoints", "scores", "pictures"]
)
def test_what_is_damaged_is_read_or_refused_in_a_sentence(name: str, tmp_path: Path) -> None:
    found = [str(file) for file in FOUND if file.name.startswith(name)]
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, name, str(tmp_path), *found],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
