#!/usr/bin/env bash
# Fuzzes each target for a while with clang's libFuzzer, starting from the committed corpus.
# usage: fuzz.sh [SECONDS_EACH [TARGET...]]; new findings go to build-fuzz/, never the tree.
set -euo pipefail
seconds=${1:-30}; shift || true
command -v clang >/dev/null || scripts/setup_dev.sh
if [ ! -f build-fuzz/build.ninja ]; then
  CC=clang meson setup build-fuzz -Db_sanitize=address,undefined -Db_lundef=false -Dc_args=-fsanitize=fuzzer-no-link \
    --buildtype=debugoptimized >/dev/null
fi
targets=("$@")
[ ${#targets[@]} -gt 0 ] || mapfile -t targets < <(ls fuzz/corpus)
ninja -C build-fuzz --quiet "${targets[@]/#/fuzz/fuzz_}"
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
for target in "${targets[@]}"; do
  mkdir -p "build-fuzz/found/$target"
  "build-fuzz/fuzz/fuzz_$target" -max_total_time="$seconds" -print_final_stats=1 \
    -artifact_prefix="build-fuzz/found/" "build-fuzz/found/$target" "fuzz/corpus/$target" 2>&1 |
    grep -E 'ERROR|SUMMARY|Assert|number_of_executed|crash-|average_exec' || true
  if compgen -G 'build-fuzz/found/crash-*' >/dev/null; then echo "fuzz: $target failed"; exit 1; fi
done
