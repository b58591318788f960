#!/bin/sh
# Drives the browsers against the three example servers, as `make server python node` builds them.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
exec node "$root/tests/browsers/run.mjs" \
  --server "c=$root/tests/out/server" \
  --server "python=$root/.venv/bin/python $root/bindings/python/examples/server.py" \
  --server "node=node $root/bindings/node/examples/server.cjs"
