/* Rows to records. */
#include "platforms/registry/load/map.h"

#include "base/utf8.h"
#include "platforms/registry/load/map_memo.h"
#include "platforms/registry/source/rules.h"

enum { ROW_BYTES_MAX = 4 << 20 };

/* Fields that are compared with each other in every row of people. */
enum note { NOTE_NONE, NOTE_PERSON_ID, NOTE_SEX, NOTE_BIRTH, NOTE_COUNT };

struct column {
    const struct ndc_source_field *declared;
    enum note note;
    unsigned index; /* in source->fields */
    int at[NDC_SOURCE_JOINED_MAX];
    enum ndc_map_kind kind;
    bool expected, future_allowed;
    unsigned class; /* of values remembered: columns that are mapped alike; 0: none */
    struct ndc_map_pays pays;
};

struct ndc_mapper {
    const struct ndc_source *source;
    unsigned column_count;
    struct column *columns;
    int key[NDC_SOURCE_KEY_MAX];
    int op, time;
    int *unmapped; /* file columns that no field names */
    unsigned unmapped_count;
    struct ndc_date today;
    char today_text[11];
    unsigned old_id_field, person_id_field;
    /* Of the row in hand, what a personal number is compared with; NULL: not there. */
    const struct ndc_record_field *noted[NOTE_COUNT];
    struct ndc_norm_person_id id; /* what the personal number says */
    struct ndc_arena arena;
    struct ndc_record_field fields[NDC_RECORD_FIELDS_MAX];
    struct ndc_map_result result;
    struct ndc_norm_memo *memo;
    struct ndc_map_memo *values;
};

static unsigned field_id(const char *code)
{
    const struct ndc_field *f = ndc_field_find(ndc_str(code));
    NDC_ASSERT(f);
    return f->id;
}

static bool in_list(const char *code, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i], code) == 0) return true;
    return false;
}

/* Numbers, dates and names are new in most rows or quicker read than looked up. */
static unsigned class_of(const struct column *c)
{
    enum { CLASSES = NDC_MAP_NUMBER + 1 };
    bool again = c->kind == NDC_MAP_TEXT || c->kind == NDC_MAP_CODE ||
                 c->kind == NDC_MAP_SEX || c->kind == NDC_MAP_ADDRESS;
    if (!again) return 0;
    if (c->declared->value_count == 0) return 1u + c->kind;
    return c->index + 1 + CLASSES > UINT8_MAX ? 0 : c->index + 1 + CLASSES;
}

static void resolve_column(struct column *c, const struct ndc_source_field *f,
                           unsigned index, const struct ndc_connect *connect,
                           bool is_thing)
{
    static const char *const expected[] = {"full_name", "birth_date", "sex",
                                           "person_id", "org_name",   "org_id"};
    static const char *const future[] = {"exit_date"};
    *c = (struct column){.declared = f, .index = index};
    for (unsigned k = 0; k < f->column_count; k++)
        c->at[k] = ndc_connect_column(connect, f->columns[k]);
    if (!f->field) return;
    if (is_thing) { /* fields of its own; a reference takes its identifier's form */
        c->kind = f->as && f->as->kind == f->field->kind
                      ? ndc_map_kind_of(f->as)
                      : ndc_map_kind_of_value(f->field->kind);
        c->expected = f->required;
        c->future_allowed = true;
        c->class = f->geometry ? 0 : class_of(c);
        return;
    }
    c->kind = ndc_map_kind_of(f->field);
    c->expected =
        f->required || in_list(f->field->code, expected, NDC_ARRAY_LEN(expected));
    c->future_allowed = in_list(f->field->code, future, NDC_ARRAY_LEN(future));
    c->note = strcmp(f->field->code, "person_id") == 0    ? NOTE_PERSON_ID
              : strcmp(f->field->code, "sex") == 0        ? NOTE_SEX
              : strcmp(f->field->code, "birth_date") == 0 ? NOTE_BIRTH
                                                          : NOTE_NONE;
    c->class = class_of(c);
}

