/* Masks. Each either extracts exactly the part it promises or redacts: text that does not
 * look as expected is never let through. */
#include "core/mask.h"

#include "base/hash.h"
#include "base/utf8.h"
#include "sys/random.h"

#define DOTS "\xe2\x80\xa2\xe2\x80\xa2\xe2\x80\xa2" /* three bullets, U+2022 */

static const char *const names[NDC_MASK_COUNT] = {
    "none",     "last-4", "last-3", "year", "initials",
    "province", "domain", "band",   "hash", "redact"};

const char *ndc_mask_name(enum ndc_mask mask)
{
    NDC_ASSERT((size_t)mask < NDC_MASK_COUNT);
    return names[mask];
}

bool ndc_mask_parse(struct ndc_str word, enum ndc_mask *out)
{
    for (size_t i = 0; i < NDC_MASK_COUNT; i++) {
        if (!ndc_str_eq_c(word, names[i])) continue;
        *out = (enum ndc_mask)i;
        return true;
    }
    return false;
}

enum ndc_mask ndc_mask_default(enum ndc_value_kind kind)
{
    switch (kind) {
    case NDC_VALUE_ID:
        return NDC_MASK_LAST4;
    case NDC_VALUE_PHONE:
        return NDC_MASK_LAST3;
    case NDC_VALUE_NAME:
        return NDC_MASK_INITIALS;
    case NDC_VALUE_DATE:
    case NDC_VALUE_TIME:
        return NDC_MASK_YEAR;
    case NDC_VALUE_PLACE:
    case NDC_VALUE_ADDRESS:
        return NDC_MASK_PROVINCE;
    case NDC_VALUE_EMAIL:
        return NDC_MASK_DOMAIN;
    case NDC_VALUE_NUMBER:
    case NDC_VALUE_MONEY:
        return NDC_MASK_BAND;
    default:
        return NDC_MASK_REDACT;
    }
}

bool ndc_mask_suits(enum ndc_mask mask, enum ndc_value_kind kind)
{
    if (mask == NDC_MASK_NONE || mask == NDC_MASK_HASH || mask == NDC_MASK_REDACT)
        return true;
    if (mask == NDC_MASK_LAST3 || mask == NDC_MASK_LAST4)
        return kind == NDC_VALUE_ID || kind == NDC_VALUE_PHONE;
    return ndc_mask_default(kind) == mask;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The last `keep` letters or digits, separators dropped; all that is kept must be ASCII
 * and at most half of the value. */
static bool add_last(struct ndc_buf *out, struct ndc_str value, size_t keep)
{
    char kept[4];
    size_t have = 0, total = 0;
    for (size_t i = value.len; i-- > 0;) {
        char c = value.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && !is_digit(c)) {
            if ((unsigned char)c >= 0x80) return false;
            continue;
        }
        total++;
        if (have < keep) kept[have++] = c;
    }
    if (have < keep || total < 2 * keep) return false;
    ndc_buf_add_c(out, DOTS " ");
    while (have > 0)
        ndc_buf_add_byte(out, kept[--have]);
    return true;
}

/* The one run of exactly four digits: at the start (1985-07-01) or the end (01/07/1985).
 */
static bool add_year(struct ndc_buf *out, struct ndc_str value)
{
    const char *year = NULL;
    for (size_t i = 0; i < value.len;) {
        size_t run = 0;
        while (i + run < value.len && is_digit(value.ptr[i + run]))
            run++;
        if (run == 4) {
            if (year) break; /* a time zone or fraction: the first is the year */
            year = value.ptr + i;
        }
        if (run > 4) return false;
        i += run ? run : 1;
    }
    if (year) ndc_buf_add(out, year, 4);
    return year != NULL;
}

static bool is_mark(uint32_t code)
{
    return code >= 0x300 && code <= 0x36f;
}

static bool is_space(uint32_t code)
{
    return code == ' ' || code == '\t' || code == 0xa0 || code == 0x3000 || code == '-';
}

/* First letter of every word, with its combining marks. */
static bool add_initials(struct ndc_buf *out, struct ndc_str value)
{
    bool start = true, letter = false, any = false;
    size_t from = out->len;
    while (value.len) {
        uint32_t code;
        size_t n = ndc_utf8_decode(value, &code);
        if (code == NDC_UTF8_BAD) {
            out->len = from;
            return false;
        }
        if (letter && is_mark(code)) {
            ndc_buf_add(out, value.ptr, n);
        } else {
            if (letter) ndc_buf_add_byte(out, '.');
            letter = false;
            if (is_space(code)) {
                start = true;
            } else if (start) {
                if (any) ndc_buf_add_byte(out, ' ');
                ndc_buf_add(out, value.ptr, n);
                start = false;
                letter = any = true;
            }
        }
        value = ndc_str_from(value, n);
    }
    if (letter) ndc_buf_add_byte(out, '.');
    return any;
}

/* What stands after the last comma; a value of one part might be a street. */
static bool add_province(struct ndc_buf *out, struct ndc_str value)
{
    size_t comma = value.len;
    for (size_t i = 0; i < value.len; i++)
        if (value.ptr[i] == ',' || value.ptr[i] == ';') comma = i;
    struct ndc_str last = ndc_str_trim(ndc_str_from(value, comma + 1));
    if (!last.len) return false;
    for (size_t i = 0; i < last.len; i++)
        if (is_digit(last.ptr[i])) return false;
    ndc_buf_add_str(out, last);
    return true;
}

