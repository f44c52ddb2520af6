#!/usr/bin/env bash
# Installs the Debian packages that building, running and testing need, without
# recommends; asks for sudo only if something is missing and the caller is not root.
# usage: setup.sh [test]     test: also what only the tests need
set -euo pipefail
packages=(
  gcc libc6-dev pkg-config meson ninja-build
  libmicrohttpd-dev libwslay-dev libjson-c-dev libsqlite3-dev libpq-dev
  libssl-dev libsodium-dev libyaml-dev liblz4-dev libcmocka-dev
  postgresql
  nodejs
)
if [ "${1:-}" = test ]; then
  packages+=(chromium)
  # The plugin of Debian's PostgreSQL: 15 on Debian 12, 17 on Debian 13.
  release=$(. /etc/os-release && echo "${VERSION_ID:-12}")
  if [ "${release%%.*}" -ge 13 ]; then packages+=(postgresql-17-wal2json); else packages+=(postgresql-15-wal2json); fi
fi
missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
# A Node.js from elsewhere may bring its own npm.
command -v npm >/dev/null || missing+=(npm)
[ ${#missing[@]} -eq 0 ] && exit 0
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "setup: run as root, or install sudo; missing: ${missing[*]}" >&2; exit 1; }
  as_root=(sudo)
fi
echo "setup: installing ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
install_all() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"
}
{ "${as_root[@]}" apt-get update && install_all; } >"$log" 2>&1 || { tail -n 30 "$log" >&2; exit 1; }
