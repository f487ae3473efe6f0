#define _GNU_SOURCE
#include "CWorkerKit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// The child that writes an image of its parent's state.

int cwk_fork(int *pidfd) {
    pid_t parent = getpid();
    pid_t child = fork();
    if (child < 0) return -errno;
    if (child == 0) {
        // A parent that ended before prctl is not noticed by it.
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent) _exit(1);
        return 0;
    }
    *pidfd = (int)syscall(SYS_pidfd_open, child, 0);
    if (*pidfd >= 0) return child;
    int error = errno;
    kill(child, SIGKILL);
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {}
    return -error;
}

int cwk_close_all_but(int first, int second) {
    unsigned low = (unsigned)(first < second ? first : second), high = (unsigned)(first < second ? second : first);
    const unsigned ranges[3][2] = {{3, low - 1}, {low + 1, high - 1}, {high + 1, ~0U}};
    for (int index = 0; index < 3; index++) {
        if (ranges[index][0] > ranges[index][1]) continue;
        if (syscall(SYS_close_range, ranges[index][0], ranges[index][1], 0) < 0) return -errno;
    }
    return 0;
}

int cwk_wait(int pidfd, int for_good, int *code, int *status) {
    enum { PIDFD = 3 };  // P_PIDFD, which older headers lack
    siginfo_t info;
    memset(&info, 0, sizeof info);
    while (waitid((idtype_t)PIDFD, (id_t)pidfd, &info, WEXITED | (for_good ? 0 : WNOHANG)) < 0)
        if (errno != EINTR) return -errno;
    if (info.si_pid == 0) return 0;
    *code = info.si_code;
    *status = info.si_status;
    return 1;
}

int cwk_kill(int pidfd) { return syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0) < 0 ? -errno : 0; }

const char *cwk_signal_name(int number) { return sigabbrev_np(number); }

// What the child has run for, and then rests. A niceness counts only where processes compete for the same processor all the time; a
// server and its clients, who wait for each other, lose theirs to who always wants it.
enum { RUN_MICROSECONDS = 4000, REST_MILLISECONDS = 8, MOST_RESTS = 125 };

static void rest(int signal) {
    static int rests;
    (void)signal;
    int error = errno;
    struct timespec time = {.tv_nsec = REST_MILLISECONDS * 1000000L};
    if (rests++ < MOST_RESTS) nanosleep(&time, NULL);
    if (rests == MOST_RESTS) setitimer(ITIMER_PROF, &(struct itimerval){0}, NULL);
    errno = error;
}

static void rest_now_and_then(void) {
    struct sigaction action = {.sa_handler = rest, .sa_flags = SA_RESTART};
    struct timeval time = {.tv_usec = RUN_MICROSECONDS};
    if (sigaction(SIGPROF, &action, NULL) == 0)
        setitimer(ITIMER_PROF, &(struct itimerval){.it_interval = time, .it_value = time}, NULL);
}

void cwk_give_way(int niceness) {
    rest_now_and_then();
    // Courtesies: where one is refused, the child competes.
    int result = nice(niceness);
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        if (write(fd, "1000", 4) < 0) result = -1;
        close(fd);
    }
    (void)result;
}
