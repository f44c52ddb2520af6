/* The canonical text of an audit entry: one JSON object with its members in a fixed
 * order, absent ones left out. These very bytes are the Merkle leaf, are stored and
 * exported; nothing ever writes them a second time from parsed data. */
#include "core/audit_internal.h"

#include "base/date.h"
#include "base/hash.h"
#include "base/utf8.h"

/* The text, cut at a character to the cap. */
static struct ndc_str cut(struct ndc_str s)
{
    if (s.len <= NDC_AUDIT_TEXT_MAX) return s;
    size_t len = NDC_AUDIT_TEXT_MAX;
    while (len > 0 && ((unsigned char)s.ptr[len] & 0xc0) == 0x80)
        len--;
    return ndc_str_n(s.ptr, len);
}

static void add(struct ndc_json *j, const char *key, struct ndc_str value)
{
    if (value.len) ndc_json_kv_str(j, key, cut(value));
}

void ndc_audit_entry_tail(struct ndc_buf *out, const struct ndc_audit_event *event)
{
    /* A whole object is written and its opening brace dropped, so that the writer thread
     * can put the number and time before it. */
    struct ndc_buf text;
    struct ndc_json j;
    ndc_buf_init(&text, NDC_AUDIT_ENTRY_MAX);
    ndc_json_init(&j, &text);
    ndc_json_object(&j);
    add(&j, "principal", event->principal);
    add(&j, "agency", event->agency);
    add(&j, "action", event->action);
    add(&j, "purpose", event->purpose);
    add(&j, "legal_basis", event->legal_basis);
    add(&j, "platform", event->platform);
    add(&j, "route", event->route);
    if (event->subject_count) {
        ndc_json_key(&j, "subjects");
        ndc_json_array(&j);
        for (size_t i = 0; i < event->subject_count; i++)
            ndc_json_str(&j, cut(event->subjects[i]));
        ndc_json_end(&j);
    }
    if (!ndc_field_set_empty(&event->fields)) {
        struct ndc_buf hex;
        ndc_buf_init(&hex, NDC_FIELDS_MAX / 4);
        ndc_audit_fields_write(&hex, &event->fields);
        ndc_json_kv_str(&j, "fields", ndc_buf_str(&hex));
        ndc_buf_free(&hex);
    }
    ndc_json_kv_c(&j, "outcome", ndc_policy_outcome_name(event->outcome));
    add(&j, "rule", event->rule);
    add(&j, "request", event->request_id);
    add(&j, "client", event->client);
    add(&j, "detail", event->detail);
    ndc_json_end(&j);
    if (text.failed)
        out->failed = true;
    else
        ndc_buf_add(out, text.ptr + 1, text.len - 1);
    ndc_buf_free(&text);
}

void ndc_audit_entry_write(struct ndc_buf *out, uint64_t seq, int64_t time_ms,
                           struct ndc_str tail)
{
    char time[25];
    ndc_time_format(time, time_ms);
    ndc_buf_add_c(out, "{\"seq\":");
    ndc_buf_add_u64(out, seq);
    ndc_buf_add_c(out, ",\"time\":\"");
    ndc_buf_add_c(out, time);
    ndc_buf_add_c(out, "\",");
    ndc_buf_add_str(out, tail);
}

int64_t ndc_audit_subject_key(struct ndc_str subject)
{
    return (int64_t)ndc_hash_str(cut(subject), 1);
}

int64_t ndc_audit_principal_key(struct ndc_str principal)
{
    return (int64_t)ndc_hash_str(cut(principal), 2);
}

bool ndc_audit_entry_about(struct json_object *entry, struct ndc_str subject,
                           struct ndc_str principal)
{
    if (principal.len &&
        !ndc_str_eq(ndc_json_get_str(entry, "principal"), cut(principal)))
        return false;
    if (!subject.len) return true;
    struct json_object *list = ndc_json_get(entry, "subjects");
    if (!list || !json_object_is_type(list, json_type_array)) return false;
    subject = cut(subject);
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        struct json_object *o = json_object_array_get_idx(list, i);
        if (ndc_str_eq(ndc_str_n(json_object_get_string(o),
                                 (size_t)json_object_get_string_len(o)),
                       subject))
            return true;
    }
    return false;
}

void ndc_audit_fields_write(struct ndc_buf *out, const struct ndc_field_set *set)
{
    unsigned digits = NDC_FIELDS_MAX / 4;
    while (digits > 0 && (set->w[(digits - 1) / 16] >> (digits - 1) % 16 * 4 & 15) == 0)
        digits--;
    for (unsigned i = 0; i < digits; i++)
        ndc_buf_add_byte(out, "0123456789abcdef"[set->w[i / 16] >> i % 16 * 4 & 15]);
}

bool ndc_audit_fields_parse(struct ndc_field_set *out, struct ndc_str hex)
{
    *out = (struct ndc_field_set){0};
    if (hex.len > NDC_FIELDS_MAX / 4) return false;
    for (unsigned i = 0; i < hex.len; i++) {
        char c = hex.ptr[i];
        uint64_t digit;
        if (c >= '0' && c <= '9')
            digit = (uint64_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            digit = (uint64_t)c - 'a' + 10;
        else
            return false;
        out->w[i / 16] |= digit << i % 16 * 4;
    }
    return true;
}
