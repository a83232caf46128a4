#!/usr/bin/env bash
# Every check and every test, each of them also when an earlier one failed, then one plain summary. Run by `make test`.
set -uo pipefail
cd "$(dirname "$0")/.."

# One thread: a small model is faster with it beside a browser on two cores, and its bits do not depend on the machine.
export OMP_NUM_THREADS=1

names=() results=() passed=0 failed=0
stage() {
  local name=$1 start=$SECONDS result=passed
  shift
  echo "== $name"
  "$@" || result=FAILED
  if [ $result = passed ]; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
  names+=("$name")
  results+=("$result in $((SECONDS - start)) s")
}

stage check make --no-print-directory --keep-going check
stage vitest vitest run
# Two at once, a file to each; those that drive a browser or a kernel keep the machine to themselves.
stage pytest python -m pytest --numprocesses 2 --dist loadfile --ignore tests/browser --ignore tests/notebooks --durations=10
stage browser python -m pytest tests/browser tests/notebooks --durations=10

echo
for i in "${!names[@]}"; do printf '%-7s %s\n' "${names[$i]}" "${results[$i]}"; done
echo "stages: $passed passed, $failed failed"
[ "$failed" = 0 ]
