#!/bin/sh
# front.sh BIN setup|link|check|test: the JupyterLab extension's doors; without Node.js they say so and do nothing.
set -eu
bin=$(cd "$1" && pwd)
cd "$(dirname "$0")/../extension"
built=../nbflow/labextension
if ! command -v npm >/dev/null 2>&1; then
    if [ "${NBFLOW_REQUIRE_ALL:-}" = 1 ]; then
        echo "Node.js is not installed, though NBFLOW_REQUIRE_ALL=1" >&2
        exit 1
    fi
    echo "→ left out, since Node.js is not installed: the JupyterLab extension ($2)"
    exit 0
fi
PATH="$bin:$PATH"
export PATH
packages() {
    if ! cmp -s package-lock.json node_modules/.nbflow; then
        echo "→ installing what the JupyterLab extension is built with (a minute or two the first time)"
        npm ci --silent
        cp package-lock.json node_modules/.nbflow
    fi
}
is_built() {
    [ -f $built/package.json ] && [ -z "$(find src style schema package.json package-lock.json \
        ../nbflow/render/tokens.json ../nbflow/render/picture.css ../nbflow/render/times.mjs \
        -newer $built/package.json -print -quit)" ]
}
# Where this environment's Jupyter looks; a link, so that a build is seen without another installation.
link() {
    place="$bin/../share/jupyter/labextensions/@jupyter-nbflow"
    mkdir -p "$place"
    [ -L "$place/extension" ] || rm -rf "$place/extension"
    ln -sfn "$PWD/$built" "$place/extension"
}
case $2 in
    setup)
        packages
        if ! is_built; then
            echo "→ building the JupyterLab extension"
            npm run --silent build:prod >build.log 2>&1 || { cat build.log >&2; exit 1; }
            rm -f build.log
        fi
        link ;;
    # For an environment beside the one that it was built in.
    link) if [ -f $built/package.json ]; then link; else echo "→ left out: the JupyterLab extension is not built"; fi ;;
    check)
        packages
        npm run --silent check
        npm run --silent types -- --check >/dev/null 2>&1 || {
            echo "src/api/schema.ts is stale: run npm run types in extension/" >&2
            exit 1
        } ;;
    test)
        packages
        npm test --silent ;;
esac
