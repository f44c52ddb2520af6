/* One-time passwords: HOTP (RFC 4226) and TOTP over it (RFC 6238), the key URI that
 * authenticator apps read from a QR code, and base32 (RFC 4648, section 6) both ways. */
#ifndef NDC_CRYPTO_TOTP_H
#define NDC_CRYPTO_TOTP_H

#include "base/buf.h"
#include "base/error.h"

enum ndc_otp_hash { NDC_OTP_SHA1, NDC_OTP_SHA256, NDC_OTP_SHA512 };
enum {
    NDC_OTP_DIGITS_MAX = 8,
    NDC_OTP_CODE_BYTES = NDC_OTP_DIGITS_MAX + 1,
    NDC_TOTP_KEY_MIN = 16,   /* RFC 4226, R6: 128 bits, better 160 */
    NDC_TOTP_KEY_BYTES = 20, /* what we make: apps expect SHA-1's length */
    NDC_TOTP_KEY_MAX = 64,
    NDC_TOTP_WINDOW = 1 /* steps before and after: clocks go wrong */
};

/* Zeros are the usual: SHA-1, 6 digits, steps of 30 seconds, which all apps can. */
struct ndc_totp {
    enum ndc_otp_hash hash;
    unsigned digits;   /* 6 or 8; 0: 6 */
    unsigned period_s; /* 15 to 300; 0: 30 */
};

/* The digits and a 0. `digits`: 6 to 8. */
void ndc_hotp_code(char out[static NDC_OTP_CODE_BYTES], enum ndc_otp_hash hash,
                   unsigned digits, struct ndc_str key, uint64_t counter);
/* Whether `code` is right at `now_s` (Unix seconds), one step early or late. *step is the
 * step it belongs to: store it as `last_step` of the next call (-1 before the first),
 * which takes no step that is not after it, so that a code is good once (RFC 6238, 5.2).
 * Takes the same time for every code of the right length. Spaces in the code are passed
 * over. */
bool ndc_totp_check(int64_t *step, const struct ndc_totp *totp, struct ndc_str key,
                    int64_t now_s, int64_t last_step, struct ndc_str code) NDC_MUST_USE;
void ndc_totp_key_make(uint8_t out[static NDC_TOTP_KEY_BYTES]);

/* Appends otpauth://totp/ISSUER:ACCOUNT?secret=…&issuer=…&algorithm=…&digits=…&period=….
 * Neither name may be empty or have a colon (the format's rule). Fault: totp.label. */
enum ndc_err ndc_totp_uri(struct ndc_buf *out, const struct ndc_totp *totp,
                          struct ndc_str key, struct ndc_str issuer,
                          struct ndc_str account, struct ndc_fault *fault) NDC_MUST_USE;

/* Appends without padding. */
void ndc_base32_add(struct ndc_buf *out, const void *bytes, size_t len);
/* Any case; with padding, or with none; false: it is none, or longer than `size`. */
bool ndc_base32_read(uint8_t *out, size_t size, size_t *len,
                     struct ndc_str text) NDC_MUST_USE;

#endif
