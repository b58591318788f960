#!/bin/sh
# The shared library exports the functions of symbols.txt and nothing else, and tells the loader its name.
#
#     symbols.sh LIBRARY
set -u
here=$(dirname "$0")
library=$1
passed=0
failed=0

check() { # name, expected, got
    if [ "$2" = "$3" ]; then
        passed=$((passed + 1))
        echo "ok   $1"
    else
        failed=$((failed + 1))
        echo "FAIL $1: expected"
        echo "$2"
        echo "but got"
        echo "$3"
    fi
}

exported=$(nm -D --defined-only "$library" | awk '{print $3}' | LC_ALL=C sort)
declared=$(grep -o 'corsac_[a-z0-9_]*(' "$here/../../include/corsac.h" | tr -d '(' | LC_ALL=C sort -u |
    grep -v -e '^corsac_str_[nz]$' -e '^corsac_request_start$' -e '^corsac_decision_start$')
check "exported: tests/abi/symbols.txt, to be changed when a function is added" "$(cat "$here/symbols.txt")" "$exported"
check "declared in corsac.h: what is exported" "$exported" "$declared"
check "SONAME" "libcorsac.so.0" "$(readelf -d "$library" | sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p')"
check "ABI version of the header" "0" "$(sed -n 's/^#define CORSAC_ABI_VERSION //p' "$here/../../include/corsac.h")"
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
