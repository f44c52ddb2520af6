#!/usr/bin/env bash
# make run: the data centre on this machine, with the demo nation at its first start.
# NDC_… and ./ndc.conf apply; DEMO_PEOPLE says how large the nation is (100000; 0: none).
set -euo pipefail
build=$1
people=${DEMO_PEOPLE:-100000}
exec "$build/src/cmd/ndc" serve --demo "$people"
