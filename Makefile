# `make lab` opens the tour, `make test` runs everything; both set up the machine first. Nothing is needed but Python 3.11+.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
export PATH := $(CURDIR)/.venv/bin:$(CURDIR)/node_modules/.bin:$(PATH)

ROOT := $(shell [ "$$(id -u)" = 0 ] && echo --allow-root)
READY := .venv/.ready
BUNDLE := nnwidgets/static/runtime.js
SOURCES := $(shell find js/src -type f) js/build.mjs package-lock.json

.PHONY: setup lab test bench check build clean

setup: $(READY) $(BUNDLE)

$(READY): tools/setup.sh pyproject.toml constraints.txt package-lock.json hatch_build.py
	tools/setup.sh
	touch $@

$(BUNDLE): $(SOURCES) | $(READY)
	node js/build.mjs

# Lab's settings here are defaults of this one server: the user's own settings stay as they are, and win.
lab: setup
	jupyter lab $(ROOT) --LabApp.app_settings_dir=jupyter-config/lab notebooks/00_tour.ipynb

check: setup
	ruff check
	ruff format --check
	mypy
	npm run --silent check

test: setup
	tools/test.sh

bench: setup
	python tests/benchmarks/run.py

build: setup
	python -m build --outdir dist

clean:
	rm -rf .venv node_modules nnwidgets/static dist .mypy_cache .ruff_cache .pytest_cache
