/* Loading a run: the source's rows to a new stage file, what fails to the quarantine, the
 * counts to the scorecard. The stage gets its name before the commit that makes it
 * current, so a crash at any point leaves either the old state or the new one; a run that
 * was cut short is done again from its beginning. */
#include "platforms/registry/load/load.h"

#include "base/hash.h"
#include "platforms/registry/load/restore.h"
#include "store/bulk.h"
#include "store/writer.h"
#include "sys/clock.h"
#include "sys/log.h"

#include <stdio.h>

enum {
    TELL_EVERY = 4096,
    REFUSED_TOLD_MAX = 1000,
    ENCODED_MAX = 8 << 20,
    PATH_BYTES = 4096
};

/* ---- the quarantine's rows, spilled as NDJSON until the commit ---- */

void ndc_load_write_row(const struct ndc_connect *connect, struct ndc_json *j,
                        const struct ndc_connect_row *row)
{
    size_t n;
    const struct ndc_str *names = ndc_connect_columns(connect, &n);
    ndc_json_object(j);
    for (size_t i = 0; i < row->count && i < n; i++) {
        ndc_json_key_str(j, names[i]);
        ndc_json_str(j, row->values[i].ptr ? row->values[i] : NDC_STR_NULL);
    }
    if (row->count == 0 || row->count > n) /* nothing, or cells without a name */
        ndc_json_kv_str(j, "_raw", row->raw.ptr ? row->raw : NDC_STR(""));
    ndc_json_end(j);
}

void ndc_reasons_write(const struct ndc_source *source, const struct ndc_reason *reasons,
                       unsigned count, struct ndc_json *j)
{
    ndc_json_array(j);
    for (unsigned i = 0; i < count; i++) {
        const struct ndc_reason *r = &reasons[i];
        const struct ndc_source_field *f =
            r->field >= 0 ? &source->fields[r->field] : NULL;
        ndc_json_object(j);
        ndc_json_kv_str(j, "column", f ? f->columns[0] : NDC_STR_NULL);
        ndc_json_kv_c(j, "field", f && f->field ? f->field->code : "");
        ndc_json_kv_c(j, "reason", r->code);
        ndc_title_write(j, "title", r->title);
        ndc_json_kv_c(j, "criterion", ndc_criterion_name(r->criterion));
        ndc_json_kv_bool(j, "blocks", r->blocks);
        ndc_json_kv_str(j, "value", r->value.ptr ? r->value : NDC_STR_NULL);
        if (r->earlier_line) ndc_json_kv_u64(j, "earlier_line", r->earlier_line);
        ndc_json_end(j);
    }
    ndc_json_end(j);
}

/* In the answer to a push: what was not taken, and why. */
static void tell_refused(struct load *l, const struct ndc_connect_row *row,
                         const struct ndc_mapped *m)
{
    if (!l->refused || l->result->quarantined > REFUSED_TOLD_MAX) return;
    ndc_json_object(l->refused);
    ndc_json_kv_str(l->refused, "key", m->record.key.ptr ? m->record.key : NDC_STR_NULL);
    ndc_json_kv_u64(l->refused, "line", row->line);
    ndc_json_kv_c(l->refused, "state", "quarantined");
    ndc_json_key(l->refused, "reasons");
    ndc_reasons_write(l->source->source, m->reasons, m->reason_count, l->refused);
    ndc_json_end(l->refused);
}

static enum ndc_err quarantine(struct load *l, const struct ndc_connect_row *row,
                               const struct ndc_mapped *m, struct ndc_fault *fault)
{
    struct ndc_json j;
    struct ndc_buf *b = &l->encoded;
    size_t from;
    l->result->quarantined++;
    l->quality.quarantined++;
    tell_refused(l, row, m);
    ndc_buf_reset(b);
    /* key, line, row and reasons, each length-prefixed: read back at the commit */
    struct ndc_str key = m->record.key;
    key.len = ndc_str_find(key, 0); /* no text of a database holds a zero byte */
    ndc_buf_add_bytes(b, key.len ? key : NDC_STR(""));
    ndc_buf_add_varint(b, row->line);
    ndc_buf_reset(&l->text);
    ndc_json_init(&j, &l->text);
    ndc_load_write_row(l->connect, &j, row);
    ndc_buf_add_bytes(b, ndc_buf_str(&l->text));
    from = l->text.len;
    ndc_json_init(&j, &l->text);
    ndc_reasons_write(l->source->source, m->reasons, m->reason_count, &j);
    ndc_buf_add_bytes(b, ndc_str_n(l->text.ptr + from, l->text.len - from));
    if (l->text.failed || b->failed)
        return ndc_fail(fault, NDC_ETOOBIG, "load.row_too_big",
                        "a row at line %llu is too large to keep",
                        (unsigned long long)row->line);
    return ndc_file_append(&l->spill, ndc_buf_str(b), fault);
}

