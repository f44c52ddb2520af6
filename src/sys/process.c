/* Confinement by denial list: the few calls that no library of ours makes and that every
 * kernel exploit or take-over begins with. An allow list would break with each release
 * of libc and OpenSSL; systemd's unit adds SystemCallFilter=@system-service on top. */
#include "sys/process.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#if defined(__x86_64__)
#    define THIS_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#    define THIS_ARCH AUDIT_ARCH_AARCH64
#endif

#ifdef THIS_ARCH
static const long denied[] = {
    SYS_ptrace,
    SYS_process_vm_readv,
    SYS_process_vm_writev,
    SYS_kexec_load,
    SYS_init_module,
    SYS_finit_module,
    SYS_delete_module,
    SYS_mount,
    SYS_umount2,
    SYS_pivot_root,
    SYS_chroot,
    SYS_setns,
    SYS_unshare,
    SYS_bpf,
    SYS_perf_event_open,
    SYS_userfaultfd,
    SYS_keyctl,
    SYS_add_key,
    SYS_request_key,
    SYS_swapon,
    SYS_swapoff,
    SYS_reboot,
    SYS_settimeofday,
    SYS_clock_settime,
    SYS_sethostname,
    SYS_quotactl,
    SYS_acct,
    SYS_open_by_handle_at,
    SYS_personality,
    SYS_io_uring_setup,
};

NDC_UNUSED static void deny_calls(void)
{
    struct sock_filter code[8 + 2 * NDC_ARRAY_LEN(denied)];
    unsigned short n = 0;
    code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                                             offsetof(struct seccomp_data, arch));
    code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, THIS_ARCH, 1, 0);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                                             offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < NDC_ARRAY_LEN(denied); i++) {
        code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
                                                 (unsigned)denied[i], 0, 1);
        code[n++] =
            (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
    }
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    const struct sock_fprog program = {.len = n, .filter = code};
    /* A container may forbid it: then its own filter stands. */
    (void)prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}
#else
static void deny_calls(void)
{
}
#endif

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#    define WATCHED 1
#elif defined(__has_feature)
#    if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#        define WATCHED 1
#    endif
#endif

void ndc_process_confine(void)
{
    const struct rlimit none = {0, 0};
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    (void)setrlimit(RLIMIT_CORE, &none);
#ifndef WATCHED /* the leak checker traces its own process */
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    deny_calls();
#endif
}

void ndc_process_notify(const char *state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *path = getenv("NOTIFY_SOCKET");
    if (!path || (*path != '/' && *path != '@')) return;
    size_t len = strlen(path);
    if (len >= sizeof(address.sun_path)) return;
    memcpy(address.sun_path, path, len);
    if (*path == '@') address.sun_path[0] = 0;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return;
    (void)sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&address,
                 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
    close(fd);
}

/* The number in a file; UINT64_MAX: there is none ("max" of a control group). */
static uint64_t number_in(const char *path)
{
    char line[64] = "";
    char *end;
    FILE *f = fopen(path, "re");
    if (!f) return UINT64_MAX;
    bool got = fgets(line, sizeof(line), f) != NULL;
    fclose(f);
    uint64_t v = got ? strtoull(line, &end, 10) : 0;
    return got && end != line ? v : UINT64_MAX;
}

uint64_t ndc_memory_bytes(void)
{
    uint64_t all = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
    return NDC_MIN(all, number_in("/sys/fs/cgroup/memory.max"));
}
