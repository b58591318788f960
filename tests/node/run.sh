#!/bin/sh
# Builds the Node package and tests its adapters in the frameworks themselves: all of it, or the files that are named.
set -eu
folder=$(dirname "$0")

# Before the folder changes: the target folder may be a relative one.
node "$folder/../../bindings/node/scripts/build.mjs"
cd "$folder"
if [ ! -e node_modules/.ready ] || [ package-lock.json -nt node_modules/.ready ]; then
	npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null
	touch node_modules/.ready
fi
[ $# -eq 0 ] || exec node --test-reporter=spec --test "$@"
status=0
node --test-reporter=spec --test ./*.test.mjs || status=1
# And by the public interfaces of node:http alone, as where its inner ones are other than known.
CORSAC_NODE_INTERNALS=off node --test-reporter=spec --test http.test.mjs http2.test.mjs express.test.mjs fastify.test.mjs koa.test.mjs || status=1
exit $status
