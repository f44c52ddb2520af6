/* Words for people, Vietnamese and English, and for programs: names by number. */
#ifndef NDC_POLICY_WORDS_H
#define NDC_POLICY_WORDS_H

#include "platforms/policy/table.h"

/* Of one of their enum's values. */
const char *policy_kind_name(int kind);
const char *policy_action_name(int action);
const char *policy_entity_name(int entity);
const char *policy_consent_name(int consent);

struct policy_text policy_kind_text(enum ndc_policy_kind kind);
struct policy_text policy_action_text(enum ndc_policy_action action);
/* "unknown_purpose" and the like: part of fault codes and answers. */
const char *policy_why_code(enum policy_why why);
struct policy_text policy_why_text(enum policy_why why);
/* "key": {"vi": …, "en": …}; in an array with a NULL key. */
void policy_write_text(struct ndc_json *j, const char *key, struct policy_text text);
struct policy_text policy_field_title(const struct ndc_field *field);
/* A field that the purpose does not cover. */
struct policy_text policy_beyond_text(void);

#endif
