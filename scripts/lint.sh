#!/usr/bin/env bash
# clang-format, banned functions, layering and sizes; then clang-tidy. Says every fault.
set -uo pipefail
fail=0
if ! command -v clang-format >/dev/null && ! command -v clang-format-14 >/dev/null; then
  scripts/setup_dev.sh
fi
format=$(command -v clang-format-14 || command -v clang-format)
mapfile -t sources < <(git ls-files 'src/*.c' 'src/*.h' 'tests/*.c' 'tests/*.h' 'bench/*.c' 'fuzz/*.c')
"$format" --dry-run --Werror "${sources[@]}" || { echo "lint: run 'make format'"; fail=1; }
python3 scripts/lint.py "${sources[@]}" || fail=1
if [ "${NDC_LINT_TIDY:-yes}" = yes ]; then
  command -v clang-tidy >/dev/null || scripts/setup_dev.sh
  [ -f build-tidy/build.ninja ] || CC=clang meson setup build-tidy >/dev/null
  mapfile -t units < <(git ls-files 'src/*.c')
  found=$(printf '%s\n' "${units[@]}" | xargs -P "$(nproc)" -n 8 clang-tidy -p build-tidy --quiet 2>/dev/null |
    grep -E 'warning:|error:')
  [ -z "$found" ] || { echo "$found"; fail=1; } # by its words: with pipefail the status is xargs's
fi
[ $fail -eq 0 ] && echo "lint: clean"
exit $fail
