#!/bin/sh
# Builds the WebAssembly package and tests it: by the tests of the Node package with the module in place of the addon, by the
# vectors as it is laid out, and in runtimes that load no addon. Exits with 77 where it cannot be built.
set -eu
cd "$(dirname "$0")"
sh ../../bindings/wasm/build.sh
for place in . ../node ../node/runtimes ../../bindings/node; do
	if [ ! -e $place/node_modules/.ready ] || [ $place/package-lock.json -nt $place/node_modules/.ready ]; then
		(cd $place && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null && touch node_modules/.ready)
	fi
done

export CORSAC_SHARES=no
status=0
node --expose-gc --test-reporter=spec --test wasm.test.mjs workerd.test.mjs || status=1
CORSAC_PACKAGE=$PWD/../../bindings/wasm/dist node --test-reporter=spec --test ../conformance/node/vectors.test.mjs || status=1
conformance="../conformance/node/api.test.mjs ../conformance/node/cell.test.mjs ../conformance/node/explain.test.mjs ../conformance/node/s3.test.mjs ../conformance/node/server.test.mjs"
adapters=$(printf '../node/%s.test.mjs ' express fastify koa http http2 hono fetch upgrade choice report cache migrate)
# shellcheck disable=SC2086
NODE_OPTIONS="--require=$PWD/instead.cjs" node --test-reporter=spec --test $conformance $adapters || status=1
# Without the permission to load an addon, or to read the environment.
deno=../node/runtimes/node_modules/@deno/linux-x64-glibc/deno
if [ -x $deno ]; then
	CORSAC_PACKAGE=$PWD/../../bindings/wasm/dist $deno run --allow-read --allow-net --allow-env=CORSAC_PACKAGE,CORSAC_SHARES,CORSAC_CAN --no-lock ../node/portable.mjs || status=1
fi
exit $status
