/* Checking an export offline. Every line must read exactly as the exporter writes it, so
 * that no bit of the file is free. Entries are told apart by their numbers: what is
 * missing, doubled or out of place is named; a changed entry no longer fits its leaf
 * hash; entries changed together with their hashes no longer fit the next signed head,
 * which bounds where they are. */
#include "core/audit_export.h"

#include "core/audit_internal.h"

#include <stdio.h>

enum { GAPS_MAX = 64, FINDINGS_TOLD_MAX = 100 };

struct gap {
    uint64_t first, last; /* numbers passed over and not seen since */
};

struct ndc_audit_verifier {
    const struct ndc_sign_key *key;
    struct ndc_sign_key *own_key; /* from the file */
    ndc_audit_finding *finding;
    void *arg;
    struct ndc_merkle_hasher *h;
    struct ndc_merkle_frontier frontier;
    struct ndc_buf line;
    uint64_t line_number;
    uint64_t entries_stated;
    uint64_t expected; /* number of the next entry */
    uint64_t last_seen;
    uint64_t good_size; /* of the last head whose root was right */
    struct gap gaps[GAPS_MAX];
    size_t gap_count;
    bool have_header, line_too_long, head_last;
    struct ndc_audit_report report;
};

static void found(struct ndc_audit_verifier *v, uint64_t seq, const char *format, ...)
    NDC_PRINTF(3, 4);

static void found(struct ndc_audit_verifier *v, uint64_t seq, const char *format, ...)
{
    char text[NDC_FAULT_MESSAGE_MAX];
    if (v->report.findings++ >= FINDINGS_TOLD_MAX) return;
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    v->finding(v->arg, seq, text);
}

struct ndc_audit_verifier *ndc_audit_verifier_new(const struct ndc_sign_key *key,
                                                  ndc_audit_finding *finding, void *arg)
{
    struct ndc_audit_verifier *v = ndc_xcalloc(1, sizeof(*v));
    v->key = key;
    v->finding = finding;
    v->arg = arg;
    v->h = ndc_merkle_hasher_new();
    v->report.key_trusted = key != NULL;
    ndc_buf_init(&v->line, NDC_AUDIT_ENTRY_MAX + 1024);
    return v;
}

/* Takes a literal from the front. */
static bool take(struct ndc_str *in, struct ndc_str literal)
{
    if (!ndc_str_starts(*in, literal)) return false;
    *in = ndc_str_n(in->ptr + literal.len, in->len - literal.len);
    return true;
}

/* A decimal number without leading zeros. */
static bool take_number(struct ndc_str *in, uint64_t *out)
{
    size_t n = 0;
    while (n < in->len && in->ptr[n] >= '0' && in->ptr[n] <= '9')
        n++;
    if (n == 0 || (n > 1 && in->ptr[0] == '0')) return false;
    if (!ndc_str_to_u64(ndc_str_n(in->ptr, n), out)) return false;
    *in = ndc_str_n(in->ptr + n, in->len - n);
    return true;
}

static bool take_hash(struct ndc_str *in, struct ndc_merkle_hash *out)
{
    if (in->len < 64 || !ndc_merkle_from_hex(out, ndc_str_n(in->ptr, 64))) return false;
    *in = ndc_str_n(in->ptr + 64, in->len - 64);
    return true;
}

static void check_header(struct ndc_audit_verifier *v, struct ndc_str line)
{
    struct ndc_merkle_hash key;
    bool good = take(&line, NDC_STR("{\"format\":\"ndc-audit-1\",\"entries\":")) &&
                take_number(&line, &v->entries_stated) &&
                take(&line, NDC_STR(",\"key\":\"")) && take_hash(&line, &key) &&
                ndc_str_eq(line, NDC_STR("\"}"));
    v->have_header = true;
    if (!good) {
        v->entries_stated = UINT64_MAX;
        found(v, UINT64_MAX, "line 1 is not the header of an export: it was changed");
        return;
    }
    if (!v->key) {
        v->key = v->own_key = ndc_sign_public_raw(key.b);
        return;
    }
    uint8_t trusted[NDC_SIGN_PUBLIC_BYTES];
    ndc_sign_key_public(trusted, v->key);
    if (memcmp(trusted, key.b, sizeof(trusted)) != 0)
        found(v, UINT64_MAX, "the export names another key than the one given");
}

