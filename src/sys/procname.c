/* Process names from /proc. */
#include "sys/procname.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Field 22 of /proc/PID/stat, counted after the command's name, which may hold blanks.
 * Source: proc(5). 0 when there is no such process. */
static unsigned long long start_time(long long pid)
{
    char path[64], text[1024];
    snprintf(path, sizeof(path), "/proc/%lld/stat", pid);
    FILE *f = fopen(path, "re");
    if (!f) return 0;
    size_t n = fread(text, 1, sizeof(text) - 1, f);
    fclose(f);
    text[n] = '\0';
    char *p = strrchr(text, ')');
    if (!p) return 0;
    struct ndc_str rest = ndc_str(p + 2), field;
    uint64_t start = 0;
    for (unsigned i = 3; i <= 22 && ndc_str_split(&rest, ' ', &field); i++) {
        /* a zombie has ended, although it has a row still */
        if (i == 3 && ndc_str_eq_c(field, "Z")) return 0;
        if (i == 22 && !ndc_str_to_u64(field, &start)) start = 0;
    }
    return start;
}

/* Boot and process namespace: where process ids mean the same. */
static void place(char out[NDC_PROCESS_NAME_MAX])
{
    char boot[40] = "", space[48] = "";
    FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");
    if (f) {
        size_t n = fread(boot, 1, 36, f);
        boot[n] = '\0';
        fclose(f);
    }
    ssize_t len = readlink("/proc/self/ns/pid", space, sizeof(space) - 1);
    space[len > 0 ? len : 0] = '\0';
    snprintf(out, NDC_PROCESS_NAME_MAX, "%s/%s", boot, space);
}

void ndc_process_name(char out[NDC_PROCESS_NAME_MAX])
{
    char where[NDC_PROCESS_NAME_MAX];
    place(where);
    long long pid = getpid();
    snprintf(out, NDC_PROCESS_NAME_MAX, "%.80s/%lld/%llu", where, pid, start_time(pid));
}

enum ndc_process_state ndc_process_look(struct ndc_str name)
{
    char where[NDC_PROCESS_NAME_MAX];
    place(where);
    struct ndc_str prefix = ndc_str(where), pid, start;
    if (!ndc_str_starts(name, prefix)) return NDC_PROCESS_UNKNOWN;
    struct ndc_str rest = ndc_str_from(name, prefix.len + 1);
    int64_t id;
    uint64_t since;
    if (!ndc_str_split(&rest, '/', &pid) || !ndc_str_split(&rest, '/', &start) ||
        !ndc_str_to_i64(pid, &id) || !ndc_str_to_u64(start, &since)) {
        return NDC_PROCESS_UNKNOWN;
    }
    return start_time(id) == since ? NDC_PROCESS_ALIVE : NDC_PROCESS_DEAD;
}
