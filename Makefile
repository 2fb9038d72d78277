# Two commands for a fresh machine: `make matrix` and `make test`. Needs Python 3.11 or newer; gets the rest itself.
PYTHON := $(firstword $(foreach name,$(PYTHON) python3 python3.13 python3.12 python3.11,$(if $(shell $(name) -c 'import sys; print(sys.version_info >= (3, 11) or "")' 2>/dev/null | grep True),$(name))))
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
TESTED := 2.4,2.15,2.21
# Files go to two processes by their names, so tests/unit is last: a long one at the end would leave a processor idle.
TWO := -n 2 --dist loadfile --no-loadscope-reorder
# Containers like to forbid this; without it each of our processes would compile a thousand modules anew, for 5 s.
export PYTHONDONTWRITEBYTECODE :=
.DEFAULT_GOAL := help
.PHONY: help up down matrix matrix-full summary test test-all test-unit check locks setup bench bench-upload bench-web screenshots doctor clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

matrix: $(READY)  ## get this machine ready, save and load the core, show the matrix, write the site
	@$(BIN)/tfmatrix matrix

matrix-full: $(READY)  ## the same with every model, format and method; ARGS=--dry-run says how much that is
	@$(BIN)/tfmatrix matrix --full $(ARGS)

up: $(READY)  ## web and runner in containers, with the results there are (docs/compose.md)
	@$(BIN)/tfmatrix up

down: $(READY)  ## take them down; nothing is lost
	@$(BIN)/tfmatrix down

summary: $(READY)  ## write docs/full-run.md from what is known
	@$(BIN)/tfmatrix summary --markdown > docs/.full-run.md || { rm -f docs/.full-run.md; exit 3; }
	@mv docs/.full-run.md docs/full-run.md

test: $(READY) browser postgresql  ## all tests on TensorFlow 2.4, 2.15 and 2.21; gets what they need
	@$(BIN)/tfmatrix setup --environments $(TESTED)
	@$(BIN)/pytest $(TWO) -m "not everything"

test-all: $(READY) browser postgresql  ## all tests on every TensorFlow and every overlay
	@$(BIN)/tfmatrix setup --environments all
	@$(BIN)/pytest -n 2 --dist loadfile -m "not containers"
	@$(BIN)/pytest -m containers

test-unit: $(READY)  ## the tests that need no engine, in seconds
	@$(BIN)/pytest -n auto --dist loadfile tests/unit

check: $(READY)  ## formatting, lint, types
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/pytest -q tests/unit/test_architecture.py

bench: $(READY)  ## seconds per cell: a container each, this project's batch, the floor
	@$(BIN)/tfmatrix setup --environments $(TESTED)
	@$(BIN)/tfmatrix bench

bench-upload: $(READY)  ## seconds until an upload's row stands: warm, cold, and a container for each version
	@$(BIN)/tfmatrix setup
	@$(BIN)/tfmatrix bench-upload

bench-web: $(READY)  ## milliseconds of each page with 20 clients, beside a page that is only a constant
	@$(BIN)/python -m tests.bench_web

screenshots: $(READY) browser  ## a picture of each page, at both widths and in both colours: var/screenshots
	@$(BIN)/python -m tests.browser.screenshots $(ARGS)

doctor: $(READY)  ## what is wrong with this machine, and the fix
	@$(BIN)/tfmatrix doctor

setup: $(READY)  ## engine, base images and images only
	@$(BIN)/tfmatrix setup

locks: $(READY)  ## resolve every row of images/environments.toml, and our own requirements
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --no-config \
		--extra dev pyproject.toml -o requirements.lock
	@awk '/^uv==/ {on = 1; print; next} on && /--hash/ {print; next} {on = 0}' requirements.lock > requirements-uv.lock
	@echo hatchling | $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --no-config \
		--constraints requirements.lock --extra postgres pyproject.toml - -o requirements-service.lock
	@printf '%s\n' h5py numpy protobuf | $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate \
		--no-header --no-config --constraints requirements.lock - -o images/inspector/requirements.lock
	@$(BIN)/tfmatrix locks

browser: $(READY)  # the browser tests use the distribution's Chromium
	@$(BIN)/python -m images.bootstrap.browser

postgresql: $(READY)  # the store's tests run on the distribution's PostgreSQL, too
	@$(BIN)/python -m images.bootstrap.postgresql

clean:  ## remove the virtual environment; results and images stay
	rm -rf $(VENV)

.PHONY: browser postgresql

# The stamp is newer than what it was made from, or it is made again.
$(READY): requirements.lock pyproject.toml requirements-uv.lock
	@test -n "$(PYTHON)" || { echo "tfmatrix needs Python 3.11 or newer: install it, or name it: make PYTHON=/path/to/python3"; exit 2; }
	@echo "environment: making $(VENV) with $$($(PYTHON) --version)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements-uv.lock
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $(READY)
