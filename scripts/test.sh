#!/bin/sh
# test.sh BIN [PYTEST ARGUMENTS]: two at a time; the conftest names at the end what was left out.
set -eu
bin=$1
shift
unset PYTHONDONTWRITEBYTECODE
echo "→ running the tests, two at a time"
exec "$bin/python" -m pytest -n 2 --dist worksteal --durations=20 "$@"
