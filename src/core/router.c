/* Route tree: literal segments before parameters before the rest of a path. */
#include "core/router.h"

#include "core/permission.h"
#include "core/platform.h"

#include <stdio.h>

enum { ARENA_BYTES_MAX = 64 << 20, SEGMENTS_MAX = 16 };

struct node {
    struct ndc_str segment;
    struct node *child, *next; /* literal children, and siblings */
    struct node *param, *rest;
    const struct ndc_route_entry *rows[NDC_HTTP_METHOD_COUNT];
};

struct ndc_router {
    struct ndc_arena arena;
    struct node root;
    struct ndc_route_entry **entries;
    size_t n;
};

static const char *const method_names[NDC_HTTP_METHOD_COUNT] = {
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};

static enum ndc_err fail_row(struct ndc_fault *fault, const char *code,
                             const struct ndc_route_entry *entry, const char *why)
{
    return ndc_fail(fault, NDC_EINTERNAL, code, "platform %s, route %s %s: %s",
                    entry->platform->code, entry->row->method, entry->row->path, why);
}

static struct node *literal_child(struct ndc_arena *arena, struct node *node,
                                  struct ndc_str segment)
{
    struct node **at = &node->child;
    for (; *at; at = &(*at)->next)
        if (ndc_str_eq((*at)->segment, segment)) return *at;
    *at = NDC_ARENA_NEW(arena, struct node);
    (*at)->segment = segment;
    return *at;
}

static struct node *step(struct ndc_router *router, struct node *node,
                         struct ndc_str segment, struct ndc_route_entry *entry)
{
    if (segment.len < 3 || segment.ptr[0] != '{')
        return literal_child(&router->arena, node, segment);
    bool rest = segment.ptr[segment.len - 2] == '*';
    struct ndc_str name =
        ndc_str_n(segment.ptr + 1, segment.len - 2 - (rest ? (size_t)1 : 0));
    if (entry->params_n == NDC_ROUTE_PARAMS_MAX) return NULL;
    entry->params[entry->params_n++] = ndc_arena_cstr(&router->arena, name);
    struct node **child = rest ? &node->rest : &node->param;
    if (!*child) *child = NDC_ARENA_NEW(&router->arena, struct node);
    return *child;
}

static enum ndc_err insert(struct ndc_router *router, struct ndc_route_entry *entry,
                           struct ndc_fault *fault)
{
    struct ndc_str rest = ndc_str(entry->row->path), segment;
    struct node *node = &router->root;
    unsigned segments = 0;
    if (!rest.len || rest.ptr[0] != '/')
        return fail_row(fault, "router.path", entry, "the path does not start with /");
    while (node && ndc_str_split(&rest, '/', &segment)) {
        if (segment.len == 0) continue;
        if (++segments > SEGMENTS_MAX) node = NULL;
        if (node) node = step(router, node, segment, entry);
    }
    if (!node) return fail_row(fault, "router.path", entry, "the path is too long");
    if (node->rows[entry->method])
        return fail_row(fault, "router.twice", entry, "there is such a route already");
    node->rows[entry->method] = entry;
    return NDC_OK;
}

static void make_metrics(struct ndc_route_entry *entry, struct ndc_metrics *metrics)
{
    char labels[256];
    for (int c = 1; c < NDC_STATUS_CLASSES; c++) {
        snprintf(labels, sizeof(labels), "route=\"%s\",status=\"%dxx\"", entry->label, c);
        entry->counts[c] = ndc_counter_new(metrics, "ndc_http_requests_total", labels,
                                           "Requests answered");
    }
    snprintf(labels, sizeof(labels), "route=\"%s\"", entry->label);
    entry->seconds = ndc_histogram_new(metrics, "ndc_http_request_seconds", labels,
                                       "Seconds from headers read to answer sent");
}

static enum ndc_err parse_schema(struct ndc_router *router, const char *text,
                                 struct ndc_schema **out,
                                 const struct ndc_route_entry *entry,
                                 struct ndc_fault *fault)
{
    struct ndc_fault inner = {0};
    if (!text) return NDC_OK;
    if (ndc_schema_parse(&router->arena, text, out, &inner) == NDC_OK) return NDC_OK;
    return fail_row(fault, inner.code, entry, inner.message);
}

