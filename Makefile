# Two commands do everything on a fresh machine: make demo, make test.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SOURCES := $(wildcard setup.py pyproject.toml csrc/*/*.cpp csrc/*/*.h csrc/include/mlmd/*.h csrc/embed/* csrc/fortran/*)

# Threads that wait for one another by spinning cost several times the run time when the cores are shared.
export OMP_WAIT_POLICY ?= passive
export OPENBLAS_NUM_THREADS ?= 1

.PHONY: demo test test-slow lint docs sanitize bench bench-docs clean

demo: $(VENV)/.installed-nn
	$(BIN)/mlmd run examples/skyrmion_switch.toml --out demo_out
	@echo "Open $(CURDIR)/demo_out/report.html; the numbers are in demo_out/outcome.csv"

# Two processes of tests, so that each has one thread for what is not told how many to take.
test: export OMP_NUM_THREADS ?= 1
test: lint
	$(BIN)/python -m pytest -q -n 2 --dist worksteal

test-slow: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -q -m slow

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/mypy

docs: $(VENV)/.installed-dev
	$(BIN)/mkdocs build --strict --quiet
	@echo "The site is in $(CURDIR)/site/index.html"

sanitize: $(VENV)/.installed-dev
	sh tests/run_sanitizers.sh $(CURDIR)/$(BIN)/python

bench: $(VENV)/.installed-dev
	$(BIN)/python -m pytest mlmd/perf/bench_kernels.py --benchmark-only --benchmark-autosave

bench-docs: $(VENV)/.installed-dev
	$(BIN)/python -m mlmd.perf.refresh_docs

clean:
	rm -rf $(VENV) build dist site *.egg-info mlmd/_cpu*.so mlmd/include mlmd/lib mlmd/share demo_out

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip

$(VENV)/.installed: $(VENV)/bin/python $(SOURCES)
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/.installed-nn: $(VENV)/bin/python $(SOURCES)
	$(BIN)/python -m pip install --quiet --editable ".[nn]"
	@touch $@

$(VENV)/.installed-dev: $(VENV)/bin/python $(SOURCES)
	$(BIN)/python -m pip install --quiet --editable ".[dev]"
	@touch $@
