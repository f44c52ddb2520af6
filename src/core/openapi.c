/* The API's description, made from the route rows: OpenAPI 3.1 for programs and a page
 * for people that works without scripts. */
#include "core/core_platform.h"

#include "core/app_private.h"
#include "core/permission.h"

static const char *success_text(int status)
{
    switch (status) {
    case 201:
        return "Created";
    case 202:
        return "Accepted; a job goes on with it";
    case 204:
        return "Done; no content";
    default:
        return "The answer";
    }
}

static void write_param(struct ndc_json *j, const char *where, const char *name,
                        bool required, const struct ndc_schema *type, const char *about)
{
    ndc_json_object(j);
    ndc_json_kv_c(j, "name", name);
    ndc_json_kv_c(j, "in", where);
    ndc_json_kv_bool(j, "required", required);
    if (about) ndc_json_kv_c(j, "description", about);
    ndc_json_key(j, "schema");
    if (type) {
        ndc_schema_write(type, j);
    } else {
        ndc_json_object(j);
        ndc_json_kv_c(j, "type", "string");
        ndc_json_end(j);
    }
    ndc_json_end(j);
}

static void write_params(struct ndc_json *j, const struct ndc_route_entry *e)
{
    ndc_json_key(j, "parameters");
    ndc_json_array(j);
    for (unsigned i = 0; i < e->params_n; i++)
        write_param(j, "path", e->params[i], true, NULL, NULL);
    for (size_t i = 0; e->query && i < ndc_schema_members(e->query); i++) {
        const struct ndc_schema *type;
        struct ndc_str fallback;
        bool required;
        const char *name = ndc_schema_member(e->query, i, &type, &required, &fallback);
        write_param(j, "query", name, required, type, NULL);
    }
    if (e->row->flags & NDC_ROUTE_PERSONAL) {
        write_param(j, "header", "NDC-Purpose", true, NULL,
                    "Code of the purpose (GET /api/policy/purposes)");
        write_param(j, "header", "NDC-Legal-Basis", true, NULL,
                    "Law and article, or number of the agreement");
    }
    ndc_json_end(j);
}

static void write_content(struct ndc_json *j, const char *type,
                          const struct ndc_schema *schema)
{
    struct ndc_str rest = ndc_str(type), one;
    ndc_json_key(j, "content");
    ndc_json_object(j);
    while (ndc_str_split(&rest, '|', &one)) {
        ndc_json_key_str(j, one);
        ndc_json_object(j);
        if (schema) {
            ndc_json_key(j, "schema");
            ndc_schema_write(schema, j);
        }
        ndc_json_end(j);
    }
    ndc_json_end(j);
}

static void write_answers(struct ndc_json *j, const struct ndc_route_entry *e)
{
    char status[8];
    int success = e->row->success ? e->row->success : 200;
    struct ndc_buf text;
    ndc_json_key(j, "responses");
    ndc_json_object(j);
    ndc_buf_init(&text, sizeof(status));
    ndc_buf_add_i64(&text, success);
    ndc_json_key_str(j, ndc_buf_str(&text));
    ndc_buf_free(&text);
    ndc_json_object(j);
    ndc_json_kv_c(j, "description", success_text(success));
    if (e->response || e->row->response_type)
        write_content(j,
                      e->row->response_type ? e->row->response_type : "application/json",
                      e->response);
    ndc_json_end(j);
    ndc_json_key(j, "default");
    ndc_json_object(j);
    ndc_json_kv_c(j, "$ref", "#/components/responses/Problem");
    ndc_json_end(j);
    ndc_json_end(j);
}

static void write_operation(struct ndc_json *j, const struct ndc_route_entry *e)
{
    const struct ndc_route *row = e->row;
    ndc_json_key(j, row->method[0] == 'G'              ? "get"
                    : row->method[0] == 'D'            ? "delete"
                    : strcmp(row->method, "POST") == 0 ? "post"
                    : strcmp(row->method, "PUT") == 0  ? "put"
                                                       : "patch");
    ndc_json_object(j);
    ndc_json_kv_c(j, "summary", row->summary ? row->summary : "");
    ndc_json_key(j, "tags");
    ndc_json_array(j);
    ndc_json_c(j, row->tag ? row->tag : e->platform->title_en);
    ndc_json_end(j);
    if (row->permission) ndc_json_kv_c(j, "x-ndc-permission", row->permission);
    ndc_json_kv_c(j, "x-ndc-platform", e->platform->code);
    if (row->flags & NDC_ROUTE_PUBLIC) {
        ndc_json_key(j, "security");
        ndc_json_array(j);
        ndc_json_end(j);
    }
    write_params(j, e);
    if (e->request || row->request_type) {
        ndc_json_key(j, "requestBody");
        ndc_json_object(j);
        ndc_json_kv_bool(j, "required", true);
        write_content(j, row->request_type ? row->request_type : "application/json",
                      e->request);
        ndc_json_end(j);
    }
    write_answers(j, e);
    ndc_json_end(j);
}

