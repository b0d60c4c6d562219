# Doors for a fresh machine with Python 3.11+ and make: `make demo`, `make lab`, `make app`,
# `make test`.
VENV ?= .venv
PYTHON ?=
STORE ?=
LAB_WORDS ?=
APP_WORDS ?=
SOAK ?=
BIN = $(VENV)/bin
ENVIRONMENT = PYTHON="$(PYTHON)" sh scripts/make_environment.sh $(VENV)

.PHONY: help demo lab app test bench soak clean
.DEFAULT_GOAL := help

help: ## say what there is
	@grep -E '^[a-z]+:.*## ' Makefile | sed -E 's/^([a-z]+):[^#]*## /make \1\t/'

$(VENV)/.demo: pyproject.toml constraints.txt scripts/make_environment.sh
	@$(ENVIRONMENT) demo

$(VENV)/.lab: pyproject.toml constraints.txt scripts/make_environment.sh
	@took="a minute or two"; test ! -e $(BIN)/python || took="about half a minute"; test -e $(BIN)/jupyter-lab || \
		echo "JupyterLab is not here yet: installing it ($$took, once)"
	@$(ENVIRONMENT) lab

$(VENV)/.app: pyproject.toml constraints.txt scripts/make_environment.sh
	@test -e $(BIN)/voila || echo "Voila is not here yet: installing it (a minute or two, once)"
	@$(ENVIRONMENT) app

$(VENV)/.test: pyproject.toml constraints.txt scripts/make_environment.sh
	@$(ENVIRONMENT) test

demo: $(VENV)/.demo ## build a store of a simulated building, answer first questions, draw a map
	@$(BIN)/workbench demo

lab: $(VENV)/.lab ## open JupyterLab on the notebooks, with the store STORE=dir or the demo
	@$(BIN)/python scripts/lab.py $(if $(STORE),--store="$(STORE)") $(LAB_WORDS)

app: $(VENV)/.app ## serve the notebooks as pages, with the store STORE=dir or the demo
	@$(BIN)/python scripts/app.py $(if $(STORE),--store="$(STORE)") $(APP_WORDS)

test: $(VENV)/.test ## format, lint, types, import contracts, tests (WORKBENCH_REQUIRE=all: nothing left out)
	@$(BIN)/python scripts/check.py

bench: $(VENV)/.test ## measure what the documents promise
	@$(BIN)/python scripts/bench.py

soak: $(VENV)/.test ## thousands of kills, refusals, power cuts, damaged files; goes on where it stopped
	@$(BIN)/python -m tests.faults.soak $(SOAK)

clean: ## remove what the targets above made, but no store
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
