/* What the connectors share among themselves. */
#ifndef NDC_REGISTRY_CONNECT_INTERNAL_H
#define NDC_REGISTRY_CONNECT_INTERNAL_H

#include "base/csv.h"
#include "platforms/registry/source/connect.h"
#include "sys/file.h"

enum { NDC_CONNECT_CHUNK = 1 << 18 };

struct ndc_connect_ops {
    enum ndc_err (*next)(struct ndc_connect *c, struct ndc_connect_row *row, bool *have,
                         struct ndc_fault *fault);
    void (*close)(struct ndc_connect *c);
};

struct ndc_connect {
    const struct ndc_connect_ops *ops;
    const struct ndc_source *source;
    const char *path;
    struct ndc_arena arena; /* column names */
    struct ndc_str *columns;
    size_t column_count;
    struct ndc_str *values; /* of the current row */
    uint64_t done, total;

    struct ndc_file_reader reader;
    struct ndc_file_stamp stamp;
    struct ndc_str memory;
    const struct ndc_str *first; /* of memory: columns that come before the declared */
    size_t first_count;
    bool in_memory, decided, swapped; /* of UTF-16: byte order known, and which */
    bool last;                        /* the file has ended: decode what is left */
    uint64_t replaced;                /* characters the encoding does not have */
    struct ndc_buf utf8;              /* a decoded chunk */
    size_t carry; /* bytes of a cut character kept from the last chunk */
    void *state;  /* the connector's own */
    char bytes[NDC_CONNECT_CHUNK];
};

enum ndc_err ndc_connect_csv_open(struct ndc_connect *c, struct ndc_fault *fault);
enum ndc_err ndc_connect_ndjson_open(struct ndc_connect *c, struct ndc_fault *fault);
enum ndc_err ndc_connect_sqlite_open(struct ndc_connect *c, struct ndc_fault *fault);
enum ndc_err ndc_connect_postgres_open(struct ndc_connect *c, struct ndc_fault *fault);

/* Columns are those that the declaration names, in its order; values for them. */
void ndc_connect_declare_columns(struct ndc_connect *c);
enum ndc_err ndc_connect_missing_column(const struct ndc_connect *c, struct ndc_str name,
                                        unsigned line, struct ndc_fault *fault);
/* Every declared column must be there: one that is gone is a changed source, not data. */
enum ndc_err ndc_connect_check_columns(const struct ndc_connect *c,
                                       struct ndc_fault *fault);
enum ndc_err ndc_connect_file_open(struct ndc_connect *c, struct ndc_fault *fault);
/* The next chunk as UTF-8 (bytes as they are where the encoding is UTF-8); empty at the
 * end, which is when a changed file is told. */
enum ndc_err ndc_connect_read(struct ndc_connect *c, struct ndc_str *chunk,
                              struct ndc_fault *fault);
/* Turns bytes into UTF-8; *used is how many were taken (a cut character is left). */
enum ndc_err ndc_connect_decode(struct ndc_connect *c, struct ndc_str bytes,
                                struct ndc_str *utf8, size_t *used,
                                struct ndc_fault *fault);

#endif
