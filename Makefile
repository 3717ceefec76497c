# Every verb creates the environment it needs; a second call finds it ready.
# ARGS is handed on: make demo ARGS=--once, make test ARGS='-k embedded -x', make lock ARGS=--upgrade

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo test nightly bench clean lock

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
NEWEST_ENOUGH := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))

help: ## Show these verbs
	@echo 'Recourse: event-sourced after-sales cases. Verbs:'
	@sed -n 's/^\([a-z]*\):.* ## /  make \1|/p' Makefile | awk -F '|' '{ printf "%-15s%s\n", $$1, $$2 }'

setup: $(VENV)/.ready ## Make the environment in .venv: pinned packages with hashes, then Recourse itself
	@echo 'Ready: $(BIN)/recourse --help'

demo: $(VENV)/.ready ## Start everything, load demo cases, drive one through the whole path (ARGS=--once exits then)
	$(BIN)/recourse demo $(ARGS)

test: $(VENV)/.ready-to-test ## Lint, types, rooms and tests (ARGS go to pytest)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo --no-cache
	$(BIN)/python -m pytest $(ARGS)

nightly: $(VENV)/.ready-to-test ## Try 2,000 random sequences of commands, and as many of all else that is tried at random
	$(BIN)/python -m pytest tests/domain --hypothesis-profile=nightly $(ARGS)

bench: $(VENV)/.ready ## Measure saves, projections and HTTP (one of them: ARGS=append)
	$(BIN)/recourse bench $(or $(ARGS),all)

clean: ## Remove the environment and everything that was built; homes with data stay
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

lock: $(VENV)/.ready ## Pin what setup.cfg asks for anew, with hashes (run it with Python 3.11)
	$(PIP) install pip-tools
	$(COMPILE) --output-file requirements/runtime.txt setup.cfg
	$(COMPILE) --extra test --constraint requirements/runtime.txt --output-file requirements/test.txt setup.cfg
	echo 'setuptools>=77' | $(COMPILE) --allow-unsafe --output-file requirements/build.txt -

# No registry and no machine of ours may enter the lock files.
COMPILE := $(BIN)/pip-compile --quiet --generate-hashes --strip-extras --no-header --no-emit-index-url \
	--no-emit-find-links --no-emit-trusted-host $(ARGS)

$(BIN)/python:
	@python=; for candidate in $(PYTHON) python3 python3.13 python3.12 python3.11; do \
		if $$candidate -c '$(NEWEST_ENOUGH)' 2>/dev/null; then python=$$candidate; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
		echo 'Recourse needs Python 3.11 or newer with its venv module, and found none.' >&2; \
		echo 'On Debian or Ubuntu: apt-get install python3 python3-venv; or name one: make setup PYTHON=/path/to/python3' >&2; \
		exit 1; \
	fi; \
	echo "Creating $(VENV) with $$($$python --version)"; \
	$$python -m venv --clear $(VENV)

$(VENV)/.ready: requirements/runtime.txt requirements/build.txt setup.cfg pyproject.toml | $(BIN)/python
	@echo 'Installing the pinned packages'
	@$(PIP) install --require-hashes -r requirements/build.txt -r requirements/runtime.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.ready-to-test: requirements/test.txt $(VENV)/.ready
	@echo 'Installing what the tests need'
	@$(PIP) install --require-hashes -r requirements/test.txt
	@touch $@
