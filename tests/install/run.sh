#!/bin/sh
# What `make install` puts in place is enough to build and run C and C++ programs, by pkg-config and by CMake,
# with the shared library and with the static one, also when it was staged or moved; versions agree; and
# `make uninstall` takes it away again.
set -u
cd "$(dirname "$0")/../.." || exit 1
release=${CARGO_TARGET_DIR:-target}/release
make --no-print-directory lib || exit 1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
# Out of reach of the headers of this checkout.
cp tests/install/program.c tests/install/program.cpp tests/install/CMakeLists.txt "$work" || exit 1
passed=0
failed=0

version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)
abi=$(sed -n 's/^#define CORSAC_ABI_VERSION //p' include/corsac.h)
answer="$version ok allowed"

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

put() { # install or uninstall, variables...
    make --no-print-directory "$@" >"$work/make.log" 2>&1 || { cat "$work/make.log"; return 1; }
}

files() { # folder: what is in it, links with what they lead to
    (cd "$1" && find . ! -type d -printf '%M %P %l\n' | sed 's/ $//' | LC_ALL=C sort -k2)
}

needs() { # program: the libraries of ours that it asks the loader for
    readelf -d "$1" | sed -n 's/.*NEEDED.*\[\(libcorsac.*\)\]/\1/p'
}

compiler() { # c or cpp
    if [ "$1" = c ]; then echo "gcc -std=c99"; else echo "g++ -std=c++17"; fi
}

# By pkg-config, whose command with options for this place stands in $pkgconfig.
by_pkg_config() { # what, folder of libraries
    for language in c cpp; do
        program=$work/program-$language
        rm -f "$program" "$program-static" "$program-entirely"
        $(compiler $language) -Wall -Wextra -Werror "$work/program.$language" -o "$program" $($pkgconfig --cflags --libs corsac)
        check "$1, pkg-config, $language, shared" "$answer libcorsac.so.$abi" \
            "$(LD_LIBRARY_PATH=$2 "$program") $(needs "$program")"
        $(compiler $language) "$work/program.$language" -o "$program-static" $($pkgconfig --cflags corsac) \
            "$2/libcorsac.a" $($pkgconfig --static --libs corsac | sed 's/-lcorsac//')
        check "$1, pkg-config, $language, static" "$answer " "$("$program-static") $(needs "$program-static")"
        $(compiler $language) -static "$work/program.$language" -o "$program-entirely" $($pkgconfig --static --cflags --libs corsac)
        check "$1, pkg-config, $language, -static" "$answer" "$("$program-entirely")"
    done
}

by_cmake() { # what, prefix
    rm -rf "$work/build"
    cmake -S "$work" -B "$work/build" -DCMAKE_PREFIX_PATH="$2" -DCMAKE_BUILD_TYPE=Release >"$work/cmake.log" 2>&1 &&
        cmake --build "$work/build" >>"$work/cmake.log" 2>&1 || cat "$work/cmake.log"
    check "$1, CMake finds this version here" "$version $2" \
        "$(sed -n 's|^-- corsac \(.*\) in \(.*\)/lib/.*|\1 \2|p' "$work/cmake.log")"
    for language in c cpp; do
        program=$work/build/$language
        check "$1, CMake, $language, shared" "$answer libcorsac.so.$abi" "$("$program-shared") $(needs "$program-shared")"
        check "$1, CMake, $language, static" "$answer " "$("$program-static") $(needs "$program-static")"
    done
}

pkg_config_of() { # folder of libraries: the pkg-config that sees nothing else
    echo "env PKG_CONFIG_PATH= PKG_CONFIG_LIBDIR=$1/pkgconfig pkg-config"
}

# --- Into a prefix ---------------------------------------------------------------------------------------

prefix=$work/prefix
put install PREFIX="$prefix"
check "what is installed" "-rw-r--r-- include/corsac.h
-rw-r--r-- include/corsac.hpp
-rw-r--r-- lib/cmake/corsac/corsacConfig.cmake
-rw-r--r-- lib/cmake/corsac/corsacConfigVersion.cmake
-rw-r--r-- lib/libcorsac.a
lrwxrwxrwx lib/libcorsac.so libcorsac.so.$abi
lrwxrwxrwx lib/libcorsac.so.$abi libcorsac.so.$version
-rwxr-xr-x lib/libcorsac.so.$version
-rw-r--r-- lib/pkgconfig/corsac.pc
-rw-r--r-- share/doc/corsac/LICENSE-APACHE
-rw-r--r-- share/doc/corsac/LICENSE-MIT
-rw-r--r-- share/doc/corsac/THIRD-PARTY.md" "$(files "$prefix")"
if ldconfig -N -X -v >"$work/folders" 2>/dev/null && [ -s "$work/folders" ]; then
    check "where the loader does not look is told" "installed corsac $version in $prefix
