/* The change feed as a source of webhooks. What a subscriber is let have was decided when
 * it subscribed and is kept with it: types and fields, as hexadecimal sets. */
#include "platforms/registry/change/change.h"
#include "platforms/registry/serve/changes.h"

#include <inttypes.h>

enum {
    PAGE_MAX = 1000,
    PAGE_BYTES = 4 << 20,
    DATA_BYTES_MAX = 512 << 10, /* a page ends once it is so long */
    WORDS = NDC_FIELDS_MAX / 64,
};

static enum ndc_err subscribe(void *arg, struct ndc_request *req,
                              struct json_object *asked, struct ndc_buf *granted,
                              struct ndc_fault *fault)
{
    struct ndc_change_filter filter;
    struct ndc_str type = ndc_json_get_str(asked, "type");
    enum ndc_entity known;
    (void)arg;
    if (type.ptr && !ndc_entity_parse(type, &known))
        return ndc_fail_at(fault, NDC_EINPUT, "webhook.filter", "/filter/type", 0,
                           "a type is \"person\" or \"organisation\"");
    NDC_TRY(ndc_change_filter_make(req, type, "webhook.create", &filter, fault));
    for (int t = 0; t < NDC_ENTITY_COUNT; t++) {
        if (!filter.types[t]) continue;
        ndc_buf_add_c(granted, ndc_entity_name((enum ndc_entity)t));
        for (int i = 0; i < WORDS; i++)
            ndc_buf_printf(granted, "%c%016" PRIx64, i ? '.' : ':',
                           filter.fields[t].w[i]);
        ndc_buf_add_byte(granted, ' ');
    }
    return NDC_OK;
}

static bool read_word(struct ndc_str hex, uint64_t *out)
{
    *out = 0;
    if (hex.len != 16) return false;
    for (size_t i = 0; i < hex.len; i++) {
        char c = hex.ptr[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) return false;
        *out = *out << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    return true;
}

static bool read_granted(struct ndc_change_filter *filter, struct ndc_str text)
{
    struct ndc_str one, word;
    *filter = (struct ndc_change_filter){0};
    while (ndc_str_split(&text, ' ', &one)) {
        enum ndc_entity type;
        int i = 0;
        if (one.len == 0) continue;
        if (!ndc_str_split(&one, ':', &word) || !ndc_entity_parse(word, &type))
            return false;
        while (ndc_str_split(&one, '.', &word))
            if (i == WORDS || !read_word(word, &filter->fields[type].w[i++]))
                return false;
        if (i != WORDS) return false;
        filter->types[type] = true;
    }
    return true;
}

static void write_changes(struct ndc_registry *reg, struct ndc_webhook_page *page,
                          const struct ndc_change_filter *filter,
                          const struct ndc_change *changes, size_t n, struct ndc_json *j)
{
    ndc_json_object(j);
    ndc_json_kv_i64(j, "after", page->after);
    /* Retention was faster than the deliveries: what is known must be read anew. */
    ndc_json_kv_bool(j, "gap", n > 0 && changes[0].seq != page->after + 1);
    ndc_json_key(j, "changes");
    ndc_json_array(j);
    for (size_t i = 0; i < n; i++) {
        if (page->upto ? changes[i].seq > page->upto : j->out->len > DATA_BYTES_MAX)
            break;
        page->last = changes[i].seq;
        page->at_ms = changes[i].at_ms;
        if (!ndc_change_wanted(filter, &changes[i])) continue;
        ndc_change_write(j, &changes[i], ndc_change_source(reg, changes[i].source),
                         filter);
        page->events++;
    }
    ndc_json_end(j);
    ndc_json_kv_i64(j, "last", page->last);
    ndc_json_end(j);
}

static enum ndc_err page_of(void *arg, struct ndc_webhook_page *page,
                            struct ndc_json *data, struct ndc_fault *fault)
{
    struct ndc_registry *reg = arg;
    struct ndc_change_filter filter;
    struct ndc_store_conn *conn;
    struct ndc_change *changes;
    struct ndc_arena arena;
    size_t n = 0;
    if (!read_granted(&filter, page->granted))
        return ndc_fail(fault, NDC_EINTERNAL, "webhook.granted",
                        "what the subscription was granted cannot be read: make it anew");
    NDC_TRY(ndc_store_take(reg->store, NDC_READ, &conn, fault));
    ndc_arena_init(&arena, PAGE_BYTES);
    enum ndc_err err =
        ndc_change_read(conn, &arena, page->after, PAGE_MAX, false, &changes, &n, fault);
    ndc_store_give(conn);
    if (!err) write_changes(reg, page, &filter, changes, n, data);
    ndc_arena_free(&arena);
    return err;
}

static enum ndc_err last_of(void *arg, int64_t *seq, struct ndc_fault *fault)
{
    struct ndc_registry *reg = arg;
    struct ndc_store_conn *conn;
    NDC_TRY(ndc_store_take(reg->store, NDC_READ, &conn, fault));
    enum ndc_err err = ndc_change_last(conn, seq, fault);
    ndc_store_give(conn);
    return err;
}

struct ndc_webhook_source ndc_change_webhook_source = {
    .name = "registry.changes",
    .title_vi = "Thay đổi của người và tổ chức",
    .title_en = "Changes of people and organisations",
    .permission = "registry.change.read",
    .subscribe = subscribe,
    .page = page_of,
    .last = last_of,
};
