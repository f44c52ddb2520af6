/* Values: which normaliser a field takes, and its result in one shape. */
#include "platforms/registry/load/map_value.h"

#include <stdio.h>

static const struct {
    const char *code;
    enum ndc_map_kind kind;
} by_code[] = {
    {"person_id", NDC_MAP_PERSON_ID},
    {"father_id", NDC_MAP_PERSON_ID},
    {"mother_id", NDC_MAP_PERSON_ID},
    {"spouse_id", NDC_MAP_PERSON_ID},
    {"legal_rep_id", NDC_MAP_PERSON_ID},
    {"old_id", NDC_MAP_OLD_ID},
    {"social_insurance_no", NDC_MAP_SOCIAL_ID},
    {"health_insurance_no", NDC_MAP_HEALTH_ID},
    {"tax_code", NDC_MAP_TAX_CODE},
    {"org_id", NDC_MAP_TAX_CODE},
    {"employer_id", NDC_MAP_TAX_CODE},
    {"vehicle_plate", NDC_MAP_PLATE},
    {"passport_no", NDC_MAP_PASSPORT},
};

enum ndc_map_kind ndc_map_kind_of(const struct ndc_field *field)
{
    for (size_t i = 0; i < NDC_ARRAY_LEN(by_code); i++)
        if (strcmp(by_code[i].code, field->code) == 0) return by_code[i].kind;
    return ndc_map_kind_of_value(field->kind);
}

enum ndc_map_kind ndc_map_kind_of_value(enum ndc_value_kind kind)
{
    switch (kind) {
    case NDC_VALUE_NAME:
        return NDC_MAP_NAME;
    case NDC_VALUE_SEX:
        return NDC_MAP_SEX;
    case NDC_VALUE_DATE:
        return NDC_MAP_DATE;
    case NDC_VALUE_TIME:
        return NDC_MAP_TIME;
    case NDC_VALUE_PLACE:
    case NDC_VALUE_ADDRESS:
        return NDC_MAP_ADDRESS;
    case NDC_VALUE_PHONE:
        return NDC_MAP_PHONE;
    case NDC_VALUE_EMAIL:
        return NDC_MAP_EMAIL;
    case NDC_VALUE_ID:
    case NDC_VALUE_CODE:
        return NDC_MAP_CODE;
    case NDC_VALUE_NUMBER:
    case NDC_VALUE_MONEY:
        return NDC_MAP_NUMBER;
    default:
        return NDC_MAP_TEXT;
    }
}

static void set_text(struct ndc_map_result *out, const char *text, size_t len)
{
    out->len = NDC_MIN(len, sizeof(out->text) - 1);
    memcpy(out->text, text, out->len);
    out->text[out->len] = 0;
}

static void map_name(struct ndc_map_result *out, struct ndc_norm_memo *memo,
                     struct ndc_str raw)
{
    struct ndc_norm_name name;
    out->reason =
        memo ? ndc_norm_name_again(&name, memo, raw) : ndc_norm_name(&name, raw);
    out->flags = name.flags;
    if (!out->reason) set_text(out, name.text, name.len);
}

static void map_date(struct ndc_map_result *out, enum ndc_date_order order,
                     bool future_allowed, struct ndc_date today, struct ndc_str raw)
{
    struct ndc_norm_date date;
    struct ndc_norm_date_rule rule = {.order = (enum ndc_norm_order)order,
                                      .as_of = today,
                                      .future_allowed = future_allowed};
    out->reason = ndc_norm_date(&date, raw, &rule);
    out->flags = date.flags;
    if (!out->reason) set_text(out, date.text, strlen(date.text));
}

static void map_time(struct ndc_map_result *out, enum ndc_date_order order,
                     struct ndc_date today, struct ndc_str raw)
{
    int64_t ms;
    char text[25];
    raw = ndc_str_trim(raw);
    if (ndc_time_parse(raw, &ms)) {
        ndc_time_format(text, ms);
        set_text(out, text, strlen(text));
        return;
    }
    /* "02/09/2025 14:05": the date is what matters for recency. */
    size_t space = ndc_str_find(raw, ' ');
    map_date(out, order, true, today, space >= 8 ? ndc_str_n(raw.ptr, space) : raw);
}

static void map_person_id(struct ndc_map_result *out, struct ndc_date today,
                          struct ndc_str raw)
{
    struct ndc_norm_person_id id;
    struct ndc_norm_value old;
    out->reason = ndc_norm_person_id(&id, raw, today.year);
    out->flags = id.flags;
    if (!out->reason) {
        out->sex = (enum ndc_norm_sex)id.sex;
        out->birth_year = id.birth_year;
        set_text(out, id.text, strlen(id.text));
        return;
    }
    if (out->reason == NDC_NORM_ID_LENGTH && ndc_norm_old_id(&old, raw) == NDC_NORM_OK) {
        out->reason = NDC_NORM_OK;
        out->flags = old.flags;
        out->old_id = true;
        set_text(out, old.text, old.len);
    }
}

static void address_text(struct ndc_map_result *out, const struct ndc_norm_address *a,
                         struct ndc_str units)
{
    size_t n = a->street_len;
    NDC_ASSERT(n + units.len + 3 <= sizeof(out->text));
    memcpy(out->text, a->street, n);
    if (n && units.len) {
        out->text[n++] = ',';
        out->text[n++] = ' ';
    }
    if (units.len) memcpy(out->text + n, units.ptr, units.len);
    out->len = n + units.len;
    out->text[out->len] = 0;
}

