# Two commands matter to a newcomer: `make demo` and `make test`. `make help` lists the rest.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
SEED ?= 7

.DEFAULT_GOAL := help
.PHONY: help venv parts compiler browser demo test check bench soak constraints generated clean

help: ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

venv: $(BIN)/.installed ## a virtual environment with everything, in .venv

$(BIN)/.installed: pyproject.toml deploy/constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Vigía needs Python 3.11 or later; say PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || sh deploy/parts/install.sh python3-venv
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --progress-bar off -c deploy/constraints.txt -e '.[dev]'
	@touch $@

parts: ## the servers that the demo and the tests start (apt)
	@sh deploy/parts/install.sh mosquitto influxdb

demo: parts venv ## three simulated posts to InfluxDB, parts killed on the way, and the proof (KEEP=1 stays up)
	@$(BIN)/vigia demo $(if $(KEEP),--keep) $(DEMO)

compiler: ## what the tests of the C library for sensor firmware need (apt)
	@sh deploy/parts/install.sh gcc libc6-dev

browser: ## what the tests of the post's page need (apt)
	@sh deploy/parts/install.sh chromium

test: parts compiler browser venv ## every test, against real servers (minutes)
	@$(BIN)/python -m pytest -m "not soak" $(TESTS)

check: compiler venv ## format, lint, types, import contracts, generated files, fast tests (two to three minutes)
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@PYTHONPATH=. $(BIN)/lint-imports --no-logo
	@$(BIN)/python -m pytest -q -m 'not slow and not soak' -n 2

bench: parts venv ## the measurements of docs, written to deploy/docs/benchmarks.md
	@$(BIN)/python -m tests.bench $(BENCH)

soak: parts venv ## two hundred kills (about five minutes; SEED=n repeats a run)
	@$(BIN)/python -m pytest -m soak --override-ini=addopts= --timeout=7200 --seed $(SEED) tests/integration

constraints: venv ## pin the versions that are installed now, after make test passed with them
	@{ head -1 deploy/constraints.txt; $(BIN)/python -m pip freeze --exclude-editable; } > deploy/constraints.new
	@mv deploy/constraints.new deploy/constraints.txt

generated: venv ## write again every generated file (checked for drift by make check)
	@$(BIN)/vigia generate

clean: ## remove the virtual environment and what the demo left
	rm -rf $(VENV) run build dist *.egg-info
