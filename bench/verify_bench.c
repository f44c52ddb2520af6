/* Verdicts a second: a projection of N made-up people, a file of M rows of a bank about
 * them, from the file's bytes to the verdicts' bytes. Nobody in it exists.
 *
 *     verify_bench [people] [rows] [folder]      default 2000000 1000000 /tmp
 *
 * The folder needs about 60 bytes a person and 250 a row; all is removed at the end. */
#include "base/hash.h"
#include "bench/cpu.h"
#include "platforms/registry/serve/people.h"
#include "platforms/verify/check.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/random.h"
#include "sys/thread.h"

#include <stdio.h>
#include <sys/resource.h>
#include <time.h>

enum { BATCH = 1 << 16, CHUNK = 1 << 12 };

static const char *const surnames[] = {"Nguyễn", "Trần", "Lê",   "Phạm", "Hoàng", "Phan",
                                       "Vũ",     "Đặng", "Bùi",  "Đỗ",   "Hồ",    "Ngô",
                                       "Dương",  "Lý",   "Đinh", "Trịnh"};
static const char *const middles[] = {"Văn",  "Thị",  "Hữu", "Minh", "Ngọc", "Thanh",
                                      "Quốc", "Xuân", "Đức", "Thu",  "Kim",  "Hoài"};
static const char *const given[] = {"An",   "Bình",  "Cường", "Dũng",  "Giang", "Hà",
                                    "Hùng", "Khánh", "Lan",   "Linh",  "Mai",   "Nam",
                                    "Oanh", "Phúc",  "Quân",  "Sơn",   "Tâm",   "Uyên",
                                    "Vinh", "Yến",   "Thảo",  "Thắng", "Hạnh",  "Đạt"};
static const char *const provinces[] = {
    "001", "002", "004", "006", "008", "010", "011", "012", "014", "015",
    "017", "019", "020", "022", "024", "025", "026", "027", "030", "031",
    "033", "034", "035", "036", "037", "038", "040", "042", "044", "045",
    "046", "048", "049", "051", "052", "054", "056", "058", "060", "062"};

struct person {
    char id[13], old[10], name[96];
    struct ndc_date birth;
    bool has_old, dead;
};

/* Person number i, always the same. */
static void person(struct person *p, uint64_t i)
{
    uint64_t r = ndc_mix64(i + 1), year = 1940 + r % 70;
    unsigned sex = (unsigned)(r >> 8 & 1);
    p->birth = (struct ndc_date){(int16_t)year, (uint8_t)(1 + (r >> 10) % 12),
                                 (uint8_t)(1 + (r >> 16) % 28)};
    snprintf(p->id, sizeof(p->id), "%s%u%02u%06u", provinces[i / 1000000 % 40],
             (unsigned)(year >= 2000 ? 2 : 0) + sex, (unsigned)(i / 40000000 % 100),
             (unsigned)(i % 1000000));
    snprintf(p->old, sizeof(p->old), "%09u", (unsigned)(100000000 + i % 800000000));
    snprintf(p->name, sizeof(p->name), "%s %s %s", surnames[(r >> 20) % 16],
             middles[(r >> 26) % 12], given[(r >> 32) % 24]);
    p->has_old = (r >> 40) % 5 == 0;
    p->dead = (r >> 44) % 100 == 0;
}

struct making {
    const struct ndc_projection_key *key;
    uint64_t first, people;
    struct ndc_entry *entries; /* CHUNK * 2 for each chunk */
    size_t counts[BATCH / CHUNK];
};

