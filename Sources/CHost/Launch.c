#define _GNU_SOURCE
#include "Confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_UNPOISON_MEMORY_REGION(address, size)
#endif

struct child {
    const struct chost_launch *launch;
    struct chost_launched *result;
    pid_t parent;
    // Where the child finds what becomes its 0, 1, 2, ... and what it executes, or -1.
    const int *fds;
    int exec_fd;
    // Whether it enters its control group itself.
    int enters_cgroup;
    // The highest descriptor that the child needs of a table that it shares with its parent; -1 where it has a copy.
    int last_fd;
    // What filters its system calls, or NULL.
    const void *filter;
    size_t filter_count;
};

// A child that gets a copy of the daemon's descriptors pays for each of thousands, to close all but a few at once. So
// what it gets is put on seats: low numbers, taken at the first launch, while there are few descriptors, and held for good.
// The child begins with the daemon's own table, and takes a copy of it up to the last seat.
enum { SEATS = 80 };
static struct {
    pthread_mutex_t lock;
    int is_taken;
    int count, last;
    int fds[SEATS];
    // What holds a seat that nobody sits on.
    int cushion;
} seats = {.lock = PTHREAD_MUTEX_INITIALIZER};

// All of them, or none where they would be more than a tenth of what the process may have: it has better use for them.
static void take_seats(void)
{
    struct rlimit limit;
    seats.is_taken = 1;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur / 10 < SEATS)
        return;
    seats.cushion = eventfd(0, EFD_CLOEXEC);
    while (seats.cushion >= 0 && seats.count < SEATS) {
        int fd = fcntl(seats.cushion, F_DUPFD_CLOEXEC, 3);
        if (fd < 0) {
            while (seats.count > 0)
                close(seats.fds[--seats.count]);
            close(seats.cushion);
            return;
        }
        seats.fds[seats.count++] = fd;
        if (fd > seats.last)
            seats.last = fd;
    }
}

void chost_take_seats(void)
{
    pthread_mutex_lock(&seats.lock);
    if (!seats.is_taken)
        take_seats();
    pthread_mutex_unlock(&seats.lock);
}

static void clear_seats(int count)
{
    for (int i = 0; i < count; i++)
        dup3(seats.cushion, seats.fds[i], O_CLOEXEC);
}

// Puts what the child gets on seats, and returns how many it took: 0 where there are not enough, -1 where one of the
// descriptors is none, with errno.
static int seat(struct child *child)
{
    const struct chost_launch *launch = child->launch;
    int count = launch->fd_count + (launch->exec_fd >= 0);
    if (count > seats.count)
        return 0;
    for (int i = 0; i < count; i++) {
        int fd = i < launch->fd_count ? launch->fds[i] : launch->exec_fd;
        if (dup3(fd, seats.fds[i], O_CLOEXEC) < 0) {
            int error = errno;
            clear_seats(i);
            errno = error;
            return -1;
        }
    }
    child->fds = seats.fds;
    if (launch->exec_fd >= 0)
        child->exec_fd = seats.fds[launch->fd_count];
    child->last_fd = seats.last;
    return count;
}

// Whether the calling thread was made a batch thread here; a child between clone and exec sees its parent's.
static _Thread_local int is_batch_thread;

int chost_set_thread_batch(int is_batch)
{
    struct sched_param none = {0};
    int policy = sched_getscheduler(0);
    if (policy < 0)
        return -errno;
    // One that the daemon was started with is not ours to change, and not ours to take back.
    if (is_batch ? policy != SCHED_OTHER : !is_batch_thread)
        return 0;
    if (sched_setscheduler(0, is_batch ? SCHED_BATCH : SCHED_OTHER, &none) < 0)
        return -errno;
    is_batch_thread = is_batch;
    return 0;
}

// clone(2) of the C library knows no control groups. The child runs on the stack of the arguments and never returns.
struct clone_arguments {
    uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup;
};
enum { SYSTEM_CALL_CLONE3 = 435 };
#define INTO_CGROUP 0x200000000ULL

