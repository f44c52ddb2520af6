/* JSON writer; reader on json-c, which keeps the text of numbers. */
#include "base/json.h"

#include "base/date.h"
#include "base/jsonrow.h"
#include "base/utf8.h"

#include <math.h>
#include <stdio.h>
#include <threads.h>
#ifdef __SSE2__
#    include <emmintrin.h>
#endif

enum { PARSE_DEPTH_MAX = 32 };

void ndc_json_init(struct ndc_json *j, struct ndc_buf *out)
{
    *j = (struct ndc_json){.out = out};
}

static void before_value(struct ndc_json *j)
{
    if (j->comma) ndc_buf_add_byte(j->out, ',');
    j->comma = true;
}

static void open_level(struct ndc_json *j, char open, char close)
{
    before_value(j);
    NDC_ASSERT(j->depth < NDC_JSON_DEPTH_MAX);
    j->close[j->depth++] = close;
    ndc_buf_add_byte(j->out, open);
    j->comma = false;
}

void ndc_json_object(struct ndc_json *j)
{
    open_level(j, '{', '}');
}

void ndc_json_array(struct ndc_json *j)
{
    open_level(j, '[', ']');
}

void ndc_json_end(struct ndc_json *j)
{
    NDC_ASSERT(j->depth > 0);
    ndc_buf_add_byte(j->out, j->close[--j->depth]);
    j->comma = true;
}

static void add_escape(struct ndc_buf *out, unsigned char c)
{
    switch (c) {
    case '"':
        ndc_buf_add(out, "\\\"", 2);
        return;
    case '\\':
        ndc_buf_add(out, "\\\\", 2);
        return;
    case '\n':
        ndc_buf_add(out, "\\n", 2);
        return;
    case '\r':
        ndc_buf_add(out, "\\r", 2);
        return;
    case '\t':
        ndc_buf_add(out, "\\t", 2);
        return;
    default:
        ndc_buf_printf(out, "\\u%04x", c);
        return;
    }
}

static bool is_plain(unsigned char c)
{
    /* bits of the ASCII characters that stand for themselves: not ", &, <, >, \\, DEL */
    static const uint64_t plain[2] = {0xaffffffbull << 32 & ~(1ull << '&'),
                                      ~(1ull << ('\\' - 64) | 1ull << 63)};
    return c < 0x80 && (plain[c >> 6] >> (c & 63) & 1);
}

/* How many bytes from the start go out as they are: plain ASCII and, of what is beyond,
 * letters of two and three bytes that are well formed beyond doubt. */
static size_t plain_prefix(struct ndc_str s)
{
    const unsigned char *p = (const unsigned char *)s.ptr;
    size_t i = 0;
    while (i < s.len) {
        unsigned char c = p[i];
        if (c < 0x80) {
            if (!is_plain(c)) break;
            i++;
        } else if (c >= 0xc2 && c < 0xe0) {
            if (s.len - i < 2 || (p[i + 1] & 0xc0) != 0x80) break;
            i += 2;
        } else if (c > 0xe0 && c < 0xed) {
            if (s.len - i < 3 || (p[i + 1] & 0xc0) != 0x80 || (p[i + 2] & 0xc0) != 0x80)
                break;
            i += 3;
        } else {
            break;
        }
    }
    return i;
}

#ifdef __SSE2__
/* Bytes of v in [low, high], unsigned, as bits. */
static unsigned in_range(__m128i v, unsigned char low, unsigned char high)
{
    __m128i above = _mm_subs_epu8(v, _mm_set1_epi8((char)high));
    __m128i below = _mm_subs_epu8(_mm_set1_epi8((char)low), v);
    __m128i out = _mm_or_si128(above, below);
    return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(out, _mm_setzero_si128()));
}

static unsigned equal(__m128i v, char c)
{
    return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(v, _mm_set1_epi8(c)));
}

/* Whether all of it goes out as it is, as plain_prefix has it: sixteen bytes at a time,
 * without a branch for a letter. `due` are the places where a letter goes on. */
