/* Any bytes through every value normaliser: no overrun, texts are valid UTF-8 and end
 * with 0, a refused value has no text, and a good one is its own normal form. */
#include "base/utf8.h"
#include "platforms/registry/normalise/normalise.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

typedef enum ndc_norm_reason value_fn(struct ndc_norm_value *out, struct ndc_str raw);

static void check_value(value_fn *fn, struct ndc_str in)
{
    struct ndc_norm_value v, again;
    if (fn(&v, in) != NDC_NORM_OK) {
        NDC_ASSERT(v.len == 0 && v.text[0] == 0);
        return;
    }
    NDC_ASSERT(v.len == strlen(v.text) && v.len > 0);
    NDC_ASSERT(fn(&again, ndc_str(v.text)) == NDC_NORM_OK);
    NDC_ASSERT(strcmp(v.text, again.text) == 0);
}

static void check_name(struct ndc_str in)
{
    struct ndc_norm_name n;
    if (ndc_norm_name(&n, in) != NDC_NORM_OK) return;
    NDC_ASSERT(n.len == strlen(n.text) && n.surname_len <= n.len && n.given_at <= n.len);
    NDC_ASSERT(ndc_utf8_valid(ndc_str(n.text)));
    ndc_norm_middle(&n);
}

static void check_date(struct ndc_str in)
{
    for (int order = NDC_NORM_DMY; order <= NDC_NORM_EXCEL; order++) {
        struct ndc_norm_date d;
        struct ndc_norm_date_rule rule = {.order = (enum ndc_norm_order)order,
                                          .as_of = {2026, 7, 1}};
        if (ndc_norm_date(&d, in, &rule) != NDC_NORM_OK) {
            NDC_ASSERT(d.text[0] == 0);
            continue;
        }
        NDC_ASSERT(ndc_date_valid(d.date) && strlen(d.text) >= 4);
    }
}

/* A geometry with something behind it is none. */
static void check_geometry(struct ndc_str in)
{
    struct ndc_buf more;
    if (!ndc_norm_geometry(in)) return;
    ndc_buf_init(&more, in.len + 2);
    ndc_buf_add_str(&more, in);
    ndc_buf_add_byte(&more, ')');
    NDC_ASSERT(!ndc_norm_geometry(ndc_buf_str(&more)));
    ndc_buf_free(&more);
}

static void check_address(struct ndc_str in)
{
    struct ndc_norm_address a;
    char text[512];
    enum ndc_norm_reason reason = ndc_norm_address(&a, in, (struct ndc_date){0, 0, 0});
    NDC_ASSERT(a.street_len == strlen(a.street) && ndc_utf8_valid(ndc_str(a.street)));
    NDC_ASSERT(a.unit_count <= NDC_NORM_UNITS_MAX);
    for (unsigned i = 0; i < a.unit_count; i++) {
        const struct ndc_unit *u = ndc_unit_get(a.units[i]);
        NDC_ASSERT(u && u->vintage == NDC_UNIT_CURRENT && u->level == NDC_UNIT_COMMUNE);
    }
    if (!reason) NDC_ASSERT(a.level != NDC_UNIT_NONE && a.confidence > 0);
    ndc_norm_address_text(text, sizeof(text), &a, false);
    size_t third = in.len / 3;
    struct ndc_norm_address_parts parts = {
        .commune = ndc_str_n(in.ptr, third),
        .district = ndc_str_n(in.ptr + third, third),
        .province = ndc_str_n(in.ptr + 2 * third, in.len - 2 * third)};
    ndc_norm_address_parts(&a, &parts, (struct ndc_date){2024, 1, 1});
}

static enum ndc_norm_reason sex(struct ndc_norm_value *out, struct ndc_str raw)
{
    enum ndc_norm_sex s;
    return ndc_norm_sex(out, &s, raw);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static value_fn *const all[] = {
        ndc_norm_old_id,   ndc_norm_health_id, ndc_norm_social_id,
        ndc_norm_tax_code, ndc_norm_plate,     ndc_norm_passport,
        ndc_norm_phone,    ndc_norm_email,     sex};
    struct ndc_str in = ndc_str_n((const char *)bytes, len);
    struct ndc_norm_person_id id;
    for (size_t i = 0; i < NDC_ARRAY_LEN(all); i++)
        check_value(all[i], in);
    if (ndc_norm_person_id(&id, in, 2026) == NDC_NORM_OK)
        NDC_ASSERT(strlen(id.text) == 12);
    check_geometry(in);
    check_name(in);
    check_date(in);
    check_address(in);
    return 0;
}