static bool is_declared(const struct ndc_source *s, struct ndc_str name)
{
    for (unsigned i = 0; i < s->field_count; i++)
        for (unsigned k = 0; k < s->fields[i].column_count; k++)
            if (ndc_str_eq(s->fields[i].columns[k], name)) return true;
    for (unsigned i = 0; i < s->key_count; i++)
        if (ndc_str_eq(s->key[i], name)) return true;
    /* These two are of a change, not of the record (live/live.h). */
    return ndc_str_eq(s->op_column, name) || ndc_str_eq(name, NDC_STR("_op")) ||
           ndc_str_eq(name, NDC_STR("_version"));
}

struct ndc_mapper *ndc_mapper_new(const struct ndc_source *source,
                                  const struct ndc_connect *connect,
                                  struct ndc_date today)
{
    struct ndc_mapper *m = ndc_xcalloc(1, sizeof(*m));
    size_t n;
    const struct ndc_str *names = ndc_connect_columns(connect, &n);
    m->source = source;
    m->today = today;
    ndc_date_format(m->today_text, today);
    m->columns = ndc_xcalloc(source->field_count, sizeof(*m->columns));
    for (unsigned i = 0; i < source->field_count; i++)
        resolve_column(&m->columns[m->column_count++], &source->fields[i], i, connect,
                       source->thing);
    for (unsigned i = 0; i < source->key_count; i++)
        m->key[i] = ndc_connect_column(connect, source->key[i]);
    m->op = source->op_column.len ? ndc_connect_column(connect, source->op_column) : -1;
    m->time =
        source->time_column.len ? ndc_connect_column(connect, source->time_column) : -1;
    m->unmapped = ndc_xcalloc(n, sizeof(*m->unmapped));
    for (size_t i = 0; i < n; i++)
        if (!is_declared(source, names[i])) m->unmapped[m->unmapped_count++] = (int)i;
    m->old_id_field = field_id("old_id");
    m->person_id_field = field_id("person_id");
    m->memo = ndc_norm_memo_new();
    m->values = ndc_map_memo_new();
    ndc_arena_init(&m->arena, ROW_BYTES_MAX * 4);
    return m;
}

void ndc_mapper_free(struct ndc_mapper *m)
{
    if (!m) return;
    ndc_norm_memo_free(m->memo);
    ndc_map_memo_free(m->values);
    ndc_arena_free(&m->arena);
    free(m->columns);
    free(m->unmapped);
    free(m);
}

void ndc_mapped_add(struct ndc_mapped *mapped, const struct ndc_reason *reason,
                    struct ndc_quality *quality)
{
    ndc_quality_add(quality, reason);
    mapped->blocked |= reason->blocks;
    if (mapped->reason_count < NDC_REASONS_PER_ROW_MAX)
        mapped->reasons[mapped->reason_count++] = *reason;
}

static void add_norm_reason(struct ndc_mapped *out, struct ndc_quality *q, int field,
                            enum ndc_norm_reason code, bool blocks, struct ndc_str value)
{
    const struct ndc_norm_reason_info *info = ndc_norm_reason_info(code);
    struct ndc_reason reason = {.field = field,
                                .code = info->code,
                                .title = {ndc_str(info->vi), ndc_str(info->en)},
                                .criterion = (enum ndc_criterion)info->criterion,
                                .blocks = blocks,
                                .value = value};
    ndc_mapped_add(out, &reason, q);
}

/* What is noticed about a good value counts in the scorecard, and never blocks. */
static void count_notices(struct ndc_quality *q, const struct column *c, uint32_t flags)
{
    static const struct {
        uint32_t flag;
        struct ndc_reason reason;
    } notices[] = {
        {NDC_NORM_TONELESS,
         {.code = "notice.toneless",
          .title = {{"Viết không dấu", 19}, {"Written without tones", 21}},
          .criterion = NDC_CLEAN}},
        {NDC_NORM_REPAIRED,
         {.code = "notice.repaired",
          .title = {{"Đã tự sửa khi tiếp nhận", 33}, {"Mended on the way in", 20}},
          .criterion = NDC_CLEAN}},
        {NDC_NORM_FORMER,
         {.code = "notice.former_unit",
          .title = {{"Đơn vị hành chính cũ", 27}, {"Former administrative unit", 26}},
          .criterion = NDC_LIVE}},
    };
    q->checked[NDC_CLEAN]++;
    if (c->kind == NDC_MAP_ADDRESS) q->checked[NDC_LIVE]++;
    if (!(flags & (NDC_NORM_TONELESS | NDC_NORM_REPAIRED | NDC_NORM_FORMER))) return;
    for (size_t i = 0; i < NDC_ARRAY_LEN(notices); i++) {
        if (!(flags & notices[i].flag)) continue;
        if (notices[i].flag == NDC_NORM_TONELESS && c->kind != NDC_MAP_NAME) continue;
        struct ndc_reason reason = notices[i].reason;
        reason.field = (int)c->index;
        ndc_quality_add(q, &reason);
    }
    if (flags & NDC_NORM_REPAIRED) q->fields[c->index].repaired++;
}

