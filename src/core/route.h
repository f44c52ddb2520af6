/* One route is one row. Dispatch, authorisation, audit, metrics, OpenAPI and the API page
 * all come from it.
 *
 *     {.method = "GET", .path = "/api/registry/persons/{id}",
 *      .permission = "registry.person.read", .flags = NDC_ROUTE_PERSONAL,
 *      .handler = get_person, .query = "{fields?:string}",
 *      .response = "{id:string,fields:[{code:string,value:string|null}]}",
 *      .summary = "A person's golden record", .tag = "People"}
 *
 * Schemas are compact (core/schema.h): {name:type, optional?:type}, [type], string, int,
 * number, bool, date, time, any, type|null, (one|of|these), int[1..1000], string[1..64],
 * {*:type} for any member, name?:int=50 for a default. Text that starts with {" is JSON
 * Schema itself and goes to OpenAPI as it is, without being checked in dispatch. */
#ifndef NDC_CORE_ROUTE_H
#define NDC_CORE_ROUTE_H

#include "core/request.h"

enum ndc_route_flag {
    /* No sign-in. Such a route names no permission. Any other without permission is for
     * whoever is signed in. */
    NDC_ROUTE_PUBLIC = 1,
    /* Reads or changes personal data: NDC-Purpose and NDC-Legal-Basis are required, and
     * a handler that succeeds without ndc_request_audit is answered with 500. */
    NDC_ROUTE_PERSONAL = 2,
    /* May take over a millisecond (searches, passwords, reports): runs on the worker
     * threads, not on the threads that serve all connections. */
    NDC_ROUTE_SLOW = 4,
    /* The body may be large: spooled to an unlinked file past 1 MiB and read with
     * ndc_request_body_next. Implies SLOW. */
    NDC_ROUTE_SPOOL = 8,
    /* Hashes a password: runs on a few threads of its own, so that sign-ins, each a tenth
     * of a second, cannot starve anything else. */
    NDC_ROUTE_PASSWORD = 32,
    /* Not in OpenAPI or the API page: static files. */
    NDC_ROUTE_HIDDEN = 16,
    /* Open, as public routes are, to a person whose password someone else has given: all
     * others are refused (auth.must_change) until it is changed. */
    NDC_ROUTE_UNSETTLED = 64,
    /* For protocols with credentials of their own (OAuth): no session or key is looked
     * for, other sites may call it, and without a query schema the handler reads the
     * query itself. Implies PUBLIC. */
    NDC_ROUTE_FOREIGN = 128,
    /* With PUBLIC: the platform signs people in by a cookie of its own. The console's
     * session is not looked at, and an unsafe method needs a JSON content type, which no
     * other site's form can send. */
    NDC_ROUTE_OWN_SESSION = 256,
};

enum { NDC_ROUTE_BODY_BYTES_DEFAULT = 1 << 20, NDC_ROUTE_PARAMS_MAX = 8 };

struct ndc_route {
    const char *method;     /* "GET", "POST", "PUT", "PATCH", "DELETE" */
    const char *path;       /* segments are literal or {name}; a last {name*} takes the
                               rest, slashes included */
    const char *permission; /* see NDC_ROUTE_PUBLIC */
    unsigned flags;
    size_t body_bytes_max; /* 0: 1 MiB for methods with a body, none for GET */
    ndc_handler *handler;
    /* Of a SLOW route: whether this request, whose body is there, will not wait and is
     * run where it came in. NULL: none. */
    bool (*quick)(struct ndc_http *x);
    const char *query;         /* object schema of the query parameters; NULL: none */
    const char *request;       /* schema of a JSON body; the body is checked against it */
    const char *request_type;  /* of a body that is not JSON: "application/yaml" */
    const char *response;      /* schema of the answer; NULL: none */
    const char *response_type; /* NULL: application/json */
    int success;               /* status when it goes well; 0: 200 */
    const char *summary;       /* English, one line */
    const char *tag;           /* group in the documentation */
};

#endif
