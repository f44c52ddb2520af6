/* Recovery codes, in the alphabet of ndc_token_id: no letter in it is taken for another.
 */
#include "crypto/recovery.h"

enum { GROUP = 4 };

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

void ndc_recovery_make(struct ndc_recovery_codes *out)
{
    for (int i = 0; i < NDC_RECOVERY_CODES; i++) {
        char digits[NDC_RECOVERY_DIGITS + 1];
        size_t n = 0;
        ndc_token_id(digits, NDC_RECOVERY_DIGITS);
        for (size_t d = 0; d < NDC_RECOVERY_DIGITS; d++) {
            if (d && d % GROUP == 0) out->text[i][n++] = '-';
            out->text[i][n++] = digits[d];
        }
        out->text[i][n] = 0;
        ndc_token_hash(out->hash[i], ndc_str_n(digits, NDC_RECOVERY_DIGITS));
        ndc_secret_wipe(digits, sizeof(digits));
    }
}

/* 0: not a digit of a code. */
static char digit_of(char c)
{
    if (c >= 'a' && c <= 'z') c = (char)(c - 'a' + 'A');
    if (c == 'O') return '0';
    if (c == 'I' || c == 'L') return '1';
    return c && strchr(alphabet, c) ? c : 0;
}

bool ndc_recovery_hash(uint8_t out[static NDC_TOKEN_HASH_BYTES], struct ndc_str text)
{
    char digits[NDC_RECOVERY_DIGITS];
    size_t n = 0;
    bool good = true;
    for (size_t i = 0; i < text.len && good; i++) {
        char c = text.ptr[i], digit = digit_of(c);
        if (c == '-' || c == ' ' || c == '\t' || c == '\r' || c == '\n') continue;
        good = digit && n < NDC_RECOVERY_DIGITS;
        if (good) digits[n++] = digit;
    }
    good = good && n == NDC_RECOVERY_DIGITS;
    if (good) ndc_token_hash(out, ndc_str_n(digits, n));
    ndc_secret_wipe(digits, sizeof(digits));
    return good;
}
