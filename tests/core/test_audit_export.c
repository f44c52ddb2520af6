/* Exports and their offline check: a whole one passes; every single flipped bit, every
 * dropped and every swapped entry is found, and the entry named. */
#include "tests/core/audit_fixture.h"

static struct ndc_fault fault;

static enum ndc_err collect(void *arg, struct ndc_str text, struct ndc_fault *f)
{
    (void)f;
    ndc_buf_add_str(arg, text);
    return NDC_OK;
}

/* A log of n entries, written in two sittings so that it has more than one head. */
static void make_export(struct log_fixture *f, struct ndc_buf *out, size_t n,
                        struct ndc_sign_key **key)
{
    for (size_t sitting = 0; sitting < 2; sitting++) {
        log_open(f);
        for (size_t i = 0; i < n / 2; i++) {
            char whom[32];
            snprintf(whom, sizeof(whom), "p%zu", i);
            struct ndc_str subject = ndc_str(whom);
            struct ndc_audit_event e = event_of("user:lan", &subject, 1);
            must(ndc_audit_append_wait(f->audit, &e, NULL, &fault));
        }
        log_close(f);
    }
    char pub[200];
    snprintf(pub, sizeof(pub), "%s.pub", f->key);
    must(ndc_sign_public_load(key, pub, &fault));
    ndc_buf_init(out, 16 << 20);
    struct ndc_audit_export_counts counts;
    must(ndc_store_open(&f->store, f->url, NULL, &fault));
    must(ndc_audit_export(f->store, *key, collect, out, &counts, &fault));
    ndc_store_close(f->store);
    assert_int_equal(counts.entries, n);
    assert_true(counts.heads >= 2);
    assert_int_equal(counts.unsigned_left_out, 0);
}

struct findings {
    size_t count;
    uint64_t seq; /* of the first */
    char first[512], all[8192];
};

static void note(void *arg, uint64_t seq, const char *text)
{
    struct findings *f = arg;
    if (f->count++ == 0) {
        f->seq = seq;
        snprintf(f->first, sizeof(f->first), "%s", text);
    }
    size_t len = strlen(f->all);
    snprintf(f->all + len, sizeof(f->all) - len, "%s\n", text);
}

static struct findings verify(struct ndc_str text, const struct ndc_sign_key *key)
{
    struct findings f = {0};
    struct ndc_audit_report report;
    struct ndc_audit_verifier *v = ndc_audit_verifier_new(key, note, &f);
    /* In odd portions. */
    for (size_t at = 0; at < text.len; at += 1000)
        ndc_audit_verifier_feed(
            v, ndc_str_n(text.ptr + at, NDC_MIN((size_t)1000, text.len - at)));
    ndc_audit_verifier_end(v, &report);
    assert_int_equal(report.findings, f.count);
    return f;
}

/* Start of line n (from 0), and of the one after. */
static struct ndc_str line_at(struct ndc_str text, size_t n)
{
    for (; n; n--)
        text = ndc_str_from(text, ndc_str_find(text, '\n') + 1);
    return ndc_str_n(text.ptr, ndc_str_find(text, '\n') + 1);
}

/* Line numbers (from 0) of entries; heads stand between them. */
static size_t entry_line(struct ndc_str text, uint64_t seq)
{
    char mark[48];
    snprintf(mark, sizeof(mark), "\"entry\":{\"seq\":%llu,", (unsigned long long)seq);
    const char *at = memmem(text.ptr, text.len, mark, strlen(mark));
    assert_non_null(at);
    size_t n = 0;
    for (const char *p = text.ptr; p < at; p++)
        n += *p == '\n';
    return n;
}

static void test_whole_export_passes(void **state)
{
    struct log_fixture log = log_new(state);
    struct ndc_buf out;
    struct ndc_sign_key *key;
    make_export(&log, &out, 600, &key);
    struct findings f = verify(ndc_buf_str(&out), key);
    if (f.count) fail_msg("%s", f.all);
    f = verify(ndc_buf_str(&out), NULL);
    assert_int_equal(f.count, 0);
    /* Another key is told apart. */
    struct ndc_sign_key *other;
    char path[200];
    snprintf(path, sizeof(path), "%s.other", log.key);
    must(ndc_sign_key_open(&other, path, &fault));
    f = verify(ndc_buf_str(&out), other);
    assert_true(f.count > 0);
    assert_non_null(strstr(f.all, "another key"));
    assert_non_null(strstr(f.all, "not signed by this key"));
    ndc_sign_key_free(other);
    ndc_sign_key_free(key);
    ndc_buf_free(&out);
}

static void test_every_flipped_bit_is_found(void **state)
{
    struct log_fixture log = log_new(state);
    struct ndc_buf out;
    struct ndc_sign_key *key;
    make_export(&log, &out, 2, &key);
    struct ndc_str text = ndc_buf_str(&out);
    for (size_t at = 0; at < text.len; at++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            out.ptr[at] = (char)(out.ptr[at] ^ 1 << bit);
            struct findings f = verify(text, key);
            if (f.count == 0) fail_msg("byte %zu, bit %u: not found", at, bit);
            out.ptr[at] = (char)(out.ptr[at] ^ 1 << bit);
        }
    }
    /* In an entry's text, the entry is named. */
    for (uint64_t seq = 0; seq < 2; seq++) {
        struct ndc_str line = line_at(text, entry_line(text, seq));
        for (size_t i = 84; i < line.len - 1; i++) {
            char *byte = (char *)line.ptr + i;
            *byte ^= 1;
            struct findings f = verify(text, key);
            *byte ^= 1;
            char want[32];
            snprintf(want, sizeof(want), "entry %llu ", (unsigned long long)seq);
            if (f.count == 0 || f.seq != seq || !strstr(f.first, want))
                fail_msg("entry %llu: \"%s\"", (unsigned long long)seq, f.first);
        }
    }
    ndc_sign_key_free(key);
    ndc_buf_free(&out);
}

