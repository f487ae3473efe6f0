#define _GNU_SOURCE
#include "CHost.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>

// The values of a latch; docs/worker-protocol.md.
enum { LATCH_AT_REST = 1, LATCH_HELD = 2 };

int chost_latch_map(int fd, void **latch) {
    // A file that its owner could cut would end the daemon by SIGBUS.
    int seals = fcntl(fd, F_GET_SEALS);
    if (seals < 0 || (seals & F_SEAL_SHRINK) == 0) return -EINVAL;
    struct stat status;
    if (fstat(fd, &status) < 0) return -errno;
    if (status.st_size != CHOST_LATCH_BYTES) return -EINVAL;
    void *memory = mmap(NULL, CHOST_LATCH_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
    if (memory == MAP_FAILED) return -errno;
    *latch = memory;
    return 0;
}

int chost_latch_hold(void *latch) {
    uint32_t expected = LATCH_AT_REST;
    return atomic_compare_exchange_strong((_Atomic uint32_t *)latch, &expected, LATCH_HELD);
}

void chost_latch_unmap(void *latch) { munmap(latch, CHOST_LATCH_BYTES); }
