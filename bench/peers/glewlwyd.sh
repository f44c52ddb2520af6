#!/usr/bin/env bash
# Glewlwyd (Debian's package) with its SQLite database, as it ships, for scripts/bench_eid.sh: one
# client, ES256 JWTs. usage: glewlwyd.sh FOLDER PORT; prints the process, then the tokens of a
# person as JSON on the last line; 77: not installed.
set -euo pipefail
dir=$1 port=$2
command -v glewlwyd >/dev/null && [ -r /usr/share/dbconfig-common/data/glewlwyd/install/sqlite3 ] || exit 77
mkdir -p "$dir"
grep -v '@include' /etc/glewlwyd/glewlwyd.conf | sed "s/^port=.*/port=$port/; s#^external_url=.*#external_url=\"http://localhost:$port/\"#
  s#^log_file=.*#log_file=\"$dir/log\"#; s#^log_level=.*#log_level=\"ERROR\"#" >"$dir/conf"
echo "database = { type = \"sqlite3\"; path = \"$dir/db\"; };" >>"$dir/conf"
openssl ecparam -name prime256v1 -genkey -noout -out "$dir/key.pem" 2>/dev/null
openssl ec -in "$dir/key.pem" -pubout -out "$dir/public.pem" 2>/dev/null
python3 - "$dir/db" <<'PY'
import sqlite3, sys
c = sqlite3.connect(sys.argv[1])
c.executescript(open('/usr/share/dbconfig-common/data/glewlwyd/install/sqlite3').read())
c.commit()
PY
glewlwyd --config-file="$dir/conf" >"$dir/out" 2>&1 &
echo "process $!"
for _ in $(seq 100); do curl -sf "http://127.0.0.1:$port/config" >/dev/null && break; sleep 0.1; done
python3 - "$dir" "http://127.0.0.1:$port" <<'PY'
import http.cookiejar, json, sys, urllib.request
folder, base = sys.argv[1:]
web = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
def call(method, path, body):
    web.open(urllib.request.Request(base + path, data=json.dumps(body).encode(), method=method,
                                    headers={'Content-Type': 'application/json'})).read()
call('POST', '/api/auth/', {'username': 'admin', 'password': 'password'})
on = dict.fromkeys(['refresh-token-rolling', 'allow-non-oidc', 'auth-type-code-enabled', 'auth-type-id-token-enabled',
                    'auth-type-password-enabled', 'auth-type-client-enabled', 'auth-type-refresh-enabled', 'jwks-show',
                    'pkce-allowed', 'introspection-revocation-allowed', 'introspection-revocation-allow-target-client'], True)
off = dict.fromkeys(['auth-type-token-enabled', 'auth-type-none-enabled', 'request-parameter-allow',
                     'pkce-method-plain-allowed', 'register-client-allowed', 'session-management-allowed'], False)
call('POST', '/api/mod/plugin/', {'module': 'oidc', 'name': 'oidc', 'display_name': 'oidc', 'parameters': {
    'iss': base, 'jwt-type': 'ecdsa', 'jwt-key-size': '256', 'key': open(folder + '/key.pem').read(),
    'cert': open(folder + '/public.pem').read(), 'access-token-duration': 3600, 'refresh-token-duration': 1209600,
    'code-duration': 600, 'scope': [], 'additional-parameters': [], 'claims': [], 'jwks-x5c': [], 'secret-type': 'pairwise',
    'subject-type': 'pairwise', 'address-claim': {'type': 'no'}, 'name-claim': 'no', 'email-claim': 'no', 'scope-claim': 'no',
    'allowed-scope': ['openid'], 'introspection-revocation-auth-scope': [], **on, **off}})
call('POST', '/api/scope/', {'name': 'read', 'display_name': 'read', 'password_required': True, 'scheme': {}})
call('PUT', '/api/user/admin', {'username': 'admin', 'name': 'admin', 'enabled': True,
                                'scope': ['g_admin', 'g_profile', 'openid', 'read']})
secret = 'bench-secret-of-the-peer'
call('POST', '/api/client/', {'client_id': 'bench', 'name': 'bench', 'client_secret': secret, 'password': secret,
    'confidential': True, 'enabled': True, 'authorization_type': ['client_credentials', 'password', 'refresh_token', 'code'],
    'scope': ['read', 'openid'], 'redirect_uri': ['http://127.0.0.1:3000/back'],
    'token_endpoint_auth_method': ['client_secret_basic']})
PY
curl -s "http://127.0.0.1:$port/api/oidc/token" -u bench:bench-secret-of-the-peer \
  -d 'grant_type=password&username=admin&password=password&scope=openid'
echo
