/* NDJSON rows: one pass over the bytes; strings without escapes are not copied. */
#include "base/jsonrow.h"

#include "base/scan.h"
#include "base/utf8.h"

enum { DEPTH_MAX = 32 };

struct scan {
    const char *start, *p, *end;
    struct ndc_buf *scratch;
    struct ndc_fault *fault;
};

static enum ndc_err bad(struct scan *s, const char *what)
{
    return ndc_fail(s->fault, NDC_EINPUT, "json.syntax", "not valid JSON at byte %zu: %s",
                    (size_t)(s->p - s->start), what);
}

static void skip_space(struct scan *s)
{
    while (s->p < s->end &&
           (*s->p == ' ' || *s->p == '\t' || *s->p == '\n' || *s->p == '\r'))
        s->p++;
}

static bool take_hex4(struct scan *s, uint32_t *out)
{
    uint32_t v = 0;
    if (s->end - s->p < 4) return false;
    for (int i = 0; i < 4; i++) {
        char c = *s->p++;
        uint32_t d;
        if (c >= '0' && c <= '9')
            d = (uint32_t)(c - '0');
        else if ((c | 32) >= 'a' && (c | 32) <= 'f')
            d = (uint32_t)((c | 32) - 'a' + 10);
        else
            return false;
        v = v << 4 | d;
    }
    *out = v;
    return true;
}

static bool take_unicode(struct scan *s)
{
    uint32_t code, low;
    if (!take_hex4(s, &code)) return false;
    if (code >= 0xdc00 && code <= 0xdfff) return false;
    if (code >= 0xd800 && code <= 0xdbff) {
        if (s->end - s->p < 6 || s->p[0] != '\\' || s->p[1] != 'u') return false;
        s->p += 2;
        if (!take_hex4(s, &low) || low < 0xdc00 || low > 0xdfff) return false;
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    ndc_utf8_add(s->scratch, code);
    return true;
}

static bool take_escape(struct scan *s)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    if (s->p == s->end) return false;
    char c = *s->p++;
    if (c == 'u') return take_unicode(s);
    const char *at = c ? strchr(from, c) : NULL;
    if (!at) return false;
    ndc_buf_add_byte(s->scratch, to[at - from]);
    return true;
}

/* A string; s->p stands after its opening quote. */
static enum ndc_err take_string(struct scan *s, struct ndc_str *out)
{
    const char *run = s->p;
    size_t from = s->scratch->len;
    bool copied = false;
    for (;;) {
        s->p = ndc_scan_json(s->p, s->end);
        if (s->p == s->end) return bad(s, "a string is not closed");
        if ((unsigned char)*s->p < 0x20) return bad(s, "a control character in a string");
        if (*s->p == '"') break;
        copied = true;
        ndc_buf_add(s->scratch, run, (size_t)(s->p - run));
        s->p++;
        if (!take_escape(s)) return bad(s, "a wrong escape");
        run = s->p;
    }
    if (copied) {
        ndc_buf_add(s->scratch, run, (size_t)(s->p - run));
        *out = ndc_str_n(s->scratch->ptr + from, s->scratch->len - from);
    } else {
        *out = ndc_str_n(run, (size_t)(s->p - run));
    }
    s->p++;
    return NDC_OK;
}

static size_t digits(struct scan *s)
{
    const char *from = s->p;
    while (s->p < s->end && *s->p >= '0' && *s->p <= '9')
        s->p++;
    return (size_t)(s->p - from);
}

static enum ndc_err take_number(struct scan *s)
{
    if (*s->p == '-') s->p++;
    bool zero = s->p < s->end && *s->p == '0';
    size_t n = digits(s);
    if (n == 0 || (zero && n > 1)) return bad(s, "a wrong number");
    if (s->p < s->end && *s->p == '.') {
        s->p++;
        if (digits(s) == 0) return bad(s, "a wrong number");
    }
    if (s->p < s->end && (*s->p | 32) == 'e') {
        s->p++;
        if (s->p < s->end && (*s->p == '+' || *s->p == '-')) s->p++;
        if (digits(s) == 0) return bad(s, "a wrong number");
    }
    return NDC_OK;
}

static bool take_word(struct scan *s, const char *word)
{
    size_t n = strlen(word);
    if ((size_t)(s->end - s->p) < n || memcmp(s->p, word, n) != 0) return false;
    s->p += n;
    return true;
}

static enum ndc_err take_value(struct scan *s, unsigned depth, struct ndc_str *value,
                               enum ndc_json_row_kind *kind);

