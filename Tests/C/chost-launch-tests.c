#define _GNU_SOURCE
#include "CHost.h"
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// Processes: launch, wait, pidfds. Children are /bin/sh, which says on its descriptors what it found.

static char *environment[] = {"PATH=/usr/bin:/bin", "MARK=here", NULL};

static void wait_for_exit(int pidfd)
{
    struct pollfd polled = {.fd = pidfd, .events = POLLIN};
    while (poll(&polled, 1, -1) < 0 && errno == EINTR) continue;
}

// Runs `script` with `launch`'s other settings; returns its exit status, -1 where it did not start, with what it wrote
// to its descriptor 1 in `output`.
static int run(struct chost_launch launch, const char *script, char *output, size_t room)
{
    char *arguments[] = {"sh", "-c", (char *)script, NULL};
    int ends[2], nothing = chost_open("/dev/null", O_RDWR, 0);
    CHECK_EQUAL(chost_pipe(ends), 0);
    int fds[] = {nothing, ends[1], 2};
    launch.argv = arguments;
    if (!launch.envp) launch.envp = environment;
    if (!launch.path) launch.path = "/bin/sh";
    if (!launch.fds) {
        launch.fds = fds;
        launch.fd_count = 3;
    }
    struct chost_launched launched;
    int32_t pid = chost_launch(&launch, &launched);
    close(ends[1]);
    close(nothing);
    size_t length = 0;
    ssize_t count;
    while (pid > 0 && (count = read(ends[0], output + length, room - 1 - length)) > 0) length += count;
    output[length] = '\0';
    close(ends[0]);
    if (pid < 0) return -1;
    int code = 0, status = 0;
    wait_for_exit(launched.pidfd);
    CHECK_EQUAL(chost_wait(launched.pidfd, 0, &code, &status), 1);
    CHECK_EQUAL(chost_wait(launched.pidfd, 1, &code, &status), 1);
    CHECK_EQUAL(code, CLD_EXITED);
    // It is reaped.
    CHECK_EQUAL(chost_wait(launched.pidfd, 1, &code, &status), -ECHILD);
    close(launched.pidfd);
    return status;
}

static const struct chost_launch plain = {.exec_fd = -1};

static void test_what_a_child_gets(void)
{
    char output[256];
    CHECK_EQUAL(run(plain, "echo $MARK; exit 7", output, sizeof output), 7);
    CHECK_EQUAL(strcmp(output, "here\n"), 0);

    // A group of its own, signals as if new, no descriptor but those that were given (3 is the directory that ls reads).
    signal(SIGUSR1, SIG_IGN);
    CHECK_EQUAL(run(plain, "test $(ps -o pgid= -p $$) = $$ && echo own", output, sizeof output), 0);
    CHECK_EQUAL(strcmp(output, "own\n"), 0);
    CHECK_EQUAL(run(plain, "grep SigIgn /proc/self/status; ls /proc/self/fd | tr '\\n' ' '", output, sizeof output), 0);
    CHECK_EQUAL(strcmp(output, "SigIgn:\t0000000000000000\n0 1 2 3 "), 0);
    signal(SIGUSR1, SIG_DFL);

    struct chost_launch launch = plain;
    launch.cwd = "/usr";
    CHECK_EQUAL(run(launch, "pwd", output, sizeof output), 0);
    CHECK_EQUAL(strcmp(output, "/usr\n"), 0);

    struct chost_rlimit limits[] = {{.resource = RLIMIT_CORE, .soft = 0, .hard = 0},
        {.resource = RLIMIT_NOFILE, .soft = 77, .hard = 99}};
    launch = plain;
    launch.rlimits = limits;
    launch.rlimit_count = 2;
    CHECK_EQUAL(run(launch, "echo $(ulimit -c) $(ulimit -Sn) $(ulimit -Hn)", output, sizeof output), 0);
    CHECK_EQUAL(strcmp(output, "0 77 99\n"), 0);

    // Its own pid, written between clone and exec.
    char listen[] = "LISTEN_PID=00000000000";
    char watchdog[] = "WATCHDOG_PID=00000000000";
    char *with_pid[] = {"PATH=/usr/bin:/bin", listen, watchdog, NULL};
    launch = plain;
    launch.envp = with_pid;
    launch.listen_pid = listen + strlen("LISTEN_PID=");
    launch.watchdog_pid = watchdog + strlen("WATCHDOG_PID=");
    CHECK_EQUAL(run(launch, "test $LISTEN_PID = $$ && test $WATCHDOG_PID = $$", output, sizeof output), 0);

    // By descriptor.
    launch = plain;
    launch.exec_fd = chost_open("/bin/sh", O_RDONLY, 0);
    launch.path = "/no/such/file";
    launch.parent_death_signal = SIGKILL;
    CHECK_EQUAL(run(launch, "exit 5", output, sizeof output), 5);
    close(launch.exec_fd);
}

static void set_oom_score(const char *score)
{
    int fd = open("/proc/self/oom_score_adj", O_WRONLY);
    CHECK_EQUAL(write(fd, score, strlen(score)), (ssize_t)strlen(score));
    close(fd);
}

// Raised here, since that needs no right; back to 0 it may go, too.
static void test_oom_score(void)
{
    char before[16] = {0}, output[16];
    int fd = open("/proc/self/oom_score_adj", O_RDONLY);
    CHECK(read(fd, before, sizeof before - 1) > 0);
    close(fd);
    set_oom_score("300");
    struct chost_launch launch = plain;
    CHECK_EQUAL(run(launch, "cat /proc/self/oom_score_adj", output, sizeof output), 0);
    CHECK_EQUAL(strcmp(output, "300\n"), 0);
    launch.resets_oom_score = 1;
    CHECK_EQUAL(run(launch, "cat /proc/self/oom_score_adj", output, sizeof output), 0);
    CHECK_EQUAL(strcmp(output, "0\n"), 0);
    // The child's alone.
    CHECK_EQUAL(run(plain, "cat /proc/self/oom_score_adj", output, sizeof output), 0);
    CHECK_EQUAL(strcmp(output, "300\n"), 0);
    set_oom_score(before);
}

// A thread may be a batch thread for a time; what it starts then is scheduled as others are. Policy is field 41 of proc_pid_stat(5).
static void test_a_batch_thread(void)
{
    const char *policy = "read line < /proc/self/stat; set -- ${line##*) }; shift 38; echo $1";
    char output[256];
    CHECK_EQUAL(sched_getscheduler(0), SCHED_OTHER);
    CHECK_EQUAL(chost_set_thread_batch(1), 0);
    CHECK_EQUAL(sched_getscheduler(0), SCHED_BATCH);
    CHECK_EQUAL(run(plain, policy, output, sizeof output), 0);
    CHECK_EQUAL(strcmp(output, "0\n"), 0);
    CHECK_EQUAL(chost_set_thread_batch(0), 0);
    CHECK_EQUAL(sched_getscheduler(0), SCHED_OTHER);

    // One that it was before is not taken back.
    struct sched_param none = {0};
    CHECK_EQUAL(sched_setscheduler(0, SCHED_BATCH, &none), 0);
    CHECK_EQUAL(chost_set_thread_batch(1), 0);
    CHECK_EQUAL(run(plain, policy, output, sizeof output), 0);
    CHECK_EQUAL(strcmp(output, "3\n"), 0);
    CHECK_EQUAL(chost_set_thread_batch(0), 0);
    CHECK_EQUAL(sched_getscheduler(0), SCHED_BATCH);
    CHECK_EQUAL(sched_setscheduler(0, SCHED_OTHER, &none), 0);
}

