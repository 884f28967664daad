# The doors of the project. Each sets up what it needs; `make` alone lists them.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& { echo $$p; break; }; done)
# BOUNDS=lowest: with the oldest releases of what nbflow depends on, in an environment of its own.
BOUNDS ?=
VENV := .venv$(if $(BOUNDS),-$(BOUNDS))
BIN := $(VENV)/bin
RUN_SETUP := sh scripts/setup.sh "$(PYTHON)" $(VENV)

.DEFAULT_GOAL := help
.PHONY: help setup setup-demo check test unit chaos demo bench docs clean

help: ## list the doors
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## make .venv with everything needed to develop; the JupyterLab extension is built where Node.js is
	@$(RUN_SETUP) $(or $(BOUNDS),dev)
	@sh scripts/front.sh $(BIN) $(if $(BOUNDS),link,setup)

setup-demo:
	@$(RUN_SETUP) demo

check: setup ## style, types, architecture, freshness of generated files
	@sh scripts/check.sh $(BIN)

test: setup ## every test that this machine allows; names what was left out
	@sh scripts/test.sh $(BIN) $(TESTS)

unit: setup ## the fast tests only
	@sh scripts/test.sh $(BIN) tests/unit tests/docs

chaos: setup ## long kill storms over the scheduler on SQLite and PostgreSQL, orders of steps, and the mutants (25 minutes on 2 cores)
	@NBFLOW_CHAOS=1 sh scripts/test.sh $(BIN) --dist worksteal -raP tests/chaos

demo: setup-demo ## lint, draw and run a real example, on SQLite
	@sh scripts/demo.sh $(BIN)

bench: setup ## figures: compile, run against papermill, command line, scheduler, JupyterLab panel
	@$(BIN)/python -m benchmarks

docs: setup ## build the documentation into site/, strictly
	@$(BIN)/python docs/generate.py && NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet && echo "site/index.html"

clean: ## remove what the other doors made
	@rm -rf .venv .venv-lowest site build dist .mypy_cache .ruff_cache .import_linter_cache .hypothesis .demo \
		nbflow/labextension extension/lib extension/node_modules extension/tsconfig.tsbuildinfo
