#!/bin/sh
# Installs the module where Apache looks for modules: install.sh MODULE.SO. DESTDIR is put in front.
set -eu
module=$1
[ -f "$module" ] || { echo "install.sh: there is no $module: run make apache" >&2; exit 1; }
here=$(cd "$(dirname "$0")" && pwd)
if [ -n "$(find "$here/mod_corsac.c" -newer "$module")" ]; then
  echo "$module is older than the latest change of $here/mod_corsac.c: run make apache" >&2
  exit 1
fi
sh "$here/../../ffi/packaging/current.sh" "make apache" "$(dirname "$module")" "$module"
folder=$("${APXS:-apxs}" -q LIBEXECDIR)
# A new file, not new content: the old one stays what it is for an Apache that runs.
mkdir -p "${DESTDIR:-}$folder"
install -m 644 "$module" "${DESTDIR:-}$folder/.mod_corsac.so"
mv -f "${DESTDIR:-}$folder/.mod_corsac.so" "${DESTDIR:-}$folder/mod_corsac.so"
echo "installed ${DESTDIR:-}$folder/mod_corsac.so"
if [ -d /etc/apache2/mods-available ]; then
  mkdir -p "${DESTDIR:-}/etc/apache2/mods-available"
  echo "LoadModule corsac_module $folder/mod_corsac.so" >"${DESTDIR:-}/etc/apache2/mods-available/corsac.load"
  echo "installed ${DESTDIR:-}/etc/apache2/mods-available/corsac.load: turn it on by a2enmod corsac"
fi
