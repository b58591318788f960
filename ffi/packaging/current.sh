#!/bin/sh
# Fails if a file was built before the latest change of what the library is built from, and says what to run.
#
#     current.sh COMMAND FOLDER-OF-LIBRARIES FILE...
set -eu
command=$1
release=$2
shift 2
root=$(cd "$(dirname "$0")/../.." && pwd)

# What cargo says that it read, on one line behind a colon, blanks in names escaped. Without that line the
# library was not built here.
[ -f "$release/libcorsac.d" ] || exit 0
{
    sed -n '1s/^[^:]*: *//p' "$release/libcorsac.d" | sed 's/\\ /\t/g' | tr ' \t' '\n '
    printf '%s\n' "$root/Cargo.toml" "$root/Cargo.lock" "$root/include/corsac.h"
} | while IFS= read -r source; do
    for built; do
        if [ ! -e "$source" ] || [ -n "$(find "$source" -newer "$built")" ]; then
            echo "$built is older than the latest change of $source: run $command" >&2
            exit 1
        fi
    done
done
