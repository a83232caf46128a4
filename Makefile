# `make lab` opens the tour, `make test` runs everything. Both set up the machine first, which needs Python 3.11 or newer.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
export PATH := $(CURDIR)/.venv/bin:$(CURDIR)/node_modules/.bin:$(PATH)

ROOT := $(shell [ "$$(id -u)" = 0 ] && echo --allow-root)
READY := .venv/.ready
BUNDLE := nnwidgets/static/runtime.js
SOURCES := $(shell find js/src -type f) js/build.mjs package-lock.json

.PHONY: setup lab test bench train check check-python check-types check-front build clean

setup: $(READY) $(BUNDLE)

$(READY): tools/setup.sh pyproject.toml constraints.txt package-lock.json hatch_build.py
	tools/setup.sh
	touch $@

$(BUNDLE): $(SOURCES) | $(READY)
	node js/build.mjs

# Lab's settings here are defaults of this one server: the user's own settings stay as they are, and win.
lab: setup
	jupyter lab $(ROOT) --LabApp.app_settings_dir=jupyter-config/lab notebooks/00_tour.ipynb

check: check-python check-types check-front

check-python: setup
	ruff check
	ruff format --check

check-types: setup
	mypy

check-front: setup
	npm run --silent check

test: setup
	tools/test.sh

bench: setup
	python tests/benchmarks/run.py

# Makes notebooks/weights anew: the models that the notebooks load.
train: setup
	python tools/train.py

build: setup
	python -m build --outdir dist

clean:
	rm -rf .venv node_modules nnwidgets/static dist .mypy_cache .ruff_cache .pytest_cache
