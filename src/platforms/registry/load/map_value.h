/* One value brought to its field's form. */
#ifndef NDC_REGISTRY_MAP_VALUE_H
#define NDC_REGISTRY_MAP_VALUE_H

#include "platforms/registry/normalise/normalise.h"
#include "platforms/registry/source/source.h"

/* How a dictionary field is normalised: decided once per column. */
enum ndc_map_kind {
    NDC_MAP_TEXT,
    NDC_MAP_NAME,
    NDC_MAP_DATE,
    NDC_MAP_TIME,
    NDC_MAP_PERSON_ID,
    NDC_MAP_OLD_ID,
    NDC_MAP_SOCIAL_ID,
    NDC_MAP_HEALTH_ID,
    NDC_MAP_TAX_CODE,
    NDC_MAP_PLATE,
    NDC_MAP_PASSPORT,
    NDC_MAP_PHONE,
    NDC_MAP_EMAIL,
    NDC_MAP_SEX,
    NDC_MAP_ADDRESS,
    NDC_MAP_CODE,
    NDC_MAP_NUMBER
};

struct ndc_map_result {
    enum ndc_norm_reason reason; /* why it was refused; NDC_NORM_OK: text is the value */
    uint32_t flags;              /* enum ndc_norm_flag */
    uint32_t place;              /* of an address */
    bool old_id;                 /* a 9-digit number where a 12-digit one is expected */
    int birth_year;              /* of a personal number */
    enum ndc_norm_sex sex;       /* of a personal number, or the sex itself */
    size_t len;
    char text[1024];
};

struct ndc_norm_memo;

enum ndc_map_kind ndc_map_kind_of(const struct ndc_field *field);
/* Of a kind of value alone: fields of things. */
enum ndc_map_kind ndc_map_kind_of_value(enum ndc_value_kind kind);
/* `memo` (normalise.h) makes the addresses of a file quick; NULL: none. */
void ndc_map_value_memo(struct ndc_map_result *out, struct ndc_norm_memo *memo,
                        enum ndc_map_kind kind, enum ndc_date_order order,
                        bool future_allowed, struct ndc_date today, struct ndc_str raw);
void ndc_map_value(struct ndc_map_result *out, enum ndc_map_kind kind,
                   enum ndc_date_order order, bool future_allowed, struct ndc_date today,
                   struct ndc_str raw);

#endif
