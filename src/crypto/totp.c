/* HMAC through OpenSSL: one context for each hash is made at first use and copied for
 * every code, so that nothing is fetched again. */
#include "crypto/totp.h"

#include "crypto/token.h"
#include "sys/random.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <threads.h>

enum { HASHES = 3, COUNTER_BYTES = 8, LABEL_MAX = 200, CODES = 2 * NDC_TOTP_WINDOW + 1 };

static EVP_MAC_CTX *templates[HASHES];
static once_flag templates_once = ONCE_FLAG_INIT;

static const char *hash_name(enum ndc_otp_hash hash)
{
    static const char *const names[HASHES] = {"SHA1", "SHA256", "SHA512"};
    return names[hash];
}

static void make_templates(void)
{
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    NDC_ASSERT(hmac);
    for (int i = 0; i < HASHES; i++) {
        OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(
                                   OSSL_MAC_PARAM_DIGEST,
                                   (char *)(uintptr_t)hash_name((enum ndc_otp_hash)i), 0),
                               OSSL_PARAM_construct_end()};
        templates[i] = EVP_MAC_CTX_new(hmac);
        /* Some key has to be set: OpenSSL 3.0 copies no context without one. */
        NDC_ASSERT(templates[i] &&
                   EVP_MAC_init(templates[i], (const unsigned char *)"", 1, params) == 1);
    }
    EVP_MAC_free(hmac);
}

static size_t hmac(uint8_t out[static EVP_MAX_MD_SIZE], enum ndc_otp_hash hash,
                   struct ndc_str key, const uint8_t counter[static COUNTER_BYTES])
{
    size_t n = 0;
    call_once(&templates_once, make_templates);
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_dup(templates[hash]);
    NDC_ASSERT(ctx &&
               EVP_MAC_init(ctx, (const unsigned char *)key.ptr, key.len, NULL) == 1 &&
               EVP_MAC_update(ctx, counter, COUNTER_BYTES) == 1 &&
               EVP_MAC_final(ctx, out, &n, EVP_MAX_MD_SIZE) == 1);
    EVP_MAC_CTX_free(ctx);
    return n;
}

/* RFC 4226, 5.3: four bytes from where the last one's low half says. */
void ndc_hotp_code(char out[static NDC_OTP_CODE_BYTES], enum ndc_otp_hash hash,
                   unsigned digits, struct ndc_str key, uint64_t counter)
{
    uint8_t mac[EVP_MAX_MD_SIZE], bytes[COUNTER_BYTES];
    NDC_ASSERT(digits >= 6 && digits <= NDC_OTP_DIGITS_MAX && key.len);
    for (int i = 0; i < COUNTER_BYTES; i++)
        bytes[i] = (uint8_t)(counter >> (8 * (COUNTER_BYTES - 1 - i)));
    size_t n = hmac(mac, hash, key, bytes);
    const uint8_t *at = mac + (mac[n - 1] & 15);
    uint32_t code = (uint32_t)(at[0] & 0x7f) << 24 | (uint32_t)at[1] << 16 |
                    (uint32_t)at[2] << 8 | at[3];
    for (unsigned i = digits; i-- > 0; code /= 10)
        out[i] = (char)('0' + code % 10);
    out[digits] = 0;
    ndc_secret_wipe(mac, sizeof(mac));
}

static unsigned digits_of(const struct ndc_totp *totp)
{
    return totp->digits ? totp->digits : 6;
}

static unsigned period_of(const struct ndc_totp *totp)
{
    return totp->period_s ? totp->period_s : 30;
}

/* "123 456" as an app shows it; 0: longer than a code. */
static size_t without_spaces(char out[static NDC_OTP_CODE_BYTES], struct ndc_str code)
{
    size_t n = 0;
    for (size_t i = 0; i < code.len; i++) {
        if (code.ptr[i] == ' ') continue;
        if (n == NDC_OTP_DIGITS_MAX) return 0;
        out[n++] = code.ptr[i];
    }
    return n;
}