/* The column's text, or several joined with ", ". */
static struct ndc_str column_text(struct ndc_mapper *m, const struct column *c,
                                  const struct ndc_connect_row *row)
{
    if (c->declared->column_count == 1) return row->values[c->at[0]];
    struct ndc_buf joined;
    ndc_buf_init(&joined, ROW_BYTES_MAX);
    for (unsigned k = 0; k < c->declared->column_count; k++) {
        struct ndc_str part = ndc_str_trim(row->values[c->at[k]]);
        if (part.len == 0) continue;
        if (joined.len) ndc_buf_add_c(&joined, ", ");
        ndc_buf_add_str(&joined, part);
    }
    struct ndc_str text = ndc_arena_str(&m->arena, ndc_buf_str(&joined));
    ndc_buf_free(&joined);
    return text;
}

static uint8_t record_flags(uint32_t flags)
{
    uint8_t out = 0;
    if (flags & NDC_NORM_TONELESS) out |= NDC_RECORD_TONELESS;
    if (flags & NDC_NORM_REPAIRED) out |= NDC_RECORD_REPAIRED;
    if (flags & NDC_NORM_PARTIAL) out |= NDC_RECORD_PARTIAL;
    return out;
}

static struct ndc_str translate(const struct ndc_source_field *f, struct ndc_str raw)
{
    struct ndc_str key = ndc_str_trim(raw);
    for (unsigned i = 0; i < f->value_count; i++)
        if (ndc_str_eq(f->values[i].from, key)) return f->values[i].to;
    return raw;
}

static bool matches_pattern(struct ndc_str value, struct ndc_str pattern)
{
    if (value.len != pattern.len) return false;
    for (size_t i = 0; i < value.len; i++) {
        char c = value.ptr[i], p = pattern.ptr[i];
        bool digit = c >= '0' && c <= '9';
        bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        bool ok = p == '9' ? digit : p == 'A' ? letter : p == '?' ? true : c == p;
        if (!ok) return false;
    }
    return true;
}

static void check_declared(struct ndc_mapped *out, struct ndc_quality *q,
                           const struct column *c, struct ndc_str value)
{
    const struct ndc_source_field *f = c->declared;
    struct ndc_reason reason = {.field = (int)c->index,
                                .criterion = NDC_CORRECT,
                                .blocks = f->required,
                                .value = value};
    if (f->pattern.len && !matches_pattern(value, f->pattern)) {
        reason.code = "value.pattern";
        reason.title = (struct ndc_title){NDC_STR("Không đúng mẫu đã khai báo"),
                                          NDC_STR("Not of the declared pattern")};
        ndc_mapped_add(out, &reason, q);
    }
    if (!f->length_min && !f->length_max) return;
    int64_t n = (int64_t)ndc_utf8_count(value);
    if ((f->length_min && n < f->length_min) || (f->length_max && n > f->length_max)) {
        reason.code = "value.length";
        reason.title = (struct ndc_title){NDC_STR("Độ dài ngoài giới hạn đã khai báo"),
                                          NDC_STR("Length outside the declared limits")};
        ndc_mapped_add(out, &reason, q);
    }
}

