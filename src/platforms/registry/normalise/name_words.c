/* A name's words: what each means by itself, worked out once and remembered. A name of a
 * few words is then read by looking each up: of millions of names there are some
 * thousand words. */
#include "base/hash.h"
#include "platforms/registry/normalise/name.h"

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

bool name_one_of(struct ndc_str s, const char *words)
{
    char key[16] = " ";
    if (s.len == 0 || s.len > 12) return false;
    memcpy(key + 1, s.ptr, s.len);
    key[s.len + 1] = ' ';
    return memmem(words, strlen(words), key, s.len + 2) != NULL;
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

/* Ê Đê, Gia Rai, M'nông … names open with Y or H' and have no leading surname. */
static bool opens_clan_last(struct ndc_str w)
{
    if (w.len == 1 && (w.ptr[0] == 'Y' || w.ptr[0] == 'y' || w.ptr[0] == 'H'))
        return true;
    return w.len > 2 && (w.ptr[0] == 'H' || w.ptr[0] == 'h') &&
           (w.ptr[1] == '\'' ||
            memcmp(w.ptr + 1, "\xe2\x80\x99", NDC_MIN(w.len - 1, 3u)) == 0);
}

/* The words for sir and madam can be names, so they count only as written with their own
 * tones, or with a full stop; in a text without tones the commonest do. */
static unsigned honorific(struct ndc_str w, struct ndc_str folded, bool dotted)
{
    char low[NDC_VN_ROOM(16)];
    if (w.len > 12 ||
        !name_one_of(folded, " ong ba anh chi co chu bac chau em cau mo di "))
        return 0;
    struct ndc_str l = ndc_str_n(low, ndc_vn_fold(low, w, NDC_VN_FOLD_CASE, NULL));
    unsigned facts = 0;
    if (name_one_of(l, " ông bà anh chị cô chú bác cháu em cậu mợ dì ") ||
        (dotted && name_one_of(folded, " ong ba anh chi co chu bac ")))
        facts |= NAME_HONORIFIC;
    if (name_one_of(folded, " ong ba anh chi ")) facts |= NAME_HONORIFIC_TONELESS;
    return facts;
}

unsigned name_facts(struct ndc_str w, struct ndc_str folded)
{
    bool dotted = w.ptr[w.len - 1] == '.';
    unsigned facts = honorific(w, folded, dotted);
    if (known_surname(folded)) facts |= NAME_SURNAME;
    if (name_one_of(folded, " mr mrs ms miss dr prof bs ths ts gs pgs ks cn ds ls bsck "
                            "bscki bsckii tskh dd nsnd nsut ths bs - pgs ts - gs ts - "
                            "ts bs ") &&
        (dotted || folded.len > 1))
        facts |= NAME_TITLE;
    if (inner_capital(w) && !(facts & NAME_SURNAME)) facts |= NAME_KEEP_CASE;
    if (opens_clan_last(w)) facts |= NAME_CLAN_LAST;
    if (name_opens_compound(folded)) facts |= NAME_COMPOUND;
    if (name_one_of(folded, NAME_NOTHING)) facts |= NAME_MAY_BE_NOTHING;
    return facts;
}

/* ---- remembered ---- */

enum { SLOTS = 4096, RAW_MAX = 18, TEXT_MAX = 20, FOLDED_MAX = 16 };

struct slot { /* one line of the processor's cache */
    uint8_t raw_len, text_len, folded_len, reading; /* of which reading it is part */
    uint16_t facts, flags;
    char raw[RAW_MAX], text[TEXT_MAX], folded[FOLDED_MAX];
};
_Static_assert(sizeof(struct slot) <= 64, "a word is one cache line");

struct name_memo {
    uint8_t reading;
    _Alignas(64) struct slot slots[SLOTS];
};

struct name_memo *name_memo_new(void)
{
    struct name_memo *memo = aligned_alloc(64, sizeof(*memo));
    NDC_ASSERT(memo);
    memset(memo, 0, sizeof(*memo));
    return memo;
}

void name_memo_free(struct name_memo *memo)
{
    free(memo);
}

/* Works out a word; false if it is none that can be read by itself. */
static bool learn(struct slot *s, struct ndc_str raw)
{
    char clean[NDC_VN_ROOM(RAW_MAX)], folded[NDC_VN_ROOM(2 * RAW_MAX)];
    char cased[NDC_VN_ROOM(2 * RAW_MAX)];
    unsigned flags = 0;
    if (!ndc_vn_is_word(raw)) return false;
    struct ndc_str w = ndc_str_n(clean, ndc_vn_clean(clean, raw, &flags));
    struct ndc_str f = ndc_str_n(folded, ndc_vn_fold(folded, w, NDC_VN_FOLD_FULL, NULL));
    unsigned facts = name_facts(w, f);
    struct ndc_str text = w;
    if (!(facts & NAME_KEEP_CASE)) text = ndc_str_n(cased, ndc_vn_name_case(cased, w));
    if (text.len > TEXT_MAX || f.len > FOLDED_MAX) return false;
    *s = (struct slot){.raw_len = (uint8_t)raw.len,
                       .text_len = (uint8_t)text.len,
                       .folded_len = (uint8_t)f.len,
                       .facts = (uint16_t)facts,
                       .flags = (uint16_t)flags};
    memcpy(s->raw, raw.ptr, raw.len);
    memcpy(s->text, text.ptr, text.len);
    memcpy(s->folded, f.ptr, f.len);
    return true;
}

/* The word's slot, learnt if it is new; NULL if it cannot be, or if that would push out
 * a word of the same name. */
static const struct slot *look_up(struct name_memo *memo, struct ndc_str raw)
{
    if (raw.len > RAW_MAX) return NULL;
    struct slot *s = &memo->slots[ndc_hash_str(raw, 0) % SLOTS];
    if (s->raw_len != raw.len || memcmp(s->raw, raw.ptr, raw.len) != 0) {
        if (s->raw_len && s->reading == memo->reading) return NULL;
        if (!learn(s, raw)) return NULL;
    }
    s->reading = memo->reading;
    return s;
}

bool name_words_again(struct name_words *out, unsigned *flags, struct name_memo *memo,
                      struct ndc_str raw)
{
    const char *p = raw.ptr, *end = p + raw.len;
    out->n = 0;
    memo->reading++;
    for (;;) {
        while (p < end && *p == ' ')
            p++;
        if (p == end) return out->n > 0;
        const char *from = p;
        while (p < end && *p != ' ')
            p++;
        if (out->n == NAME_WORDS_MAX) return false;
        const struct slot *s = look_up(memo, ndc_str_n(from, (size_t)(p - from)));
        if (!s) return false;
        out->w[out->n++] =
            (struct name_word){ndc_str_n(s->text, s->text_len),
                               ndc_str_n(s->folded, s->folded_len), s->facts};
        *flags |= s->flags;
    }
}
