/* Facts of people and organisations for other platforms (core/people.h): told from the
 * golden record, and from the records where it has only one of several numbers. A scan
 * reads payloads in one snapshot and decodes them on all processors. */
#include "platforms/registry/serve/people.h"
#include "platforms/registry/shard/payloads.h"

#include "platforms/registry/change/change.h"
#include "platforms/registry/entity/index.h"
#include "platforms/registry/live/live.h"
#include "platforms/registry/normalise/normalise.h"

#include <threads.h>

enum {
    BATCH = 4096,            /* entities decoded together */
    CHUNK = 256,             /* of them by one thread at a time */
    BATCH_BYTES = 64 << 20,  /* of payloads */
    ARENA_BYTES = 256 << 20, /* of one chunk, decoded */
    CHANGES_MAX = 10000,
    FOUND_MAX = 16 /* under one number */
};

struct fields {
    unsigned person_id, old_id, passport_no, full_name, other_name, birth_date;
    unsigned death_date, status;
    unsigned org_id, org_name, org_short_name, org_status, closed_date;
    unsigned rep_name, rep_id;
    unsigned father_id, mother_id;
};

static unsigned id_of(const char *code)
{
    const struct ndc_field *f = ndc_field_find(ndc_str(code));
    NDC_ASSERT(f);
    return f->id;
}

static struct fields known;
static once_flag found = ONCE_FLAG_INIT;

static void find_fields(void)
{
    known = (struct fields){
        .person_id = id_of("person_id"),
        .old_id = id_of("old_id"),
        .passport_no = id_of("passport_no"),
        .full_name = id_of("full_name"),
        .other_name = id_of("other_name"),
        .birth_date = id_of("birth_date"),
        .death_date = id_of("death_date"),
        .status = id_of("status"),
        .org_id = id_of("org_id"),
        .org_name = id_of("org_name"),
        .org_short_name = id_of("org_short_name"),
        .org_status = id_of("org_status"),
        .closed_date = id_of("closed_date"),
        .rep_name = id_of("legal_rep_name"),
        .rep_id = id_of("legal_rep_id"),
        .father_id = id_of("father_id"),
        .mother_id = id_of("mother_id"),
    };
}

static struct ndc_str golden(const struct ndc_entity_view *v, unsigned field)
{
    const struct ndc_golden *g = ndc_entity_golden(v, field);
    return g ? g->value->value : NDC_STR_NULL;
}

static bool one_of(struct ndc_str s, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (ndc_str_ieq(s, ndc_str(words[i]))) return true;
    return false;
}

static void add_id(struct ndc_people_facts *f, enum ndc_people_id_kind kind,
                   enum ndc_people_id_state state, struct ndc_str value)
{
    for (unsigned i = 0; i < f->id_count; i++) {
        struct ndc_people_id *had = &f->ids[i];
        if (had->kind != kind || !ndc_str_eq(had->value, value)) continue;
        had->state = NDC_MIN(had->state, state);
        return;
    }
    if (f->id_count < NDC_PEOPLE_IDS_MAX && value.len)
        f->ids[f->id_count++] = (struct ndc_people_id){kind, state, value};
}

static void add_name(struct ndc_people_facts *f, struct ndc_str name)
{
    for (unsigned i = 0; i < f->name_count; i++)
        if (ndc_str_eq(f->names[i], name)) return;
    if (f->name_count < NDC_PEOPLE_NAMES_MAX && name.len)
        f->names[f->name_count++] = name;
}

/* Whether the source's word on the field counts as that of an authority. */
static bool is_authority(const struct ndc_registry *reg, uint32_t source, unsigned field)
{
    return source <= NDC_REGISTRY_SOURCES_MAX && reg->authority[source][field] != 0;
}

