#define _GNU_SOURCE
#include "CHost.h"
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

COUNT_CHECKS;

void test_launch(void);

static int is_close_on_exec(int fd) { return chost_fcntl(fd, F_GETFD, 0) == FD_CLOEXEC; }

// MARK: Descriptors in packets

static void test_packets(void)
{
    int pair[2], ends[2];
    CHECK_EQUAL(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    CHECK_EQUAL(chost_pipe(ends), 0);
    CHECK(is_close_on_exec(ends[0]) && is_close_on_exec(ends[1]));

    char bytes[16];
    int fds[253];
    size_t count;
    int flags;
    CHECK_EQUAL(chost_receive_descriptors(pair[1], bytes, sizeof bytes, fds, 2, &count, &flags), -EAGAIN);

    CHECK_EQUAL(chost_send_descriptors(pair[0], "state", 5, ends, 2), 0);
    CHECK_EQUAL(chost_receive_descriptors(pair[1], bytes, sizeof bytes, fds, 2, &count, &flags), 5);
    CHECK_EQUAL(memcmp(bytes, "state", 5), 0);
    CHECK_EQUAL(count, 2);
    CHECK_EQUAL(flags, 0);
    CHECK(is_close_on_exec(fds[0]));
    // They are the pipe's ends, in their order.
    CHECK_EQUAL(write(fds[1], "x", 1), 1);
    CHECK_EQUAL(read(ends[0], bytes, 1), 1);
    close(fds[0]);
    close(fds[1]);

    // Without descriptors, and longer than there is room.
    CHECK_EQUAL(chost_send_descriptors(pair[0], "0123456789", 10, NULL, 0), 0);
    CHECK_EQUAL(chost_receive_descriptors(pair[1], bytes, 4, fds, 2, &count, &flags), 4);
    CHECK_EQUAL(count, 0);
    CHECK_EQUAL(flags, CHOST_MESSAGE_CUT);

    close(ends[0]);
    close(ends[1]);
    close(pair[1]);
    CHECK_EQUAL(chost_send_descriptors(pair[0], "x", 1, NULL, 0), -EPIPE);
    close(pair[0]);
    CHECK_EQUAL(chost_send_descriptors(pair[0], "x", 1, NULL, 0), -EBADF);
}

static void test_many_descriptors(void)
{
    int pair[2], ends[2], fds[253], received[253];
    char byte;
    size_t count;
    int flags;
    CHECK_EQUAL(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    CHECK_EQUAL(chost_pipe(ends), 0);
    for (int i = 0; i < 253; i++) fds[i] = ends[1];
    CHECK_EQUAL(chost_send_descriptors(pair[0], "x", 1, fds, 254), -EINVAL);
    CHECK_EQUAL(chost_send_descriptors(pair[0], "x", 1, fds, 253), 0);
    CHECK_EQUAL(chost_receive_descriptors(pair[1], &byte, 1, received, 253, &count, &flags), 1);
    CHECK_EQUAL(count, 253);
    CHECK_EQUAL(flags, 0);
    for (size_t i = 0; i < count; i++) close(received[i]);

    // What has no room is closed: the pipe has no writer left once ours are closed.
    CHECK_EQUAL(chost_send_descriptors(pair[0], "x", 1, fds, 253), 0);
    CHECK_EQUAL(chost_receive_descriptors(pair[1], &byte, 1, received, 1, &count, &flags), 1);
    CHECK_EQUAL(count, 1);
    CHECK_EQUAL(flags, CHOST_DESCRIPTORS_CUT);
    close(received[0]);
    close(ends[1]);
    CHECK_EQUAL(read(ends[0], &byte, 1), 0);
    close(ends[0]);
    close(pair[0]);
    close(pair[1]);
}

static void test_notifications(void)
{
    int pair[2], ends[2];
    int on = 1;
    char bytes[8];
    int32_t pid;
    uint32_t uid;
    CHECK_EQUAL(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair), 0);
    CHECK_EQUAL(chost_receive_notification(pair[1], bytes, sizeof bytes, &pid, &uid), -EAGAIN);

    CHECK_EQUAL(chost_send_descriptors(pair[0], "READY=1", 7, NULL, 0), 0);
    CHECK_EQUAL(chost_receive_notification(pair[1], bytes, sizeof bytes, &pid, &uid), 7);
    CHECK_EQUAL(pid, 0);
    CHECK_EQUAL(uid, (uint32_t)-1);

    CHECK_EQUAL(setsockopt(pair[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof on), 0);
    CHECK_EQUAL(chost_pipe(ends), 0);
    CHECK_EQUAL(chost_send_descriptors(pair[0], "BARRIER=1", 9, &ends[1], 1), 0);
    close(ends[1]);
    CHECK_EQUAL(chost_receive_notification(pair[1], bytes, sizeof bytes, &pid, &uid), 8);
    CHECK_EQUAL(memcmp(bytes, "BARRIER=", 8), 0);
    CHECK_EQUAL(pid, getpid());
    CHECK_EQUAL(uid, getuid());
    // The descriptor that came with it was closed.
    CHECK_EQUAL(read(ends[0], bytes, 1), 0);
    close(ends[0]);
    close(pair[0]);
    close(pair[1]);
}

// MARK: epoll

static void ignore(int number) { (void)number; }

static void test_interrupted_wait(int epoll)
{
    struct chost_event event;
    struct sigaction action = {.sa_handler = ignore}, before;
    sigaction(SIGALRM, &action, &before);
    // Again and again: a single one might come before the wait.
    struct itimerval timer = {.it_interval = {.tv_usec = 2000}, .it_value = {.tv_usec = 2000}}, none = {0};
    setitimer(ITIMER_REAL, &timer, NULL);
    CHECK_EQUAL(chost_epoll_wait(epoll, &event, 1, -1), 0);
    setitimer(ITIMER_REAL, &none, NULL);
    sigaction(SIGALRM, &before, NULL);
}

static void test_epoll(void)
{
    struct chost_event events[300];
    int pair[2];
    int epoll = chost_epoll_create();
    CHECK(epoll >= 0 && is_close_on_exec(epoll));
    CHECK_EQUAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    CHECK_EQUAL(chost_epoll_change(epoll, pair[0], 0, CHOST_READABLE, 0x123456789abcdefULL), 0);
    CHECK_EQUAL(chost_epoll_change(epoll, pair[0], 0, CHOST_READABLE, 1), -EEXIST);
    CHECK_EQUAL(chost_epoll_wait(epoll, events, 300, 0), 0);
    test_interrupted_wait(epoll);

    CHECK_EQUAL(write(pair[1], "x", 1), 1);
    CHECK_EQUAL(chost_epoll_wait(epoll, events, 300, -1), 1);
    CHECK_EQUAL(events[0].key, 0x123456789abcdefULL);
    CHECK_EQUAL(events[0].ready, CHOST_READABLE);
    CHECK_EQUAL(chost_epoll_change(epoll, pair[0], CHOST_READABLE, CHOST_READABLE | CHOST_WRITABLE, 2), 0);
    CHECK_EQUAL(chost_epoll_wait(epoll, events, 300, -1), 1);
    CHECK_EQUAL(events[0].key, 2);
    CHECK_EQUAL(events[0].ready, CHOST_READABLE | CHOST_WRITABLE);
    close(pair[1]);
    CHECK_EQUAL(chost_epoll_wait(epoll, events, 300, -1), 1);
    CHECK_EQUAL(events[0].ready, CHOST_READABLE | CHOST_WRITABLE | CHOST_HANG_UP);
    CHECK_EQUAL(chost_epoll_change(epoll, pair[0], CHOST_READABLE | CHOST_WRITABLE, 0, 2), 0);
    CHECK_EQUAL(chost_epoll_wait(epoll, events, 300, 0), 0);
    CHECK_EQUAL(chost_epoll_change(epoll, pair[0], CHOST_READABLE, 0, 2), -ENOENT);
    close(pair[0]);

    // A pipe's writer learns of its reader's end.
    int ends[2];
    CHECK_EQUAL(chost_pipe(ends), 0);
    close(ends[0]);
    CHECK_EQUAL(chost_epoll_change(epoll, ends[1], 0, CHOST_WRITABLE, 3), 0);
    CHECK_EQUAL(chost_epoll_wait(epoll, events, 300, -1), 1);
    CHECK(events[0].ready & CHOST_ERROR);
    close(ends[1]);

    int waker = chost_eventfd();
    uint64_t one = 1;
    CHECK(waker >= 0 && is_close_on_exec(waker));
    CHECK(chost_fcntl(waker, F_GETFL, 0) & O_NONBLOCK);
    CHECK_EQUAL(write(waker, &one, sizeof one), sizeof one);
    CHECK_EQUAL(chost_epoll_change(epoll, waker, 0, CHOST_READABLE, 4), 0);
    CHECK_EQUAL(chost_epoll_wait(epoll, events, 1, -1), 1);
    CHECK_EQUAL(events[0].key, 4);
    close(waker);
    close(epoll);
    CHECK_EQUAL(chost_epoll_wait(epoll, events, 1, 0), -EBADF);
}

// MARK: Files, clocks, names

static void test_files(const char *directory)
{
    char file[256], link[256];
    snprintf(file, sizeof file, "%s/file", directory);
    snprintf(link, sizeof link, "%s/link", directory);
    struct chost_status status, other;
    CHECK_EQUAL(chost_stat(file, &status), -ENOENT);
    CHECK_EQUAL(chost_lstat(file, &status), -ENOENT);
    CHECK_EQUAL(chost_open(file, O_RDONLY, 0), -1);
    CHECK_EQUAL(errno, ENOENT);
    int fd = chost_open(file, O_CREAT | O_EXCL | O_RDWR, 0600);
    CHECK(fd >= 0 && is_close_on_exec(fd));
    CHECK_EQUAL(write(fd, "12345", 5), 5);
    CHECK_EQUAL(symlink("file", link), 0);

    CHECK_EQUAL(chost_fstat(fd, &status), 0);
    CHECK_EQUAL(status.mode, S_IFREG | 0600);
    CHECK_EQUAL(status.size, 5);
    struct timespec times[2] = {{.tv_sec = 1, .tv_nsec = 2}, {.tv_sec = 1700000000, .tv_nsec = 123456789}};
    CHECK_EQUAL(futimens(fd, times), 0);
    CHECK_EQUAL(chost_stat(link, &other), 0);
    CHECK_EQUAL(other.inode, status.inode);
    CHECK_EQUAL(other.device, status.device);
    CHECK_EQUAL(other.modified_nanoseconds, 1700000000123456789LL);
    CHECK_EQUAL(chost_lstat(link, &other), 0);
    CHECK_EQUAL(other.mode & S_IFMT, S_IFLNK);
    CHECK(other.inode != status.inode);
    CHECK_EQUAL(chost_syncfs(fd), 0);
    close(fd);
    CHECK_EQUAL(chost_fstat(fd, &status), -EBADF);
    CHECK_EQUAL(chost_syncfs(fd), -EBADF);
    unlink(file);
    unlink(link);

    int memory = chost_memfd_create("state");
    CHECK(memory >= 0 && is_close_on_exec(memory));
    CHECK_EQUAL(chost_fcntl(memory, F_ADD_SEALS, F_SEAL_WRITE), 0);
    CHECK_EQUAL(write(memory, "x", 1), -1);
    close(memory);
    CHECK_EQUAL(chost_fcntl(memory, F_GETFD, 0), -1);
}

static void test_names_and_clocks(void)
{
    char name[16];
    chost_set_thread_name("chost-tests");
    CHECK_EQUAL(pthread_getname_np(pthread_self(), name, sizeof name), 0);
    CHECK_EQUAL(strcmp(name, "chost-tests"), 0);
    CHECK_EQUAL(strcmp(chost_error_text(ENOENT), "No such file or directory"), 0);
    CHECK_EQUAL(strcmp(chost_error_name(ENOENT), "ENOENT"), 0);
    CHECK_EQUAL(strcmp(chost_signal_name(SIGKILL), "KILL"), 0);
    CHECK(chost_error_text(123456) == NULL);
    CHECK(chost_error_name(-1) == NULL);
    CHECK(chost_signal_name(12345) == NULL);

    int64_t monotonic = chost_monotonic_nanoseconds(), boottime = chost_boottime_nanoseconds();
    CHECK(monotonic > 0);
    CHECK(boottime >= monotonic);
    CHECK(chost_monotonic_nanoseconds() >= monotonic);
}

int main(void)
{
    char directory[] = "/tmp/chost-tests-XXXXXX";
    CHECK(mkdtemp(directory) != NULL);
    test_packets();
    test_many_descriptors();
    test_notifications();
    test_epoll();
    test_files(directory);
    test_names_and_clocks();
    test_launch();
    rmdir(directory);
    return report("CHost");
}
