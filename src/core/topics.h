/* Live topics: what server-sent events are published on ("job:01J…", "runs"). Publishing
 * never blocks: each subscriber has a bounded queue, and one that lags is disconnected
 * (the browser reconnects and reads the state anew). */
#ifndef NDC_CORE_TOPICS_H
#define NDC_CORE_TOPICS_H

#include "base/str.h"

struct ndc_topics;
struct ndc_topic;

/* The topic so named, with a reference: for ndc_request_events, which takes it over. */
struct ndc_topic *ndc_topic_get(struct ndc_topics *topics, struct ndc_str name);
/* Sends to the topic's subscribers, if any: `event` is a literal or NULL ("message"),
 * data is one line of JSON. Any thread. */
void ndc_topic_publish(struct ndc_topics *topics, struct ndc_str name, const char *event,
                       struct ndc_str data);
/* The same and ends the streams. */
void ndc_topic_finish(struct ndc_topics *topics, struct ndc_str name, const char *event,
                      struct ndc_str data);

#endif