static void add_person(struct ndc_people_facts *f, const struct ndc_registry *reg,
                       const struct ndc_entity_view *v)
{
    static const char *const dead[] = {"dead", "deceased"};
    static const char *const frozen[] = {"frozen", "blocked"};
    f->current_id = golden(v, known.person_id);
    add_id(f, NDC_ID_PERSONAL, NDC_ID_CURRENT, f->current_id);
    add_name(f, golden(v, known.full_name));
    add_name(f, golden(v, known.other_name));
    (void)ndc_date_parse_iso(golden(v, known.birth_date), &f->birth);
    f->parent_ids[0] = golden(v, known.father_id);
    f->parent_ids[1] = golden(v, known.mother_id);
    if (golden(v, known.death_date).len ||
        one_of(golden(v, known.status), dead, NDC_ARRAY_LEN(dead)))
        f->flags |= NDC_PEOPLE_DEAD;
    if (one_of(golden(v, known.status), frozen, NDC_ARRAY_LEN(frozen)))
        f->flags |= NDC_PEOPLE_FROZEN;
    const struct ndc_golden *name = ndc_entity_golden(v, known.full_name);
    if (name && name->value->flags & NDC_RECORD_TONELESS) f->flags |= NDC_PEOPLE_TONELESS;
    for (unsigned i = 0; i < v->record_count; i++) {
        const struct ndc_record *r = &v->records[i];
        for (unsigned k = 0; k < r->count; k++) {
            const struct ndc_record_field *field = &r->fields[k];
            if (!field->value.len) continue;
            if (field->field == known.person_id)
                add_id(f, NDC_ID_PERSONAL,
                       is_authority(reg, r->source, known.person_id) ? NDC_ID_FORMER
                                                                     : NDC_ID_DOUBTFUL,
                       field->value);
            else if (field->field == known.old_id)
                add_id(f, NDC_ID_OLD, NDC_ID_FORMER, field->value);
            else if (field->field == known.passport_no)
                add_id(f, NDC_ID_PASSPORT, NDC_ID_CURRENT, field->value);
            else if (field->field == known.other_name)
                add_name(f, field->value);
        }
    }
}

static void add_organisation(struct ndc_people_facts *f, const struct ndc_registry *reg,
                             const struct ndc_entity_view *v)
{
    static const char *const closed[] = {"closed", "dissolved"};
    f->current_id = golden(v, known.org_id);
    add_id(f, NDC_ID_ORGANISATION, NDC_ID_CURRENT, f->current_id);
    add_name(f, golden(v, known.org_name));
    add_name(f, golden(v, known.org_short_name));
    f->rep_name = golden(v, known.rep_name);
    f->rep_id = golden(v, known.rep_id);
    if (golden(v, known.closed_date).len ||
        one_of(golden(v, known.org_status), closed, NDC_ARRAY_LEN(closed)))
        f->flags |= NDC_PEOPLE_DEAD;
    for (unsigned i = 0; i < v->record_count; i++) {
        const struct ndc_record_field *id = ndc_record_find(&v->records[i], known.org_id);
        if (id)
            add_id(f, NDC_ID_ORGANISATION,
                   is_authority(reg, v->records[i].source, known.org_id)
                       ? NDC_ID_FORMER
                       : NDC_ID_DOUBTFUL,
                   id->value);
    }
}

void ndc_registry_facts(struct ndc_people_facts *f, const struct ndc_registry *reg,
                        uint64_t entity, const struct ndc_entity_view *v)
{
    bool held = false;
    call_once(&found, find_fields);
    *f = (struct ndc_people_facts){.entity = entity, .type = v->type};
    for (unsigned i = 0; i < v->record_count; i++)
        held |= !(v->records[i].flags & NDC_RECORD_ENDED);
    if (!held)
        f->flags = NDC_PEOPLE_GONE;
    else if (v->type == NDC_ENTITY_PERSON)
        add_person(f, reg, v);
    else
        add_organisation(f, reg, v);
}

/* ---- scan ---- */

struct item {
    uint64_t entity;
    size_t at, len; /* in the batch's bytes */
};

struct batch {
    const struct ndc_registry *reg;
    struct ndc_buf bytes;
    struct item items[BATCH];
    struct ndc_people_facts facts[BATCH];
    bool damaged[BATCH / CHUNK];
    struct ndc_arena arenas[BATCH / CHUNK];
    size_t n;
};