static bool is_all_plain(struct ndc_str s)
{
    unsigned due = 0;
    for (size_t i = 0; i < s.len; i += 16) {
        char tail[16];
        const char *at = s.ptr + i;
        if (s.len - i < 16) {
            memset(tail, ' ', sizeof(tail));
            memcpy(tail, at, s.len - i);
            at = tail;
        }
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)at);
        unsigned ascii =
            in_range(v, 0x20, 0x7e) & ~(equal(v, '"') | equal(v, '&') | equal(v, '<') |
                                        equal(v, '>') | equal(v, '\\'));
        unsigned more = in_range(v, 0x80, 0xbf);
        unsigned two = in_range(v, 0xc2, 0xdf), three = in_range(v, 0xe1, 0xec);
        due |= (two | three) << 1 | three << 2;
        if ((ascii | more | two | three) != 0xffff || more != (due & 0xffff))
            return false;
        due >>= 16;
    }
    return due == 0;
}
#else
static bool is_all_plain(struct ndc_str s)
{
    return plain_prefix(s) == s.len;
}
#endif

static void add_checked(struct ndc_buf *out, struct ndc_str s)
{
    size_t i = 0;
    while (i < s.len) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (is_plain(c)) {
            ndc_buf_add_byte(out, (char)c);
            i++;
            continue;
        }
        if (c < 0x80) {
            add_escape(out, c);
            i++;
            continue;
        }
        uint32_t code;
        size_t n = ndc_utf8_decode(ndc_str_from(s, i), &code);
        if (code == NDC_UTF8_BAD)
            ndc_buf_add(out, "\xef\xbf\xbd", 3);
        else
            ndc_buf_add(out, s.ptr + i, n);
        i += n;
    }
}

static void add_quoted(struct ndc_buf *out, struct ndc_str s)
{
    char *to = ndc_buf_room(out, s.len + 2);
    if (!to) return;
    size_t n = is_all_plain(s) ? s.len : plain_prefix(s);
    *to++ = '"';
    if (n) memcpy(to, s.ptr, n);
    out->len += n + 1;
    if (n == s.len) {
        to[n] = '"';
        out->len++;
        return;
    }
    add_checked(out, ndc_str_from(s, n));
    ndc_buf_add_byte(out, '"');
}

void ndc_json_key_str(struct ndc_json *j, struct ndc_str key)
{
    NDC_ASSERT(j->depth > 0 && j->close[j->depth - 1] == '}');
    if (j->comma) ndc_buf_add_byte(j->out, ',');
    add_quoted(j->out, key);
    ndc_buf_add_byte(j->out, ':');
    j->comma = false;
}

void ndc_json_key(struct ndc_json *j, const char *key)
{
    ndc_json_key_str(j, ndc_str(key));
}

void ndc_json_str(struct ndc_json *j, struct ndc_str s)
{
    if (!s.ptr) {
        ndc_json_null(j);
        return;
    }
    before_value(j);
    add_quoted(j->out, s);
}

void ndc_json_c(struct ndc_json *j, const char *cstr)
{
    ndc_json_str(j, ndc_str(cstr));
}

void ndc_json_i64(struct ndc_json *j, int64_t v)
{
    before_value(j);
    ndc_buf_add_i64(j->out, v);
}

void ndc_json_u64(struct ndc_json *j, uint64_t v)
{
    before_value(j);
    ndc_buf_add_u64(j->out, v);
}

void ndc_json_f64(struct ndc_json *j, double v)
{
    char text[32];
    before_value(j);
    if (!isfinite(v)) {
        ndc_buf_add_c(j->out, "null");
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, v);
        if (strtod(text, NULL) == v) break;
    }
    ndc_buf_add_c(j->out, text);
}

void ndc_json_bool(struct ndc_json *j, bool v)
{
    before_value(j);
    ndc_buf_add_c(j->out, v ? "true" : "false");
}

void ndc_json_null(struct ndc_json *j)
{
    before_value(j);
    ndc_buf_add_c(j->out, "null");
}

void ndc_json_raw(struct ndc_json *j, struct ndc_str json)
{
    before_value(j);
    ndc_buf_add_str(j->out, json);
}

void ndc_json_kv_str(struct ndc_json *j, const char *key, struct ndc_str s)
{
    ndc_json_key(j, key);
    ndc_json_str(j, s);
}

void ndc_json_kv_time(struct ndc_json *j, const char *key, int64_t unix_ms)
{
    char text[25];
    ndc_json_key(j, key);
    if (unix_ms <= 0) {
        ndc_json_null(j);
        return;
    }
    ndc_time_format(text, unix_ms);
    ndc_json_c(j, text);
}

