"""An installed wheel carries what a checkout has: looks with their thumbnails, migrations, the works on show,
trained models.
"""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

TRIAL = """
import sys
from pathlib import Path
import studio
assert Path(studio.__file__).is_relative_to(Path(sys.argv[1])), studio.__file__
from studio.works.shipped import shipped
works = sorted(path.name for path in shipped("gallery").glob("*.png"))
assert len(works) >= 8, works
from studio.music.melody.lstm import model_of
for style in ("ryans-mammoth", "bach-chorales"):
    assert Path(shipped("models")).is_relative_to(Path(sys.argv[1]))
    assert model_of(style).card.figures["nats a note"] < 2.5, style
from studio.images.presets import PRESETS
for preset in PRESETS.values():
    assert preset.thumbnail.read_bytes()[:2] == b"\\xff\\xd8", preset.name
from studio.images.paintings.catalogue import PAINTINGS
for painting in PAINTINGS.values():
    for content in (painting.ingredient().content, painting.thumbnail.read_bytes()):
        assert content[:2] in (b"\\xff\\xd8", b"\\x89P"), painting.name
from studio.works.gallery import Gallery
with Gallery.open() as gallery:
    assert gallery.count() == 0
from studio.making.kinds import read_recipe
from studio.works.metadata import extract
recipe = read_recipe(extract((shipped("gallery") / works[0]).read_bytes()))
print(recipe.in_words())
from importlib.resources import files
assert files("studio.app").joinpath("style.css").is_file()
from studio.app.modules import scripts
assert {"stage.js", "melody.js", "lessons/lessons.js"} <= set(scripts())
"""


@pytest.mark.skipif(
    not (ROOT / "pyproject.toml").exists(), reason="needs the checkout the wheel is built from"
)
def test_a_wheel_installed_elsewhere_has_everything(tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run(
        [*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(tmp_path), str(ROOT)],
        check=True,
        cwd=tmp_path,
    )
    (wheel,) = tmp_path.glob("studio-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/")) or "__pycache__" in name]
    elsewhere = tmp_path / "elsewhere"
    subprocess.run(
        [*pip, "install", "--no-deps", "--no-index", "--no-compile", "--target", str(elsewhere), str(wheel)],
        check=True,
        cwd=tmp_path,
    )
    # The installed copy goes before the checkout that this environment has as an editable install.
    environment = os.environ | {"PYTHONPATH": str(elsewhere)}
    told = subprocess.run(
        [sys.executable, "-c", TRIAL, str(elsewhere)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    assert told.stdout.strip()
