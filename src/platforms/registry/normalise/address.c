/* Addresses to administrative units. The text is read from its end: a province, left of
 * it a former district, left of that a commune, each optional; every combination that
 * the unit tables allow is weighed, the best wins, equals are all reported. Only when no
 * commune is found is a second look taken that allows one wrong letter. */
#include "platforms/registry/normalise/address.h"

/* Weights of evidence, in points: a level found outweighs any style. */
enum {
    W_PROVINCE = 30,
    W_DISTRICT = 22,
    W_COMMUNE = 40,
    W_KIND = 6,        /* the kind word fits */
    W_WRONG_KIND = -5, /* another kind of the same level: xã for phường */
    W_TONES = 3,       /* written with exactly these tones */
    W_OTHER_TONES = -2,
    W_LOOSE = -4, /* neither kind word nor comma before the name */
    W_MOVED = -6, /* district or commune of a province merged into this one */
    W_MIXED = -9, /* a current commune beside a former district */
    W_TYPO = -8,
    W_VINTAGE = 4, /* of the date's time */
    NOWHERE = -1000
};

struct province { /* a province read: its present and former unit, either may be 0 */
    uint16_t now, former;
    uint8_t start;
    int score;
    bool typo;
};

static uint16_t level_mask(unsigned level)
{
    static const uint16_t masks[] = {
        [NDC_UNIT_PROVINCE] = 1u << NDC_UNIT_TINH | 1u << NDC_UNIT_THANH_PHO,
        [NDC_UNIT_DISTRICT] = 1u << NDC_UNIT_QUAN | 1u << NDC_UNIT_HUYEN |
                              1u << NDC_UNIT_THI_XA | 1u << NDC_UNIT_THANH_PHO,
        [NDC_UNIT_COMMUNE] = 1u << NDC_UNIT_PHUONG | 1u << NDC_UNIT_XA |
                             1u << NDC_UNIT_THI_TRAN | 1u << NDC_UNIT_DAC_KHU};
    return masks[level];
}

/* Points for how well the words fit the unit; NOWHERE if they name another level. */
static int fit(const struct addr_search *s, struct addr_hit *h, unsigned id)
{
    const struct ndc_unit *u = ndc_unit_get(id);
    int score = h->name_end - h->name;
    if (h->mask && !(h->mask & level_mask(u->level))) return NOWHERE;
    if (h->mask) score += h->mask >> u->kind & 1 ? W_KIND : W_WRONG_KIND;
    if (!h->bounded) score += W_LOOSE;
    if (h->marked && h->entry)
        score += addr_exact(h, &s->text) == s->text.tables->exact[id] ? W_TONES
                                                                      : W_OTHER_TONES;
    return score;
}

static struct addr_hit *hits_at(struct addr_search *s, unsigned end, unsigned *n)
{
    if (s->hit_count[end] == UINT8_MAX)
        s->hit_count[end] = (uint8_t)addr_hits(s->hits[end], &s->text, end);
    *n = s->hit_count[end];
    return s->hits[end];
}

/* ---- one wrong letter ---- */

/* Equal but for one letter changed, left out, added, or two neighbours swapped. */
static bool nearly(const char *a, size_t la, const char *b, size_t lb)
{
    size_t i = 0, end = NDC_MIN(la, lb);
    if (la > lb + 1 || lb > la + 1) return false;
    while (i < end && a[i] == b[i])
        i++;
    if (la == lb) {
        if (i == la) return true;
        if (memcmp(a + i + 1, b + i + 1, la - i - 1) == 0) return true;
        return i + 1 < la && a[i] == b[i + 1] && a[i + 1] == b[i] &&
               memcmp(a + i + 2, b + i + 2, la - i - 2) == 0;
    }
    if (la > lb) return memcmp(a + i + 1, b + i, lb - i) == 0;
    return memcmp(a + i, b + i + 1, la - i) == 0;
}

