/* Learning out of memory: the model of a sample of whole components of identifiers, made
 * that of all rows. What two rows of different nodes agree on does not depend on how many
 * rows there are; what two rows of one node agree on is the rarer the more there are. So
 * a field's chance of agreement is taken apart into the two (values by which nodes were
 * joined have hardly any of the first), and each is scaled by itself. The chance that a
 * pair is a match is that of the sample, for who can match is drawn independently. */
#include "platforms/registry/link/external_internal.h"

#include <math.h>

enum { SAMPLE_ROWS = 1 << 22 };

static enum ndc_err read_sample(struct external *x, struct ndc_buf *out,
                                struct ndc_fault *fault)
{
    uint32_t most = x->reader->sample_rows ? x->reader->sample_rows : SAMPLE_ROWS;
    double share = NDC_MIN((double)most / (double)NDC_MAX(x->rows, 1u), 1);
    unsigned parts = (unsigned)(share * x->shares);
    parts = NDC_MIN(NDC_MAX(parts, 1u), x->shares);
    enum ndc_err err = NDC_OK;
    for (unsigned p = 0; p < parts && !err; p++) {
        size_t len = ndc_link_spool_part_bytes(x->texts, p);
        char *bytes = ndc_xmalloc(len + 1);
        err = ndc_link_spool_read(x->texts, p, bytes, fault);
        if (!err) ndc_buf_add(out, bytes, len);
        free(bytes);
    }
    if (!err && out->failed)
        err = ndc_fail(fault, NDC_ETOOBIG, "link.sample",
                       "the sample to learn from is over %zu bytes", out->bytes_max);
    return err;
}

/* Ordered pairs of rows that agree on a field within nodes. */
static double agree_within(const struct ndc_link *link, unsigned field)
{
    const struct nodes *nodes = &link->nodes;
    double same = 0;
    for (uint32_t n = 0; n < nodes->count; n++) {
        for (uint32_t i = nodes->start[n]; i < nodes->start[n + 1]; i++) {
            uint32_t v = table_row(&link->table, nodes->members[i])[field];
            for (uint32_t k = nodes->start[n]; v && k < i; k++)
                same += 2 * (table_row(&link->table, nodes->members[k])[field] == v);
        }
    }
    return same;
}

/* What agreement on the field becomes of in all rows. */
static double scale_of(const struct ndc_link *link, unsigned field, double rows)
{
    const struct column *c = &link->table.columns[field];
    double same = -(double)c->present;
    for (uint32_t v = 1; v <= c->dict->count; v++)
        same += (double)c->rows_of[v] * c->rows_of[v];
    if (same <= 0) return 1 / rows;
    double within = NDC_MIN(agree_within(link, field) / same, 1);
    return within / rows + 1 - within;
}

/* How often strangers agree, as learning would clean it (learn.c, clean_u). */
static void scale_group(struct ndc_link_model *model, unsigned g, double scale,
                        double rows)
{
    struct model_group *mg = &model->groups[g];
    double lambda = NDC_MIN(model->matches / model->pairs_all, 0.4);
    double lambda_h = NDC_MIN(model->households / model->pairs_all, 0.4);
    double r = mg->random[1] * scale;
    double error = sqrt(r / NDC_MAX(model->pairs_all * rows * rows, 1));
    double u = (r - lambda * mg->m[1] - lambda_h * mg->h[1]) / (1 - lambda - lambda_h);
    mg->u[1] = NDC_MIN(NDC_MAX(u, NDC_MIN(error, r)), 1);
}

static void scale_model(struct ndc_link *link, double rows,
                        double values[NDC_LINK_FIELDS_MAX])
{
    const struct ndc_link_spec *spec = link->spec;
    struct ndc_link_model *model = link->model;
    for (unsigned f = 0; f < spec->field_count; f++)
        values[f] = 1;
    if (rows <= 1) return; /* the sample is all of them */
    for (unsigned f = 0; f < spec->field_count; f++) {
        values[f] = scale_of(link, f, rows);
        model->fields[f].exact *= values[f];
        link->agree[f] -= log(values[f]);
    }
    for (unsigned g = 0; g < spec->group_count; g++)
        if (spec->groups[g].field_count == 1 && !spec->groups[g].is_swap)
            scale_group(model, g, values[spec->groups[g].fields[0]], rows);
    model->pairs_all *= rows * rows;
    model->matches *= rows * rows;
}

enum ndc_err ndc_link_external_learn(struct external *x, struct ndc_fault *fault)
{
    struct external_part part = {0};
    struct ndc_buf bytes;
    struct ndc_link_model *model = NULL;
    double values[NDC_LINK_FIELDS_MAX] = {0};
    ndc_buf_init(&bytes, SIZE_MAX / 2);
    enum ndc_err err = read_sample(x, &bytes, fault);
    if (!err)
        err = ndc_link_external_fill(&part, x, bytes.ptr, bytes.len,
                                     x->link->options.threads, fault);
    ndc_buf_free(&bytes);
    if (!err) {
        double rows = (double)x->rows / (double)NDC_MAX(part.count, 1u);
        ndc_link_external_tell(x, &part);
        ndc_link_run_learn(part.link);
        scale_model(part.link, NDC_MAX(rows, 1), values);
        err = ndc_link_model_write_scaled(part.link, NDC_MAX(rows, 1), values,
                                          &x->link->learned, fault);
    }
    ndc_link_external_part_free(&part);
    if (!err)
        err = ndc_link_model_read(&model, x->link->spec, ndc_buf_str(&x->link->learned),
                                  fault);
    if (err) return err;
    x->link->model = model;
    ndc_link_use_model(x->link, model);
    return NDC_OK;
}
