/* Entries of the projection: what is kept of a person, and how it is hashed. */
#include "base/vntext.h"
#include "crypto/digest.h"
#include "crypto/token.h"
#include "platforms/verify/projection.h"
#include "sys/file.h"
#include "sys/random.h"

#include <stdio.h>

enum { SEAL_BITS = 40, TEXT_MAX = 512, NAME_WORDS_MAX = 32 };

enum ndc_err ndc_projection_key_open(struct ndc_projection_key *key, const char *dir,
                                     struct ndc_fault *fault)
{
    char path[4200];
    struct ndc_buf buf;
    snprintf(path, sizeof(path), "%s/projection.key", dir);
    if (!ndc_file_exists(path)) {
        ndc_random_bytes(key, sizeof(*key));
        return ndc_file_write(path, ndc_str_n((const char *)key, sizeof(*key)), 0600,
                              fault);
    }
    ndc_buf_init(&buf, sizeof(*key));
    enum ndc_err err = ndc_file_read(&buf, path, fault);
    if (!err && buf.len != sizeof(*key))
        err = ndc_fail(fault, NDC_EINPUT, "projection.key",
                       "%s is no key of a projection; remove it to have a new one made, "
                       "with a new projection",
                       path);
    if (!err) memcpy(key, buf.ptr, sizeof(*key));
    if (buf.ptr) ndc_secret_wipe(buf.ptr, buf.len);
    ndc_buf_free(&buf);
    return err;
}

uint64_t ndc_hash_id(const struct ndc_projection_key *key, enum ndc_people_id_kind kind,
                     struct ndc_str value)
{
    char text[64];
    size_t n = NDC_MIN(value.len, sizeof(text) - 1);
    text[0] = (char)kind;
    memcpy(text + 1, value.ptr, n);
    return ndc_keyhash(key->id, ndc_str_n(text, n + 1));
}

/* 0 says that nothing is known. */
static uint32_t short_hash(const struct ndc_projection_key *key, char tag,
                           struct ndc_str s)
{
    char text[TEXT_MAX];
    size_t n = NDC_MIN(s.len, sizeof(text) - 1);
    text[0] = tag;
    memcpy(text + 1, s.ptr, n);
    uint32_t h = (uint32_t)ndc_keyhash(key->text, ndc_str_n(text, n + 1));
    return h ? h : 1;
}

struct ndc_name_hashes ndc_hash_name(const struct ndc_projection_key *key,
                                     struct ndc_str name)
{
    char toned[NDC_VN_ROOM(NDC_PEOPLE_TEXT_MAX)], plain[NDC_VN_ROOM(NDC_PEOPLE_TEXT_MAX)];
    struct ndc_name_hashes h = {0};
    struct ndc_str rest, word;
    uint64_t sum = 0;
    name.len = NDC_MIN(name.len, (size_t)NDC_PEOPLE_TEXT_MAX);
    size_t n = ndc_vn_fold(toned, name, NDC_VN_FOLD_CASE | NDC_VN_FOLD_YI, NULL);
    if (n == 0) return h;
    h.name = short_hash(key, 'n', ndc_str_n(toned, n));
    n = ndc_vn_fold(plain, name, NDC_VN_FOLD_FULL | NDC_VN_FOLD_YI, NULL);
    h.plain = short_hash(key, 'p', ndc_str_n(plain, n));
    rest = ndc_str_n(plain, n);
    for (int i = 0; i < NAME_WORDS_MAX && ndc_str_split(&rest, ' ', &word); i++)
        sum += ndc_keyhash(key->text, word);
    h.order = (uint32_t)(sum ^ sum >> 32);
    if (!h.order) h.order = 1;
    return h;
}

uint32_t ndc_hash_number(const struct ndc_projection_key *key, struct ndc_str value)
{
    return value.len ? short_hash(key, 'i', value) : 0;
}

uint64_t ndc_hash_chip(const struct ndc_projection_key *key, struct ndc_str hex)
{
    char low[64];
    if (hex.len != sizeof(low)) return 0;
    for (size_t i = 0; i < sizeof(low); i++) {
        char c = hex.ptr[i];
        low[i] = c >= 'A' && c <= 'F' ? (char)(c + 32) : c;
    }
    uint64_t h = ndc_keyhash(key->text, ndc_str_n(low, sizeof(low)));
    return h ? h : 1;
}

size_t ndc_chip_text(char out[static 512], struct ndc_str id, struct ndc_str name,
                     struct ndc_date birth)
{
    char clean[NDC_VN_ROOM(NDC_PEOPLE_TEXT_MAX)];
    char upper[NDC_VN_ROOM(NDC_VN_ROOM(NDC_PEOPLE_TEXT_MAX))];
    name.len = NDC_MIN(name.len, (size_t)NDC_PEOPLE_TEXT_MAX);
    size_t n = ndc_vn_clean(clean, name, NULL);
    n = ndc_vn_upper(upper, ndc_str_n(clean, n));
    int len = snprintf(out, 512, "%.*s\n%.*s\n%04d%02d%02d\n", NDC_STR_FMT(id), (int)n,
                       upper, birth.year, birth.month, birth.day);
    return len < 0 ? 0 : NDC_MIN((size_t)len, (size_t)511);
}

