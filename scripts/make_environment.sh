#!/bin/sh
# Makes the virtual environment VENV for one purpose: sh scripts/make_environment.sh VENV demo|lab|app|test
# The Python is $PYTHON, else the first fitting one on the path. A stamp VENV/.PURPOSE says it is done.
set -eu
venv=$1
purpose=$2
fits='import sys; raise SystemExit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'

find_python() {
    for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11}; do
        if "$candidate" -c "$fits" >/dev/null 2>&1; then
            command -v "$candidate"
            return
        fi
    done
    echo "No Python 3.11, 3.12 or 3.13 found (tried: ${PYTHON:-python3 python3.13 python3.12 python3.11})." >&2
    echo "  next: install one, or name it: make $purpose PYTHON=/path/to/python3.12" >&2
    return 1
}

case $purpose in
    demo) package=. ;;
    lab) package='.[lab]' ;;
    app) package='.[lab,app]' ;;
    test) package='.[lab,app,neo4j,test]' ;;
    *) echo "unknown purpose: $purpose" >&2; exit 2 ;;
esac

# An environment whose Python is gone or too old is made anew; any other is brought up to date.
if ! "$venv/bin/python" -c "$fits" >/dev/null 2>&1 || ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    python=$(find_python)
    echo "Making $venv with $("$python" --version) ..."
    if ! "$python" -m venv --clear "$venv"; then
        echo "$python cannot make virtual environments." >&2
        echo "  next: install its venv module (Debian, Ubuntu: apt install python3-venv) and repeat." >&2
        exit 1
    fi
fi
echo "Installing the package with its pinned requirements into $venv (a minute or two the first time) ..."
"$venv/bin/python" -m pip install -q --disable-pip-version-check -c constraints.txt -e "$package"
touch "$venv/.$purpose"
