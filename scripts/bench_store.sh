#!/usr/bin/env bash
# Measures storage on SQLite and on a private PostgreSQL. usage: bench_store.sh BUILD [ROWS]
set -euo pipefail
build=${1:-build} rows=${2:-2000000}
ninja -C "$build" --quiet bench/store_bench
dir=$(mktemp -d "${TMPDIR:-/tmp}/ndc-bench-XXXXXX")
trap 'rm -rf "$dir"' EXIT
"$build/bench/store_bench" "sqlite:$dir/bench.db" "$rows"
run() { "$1/bench/store_bench" "$NDC_TEST_POSTGRES_URL" "$2"; }
export -f run
scripts/with_postgres.sh bash -c 'run "$@"' run "$build" "$rows"
