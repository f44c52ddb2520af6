#!/usr/bin/env bash
# Runs every test program and ends with the line "N passed, N failed, N skipped", counted
# over single tests, not programs. usage: test.sh BUILD_DIR
set -uo pipefail
build=${1:-build}
# Five times the limits of the meson.build files: they are for a quiet machine.
meson test -C "$build" --no-rebuild --print-errorlogs --timeout-multiplier 5 --num-processes "$(nproc)" | grep -v '^$'
status=${PIPESTATUS[0]}
python3 scripts/count_tests.py "$build/meson-logs/testlog.json" || status=1
exit "$status"
