#define _GNU_SOURCE
#include "DriverImage.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

struct rhd_image {
    void *handle;
    int fd;
    dev_t device;
    ino_t inode;
    // Drivers that have it; 0 for one that could not be unmapped.
    int drivers;
    rhd_image *next;
};

static pthread_mutex_t rhd_images_lock = PTHREAD_MUTEX_INITIALIZER;
static rhd_image *rhd_images;

int rhd_say(rhd_error *error, int result, const char *format, ...)
{
    if (!error) return result;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    return result;
}

bool rhd_can_load(void)
{
    // A program that a dynamic linker started says which one.
    const ElfW(Phdr) *header = (const ElfW(Phdr) *)getauxval(AT_PHDR);
    unsigned long count = getauxval(AT_PHNUM);
    for (unsigned long index = 0; header && index < count; index++)
        if (header[index].p_type == PT_INTERP) return true;
    return false;
}

// --- What the bytes are

#if defined __x86_64__
enum { RHD_MACHINE = EM_X86_64 };
#elif defined __aarch64__
enum { RHD_MACHINE = EM_AARCH64 };
#elif defined __riscv
enum { RHD_MACHINE = EM_RISCV };
#elif defined __arm__
enum { RHD_MACHINE = EM_ARM };
#elif defined __i386__
enum { RHD_MACHINE = EM_386 };
#else
#error "say here which e_machine this machine's libraries have"
#endif

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
enum { RHD_DATA = ELFDATA2LSB };
#else
enum { RHD_DATA = ELFDATA2MSB };
#endif

enum { RHD_CLASS = sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32, RHD_MAX_SEGMENTS = 128 };

static bool rhd_read(int fd, void *bytes, size_t size, off_t offset)
{
    for (size_t done = 0; done < size;) {
        ssize_t count = pread(fd, (char *)bytes + done, size - done, offset + (off_t)done);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return false;
        done += (size_t)count;
    }
    return true;
}

int rhd_check(int fd, rhd_error *error)
{
    struct stat status;
    ElfW(Ehdr) head;
    if (fstat(fd, &status) < 0) return rhd_say(error, RHD_BAD_LIBRARY, "fstat: %s", strerror(errno));
    if (!S_ISREG(status.st_mode)) return rhd_say(error, RHD_BAD_LIBRARY, "it is no regular file");
    if (!rhd_read(fd, &head, sizeof head, 0) || memcmp(head.e_ident, ELFMAG, SELFMAG) != 0)
        return rhd_say(error, RHD_BAD_LIBRARY, "it is no ELF file");
    if (head.e_ident[EI_CLASS] != RHD_CLASS || head.e_ident[EI_DATA] != RHD_DATA || head.e_machine != RHD_MACHINE)
        return rhd_say(error, RHD_BAD_LIBRARY, "it is for another machine (e_machine %u)", head.e_machine);
    if (head.e_type != ET_DYN) return rhd_say(error, RHD_BAD_LIBRARY, "it is no shared library (e_type %u)", head.e_type);
    if (head.e_phentsize != sizeof(ElfW(Phdr)) || head.e_phnum == 0 || head.e_phnum > RHD_MAX_SEGMENTS)
        return rhd_say(error, RHD_BAD_LIBRARY, "it has %u program headers", head.e_phnum);
    ElfW(Phdr) segments[RHD_MAX_SEGMENTS];
    uint64_t size = (uint64_t)status.st_size;
    if (head.e_phoff > size || !rhd_read(fd, segments, head.e_phnum * sizeof segments[0], (off_t)head.e_phoff))
        return rhd_say(error, RHD_BAD_LIBRARY, "it is cut off");
    bool is_dynamic = false;
    for (unsigned index = 0; index < head.e_phnum; index++) {
        const ElfW(Phdr) *segment = &segments[index];
        is_dynamic |= segment->p_type == PT_DYNAMIC;
        // Mapped all the same, the missing pages would end the process at the first touch.
        if (segment->p_type != PT_NULL && (segment->p_offset > size || segment->p_filesz > size - segment->p_offset))
            return rhd_say(error, RHD_BAD_LIBRARY, "it is cut off");
    }
    if (!is_dynamic) return rhd_say(error, RHD_BAD_LIBRARY, "it is no shared library: it has no dynamic section");
    return RHD_OK;
}

