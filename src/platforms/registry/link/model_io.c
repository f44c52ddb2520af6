/* A learned model as JSON and back. Value frequencies are kept by hash, the most frequent
 * of each field; a value not kept has the share of the least frequent kept. */
#include "base/json.h"
#include "base/sort.h"
#include "platforms/registry/link/run.h"

#include <math.h>
#include <stdio.h>

enum { KEPT_MAX = NDC_LINK_KEPT_MAX };

static void write_cells(struct ndc_json *j, const char *key, const double *cells,
                        unsigned n)
{
    ndc_json_key(j, key);
    ndc_json_array(j);
    for (unsigned c = 0; c < n; c++)
        ndc_json_f64(j, cells[c]);
    ndc_json_end(j);
}

static uint64_t scaled(uint64_t rows, double scale)
{
    return NDC_MAX((uint64_t)((double)rows * scale + 0.5), (uint64_t)1);
}

/* Most frequent first, then by hash: [hash, rows] pairs. */
static void write_counts(struct ndc_json *j, const char *key, const struct ndc_dict *dict,
                         const uint32_t *rows, double scale)
{
    size_t n = 0;
    struct ndc_key64 *e = ndc_xmalloc(((size_t)dict->count + 1) * sizeof *e);
    struct ndc_key64 *scratch = ndc_xmalloc(((size_t)dict->count + 1) * sizeof *e);
    for (uint32_t v = 1; v <= dict->count; v++)
        if (rows[v] > 0)
            e[n++] = (struct ndc_key64){ndc_hash_str(ndc_dict_get(dict, v), 3), rows[v]};
    ndc_sort_key64(e, scratch, n);
    for (size_t i = 0; i < n; i++)
        e[i] = (struct ndc_key64){~e[i].value, e[i].key};
    ndc_sort_key64(e, scratch, n);
    ndc_json_key(j, key);
    ndc_json_array(j);
    for (size_t i = 0; i < n && i < KEPT_MAX; i++) {
        char hex[17];
        snprintf(hex, sizeof hex, "%016llx", (unsigned long long)e[i].value);
        ndc_json_c(j, hex);
        ndc_json_u64(j, scaled(~e[i].key, scale));
    }
    ndc_json_end(j);
    free(e);
    free(scratch);
}

enum ndc_err ndc_link_model_write(const struct ndc_link *link, struct ndc_buf *out,
                                  struct ndc_fault *fault)
{
    if (!link->learned.len) return ndc_link_model_write_scaled(link, 1, NULL, out, fault);
    ndc_buf_add_str(out, ndc_buf_str(&link->learned));
    return NDC_OK;
}

enum ndc_err ndc_link_model_write_scaled(const struct ndc_link *link, double rows,
                                         const double *values, struct ndc_buf *out,
                                         struct ndc_fault *fault)
{
    const struct ndc_link_model *model = link->model;
    const struct ndc_link_spec *spec = link->spec;
    if (!model || !model->learned)
        return ndc_fail(fault, NDC_ECONFLICT, "link.no_model", "nothing was learned yet");
    struct ndc_json j;
    ndc_json_init(&j, out);
    ndc_json_object(&j);
    ndc_json_kv_c(&j, "spec", spec->name);
    ndc_json_kv_u64(&j, "shape", ndc_link_spec_shape(spec));
    ndc_json_kv_u64(&j, "rows", (uint64_t)(link->table.row_count * rows + 0.5));
    ndc_json_kv_f64(&j, "prior_log_odds", model->prior_log_odds);
    ndc_json_kv_f64(&j, "prior_h", model->prior_h);
    ndc_json_kv_f64(&j, "pairs_all", model->pairs_all);
    ndc_json_kv_f64(&j, "matches", model->matches);
    ndc_json_key(&j, "groups");
    ndc_json_array(&j);
    for (unsigned g = 0; g < spec->group_count; g++) {
        ndc_json_object(&j);
        write_cells(&j, "m", model->groups[g].m, spec->groups[g].cells);
        write_cells(&j, "u", model->groups[g].u, spec->groups[g].cells);
        if (spec->has_shared)
            write_cells(&j, "h", model->groups[g].h, spec->groups[g].cells);
        ndc_json_end(&j);
    }
    ndc_json_end(&j);
    ndc_json_key(&j, "fields");
    ndc_json_array(&j);
    for (unsigned f = 0; f < spec->field_count; f++) {
        const struct column *c = &link->table.columns[f];
        ndc_json_object(&j);
        ndc_json_kv_c(&j, "name", spec->fields[f].name);
        ndc_json_kv_u64(&j, "present", (uint64_t)((double)c->present * rows + 0.5));
        ndc_json_kv_f64(&j, "exact", model->fields[f].exact);
        ndc_json_kv_f64(&j, "agree", link->agree[f]);
        ndc_json_kv_f64(&j, "differ", link->differ[f]);
        double scale = values ? rows * values[f] : rows;
        if (spec->fields[f].frequency)
            write_counts(&j, "values", c->dict, c->rows_of, scale);
        if (spec->fields[f].frequency && c->class_of)
            write_counts(&j, "classes", &c->class_names, c->class_rows, scale);
        ndc_json_end(&j);
    }
    ndc_json_end(&j);
    ndc_json_end(&j);
    if (out->failed)
        return ndc_fail(fault, NDC_ETOOBIG, "link.model_size",
                        "the model is over %zu bytes", out->bytes_max);
    return NDC_OK;
}

