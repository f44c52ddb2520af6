/* Fuzzes the registry's parsers: declarations with their rules, row connectors and the
 * mapper, stored records, entities and index pages. The first byte chooses. */
#include "platforms/registry/change/diff.h"
#include "platforms/registry/entity/entity.h"
#include "platforms/registry/entity/history.h"
#include "platforms/registry/entity/index.h"
#include "platforms/registry/load/map.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_declaration(struct ndc_str in)
{
    struct ndc_arena arena;
    struct ndc_source *source;
    struct ndc_fault fault = {0};
    ndc_arena_init(&arena, 8 << 20);
    enum ndc_err err = ndc_source_parse(&source, &arena, in, &fault);
    /* Whatever is refused is refused with a reason. */
    NDC_ASSERT(!err || fault.message[0]);
    ndc_arena_free(&arena);
}

static void fuzz_rows(struct ndc_str in)
{
    static const char yaml[] =
        "source: s\nagency: a\nlegal_basis: b\nentity: person\nkey: [k, id]\n"
        "connector: {type: push}\nsync: {mode: delta, op_column: op}\nfields:\n"
        "  - {column: id, to: person_id}\n  - {column: n, to: full_name}\n"
        "  - {column: b, to: birth_date, required: true}\n  - {column: s, to: sex}\n"
        "  - {columns: [x, y], to: permanent_address}\n"
        "rules:\n  - {name: r, check: 'death_date >= birth_date or not sex'}\n";
    struct ndc_arena arena;
    struct ndc_source *source;
    struct ndc_connect *connect;
    struct ndc_fault fault = {0};
    struct ndc_mapped *mapped = ndc_xcalloc(1, sizeof(*mapped));
    struct ndc_quality quality;
    bool have = true;
    ndc_arena_init(&arena, 8 << 20);
    NDC_ASSERT(ndc_source_parse(&source, &arena, ndc_str(yaml), &fault) == NDC_OK);
    NDC_ASSERT(ndc_connect_memory(&connect, source, in, NULL, 0, &fault) == NDC_OK);
    struct ndc_mapper *mapper =
        ndc_mapper_new(source, connect, (struct ndc_date){2025, 7, 1});
    ndc_quality_init(&quality, source);
    for (int i = 0; i < 1000 && have; i++) {
        struct ndc_connect_row row;
        struct ndc_fault why = {0};
        enum ndc_err err = ndc_connect_next(connect, &row, &have, &why);
        NDC_ASSERT(!err || err == NDC_EINPUT);
        if (!err && have) ndc_mapper_map(mapper, &row, mapped, &quality);
        have |= err != NDC_OK;
    }
    ndc_quality_free(&quality);
    ndc_mapper_free(mapper);
    ndc_connect_close(connect);
    ndc_arena_free(&arena);
    free(mapped);
}

static void fuzz_stored(struct ndc_str in)
{
    struct ndc_arena arena;
    struct ndc_entity_view view;
    struct ndc_record record;
    struct ndc_str rest = in, whole;
    struct ndc_buf out;
    uint64_t entities[16];
    bool more, damaged;
    ndc_arena_init(&arena, 64 << 20);
    ndc_buf_init(&out, 64 << 20);
    if (ndc_entity_decode(&view, &arena, in)) {
        ndc_entity_encode(&out, &view);
        ndc_arena_reset(&arena);
        NDC_ASSERT(ndc_entity_decode(&view, &arena, ndc_buf_str(&out)));
        ndc_buf_reset(&out);
        NDC_ASSERT(!ndc_history_diff(&out, in, in));
    }
    while (ndc_record_skip(&rest, &whole)) {
        ndc_arena_reset(&arena);
        if (ndc_record_decode(&record, &arena, &whole)) ndc_record_content_hash(&record);
    }
    struct ndc_record *records;
    unsigned n;
    ndc_arena_reset(&arena);
    if (ndc_change_undo(&records, &n, &arena, NULL, 0, in)) NDC_ASSERT(n <= in.len);
    (void)ndc_index_page_find(in, 77, entities, 16, &more, &damaged);
    ndc_buf_free(&out);
    ndc_arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) return 0;
    char *copy = ndc_xmalloc(size); /* exact, so that a byte beyond is seen */
    memcpy(copy, data + 1, size - 1);
    struct ndc_str in = ndc_str_n(copy, size - 1);
    if (data[0] % 3 == 0)
        fuzz_declaration(in);
    else if (data[0] % 3 == 1)
        fuzz_rows(in);
    else
        fuzz_stored(in);
    free(copy);
    return 0;
}