/* ---- the rows ---- */

static enum ndc_err stage_record(struct load *l, const struct ndc_record *record,
                                 struct ndc_fault *fault)
{
    enum ndc_err err = ndc_stage_put(&l->stage, record, fault);
    if (!err) l->staged++;
    return err;
}

/* What a run did to a key. A delta may name one several times: the last row counts. */
enum outcome { NOTHING, ADDED, CHANGED, UNCHANGED, ENDED };

static uint64_t *outcome_count(struct load *l, enum outcome outcome)
{
    struct ndc_load_result *r = l->result;
    uint64_t *const of[] = {NULL, &r->added, &r->changed, &r->unchanged, &r->ended};
    return of[outcome];
}

/* Of the record that is written next. */
static void count_outcome(struct load *l, enum outcome now)
{
    if (now != NOTHING) (*outcome_count(l, now))++;
    if (!l->delta) return; /* a snapshot names a key once */
    if (l->staged >= l->outcomes_cap) {
        l->outcomes_cap = l->outcomes_cap ? l->outcomes_cap * 2 : 256;
        l->outcomes = ndc_xrealloc(l->outcomes, l->outcomes_cap);
    }
    l->outcomes[l->staged] = (uint8_t)now;
}

/* A record that this delta wrote is void; so is what it counted as. */
static void supersede(struct load *l, uint32_t number)
{
    enum outcome was = (enum outcome)l->outcomes[number];
    if (was != NOTHING) (*outcome_count(l, was))--;
    if (l->superseded_count == l->superseded_cap) {
        l->superseded_cap = l->superseded_cap ? l->superseded_cap * 2 : 64;
        l->superseded = ndc_xrealloc(l->superseded, l->superseded_cap * sizeof(uint32_t));
    }
    l->superseded[l->superseded_count++] = number;
}

static bool was_seen(const struct load *l, uint32_t previous)
{
    return l->seen[previous / 8] >> previous % 8 & 1;
}

/* Reads a record of the previous stage into l->arena. */
static enum ndc_err read_previous(struct load *l, struct ndc_record *old, uint32_t number,
                                  struct ndc_fault *fault)
{
    struct ndc_str bytes = ndc_stage_read(&l->previous_at, number);
    ndc_arena_reset(&l->arena);
    if (ndc_record_decode(old, &l->arena, &bytes)) return NDC_OK;
    return ndc_fail(fault, NDC_EIO, "stage.damaged", "the source's stage is damaged");
}

/* Compares with the record that stood before; keeps since when it is known. */
static enum ndc_err settle_previous(struct load *l, struct ndc_record *record,
                                    uint64_t key_hash, struct ndc_fault *fault)
{
    const struct ndc_keyset_slot *slot = ndc_keyset_find(&l->previous_keys, key_hash);
    struct ndc_record old;
    record->run_first = record->run;
    if (!slot) {
        count_outcome(l, ADDED);
        return NDC_OK;
    }
    uint32_t number = ndc_keyset_value(slot);
    l->seen[number / 8] |= (uint8_t)(1u << number % 8);
    enum ndc_err err = read_previous(l, &old, number, fault);
    if (err) return err;
    record->run_first = old.run_first;
    if (ndc_record_content_hash(&old) != ndc_record_content_hash(record)) {
        count_outcome(l, CHANGED);
        return NDC_OK;
    }
    /* Run and time are of the last change: an unchanged record stays the same bytes. */
    record->run = old.run;
    record->seen_s = old.seen_s;
    count_outcome(l, UNCHANGED);
    return NDC_OK;
}

/* A delete: what the same delta said of the key before is void, what stood before ends. A
 * repeated or early delete changes nothing. */
