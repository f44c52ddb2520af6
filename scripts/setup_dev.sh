#!/usr/bin/env bash
# Installs what only linting, sanitizers and fuzzing need.
set -euo pipefail
as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo)
packages=(clang clang-tidy llvm)
apt-cache show clang-format-14 >/dev/null 2>&1 && packages+=(clang-format-14 libclang-rt-14-dev) ||
  packages+=(clang-format libclang-rt-dev)
"${as_root[@]}" apt-get update >/dev/null
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${packages[@]}" >/dev/null