static void map_unmapped(struct ndc_mapper *m, struct ndc_record *r, unsigned column,
                         struct ndc_str raw)
{
    raw = ndc_str_trim(raw);
    if (raw.len == 0 || r->count == NDC_RECORD_FIELDS_MAX) return;
    m->fields[r->count++] = (struct ndc_record_field){.field = NDC_RECORD_UNMAPPED,
                                                      .column = (uint16_t)column,
                                                      .value = raw,
                                                      .raw = raw};
}

/* The first of its kind in the row counts. */
static void note_field(struct ndc_mapper *m, enum note note,
                       const struct ndc_record_field *field)
{
    if (m->noted[note] || field->value.len == 0) return;
    m->noted[note] = field;
    if (note == NOTE_PERSON_ID)
        m->id = (struct ndc_norm_person_id){.sex = (uint8_t)m->result.sex,
                                            .birth_year = (int16_t)m->result.birth_year};
}

/* Brings the value to its field's form; *missing: nothing was said. */
static void map_value(struct ndc_mapper *m, const struct column *c, struct ndc_str raw,
                      struct ndc_map_outcome *o, bool *missing)
{
    struct ndc_map_result *v = &m->result;
    const struct ndc_source_field *f = c->declared;
    struct ndc_str meant = f->value_count ? translate(f, raw) : raw;
    /* Names tell by themselves that they are missing. */
    *missing = c->kind != NDC_MAP_NAME && ndc_norm_is_missing(meant);
    *o = (struct ndc_map_outcome){.reason = NDC_NORM_MISSING, .value = NDC_STR("")};
    if (*missing) return;
    if (f->geometry) { /* of any length: checked, kept as it is */
        o->value = ndc_str_trim(meant);
        o->reason = ndc_norm_geometry(o->value) ? NDC_NORM_OK : NDC_NORM_GEOMETRY_FORM;
        return;
    }
    ndc_map_value_memo(v, m->memo, c->kind, f->order, c->future_allowed, m->today, meant);
    *missing = c->kind == NDC_MAP_NAME && v->reason == NDC_NORM_MISSING;
    *o = (struct ndc_map_outcome){
        .reason = v->reason, .flags = v->flags, .place = v->place};
    o->value = ndc_str_n(v->text, v->len);
    if (ndc_str_eq(o->value, raw)) o->value = raw;
}

/* The same by way of the memo where that pays. The value is raw, or in the arena. */
static void map_again(struct ndc_mapper *m, struct column *c, struct ndc_str raw,
                      struct ndc_map_outcome *o, bool *missing)
{
    bool looked = c->class && ndc_map_pays(&c->pays), found = false;
    if (looked) {
        found = ndc_map_memo_find(m->values, o, c->class, raw);
        ndc_map_paid(&c->pays, found);
        /* No kind that is remembered calls a value missing that is there. */
        *missing = found && o->reason == NDC_NORM_MISSING;
    }
    if (!found) map_value(m, c, raw, o, missing);
    if (looked && !found) ndc_map_memo_put(m->values, o, c->class, raw);
    if (o->value.ptr != raw.ptr) o->value = ndc_arena_str(&m->arena, o->value);
}

static void count_missing(struct ndc_mapped *out, struct ndc_quality *q,
                          const struct column *c, struct ndc_str raw)
{
    q->fields[c->index].missing++;
    if (c->declared->required)
        add_norm_reason(out, q, (int)c->index, NDC_NORM_MISSING, true, raw);
    else if (c->expected)
        q->failed[NDC_COMPLETE]++;
}

