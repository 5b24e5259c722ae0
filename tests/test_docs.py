"""The pages in docs/ say what the tables and docstrings say, links lead somewhere, the notebook runs."""

from __future__ import annotations

import os
import re
import shlex
import sys
from pathlib import Path

import click
import pytest

DOCS = Path(__file__).parent.parent / "docs"
if not DOCS.exists():
    pytest.skip("docs/ is not beside the tests", allow_module_level=True)

sys.path.insert(0, str(DOCS))
import build  # noqa: E402

UNSEEN = {"schema_version", "kind", "sources", "model", "setting"}
"""Fields of every recipe that no person sets."""


def test_no_page_is_stale() -> None:
    """A command, recipe field, table row or public function that is missing or changed makes a page stale."""
    assert build.stale() == [], "run make docs"


def test_every_command_field_and_row_is_on_a_page() -> None:
    """The generator itself forgets nothing: looked up in the text, not in the tables it is written from."""
    text = {path.name: path.read_text("utf-8") for path in DOCS.glob("*.md")}
    from studio.cli import commands
    from studio.making.kinds import KINDS
    from studio.music.styles.table import STYLES

    for name in commands.list_commands(build.context()):
        assert f"## studio {name}\n" in text["commands.md"]
    for kind in KINDS.values():
        for field in kind.recipe_class().model_fields.keys() - UNSEEN:
            assert f"| `{field}` |" in text[f"{kind.name}.md"]
    for style in STYLES:
        assert f"| `{style}` |" in text["styles.md"]


def test_links_lead_somewhere() -> None:
    for page in DOCS.glob("*.md"):
        for target in re.findall(r"\]\((?!http)([^)#]+)\)", page.read_text("utf-8")):
            assert (DOCS / target).exists(), f"{page.name}: {target}"


@pytest.mark.usefixtures("home")
def test_the_commands_of_the_safety_page_are_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from studio.cli import commands

    monkeypatch.chdir(tmp_path)
    (tmp_path / "works.zip").touch()
    written = re.findall(r"^studio (.+)$", (DOCS / "safety.md").read_text("utf-8"), re.MULTILINE)
    assert len(written) >= 8
    for line in written:
        here, words = commands.make_context("studio", shlex.split(line)), shlex.split(line)
        command = commands.get_command(here, words.pop(0))
        while isinstance(command, click.Group):
            command = command.get_command(here, words.pop(0))
        assert command is not None, line
        command.make_context("studio", words)


def test_the_notebook_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(DOCS / "studio.ipynb", as_version=4)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(DOCS.parent), *sys.path]))
    NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(DOCS)}}).execute()
    shown = {
        kind
        for cell in notebook.cells
        for output in cell.get("outputs", ())
        for kind in output.get("data", ())
    }
    assert {"image/png", "text/html"} <= shown, "a picture and a tune show themselves"
    said = "".join(output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", ()))
    assert "[1.5 0.5 1. ]" in said
    assert "Leave out" in said
