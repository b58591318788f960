#!/bin/sh
# corsac.hpp compiles without a warning as C++17 and C++20, with gcc and clang, with and without exceptions
# and RTTI, in two translation units of one program; its claims and all vectors hold, with sanitizers and
# under valgrind; and the example server does as the one in C.
set -u
cd "$(dirname "$0")/../.." || exit 1
out=tests/out/cpp
release=${CARGO_TARGET_DIR:-target}/release
mkdir -p "$out" || exit 1
cargo build --release --locked --quiet -p corsac-library || exit 1
cp -f "$release/libcorsac.so" "$out/libcorsac.so" && ln -sf libcorsac.so "$out/libcorsac.so.0" || exit 1

flags="-g -Wall -Wextra -pedantic -Wshadow -Wconversion -Werror -Iinclude"
link="-L$out -Wl,-rpath,$PWD/$out -lcorsac"
sanitizers="-O1 -fsanitize=address,undefined -fno-sanitize-recover=all"
passed=0
failed=0
skipped=0

# Counts the claims that a program prints; one that fails without a failed claim is one itself.
claims() { # what, command...
    what=$1
    shift
    output=$("$@" 2>&1)
    status=$?
    ok=$(printf '%s\n' "$output" | grep -c '^ok ')
    not_ok=$(printf '%s\n' "$output" | grep -c '^not ok ')
    skips=$(printf '%s\n' "$output" | grep -c '^skip ')
    if [ "$status" -ne 0 ] && [ "$not_ok" -eq 0 ] || [ "$ok" -eq 0 ]; then
        not_ok=$((not_ok + 1))
    fi
    passed=$((passed + ok))
    failed=$((failed + not_ok))
    skipped=$((skipped + skips))
    if [ "$not_ok" -eq 0 ]; then
        echo "ok   $what: $ok claims"
    else
        echo "FAIL $what (exit $status)"
        printf '%s\n' "$output" | grep -v -e '^ok ' -e '^skip '
    fi
}

# Compiles; a failure is counted.
compile() { # what, command...
    what=$1
    shift
    if "$@"; then
        return 0
    fi
    failed=$((failed + 1))
    echo "FAIL $what does not compile"
    return 1
}

try() { # what, compiler, further options...
    what=$1
    shift
    if ! command -v "$1" >/dev/null; then
        skipped=$((skipped + 1))
        echo "skip $what: not installed"
    elif compile "$what" "$@" $flags tests/cpp/claims.cpp tests/cpp/elsewhere.cpp -o "$out/claims" $link; then
        claims "$what" "$out/claims"
    fi
}

for compiler in clang++ g++; do
    try "$compiler -std=c++17 sanitizers" $compiler -std=c++17 $sanitizers
    try "$compiler -std=c++17 without exceptions and RTTI" $compiler -std=c++17 -fno-exceptions -fno-rtti
    try "$compiler -std=c++20" $compiler -std=c++20
done
# The program that was compiled last, since what clang writes for debuggers is more than valgrind can read.
if command -v valgrind >/dev/null; then
    claims "valgrind" valgrind --quiet --leak-check=full --show-leak-kinds=all --error-exitcode=9 "$out/claims"
else
    skipped=$((skipped + 1))
    echo "skip valgrind: not installed"
fi

# What uses a temporary after its end does not get past clang.
if command -v clang++ >/dev/null; then
    printf '%s\n' '#include <corsac.hpp>' '#include <string>' \
        'std::string_view dangling(const corsac::policy &policy) { auto text = *policy.document(); return text.view(); }' |
        clang++ -std=c++17 $flags -x c++ -fsyntax-only - 2>"$out/dangling.log"
    if [ $? -ne 0 ] && grep -q 'Wreturn-stack-address' "$out/dangling.log"; then
        passed=$((passed + 1))
        echo "ok   clang tells what dangles"
    else
        failed=$((failed + 1))
        echo "FAIL clang tells what dangles"
        cat "$out/dangling.log"
    fi
else
    skipped=$((skipped + 1))
    echo "skip what dangles: clang++ is not installed"
fi

compile "the vectors" g++ -std=c++17 $flags $sanitizers tests/cpp/vectors.cpp -o "$out/vectors" $link &&
    claims "the vectors" "$out/vectors" tests/vectors

if compile "the example server" g++ -std=c++17 $flags $sanitizers ffi/examples/server.cpp -o "$out/server" $link -lmicrohttpd; then
    if command -v curl >/dev/null; then
        claims "the example server" sh tests/c/server.sh "$out/server" cpp
    else
        skipped=$((skipped + 1))
        echo "skip the example server: curl is not installed"
    fi
fi

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
