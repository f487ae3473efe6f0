#define _GNU_SOURCE
#include "CWorkerKit.h"
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

COUNT_CHECKS;

static int is_close_on_exec(int fd) { return fcntl(fd, F_GETFD) == FD_CLOEXEC; }
static int is_nonblocking(int fd) { return (fcntl(fd, F_GETFL) & O_NONBLOCK) != 0; }

static void make_pair(int type, int pair[2])
{
    CHECK_EQUAL(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, pair), 0);
}

static void close_both(int pair[2])
{
    close(pair[0]);
    close(pair[1]);
}

static void test_memory(void)
{
    int fd = cwk_memfd_create("state");
    CHECK(fd >= 0 && is_close_on_exec(fd));
    CHECK_EQUAL(write(fd, "state", 5), 5);
    CHECK_EQUAL(cwk_memfd_is_sealed(fd), 0);
    CHECK_EQUAL(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW), 0);
    CHECK_EQUAL(cwk_memfd_is_sealed(fd), 0);
    CHECK_EQUAL(cwk_memfd_seal(fd), 0);
    CHECK_EQUAL(cwk_memfd_is_sealed(fd), 1);
    CHECK_EQUAL(write(fd, "x", 1), -1);
    CHECK_EQUAL(ftruncate(fd, 0), -1);
    CHECK_EQUAL(cwk_memfd_seal(fd), -EPERM);
    close(fd);
    CHECK_EQUAL(cwk_memfd_seal(fd), -EBADF);
    CHECK_EQUAL(cwk_memfd_is_sealed(fd), -EBADF);
    char name[300];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    CHECK_EQUAL(cwk_memfd_create(name), -EINVAL);
}

static void test_packets(void)
{
    int pair[2], ends[2], received[128];
    char bytes[16];
    size_t count = 2;
    int truncated;
    make_pair(SOCK_SEQPACKET, pair);
    CHECK_EQUAL(pipe2(ends, O_CLOEXEC), 0);
    CHECK_EQUAL(cwk_receive_packet(pair[1], bytes, sizeof bytes, received, &count, &truncated), -EAGAIN);

    CHECK_EQUAL(cwk_send_packet(pair[0], "state", 5, ends, 2), 5);
    count = 2;
    CHECK_EQUAL(cwk_receive_packet(pair[1], bytes, sizeof bytes, received, &count, &truncated), 5);
    CHECK_EQUAL(memcmp(bytes, "state", 5), 0);
    CHECK_EQUAL(count, 2);
    CHECK_EQUAL(truncated, 0);
    CHECK(is_close_on_exec(received[0]) && is_close_on_exec(received[1]));
    CHECK_EQUAL(write(received[1], "x", 1), 1);
    CHECK_EQUAL(read(ends[0], bytes, 1), 1);
    close_both(received);

    // Longer than there is room.
    CHECK_EQUAL(cwk_send_packet(pair[0], "0123456789", 10, NULL, 0), 10);
    CHECK_EQUAL(cwk_receive_packet(pair[1], bytes, 4, received, &count, &truncated), 4);
    CHECK_EQUAL(count, 0);
    CHECK_EQUAL(truncated, 1);
    close_both(ends);
    close(pair[0]);
    count = 2;
    CHECK_EQUAL(cwk_receive_packet(pair[1], bytes, sizeof bytes, received, &count, &truncated), 0);
    CHECK_EQUAL(cwk_send_packet(pair[1], "x", 1, NULL, 0), -EPIPE);
    close(pair[1]);
}

static void test_many_descriptors(void)
{
    int pair[2], ends[2], fds[128], received[128];
    char byte;
    size_t count = 128;
    int truncated;
    make_pair(SOCK_SEQPACKET, pair);
    CHECK_EQUAL(pipe2(ends, O_CLOEXEC), 0);
    for (int i = 0; i < 128; i++) fds[i] = ends[1];
    CHECK_EQUAL(cwk_send_packet(pair[0], "x", 1, fds, 129), -EINVAL);
    CHECK_EQUAL(cwk_send_packet(pair[0], "x", 1, fds, 128), 1);
    CHECK_EQUAL(cwk_receive_packet(pair[1], &byte, 1, received, &count, &truncated), 1);
    CHECK_EQUAL(count, 128);
    CHECK_EQUAL(truncated, 0);
    for (size_t i = 0; i < count; i++) close(received[i]);

    // What has no room is closed: the pipe has no writer left once ours are closed.
    CHECK_EQUAL(cwk_send_packet(pair[0], "x", 1, fds, 128), 1);
    count = 1;
    CHECK_EQUAL(cwk_receive_packet(pair[1], &byte, 1, received, &count, &truncated), 1);
    CHECK_EQUAL(count, 1);
    CHECK_EQUAL(truncated, 1);
    close(received[0]);
    close(ends[1]);
    CHECK_EQUAL(read(ends[0], &byte, 1), 0);
    close(ends[0]);
    close_both(pair);
}