void ndc_json_kv_c(struct ndc_json *j, const char *key, const char *cstr)
{
    ndc_json_key(j, key);
    ndc_json_c(j, cstr);
}

void ndc_json_kv_i64(struct ndc_json *j, const char *key, int64_t v)
{
    ndc_json_key(j, key);
    ndc_json_i64(j, v);
}

void ndc_json_kv_u64(struct ndc_json *j, const char *key, uint64_t v)
{
    ndc_json_key(j, key);
    ndc_json_u64(j, v);
}

void ndc_json_kv_f64(struct ndc_json *j, const char *key, double v)
{
    ndc_json_key(j, key);
    ndc_json_f64(j, v);
}

void ndc_json_kv_bool(struct ndc_json *j, const char *key, bool v)
{
    ndc_json_key(j, key);
    ndc_json_bool(j, v);
}

static _Thread_local struct json_tokener *tokener;
static once_flag tokener_once = ONCE_FLAG_INIT;
static tss_t tokener_key; /* its destructor frees a thread's tokener when that ends */

static void free_tokener(void *tok)
{
    json_tokener_free(tok);
}

static void make_key(void)
{
    NDC_ASSERT(tss_create(&tokener_key, free_tokener) == thrd_success);
}

static struct json_tokener *get_tokener(void)
{
    if (!tokener) {
        tokener = json_tokener_new_ex(PARSE_DEPTH_MAX);
        NDC_ASSERT(tokener);
        call_once(&tokener_once, make_key);
        NDC_ASSERT(tss_set(tokener_key, tokener) == thrd_success);
    }
    json_tokener_reset(tokener);
    return tokener;
}

enum ndc_err ndc_json_parse(struct json_object **out, struct ndc_str text,
                            struct ndc_fault *fault)
{
    *out = NULL;
    text = ndc_str_trim(text);
    if (text.len == 0)
        return ndc_fail(fault, NDC_EINPUT, "json.empty", "expected JSON, got nothing");
    if (text.len > INT32_MAX)
        return ndc_fail(fault, NDC_ETOOBIG, "json.too_big", "JSON text over 2 GiB");
    /* Checked here: what the library's strict mode takes differs between its releases
     * (0.18 refuses every letter that is not ASCII). */
    enum ndc_err checked = ndc_json_check(text, fault);
    if (checked) return checked;
    struct json_tokener *tok = get_tokener();
    struct json_object *o = json_tokener_parse_ex(tok, text.ptr, (int)text.len);
    enum json_tokener_error status = json_tokener_get_error(tok);
    size_t at = json_tokener_get_parse_end(tok);
    if (status == json_tokener_continue) {
        /* A bare number ends only where the text does: an empty last part says so. */
        o = json_tokener_parse_ex(tok, "", -1);
        status = json_tokener_get_error(tok);
        at = text.len;
    }
    if (status == json_tokener_success && at >= text.len) {
        *out = o;
        return NDC_OK;
    }
    json_object_put(o);
    const char *why = status == json_tokener_success ? "text after the end of the value"
                      : status == json_tokener_continue ? "the text ends too early"
                                                        : json_tokener_error_desc(status);
    return ndc_fail(fault, NDC_EINPUT, "json.syntax", "not valid JSON at byte %zu: %s",
                    at, why);
}

struct json_object *ndc_json_get(struct json_object *o, const char *key)
{
    struct json_object *member = NULL;
    if (!json_object_is_type(o, json_type_object)) return NULL;
    return json_object_object_get_ex(o, key, &member) ? member : NULL;
}

struct ndc_str ndc_json_get_str(struct json_object *o, const char *key)
{
    struct json_object *member = ndc_json_get(o, key);
    if (!json_object_is_type(member, json_type_string)) return NDC_STR_NULL;
    return ndc_str_n(json_object_get_string(member),
                     (size_t)json_object_get_string_len(member));
}

int64_t ndc_json_get_i64(struct json_object *o, const char *key, int64_t absent)
{
    struct json_object *member = ndc_json_get(o, key);
    return json_object_is_type(member, json_type_int) ? json_object_get_int64(member)
                                                      : absent;
}

bool ndc_json_get_bool(struct json_object *o, const char *key, bool absent)
{
    struct json_object *member = ndc_json_get(o, key);
    return json_object_is_type(member, json_type_boolean)
               ? json_object_get_boolean(member)
               : absent;
}