static bool nearly_named(const struct addr_search *s, const struct addr_hit *h,
                         unsigned id)
{
    struct ndc_str name = addr_span(&s->text, h->name, h->name_end);
    const char *unit = s->text.tables->folded[id];
    size_t len = strlen(unit);
    return len >= 4 && nearly(name.ptr, name.len, unit, len);
}

/* ---- keeping the best ---- */

static void keep(struct addr_search *s, const struct addr_found *f, unsigned id)
{
    struct addr_found *best = &s->best;
    if (f->score < best->score) return;
    if (f->score > best->score) {
        *best = *f;
        best->count = 0;
    }
    for (unsigned i = 0; i < best->count; i++)
        if (best->units[i] == id) return;
    if (best->count < NDC_NORM_UNITS_MAX) best->units[best->count++] = (uint16_t)id;
}

/* The current province that a former one became. */
static uint16_t province_now(unsigned former)
{
    const uint16_t *ids;
    return former && ndc_unit_successors(former, &ids) ? ids[0] : 0;
}

static int vintage_points(const struct addr_search *s, unsigned vintage)
{
    struct ndc_date d = s->as_of;
    if (d.year == 0) return vintage == NDC_UNIT_CURRENT ? W_VINTAGE / 2 : 0;
    bool former = d.year < 2025 || (d.year == 2025 && d.month > 0 && d.month < 7);
    return former == (vintage == NDC_UNIT_FORMER) ? W_VINTAGE : 0;
}

/* ---- communes ---- */

/* Points for where the commune lies; NOWHERE if it cannot be meant here. */
static int commune_place(const struct addr_search *s, unsigned id,
                         const struct province *p, unsigned district)
{
    const struct ndc_unit *u = ndc_unit_get(id);
    if (district) {
        if (u->parent == district) return 0;
        if (u->vintage == NDC_UNIT_CURRENT &&
            u->parent == province_now(ndc_unit_province(district)))
            return W_MIXED;
        return NOWHERE;
    }
    if (u->vintage == NDC_UNIT_CURRENT) {
        if (p && p->now && u->parent != p->now) return NOWHERE;
        if (p && !p->now)
            return u->parent == province_now(p->former)
                       ? W_MOVED + vintage_points(s, NDC_UNIT_CURRENT)
                       : NOWHERE;
        return vintage_points(s, NDC_UNIT_CURRENT);
    }
    unsigned province = ndc_unit_province(id);
    if (!p || province == p->former) return vintage_points(s, NDC_UNIT_FORMER);
    if (p->now && province_now(province) == p->now)
        return W_MOVED + vintage_points(s, NDC_UNIT_FORMER);
    return NOWHERE;
}

static void weigh_commune(struct addr_search *s, struct addr_found f, struct addr_hit *h,
                          unsigned id, const struct province *p, unsigned district)
{
    int style, place = commune_place(s, id, p, district);
    if (place == NOWHERE || (style = fit(s, h, id)) == NOWHERE) return;
    /* Alone, a name without its kind and province says little. */
    if (!p && !district && !h->mask) return;
    f.score += W_COMMUNE + style + place;
    f.start = h->start;
    f.kind = h->mask >> ndc_unit_get(id)->kind & 1;
    f.loose = !h->bounded;
    f.tones_differ = h->exact && h->exact != s->text.tables->exact[id];
    if (!h->entry) {
        f.score += W_TYPO;
        f.typo = true;
    }
    keep(s, &f, id);
}

static void near_range(struct addr_search *s, struct addr_found f, struct addr_hit *h,
                       unsigned parent, const struct province *p, unsigned district)
{
    unsigned first, n = ndc_unit_children(NDC_UNIT_CURRENT, parent, &first);
    for (unsigned id = first; id < first + n; id++) {
        if (ndc_unit_get(id)->level == NDC_UNIT_DISTRICT)
            near_range(s, f, h, id, p, district);
        else if (nearly_named(s, h, id))
            weigh_commune(s, f, h, id, p, district);
    }
}