static enum ndc_err end_record(struct load *l, struct ndc_str key,
                               struct ndc_fault *fault)
{
    uint64_t hash = ndc_hash_str(key, 0);
    const struct ndc_keyset_slot *slot = ndc_keyset_find(&l->previous_keys, hash);
    struct ndc_keyset_slot *staged = ndc_keyset_find(&l->keys, hash);
    struct ndc_record old;
    if (staged && ndc_keyset_value(staged) != UINT32_MAX) {
        supersede(l, ndc_keyset_value(staged));
        ndc_keyset_set_value(staged, UINT32_MAX);
    }
    if (!slot) return NDC_OK;
    uint32_t number = ndc_keyset_value(slot);
    l->seen[number / 8] |= (uint8_t)(1u << number % 8);
    enum ndc_err err = read_previous(l, &old, number, fault);
    if (err) return err;
    bool added, ends = !(old.flags & NDC_RECORD_ENDED);
    old.flags |= NDC_RECORD_ENDED;
    count_outcome(l, ends ? ENDED : NOTHING);
    staged = ndc_keyset_put(&l->keys, hash, l->staged, &added);
    ndc_keyset_set_value(staged, l->staged);
    return stage_record(l, &old, fault);
}

static void add_row_reason(struct load *l, struct ndc_mapped *m, const char *code,
                           struct ndc_title title, enum ndc_criterion criterion,
                           struct ndc_str value)
{
    struct ndc_reason reason = {.field = -1,
                                .code = code,
                                .title = title,
                                .criterion = criterion,
                                .blocks = true,
                                .value = value};
    ndc_mapped_add(m, &reason, &l->quality);
}

static enum ndc_err take_unreadable(struct load *l, const struct ndc_connect_row *row,
                                    const struct ndc_fault *why, struct ndc_fault *fault)
{
    l->mapped.record = (struct ndc_record){0};
    l->mapped.reason_count = 0;
    l->mapped.blocked = false;
    l->quality.rows++;
    l->quality.checked[NDC_CLEAN]++;
    struct ndc_str said = ndc_str(why->message);
    add_row_reason(l, &l->mapped, "row.unreadable",
                   (struct ndc_title){NDC_STR("Không đọc được dòng"),
                                      NDC_STR("The row cannot be read")},
                   NDC_CLEAN, said);
    return quarantine(l, row, &l->mapped, fault);
}

/* Whether the row's key may be staged now: a snapshot names each once, in a delta the
 * last row counts. */
static void take_key(struct load *l, struct ndc_mapped *m, uint64_t hash)
{
    bool added;
    l->quality.checked[NDC_CLEAN]++;
    struct ndc_keyset_slot *slot = ndc_keyset_put(&l->keys, hash, UINT32_MAX, &added);
    if (!added && l->delta && !m->blocked) {
        if (ndc_keyset_value(slot) != UINT32_MAX) supersede(l, ndc_keyset_value(slot));
    } else if (!added && !l->delta) {
        add_row_reason(l, m, "row.duplicate_key",
                       (struct ndc_title){NDC_STR("Khóa đã có ở một dòng trước"),
                                          NDC_STR("The key stands in an earlier row")},
                       NDC_CLEAN, m->record.key);
    }
    if (!m->blocked) ndc_keyset_set_value(slot, l->staged);
}

static enum ndc_err take_row(struct load *l, const struct ndc_connect_row *row,
                             struct ndc_fault *fault)
{
    struct ndc_mapped *m = &l->mapped;
    ndc_mapper_begin(l->mapper, row, m, &l->quality);
    uint64_t hash = ndc_hash_str(m->record.key, 0);
    ndc_keyset_prefetch(&l->keys, hash);
    ndc_keyset_prefetch(&l->previous_keys, hash);
    ndc_mapper_values(l->mapper, row, m, &l->quality);
    if (m->op == NDC_ROW_DELETE && !m->blocked) {
        l->result->accepted++;
        return end_record(l, m->record.key, fault);
    }
    if (l->has_unique) ndc_load_check_unique(l, row);
    if (m->record.key.len) take_key(l, m, hash);
    if (m->blocked) return quarantine(l, row, m, fault);
    m->record.source = l->source->number;
    m->record.run = (uint32_t)l->run;
    m->record.seen_s = l->now_ms / 1000;
    enum ndc_err err = settle_previous(l, &m->record, hash, fault);
    if (err) return err;
    l->result->accepted++;
    l->quality.accepted++;
    return stage_record(l, &m->record, fault);
}