#if defined(__x86_64__)
static long clone_into(struct clone_arguments *arguments, int (*run)(void *), void *argument)
{
    long result;
    register int (*function)(void *) __asm__("r12") = run;
    register void *parameter __asm__("r13") = argument;
    __asm__ volatile(
        "syscall\n\t"
        "testq %%rax, %%rax\n\t"
        "jnz 1f\n\t"
        "xorl %%ebp, %%ebp\n\t"
        "movq %[parameter], %%rdi\n\t"
        "callq *%[function]\n\t"
        "hlt\n\t"
        "1:"
        : "=a"(result)
        : "0"((long)SYSTEM_CALL_CLONE3), "D"(arguments), "S"(sizeof *arguments), [function] "r"(function),
          [parameter] "r"(parameter)
        : "rcx", "r11", "memory", "cc");
    return result;
}
#elif defined(__aarch64__)
static long clone_into(struct clone_arguments *arguments, int (*run)(void *), void *argument)
{
    register long number __asm__("x8") = SYSTEM_CALL_CLONE3;
    register long result __asm__("x0") = (long)arguments;
    register long size __asm__("x1") = sizeof *arguments;
    register int (*function)(void *) __asm__("x9") = run;
    register void *parameter __asm__("x10") = argument;
    __asm__ volatile(
        "svc 0\n\t"
        "cbnz x0, 1f\n\t"
        "mov x29, xzr\n\t"
        "mov x0, %[parameter]\n\t"
        "blr %[function]\n\t"
        "brk 1\n\t"
        "1:"
        : "+r"(result)
        : "r"(number), "r"(size), [function] "r"(function), [parameter] "r"(parameter)
        : "x30", "memory", "cc");
    return result;
}
#else
static long clone_into(struct clone_arguments *arguments, int (*run)(void *), void *argument)
{
    (void)arguments, (void)run, (void)argument;
    return -ENOSYS;
}
#endif

static int fail(struct child *child, enum chost_stage stage)
{
    child->result->stage = stage;
    child->result->error = errno;
    _exit(127);
}

