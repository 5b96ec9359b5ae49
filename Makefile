# Every task in a line or three; `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

# The distribution's own comes first: it is built by profile, and a fifth faster than most others.
PYTHON ?= $(firstword $(shell for one in /usr/bin/python3.11 python3.11 python3; do \
  $$one -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>&- && echo $$one; done) python3)
BIN := .venv/bin
READY := .venv/.ready
TYPED := $(wildcard connector adapters deploy tests)

.PHONY: all
all: $(READY) ## put the command at .venv/bin/eslabon

$(READY): requirements.lock pyproject.toml deploy/need
	@deploy/need 'Python 3.11 or newer with venv' python3-venv -- $(PYTHON) -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.PHONY: broker
broker:
	@deploy/need --optional "an MQTT broker" mosquitto -- bash -c 'PATH="$$PATH:/usr/sbin" command -v mosquitto'

.PHONY: demo
demo: $(READY) broker ## four companies here, from a plant's files to an OEM's twins; KEEP=1, STOP=1
	@$(BIN)/python -m deploy.demo.demo $(if $(KEEP),--keep) $(if $(STOP),--stop)

.PHONY: test
test: $(READY) broker ## every test but benchmarks, journeys with real processes included
	$(BIN)/pytest -m "not benchmark and not conformance" $(ARGS)

.PHONY: conformance
conformance: $(READY) ## official kits and generators against us (Java 21, Maven); reports in build/conformance
	$(BIN)/pytest -v -m conformance -o junit_family=xunit1 --junitxml=build/conformance/junit.xml $(ARGS)

.PHONY: bench
bench: $(READY) ## measure beside floors and an Eclipse connector (Java, Maven, wrk); writes docs/benchmarks.md (15 minutes)
	$(BIN)/python -m tests.benchmarks

.PHONY: quick
quick: $(READY) ## the tests to run while typing: no journeys
	$(BIN)/pytest -q -m "not journey and not benchmark and not conformance" $(ARGS)

.PHONY: check
check: $(READY) ## format, lint, types, spelling, imports, architecture
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy $(TYPED)
	$(BIN)/codespell
	$(BIN)/lint-imports --no-logo
	$(BIN)/pytest -q tests/architecture

.PHONY: format
format: $(READY) ## set the code as the formatter wants it
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: reference
reference: $(READY) ## write the pages and the schema that are made from the code
	$(BIN)/python -m connector.cli.reference

.PHONY: lock
lock: $(READY) ## choose newest versions for requirements.lock, with hashes
	$(BIN)/pip install --quiet pip-tools
	env -u PIP_FIND_LINKS CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile --quiet --upgrade \
	  --generate-hashes --extra dev --strip-extras --allow-unsafe \
	  --no-emit-index-url --no-emit-trusted-host --no-emit-find-links \
	  --output-file requirements.lock pyproject.toml

.PHONY: help
help: ## what can be made
	@sed -nE 's/^([a-z]+):[^#]*## (.*)$$/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16
