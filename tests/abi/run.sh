#!/bin/sh
# What programs built against corsac.h rely on: which functions the library has, under which name it
# is loaded, that the header compiles everywhere, and that nothing changes under those built before.
set -u
cd "$(dirname "$0")/../.." || exit 1
out=tests/out/abi
release=${CARGO_TARGET_DIR:-target}/release
mkdir -p "$out" || exit 1
cargo build --release --locked --quiet -p corsac-library || exit 1
cp -f "$release/libcorsac.so" "$out/libcorsac.so" && ln -sf libcorsac.so "$out/libcorsac.so.0" || exit 1

status=0
sh tests/abi/symbols.sh "$out/libcorsac.so" || status=1
sh tests/abi/headers.sh "$out" "$out" || status=1
sh tests/abi/frozen.sh "$out" "$out" || status=1
python3 tests/abi/functions.py "$out" || status=1
exit $status
