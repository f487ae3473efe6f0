#define _GNU_SOURCE
#include "CHost.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST_DESCRIPTORS = 253 };  // the kernel's own limit for one packet, SCM_MAX_FD

union control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int) * MOST_DESCRIPTORS)];
};

int chost_send_descriptors(int fd, const void *bytes, size_t count, const int *fds, size_t fd_count)
{
    if (fd_count > MOST_DESCRIPTORS)
        return -EINVAL;
    union control control;
    memset(&control, 0, sizeof control);
    struct iovec part = {.iov_base = (void *)bytes, .iov_len = count};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (fd_count > 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
        memcpy(CMSG_DATA(header), fds, sizeof(int) * fd_count);
    }
    while (sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        if (errno != EINTR)
            return -errno;
    return 0;
}

// Without waiting: the length, or an error as a negative number.
static ssize_t receive(int fd, struct msghdr *message)
{
    ssize_t length;
    while ((length = recvmsg(fd, message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT)) < 0)
        if (errno != EINTR)
            return -errno;
    return length;
}

intptr_t chost_receive_descriptors(
    int fd, void *bytes, size_t room, int *fds, size_t fd_room, size_t *fd_count, int *flags)
{
    union control control;
    struct iovec part = {.iov_base = bytes, .iov_len = room};
    struct msghdr message = {
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        .msg_controllen = sizeof control.bytes,
    };
    *fd_count = 0;
    *flags = 0;
    ssize_t length = receive(fd, &message);
    if (length < 0)
        return length;
    if (message.msg_flags & MSG_TRUNC)
        *flags |= CHOST_MESSAGE_CUT;
    if (message.msg_flags & MSG_CTRUNC)
        *flags |= CHOST_DESCRIPTORS_CUT;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
            continue;
        size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++) {
            int received;
            memcpy(&received, CMSG_DATA(header) + i * sizeof(int), sizeof(int));
            if (*fd_count < fd_room) {
                fds[(*fd_count)++] = received;
            } else {
                close(received);
                *flags |= CHOST_DESCRIPTORS_CUT;
            }
        }
    }
    return length;
}

intptr_t chost_receive_notification(int fd, void *bytes, size_t room, int32_t *pid, uint32_t *uid)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int) * MOST_DESCRIPTORS) + CMSG_SPACE(sizeof(struct ucred))];
    } control;
    struct iovec part = {.iov_base = bytes, .iov_len = room};
    struct msghdr message = {
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        .msg_controllen = sizeof control.bytes,
    };
    *pid = 0;
    *uid = (uint32_t)-1;
    ssize_t length = receive(fd, &message);
    if (length < 0)
        return length;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET)
            continue;
        if (header->cmsg_type == SCM_CREDENTIALS) {
            struct ucred credentials;
            memcpy(&credentials, CMSG_DATA(header), sizeof credentials);
            *pid = credentials.pid;
            *uid = credentials.uid;
        } else if (header->cmsg_type == SCM_RIGHTS) {
            size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
            for (size_t i = 0; i < count; i++) {
                int received;
                memcpy(&received, CMSG_DATA(header) + i * sizeof(int), sizeof(int));
                close(received);
            }
        }
    }
    return length;
}

int chost_fcntl(int fd, int command, int argument)
{
    return fcntl(fd, command, argument);
}

int chost_openat(int directory, const char *name, int flags)
{
    int fd;
    do
        fd = openat(directory, name, flags | O_CLOEXEC);
    while (fd < 0 && errno == EINTR);
    return fd;
}

int chost_open(const char *path, int flags, uint32_t mode)
{
    int fd;
    do
        fd = open(path, flags | O_CLOEXEC, mode);
    while (fd < 0 && errno == EINTR);
    return fd;
}

int chost_memfd_create(const char *name)
{
    return memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
}

int chost_pipe(int ends[2])
{
    return pipe2(ends, O_CLOEXEC) < 0 ? -errno : 0;
}
