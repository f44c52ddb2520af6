#!/usr/bin/env bash
# Makes ndc_VERSION_ARCH.deb in the build folder with dpkg-deb alone. usage: deb.sh BUILD_DIR
set -euo pipefail
build=$1
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
scripts/install.sh "$build" "$root"
strip --strip-unneeded "$root/usr/bin/ndc"
version=$("$build/src/cmd/ndc" version | cut -d' ' -f2)
arch=$(dpkg --print-architecture)
# The packages of the libraries that the program itself names.
direct=$(objdump -p "$root/usr/bin/ndc" | awk '/NEEDED/ {print $2}' | while read -r so; do
  path=$(ldd "$root/usr/bin/ndc" | awk -v s="$so" '$1 == s {print $3}')
  [ -n "$path" ] || continue
  { dpkg-query -S "$(readlink -f "$path")" 2>/dev/null ||
    dpkg-query -S "$(readlink -f "$path" | sed 's,^/usr,,')" 2>/dev/null || true; } | cut -d: -f1
done | sort -u | paste -sd, - | sed 's/,/, /g')
mkdir -p "$root/DEBIAN"
cat >"$root/DEBIAN/control" <<CONTROL
Package: ndc
Version: $version
Architecture: $arch
Maintainer: ndc project <ndc@localhost>
Installed-Size: $(du -sk "$root" | cut -f1)
Depends: $direct, adduser
Suggests: postgresql
Section: net
Priority: optional
Description: national data centre as software
 Integrates national databases into one, serves them by purpose and legal
 basis, and logs every access to personal data so that anyone can check it.
CONTROL
echo /etc/ndc/ndc.conf >"$root/DEBIAN/conffiles"
cat >"$root/DEBIAN/postinst" <<'SCRIPT'
#!/bin/sh
set -e
if [ "$1" = configure ]; then
  adduser --quiet --system --group --home /var/lib/ndc --no-create-home ndc
  install -d -m 750 -o ndc -g ndc /var/lib/ndc
  chown root:ndc /etc/ndc/ndc.conf
  [ -d /run/systemd/system ] && systemctl daemon-reload || true
fi
SCRIPT
cat >"$root/DEBIAN/prerm" <<'SCRIPT'
#!/bin/sh
set -e
if [ "$1" = remove ] && [ -d /run/systemd/system ]; then systemctl disable --now ndc || true; fi
SCRIPT
chmod 755 "$root/DEBIAN/postinst" "$root/DEBIAN/prerm"
dpkg-deb --root-owner-group -Zxz --build "$root" "$build/ndc_${version}_$arch.deb" >/dev/null
echo "$build/ndc_${version}_$arch.deb"
