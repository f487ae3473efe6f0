#define _GNU_SOURCE
#include "CHost.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/syscall.h>

// Which system calls a process may make, as programs for seccomp(2). They are allow lists, by number: the C library has those of the
// machine that this is built for, and for two of them this has been thought through.
//
//   another architecture's call   EPERM
//   one that is newer than these  ENOSYS, on which a C library falls back to what it did before
//   a socket that may not be      EAFNOSUPPORT
//   clone3, where flags count     ENOSYS: they lie where no filter looks
//   whatever else is not listed   EPERM
//
// Numbers come in ranges, in order; what depends on the number alone the kernel (5.11) decides once and remembers.

#if defined(__x86_64__) && !defined(__ILP32__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

#ifdef ARCHITECTURE
// Newer than the headers of some C library; the first of them is called by what the kernel puts where somebody traces a function's end.
enum { CALL_URETPROBE = 335, CALL_FUTEX_WAITV = 449, CALL_SET_MEMPOLICY_HOME_NODE = 450, CALL_FCHMODAT2 = 452 };

// @system-service of systemd 252.
static const unsigned short service_calls[] = {
    SYS_accept, SYS_accept4, SYS_add_key, SYS_bind, SYS_brk, SYS_capget, SYS_capset, SYS_chdir, SYS_clock_getres,
    SYS_clock_gettime, SYS_clock_nanosleep, SYS_clone, SYS_clone3, SYS_close, SYS_close_range, SYS_connect,
    SYS_copy_file_range, SYS_dup, SYS_dup3, SYS_epoll_create1, SYS_epoll_ctl, SYS_epoll_pwait, SYS_epoll_pwait2,
    SYS_eventfd2, SYS_execve, SYS_execveat, SYS_exit, SYS_exit_group, SYS_faccessat, SYS_faccessat2,
    SYS_fadvise64, SYS_fallocate, SYS_fchdir, SYS_fchmod, SYS_fchmodat, SYS_fchown, SYS_fchownat, SYS_fcntl,
    SYS_fdatasync, SYS_fgetxattr, SYS_flistxattr, SYS_flock, SYS_fremovexattr, SYS_fsetxattr, SYS_fstat,
    SYS_fstatfs, SYS_fsync, SYS_ftruncate, SYS_futex, SYS_get_mempolicy, SYS_get_robust_list, SYS_getcpu,
    SYS_getcwd, SYS_getdents64, SYS_getegid, SYS_geteuid, SYS_getgid, SYS_getgroups, SYS_getitimer,
    SYS_getpeername, SYS_getpgid, SYS_getpid, SYS_getppid, SYS_getpriority, SYS_getrandom, SYS_getresgid,
    SYS_getresuid, SYS_getrlimit, SYS_getrusage, SYS_getsid, SYS_getsockname, SYS_getsockopt, SYS_gettid,
    SYS_gettimeofday, SYS_getuid, SYS_getxattr, SYS_inotify_add_watch, SYS_inotify_init1, SYS_inotify_rm_watch,
    SYS_io_cancel, SYS_io_destroy, SYS_io_getevents, SYS_io_pgetevents, SYS_io_setup, SYS_io_submit,
    SYS_io_uring_enter, SYS_io_uring_register, SYS_io_uring_setup, SYS_ioctl, SYS_ioprio_get, SYS_ioprio_set,
    SYS_kcmp, SYS_keyctl, SYS_kill, SYS_lgetxattr, SYS_linkat, SYS_listen, SYS_listxattr, SYS_llistxattr,
    SYS_lremovexattr, SYS_lseek, SYS_lsetxattr, SYS_madvise, SYS_mbind, SYS_membarrier, SYS_memfd_create,
    SYS_migrate_pages, SYS_mkdirat, SYS_mknodat, SYS_mlock, SYS_mlock2, SYS_mlockall, SYS_mmap, SYS_move_pages,
    SYS_mprotect, SYS_mq_getsetattr, SYS_mq_notify, SYS_mq_open, SYS_mq_timedreceive, SYS_mq_timedsend,
    SYS_mq_unlink, SYS_mremap, SYS_msgctl, SYS_msgget, SYS_msgrcv, SYS_msgsnd, SYS_msync, SYS_munlock,
    SYS_munlockall, SYS_munmap, SYS_name_to_handle_at, SYS_nanosleep, SYS_newfstatat, SYS_openat, SYS_openat2,
    SYS_personality, SYS_pidfd_open, SYS_pidfd_send_signal, SYS_pipe2, SYS_ppoll, SYS_prctl, SYS_pread64,
    SYS_preadv, SYS_preadv2, SYS_prlimit64, SYS_process_madvise, SYS_process_vm_readv, SYS_process_vm_writev,
    SYS_pselect6, SYS_pwrite64, SYS_pwritev, SYS_pwritev2, SYS_read, SYS_readahead, SYS_readlinkat, SYS_readv,
    SYS_recvfrom, SYS_recvmmsg, SYS_recvmsg, SYS_remap_file_pages, SYS_removexattr, SYS_renameat, SYS_renameat2,
    SYS_request_key, SYS_restart_syscall, SYS_rseq, SYS_rt_sigaction, SYS_rt_sigpending, SYS_rt_sigprocmask,
    SYS_rt_sigqueueinfo, SYS_rt_sigreturn, SYS_rt_sigsuspend, SYS_rt_sigtimedwait, SYS_rt_tgsigqueueinfo,
    SYS_sched_get_priority_max, SYS_sched_get_priority_min, SYS_sched_getaffinity, SYS_sched_getattr,
    SYS_sched_getparam, SYS_sched_getscheduler, SYS_sched_rr_get_interval, SYS_sched_setaffinity,
    SYS_sched_setattr, SYS_sched_setparam, SYS_sched_setscheduler, SYS_sched_yield, SYS_semctl, SYS_semget,
    SYS_semop, SYS_semtimedop, SYS_sendfile, SYS_sendmmsg, SYS_sendmsg, SYS_sendto, SYS_set_mempolicy,
    SYS_set_robust_list, SYS_set_tid_address, SYS_setfsgid, SYS_setfsuid, SYS_setgid, SYS_setgroups,
    SYS_setitimer, SYS_setns, SYS_setpgid, SYS_setpriority, SYS_setregid, SYS_setresgid, SYS_setresuid,
    SYS_setreuid, SYS_setrlimit, SYS_setsid, SYS_setsockopt, SYS_setuid, SYS_setxattr, SYS_shmat, SYS_shmctl,
    SYS_shmdt, SYS_shmget, SYS_shutdown, SYS_sigaltstack, SYS_signalfd4, SYS_socket, SYS_socketpair, SYS_splice,
    SYS_statfs, SYS_statx, SYS_symlinkat, SYS_sync, SYS_sync_file_range, SYS_syncfs, SYS_sysinfo, SYS_tee,
    SYS_tgkill, SYS_timer_create, SYS_timer_delete, SYS_timer_getoverrun, SYS_timer_gettime, SYS_timer_settime,
    SYS_timerfd_create, SYS_timerfd_gettime, SYS_timerfd_settime, SYS_times, SYS_tkill, SYS_truncate, SYS_umask,
    SYS_uname, SYS_unlinkat, SYS_unshare, SYS_userfaultfd, SYS_utimensat, SYS_vmsplice, SYS_wait4, SYS_waitid,
    SYS_write, SYS_writev,
    CALL_FUTEX_WAITV, CALL_SET_MEMPOLICY_HOME_NODE, CALL_FCHMODAT2,
#ifdef __x86_64__
    SYS_access, SYS_alarm, SYS_arch_prctl, SYS_chmod, SYS_chown, SYS_creat, SYS_dup2, SYS_epoll_create,
    SYS_epoll_ctl_old, SYS_epoll_wait, SYS_epoll_wait_old, SYS_eventfd, SYS_fork, SYS_futimesat,
    SYS_get_thread_area, SYS_getdents, SYS_getpgrp, SYS_inotify_init, SYS_lchown, SYS_link, SYS_lstat, SYS_mkdir,
    SYS_mknod, SYS_open, SYS_pause, SYS_pipe, SYS_poll, SYS_readlink, SYS_rename, SYS_rmdir, SYS_select,
    SYS_set_thread_area, SYS_signalfd, SYS_stat, SYS_symlink, SYS_time, SYS_unlink, SYS_utime, SYS_utimes,
    SYS_vfork,
    CALL_URETPROBE,
#endif
};