/* ---- reading ---- */

static enum ndc_err bad(struct ndc_fault *fault, const char *what)
{
    return ndc_fail(fault, NDC_EINPUT, "link.model", "not a model of this spec: %s",
                    what);
}

static enum ndc_err read_cells(double *out, struct json_object *group, const char *key,
                               unsigned n, struct ndc_fault *fault)
{
    struct json_object *list = ndc_json_get(group, key);
    if (!json_object_is_type(list, json_type_array) ||
        json_object_array_length(list) != n)
        return bad(fault, key);
    for (unsigned c = 0; c < n; c++) {
        out[c] = json_object_get_double(json_object_array_get_idx(list, c));
        if (!(out[c] >= 0 && out[c] <= 1)) return bad(fault, key);
    }
    return NDC_OK;
}

/* Where hashes with each beginning start: about one hash a beginning. */
static void note_starts(struct kept_frequency *kept)
{
    uint32_t beginnings = 2;
    kept->shift = 63;
    while (beginnings < kept->count) {
        beginnings *= 2;
        kept->shift--;
    }
    kept->starts = ndc_xcalloc((size_t)beginnings + 1, sizeof *kept->starts);
    for (uint32_t i = 0; i < kept->count; i++)
        kept->starts[(kept->hashes[i] >> kept->shift) + 1] = i + 1;
    for (uint32_t b = 1; b <= beginnings; b++)
        kept->starts[b] = NDC_MAX(kept->starts[b], kept->starts[b - 1]);
}

static enum ndc_err read_counts(struct kept_frequency *out, struct json_object *list,
                                double present, struct ndc_fault *fault)
{
    if (!list) return NDC_OK;
    size_t n = json_object_array_length(list);
    if (!json_object_is_type(list, json_type_array) || n % 2 || n / 2 > KEPT_MAX)
        return bad(fault, "counts");
    n /= 2;
    struct ndc_key64 *e = ndc_xmalloc((n + 1) * sizeof *e);
    struct ndc_key64 *scratch = ndc_xmalloc((n + 1) * sizeof *e);
    uint64_t least = UINT64_MAX;
    for (size_t i = 0; i < n; i++) {
        const char *hex = json_object_get_string(json_object_array_get_idx(list, 2 * i));
        int64_t rows = json_object_get_int64(json_object_array_get_idx(list, 2 * i + 1));
        e[i].key = hex ? strtoull(hex, NULL, 16) : 0;
        e[i].value = rows > 0 ? (uint64_t)rows : 1;
        least = NDC_MIN(least, e[i].value);
    }
    ndc_sort_key64(e, scratch, n);
    out->hashes = ndc_xmalloc((n + 1) * sizeof *out->hashes);
    out->log_shares = ndc_xmalloc((n + 1) * sizeof *out->log_shares);
    out->count = (uint32_t)n;
    for (size_t i = 0; i < n; i++) {
        out->hashes[i] = e[i].key;
        out->log_shares[i] = logf((float)((double)e[i].value / present));
    }
    out->log_rest = logf((float)((n == KEPT_MAX ? (double)least : 1) / present));
    note_starts(out);
    free(e);
    free(scratch);
    return NDC_OK;
}

static enum ndc_err read_field(struct ndc_link_model *model, unsigned f,
                               struct json_object *field, struct ndc_fault *fault)
{
    double present = (double)ndc_json_get_i64(field, "present", 0);
    model->fields[f].exact = json_object_get_double(ndc_json_get(field, "exact"));
    if (!(model->fields[f].exact >= 0 && model->fields[f].exact <= 1))
        return bad(fault, "exact");
    model->fields[f].exact = NDC_MAX(model->fields[f].exact, 1e-12);
    model->fields[f].log_exact = (float)log(model->fields[f].exact);
    if (present < 1) present = 1;
    struct json_object *agree = ndc_json_get(field, "agree");
    model->has_plain = f == 0 ? agree != NULL : model->has_plain && agree;
    model->agree[f] = json_object_get_double(agree);
    model->differ[f] = json_object_get_double(ndc_json_get(field, "differ"));
    if (!isfinite(model->agree[f]) || !isfinite(model->differ[f]))
        return bad(fault, "agree");
    struct json_object *values = ndc_json_get(field, "values");
    enum ndc_err err = read_counts(&model->kept[f], values, present, fault);
    if (!err)
        err = read_counts(&model->kept_class[f], ndc_json_get(field, "classes"), present,
                          fault);
    return err;
}