static void ignore(int number) { (void)number; }

static void test_epoll(void)
{
    struct cwk_event events[200];
    int pair[2];
    int epoll = cwk_epoll_create();
    CHECK(epoll >= 0 && is_close_on_exec(epoll));
    make_pair(SOCK_STREAM, pair);
    CHECK_EQUAL(cwk_epoll_add(epoll, pair[0], EPOLLIN, 0x123456789abcdefULL), 0);
    CHECK_EQUAL(cwk_epoll_add(epoll, pair[0], EPOLLIN, 1), -EEXIST);
    CHECK_EQUAL(cwk_epoll_wait(epoll, events, 200, 0), 0);

    struct sigaction action = {.sa_handler = ignore}, before;
    sigaction(SIGALRM, &action, &before);
    // Again and again: a single one might come before the wait.
    struct itimerval timer = {.it_interval = {.tv_usec = 2000}, .it_value = {.tv_usec = 2000}}, none = {0};
    setitimer(ITIMER_REAL, &timer, NULL);
    CHECK_EQUAL(cwk_epoll_wait(epoll, events, 200, -1), 0);
    setitimer(ITIMER_REAL, &none, NULL);
    sigaction(SIGALRM, &before, NULL);

    CHECK_EQUAL(write(pair[1], "x", 1), 1);
    CHECK_EQUAL(cwk_epoll_wait(epoll, events, 200, -1), 1);
    CHECK_EQUAL(events[0].token, 0x123456789abcdefULL);
    CHECK_EQUAL(events[0].events, EPOLLIN);
    CHECK_EQUAL(cwk_epoll_modify(epoll, pair[0], EPOLLOUT, 2), 0);
    CHECK_EQUAL(cwk_epoll_wait(epoll, events, 1, -1), 1);
    CHECK_EQUAL(events[0].token, 2);
    CHECK_EQUAL(events[0].events, EPOLLOUT);
    CHECK_EQUAL(cwk_epoll_remove(epoll, pair[0]), 0);
    CHECK_EQUAL(cwk_epoll_remove(epoll, pair[0]), -ENOENT);
    CHECK_EQUAL(cwk_epoll_modify(epoll, pair[0], EPOLLIN, 2), -ENOENT);
    close_both(pair);
    close(epoll);
    CHECK_EQUAL(cwk_epoll_wait(epoll, events, 1, 0), -EBADF);
}

static void test_waiting(void)
{
    int pair[2], lifeline[2];
    make_pair(SOCK_STREAM, pair);
    make_pair(SOCK_STREAM, lifeline);
    CHECK_EQUAL(cwk_wait_ready(pair[0], 0, lifeline[0], 0), 0);
    CHECK_EQUAL(cwk_wait_ready(pair[0], 1, lifeline[0], -1), 1);
    CHECK_EQUAL(write(pair[1], "x", 1), 1);
    CHECK_EQUAL(cwk_wait_ready(pair[0], 0, lifeline[0], -1), 1);
    // What waits on the lifeline is not its end.
    char byte;
    CHECK_EQUAL(read(pair[0], &byte, 1), 1);
    CHECK_EQUAL(write(lifeline[1], "x", 1), 1);
    CHECK_EQUAL(cwk_wait_ready(pair[0], 0, lifeline[0], 0), 0);
    close(lifeline[1]);
    CHECK_EQUAL(cwk_wait_ready(pair[0], 0, lifeline[0], -1), -EPIPE);
    close(lifeline[0]);
    close_both(pair);
}

static void test_bytes(void)
{
    int pair[2];
    char bytes[8];
    make_pair(SOCK_STREAM, pair);
    CHECK(!is_nonblocking(pair[0]));
    CHECK_EQUAL(cwk_receive(pair[0], bytes, sizeof bytes), -EAGAIN);
    CHECK_EQUAL(cwk_send(pair[1], "hello", 5), 5);
    CHECK_EQUAL(cwk_receive(pair[0], bytes, sizeof bytes), 5);
    CHECK_EQUAL(memcmp(bytes, "hello", 5), 0);

    static char large[1 << 20];
    int sent, total = 0;
    while ((sent = cwk_send(pair[1], large, sizeof large)) > 0) total += sent;
    CHECK_EQUAL(sent, -EAGAIN);
    CHECK(total > 0);
    close(pair[1]);
    int received, left = total;
    while ((received = cwk_receive(pair[0], large, sizeof large)) > 0) left -= received;
    CHECK_EQUAL(received, 0);
    CHECK_EQUAL(left, 0);
    CHECK_EQUAL(cwk_send(pair[0], "x", 1), -EPIPE);

    CHECK_EQUAL(cwk_set_nonblocking(pair[0]), 0);
    CHECK(is_nonblocking(pair[0]) && is_close_on_exec(pair[0]));
    CHECK_EQUAL(fcntl(pair[0], F_SETFD, 0), 0);
    CHECK_EQUAL(cwk_set_close_on_exec(pair[0]), 0);
    CHECK(is_close_on_exec(pair[0]));
    close(pair[0]);
    CHECK_EQUAL(cwk_set_nonblocking(pair[0]), -EBADF);
    CHECK_EQUAL(cwk_set_close_on_exec(pair[0]), -EBADF);
    CHECK_EQUAL(cwk_receive(pair[0], bytes, 1), -EBADF);
}

