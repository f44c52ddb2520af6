/* The registry's tables. Person data is keyed by the entity first, so that a database can
 * be split by entity over several servers. */
#include "platforms/registry/registry.h"

static const char base_sql[] =
    "CREATE TABLE registry_source ("
    "  source TEXT PRIMARY KEY,"
    "  number BIGINT NOT NULL UNIQUE,"
    "  yaml TEXT NOT NULL,"
    "  folder TEXT NOT NULL," /* a relative path of the connector is relative to it */
    "  records BIGINT NOT NULL,"
    "  stage_run BIGINT NOT NULL," /* the run whose stage file is current; 0: none */
    "  created_ms BIGINT NOT NULL,"
    "  updated_ms BIGINT NOT NULL);"

    "CREATE TABLE registry_run ("
    "  run BIGINT PRIMARY KEY,"
    "  source TEXT NOT NULL,"
    "  mode TEXT NOT NULL,"
    "  state TEXT NOT NULL," /* queued, loading, loaded, succeeded, failed */
    "  job TEXT NOT NULL,"
    "  path TEXT NOT NULL,"
    "  created_ms BIGINT NOT NULL,"
    "  started_ms BIGINT NOT NULL,"
    "  finished_ms BIGINT NOT NULL,"
    "  rows_read BIGINT NOT NULL,"
    "  accepted BIGINT NOT NULL,"
    "  quarantined BIGINT NOT NULL,"
    "  added BIGINT NOT NULL,"
    "  changed BIGINT NOT NULL,"
    "  unchanged BIGINT NOT NULL,"
    "  ended BIGINT NOT NULL,"
    "  bytes BIGINT NOT NULL,"
    "  scorecard TEXT NOT NULL,"
    "  error TEXT NOT NULL);"
    "CREATE INDEX registry_run_source ON registry_run (source, run);"

    "CREATE TABLE registry_quarantine ("
    "  id BIGINT PRIMARY KEY,"
    "  run BIGINT NOT NULL,"
    "  source TEXT NOT NULL,"
    "  record_key TEXT NOT NULL,"
    "  line BIGINT NOT NULL,"
    "  state TEXT NOT NULL," /* open, corrected, dismissed */
    "  row_json TEXT NOT NULL,"
    "  reasons TEXT NOT NULL,"
    "  note TEXT NOT NULL,"
    "  decided_by TEXT NOT NULL,"
    "  created_ms BIGINT NOT NULL,"
    "  decided_ms BIGINT NOT NULL);"
    "CREATE INDEX registry_quarantine_source ON registry_quarantine (source, state, id);"
    "CREATE INDEX registry_quarantine_state ON registry_quarantine (state, id);"

    "CREATE TABLE registry_entity ("
    "  entity BIGINT PRIMARY KEY,"
    "  type BIGINT NOT NULL,"
    "  updated_ms BIGINT NOT NULL,"
    "  payload BYTEA NOT NULL);"
    "--postgres ALTER TABLE registry_entity ALTER COLUMN payload SET STORAGE EXTERNAL;\n"

    "CREATE TABLE registry_redirect ("
    "  entity BIGINT PRIMARY KEY,"
    "  target BIGINT NOT NULL,"
    "  at_ms BIGINT NOT NULL);"

    "CREATE TABLE registry_history ("
    "  entity BIGINT NOT NULL,"
    "  at_ms BIGINT NOT NULL,"
    "  seq BIGINT NOT NULL,"
    "  kind TEXT NOT NULL," /* changed, merged, split, decided */
    "  detail TEXT NOT NULL,"
    "  PRIMARY KEY (entity, at_ms, seq));"

    "CREATE TABLE registry_index_page ("
    "  generation BIGINT NOT NULL,"
    "  first_key BIGINT NOT NULL,"
    "  first_entity BIGINT NOT NULL,"
    "  page BYTEA NOT NULL,"
    "  PRIMARY KEY (generation, first_key, first_entity));"
    "--postgres ALTER TABLE registry_index_page ALTER COLUMN page SET STORAGE EXTERNAL;\n"

    "CREATE TABLE registry_review ("
    "  review BIGINT PRIMARY KEY,"
    "  type BIGINT NOT NULL,"
    "  source_a BIGINT NOT NULL,"
    "  key_a TEXT NOT NULL,"
    "  source_b BIGINT NOT NULL,"
    "  key_b TEXT NOT NULL,"
    "  entity_a BIGINT NOT NULL,"
    "  entity_b BIGINT NOT NULL,"
    "  log_odds DOUBLE PRECISION NOT NULL,"
    "  reason TEXT NOT NULL,"
    "  state TEXT NOT NULL," /* open, same, different, gone */
    "  decided_by TEXT NOT NULL,"
    "  decided_ms BIGINT NOT NULL,"
    "  note TEXT NOT NULL,"
    "  UNIQUE (source_a, key_a, source_b, key_b));"
    "CREATE INDEX registry_review_state ON registry_review (state, review);"

    "CREATE TABLE registry_model ("
    "  type BIGINT PRIMARY KEY,"
    "  model TEXT NOT NULL,"
    "  stats TEXT NOT NULL,"
    "  at_ms BIGINT NOT NULL);"

    "CREATE TABLE registry_push ("
    "  source TEXT NOT NULL,"
    "  idempotency_key TEXT NOT NULL,"
    "  body_hash TEXT NOT NULL,"
    "  answer TEXT NOT NULL,"
    "  at_ms BIGINT NOT NULL,"
    "  PRIMARY KEY (source, idempotency_key));"

    "CREATE TABLE registry_meta ("
    "  name TEXT PRIMARY KEY,"
    "  value TEXT NOT NULL);";