// Sources and exec_fd lie where targets will be, in an order that a copy one by one would overwrite. In a process of its own, whose
// descriptors from 0 on are its to arrange.
static int arrange_and_launch(int result)
{
    int ends[2];
    if (chost_pipe(ends) < 0) return 10;
    int program = chost_open("/bin/sh", O_RDONLY, 0), nothing = chost_open("/dev/null", O_RDWR, 0);
    int high = chost_fcntl(result, F_DUPFD_CLOEXEC, 20), out = chost_fcntl(ends[1], F_DUPFD_CLOEXEC, 20);
    program = chost_fcntl(program, F_DUPFD_CLOEXEC, 20);
    // 0: the pipe, 1: nothing, 2: the program.
    if (dup2(out, 0) < 0 || dup2(nothing, 1) < 0 || dup2(program, 2) < 0) return 11;
    int fds[] = {1, 0, 1, 0};
    char *arguments[] = {"sh", "-c", "echo one && echo three >&3", NULL};
    struct chost_launch launch = {
        .exec_fd = 2, .argv = arguments, .envp = environment, .fds = fds, .fd_count = 4};
    struct chost_launched launched;
    if (chost_launch(&launch, &launched) < 0) return 20 + launched.stage;
    int code, status;
    wait_for_exit(launched.pidfd);
    if (chost_wait(launched.pidfd, 1, &code, &status) != 1 || status != 0) return 12;
    char output[32];
    if (read(ends[0], output, sizeof output) != 10 || memcmp(output, "one\nthree\n", 10) != 0) return 13;
    return write(high, "k", 1) == 1 ? 0 : 14;
}

static void test_descriptors_in_each_others_places(void)
{
    int ends[2];
    CHECK_EQUAL(chost_pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) _exit(arrange_and_launch(ends[1]));
    int status;
    CHECK_EQUAL(waitpid(pid, &status, 0), pid);
    CHECK_EQUAL(WEXITSTATUS(status), 0);
    close(ends[0]);
    close(ends[1]);
}

static void check_failure(struct chost_launch launch, enum chost_stage stage, int error, int resource)
{
    char *arguments[] = {"sh", "-c", "exit 0", NULL};
    launch.argv = arguments;
    launch.envp = environment;
    if (!launch.path) launch.path = "/bin/sh";
    struct chost_launched launched;
    CHECK_EQUAL(chost_launch(&launch, &launched), -1);
    CHECK_EQUAL(launched.stage, stage);
    CHECK_EQUAL(launched.error, error);
    CHECK_EQUAL(launched.resource, resource);
    CHECK_EQUAL(launched.pidfd, -1);
    // It left nothing to wait for.
    CHECK_EQUAL(waitpid(-1, NULL, WNOHANG), -1);
    CHECK_EQUAL(errno, ECHILD);
}

static void test_failures(void)
{
    struct chost_launch launch = plain;
    launch.path = "/no/such/file";
    check_failure(launch, CHOST_STAGE_EXEC, ENOENT, 0);
    launch.path = "/etc/passwd";
    check_failure(launch, CHOST_STAGE_EXEC, EACCES, 0);

    launch = plain;
    launch.cwd = "/no/such/directory";
    check_failure(launch, CHOST_STAGE_CHDIR, ENOENT, 0);

    int bad[] = {0, 9999};
    launch = plain;
    launch.fds = bad;
    launch.fd_count = 2;
    check_failure(launch, CHOST_STAGE_DESCRIPTORS, EBADF, 0);

    struct chost_rlimit limit = {.resource = RLIMIT_CPU, .soft = 2, .hard = 1};
    launch = plain;
    launch.rlimits = &limit;
    launch.rlimit_count = 1;
    check_failure(launch, CHOST_STAGE_RLIMIT, EINVAL, RLIMIT_CPU);
}

