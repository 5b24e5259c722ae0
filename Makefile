# Two commands are enough: `make app` opens the studio, `make test` checks it. Both set up .venv first, when it is missing or stale.

PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --constraint constraints.txt

.PHONY: app test lint docs bench gallery clean
.DELETE_ON_ERROR:

app: .venv/app-is-ready
	$(BIN)/studio app --open

test: .venv/everything-is-ready
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n 2 --dist loadgroup

lint: .venv/everything-is-ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: .venv/everything-is-ready
	$(BIN)/python docs/build.py

bench: .venv/everything-is-ready
	$(BIN)/python -m benchmarks

gallery: .venv/app-is-ready
	$(BIN)/python -m studio.making.exhibition --check

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "The studio needs Python 3.11 or newer; run make PYTHON=python3.12, for example.")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip

.venv/app-is-ready: .venv/bin/python pyproject.toml constraints.txt
	$(INSTALL) --editable .
	touch $@

.venv/everything-is-ready: .venv/bin/python pyproject.toml constraints.txt
	$(INSTALL) --editable '.[dev]'
	touch $@ .venv/app-is-ready

clean:
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache
