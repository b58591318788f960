#!/bin/sh
# Builds the module: build.sh LIBCORSAC.A MODULE.SO [further compiler arguments]
# The compiler and its options are those that Apache was built with, as apxs tells them.
set -eu
library=$1
module=$2
shift 2
folder=$(cd "$(dirname "$0")" && pwd)
apxs=${APXS:-apxs}
command -v "$apxs" >/dev/null || { echo "build.sh needs apxs: install apache2-dev, or set APXS" >&2; exit 1; }
[ -f "$library" ] || { echo "build.sh: there is no $library: run make lib" >&2; exit 1; }

# Nothing of the library is visible to other modules. The module stays loaded over restarts, in which
# Apache would otherwise load it anew each time, with a new copy of everything that a library sets up once.
# shellcheck disable=SC2046
$("$apxs" -q CC) -std=gnu11 -Wall -Wextra -Wno-missing-field-initializers -Werror -fPIC -shared \
  $("$apxs" -q CFLAGS) $("$apxs" -q EXTRA_CPPFLAGS) \
  -I"$folder/../../include" -I"$("$apxs" -q INCLUDEDIR)" -I"$("$apxs" -q APR_INCLUDEDIR)" \
  "$folder/mod_corsac.c" "$@" -o "$module" "$library" \
  -Wl,--exclude-libs,ALL -Wl,-z,relro,-z,now,-z,nodelete -lpthread -ldl -lm -lgcc_s