static void test_users(void)
{
    char output[64];
    uint32_t groups[] = {65534, 12345};
    struct chost_launch launch = plain;
    launch.changes_user = 1;
    launch.uid = launch.gid = 65534;
    launch.groups = groups;
    launch.group_count = 2;
    launch.parent_death_signal = SIGKILL;
    if (getuid() != 0) return check_failure(launch, CHOST_STAGE_GROUPS, EPERM, 0);
    CHECK_EQUAL(run(launch, "echo $(id -u) $(id -g) $(id -G)", output, sizeof output), 0);
    CHECK_EQUAL(strcmp(output, "65534 65534 65534 12345\n"), 0);
    // Nothing of it in this process.
    CHECK_EQUAL(getuid(), 0);
    CHECK_EQUAL(getgid(), 0);

    launch.uid = (uint32_t)-2;
    launch.gid = (uint32_t)-2;
    CHECK_EQUAL(run(launch, "id -u", output, sizeof output), 0);
    CHECK_EQUAL(strcmp(output, "4294967294\n"), 0);
    launch.group_count = 1 << 20;
    check_failure(launch, CHOST_STAGE_GROUPS, EINVAL, 0);
}

static void test_confinement(void)
{
    char output[256];
    struct chost_confinement confinement = {.no_new_privs = 1, .filter = CHOST_FILTER_STRICT};
    struct chost_launch launch = plain;
    launch.confinement = &confinement;
    CHECK_EQUAL(run(launch, "grep -E '^(NoNewPrivs|Seccomp):' /proc/self/status | cut -f2", output, sizeof output), 0);
    CHECK_EQUAL(strcmp(output, "1\n2\n"), 0);
    // This thread's system calls are as free as before.
    CHECK_EQUAL(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 0);
    CHECK_EQUAL(prctl(PR_GET_SECCOMP, 0, 0, 0, 0), 0);
    launch.path = "/no/such/file";
    check_failure(launch, CHOST_STAGE_EXEC, ENOENT, 0);
    launch.path = NULL;

    confinement = (struct chost_confinement){.has_private_tmp = 1};
    if (getuid() != 0) return check_failure(launch, CHOST_STAGE_PRIVATE_TMP, EPERM, 0);
    uint64_t had = chost_permitted_capabilities();
    confinement = (struct chost_confinement){
        .sets_capabilities = 1, .capabilities = 1 << 10, .has_private_tmp = 1, .protection = CHOST_PROTECTION_STRICT};
    launch.changes_user = 1;
    launch.uid = launch.gid = 65534;
    const char *found = "grep -E '^Cap(Eff|Bnd):' /proc/self/status | cut -f2; ls -A /tmp | wc -l; test -w /usr || echo read-only; "
                        "ls /proc/self/fd | tr '\\n' ' '";
    CHECK_EQUAL(run(launch, found, output, sizeof output), 0);
    CHECK_EQUAL(strcmp(output, "0000000000000400\n0000000000000400\n0\nread-only\n0 1 2 3 "), 0);
    CHECK_EQUAL(chost_permitted_capabilities(), had);
    CHECK_EQUAL(access("/tmp", W_OK), 0);

    char *missing[] = {"/", "/no/such/path", NULL};
    confinement.read_write_paths = missing;
    confinement.read_write_count = 2;
    check_failure(launch, CHOST_STAGE_READ_WRITE_PATHS, ENOENT, 0);
    // A capability that there is not.
    confinement = (struct chost_confinement){.sets_capabilities = 1, .capabilities = 1ULL << 63};
    check_failure(launch, CHOST_STAGE_CAPABILITIES, EINVAL, 0);
}

// In a process of its own, which gives up what a daemon under a unit may lack.
static int confine_without(int capability, struct chost_confinement *confinement, enum chost_stage stage)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];
    if (syscall(SYS_capget, &header, data) < 0) return 10;
    data[0].effective &= ~(1U << capability);
    data[0].permitted &= ~(1U << capability);
    if (syscall(SYS_capset, &header, data) < 0) return 11;
    struct chost_launch launch = plain;
    launch.confinement = confinement;
    if (stage != CHOST_STAGE_NONE) {
        check_failure(launch, stage, EPERM, 0);
        return failures;
    }
    char output[64];
    if (run(launch, "grep -E '^Cap(Prm|Eff):' /proc/self/status | cut -f2; id -u", output, sizeof output) != 0) return 12;
    return strcmp(output, "0000000000000000\n0000000000000000\n0\n") == 0 ? failures : 13;
}

