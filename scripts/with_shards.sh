#!/usr/bin/env bash
# Runs a command beside a private PostgreSQL that coordinates and SHARDS (3) others that
# hold shards; all end with it. NDC_TEST_POSTGRES_URL is the coordinator,
# NDC_TEST_SHARD_0_URL and so on are the others, NDC_TEST_SHARD_0_DIR and so on their
# folders, and NDC_TEST_SHARDS says how many: the registry's tests are sharded then.
# usage: [SHARDS=N] with_shards.sh COMMAND...
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
n=${SHARDS:-3}
export NDC_TEST_SHARDS=${NDC_TEST_SHARDS:-$n}
ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || { echo "skipped: no PostgreSQL under /usr/lib/postgresql"; exit 77; }
at=${NDC_WITH_SHARDS_AT:-0}
if [ "$at" = "$n" ]; then
  unset NDC_WITH_SHARDS_AT
  exec "$here/with_postgres.sh" "$@"
fi
# A server within a server's script: each ends when the command within it has ended.
exec "$here/with_postgres.sh" -s shared_buffers=256MB bash -c '
  export NDC_TEST_SHARD_'"$at"'_URL=$NDC_TEST_POSTGRES_URL
  export NDC_WITH_SHARDS_AT='"$((at + 1))"'
  exec "$0" "$@"' "$here/with_shards.sh" "$@"
