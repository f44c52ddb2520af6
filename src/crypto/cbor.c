/* The cursor, the check and the writer. Nothing recurses: the check keeps its eight
 * levels in an array. Of a map it remembers the key before, which is enough for order and
 * for doubles where keys are in order; in NDC_CBOR_ANY a key may come twice, and whoever
 * reads such a map looks for that himself. */
#include "crypto/cbor.h"

#include "base/utf8.h"

#include <math.h>

enum { MAJOR_SIMPLE = 7, INDEFINITE = 31 };

const char *ndc_cbor_fault_text(enum ndc_cbor_fault fault)
{
    static const char *const texts[] = {
        [NDC_CBOR_GOOD] = "it is well formed",
        [NDC_CBOR_CUT] = "it ends inside an item",
        [NDC_CBOR_MALFORMED] = "it is not well formed",
        [NDC_CBOR_DEEP] = "it is nested too deeply",
        [NDC_CBOR_NOT_UTF8] = "a text in it is not UTF-8",
        [NDC_CBOR_NOT_CANONICAL] = "it is not in CTAP2's canonical form",
        [NDC_CBOR_KEY_ORDER] = "the keys of a map are out of order or doubled",
    };
    return texts[fault];
}

static double half_value(uint64_t bits)
{
    unsigned exponent = bits >> 10 & 31;
    double mantissa = (double)(bits & 1023), v;
    if (exponent == 0)
        v = ldexp(mantissa, -24);
    else if (exponent < 31)
        v = ldexp(mantissa + 1024, (int)exponent - 25);
    else
        v = mantissa == 0 ? INFINITY : NAN;
    return bits & 0x8000 ? -v : v;
}

static double float_value(uint64_t bits, unsigned bytes)
{
    if (bytes == 2) return half_value(bits);
    if (bytes == 4) {
        uint32_t word = (uint32_t)bits;
        float f;
        memcpy(&f, &word, sizeof(f));
        return (double)f;
    }
    double d;
    memcpy(&d, &bits, sizeof(d));
    return d;
}

/* The argument's further bytes: 0 where it is in the head, 9 where there is none. */
static unsigned argument_bytes(unsigned info)
{
    if (info < 24) return 0;
    return info <= 27 ? 1u << (info - 24) : 9;
}

/* RFC 8949, appendix C: simple values below 32 are one byte. */
static bool set_simple(struct ndc_cbor_item *item, unsigned bytes)
{
    if (bytes >= 2) {
        item->kind = NDC_CBOR_FLOAT;
        item->real = float_value(item->value, bytes);
        return true;
    }
    item->kind = NDC_CBOR_SIMPLE;
    return bytes == 0 || item->value >= 32;
}

/* One head with what belongs to it; *bytes: how many its argument took. */
static enum ndc_cbor_fault read_head(struct ndc_cbor_item *item, unsigned *bytes,
                                     struct ndc_str *in)
{
    if (!in->len) return NDC_CBOR_CUT;
    unsigned first = (unsigned char)in->ptr[0], major = first >> 5, info = first & 31;
    struct ndc_str rest = ndc_str_n(in->ptr + 1, in->len - 1);
    *item = (struct ndc_cbor_item){.kind = (enum ndc_cbor_kind)major};
    if (info == INDEFINITE) {
        if (major < NDC_CBOR_BYTES || major == NDC_CBOR_TAG) return NDC_CBOR_MALFORMED;
        item->indefinite = major != MAJOR_SIMPLE;
        if (major == MAJOR_SIMPLE) item->kind = NDC_CBOR_BREAK;
        *in = rest;
        return NDC_CBOR_GOOD;
    }
    *bytes = argument_bytes(info);
    if (*bytes > 8) return NDC_CBOR_MALFORMED;
    if (*bytes > rest.len) return NDC_CBOR_CUT;
    item->value = *bytes ? 0 : info;
    for (unsigned i = 0; i < *bytes; i++)
        item->value = item->value << 8 | (unsigned char)rest.ptr[i];
    rest = ndc_str_n(rest.ptr + *bytes, rest.len - *bytes);
    switch (item->kind) {
    case NDC_CBOR_BYTES:
    case NDC_CBOR_TEXT:
        if (item->value > rest.len) return NDC_CBOR_CUT;
        item->bytes = ndc_str_n(rest.ptr, (size_t)item->value);
        rest = ndc_str_n(rest.ptr + item->value, rest.len - (size_t)item->value);
        break;
    case NDC_CBOR_ARRAY:
        if (item->value > rest.len) return NDC_CBOR_CUT;
        break;
    case NDC_CBOR_MAP:
        if (item->value > rest.len / 2) return NDC_CBOR_CUT;
        break;
    case NDC_CBOR_SIMPLE:
        if (!set_simple(item, *bytes)) return NDC_CBOR_MALFORMED;
        break;
    default:
        break;
    }
    *in = rest;
    return NDC_CBOR_GOOD;
}

