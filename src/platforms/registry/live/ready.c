/* What live linking needs of a generation: the model, the blocking keys and which of them
 * open entities have, neighbours, reviewers' decisions, the next number. Made when the
 * first call comes after a start or a build. */
#include "platforms/registry/link/match.h"
#include "platforms/registry/live/live_internal.h"
#include "platforms/registry/meta.h"

#include "base/hash.h"

enum { FILTER_BITS_MIN = 1 << 20, FILTER_BITS_PER_KEY = 12 };
#define FILTER_BITS_MAX ((uint64_t)1 << 33)

/* ---- the filter of open entities' blocking keys ---- */

static uint64_t filter_bit(const struct ndc_live *live, uint64_t key, unsigned turn)
{
    uint64_t h = ndc_mix64(key);
    return (h + turn * (h >> 32 | 1)) & live->open_mask;
}

void ndc_live_open_add(struct ndc_live *live, uint64_t key)
{
    for (unsigned turn = 0; turn < 3; turn++) {
        uint64_t bit = filter_bit(live, key, turn);
        live->open_bits[bit / 64] |= (uint64_t)1 << bit % 64;
    }
}

bool ndc_live_maybe_open(const struct ndc_live *live, uint64_t key)
{
    for (unsigned turn = 0; turn < 3; turn++) {
        uint64_t bit = filter_bit(live, key, turn);
        if (!(live->open_bits[bit / 64] >> bit % 64 & 1)) return false;
    }
    return true;
}

/* Entries of a page, each to `take`; false: damaged. */
static bool each_entry(struct ndc_str page,
                       void (*take)(void *arg, uint64_t key, uint64_t value), void *arg)
{
    uint64_t key = 0, value = 0, step, delta;
    while (page.len) {
        if (!ndc_take_varint(&page, &step) || !ndc_take_varint(&page, &delta))
            return false;
        key += step;
        value = step ? delta : value + delta;
        take(arg, key, value);
    }
    return true;
}

static void count_open(void *arg, uint64_t key, uint64_t value)
{
    (void)key;
    *(uint64_t *)arg += value & 1;
}

static void note_open(void *arg, uint64_t key, uint64_t value)
{
    if (value & 1) ndc_live_open_add(arg, key);
}

static enum ndc_err each_block(struct ndc_live *live,
                               void (*take)(void *arg, uint64_t key, uint64_t value),
                               void *arg, struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    bool good = true;
    enum ndc_err err = ndc_store_take(live->registry->store, NDC_READ, &conn, fault);
    if (err) return err;
    ndc_store_conn_timeout(conn, 0);
    struct ndc_rows *rows =
        ndc_sql_scan(conn, "SELECT page FROM registry_block_page WHERE generation = $1",
                     NDC_ARGS(ndc_int(live->generation)));
    while (good && ndc_rows_next(rows))
        good = each_entry(ndc_rows_blob(rows, 0), take, arg);
    err = ndc_rows_end(rows, fault);
    ndc_store_give(conn);
    if (!err && !good)
        err = ndc_fail(fault, NDC_EDB, "registry.index_damaged",
                       "a page of an index is damaged; run \"ndc link run\" to build it "
                       "anew");
    return err;
}

static enum ndc_err make_filter(struct ndc_live *live, struct ndc_fault *fault)
{
    uint64_t keys = 0, bits = FILTER_BITS_MIN;
    enum ndc_err err = each_block(live, count_open, &keys, fault);
    while (bits < 2 * keys * FILTER_BITS_PER_KEY && bits < FILTER_BITS_MAX)
        bits *= 2;
    free(live->open_bits);
    live->open_bits = ndc_xcalloc(bits / 64, sizeof(*live->open_bits));
    live->open_mask = bits - 1;
    return err ? err : each_block(live, note_open, live, fault);
}

/* ---- what came since the build ---- */

struct catching {
    struct ndc_live *live;
    bool filter;
};

static void take_entry(void *arg, uint64_t key, uint64_t value)
{
    struct catching *c = arg;
    ndc_overlay_add(c->live->overlay, key, value);
    if (c->filter && key & 1 && value & 1) ndc_live_open_add(c->live, key >> 1);
}

/* Numbers that other programs have given. */
static enum ndc_err read_last_number(struct ndc_live *live, struct ndc_store_conn *conn,
                                     struct ndc_fault *fault)
{
    int64_t last;
    enum ndc_err err = ndc_registry_meta_i64(conn, "number_last", &last, fault);
    if (!err) live->next_number = NDC_MAX(live->next_number, (uint64_t)last + 1);
    return err;
}

