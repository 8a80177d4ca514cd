# make book | test | test-processors | test-broken | test-browser | test-colab | test-backends |
# faults | fuzz | determinism | lint | serve | pdf | bench | labs | dogs | drawn-weights |
# handouts | lock | publish | clean
# Each of them sets up .venv first, once, and again when pyproject.toml or the lock changes.
# Colab's versions and Keras' other backends have environments of their own beside it.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PRECIOUS: .venv-%/.installed
.SUFFIXES:
# What one of many processes has compiled the others load.
unexport PYTHONDONTWRITEBYTECODE

VENV ?= .venv
BIN := $(VENV)/bin
PORT ?= 8000

# The first interpreter that runs, is of a supported version and can make environments.
ifndef PYTHON
PYTHON := $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
	2>/dev/null && echo $$python && break; done)
endif

# PyTorch is several GB in its usual build, so it is tested where it was asked for once.
BACKENDS ?= jax $(if $(wildcard .venv-torch/.installed),torch)
TESTS_OF_THE_LIBRARY = $(patsubst labs/%.ipynb,tests/%,$(wildcard labs/*.ipynb)) \
	tests/test_questions.py tests/test_package.py tests/test_without_tensorflow.py labkit

# Several processes share the tests. The tests of a file stay together, because they share what is
# costly to prepare, and the cells of a lab because they follow each other.
SHARED = -n auto --dist loadfile --no-loadscope-reorder

# Colab's own Python if it is here; else the one that serves for the rest.
COLAB_PYTHON := $(or $(shell python3.13 -c 'import venv, ensurepip' 2>/dev/null && echo python3.13),$(PYTHON))
ifneq ($(origin PYTHON),file)
COLAB_PYTHON := $(PYTHON)
endif
COLAB_PYTHON_DIFFERS = colab=$$(sed -n 's/^\# Python //p' tests/colab/requirements.txt); \
	here=$$(.venv-colab/bin/python -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
	[ "$$colab" = "$$here" ] || echo "Colab has Python $$colab; this is $$here, all else being Colab's"

TEST_PACKAGES = $(PYTHON) -c 'import tomllib; \
	project = tomllib.load(open("pyproject.toml", "rb"))["project"]; \
	print(*(r for r in project["optional-dependencies"]["test"] if not r.startswith(("tensor", "ruff"))))'

# pip tells what it fetches and builds; what it merely looks at is left out.
PIP_INSTALL = $(BIN)/python -m pip install --disable-pip-version-check --no-input \
	--constraint requirements.lock
SAY_LESS = awk '!/^ *(Requirement already|Collecting|Using cached|Looking|Processing|Obtaining|Getting|Preparing|Checking|Installing build|Created|Stored)/ { print substr($$0, 1, 120); fflush() }'

.PHONY: help book test test-processors test-broken test-browser test-colab test-backends faults fuzz \
	determinism lint serve pdf bench labs dogs drawn-weights handouts lock publish clean

help:  ## say what there is (the default)
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

book: $(VENV)/.book  ## run the labs on the embedded data and render the book to _build/html
	$(BIN)/jupyter-book build . -W -n --keep-going

# A lab keeps one process busy for long, so the unit tests run beside it.
test: $(VENV)/.book  ## run the unit tests and every cell of every lab, then all examples twice
	$(BIN)/python -m pytest $(SHARED) --nbval tests labs
	$(BIN)/python tests/determinism/other_processors.py --doctests

test-processors: $(VENV)/.book  ## run what computes in floating point as four processors would
	$(BIN)/python tests/determinism/other_processors.py

# The packages before the book, whose results would be stale once others are installed.
# The tests of the PDF print it as `make pdf` does.
test-browser: $(VENV)/.browser book  ## build the book; every page in Chromium, Firefox and WebKit if here; the PDF
	$(BIN)/python -m pytest -n auto --no-loadscope-reorder -m browser tests/browser

test-broken: $(VENV)/.book  ## break every input in each kind that is known, one line for each test
	$(BIN)/python -m pytest -v tests/faults/test_broken_*.py

faults: $(VENV)/.book  ## kill fetch, reorganise and training 200 times (KILLS=200 SEED=2021)
	PYTHONPATH=tests $(BIN)/python tests/faults --kills $(or $(KILLS),200) --seed $(or $(SEED),2021)

fuzz: $(VENV)/.book  ## attack checker and analyse (MINUTES=10 or STRINGS=9999; ANSWERS=20000; MODELS=3000; SEED=1)
	$(BIN)/python tests/fuzz/fuzz_formulas.py $(if $(MINUTES),--minutes $(MINUTES)) \
		$(if $(STRINGS),--strings $(STRINGS)) $(if $(SEED),--seed $(SEED))
	$(BIN)/python tests/fuzz/mutants.py --answers $(or $(ANSWERS),20000) $(if $(SEED),--seed $(SEED))
	$(BIN)/python tests/fuzz/fuzz_models.py --models $(or $(MODELS),3000) $(if $(SEED),--seed $(SEED))

determinism: $(VENV)/.book  ## run both labs twice and compare every number they print
	$(BIN)/python tests/determinism/compare_runs.py $(or $(LABS),$(wildcard labs/*.ipynb))

# First as in a fresh runtime, where the set-up cell installs labkit. Then with these files: all
# tests but those of the book and its answers in the page, which Colab cannot build.
test-colab: .venv-colab/.installed  ## run the set-up cell, the tests and the labs in Colab's versions
	@$(COLAB_PYTHON_DIFFERS)
	.venv-colab/bin/python -m pip uninstall --quiet --yes labkit
	.venv-colab/bin/python -m pytest -m colab tests/colab
	.venv-colab/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	.venv-colab/bin/python -m pytest $(SHARED) --ignore=tests/browser --ignore-glob='tests/test_book*' \
		--ignore=tests/test_live_answers.py
	.venv-colab/bin/python -m pytest $(SHARED) --nbval labs/

test-backends: $(BACKENDS:%=test-on-%)  ## run library and labs without TensorFlow (BACKENDS="jax torch")

test-on-%: .venv-%/.installed
	KERAS_BACKEND=$* .venv-$*/bin/python -m pytest $(SHARED) $(TESTS_OF_THE_LIBRARY)
	KERAS_BACKEND=$* .venv-$*/bin/python -m pytest $(SHARED) --nbval labs/

lint: $(VENV)/.book  ## check style and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

serve: book  ## show the book on this machine (PORT=8000)
	$(BIN)/python book/_scripts/serve.py $(PORT)

pdf: $(VENV)/.browser book  ## build the book and print it to _build/book.pdf (Chromium)
	$(BIN)/python book/_scripts/print_book.py

bench: $(VENV)/.bench  ## measure everything against its rivals, and write the records
	$(BIN)/python -m benchmarks

labs: $(VENV)/.book  ## run the notebooks in place and store clean outputs (LABS=labs/NAME.ipynb)
	$(BIN)/python book/_scripts/execute_labs.py $(or $(LABS),$(wildcard labs/*.ipynb))

dogs: $(VENV)/.book  ## draw lab 1's dogs again: their archive and flaws, the picture of the pages
	PYTHONPATH=tools $(BIN)/python -m draw_dogs

drawn-weights: $(VENV)/.book  ## train the small base again, on drawn dogs of 100 other breeds
	PYTHONPATH=tools $(BIN)/python -m draw_dogs.pretraining

handouts: $(VENV)/.handouts  ## write the labs without answers to _build/handouts; prove they run
	$(BIN)/python -m pytest -m handouts tests/test_handouts.py
	$(BIN)/python book/_scripts/write_handouts.py $(or $(LABS),$(wildcard labs/*.ipynb)) _build/handouts

lock:  ## resolve the newest versions under the oldest Python, python3.11, into requirements.lock
	$(or $(LOCK_PYTHON),python3.11) book/_scripts/lock_versions.py

publish: $(VENV)/.book  ## put the book under your own address: URL=https://github.com/…
	$(BIN)/python book/_scripts/publish.py "$(URL)"

clean:  ## remove what was built; .venv stays
	rm -rf _build .pytest_cache .ruff_cache .hypothesis labs/.ipynb_checkpoints

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "No Python 3.11, 3.12 or 3.13 with the venv module was found." \
		"Install one, or name it: make PYTHON=/path/to/python3" >&2; exit 1; }
	@echo "Making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv --clear $(VENV)

# One stamp for each set of extras. The versions are those of the lock; what only another
# platform needs is not in it and comes in its newest version.
$(VENV)/.book: $(BIN)/python pyproject.toml requirements.lock
	@echo "Installing the book's packages into $(VENV): some 300 MB to fetch, once"
	@$(PIP_INSTALL) --editable ".[book,test,kaggle]" | $(SAY_LESS)
	@touch $@

.venv-colab/.installed: tests/colab/requirements.txt pyproject.toml
	@echo "Making .venv-colab with $$($(COLAB_PYTHON) --version): some 400 MB to fetch, once"
	@$(COLAB_PYTHON) -m venv --clear .venv-colab
	@.venv-colab/bin/python -m pip install --disable-pip-version-check --no-input \
		--requirement tests/colab/requirements.txt --editable ".[test,kaggle]" | $(SAY_LESS)
	@touch $@

# What the tests need, but no TensorFlow: nothing may need it here.
.venv-%/.installed: pyproject.toml requirements.lock tests/backends/constraints.txt
	@echo "Making .venv-$* with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv --clear .venv-$*
	@.venv-$*/bin/python -m pip install --disable-pip-version-check --no-input \
		--constraint requirements.lock --constraint tests/backends/constraints.txt \
		--editable . $* $$($(TEST_PACKAGES)) | $(SAY_LESS)
	@touch $@

$(VENV)/.browser: $(VENV)/.book
	@echo "Installing what drives a browser into $(VENV)"
	@$(PIP_INSTALL) --editable ".[browser]" | $(SAY_LESS)
	@touch $@

$(VENV)/.bench: $(VENV)/.book
	@echo "Installing the benchmarks' packages into $(VENV)"
	@$(PIP_INSTALL) --editable ".[bench]" | $(SAY_LESS)
	@touch $@

$(VENV)/.handouts: $(VENV)/.book
	@echo "Installing nbgrader into $(VENV), and the JupyterLab that comes with it"
	@$(PIP_INSTALL) --editable ".[handouts]" | $(SAY_LESS)
	@touch $@