static void decode_chunk(void *arg, size_t chunk)
{
    struct batch *b = arg;
    struct ndc_arena *arena = &b->arenas[chunk];
    ndc_arena_reset(arena);
    b->damaged[chunk] = false;
    for (size_t i = chunk * CHUNK; i < NDC_MIN((chunk + 1) * CHUNK, b->n); i++) {
        struct ndc_entity_view view;
        struct ndc_str payload =
            ndc_str_n(b->bytes.ptr + b->items[i].at, b->items[i].len);
        if (!ndc_entity_decode(&view, arena, payload) || arena->overflow) {
            b->damaged[chunk] = true;
            return;
        }
        ndc_registry_facts(&b->facts[i], b->reg, b->items[i].entity, &view);
    }
}

static enum ndc_err flush(struct batch *b, ndc_people_visit *visit, void *arg,
                          struct ndc_fault *fault)
{
    size_t chunks = (b->n + CHUNK - 1) / CHUNK;
    if (b->n == 0) return NDC_OK;
    ndc_parallel_for(b->reg->threads, chunks, decode_chunk, b);
    for (size_t i = 0; i < chunks; i++)
        if (b->damaged[i])
            return ndc_fail(
                fault, NDC_EDB, "registry.entity_damaged",
                "a stored record is damaged; run \"ndc link run\" to build it "
                "anew from its sources");
    enum ndc_err err = visit(arg, b->facts, b->n, fault);
    b->n = 0;
    ndc_buf_reset(&b->bytes);
    return err;
}

static struct batch *batch_new(const struct ndc_registry *reg)
{
    struct batch *b = ndc_xcalloc(1, sizeof(*b));
    b->reg = reg;
    ndc_buf_init(&b->bytes, (size_t)2 * BATCH_BYTES);
    for (size_t i = 0; i < NDC_ARRAY_LEN(b->arenas); i++)
        ndc_arena_init(&b->arenas[i], ARENA_BYTES);
    return b;
}

static void batch_free(struct batch *b)
{
    for (size_t i = 0; i < NDC_ARRAY_LEN(b->arenas); i++)
        ndc_arena_free(&b->arenas[i]);
    ndc_buf_free(&b->bytes);
    free(b);
}

static enum ndc_err scan_rows(struct ndc_registry *reg, struct ndc_store_conn *conn,
                              struct batch *b, ndc_people_visit *visit, void *arg,
                              struct ndc_fault *fault)
{
    enum ndc_err err = NDC_OK;
    const struct ndc_payload_range all = {0};
    const struct ndc_payload *row;
    struct ndc_payloads *rows = ndc_payloads_open(reg, conn, &all);
    while (!err && (row = ndc_payloads_next(rows))) {
        b->items[b->n++] = (struct item){row->entity, b->bytes.len, row->payload.len};
        ndc_buf_add_str(&b->bytes, row->payload);
        if (b->n == BATCH || b->bytes.len >= BATCH_BYTES)
            err = flush(b, visit, arg, fault);
    }
    enum ndc_err ended = ndc_payloads_close(rows, err ? NULL : fault);
    return err ? err : ended;
}

/* What live changes hold that the payloads below have not yet is told by `changes`: the
 * moment is the one before the oldest of them. On shards some may be newer than that
 * moment; `changes` tells of these again. */
static enum ndc_err read_moment(struct ndc_store_conn *conn, int64_t *seq,
                                struct ndc_fault *fault)
{
    int64_t recent = 0;
    enum ndc_err err = ndc_sql_i64(
        conn, &recent, "SELECT coalesce(min(seq), 0) FROM registry_recent WHERE seq > 0",
        NDC_NO_ARGS, fault);
    if (!err && !recent) return ndc_change_last(conn, seq, fault);
    *seq = recent - 1;
    return err;
}