static void make_chunk(void *arg, size_t chunk)
{
    struct making *m = arg;
    struct ndc_entry *out = m->entries + chunk * CHUNK * 2, one[NDC_PEOPLE_IDS_MAX];
    size_t n = 0;
    for (uint64_t i = m->first + chunk * CHUNK;
         i < NDC_MIN(m->first + (chunk + 1) * CHUNK, m->people); i++) {
        struct person p;
        person(&p, i);
        struct ndc_people_facts f = {.entity = i + 1,
                                     .flags = p.dead ? NDC_PEOPLE_DEAD : 0,
                                     .names = {ndc_str(p.name)},
                                     .name_count = 1,
                                     .birth = p.birth,
                                     .current_id = ndc_str(p.id)};
        f.ids[f.id_count++] =
            (struct ndc_people_id){NDC_ID_PERSONAL, NDC_ID_CURRENT, ndc_str(p.id)};
        if (p.has_old)
            f.ids[f.id_count++] =
                (struct ndc_people_id){NDC_ID_OLD, NDC_ID_FORMER, ndc_str(p.old)};
        unsigned k = ndc_entries_of(one, m->key, &f);
        memcpy(out + n, one, k * sizeof(*one));
        n += k;
    }
    m->counts[chunk] = n;
}

static enum ndc_err make_projection(const char *dir, const struct ndc_projection_key *key,
                                    uint64_t people, struct ndc_fault *fault)
{
    struct making m = {.key = key, .people = people};
    struct ndc_projection_build *b = ndc_projection_build_new(dir);
    enum ndc_err err = NDC_OK;
    m.entries = ndc_xmalloc((size_t)BATCH * 2 * sizeof(*m.entries));
    for (m.first = 0; m.first < people && !err; m.first += BATCH) {
        ndc_parallel_for(ndc_cpu_count(), BATCH / CHUNK, make_chunk, &m);
        for (size_t c = 0; c < BATCH / CHUNK && !err; c++)
            err = ndc_projection_build_add(b, m.entries + c * CHUNK * 2, m.counts[c],
                                           fault);
    }
    if (!err)
        err = ndc_projection_build_end(b, key, (struct ndc_people_moment){1, 0}, people,
                                       ndc_cpu_count(), fault);
    free(m.entries);
    ndc_projection_build_free(b);
    return err;
}

static enum ndc_err make_file(const char *path, uint64_t people, uint64_t rows,
                              struct ndc_fault *fault)
{
    struct ndc_file_writer w;
    uint64_t state = 7;
    enum ndc_err err = ndc_file_create(&w, path, fault);
    if (!err)
        err = ndc_file_append(
            &w, NDC_STR("bank_account,full_name,person_id,birth_date\n"), fault);
    for (uint64_t i = 0; i < rows && !err; i++) {
        struct person p;
        uint64_t kind = ndc_rng_below(&state, 100), who = ndc_rng_below(&state, people);
        char line[256];
        person(&p, kind == 0 ? who + people : who); /* 1 %: not found */
        if (kind == 1) p.birth.day = (uint8_t)(p.birth.day % 28 + 1);
        if (kind == 2) snprintf(p.name, sizeof(p.name), "Người Khác Hẳn");
        bool old = kind >= 95 && p.has_old;
        int n = snprintf(line, sizeof(line), "%013llu,%s,%s,%02d/%02d/%04d\n",
                         (unsigned long long)(1000000000000u + i), p.name,
                         old ? p.old : p.id, p.birth.day, p.birth.month, p.birth.year);
        err = ndc_file_append(&w, ndc_str_n(line, (size_t)n), fault);
    }
    return err ? err : ndc_file_finish(&w, fault);
}

struct watch {
    int64_t ns;
    double cpu;
};

static struct watch now(void)
{
    return (struct watch){ndc_clock_mono_ns(), bench_cpu_seconds()};
}

static double say(const char *what, struct watch from)
{
    struct watch to = now();
    double s = (double)(to.ns - from.ns) * 1e-9;
    printf("%s %.2f s\n%s_cpu %.2f s\n", what, s, what, to.cpu - from.cpu);
    return s;
}

/* Private memory, without mapped files. */
static double private_mib(void)
{
    static const char name[] = "RssAnon:";
    char line[256];
    double kib = 0;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && !kib && fgets(line, sizeof(line), f))
        if (strncmp(line, name, sizeof(name) - 1) == 0)
            kib = strtod(line + sizeof(name) - 1, NULL);
    if (f) fclose(f);
    return kib / 1024;
}

