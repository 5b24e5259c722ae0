"""The server of a studio that made a picture. First of its group: a lesson loads torch into the server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.app.conftest import Open
from tests.app.photos import picture

gradio_client = pytest.importorskip("gradio_client")
pytestmark = pytest.mark.xdist_group("app")


def test_the_web_server_does_not_load_the_heavy_libraries(studio: Open, tmp_path: Path) -> None:
    maps = Path(f"/proc/{studio.pid}/maps")
    if not maps.exists():
        pytest.skip("this system does not tell which libraries a process has loaded")
    (tmp_path / "photo.jpg").write_bytes(picture())
    client: Any = gradio_client.Client(studio.address, verbose=False, ssl_verify=False)
    photo = gradio_client.handle_file(tmp_path / "photo.jpg")
    asked = client.predict(photo=photo, size=64, octaves=1, steps=1, api_name="/dream")
    told = list(client.submit(asked["id"], api_name="/follow"))
    assert told[-1]["state"] == "made", told[-1]
    loaded = maps.read_text()
    assert "numpy" in loaded
    assert "libtorch" not in loaded
