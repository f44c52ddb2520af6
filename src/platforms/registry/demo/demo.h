/* The demo nation: a country of true shape, and the 16 national databases drawn from it
 * with the errors that such databases have, and the truth beside them. Everything is
 * fiction made from public frequencies; nobody in it exists. docs/demo-nation.md.
 *
 * The nation is made village by village (200 people who are kin), each from a random
 * stream of its own: the same seed gives the same bytes whatever the thread count, and
 * memory does not grow with the nation.
 *
 *     struct ndc_demo_config config = {.people = 100000, .seed = 1};
 *     ndc_demo_write(&stats, &config, "data/demo", fault);      files, or
 *     ndc_demo_generate(&stats, &config, &sink, fault);         chunks to a callback
 */
#ifndef NDC_REGISTRY_DEMO_DEMO_H
#define NDC_REGISTRY_DEMO_DEMO_H

#include "base/buf.h"
#include "base/error.h"

#define NDC_DEMO_PEOPLE_MAX 160000000u

/* Tables in the order in which they are written. The first NDC_DEMO_SOURCES have a
 * declaration each; 16 databases, two of which hold organisations in a table of their
 * own. */
enum ndc_demo_table_id {
    NDC_DEMO_POPULATION,
    NDC_DEMO_RESIDENCE,
    NDC_DEMO_CIVIL_STATUS,
    NDC_DEMO_SOCIAL_INSURANCE,
    NDC_DEMO_HEALTH_INSURANCE,
    NDC_DEMO_HEALTH_RECORDS,
    NDC_DEMO_LAND,
    NDC_DEMO_BUSINESS_REGISTRY,
    NDC_DEMO_TAX,
    NDC_DEMO_VEHICLES,
    NDC_DEMO_DRIVING_LICENCES,
    NDC_DEMO_EDUCATION,
    NDC_DEMO_LABOUR,
    NDC_DEMO_IMMIGRATION,
    NDC_DEMO_JUSTICE,
    NDC_DEMO_BANK_ACCOUNTS,
    NDC_DEMO_TAX_ORGANISATIONS,
    NDC_DEMO_LAND_ORGANISATIONS,
    NDC_DEMO_SOURCES,
    NDC_DEMO_TRUTH =
        NDC_DEMO_SOURCES, /* which person or organisation a record is about */
    NDC_DEMO_PERSONS,     /* the people as they are */
    NDC_DEMO_ORGANISATIONS,
    NDC_DEMO_TABLES
};

enum ndc_demo_format { NDC_DEMO_CSV, NDC_DEMO_NDJSON, NDC_DEMO_SQLITE };
enum ndc_demo_encoding {
    NDC_DEMO_UTF8,
    NDC_DEMO_UTF8_BOM,
    NDC_DEMO_UTF16, /* little-endian with a byte order mark */
    NDC_DEMO_WINDOWS1258,
    NDC_DEMO_TCVN3 /* has no capital letters with a tone mark: those become small */
};

/* How a table is laid out. */
struct ndc_demo_table {
    const char *name; /* of the source: "residence" */
    const char *file; /* "residence.csv" */
    enum ndc_demo_format format;
    enum ndc_demo_encoding encoding;
    char separator;
    bool crlf, quote_all;
    const char *sql_table;      /* SQLite's */
    const char *const *columns; /* column_count names */
    size_t column_count;
};

enum { NDC_DEMO_COLUMNS_MAX = 40 };

/* Day 1 is the state of the databases on the nation's date less a month; day 2 is what
 * changed by the nation's date: a delta of civil_status, a new snapshot of residence. */
enum ndc_demo_phase { NDC_DEMO_DAY1 = 1, NDC_DEMO_DAY2 = 2 };

struct ndc_demo_config {
    uint64_t
        people; /* 1..NDC_DEMO_PEOPLE_MAX, those who died in the last 8 years included */
    uint64_t seed;
    unsigned threads;          /* 0: one per core; never changes the result */
    uint32_t tables;           /* bit set of ndc_demo_table_id to make; 0: all */
    bool deltas;               /* ndc_demo_write: also the day-2 files */
    bool things;               /* ndc_demo_write: also things/, the general store's */
    bool fields_only;          /* ndc_demo_generate: leave chunk.bytes empty */
    enum ndc_demo_phase phase; /* 0: NDC_DEMO_DAY1 */
};

/* Rows of one table. `bytes` is what a file of the table holds for these rows (no header;
 * ndc_demo_header makes that), empty for SQLite tables. fields[row * column_count + i] is
 * the plain value in UTF-8, empty where the source has none. Valid during the call. */
struct ndc_demo_chunk {
    enum ndc_demo_table_id id;
    const struct ndc_demo_table *table;
    struct ndc_str bytes;
    const struct ndc_str *fields;
    size_t row_count;
};

/* Called in order from one thread at a time, for each part of the nation its tables in
 * the order of the enum. An error stops the making and is returned. */
struct ndc_demo_sink {
    enum ndc_err (*chunk)(void *ctx, const struct ndc_demo_chunk *chunk,
                          struct ndc_fault *fault);
    /* May be NULL. False stops it with NDC_ECANCELED. */
    bool (*progress)(void *ctx, uint64_t people_done, uint64_t people);
    void *ctx;
};

struct ndc_demo_stats {
    uint64_t people, organisations, households;
    uint64_t rows[NDC_DEMO_TABLES];
    uint64_t records; /* rows of the sources together */
    uint64_t bytes;   /* of the encoded rows */
    double seconds;
};

/* The layout of a table: constant data. */
const struct ndc_demo_table *ndc_demo_table(enum ndc_demo_table_id id);
/* Appends the header line as the table's file has it, byte order mark included; nothing
 * for NDJSON and SQLite. */
void ndc_demo_header(struct ndc_buf *out, enum ndc_demo_table_id id);

/* Makes the nation chunk by chunk. Memory: about 30 MB and 10 MB a thread, whatever the
 * size. NDC_EINPUT if the configuration is out of range. */
enum ndc_err ndc_demo_generate(struct ndc_demo_stats *stats,
                               const struct ndc_demo_config *config,
                               const struct ndc_demo_sink *sink,
                               struct ndc_fault *fault) NDC_MUST_USE;

/* The same into files under `directory` (made if absent): one per table, NAME.yaml for
 * each source, truth.csv, persons.csv, organisations.csv, and with config.deltas day2/.
 * `progress` may be NULL. */
enum ndc_err ndc_demo_write(struct ndc_demo_stats *stats,
                            const struct ndc_demo_config *config, const char *directory,
                            bool (*progress)(void *ctx, uint64_t done, uint64_t people),
                            void *ctx, struct ndc_fault *fault) NDC_MUST_USE;

/* The same without files: named pipes in their place (SQLite's table is a file, a truth
 * is not given). Each table is made while its pipe is read, alone and so that the whole
 * nation is made once for each; a pipe is read once, by who opens it first. */
enum ndc_err ndc_demo_pipes_make(const struct ndc_demo_config *config,
                                 const char *directory,
                                 struct ndc_fault *fault) NDC_MUST_USE;
/* Returns when all were read to the end. io.write: a reader went away before. SIGPIPE
 * must be ignored. */
enum ndc_err ndc_demo_pipes_serve(uint64_t *rows, const struct ndc_demo_config *config,
                                  const char *directory,
                                  struct ndc_fault *fault) NDC_MUST_USE;

#endif
