/* Records dealt into parts and kept in a scratch file until a part is taken: what sorting
 * out of memory is made of. Threads add in any order; who takes a part sorts it. The file
 * has no name, so nothing is left behind whatever happens. */
#ifndef NDC_REGISTRY_LINK_SPOOL_H
#define NDC_REGISTRY_LINK_SPOOL_H

#include "base/error.h"

enum { SPOOL_PARTS_MAX = 4096 };

struct spool;
struct spool_feed; /* of one thread */

/* The file is made in `dir` at the first full block. Every feed has one block of so many
 * bytes for each part that it has added to. */
struct spool *ndc_link_spool_new(const char *dir, unsigned parts, uint32_t block_bytes);
void ndc_link_spool_free(struct spool *spool);

struct spool_feed *ndc_link_spool_feed_new(struct spool *spool);
/* At most a block; what is given in one call stays together. */
void ndc_link_spool_add(struct spool_feed *feed, unsigned part, const void *bytes,
                        size_t len);
/* Hands the rest over and frees the feed. */
void ndc_link_spool_feed_end(struct spool_feed *feed);

/* The first failure to write, if any. */
enum ndc_err ndc_link_spool_check(struct spool *spool,
                                  struct ndc_fault *fault) NDC_MUST_USE;
/* Bytes of a part, or of all. When no feed is open. */
uint64_t ndc_link_spool_part_bytes(const struct spool *spool, unsigned part);
/* A part's bytes, which stay. */
enum ndc_err ndc_link_spool_read(const struct spool *spool, unsigned part, void *out,
                                 struct ndc_fault *fault) NDC_MUST_USE;
/* A part's bytes, which leave the disk; *bytes is the caller's to free, also after a
 * fault. When no feed is open; any thread, each part once. */
enum ndc_err ndc_link_spool_take(struct spool *spool, unsigned part, void **bytes,
                                 size_t *len, struct ndc_fault *fault) NDC_MUST_USE;

#endif