/* Which process works on a run, as sys/procname.h names it; empty: nobody has begun. */
static const char owner_sql[] =
    "ALTER TABLE registry_run ADD COLUMN owner TEXT NOT NULL DEFAULT '';"
    "CREATE INDEX registry_run_open ON registry_run (run) "
    "  WHERE state IN ('queued', 'loading', 'loaded');";

/* A payload of some 3 KB stays in its row on PostgreSQL: apart, in pieces of 2 KB, every
 * read and every row loaded paid for an index and two more rows. */
static const char whole_sql[] =
    "--postgres ALTER TABLE registry_entity SET (toast_tuple_target = 8160);\n";

/* Changes as they come. `registry_change` is the feed; `registry_recent` has the newest
 * payload of each entity that changed since the last merge into registry_entity, and
 * `registry_index_recent` the index entries that came and went with it: both are written
 * in order, so a change costs its bytes and not pages all over two trees.
 * `registry_near` has pairs of entities that a strong link joins and a guard keeps apart:
 * what happens to one may move the other. */
static const char live_sql[] =
    "CREATE TABLE registry_change ("
    "  seq BIGINT PRIMARY KEY,"
    "  at_ms BIGINT NOT NULL,"
    "  previous BIGINT NOT NULL," /* seq of the entity's change before; 0: none */
    "  entity BIGINT NOT NULL,"
    "  other BIGINT NOT NULL,"
    "  source BIGINT NOT NULL,"
    "  type BIGINT NOT NULL,"
    "  kind BIGINT NOT NULL,"   /* enum ndc_change_kind */
    "  fields BYTEA NOT NULL,"  /* ids of fields with another golden value, a byte each */
    "  before BYTEA NOT NULL);" /* encoded records as they were */
    "CREATE TABLE registry_recent ("
    "  seq BIGINT PRIMARY KEY," /* the change that made it */
    "  entity BIGINT NOT NULL,"
    "  type BIGINT NOT NULL,"
    "  updated_ms BIGINT NOT NULL,"
    "  payload BYTEA NOT NULL);" /* empty: the entity is no more */
    "--postgres ALTER TABLE registry_recent ALTER COLUMN payload SET STORAGE EXTERNAL;\n"
    "--postgres ALTER TABLE registry_recent SET (toast_tuple_target = 8160);\n"
    "CREATE TABLE registry_block_page ("
    "  generation BIGINT NOT NULL,"
    "  first_key BIGINT NOT NULL,"
    "  first_entity BIGINT NOT NULL,"
    "  page BYTEA NOT NULL,"
    "  PRIMARY KEY (generation, first_key, first_entity));"
    "--postgres ALTER TABLE registry_block_page ALTER COLUMN page SET STORAGE EXTERNAL;\n"
    "CREATE TABLE registry_index_recent ("
    "  seq BIGINT PRIMARY KEY," /* the last change of the commit */
    "  entries BYTEA NOT NULL);"
    "CREATE TABLE registry_near ("
    "  entity BIGINT NOT NULL,"
    "  other BIGINT NOT NULL,"
    "  PRIMARY KEY (entity, other));"
    "CREATE TABLE registry_tombstone (" /* ends of records that nobody has sent yet */
    "  source BIGINT NOT NULL,"
    "  record_key TEXT NOT NULL,"
    "  version BIGINT NOT NULL,"
    "  PRIMARY KEY (source, record_key));"
    /* The last change of each: of an entity's payload, and of a source's records since
     * its stage was written (0: none). */
    "ALTER TABLE registry_entity ADD COLUMN change BIGINT NOT NULL DEFAULT 0;"
    "ALTER TABLE registry_source ADD COLUMN live_seq BIGINT NOT NULL DEFAULT 0;"
    "CREATE TABLE registry_position ("
    "  source TEXT PRIMARY KEY,"
    "  position TEXT NOT NULL,"
    "  at_ms BIGINT NOT NULL);";

