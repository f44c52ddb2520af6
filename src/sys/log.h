/* Structured logs: one line an event on standard error, as text or JSON. Never secrets or
 * personal data: the audit log (src/core/audit.h) is the record of who saw whom. */
#ifndef NDC_SYS_LOG_H
#define NDC_SYS_LOG_H

#include "base/ndc.h"

enum ndc_log_level { NDC_LOG_DEBUG, NDC_LOG_INFO, NDC_LOG_WARN, NDC_LOG_ERROR };

/* Process-wide; call before threads start. Defaults: info, text. */
void ndc_log_setup(enum ndc_log_level least, bool json);
/* `area` is the layer or platform ("net", "registry"). The message is one line. */
void ndc_log(enum ndc_log_level level, const char *area, const char *format, ...)
    NDC_PRINTF(3, 4);
bool ndc_log_level_parse(const char *word, enum ndc_log_level *out);

#endif