static bool add_domain(struct ndc_buf *out, struct ndc_str value)
{
    size_t at = ndc_str_find(value, '@');
    if (at == 0 || at + 1 >= value.len) return false;
    struct ndc_str domain = ndc_str_from(value, at);
    if (ndc_str_find(ndc_str_from(domain, 1), '@') < domain.len - 1) return false;
    ndc_buf_add_c(out, DOTS);
    ndc_buf_add_str(out, domain);
    return true;
}

/* The interval between neighbours of the series 1, 2, 5, 10, 20, … that holds the amount:
 * its whole part decides. */
static bool add_band(struct ndc_buf *out, struct ndc_str value)
{
    size_t digits = 0;
    while (digits < value.len && is_digit(value.ptr[digits]))
        digits++;
    uint64_t amount;
    if (!ndc_str_to_u64(ndc_str_n(value.ptr, digits), &amount)) return false;
    if (digits < value.len) {
        size_t i = digits + 1;
        if (value.ptr[digits] != '.' || i == value.len) return false;
        for (; i < value.len; i++)
            if (!is_digit(value.ptr[i])) return false;
    }
    uint64_t low = 0, high = 1;
    for (unsigned step = 0; amount >= high && high <= UINT64_MAX / 10; step++) {
        low = high;
        high = step % 3 == 1 ? high / 2 * 5 : high * 2; /* 1, 2, 5, 10 */
    }
    if (amount >= high) return false;
    ndc_buf_printf(out, "%llu-%llu", (unsigned long long)low, (unsigned long long)high);
    return true;
}

static uint8_t hash_key[16];

__attribute__((constructor)) static void random_key(void)
{
    ndc_random_bytes(hash_key, sizeof(hash_key));
}

void ndc_mask_key_set(const uint8_t key[static 16])
{
    memcpy(hash_key, key, sizeof(hash_key));
}

static inline uint64_t rotate(uint64_t x, unsigned n)
{
    return x << n | x >> (64 - n);
}

static void sip_rounds(uint64_t v[static 4], unsigned rounds)
{
    while (rounds-- > 0) {
        v[0] += v[1];
        v[1] = rotate(v[1], 13) ^ v[0];
        v[0] = rotate(v[0], 32);
        v[2] += v[3];
        v[3] = rotate(v[3], 16) ^ v[2];
        v[0] += v[3];
        v[3] = rotate(v[3], 21) ^ v[0];
        v[2] += v[1];
        v[1] = rotate(v[1], 17) ^ v[2];
        v[2] = rotate(v[2], 32);
    }
}

/* SipHash-2-4 with 128-bit output (Aumasson and Bernstein 2012): a keyed pseudo-random
 * function, so that without the key a short id cannot be found by trying all. */
void ndc_mask_siphash(uint8_t out[static 16], const uint8_t key[static 16],
                      struct ndc_str in)
{
    uint64_t k0, k1;
    memcpy(&k0, key, 8);
    memcpy(&k1, key + 8, 8);
    uint64_t v[4] = {k0 ^ 0x736f6d6570736575u, k1 ^ 0x646f72616e646f6du ^ 0xee,
                     k0 ^ 0x6c7967656e657261u, k1 ^ 0x7465646279746573u};
    size_t whole = in.len & ~(size_t)7;
    for (size_t i = 0; i <= whole; i += 8) {
        uint64_t m = 0;
        if (i < whole)
            memcpy(&m, in.ptr + i, 8);
        else {
            if (in.len > whole) memcpy(&m, in.ptr + whole, in.len - whole);
            m |= (uint64_t)(in.len & 0xff) << 56;
        }
        v[3] ^= m;
        sip_rounds(v, 2);
        v[0] ^= m;
    }
    v[2] ^= 0xee;
    sip_rounds(v, 4);
    uint64_t a = v[0] ^ v[1] ^ v[2] ^ v[3];
    v[1] ^= 0xdd;
    sip_rounds(v, 4);
    uint64_t b = v[0] ^ v[1] ^ v[2] ^ v[3];
    memcpy(out, &a, 8);
    memcpy(out + 8, &b, 8);
}

static bool add_hash(struct ndc_buf *out, struct ndc_str value)
{
    uint8_t digest[16];
    ndc_mask_siphash(digest, hash_key, value);
    for (size_t i = 0; i < sizeof(digest); i++) {
        ndc_buf_add_byte(out, "0123456789abcdef"[digest[i] >> 4]);
        ndc_buf_add_byte(out, "0123456789abcdef"[digest[i] & 15]);
    }
    return true;
}

void ndc_mask_apply(struct ndc_buf *out, enum ndc_mask mask, struct ndc_str value)
{
    static bool (*const add[NDC_MASK_COUNT])(struct ndc_buf *, struct ndc_str) = {
        [NDC_MASK_YEAR] = add_year,         [NDC_MASK_INITIALS] = add_initials,
        [NDC_MASK_PROVINCE] = add_province, [NDC_MASK_DOMAIN] = add_domain,
        [NDC_MASK_BAND] = add_band,         [NDC_MASK_HASH] = add_hash};
    value = ndc_str_trim(value);
    if (!value.len) return;
    bool done = false;
    if (mask == NDC_MASK_NONE) {
        ndc_buf_add_str(out, value);
        return;
    }
    if (mask == NDC_MASK_LAST4 || mask == NDC_MASK_LAST3)
        done = add_last(out, value, mask == NDC_MASK_LAST4 ? 4 : 3);
    else if ((size_t)mask < NDC_MASK_COUNT && add[mask])
        done = add[mask](out, value);
    if (!done) ndc_buf_add_c(out, DOTS);
}