static void check_without(int capability, struct chost_confinement confinement, enum chost_stage stage)
{
    pid_t pid = fork();
    if (pid == 0) _exit(confine_without(capability, &confinement, stage));
    int status;
    CHECK_EQUAL(waitpid(pid, &status, 0), pid);
    CHECK_EQUAL(WEXITSTATUS(status), 0);
}

static void test_confinement_by_who_may_not(void)
{
    if (getuid() != 0) return;
    check_without(CAP_SYS_ADMIN, (struct chost_confinement){.has_private_tmp = 1}, CHOST_STAGE_PRIVATE_TMP);
    check_without(
        CAP_SYS_ADMIN, (struct chost_confinement){.protection = CHOST_PROTECTION_FULL}, CHOST_STAGE_PROTECT_SYSTEM);
    // Nothing can be taken from the bounding set; where that gives nothing, it need not be.
    struct chost_confinement none = {.sets_capabilities = 1};
    check_without(CAP_SETPCAP, none, CHOST_STAGE_CAPABILITIES);
    none.no_new_privs = 1;
    check_without(CAP_SETPCAP, none, CHOST_STAGE_NONE);
}

static void test_signals(void)
{
    char *arguments[] = {"sleep", "1000", NULL};
    struct chost_launch launch = plain;
    struct chost_launched launched;
    int code, status;
    launch.path = "/bin/sleep";
    launch.argv = arguments;
    launch.envp = environment;
    int32_t pid = chost_launch(&launch, &launched);
    CHECK(pid > 0);
    CHECK_EQUAL(chost_wait(launched.pidfd, 1, &code, &status), 0);

    int second = chost_pidfd_open(pid);
    CHECK(second >= 0);
    CHECK_EQUAL(chost_fcntl(second, F_GETFD, 0), FD_CLOEXEC);
    CHECK_EQUAL(chost_pidfd_send_signal(second, SIGKILL), 0);
    wait_for_exit(launched.pidfd);
    CHECK_EQUAL(chost_wait(launched.pidfd, 1, &code, &status), 1);
    CHECK_EQUAL(code, CLD_KILLED);
    CHECK_EQUAL(status, SIGKILL);
    CHECK_EQUAL(chost_pidfd_send_signal(second, SIGKILL), -ESRCH);
    CHECK_EQUAL(chost_pidfd_open(pid), -ESRCH);
    close(second);
    close(launched.pidfd);
    CHECK_EQUAL(chost_wait(launched.pidfd, 1, &code, &status), -EBADF);
    CHECK_EQUAL(chost_pidfd_send_signal(launched.pidfd, SIGKILL), -EBADF);
}

// How many of these are open here.
static int count_open(const int *fds, int count)
{
    int open = 0;
    for (int i = 0; i < count; i++) open += fcntl(fds[i], F_GETFD) >= 0;
    return open;
}