static enum ndc_err measure(const char *dir, const char *path, uint64_t rows,
                            struct ndc_fault *fault)
{
    char plan_path[4096], out_path[4096];
    struct ndc_projection_key key;
    struct ndc_plan plan = {0};
    struct ndc_str file = NDC_STR_NULL;
    struct ndc_projection *p = NULL;
    struct ndc_counts counts = {0};
    struct ndc_buf out, none;
    struct ndc_file_writer w;
    ndc_buf_init(&out, (size_t)1 << 32);
    ndc_buf_init(&none, 1);
    snprintf(plan_path, sizeof(plan_path), "%s/plan", dir);
    snprintf(out_path, sizeof(out_path), "%s/verdicts", dir);
    struct watch from = now();
    enum ndc_err err = ndc_projection_key_open(&key, dir, fault);
    if (!err) err = ndc_projection_open(&p, dir, &key, true, ndc_cpu_count(), fault);
    if (!err) err = ndc_file_map(&file, path, fault);
    if (err) return err;
    say("open_and_check", from);
    struct watch all = from = now();
    err = ndc_plan_make(&plan, file, UINT32_MAX, dir, ndc_cpu_count(), NULL, NULL, fault);
    say("plan", from);
    struct ndc_check_input in = {.file = file,
                                 .plan = &plan,
                                 .projection = p,
                                 .key = &key,
                                 .people = &ndc_registry_people,
                                 .terms = {.status = true, .new_id = true},
                                 .threads = ndc_cpu_count()};
    struct ndc_check *check = ndc_check_new(&in);
    if (!err) err = ndc_file_create(&w, out_path, fault);
    from = now();
    for (size_t at = 0, n = 0; at < plan.slices && !err; at += n) {
        err = ndc_check_window(check, at, &n, &out, &none, &counts, fault);
        if (!err) err = ndc_file_append(&w, ndc_buf_str(&out), fault);
    }
    say("check", from);
    double s = say("file", all);
    double memory = private_mib();
    if (!err) err = ndc_file_finish(&w, fault);
    say("file_synced", all);
    if (!err) {
        printf("verdicts %.0f /s\n", (double)rows / s);
        printf("hours_122_1_million %.4f h\n", 122.1e6 / ((double)rows / s) / 3600);
        printf("private_memory %.0f MiB\n", memory);
        for (int v = 0; v < NDC_VERDICT_COUNT; v++)
            printf("%s %llu rows\n", ndc_verdict_name((enum ndc_verdict)v),
                   (unsigned long long)counts.by[v]);
    }
    ndc_check_free(check);
    ndc_plan_free(&plan);
    ndc_file_unmap(&file);
    ndc_projection_unref(p);
    ndc_buf_free(&out);
    return err;
}

int main(int argc, char **argv)
{
    uint64_t people = 2000000, rows = 1000000;
    char dir[2048], path[4096];
    struct ndc_fault fault = {0};
    struct ndc_projection_key key;
    if (argc > 1 && !ndc_str_to_u64(ndc_str(argv[1]), &people)) return 2;
    if (argc > 2 && !ndc_str_to_u64(ndc_str(argv[2]), &rows)) return 2;
    snprintf(dir, sizeof(dir), "%s/verify_bench.%llx", argc > 3 ? argv[3] : "/tmp",
             (unsigned long long)ndc_random_u64());
    snprintf(path, sizeof(path), "%s/accounts.csv", dir);
    enum ndc_err err = ndc_file_mkdirs(dir, &fault);
    if (!err) err = ndc_projection_key_open(&key, dir, &fault);
    struct watch from = now();
    if (!err) err = make_projection(dir, &key, people, &fault);
    say("make_projection", from);
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    printf("make_projection_memory %.0f MiB\n", (double)u.ru_maxrss / 1024);
    if (!err) err = make_file(path, people, rows, &fault);
    if (!err) err = measure(dir, path, rows, &fault);
    if (err) fprintf(stderr, "%s: %s\n", fault.code, fault.message);
    struct ndc_fault ignored;
    if (ndc_file_remove_tree(dir, &ignored)) fprintf(stderr, "%s remains\n", dir);
    return err ? 1 : 0;
}
