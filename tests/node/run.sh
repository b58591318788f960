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
[ $# -gt 0 ] || set -- ./*.test.mjs
exec node --test-reporter=spec --test "$@"