// Of these a strict filter allows none: @aio (a ring of io_uring makes sockets that no filter sees), @chown, @keyring, @resources and @setuid of
// systemd 252, and what changes who a process is, where it lives, or reaches into another.
static const unsigned short beyond_strict[] = {
    SYS_add_key, SYS_capset, SYS_fchown, SYS_fchownat, SYS_io_cancel, SYS_io_destroy, SYS_io_getevents,
    SYS_io_pgetevents, SYS_io_setup, SYS_io_submit, SYS_io_uring_enter, SYS_io_uring_register, SYS_io_uring_setup,
    SYS_ioprio_set, SYS_kcmp, SYS_keyctl, SYS_mbind, SYS_migrate_pages, SYS_move_pages, SYS_personality,
    SYS_process_vm_readv, SYS_process_vm_writev, SYS_request_key, SYS_sched_setaffinity, SYS_sched_setattr,
    SYS_sched_setparam, SYS_sched_setscheduler, SYS_set_mempolicy, SYS_setfsgid, SYS_setfsuid, SYS_setgid,
    SYS_setgroups, SYS_setns, SYS_setpriority, SYS_setregid, SYS_setresgid, SYS_setresuid, SYS_setreuid,
    SYS_setrlimit, SYS_setuid, SYS_unshare, SYS_userfaultfd,
    CALL_SET_MEMPOLICY_HOME_NODE,
#ifdef __x86_64__
    SYS_chown, SYS_lchown,
#endif
};

