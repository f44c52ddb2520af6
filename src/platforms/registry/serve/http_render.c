/* The parts of answers that are the same for everyone, rendered once: a field's code and
 * title, and a class. A person's answer has some forty of each. */
#include "platforms/registry/serve/http.h"

#include <stdatomic.h>

enum { CLASS_WORDS = 3, CLASSES = CLASS_WORDS * CLASS_WORDS * CLASS_WORDS };
enum { PIECE_MAX = 1024, TEXT_MAX = 1 << 20 };

/* Members of an object without its braces, in `text`; empty: there is no such field. */
struct pieces {
    struct ndc_str fields[NDC_FIELDS_MAX], classes[CLASSES];
    struct ndc_buf text;
};

static struct ndc_str members(struct pieces *p, struct ndc_buf *one)
{
    /* without the braces that the writer wanted */
    struct ndc_str s = ndc_str_n(one->ptr + 1, one->len - 2);
    NDC_ASSERT(!one->failed && p->text.len + s.len <= p->text.cap);
    char *to = p->text.ptr + p->text.len;
    ndc_buf_add_str(&p->text, s);
    return ndc_str_n(to, s.len);
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
    return members(p, one);
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
    return members(p, one);
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

void ndc_field_write(struct ndc_json *j, unsigned field)
{
    NDC_ASSERT(field < NDC_FIELDS_MAX && pieces()->fields[field].ptr);
    ndc_json_raw(j, pieces()->fields[field]);
}

void ndc_class_write(struct ndc_json *j, struct ndc_class c)
{
    ndc_json_raw(j, pieces()->classes[class_index(c)]);
}
