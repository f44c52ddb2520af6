/* Following with the registry's own intake: killed again and again among writers, what is
 * in the registry at the end is what the table says. A load of the whole table is the
 * judge: it finds nothing new, nothing changed, nothing gone. */
#include "tests/registry/capture/target.h"

#include "base/hash.h"
#include "sys/clock.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum { KILLS = 8, ROWS = 400 };

static struct ndc_fault fault;

static void declare_table(struct world *w, const char *more)
{
    struct ndc_registered *r;
    char yaml[2048];
    snprintf(
        yaml, sizeof(yaml),
        "source: s\nagency: bca\nlegal_basis: Luật Cư trú 68/2020/QH14\nentity: person\n"
        "key: [id]\nconnector: {type: postgres, url: \"%s\", table: public.cu_tru%s}\n"
        "fields:\n  - {column: id, to: null}\n  - {column: ten, to: full_name}\n  - "
        "{column: ngay, to: birth_date, format: ymd}\n  - {column: so, to: null}\n  - "
        "{column: co, to: null}\n",
        origin_url(), more);
    fault = (struct ndc_fault){0};
    assert_ok(ndc_registry_declare(w->reg, ndc_str(yaml), NDC_STR(""), &r, &fault),
              &fault);
}

static void follow(struct world *w)
{
    const struct ndc_capture_run run = {.once = true};
    const struct ndc_capture_hooks hooks = ndc_capture_hooks_of(w->reg);
    fault = (struct ndc_fault){0};
    assert_ok(ndc_capture_follow(w->reg, NDC_STR("s"), &hooks, &run, &fault), &fault);
}

static void change_some(uint64_t *seed)
{
    for (int i = 0; i < 40; i++) {
        unsigned a = (unsigned)ndc_rng_below(seed, ROWS);
        switch (ndc_rng_below(seed, 5)) {
        case 0:
            origin_sql("DELETE FROM cu_tru WHERE id = %u", a);
            break;
        case 1:
            origin_sql(
                "UPDATE cu_tru SET id = %u WHERE id = %u AND NOT EXISTS (SELECT FROM "
                "cu_tru WHERE id = %u)",
                a + ROWS, a, a + ROWS);
            break;
        case 2:
            origin_sql(
                "BEGIN; DELETE FROM cu_tru WHERE id = %u; INSERT INTO cu_tru (id, ten, "
                "ngay, co) VALUES (%u, 'Lê Văn Lại', '1970-02-03', true); COMMIT",
                a, a);
            break;
        default:
            origin_sql(
                "INSERT INTO cu_tru (id, ten, ngay, so) VALUES (%u, 'Phạm Thị Mới', "
                "date '1960-01-01' + %u, %d) ON CONFLICT (id) DO UPDATE SET ten = "
                "cu_tru.ten || ' Đổi', so = excluded.so",
                a, a * 31, i);
        }
    }
}

static void test_end_state(void **state)
{
    struct world w;
    struct ndc_load_result r = {0};
    uint64_t seed = 11;
    origin_new();
    origin_table();
    world_new(&w, state);
    declare_table(&w, ", slot: ndc_live");
    origin_sql(
        "INSERT INTO cu_tru (id, ten, ngay, so, co) SELECT g, 'Nguyễn Văn An', date "
        "'1950-01-01' + g * 37, g / 4.0, g %% 2 = 0 FROM generate_series(0, %d) g",
        ROWS - 1);
    follow(&w);
    for (int i = 0; i < KILLS; i++) {
        world_free(&w); /* no database survives a fork open */
        pid_t child = fork();
        if (child == 0) {
            world_reopen_after_fork(&w);
            const struct ndc_capture_hooks hooks = ndc_capture_hooks_of(w.reg);
            ndc_capture_start(w.reg, &hooks);
            for (;;)
                pause();
        }
        change_some(&seed);
        ndc_clock_sleep_ms((int64_t)ndc_rng_below(&seed, 300));
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        world_reopen_after_fork(&w);
    }
    follow(&w);
    /* the judge */
    int64_t rows = origin_i64("SELECT count(*) FROM cu_tru");
    declare_table(&w, "");
    load(&w, "s", &r);
    assert_int_equal(r.rows_read, rows);
    assert_int_equal(r.quarantined, 0);
    assert_int_equal(r.added, 0);
    assert_int_equal(r.changed, 0);
    assert_int_equal(r.ended, 0);
    assert_int_equal(r.unchanged, rows);
    world_free(&w);
    origin_free();
}

int main(void)
{
    test_pg_setting("wal_level=logical");
    test_pg_setting("max_replication_slots=20");
    const struct CMUnitTest tests[] = {TEST_ON_BOTH(test_end_state)};
    return test_db_run(tests);
}
