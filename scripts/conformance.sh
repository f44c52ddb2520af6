#!/usr/bin/env bash
# The OpenID provider judged from outside: every plan of tests/eid/conformance, and npm's
# clients (tests/eid/clients), against a daemon of this build. usage: conformance.sh [BUILD]
# [PLAN…] (with plans named, those alone). Exit code 1: something failed.
set -uo pipefail
build=${1:-build}
shift || true
root=$(cd "$(dirname "$0")/.." && pwd)
ndc=$(cd "$root" && realpath "$build")/src/cmd/ndc
status=0
node "$root/tests/eid/conformance/frame/run.mjs" "$@" --ndc "$ndc" --table || status=1
[ $# -gt 0 ] && exit $status
for name in openid_client oidc_client_ts citizen verified_claims; do
  echo "# $name"
  node "$root/tests/eid/clients/${name}_test.mjs" "$ndc"
  rc=$?
  # 77: skipped, and it has said why.
  [ $rc -eq 0 ] || [ $rc -eq 77 ] || status=1
done
exit $status
