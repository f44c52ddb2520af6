#!/usr/bin/env bash
# make bench-peers: Splink on historical_50k beside us in the same run, pip-installed into a
# folder of its own under the build. Says what it could not install. usage: bench_peers.sh [BUILD]
set -euo pipefail
build=${1:-build} data=${NDC_TEST_DATA:-../shared/data}
set=$data/linkage/historical_50k.csv venv=$build/peers-venv
[ -f "$set" ] || { echo "# skipped: no $set"; exit 0; }
ninja -C "$build" --quiet bench/link_bench >&2
"$build/bench/link_bench" "$data" 0 | grep historical
if [ ! -x "$venv/bin/pip" ]; then
  python3 -m venv "$venv" >&2 || { echo "# splink skipped: python3-venv is missing"; exit 0; }
fi
"$venv/bin/pip" install --quiet splink pandas >&2 ||
  { echo "# splink skipped: pip could not install it"; exit 0; }
"$venv/bin/python" bench/peers/splink_historical.py "$set" 2>/dev/null
