#!/bin/sh
# Programs that were built before keep running: those of every folder here that is named after a version. Its
# corsac.h is the header as it was released, its client.c calls every function in it.
#
#     frozen.sh FOLDER-OF-LIBRARIES OUT
set -u
here=$(dirname "$0")
libraries=$1
out=$2
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

declared() { # header: its functions but the inline ones
    grep -v '^//' "$1" | grep -o 'corsac_[a-z0-9_]*(' | tr -d '(' | LC_ALL=C sort -u |
        grep -v -e '^corsac_str_[nz]$' -e '^corsac_request_start$' -e '^corsac_decision_start$'
}

for folder in "$here"/[0-9]*.[0-9]*; do
    version=$(basename "$folder")
    client=$out/client-$version
    rm -f "$client"
    gcc -std=c11 -g -Wall -Wextra -pedantic -Werror -fsanitize=address,undefined -fno-sanitize-recover=all \
        "$folder/client.c" -o "$client" -L"$libraries" -lcorsac
    check "the client of $version runs" "0" "$(LD_LIBRARY_PATH="$libraries" "$client" >"$client.log" 2>&1; echo $?)"
    cat "$client.log"
    check "the client of $version calls every function of its header" "$(declared "$folder/corsac.h")" \
        "$(nm -u "$client" | sed -n 's/.* \(corsac_[a-z0-9_]*\)$/\1/p' | LC_ALL=C sort)"
    check "no function of $version is gone from corsac.h" "" \
        "$(declared "$here/../../include/corsac.h" >"$client.now"; declared "$folder/corsac.h" | LC_ALL=C comm -23 - "$client.now")"
    for include in "$folder" "$here/../../include"; do
        gcc -std=c11 -Wall -Wextra -pedantic -Werror -I"$include" "$here/layout.c" -o "$out/layout"
        check "layout and numbers of $(basename "$include")/corsac.h" 0 $?
    done
done
# What the header has and layout.c does not is not checked by it.
constants() { sed -n "s/^$1(CORSAC_\([A-Z0-9_]*\)[ ,].*/\1/p;s/^$1 CORSAC_\([A-Z0-9_]*\) [0-9].*/\1/p" "$2" | grep -v '^VERSION_' | LC_ALL=C sort; }
check "layout.c has every number" "$(constants '#define' "$here/../../include/corsac.h")" "$(constants VALUE "$here/layout.c")"
check "layout.c has every field" "$(sed -n '/^typedef struct {/,/^}/s/^  .*[ *]\([a-z_]*\)\(\[.*\]\)\{0,1\};$/\1/p' "$here/../../include/corsac.h" | LC_ALL=C sort)" \
    "$(sed -n 's/^FIELD([a-z_]*, \([a-z_]*\),.*/\1/p' "$here/layout.c" | LC_ALL=C sort)"
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
