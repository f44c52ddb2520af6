#!/usr/bin/env bash
# Audited, policy-checked reads of random people over HTTP, by wrk on this same machine.
# Starts the daemon on a temporary folder with the demo nation, reads as an agency's system
# with an API key; every answer leaves after its audit entry is on the disk.
# DATABASE: sqlite, or postgres: and a CONNINFO (with_postgres.sh makes one).
# STORE=DIR reads from a store that people_bench has made there, with PEOPLE people; then
# also cold: the file is put out of the page cache and read at once, until everybody on the
# list would have been read at 15,000/s.
# usage: bench_reads.sh [BUILD]   PEOPLE, SECONDS_, CONNECTIONS, DATABASE, PREFIX may be set
set -euo pipefail
build=${1:-build}
people=${PEOPLE:-100000} seconds=${SECONDS_:-10} connections=${CONNECTIONS:-64}
database=${DATABASE:-sqlite} prefix=${PREFIX:-} store=${STORE:-}
port=${PORT:-$((20000 + RANDOM % 20000))}
command -v wrk >/dev/null || { echo "bench_reads: skipped: no wrk (apt-get install wrk)" >&2; exit 0; }
here=$(cd "$(dirname "$0")/.." && pwd)
ndc=$build/src/cmd/ndc
dir=$(mktemp -d "${TMPDIR:-/tmp}/ndc-reads-XXXXXX")
pid=
stop() {
  if [ -n "$pid" ]; then kill -TERM "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; fi
  rm -rf "$dir"
}
trap stop EXIT
set_=(--data-dir "$dir/data" --database "$database")
[ "$database" = sqlite ] || set_+=(--audit-database "$database")
# What one agency may read for one purpose is bounded: five agencies, 9,000 people each.
for agency in bca btp btc byt bgddt; do
  "$ndc" key add "$agency" --agency-title "$agency" "${set_[@]}" 2>"$dir/key.log" | sed -n 2p >>"$dir/keys" || { cat "$dir/key.log" >&2; exit 1; }
done
[ "$(wc -l <"$dir/keys")" = 5 ] || { cat "$dir/key.log" >&2; exit 1; }
"$build/bench/entity_ids" "$people" $((people < 45000 ? people : 45000)) >"$dir/ids"
: >"$dir/log"
demo=(--demo "$people") ready='the demo nation is integrated'
if [ -n "$store" ]; then
  mkdir -p "$dir/data"
  rm -f "$dir/data/registry.db"*
  ln -s "$(realpath "$store/registry.db")" "$dir/data/registry.db"
  demo=() ready='/api$'
fi
# From the page cache; dd's "nocache" is posix_fadvise(2).
forget() { sync; dd if="$store/registry.db" iflag=nocache count=0 status=none; }
"$ndc" serve "${set_[@]}" --listen "127.0.0.1:$port" "${demo[@]}" >"$dir/log" 2>&1 &
pid=$!
for _ in $(seq 1800); do
  grep -q "$ready" "$dir/log" && break
  kill -0 "$pid" 2>/dev/null || { cat "$dir/log" >&2; exit 1; }
  sleep 0.2
done
run() {
  wrk -t 1 -c "$connections" -d "$1" -s "$here/bench/reads.lua" \
    "http://127.0.0.1:$port" -- "$dir/ids" "$dir/keys"
}
if [ -n "$store" ]; then
  forget
  run 3s >"$dir/cold"
  sed -n "s/^person_/${prefix}cold_person_/p" "$dir/cold"
fi
run 2s >/dev/null # the caches as after some minutes
ticks() { awk '{ print $14 + $15 }' "/proc/$pid/stat"; } # of processor time, proc(5)
before=$(ticks)
run "${seconds}s" >"$dir/out"
after=$(ticks)
# Processor time of the daemon for one read, its audit entry included: what other work on
# the machine hardly changes.
awk -v ticks=$((after - before)) -v hz="$(getconf CLK_TCK)" -v s="$seconds" '
  /^person_reads_per_s/ { n = $2 * s }
  END { printf "person_reads_server_cpu %.1f us\n", ticks / hz * 1e6 / n }' "$dir/out" >>"$dir/out"
sed -n "s/^person_/${prefix}person_/p" "$dir/out"
