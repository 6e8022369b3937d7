# Two commands are enough on a new machine: `make demo` and `make test`.
.DEFAULT_GOAL := help
.PHONY: help setup tools test e2e lint demo bench corpus lock clean

# Without compiled modules each start of the program, and each worker of the tests, would compile them anew.
unexport PYTHONDONTWRITEBYTECODE

PYTEST_ARGS ?=
JOBS ?= 3
UV ?= uv
cache := $(or $(ORCH_CACHE_DIR),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/orch-gates)
bin := .venv/bin
compile := $(UV) pip compile --quiet pyproject.toml --generate-hashes --no-emit-index-url \
	--no-header --no-annotate --universal --python-version 3.11 --extra audit --group build

help: ## show this list
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## /{printf "make %-8s %s\n", $$1, $$2}' Makefile

setup: ## .venv/bin/orch-gates and the tools it uses, ready; quick when nothing changed
	@scripts/setup

tools: ## the real programs that tests need, Gitea among them; five minutes once, where there is Go
	@scripts/install-go-tools
	@scripts/install-debian-tools
	@scripts/install-gitea
	@scripts/install-runner
	@scripts/install-openapi
	@scripts/install-axe

test: setup ## every test, the fast ones first, JOBS=3 files at a time, and the 25 slowest; PYTEST_ARGS="-k name" narrows
	@$(bin)/python -m pytest tests --numprocesses $(JOBS) --dist loadfile --no-loadscope-reorder --durations=25 $(PYTEST_ARGS)

e2e: setup tools ## the tests on a real Gitea only; PYTEST_ARGS="-k name" narrows
	@$(bin)/python -m pytest tests/e2e $(PYTEST_ARGS)

lint: setup ## everything that keeps the house as DESIGN.md describes it
	@PATH="$(CURDIR)/$(bin):$(cache)/bin:$$PATH" scripts/lint

demo: setup ## a leaked key refused, two green branches that break main together, a deploy that is rolled back
	@$(bin)/orch-gates demo

bench: setup ## cost next to bare gitleaks and bare git
	@$(bin)/python -m tests.bench

corpus: setup ## the evasion matrix, and per cent found of what is known to be there
	@$(bin)/python -m tests.corpus

lock: ## renew the hashed locks in requirements/ (needs uv)
	$(compile) --group dev --upgrade --output-file requirements/dev.txt
	$(compile) --constraint requirements/dev.txt --output-file requirements/runtime.txt

clean: ## remove what set-up and the tests left in this checkout
	rm -rf .venv *.egg-info build .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
