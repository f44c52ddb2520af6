/* Personal names: cleaned, in name case, honorifics off, and where surname and given name
 * lie. A Vietnamese name is surname, middle words, given name; the surname is the first
 * word unless the first words are a compound surname. Ê Đê and kin put the clan last and
 * a particle first (Y, H'): those have no surname here and are one given name. Nothing is
 * reordered: a name without a known surname is flagged, not guessed at. */
#include "base/utf8.h"
#include "platforms/registry/normalise/normalise_internal.h"

enum { WORDS_MAX = 16 };

/* Surnames as folded words (the tones of a surname are often lost), sorted. */
static const char *const surnames[] = {
    "ai",    "alang",  "an",      "arat",  "ating", "au",     "ayun",   "ba",
    "bac",   "bach",   "ban",     "banh",  "bao",   "be",     "bhling", "bien",
    "binh",  "blup",   "bnahria", "bo",    "bui",   "bya",    "ca",     "cai",
    "cam",   "can",    "canh",    "cao",   "cap",   "cha",    "chang",  "chao",
    "chau",  "che",    "chenh",   "chiem", "chinh", "chiu",   "chu",    "chung",
    "cil",   "co",     "colau",   "cong",  "coor",  "cu",     "cung",   "cut",
    "dai",   "dam",    "dan",     "dang",  "danh",  "dao",    "dau",    "denh",
    "deo",   "di",     "dich",    "dien",  "diep",  "dieu",   "dinh",   "do",
    "doan",  "doi",    "don",     "dong",  "du",    "duc",    "dung",   "duong",
    "eban",  "fang",   "gia",     "giang", "giap",  "ha",     "ham",    "han",
    "hang",  "hau",    "hien",    "hinh",  "ho",    "hoa",    "hoan",   "hoang",
    "hoc",   "hoih",   "hong",    "hua",   "hue",   "hun",    "hung",   "huong",
    "huynh", "kbuor",  "ke",      "kha",   "kham",  "khang",  "khau",   "khong",
    "khuat", "khuc",   "khuong",  "khuu",  "kien",  "kieu",   "kim",    "kon",
    "kpa",   "kpuih",  "kra",     "ksor",  "la",    "lac",    "lai",    "lam",
    "lang",  "lanh",   "lau",     "le",    "lem",   "leo",    "leu",    "lieu",
    "linh",  "lo",     "loc",     "long",  "lu",    "luan",   "luc",    "lung",
    "luong", "luu",    "ly",      "ma",    "mac",   "mach",   "mai",    "man",
    "mang",  "mau",    "me",      "mi",    "mieu",  "mlo",    "mong",   "moong",
    "mua",   "muc",    "na",      "nao",   "nay",   "neang",  "ngac",   "ngai",
    "ngan",  "nghiem", "ngo",     "ngu",   "nguy",  "nguyen", "nham",   "nhan",
    "nhiem", "nhieu",  "nhu",     "nie",   "ninh",  "nong",   "nu",     "oc",
    "on",    "ong",    "pha",     "phac",  "pham",  "phan",   "phi",    "pho",
    "phong", "phu",    "phuc",    "phung", "phuoc", "phuong", "pit",    "poloong",
    "puih",  "quach",  "quan",    "quang", "que",   "quyen",  "ra",     "rah",
    "rcom",  "rmah",   "ro",      "sai",   "sam",   "san",    "siu",    "son",
    "su",    "sung",   "ta",      "tai",   "tan",   "tang",   "tao",    "tap",
    "tat",   "thach",  "thai",    "tham",  "than",  "thang",  "thanh",  "thao",
    "thap",  "then",   "thi",     "thien", "thieu", "thinh",  "tho",    "thoi",
    "thu",   "thuc",   "tien",    "tiet",  "tieu",  "to",     "ton",    "tong",
    "tra",   "trac",   "tram",    "tran",  "trang", "tri",    "trieu",  "trinh",
    "trong", "trung",  "truong",  "tu",    "tuc",   "tung",   "tuong",  "tuu",
    "ty",    "ung",    "uong",    "va",    "van",   "vang",   "ven",    "vi",
    "vien",  "vinh",   "vo",      "vong",  "voong", "vu",     "vuong",  "vuu",
    "xa",    "xeo",    "xong",    "xuan",  "yen",   "zoram",
};

