#!/usr/bin/env bash
# Runs a command beside a private PostgreSQL that ends with it: a temporary folder, a Unix
# socket only, durable settings. NDC_TEST_POSTGRES_URL tells the command where it is.
# usage: with_postgres.sh [-s SETTING=VALUE]... COMMAND...
set -euo pipefail
settings=()
while [ "${1:-}" = -s ]; do settings+=(-c "$2"); shift 2; done
bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1)
[ -n "$bin" ] || { echo "with_postgres: no PostgreSQL under /usr/lib/postgresql" >&2; exit 1; }
dir=$(mktemp -d /tmp/ndc-pg-XXXXXX)
as=()
if [ "$(id -u)" = 0 ]; then
  chown postgres "$dir"
  as=(setpriv --reuid=postgres --regid=postgres --clear-groups)
fi
cd /
"${as[@]}" "$bin/initdb" -D "$dir/data" -U ndc --auth=trust --locale=C --encoding=UTF8 --no-sync >"$dir.log" 2>&1
"${as[@]}" "$bin/postgres" -D "$dir/data" -c listen_addresses= -c unix_socket_directories="$dir" \
  -c shared_buffers=512MB -c max_wal_size=8GB -c checkpoint_timeout=15min "${settings[@]}" >>"$dir.log" 2>&1 &
pid=$!
# Processor time of the server and of its connections that have ended, if it is asked for.
cpu() {
  [ -z "${NDC_POSTGRES_CPU:-}" ] || awk -v hz="$(getconf CLK_TCK)" \
    '{ split($0, p, ") "); split(p[2], f, " "); printf "server_cpu %.2f s\n", (f[12] + f[13] + f[14] + f[15]) / hz }' "/proc/$pid/stat"
}
stop() { cpu; kill -INT "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; rm -rf "$dir" "$dir.log"; }
trap stop EXIT
for _ in $(seq 500); do "$bin/pg_isready" -q -h "$dir" && break; sleep 0.05; done
"$bin/createdb" -h "$dir" -U ndc ndc || { cat "$dir.log" >&2; exit 1; }
cd "$OLDPWD"
export NDC_TEST_POSTGRES_URL="postgres:host=$dir user=ndc dbname=ndc"
"$@"
