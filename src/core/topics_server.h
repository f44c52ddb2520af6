/* The life of topics: the daemon's part of core/topics.h. */
#ifndef NDC_CORE_TOPICS_SERVER_H
#define NDC_CORE_TOPICS_SERVER_H

#include "core/topics.h"

struct ndc_topics *ndc_topics_new(void);
/* After HTTP has stopped. */
void ndc_topics_free(struct ndc_topics *topics);

#endif