static void test_every_dropped_entry_is_named(void **state)
{
    struct log_fixture log = log_new(state);
    struct ndc_buf out, cut;
    struct ndc_sign_key *key;
    make_export(&log, &out, 40, &key);
    ndc_buf_init(&cut, 16 << 20);
    struct ndc_str text = ndc_buf_str(&out);
    for (uint64_t seq = 0; seq < 40; seq++) {
        struct ndc_str line = line_at(text, entry_line(text, seq));
        size_t before = (size_t)(line.ptr - text.ptr);
        ndc_buf_reset(&cut);
        ndc_buf_add(&cut, text.ptr, before);
        ndc_buf_add_str(&cut, ndc_str_from(text, before + line.len));
        struct findings f = verify(ndc_buf_str(&cut), key);
        char want[48];
        snprintf(want, sizeof(want),
                 seq == 39 ? "entries 39 to 39 are missing" : "entry %llu is missing",
                 (unsigned long long)seq);
        if (!strstr(f.all, want)) fail_msg("%s: %s", want, f.all);
    }
    /* The end cut off, at any line. */
    for (size_t at = 1; at < text.len; at += 37)
        assert_true(verify(ndc_str_n(text.ptr, at), key).count > 0);
    ndc_sign_key_free(key);
    ndc_buf_free(&out);
    ndc_buf_free(&cut);
}

static void test_swapped_entries_are_named(void **state)
{
    struct log_fixture log = log_new(state);
    struct ndc_buf out, swapped;
    struct ndc_sign_key *key;
    make_export(&log, &out, 30, &key);
    ndc_buf_init(&swapped, 16 << 20);
    struct ndc_str text = ndc_buf_str(&out);
    for (uint64_t a = 0; a < 30; a++) {
        uint64_t b = a + 1 + a % 3;
        if (b >= 30) break;
        struct ndc_str first = line_at(text, entry_line(text, a));
        struct ndc_str second = line_at(text, entry_line(text, b));
        ndc_buf_reset(&swapped);
        ndc_buf_add(&swapped, text.ptr, (size_t)(first.ptr - text.ptr));
        ndc_buf_add_str(&swapped, second);
        const char *between = first.ptr + first.len;
        ndc_buf_add(&swapped, between, (size_t)(second.ptr - between));
        ndc_buf_add_str(&swapped, first);
        const char *after = second.ptr + second.len;
        ndc_buf_add(&swapped, after, (size_t)(text.ptr + text.len - after));
        struct findings f = verify(ndc_buf_str(&swapped), key);
        char want[64];
        snprintf(want, sizeof(want), "entry %llu is out of order", (unsigned long long)a);
        if (!strstr(f.all, want) || strstr(f.all, "missing"))
            fail_msg("%s: %s", want, f.all);
    }
    /* One that stands twice. */
    struct ndc_str line = line_at(text, entry_line(text, 7));
    size_t end = (size_t)(line.ptr - text.ptr) + line.len;
    ndc_buf_reset(&swapped);
    ndc_buf_add(&swapped, text.ptr, end);
    ndc_buf_add_str(&swapped, line);
    ndc_buf_add_str(&swapped, ndc_str_from(text, end));
    struct findings f = verify(ndc_buf_str(&swapped), key);
    assert_non_null(strstr(f.all, "entry 7 stands twice"));
    ndc_sign_key_free(key);
    ndc_buf_free(&out);
    ndc_buf_free(&swapped);
}

/* A forger who also mends the leaf hash is caught by the next signed head. */
static void test_forged_entry_is_bounded_by_heads(void **state)
{
    struct log_fixture log = log_new(state);
    struct ndc_buf out;
    struct ndc_sign_key *key;
    make_export(&log, &out, 40, &key);
    struct ndc_str text = ndc_buf_str(&out);
    struct ndc_str line = line_at(text, entry_line(text, 25));
    char *who = memmem(line.ptr, line.len, "user:lan", 8);
    memcpy(who, "user:bob", 8);
    struct ndc_merkle_hasher *h = ndc_merkle_hasher_new();
    const size_t head = strlen("{\"leaf\":\"") + 64 + strlen("\",\"entry\":");
    struct ndc_merkle_hash leaf =
        ndc_merkle_leaf(h, ndc_str_n(line.ptr + head, line.len - head - 2));
    char hex[65];
    ndc_merkle_to_hex(hex, &leaf);
    memcpy((char *)line.ptr + strlen("{\"leaf\":\""), hex, 64);
    struct findings f = verify(text, key);
    assert_int_equal(f.count, 1);
    assert_non_null(strstr(f.first, "entries 20 to "));
    assert_non_null(strstr(f.first, "are not those that were signed"));
    ndc_merkle_hasher_free(h);
    ndc_sign_key_free(key);
    ndc_buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_ON_BOTH(test_whole_export_passes),
        TEST_ON_SQLITE(test_every_flipped_bit_is_found),
        TEST_ON_SQLITE(test_every_dropped_entry_is_named),
        TEST_ON_SQLITE(test_swapped_entries_are_named),
        TEST_ON_SQLITE(test_forged_entry_is_bounded_by_heads),
    };
    return test_db_run(tests);
}
