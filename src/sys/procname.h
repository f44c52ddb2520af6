/* Naming a process so that another can tell whether it still lives. */
#ifndef NDC_SYS_PROCNAME_H
#define NDC_SYS_PROCNAME_H

#include "base/str.h"

enum { NDC_PROCESS_NAME_MAX = 128 };

enum ndc_process_state {
    NDC_PROCESS_ALIVE,
    NDC_PROCESS_DEAD,
    NDC_PROCESS_UNKNOWN /* of another machine, container or boot */
};

/* This process's name: boot, process namespace, id, moment of its start. Process ids are
 * used again; the four together are not. */
void ndc_process_name(char out[NDC_PROCESS_NAME_MAX]);
enum ndc_process_state ndc_process_look(struct ndc_str name);

#endif
