/* Topics: subscribers are exchanges whose answer is a source that waits. One lock guards
 * all; it is held for copies of a few hundred bytes. */
#include "core/topics.h"

#include "base/hash.h"
#include "core/app.h"
#include "core/call.h"
#include "core/topics_server.h"
#include "sys/clock.h"
#include "sys/thread.h"

enum {
    TABLE_SLOTS = 256, /* power of two */
    QUEUE_BYTES_MAX = 256 << 10,
    HEARTBEAT_MS = 15000,
    TICK_MS = 2000
};

struct subscriber {
    struct subscriber *next;
    struct ndc_topic *topic;
    struct ndc_http *http;
    struct ndc_buf queue;
    bool ended; /* finish, or it lagged */
    int64_t last_ns;
};

struct ndc_topic {
    struct ndc_topic *next; /* in its slot */
    struct ndc_topics *topics;
    char *name;
    unsigned refs;
    struct subscriber *subscribers;
};

struct ndc_topics {
    struct ndc_mutex lock; /* guards all below; an exchange's own lock comes after */
    struct ndc_cond stop_cond;
    bool stop;
    struct ndc_topic *slots[TABLE_SLOTS];
    struct ndc_thread heart;
};

static void beat(void *arg)
{
    struct ndc_topics *topics = arg;
    ndc_mutex_lock(&topics->lock);
    while (!topics->stop) {
        ndc_cond_wait_ms(&topics->stop_cond, &topics->lock, TICK_MS);
        int64_t now = ndc_clock_mono_ns();
        for (size_t i = 0; i < TABLE_SLOTS; i++) {
            for (struct ndc_topic *t = topics->slots[i]; t; t = t->next) {
                for (struct subscriber *s = t->subscribers; s; s = s->next) {
                    if (now - s->last_ns < HEARTBEAT_MS * 1000000ll) continue;
                    s->last_ns = now;
                    ndc_buf_add_c(&s->queue, ":\n\n");
                    ndc_http_wake(s->http);
                }
            }
        }
    }
    ndc_mutex_unlock(&topics->lock);
}

struct ndc_topics *ndc_topics_new(void)
{
    struct ndc_topics *topics = ndc_xcalloc(1, sizeof(*topics));
    ndc_mutex_init(&topics->lock);
    ndc_cond_init(&topics->stop_cond);
    ndc_thread_start(&topics->heart, "ndc-heart", beat, topics);
    return topics;
}

void ndc_topics_free(struct ndc_topics *topics)
{
    if (!topics) return;
    ndc_mutex_lock(&topics->lock);
    topics->stop = true;
    ndc_cond_broadcast(&topics->stop_cond);
    ndc_mutex_unlock(&topics->lock);
    ndc_thread_join(&topics->heart);
    for (size_t i = 0; i < TABLE_SLOTS; i++)
        NDC_ASSERT(!topics->slots[i]); /* HTTP has stopped: nobody subscribes */
    ndc_cond_free(&topics->stop_cond);
    ndc_mutex_free(&topics->lock);
    free(topics);
}

static struct ndc_topic **find(struct ndc_topics *topics, struct ndc_str name)
{
    struct ndc_topic **at =
        &topics->slots[ndc_hash_str(name, 0) & (uint64_t)(TABLE_SLOTS - 1)];
    while (*at && !ndc_str_eq_c(name, (*at)->name))
        at = &(*at)->next;
    return at;
}

struct ndc_topic *ndc_topic_get(struct ndc_topics *topics, struct ndc_str name)
{
    ndc_mutex_lock(&topics->lock);
    struct ndc_topic **at = find(topics, name), *topic = *at;
    if (!topic) {
        topic = ndc_xcalloc(1, sizeof(*topic));
        topic->topics = topics;
        topic->name = ndc_xmalloc(name.len + 1);
        memcpy(topic->name, name.ptr, name.len);
        topic->name[name.len] = 0;
        *at = topic;
    }
    topic->refs++;
    ndc_mutex_unlock(&topics->lock);
    return topic;
}

