#!/bin/sh
# check.sh BIN: everything that can be said without running a notebook. All are run, then the verdict.
set -u
unset PYTHONDONTWRITEBYTECODE
bin=$1 failed=""
step() {
    name=$1
    shift
    printf '→ %s\n' "$name"
    "$@" || failed="$failed $name,"
}
# Beside what follows: it takes as long as mypy, and neither uses two cores.
sh scripts/front.sh "$bin" check >.extension.log 2>&1 &
front=$!
step "ruff check" "$bin/ruff" check --quiet .
step "ruff format" "$bin/ruff" format --check --quiet .
step "mypy" "$bin/mypy" --no-error-summary
step "import contracts" sh -c "'$bin/lint-imports' >.import-contracts.log 2>&1 || { cat .import-contracts.log; exit 1; }"
rm -f .import-contracts.log
step "generated documentation" "$bin/python" docs/generate.py --check
wait "$front"
status=$?
step "JupyterLab extension" sh -c "cat .extension.log; exit $status"
rm -f .extension.log
step "documentation tests" "$bin/pytest" -q -n 2 tests/docs
if [ -n "$failed" ]; then
    echo "✕ failed:${failed%,}" >&2
    exit 1
fi
echo "✓ all checks passed"
