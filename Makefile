# Two commands are enough: `make app` opens the studio, `make test` checks it. Both set up .venv first, when it is missing or stale.

PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --constraint constraints.txt

.PHONY: app test lint lint-page docs bench gallery clean
.DELETE_ON_ERROR:

app: .venv/app-is-ready
	$(BIN)/studio app --open

# Three at a time, also on two cores: a test that drives the page waits for it about half of the time.
# axe-core, which looks for what keeps people out of the page, comes by npm: without npm its tests say so and are skipped.
test: .venv/everything-is-ready $(if $(shell command -v npm 2> /dev/null),node_modules/is-ready)
	$(BIN)/python -m compileall -q studio benchmarks  # or each of the three would compile what the others compile
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n 3 --dist loadgroup

lint: .venv/everything-is-ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	@if command -v npm > /dev/null; then $(MAKE) --no-print-directory lint-page; \
	else echo "The page's JavaScript was not checked: install Node.js with npm (apt install nodejs npm) and run make lint again."; fi

lint-page: node_modules/is-ready
	npm run --silent lint

node_modules/is-ready: package.json package-lock.json
	npm ci --silent --no-audit --no-fund
	touch $@

docs: .venv/everything-is-ready
	$(BIN)/python docs/build.py
	$(BIN)/python -m studio.lessons.ahead

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
	$(BIN)/python -m studio.making.ahead
	touch $@

.venv/everything-is-ready: .venv/bin/python pyproject.toml constraints.txt
	$(INSTALL) --editable '.[dev]'
	$(BIN)/python -m studio.making.ahead
	touch $@ .venv/app-is-ready

clean:
	rm -rf .venv node_modules build dist .pytest_cache .mypy_cache .ruff_cache
