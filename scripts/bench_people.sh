#!/usr/bin/env bash
# A store of very many people (bench/people_bench.c): what it takes to make, bytes a record
# beside PostgreSQL's for such records, search by kind of query and audited reads over HTTP,
# each cold and warm. Needs about 800 bytes a person in DIR while it is made.
# usage: bench_people.sh [BUILD]   PEOPLE, DIR (a store that is there is used), PER_KIND,
#        SAMPLE (people for PostgreSQL; 0: not), READS=no may be set
set -euo pipefail
build=${1:-build}
people=${PEOPLE:-1000000} per_kind=${PER_KIND:-200} sample=${SAMPLE:-200000}
here=$(cd "$(dirname "$0")/.." && pwd)
dir=${DIR:-}
made=
if [ -z "$dir" ]; then dir=$(mktemp -d "${TMPDIR:-/tmp}/ndc-people-XXXXXX"); made=$dir; fi
nation=$(mktemp -d "${TMPDIR:-/tmp}/ndc-nation-XXXXXX")
trap 'rm -rf "$nation"; [ -z "$made" ] || rm -rf "$made"' EXIT
"$build/bench/people_bench" make "$people" "$dir" | tee "$nation/make"
[ ! -s "$nation/make" ] || awk -v bytes="$(stat -c %s "$dir/registry.db")" '
  /^people_records/ { printf "people_store %.1f bytes/record\n", bytes / $2 }' "$nation/make"
"$build/bench/people_bench" search "$dir" "$per_kind"
if [ "$sample" != 0 ]; then
  "$build/src/cmd/ndc" demo --people "$sample" --out "$nation" >"$nation/log" 2>&1
  # shellcheck disable=SC2016
  "$here/scripts/with_postgres.sh" bash -c 'cd "$1" && psql -X -d "${NDC_TEST_POSTGRES_URL#postgres:}" -f "$2"' \
    peer "$nation" "$here/bench/people_peer.sql"
fi
[ "${READS:-yes}" = no ] || STORE=$dir PEOPLE=$people "$here/scripts/bench_reads.sh" "$build"