// --- Mapping

static void rhd_image_path(int fd, char path[32]) { snprintf(path, 32, "/proc/self/fd/%d", fd); }

static rhd_image *rhd_image_of(dev_t device, ino_t inode)
{
    rhd_image *image = rhd_images;
    while (image && (image->device != device || image->inode != inode)) image = image->next;
    return image;
}

static int rhd_image_refuse(rhd_error *error)
{
    const char *reason = dlerror();
    return rhd_say(error, RHD_BAD_LIBRARY, "%s", reason ? reason : "dlopen failed");
}

// With the lock held.
static int rhd_image_map(int fd, rhd_image **image, rhd_error *error)
{
    struct stat status;
    char path[32];
    if (fstat(fd, &status) < 0) return rhd_say(error, RHD_BAD_LIBRARY, "fstat: %s", strerror(errno));
    rhd_image *known = rhd_image_of(status.st_dev, status.st_ino);
    if (known) {
        // By its first name: another one would stay its name, too, when that descriptor is another file's.
        rhd_image_path(known->fd, path);
        if (!dlopen(path, RTLD_NOW | RTLD_LOCAL)) return rhd_image_refuse(error);
        known->drivers++;
        *image = known;
        return RHD_OK;
    }
    rhd_image *made = calloc(1, sizeof *made);
    int own = made ? fcntl(fd, F_DUPFD_CLOEXEC, 3) : -1;
    if (own < 0) {
        int number = made ? errno : ENOMEM;
        free(made);
        return rhd_say(error, RHD_NO_ROOM, "no room for the library: %s", strerror(number));
    }
    rhd_image_path(own, path);
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
        rhd_image_refuse(error);
        close(own);
        free(made);
        return RHD_BAD_LIBRARY;
    }
    *made = (rhd_image){
        .handle = handle, .fd = own, .device = status.st_dev, .inode = status.st_ino, .drivers = 1, .next = rhd_images};
    rhd_images = made;
    *image = made;
    return RHD_OK;
}

int rhd_image_open(int fd, rhd_image **image, rhd_error *error)
{
    pthread_mutex_lock(&rhd_images_lock);
    int result = rhd_image_map(fd, image, error);
    pthread_mutex_unlock(&rhd_images_lock);
    return result;
}

bool rhd_image_close(rhd_image *image)
{
    pthread_mutex_lock(&rhd_images_lock);
    dlclose(image->handle);
    bool stays = --image->drivers > 0;
    if (!stays) {
        char path[32];
        rhd_image_path(image->fd, path);
        void *handle = dlopen(path, RTLD_NOW | RTLD_NOLOAD);
        if (handle) {
            // It can't be unmapped. Its name must stay its own.
            dlclose(handle);
            stays = true;
        } else {
            rhd_image **link = &rhd_images;
            while (*link != image) link = &(*link)->next;
            *link = image->next;
            close(image->fd);
            free(image);
        }
    }
    pthread_mutex_unlock(&rhd_images_lock);
    return stays;
}

void *rhd_image_symbol(const rhd_image *image, const char *name)
{
    void *symbol = dlsym(image->handle, name);
    struct link_map *map, *owner = NULL;
    Dl_info place;
    if (!symbol || dlinfo(image->handle, RTLD_DI_LINKMAP, &map) != 0) return NULL;
    if (dladdr1(symbol, &place, (void **)&owner, RTLD_DL_LINKMAP) == 0) return NULL;
    return owner == map ? symbol : NULL;
}
