#!/usr/bin/env bash
# The OpenID provider under load, whole sign-ins over HTTP, and oidc-provider (npm), Glewlwyd
# (Debian) and Keycloak (Maven) beside it in the same run, each on the same two processors as
# what asks it. Prints medians of ROUNDS
# (3) rounds, taken in turn. Peers that cannot be installed are named.
# usage: bench_eid.sh [BUILD]    SECONDS_ (5), CONNECTIONS (32), ROUNDS, ACCOUNTS (10000), PEERS (yes),
# TMPDIR may be set; 10 million accounts take 12 GB there
set -euo pipefail
build=${1:-build} seconds=${SECONDS_:-5} connections=${CONNECTIONS:-32} rounds=${ROUNDS:-3}
accounts=${ACCOUNTS:-10000} peers=${PEERS:-yes}
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
bytes=$(($(stat -c %s "$dir/data/eid.db") / accounts))
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

# Peers: name, addresses, what authenticates, an access token of a client, one of a person, a
# refresh token, and what is added to ask for JWTs.
names=() introspect=() token=() userinfo=() opaque=() access=() refresh=() more=()
peer_auth="Basic $(printf 'bench:bench-secret-of-the-peer' | base64 -w0)"
add() { # NAME BASE TOKEN INTROSPECT USERINFO TOKENS_JSON [FORM OF JWTS]
  local at
  at=$(curl -s "$2$3" -H "Authorization: $peer_auth" -d 'grant_type=client_credentials&scope=read' | member access_token)
  [ -n "$at" ] || { echo "# $1 skipped: it gives no token" >&2; return; }
  names+=("$1") token+=("$2$3") introspect+=("$2$4") userinfo+=("$2$5") opaque+=("$at") more+=("${7:-}")
  access+=("$(sed 's/access_token/access/' <<<"$6" | member access)") refresh+=("$(sed 's/refresh_token/refresh/' <<<"$6" | member refresh)")
}

mkdir -p "$build/peers-oidc"
if [ "$peers" = no ]; then
  echo "# peers are left out" >&2
elif command -v npm >/dev/null && (cd "$build/peers-oidc" && { [ -d node_modules/oidc-provider ] || npm install --silent --no-save --prefix . oidc-provider@9 >"$dir/npm.log" 2>&1; }); then
  cp "$here/bench/peers/oidc_provider.mjs" "$build/peers-oidc/"
  NODE_ENV=production PORT=$((port + 1)) node "$build/peers-oidc/oidc_provider.mjs" >"$dir/peer" 2>"$dir/peer.log" &
  pids+=($!)
  wait_for "http://127.0.0.1:$((port + 1))/.well-known/openid-configuration"
  add oidc_provider "http://127.0.0.1:$((port + 1))" /token /token/introspection /me "$(grep '^{' "$dir/peer")" '&resource=urn:bench'
else
  echo "# oidc-provider skipped: npm could not install it" >&2
fi
if [ "$peers" != no ] && "$here/bench/peers/glewlwyd.sh" "$dir/glewlwyd" $((port + 2)) >"$dir/glewlwyd.out"; then
  pids+=("$(sed -n 's/^process //p' "$dir/glewlwyd.out")")
  add glewlwyd "http://127.0.0.1:$((port + 2))/api/oidc" /token /introspect /userinfo "$(tail -1 "$dir/glewlwyd.out")"
else
  echo "# glewlwyd skipped: apt-get install glewlwyd" >&2
fi
if [ "$peers" != no ] && "$here/bench/peers/keycloak.sh" "$dir/keycloak" $((port + 3)) >"$dir/keycloak.out"; then
  pids+=("$(sed -n 's/^process //p' "$dir/keycloak.out")")
  add keycloak "http://127.0.0.1:$((port + 3))/realms/bench/protocol/openid-connect" /token /token/introspect /userinfo "$(tail -1 "$dir/keycloak.out")"
else
  echo "# keycloak skipped: it needs Java 17 and Maven" >&2
fi

load() { "$build/bench/eid_load" "$port" "$dir/data" "$accounts" "$1" "$seconds" "${2:-$connections}" | keep; }
credentials='grant_type=client_credentials&scope=read'
for _ in $(seq "$rounds"); do
  press ndc_introspect "$own/eid/introspect" POST "$own_auth" "token=$own_token"
  press ndc_credentials "$own/eid/token" POST "$own_auth" "$credentials"
  press ndc_userinfo "$own/eid/userinfo" GET "Bearer $own_access" ""
  for i in "${!names[@]}"; do
    if [ "${names[$i]}" = oidc_provider ]; then # its memory holds a thousand things at most
      opaque[i]=$(curl -s "${token[$i]}" -H "Authorization: $peer_auth" -d "$credentials" | member access_token)
      fresh=$(curl -s "http://127.0.0.1:$((port + 1))/bench-tokens")
      access[i]=$(member access <<<"$fresh") refresh[i]=$(member refresh <<<"$fresh")
    fi
    press "${names[$i]}_introspect" "${introspect[$i]}" POST "$peer_auth" "token=${opaque[$i]}"
    press "${names[$i]}_userinfo" "${userinfo[$i]}" GET "Bearer ${access[$i]}" ""
    press "${names[$i]}_credentials" "${token[$i]}" POST "$peer_auth" "$credentials${more[$i]}"
    if [ "${names[$i]}" = oidc_provider ]; then
      refresh[i]=$(curl -s "http://127.0.0.1:$((port + 1))/bench-tokens" | member refresh)
    fi
    press "${names[$i]}_refresh" "${token[$i]}" POST "$peer_auth" "grant_type=refresh_token&refresh_token=${refresh[$i]}"
  done
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
    n = split("oidc_provider glewlwyd keycloak", peers, " ")
    m = split("introspect credentials userinfo refresh", works, " ")
    for (i = 1; i <= n; i++) for (k = 1; k <= m; k++) {
      peer = r["eid_" peers[i] "_" works[k]]
      if (peer > 0) printf "eid_%s_ratio %.1f times %s\n", works[k], r["eid_ndc_" works[k]] / peer, peers[i] }
    printf "eid_credentials_of_es256 %.2f times the signatures that the machine makes\n", r["eid_ndc_credentials"] / r["eid_es256"]
    printf "eid_password_of_argon2 %.2f times the hashes that the machine makes\n", r["eid_password"] / r["eid_argon2"] }' "$dir/medians"
echo "eid_bytes_per_account $bytes bytes"