uint32_t ndc_pack_date(struct ndc_date date)
{
    return (uint32_t)date.year << 9 | (uint32_t)date.month << 5 | date.day;
}

static uint64_t pad_of(const struct ndc_projection_key *key, const struct ndc_entry *e)
{
    char text[8];
    memcpy(text, &e->key, sizeof(text));
    return ndc_keyhash(key->seal, ndc_str_n(text, sizeof(text))) &
           (((uint64_t)1 << SEAL_BITS) - 1);
}

/* A number of 12 digits is less than 2 to the 40. */
static bool seal(struct ndc_entry *e, const struct ndc_projection_key *key,
                 struct ndc_str id)
{
    uint64_t v;
    if (id.len != 12 || !ndc_str_to_u64(id, &v)) return false;
    e->sealed |= v ^ pad_of(key, e);
    return true;
}

void ndc_entry_unseal(char out[static 13], const struct ndc_projection_key *key,
                      const struct ndc_entry *e)
{
    uint64_t v = (e->sealed ^ pad_of(key, e)) & (((uint64_t)1 << SEAL_BITS) - 1);
    snprintf(out, 13, "%012llu", (unsigned long long)(v % 1000000000000u));
}

static void fill_person(struct ndc_entry *e, unsigned *flags,
                        const struct ndc_projection_key *key,
                        const struct ndc_people_facts *f)
{
    char text[512], hex[65];
    if (f->name_count > 1) e->alias = ndc_hash_name(key, f->names[1]).plain;
    e->birth = ndc_pack_date(f->birth);
    if (f->flags & NDC_PEOPLE_TONELESS) *flags |= NDC_ENTRY_TONELESS;
    if (!f->birth.day || !f->name_count || f->current_id.len != 12) return;
    ndc_sha256_hex(
        hex, ndc_str_n(text, ndc_chip_text(text, f->current_id, f->names[0], f->birth)));
    e->chip = ndc_hash_chip(key, ndc_str_n(hex, 64));
    *flags |= NDC_ENTRY_CHIP;
}

static void fill_organisation(struct ndc_entry *e, unsigned *flags,
                              const struct ndc_projection_key *key,
                              const struct ndc_people_facts *f)
{
    *flags |= NDC_ENTRY_ORGANISATION;
    if (f->rep_name.len) e->alias = ndc_hash_name(key, f->rep_name).plain;
    e->birth = ndc_hash_number(key, f->rep_id);
    /* A short name is the organisation's name too: word order has no meaning for it. */
    e->order = f->name_count > 1 ? ndc_hash_name(key, f->names[1]).plain : 0;
}

unsigned ndc_entries_of(struct ndc_entry out[static NDC_PEOPLE_IDS_MAX],
                        const struct ndc_projection_key *key,
                        const struct ndc_people_facts *f)
{
    struct ndc_entry base = {.entity = (uint32_t)f->entity};
    unsigned flags = 0, n = 0;
    if (f->flags & NDC_PEOPLE_GONE || f->entity >> NDC_PROJECTION_ENTITY_BITS) return 0;
    if (f->flags & NDC_PEOPLE_DEAD) flags |= NDC_ENTRY_DEAD;
    if (f->flags & NDC_PEOPLE_FROZEN) flags |= NDC_ENTRY_FROZEN;
    if (f->name_count) {
        struct ndc_name_hashes h = ndc_hash_name(key, f->names[0]);
        base.name = h.name;
        base.plain = h.plain;
        base.order = h.order;
    }
    if (f->type == NDC_ENTITY_PERSON)
        fill_person(&base, &flags, key, f);
    else
        fill_organisation(&base, &flags, key, f);
    for (unsigned i = 0; i < f->id_count; i++) {
        struct ndc_entry *e = &out[n++];
        unsigned own = flags;
        *e = base;
        e->key = ndc_hash_id(key, f->ids[i].kind, f->ids[i].value);
        e->sealed = (f->entity >> 32 & 0xff) << SEAL_BITS;
        if (f->ids[i].state == NDC_ID_FORMER) own |= NDC_ENTRY_FORMER;
        if (f->ids[i].state == NDC_ID_DOUBTFUL) own |= NDC_ENTRY_DOUBTFUL;
        if (own & NDC_ENTRY_FORMER && seal(e, key, f->current_id))
            own |= NDC_ENTRY_SEALED;
        e->sealed |= (uint64_t)own << 48;
    }
    return n;
}