/* OpenAPI gathers the methods of a path; rows may be in any order. */
static void write_paths(struct ndc_json *j, const struct ndc_router *router)
{
    size_t n = ndc_router_count(router);
    ndc_json_key(j, "paths");
    ndc_json_object(j);
    for (size_t i = 0; i < n; i++) {
        const struct ndc_route_entry *first = ndc_router_at(router, i);
        bool seen = (first->row->flags & NDC_ROUTE_HIDDEN) != 0;
        for (size_t k = 0; k < i && !seen; k++)
            seen = strcmp(ndc_router_at(router, k)->row->path, first->row->path) == 0;
        if (seen) continue;
        ndc_json_key(j, first->row->path);
        ndc_json_object(j);
        for (size_t k = i; k < n; k++) {
            const struct ndc_route_entry *e = ndc_router_at(router, k);
            if (strcmp(e->row->path, first->row->path) == 0) write_operation(j, e);
        }
        ndc_json_end(j);
    }
    ndc_json_end(j);
}

static const char components[] =
    "{\"securitySchemes\":{\"key\":{\"type\":\"http\",\"scheme\":\"bearer\","
    "\"description\":\"API key of an agency's system\"},"
    "\"session\":{\"type\":\"apiKey\",\"in\":\"cookie\",\"name\":\"ndc\","
    "\"description\":\"Session of a user; unsafe methods repeat csrf in NDC-CSRF\"}},"
    "\"responses\":{\"Problem\":{\"description\":\"What went wrong (RFC 9457)\","
    "\"content\":{\"application/problem+json\":{\"schema\":{\"$ref\":"
    "\"#/components/schemas/Problem\"}}}}},"
    "\"schemas\":{\"Problem\":{\"type\":\"object\",\"properties\":{"
    "\"type\":{\"type\":\"string\"},\"title\":{\"type\":\"string\"},"
    "\"status\":{\"type\":\"integer\"},\"detail\":{\"type\":\"string\"},"
    "\"code\":{\"type\":\"string\"},\"field\":{\"type\":\"string\"},"
    "\"line\":{\"type\":\"integer\"},\"request_id\":{\"type\":\"string\"}},"
    "\"required\":[\"type\",\"title\",\"status\",\"code\",\"request_id\"]}}}";

enum ndc_err ndc_openapi_json(struct ndc_request *req, struct ndc_fault *fault)
{
    struct ndc_json *j = &req->json;
    (void)fault;
    ndc_json_object(j);
    ndc_json_kv_c(j, "openapi", "3.1.0");
    ndc_json_key(j, "info");
    ndc_json_object(j);
    ndc_json_kv_c(j, "title", "ndc, a national data centre");
    ndc_json_kv_c(j, "version", NDC_VERSION);
    ndc_json_end(j);
    ndc_json_key(j, "security");
    ndc_json_raw(j, NDC_STR("[{\"key\":[]},{\"session\":[]}]"));
    write_paths(j, req->app->router);
    ndc_json_key(j, "components");
    ndc_json_raw(j, ndc_str(components));
    ndc_json_end(j);
    return NDC_OK;
}

static void add_escaped(struct ndc_buf *out, const char *text)
{
    for (const char *p = text ? text : ""; *p; p++) {
        switch (*p) {
        case '<':
            ndc_buf_add_c(out, "&lt;");
            break;
        case '>':
            ndc_buf_add_c(out, "&gt;");
            break;
        case '&':
            ndc_buf_add_c(out, "&amp;");
            break;
        case '"':
            ndc_buf_add_c(out, "&quot;");
            break;
        default:
            ndc_buf_add_byte(out, *p);
        }
    }
}

static void row_line(struct ndc_buf *out, const char *title, const char *text)
{
    if (!text) return;
    ndc_buf_printf(out, "<dt>%s</dt><dd><code>", title);
    add_escaped(out, text);
    ndc_buf_add_c(out, "</code></dd>\n");
}

