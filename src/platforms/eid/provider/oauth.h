/* Answers of the OAuth endpoints. Inside, a fault's code is the OAuth error itself
 * ("invalid_grant"); here it becomes the JSON of RFC 6749, 5.2, or a redirect (4.1.2.1).
 */
#ifndef NDC_EID_OAUTH_H
#define NDC_EID_OAUTH_H

#include "platforms/eid/eid.h"
#include "platforms/eid/provider/params.h"

/* Fills *fault with an OAuth error, status 400 (or 401 for invalid_client and
 * invalid_token). */
enum ndc_err eid_refuse(struct ndc_fault *fault, const char *code, const char *format,
                        ...) NDC_PRINTF(3, 4);

/* Answers `err` of a handler as OAuth does; NDC_OK passes. What was written is dropped.
 * The database's faults and the server's own pass as they are: problem+json. */
enum ndc_err eid_oauth_answer(struct ndc_request *req, enum ndc_err err,
                              struct ndc_fault *fault) NDC_MUST_USE;

/* Lets pages of other origins read the answer: what holds no cookie. */
void eid_open_to_pages(struct ndc_request *req);
/* The preflight of such a request. */
enum ndc_err eid_preflight(struct ndc_request *req, struct ndc_fault *fault);

/* Sends the browser on (303). */
void eid_redirect(struct ndc_request *req, struct ndc_str location);
/* Appends "?name=value" or "&name=value", escaped; nothing for a NULL pointer. */
void eid_url_add(struct ndc_buf *url, const char *name, struct ndc_str value);

/* The request's form body. */
enum ndc_err eid_form(struct ndc_request *req, struct eid_params *out,
                      struct ndc_fault *fault) NDC_MUST_USE;

/* A fault's text as error_description allows it (RFC 6749, 4.1.2.1 and 5.2): ASCII
 * without quotes and backslashes. In the arena. */
struct ndc_str eid_plain(struct ndc_arena *arena, const char *message);

#endif
