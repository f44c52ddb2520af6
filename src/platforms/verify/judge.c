/* Verdicts (judge.h). */
#include "platforms/verify/judge.h"

const char *ndc_verdict_name(enum ndc_verdict verdict)
{
    static const char *const names[NDC_VERDICT_COUNT] = {
        "match",    "mismatch", "not_found", "dead",
        "replaced", "frozen",   "duplicate", "invalid"};
    NDC_ASSERT((size_t)verdict < NDC_ARRAY_LEN(names));
    return names[verdict];
}

static void write_set(struct ndc_buf *out, unsigned set, const char *const *names,
                      size_t n)
{
    bool any = false;
    for (size_t i = 0; i < n; i++) {
        if (!(set >> i & 1)) continue;
        if (any) ndc_buf_add_byte(out, ' ');
        ndc_buf_add_str(out, ndc_str(names[i]));
        any = true;
    }
}

void ndc_fault_fields_write(struct ndc_buf *out, unsigned at, bool organisation)
{
    static const char *const person[] = {"person_id",   "full_name",      "birth_date",
                                         "chip_digest", "legal_rep_name", "legal_rep_id",
                                         "status",      "bank_account"};
    static const char *const firm[] = {"org_id",      "org_name",       "birth_date",
                                       "chip_digest", "legal_rep_name", "legal_rep_id",
                                       "org_status",  "bank_account"};
    write_set(out, at, organisation ? firm : person, NDC_ARRAY_LEN(person));
}

void ndc_notes_write(struct ndc_buf *out, unsigned notes)
{
    static const char *const names[NDC_NOTE_COUNT] = {
        "name_toneless", "name_order", "other_name", "birth_date_partial", "unchecked"};
    write_set(out, notes, names, NDC_NOTE_COUNT);
}

/* ---- probes ---- */

static bool is_hex(struct ndc_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f') && !(c >= 'A' && c <= 'F'))
            return false;
    }
    return s.len == 64;
}

static enum ndc_sheet_bad make_person(struct ndc_probe *p, const struct ndc_row *row,
                                      const struct ndc_projection_key *key,
                                      const struct ndc_people_ops *people, void *reader)
{
    char text[NDC_PEOPLE_TEXT_MAX], id[24];
    struct ndc_date birth;
    bool toneless;
    enum ndc_people_id_kind kind =
        people->id(id, row->value[NDC_COLUMN_PERSON_ID], false);
    if (kind == NDC_ID_NONE) return NDC_SHEET_BAD_ID;
    size_t n = people->name(reader, text, &toneless, row->value[NDC_COLUMN_FULL_NAME]);
    if (n == 0) return NDC_SHEET_BAD_NAME;
    struct ndc_name_hashes h = ndc_hash_name(key, ndc_str_n(text, n));
    p->key = ndc_hash_id(key, kind, ndc_str(id));
    p->name = h.name;
    p->plain = h.plain;
    p->order = h.order;
    p->toneless = toneless;
    struct ndc_str born = row->value[NDC_COLUMN_BIRTH_DATE];
    if (born.len) {
        if (!people->date(&birth, born)) return NDC_SHEET_BAD_DATE;
        p->birth = ndc_pack_date(birth);
    }
    struct ndc_str chip = row->value[NDC_COLUMN_CHIP];
    if (!chip.len) return NDC_SHEET_GOOD;
    if (!is_hex(chip)) return NDC_SHEET_BAD_CHIP;
    p->chip = ndc_hash_chip(key, chip);
    return NDC_SHEET_GOOD;
}

