/* Errors as clients see them: RFC 9457 problem details. */
#ifndef NDC_CORE_PROBLEM_H
#define NDC_CORE_PROBLEM_H

#include "core/request.h"
#include "net/http.h"

/* Replaces the exchange's answer with the fault, in the language asked for. A defect of
 * ours (5xx) is logged with its detail; the client gets the request id to quote. */
void ndc_problem_write(struct ndc_http *x, const struct ndc_fault *fault,
                       enum ndc_lang lang, const char *area);
/* The title of a code or error kind in a language. */
const char *ndc_problem_title(const struct ndc_fault *fault, enum ndc_lang lang);
/* By Accept-Language (RFC 9110 12.5.4): English if preferred over Vietnamese. */
enum ndc_lang ndc_lang_choose(struct ndc_str accept_language);

#endif
