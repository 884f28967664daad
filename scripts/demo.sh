#!/bin/sh
# demo.sh BIN: the main job on a real example, in a home of its own.
set -eu
bin=$1
NBFLOW_HOME=${NBFLOW_DEMO_HOME:-$PWD/.demo}
export NBFLOW_HOME
unset PYTHONDONTWRITEBYTECODE
notebook=example_notebooks/retraining.ipynb
bold="" plain=""
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$(printf '\033[1m') plain=$(printf '\033[0m'); fi
say() { printf '\n%s→ %s%s\n' "$bold" "$*" "$plain"; }
run() {
    say "nbflow $*"
    "$bin/nbflow" "$@"
}
mkdir -p "$NBFLOW_HOME"
run db init
run lint "$notebook"
run show "$notebook" --format text
run show "$notebook" --output "$NBFLOW_HOME/retraining.svg"
run run "$notebook" --output "$NBFLOW_HOME/retraining.executed.ipynb"
run runs list
say "where things are"
echo "picture            $NBFLOW_HOME/retraining.svg"
echo "executed notebook  $NBFLOW_HOME/retraining.executed.ipynb"
echo "metastore          $NBFLOW_HOME/nbflow.db"
