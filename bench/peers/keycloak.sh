#!/usr/bin/env bash
# Keycloak 26 (keycloak-quarkus-dist from Maven) with its file database, for
# scripts/bench_eid.sh: one realm, one client, ES256 JWTs. usage: keycloak.sh FOLDER PORT; prints the
# process, then the tokens of a person as JSON on the last line; 77: no Java or no Maven.
set -euo pipefail
dir=$1 port=$2 version=26.0.7
command -v java >/dev/null && command -v mvn >/dev/null || exit 77
zip=$HOME/.m2/repository/org/keycloak/keycloak-quarkus-dist/$version/keycloak-quarkus-dist-$version.zip
[ -f "$zip" ] || mvn -q dependency:get -Dartifact=org.keycloak:keycloak-quarkus-dist:$version:zip -Dtransitive=false >&2 || exit 77
mkdir -p "$dir"
(cd "$dir" && python3 -m zipfile -e "$zip" .)
home=$dir/keycloak-$version
chmod +x "$home"/bin/*.sh
mkdir -p "$home/data/import"
cat >"$home/data/import/bench.json" <<'JSON'
{"realm": "bench", "enabled": true, "sslRequired": "none", "accessTokenLifespan": 7200,
 "clientScopes": [{"name": "read", "protocol": "openid-connect"}],
 "clients": [{"clientId": "bench", "secret": "bench-secret-of-the-peer", "enabled": true, "publicClient": false,
   "serviceAccountsEnabled": true, "directAccessGrantsEnabled": true, "standardFlowEnabled": true,
   "redirectUris": ["http://127.0.0.1:3000/back"], "optionalClientScopes": ["read"],
   "attributes": {"access.token.signed.response.alg": "ES256"}}],
 "users": [{"username": "someone", "enabled": true, "email": "someone@example.org", "firstName": "Some", "lastName": "One",
   "credentials": [{"type": "password", "value": "password", "temporary": false}]}]}
JSON
"$home/bin/kc.sh" start --import-realm --db=dev-file --http-enabled=true --hostname-strict=false --http-host 127.0.0.1 --http-port "$port" >"$dir/out" 2>&1 &
echo "process $!"
realm=http://127.0.0.1:$port/realms/bench
for _ in $(seq 1200); do curl -sf "$realm" >/dev/null && break; sleep 0.1; done
curl -s "$realm/protocol/openid-connect/token" -u bench:bench-secret-of-the-peer \
  -d 'grant_type=password&username=someone&password=password&scope=openid'
echo