static void watch_commune(struct addr_search *s, const struct province *p,
                          unsigned district)
{
    struct addr_watch *w = &s->watch;
    if (w->count == NDC_ARRAY_LEN(w->at)) {
        w->counted = true;
        return;
    }
    w->at[w->count].province = p != NULL;
    w->at[w->count].now = p ? p->now : 0;
    w->at[w->count].former = p ? p->former : 0;
    w->at[w->count++].district = (uint16_t)district;
}

static void read_commune(struct addr_search *s, struct addr_found f, unsigned end,
                         const struct province *p, unsigned district)
{
    struct addr_hit phrase, *hits;
    unsigned n;
    hits = hits_at(s, end, &n);
    if (end == s->watched) watch_commune(s, p, district);
    for (unsigned i = 0; i < n; i++) {
        const struct norm_entry *e = hits[i].entry;
        for (unsigned k = e->first; k < (unsigned)e->first + e->count; k++) {
            unsigned id = s->text.tables->named[k];
            if (ndc_unit_get(id)->level == NDC_UNIT_COMMUNE)
                weigh_commune(s, f, &hits[i], id, p, district);
        }
        if (n > 0 && hits[i].mask & level_mask(NDC_UNIT_COMMUNE)) f.conflict = true;
    }
    if (s->typos && (p || district) && addr_phrase(&phrase, &s->text, end)) {
        if (district) near_range(s, f, &phrase, district, p, district);
        if (p && p->now && !district) near_range(s, f, &phrase, p->now, p, 0);
        if (p && p->former && !district) near_range(s, f, &phrase, p->former, p, 0);
    }
    /* Without a commune: the district, else the province, is what was read. */
    if (district)
        keep(s, &f, district);
    else if (p)
        keep(s, &f, p->now ? p->now : p->former);
}

/* ---- districts ---- */

static void weigh_district(struct addr_search *s, struct addr_found f, struct addr_hit *h,
                           unsigned id, const struct province *p)
{
    int style;
    unsigned former = ndc_unit_get(id)->parent;
    if (p && former != p->former) {
        if (!p->now || province_now(former) != p->now) return;
        f.score += W_MOVED;
    }
    if ((style = fit(s, h, id)) == NOWHERE) return;
    if (!p && !h->mask && !h->bounded) return;
    f.score += W_DISTRICT + style;
    f.district = (uint16_t)id;
    f.province_now = province_now(former);
    f.start = h->start;
    if (!h->entry) {
        f.score += W_TYPO;
        f.typo = true;
    }
    read_commune(s, f, h->start, p, id);
}

static void read_district(struct addr_search *s, struct addr_found f, unsigned end,
                          const struct province *p)
{
    struct addr_hit phrase, *hits;
    unsigned n, exact = 0;
    hits = hits_at(s, end, &n);
    s->watch.counted |= end == s->watched;
    for (unsigned i = 0; i < n; i++) {
        const struct norm_entry *e = hits[i].entry;
        for (unsigned k = e->first; k < (unsigned)e->first + e->count; k++) {
            unsigned id = s->text.tables->named[k];
            if (ndc_unit_get(id)->level != NDC_UNIT_DISTRICT) continue;
            exact++;
            weigh_district(s, f, &hits[i], id, p);
        }
    }
    if (s->typos && !exact && p && p->former && addr_phrase(&phrase, &s->text, end)) {
        unsigned first, count = ndc_unit_children(NDC_UNIT_FORMER, p->former, &first);
        for (unsigned id = first; id < first + count; id++)
            if (nearly_named(s, &phrase, id)) weigh_district(s, f, &phrase, id, p);
    }
    read_commune(s, f, end, p, 0);
}

/* ---- provinces ---- */

