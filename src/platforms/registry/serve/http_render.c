/* The parts of answers that are the same for everyone, rendered once: a field's code and
 * title, and a class. A person's answer has some forty of each, so they are kept with
 * what stands around them in a golden value. */
#include "platforms/registry/serve/http.h"

#include "base/date.h"

#include <stdatomic.h>

enum { CLASS_WORDS = 3, CLASSES = CLASS_WORDS * CLASS_WORDS * CLASS_WORDS };
enum { PIECE_MAX = 1024, TEXT_MAX = 1 << 20 };

/* `{"field":…,"title":…,"value":` and `,"class":{…},"source":{`, in `text`; empty: there
 * is no such field. */
struct pieces {
    struct ndc_str fields[NDC_FIELDS_MAX], classes[CLASSES];
    struct ndc_buf text;
};

static const struct ndc_str before_value = {",\"value\":", 9},
                            before_source = {",\"source\":{", 11};

/* Keeps the members of the object in `one`, without the braces that its writer wanted,
 * between two texts. */
static struct ndc_str keep(struct pieces *p, const struct ndc_buf *one,
                           struct ndc_str before, struct ndc_str after)
{
    size_t start = p->text.len;
    NDC_ASSERT(!one->failed && start + one->len + before.len + after.len <= p->text.cap);
    ndc_buf_add_str(&p->text, before);
    ndc_buf_add(&p->text, one->ptr + 1, one->len - 2);
    ndc_buf_add_str(&p->text, after);
    return ndc_str_n(p->text.ptr + start, p->text.len - start);
}

static struct ndc_str render_field(struct pieces *p, struct ndc_buf *one, unsigned id)
{
    const struct ndc_field *f = ndc_field_get(id);
    struct ndc_json j;
    if (!f) return NDC_STR_NULL;
    ndc_buf_reset(one);
    ndc_json_init(&j, one);
    ndc_json_object(&j);
    ndc_json_kv_c(&j, "field", f->code);
    ndc_title_write(&j, "title",
                    (struct ndc_title){ndc_str(f->title_vi), ndc_str(f->title_en)});
    ndc_json_end(&j);
    return keep(p, one, NDC_STR("{"), before_value);
}

static unsigned class_index(struct ndc_class c)
{
    return ((unsigned)c.sharing * CLASS_WORDS + (unsigned)c.importance) * CLASS_WORDS +
           (unsigned)c.personal;
}

static struct ndc_str render_class(struct pieces *p, struct ndc_buf *one,
                                   struct ndc_class c)
{
    struct ndc_json j;
    ndc_buf_reset(one);
    ndc_json_init(&j, one);
    ndc_json_object(&j);
    ndc_json_key(&j, "class");
    ndc_json_object(&j);
    ndc_json_kv_c(&j, "sharing", ndc_sharing_name(c.sharing));
    ndc_json_kv_c(&j, "importance", ndc_importance_name(c.importance));
    ndc_json_kv_c(&j, "personal", ndc_personal_name(c.personal));
    ndc_json_end(&j);
    ndc_json_end(&j);
    return keep(p, one, NDC_STR(","), before_source);
}

static struct pieces *make_pieces(void)
{
    struct pieces *p = ndc_xcalloc(1, sizeof(*p));
    struct ndc_buf one;
    ndc_buf_init(&one, PIECE_MAX);
    ndc_buf_init(&p->text, TEXT_MAX);
    /* all at once: the texts point into it */
    bool room = ndc_buf_room(&p->text, (NDC_FIELDS_MAX + CLASSES) * PIECE_MAX) != NULL;
    NDC_ASSERT(room);
    for (unsigned id = 0; id < NDC_FIELDS_MAX; id++)
        p->fields[id] = render_field(p, &one, id);
    for (int s = 0; s < CLASS_WORDS; s++)
        for (int i = 0; i < CLASS_WORDS; i++)
            for (int k = 0; k < CLASS_WORDS; k++) {
                struct ndc_class c = {(enum ndc_sharing)s, (enum ndc_importance)i,
                                      (enum ndc_personal)k};
                p->classes[class_index(c)] = render_class(p, &one, c);
            }
    ndc_buf_free(&one);
    return p;
}

/* Made by whoever comes first; two at once make it twice and one is dropped. */
static const struct pieces *pieces(void)
{
    static _Atomic(struct pieces *) made;
    struct pieces *p = atomic_load_explicit(&made, memory_order_acquire), *none = NULL;
    if (p) return p;
    p = make_pieces();
    if (atomic_compare_exchange_strong(&made, &none, p)) return p;
    ndc_buf_free(&p->text);
    free(p);
    return none;
}

static struct ndc_str field_piece(unsigned field)
{
    NDC_ASSERT(field < NDC_FIELDS_MAX && pieces()->fields[field].ptr);
    return pieces()->fields[field];
}

void ndc_field_write(struct ndc_json *j, unsigned field)
{
    struct ndc_str s = field_piece(field);
    ndc_json_raw(j, ndc_str_n(s.ptr + 1, s.len - 1 - before_value.len));
}

void ndc_class_write(struct ndc_json *j, struct ndc_class c)
{
    struct ndc_str s = pieces()->classes[class_index(c)];
    ndc_json_raw(j, ndc_str_n(s.ptr + 1, s.len - 1 - before_source.len));
}

/* ---- a person ---- */

/* A piece of the answer that comes again, at its first place in it; len 0: not written
 * yet. Of a record it is what stands before and after the rule at each of its golden
 * values, with the record's key where the value is shown. */
struct echo {
    size_t at, len;
};

struct record_echo {
    struct echo shown, hidden, seen;
};