/* The general store: things of any dataset by key, and what they refer to. A reference is
 * a hash of an identifier's value and its field, or of a dataset and key, so what leads
 * to a person is found by the identifiers that their records hold, old and new, and
 * nothing is written when people merge. */
static const char thing_sql[] =
    "CREATE TABLE registry_thing ("
    "  source BIGINT NOT NULL," /* a dataset is of one source */
    "  key TEXT NOT NULL,"
    "  run BIGINT NOT NULL,"    /* of the last change */
    "  payload BYTEA NOT NULL," /* the encoded record */
    "  PRIMARY KEY (source, key))\n"
    "--sqlite WITHOUT ROWID\n"
    ";\n"
    "CREATE TABLE registry_thing_link ("
    "  ref BIGINT NOT NULL,"
    "  source BIGINT NOT NULL,"
    "  key TEXT NOT NULL,"
    "  relation BIGINT NOT NULL," /* place among the source's relations */
    "  PRIMARY KEY (ref, source, key, relation))\n"
    "--sqlite WITHOUT ROWID\n"
    ";\n";
/* Followed sources: the slot that was made for a table and what is known of it, change
 * files that were taken. Where reading goes on stands in registry_position. */
static const char capture_sql[] =
    "CREATE TABLE registry_capture ("
    "  source TEXT PRIMARY KEY,"
    "  slot TEXT NOT NULL,"
    "  epoch BIGINT NOT NULL," /* the run that loaded the slot's snapshot */
    "  version_base BIGINT NOT NULL,"
    "  consistent BIGINT NOT NULL,"
    "  confirmed BIGINT NOT NULL,"
    "  complete BIGINT NOT NULL,"
    "  stopped BIGINT NOT NULL,"
    "  at_ms BIGINT NOT NULL);"
    "CREATE TABLE registry_capture_file ("
    "  source TEXT NOT NULL,"
    "  name TEXT NOT NULL,"
    "  size BIGINT NOT NULL,"
    "  mtime_ns BIGINT NOT NULL,"
    "  hash BIGINT NOT NULL,"
    "  lines BIGINT NOT NULL,"
    "  at_ms BIGINT NOT NULL,"
    "  PRIMARY KEY (source, name));";

/* Where payloads are when the registry is sharded (shard/shard.h): no row of
 * registry_shard, and they are in registry_entity. `change` is of rows with a negative
 * seq: a build's rewriting of what that change made. */
static const char shard_sql[] =
    "ALTER TABLE registry_recent ADD COLUMN change BIGINT NOT NULL DEFAULT 0;"
    "CREATE TABLE registry_shard_server ("
    "  number BIGINT PRIMARY KEY,"
    "  server TEXT NOT NULL UNIQUE,"
    "  conninfo TEXT NOT NULL,"
    "  added_ms BIGINT NOT NULL);"
    "CREATE TABLE registry_shard ("
    "  shard BIGINT PRIMARY KEY,"
    "  server BIGINT NOT NULL," /* number; with `epoch` the schema's name */
    "  epoch BIGINT NOT NULL,"
    "  state TEXT NOT NULL," /* steady; copying to `other`; fencing: moved from it */
    "  other BIGINT NOT NULL,"
    "  other_epoch BIGINT NOT NULL,"
    "  copied BIGINT NOT NULL," /* entities up to it are at `other` */
    "  changed_ms BIGINT NOT NULL);";

static const char push_sql[] = "CREATE INDEX registry_push_at ON registry_push (at_ms);";

const struct ndc_migration ndc_registry_migrations[] = {
    {1, "sources, runs, quarantine, entities, index, reviews", base_sql},
    {2, "who loads a run", owner_sql},
    {3, "PostgreSQL: payloads stay in their rows", whole_sql},
    {4, "changes as they come, the change feed", live_sql},
    {5, "the general store", thing_sql},
    {6, "followed sources", capture_sql},
    {7, "payloads on several servers", shard_sql},
    {8, "answers to pushes by age", push_sql},
};
const size_t ndc_registry_migrations_n = NDC_ARRAY_LEN(ndc_registry_migrations);
