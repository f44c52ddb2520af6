/* Slowing down who guesses passwords, without letting them lock anyone out. Failures are
 * counted for the pair of account and address, for the address, for its network (/24 of
 * IPv4, /64 of IPv6, where one machine has them all), and for the account; past a free
 * number each further one doubles a wait. An account that has signed in from an address
 * before waits, from there, only for its own failures. In memory, bounded. */
#ifndef NDC_CORE_THROTTLE_H
#define NDC_CORE_THROTTLE_H

#include "base/str.h"

struct ndc_throttle;

struct ndc_throttle *ndc_throttle_new(void);
void ndc_throttle_free(struct ndc_throttle *throttle);
/* Milliseconds to wait before an attempt is looked at; 0: now. */
int64_t ndc_throttle_wait_ms(struct ndc_throttle *throttle, struct ndc_str account,
                             struct ndc_str address, int64_t now_ms);
void ndc_throttle_failed(struct ndc_throttle *throttle, struct ndc_str account,
                         struct ndc_str address, int64_t now_ms);
void ndc_throttle_succeeded(struct ndc_throttle *throttle, struct ndc_str account,
                            struct ndc_str address, int64_t now_ms);

#endif