// The child begins with this process' own table of descriptors: what it closes, and what becomes of it, closes nothing here.
static void test_a_shared_table(void)
{
    enum { MANY = 500 };
    int fds[MANY];
    for (int i = 0; i < MANY; i++) fds[i] = chost_open("/dev/null", O_RDWR, 0);
    char output[256];
    const char *list = "ls /proc/self/fd | tr '\\n' ' '";
    CHECK_EQUAL(run(plain, list, output, sizeof output), 0);
    CHECK_EQUAL(strcmp(output, "0 1 2 3 "), 0);
    CHECK_EQUAL(count_open(fds, MANY), MANY);

    struct chost_launch launch = plain;
    launch.cwd = "/no/such/directory";
    check_failure(launch, CHOST_STAGE_CHDIR, ENOENT, 0);
    CHECK_EQUAL(count_open(fds, MANY), MANY);

    // As many as the child can get without a copy of all, and more.
    for (int count = 78; count <= 82; count++) {
        int ends[2], given[82];
        CHECK_EQUAL(chost_pipe(ends), 0);
        for (int i = 0; i < count; i++) given[i] = fds[MANY - 1 - i];
        given[1] = ends[1];
        launch = plain;
        launch.exec_fd = chost_open("/bin/sh", O_RDONLY, 0);
        launch.path = "/no/such/file";
        launch.fds = given;
        launch.fd_count = count;
        launch.argv = (char *[]){"sh", "-c", "ls /proc/self/fd | wc -l", NULL};
        launch.envp = environment;
        struct chost_launched launched;
        int code, status;
        CHECK(chost_launch(&launch, &launched) > 0);
        close(ends[1]);
        close(launch.exec_fd);
        wait_for_exit(launched.pidfd);
        CHECK_EQUAL(chost_wait(launched.pidfd, 1, &code, &status), 1);
        close(launched.pidfd);
        ssize_t length = read(ends[0], output, sizeof output - 1);
        output[length > 0 ? length : 0] = '\0';
        CHECK_EQUAL(atoi(output), count + 1);
        // Nobody holds the other end any more.
        CHECK_EQUAL(read(ends[0], output, sizeof output), 0);
        close(ends[0]);
        CHECK_EQUAL(count_open(fds, MANY), MANY);
    }
    for (int i = 0; i < MANY; i++) close(fds[i]);
}

static void *launch_often(void *mistakes)
{
    for (int i = 0; i < 100; i++) {
        char script[64], expected[32], output[64];
        snprintf(expected, sizeof expected, "%lu %d\n", (unsigned long)pthread_self() % 1000, i);
        snprintf(script, sizeof script, "echo %.*s", (int)strlen(expected) - 1, expected);
        if (run(plain, script, output, sizeof output) != 0 || strcmp(output, expected) != 0) ++*(int *)mistakes;
    }
    return NULL;
}

static void test_launches_beside_each_other(void)
{
    enum { THREADS = 3 };
    pthread_t threads[THREADS];
    int mistakes[THREADS] = {0};
    for (int i = 0; i < THREADS; i++) CHECK_EQUAL(pthread_create(&threads[i], NULL, launch_often, &mistakes[i]), 0);
    for (int i = 0; i < THREADS; i++) {
        CHECK_EQUAL(pthread_join(threads[i], NULL), 0);
        CHECK_EQUAL(mistakes[i], 0);
    }
}

// In a process of its own that has launched nothing yet and may have few descriptors: a copy of all is taken instead.
static int launch_with_few_descriptors(void)
{
    struct rlimit limit = {.rlim_cur = 24, .rlim_max = 24};
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0) return 10;
    char output[256];
    for (int i = 0; i < 30; i++) {
        if (run(plain, "ls /proc/self/fd | tr '\\n' ' '", output, sizeof output) != 0) return 11;
        if (strcmp(output, "0 1 2 3 ") != 0) return 12;
    }
    // None is held for launches to come.
    int count = 0;
    while (fcntl(0, F_DUPFD, 3) >= 0) count++;
    return count >= 15 ? 0 : 13;
}

static void test_few_descriptors(void)
{
    int status;
    pid_t pid = fork();
    if (pid == 0) _exit(launch_with_few_descriptors());
    CHECK_EQUAL(waitpid(pid, &status, 0), pid);
    CHECK_EQUAL(WEXITSTATUS(status), 0);
}

