/* One lookup: normalise the record, find candidates by the index, score each of their
 * records with the batch's model. */
#include "platforms/registry/serve/match.h"

#include "platforms/registry/build/build.h"
#include "platforms/registry/load/map_value.h"
#include "platforms/registry/serve/search.h"
#include "sys/clock.h"

enum { CANDIDATES_MAX = 64, RECORDS_MAX = 64, MATCH_ARENA = 32 << 20 };

/* The model is read when first asked for and when a new generation is served. Guarded by
 * the registry's model lock; readers are counted by holding it. */
static enum ndc_err load_model(struct ndc_registry *reg, struct ndc_fault *fault)
{
    struct ndc_store_conn *conn;
    int64_t generation = ndc_registry_generation(reg);
    if (reg->model && reg->model_generation == generation) return NDC_OK;
    enum ndc_err err = ndc_store_take(reg->store, NDC_READ, &conn, fault);
    if (err) return err;
    ndc_link_model_free(reg->model);
    ndc_link_spec_free(reg->model_spec);
    reg->model = NULL;
    reg->model_spec = NULL;
    struct ndc_rows *rows =
        ndc_sql_query(conn, "SELECT model FROM registry_model WHERE type = $1",
                      NDC_ARGS(ndc_int(NDC_ENTITY_PERSON)));
    if (ndc_rows_next(rows)) {
        err = ndc_registry_link_spec(&reg->model_spec, reg, NDC_ENTITY_PERSON, fault);
        if (!err)
            err = ndc_link_model_read(&reg->model, reg->model_spec,
                                      ndc_rows_text(rows, 0), fault);
    } else {
        err = ndc_fail(fault, NDC_ECONFLICT, "match.no_model",
                       "nothing has been integrated yet: load the sources first");
    }
    enum ndc_err ended = ndc_rows_end(rows, err ? NULL : fault);
    ndc_store_give(conn);
    if (!err) err = ended;
    if (!err) reg->model_generation = generation;
    return err;
}

enum ndc_err ndc_registry_model_take(struct ndc_registry *reg,
                                     struct ndc_served_model *out,
                                     struct ndc_fault *fault)
{
    ndc_mutex_lock(&reg->model_lock);
    enum ndc_err err = load_model(reg, fault);
    if (err)
        ndc_mutex_unlock(&reg->model_lock);
    else
        *out = (struct ndc_served_model){reg->model_spec, reg->model};
    return err;
}

void ndc_registry_model_give(struct ndc_registry *reg)
{
    ndc_mutex_unlock(&reg->model_lock);
}

static enum ndc_err normalise(struct ndc_arena *arena, struct json_object *record,
                              struct ndc_record *out, struct ndc_fault *fault)
{
    struct ndc_map_result *v = ndc_arena_alloc(arena, sizeof(*v));
    struct ndc_date today = ndc_date_from_days((int32_t)(ndc_clock_wall_ms() / 86400000));
    const struct ndc_field *old_id = ndc_field_find(NDC_STR("old_id"));
    *out = (struct ndc_record){0};
    out->fields = NDC_ARENA_ARRAY(arena, struct ndc_record_field,
                                  json_object_object_length(record));
    json_object_object_foreach(record, key, value)
    {
        struct ndc_str raw = ndc_str_n(json_object_get_string(value),
                                       (size_t)json_object_get_string_len(value));
        const struct ndc_field *f = ndc_field_find(ndc_str(key));
        const char *near = f ? NULL : ndc_field_nearest(ndc_str(key));
        if (!f)
            return ndc_fail_at(fault, NDC_EINPUT, "registry.no_field", key, 0,
                               "the data dictionary has no field \"%s\"%s%s%s", key,
                               near ? "; did you mean \"" : "", near ? near : "",
                               near ? "\"?" : "");
        if (ndc_norm_is_missing(raw)) continue;
        ndc_map_value(v, ndc_map_kind_of(f), NDC_ORDER_DMY, true, today, raw);
        if (v->reason)
            return ndc_fail_at(fault, NDC_EINPUT, ndc_norm_reason_info(v->reason)->code,
                               key, 0, "%s: %s", key,
                               ndc_norm_reason_info(v->reason)->en);
        out->fields[out->count++] = (struct ndc_record_field){
            .field = (uint8_t)(v->old_id ? old_id->id : f->id),
            .place = v->place,
            .value = ndc_arena_str(arena, ndc_str_n(v->text, v->len)),
            .raw = raw};
    }
    return NDC_OK;
}

static struct ndc_str value_of(const struct ndc_record *r, const char *code)
{
    const struct ndc_record_field *f =
        ndc_record_find(r, ndc_field_find(ndc_str(code))->id);
    return f ? f->value : NDC_STR_NULL;
}