enum ndc_err ndc_live_catch_up(struct ndc_live *live, struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    struct catching c = {.live = live, .filter = live->open_bits != NULL};
    /* Rows that a build rewrote have negative numbers. */
    int64_t last = 0, from = live->seq ? live->seq : INT64_MIN;
    bool good = true;
    enum ndc_err err = ndc_store_take(live->registry->store, NDC_READ, &conn, fault);
    if (err) return err;
    ndc_store_conn_timeout(conn, 0);
    err = ndc_tx_begin(conn, fault);
    if (!err) err = ndc_change_last(conn, &last, fault);
    if (!err) {
        struct ndc_rows *rows = ndc_sql_scan(
            conn, "SELECT seq, entity FROM registry_recent WHERE seq > $1 ORDER BY seq",
            NDC_ARGS(ndc_int(from)));
        while (ndc_rows_next(rows))
            ndc_overlay_set(live->overlay, (uint64_t)ndc_rows_i64(rows, 1),
                            ndc_rows_i64(rows, 0));
        err = ndc_rows_end(rows, fault);
    }
    if (!err) err = read_last_number(live, conn, fault);
    if (!err) {
        struct ndc_rows *rows =
            ndc_sql_scan(conn, "SELECT entries FROM registry_index_recent WHERE seq > $1",
                         NDC_ARGS(ndc_int(from)));
        while (good && ndc_rows_next(rows))
            good = each_entry(ndc_rows_blob(rows, 0), take_entry, &c);
        err = ndc_rows_end(rows, fault);
    }
    ndc_store_give(conn);
    if (!err && !good)
        err =
            ndc_fail(fault, NDC_EDB, "registry.index_damaged",
                     "index entries of recent changes are damaged; run \"ndc link run\"");
    if (!err) live->seq = last;
    return err;
}

/* ---- the rest ---- */

static void resolve_fields(struct live_kind *kind)
{
    unsigned plain = 0;
    kind->unique_field = kind->plain_fields[0] = kind->plain_fields[1] = -1;
    kind->entity_max = ndc_link_spec_entity_max(kind->spec);
    for (unsigned f = 0; f < NDC_LINK_FIELDS_MAX; f++) {
        kind->identifier_fields[f] = -1;
        if (f >= ndc_link_spec_field_count(kind->spec)) continue;
        const struct ndc_field *field =
            ndc_field_find(ndc_str(ndc_link_spec_field_name(kind->spec, f)));
        if (field && !ndc_link_spec_identifier(kind->spec, f) && plain < 2)
            kind->plain_fields[plain++] = field->id;
        if (!ndc_link_spec_identifier(kind->spec, f)) continue;
        NDC_ASSERT(field);
        kind->identifier_fields[f] = field->id;
        if (ndc_link_spec_unique(kind->spec, f)) kind->unique_field = (int)f;
    }
}

static enum ndc_err read_kind(struct ndc_live *live, struct ndc_store_conn *conn,
                              enum ndc_entity type, struct ndc_fault *fault)
{
    struct live_kind *kind = &live->kinds[type];
    enum ndc_err err = ndc_registry_link_spec(&kind->spec, live->registry, type, fault);
    if (err) return err;
    resolve_fields(kind);
    struct ndc_rows *rows =
        ndc_sql_query(conn, "SELECT model FROM registry_model WHERE type = $1",
                      NDC_ARGS(ndc_int(type)));
    if (ndc_rows_next(rows))
        err =
            ndc_link_model_read(&kind->model, kind->spec, ndc_rows_text(rows, 0), fault);
    enum ndc_err ended = ndc_rows_end(rows, err ? NULL : fault);
    return err ? err : ended;
}

static enum ndc_err read_numbers(struct ndc_live *live, struct ndc_store_conn *conn,
                                 struct ndc_fault *fault)
{
    int64_t next = 0, given = 0, last = 0, tombstones = 0;
    enum ndc_err err = ndc_sql_i64(
        conn, &next,
        "SELECT max(n) FROM (SELECT coalesce(max(entity), 0) AS n FROM registry_entity "
        "UNION ALL SELECT coalesce(max(entity), 0) FROM registry_recent UNION ALL SELECT "
        "coalesce(max(entity), 0) FROM registry_redirect) AS all_numbers",
        NDC_NO_ARGS, fault);
    if (!err) err = ndc_registry_meta_i64(conn, "number_last", &last, fault);
    if (!err)
        err = ndc_sql_i64(conn, &live->next_review,
                          "SELECT coalesce(max(review), 0) FROM registry_review",
                          NDC_NO_ARGS, fault);
    if (!err) err = ndc_registry_meta_i64(conn, "review_last", &given, fault);
    if (!err)
        err = ndc_sql_i64(conn, &tombstones, "SELECT count(*) FROM registry_tombstone",
                          NDC_NO_ARGS, fault);
    if (err) return err;
    live->next_review = NDC_MAX(live->next_review, given) + 1;
    live->next_number = (uint64_t)NDC_MAX(next, last) + 1;
    live->tombstones = tombstones > 0;
    return NDC_OK;
}

