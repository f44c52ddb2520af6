/* Where a reader is, as kept in the commit of the rows that it gave.
 *
 * Of a slot: "EPOCH DONE SEQ [COMMIT TAKEN]". All transactions that were committed before
 * the log position DONE are in; of the one whose commit stands at COMMIT, which is larger
 * than a batch, the first TAKEN changes too. EPOCH is the run of the snapshot that the
 * slot began with: a position of another epoch is of a slot that is no more.
 * SEQ counts the changes of the table since then: the same change has the same number
 * whenever it is sent.
 *
 * Of change files: "HASH OFFSET LINES NAME": of the file NAME the first OFFSET bytes,
 * which are LINES lines and hash to HASH, are in. */
#ifndef NDC_REGISTRY_CAPTURE_POSITION_H
#define NDC_REGISTRY_CAPTURE_POSITION_H

#include "base/buf.h"

struct ndc_slot_position {
    int64_t epoch;
    uint64_t done, seq;
    uint64_t commit, taken; /* 0: nothing of a further transaction */
};

struct ndc_file_position {
    uint64_t offset, lines, hash;
    struct ndc_str name; /* points into the text */
};

void ndc_slot_position_write(struct ndc_buf *out, const struct ndc_slot_position *p);
/* False: not such a position. */
bool ndc_slot_position_read(struct ndc_slot_position *p, struct ndc_str text);
void ndc_file_position_write(struct ndc_buf *out, const struct ndc_file_position *p);
bool ndc_file_position_read(struct ndc_file_position *p, struct ndc_str text);

#endif
