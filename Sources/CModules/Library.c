#define _GNU_SOURCE
#include "Loader.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

// A program that is linked statically may get none of them.
#pragma weak dlclose
#pragma weak dlsym
#pragma weak dlerror
#pragma weak dladdr
#pragma weak dlinfo

enum { PATH_SIZE = 32 };

typedef void *open_function(const char *, int);

// dlopen is looked up while the program runs: the linker of a static program warns of whoever names it.
static void *open_path(const char *path, int flags)
{
    static _Atomic(open_function *) found;
    open_function *open = atomic_load_explicit(&found, memory_order_acquire);
    if (!open) {
        open = (open_function *)dlsym(RTLD_DEFAULT, "dlopen");
        atomic_store_explicit(&found, open, memory_order_release);
    }
    return open ? open(path, flags) : NULL;
}

bool rhl_can_load(void)
{
    const ElfW(Phdr) *segments = (const void *)getauxval(AT_PHDR);
    if (!segments || !dlclose || !dlsym || !dlerror || !dladdr || !dlinfo)
        return false;
    // A static program may have a dynamic section, to be loaded anywhere; what it has not is a dynamic linker.
    for (unsigned long i = 0; i < getauxval(AT_PHNUM); i++)
        if (segments[i].p_type == PT_INTERP)
            return true;
    return false;
}

static void write_path(char path[PATH_SIZE], int fd) { snprintf(path, PATH_SIZE, "/proc/self/fd/%d", fd); }

// A copy of the file in memory, or -1 with errno.
static int copy(const char *module, int fd)
{
    char name[64];
    snprintf(name, sizeof name, "%s.so", module);
    int memory = memfd_create(name, MFD_CLOEXEC | MFD_EXEC);
    // Kernels before 6.3 do not know MFD_EXEC.
    if (memory < 0 && errno == EINVAL)
        memory = memfd_create(name, MFD_CLOEXEC);
    if (memory < 0)
        return -1;
    // The offset is the loader's own: that of the descriptor is the caller's.
    off_t offset = 0;
    ssize_t count;
    do
        count = sendfile(memory, fd, &offset, 1 << 30);
    while (count > 0 || (count < 0 && errno == EINTR));
    if (count == 0)
        return memory;
    int reason = errno;
    close(memory);
    errno = reason;
    return -1;
}

// What the dynamic linker says names the file by the path that it was opened under, which helps nobody.
static void say_why(rhl_error *error, const char *module, const char *path, const char *reason)
{
    char text[1024];
    size_t length = 0, path_length = strlen(path);
    if (!reason)
        reason = "the dynamic linker does not say why";
    if (strncmp(reason, path, path_length) == 0 && strncmp(reason + path_length, ": ", 2) == 0)
        reason += path_length + 2;
    while (*reason && length < sizeof text - 1) {
        if (strncmp(reason, path, path_length) == 0) {
            int count = snprintf(text + length, sizeof text - length, "%s.so", module);
            length = (size_t)count < sizeof text - length ? length + count : sizeof text - 1;
            reason += path_length;
        } else {
            text[length++] = *reason++;
        }
    }
    text[length] = '\0';
    rhl_say(error, "%s.so can't be loaded: %s", module, text);
}

static const void *base_of(const void *address)
{
    Dl_info info;
    return address && dladdr(address, &info) ? info.dli_fbase : NULL;
}

int rhl_open_library(struct library *library, const char *module, int fd, bool is_copied, rhl_error *error)
{
    if (!rhl_can_load()) {
        rhl_say(error, "%s.so can't be loaded: this program is linked statically", module);
        return RHL_BAD_LIBRARY;
    }
    if (!rhl_check_elf(module, fd, &library->is_pinned, error))
        return RHL_BAD_LIBRARY;
    library->fd = is_copied ? copy(module, fd) : fcntl(fd, F_DUPFD_CLOEXEC, 3);
    struct stat status;
    if (library->fd < 0 || fstat(library->fd, &status) < 0) {
        rhl_say(error, "there is no room for %s.so: %s", module, strerror(errno));
        if (library->fd >= 0)
            close(library->fd);
        return RHL_NO_ROOM;
    }
    library->device = status.st_dev;
    library->inode = status.st_ino;

    char path[PATH_SIZE];
    write_path(path, library->fd);
    library->handle = open_path(path, RTLD_NOW | RTLD_LOCAL);
    if (!library->handle) {
        say_why(error, module, path, dlerror());
        close(library->fd);
        return RHL_BAD_LIBRARY;
    }
    struct link_map *map = NULL;
    dlinfo(library->handle, RTLD_DI_LINKMAP, &map);
    library->base = base_of(map ? map->l_ld : NULL);
    return RHL_OK;
}

bool rhl_close_library(struct library *library)
{
    if (library->is_pinned)
        return false;
    char path[PATH_SIZE];
    write_path(path, library->fd);
    dlclose(library->handle);
    // It may be there still: the program itself is linked with it, a thread has destructors of it to run, or a symbol of it was
    // taken as the only one of its name (STB_GNU_UNIQUE).
    library->handle = open_path(path, RTLD_NOW | RTLD_NOLOAD);
    if (library->handle)
        return false;
    // What it says of that is of no use to the next who asks.
    dlerror();
    close(library->fd);
    return true;
}

void *rhl_symbol(const struct library *library, const char *name)
{
    void *symbol = dlsym(library->handle, name);
    if (!symbol) {
        dlerror();
        return NULL;
    }
    // dlsym looks through the libraries that this one is linked with, too.
    return base_of(symbol) == library->base ? symbol : NULL;
}
