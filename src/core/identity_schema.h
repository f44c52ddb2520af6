/* Identity's tables. */
#ifndef NDC_CORE_IDENTITY_SCHEMA_H
#define NDC_CORE_IDENTITY_SCHEMA_H

#include "store/migrate.h"

static const struct ndc_migration identity_migrations[] = {
    {1, "agencies, roles, users, sessions, keys",
     "CREATE TABLE ndc_agency (\n"
     "  agency TEXT PRIMARY KEY,\n"
     "  title_vi TEXT NOT NULL,\n"
     "  title_en TEXT NOT NULL\n"
     ");\n"
     "CREATE TABLE ndc_role (\n"
     "  role TEXT PRIMARY KEY,\n"
     "  title_vi TEXT NOT NULL,\n"
     "  title_en TEXT NOT NULL,\n"
     "  builtin BIGINT NOT NULL\n"
     ");\n"
     "CREATE TABLE ndc_role_permission (\n"
     "  role TEXT NOT NULL,\n"
     "  permission TEXT NOT NULL,\n"
     "  PRIMARY KEY (role, permission)\n"
     ");\n"
     "CREATE TABLE ndc_user (\n"
     "  name TEXT PRIMARY KEY,\n"
     "  full_name TEXT NOT NULL,\n"
     "  agency TEXT NOT NULL,\n"
     "  entity_id TEXT NOT NULL,\n"
     "  roles TEXT NOT NULL,\n"
     "  password TEXT NOT NULL,\n"
     "  must_change BIGINT NOT NULL,\n"
     "  disabled BIGINT NOT NULL,\n"
     "  created_ms BIGINT NOT NULL,\n"
     "  password_ms BIGINT NOT NULL,\n"
     "  sign_in_ms BIGINT NOT NULL\n"
     ");\n"
     "CREATE TABLE ndc_session (\n"
     "  session TEXT PRIMARY KEY,\n"
     "  secret BYTEA NOT NULL UNIQUE,\n"
     "  csrf TEXT NOT NULL,\n"
     "  user_name TEXT NOT NULL,\n"
     "  created_ms BIGINT NOT NULL,\n"
     "  last_ms BIGINT NOT NULL,\n"
     "  expires_ms BIGINT NOT NULL,\n"
     "  client TEXT NOT NULL,\n"
     "  agent TEXT NOT NULL\n"
     ");\n"
     "CREATE INDEX ndc_session_user ON ndc_session (user_name, created_ms);\n"
     "CREATE TABLE ndc_key (\n"
     "  key_id TEXT PRIMARY KEY,\n"
     "  secret BYTEA NOT NULL UNIQUE,\n"
     "  agency TEXT NOT NULL,\n"
     "  title TEXT NOT NULL,\n"
     "  roles TEXT NOT NULL,\n"
     "  created_ms BIGINT NOT NULL,\n"
     "  expires_ms BIGINT NOT NULL,\n"
     "  revoked_ms BIGINT NOT NULL\n"
     ");\n"
     "CREATE TABLE ndc_identity_state (\n"
     "  id BIGINT PRIMARY KEY,\n"
     "  generation BIGINT NOT NULL\n"
     ");\n"},
    {2, "keys bound to a certificate",
     "ALTER TABLE ndc_key ADD COLUMN cert_sha256 TEXT NOT NULL DEFAULT '';\n"},
};

#endif
