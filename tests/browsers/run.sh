#!/bin/sh
# Drives the browsers against the example servers, as `make server python node` builds them.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
exec node "$root/tests/browsers/run.mjs" \
  --s3 "$root/.venv/bin/python" \
  --server "c=$root/tests/out/server" \
  --server "cpp=$root/tests/out/server-cpp" \
  --server "nginx=$root/.venv/bin/python $root/tests/nginx/server.py" \
  --server "apache=$root/.venv/bin/python $root/tests/apache/server.py" \
  --server "python=$root/.venv/bin/python $root/bindings/python/examples/server.py" \
  --server "fastapi=$root/.venv/bin/python $root/bindings/python/examples/fastapi_server.py" \
  --server "starlette=$root/.venv/bin/python $root/bindings/python/examples/starlette_server.py" \
  --server "flask=$root/.venv/bin/python $root/bindings/python/examples/flask_server.py" \
  --server "django=$root/.venv/bin/python $root/bindings/python/examples/django_server.py" \
  --server "aiohttp=$root/.venv/bin/python $root/bindings/python/examples/aiohttp_server.py" \
  --server "node=node $root/bindings/node/examples/server.cjs" \
  --server "express4=env NODE_PATH=$root/tests/node/node_modules node $root/bindings/node/examples/express.cjs --framework express4" \
  --server "express5=env NODE_PATH=$root/tests/node/node_modules node $root/bindings/node/examples/express.cjs --framework express5" \
  --server "fastify=env NODE_PATH=$root/tests/node/node_modules node $root/bindings/node/examples/fastify.cjs" \
  --server "koa=env NODE_PATH=$root/tests/node/node_modules node $root/bindings/node/examples/koa.cjs" \
  --server "hono=env NODE_PATH=$root/tests/node/node_modules node $root/bindings/node/examples/hono.cjs"