static enum ndc_err scan(void *ctx, struct ndc_people_moment *moment, uint64_t *total,
                         ndc_people_visit *visit, void *arg, struct ndc_fault *fault)
{
    struct ndc_registry *reg = ctx;
    struct ndc_store_conn *conn;
    int64_t count = 0;
    enum ndc_err err = ndc_store_take(reg->store, NDC_READ, &conn, fault);
    if (err) return err;
    struct batch *b = batch_new(reg);
    ndc_store_conn_timeout(conn, 0);
    moment->generation = ndc_registry_generation(reg);
    err = ndc_tx_begin(conn, fault);
    if (!err) err = read_moment(conn, &moment->seq, fault);
    if (!err) err = ndc_payload_count(reg, conn, &count, fault);
    *total = (uint64_t)count;
    if (!err) err = scan_rows(reg, conn, b, visit, arg, fault);
    if (!err) err = flush(b, visit, arg, fault);
    ndc_store_give(conn);
    batch_free(b);
    return err;
}

/* ---- changes ---- */

static enum ndc_err tell_now(struct ndc_registry *reg, struct ndc_store_conn *conn,
                             struct ndc_arena *arena, uint64_t entity,
                             ndc_people_visit *visit, void *arg, struct ndc_fault *fault)
{
    struct ndc_people_facts facts;
    struct ndc_entity_view view;
    struct ndc_fault none = {0};
    uint64_t now = entity;
    ndc_arena_reset(arena);
    enum ndc_err err = ndc_registry_read(reg, conn, arena, &now, &view, &none);
    if (err && err != NDC_ENOTFOUND) {
        if (fault) *fault = none;
        return err;
    }
    if (err || now != entity)
        facts = (struct ndc_people_facts){.entity = entity, .flags = NDC_PEOPLE_GONE};
    else
        ndc_registry_facts(&facts, reg, entity, &view);
    return visit(arg, &facts, 1, fault);
}

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* The entities that changes after `after` touched, each once, ascending. */
static enum ndc_err touched(struct ndc_store_conn *conn, int64_t after, size_t max,
                            uint64_t *entities, size_t *n, int64_t *last, bool *anew,
                            struct ndc_fault *fault)
{
    size_t count = 0, kept = 0;
    struct ndc_rows *rows = ndc_sql_query(
        conn,
        "SELECT seq, entity, other, kind FROM registry_change WHERE seq > $1 "
        "ORDER BY seq LIMIT $2",
        NDC_ARGS(ndc_int(after), ndc_int((int64_t)max)));
    *last = after;
    *anew = false;
    while (ndc_rows_next(rows)) {
        /* Numbers have no gaps: what is missing has been purged. */
        if (ndc_rows_i64(rows, 0) != *last + 1) *anew = true;
        *last = ndc_rows_i64(rows, 0);
        uint64_t entity = (uint64_t)ndc_rows_i64(rows, 1);
        uint64_t other = (uint64_t)ndc_rows_i64(rows, 2);
        if (entity == 0) *anew = true; /* a generation */
        if (entity) entities[count++] = entity;
        if (other) entities[count++] = other;
    }
    if (count) qsort(entities, count, sizeof(*entities), by_number);
    for (size_t i = 0; i < count; i++)
        if (i == 0 || entities[i] != entities[i - 1]) entities[kept++] = entities[i];
    *n = kept;
    return ndc_rows_end(rows, fault);
}

static enum ndc_err changes(void *ctx, int64_t after, size_t max, int64_t *last,
                            bool *anew, ndc_people_visit *visit, void *arg,
                            struct ndc_fault *fault)
{
    struct ndc_registry *reg = ctx;
    struct ndc_store_conn *conn;
    struct ndc_arena arena;
    size_t n = 0;
    max = NDC_MIN(max, (size_t)CHANGES_MAX);
    enum ndc_err err = ndc_store_take(reg->store, NDC_READ, &conn, fault);
    if (err) return err;
    uint64_t *entities = ndc_xmalloc(2 * max * sizeof(*entities));
    ndc_arena_init(&arena, ARENA_BYTES);
    err = touched(conn, after, max, entities, &n, last, anew, fault);
    for (size_t i = 0; i < n && !err && !*anew; i++)
        err = tell_now(reg, conn, &arena, entities[i], visit, arg, fault);
    ndc_arena_free(&arena);
    free(entities);
    ndc_store_give(conn);
    return err;
}

