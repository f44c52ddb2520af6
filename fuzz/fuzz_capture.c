/* Fuzzes what change capture reads of others: wal2json's messages, positions. What is
 * taken must be able to stand in a row: no line end, valid UTF-8. The first byte chooses.
 */
#include "platforms/registry/capture/position.h"
#include "platforms/registry/capture/wal2json.h"

#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_row(const struct ndc_wal2json_row *row)
{
    NDC_ASSERT(row->count <= NDC_WAL2JSON_COLUMNS_MAX);
    for (size_t i = 0; i < row->count; i++) {
        struct ndc_str v = row->columns[i].value;
        NDC_ASSERT(v.len > 0 && ndc_utf8_valid(v) &&
                   ndc_utf8_valid(row->columns[i].name));
        for (size_t k = 0; k < v.len; k++)
            NDC_ASSERT((unsigned char)v.ptr[k] >= 0x20);
        NDC_ASSERT(ndc_wal2json_find(row, row->columns[i].name));
    }
}

static void fuzz_message(struct ndc_str in)
{
    struct ndc_wal2json *m = ndc_xmalloc(sizeof(*m));
    struct ndc_fault fault = {0};
    ndc_wal2json_init(m);
    enum ndc_err err = ndc_wal2json_parse(m, in, &fault);
    NDC_ASSERT(!err || fault.message[0]);
    if (!err) {
        check_row(&m->columns);
        check_row(&m->identity);
    }
    ndc_wal2json_free(m);
    free(m);
}

/* What is read and written again reads the same. */
static void fuzz_positions(struct ndc_str in)
{
    struct ndc_slot_position slot, slot2;
    struct ndc_file_position file, file2;
    struct ndc_buf out;
    ndc_buf_init(&out, 1 << 20);
    if (ndc_slot_position_read(&slot, in)) {
        ndc_slot_position_write(&out, &slot);
        NDC_ASSERT(ndc_slot_position_read(&slot2, ndc_buf_str(&out)));
        NDC_ASSERT(slot.done == slot2.done && slot.epoch == slot2.epoch &&
                   slot.seq == slot2.seq);
        NDC_ASSERT(!slot.commit || slot.taken == slot2.taken);
    }
    ndc_buf_reset(&out);
    if (ndc_file_position_read(&file, in)) {
        ndc_file_position_write(&out, &file);
        NDC_ASSERT(ndc_file_position_read(&file2, ndc_buf_str(&out)));
        NDC_ASSERT(file.offset == file2.offset && file.hash == file2.hash);
        NDC_ASSERT(ndc_str_eq(file.name, file2.name));
    }
    ndc_buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > 1 << 20) return 0;
    struct ndc_str in = ndc_str_n((const char *)data + 1, size - 1);
    if (data[0] % 2 == 0)
        fuzz_message(in);
    else
        fuzz_positions(in);
    return 0;
}