static void map_column(struct ndc_mapper *m, struct column *c,
                       const struct ndc_connect_row *row, struct ndc_mapped *out,
                       struct ndc_quality *q)
{
    struct ndc_map_outcome o;
    bool missing = true;
    struct ndc_record *r = &out->record;
    struct ndc_str raw = column_text(m, c, row);
    const struct ndc_source_field *f = c->declared;
    if (!f->field) {
        map_unmapped(m, r, (unsigned)c->at[0], raw);
        return;
    }
    if (c->expected) q->checked[NDC_COMPLETE]++;
    if (raw.len || f->value_count) map_again(m, c, raw, &o, &missing);
    if (missing) {
        count_missing(out, q, c, raw);
        return;
    }
    q->checked[NDC_CORRECT]++;
    struct ndc_record_field *field = &m->fields[r->count];
    if (r->count == NDC_RECORD_FIELDS_MAX) return;
    *field = (struct ndc_record_field){.field = (uint8_t)f->field->id, .raw = raw};
    r->count++;
    if (o.reason) {
        q->fields[c->index].failed++;
        field->flags = NDC_RECORD_INVALID;
        field->value = ndc_str_n("", 0);
        /* Who a record is about cannot be guessed: a wrong name, date or number of the
         * person sends the row to quarantine; another field is kept as written. */
        add_norm_reason(out, q, (int)c->index, o.reason, f->required || c->expected, raw);
        return;
    }
    q->fields[c->index].present++;
    field->flags = record_flags(o.flags);
    field->place = o.place;
    field->value = o.value;
    if (!m->source->thing && c->kind == NDC_MAP_PERSON_ID && m->result.old_id &&
        f->field->id == m->person_id_field)
        field->field = (uint8_t)m->old_id_field;
    else if (c->note)
        note_field(m, c->note, field);
    count_notices(q, c, o.flags);
    check_declared(out, q, c, field->value);
}

/* The personal number tells sex and birth year: they must agree with the columns. */
static void check_person_id(struct ndc_mapper *m, struct ndc_mapped *out,
                            struct ndc_quality *q)
{
    const struct ndc_record_field *id = m->noted[NOTE_PERSON_ID];
    const struct ndc_record_field *sex = m->noted[NOTE_SEX];
    const struct ndc_record_field *birth = m->noted[NOTE_BIRTH];
    int64_t year = 0;
    enum ndc_norm_sex said = NDC_SEX_UNKNOWN;
    if (!id || (!sex && !birth)) return;
    if (sex)
        said = ndc_str_eq_c(sex->value, "male")     ? NDC_SEX_MALE
               : ndc_str_eq_c(sex->value, "female") ? NDC_SEX_FEMALE
                                                    : NDC_SEX_UNKNOWN;
    if (birth && !ndc_str_to_i64(ndc_str_n(birth->value.ptr, 4), &year)) year = 0;
    enum ndc_norm_reason reason = ndc_norm_person_id_check(&m->id, said, (int)year);
    q->checked[NDC_CORRECT]++;
    if (reason) add_norm_reason(out, q, -1, reason, false, id->value);
}

static void check_rules(struct ndc_mapper *m, struct ndc_mapped *out,
                        struct ndc_quality *q)
{
    const struct ndc_source *s = m->source;
    for (unsigned i = 0; i < s->rule_count; i++) {
        const struct ndc_source_rule *rule = &s->rules[i];
        q->checked[rule->criterion]++;
        if (ndc_rule_holds(rule, &out->record, ndc_str_n(m->today_text, 10))) continue;
        q->rule_failed[i]++;
        struct ndc_reason reason = {.field = -1,
                                    .code = rule->name.ptr,
                                    .title = rule->title,
                                    .criterion = rule->criterion,
                                    .blocks = rule->blocks,
                                    .value = rule->check};
        ndc_mapped_add(out, &reason, q);
    }
}

struct ndc_str ndc_mapper_key(struct ndc_mapper *m, const struct ndc_connect_row *row)
{
    if (m->source->key_count == 1) return ndc_str_trim(row->values[m->key[0]]);
    struct ndc_buf joined;
    ndc_buf_init(&joined, ROW_BYTES_MAX);
    bool missing = false;
    for (unsigned i = 0; i < m->source->key_count; i++) {
        struct ndc_str part = ndc_str_trim(row->values[m->key[i]]);
        missing |= part.len == 0;
        if (i) ndc_buf_add_byte(&joined, '|');
        ndc_buf_add_str(&joined, part);
    }
    struct ndc_str key =
        missing ? NDC_STR_NULL : ndc_arena_str(&m->arena, ndc_buf_str(&joined));
    ndc_buf_free(&joined);
    return key;
}

static enum ndc_date_order time_order(const struct ndc_source *s)
{
    for (unsigned i = 0; i < s->field_count; i++)
        if (ndc_str_eq(s->fields[i].columns[0], s->time_column))
            return s->fields[i].order;
    return NDC_ORDER_DMY;
}