the loader does not look in $prefix/lib: link programs with -Wl,-rpath,$prefix/lib, or set LD_LIBRARY_PATH" "$(cat "$work/make.log")"
fi
check "nothing is left to be filled in" "" "$(grep -rl '@[A-Z_]*@' "$prefix/lib/cmake" "$prefix/lib/pkgconfig")"
pkgconfig=$(pkg_config_of "$prefix/lib")
check "pkg-config tells the version" "$version" "$($pkgconfig --modversion corsac)"
check "the header has the version" "$version" "$(sed -n 's/^#define CORSAC_VERSION "\(.*\)"/\1/p' "$prefix/include/corsac.h")"
check "the name that the loader looks for is a link" "libcorsac.so.$abi" \
    "$(readelf -d "$prefix/lib/libcorsac.so" | sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p')"
by_pkg_config "a prefix" "$prefix/lib"
by_cmake "a prefix" "$prefix"
cmake -DFILE="$prefix/lib/cmake/corsac/corsacConfigVersion.cmake" -P tests/install/versions.cmake >"$work/versions.log" 2>&1
check "requested versions" "13 0" \
    "$(grep -c '^ok ' "$work/versions.log") $(grep -v -c '^ok ' "$work/versions.log")"
grep -v '^ok ' "$work/versions.log"

# --- An old library --------------------------------------------------------------------------------------

mkdir "$work/old"
cp "$release/libcorsac.so" "$release/libcorsac.a" "$release/libcorsac.d" "$work/old"
try_old() { PREFIX=$work/never sh ffi/packaging/install.sh install "$work/old" 2>&1; echo $?; }
touch -t 200001010000 "$work/old/libcorsac.so"
check "a library that is older than its source is not installed" 1 "$(try_old | grep -c "^$work/old/libcorsac.so is older .*\.rs: run make lib$")"
touch "$work/old/libcorsac.so"
check "a library whose source is gone is not installed" 1 "$(sed -i 's|ffi/src/cell.rs|ffi/src/gone.rs|' "$work/old/libcorsac.d"
    try_old | grep -c 'gone.rs: run make lib$')"
check "nothing of it is there" "" "$(ls "$work/never" 2>&1 | grep -v 'No such file')"

# --- Moved -----------------------------------------------------------------------------------------------

mv "$prefix" "$work/moved"
pkgconfig="$(pkg_config_of "$work/moved/lib") --define-prefix"
by_pkg_config "a moved prefix" "$work/moved/lib"
by_cmake "a moved prefix" "$work/moved"

# A package without the shared library has no target for it, and one without any is none.
rm "$work/moved/lib"/libcorsac.so*
cmake -S "$work" -B "$work/none" -DCMAKE_PREFIX_PATH="$work/moved" >"$work/cmake.log" 2>&1
check "no target without its library" 1 "$(grep -c 'Target "c-shared" links to:' "$work/cmake.log")"
rm "$work/moved/lib/libcorsac.a"
cmake -S "$work" -B "$work/none" -DCMAKE_PREFIX_PATH="$work/moved" >"$work/cmake.log" 2>&1
check "no package without a library" 1 "$(grep -c 'there is no libcorsac.so.* and no libcorsac.a' "$work/cmake.log")"

# --- Staged, with the layout of Debian -------------------------------------------------------------------

stage=$work/stage
libdir=/usr/lib/$(gcc -print-multiarch)
put install DESTDIR="$stage" PREFIX=/usr LIBDIR="$libdir"
check "what is staged tells nothing of the stage" "" "$(grep -rl -e "$work" "$stage$libdir/cmake" "$stage$libdir/pkgconfig")"
check "pkg-config tells where it will be" "/usr /usr/include $libdir" "$(
    for variable in prefix includedir libdir; do $(pkg_config_of "$stage$libdir") --variable=$variable corsac; done | tr '\n' ' ' | sed 's/ $//')"
pkgconfig="env PKG_CONFIG_SYSROOT_DIR=$stage PKG_CONFIG_SYSTEM_INCLUDE_PATH=/none PKG_CONFIG_SYSTEM_LIBRARY_PATH=/none $(pkg_config_of "$stage$libdir")"
by_pkg_config "a stage" "$stage$libdir"
by_cmake "a stage" "$stage/usr"

# --- Away again ------------------------------------------------------------------------------------------

touch "$stage/usr/include/other.h"
put uninstall DESTDIR="$stage" PREFIX=/usr LIBDIR="$libdir"
check "what is uninstalled is gone, and nothing else" "-rw-r--r-- usr/include/other.h" "$(files "$stage")"
check "folders of its own are gone" "" "$(find "$stage" -name corsac)"

# --- cargo-c ---------------------------------------------------------------------------------------------

# cargo-c names the library by as many components of the version as told, and has the same description.
metadata=$(sed -n '/^\[package.metadata.capi/,/^\[lints/p' ffi/library/Cargo.toml)
value() { printf '%s\n' "$metadata" | sed -n "s/^$1 = //p"; }
check "cargo-c gives the library the same name" "$abi" \
    "$(printf '%s\n' "$version" | cut -d. -f"1-$(value version_suffix_components)")"
check "cargo-c describes it alike" "$(sed -n 's/^Description: \(.*\)/"\1"/p' ffi/packaging/corsac.pc.in)" "$(value description)"

echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