static enum ndc_err moment_now(void *ctx, struct ndc_people_moment *out,
                               struct ndc_fault *fault)
{
    struct ndc_registry *reg = ctx;
    struct ndc_store_conn *conn;
    enum ndc_err err = ndc_store_take(reg->store, NDC_READ, &conn, fault);
    if (err) return err;
    out->generation = ndc_registry_generation(reg);
    err = ndc_change_last(conn, &out->seq, fault);
    ndc_store_give(conn);
    return err;
}

/* ---- one of them ---- */

static unsigned field_of(enum ndc_people_id_kind kind)
{
    call_once(&found, find_fields);
    return kind == NDC_ID_PERSONAL   ? known.person_id
           : kind == NDC_ID_OLD      ? known.old_id
           : kind == NDC_ID_PASSPORT ? known.passport_no
                                     : known.org_id;
}

/* Keys of the index are hashes: whoever is there by chance has no such number. */
static bool holds(const struct ndc_people_facts *f, enum ndc_people_id_kind kind,
                  struct ndc_str value)
{
    for (unsigned i = 0; i < f->id_count; i++)
        if (f->ids[i].kind == kind && ndc_str_eq(f->ids[i].value, value)) return true;
    return false;
}

static enum ndc_err find_one(struct ndc_registry *reg, struct ndc_store_conn *conn,
                             struct ndc_arena *arena, uint64_t *entity,
                             struct ndc_people_facts *facts, struct ndc_fault *fault)
{
    struct ndc_entity_view view;
    struct ndc_fault none = {0};
    ndc_arena_reset(arena);
    *facts = (struct ndc_people_facts){.flags = NDC_PEOPLE_GONE};
    enum ndc_err err = ndc_registry_read(reg, conn, arena, entity, &view, &none);
    if (err == NDC_ENOTFOUND) return NDC_OK; /* an entry of before */
    if (err) {
        if (fault) *fault = none;
        return err;
    }
    ndc_registry_facts(facts, reg, *entity, &view);
    return NDC_OK;
}

static enum ndc_err find(void *ctx, enum ndc_people_id_kind kind, struct ndc_str value,
                         ndc_people_visit *visit, void *arg, struct ndc_fault *fault)
{
    struct ndc_registry *reg = ctx;
    struct ndc_store_conn *conn;
    struct ndc_arena arena;
    struct ndc_people_facts facts;
    uint64_t numbers[FOUND_MAX];
    size_t n = 0;
    enum ndc_err err = ndc_store_take(reg->store, NDC_READ, &conn, fault);
    if (err) return err;
    ndc_arena_init(&arena, ARENA_BYTES);
    err = ndc_live_lookup(reg->live, conn,
                          ndc_index_key(NDC_INDEX_ID, field_of(kind), value), numbers,
                          FOUND_MAX, &n, fault);
    for (size_t i = 0; i < n && !err; i++) {
        bool told = false;
        err = find_one(reg, conn, &arena, &numbers[i], &facts, fault);
        for (size_t k = 0; k < i; k++)
            told |= numbers[k] == numbers[i]; /* two that are one by now */
        if (!err && !told && !(facts.flags & NDC_PEOPLE_GONE) &&
            holds(&facts, kind, value))
            err = visit(arg, &facts, 1, fault);
    }
    ndc_arena_free(&arena);
    ndc_store_give(conn);
    return err;
}

static struct ndc_people_claim claim_of(struct ndc_registry *reg, struct ndc_arena *arena,
                                        const struct ndc_record *r,
                                        const struct ndc_golden *g)
{
    struct ndc_registered *s = ndc_registry_by_number(reg, r->source);
    struct ndc_people_claim c = {.field = g->field,
                                 .value = ndc_arena_str(arena, g->value->value),
                                 .seen_ms = (int64_t)r->seen_s * 1000};
    if (!s) return c;
    c.source = s->source->id; /* a declaration is never freed */
    c.title_vi = s->source->title.vi;
    c.title_en = s->source->title.en;
    c.agency = s->source->agency;
    return c;
}