/* Takes `seq` out of the gaps. */
static bool fill_gap(struct ndc_audit_verifier *v, uint64_t seq)
{
    for (size_t i = 0; i < v->gap_count; i++) {
        struct gap *g = &v->gaps[i];
        if (seq < g->first || seq > g->last) continue;
        struct gap after = {seq + 1, g->last};
        bool has_before = g->first < seq, has_after = seq < g->last;
        if (has_before) g->last = seq - 1;
        if (has_before && has_after && v->gap_count < GAPS_MAX)
            v->gaps[v->gap_count++] = after;
        else if (!has_before && has_after)
            *g = after;
        else if (!has_before)
            *g = v->gaps[--v->gap_count];
        return true;
    }
    return false;
}

static void check_number(struct ndc_audit_verifier *v, uint64_t seq)
{
    if (seq == v->expected) {
        v->expected++;
    } else if (seq > v->expected) {
        if (v->gap_count < GAPS_MAX)
            v->gaps[v->gap_count++] = (struct gap){v->expected, seq - 1};
        else
            found(v, v->expected, "entry %llu is missing or out of order",
                  (unsigned long long)v->expected);
        v->expected = seq == UINT64_MAX ? seq : seq + 1;
    } else if (fill_gap(v, seq)) {
        found(v, seq,
              "entry %llu is out of order: it stands after entry %llu (line %llu)",
              (unsigned long long)seq, (unsigned long long)v->last_seen,
              (unsigned long long)v->line_number);
    } else {
        found(v, seq, "entry %llu stands twice (line %llu)", (unsigned long long)seq,
              (unsigned long long)v->line_number);
    }
    v->last_seen = seq;
}

static void check_entry(struct ndc_audit_verifier *v, struct ndc_str line)
{
    struct ndc_merkle_hash stated;
    uint64_t seq = v->expected;
    bool good = take(&line, NDC_STR("{\"leaf\":\"")) && take_hash(&line, &stated) &&
                take(&line, NDC_STR("\",\"entry\":")) && line.len > 0 &&
                line.ptr[line.len - 1] == '}';
    if (!good) {
        found(v, seq, "entry %llu (line %llu): the line is damaged",
              (unsigned long long)seq, (unsigned long long)v->line_number);
        v->expected++;
        return;
    }
    struct ndc_str entry = ndc_str_n(line.ptr, line.len - 1), rest = entry;
    struct ndc_merkle_hash leaf = ndc_merkle_leaf(v->h, entry);
    bool numbered = take(&rest, NDC_STR("{\"seq\":")) && take_number(&rest, &seq) &&
                    take(&rest, NDC_STR(","));
    if (!ndc_merkle_eq(&leaf, &stated)) {
        /* Its number may be what was changed: it stands where it should. */
        found(
            v, v->expected,
            "entry %llu (line %llu): its text does not fit its leaf hash: it was changed",
            (unsigned long long)v->expected, (unsigned long long)v->line_number);
        v->last_seen = v->expected++;
    } else if (!numbered) {
        found(v, v->expected, "entry %llu (line %llu) has no number",
              (unsigned long long)v->expected, (unsigned long long)v->line_number);
        v->expected++;
    } else {
        check_number(v, seq);
    }
    ndc_merkle_append(&v->frontier, v->h, &stated);
    v->report.entries++;
}

static bool parse_head(struct ndc_audit_head *head, struct ndc_str line)
{
    struct json_object *o = NULL;
    if (ndc_json_parse(&o, line, NULL)) return false;
    bool good = ndc_audit_head_parse(head, ndc_json_get(o, "head"));
    json_object_put(o);
    if (!good) return false;
    /* Exactly the text that would be written. */
    struct ndc_buf again;
    struct ndc_json j;
    ndc_buf_init(&again, 4096);
    ndc_buf_add_c(&again, "{\"head\":");
    ndc_json_init(&j, &again);
    ndc_audit_head_write(&j, head);
    ndc_buf_add_c(&again, "}");
    good = ndc_str_eq(ndc_buf_str(&again), line);
    ndc_buf_free(&again);
    return good;
}

