# Everything happens in .venv, from hash-pinned requirements; a second call finds it ready.
VENV := .venv
PYTHON := $(VENV)/bin/python
# An empty environment has no PATH either.
export PATH := $(if $(PATH),$(PATH),/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin)
PIP := $(VENV)/bin/pip --disable-pip-version-check --quiet

.PHONY: demo test check bench lab servers laboratory sstp parser lock clean

demo: $(VENV)/.plots  ## see it work on an embedded internet
	@$(VENV)/bin/probe demo

test: check servers laboratory sstp parser  ## all checks and all tests, four files at a time
	$(PYTHON) -m pytest -q -n 4 --dist loadfile --no-loadscope-reorder

check: $(VENV)/.development  ## style, types, and who may import whom
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check --quiet .
	$(VENV)/bin/mypy
	@MYPYPATH=bench:tests $(VENV)/bin/mypy bench/*.py
	$(VENV)/bin/lint-imports --no-logo

bench: $(VENV)/.development  ## timings, CPU and sizes, side by side with other tools
	sh bench/setup.sh
	$(PYTHON) bench/run.py
	$(PYTHON) bench/long.py

lab: $(VENV)/.development servers laboratory  ## how often verdicts are right, with a censor on the path (needs root)
	PYTHONPATH=tests $(PYTHON) -m lab.score $(LAB)

servers:  ## the real servers that tests use, from Debian (needs root; else those tests are skipped)
	@sh tests/servers.sh

# It is built from source, against Debian's headers: without root there is neither, nor a laboratory.
laboratory: $(VENV)/.development servers
	@if [ "$$(id -u)" -ne 0 ]; then echo "laboratory: needs root; its tests are skipped"; \
	else $(MAKE) --silent $(VENV)/.laboratory; fi

$(VENV)/.laboratory: requirements-lab.txt
	@$(PIP) install --require-hashes --no-build-isolation -r requirements-lab.txt
	@touch $@

# The SSTP server of the tests is no package of Debian's; its one module in C is built here.
sstp: $(VENV)/.development servers
	@if [ "$$(id -u)" -ne 0 ]; then echo "sstp: needs root; its tests are skipped"; \
	else $(MAKE) --silent .venv-sstp/.ready; fi

.venv-sstp/.ready: tests/vpn/requirements.txt
	@$(PIP) install --require-hashes --no-build-isolation --no-deps --upgrade --target .venv-sstp -r $<
	@touch $@

# OONI's own parser, which the export is held against, wants versions that nothing else does.
parser: .venv-oonidata/.ready

.venv-oonidata/.ready: tests/oonidata/requirements.txt
	@python3 -m venv .venv-oonidata
	@.venv-oonidata/bin/pip --disable-pip-version-check --quiet install --require-hashes -r $<
	@touch $@

$(VENV)/.plots: $(VENV)/.runtime requirements-plots.txt
	@$(PIP) install --require-hashes -r requirements-plots.txt
	@touch $@

$(VENV)/.runtime: requirements.txt requirements-build.txt pyproject.toml
	@echo "setting up $(VENV), once"
	@python3 -m venv $(VENV)
	@$(PIP) install --require-hashes -r requirements.txt -r requirements-build.txt
	@$(PIP) install --no-build-isolation --no-deps --editable .
	@touch $@

$(VENV)/.development: $(VENV)/.runtime requirements-dev.txt
	@$(PIP) install --require-hashes -r requirements-dev.txt
	@touch $@

lock: $(VENV)/.runtime  ## pin the newest versions that pyproject.toml allows
	$(PIP) install uv
	$(VENV)/bin/uv pip compile $(LOCK) pyproject.toml -o requirements.txt
	$(VENV)/bin/uv pip compile $(LOCK) --group build -o requirements-build.txt
	$(VENV)/bin/uv pip compile $(LOCK) --group build --group dev pyproject.toml -o requirements-dev.txt
	$(VENV)/bin/uv pip compile $(LOCK) --group lab -o requirements-lab.txt
	$(VENV)/bin/uv pip compile $(LOCK) --extra plots pyproject.toml -o requirements-plots.txt
	$(VENV)/bin/uv pip compile $(LOCK) --extra server --extra alerts --extra quic pyproject.toml -o deploy/requirements.txt
	$(VENV)/bin/uv pip compile $(LOCK) tests/oonidata/requirements.in -o tests/oonidata/requirements.txt
	$(VENV)/bin/uv pip compile $(LOCK) tests/vpn/requirements.in -o tests/vpn/requirements.txt

LOCK := --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate

clean:
	rm -rf $(VENV) .venv-oonidata .venv-sstp .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
