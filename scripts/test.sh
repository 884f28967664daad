#!/bin/sh
# test.sh BIN [PYTEST ARGUMENTS]: one module more at a time than there are cores, since kernels, browsers and servers
# are waited for a third of the time. A module stays in one process, since its tests share a server
# (unless --dist says otherwise); the conftest puts long ones first and names at the end what was left out.
set -eu
bin=$1
shift
unset PYTHONDONTWRITEBYTECODE
workers=$(($("$bin/python" -c 'import os; print(os.cpu_count() or 1)') + 1))
echo "→ running the tests, $workers at a time"
exec "$bin/python" -m pytest -n $workers --dist loadfile --no-loadscope-reorder --durations=20 "$@"