static enum ndc_sheet_bad make_firm(struct ndc_probe *p, const struct ndc_row *row,
                                    const struct ndc_projection_key *key,
                                    const struct ndc_people_ops *people, void *reader)
{
    char text[NDC_PEOPLE_TEXT_MAX], id[24];
    bool toneless;
    struct ndc_str name = row->value[NDC_COLUMN_ORG_NAME];
    struct ndc_str rep = row->value[NDC_COLUMN_REP_NAME];
    struct ndc_str rep_id = row->value[NDC_COLUMN_REP_ID];
    p->organisation = true;
    enum ndc_people_id_kind kind = people->id(id, row->value[NDC_COLUMN_ORG_ID], true);
    if (kind == NDC_ID_NONE) return NDC_SHEET_BAD_ID;
    p->key = ndc_hash_id(key, kind, ndc_str(id));
    struct ndc_name_hashes h = ndc_hash_name(key, name);
    if (!h.plain) return NDC_SHEET_BAD_NAME;
    p->name = h.name;
    p->plain = h.plain;
    if (rep.len) {
        size_t n = people->name(reader, text, &toneless, rep);
        if (n == 0) return NDC_SHEET_BAD_NAME;
        p->rep_name = ndc_hash_name(key, ndc_str_n(text, n)).plain;
    }
    if (rep_id.len) {
        if (people->id(id, rep_id, false) == NDC_ID_NONE) return NDC_SHEET_BAD_ID;
        p->birth = ndc_hash_number(key, ndc_str(id));
    }
    return NDC_SHEET_GOOD;
}

void ndc_probe_make(struct ndc_probe *p, const struct ndc_row *row,
                    const struct ndc_projection_key *key,
                    const struct ndc_people_ops *people, void *reader)
{
    struct ndc_str account = row->value[NDC_COLUMN_ACCOUNT];
    *p = (struct ndc_probe){0};
    enum ndc_sheet_bad bad = row->bad;
    if (!bad && (account.len == 0 || account.len > NDC_SHEET_ACCOUNT_MAX))
        bad = NDC_SHEET_BAD_ACCOUNT;
    if (!bad)
        bad = row->value[NDC_COLUMN_ORG_ID].len
                  ? make_firm(p, row, key, people, reader)
                  : make_person(p, row, key, people, reader);
    p->bad = (uint8_t)bad;
}

/* ---- comparing ---- */

/* Whether the name is the entity's, and what had to be passed over. */
static bool name_agrees(const struct ndc_probe *p, const struct ndc_entry *e,
                        unsigned *notes)
{
    bool toneless = p->toneless || ndc_entry_flags(e) & NDC_ENTRY_TONELESS;
    if (!e->plain) {
        *notes |= NDC_NOTE_UNCHECKED;
        return true;
    }
    if (p->name == e->name) return true;
    if (p->plain == e->plain) {
        /* Written with tones, and others than the store's: another name. A firm's name
         * may lose its tones anywhere. */
        if (!toneless && !p->organisation) return false;
        *notes |= NDC_NOTE_TONELESS;
        return true;
    }
    if (!p->organisation && e->alias && p->plain == e->alias) {
        *notes |= NDC_NOTE_OTHER_NAME;
        return true;
    }
    if (p->organisation && e->order && p->plain == e->order) {
        *notes |= NDC_NOTE_OTHER_NAME;
        return true;
    }
    if (!p->organisation && p->order == e->order) {
        *notes |= NDC_NOTE_ORDER;
        return true;
    }
    return false;
}

/* Dates agree as far as both are known. */
static bool birth_agrees(uint32_t sent, uint32_t known, unsigned *notes)
{
    enum { DAY = 0x1f, MONTH = 0x1e0 };
    if (!sent) return true;
    if (!known) {
        *notes |= NDC_NOTE_UNCHECKED;
        return true;
    }
    uint32_t mask = ~(uint32_t)0;
    if (!(sent & DAY) || !(known & DAY)) mask &= ~(uint32_t)DAY;
    if (!(sent & MONTH) || !(known & MONTH)) mask &= ~(uint32_t)(MONTH | DAY);
    if (mask != ~(uint32_t)0) *notes |= NDC_NOTE_BIRTH_PART;
    return (sent & mask) == (known & mask);
}

static bool hash_agrees(uint64_t sent, uint64_t known, unsigned *notes)
{
    if (sent && !known) *notes |= NDC_NOTE_UNCHECKED;
    return !sent || !known || sent == known;
}

