#define _GNU_SOURCE
#include "CWorkerKit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

#define CWK_MAX_DESCRIPTORS 128
#define CWK_SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static int result(long value) { return value < 0 ? -errno : (int)value; }

int cwk_memfd_create(const char *name) {
    int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
    // Kernels before 6.3 do not know MFD_NOEXEC_SEAL.
    if (fd < 0 && errno == EINVAL) fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    return result(fd);
}

int cwk_memfd_seal(int fd) { return result(fcntl(fd, F_ADD_SEALS, CWK_SEALS)); }

int cwk_memfd_is_sealed(int fd) {
    int seals = fcntl(fd, F_GET_SEALS);
    if (seals < 0) return -errno;
    return (seals & CWK_SEALS) == CWK_SEALS;
}

// The values of a latch; docs/worker-protocol.md.
enum { CWK_LATCH_BUSY = 0, CWK_LATCH_AT_REST = 1, CWK_LATCH_HELD = 2 };

int cwk_latch_create(void **latch) {
    int fd = cwk_memfd_create("worker-latch");
    if (fd < 0) return fd;
    void *memory = MAP_FAILED;
    if (ftruncate(fd, CWK_LATCH_BYTES) == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW) == 0)
        memory = mmap(NULL, CWK_LATCH_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
    if (memory == MAP_FAILED) {
        int error = errno;
        close(fd);
        return -error;
    }
    *latch = memory;
    return fd;
}

void cwk_latch_rest(void *latch) { atomic_store_explicit((_Atomic uint32_t *)latch, CWK_LATCH_AT_REST, memory_order_release); }

int cwk_latch_wake(void *latch) {
    uint32_t expected = CWK_LATCH_AT_REST;
    if (atomic_compare_exchange_strong((_Atomic uint32_t *)latch, &expected, CWK_LATCH_BUSY)) return 1;
    return expected != CWK_LATCH_HELD;
}

void cwk_latch_drop(void *latch) {
    atomic_store((_Atomic uint32_t *)latch, CWK_LATCH_BUSY);
    munmap(latch, CWK_LATCH_BYTES);
}

int cwk_send_packet(int fd, const void *bytes, size_t count, const int *descriptors, size_t descriptor_count) {
    if (descriptor_count > CWK_MAX_DESCRIPTORS) return -EINVAL;
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int) * CWK_MAX_DESCRIPTORS)];
    } control;
    memset(&control, 0, sizeof control);
    struct iovec vector = {.iov_base = (void *)bytes, .iov_len = count};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
    if (descriptor_count > 0) {
        message.msg_control = &control;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * descriptor_count);
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int) * descriptor_count);
        memcpy(CMSG_DATA(header), descriptors, sizeof(int) * descriptor_count);
    }
    ssize_t sent;
    do sent = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    return result(sent);
}

int cwk_receive_packet(
    int fd, void *bytes, size_t capacity, int *descriptors, size_t *descriptor_count, int *truncated) {
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int) * CWK_MAX_DESCRIPTORS)];
    } control;
    struct iovec vector = {.iov_base = bytes, .iov_len = capacity};
    struct msghdr message = {
        .msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    size_t room = *descriptor_count;
    *descriptor_count = 0;
    *truncated = 0;
    ssize_t received;
    do received = recvmsg(fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    while (received < 0 && errno == EINTR);
    if (received < 0) return -errno;
    if (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) *truncated = 1;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
        size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t index = 0; index < count; index++) {
            int descriptor;
            memcpy(&descriptor, CMSG_DATA(header) + index * sizeof(int), sizeof descriptor);
            if (*descriptor_count < room) {
                descriptors[(*descriptor_count)++] = descriptor;
            } else {
                close(descriptor);
                *truncated = 1;
            }
        }
    }
    return (int)received;
}

int cwk_epoll_create(void) { return result(epoll_create1(EPOLL_CLOEXEC)); }

static int control_epoll(int epoll, int operation, int fd, uint32_t events, uint64_t token) {
    struct epoll_event event = {.events = events, .data.u64 = token};
    return result(epoll_ctl(epoll, operation, fd, &event));
}

int cwk_epoll_add(int epoll, int fd, uint32_t events, uint64_t token) {
    return control_epoll(epoll, EPOLL_CTL_ADD, fd, events, token);
}

int cwk_epoll_modify(int epoll, int fd, uint32_t events, uint64_t token) {
    return control_epoll(epoll, EPOLL_CTL_MOD, fd, events, token);
}

int cwk_epoll_remove(int epoll, int fd) { return control_epoll(epoll, EPOLL_CTL_DEL, fd, 0, 0); }

int cwk_epoll_wait(int epoll, struct cwk_event *events, int capacity, int timeout_milliseconds) {
    struct epoll_event ready[128];
    if (capacity > 128) capacity = 128;
    int count = epoll_wait(epoll, ready, capacity, timeout_milliseconds);
    if (count < 0) return errno == EINTR ? 0 : -errno;
    for (int index = 0; index < count; index++) {
        events[index].token = ready[index].data.u64;
        events[index].events = ready[index].events;
    }
    return count;
}

int cwk_wait_ready(int fd, int for_writing, int lifeline, int timeout_milliseconds) {
    struct pollfd polled[2] = {
        {.fd = fd, .events = for_writing ? POLLOUT : POLLIN},
        {.fd = lifeline, .events = POLLRDHUP},
    };
    int count;
    do count = poll(polled, 2, timeout_milliseconds);
    while (count < 0 && errno == EINTR);
    if (count < 0) return -errno;
    if (polled[0].revents) return 1;
    if (polled[1].revents) return -EPIPE;
    return 0;
}

int cwk_accept(int fd) {
    int connection;
    do connection = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    while (connection < 0 && errno == EINTR);
    if (connection < 0) return -errno;
    int on = 1;
    // Fails on a unix socket, which has no such delay.
    (void)setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return connection;
}

int cwk_set_nonblocking(int fd) {
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0) return -errno;
    if (fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) return -errno;
    return cwk_set_close_on_exec(fd);
}

int cwk_set_close_on_exec(int fd) { return result(fcntl(fd, F_SETFD, FD_CLOEXEC)); }

int cwk_raise_descriptor_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return -errno;
    if (limit.rlim_cur == limit.rlim_max) return 0;
    limit.rlim_cur = limit.rlim_max;
    return result(setrlimit(RLIMIT_NOFILE, &limit));
}

int cwk_send(int fd, const void *bytes, size_t count) {
    ssize_t sent;
    if (count > INT_MAX) count = INT_MAX;
    do sent = send(fd, bytes, count, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    return result(sent);
}

int cwk_receive(int fd, void *bytes, size_t capacity) {
    ssize_t received;
    if (capacity > INT_MAX) capacity = INT_MAX;
    do received = recv(fd, bytes, capacity, MSG_DONTWAIT);
    while (received < 0 && errno == EINTR);
    return result(received);
}

int cwk_pending_error(int fd) {
    int error = 0;
    socklen_t size = sizeof error;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0) return errno;
    return error;
}

int64_t cwk_now_milliseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
