/* Values that go into statements and come out of rows. */
#ifndef NDC_STORE_VALUE_H
#define NDC_STORE_VALUE_H

#include "base/str.h"

enum ndc_val_type { NDC_VAL_NULL, NDC_VAL_I64, NDC_VAL_F64, NDC_VAL_TEXT, NDC_VAL_BLOB };

struct ndc_val {
    enum ndc_val_type type;
    union {
        int64_t i64;
        double f64;
        struct ndc_str str; /* text: UTF-8 without zero bytes; not owned */
    };
};

static inline struct ndc_val ndc_int(int64_t v)
{
    return (struct ndc_val){.type = NDC_VAL_I64, .i64 = v};
}

static inline struct ndc_val ndc_real(double v)
{
    return (struct ndc_val){.type = NDC_VAL_F64, .f64 = v};
}

/* A str with a NULL pointer is NULL; an empty one with a pointer is ''. */
static inline struct ndc_val ndc_text(struct ndc_str s)
{
    return (struct ndc_val){.type = s.ptr ? NDC_VAL_TEXT : NDC_VAL_NULL, .str = s};
}

static inline struct ndc_val ndc_textz(const char *cstr)
{
    return ndc_text(ndc_str(cstr));
}

static inline struct ndc_val ndc_blob(struct ndc_str s)
{
    return (struct ndc_val){.type = s.ptr ? NDC_VAL_BLOB : NDC_VAL_NULL, .str = s};
}

static inline struct ndc_val ndc_null(void)
{
    return (struct ndc_val){.type = NDC_VAL_NULL};
}

/* The arguments of a statement, $1 first: ndc_sql_exec(conn, sql, NDC_ARGS(ndc_text(id),
 * ndc_int(n)), NULL, fault). */
#define NDC_ARGS(...)                      \
    (const struct ndc_val[]){__VA_ARGS__}, \
        NDC_ARRAY_LEN(((const struct ndc_val[]){__VA_ARGS__}))
#define NDC_NO_ARGS NULL, 0

#endif
