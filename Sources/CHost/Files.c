#define _GNU_SOURCE
#include "CHost.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

static int fill(int result, const struct stat *from, struct chost_status *status)
{
    if (result < 0)
        return -errno;
    *status = (struct chost_status){
        .mode = from->st_mode,
        .device = from->st_dev,
        .inode = from->st_ino,
        .size = from->st_size,
        .modified_nanoseconds = from->st_mtim.tv_sec * 1000000000LL + from->st_mtim.tv_nsec,
        .changed_nanoseconds = from->st_ctim.tv_sec * 1000000000LL + from->st_ctim.tv_nsec,
    };
    return 0;
}

int chost_stat(const char *path, struct chost_status *status)
{
    struct stat found;
    return fill(stat(path, &found), &found, status);
}

int chost_lstat(const char *path, struct chost_status *status)
{
    struct stat found;
    return fill(lstat(path, &found), &found, status);
}

int chost_fstat(int fd, struct chost_status *status)
{
    struct stat found;
    return fill(fstat(fd, &found), &found, status);
}

int chost_syncfs(int fd)
{
    return syncfs(fd) < 0 ? -errno : 0;
}

int chost_has_mark(const char *path, const char *name)
{
    char value[2];
    return getxattr(path, name, value, sizeof value) == 1 && value[0] == '1';
}

static int64_t nanoseconds(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

int64_t chost_monotonic_nanoseconds(void)
{
    return nanoseconds(CLOCK_MONOTONIC);
}

int64_t chost_thread_nanoseconds(void)
{
    return nanoseconds(CLOCK_THREAD_CPUTIME_ID);
}

int64_t chost_boottime_nanoseconds(void)
{
    return nanoseconds(CLOCK_BOOTTIME);
}
