# make demo   the main job on embedded data: prints the equation, writes runs/demo-respiration
# make test   lint, types and tests        make bench   timings        make clean
# make soak   altered files, edits, kills, hostile files and units, for an hour
# make test-oldest   a part of the tests with the oldest dependencies that are allowed
# make dist-check    wheel and sdist built twice, installed alone, demo run elsewhere
# make licences      docs/licences.md, the licences of all dependencies
# make docs   the manual as a website in site/, every link checked
# make manual every block of code of the manual and its notebooks, run
#
# Both create .venv and install the versions of constraints.txt, and only when something
# changed. pip's own settings (PIP_INDEX_URL, PIP_EXTRA_INDEX_URL, PIP_FIND_LINKS, pip.conf,
# ...) are honoured; PYTHON=python3.12 chooses the interpreter.

PYTHON ?= python3
VENV ?= .venv
OLDEST ?= .venv-oldest
WORKERS ?= 2
OUT ?= runs/demo-respiration

# two processes that each take every core are slower than two that take one
ONE_THREAD := OMP_NUM_THREADS=1 MKL_NUM_THREADS=1
BIN := $(VENV)/bin

# whatever the environment says: a start without compiled files compiles hundreds of them
export PYTHONDONTWRITEBYTECODE :=
INSTALL := $(BIN)/python -m pip install --quiet --constraint constraints.txt

.PHONY: demo test test-oldest dist-check licences lint docs manual bench clean soak
.DELETE_ON_ERROR:

demo: $(VENV)/.installed
	$(ONE_THREAD) $(BIN)/sciren demo respiration --out $(OUT) --overwrite

test: lint
	$(ONE_THREAD) $(BIN)/python -m pytest -n $(WORKERS) --durations=10

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python

docs: $(VENV)/.installed-docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict

manual: $(VENV)/.installed-dev
	$(ONE_THREAD) $(BIN)/python -m pytest -m "slow or not slow" -n $(WORKERS) tests/docs

bench: $(VENV)/.installed
	$(ONE_THREAD) $(BIN)/python -m benchmarks

soak: $(VENV)/.installed-dev
	$(ONE_THREAD) $(BIN)/python -m benchmarks.reliability

test-oldest: $(OLDEST)/.installed
	$(ONE_THREAD) $(OLDEST)/bin/python -m pytest -p no:cacheprovider -W default -m oldest

dist-check: $(VENV)/.installed
	$(ONE_THREAD) $(BIN)/python -m release.check

licences: $(VENV)/.installed
	$(BIN)/python -m release.licences

# the tools of the tests are those of today
$(OLDEST)/.installed: pyproject.toml constraints.txt | $(VENV)/.created
	$(PYTHON) -m venv $(OLDEST)
	$(BIN)/python -m release.oldest > $(OLDEST)/oldest.txt
	$(OLDEST)/bin/python -m pip install --quiet --constraint $(OLDEST)/oldest.txt \
	  --editable . pytest hypothesis
	@touch $@

$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and \
	  "Python 3.11 or newer is needed, %s is %s: make PYTHON=python3.12" \
	  % (sys.executable, sys.version.split()[0]))'
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.installed: pyproject.toml constraints.txt | $(VENV)/.created
	$(INSTALL) --editable .
	@touch $@

# holds everything that .installed holds, so that a later `make demo` has nothing to do
$(VENV)/.installed-dev: pyproject.toml constraints.txt | $(VENV)/.created
	$(INSTALL) --editable ".[dev]"
	@touch $(VENV)/.installed $@

docs/shelf.md: $(VENV)/.installed  ## the manual's page of the shelf, from the declarations
	$(VENV)/bin/python -c 'from pathlib import Path; from discovery.shelf.page import write_shelf_page; write_shelf_page(Path("docs"))'

$(VENV)/.installed-docs: pyproject.toml constraints.txt | $(VENV)/.created
	$(INSTALL) --editable ".[docs]"
	@touch $(VENV)/.installed $@

clean:
	rm -rf $(VENV) $(OLDEST) build site *.egg-info .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