static void check_head(struct ndc_audit_verifier *v, struct ndc_str line)
{
    struct ndc_audit_head head;
    v->report.heads++;
    if (!parse_head(&head, line)) {
        found(v, UINT64_MAX, "line %llu: the signed head is damaged",
              (unsigned long long)v->line_number);
        return;
    }
    v->report.last = head;
    v->report.has_last = true;
    unsigned long long size = head.size;
    if (!v->key || !ndc_audit_head_check(&head, v->key)) {
        found(v, UINT64_MAX, "line %llu: the head at size %llu is not signed by this key",
              (unsigned long long)v->line_number, size);
        return;
    }
    if (v->report.findings || v->gap_count) return; /* the tree is broken already */
    if (head.size != v->frontier.size) {
        found(v, UINT64_MAX, "line %llu: the head of %llu entries stands after %llu",
              (unsigned long long)v->line_number, size,
              (unsigned long long)v->frontier.size);
        return;
    }
    struct ndc_merkle_hash root = ndc_merkle_root(&v->frontier, v->h);
    if (memcmp(root.b, head.root, sizeof(root.b)) == 0) {
        v->good_size = head.size;
    } else {
        found(v, v->good_size,
              "entries %llu to %llu are not those that were signed: at least one was "
              "changed together with its leaf hash",
              (unsigned long long)v->good_size, size ? size - 1 : 0);
    }
}

static void check_line(struct ndc_audit_verifier *v)
{
    struct ndc_str line = ndc_buf_str(&v->line);
    v->line_number++;
    v->head_last = false;
    if (v->line.failed) {
        found(v, v->expected, "line %llu is too long: it is damaged",
              (unsigned long long)v->line_number);
    } else if (!v->have_header) {
        check_header(v, line);
    } else if (ndc_str_starts(line, NDC_STR("{\"head\":"))) {
        check_head(v, line);
        v->head_last = true;
    } else {
        check_entry(v, line);
    }
    ndc_buf_reset(&v->line);
}

void ndc_audit_verifier_feed(struct ndc_audit_verifier *v, struct ndc_str text)
{
    while (text.len) {
        size_t n = ndc_str_find(text, '\n');
        ndc_buf_add(&v->line, text.ptr, n);
        if (n == text.len) return;
        check_line(v);
        text = ndc_str_from(text, n + 1);
    }
}

void ndc_audit_verifier_end(struct ndc_audit_verifier *v, struct ndc_audit_report *report)
{
    if (v->line.len || v->line.failed) found(v, v->expected, "the last line is cut");
    for (size_t i = 0; i < v->gap_count; i++) {
        struct gap *g = &v->gaps[i];
        if (g->first == g->last)
            found(v, g->first, "entry %llu is missing", (unsigned long long)g->first);
        else
            found(v, g->first, "entries %llu to %llu are missing",
                  (unsigned long long)g->first, (unsigned long long)g->last);
    }
    if (!v->have_header)
        found(v, UINT64_MAX, "the file is empty");
    else if (v->entries_stated != UINT64_MAX && v->expected < v->entries_stated)
        found(v, v->expected, "entries %llu to %llu are missing at the end",
              (unsigned long long)v->expected, (unsigned long long)v->entries_stated - 1);
    else if (v->entries_stated != UINT64_MAX && v->expected > v->entries_stated)
        found(v, v->entries_stated, "the header states %llu entries, but there are %llu",
              (unsigned long long)v->entries_stated, (unsigned long long)v->expected);
    if (v->have_header && !v->head_last)
        found(v, UINT64_MAX, "the last line is not a signed head: the end is missing");
    else if (v->have_header && v->report.findings == 0 &&
             v->report.last.size != v->report.entries)
        found(v, UINT64_MAX, "the last head does not cover every entry");
    *report = v->report;
    ndc_sign_key_free(v->own_key);
    ndc_merkle_hasher_free(v->h);
    ndc_buf_free(&v->line);
    free(v);
}