/* The last day that a date known in part can be. */
static int32_t latest_day(struct ndc_date d)
{
    struct ndc_date next = {(int16_t)(d.year + 1), 1, 1};
    if (d.month && d.day) return ndc_date_to_days(d);
    if (d.month && d.month < 12)
        next = (struct ndc_date){d.year, (uint8_t)(d.month + 1), 1};
    return ndc_date_to_days(next) - 1;
}

/* Sống: a record that its source has not touched for longer than it says records live.
 * One without a time is not judged: that it is missing is another matter. */
static void check_live(struct ndc_mapper *m, const struct ndc_connect_row *row,
                       struct ndc_mapped *out, struct ndc_quality *q)
{
    struct ndc_map_result *v = &m->result;
    struct ndc_str raw = row->values[m->time];
    struct ndc_date date;
    struct ndc_reason reason = {.field = -1,
                                .code = "record.not_live",
                                .title = {NDC_STR("Lâu không được cập nhật"),
                                          NDC_STR("Not updated for too long")},
                                .criterion = NDC_LIVE,
                                .value = raw};
    if (ndc_norm_is_missing(raw)) return;
    ndc_map_value(v, NDC_MAP_TIME, time_order(m->source), true, m->today, raw);
    q->checked[NDC_LIVE]++;
    if (v->reason ||
        !ndc_date_parse_iso(ndc_str_n(v->text, NDC_MIN(v->len, 10u)), &date)) {
        reason.code = "record.time";
        reason.title = (struct ndc_title){NDC_STR("Thời điểm cập nhật không đọc được"),
                                          NDC_STR("The time of update cannot be read")};
    } else if (ndc_date_to_days(m->today) - latest_day(date) <= m->source->live_days) {
        return;
    }
    ndc_mapped_add(out, &reason, q);
}

void ndc_mapper_begin(struct ndc_mapper *m, const struct ndc_connect_row *row,
                      struct ndc_mapped *out, struct ndc_quality *q)
{
    ndc_arena_reset(&m->arena);
    memset(m->noted, 0, sizeof(m->noted));
    out->record = (struct ndc_record){.fields = m->fields};
    out->op = NDC_ROW_UPSERT;
    out->blocked = false;
    out->reason_count = 0;
    q->rows++;
    out->record.key = ndc_mapper_key(m, row);
    if (m->op >= 0) {
        struct ndc_str op = ndc_str_trim(row->values[m->op]);
        if (op.len && (op.ptr[0] == 'D' || op.ptr[0] == 'd')) out->op = NDC_ROW_DELETE;
    }
    q->checked[NDC_COMPLETE]++;
    if (out->record.key.len == 0) {
        struct ndc_reason reason = {.field = -1,
                                    .code = "row.no_key",
                                    .title = {NDC_STR("Thiếu khóa của bản ghi"),
                                              NDC_STR("The record's key is missing")},
                                    .criterion = NDC_COMPLETE,
                                    .blocks = true};
        ndc_mapped_add(out, &reason, q);
    }
}

void ndc_mapper_values(struct ndc_mapper *m, const struct ndc_connect_row *row,
                       struct ndc_mapped *out, struct ndc_quality *q)
{
    if (out->op == NDC_ROW_DELETE) return;
    for (unsigned i = 0; i < m->column_count; i++)
        map_column(m, &m->columns[i], row, out, q);
    for (unsigned i = 0; i < m->unmapped_count; i++)
        map_unmapped(m, &out->record, (unsigned)m->unmapped[i],
                     row->values[m->unmapped[i]]);
    if (m->source->entity == NDC_ENTITY_PERSON && !m->source->thing)
        check_person_id(m, out, q);
    check_rules(m, out, q);
    if (m->source->live_days && m->time >= 0) check_live(m, row, out, q);
}

void ndc_mapper_map(struct ndc_mapper *m, const struct ndc_connect_row *row,
                    struct ndc_mapped *out, struct ndc_quality *q)
{
    ndc_mapper_begin(m, row, out, q);
    ndc_mapper_values(m, row, out, q);
}
