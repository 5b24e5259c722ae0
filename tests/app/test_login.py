"""With a password set, nothing is shown to who has not logged in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.app.page import application
from studio.app.serving import login_wanted
from studio.errors import Refused
from studio.making.jobs import Jobs
from studio.works.gallery import Gallery


@pytest.fixture
def visitor(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[object]:
    from fastapi.testclient import TestClient

    from studio.app.desk import Desk

    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    monkeypatch.setenv("STUDIO_PASSWORD", "open sesame")
    with (
        Gallery.open() as gallery,
        Jobs(gallery) as jobs,
        TestClient(application(Desk(gallery, jobs), login=login_wanted())) as client,
    ):
        yield client


def test_the_password_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert login_wanted() is None
    monkeypatch.setenv("STUDIO_PASSWORD", "open sesame")
    assert login_wanted() == ("studio", "open sesame")
    monkeypatch.setenv("STUDIO_USER", "ali")
    assert login_wanted() == ("ali", "open sesame")


def test_who_has_not_logged_in_sees_nothing(visitor) -> None:  # type: ignore[no-untyped-def]
    for path in (
        "/works/abc/file",
        "/works/abc/thumb",
        "/works/abc/view",
        "/works/abc/sources/0",
        "/jobs/abc/photo",
        "/presets/creatures",
        "/paintings/glass",
        "/modules/x/stage.js",
    ):
        assert visitor.get(path).status_code == 401, path
    for path in (
        "/config",
        "/gradio_api/info",
        "/gradio_api/openapi.json",
        "/gradio_api/file=x",
        "/gradio_api/queue/status",
    ):
        assert visitor.get(path).status_code == 401, path
    assert visitor.get("/openapi.json").status_code == 404
    assert visitor.post("/gradio_api/upload", files={"files": b"x"}).status_code == 401
    assert visitor.post("/gradio_api/call/works", json={"data": []}).status_code == 401
    page = visitor.get("/")
    assert page.status_code == 200
    assert '"auth_required":true' in page.text.replace(" ", "")
    assert "component_server" not in page.text

    assert visitor.post("/login", data={"username": "studio", "password": "open"}).status_code == 400
    assert visitor.post("/login", data={"username": "studio", "password": "open sesame"}).status_code == 200
    assert visitor.get("/config").status_code == 200
    assert visitor.get("/works/abc/file").status_code == 404


def test_a_taken_port_is_told_at_once() -> None:
    import socket

    from studio.app.serving import serve

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(Refused, match="choose another with --port"):
            serve("127.0.0.1", taken.getsockname()[1])


def test_what_a_killed_server_left_is_removed_by_the_next_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import subprocess
    import sys
    import tempfile

    from studio.app.serving import _temporary_folder

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    name = "from studio.works.keeper import Keeper; print(Keeper.this())"
    gone = subprocess.run(
        [sys.executable, "-c", name], capture_output=True, text=True, check=True
    ).stdout.strip()
    left, elsewhere, other = (
        tmp_path / each for each in (f"studio-app-a@{gone}", f"studio-app-b@another{gone}", "studio-app-c")
    )
    for folder in (left, elsewhere, other):
        folder.mkdir()
        (folder / "photo.jpg").write_bytes(b"private")
    with _temporary_folder() as own, _temporary_folder():
        assert own.is_dir(), "a server beside it is alive"
        assert not left.exists()
        assert (elsewhere / "photo.jpg").exists(), "of another machine it cannot be known"
        assert (other / "photo.jpg").exists()
    assert not own.exists()
