# Two commands do everything: make demo, make test. Both install what they need into .venv.
PYTHON ?= python3
BIN := .venv/bin
# As the command does for itself: threads come from tiles, not from BLAS.
export OPENBLAS_NUM_THREADS ?= 1

.PHONY: demo test faults lint bench clean

demo: .venv/.installed
	$(BIN)/python tools/demo.py

test: .venv/.installed-dev
	$(BIN)/python -m pytest -n auto --dist loadfile

# The fault tests of the suite at length: 200 kills and what goes with them, some minutes.
faults: .venv/.installed-dev
	UNBLUR_FAULTS=200 $(BIN)/python -m pytest tests/faults

lint: .venv/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/.installed-dev
	$(BIN)/python benchmarks/run_all.py

clean:
	rm -rf .venv out

.venv/.installed: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "unblur needs Python 3.11 or newer")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	$(BIN)/python -m compileall -q pipeline nodes cache numerics
	touch $@

.venv/.installed-dev: .venv/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	touch $@
