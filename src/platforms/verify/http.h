/* Routes of the platform, and what their handlers share. */
#ifndef NDC_VERIFY_HTTP_H
#define NDC_VERIFY_HTTP_H

#include "core/request.h"
#include "core/route.h"
#include "platforms/verify/files.h"

enum { NDC_VERIFY_ROUTES = 19 };
extern const struct ndc_route ndc_verify_routes[NDC_VERIFY_ROUTES];

/* http_files.c */
ndc_handler ndc_verify_post_file, ndc_verify_list_files, ndc_verify_get_file,
    ndc_verify_get_result, ndc_verify_delete_file, ndc_verify_get_sample;
/* http_banks.c */
ndc_handler ndc_verify_get_status, ndc_verify_get_key, ndc_verify_list_banks,
    ndc_verify_put_bank, ndc_verify_put_bank_key, ndc_verify_put_prices,
    ndc_verify_list_freezes, ndc_verify_post_freeze, ndc_verify_delete_freeze,
    ndc_verify_list_watches, ndc_verify_post_delta, ndc_verify_delete_watch,
    ndc_verify_post_projection;

static inline struct ndc_verify *ndc_verify_of(struct ndc_request *req)
{
    return req->state;
}

/* The bank that the request is of: the caller's agency, or, for who may act for any
 * (verify.operate), the one named in ?bank=; empty: all of them. */
struct ndc_str ndc_verify_bank_of(struct ndc_request *req);
/* Code of a bank or a watch: 1 to 32 of a-z 0-9 . _ - */
bool ndc_verify_code_good(struct ndc_str code);

#endif
