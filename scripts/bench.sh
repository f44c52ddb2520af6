#!/usr/bin/env bash
# make bench: every figure of docs/performance.md as `name value unit` lines, under ten
# minutes on two cores. usage: bench.sh [BUILD]
set -euo pipefail
build=${1:-build}
here=$(cd "$(dirname "$0")" && pwd)
benches=(policy normalise audit link pipeline)
# shellcheck disable=SC2046
ninja -C "$build" --quiet $(printf 'bench/%s_bench ' "${benches[@]}") bench/copy_peer bench/entity_ids >&2
lines() { grep -E '^[a-zA-Z_][^ ]* -?[0-9.]+ [^ ]+$' || true; }
"$build/bench/policy_bench" | lines
"$build/bench/normalise_bench" | lines
dir=$(mktemp -d "${TMPDIR:-/tmp}/ndc-audit-XXXXXX")
"$build/bench/audit_bench" "sqlite:$dir/audit.db" "$dir" 200000 | lines
rm -rf "$dir"
"$here/bench_store.sh" "$build" 1000000 | lines
"$build/bench/link_bench" "${NDC_TEST_DATA:-../shared/data}" 100000 | lines
"$here/bench_pipeline.sh" "$build" 250000 | lines
"$here/bench_reads.sh" "$build" | lines
"$here/with_postgres.sh" bash -c 'DATABASE=$NDC_TEST_POSTGRES_URL PREFIX=postgres_ exec "$0" "$1"' "$here/bench_reads.sh" "$build" | lines