static unsigned compare(const struct ndc_probe *p, const struct ndc_entry *e,
                        unsigned *notes)
{
    unsigned at = 0, flags = ndc_entry_flags(e);
    *notes = 0;
    if (flags & NDC_ENTRY_DOUBTFUL) at |= NDC_AT_ID;
    if (!name_agrees(p, e, notes)) at |= NDC_AT_NAME;
    if (p->organisation) {
        if (!hash_agrees(p->rep_name, e->alias, notes)) at |= NDC_AT_REP_NAME;
        if (!hash_agrees(p->birth, e->birth, notes)) at |= NDC_AT_REP_ID;
        return at;
    }
    if (!birth_agrees(p->birth, e->birth, notes)) at |= NDC_AT_BIRTH;
    /* The chip of a replaced card holds the number of then. */
    uint64_t chip = flags & NDC_ENTRY_CHIP && !(flags & NDC_ENTRY_FORMER) ? e->chip : 0;
    if (!hash_agrees(p->chip, chip, notes)) at |= NDC_AT_CHIP;
    return at;
}

/* Of several who hold a number: who has fewest fields at fault, then whose number it is
 * now, then the lowest entity. */
static unsigned rank(unsigned at, const struct ndc_entry *e)
{
    unsigned flags = ndc_entry_flags(e);
    return (unsigned)__builtin_popcount(at) * 4 + (flags & NDC_ENTRY_FORMER ? 1 : 0) +
           (flags & NDC_ENTRY_DOUBTFUL ? 2 : 0);
}

static bool is_frozen(const struct ndc_judge_terms *terms, const struct ndc_entry *e)
{
    uint64_t entity = ndc_entry_entity(e);
    size_t low = 0, high = terms->frozen_count;
    if (ndc_entry_flags(e) & NDC_ENTRY_FROZEN) return true;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (terms->frozen[mid] == entity) return true;
        if (terms->frozen[mid] < entity)
            low = mid + 1;
        else
            high = mid;
    }
    return false;
}

static enum ndc_verdict decide(unsigned *at, const struct ndc_entry *e,
                               const struct ndc_judge_terms *terms)
{
    unsigned flags = ndc_entry_flags(e);
    if (*at & (NDC_AT_NAME | NDC_AT_ID)) return NDC_VERDICT_MISMATCH;
    bool frozen = is_frozen(terms, e), dead = flags & NDC_ENTRY_DEAD;
    if ((frozen || dead) && !terms->status) {
        *at |= NDC_AT_STATUS;
        return NDC_VERDICT_MISMATCH;
    }
    if (frozen) return NDC_VERDICT_FROZEN;
    if (dead) return NDC_VERDICT_DEAD;
    if (*at) return NDC_VERDICT_MISMATCH;
    return flags & NDC_ENTRY_FORMER ? NDC_VERDICT_REPLACED : NDC_VERDICT_MATCH;
}

void ndc_judge(struct ndc_judgement *out, const struct ndc_probe *p,
               const struct ndc_projection *projection,
               const struct ndc_projection_key *key, const struct ndc_judge_terms *terms)
{
    const struct ndc_entry *found[NDC_PROJECTION_SAME_MAX], *best = NULL;
    unsigned at = 0, notes = 0;
    *out = (struct ndc_judgement){.verdict = NDC_VERDICT_NOT_FOUND};
    if (p->bad) {
        out->verdict = NDC_VERDICT_INVALID;
        return;
    }
    size_t n = ndc_projection_find(projection, p->key, found, NDC_ARRAY_LEN(found));
    for (size_t i = 0; i < n; i++) {
        unsigned own_notes, own = compare(p, found[i], &own_notes);
        bool is_firm = ndc_entry_flags(found[i]) & NDC_ENTRY_ORGANISATION;
        if (is_firm != (bool)p->organisation) continue;
        if (best) {
            unsigned a = rank(own, found[i]), b = rank(at, best);
            if (a > b || (a == b && ndc_entry_entity(found[i]) >= ndc_entry_entity(best)))
                continue;
        }
        best = found[i];
        at = own;
        notes = own_notes;
    }
    if (!best) return;
    out->verdict = (uint8_t)decide(&at, best, terms);
    out->at = (uint8_t)at;
    out->notes = (uint8_t)notes;
    if (out->verdict == NDC_VERDICT_REPLACED && terms->new_id &&
        ndc_entry_flags(best) & NDC_ENTRY_SEALED) {
        ndc_entry_unseal(out->new_id, key, best);
        out->has_new_id = true;
    }
}