static void test_accept(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK_EQUAL(bind(listening, (struct sockaddr *)&address, size), 0);
    CHECK_EQUAL(listen(listening, 8), 0);
    CHECK_EQUAL(getsockname(listening, (struct sockaddr *)&address, &size), 0);
    CHECK_EQUAL(cwk_set_nonblocking(listening), 0);
    CHECK_EQUAL(cwk_accept(listening), -EAGAIN);

    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK_EQUAL(connect(client, (struct sockaddr *)&address, size), 0);
    int connection = cwk_accept(listening);
    CHECK(connection >= 0 && is_close_on_exec(connection) && is_nonblocking(connection));
    int no_delay = 0;
    size = sizeof no_delay;
    CHECK_EQUAL(getsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &no_delay, &size), 0);
    CHECK_EQUAL(no_delay, 1);

    // A reset is pending until it is asked for, once.
    CHECK_EQUAL(cwk_pending_error(connection), 0);
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    CHECK_EQUAL(setsockopt(client, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
    close(client);
    CHECK_EQUAL(cwk_pending_error(connection), ECONNRESET);
    CHECK_EQUAL(cwk_pending_error(connection), 0);
    close(connection);
    CHECK_EQUAL(cwk_pending_error(connection), EBADF);
    close(listening);
    CHECK_EQUAL(cwk_accept(listening), -EBADF);

    // A unix socket is accepted, too, though it has no TCP_NODELAY.
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    socklen_t local_size = sizeof(sa_family_t);
    listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    // An address of the kernel's choice.
    CHECK_EQUAL(bind(listening, (struct sockaddr *)&local, local_size), 0);
    CHECK_EQUAL(listen(listening, 8), 0);
    local_size = sizeof local;
    CHECK_EQUAL(getsockname(listening, (struct sockaddr *)&local, &local_size), 0);
    client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK_EQUAL(connect(client, (struct sockaddr *)&local, local_size), 0);
    connection = cwk_accept(listening);
    CHECK(connection >= 0 && is_nonblocking(connection));
    close(connection);
    close(client);
    close(listening);
}

static void test_limits_and_clock(void)
{
    struct rlimit limit;
    CHECK_EQUAL(getrlimit(RLIMIT_NOFILE, &limit), 0);
    rlim_t hard = limit.rlim_max;
    limit.rlim_cur = 64;
    CHECK_EQUAL(setrlimit(RLIMIT_NOFILE, &limit), 0);
    CHECK_EQUAL(cwk_raise_descriptor_limit(), 0);
    CHECK_EQUAL(getrlimit(RLIMIT_NOFILE, &limit), 0);
    CHECK_EQUAL(limit.rlim_cur, hard);
    CHECK_EQUAL(cwk_raise_descriptor_limit(), 0);

    int64_t now = cwk_now_milliseconds();
    CHECK(now > 0);
    CHECK(cwk_now_milliseconds() >= now);
}

static void test_children(void)
{
    int pair[2], pidfd = -1, code = 0, status = 0;
    make_pair(SOCK_STREAM, pair);

    // Nothing but two descriptors stays open in the child.
    int first = cwk_memfd_create("first"), second = cwk_memfd_create("second");
    int pid = cwk_fork(&pidfd);
    if (pid == 0) {
        int failed = cwk_close_all_but(second, first) != 0 || fcntl(first, F_GETFD) < 0 || fcntl(second, F_GETFD) < 0
            || fcntl(pair[0], F_GETFD) >= 0 || fcntl(pair[1], F_GETFD) >= 0 || fcntl(2, F_GETFD) < 0;
        _exit(failed ? 1 : 42);
    }
    CHECK(pid > 0 && is_close_on_exec(pidfd));
    struct pollfd ended = {.fd = pidfd, .events = POLLIN};
    CHECK_EQUAL(poll(&ended, 1, 60000), 1);
    CHECK_EQUAL(cwk_wait(pidfd, 0, &code, &status), 1);
    CHECK_EQUAL(code, CLD_EXITED);
    CHECK_EQUAL(status, 42);
    CHECK_EQUAL(cwk_wait(pidfd, 0, &code, &status), -ECHILD);
    CHECK_EQUAL(cwk_kill(pidfd), -ESRCH);
    close(pidfd);
    close(first);
    close(second);

    pid = cwk_fork(&pidfd);
    if (pid == 0) {
        cwk_give_way(7);
        char score[8] = "";
        int fd = open("/proc/self/oom_score_adj", O_RDONLY | O_CLOEXEC);
        ssize_t count = read(fd, score, sizeof score - 1);
        struct itimerval rests = {0};
        getitimer(ITIMER_PROF, &rests);
        // A signal comes with each; what is at work goes on after it.
        if (rests.it_interval.tv_usec == 0 || raise(SIGPROF) != 0 || raise(SIGPROF) != 0) _exit(2);
        _exit(count > 0 && strcmp(score, "1000\n") == 0 && getpriority(PRIO_PROCESS, 0) >= 7 ? 0 : 1);
    }
    CHECK_EQUAL(cwk_wait(pidfd, 1, &code, &status), 1);
    CHECK_EQUAL(status, 0);
    close(pidfd);

    // It runs until it is killed.
    pid = cwk_fork(&pidfd);
    if (pid == 0) {
        for (;;) pause();
    }
    CHECK_EQUAL(cwk_wait(pidfd, 0, &code, &status), 0);
    CHECK_EQUAL(cwk_kill(pidfd), 0);
    CHECK_EQUAL(cwk_wait(pidfd, 1, &code, &status), 1);
    CHECK_EQUAL(code, CLD_KILLED);
    CHECK_EQUAL(status, SIGKILL);
    CHECK_EQUAL(strcmp(cwk_signal_name(status), "KILL"), 0);
    CHECK(cwk_signal_name(500) == NULL);
    close(pidfd);

    // It does not outlive its parent, whose end it would otherwise be told by nobody: the grandchild's end closes the socket.
    pid = cwk_fork(&pidfd);
    if (pid == 0) {
        int grandchild = -1;
        if (cwk_fork(&grandchild) == 0) {
            close(pair[0]);
            if (write(pair[1], "x", 1) == 1) for (;;) pause();
            _exit(1);
        }
        char byte;
        _exit(read(pair[0], &byte, 1) == 1 ? 0 : 1);
    }
    close(pair[1]);
    CHECK_EQUAL(cwk_wait(pidfd, 1, &code, &status), 1);
    CHECK_EQUAL(status, 0);
    char byte;
    CHECK_EQUAL(read(pair[0], &byte, 1), 0);
    close(pidfd);
    close(pair[0]);

    // One process more than there may be.
    pid = fork();
    if (pid == 0) {
        struct rlimit none = {0, 0};
        if (setrlimit(RLIMIT_NPROC, &none) < 0 || (geteuid() == 0 && setuid(54321) < 0)) _exit(1);
        _exit(cwk_fork(&pidfd) == -EAGAIN ? 0 : 2);
    }
    CHECK_EQUAL(waitpid(pid, &status, 0), pid);
    CHECK_EQUAL(status, 0);
}

int main(void)
{
    test_memory();
    test_packets();
    test_many_descriptors();
    test_epoll();
    test_waiting();
    test_bytes();
    test_accept();
    test_limits_and_clock();
    test_children();
    return report("CWorkerKit");
}
