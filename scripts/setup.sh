#!/bin/sh
# setup.sh PYTHON VENV dev|demo|lowest: a virtual environment from nothing; quick when nothing changed.
set -eu
python=$1 venv=$2 kind=$3
if [ -z "$python" ]; then
    echo "Python 3.11 or newer is needed; say which with make PYTHON=/path/to/python" >&2
    exit 1
fi
stamp="$venv/.nbflow-$kind"
full="$venv/.nbflow-dev"
for done in "$stamp" "$full"; do
    if [ -f "$done" ] && [ "$done" -nt pyproject.toml ]; then exit 0; fi
done
if [ ! -x "$venv/bin/python" ]; then
    echo "→ making $venv with $("$python" --version)"
    "$python" -m venv "$venv"
fi
case $kind in
    lowest) echo "→ installing nbflow with the oldest releases that pyproject.toml allows"
        set -- --group test -e ".[examples,postgresql,mariadb]" ;;
    dev) echo "→ installing nbflow and the tools to develop it (a few minutes the first time)"
        set -- --group dev --group docs -e ".[examples,jupyter,postgresql,mariadb]" ;;
    *) echo "→ installing nbflow and what its examples need (a minute or two the first time)"
        set -- -e ".[examples]" ;;
esac
"$venv/bin/python" -m pip --version | grep -qE '^pip (2[5-9]|[3-9][0-9])' \
    || "$venv/bin/python" -m pip install --quiet --quiet --disable-pip-version-check --upgrade "pip>=25.1"
if [ "$kind" = lowest ]; then
    # Only what nbflow itself names is old; the test tools and what others need are as new as they go with it.
    "$venv/bin/python" -m pip install --quiet --quiet --disable-pip-version-check uv
    "$venv/bin/uv" pip compile --quiet --resolution lowest-direct --python "$venv/bin/python" \
        --extra examples --extra postgresql --extra mariadb pyproject.toml --output-file "$venv/lowest.txt"
    set -- --constraint "$venv/lowest.txt" "$@"
fi
# Through the link that scripts/front.sh made pip would write into what was built.
extension="$venv/share/jupyter/labextensions/@jupyter-nbflow/extension"
[ ! -L "$extension" ] || rm "$extension"
# The JupyterLab extension is built by scripts/front.sh, not with each installation.
SKIP_JUPYTER_BUILDER=1 "$venv/bin/python" -m pip install --quiet --quiet --disable-pip-version-check "$@"
touch "$stamp"
echo "→ $("$venv/bin/python" -m nbflow version)"
