#!/bin/sh
# Builds the Node package, checks its types and runs its tests.
set -eu
package=$(dirname "$0")/../../../bindings/node

# Before the folder changes: the target folder may be a relative one.
node "$package/scripts/build.mjs"
cd "$package"
if [ ! -e node_modules/.ready ] || [ package-lock.json -nt node_modules/.ready ]; then
	npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null
	touch node_modules/.ready
fi
npm run --silent types
exec node --test-reporter=spec --test ../../tests/conformance/node/*.test.mjs
