#!/usr/bin/env bash
# The OpenID provider under load, whole sign-ins over HTTP, and npm's oidc-provider beside it
# in the same run, each on the same two processors as what asks it. Prints medians of ROUNDS
# (3) rounds, taken in turn. Peers that cannot be installed are named.
# usage: bench_eid.sh [BUILD]    SECONDS_ (5), CONNECTIONS (32), ROUNDS, ACCOUNTS (10000) may be set
set -euo pipefail
build=${1:-build} seconds=${SECONDS_:-5} connections=${CONNECTIONS:-32} rounds=${ROUNDS:-3}
accounts=${ACCOUNTS:-10000}
command -v wrk >/dev/null || { echo "bench_eid: skipped: no wrk (apt-get install wrk)" >&2; exit 0; }
here=$(cd "$(dirname "$0")/.." && pwd)
dir=$(mktemp -d "${TMPDIR:-/tmp}/ndc-eid-XXXXXX")
pids=()
stop() {
  for p in "${pids[@]}"; do kill -TERM "$p" 2>/dev/null || true; wait "$p" 2>/dev/null || true; done
  rm -rf "$dir"
}
trap stop EXIT
member() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }
wait_for() { for _ in $(seq 300); do curl -sf "$1" >/dev/null && return; sleep 0.1; done; echo "bench_eid: $1 does not answer" >&2; exit 1; }
json='Content-Type: application/json'
keep() { sed -n "s/^\(eid_[a-z0-9_]*\) \([0-9.]*\) .*/\1 \2/p" >>"$dir/all"; } # lines of bench/eid_load
# NAME URL METHOD AUTHORIZATION BODY
press() {
  wrk -t 1 -c "$connections" -d "${seconds}s" -s "$here/bench/form.lua" "$2" -- "$3" "$4" "$5" >"$dir/out"
  sed -n "s/^rate /eid_$1 /p;s/^p99 /eid_$1_p99_ms /p;s/^failed /eid_$1_failed /p" "$dir/out" >>"$dir/all"
}

ninja -C "$build" --quiet bench/eid_accounts bench/eid_load
port=$((20000 + RANDOM % 20000))
"$build/bench/eid_accounts" "$dir/data" "$accounts"
"$build/src/cmd/ndc" serve --data-dir "$dir/data" --listen "127.0.0.1:$port" --platforms eid >"$dir/ndc.log" 2>&1 &
pids+=($!)
own=http://127.0.0.1:$port
wait_for "$own/eid/jwks"
curl -s "$own/eid/register" -H "$json" \
  -d '{"client_name":"bench","grant_types":["client_credentials"],"response_types":[],"scope":"read"}' >"$dir/client"
own_auth="Basic $(printf '%s:%s' "$(member client_id <"$dir/client")" "$(member client_secret <"$dir/client")" | base64 -w0)"
own_token=$(curl -s "$own/eid/token" -H "Authorization: $own_auth" -d 'grant_type=client_credentials&scope=read' | member access_token)
[ -n "$own_token" ] || { echo "bench_eid: no token" >&2; exit 1; }

own_access=$("$build/bench/eid_load" "$port" "$dir/data" "$accounts" token 1 1)

peer=
mkdir -p "$build/peers-oidc"
if command -v npm >/dev/null && (cd "$build/peers-oidc" && { [ -d node_modules/oidc-provider ] || npm install --silent --no-save --prefix . oidc-provider@9 >"$dir/npm.log" 2>&1; }); then
  cp "$here/bench/peers/oidc_provider.mjs" "$build/peers-oidc/"
  NODE_ENV=production PORT=$((port + 1)) node "$build/peers-oidc/oidc_provider.mjs" >"$dir/peer" 2>"$dir/peer.log" &
  pids+=($!)
  peer=http://127.0.0.1:$((port + 1))
  wait_for "$peer/.well-known/openid-configuration"
  peer_auth="Basic $(printf 'bench:bench-secret-of-the-peer' | base64 -w0)"
  peer_token=$(curl -s "$peer/token" -H "Authorization: $peer_auth" -d 'grant_type=client_credentials&scope=read' | member access_token)
  peer_access=$(grep '^{' "$dir/peer" | member access) peer_refresh=$(grep '^{' "$dir/peer" | member refresh)
else
  echo "# oidc-provider skipped: npm could not install it" >&2
fi

load() { "$build/bench/eid_load" "$port" "$dir/data" "$accounts" "$1" "$seconds" "${2:-$connections}" | keep; }
credentials='grant_type=client_credentials&scope=read'
for _ in $(seq "$rounds"); do
  press ndc_introspect "$own/eid/introspect" POST "$own_auth" "token=$own_token"
  press ndc_credentials "$own/eid/token" POST "$own_auth" "$credentials"
  press ndc_userinfo "$own/eid/userinfo" GET "Bearer $own_access" ""
  if [ -n "$peer" ]; then
    press oidc_provider_introspect "$peer/token/introspection" POST "$peer_auth" "token=$peer_token"
    press oidc_provider_credentials "$peer/token" POST "$peer_auth" "$credentials&resource=urn:bench"
    press oidc_provider_userinfo "$peer/me" GET "Bearer $peer_access" ""
    press oidc_provider_refresh "$peer/token" POST "$peer_auth" "grant_type=refresh_token&refresh_token=$peer_refresh"
  fi
  for what in refresh passkey password logout; do load $what; done
  load es256 "$(nproc)"
  load argon2 "$(nproc)"
done
sort "$dir/all" -k1,1 -k2,2n | awk '
  $1 != last { if (n) print last, v[int((n + 1) / 2)]; n = 0; last = $1 }
  { v[++n] = $2 }
  END { if (n) print last, v[int((n + 1) / 2)] }' | sed 's/^eid_refresh/eid_ndc_refresh/' >"$dir/medians"
awk '{ unit = $1 ~ /_ms$/ ? "ms" : $1 ~ /failed$/ ? "requests" : "/s"; print $1, $2, unit; r[$1] = $2 }
  END {
    for (k in r) if (k ~ /^eid_oidc_provider_[a-z]+$/) {
      own = k; sub("oidc_provider", "ndc", own); name = k; sub("eid_oidc_provider_", "", name)
      printf "eid_%s_ratio %.1f times oidc-provider\n", name, r[own] / r[k] }
    printf "eid_credentials_of_es256 %.2f times the signatures that the machine makes\n", r["eid_ndc_credentials"] / r["eid_es256"]
    printf "eid_password_of_argon2 %.2f times the hashes that the machine makes\n", r["eid_password"] / r["eid_argon2"] }' "$dir/medians"
echo "eid_bytes_per_account $(($(stat -c %s "$dir/data/eid.db") / accounts)) bytes"
