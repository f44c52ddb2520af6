/* Small values: what is missing, digits and letters out of noise, sex, e-mail. */
#include "base/utf8.h"
#include "platforms/registry/normalise/normalise_internal.h"

static bool one_of(struct ndc_str s, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (ndc_str_eq_c(s, words[i])) return true;
    return false;
}

/* By its first letters it is none of the words for nothing. */
static bool surely_said(struct ndc_str s)
{
    static const struct {
        char first;
        const char *second; /* the letters that can follow, as they are written plainly */
    } starts[] = {{'n', "auoi"}, {'k', "ho"}, {'c', "h"},
                  {'u', "n"},    {'t', "r"},  {'b', "o"}};
    unsigned char c = (unsigned char)s.ptr[0], next = s.len > 1 ? s.ptr[1] : 0;
    if (c >= '0' && c <= '9') return true;
    if (c == 0xc4 && (next == 0x90 || next == 0x91)) return true; /* Đ, đ */
    c |= 0x20;
    if (c < 'a' || c > 'z') return false;
    next |= 0x20;
    for (size_t i = 0; i < NDC_ARRAY_LEN(starts); i++)
        if (starts[i].first == (char)c)
            return next >= 'a' && next <= 'z' && !strchr(starts[i].second, next);
    return true;
}

bool ndc_norm_is_missing(struct ndc_str raw)
{
    static const char *const words[] = {"",
                                        "n a",
                                        "null",
                                        "none",
                                        "nil",
                                        "nan",
                                        "khong co",
                                        "khong ro",
                                        "khong biet",
                                        "chua co",
                                        "chua ro",
                                        "chua biet",
                                        "chua xac dinh",
                                        "khong xac dinh",
                                        "unknown",
                                        "undefined",
                                        "trong",
                                        "ko co",
                                        "ko",
                                        "bo trong"};
    char key[NDC_VN_ROOM(40)];
    raw = ndc_str_trim(raw);
    if (raw.len == 0) return true;
    if (raw.len > 24 || surely_said(raw)) return false;
    size_t n = ndc_vn_fold(key, raw, NDC_VN_FOLD_FULL, NULL);
    if (ndc_str_eq(raw, NDC_STR("NA")) || ndc_str_eq(raw, NDC_STR("#NA"))) return true;
    return one_of(ndc_str_n(key, n), words, NDC_ARRAY_LEN(words));
}

enum ndc_norm_reason norm_value_set(struct ndc_norm_value *out, const char *text,
                                    size_t len)
{
    NDC_ASSERT(len < NDC_NORM_VALUE_MAX);
    memcpy(out->text, text, len);
    out->text[len] = 0;
    out->len = (uint16_t)len;
    return NDC_NORM_OK;
}

static bool separator(uint32_t c)
{
    return c == ' ' || c == '.' || c == '-' || c == '/' || c == '\t' || c == '\'' ||
           c == 0xa0 || c == 0x2013 || c == 0x200b || c == 0xfeff || c == '_' ||
           c == '\r' || c == '\n';
}

/* A spreadsheet's number: "12345.0". */
static struct ndc_str without_fraction(struct ndc_str s)
{
    if (s.len > 2 && s.ptr[s.len - 1] == '0' && s.ptr[s.len - 2] == '.' &&
        ndc_str_find(s, '.') == s.len - 2)
        s.len -= 2;
    return s;
}

size_t norm_digits(char *out, size_t cap, struct ndc_str raw, bool *confused, bool *other)
{
    size_t n = 0;
    raw = ndc_str_trim(raw);
    while (n < raw.len && n + 1 < cap && raw.ptr[n] >= '0' && raw.ptr[n] <= '9') {
        out[n] = raw.ptr[n];
        n++;
    }
    if (n == raw.len) { /* mostly there is no noise */
        out[n] = 0;
        return n;
    }
    n = 0;
    raw = without_fraction(raw);
    for (size_t i = 0; i < raw.len;) {
        uint32_t c;
        i += ndc_utf8_decode(ndc_str_from(raw, i), &c);
        if (c >= 0xff10 && c <= 0xff19) c -= 0xfee0;
        if (c == 'O' || c == 'o') {
            *confused = true;
            c = '0';
        } else if (c == 'l' || c == 'I' || c == '|') {
            *confused = true;
            c = '1';
        }
        if (c >= '0' && c <= '9') {
            if (n + 1 < cap) out[n] = (char)c;
            n++;
        } else if (!separator(c)) {
            *other = true;
        }
    }
    out[NDC_MIN(n, cap - 1)] = 0;
    return n;
}

size_t norm_alnum(char *out, size_t cap, struct ndc_str raw, bool *other)
{
    size_t n = 0;
    for (size_t i = 0; i < raw.len;) {
        uint32_t c = (unsigned char)raw.ptr[i];
        if (c < 0x80)
            i++;
        else
            i += ndc_utf8_decode(ndc_str_from(raw, i), &c);
        if (c >= 'a' && c <= 'z') c -= 32;
        if (c == 0x110 || c == 0x111 || c == 0xd0) c = 'D';
        if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z')) {
            if (n + 1 < cap) out[n] = (char)c;
            n++;
        } else if (!separator(c)) {
            *other = true;
        }
    }
    out[NDC_MIN(n, cap - 1)] = 0;
    return n;
}

