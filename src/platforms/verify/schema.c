/* The platform's tables. No table holds what a bank sent of a person: rows and verdicts
 * are files, kept for a while. */
#include "platforms/verify/verify.h"

static const char base_sql[] =
    "CREATE TABLE verify_bank ("
    "  bank TEXT PRIMARY KEY," /* an agency's code */
    "  title_vi TEXT NOT NULL,"
    "  title_en TEXT NOT NULL,"
    "  key_pem TEXT NOT NULL," /* Ed25519, public; empty: none yet */
    "  key_id TEXT NOT NULL,"
    "  rows_per_day BIGINT NOT NULL,"
    "  files_open_max BIGINT NOT NULL,"
    "  suspended BIGINT NOT NULL,"
    "  created_ms BIGINT NOT NULL,"
    "  updated_ms BIGINT NOT NULL);"

    "CREATE TABLE verify_price ("
    "  bank TEXT NOT NULL," /* empty: of whoever has none of their own */
    "  verdict TEXT NOT NULL,"
    "  dong BIGINT NOT NULL,"
    "  PRIMARY KEY (bank, verdict));"

    "CREATE TABLE verify_file ("
    "  file TEXT PRIMARY KEY,"
    "  bank TEXT NOT NULL,"
    "  kind TEXT NOT NULL,"
    "  name TEXT NOT NULL,"
    "  idempotency_key TEXT NOT NULL,"
    "  sha256 TEXT NOT NULL,"
    "  watch TEXT NOT NULL,"
    "  state TEXT NOT NULL,"
    "  job TEXT NOT NULL,"
    "  principal TEXT NOT NULL,"
    "  principal_kind TEXT NOT NULL,"
    "  agency TEXT NOT NULL,"
    "  roles TEXT NOT NULL,"
    "  purpose TEXT NOT NULL,"
    "  legal_basis TEXT NOT NULL,"
    "  signed BIGINT NOT NULL,"
    "  bytes BIGINT NOT NULL,"
    "  created_ms BIGINT NOT NULL,"
    "  started_ms BIGINT NOT NULL,"
    "  finished_ms BIGINT NOT NULL,"
    "  row_count BIGINT NOT NULL,"
    "  done BIGINT NOT NULL,"
    "  format TEXT NOT NULL,"
    "  counts TEXT NOT NULL," /* JSON */
    "  cost_dong BIGINT NOT NULL,"
    "  result_bytes BIGINT NOT NULL,"
    "  generation BIGINT NOT NULL,"
    "  seq BIGINT NOT NULL,"
    "  result_sha256 TEXT NOT NULL,"
    "  result_signature TEXT NOT NULL,"
    "  error_code TEXT NOT NULL,"
    "  error TEXT NOT NULL,"
    "  UNIQUE (bank, idempotency_key));"
    "CREATE INDEX verify_file_bank ON verify_file (bank, created_ms);"
    "CREATE INDEX verify_file_time ON verify_file (created_ms);"

    "CREATE TABLE verify_freeze ("
    "  freeze_id BIGINT PRIMARY KEY,"
    "  kind BIGINT NOT NULL," /* enum ndc_people_id_kind */
    "  hash TEXT NOT NULL,"   /* of the number, under the projection's key */
    "  masked TEXT NOT NULL," /* its last four characters */
    "  reason TEXT NOT NULL,"
    "  legal_basis TEXT NOT NULL,"
    "  created_by TEXT NOT NULL,"
    "  created_ms BIGINT NOT NULL,"
    "  lifted_by TEXT NOT NULL,"
    "  lifted_ms BIGINT NOT NULL);"
    "CREATE INDEX verify_freeze_open ON verify_freeze (freeze_id) WHERE lifted_ms = 0;"

    "CREATE TABLE verify_watch ("
    "  bank TEXT NOT NULL,"
    "  watch TEXT NOT NULL,"
    "  file TEXT NOT NULL,"
    "  row_count BIGINT NOT NULL,"
    "  checked_ms BIGINT NOT NULL,"
    "  PRIMARY KEY (bank, watch));"

    /* Đồng a row: what was looked up costs, what could not be is free. */
    "INSERT INTO verify_price (bank, verdict, dong) VALUES "
    "('', 'match', 100), ('', 'mismatch', 100), ('', 'not_found', 50), ('', 'dead', "
    "100), "
    "('', 'replaced', 100), ('', 'frozen', 100), ('', 'duplicate', 0), ('', 'invalid', "
    "0);";

const struct ndc_migration ndc_verify_migrations[] = {
    {1, "banks, files, prices, freezes, watches", base_sql},
};
const size_t ndc_verify_migrations_n = NDC_ARRAY_LEN(ndc_verify_migrations);