bool ndc_totp_check(int64_t *step, const struct ndc_totp *totp, struct ndc_str key,
                    int64_t now_s, int64_t last_step, struct ndc_str code)
{
    char given[NDC_OTP_CODE_BYTES] = {0}, right[NDC_OTP_CODE_BYTES];
    unsigned digits = digits_of(totp);
    size_t n = without_spaces(given, code);
    int64_t found = -1, at = now_s / (int64_t)period_of(totp) - NDC_TOTP_WINDOW;
    *step = last_step;
    if (n != digits || now_s < 0) return false;
    /* All steps, also after one fits: the time tells nothing of the clock. Of two equal
     * codes the later counts, which locks the earlier out too. */
    for (int i = 0; i < CODES; i++, at++) {
        if (at < 0) continue;
        ndc_hotp_code(right, totp->hash, digits, key, (uint64_t)at);
        bool same = ndc_secret_equal(ndc_str_n(given, n), ndc_str_n(right, digits));
        if (same && at > last_step) found = at;
    }
    ndc_secret_wipe(right, sizeof(right));
    if (found < 0) return false;
    *step = found;
    return true;
}

void ndc_totp_key_make(uint8_t out[static NDC_TOTP_KEY_BYTES])
{
    ndc_random_bytes(out, NDC_TOTP_KEY_BYTES);
}

/* RFC 3986, 2.3: everything but the unreserved. */
static void add_escaped(struct ndc_buf *out, struct ndc_str s)
{
    static const char hex[] = "0123456789ABCDEF";
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                     (c >= 'a' && c <= 'z') || (c && strchr("-._~", c));
        if (plain)
            ndc_buf_add_byte(out, (char)c);
        else
            ndc_buf_add(out, (char[]){'%', hex[c >> 4], hex[c & 15]}, 3);
    }
}

static bool is_label(struct ndc_str s)
{
    return s.len && s.len <= LABEL_MAX && ndc_str_find(s, ':') == s.len;
}

enum ndc_err ndc_totp_uri(struct ndc_buf *out, const struct ndc_totp *totp,
                          struct ndc_str key, struct ndc_str issuer,
                          struct ndc_str account, struct ndc_fault *fault)
{
    if (!is_label(issuer) || !is_label(account))
        return ndc_fail(fault, NDC_EINPUT, "totp.label",
                        "the names in a key URI have 1 to %d bytes and no colon",
                        LABEL_MAX);
    ndc_buf_add_c(out, "otpauth://totp/");
    add_escaped(out, issuer);
    ndc_buf_add_byte(out, ':');
    add_escaped(out, account);
    ndc_buf_add_c(out, "?secret=");
    ndc_base32_add(out, key.ptr, key.len);
    ndc_buf_add_c(out, "&issuer=");
    add_escaped(out, issuer);
    ndc_buf_printf(out, "&algorithm=%s&digits=%u&period=%u", hash_name(totp->hash),
                   digits_of(totp), period_of(totp));
    return NDC_OK;
}

void ndc_base32_add(struct ndc_buf *out, const void *bytes, size_t len)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    const uint8_t *at = bytes;
    unsigned held = 0, bits = 0;
    for (size_t i = 0; i < len; i++) {
        held = (held << 8 | at[i]) & 0xffff;
        for (bits += 8; bits >= 5; bits -= 5)
            ndc_buf_add_byte(out, digits[held >> (bits - 5) & 31]);
    }
    if (bits) ndc_buf_add_byte(out, digits[held << (5 - bits) & 31]);
}

static int base32_value(char c)
{
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a';
    if (c >= '2' && c <= '7') return c - '2' + 26;
    return -1;
}

bool ndc_base32_read(uint8_t *out, size_t size, size_t *len, struct ndc_str text)
{
    unsigned held = 0, bits = 0;
    size_t n = 0, whole = text.len;
    while (text.len && text.ptr[text.len - 1] == '=')
        text.len--;
    *len = 0;
    if (whole != text.len && (whole % 8 || whole - text.len > 6)) return false;
    /* 1, 3 and 6 digits of a last group end in no byte. */
    if (text.len % 8 == 1 || text.len % 8 == 3 || text.len % 8 == 6) return false;
    for (size_t i = 0; i < text.len; i++) {
        int v = base32_value(text.ptr[i]);
        if (v < 0) return false;
        held = (held << 5 | (unsigned)v) & 0xfff;
        bits += 5;
        if (bits < 8) continue;
        bits -= 8;
        if (n == size) return false;
        out[n++] = (uint8_t)(held >> bits);
    }
    if (held & ((1u << bits) - 1)) return false; /* bits that stand for nothing */
    *len = n;
    return true;
}
