/* The platform's tables. What a bearer may present is kept as a hash only; what is kept
 * to be used again (TOTP secrets, signing keys) is sealed. Rows that end have an index on
 * their end, and every write of such a table removes a few that are over: nothing is left
 * to a janitor that may fall behind (eid_sweep). */
#include "platforms/eid/eid.h"

static const char accounts_sql[] =
    "CREATE TABLE eid_account ("
    "  account TEXT PRIMARY KEY," /* 16 random characters; never shown to clients */
    "  kind TEXT NOT NULL,"       /* citizen, foreigner, organisation, official */
    "  state TEXT NOT NULL,"      /* active, frozen, ended */
    "  level BIGINT NOT NULL,"    /* 1 remote, 2 proofed in person */
    "  entity BIGINT NOT NULL,"   /* of the registry; 0: none */
    "  number TEXT NOT NULL,"     /* personal ID, organisation's code, passport */
    "  name TEXT NOT NULL,"
    "  birth_date TEXT NOT NULL," /* ISO or its beginning */
    "  phone TEXT NOT NULL,"      /* E.164 or empty */
    "  email TEXT NOT NULL,"
    "  guardian TEXT NOT NULL,"  /* account that answers for a child's */
    "  user_name TEXT NOT NULL," /* of the console, or empty */
    "  proof TEXT NOT NULL,"     /* JSON: how the level was reached, by whom, when */
    "  reason TEXT NOT NULL,"    /* of the state */
    "  created_ms BIGINT NOT NULL,"
    "  changed_ms BIGINT NOT NULL);"
    "CREATE UNIQUE INDEX eid_account_entity ON eid_account (entity, kind) "
    "  WHERE entity > 0;"

    /* What a person types to say who they are. */
    "CREATE TABLE eid_login ("
    "  login TEXT PRIMARY KEY," /* kind:value, normalised: id:, phone:, email: */
    "  account TEXT NOT NULL);"
    "CREATE INDEX eid_login_account ON eid_login (account);"

    "CREATE TABLE eid_authenticator ("
    "  account TEXT NOT NULL,"
    "  number BIGINT NOT NULL,"
    "  kind TEXT NOT NULL," /* password, passkey, totp, recovery */
    "  title TEXT NOT NULL,"
    "  secret TEXT NOT NULL," /* argon2id text, sealed secret, hashes; empty: none */
    "  data TEXT NOT NULL,"   /* JSON of the kind: credential id, public key, … */
    "  counter BIGINT NOT NULL,"
    "  created_ms BIGINT NOT NULL,"
    "  used_ms BIGINT NOT NULL,"
    "  PRIMARY KEY (account, number));"

    /* A credential belongs to one account only. */
    "CREATE TABLE eid_credential ("
    "  credential TEXT PRIMARY KEY," /* base64url of its SHA-256 */
    "  account TEXT NOT NULL,"
    "  number BIGINT NOT NULL);"

    "CREATE TABLE eid_session ("
    "  session BYTEA PRIMARY KEY," /* hash of the cookie */
    "  sid TEXT NOT NULL UNIQUE,"  /* as tokens name it */
    "  account TEXT NOT NULL,"
    "  acr TEXT NOT NULL,"
    "  amr TEXT NOT NULL," /* space-separated */
    "  auth_ms BIGINT NOT NULL,"
    "  created_ms BIGINT NOT NULL,"
    "  used_ms BIGINT NOT NULL,"
    "  expires_ms BIGINT NOT NULL,"
    "  address TEXT NOT NULL,"
    "  agent TEXT NOT NULL);"
    "CREATE INDEX eid_session_account ON eid_session (account, created_ms);"
    "CREATE INDEX eid_session_end ON eid_session (expires_ms);"

    "CREATE TABLE eid_interaction ("
    "  interaction TEXT PRIMARY KEY,"
    "  browser BYTEA NOT NULL," /* hash of the cookie that it is bound to */
    "  kind TEXT NOT NULL,"     /* authorize, device, account */
    "  client TEXT NOT NULL,"
    "  ask TEXT NOT NULL,"     /* JSON: what the page is told */
    "  request TEXT NOT NULL," /* JSON: what who began it wants back */
    "  account TEXT NOT NULL," /* who is signing in; empty: nobody yet */
    "  passed TEXT NOT NULL,"  /* JSON: what was shown so far */
    "  state TEXT NOT NULL,"   /* sign-in, consent, done, refused */
    "  expires_ms BIGINT NOT NULL);"
    "CREATE INDEX eid_interaction_end ON eid_interaction (expires_ms);"

    "CREATE TABLE eid_consent ("
    "  account TEXT NOT NULL,"
    "  client TEXT NOT NULL,"
    "  record TEXT NOT NULL," /* ISO/IEC TS 27560 as JSON */
    "  scopes TEXT NOT NULL," /* space-separated */
    "  claims TEXT NOT NULL," /* the same, named one by one */
    "  purpose TEXT NOT NULL,"
    "  given_ms BIGINT NOT NULL,"
    "  withdrawn_ms BIGINT NOT NULL," /* 0: stands */
    "  PRIMARY KEY (account, client));";

