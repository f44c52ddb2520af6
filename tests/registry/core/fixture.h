/* A registry for tests: on the test's kind of database, with a stage folder of its own;
 * the demo nation, made once a program; what it came to, in a form that can be compared.
 */
#ifndef NDC_TESTS_REGISTRY_FIXTURE_H
#define NDC_TESTS_REGISTRY_FIXTURE_H

#include "tests/db.h"

#include "platforms/registry/registry_platform.h"

struct world {
    struct ndc_store *store;
    struct ndc_registry *reg;
    const char *url;
    char dir[128];
    unsigned shards;      /* servers; 0: not sharded */
    unsigned shard_count; /* logical shards; 0: 16 */
    const char *shard_urls[8];
};

/* On PostgreSQL with NDC_TEST_SHARDS=N it is sharded over N databases, those of
 * scripts/with_shards.sh or others of the test's own server. */
void world_new(struct world *w, void **state);
unsigned world_shards_wanted(void **state);
/* Shards it over `w->shards` servers. */
void shard_world(struct world *w, void **state);
/* As after a restart: the same database and folder, opened anew. */
void world_reopen(struct world *w);
void world_free(struct world *w);
/* Opens what world_free closed: around a fork, for no database survives one open. */
void world_reopen_after_fork(struct world *w);
/* The same, of a program that was killed; nobody else has it open. */
void world_reopen_after_kill(struct world *w);

/* The demo nation's folder: 2,000 people, day2/ too. */
const char *demo_folder(void);
/* The same files in another folder. */
void demo_write(const char *folder);
/* Declares the demo's sources and integrates them. */
void integrate_demo(struct world *w, struct ndc_build_stats *stats);

/* Writes `csv` as the source's file and declares the source: an entity's declaration
 * without its head ("fields:…"), snapshot or delta. */
struct ndc_registered *declare(struct world *w, const char *id, const char *sync,
                               const char *rest);
void write_csv(struct world *w, const char *id, const char *csv);
/* Loads the source's file; the run's number. */
int64_t load(struct world *w, const char *id, struct ndc_load_result *result);
void build(struct world *w, struct ndc_build_stats *stats);
/* Pushes NDJSON rows. */
void push(struct world *w, const char *id, const char *ndjson,
          struct ndc_load_result *result);

int64_t count_of(struct world *w, const char *sql);
/* One text of the database, valid until the next call. */
const char *text_of(struct world *w, const char *sql);

/* The entity that holds a record, or 0. */
uint64_t entity_of(struct world *w, const char *source, const char *key);
/* Golden value of an entity (merges followed), valid until the next call; "" if none. */
const char *golden_of(struct world *w, uint64_t entity, const char *field);

/* Sum over all entities of what they are: number, records (source, key, texts, whether
 * ended), golden values; not runs or times. Equal digests: the same registry. */
struct digest {
    uint64_t entities, records, content;
    /* Whatever the numbers of entities: which records are together, what these say, and
     * what was chosen of it. */
    uint64_t parts, values, golden;
    uint64_t exact; /* with runs, times and updated_ms too: equal means not rewritten */
};
struct digest digest_of(struct world *w);

/* Pairwise F1 of the people against the demo's truth. */
double demo_f1(struct world *w);

#endif
