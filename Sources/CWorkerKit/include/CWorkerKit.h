#pragma once

#include <stddef.h>
#include <stdint.h>

// What Swift can't call by itself: variadic functions, control messages, the packed epoll_event.
// Every function returns 0 or more on success and -errno on failure.

struct cwk_event {
    uint64_t token;
    uint32_t events;
};

/// An anonymous file that can be sealed; memfd_create(2).
int cwk_memfd_create(const char *name);
/// Adds F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_GROW and F_SEAL_WRITE.
int cwk_memfd_seal(int fd);
/// 1 where all four seals are set.
int cwk_memfd_is_sealed(int fd);

/// A latch: a word of shared memory in an anonymous file of `CWK_LATCH_BYTES` that can't change its size. Returns its
/// descriptor; `latch` is where it is mapped.
#define CWK_LATCH_BYTES 4096
int cwk_latch_create(void **latch);
/// From busy to at rest.
void cwk_latch_rest(void *latch);
/// Back to busy. 0 where the daemon holds the latch.
int cwk_latch_wake(void *latch);
/// Busy for ever, and not mapped here any more.
void cwk_latch_drop(void *latch);

/// One packet with its descriptors (SCM_RIGHTS), without waiting.
int cwk_send_packet(int fd, const void *bytes, size_t count, const int *descriptors, size_t descriptor_count);
/// One packet, without waiting. The descriptors are close-on-exec. `descriptor_count` is the capacity on the
/// way in, the number received on the way out; `truncated` is 1 where bytes or descriptors were lost.
/// Returns the number of bytes, 0 at the end of the stream.
int cwk_receive_packet(
    int fd, void *bytes, size_t capacity, int *descriptors, size_t *descriptor_count, int *truncated);

int cwk_epoll_create(void);
int cwk_epoll_add(int epoll, int fd, uint32_t events, uint64_t token);
int cwk_epoll_modify(int epoll, int fd, uint32_t events, uint64_t token);
int cwk_epoll_remove(int epoll, int fd);
int cwk_epoll_wait(int epoll, struct cwk_event *events, int capacity, int timeout_milliseconds);

/// Waits until `fd` is ready for `for_writing` or not, or the other end of `lifeline` is gone.
/// Returns 1 when `fd` is ready, 0 when the time is over; -EPIPE where the lifeline ended.
int cwk_wait_ready(int fd, int for_writing, int lifeline, int timeout_milliseconds);

/// A connection, close-on-exec and non-blocking, with TCP_NODELAY where it is TCP.
int cwk_accept(int fd);
/// Sets O_NONBLOCK on the open file, FD_CLOEXEC on the descriptor.
int cwk_set_nonblocking(int fd);
int cwk_set_close_on_exec(int fd);
/// Raises the soft limit of open descriptors to the hard one.
int cwk_raise_descriptor_limit(void);

int cwk_send(int fd, const void *bytes, size_t count);
int cwk_receive(int fd, void *bytes, size_t capacity);
/// The error that is pending on a socket (SO_ERROR), 0 where none.
int cwk_pending_error(int fd);

/// fork(2), which Swift can't call. Returns 0 in the child, its pid in the parent, where `pidfd` is then its pidfd, close-on-exec.
///
/// The child is killed when the parent's thread ends.
int cwk_fork(int *pidfd);
/// In a child: closes all descriptors from 3 on but these two, so that no socket stays open because of it.
int cwk_close_all_but(int first, int second);
/// waitid(2) on a pidfd. Returns 1 with `code` (CLD_EXITED, CLD_KILLED, CLD_DUMPED) and `status`, 0 while the process runs
/// and `for_good` is 0.
int cwk_wait(int pidfd, int for_good, int *code, int *status);
/// SIGKILL by a pidfd.
int cwk_kill(int pidfd);
/// A signal's name without its prefix, such as "TERM", NULL where it has none.
const char *cwk_signal_name(int number);
/// Lets other processes go first, by `niceness` and by rests of 8 ms, a second in all at most, and has the OOM killer take
/// this one before any other; nice(2), proc(5).
void cwk_give_way(int niceness);

/// CLOCK_MONOTONIC
int64_t cwk_now_milliseconds(void);