static const char follow_sql[] =
    /* How far the registry's changes were taken up. */
    "CREATE TABLE eid_follow ("
    "  id BIGINT PRIMARY KEY,"
    "  generation BIGINT NOT NULL,"
    "  seq BIGINT NOT NULL);"
    "INSERT INTO eid_follow (id, generation, seq) VALUES (1, 0, 0);"
    /* Whose children and organisations an account answers for. */
    "CREATE INDEX eid_account_guardian ON eid_account (guardian) WHERE guardian <> '';"
    "CREATE UNIQUE INDEX eid_account_user ON eid_account (user_name) "
    "  WHERE user_name <> '';"
    "CREATE INDEX eid_account_number ON eid_account (number) WHERE number <> '';";

static const char provider_sql[] =
    "CREATE TABLE eid_client ("
    "  client TEXT PRIMARY KEY,"
    "  owner TEXT NOT NULL," /* principal or account; empty: registered by itself */
    "  metadata TEXT NOT NULL,"
    "  secret BYTEA NOT NULL,"       /* hash; empty: none */
    "  sealed TEXT NOT NULL,"        /* the secret where JWTs are made with it */
    "  registration BYTEA NOT NULL," /* hash of the registration access token */
    "  disabled BIGINT NOT NULL,"
    "  created_ms BIGINT NOT NULL,"
    "  changed_ms BIGINT NOT NULL);"
    "CREATE INDEX eid_client_owner ON eid_client (owner, created_ms);"

    /* What a client did on a day, and what failed. */
    "CREATE TABLE eid_client_use ("
    "  name TEXT PRIMARY KEY," /* client, day, what, outcome */
    "  client TEXT NOT NULL,"
    "  day BIGINT NOT NULL," /* since 1970 */
    "  what TEXT NOT NULL,"
    "  outcome TEXT NOT NULL," /* an error's code; empty: it went well */
    "  detail TEXT NOT NULL,"  /* of the last error */
    "  count BIGINT NOT NULL,"
    "  last_ms BIGINT NOT NULL,"
    "  expires_ms BIGINT NOT NULL);"
    "CREATE INDEX eid_client_use_client ON eid_client_use (client, day);"
    "CREATE INDEX eid_client_use_end ON eid_client_use (expires_ms);"

    "CREATE TABLE eid_par ("
    "  par BYTEA PRIMARY KEY,"
    "  client TEXT NOT NULL,"
    "  request TEXT NOT NULL,"
    "  open_ms BIGINT NOT NULL," /* browsers may come with it until then */
    "  expires_ms BIGINT NOT NULL);"
    "CREATE INDEX eid_par_end ON eid_par (expires_ms);"

    "CREATE TABLE eid_code ("
    "  code BYTEA PRIMARY KEY,"
    "  grant_id TEXT NOT NULL,"
    "  client TEXT NOT NULL,"
    "  data TEXT NOT NULL,"
    "  used BIGINT NOT NULL,"
    "  expires_ms BIGINT NOT NULL);"
    "CREATE INDEX eid_code_end ON eid_code (expires_ms);"

    /* What a client was given for an account; its refresh token is the counter's. */
    "CREATE TABLE eid_grant ("
    "  grant_id TEXT PRIMARY KEY,"
    "  client TEXT NOT NULL,"
    "  account TEXT NOT NULL,"
    "  sid TEXT NOT NULL,"
    "  offline BIGINT NOT NULL," /* outlives a sign-out (scope offline_access) */
    "  data TEXT NOT NULL,"
    "  counter BIGINT NOT NULL,"
    "  created_ms BIGINT NOT NULL,"
    "  used_ms BIGINT NOT NULL,"
    "  expires_ms BIGINT NOT NULL);"
    "CREATE INDEX eid_grant_account ON eid_grant (account, created_ms);"
    "CREATE INDEX eid_grant_sid ON eid_grant (sid);"
    "CREATE INDEX eid_grant_end ON eid_grant (expires_ms);"

    /* Clients that were signed in to in a session and want to hear of its end. */
    "CREATE TABLE eid_logout ("
    "  name TEXT PRIMARY KEY," /* sid and client */
    "  sid TEXT NOT NULL,"
    "  client TEXT NOT NULL,"
    "  account TEXT NOT NULL,"
    "  tries BIGINT NOT NULL,"
    "  due_ms BIGINT NOT NULL," /* to be told then; 0: the session stands */
    "  expires_ms BIGINT NOT NULL);"
    "CREATE INDEX eid_logout_sid ON eid_logout (sid);"
    "CREATE INDEX eid_logout_due ON eid_logout (due_ms) WHERE due_ms > 0;"
    "CREATE INDEX eid_logout_end ON eid_logout (expires_ms);"

    /* Client assertions that were used: client and jti. */
    "CREATE TABLE eid_assertion ("
    "  name TEXT PRIMARY KEY,"
    "  expires_ms BIGINT NOT NULL);"
    "CREATE INDEX eid_assertion_end ON eid_assertion (expires_ms);"

    /* Grants and single tokens that ended before their access tokens. */
    "CREATE TABLE eid_revoked ("
    "  seq BIGINT PRIMARY KEY,"
    "  token TEXT NOT NULL UNIQUE," /* grant, or the jti of one token */
    "  expires_ms BIGINT NOT NULL);"
    "CREATE INDEX eid_revoked_end ON eid_revoked (expires_ms);"

    "CREATE TABLE eid_device ("
    "  device BYTEA PRIMARY KEY,"
    "  user_code TEXT NOT NULL UNIQUE,"
    "  client TEXT NOT NULL,"
    "  request TEXT NOT NULL,"
    "  state TEXT NOT NULL," /* waiting, allowed, refused */
    "  data TEXT NOT NULL,"
    "  polled_ms BIGINT NOT NULL,"
    "  pause_ms BIGINT NOT NULL,"
    "  expires_ms BIGINT NOT NULL);"
    "CREATE INDEX eid_device_end ON eid_device (expires_ms);"

    "CREATE TABLE eid_key ("
    "  kid TEXT PRIMARY KEY,"
    "  alg TEXT NOT NULL,"
    "  sealed TEXT NOT NULL,"
    "  created_ms BIGINT NOT NULL,"
    "  active_ms BIGINT NOT NULL,"   /* signs from then on */
    "  retired_ms BIGINT NOT NULL);" /* no longer published from then on; 0: not yet */

    /* 1 rises with every change that other processes must take up; 2 numbers what is
     * revoked. */
    "CREATE TABLE eid_state ("
    "  id BIGINT PRIMARY KEY,"
    "  generation BIGINT NOT NULL);"
    "INSERT INTO eid_state (id, generation) VALUES (1, 0), (2, 0);";

const struct ndc_migration ndc_eid_migrations[] = {
    {1, "accounts, authenticators, sessions, consents", accounts_sql},
    {2, "clients, codes, grants, keys", provider_sql},
    {3, "following the registry, guardians", follow_sql},
};
const size_t ndc_eid_migrations_n = NDC_ARRAY_LEN(ndc_eid_migrations);
