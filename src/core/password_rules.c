/* Length is what counts (NIST SP 800-63B, OWASP ASVS 2.1): no rules on kinds of
 * characters. Refused are common words, in any case and with any digits and signs around
 * or inside them, the user's own name, runs and repetitions. */
#include "core/password_rules.h"

#include "base/utf8.h"
#include "core/identity.h"

/* Letters only: what is left of a password when digits and signs are taken out and the
 * usual replacements (0 for o, @ for a) undone. Our own list. */
static const char *const words[] = {
    "password",
    "passwort",
    "passphrase",
    "passwordpassword",
    "letmein",
    "letmeinplease",
    "welcome",
    "welcomehome",
    "administrator",
    "admin",
    "adminadmin",
    "root",
    "rootroot",
    "toor",
    "changeme",
    "changemenow",
    "changethis",
    "default",
    "secret",
    "secretsecret",
    "topsecret",
    "qwerty",
    "qwertyuiop",
    "qwertyqwerty",
    "qwertyasdfgh",
    "asdfghjkl",
    "asdfasdf",
    "zxcvbnm",
    "qazwsx",
    "qazwsxedc",
    "iloveyou",
    "iloveyousomuch",
    "loveyou",
    "sunshine",
    "princess",
    "football",
    "baseball",
    "superman",
    "batman",
    "dragon",
    "monkey",
    "shadow",
    "master",
    "trustnoone",
    "whatever",
    "starwars",
    "michael",
    "jennifer",
    "computer",
    "internet",
    "samsung",
    "google",
    "facebook",
    "youtube",
    "android",
    "windows",
    "microsoft",
    "nothing",
    "testtest",
    "test",
    "testing",
    "testpassword",
    "guest",
    "guestguest",
    "user",
    "useruser",
    "operator",
    "system",
    "manager",
    "database",
    "server",
    "oracle",
    "postgres",
    "mysql",
    "summer",
    "winter",
    "spring",
    "autumn",
    "monday",
    "january",
    "matkhau",
    "matkhaumoi",
    "matkhaumatkhau",
    "khongbiet",
    "khongcomatkhau",
    "vietnam",
    "vietnamvodich",
    "hanoi",
    "saigon",
    "hochiminh",
    "danang",
    "haiphong",
    "cantho",
    "anhyeuem",
    "emyeuanh",
    "toiyeuvietnam",
    "yeuem",
    "yeuanh",
    "congaiyeu",
    "giadinh",
    "hanhphuc",
    "maimaiyeuem",
    "nguyen",
    "nguyenvan",
    "tranvan",
    "phuong",
    "abcdefgh",
    "abcdefghijkl",
    "abc",
    "abcabc",
    "quantri",
    "quantrivien",
    "taikhoan",
    "dangnhap",
    "congan",
    "boconganvietnam",
    "boconganviet",
    "trungtamdulieu",
    "dulieuquocgia",
    "quocgia",
    "nationaldata",
    "datacenter",
    "datacentre",
    "ndc",
    "ndcadmin",
    "correcthorsebatterystaple",
    "iamtheadmin",
    "passw",
    "pass",
    "login",
    "loginlogin",
    "access",
    "accessaccess",
    "hello",
    "helloworld",
    "hellohello",
    "killer",
    "pokemon",
    "naruto",
    "liverpool",
    "chelsea",
    "arsenal",
    "barcelona",
    "manchester",
};

static char plain(char c)
{
    if (c >= 'A' && c <= 'Z') return (char)(c - 'A' + 'a');
    switch (c) {
    case '0':
        return 'o';
    case '1':
    case '!':
        return 'i';
    case '3':
        return 'e';
    case '4':
    case '@':
        return 'a';
    case '5':
    case '$':
        return 's';
    case '7':
        return 't';
    default:
        return c;
    }
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Two readings: digits as letters, and digits dropped. */
static size_t skeleton(char *out, struct ndc_str s, bool digits_as_letters)
{
    size_t n = 0;
    while (digits_as_letters && s.len && !is_letter(s.ptr[s.len - 1]))
        s.len--; /* what hangs on at the end: "!!!", "2024" */
    for (size_t i = 0; i < s.len; i++) {
        char c = digits_as_letters
                     ? plain(s.ptr[i])
                     : (char)(s.ptr[i] >= 'A' && s.ptr[i] <= 'Z' ? s.ptr[i] - 'A' + 'a'
                                                                 : s.ptr[i]);
        if (c >= 'a' && c <= 'z') out[n++] = c;
    }
    return n;
}

static bool is_common(struct ndc_str password)
{
    char text[NDC_PASSWORD_BYTES_MAX];
    for (int reading = 0; reading < 2; reading++) {
        size_t n = skeleton(text, password, reading == 1);
        for (size_t i = 0; i < NDC_ARRAY_LEN(words); i++)
            if (ndc_str_eq_c(ndc_str_n(text, n), words[i])) return true;
    }
    return false;
}

/* "aaaaaaaaaaaa", "123456789012", "abababababab": few steps, or a short period. */
static bool is_pattern(struct ndc_str s)
{
    size_t same = 0, up = 0, down = 0;
    for (size_t i = 1; i < s.len; i++) {
        int step = (unsigned char)s.ptr[i] - (unsigned char)s.ptr[i - 1];
        same += step == 0;
        up += step == 1 || step == -9;
        down += step == -1 || step == 9;
    }
    if (NDC_MAX(same, NDC_MAX(up, down)) * 3 >= s.len * 2) return true;
    for (size_t period = 2; period <= 4; period++) {
        size_t i = period;
        while (i < s.len && s.ptr[i] == s.ptr[i - period])
            i++;
        if (i == s.len) return true;
    }
    return false;
}

static bool has_name(struct ndc_str password, struct ndc_str user)
{
    if (user.len < 4 || password.len >= user.len + 12) return false;
    for (size_t i = 0; i + user.len <= password.len; i++)
        if (ndc_str_ieq(ndc_str_n(password.ptr + i, user.len), user)) return true;
    return false;
}

enum ndc_err ndc_password_check(struct ndc_str password, struct ndc_str user,
                                struct ndc_fault *fault)
{
    if (!ndc_utf8_valid(password) ||
        memchr(password.ptr ? password.ptr : "", 0, password.len))
        return ndc_fail_at(fault, NDC_EINPUT, "password.text", "password", 0,
                           "the password is not text");
    if (ndc_utf8_count(password) < NDC_PASSWORD_BYTES_MIN)
        return ndc_fail_at(fault, NDC_EINPUT, "password.short", "password", 0,
                           "a password has at least %d characters; several words are "
                           "easiest to remember",
                           NDC_PASSWORD_BYTES_MIN);
    if (password.len > NDC_PASSWORD_BYTES_MAX)
        return ndc_fail_at(fault, NDC_EINPUT, "password.long", "password", 0,
                           "a password has at most %d bytes", NDC_PASSWORD_BYTES_MAX);
    if (is_common(password) || is_pattern(password) || has_name(password, user))
        return ndc_fail_at(fault, NDC_EINPUT, "password.common", "password", 0,
                           "this password is among the first that anyone would try: "
                           "choose another");
    return NDC_OK;
}
