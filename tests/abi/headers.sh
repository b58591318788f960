#!/bin/sh
# corsac.h compiles without a warning as C99 to C17 and as C++11 to C++20, with gcc and clang, and
# the program links and runs.
#
#     headers.sh FOLDER-OF-LIBRARIES OUT
set -u
here=$(dirname "$0")
libraries=$1
out=$2
passed=0
failed=0
skipped=0

try() { # compiler, language, standard, further options
    compiler=$1 language=$2 standard=$3
    shift 3
    if ! command -v "$compiler" >/dev/null; then
        skipped=$((skipped + 1))
        echo "skip $compiler $standard: not installed"
    elif "$compiler" -x "$language" "-std=$standard" -Wall -Wextra -pedantic -Werror "$@" \
        -I"$here/../../include" "$here/twice.c" -x none -o "$out/twice" -L"$libraries" -lcorsac \
        && LD_LIBRARY_PATH="$libraries" "$out/twice"; then
        passed=$((passed + 1))
        echo "ok   $compiler $standard"
    else
        failed=$((failed + 1))
        echo "FAIL $compiler $standard"
    fi
}

for standard in c99 c11 c17; do
    try gcc c $standard -Wstrict-prototypes -Wc++-compat
    try clang c $standard -Wstrict-prototypes -Wc++-compat
done
for standard in c++11 c++14 c++17 c++20; do
    try g++ c++ $standard
    try clang++ c++ $standard
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
