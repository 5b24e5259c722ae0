"""The page's modules: served with their version, each import leads to one, and nothing is missing."""

from __future__ import annotations

import json
import re
from pathlib import PurePosixPath

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from studio.app.modules import address, calling, imported, module_routes, opening, preloads, scripts
from studio.app.routes import anybody


@pytest.fixture
def visitor() -> TestClient:
    web = FastAPI()
    web.include_router(module_routes(anybody))
    return TestClient(web)


def test_a_module_is_kept_for_good_under_its_version_and_not_under_another(visitor: TestClient) -> None:
    kept = visitor.get(f"/{address('stage')}")
    assert kept.status_code == 200
    assert kept.headers["content-type"].startswith("text/javascript")
    assert "immutable" in kept.headers["cache-control"]
    assert kept.content == scripts()["stage.js"]
    old = visitor.get("/modules/000000000000/stage.js")
    assert (old.content, old.headers["cache-control"]) == (kept.content, "no-store")


@pytest.mark.parametrize("name", ["nothing.js", "../page.py", "types.d.ts", "..%2f..%2fpage.py", ""])
def test_nothing_else_is_served(visitor: TestClient, name: str) -> None:
    assert visitor.get(f"/modules/x/{name}").status_code == 404


def test_every_import_leads_to_a_module() -> None:
    for name, script in scripts().items():
        for found in re.findall(r"^(?:import|export) .*?from '(\.[^']+)';", script.decode(), re.M | re.S):
            parts: list[str] = []
            for part in (PurePosixPath(name).parent / found).parts:
                if part == "..":
                    parts.pop()
                else:
                    parts.append(part)
            assert "/".join(parts) in scripts(), f"{name} imports {found}"


def test_the_first_modules_are_fetched_with_what_they_import() -> None:
    by_rel: dict[str, set[str]] = {}
    for rel, name in re.findall(r'rel="(\w+)"[^>]* href="modules/\w+/([\w/]+\.js)"', preloads()):
        by_rel.setdefault(rel, set()).add(name)
    wanted = by_rel["modulepreload"]
    assert {"stage.js", "mask.js", "dom.js", "well.js"} <= wanted <= set(scripts())
    assert not {each for each in wanted if each.startswith("lessons/")}
    assert by_rel["prefetch"] == set(scripts()) - wanted, "all others come later"


def test_what_gradio_evaluates_names_the_module_and_the_events() -> None:
    assert json.dumps(address("stage")) in imported("stage")
    assert "'arrived'" in opening("stage", ("arrived",))
    assert calling("desks", "withFiles", "dream").endswith('.withFiles("dream", ...values)')