static enum ndc_err take_rows(struct load *l, const struct ndc_progress *progress,
                              struct ndc_fault *fault)
{
    struct ndc_fault why = {0};
    for (;;) {
        struct ndc_connect_row row;
        bool have;
        enum ndc_err err = ndc_connect_next(l->connect, &row, &have, &why);
        if (err == NDC_EINPUT) {
            err = take_unreadable(l, &row, &why, fault);
            why = (struct ndc_fault){0};
        } else if (err) {
            if (fault) *fault = why;
            return err;
        } else if (!have) {
            return NDC_OK;
        } else {
            err = take_row(l, &row, fault);
        }
        if (err) return err;
        if (++l->result->rows_read % TELL_EVERY) continue;
        if (progress && progress->canceled && progress->canceled(progress->arg))
            return ndc_fail(fault, NDC_ECANCELED, "job.canceled", "canceled");
        if (progress && progress->tell) {
            uint64_t done, total;
            ndc_connect_progress(l->connect, &done, &total);
            progress->tell(progress->arg, "load", done, total, "bytes");
        }
    }
}

/* What the previous stage had and this run did not name: in a snapshot it has ended, in a
 * delta it stays as it was. */
static enum ndc_err carry_over(struct load *l, struct ndc_fault *fault)
{
    for (uint32_t i = 0; i < l->previous.count; i++) {
        struct ndc_record old;
        if (was_seen(l, i)) continue;
        enum ndc_err err = read_previous(l, &old, i, fault);
        if (err) return err;
        uint64_t hash = ndc_hash_str(old.key, 0);
        const struct ndc_keyset_slot *slot = ndc_keyset_find(&l->previous_keys, hash);
        if (slot && was_seen(l, ndc_keyset_value(slot))) continue;
        /* Named, but by a row that went to quarantine: it is not absent, and what was
         * known of it holds until the row is right. */
        bool named = ndc_keyset_find(&l->keys, hash) != NULL;
        if (!l->delta && !named && !(old.flags & NDC_RECORD_ENDED)) {
            old.flags |= NDC_RECORD_ENDED;
            l->result->ended++;
        }
        if ((err = stage_record(l, &old, fault))) return err;
    }
    return NDC_OK;
}

/* The stage that the run starts from is damaged or gone: it is made again from the
 * entities. Where that cannot be, a snapshot does without, for it names all that is. */
static enum ndc_err mend_previous(struct load *l, int64_t stage_run, const char *path,
                                  const struct ndc_fault *damage, struct ndc_fault *fault)
{
    struct ndc_fault why = {0};
    ndc_log(NDC_LOG_WARN, "registry", "%s", damage->message);
    enum ndc_err err =
        ndc_registry_restore_stage(l->registry, l->source, stage_run, path, &why);
    if (!err) return ndc_stage_open(&l->previous, path, fault);
    if (!l->delta && err != NDC_EDB) return NDC_OK;
    if (fault) *fault = why;
    return err;
}

static enum ndc_err open_previous(struct load *l, int64_t stage_run,
                                  struct ndc_fault *fault)
{
    bool added;
    if (stage_run == 0) return NDC_OK;
    const char *path =
        ndc_registry_stage_path(l->registry, &l->paths, l->source->source->id, stage_run);
    struct ndc_fault damage = {0};
    enum ndc_err err = ndc_stage_open(&l->previous, path, &damage);
    if (err) err = mend_previous(l, stage_run, path, &damage, fault);
    if (err) return err;
    ndc_stage_cursor_init(&l->previous_at, &l->previous, NDC_STAGE_WINDOWS_MAX);
    l->seen = ndc_xcalloc((size_t)l->previous.count / 8 + 1, 1);
    for (uint32_t i = 0; !err && i < l->previous.count; i++) {
        struct ndc_str key;
        uint32_t source;
        if (!ndc_record_head(ndc_stage_read(&l->previous_at, i), &source, &key))
            return ndc_fail(fault, NDC_EIO, "stage.damaged",
                            "the source's stage is damaged");
        ndc_keyset_put(&l->previous_keys, ndc_hash_str(key, 0), i, &added);
    }
    return NDC_OK;
}