/* The current province of that name, the former one of that name. */
static bool province_of(struct addr_search *s, struct province *out, struct addr_hit *h,
                        unsigned id)
{
    const struct ndc_unit *u = ndc_unit_get(id);
    *out = (struct province){.start = h->start, .score = fit(s, h, id)};
    if (u->level != NDC_UNIT_PROVINCE || out->score == NOWHERE) return false;
    unsigned other =
        ndc_unit_find(u->vintage == NDC_UNIT_CURRENT ? NDC_UNIT_FORMER : NDC_UNIT_CURRENT,
                      NDC_UNIT_PROVINCE, u->code);
    /* Codes were kept by the province whose name was kept, with few exceptions: the names
     * decide. */
    const struct norm_tables *t = s->text.tables;
    bool same = other && strcmp(t->folded[id], t->folded[other]) == 0;
    if (!same) {
        unsigned first, n;
        other = 0;
        n = ndc_unit_children(u->vintage == NDC_UNIT_CURRENT ? NDC_UNIT_FORMER
                                                             : NDC_UNIT_CURRENT,
                              0, &first);
        for (unsigned k = first; k < first + n; k++)
            if (strcmp(t->folded[id], t->folded[k]) == 0) other = k;
    }
    out->now = (uint16_t)(u->vintage == NDC_UNIT_CURRENT ? id : other);
    out->former = (uint16_t)(u->vintage == NDC_UNIT_CURRENT ? other : id);
    return true;
}

static void weigh_province(struct addr_search *s, const struct province *p, bool typo)
{
    struct addr_found f = {.score = W_PROVINCE + p->score + (typo ? W_TYPO : 0),
                           .start = p->start,
                           .typo = typo,
                           .province = true};
    f.province_now = p->now ? p->now : province_now(p->former);
    read_district(s, f, p->start, p);
    /* "TP Huế, Thừa Thiên Huế": the same province said twice, or a city that was its one
     * district before the tables' time. */
    unsigned n;
    struct addr_hit *hits = hits_at(s, p->start, &n);
    s->watch.counted |= p->start == s->watched;
    for (unsigned i = 0; i < n; i++) {
        const struct norm_entry *e = hits[i].entry;
        for (unsigned k = e->first; k < (unsigned)e->first + e->count; k++) {
            unsigned id = s->text.tables->named[k];
            if (id != p->now && id != p->former) continue;
            if (fit(s, &hits[i], id) == NOWHERE) continue;
            f.start = hits[i].start;
            s->twice = true;
            read_district(s, f, f.start, p);
            return;
        }
    }
}

static void read_province(struct addr_search *s, unsigned end)
{
    struct addr_hit phrase, *hits;
    struct province p;
    unsigned n, exact = 0;
    hits = hits_at(s, end, &n);
    for (unsigned i = 0; i < n; i++) {
        const struct norm_entry *e = hits[i].entry;
        uint16_t seen[2] = {0, 0};
        for (unsigned k = e->first; k < (unsigned)e->first + e->count; k++) {
            if (!province_of(s, &p, &hits[i], s->text.tables->named[k])) continue;
            if (p.now == seen[0] && p.former == seen[1]) continue;
            seen[0] = p.now;
            seen[1] = p.former;
            exact++;
            weigh_province(s, &p, false);
        }
    }
    if (s->typos && !exact && addr_phrase(&phrase, &s->text, end)) {
        for (int vintage = 0; vintage < 2; vintage++) {
            unsigned first,
                count = ndc_unit_children((enum ndc_unit_vintage)vintage, 0, &first);
            for (unsigned id = first; id < first + count; id++)
                if (nearly_named(s, &phrase, id) && province_of(s, &p, &phrase, id))
                    weigh_province(s, &p, true);
        }
    }
    /* A reading with its province and commune is not beaten by one without. */
    if (s->best.score < W_PROVINCE + W_DISTRICT + W_COMMUNE)
        read_district(s, (struct addr_found){.start = (uint8_t)end}, end, NULL);
}

/* ---- the answer ---- */

void addr_street(struct ndc_norm_address *out, struct ndc_str raw)
{
    char clean[NDC_VN_ROOM(NDC_NORM_STREET_MAX)];
    while (raw.len && strchr(" ,.-;/\t\r\n(", raw.ptr[raw.len - 1]))
        raw.len--;
    if (raw.len > 180) {
        raw.len = 180;
        while (raw.len && (raw.ptr[raw.len] & 0xc0) == 0x80)
            raw.len--;
    }
    size_t n = ndc_vn_clean(clean, raw, NULL);
    n = NDC_MIN(n, (size_t)NDC_NORM_STREET_MAX - 1);
    memcpy(out->street, clean, n);
    out->street[n] = 0;
    out->street_len = (uint16_t)n;
}