static enum ndc_err make_entry(struct ndc_router *router, struct ndc_route_entry *entry,
                               struct ndc_metrics *metrics, struct ndc_fault *fault)
{
    const struct ndc_route *row = entry->row;
    unsigned method = 0;
    while (method < NDC_HTTP_METHOD_COUNT && strcmp(method_names[method], row->method))
        method++;
    if (method == NDC_HTTP_METHOD_COUNT)
        return fail_row(fault, "router.method", entry, "unknown method");
    entry->method = (enum ndc_http_method)method;
    entry->label = ndc_arena_printf(&router->arena, "%s %s", row->method, row->path).ptr;
    entry->permission = -1;
    if (row->permission) {
        entry->permission = ndc_permission_bit(ndc_str(row->permission));
        if (entry->permission < 0)
            return fail_row(fault, "router.permission", entry,
                            "its permission is in no platform's table");
        if (row->flags & NDC_ROUTE_PUBLIC)
            return fail_row(fault, "router.permission", entry,
                            "a public route cannot ask for a permission");
    }
    enum ndc_err err = parse_schema(router, row->query, &entry->query, entry, fault);
    if (err == NDC_OK)
        err = parse_schema(router, row->request, &entry->request, entry, fault);
    if (err == NDC_OK)
        err = parse_schema(router, row->response, &entry->response, entry, fault);
    if (err == NDC_OK) err = insert(router, entry, fault);
    if (err == NDC_OK) make_metrics(entry, metrics);
    return err;
}

enum ndc_err ndc_router_new(struct ndc_router **out,
                            const struct ndc_platform *const *platforms,
                            void *const *states, struct ndc_metrics *metrics,
                            struct ndc_fault *fault)
{
    struct ndc_router *router = ndc_xcalloc(1, sizeof(*router));
    size_t total = 0;
    enum ndc_err err = NDC_OK;
    ndc_arena_init(&router->arena, ARENA_BYTES_MAX);
    for (size_t p = 0; platforms[p]; p++)
        total += platforms[p]->routes_n;
    router->entries = ndc_xcalloc(total + 1, sizeof(struct ndc_route_entry *));
    for (size_t p = 0; platforms[p] && err == NDC_OK; p++) {
        for (size_t i = 0; i < platforms[p]->routes_n && err == NDC_OK; i++) {
            struct ndc_route_entry *entry =
                NDC_ARENA_NEW(&router->arena, struct ndc_route_entry);
            entry->row = &platforms[p]->routes[i];
            entry->platform = platforms[p];
            entry->state = states[p];
            router->entries[router->n++] = entry;
            err = make_entry(router, entry, metrics, fault);
        }
    }
    NDC_ASSERT(!router->arena.overflow);
    if (err != NDC_OK) {
        ndc_router_free(router);
        router = NULL;
    }
    *out = router;
    return err;
}

void ndc_router_free(struct ndc_router *router)
{
    if (!router) return;
    free(router->entries);
    ndc_arena_free(&router->arena);
    free(router);
}

struct walk {
    enum ndc_http_method method;
    struct ndc_match *match;
    unsigned params_n;
};

static bool arrive(const struct node *node, struct walk *walk)
{
    for (unsigned m = 0; m < NDC_HTTP_METHOD_COUNT; m++)
        if (node->rows[m] && !(node->rows[m]->row->flags & NDC_ROUTE_HIDDEN))
            walk->match->allowed |= 1u << m;
    walk->match->entry = node->rows[walk->method];
    if (!walk->match->entry && walk->method == NDC_HTTP_HEAD)
        walk->match->entry = node->rows[NDC_HTTP_GET];
    return walk->match->entry != NULL;
}

/* Depth is at most the tree's, SEGMENTS_MAX. */
static bool descend(const struct node *node, struct ndc_str rest, struct walk *walk)
{
    if (rest.len <= 1) {
        if (arrive(node, walk)) return true;
        if (node->rest) {
            walk->match->params[walk->params_n] = NDC_STR("");
            return arrive(node->rest, walk);
        }
        return false;
    }
    rest = ndc_str_from(rest, 1); /* past the / */
    struct ndc_str segment = ndc_str_n(rest.ptr, ndc_str_find(rest, '/'));
    struct ndc_str after = ndc_str_from(rest, segment.len);
    for (const struct node *child = node->child; child; child = child->next)
        if (ndc_str_eq(child->segment, segment)) {
            if (descend(child, after, walk)) return true;
            break;
        }
    if (node->param && walk->params_n < NDC_ROUTE_PARAMS_MAX) {
        walk->match->params[walk->params_n++] = segment;
        if (descend(node->param, after, walk)) return true;
        walk->params_n--;
    }
    if (node->rest && walk->params_n < NDC_ROUTE_PARAMS_MAX) {
        walk->match->params[walk->params_n] = rest;
        return arrive(node->rest, walk);
    }
    return false;
}

void ndc_router_find(const struct ndc_router *router, enum ndc_http_method method,
                     struct ndc_str path, struct ndc_match *match)
{
    struct walk walk = {.method = method, .match = match};
    match->entry = NULL;
    match->allowed = 0;
    descend(&router->root, path, &walk);
}

size_t ndc_router_count(const struct ndc_router *router)
{
    return router->n;
}

const struct ndc_route_entry *ndc_router_at(const struct ndc_router *router, size_t i)
{
    return router->entries[i];
}
