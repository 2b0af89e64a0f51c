# Needs Python 3.11 or newer, which it finds itself. Everything it creates is in .venv and .work.

# A python on PATH may be too old, lack venv, or be a shim without an interpreter, so each
# candidate is run to find out.
FIND_PYTHON = for candidate in $(PYTHON) python3.13 python3.12 python3.11 python3; do \
	  if $$candidate -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
	  then echo $$candidate; exit; fi; \
	done; \
	echo "no Python >= 3.11 with venv found; install one, or give its path: make PYTHON=/path/to/python" >&2; \
	exit 1

VENV = .venv
BIN = $(VENV)/bin
PIP = $(BIN)/python -m pip --quiet --disable-pip-version-check
export PYRIGHT_PYTHON_IGNORE_WARNINGS = 1

.PHONY: help demo test test-matrix check format conformance soak fuzz fuzz-safe bench bench-quick clean

help:
	@echo "make demo         serve examples/hello and print its address"
	@echo "make test         run the tests"
	@echo "make test-matrix  run the tests on every other Python on this machine"
	@echo "make check        run the linters and type checkers; check format and import layers"
	@echo "make conformance  run the test suites of Flask and its extensions on Costrel"
	@echo "make soak         test every server under mixed load: 100,000 requests, about 15 minutes"
	@echo "make fuzz         compare 20,000 raw requests on every path with Flask, about 10 minutes"
	@echo "make fuzz-safe    send 20,000 hostile requests to Costrel with everything on, about 2 minutes"
	@echo "make bench        benchmark against Flask and other frameworks, about an hour"
	@echo "make bench-quick  run a short benchmark against a few of them, under two minutes"
	@echo "make format       format the code and fix what can be fixed"
	@echo "make clean        remove everything that was created"

# First Python itself, then the package, then the tools. A stamp per step, so that each runs once.
$(VENV)/.made:
	@echo "Installing into $(VENV), once ..."
	@python=$$($(FIND_PYTHON)) && $$python -m venv $(VENV)
	@$(PIP) install --upgrade "pip>=25.1"
	@touch $@

$(VENV)/.installed: $(VENV)/.made pyproject.toml
	@$(PIP) install --editable .
	@touch $@

$(VENV)/.tools: $(VENV)/.installed
	@$(PIP) install --group test --group check
	@touch $@

demo: $(VENV)/.installed
	$(BIN)/costrel --app examples/hello run --stop-timeout 1

test: $(VENV)/.tools
	@.ci/get-programs
	@.ci/test $(BIN)/python $(ARGS)

test-matrix: $(VENV)/.tools
	@.ci/test-matrix $(BIN)/python $(ARGS)

check: $(VENV)/.tools
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/costrel typings .work/typings
	$(BIN)/mypy --config-file tests/compat/typed/mypy.ini
	$(BIN)/pyright --pythonpath $(BIN)/python --project tests/compat/typed
	$(BIN)/lint-imports

format: $(VENV)/.tools
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

conformance: $(VENV)/.installed
	@$(BIN)/python conformance/run.py $(ARGS)

soak: $(VENV)/.tools
	@$(BIN)/python tests/servers/soak.py $(ARGS)

fuzz: $(VENV)/.tools
	@$(BIN)/python tests/property/fuzz.py $(ARGS)

fuzz-safe: $(VENV)/.tools
	@$(BIN)/python tests/security/fuzz_safe.py $(ARGS)

bench: $(VENV)/.installed
	@.ci/get-wrk
	@$(BIN)/python benchmarks/run.py $(ARGS)

bench-quick: $(VENV)/.installed
	@.ci/get-wrk
	@$(BIN)/python benchmarks/run.py --quick $(ARGS)

clean:
	rm -rf .venv .venv-3.* .work conformance/.work benchmarks/.work build dist
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find src tests examples conformance benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
