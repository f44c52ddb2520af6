#!/usr/bin/env bash
# The whole pipeline on the demo nation beside PostgreSQL's COPY of the same rows with two
# indexes, in one run: on SQLite, the peer, then on PostgreSQL. PostgreSQL's settings are
# with_postgres.sh's (fsync on); SQLite's load is synced before it is served.
# usage: bench_pipeline.sh [BUILD [PEOPLE]]     250000 people: 2 million records
set -euo pipefail
build=$(readlink -f "${1:-build}") people=${2:-250000}
here=$(cd "$(dirname "$0")" && pwd)
if [ "${3:-}" = inside ]; then
  dir=$4
  "$build/bench/pipeline_bench" "$people" "$dir/nation" "sqlite:$dir/ndc.db" >"$dir/sqlite.out" 2>"$dir/log" || { cat "$dir/log" >&2; exit 1; }
  rm -f "$dir"/ndc.db*
  "$build/bench/copy_peer" "$dir/nation" "$NDC_TEST_POSTGRES_URL" >"$dir/peer.out"
  "$build/bench/pipeline_bench" "$people" "$dir/nation" "$NDC_TEST_POSTGRES_URL" >"$dir/postgres.out" 2>"$dir/log" || { cat "$dir/log" >&2; exit 1; }
  sed 's/^pipeline_/pipeline_sqlite_/' "$dir/sqlite.out"
  cat "$dir/peer.out"
  grep -E '^pipeline_(seconds|cpu|rate|load|link|entities)' "$dir/postgres.out" | sed 's/^pipeline_/pipeline_postgres_/'
  for store in sqlite postgres; do
    cat "$dir/$store.out" "$dir/peer.out" | awk -v s=$store '
      $1 == "pipeline_rate" { rate = $2 } $1 == "copy_peer_rate" { peer = $2 }
      $1 == "pipeline_cpu" { cpu = $2 } $1 == "copy_peer_cpu" { peer_cpu = $2 }
      END { printf "pipeline_vs_copy_%s %.2f ratio\n", s, rate / peer
            printf "pipeline_vs_copy_cpu_%s %.2f ratio\n", s, peer_cpu / cpu }'
  done
  exit
fi
dir=$(mktemp -d "${TMPDIR:-/tmp}/ndc-pipeline-XXXXXX")
trap 'rm -rf "$dir"' EXIT
"$here/with_postgres.sh" "$here/bench_pipeline.sh" "$build" "$people" inside "$dir"
