#define _GNU_SOURCE
#include "CHost.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

int chost_epoll_create(void)
{
    return epoll_create1(EPOLL_CLOEXEC);
}

int chost_epoll_change(int epoll, int fd, uint32_t before, uint32_t interest, uint64_t key)
{
    struct epoll_event event = {.data.u64 = key};
    if (interest & CHOST_READABLE)
        event.events |= EPOLLIN;
    if (interest & CHOST_WRITABLE)
        event.events |= EPOLLOUT;
    if (interest & CHOST_PRIORITY)
        event.events |= EPOLLPRI;
    int operation = !interest ? EPOLL_CTL_DEL : !before ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    return epoll_ctl(epoll, operation, fd, &event) < 0 ? -errno : 0;
}

int chost_epoll_wait(int epoll, struct chost_event *events, int room, int timeout_milliseconds)
{
    enum { MOST = 256 };
    struct epoll_event found[MOST];
    int count = epoll_wait(epoll, found, room < MOST ? room : MOST, timeout_milliseconds);
    if (count < 0)
        return errno == EINTR ? 0 : -errno;
    for (int i = 0; i < count; i++) {
        uint32_t bits = found[i].events;
        uint32_t ready = 0;
        if (bits & EPOLLIN)
            ready |= CHOST_READABLE;
        if (bits & EPOLLOUT)
            ready |= CHOST_WRITABLE;
        if (bits & EPOLLPRI)
            ready |= CHOST_PRIORITY;
        if (bits & EPOLLHUP)
            ready |= CHOST_HANG_UP | CHOST_READABLE | CHOST_WRITABLE;
        if (bits & EPOLLERR)
            ready |= CHOST_ERROR | CHOST_READABLE | CHOST_WRITABLE;
        events[i] = (struct chost_event){.key = found[i].data.u64, .ready = ready};
    }
    return count;
}

int chost_eventfd(void)
{
    return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

void chost_drain_eventfd(int eventfd)
{
    uint64_t count;
    ssize_t taken = read(eventfd, &count, sizeof count);
    (void)taken;
}

void chost_set_thread_name(const char *name)
{
    pthread_setname_np(pthread_self(), name);
}

const char *chost_error_text(int number)
{
    return strerrordesc_np(number);
}

const char *chost_error_name(int number)
{
    return strerrorname_np(number);
}
