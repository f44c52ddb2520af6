/* Scorecards. */
#include "platforms/registry/load/quality.h"

#include "platforms/registry/source/rules.h"

void ndc_quality_init(struct ndc_quality *q, const struct ndc_source *source)
{
    *q = (struct ndc_quality){.source = source};
    q->fields = ndc_xcalloc(source->field_count, sizeof(*q->fields));
    q->rule_failed = ndc_xcalloc(source->rule_count, sizeof(*q->rule_failed));
}

void ndc_quality_free(struct ndc_quality *q)
{
    free(q->fields);
    free(q->rule_failed);
    q->fields = NULL;
    q->rule_failed = NULL;
}

void ndc_quality_add(struct ndc_quality *q, const struct ndc_reason *reason)
{
    q->failed[reason->criterion]++;
    for (unsigned i = 0; i < q->reason_count; i++) {
        struct ndc_quality_reason *r = &q->reasons[i];
        if (r->field == reason->field &&
            (r->code == reason->code || strcmp(r->code, reason->code) == 0)) {
            r->count++;
            return;
        }
    }
    if (q->reason_count == NDC_QUALITY_REASONS_MAX) return;
    q->reasons[q->reason_count++] = (struct ndc_quality_reason){
        reason->field, reason->code, reason->title, reason->criterion, 1};
}

double ndc_quality_score(const struct ndc_quality *q, enum ndc_criterion c)
{
    if (q->checked[c] == 0) return 1.0;
    uint64_t failed = NDC_MIN(q->failed[c], q->checked[c]);
    return 1.0 - (double)failed / (double)q->checked[c];
}

void ndc_title_write(struct ndc_json *out, const char *key, struct ndc_title title)
{
    ndc_json_key(out, key);
    ndc_json_object(out);
    ndc_json_kv_str(out, "vi", title.vi);
    ndc_json_kv_str(out, "en", title.en);
    ndc_json_end(out);
}

static void write_criteria(const struct ndc_quality *q, struct ndc_json *out)
{
    ndc_json_key(out, "criteria");
    ndc_json_object(out);
    for (int c = 0; c < NDC_CRITERION_COUNT; c++) {
        ndc_json_key(out, ndc_criterion_name((enum ndc_criterion)c));
        ndc_json_object(out);
        ndc_title_write(out, "title", ndc_criterion_title((enum ndc_criterion)c));
        ndc_json_kv_u64(out, "checked", q->checked[c]);
        ndc_json_kv_u64(out, "failed", q->failed[c]);
        ndc_json_kv_f64(out, "score", ndc_quality_score(q, (enum ndc_criterion)c));
        ndc_json_end(out);
    }
    ndc_json_end(out);
}

static void write_reasons(const struct ndc_quality *q, int field, struct ndc_json *out)
{
    ndc_json_key(out, "reasons");
    ndc_json_array(out);
    for (unsigned i = 0; i < q->reason_count; i++) {
        const struct ndc_quality_reason *r = &q->reasons[i];
        if (r->field != field) continue;
        ndc_json_object(out);
        ndc_json_kv_c(out, "reason", r->code);
        ndc_title_write(out, "title", r->title);
        ndc_json_kv_c(out, "criterion", ndc_criterion_name(r->criterion));
        ndc_json_kv_u64(out, "count", r->count);
        ndc_json_end(out);
    }
    ndc_json_end(out);
}

static void write_field(const struct ndc_quality *q, unsigned i, struct ndc_json *out)
{
    const struct ndc_source_field *f = &q->source->fields[i];
    const struct ndc_quality_field *n = &q->fields[i];
    uint64_t seen = n->present + n->failed;
    ndc_json_object(out);
    ndc_json_kv_str(out, "column", f->columns[0]);
    ndc_json_kv_c(out, "field", f->field ? f->field->code : "");
    if (f->field)
        ndc_title_write(
            out, "title",
            (struct ndc_title){ndc_str(f->field->title_vi), ndc_str(f->field->title_en)});
    ndc_json_kv_u64(out, "present", n->present);
    ndc_json_kv_u64(out, "missing", n->missing);
    ndc_json_kv_u64(out, "failed", n->failed);
    ndc_json_kv_u64(out, "repaired", n->repaired);
    ndc_json_kv_f64(out, "score", seen ? (double)n->present / (double)seen : 1.0);
    write_reasons(q, (int)i, out);
    ndc_json_end(out);
}

static void write_rules(const struct ndc_quality *q, struct ndc_json *out)
{
    ndc_json_key(out, "rules");
    ndc_json_array(out);
    for (unsigned i = 0; i < q->source->rule_count; i++) {
        const struct ndc_source_rule *rule = &q->source->rules[i];
        ndc_json_object(out);
        ndc_json_kv_str(out, "rule", rule->name);
        ndc_title_write(out, "title", rule->title);
        ndc_json_kv_c(out, "criterion", ndc_criterion_name(rule->criterion));
        ndc_json_kv_u64(out, "checked", q->rows);
        ndc_json_kv_u64(out, "failed", q->rule_failed[i]);
        ndc_json_end(out);
    }
    ndc_json_end(out);
}

void ndc_quality_write(const struct ndc_quality *q, struct ndc_json *out)
{
    ndc_json_object(out);
    write_criteria(q, out);
    ndc_json_key(out, "row");
    ndc_json_object(out);
    write_reasons(q, -1, out);
    ndc_json_end(out);
    ndc_json_key(out, "fields");
    ndc_json_array(out);
    for (unsigned i = 0; i < q->source->field_count; i++)
        if (q->source->fields[i].field) write_field(q, i, out);
    ndc_json_end(out);
    write_rules(q, out);
    ndc_json_end(out);
}

bool ndc_quality_read_scores(struct ndc_str json, double scores[NDC_CRITERION_COUNT])
{
    struct json_object *root, *criteria;
    struct ndc_fault ignored = {0};
    if (ndc_json_parse(&root, json, &ignored)) return false;
    criteria = ndc_json_get(root, "criteria");
    for (int c = 0; c < NDC_CRITERION_COUNT; c++) {
        struct json_object *one =
            ndc_json_get(criteria, ndc_criterion_name((enum ndc_criterion)c));
        struct json_object *score = ndc_json_get(one, "score");
        scores[c] = score ? json_object_get_double(score) : 1.0;
    }
    json_object_put(root);
    return criteria != NULL;
}
