/* What the handlers of accounts share. */
#include "platforms/eid/web.h"

#include "crypto/base64.h"
#include "net/http.h"
#include "sys/clock.h"

enum { JOINED_MAX = 8 };

struct ndc_str eid_text(struct ndc_str s)
{
    return s.ptr ? s : NDC_STR("");
}

/* The platform's store is not always the main one. */
enum ndc_err eid_conn(struct ndc_request *req, struct ndc_store_conn **conn,
                      struct ndc_fault *fault)
{
    return ndc_store_take(ndc_eid_of(req)->store, NDC_READ, conn, fault);
}

static struct ndc_str throttle_key(struct ndc_request *req, const char *area,
                                   struct ndc_str key)
{
    return ndc_arena_printf(req->arena, "%s:%.*s", area, NDC_STR_FMT(key));
}

enum ndc_err eid_throttle(struct ndc_request *req, const char *area, struct ndc_str key,
                          struct ndc_fault *fault)
{
    int64_t wait =
        ndc_throttle_wait_ms(ndc_eid_of(req)->throttle, throttle_key(req, area, key),
                             req->client, ndc_clock_wall_ms());
    if (wait <= 0) return NDC_OK;
    long long seconds = (long long)((wait + 999) / 1000);
    ndc_request_set_header(req, "Retry-After",
                           ndc_arena_printf(req->arena, "%lld", seconds));
    if (fault) fault->http_status = 429;
    return ndc_fail(fault, NDC_EBUSY, "auth.throttled",
                    "too many attempts: wait %lld s and try again", seconds);
}

void eid_throttle_result(struct ndc_request *req, const char *area, struct ndc_str key,
                         bool right)
{
    struct ndc_throttle *throttle = ndc_eid_of(req)->throttle;
    struct ndc_str account = throttle_key(req, area, key);
    if (right)
        ndc_throttle_succeeded(throttle, account, req->client, ndc_clock_wall_ms());
    else
        ndc_throttle_failed(throttle, account, req->client, ndc_clock_wall_ms());
}

/* ---- texts ---- */

struct ndc_str eid_base64url(struct ndc_arena *arena, const void *bytes, size_t len)
{
    struct ndc_buf buf;
    ndc_buf_init(&buf, len * 2 + 8);
    ndc_base64_add(&buf, bytes, len);
    while (buf.len && buf.ptr[buf.len - 1] == '=')
        buf.len--;
    for (size_t i = 0; i < buf.len; i++) {
        char c = buf.ptr[i];
        buf.ptr[i] = c == '+' ? '-' : c == '/' ? '_' : c;
    }
    return eid_json_take(arena, &buf);
}

bool eid_base64url_read(struct ndc_arena *arena, struct ndc_str text, size_t bytes_max,
                        struct ndc_str *out)
{
    size_t padded = (text.len + 3) / 4 * 4, len = 0;
    *out = NDC_STR("");
    if (!text.len || padded / 4 * 3 > bytes_max + 3) return false;
    char *plain = ndc_arena_alloc(arena, padded + 1);
    uint8_t *bytes = ndc_arena_alloc(arena, padded);
    if (!plain || !bytes) return false;
    for (size_t i = 0; i < padded; i++) {
        char c = i < text.len ? text.ptr[i] : '=';
        if (i < text.len && (c == '+' || c == '/' || c == '=')) return false;
        plain[i] = c == '-' ? '+' : c == '_' ? '/' : c;
    }
    if (!ndc_base64_read(bytes, padded, &len, ndc_str_n(plain, padded)) ||
        len > bytes_max)
        return false;
    *out = ndc_str_n((const char *)bytes, len);
    return true;
}

struct ndc_str eid_json_take(struct ndc_arena *arena, struct ndc_buf *buf)
{
    struct ndc_str out = ndc_arena_str(arena, eid_text(ndc_buf_str(buf)));
    ndc_buf_free(buf);
    return out;
}

void eid_words(struct ndc_json *j, const char *key, struct ndc_str words)
{
    struct ndc_str word;
    ndc_json_key(j, key);
    ndc_json_array(j);
    while (words.ptr && ndc_str_split(&words, ' ', &word))
        if (word.len) ndc_json_str(j, word);
    ndc_json_end(j);
}

/* ---- assurance ---- */

bool eid_amr_has(struct ndc_str amr, const char *value)
{
    struct ndc_str word;
    while (amr.ptr && ndc_str_split(&amr, ' ', &word))
        if (ndc_str_eq_c(word, value)) return true;
    return false;
}

struct ndc_str eid_amr_join(struct ndc_arena *arena, struct ndc_str a, struct ndc_str b)
{
    struct ndc_str out = ndc_arena_str(arena, eid_text(a)), word;
    for (int i = 0; i < JOINED_MAX && b.ptr && ndc_str_split(&b, ' ', &word); i++) {
        char text[16];
        if (!word.len || word.len >= sizeof(text)) continue;
        memcpy(text, word.ptr, word.len);
        text[word.len] = 0;
        if (!eid_amr_has(out, text))
            out = ndc_arena_printf(arena, "%.*s%s%s", NDC_STR_FMT(out),
                                   out.len ? " " : "", text);
    }
    return out;
}

struct ndc_str eid_acr(struct ndc_str amr, int level)
{
    if (!eid_amr_has(amr, "mfa")) return NDC_STR("urn:ndc:eid:1");
    return level >= 2 ? NDC_STR("urn:ndc:eid:3") : NDC_STR("urn:ndc:eid:2");
}

int eid_acr_rank(struct ndc_str acr)
{
    static const struct ndc_str prefix = {"urn:ndc:eid:", 12};
    if (!ndc_str_starts(acr, prefix) || acr.len != prefix.len + 1) return 0;
    char c = acr.ptr[prefix.len];
    return c >= '1' && c <= '3' ? c - '0' : 0;
}