static void reset_signals(void)
{
    // The C library's sigaction leaves its own two signals out, and they may have come ignored. All zero is
    // SIG_DFL in the kernel's struct, whatever its order on this machine.
    uint64_t action[8] = {0};
    for (int number = 1; number < NSIG; number++)
        syscall(SYS_rt_sigaction, number, action, NULL, sizeof(uint64_t));
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

// Sources that lie where targets will are moved above them first, so that no dup2 overwrites one that is
// still needed. What is moved or left is close-on-exec. Returns where exec_fd went.
static int place_descriptors(struct child *child)
{
    const struct chost_launch *launch = child->launch;
    // Before anything else: up to here the table is the daemon's.
    if (child->last_fd >= 0 && syscall(SYS_close_range, (unsigned)child->last_fd + 1, ~0U, CLOSE_RANGE_UNSHARE) < 0)
        fail(child, CHOST_STAGE_DESCRIPTORS);
    int exec_fd = child->exec_fd;
    if (exec_fd >= 0 && exec_fd < launch->fd_count) {
        exec_fd = fcntl(exec_fd, F_DUPFD_CLOEXEC, launch->fd_count);
        if (exec_fd < 0)
            fail(child, CHOST_STAGE_DESCRIPTORS);
    }
    int sources[launch->fd_count > 0 ? launch->fd_count : 1];
    for (int i = 0; i < launch->fd_count; i++) {
        sources[i] = child->fds[i];
        if (sources[i] < launch->fd_count) {
            sources[i] = fcntl(sources[i], F_DUPFD_CLOEXEC, launch->fd_count);
            if (sources[i] < 0)
                fail(child, CHOST_STAGE_DESCRIPTORS);
        }
    }
    for (int i = 0; i < launch->fd_count; i++)
        if (dup2(sources[i], i) < 0)
            fail(child, CHOST_STAGE_DESCRIPTORS);
    if (syscall(SYS_close_range, (unsigned)launch->fd_count, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
        fail(child, CHOST_STAGE_DESCRIPTORS);
    return exec_fd;
}

// The C library's setuid tells every thread of the process to follow; a child that shares its parent's
// memory would so change the parent. The bare system calls change the caller only.
static void change_user(struct child *child)
{
    const struct chost_launch *launch = child->launch;
    if (syscall(SYS_setgroups, launch->group_count, launch->groups) < 0)
        fail(child, CHOST_STAGE_GROUPS);
    if (syscall(SYS_setresgid, launch->gid, launch->gid, launch->gid) < 0)
        fail(child, CHOST_STAGE_GROUP);
    if (syscall(SYS_setresuid, launch->uid, launch->uid, launch->uid) < 0)
        fail(child, CHOST_STAGE_USER);
}

static void write_pid(char *place)
{
    char digits[12];
    int count = 0;
    for (pid_t pid = getpid(); pid > 0; pid /= 10)
        digits[count++] = (char)('0' + pid % 10);
    while (count > 0)
        *place++ = digits[--count];
    *place = '\0';
}

// Before it is anybody who may not, and before it can have children.
static void enter_cgroup(struct child *child)
{
    int fd = openat(child->launch->cgroup_fd, "cgroup.procs", O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        fail(child, CHOST_STAGE_CGROUP);
    ssize_t written = write(fd, "0", 1);
    int error = errno;
    // The table of descriptors may be the daemon's.
    close(fd);
    if (written < 0) {
        errno = error;
        fail(child, CHOST_STAGE_CGROUP);
    }
}

// While it is who may, and has the daemon's limits.
static void confine_place(struct child *child)
{
    const char *subject = NULL;
    enum chost_stage failed = confine_mounts(child->launch->confinement, &subject);
    if (failed == CHOST_STAGE_NONE)
        return;
    child->result->subject = subject;
    fail(child, failed);
}

// A filter is the last: what is done up to the exec it may not know.
static void confine_doings(struct child *child)
{
    const struct chost_confinement *confinement = child->launch->confinement;
    if ((confinement->no_new_privs || child->filter) && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        fail(child, CHOST_STAGE_NO_NEW_PRIVS);
    if (child->filter && confine_calls(child->filter, child->filter_count) < 0)
        fail(child, CHOST_STAGE_SECCOMP);
}

static int run_child(void *argument)
{
    struct child *child = argument;
    const struct chost_launch *launch = child->launch;
    const struct chost_confinement *confinement = launch->confinement;

    if (setpgid(0, 0) < 0)
        fail(child, CHOST_STAGE_PROCESS_GROUP);
    if (child->enters_cgroup)
        enter_cgroup(child);
    reset_signals();
    struct sched_param none = {0};
    if (is_batch_thread)
        sched_setscheduler(0, SCHED_OTHER, &none);
    int exec_fd = place_descriptors(child);
    if (confinement)
        confine_place(child);
    for (size_t i = 0; i < launch->rlimit_count; i++) {
        const struct chost_rlimit *limit = &launch->rlimits[i];
        struct rlimit value = {.rlim_cur = limit->soft, .rlim_max = limit->hard};
        if (setrlimit(limit->resource, &value) < 0) {
            child->result->resource = limit->resource;
            fail(child, CHOST_STAGE_RLIMIT);
        }
    }
    // While it is who may; where there is no /proc it stays as it is.
    if (launch->resets_oom_score) {
        int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
        if (fd >= 0) {
            ssize_t written = write(fd, "0", 1);
            (void)written;
            close(fd);
        }
    }
    int sets_capabilities = confinement && confinement->sets_capabilities;
    if (sets_capabilities && confine_bounding_set(confinement) < 0)
        fail(child, CHOST_STAGE_CAPABILITIES);
    if (launch->changes_user)
        change_user(child);
    if (sets_capabilities && confine_capabilities(confinement) < 0)
        fail(child, CHOST_STAGE_CAPABILITIES);
    // After the change of user, which clears it; and the parent may have died before it was set.
    if (launch->parent_death_signal) {
        prctl(PR_SET_PDEATHSIG, launch->parent_death_signal);
        if (getppid() != child->parent)
            _exit(127);
    }
    // As the worker's user: a directory that it can't enter is found here.
    if (launch->cwd && chdir(launch->cwd) < 0)
        fail(child, CHOST_STAGE_CHDIR);
    if (launch->listen_pid)
        write_pid(launch->listen_pid);
    if (launch->watchdog_pid)
        write_pid(launch->watchdog_pid);
    if (confinement)
        confine_doings(child);
    if (exec_fd >= 0)
        syscall(SYS_execveat, exec_fd, "", launch->argv, launch->envp, AT_EMPTY_PATH);
    else
        execve(launch->path, launch->argv, launch->envp);
    return fail(child, CHOST_STAGE_EXEC);
}

// In its control group from the first instruction on, where the kernel can do so (Linux 5.7): a move would wait for all processors.
// Returns its pid, or -1 with errno.
static pid_t make_child(struct child *child, char *stack, size_t stack_size, int flags, int *pidfd)
{
    if (child->launch->cgroup_fd > 0) {
        struct clone_arguments arguments = {
            .flags = (uint64_t)(flags & ~0xff) | INTO_CGROUP,
            .pidfd = (uint64_t)(uintptr_t)pidfd,
            .exit_signal = SIGCHLD,
            .stack = (uint64_t)(uintptr_t)stack,
            .stack_size = stack_size,
            .cgroup = (uint64_t)child->launch->cgroup_fd,
        };
        long pid = clone_into(&arguments, run_child, child);
        if (pid >= 0)
            return (pid_t)pid;
        // Unknown to the kernel, or to what filters its calls.
        if (pid != -ENOSYS && pid != -E2BIG && pid != -EPERM && pid != -EINVAL) {
            errno = (int)-pid;
            return -1;
        }
        child->enters_cgroup = 1;
    }
    return clone(run_child, stack + stack_size, flags, child, pidfd);
}

// Returns its pid, or -1 with stage and error in the result.
static pid_t start_child(struct child *child, char *stack, size_t stack_size, int *pidfd)
{
    pthread_mutex_lock(&seats.lock);
    if (!seats.is_taken)
        take_seats();
    pid_t pid = -1;
    int count = seat(child);
    if (count < 0) {
        child->result->stage = CHOST_STAGE_DESCRIPTORS;
        child->result->error = errno;
    } else {
        int flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | (count > 0 ? CLONE_FILES : 0) | SIGCHLD;
        pid = make_child(child, stack, stack_size, flags, pidfd);
        if (pid < 0) {
            child->result->stage = CHOST_STAGE_CLONE;
            child->result->error = errno;
        }
    }
    // The child has its own by now, or has ended. Whoever reads from a pipe must not wait for an end that lies here.
    clear_seats(count);
    pthread_mutex_unlock(&seats.lock);
    return pid;
}

// The child runs in this process' memory while this thread waits (as posix_spawn does it): nothing is
// copied, however large the daemon is and however many descriptors it has, and the child reports by writing into `result`. It runs on a stack
// of its own, with all signals blocked, so that no handler of the daemon's runs in it.
int32_t chost_launch(const struct chost_launch *launch, struct chost_launched *result)
{
    enum { STACK_SIZE = 256 * 1024 };
    *result = (struct chost_launched){.pidfd = -1};
    struct child child = {
        .launch = launch, .result = result, .parent = getpid(), .fds = launch->fds, .exec_fd = launch->exec_fd,
        .last_fd = -1};
    if (launch->confinement && launch->confinement->filter != CHOST_FILTER_NONE) {
        child.filter = chost_filter_program(launch->confinement->filter, &child.filter_count);
        if (!child.filter) {
            result->stage = CHOST_STAGE_SECCOMP;
            result->error = ENOSYS;
            return -1;
        }
    }

    char *stack = mmap(
        NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (stack == MAP_FAILED) {
        result->stage = CHOST_STAGE_CLONE;
        result->error = errno;
        return -1;
    }
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int pidfd = -1;
    pid_t pid = start_child(&child, stack, STACK_SIZE, &pidfd);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    // The child has left its functions without returning from them.
    ASAN_UNPOISON_MEMORY_REGION(stack, STACK_SIZE);
    munmap(stack, STACK_SIZE);

    if (pid < 0)
        return -1;
    if (result->stage != CHOST_STAGE_NONE) {
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
            continue;
        close(pidfd);
        return -1;
    }
    result->pidfd = pidfd;
    return pid;
}

int chost_pidfd_open(int32_t pid)
{
    int fd = syscall(SYS_pidfd_open, pid, 0);
    return fd < 0 ? -errno : fd;
}

int chost_become_subreaper(void)
{
    return prctl(PR_SET_CHILD_SUBREAPER, 1) < 0 ? -errno : 0;
}

int chost_pidfd_send_signal(int pidfd, int signal)
{
    return syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0) < 0 ? -errno : 0;
}

const char *chost_signal_name(int number)
{
    return sigabbrev_np(number);
}
