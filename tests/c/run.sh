#!/bin/sh
# Runs the claims of every program in this folder: linked to the shared library, to the static one,
# with sanitizers, and under valgrind. Also compiles the example server and the benchmark.
set -u
cd "$(dirname "$0")/../.." || exit 1
out=tests/out/c
release=${CARGO_TARGET_DIR:-target}/release
mkdir -p "$out" || exit 1
cargo build --release --locked --quiet -p corsac-library || exit 1
cp -f "$release/libcorsac.so" "$out/libcorsac.so" && ln -sf libcorsac.so "$out/libcorsac.so.0" || exit 1
cp -f "$release/libcorsac.a" "$out/libcorsac.a" || exit 1

flags="-std=c11 -g -Wall -Wextra -pedantic -Werror -Iinclude"
shared="-L$out -Wl,-rpath,$PWD/$out -lcorsac"
static="$out/libcorsac.a -lgcc_s -lpthread -ldl -lm"
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
    if [ "$status" -ne 0 ] && [ "$not_ok" -eq 0 ] || [ "$ok" -eq 0 ]; then
        not_ok=$((not_ok + 1))
    fi
    passed=$((passed + ok))
    failed=$((failed + not_ok))
    if [ "$not_ok" -eq 0 ]; then
        echo "ok   $what: $ok claims"
    else
        echo "FAIL $what (exit $status)"
        printf '%s\n' "$output"
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

skip() {
    skipped=$((skipped + 1))
    echo "skip $1"
}

for program in builder cell decisions nothing ownership sizes threads; do
    source=tests/c/$program.c
    compile "$program, shared" gcc $flags -O2 "$source" -o "$out/$program" $shared -pthread &&
        claims "$program, shared" "$out/$program"
    compile "$program, static" gcc $flags -O2 "$source" -o "$out/$program-static" $static &&
        claims "$program, static" "$out/$program-static"
    for compiler in gcc clang; do
        if command -v $compiler >/dev/null; then
            compile "$program, $compiler sanitizers" $compiler $flags -O1 -fsanitize=address,undefined \
                -fno-sanitize-recover=all "$source" -o "$out/$program-$compiler" $shared -pthread &&
                claims "$program, $compiler sanitizers" "$out/$program-$compiler"
        else
            skip "$program, $compiler sanitizers: not installed"
        fi
    done
    if command -v valgrind >/dev/null; then
        claims "$program, valgrind" valgrind --quiet --leak-check=full --show-leak-kinds=all \
            --error-exitcode=9 "$out/$program"
    else
        skip "$program, valgrind: not installed"
    fi
done

if compile "the example server" gcc -std=c11 -Wall -Wextra -Werror -Iinclude ffi/examples/server.c \
    -o "$out/server" $shared -lmicrohttpd; then
    if command -v curl >/dev/null; then
        claims "the example server" sh tests/c/server.sh "$out/server"
    else
        skip "the example server: curl is not installed"
    fi
fi
if compile "the benchmark" gcc $flags -O2 -fPIC -shared tests/c/empty.c -o "$out/libempty.so" &&
    compile "the benchmark" gcc $flags -O2 tests/c/bench.c -o "$out/bench" $shared -lempty; then
    passed=$((passed + 1))
    echo "ok   the benchmark compiles"
fi

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