bool ndc_cbor_next(struct ndc_cbor_item *item, struct ndc_str *in)
{
    unsigned bytes = 0;
    return read_head(item, &bytes, in) == NDC_CBOR_GOOD;
}

struct level {
    enum ndc_cbor_kind kind;
    bool indefinite;
    uint64_t left, seen; /* items to come (definite), items that are whole */
    const char *start;   /* of the item that is being read */
    struct ndc_str key;  /* the one before, in a map */
};

struct check {
    struct ndc_str rest;
    enum ndc_cbor_form form;
    unsigned depth;
    struct level level[NDC_CBOR_DEPTH_MAX];
};

/* CTAP2, section 8 (message encoding): the lower major type first, then the shorter key,
 * then the lower bytes. */
static bool is_before(struct ndc_str a, struct ndc_str b)
{
    unsigned major_a = (unsigned char)a.ptr[0] >> 5,
             major_b = (unsigned char)b.ptr[0] >> 5;
    if (major_a != major_b) return major_a < major_b;
    if (a.len != b.len) return a.len < b.len;
    return memcmp(a.ptr, b.ptr, a.len) < 0;
}

static enum ndc_cbor_fault check_canonical(const struct ndc_cbor_item *item,
                                           unsigned bytes)
{
    if (item->indefinite || item->kind == NDC_CBOR_TAG) return NDC_CBOR_NOT_CANONICAL;
    if (item->kind == NDC_CBOR_FLOAT || bytes == 0) return NDC_CBOR_GOOD;
    /* The least that needs that many bytes: 24, 2^8, 2^16, 2^32. */
    uint64_t least = bytes == 1 ? 24 : (uint64_t)1 << (bytes * 4);
    return item->value >= least ? NDC_CBOR_GOOD : NDC_CBOR_NOT_CANONICAL;
}

/* An item ended: so may what it is in, and what that is in. */
static enum ndc_cbor_fault close_item(struct check *c)
{
    while (c->depth) {
        struct level *l = &c->level[c->depth - 1];
        l->seen++;
        if (l->kind == NDC_CBOR_MAP && l->seen % 2 == 1 && c->form == NDC_CBOR_CTAP2) {
            struct ndc_str key = ndc_str_n(l->start, (size_t)(c->rest.ptr - l->start));
            if (l->key.ptr && !is_before(l->key, key)) return NDC_CBOR_KEY_ORDER;
            l->key = key;
        }
        l->start = c->rest.ptr;
        if (l->indefinite || --l->left) return NDC_CBOR_GOOD;
        c->depth--;
    }
    return NDC_CBOR_GOOD;
}

static enum ndc_cbor_fault open_level(struct check *c, const struct ndc_cbor_item *item,
                                      uint64_t items)
{
    if (!item->indefinite && items == 0) return close_item(c);
    if (c->depth == NDC_CBOR_DEPTH_MAX) return NDC_CBOR_DEEP;
    c->level[c->depth++] = (struct level){.kind = item->kind,
                                          .indefinite = item->indefinite,
                                          .left = items,
                                          .start = c->rest.ptr};
    return NDC_CBOR_GOOD;
}

static enum ndc_cbor_fault check_break(struct check *c)
{
    if (!c->depth) return NDC_CBOR_MALFORMED;
    struct level *l = &c->level[c->depth - 1];
    if (!l->indefinite || (l->kind == NDC_CBOR_MAP && l->seen % 2))
        return NDC_CBOR_MALFORMED;
    c->depth--;
    return close_item(c);
}

static enum ndc_cbor_fault check_one(struct check *c)
{
    struct ndc_cbor_item item;
    unsigned bytes = 0;
    enum ndc_cbor_fault fault = read_head(&item, &bytes, &c->rest);
    if (fault) return fault;
    if (item.kind == NDC_CBOR_BREAK) return check_break(c);
    if (c->form == NDC_CBOR_CTAP2 && (fault = check_canonical(&item, bytes)))
        return fault;
    const struct level *l = c->depth ? &c->level[c->depth - 1] : NULL;
    bool in_string = l && (l->kind == NDC_CBOR_BYTES || l->kind == NDC_CBOR_TEXT);
    if (in_string && (item.kind != l->kind || item.indefinite)) return NDC_CBOR_MALFORMED;
    switch (item.kind) {
    case NDC_CBOR_TEXT:
        if (!item.indefinite && item.bytes.len && !ndc_utf8_valid(item.bytes))
            return NDC_CBOR_NOT_UTF8;
        /* fall through */
    case NDC_CBOR_BYTES:
        return item.indefinite ? open_level(c, &item, 0) : close_item(c);
    case NDC_CBOR_ARRAY:
        return open_level(c, &item, item.value);
    case NDC_CBOR_MAP:
        return open_level(c, &item, item.value * 2);
    case NDC_CBOR_TAG:
        return open_level(c, &item, 1);
    default:
        return close_item(c);
    }
}