enum { NUMBERS = 600, ROOM = 2 * NUMBERS + 32 };
static struct program {
    struct sock_filter code[ROOM];
    unsigned short count;
} programs[2];

static void add(struct program *program, unsigned short code, unsigned jump_true, unsigned jump_false, unsigned constant)
{
    program->code[program->count++] = (struct sock_filter)BPF_JUMP(code, constant, jump_true, jump_false);
}

static void load(struct program *program, size_t offset)
{
    add(program, BPF_LD | BPF_W | BPF_ABS, 0, 0, (unsigned)offset);
}

static void answer(struct program *program, unsigned answer)
{
    add(program, BPF_RET | BPF_K, 0, 0, answer);
}

static unsigned refusal(int error) { return SECCOMP_RET_ERRNO | (unsigned)error; }

enum { AT_LEAST = BPF_JMP | BPF_JGE | BPF_K, EQUAL = BPF_JMP | BPF_JEQ | BPF_K, HAS_ANY = BPF_JMP | BPF_JSET | BPF_K };
enum { NAMESPACES = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET };

// Of the first argument the low half, where a little-endian machine begins it, is what the kernel looks at.
static void bound_sockets(struct program *program)
{
    add(program, EQUAL, 1, 0, SYS_socket);
    add(program, EQUAL, 0, 4, SYS_socketpair);
    load(program, offsetof(struct seccomp_data, args));
    add(program, EQUAL, 0, 1, AF_UNIX);
    answer(program, SECCOMP_RET_ALLOW);
    answer(program, refusal(EAFNOSUPPORT));
}

static void bound_namespaces(struct program *program)
{
    add(program, EQUAL, 0, 4, SYS_clone);
    load(program, offsetof(struct seccomp_data, args));
    add(program, HAS_ANY, 0, 1, NAMESPACES);
    answer(program, refusal(EPERM));
    answer(program, SECCOMP_RET_ALLOW);
    add(program, EQUAL, 0, 1, SYS_clone3);
    answer(program, refusal(ENOSYS));
}

static void make(struct program *program, int is_strict)
{
    unsigned char allowed[NUMBERS + 1] = {0};
    unsigned last = 0;
    for (size_t i = 0; i < sizeof service_calls / sizeof *service_calls; i++) {
        allowed[service_calls[i]] = 1;
        last = service_calls[i] > last ? service_calls[i] : last;
    }
    for (size_t i = 0; is_strict && i < sizeof beyond_strict / sizeof *beyond_strict; i++)
        allowed[beyond_strict[i]] = 0;

    load(program, offsetof(struct seccomp_data, arch));
    add(program, EQUAL, 1, 0, ARCHITECTURE);
    answer(program, refusal(EPERM));
    load(program, offsetof(struct seccomp_data, nr));
    // Those of x32 are beyond it, too.
    add(program, AT_LEAST, 0, 1, last + 1);
    answer(program, refusal(ENOSYS));
    if (is_strict) {
        bound_sockets(program);
        bound_namespaces(program);
    }
    for (unsigned first = 0, end; first <= last; first = end) {
        for (end = first; allowed[end] == allowed[first] && end <= last; end++)
            continue;
        // What is below `first` has its answer already.
        add(program, AT_LEAST, 1, 0, end);
        answer(program, allowed[first] ? SECCOMP_RET_ALLOW : refusal(EPERM));
    }
    answer(program, refusal(ENOSYS));
}

static void make_both(void)
{
    make(&programs[0], 0);
    make(&programs[1], 1);
}

const void *chost_filter_program(enum chost_filter filter, size_t *count)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_both);
    const struct program *program = &programs[filter == CHOST_FILTER_STRICT];
    *count = program->count;
    return program->code;
}
#else
const void *chost_filter_program(enum chost_filter filter, size_t *count)
{
    (void)filter;
    *count = 0;
    return NULL;
}
#endif
