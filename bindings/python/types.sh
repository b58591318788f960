#!/bin/sh
# Checks the types: the stubs against the module that was built, and code that uses them.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
PYTHON=${PYTHON:-$root/.venv/bin/python}
PYTHONPATH=$root/bindings/python/python
MYPYPATH=$PYTHONPATH
export PYTHONPATH MYPYPATH
# mypy keeps its cache where it runs.
mkdir -p "$root/tests/out"
cd "$root/tests/out"
"$PYTHON" -m mypy --strict "$root/bindings/python/examples/server.py" "$root/tests/conformance/python/typed.py"
"$PYTHON" -m mypy.stubtest corsac
