/* Stage files and the sets of keys that a load remembers. */
#include "platforms/registry/load/keyset.h"
#include "platforms/registry/load/stage_internal.h"

#include "base/hash.h"
#include "tests/db.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum { RECORDS = 5000, READS = 20000, BIG_BYTES = 300000 };

static struct ndc_fault fault;
static char path[64];

static int make_path(void **state)
{
    (void)state;
    snprintf(path, sizeof(path), "/tmp/test-stage-%d", (int)getpid());
    return 0;
}

static int remove_path(void **state)
{
    (void)state;
    return unlink(path);
}

/* Record number i of a source, always the same: now and then one larger than a block, of
 * bytes that cannot be packed. */
static void encode(struct ndc_buf *out, uint32_t i)
{
    static char big[BIG_BYTES];
    char key[32], name[64];
    uint64_t seed = i;
    struct ndc_record_field fields[3] = {{.field = 3}, {.field = 5}, {.field = 9}};
    struct ndc_record r = {.source = 4, .run = 2, .count = 3, .fields = fields};
    r.key = ndc_str_n(key, (size_t)snprintf(key, sizeof(key), "key-%u", i));
    int n = snprintf(name, sizeof(name), "Nguyễn Văn %u", i % 37);
    fields[0].value = fields[0].raw = ndc_str_n(name, (size_t)n);
    for (size_t k = 0; i % 1000 == 500 && k + 8 <= BIG_BYTES; k += 8) {
        uint64_t v = ndc_rng_next(&seed);
        memcpy(big + k, &v, sizeof(v));
    }
    fields[1].value = fields[1].raw = ndc_str_n(big, i % 1000 == 500 ? BIG_BYTES : 0);
    fields[2].value = r.key;
    ndc_record_encode(out, &r);
}

static void write_stage(uint32_t n)
{
    struct ndc_stage_writer w;
    struct ndc_buf b;
    ndc_buf_init(&b, 16 << 20);
    assert_ok(ndc_stage_create(&w, path, &fault), &fault);
    for (uint32_t i = 0; i < n; i++) {
        ndc_buf_reset(&b);
        encode(&b, i);
        assert_ok(ndc_stage_put_encoded(&w, ndc_buf_str(&b), &fault), &fault);
    }
    assert_ok(ndc_stage_finish(&w, &fault), &fault);
    ndc_buf_free(&b);
}

static void assert_record(struct ndc_stage_cursor *c, struct ndc_buf *b, uint32_t i)
{
    struct ndc_str have = ndc_stage_read(c, i);
    ndc_buf_reset(b);
    encode(b, i);
    assert_int_equal(have.len, b->len);
    assert_memory_equal(have.ptr, b->ptr, b->len);
}

static void assert_stage(uint32_t n)
{
    struct ndc_stage s;
    struct ndc_buf b;
    uint64_t seed = 1;
    ndc_buf_init(&b, 16 << 20);
    assert_ok(ndc_stage_open(&s, path, &fault), &fault);
    assert_int_equal(s.count, n);
    for (unsigned windows = 1; windows <= NDC_STAGE_WINDOWS_MAX; windows += 7) {
        struct ndc_stage_cursor c;
        ndc_stage_cursor_init(&c, &s, windows);
        for (uint32_t i = 0; i < n; i++)
            assert_record(&c, &b, i);
        for (unsigned k = 0; n && k < READS; k++) {
            uint32_t i = (uint32_t)ndc_rng_below(&seed, n);
            if (i % 1000 != 500) assert_record(&c, &b, i);
        }
        ndc_stage_cursor_free(&c);
    }
    ndc_stage_close(&s);
    ndc_buf_free(&b);
}

static void test_what_is_put_is_read(void **state)
{
    (void)state;
    static const uint32_t counts[] = {0, 1, 2, 300, RECORDS};
    for (size_t i = 0; i < NDC_ARRAY_LEN(counts); i++) {
        write_stage(counts[i]);
        assert_stage(counts[i]);
    }
}

static struct ndc_buf read_file(void)
{
    struct ndc_buf b;
    ndc_buf_init(&b, 16 << 20);
    assert_ok(ndc_file_read(&b, path, &fault), &fault);
    return b;
}

static void write_file(struct ndc_str bytes)
{
    assert_ok(ndc_file_write(path, bytes, 0600, &fault), &fault);
}

static void assert_damaged(void)
{
    struct ndc_stage s;
    struct ndc_fault why = {0};
    assert_int_equal(ndc_stage_open(&s, path, &why), NDC_EIO);
    assert_string_equal(why.code, "stage.damaged");
    ndc_stage_close(&s);
}

/* In place: a file that is synced for each of thousands of bits takes minutes. */
static void put_byte(int fd, size_t at, char byte)
{
    assert_int_equal(pwrite(fd, &byte, 1, (off_t)at), 1);
}