/* The inside of an array or object, up to and with its closing bracket. */
static enum ndc_err skip_nested(struct scan *s, char close, unsigned depth)
{
    struct ndc_str ignored;
    enum ndc_json_row_kind kind;
    if (depth >= DEPTH_MAX) return bad(s, "nested too deep");
    skip_space(s);
    if (s->p < s->end && *s->p == close) {
        s->p++;
        return NDC_OK;
    }
    for (;;) {
        enum ndc_err err;
        skip_space(s);
        if (close == '}') {
            if (s->p == s->end || *s->p++ != '"') return bad(s, "expected a key");
            if ((err = take_string(s, &ignored))) return err;
            skip_space(s);
            if (s->p == s->end || *s->p++ != ':') return bad(s, "expected \":\"");
            skip_space(s);
        }
        if ((err = take_value(s, depth + 1, &ignored, &kind))) return err;
        skip_space(s);
        if (s->p == s->end) return bad(s, "the text ends too early");
        char c = *s->p++;
        if (c == close) return NDC_OK;
        if (c != ',') return bad(s, "expected \",\"");
    }
}

static enum ndc_err take_value(struct scan *s, unsigned depth, struct ndc_str *value,
                               enum ndc_json_row_kind *kind)
{
    const char *from = s->p;
    enum ndc_err err = NDC_OK;
    if (s->p == s->end) return bad(s, "the text ends too early");
    char c = *s->p;
    if (c == '"') {
        s->p++;
        *kind = NDC_JSON_ROW_STRING;
        return take_string(s, value);
    }
    if (c == '-' || (c >= '0' && c <= '9')) {
        *kind = NDC_JSON_ROW_NUMBER;
        err = take_number(s);
    } else if (c == '{' || c == '[') {
        s->p++;
        *kind = NDC_JSON_ROW_NESTED;
        err = skip_nested(s, c == '{' ? '}' : ']', depth);
    } else if (take_word(s, "null")) {
        *kind = NDC_JSON_ROW_NULL;
    } else if (take_word(s, "true") || take_word(s, "false")) {
        *kind = NDC_JSON_ROW_BOOL;
    } else {
        return bad(s, "expected a value");
    }
    *value = ndc_str_n(from, (size_t)(s->p - from));
    return err;
}

enum ndc_err ndc_json_row_parse(struct ndc_json_member *members, size_t max,
                                size_t *count, struct ndc_str line,
                                struct ndc_buf *scratch, struct ndc_fault *fault)
{
    struct scan s = {line.ptr, line.ptr, line.ptr + line.len, scratch, fault};
    *count = 0;
    ndc_buf_reset(scratch);
    /* Unescaping never grows a text, so the scratch never moves under its members. */
    if (!ndc_buf_room(scratch, line.len + 1))
        return ndc_fail(fault, NDC_ETOOBIG, "json.too_big", "a row of %zu bytes",
                        line.len);
    if (!ndc_utf8_valid(line)) return bad(&s, "the row is not valid UTF-8");
    skip_space(&s);
    if (s.p == s.end || *s.p++ != '{') return bad(&s, "a row must be an object {…}");
    skip_space(&s);
    bool empty = s.p < s.end && *s.p == '}';
    if (empty) s.p++;
    while (!empty) {
        struct ndc_json_member m;
        enum ndc_err err;
        if (*count == max)
            return ndc_fail(fault, NDC_ETOOBIG, "json.members", "more than %zu members",
                            max);
        skip_space(&s);
        if (s.p == s.end || *s.p++ != '"') return bad(&s, "expected a key");
        if ((err = take_string(&s, &m.key))) return err;
        skip_space(&s);
        if (s.p == s.end || *s.p++ != ':') return bad(&s, "expected \":\"");
        skip_space(&s);
        if ((err = take_value(&s, 0, &m.value, &m.kind))) return err;
        members[(*count)++] = m;
        skip_space(&s);
        if (s.p == s.end) return bad(&s, "the text ends too early");
        char c = *s.p++;
        if (c == '}') break;
        if (c != ',') return bad(&s, "expected \",\" or \"}\"");
    }
    skip_space(&s);
    return s.p == s.end ? NDC_OK : bad(&s, "text after the object");
}

enum ndc_err ndc_json_check(struct ndc_str text, struct ndc_fault *fault)
{
    struct ndc_buf scratch;
    struct scan s = {text.ptr, text.ptr, text.ptr + text.len, &scratch, fault};
    struct ndc_str value;
    enum ndc_json_row_kind kind;
    if (!ndc_utf8_valid(text)) return bad(&s, "not valid UTF-8");
    ndc_buf_init(&scratch, text.len + 1);
    skip_space(&s);
    enum ndc_err err = take_value(&s, 0, &value, &kind);
    skip_space(&s);
    if (!err && s.p != s.end) err = bad(&s, "text after the end of the value");
    ndc_buf_free(&scratch);
    return err;
}
