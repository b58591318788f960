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
"$PYTHON" -m mypy --strict --package corsac
examples=$root/bindings/python/examples
MYPYPATH=$MYPYPATH:$examples "$PYTHON" -m mypy --strict \
  "$examples/flask_server.py" "$examples/django_server.py" "$examples/aiohttp_server.py" \
  "$examples/fastapi_server.py" "$examples/starlette_server.py" "$examples/s3_gateway.py" \
  "$root/tests/python/typed_servers.py"
# It fetches itself from npm the first time.
PYRIGHT_PYTHON_IGNORE_WARNINGS=1 "$PYTHON" -m pyright --pythonpath "$PYTHON" --project "$root/bindings/python"
"$PYTHON" -m mypy.stubtest corsac
