#define _GNU_SOURCE
#include "CHost.h"

#include <errno.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

static int look(idtype_t kind, id_t which, int options, siginfo_t *info)
{
    *info = (siginfo_t){0};
    while (waitid(kind, which, info, WEXITED | options) < 0)
        if (errno != EINTR)
            return -errno;
    return info->si_pid != 0;
}

static int tell(int found, const siginfo_t *info, int *code, int *status)
{
    if (found == 1) {
        *code = info->si_code;
        *status = info->si_status;
    }
    return found;
}

int chost_wait(int pidfd, int reap, int *code, int *status)
{
    enum { PIDFD = 3 };  // P_PIDFD, which older headers lack
    siginfo_t info;
    return tell(look((idtype_t)PIDFD, (id_t)pidfd, WNOHANG | (reap ? 0 : WNOWAIT), &info), &info, code, status);
}

int chost_wait_child(int32_t pid, int reap, int *code, int *status)
{
    siginfo_t info;
    return tell(look(P_PID, (id_t)pid, WNOHANG | (reap ? 0 : WNOWAIT), &info), &info, code, status);
}

int chost_await_child(int32_t pid)
{
    siginfo_t info;
    int found = look(P_PID, (id_t)pid, 0, &info);
    return found < 0 ? found : 0;
}

int chost_has_ended_child(void)
{
    siginfo_t info;
    return look(P_ALL, 0, WNOHANG | WNOWAIT, &info) == 1;
}

static volatile sig_atomic_t ends_descriptor = -1;
static struct sigaction before;

// Only what signal-safety(7) allows: one write, and the handler that was there. What counts is that the
// descriptor becomes readable: a write that finds the counter full has nothing to add.
static void child_changed(int number, siginfo_t *info, void *context)
{
    int error = errno;
    uint64_t one = 1;
    ssize_t written = write(ends_descriptor, &one, sizeof one);
    (void)written;
    errno = error;
    if (before.sa_flags & SA_SIGINFO)
        before.sa_sigaction(number, info, context);
    else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN)
        before.sa_handler(number);
}

int chost_watch_children(void)
{
    int descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (descriptor < 0)
        return -errno;
    ends_descriptor = descriptor;
    if (sigaction(SIGCHLD, NULL, &before) < 0)
        goto failed;
    struct sigaction action = {
        .sa_sigaction = child_changed,
        .sa_flags = SA_SIGINFO | SA_RESTART | SA_NOCLDSTOP | (before.sa_flags & SA_ONSTACK),
    };
    action.sa_mask = before.sa_mask;
    if (sigaction(SIGCHLD, &action, NULL) < 0)
        goto failed;
    return descriptor;
failed:;
    int error = errno;
    ends_descriptor = -1;
    close(descriptor);
    return -error;
}