/* Writes a piece again; false: it must be written anew, and *e says where it begins. */
static bool write_again(struct ndc_buf *out, struct echo *e)
{
    if (e->len == 0) {
        e->at = out->len;
        return false;
    }
    char *to = ndc_buf_room(out, e->len);
    if (!to) return true; /* the buffer is full: its flag is set */
    memcpy(to, out->ptr + e->at, e->len);
    out->len += e->len;
    return true;
}

/* A text of ours, then a value. */
static void add_member(struct ndc_json *j, const char *before, struct ndc_str value)
{
    ndc_buf_add_c(j->out, before);
    j->comma = false;
    ndc_json_str(j, value);
}

/* `"source":…,"title":…,"key":…,"run":…,"rule":"` */
static void write_before_rule(struct ndc_request *req, const struct ndc_record *r,
                              const struct ndc_policy_decision *d, bool shown,
                              struct echo *e)
{
    struct ndc_json *j = &req->json;
    if (write_again(j->out, e)) return;
    struct ndc_registered *s = ndc_registry_by_number(ndc_registry_of(req), r->source);
    add_member(j, "\"source\":", s ? s->source->id : NDC_STR_NULL);
    if (s) {
        add_member(j, ",\"title\":{\"vi\":", s->source->title.vi);
        add_member(j, ",\"en\":", s->source->title.en);
        ndc_buf_add_byte(j->out, '}');
    }
    struct ndc_str key = NDC_STR_NULL;
    if (shown) key = ndc_registry_key(ndc_registry_of(req), r->source, r->key, d);
    add_member(j, ",\"key\":", key);
    ndc_buf_add_c(j->out, ",\"run\":");
    ndc_buf_add_u64(j->out, r->run);
    ndc_buf_add_c(j->out, ",\"rule\":\"");
    e->len = j->out->len - e->at;
}

/* `","seen_at":…},"alternatives":` */
static void write_after_rule(struct ndc_buf *out, const struct ndc_record *r,
                             struct echo *e)
{
    char time[25];
    if (write_again(out, e)) return;
    if (r->seen_s) {
        ndc_time_format(time, r->seen_s * 1000);
        ndc_buf_add_c(out, "\",\"seen_at\":\"");
        ndc_buf_add_c(out, time);
        ndc_buf_add_c(out, "\"},\"alternatives\":");
    } else {
        ndc_buf_add_c(out, "\",\"seen_at\":null},\"alternatives\":");
    }
    e->len = out->len - e->at;
}

/* The value as policy lets it out. */
static void write_value(struct ndc_request *req, const struct ndc_policy_decision *d,
                        unsigned field, struct ndc_str value)
{
    struct ndc_json *j = &req->json;
    struct ndc_str shown;
    if (!ndc_policy_show(d, field, value, req->arena, &shown)) {
        ndc_buf_add_c(j->out, "null,\"withheld\":true");
        return;
    }
    add_member(j, "", shown);
    if (!ndc_field_set_has(&d->masked, field)) {
        ndc_buf_add_c(j->out, ",\"masked\":false");
        return;
    }
    ndc_buf_add_c(j->out, ",\"masked\":true,\"mask\":\"");
    ndc_buf_add_c(j->out, ndc_mask_name(d->mask[field]));
    ndc_buf_add_byte(j->out, '"');
}

static void write_golden(struct ndc_request *req, const struct ndc_entity_view *v,
                         const struct ndc_golden *g, const struct ndc_policy_decision *d,
                         struct record_echo *echoes)
{
    struct ndc_json *j = &req->json;
    struct ndc_buf *out = j->out;
    const struct ndc_record *r = &v->records[g->record];
    struct record_echo *e = &echoes[g->record];
    bool shown = ndc_field_set_has(&d->shown, g->field);
    if (j->comma) ndc_buf_add_byte(out, ',');
    ndc_buf_add_str(out, field_piece(g->field));
    write_value(req, d, g->field, g->value->value);
    ndc_buf_add_str(out,
                    pieces()->classes[class_index(ndc_policy_field_class(g->field))]);
    write_before_rule(req, r, d, shown, shown ? &e->shown : &e->hidden);
    ndc_buf_add_c(out, ndc_golden_rule_name(g->rule));
    write_after_rule(out, r, &e->seen);
    ndc_buf_add_u64(out, g->alternatives);
    ndc_buf_add_byte(out, '}');
    j->comma = true;
}

void ndc_person_write(struct ndc_request *req, const struct ndc_entity_view *v,
                      struct ndc_str id, const struct ndc_field_set *fields,
                      const struct ndc_policy_decision *d)
{
    struct ndc_json *j = &req->json;
    struct record_echo *echoes =
        NDC_ARENA_ARRAY(req->arena, struct record_echo, v->record_count);
    int64_t updated = 0;
    if (!echoes) return; /* the arena's flag is set: the request fails */
    ndc_json_object(j);
    ndc_json_kv_str(j, "entity", id);
    ndc_json_kv_c(j, "type", ndc_entity_name(v->type));
    ndc_json_key(j, "fields");
    ndc_json_array(j);
    for (unsigned i = 0; i < v->golden_count; i++)
        if (ndc_field_set_has(fields, v->golden[i].field))
            write_golden(req, v, &v->golden[i], d, echoes);
    ndc_json_end(j);
    for (unsigned i = 0; i < v->record_count; i++)
        updated = NDC_MAX(updated, v->records[i].seen_s);
    ndc_json_kv_u64(j, "records", v->record_count);
    ndc_time_kv(j, "updated_at", updated * 1000);
    ndc_json_end(j);
}