static void map_address(struct ndc_map_result *out, struct ndc_norm_memo *memo,
                        struct ndc_str raw)
{
    struct ndc_norm_address a;
    struct ndc_str units = NDC_STR_NULL;
    out->reason = memo ? ndc_norm_address_again(&a, memo, raw, &units)
                       : ndc_norm_address(&a, raw, (struct ndc_date){0});
    out->flags = a.flags;
    if (out->reason) return;
    if (a.unit_count)
        out->place = ndc_unit_place(a.units[0]);
    else if (a.province)
        out->place = ndc_unit_place(a.province);
    if (memo)
        address_text(out, &a, units);
    else
        out->len = ndc_norm_address_text(out->text, sizeof(out->text), &a, false);
}

static void map_text(struct ndc_map_result *out, struct ndc_str raw, bool code)
{
    unsigned flags = 0;
    if (raw.len >= sizeof(out->text)) {
        out->reason = NDC_NORM_TOO_LONG;
        return;
    }
    out->len = ndc_vn_clean(out->text, raw, &flags);
    if (flags & NDC_VN_INVALID) {
        out->reason = NDC_NORM_BAD_CHARACTERS;
        out->len = 0;
    }
    if (flags & (NDC_VN_HIDDEN | NDC_VN_CONTROL | NDC_VN_COMPOSED))
        out->flags |= NDC_NORM_REPAIRED;
    if (code) out->len = ndc_vn_upper(out->text, ndc_str_n(out->text, out->len));
    out->text[out->len] = 0;
}

/* Digits with optional sign and decimal point; 1.234.567 and 1,234,567 lose their dots.
 */
static void map_number(struct ndc_map_result *out, struct ndc_str raw)
{
    double value;
    raw = ndc_str_trim(raw);
    if (raw.len == 0 || raw.len > 32) {
        out->reason = NDC_NORM_TOO_LONG;
        return;
    }
    size_t groups = 0, n = 0;
    char sep = 0;
    bool grouped = true;
    for (size_t i = 0, run = 0; i <= raw.len; i++) {
        char c = i < raw.len ? raw.ptr[i] : 0;
        if (c >= '0' && c <= '9') {
            run++;
            continue;
        }
        if (groups && run != 3) grouped = false;
        if (c == '.' || c == ',') {
            if (sep && c != sep) grouped = false;
            sep = c;
            groups++;
        }
        run = 0;
    }
    for (size_t i = 0; i < raw.len; i++) {
        char c = raw.ptr[i];
        if (c == ' ' || (grouped && groups && c == sep && (groups > 1 || c == ',')))
            continue;
        out->text[n++] = c == ',' ? '.' : c;
    }
    out->text[out->len = n] = 0;
    if (!ndc_str_to_f64(ndc_str_n(out->text, n), &value)) {
        out->reason = NDC_NORM_BAD_CHARACTERS;
        out->len = 0;
    }
}

static void map_plain(struct ndc_map_result *out, enum ndc_map_kind kind,
                      struct ndc_str raw)
{
    struct ndc_norm_value v = {0};
    switch (kind) {
    case NDC_MAP_OLD_ID:
        out->reason = ndc_norm_old_id(&v, raw);
        break;
    case NDC_MAP_SOCIAL_ID:
        out->reason = ndc_norm_social_id(&v, raw);
        break;
    case NDC_MAP_HEALTH_ID:
        out->reason = ndc_norm_health_id(&v, raw);
        break;
    case NDC_MAP_TAX_CODE:
        out->reason = ndc_norm_tax_code(&v, raw);
        break;
    case NDC_MAP_PLATE:
        out->reason = ndc_norm_plate(&v, raw);
        break;
    case NDC_MAP_PASSPORT:
        out->reason = ndc_norm_passport(&v, raw);
        break;
    case NDC_MAP_PHONE:
        out->reason = ndc_norm_phone(&v, raw);
        break;
    case NDC_MAP_EMAIL:
        out->reason = ndc_norm_email(&v, raw);
        break;
    default:
        out->reason = ndc_norm_sex(&v, &out->sex, raw);
        break;
    }
    out->flags = v.flags;
    if (!out->reason) set_text(out, v.text, v.len);
}

void ndc_map_value(struct ndc_map_result *out, enum ndc_map_kind kind,
                   enum ndc_date_order order, bool future_allowed, struct ndc_date today,
                   struct ndc_str raw)
{
    ndc_map_value_memo(out, NULL, kind, order, future_allowed, today, raw);
}

void ndc_map_value_memo(struct ndc_map_result *out, struct ndc_norm_memo *memo,
                        enum ndc_map_kind kind, enum ndc_date_order order,
                        bool future_allowed, struct ndc_date today, struct ndc_str raw)
{
    out->reason = NDC_NORM_OK;
    out->flags = out->place = 0;
    out->old_id = false;
    out->birth_year = 0;
    out->sex = NDC_SEX_UNKNOWN;
    out->len = 0;
    switch (kind) {
    case NDC_MAP_NAME:
        map_name(out, memo, raw);
        return;
    case NDC_MAP_DATE:
        map_date(out, order, future_allowed, today, raw);
        return;
    case NDC_MAP_TIME:
        map_time(out, order, today, raw);
        return;
    case NDC_MAP_PERSON_ID:
        map_person_id(out, today, raw);
        return;
    case NDC_MAP_ADDRESS:
        map_address(out, memo, raw);
        return;
    case NDC_MAP_TEXT:
        map_text(out, raw, false);
        return;
    case NDC_MAP_CODE:
        map_text(out, raw, true);
        return;
    case NDC_MAP_NUMBER:
        map_number(out, raw);
        return;
    default:
        map_plain(out, kind, raw);
        return;
    }
}