static void write_card(struct ndc_buf *out, const struct ndc_route_entry *e)
{
    const struct ndc_route *row = e->row;
    ndc_buf_printf(out, "<article><h3><span class=\"m m-%s\">%s</span> <code>",
                   row->method, row->method);
    add_escaped(out, row->path);
    ndc_buf_add_c(out, "</code></h3>\n<p>");
    add_escaped(out, row->summary);
    ndc_buf_add_c(out, "</p>\n<dl>\n");
    row_line(out, "Permission",
             row->flags & NDC_ROUTE_PUBLIC ? "none: public"
             : row->permission             ? row->permission
                                           : "signed in");
    if (row->flags & NDC_ROUTE_PERSONAL)
        row_line(out, "Headers", "NDC-Purpose, NDC-Legal-Basis");
    row_line(out, "Query", row->query);
    row_line(out, "Body type", row->request_type);
    row_line(out, "Body", row->request);
    row_line(out, "Answer type", row->response_type);
    row_line(out, "Answer", row->response);
    ndc_buf_add_c(out, "</dl></article>\n");
}

enum ndc_err ndc_openapi_page(struct ndc_request *req, struct ndc_fault *fault)
{
    const struct ndc_router *router = req->app->router;
    struct ndc_buf *out = req->out;
    (void)fault;
    req->http->html = true;
    ndc_buf_add_c(out, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                       "<meta name=\"viewport\" content=\"width=device-width\">"
                       "<title>ndc API</title>"
                       "<link rel=\"stylesheet\" href=\"/api/style.css\"></head>\n"
                       "<body><header><h1>ndc API</h1><p>JSON over HTTP. Errors are "
                       "problem+json (RFC 9457). The same as "
                       "<a href=\"/api/openapi.json\">OpenAPI 3.1</a>.</p></header>\n"
                       "<nav aria-label=\"Platforms\"><ul>\n");
    for (size_t i = 0; i < req->app->platforms_n; i++) {
        const struct ndc_platform *p = req->app->platforms[i];
        if (p->routes_n)
            ndc_buf_printf(out, "<li><a href=\"#%s\">%s</a></li>\n", p->code,
                           p->title_en);
    }
    ndc_buf_add_c(out, "</ul></nav>\n<main>\n");
    const struct ndc_platform *platform = NULL;
    for (size_t i = 0; i < ndc_router_count(router); i++) {
        const struct ndc_route_entry *e = ndc_router_at(router, i);
        if (e->row->flags & NDC_ROUTE_HIDDEN) continue;
        if (e->platform != platform) {
            platform = e->platform;
            ndc_buf_printf(out, "<h2 id=\"%s\">%s</h2>\n<p>", platform->code,
                           platform->title_en);
            add_escaped(out, platform->summary);
            ndc_buf_add_c(out, "</p>\n");
        }
        write_card(out, e);
    }
    ndc_buf_add_c(out, "</main></body></html>\n");
    return NDC_OK;
}

static const char style[] =
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:0 auto;padding:1rem;"
    "color:#1b1b1b;background:#fff}\n"
    "h2{border-top:2px solid #1b1b1b;padding-top:1rem;margin-top:2.5rem}\n"
    "article{border-top:1px solid #bbb;padding:.25rem 0}\n"
    "h3{margin:.75rem 0 0;font-size:1rem}\n"
    "p{margin:.25rem 0}\n"
    "code{font:14px/1.4 ui-monospace,monospace;overflow-wrap:anywhere}\n"
    "dl{display:grid;grid-template-columns:8rem 1fr;gap:.1rem 1rem;margin:.25rem 0}\n"
    "dt{color:#505050}dd{margin:0}\n"
    ".m{display:inline-block;min-width:4rem;font-weight:700}\n"
    ".m-GET{color:#00572d}.m-POST{color:#0b3f8a}.m-DELETE{color:#9c1c1c}\n"
    "@media(max-width:30rem){dl{grid-template-columns:1fr}}\n"
    "@media(prefers-color-scheme:dark){body{color:#eee;background:#161616}"
    "a{color:#9cc4ff}dt{color:#aaa}.m-GET{color:#7ddba5}.m-POST{color:#9cc4ff}"
    ".m-DELETE{color:#ff9c9c}h2{border-color:#eee}}\n";

enum ndc_err ndc_openapi_style(struct ndc_request *req, struct ndc_fault *fault)
{
    (void)fault;
    req->http->fixed = ndc_str_n(style, sizeof(style) - 1);
    req->http->cache_control = "public, max-age=3600";
    return NDC_OK;
}