static void test_every_flipped_bit_is_found(void **state)
{
    (void)state;
    write_stage(300);
    struct ndc_buf good = read_file();
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    /* One bit of each byte; all of the head, but for the first byte: without its zero it
     * is a stage of an earlier release, and no good one. */
    for (size_t i = 0; i < good.len; i++) {
        for (unsigned bit = i % 8; bit < 8; bit += i < STAGE_HEAD_BYTES ? 1 : 8) {
            put_byte(fd, i, (char)(good.ptr[i] ^ (1 << bit)));
            assert_damaged();
            put_byte(fd, i, good.ptr[i]);
        }
    }
    close(fd);
    assert_stage(300);
    ndc_buf_free(&good);
}

static void test_every_cut_is_found(void **state)
{
    (void)state;
    write_stage(300);
    struct ndc_buf good = read_file();
    for (size_t len = good.len; len-- > 0;) {
        assert_int_equal(truncate(path, (off_t)len), 0);
        assert_damaged();
    }
    ndc_buf_add_byte(&good, 0); /* and what is too long */
    write_file(ndc_buf_str(&good));
    assert_damaged();
    ndc_buf_free(&good);
}

static void test_bytes_that_change_later_are_not_taken(void **state)
{
    (void)state;
    struct ndc_stage s;
    struct ndc_stage_cursor c;
    struct ndc_buf b;
    ndc_buf_init(&b, 16 << 20);
    write_stage(499);
    assert_ok(ndc_stage_open(&s, path, &fault), &fault);
    ndc_stage_cursor_init(&c, &s, 1);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    put_byte(fd, (size_t)s.blocks[0].at + 100, 'x');
    close(fd);
    assert_int_equal(ndc_stage_read(&c, 0).len, 0);
    assert_true(s.block_count > 1);
    assert_record(&c, &b, 498);
    assert_int_equal(ndc_stage_read(&c, 0).len, 0);
    ndc_stage_cursor_free(&c);
    ndc_stage_close(&s);
    ndc_buf_free(&b);
}

static void test_stages_of_earlier_releases(void **state)
{
    (void)state;
    struct ndc_buf old;
    ndc_buf_init(&old, 64 << 20);
    for (uint32_t i = 0; i < 2000; i++)
        encode(&old, i);
    write_file(ndc_buf_str(&old));
    assert_stage(2000);
    struct ndc_buf now = read_file();
    assert_memory_equal(now.ptr, STAGE_HEAD, STAGE_HEAD_BYTES);
    ndc_buf_free(&now);
    write_file(ndc_str_n(old.ptr, old.len - 1));
    assert_damaged();
    now = read_file(); /* left as it is, for who wants to look */
    assert_int_equal(now.len, old.len - 1);
    ndc_buf_free(&now);
    ndc_buf_free(&old);
}

static void test_keys_are_found_again(void **state)
{
    (void)state;
    static struct ndc_keyset set;
    bool added;
    for (uint32_t i = 0; i < 300000; i++) {
        ndc_keyset_put(&set, ndc_mix64(i), i, &added);
        assert_true(added);
    }
    for (uint32_t i = 0; i < 300000; i++) {
        struct ndc_keyset_slot *slot = ndc_keyset_put(&set, ndc_mix64(i), 7, &added);
        assert_false(added);
        assert_int_equal(ndc_keyset_value(slot), i);
        ndc_keyset_set_value(slot, i + 1);
        slot = ndc_keyset_find(&set, ndc_mix64(i));
        assert_int_equal(ndc_keyset_value(slot), i + 1);
        assert_null(ndc_keyset_find(&set, ndc_mix64(i + 1000000)));
    }
    ndc_keyset_free(&set);
}

/* One part, as it is in a source of up to 250 million keys. */
static void test_keys_take_16_bytes_at_most(void **state)
{
    (void)state;
    static struct ndc_keyset set;
    bool added;
    for (uint32_t i = 0; i < 1000000; i++) {
        ndc_keyset_put(&set, ndc_mix64(i) >> 8, i, &added);
        uint64_t bytes = (uint64_t)set.parts[0].cap * sizeof(struct ndc_keyset_slot);
        if (i > 60000) assert_true(bytes <= 16 * (uint64_t)(i + 1));
    }
    ndc_keyset_free(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_put_is_read),
        cmocka_unit_test(test_every_flipped_bit_is_found),
        cmocka_unit_test(test_every_cut_is_found),
        cmocka_unit_test(test_bytes_that_change_later_are_not_taken),
        cmocka_unit_test(test_stages_of_earlier_releases),
        cmocka_unit_test(test_keys_are_found_again),
        cmocka_unit_test(test_keys_take_16_bytes_at_most),
    };
    return cmocka_run_group_tests(tests, make_path, remove_path);
}