/* Under the lock. */
static void drop(struct ndc_topic *topic)
{
    if (--topic->refs > 0) return;
    struct ndc_topic **at = find(topic->topics, ndc_str(topic->name));
    NDC_ASSERT(*at == topic);
    *at = topic->next;
    free(topic->name);
    free(topic);
}

static void add_event(struct ndc_buf *queue, const char *event, struct ndc_str data)
{
    if (event) ndc_buf_printf(queue, "event: %s\n", event);
    ndc_buf_add_c(queue, "data: ");
    ndc_buf_add_str(queue, data);
    ndc_buf_add_c(queue, "\n\n");
}

static void publish(struct ndc_topics *topics, struct ndc_str name, const char *event,
                    struct ndc_str data, bool end)
{
    NDC_ASSERT(ndc_str_find(data, '\n') == data.len);
    ndc_mutex_lock(&topics->lock);
    struct ndc_topic *topic = *find(topics, name);
    for (struct subscriber *s = topic ? topic->subscribers : NULL; s; s = s->next) {
        if (s->ended) continue;
        add_event(&s->queue, event, data);
        s->ended = end || s->queue.failed;
        s->last_ns = ndc_clock_mono_ns();
        ndc_http_wake(s->http);
    }
    ndc_mutex_unlock(&topics->lock);
}

void ndc_topic_publish(struct ndc_topics *topics, struct ndc_str name, const char *event,
                       struct ndc_str data)
{
    publish(topics, name, event, data, false);
}

void ndc_topic_finish(struct ndc_topics *topics, struct ndc_str name, const char *event,
                      struct ndc_str data)
{
    publish(topics, name, event, data, true);
}

static bool next_events(void *arg, struct ndc_buf *out, bool *end)
{
    struct subscriber *s = arg;
    struct ndc_mutex *lock = &s->topic->topics->lock;
    ndc_mutex_lock(lock);
    ndc_buf_add_str(out, ndc_buf_str(&s->queue));
    *end = s->ended;
    ndc_buf_reset(&s->queue);
    ndc_mutex_unlock(lock);
    return true;
}

static void leave(void *arg)
{
    struct subscriber *s = arg;
    struct ndc_topics *topics = s->topic->topics;
    ndc_mutex_lock(&topics->lock);
    struct subscriber **at = &s->topic->subscribers;
    while (*at != s)
        at = &(*at)->next;
    *at = s->next;
    drop(s->topic);
    ndc_mutex_unlock(&topics->lock);
    ndc_buf_free(&s->queue);
    free(s);
}

void ndc_request_events_first(struct ndc_request *req, struct ndc_str first, bool last)
{
    struct subscriber *s = req->http->source.ctx;
    struct ndc_mutex *lock = &s->topic->topics->lock;
    ndc_mutex_lock(lock);
    add_event(&s->queue, NULL, first);
    s->ended = s->ended || last;
    ndc_mutex_unlock(lock);
}

void ndc_request_events(struct ndc_request *req, struct ndc_topic *topic,
                        struct ndc_str first)
{
    struct subscriber *s = ndc_xcalloc(1, sizeof(*s));
    struct ndc_topics *topics = topic->topics;
    *s = (struct subscriber){
        .topic = topic, .http = req->http, .last_ns = ndc_clock_mono_ns()};
    ndc_buf_init(&s->queue, QUEUE_BYTES_MAX);
    ndc_buf_add_c(&s->queue, "retry: 2000\n\n");
    if (first.len) add_event(&s->queue, NULL, first);
    req->http->content_type = "text/event-stream";
    req->http->source =
        (struct ndc_http_source){.ctx = s, .next = next_events, .done = leave};
    ndc_http_add_header(req->http, "X-Accel-Buffering", NDC_STR("no"));
    ndc_mutex_lock(&topics->lock);
    s->next = topic->subscribers;
    topic->subscribers = s;
    ndc_mutex_unlock(&topics->lock);
}
