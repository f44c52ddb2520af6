/* Wire forms of addresses. Refusing beats repairing: a path that needs guessing is the
 * start of a path attack. */
#include "net/url.h"

#include "base/utf8.h"

enum { PATH_BYTES_MAX = 2048 };

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool ndc_url_decode(struct ndc_arena *arena, struct ndc_str raw, bool plus,
                    struct ndc_str *out)
{
    char *text = ndc_arena_alloc(arena, raw.len + 1);
    size_t n = 0;
    if (!text || arena->overflow) return false;
    for (size_t i = 0; i < raw.len; i++) {
        char c = raw.ptr[i];
        if (c == '%') {
            if (i + 2 >= raw.len) return false;
            int high = hex_digit(raw.ptr[i + 1]), low = hex_digit(raw.ptr[i + 2]);
            if (high < 0 || low < 0) return false;
            c = (char)(high << 4 | low);
            i += 2;
        } else if (c == '+' && plus) {
            c = ' ';
        }
        if (c == 0) return false;
        text[n++] = c;
    }
    text[n] = 0;
    *out = ndc_str_n(text, n);
    return ndc_utf8_valid(*out);
}

static bool is_target_byte(unsigned char c)
{
    return c > 0x20 && c < 0x7f && c != '\\' && c != '#' && c != '"' && c != '<' &&
           c != '>';
}

/* Decodes one segment into *to; false if it is one that we refuse. */
static bool add_segment(struct ndc_str segment, char **to)
{
    char *start = *to, *at = start;
    for (size_t i = 0; i < segment.len; i++) {
        char c = segment.ptr[i];
        if (c == '%') {
            if (i + 2 >= segment.len) return false;
            int high = hex_digit(segment.ptr[i + 1]), low = hex_digit(segment.ptr[i + 2]);
            if (high < 0 || low < 0) return false;
            unsigned char byte = (unsigned char)(high << 4 | low);
            if (byte < 0x20 || byte == 0x7f || byte == '/' || byte == '\\') return false;
            c = (char)byte;
            i += 2;
        }
        *at++ = c;
    }
    size_t len = (size_t)(at - start);
    if ((len == 1 && start[0] == '.') || (len == 2 && start[0] == '.' && start[1] == '.'))
        return false;
    *to = at;
    return true;
}

static bool skip_authority(struct ndc_str *raw)
{
    struct ndc_str http = NDC_STR("http://"), https = NDC_STR("https://");
    if (raw->len && raw->ptr[0] == '/') return true;
    if (ndc_str_starts(*raw, http))
        *raw = ndc_str_from(*raw, http.len);
    else if (ndc_str_starts(*raw, https))
        *raw = ndc_str_from(*raw, https.len);
    else
        return false;
    size_t host = ndc_str_find(*raw, '/');
    *raw = ndc_str_from(*raw, host);
    return host > 0 && raw->len > 0;
}

bool ndc_url_target(struct ndc_arena *arena, struct ndc_str raw, struct ndc_str *path,
                    struct ndc_str *query)
{
    for (size_t i = 0; i < raw.len; i++)
        if (!is_target_byte((unsigned char)raw.ptr[i])) return false;
    if (!skip_authority(&raw)) return false;
    size_t mark = ndc_str_find(raw, '?');
    /* Copied: the server library cuts its own text into arguments later. */
    *query =
        mark < raw.len ? ndc_arena_str(arena, ndc_str_from(raw, mark + 1)) : NDC_STR_NULL;
    raw.len = mark;
    if (raw.len > PATH_BYTES_MAX) return false;
    char *text = ndc_arena_alloc(arena, raw.len + 2), *at = text;
    if (!text || arena->overflow) return false;
    struct ndc_str segment;
    while (ndc_str_split(&raw, '/', &segment)) {
        if (segment.len == 0) continue;
        *at++ = '/';
        if (!add_segment(segment, &at)) return false;
    }
    if (at == text) *at++ = '/';
    *at = 0;
    *path = ndc_str_n(text, (size_t)(at - text));
    return ndc_utf8_valid(*path);
}

bool ndc_url_query_next(struct ndc_arena *arena, struct ndc_str *query,
                        struct ndc_str *name, struct ndc_str *value, bool *bad)
{
    struct ndc_str pair;
    while (query->ptr && ndc_str_split(query, '&', &pair)) {
        if (pair.len == 0) continue;
        size_t mark = ndc_str_find(pair, '=');
        struct ndc_str raw = mark < pair.len
                                 ? ndc_str_n(pair.ptr + mark + 1, pair.len - mark - 1)
                                 : NDC_STR("");
        pair.len = mark;
        if (!ndc_url_decode(arena, pair, true, name) ||
            !ndc_url_decode(arena, raw, true, value)) {
            *bad = true;
            return false;
        }
        return true;
    }
    return false;
}

struct ndc_str ndc_cookie_find(struct ndc_str header, struct ndc_str name)
{
    struct ndc_str pair;
    while (header.ptr && ndc_str_split(&header, ';', &pair)) {
        pair = ndc_str_trim(pair);
        size_t mark = ndc_str_find(pair, '=');
        if (mark >= pair.len) continue;
        if (!ndc_str_eq(ndc_str_n(pair.ptr, mark), name)) continue;
        struct ndc_str value = ndc_str_n(pair.ptr + mark + 1, pair.len - mark - 1);
        if (value.len >= 2 && value.ptr[0] == '"' && value.ptr[value.len - 1] == '"')
            value = ndc_str_n(value.ptr + 1, value.len - 2);
        return value;
    }
    return NDC_STR_NULL;
}