// What a child leaves behind becomes this process' own.
static void test_subreaper(void)
{
    int word[2], answer[2], is_subreaper = 0, status;
    CHECK_EQUAL(chost_become_subreaper(), 0);
    CHECK_EQUAL(prctl(PR_GET_CHILD_SUBREAPER, &is_subreaper), 0);
    CHECK_EQUAL(is_subreaper, 1);
    CHECK_EQUAL(chost_pipe(word), 0);
    CHECK_EQUAL(chost_pipe(answer), 0);
    pid_t child = fork();
    if (child == 0) {
        if (fork() != 0) _exit(0);
        char byte;
        // Until the parent is gone and reaped.
        if (read(word[0], &byte, 1) != 1) _exit(1);
        pid_t parent = getppid();
        _exit(write(answer[1], &parent, sizeof parent) == sizeof parent ? 0 : 1);
    }
    pid_t parent = 0;
    CHECK_EQUAL(waitpid(child, &status, 0), child);
    CHECK_EQUAL(write(word[1], "x", 1), 1);
    CHECK_EQUAL(read(answer[0], &parent, sizeof parent), sizeof parent);
    CHECK_EQUAL(parent, getpid());
    CHECK(waitpid(-1, &status, 0) > 0);
    for (int i = 0; i < 2; i++) {
        close(word[i]);
        close(answer[i]);
    }
}

static volatile sig_atomic_t told = 0;

static void count_child(int number)
{
    (void)number;
    told++;
}

static void test_ends_of_children(void)
{
    struct sigaction usual, ours = {.sa_handler = count_child};
    sigaction(SIGCHLD, &ours, &usual);
    int ends = chost_watch_children();
    CHECK(ends >= 0);
    CHECK(!chost_has_ended_child());

    int nothing = chost_open("/dev/null", O_RDWR, 0), word[2], code = 0, status = 0;
    CHECK_EQUAL(chost_pipe(word), 0);
    char *arguments[] = {"sh", "-c", "read line; exit 7", NULL};
    int fds[] = {word[0], nothing, 2};
    struct chost_launch launch = {
        .path = "/bin/sh", .exec_fd = -1, .argv = arguments, .envp = environment, .fds = fds, .fd_count = 3};
    struct chost_launched launched;
    int32_t pid = chost_launch(&launch, &launched);
    CHECK(pid > 0);
    struct pollfd polled = {.fd = ends, .events = POLLIN};
    CHECK_EQUAL(poll(&polled, 1, 0), 0);
    CHECK_EQUAL(chost_wait_child(pid, 0, &code, &status), 0);

    CHECK_EQUAL(write(word[1], "\n", 1), 1);
    while (poll(&polled, 1, -1) < 0 && errno == EINTR) continue;
    CHECK(told > 0);
    CHECK(chost_has_ended_child());
    chost_drain_eventfd(ends);
    CHECK_EQUAL(poll(&polled, 1, 0), 0);
    CHECK_EQUAL(chost_wait_child(pid, 0, &code, &status), 1);
    CHECK_EQUAL(code, CLD_EXITED);
    CHECK_EQUAL(status, 7);
    CHECK_EQUAL(chost_await_child(pid), 0);
    CHECK(!chost_has_ended_child());
    CHECK_EQUAL(chost_wait_child(pid, 0, &code, &status), -ECHILD);
    CHECK_EQUAL(chost_await_child(pid), -ECHILD);

    sigaction(SIGCHLD, &usual, NULL);
    close(ends);
    close(launched.pidfd);
    close(nothing);
    close(word[0]);
    close(word[1]);
}

void test_launch(void);

void test_launch(void)
{
    // First: what is held for all launches is not taken yet.
    test_few_descriptors();
    test_what_a_child_gets();
    test_oom_score();
    test_a_batch_thread();
    test_descriptors_in_each_others_places();
    test_failures();
    test_a_shared_table();
    test_launches_beside_each_other();
    test_users();
    test_confinement();
    test_confinement_by_who_may_not();
    test_signals();
    test_subreaper();
    test_ends_of_children();
}
