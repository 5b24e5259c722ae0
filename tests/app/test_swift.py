"""The page is there sooner because Gradio's stubs for editors are left alone, and nothing else of Gradio is."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import module_from_spec
from pathlib import Path

from studio.app import swift

LOOK = """
import pathlib, gc
written = []
pathlib.Path.write_text = lambda self, *_, **__: written.append(self)
read = []
before = pathlib.Path.read_text
pathlib.Path.read_text = lambda self, *a, **k: (read.append(self.name), before(self, *a, **k))[1]
import studio.app
import gradio
with gradio.Blocks() as page:
    gradio.Button("Dream").click(len, gradio.Textbox(), gradio.Number())
assert page.get_config_file()["dependencies"], "what it is for works"
assert not written, written
assert "slider.py" not in read, "no source of a component is read"
from studio.app.swift import without_collecting
with without_collecting():
    assert not gc.isenabled()
assert gc.isenabled()
"""


def test_nothing_is_read_or_written_for_editors() -> None:
    ran = subprocess.run([sys.executable, "-c", LOOK], capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr


def test_a_gradio_without_that_function_is_imported_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "gradio").mkdir()
    (tmp_path / "gradio" / "__init__.py").write_text("")
    (tmp_path / "gradio" / "component_meta.py").write_text("FOUND = 1\n")
    spec = swift._Finder().find_spec(swift.MODULE, [str(tmp_path / "gradio")])
    assert spec is not None
    module = module_from_spec(spec)
    assert spec.loader is not None
    spec.loader.exec_module(module)
    assert module.FOUND == 1
    assert not hasattr(module, swift.WRITES_STUBS)
