/* Schedules in five cron fields: minute hour day-of-month month day-of-week. Each field
 * is
 * *, a number, a range a-b, a list with commas, any of them with a step /n; Sunday is 0
 * or
 * 7. As in cron, where both days are given, either may match. */
#ifndef NDC_BASE_CRON_H
#define NDC_BASE_CRON_H

#include "base/str.h"

struct ndc_cron {
    uint64_t minutes, hours, days, months, weekdays; /* bit sets */
    bool any_day, any_weekday;
};

/* False: not a schedule. */
bool ndc_cron_parse(struct ndc_cron *cron, struct ndc_str text);
/* Whether the local minute given by these parts is one of the schedule's. month is 1..12,
 * weekday 0 for Sunday. */
bool ndc_cron_matches(const struct ndc_cron *cron, int minute, int hour, int day,
                      int month, int weekday);

#endif