static enum ndc_err read_model(struct ndc_link_model *model, struct json_object *root,
                               struct ndc_fault *fault)
{
    const struct ndc_link_spec *spec = model->spec;
    struct json_object *groups = ndc_json_get(root, "groups");
    struct json_object *fields = ndc_json_get(root, "fields");
    if ((uint64_t)json_object_get_uint64(ndc_json_get(root, "shape")) !=
        ndc_link_spec_shape(spec))
        return bad(fault, "its fields or comparators differ");
    if (!json_object_is_type(groups, json_type_array) ||
        json_object_array_length(groups) != spec->group_count ||
        !json_object_is_type(fields, json_type_array) ||
        json_object_array_length(fields) != spec->field_count)
        return bad(fault, "groups");
    model->rows = (uint64_t)json_object_get_int64(ndc_json_get(root, "rows"));
    model->prior_log_odds = json_object_get_double(ndc_json_get(root, "prior_log_odds"));
    model->prior_h = json_object_get_double(ndc_json_get(root, "prior_h"));
    model->pairs_all = json_object_get_double(ndc_json_get(root, "pairs_all"));
    model->matches = json_object_get_double(ndc_json_get(root, "matches"));
    enum ndc_err err = NDC_OK;
    for (unsigned g = 0; g < spec->group_count && !err; g++) {
        struct json_object *group = json_object_array_get_idx(groups, g);
        err = read_cells(model->groups[g].m, group, "m", spec->groups[g].cells, fault);
        if (!err)
            err =
                read_cells(model->groups[g].u, group, "u", spec->groups[g].cells, fault);
        if (!err && spec->has_shared)
            err =
                read_cells(model->groups[g].h, group, "h", spec->groups[g].cells, fault);
    }
    for (unsigned f = 0; f < spec->field_count && !err; f++)
        err = read_field(model, f, json_object_array_get_idx(fields, f), fault);
    if (!err) ndc_link_model_weigh(model);
    model->learned = !err;
    return err;
}

enum ndc_err ndc_link_model_read(struct ndc_link_model **out,
                                 const struct ndc_link_spec *spec, struct ndc_str json,
                                 struct ndc_fault *fault)
{
    struct json_object *root = NULL;
    *out = NULL;
    enum ndc_err err = ndc_json_parse(&root, json, fault);
    if (err) return err;
    struct ndc_link_model *model = ndc_link_model_new(spec);
    err = read_model(model, root, fault);
    json_object_put(root);
    if (err)
        ndc_link_model_free(model);
    else
        *out = model;
    return err;
}

bool ndc_link_model_fits(const struct ndc_link_model *model, uint64_t rows)
{
    return model->has_plain && rows <= 2 * model->rows && model->rows <= 2 * rows;
}

/* ---- frequencies for the values of a table at hand ---- */

static float kept_log_share(const struct kept_frequency *kept, struct ndc_str value)
{
    uint64_t hash = ndc_hash_str(value, 3), beginning = hash >> kept->shift;
    uint32_t end = kept->starts[beginning + 1];
    for (uint32_t i = kept->starts[beginning]; i < end; i++)
        if (kept->hashes[i] == hash) return kept->log_shares[i];
    return kept->log_rest;
}

static float *look_up(const struct kept_frequency *kept, const struct ndc_dict *dict)
{
    float *out = ndc_xcalloc((size_t)dict->count + 1, sizeof *out);
    for (uint32_t v = 1; v <= dict->count; v++)
        out[v] = kept_log_share(kept, ndc_dict_get(dict, v));
    return out;
}

void ndc_link_model_lookup(struct model_field *out, const struct ndc_link_model *model,
                           const struct table *t)
{
    for (unsigned f = 0; f < t->spec->field_count; f++) {
        const struct column *c = &t->columns[f];
        out[f] = (struct model_field){.log_exact = model->fields[f].log_exact,
                                      .exact = model->fields[f].exact};
        if (!model->kept[f].hashes) continue;
        out[f].log_frequency = look_up(&model->kept[f], c->dict);
        if (c->class_of && model->kept_class[f].hashes)
            out[f].class_log_frequency = look_up(&model->kept_class[f], &c->class_names);
    }
}
