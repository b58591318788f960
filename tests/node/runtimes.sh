#!/bin/sh
# Tests the Node package, as it was built once, in other runtimes: `runtimes.sh node` (22 and 24), `bun` or `deno`.
set -eu
folder=$(dirname "$0")
runtime=$1

# Before the folder changes: the target folder may be a relative one.
node "$folder/../../bindings/node/scripts/build.mjs"
cd "$folder"
for place in . runtimes; do
	if [ ! -e $place/node_modules/.ready ] || [ $place/package-lock.json -nt $place/node_modules/.ready ]; then
		(cd $place && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null && touch node_modules/.ready)
	fi
done

case $runtime in
node)
	status=0
	for version in 22 24; do
		node=runtimes/node_modules/node$version/bin/node
		$node --version
		CORSAC_CASES=1000 $node --test-reporter=spec --test ../conformance/node/vectors.test.mjs http.test.mjs http2.test.mjs express.test.mjs \
			fastify.test.mjs koa.test.mjs fetch.test.mjs upgrade.test.mjs cache.test.mjs share.test.mjs || status=1
	done
	exit $status
	;;
bun)
	program=runtimes/node_modules/@oven/bun-linux-x64/bin/bun
	[ -x $program ] || { echo "there is no Bun for this platform"; exit 77; }
	exec $program portable.mjs
	;;
deno)
	program=runtimes/node_modules/@deno/linux-x64-glibc/deno
	[ -x $program ] || { echo "there is no Deno for this platform"; exit 77; }
	exec $program run --allow-all --no-lock portable.mjs
	;;
esac
