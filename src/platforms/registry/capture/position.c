/* Positions as text: short, readable in the database, of one line. */
#include "platforms/registry/capture/position.h"

#include "store/replication.h"

#include <inttypes.h>

void ndc_slot_position_write(struct ndc_buf *out, const struct ndc_slot_position *p)
{
    char lsn[NDC_LSN_TEXT_MAX];
    ndc_lsn_format(lsn, p->done);
    ndc_buf_printf(out, "%" PRId64 " %s %" PRIu64, p->epoch, lsn, p->seq);
    if (!p->commit) return;
    ndc_lsn_format(lsn, p->commit);
    ndc_buf_printf(out, " %s %" PRIu64, lsn, p->taken);
}

bool ndc_slot_position_read(struct ndc_slot_position *p, struct ndc_str text)
{
    struct ndc_str part;
    *p = (struct ndc_slot_position){0};
    if (!ndc_str_split(&text, ' ', &part) || !ndc_str_to_i64(part, &p->epoch))
        return false;
    if (!ndc_str_split(&text, ' ', &part) || !ndc_lsn_parse(part, &p->done)) return false;
    if (!ndc_str_split(&text, ' ', &part) || !ndc_str_to_u64(part, &p->seq)) return false;
    if (!ndc_str_split(&text, ' ', &part)) return true;
    if (!ndc_lsn_parse(part, &p->commit)) return false;
    return ndc_str_split(&text, ' ', &part) && ndc_str_to_u64(part, &p->taken) &&
           !text.ptr;
}

void ndc_file_position_write(struct ndc_buf *out, const struct ndc_file_position *p)
{
    ndc_buf_printf(out, "%016" PRIx64 " %" PRIu64 " %" PRIu64 " ", p->hash, p->offset,
                   p->lines);
    ndc_buf_add_str(out, p->name);
}

static bool take_hash(struct ndc_str s, uint64_t *out)
{
    uint64_t v = 0;
    if (s.len != 16) return false;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        bool digit = c >= '0' && c <= '9';
        if (!digit && !(c >= 'a' && c <= 'f')) return false;
        v = v << 4 | (uint64_t)(digit ? c - '0' : c - 'a' + 10);
    }
    *out = v;
    return true;
}

bool ndc_file_position_read(struct ndc_file_position *p, struct ndc_str text)
{
    struct ndc_str hash, offset, lines;
    *p = (struct ndc_file_position){0};
    if (!ndc_str_split(&text, ' ', &hash) || !ndc_str_split(&text, ' ', &offset) ||
        !ndc_str_split(&text, ' ', &lines) || !text.ptr)
        return false;
    p->name = text; /* it may have spaces */
    return take_hash(hash, &p->hash) && ndc_str_to_u64(offset, &p->offset) &&
           ndc_str_to_u64(lines, &p->lines) && p->name.len > 0;
}