/* Longest first. */
static const char *const compounds[] = {
    "cong tang ton nu", "cong huyen ton nu", "huyen ton nu",
    "cong ton nu",      "ton that",          "ton nu",
    "au duong",         "hoang phu",         "tu ma",
    "gia cat",          "ro cham",           "ro mah",
    "rah lan",          "buon krong",        "buon ya",
    "nie kdam"};

struct words {
    unsigned n;
    struct ndc_str w[WORDS_MAX];      /* in the cleaned text */
    struct ndc_str folded[WORDS_MAX]; /* without marks */
    char bytes[NDC_VN_ROOM(NDC_NORM_NAME_MAX) + WORDS_MAX];
};

static bool known_surname(struct ndc_str folded)
{
    size_t low = 0, high = NDC_ARRAY_LEN(surnames);
    while (low < high) {
        size_t mid = (low + high) / 2;
        int c = ndc_str_cmp(ndc_str(surnames[mid]), folded);
        if (c == 0) return true;
        if (c < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return false;
}

static void split_words(struct words *out, struct ndc_str text)
{
    size_t used = 0;
    struct ndc_str rest = text, part;
    out->n = 0;
    while (ndc_str_split(&rest, ' ', &part) && out->n < WORDS_MAX) {
        if (part.len == 0) continue;
        size_t n = ndc_vn_fold(out->bytes + used, part, NDC_VN_FOLD_FULL, NULL);
        out->w[out->n] = part;
        out->folded[out->n++] = ndc_str_n(out->bytes + used, n);
        used += n;
    }
}

static bool one_of(struct ndc_str s, const char *words)
{
    char key[16] = " ";
    if (s.len == 0 || s.len > 12) return false;
    memcpy(key + 1, s.ptr, s.len);
    key[s.len + 1] = ' ';
    return memmem(words, strlen(words), key, s.len + 2) != NULL;
}

/* Academic and other titles are no syllables; the words for sir and madam can be names,
 * so they go only before a known surname, and as written with their own tones. */
static unsigned titles(const struct words *s, bool toneless)
{
    unsigned k = 0;
    while (k + 1 < s->n) {
        struct ndc_str f = s->folded[k], w = s->w[k];
        bool dotted = w.ptr[w.len - 1] == '.';
        if (one_of(f, " mr mrs ms miss dr prof bs ths ts gs pgs ks cn ds ls bsck bscki "
                      "bsckii tskh dd nsnd nsut ths bs - pgs ts - gs ts - ts bs ") &&
            (dotted || f.len > 1)) {
            k++;
            continue;
        }
        if (!known_surname(s->folded[k + 1]) || s->n - k < 3) break;
        char low[NDC_VN_ROOM(16)];
        if (w.len > 12) break;
        struct ndc_str l = ndc_str_n(low, ndc_vn_fold(low, w, NDC_VN_FOLD_CASE, NULL));
        bool is = one_of(l, " ông bà anh chị cô chú bác cháu em cậu mợ dì ") ||
                  (toneless && one_of(f, " ong ba anh chi ")) ||
                  (dotted && one_of(f, " ong ba anh chi co chu bac "));
        if (!is) break;
        k++;
    }
    return k;
}

/* McDonald, LeBron: a capital after a small letter is meant. */
static bool inner_capital(struct ndc_str w)
{
    bool small = false;
    for (size_t i = 0; i < w.len; i++) {
        if (small && w.ptr[i] >= 'A' && w.ptr[i] <= 'Z') return true;
        small = small || (w.ptr[i] >= 'a' && w.ptr[i] <= 'z');
    }
    return false;
}

/* ASCII characters that no name has. */
static bool strange(unsigned char c)
{
    static const uint64_t set[2] = {
        1ull << '"' | 1ull << '#' | 1ull << '$' | 1ull << '%' | 1ull << '&' |
            1ull << '*' | 1ull << '+' | 1ull << '/' | 1ull << ':' | 1ull << ';' |
            1ull << '<' | 1ull << '=' | 1ull << '>' | 1ull << '?' | 1ull << '!',
        1ull << ('@' - 64) | 1ull << ('[' - 64) | 1ull << ('\\' - 64) |
            1ull << (']' - 64) | 1ull << ('^' - 64) | 1ull << ('_' - 64) |
            1ull << ('{' - 64) | 1ull << ('|' - 64) | 1ull << ('}' - 64) |
            1ull << ('~' - 64)};
    return c < 128 && (set[c >> 6] >> (c & 63) & 1);
}

/* Letters, and the few marks that names have; anything else is named by the reason. */
static enum ndc_norm_reason check_characters(struct ndc_str s, unsigned flags)
{
    bool letters = (flags & (NDC_VN_UPPER | NDC_VN_LOWER | NDC_VN_FOREIGN)) != 0;
    if (flags & (NDC_VN_INVALID | NDC_VN_CONTROL)) return NDC_NORM_BAD_CHARACTERS;
    if (flags & NDC_VN_DIGITS) return NDC_NORM_NAME_DIGITS;
    for (size_t i = 0; i < s.len; i++)
        if (strange((unsigned char)s.ptr[i])) return NDC_NORM_BAD_CHARACTERS;
    if (memmem(s.ptr, s.len, "\xef\xbf\xbd", 3)) return NDC_NORM_BAD_CHARACTERS;
    return letters ? NDC_NORM_OK : NDC_NORM_NAME_NO_LETTERS;
}

static bool placeholder(const struct words *s)
{
    struct ndc_str f = s->folded[0];
    if (s->n == 1) {
        bool same = f.len >= 3;
        for (size_t i = 1; i < f.len; i++)
            same = same && f.ptr[i] == f.ptr[0];
        return same || one_of(f, " test abc xyz asdf qwerty demo ");
    }
    return s->n == 2 &&
           ((ndc_str_eq(f, NDC_STR("khong")) &&
             ndc_str_eq(s->folded[1], NDC_STR("ten"))) ||
            (ndc_str_eq(f, NDC_STR("vo")) && ndc_str_eq(s->folded[1], NDC_STR("danh"))));
}

/* How many of the words from k on are the surname. */
static unsigned surname_words(const struct words *s, unsigned k)
{
    for (size_t c = 0; c < NDC_ARRAY_LEN(compounds); c++) {
        struct ndc_str rest = ndc_str(compounds[c]), part;
        unsigned at = k;
        bool same = true;
        while (same && ndc_str_split(&rest, ' ', &part))
            same = at < s->n && ndc_str_eq(s->folded[at++], part);
        if (same && at < s->n) return at - k;
    }
    return known_surname(s->folded[k]) ? 1 : 0;
}

/* "(tức Ba Tý)" and stray marks at the ends go. */
static struct ndc_str trim_name(struct ndc_str s, uint32_t *flags)
{
    size_t open = ndc_str_find(s, '(');
    if (open > 0 && open < s.len && s.ptr[s.len - 1] == ')') {
        s.len = open;
        *flags |= NDC_NORM_REPAIRED;
    }
    while (s.len && strchr(" ,.-;:'\"*", s.ptr[s.len - 1]))
        s.len--;
    while (s.len && strchr(" ,.-;:'\"*", s.ptr[0])) {
        s.ptr++;
        s.len--;
    }
    return s;
}

static void add_word(struct ndc_norm_name *out, struct ndc_str w, bool keep_case)
{
    if (out->len > 0) out->text[out->len++] = ' ';
    if (keep_case) {
        memcpy(out->text + out->len, w.ptr, w.len);
        out->len = (uint16_t)(out->len + w.len);
    } else {
        out->len = (uint16_t)(out->len + ndc_vn_name_case(out->text + out->len, w));
    }
}

/* Ê Đê, Gia Rai, M'nông … names open with Y or H' and have no leading surname. */
static bool clan_last(const struct words *s, unsigned k)
{
    struct ndc_str w = s->w[k];
    if (s->n - k < 2) return false;
    if (w.len == 1 && (w.ptr[0] == 'Y' || w.ptr[0] == 'y' || w.ptr[0] == 'H'))
        return true;
    return w.len > 2 && (w.ptr[0] == 'H' || w.ptr[0] == 'h') &&
           (w.ptr[1] == '\'' ||
            memcmp(w.ptr + 1, "\xe2\x80\x99", NDC_MIN(w.len - 1, 3u)) == 0);
}

static void write_parts(struct ndc_norm_name *out, const struct words *s, unsigned k)
{
    unsigned surname = clan_last(s, k) ? 0 : surname_words(s, k);
    bool whole = s->n - k == 1 || clan_last(s, k);
    for (unsigned i = k; i < s->n; i++) {
        bool keep = inner_capital(s->w[i]) && !known_surname(s->folded[i]);
        if (s->folded[i].len == 1) out->flags |= NDC_NORM_INITIALS;
        if (i + 1 == s->n && !whole)
            out->given_at = (uint16_t)(out->len + (out->len > 0));
        add_word(out, s->w[i], keep);
        if (!whole && i + 1 == k + surname) out->surname_len = out->len;
    }
    if (s->n - k == 1) out->flags |= NDC_NORM_ONE_WORD;
    if (surname == 0 && !clan_last(s, k)) out->flags |= NDC_NORM_FOREIGN;
    if (whole) out->given_at = 0;
    out->text[out->len] = 0;
}

enum ndc_norm_reason ndc_norm_name(struct ndc_norm_name *out, struct ndc_str raw)
{
    char clean[NDC_VN_ROOM(NDC_NORM_NAME_MAX)];
    struct words words;
    unsigned flags = 0;
    out->flags = 0;
    out->len = out->surname_len = out->given_at = 0;
    out->text[0] = 0;
    if (ndc_norm_is_missing(raw)) return NDC_NORM_MISSING;
    if (raw.len > 140) return NDC_NORM_TOO_LONG;
    struct ndc_str s = ndc_str_n(clean, ndc_vn_clean(clean, raw, &flags));
    if (flags & (NDC_VN_RETONED | NDC_VN_HIDDEN)) out->flags |= NDC_NORM_REPAIRED;
    s = trim_name(s, &out->flags);
    enum ndc_norm_reason reason = check_characters(s, flags);
    if (reason) return reason;
    split_words(&words, s);
    if (words.n == 0 || words.n == WORDS_MAX) return NDC_NORM_TOO_LONG;
    if (placeholder(&words)) return NDC_NORM_NAME_PLACEHOLDER;
    bool toneless = !(flags & (NDC_VN_TONES | NDC_VN_MARKS));
    unsigned k = titles(&words, toneless);
    if (k) out->flags |= NDC_NORM_TITLE;
    if (toneless) out->flags |= NDC_NORM_TONELESS;
    if (!(flags & NDC_VN_UPPER) || !(flags & NDC_VN_LOWER))
        out->flags |= NDC_NORM_RECASED;
    write_parts(out, &words, k);
    return NDC_NORM_OK;
}

struct ndc_str ndc_norm_surname(const struct ndc_norm_name *name)
{
    return ndc_str_n(name->text, name->surname_len);
}

struct ndc_str ndc_norm_given(const struct ndc_norm_name *name)
{
    return ndc_str_n(name->text + name->given_at, (size_t)(name->len - name->given_at));
}

struct ndc_str ndc_norm_middle(const struct ndc_norm_name *name)
{
    size_t from = name->surname_len ? name->surname_len + 1u : 0;
    if (name->given_at <= from) return NDC_STR("");
    return ndc_str_n(name->text + from, name->given_at - 1u - from);
}