enum ndc_cbor_fault ndc_cbor_check(size_t *len, struct ndc_str in,
                                   enum ndc_cbor_form form)
{
    struct check c = {.rest = in, .form = form};
    *len = 0;
    do {
        enum ndc_cbor_fault fault = check_one(&c);
        if (fault) return fault;
    } while (c.depth);
    *len = (size_t)(c.rest.ptr - in.ptr);
    return NDC_CBOR_GOOD;
}

bool ndc_cbor_whole(struct ndc_str *item, struct ndc_str *in)
{
    size_t len;
    if (ndc_cbor_check(&len, *in, NDC_CBOR_ANY)) {
        *item = NDC_STR_NULL;
        return false;
    }
    *item = ndc_str_n(in->ptr, len);
    *in = ndc_str_n(in->ptr + len, in->len - len);
    return true;
}

/* The next head if it is of that kind and its length is said. */
static bool take(struct ndc_cbor_item *item, struct ndc_str *in, enum ndc_cbor_kind kind)
{
    struct ndc_str rest = *in;
    if (!ndc_cbor_next(item, &rest) || item->kind != kind || item->indefinite)
        return false;
    *in = rest;
    return true;
}

bool ndc_cbor_int(int64_t *out, struct ndc_str *in)
{
    struct ndc_cbor_item item;
    struct ndc_str rest = *in;
    bool negative = !take(&item, &rest, NDC_CBOR_UINT);
    if (negative && !take(&item, &rest, NDC_CBOR_NEGATIVE)) return false;
    if (item.value > INT64_MAX) return false;
    *in = rest;
    *out = negative ? -1 - (int64_t)item.value : (int64_t)item.value;
    return true;
}

bool ndc_cbor_bytes(struct ndc_str *out, struct ndc_str *in)
{
    struct ndc_cbor_item item;
    bool good = take(&item, in, NDC_CBOR_BYTES);
    *out = good ? item.bytes : NDC_STR_NULL;
    return good;
}

bool ndc_cbor_text(struct ndc_str *out, struct ndc_str *in)
{
    struct ndc_cbor_item item;
    bool good = take(&item, in, NDC_CBOR_TEXT);
    *out = good ? item.bytes : NDC_STR_NULL;
    return good;
}

bool ndc_cbor_array(uint64_t *count, struct ndc_str *in)
{
    struct ndc_cbor_item item;
    bool good = take(&item, in, NDC_CBOR_ARRAY);
    *count = good ? item.value : 0;
    return good;
}

bool ndc_cbor_map(uint64_t *pairs, struct ndc_str *in)
{
    struct ndc_cbor_item item;
    bool good = take(&item, in, NDC_CBOR_MAP);
    *pairs = good ? item.value : 0;
    return good;
}

static void add_head(struct ndc_buf *out, unsigned major, uint64_t value)
{
    unsigned bytes = value < 24            ? 0
                     : value <= 0xff       ? 1
                     : value <= 0xffff     ? 2
                     : value <= UINT32_MAX ? 4
                                           : 8;
    unsigned info = bytes ? 24 + (unsigned)__builtin_ctz(bytes) : (unsigned)value;
    ndc_buf_add_byte(out, (char)(major << 5 | info));
    for (unsigned i = bytes; i-- > 0;)
        ndc_buf_add_byte(out, (char)(value >> (i * 8)));
}

void ndc_cbor_add_int(struct ndc_buf *out, int64_t v)
{
    if (v >= 0)
        add_head(out, NDC_CBOR_UINT, (uint64_t)v);
    else
        add_head(out, NDC_CBOR_NEGATIVE, (uint64_t)(-1 - v));
}

void ndc_cbor_add_bytes(struct ndc_buf *out, struct ndc_str s)
{
    add_head(out, NDC_CBOR_BYTES, s.len);
    ndc_buf_add_str(out, s);
}

void ndc_cbor_add_text(struct ndc_buf *out, struct ndc_str s)
{
    add_head(out, NDC_CBOR_TEXT, s.len);
    ndc_buf_add_str(out, s);
}

void ndc_cbor_add_array(struct ndc_buf *out, uint64_t count)
{
    add_head(out, NDC_CBOR_ARRAY, count);
}

void ndc_cbor_add_map(struct ndc_buf *out, uint64_t pairs)
{
    add_head(out, NDC_CBOR_MAP, pairs);
}

void ndc_cbor_add_tag(struct ndc_buf *out, uint64_t tag)
{
    add_head(out, NDC_CBOR_TAG, tag);
}

void ndc_cbor_add_simple(struct ndc_buf *out, uint8_t value)
{
    NDC_ASSERT(value < 24 || value >= 32);
    add_head(out, MAJOR_SIMPLE, value);
}
