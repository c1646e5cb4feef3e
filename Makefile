# The commands of the project. Each makes its environment first, and again when pyproject.toml or
# what stands beside the package changed.
#
#   PYTHON=python3.13 make test   another Python (give it a VENV of its own)

PYTHON ?= python3
VENV ?= .venv
PORT ?= 5000

BIN = $(VENV)/bin
PIP = $(BIN)/python -m pip install --quiet --disable-pip-version-check
SETUP = pyproject.toml src/erlen-as-flask.pth src/_erlen_as_flask.py

.PHONY: help run test test-erlen test-flask test-asgi test-demo check conformance conformance-all \
	conformance-suites conformance-apps conformance-quickstarts bench format clean

help:
	@echo "make run          serve the demo on http://127.0.0.1:$(PORT), with reloader and debugger"
	@echo "make test         run the tests: as erlen, as flask, and through ASGI"
	@echo "make check        ruff, mypy, pyright, stubtest"
	@echo "make conformance  run the tests of Flask, Werkzeug and some extensions against erlen"
	@echo "make conformance-all  that of all, and applications, answer by answer; docs/ecosystem.md"
	@echo "make bench        measure against Flask and others"
	@echo "make format       let ruff mend and format what it can"

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "erlen needs Python 3.11+")'
	$(PYTHON) -m venv $(VENV)
# Dependency groups need pip 25.1.
	$(PIP) --upgrade pip

$(VENV)/.run: $(SETUP) | $(BIN)/python
	$(PIP) --editable ".[dev,forms,uploads]"
	@touch $@

$(VENV)/.test: $(SETUP) | $(BIN)/python
	$(PIP) --editable ".[all]" --group test
	@touch $@

$(VENV)/.check: $(SETUP) | $(BIN)/python
	$(PIP) --editable ".[all]" --group check
	@touch $@

$(VENV)/.bench: $(SETUP) | $(BIN)/python
	$(PIP) --editable ".[forms,middleware,redis,uploads]" --group bench
# A peer may have no build for this Python: what is missing is left out with a word.
	-$(PIP) --group bench-peers
	@touch $@

# init-db makes what is not there yet and keeps what is.
run: $(VENV)/.run
	cd examples/guestbook && $(abspath $(BIN))/erlen --app guestbook init-db
	cd examples/guestbook && \
		exec $(abspath $(BIN))/erlen --app guestbook --debug run --port $(PORT)

# The same tests through three doors, then the demo's own; `make -j2 test` takes two at a time.
test: test-erlen test-flask test-asgi test-demo

test-erlen: $(VENV)/.test
	ERLEN_TEST_DOOR=erlen $(BIN)/python -m pytest

test-flask: $(VENV)/.test
	ERLEN_TEST_DOOR=flask $(BIN)/python -m pytest -p erlen.as_flask -m "not peer"

# What starts processes of its own, where the door of the tests makes no difference.
NO_ENGINE = asgi cli doctor examples middleware server servers test_conformance.py \
	test_conformance_apps.py test_docs.py test_quickstarts.py

test-asgi: $(VENV)/.test
	ERLEN_TEST_DOOR=asgi $(BIN)/python -m pytest $(NO_ENGINE:%=--ignore=tests/%)

test-demo: $(VENV)/.test
	cd examples/guestbook && $(abspath $(BIN))/python -m pytest

check: $(VENV)/.check
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/python tests/stubs.py

conformance: $(VENV)/.test
	$(BIN)/python conformance/run.py

conformance-all: conformance-suites conformance-apps conformance-quickstarts

conformance-suites: $(VENV)/.test
	$(BIN)/python conformance/run.py --all

conformance-apps: $(VENV)/.test
	$(BIN)/python -m conformance.apps

conformance-quickstarts: $(VENV)/.test
	$(BIN)/python -m conformance.quickstarts

bench: $(VENV)/.bench
	$(BIN)/python -m benchmarks.inproc
	$(BIN)/python -m benchmarks.forms
	$(BIN)/python -m benchmarks.startup
	$(BIN)/python -m benchmarks.road
	$(BIN)/python -m benchmarks.http
	$(BIN)/python -m benchmarks.asgi
	$(BIN)/python -m benchmarks.channels
	$(BIN)/python -m benchmarks.extensions
	$(BIN)/python -m benchmarks.balancer
	$(BIN)/python -m benchmarks.uploads

format: $(VENV)/.check
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

clean:
	rm -rf $(VENV) .cache build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
