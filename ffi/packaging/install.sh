#!/bin/sh
# Installs the library with its headers, or takes them away again.
#
#     PREFIX=/usr/local [DESTDIR=] [LIBDIR=lib] [INCLUDEDIR=include] install.sh install FOLDER-OF-LIBRARIES
#     PREFIX=/usr/local [DESTDIR=] [LIBDIR=lib] [INCLUDEDIR=include] install.sh uninstall
#
# LIBDIR and INCLUDEDIR are absolute, or below PREFIX. What is installed says PREFIX and lies in DESTDIR/PREFIX.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
packaging=$root/ffi/packaging

below() { # folder, path: the path, taken from the folder if it is not absolute
    case $2 in
        /*) printf '%s\n' "$2" ;;
        *) printf '%s\n' "$1/$2" ;;
    esac
}
prefix=$(below "$PWD" "${PREFIX:-/usr/local}")
prefix=${prefix%/}
libdir=$(below "$prefix" "${LIBDIR:-lib}")
includedir=$(below "$prefix" "${INCLUDEDIR:-include}")
libdir=${libdir%/}
includedir=${includedir%/}
docdir=$prefix/share/doc/corsac
cmakedir=$libdir/cmake/corsac
destination=${DESTDIR:-}

version=$(sed -n 's/^#define CORSAC_VERSION "\(.*\)"$/\1/p' "$root/include/corsac.h")
abi=$(sed -n 's/^#define CORSAC_ABI_VERSION //p' "$root/include/corsac.h")
shared=libcorsac.so.$version

# A path as pkg-config has it: what lies below the prefix moves with it.
of_prefix() {
    case $1 in
        "$prefix"/*) printf '${prefix}%s\n' "${1#"$prefix"}" ;;
        *) printf '%s\n' "$1" ;;
    esac
}

# The headers as seen from the CMake package: relative where both lie below the prefix.
of_cmake() {
    case $cmakedir in "$prefix"/*) ;; *) printf '%s\n' "$includedir" && return ;; esac
    case $includedir in "$prefix"/*) ;; *) printf '%s\n' "$includedir" && return ;; esac
    up=$(printf '%s\n' "${cmakedir#"$prefix"/}" | sed -e 's|//*|/|g' -e 's|[^/][^/]*|..|g')
    printf '%s\n' "$up${includedir#"$prefix"}"
}

quoted() { # for the right side of sed's s|||
    printf '%s\n' "$1" | sed 's/[&|\\]/\\&/g'
}

fill() { # template, file
    sed -e "s|@PREFIX@|$(quoted "$prefix")|g" -e "s|@LIBDIR@|$(quoted "$(of_prefix "$libdir")")|g" \
        -e "s|@INCLUDEDIR@|$(quoted "$(of_prefix "$includedir")")|g" \
        -e "s|@INCLUDEDIR_OF_CMAKE@|$(quoted "$(of_cmake)")|g" \
        -e "s|@VERSION@|$version|g" -e "s|@ABI@|$abi|g" -e "s|@POINTER@|$pointer|g" "$1" >"$2"
    chmod 644 "$2"
}

# The loader has a list of the libraries in its folders, which is to be renewed.
tell_loader() {
    [ -z "$destination" ] || return 0
    PATH=$PATH:/sbin:/usr/sbin
    # Elsewhere than in glibc there is no list.
    folders=$(ldconfig -N -X -v 2>/dev/null) && [ -n "$folders" ] || return 0
    if ! printf '%s\n' "$folders" | grep -q "^$libdir:"; then
        echo "the loader does not look in $libdir: link programs with -Wl,-rpath,$libdir, or set LD_LIBRARY_PATH"
    elif ! ldconfig 2>/dev/null; then
        echo "run ldconfig as root, so that the loader finds the library"
    fi
}

case ${1:-} in
    install)
        release=$2
        sh "$packaging/current.sh" "make lib" "$release" "$release/libcorsac.so" "$release/libcorsac.a"
        # The fifth byte of an ELF file is 1 or 2, for 32 or 64 bits.
        pointer=$(($(od -An -j4 -N1 -tu1 "$release/libcorsac.so") * 4))
        install -d "$destination$libdir/pkgconfig" "$destination$cmakedir" "$destination$includedir" "$destination$docdir"
        install -m 644 "$root/include/corsac.h" "$root/include/corsac.hpp" "$destination$includedir"
        install -m 644 "$release/libcorsac.a" "$destination$libdir"
        install -m 755 "$release/libcorsac.so" "$destination$libdir/$shared"
        ln -sf "$shared" "$destination$libdir/libcorsac.so.$abi"
        ln -sf "libcorsac.so.$abi" "$destination$libdir/libcorsac.so"
        fill "$packaging/corsac.pc.in" "$destination$libdir/pkgconfig/corsac.pc"
        fill "$packaging/corsacConfig.cmake.in" "$destination$cmakedir/corsacConfig.cmake"
        fill "$packaging/corsacConfigVersion.cmake.in" "$destination$cmakedir/corsacConfigVersion.cmake"
        install -m 644 "$root/LICENSE-MIT" "$root/LICENSE-APACHE" "$root/THIRD-PARTY.md" "$destination$docdir"
        echo "installed corsac $version in $destination$prefix"
        tell_loader
        ;;
    uninstall)
        rm -f "$destination$includedir/corsac.h" "$destination$includedir/corsac.hpp" "$destination$libdir/libcorsac.a" \
            "$destination$libdir/libcorsac.so" "$destination$libdir/libcorsac.so.$abi" "$destination$libdir/$shared" \
            "$destination$libdir/pkgconfig/corsac.pc" "$destination$cmakedir/corsacConfig.cmake" \
            "$destination$cmakedir/corsacConfigVersion.cmake" "$destination$docdir/LICENSE-MIT" \
            "$destination$docdir/LICENSE-APACHE" "$destination$docdir/THIRD-PARTY.md"
        # Folders that hold nothing else.
        rmdir "$destination$cmakedir" "$destination$docdir" 2>/dev/null || true
        ;;
    *)
        sed -n '2,7s/^# \{0,1\}//p' "$0" >&2
        exit 2
        ;;
esac
