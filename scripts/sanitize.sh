#!/usr/bin/env bash
# Builds with clang's sanitizers and runs the tests. usage: sanitize.sh KINDS BUILD_DIR
set -euo pipefail
kinds=$1 build=$2
command -v clang >/dev/null || scripts/setup_dev.sh
if [ ! -f "$build/build.ninja" ]; then
  CC=clang meson setup "$build" -Db_sanitize="$kinds" -Db_lundef=false --buildtype=debugoptimized >/dev/null
fi
ninja -C "$build" --quiet
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=1
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
# Tests that kill start threads in children of a process that has some.
export TSAN_OPTIONS=halt_on_error=1:die_after_fork=0
scripts/test.sh "$build"
