"""The pages in docs/ say what the tables and docstrings say, links lead somewhere, the notebook runs."""

from __future__ import annotations

import os
import re
import shlex
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from studio.app.guard.access import Access
from studio.making.keys import keys_for
from studio.works.gallery import Gallery
from studio.works.recipe import Recipe
from studio.works.work import Made

DOCS = Path(__file__).parent.parent / "docs"
if not DOCS.exists():
    pytest.skip("docs/ is not beside the tests", allow_module_level=True)

sys.path.insert(0, str(DOCS))
import build  # noqa: E402

UNSEEN = {"schema_version", "kind", "sources", "model", "setting", "begin_at", "more", "pieces"}
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
    assert "| `octaves` | `--octaves` | the look's | 1 to 12 |" in text["dream.md"]
    for style in STYLES:
        assert f"| `{style}` |" in text["styles.md"]


def test_links_lead_somewhere() -> None:
    for page in DOCS.glob("*.md"):
        for target in re.findall(r"\]\((?!http)([^)#]+)\)", page.read_text("utf-8")):
            assert (DOCS / target).exists(), f"{page.name}: {target}"


@pytest.mark.skipif(os.name == "nt", reason="the page's commands are for a POSIX shell")
def test_every_command_of_the_safety_page_runs(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Block by block, in a folder of its own, as a reader would. Opening the studio ends where it would wait
    for visitors; of the batch, its keys are read and its words understood.
    """
    for name in [name for name in os.environ if name.startswith("STUDIO_") and name != "STUDIO_HOME"]:
        monkeypatch.delenv(name)
    for name in ("HOME", "PWD"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with Gallery.open(home) as gallery:
        work = gallery.add(Made(Recipe(kind="dream"), b"work", ".png", "image/png", b"small"))
    opened: list[Access] = []
    monkeypatch.setattr("studio.app.page.application", lambda _desk, access: opened.append(access))
    monkeypatch.setattr("uvicorn.Server.run", lambda _server, sockets: sockets[0].getsockname())
    page = (DOCS / "safety.md").read_text("utf-8")
    for block in re.findall(r"^```sh\n(.*?)^```", page, re.MULTILINE | re.DOTALL):
        with pytest.MonkeyPatch.context() as inside:
            for line in block.splitlines():
                run_line(line, inside)
    assert [access.host for access in opened] == ["127.0.0.1", "0.0.0.0", "192.168.0.5", *["127.0.0.1"] * 2]
    assert [access.login is not None for access in opened] == [False, True, False, True, False]
    with Gallery.open(tmp_path / "studio-again") as gallery:
        assert [each.id for each in gallery.find()] == [work.id], "what was backed up came back"


def run_line(line: str, inside: pytest.MonkeyPatch) -> None:
    """Run one line. What it exports is there for the next ones."""
    from studio.cli import commands

    words = shlex.split(os.path.expandvars(line))
    if words[0] == "export" or "=" in words[0]:
        name, _, value = words[words[0] == "export"].partition("=")
        inside.setenv(name, str(Path(value).expanduser()) if value.startswith("~") else value)
        words = [] if words[0] == "export" else words[1:]
    if words[:2] == ["studio", "app"]:
        if "--proxy" in words:
            inside.setenv("STUDIO_PASSWORD", "as above")
        inside.setattr("studio.app.serving._listening", lambda *_: socket.socket())
        commands.main([*words[1:], "--port", "0"], standalone_mode=False)
    elif words[:2] == ["studio", "batch"]:
        command = commands.get_command(commands.make_context("studio", words[1:]), "batch")
        assert command is not None
        Path(words[2]).touch()
        asked = command.make_context("batch", words[2:]).params
        assert keys_for(asked["scheduler"]) is not None
    elif words[:1] == ["studio"]:
        commands.main(words[1:], standalone_mode=False)
    elif words:
        subprocess.run(words, check=True, capture_output=True)


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