static enum ndc_err claims(void *ctx, struct ndc_arena *arena, uint64_t entity,
                           struct ndc_people_claim **out, size_t *n,
                           struct ndc_fault *fault)
{
    struct ndc_registry *reg = ctx;
    struct ndc_store_conn *conn;
    struct ndc_entity_view view;
    *n = 0;
    enum ndc_err err = ndc_store_take(reg->store, NDC_READ, &conn, fault);
    if (err) return err;
    err = ndc_registry_read(reg, conn, arena, &entity, &view, fault);
    ndc_store_give(conn);
    if (err) return err;
    *out = NDC_ARENA_ARRAY(arena, struct ndc_people_claim, view.golden_count + 1);
    for (unsigned i = 0; i < view.golden_count && *out; i++) {
        const struct ndc_golden *g = &view.golden[i];
        (*out)[(*n)++] = claim_of(reg, arena, &view.records[g->record], g);
    }
    return NDC_OK;
}

static void entity_text(char out[static NDC_PEOPLE_ENTITY_TEXT], enum ndc_entity type,
                        uint64_t entity)
{
    _Static_assert((int)NDC_ENTITY_ID_LEN < (int)NDC_PEOPLE_ENTITY_TEXT, "an id fits");
    ndc_entity_id_format(out, type, entity);
}

/* ---- reading what people write ---- */

static void *reader_new(void)
{
    return ndc_norm_memo_new();
}

static void reader_free(void *reader)
{
    ndc_norm_memo_free(reader);
}

static size_t read_name(void *reader, char *out, bool *toneless, struct ndc_str raw)
{
    struct ndc_norm_name name;
    _Static_assert(sizeof(name.text) <= NDC_PEOPLE_TEXT_MAX, "a name has room");
    *toneless = false;
    if (ndc_norm_name_again(&name, reader, raw)) return 0;
    *toneless = name.flags & NDC_NORM_TONELESS;
    memcpy(out, name.text, name.len);
    return name.len;
}

static enum ndc_people_id_kind read_id(char *out, struct ndc_str raw, bool organisation)
{
    struct ndc_norm_person_id person;
    struct ndc_norm_value value;
    enum ndc_people_id_kind kind = NDC_ID_NONE;
    const char *text = "";
    size_t digits = 0;
    for (size_t i = 0; i < raw.len; i++)
        digits += raw.ptr[i] >= '0' && raw.ptr[i] <= '9';
    if (organisation) {
        if (ndc_norm_tax_code(&value, raw)) return NDC_ID_NONE;
        kind = NDC_ID_ORGANISATION;
        text = value.text;
    } else if (digits == 9 && !ndc_norm_old_id(&value, raw)) {
        kind = NDC_ID_OLD;
        text = value.text;
    } else if (digits >= 10 && !ndc_norm_person_id(&person, raw, 0)) {
        kind = NDC_ID_PERSONAL;
        text = person.text;
    } else if (digits < 9 && !ndc_norm_passport(&value, raw)) {
        kind = NDC_ID_PASSPORT;
        text = value.text;
    }
    size_t len = strlen(text);
    NDC_ASSERT(len < 24);
    memcpy(out, text, len + 1);
    return kind;
}

static bool read_date(struct ndc_date *out, struct ndc_str raw)
{
    static const struct ndc_norm_date_rule day_first = {.order = NDC_NORM_DMY};
    struct ndc_norm_date date;
    if (ndc_date_parse_iso(raw, out)) return true;
    if (ndc_norm_date(&date, raw, &day_first)) return false;
    *out = date.date;
    return true;
}

const struct ndc_people_ops ndc_registry_people = {
    .moment = moment_now,
    .scan = scan,
    .changes = changes,
    .find = find,
    .claims = claims,
    .entity_text = entity_text,
    .reader_new = reader_new,
    .reader_free = reader_free,
    .name = read_name,
    .id = read_id,
    .date = read_date,
};