static enum ndc_err find_candidates(struct ndc_registry *reg, struct ndc_store_conn *conn,
                                    struct ndc_arena *arena,
                                    const struct ndc_record *probe,
                                    struct ndc_search_hit *hits, size_t *count,
                                    struct ndc_fault *fault)
{
    static const char *const ids[] = {
        "person_id",           "old_id",   "social_insurance_no",
        "health_insurance_no", "tax_code", "phone"};
    size_t n;
    enum ndc_err err = NDC_OK;
    *count = 0;
    for (size_t i = 0; i < NDC_ARRAY_LEN(ids) && !err && *count < CANDIDATES_MAX; i++) {
        struct ndc_search q = {
            .id = value_of(probe, ids[i]), .only_type = true, .type = NDC_ENTITY_PERSON};
        if (q.id.len == 0) continue;
        err = ndc_registry_search(reg, conn, arena, &q, hits + *count,
                                  CANDIDATES_MAX - *count, &n, NULL, fault);
        *count += n;
    }
    struct ndc_search q = {.name = value_of(probe, "full_name"),
                           .birth_date = value_of(probe, "birth_date"),
                           .only_type = true,
                           .type = NDC_ENTITY_PERSON};
    if (!err && q.name.len && *count < CANDIDATES_MAX) {
        err = ndc_registry_search(reg, conn, arena, &q, hits + *count,
                                  CANDIDATES_MAX - *count, &n, NULL, fault);
        *count += n;
    }
    return err;
}

static const struct ndc_str *copy_values(struct ndc_link_feed *feed, unsigned count,
                                         const struct ndc_record *r,
                                         struct ndc_arena *arena)
{
    const struct ndc_str *from = ndc_link_feed_values(feed, r);
    struct ndc_str *to = NDC_ARENA_ARRAY(arena, struct ndc_str, count);
    for (unsigned i = 0; i < count; i++)
        to[i] = from[i].ptr ? ndc_arena_str(arena, from[i]) : NDC_STR_NULL;
    return to;
}

/* Scores one entity: its record that fits the probe best. */
static bool score_entity(struct ndc_registry *reg, struct ndc_store_conn *conn,
                         struct ndc_arena *arena, const struct ndc_served_model *m,
                         struct ndc_link_feed *feed, const struct ndc_str *probe,
                         uint64_t number, struct ndc_match_candidate *out,
                         struct ndc_fault *fault)
{
    struct ndc_entity_view v;
    const struct ndc_str *values[RECORDS_MAX];
    unsigned fields = ndc_link_spec_field_count(m->spec);
    if (ndc_registry_read(reg, conn, arena, &number, &v, fault)) return false;
    unsigned n = NDC_MIN(v.record_count, (unsigned)RECORDS_MAX);
    for (unsigned i = 0; i < n; i++)
        values[i] = copy_values(feed, fields, &v.records[i], arena);
    if (arena->overflow) return false;
    out->number = number;
    return ndc_link_match(m->model, &out->match, 1, probe, values, n, -10) == 1;
}

static int compare_candidates(const void *a, const void *b)
{
    const struct ndc_match_candidate *x = a, *y = b;
    if (x->match.log_odds != y->match.log_odds)
        return x->match.log_odds > y->match.log_odds ? -1 : 1;
    return x->number < y->number ? -1 : x->number > y->number;
}

static enum ndc_err score_all(struct ndc_registry *reg, struct ndc_store_conn *conn,
                              struct ndc_arena *arena, const struct ndc_record *probe,
                              const struct ndc_search_hit *hits, size_t hit_count,
                              struct ndc_match_candidate *all, size_t *count,
                              struct ndc_fault *fault)
{
    struct ndc_served_model m;
    enum ndc_err err = ndc_registry_model_take(reg, &m, fault);
    if (err) return err;
    struct ndc_link_feed *feed = ndc_link_feed_new(m.spec);
    const struct ndc_str *values =
        copy_values(feed, ndc_link_spec_field_count(m.spec), probe, arena);
    *count = 0;
    for (size_t i = 0; i < hit_count; i++) {
        struct ndc_fault gone = {0};
        bool seen = false;
        for (size_t k = 0; k < *count && !seen; k++)
            seen = all[k].number == hits[i].number;
        if (!seen && score_entity(reg, conn, arena, &m, feed, values, hits[i].number,
                                  &all[*count], &gone))
            (*count)++;
    }
    ndc_link_feed_free(feed);
    ndc_registry_model_give(reg);
    return NDC_OK;
}

enum ndc_err ndc_registry_match(struct ndc_registry *reg, struct ndc_arena *arena,
                                struct json_object *record,
                                struct ndc_match_candidate *out, size_t max,
                                size_t *count, struct ndc_fault *fault)
{
    struct ndc_record probe;
    struct ndc_store_conn *conn;
    struct ndc_match_candidate all[CANDIDATES_MAX];
    size_t hit_count = 0;
    *count = 0;
    struct ndc_search_hit *hits =
        NDC_ARENA_ARRAY(arena, struct ndc_search_hit, CANDIDATES_MAX);
    enum ndc_err err = normalise(arena, record, &probe, fault);
    if (err) return err;
    if ((err = ndc_store_take(reg->store, NDC_READ, &conn, fault))) return err;
    err = find_candidates(reg, conn, arena, &probe, hits, &hit_count, fault);
    if (!err)
        err = score_all(reg, conn, arena, &probe, hits, hit_count, all, count, fault);
    ndc_store_give(conn);
    if (err) return err;
    qsort(all, *count, sizeof(*all), compare_candidates);
    *count = NDC_MIN(*count, max);
    memcpy(out, all, *count * sizeof(*out));
    return NDC_OK;
}