static void add_unit(struct ndc_norm_address *out, unsigned id)
{
    for (unsigned i = 0; i < out->unit_count; i++)
        if (out->units[i] == id) return;
    if (out->unit_count < NDC_NORM_UNITS_MAX)
        out->units[out->unit_count++] = (uint16_t)id;
}

static void write_units(struct ndc_norm_address *out, const struct addr_found *f)
{
    const struct ndc_unit *u = ndc_unit_get(f->units[0]);
    out->level = u->level;
    out->province = f->province_now;
    if (f->count == 1 && u->vintage == NDC_UNIT_FORMER) out->former = f->units[0];
    if (u->vintage == NDC_UNIT_FORMER) out->flags |= NDC_NORM_FORMER;
    for (unsigned i = 0; i < f->count; i++) {
        const uint16_t *ids;
        if (ndc_unit_get(f->units[i])->level == NDC_UNIT_PROVINCE) continue;
        unsigned n = ndc_unit_successors(f->units[i], &ids);
        if (n > 1) out->flags |= NDC_NORM_SPLIT;
        for (unsigned k = 0; k < n; k++)
            add_unit(out, ids[k]);
    }
    if (out->unit_count > 0) { /* a district that was one commune counts as one */
        out->level = NDC_UNIT_COMMUNE;
        out->province = ndc_unit_get(out->units[0])->parent;
        for (unsigned i = 1; i < out->unit_count; i++)
            if (ndc_unit_get(out->units[i])->parent != out->province) out->province = 0;
    } else {
        out->flags |= NDC_NORM_PARTIAL;
    }
    if (out->unit_count > 1 || f->count > 1) out->flags |= NDC_NORM_AMBIGUOUS;
}

static uint8_t confidence(const struct ndc_norm_address *a, const struct addr_found *f)
{
    int c = a->level == NDC_UNIT_COMMUNE ? 100 : a->level == NDC_UNIT_DISTRICT ? 60 : 40;
    if (!f->province) c -= f->district ? 8 : 40;
    if (a->level == NDC_UNIT_COMMUNE && a->former && !f->district) c -= 10;
    if (f->typo) c -= 15;
    if (!f->kind) c -= 5;
    if (f->loose) c -= 5;
    if (f->tones_differ) c -= 5;
    if (a->unit_count > 1) c -= f->count > 1 ? 30 : 15;
    return (uint8_t)NDC_MAX(c, 5);
}

/* A commune was named that exists, but not in the province or district read. */
static bool conflicts(const struct addr_found *f, const struct ndc_norm_address *a)
{
    return f->conflict && a->unit_count == 0;
}

enum ndc_norm_reason addr_begin(struct addr_search *s, struct ndc_str raw,
                                struct ndc_date as_of)
{
    if (ndc_norm_is_missing(raw)) return NDC_NORM_MISSING;
    if (raw.len > 2000) return NDC_NORM_TOO_LONG;
    addr_tokens(&s->text, raw);
    s->as_of = as_of;
    s->typos = s->twice = false;
    s->watched = ADDR_TOKENS_MAX + 1;
    s->watch.count = 0;
    s->watch.counted = false;
    memset(s->hit_count, UINT8_MAX, sizeof(s->hit_count));
    s->best = (struct addr_found){.score = 1};
    return NDC_NORM_OK;
}

static unsigned token_at(const struct addr_search *s, size_t at)
{
    unsigned i = 0;
    while (i < s->text.n && s->text.t[i].raw_from < at)
        i++;
    return i;
}

void addr_watch(struct addr_search *s, size_t at)
{
    s->watched = token_at(s, at);
}