bool norm_repeated(const char *digits, size_t n)
{
    bool same = true, run = true;
    for (size_t i = 1; i < n && (same || run); i++) {
        same = same && digits[i] == digits[0];
        run = run && (digits[i] - '0') == (digits[i - 1] - '0' + 1) % 10;
    }
    return n > 1 && (same || run);
}

size_t norm_plain(char *out, struct ndc_str in)
{
    size_t len = 0;
    for (size_t i = 0; i < in.len;) {
        uint32_t c;
        size_t n = ndc_utf8_decode(ndc_str_from(in, i), &c);
        if (c < 0x80) {
            out[len++] = (char)c;
        } else {
            unsigned flags = 0;
            size_t at = len;
            len += ndc_vn_fold(out + len, ndc_str_n(in.ptr + i, n), NDC_VN_FOLD_FULL,
                               &flags);
            if (flags & NDC_VN_UPPER) /* a letter's ASCII spelling */
                for (; at < len && out[at] >= 'a' && out[at] <= 'z'; at++) {
                    out[at] = (char)(out[at] - 32);
                }
        }
        i += n;
    }
    return len;
}

enum ndc_norm_reason ndc_norm_sex(struct ndc_norm_value *out, enum ndc_norm_sex *sex,
                                  struct ndc_str raw)
{
    static const char *const male[] = {"nam",  "m",   "male",    "1",
                                       "trai", "ong", "nam gioi"};
    static const char *const female[] = {"nu", "f",   "female", "0",
                                         "2",  "gai", "ba",     "nu gioi"};
    static const char *const others[] = {"khac", "other", "3", "o", "lien gioi tinh"};
    static const char *const names[] = {"", "male", "female", "other"};
    char key[NDC_VN_ROOM(40)];
    *out = (struct ndc_norm_value){0};
    *sex = NDC_SEX_UNKNOWN;
    raw = ndc_str_trim(raw);
    if (ndc_norm_is_missing(raw)) return NDC_NORM_MISSING;
    if (raw.len > 32) return NDC_NORM_SEX_UNKNOWN;
    size_t n = ndc_vn_fold(key, raw, NDC_VN_FOLD_FULL, NULL);
    struct ndc_str k = ndc_str_n(key, n);
    if (one_of(k, male, NDC_ARRAY_LEN(male)))
        *sex = NDC_SEX_MALE;
    else if (one_of(k, female, NDC_ARRAY_LEN(female)))
        *sex = NDC_SEX_FEMALE;
    else if (one_of(k, others, NDC_ARRAY_LEN(others)))
        *sex = NDC_SEX_OTHER;
    else
        return NDC_NORM_SEX_UNKNOWN;
    return norm_value_set(out, names[*sex], strlen(names[*sex]));
}

/* ---- e-mail: the dot-atom form of RFC 5321, section 4.1.2, lower-cased ---- */

static bool local_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           (c != 0 && strchr("!#$%&'*+/=?^_`{|}~-.", c));
}

static bool domain_ok(const char *s, size_t n)
{
    size_t label = 0, dots = 0;
    bool letters = false;
    for (size_t i = 0; i <= n; i++) {
        char c = i < n ? s[i] : '.';
        if (c == '.') {
            if (label == 0 || label > 63 || s[i - 1] == '-') return false;
            if (i < n) {
                dots++;
                letters = false;
            }
            label = 0;
            continue;
        }
        bool alpha = c >= 'a' && c <= 'z';
        if (!alpha && !(c >= '0' && c <= '9') && !(c == '-' && label > 0)) return false;
        letters |= alpha;
        label++;
    }
    return dots > 0 && letters && n >= 4 && s[n - 2] != '.';
}

enum ndc_norm_reason ndc_norm_email(struct ndc_norm_value *out, struct ndc_str raw)
{
    char text[NDC_NORM_VALUE_MAX];
    size_t n = 0, at = 0;
    *out = (struct ndc_norm_value){0};
    raw = ndc_str_trim(raw);
    if (ndc_norm_is_missing(raw)) return NDC_NORM_MISSING;
    if (ndc_str_starts(raw, NDC_STR("mailto:"))) raw = ndc_str_from(raw, 7);
    if (raw.len >= sizeof(text)) return NDC_NORM_TOO_LONG;
    for (size_t i = 0; i < raw.len; i++) {
        char c = raw.ptr[i];
        if (c >= 'A' && c <= 'Z') {
            c = (char)(c + 32);
            out->flags |= NDC_NORM_RECASED;
        }
        if (c == '@') {
            if (at) return NDC_NORM_EMAIL_FORM;
            at = n;
        } else if (!at && !local_char(c)) {
            return NDC_NORM_EMAIL_FORM;
        }
        text[n++] = c;
    }
    if (at == 0 || at > 64 || text[0] == '.' || text[at - 1] == '.')
        return NDC_NORM_EMAIL_FORM;
    for (size_t i = 1; i < at; i++)
        if (text[i] == '.' && text[i - 1] == '.') return NDC_NORM_EMAIL_FORM;
    if (!domain_ok(text + at + 1, n - at - 1)) return NDC_NORM_EMAIL_FORM;
    return norm_value_set(out, text, n);
}