enum ndc_err ndc_load_begin(struct load *l, int64_t stage_run, struct ndc_fault *fault)
{
    char spill[PATH_BYTES];
    struct ndc_date today = ndc_date_from_days((int32_t)(l->now_ms / 86400000));
    const char *path;
    ndc_arena_init(&l->arena, 64 << 20);
    ndc_arena_init(&l->paths, 1 << 20);
    ndc_buf_init(&l->encoded, ENCODED_MAX);
    ndc_buf_init(&l->text, ENCODED_MAX);
    l->stage.file.fd = l->spill.fd = -1;
    ndc_quality_init(&l->quality, l->source->source);
    for (unsigned i = 0; i < l->source->source->field_count; i++)
        l->has_unique |= l->source->source->fields[i].unique;
    l->mapper = ndc_mapper_new(l->source->source, l->connect, today);
    enum ndc_err err = open_previous(l, stage_run, fault);
    if (err) return err;
    path = ndc_registry_stage_path(l->registry, &l->paths, l->source->source->id, l->run);
    if ((err = ndc_stage_create(&l->stage, path, fault))) return err;
    snprintf(spill, sizeof(spill), "%s.quarantine", path);
    err = ndc_file_create(&l->spill, spill, fault);
    l->spill.scratch = true;
    return err;
}

static int compare_u32(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

/* Writes the stage once more without what a delta itself replaced. */
static enum ndc_err drop_superseded(struct load *l, struct ndc_fault *fault)
{
    struct ndc_stage all;
    struct ndc_stage_cursor at;
    size_t next = 0;
    char path[PATH_BYTES];
    if (l->superseded_count == 0) return NDC_OK;
    snprintf(path, sizeof(path), "%s", l->stage.file.path);
    enum ndc_err err = ndc_stage_open(&all, path, fault);
    if (err) return err;
    qsort(l->superseded, l->superseded_count, sizeof(uint32_t), compare_u32);
    ndc_stage_cursor_init(&at, &all, 1);
    err = ndc_stage_create(&l->stage, path, fault);
    for (uint32_t i = 0; i < all.count && !err; i++) {
        while (next < l->superseded_count && l->superseded[next] < i)
            next++;
        if (next < l->superseded_count && l->superseded[next] == i) continue;
        struct ndc_str record = ndc_stage_read(&at, i);
        err = record.len
                  ? ndc_stage_put_encoded(&l->stage, record, fault)
                  : ndc_fail(fault, NDC_EIO, "stage.damaged", "%s is damaged", path);
    }
    ndc_stage_cursor_free(&at);
    ndc_stage_close(&all);
    return err ? err : ndc_stage_finish(&l->stage, fault);
}

enum ndc_err ndc_load_rows(struct load *l, const struct ndc_progress *progress,
                           struct ndc_fault *fault)
{
    enum ndc_err err = take_rows(l, progress, fault);
    uint64_t total;
    if (!err) err = carry_over(l, fault);
    if (!err) err = ndc_file_finish(&l->spill, fault);
    if (!err) err = ndc_stage_finish(&l->stage, fault);
    if (!err) err = drop_superseded(l, fault);
    ndc_connect_progress(l->connect, &l->result->bytes, &total);
    return err;
}

void ndc_load_end(struct load *l)
{
    char spill[PATH_BYTES];
    snprintf(spill, sizeof(spill), "%s", l->spill.path);
    ndc_file_abandon(&l->spill);
    ndc_stage_abandon(&l->stage);
    struct ndc_fault ignored = {0};
    if (spill[0] && ndc_file_remove(spill, &ignored)) {
        /* It is in the stage folder and is replaced by the next run. */
    }
    ndc_stage_cursor_free(&l->previous_at);
    ndc_stage_close(&l->previous);
    free(l->superseded);
    free(l->outcomes);
    free(l->seen);
    ndc_keyset_free(&l->keys);
    ndc_keyset_free(&l->previous_keys);
    ndc_keyset_free(&l->unique);
    ndc_mapper_free(l->mapper);
    ndc_quality_free(&l->quality);
    ndc_arena_free(&l->arena);
    ndc_arena_free(&l->paths);
    ndc_buf_free(&l->encoded);
    ndc_buf_free(&l->text);
}
