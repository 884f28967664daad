#!/bin/sh
# setup.sh PYTHON VENV dev|demo|lowest: a virtual environment from nothing; quick when nothing changed.
set -eu
unset PYTHONDONTWRITEBYTECODE
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
        set -- --group test -e ".[examples,jupyter,postgresql,mariadb]" ;;
    dev) echo "→ installing nbflow and the tools to develop it (a few minutes the first time)"
        set -- --group dev --group docs -e ".[examples,jupyter,postgresql,mariadb]" ;;
    *) echo "→ installing nbflow and what its examples need (a minute or two the first time)"
        set -- -e ".[examples]" ;;
esac
pip() { "$venv/bin/python" -m pip "$@" --quiet --quiet --disable-pip-version-check; }
pip install uv
# What pip takes minutes for; pip itself where uv does not get through, since pip alone reads pip's settings.
install() {
    "$venv/bin/uv" pip install --quiet --python "$venv/bin/python" "$@" 2>"$venv/uv.log" && return
    cat "$venv/uv.log" >&2
    echo "→ once more, with pip"
    pip install --upgrade "pip>=25.1"
    pip install "$@"
}
if [ "$kind" = lowest ]; then
    # Only what nbflow itself names is old; the test tools and what others need are as new as they go with it.
    "$venv/bin/uv" pip compile --quiet --resolution lowest-direct --python "$venv/bin/python" \
        --extra examples --extra jupyter --extra postgresql --extra mariadb pyproject.toml --output-file "$venv/lowest.txt"
    set -- --constraint "$venv/lowest.txt" "$@"
fi
# Through the link that scripts/front.sh made what was built would be overwritten.
extension="$venv/share/jupyter/labextensions/@jupyter-nbflow/extension"
[ ! -L "$extension" ] || rm "$extension"
# The JupyterLab extension is built by scripts/front.sh, not with each installation.
export SKIP_JUPYTER_BUILDER=1
install "$@"
touch "$stamp"
echo "→ $("$venv/bin/python" -m nbflow version)"
