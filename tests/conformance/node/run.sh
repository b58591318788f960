#!/bin/sh
# Builds the Node package, checks its types and runs its tests.
set -eu
cd "$(dirname "$0")/../../../bindings/node"

node scripts/build.mjs
npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null
npm run --silent types
exec node --test-reporter=spec --test ../../tests/conformance/node/
