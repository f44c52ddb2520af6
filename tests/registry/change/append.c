/* Another process that writes to the change feed: append URL ROWS BATCH PAUSE_MS. Commits
 * BATCH rows at a time, prints the number of the last. */
#include "platforms/registry/change/change.h"

#include "store/writer.h"
#include "sys/clock.h"

#include <stdio.h>

enum { BATCH_MAX = 1000 };

struct batch {
    size_t n;
    uint64_t entity;
    int64_t first;
};

static enum ndc_err append(struct ndc_store_conn *conn, void *arg,
                           struct ndc_fault *fault)
{
    struct batch *b = arg;
    struct ndc_change changes[BATCH_MAX];
    for (size_t i = 0; i < b->n; i++) {
        changes[i] = (struct ndc_change){.at_ms = ndc_clock_wall_ms(),
                                         .entity = b->entity + i,
                                         .type = NDC_ENTITY_PERSON,
                                         .kind = NDC_CHANGE_CHANGED};
        ndc_field_set_add(&changes[i].fields, 0);
    }
    return ndc_change_append(conn, changes, b->n, &b->first, fault);
}

int main(int argc, char **argv)
{
    struct ndc_store *store;
    struct ndc_fault fault = {0};
    uint64_t rows, size, pause_ms;
    struct batch b = {.entity = 1};
    if (argc != 5 || !ndc_str_to_u64(ndc_str(argv[2]), &rows) ||
        !ndc_str_to_u64(ndc_str(argv[3]), &size) || size < 1 || size > BATCH_MAX ||
        !ndc_str_to_u64(ndc_str(argv[4]), &pause_ms))
        return 2;
    enum ndc_err err = ndc_store_open(&store, argv[1], NULL, &fault);
    if (err) store = NULL;
    for (uint64_t done = 0; !err && done < rows; done += b.n) {
        b.n = NDC_MIN(rows - done, size);
        err = ndc_store_write(store, append, &b, &fault);
        b.entity = 1 + (b.entity + b.n) % 1000000;
        if (pause_ms) ndc_clock_sleep_ms((int64_t)pause_ms);
    }
    ndc_store_close(store);
    if (err) {
        fprintf(stderr, "%s: %s\n", fault.code, fault.message);
        return 1;
    }
    printf("%lld\n", (long long)(b.first + (int64_t)b.n - 1));
    return 0;
}
