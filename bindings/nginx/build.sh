#!/bin/bash
# Builds the dynamic module for the nginx of this Debian: build.sh BUILD_FOLDER. Needs nginx-dev.
#
# The module is BUILD_FOLDER/ngx_http_corsac_module.so; CORSAC_INC and CORSAC_LIB as in `config`.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=$1
source=$(dpkg -L nginx-dev | grep '/conf_flags$')
source=${source%/conf_flags}
mkdir -p "$build"
cd "$build"
cp -a "$source/." .
# The options of the installed nginx, without which it refuses the module.
. ./conf_flags
log=$PWD/build.log
{
    ./configure "${NGX_CONF_FLAGS[@]}" --add-dynamic-module="$here" \
        --with-cc-opt="-g -O2 -fPIC -fstack-protector-strong -D_FORTIFY_SOURCE=2 ${CFLAGS:-}" \
        --with-ld-opt="-Wl,-z,relro -Wl,-z,now -fPIC ${LDFLAGS:-}" &&
        make -f objs/Makefile modules
} >"$log" 2>&1 || {
    tail -n 20 "$log" >&2
    exit 1
}
install -m 644 objs/ngx_http_corsac_module.so .