bool addr_before_idle(struct addr_search *s, size_t at, const struct addr_watch *watch)
{
    unsigned n;
    const struct addr_hit *hits = hits_at(s, token_at(s, at), &n);
    for (unsigned i = 0; i < n; i++) {
        const struct norm_entry *e = hits[i].entry;
        if (hits[i].mask & level_mask(NDC_UNIT_COMMUNE)) return false;
        for (unsigned k = 0; k < (unsigned)e->count * watch->count; k++) {
            unsigned id = s->text.tables->named[e->first + k / watch->count];
            unsigned w = k % watch->count;
            struct province p = {.now = watch->at[w].now, .former = watch->at[w].former};
            if (ndc_unit_get(id)->level == NDC_UNIT_COMMUNE &&
                commune_place(s, id, watch->at[w].province ? &p : NULL,
                              watch->at[w].district) != NOWHERE)
                return false;
        }
    }
    return true;
}

enum ndc_norm_reason addr_finish(struct ndc_norm_address *out, struct addr_search *s,
                                 struct addr_reach *reach)
{
    struct ndc_str raw = s->text.raw;
    unsigned end = addr_end(&s->text);
    read_province(s, end);
    if (s->best.count == 0 || ndc_unit_get(s->best.units[0])->level != NDC_UNIT_COMMUNE) {
        s->typos = reach->typos = true;
        read_province(s, end);
    }
    if (s->best.count == 0) {
        addr_street(out, raw);
        return NDC_NORM_ADDRESS_NO_UNIT;
    }
    write_units(out, &s->best);
    if (s->best.typo) out->flags |= NDC_NORM_TYPO | NDC_NORM_REPAIRED;
    out->confidence = confidence(out, &s->best);
    reach->whole = s->twice || end != s->text.n;
    reach->watch = s->watch;
    if (s->watched < s->text.n &&
        !addr_before_idle(s, s->text.t[s->watched].raw_from, &reach->watch))
        reach->watch.counted = true;
    if (s->best.start < s->text.n) reach->from = s->text.t[s->best.start].raw_from;
    addr_street(out, ndc_str_n(raw.ptr, reach->from));
    return conflicts(&s->best, out) ? NDC_NORM_ADDRESS_CONFLICT : NDC_NORM_OK;
}

void addr_clear(struct ndc_norm_address *out, struct addr_reach *reach,
                struct ndc_str raw)
{
    memset(out, 0, offsetof(struct ndc_norm_address, street) + 1);
    *reach = (struct addr_reach){.from = raw.len, .whole = true};
}

enum ndc_norm_reason addr_read(struct ndc_norm_address *out, struct ndc_str raw,
                               struct ndc_date as_of, struct addr_reach *reach)
{
    struct addr_search s;
    addr_clear(out, reach, raw);
    enum ndc_norm_reason reason = addr_begin(&s, raw, as_of);
    return reason ? reason : addr_finish(out, &s, reach);
}

enum ndc_norm_reason ndc_norm_address(struct ndc_norm_address *out, struct ndc_str raw,
                                      struct ndc_date as_of)
{
    struct addr_reach reach;
    return addr_read(out, raw, as_of, &reach);
}

/* ---- columns of their own ---- */

static bool code_of(struct ndc_str s, size_t digits, uint32_t *code)
{
    uint64_t v;
    if (s.len != digits || !ndc_str_to_u64(s, &v)) return false;
    *code = (uint32_t)v;
    return true;
}

/* A commune by its code, of the vintage that the other columns or the date say. */
static unsigned commune_by_code(uint32_t code, bool district, struct ndc_date as_of)
{
    bool former =
        district ||
        (as_of.year && (as_of.year < 2025 || (as_of.year == 2025 && as_of.month < 7)));
    enum ndc_unit_vintage first = former ? NDC_UNIT_FORMER : NDC_UNIT_CURRENT;
    enum ndc_unit_vintage second = former ? NDC_UNIT_CURRENT : NDC_UNIT_FORMER;
    unsigned id = ndc_unit_find(first, NDC_UNIT_COMMUNE, code);
    return id ? id : ndc_unit_find(second, NDC_UNIT_COMMUNE, code);
}