static enum ndc_err read_near(struct ndc_live *live, struct ndc_store_conn *conn,
                              struct ndc_fault *fault)
{
    struct ndc_rows *rows =
        ndc_sql_scan(conn, "SELECT entity, other FROM registry_near", NDC_NO_ARGS);
    while (ndc_rows_next(rows))
        ndc_overlay_add(live->near, (uint64_t)ndc_rows_i64(rows, 0),
                        (uint64_t)ndc_rows_i64(rows, 1));
    return ndc_rows_end(rows, fault);
}

static int compare_decisions(const void *x, const void *y)
{
    const struct live_decision *a = x, *b = y;
    return a->ref_a < b->ref_a ? -1 : a->ref_a > b->ref_a;
}

static enum ndc_err read_decisions(struct ndc_live *live, struct ndc_store_conn *conn,
                                   struct ndc_fault *fault)
{
    size_t cap = 0;
    free(live->decisions);
    live->decisions = NULL;
    struct ndc_rows *rows = ndc_sql_scan(
        conn,
        "SELECT type, source_a, key_a, source_b, key_b, state FROM registry_review WHERE "
        "state IN ('same', 'different') ORDER BY review",
        NDC_NO_ARGS);
    live->decision_count = 0;
    while (ndc_rows_next(rows)) {
        if (live->decision_count == cap) {
            cap = cap ? cap * 2 : 256;
            live->decisions =
                ndc_xrealloc(live->decisions, cap * sizeof(*live->decisions));
        }
        live->decisions[live->decision_count++] = (struct live_decision){
            .type = (uint8_t)ndc_rows_i64(rows, 0),
            .source_a = (uint32_t)ndc_rows_i64(rows, 1),
            .ref_a = ndc_record_key_hash(ndc_rows_text(rows, 2)),
            .source_b = (uint32_t)ndc_rows_i64(rows, 3),
            .ref_b = ndc_record_key_hash(ndc_rows_text(rows, 4)),
            .same = ndc_str_eq(ndc_rows_text(rows, 5), NDC_STR("same"))};
    }
    if (live->decision_count)
        qsort(live->decisions, live->decision_count, sizeof(*live->decisions),
              compare_decisions);
    return ndc_rows_end(rows, fault);
}

enum ndc_err ndc_live_decisions(struct ndc_live *live, struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    enum ndc_err err = ndc_store_take(live->registry->store, NDC_READ, &conn, fault);
    if (err) return err;
    err = read_decisions(live, conn, fault);
    ndc_store_give(conn);
    return err;
}

static enum ndc_err read_all(struct ndc_live *live, bool *blocks, struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    int64_t of = 0;
    enum ndc_err err = ndc_store_take(live->registry->store, NDC_READ, &conn, fault);
    if (err) return err;
    for (int t = 0; t < NDC_ENTITY_COUNT && !err; t++)
        err = read_kind(live, conn, (enum ndc_entity)t, fault);
    if (!err) err = read_numbers(live, conn, fault);
    if (!err) err = read_near(live, conn, fault);
    if (!err) err = read_decisions(live, conn, fault);
    if (!err) err = ndc_registry_meta_i64(conn, "block_generation", &of, fault);
    *blocks = of > 0 && of == live->generation;
    ndc_store_give(conn);
    return err;
}

void ndc_live_unready(struct ndc_live *live)
{
    for (int t = 0; t < NDC_ENTITY_COUNT; t++) {
        ndc_link_model_free(live->kinds[t].model);
        ndc_link_spec_free(live->kinds[t].spec);
        live->kinds[t] = (struct live_kind){0};
    }
    ndc_overlay_clear(live->near);
    free(live->open_bits);
    free(live->decisions);
    live->open_bits = NULL;
    live->decisions = NULL;
    live->decision_count = 0;
    live->generation = 0;
    memset(live->runs, 0, sizeof(live->runs));
}

enum ndc_err ndc_live_ready(struct ndc_live *live, struct ndc_fault *fault)
{
    int64_t generation = ndc_registry_generation(live->registry);
    bool blocks;
    if (generation == 0)
        return ndc_fail(fault, NDC_ECONFLICT, "live.no_model",
                        "nothing has been integrated yet: load the sources first, then "
                        "changes can be linked as they come");
    if (live->generation == generation) return NDC_OK;
    ndc_live_unready(live);
    live->generation = generation;
    enum ndc_err err = read_all(live, &blocks, fault);
    if (!err && !blocks) err = ndc_live_build_blocks(live, fault);
    if (!err) err = make_filter(live, fault);
    if (!err) {
        live->seq = 0; /* everything again: the filter is new */
        err = ndc_live_catch_up(live, fault);
    }
    if (err) ndc_live_unready(live);
    return err;
}