/* A column's text, or the title of the unit whose code it holds. */
static void add_part(char *text, size_t cap, size_t *len, struct ndc_str part,
                     unsigned id)
{
    char title[NDC_UNIT_TITLE_MAX];
    if (id) part = ndc_str_n(title, ndc_unit_title(title, id, false));
    if (part.len == 0 || *len + part.len + 2 >= cap) return;
    if (*len > 0) {
        text[(*len)++] = ',';
        text[(*len)++] = ' ';
    }
    memcpy(text + *len, part.ptr, part.len);
    *len += part.len;
}

static struct ndc_str present(struct ndc_str s)
{
    return ndc_norm_is_missing(s) ? NDC_STR("") : ndc_str_trim(s);
}

enum ndc_norm_reason ndc_norm_address_parts(struct ndc_norm_address *out,
                                            const struct ndc_norm_address_parts *parts,
                                            struct ndc_date as_of)
{
    char text[1024];
    size_t len = 0;
    uint32_t code;
    struct ndc_str commune = present(parts->commune), district = present(parts->district);
    struct ndc_str province = present(parts->province), street = present(parts->street);
    unsigned c = 0, d = 0, p = 0;
    memset(out, 0, offsetof(struct ndc_norm_address, street) + 1);
    if (commune.len + district.len + province.len == 0) {
        if (street.len == 0) return NDC_NORM_MISSING;
        return ndc_norm_address(out, street, as_of); /* all in one column */
    }
    if (code_of(commune, 5, &code)) {
        if (!(c = commune_by_code(code, district.len > 0, as_of)))
            return NDC_NORM_UNIT_UNKNOWN;
        const struct ndc_unit *u = ndc_unit_get(c);
        p = ndc_unit_province(c);
        d = u->vintage == NDC_UNIT_FORMER ? u->parent : 0;
        if (d == 0) district = NDC_STR("");
    } else {
        if (code_of(district, 3, &code))
            d = ndc_unit_find(NDC_UNIT_FORMER, NDC_UNIT_DISTRICT, code);
        if (code_of(province, 2, &code) || code_of(province, 1, &code)) {
            bool former = district.len > 0;
            p = ndc_unit_find(former ? NDC_UNIT_FORMER : NDC_UNIT_CURRENT,
                              NDC_UNIT_PROVINCE, code);
            if (!p)
                p = ndc_unit_find(former ? NDC_UNIT_CURRENT : NDC_UNIT_FORMER,
                                  NDC_UNIT_PROVINCE, code);
            if (!p) return NDC_NORM_UNIT_UNKNOWN;
        }
    }
    add_part(text, sizeof(text), &len, commune, c);
    add_part(text, sizeof(text), &len, district, d);
    add_part(text, sizeof(text), &len, province, p);
    enum ndc_norm_reason reason = ndc_norm_address(out, ndc_str_n(text, len), as_of);
    addr_street(out, street);
    return reason == NDC_NORM_ADDRESS_NO_UNIT ? NDC_NORM_UNIT_UNKNOWN : reason;
}

size_t ndc_norm_address_text(char *out, size_t cap, const struct ndc_norm_address *a,
                             bool english)
{
    char title[NDC_UNIT_TITLE_MAX];
    size_t len = 0;
    unsigned commune = a->unit_count ? a->units[0] : 0;
    unsigned province = commune ? ndc_unit_get(commune)->parent : a->province;
    if (cap == 0) return 0;
    add_part(out, cap - 1, &len, ndc_str_n(a->street, a->street_len), 0);
    if (commune) {
        size_t n = ndc_unit_title(title, commune, english);
        add_part(out, cap - 1, &len, ndc_str_n(title, n), 0);
    }
    if (province) {
        size_t n = ndc_unit_title(title, province, english);
        add_part(out, cap - 1, &len, ndc_str_n(title, n), 0);
    }
    out[len] = 0;
    return len;
}
