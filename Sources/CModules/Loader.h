// What the loader's own files share.
#ifndef CMODULES_LOADER_H
#define CMODULES_LOADER_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "release_handler_loader.h"

// Two threads that count on the same cache line slow each other down, and processors fetch lines in pairs.
enum { STRIPES = 16, STRIPE_BYTES = 128 };

struct stripe {
    _Alignas(STRIPE_BYTES) atomic_uint_fast64_t count;
};

// A file that is mapped.
struct library {
    void *handle;
    // The name "/proc/self/fd/N" stays with what was loaded under it, so N is ours for as long as it is mapped.
    int fd;
    dev_t device;
    ino_t inode;
    // Where it begins in memory, to know its own symbols from those of the libraries that it is linked with.
    const void *base;
    bool is_pinned;
};

// One version of one module. Its memory is that of versions of this module for as long as the server lives: Version.c.
struct rhl_version {
    struct stripe stripes[STRIPES];
    atomic_uint_fast64_t holds;
    // By the number of the name: NULL where it was not looked up yet, `rhl_absent` where there is none.
    _Atomic(rhm_function *) functions[RHL_MAX_FUNCTIONS];

    // The rest is guarded by the server's lock, and stands while the version is in use.
    rhl_module *module;
    rhl_version *next;
    struct library library;
    // rhm_module_load was called, or would have been; rhm_module_unload is due.
    bool has_begun;
    char vsn[RHL_MAX_NAME + 1];
    char identity[RHL_IDENTITY_SIZE + 1];
};

struct rhl_module {
    _Atomic(rhl_version *) current;

    rhl_server *server;
    // The next in the order of their first mention; guarded by the lock of the names.
    rhl_module *next;
    char name[RHL_MAX_NAME + 1];
    // Added under the lock of the names, read without.
    _Atomic(char *) functions[RHL_MAX_FUNCTIONS];

    // Guarded by the server's lock.
    rhl_version *old;
    // Those that stay mapped, the first one first.
    rhl_version *residents;
    // Memory for later ones.
    rhl_version *unused;
};

struct rhl_server {
    // Held while libraries are opened and closed, which takes its time. Nobody who calls takes it.
    pthread_mutex_t lock;
    // Held for a look at the lists of names; taken after the other one where both are.
    pthread_mutex_t names;
    rhl_module *modules;
};

// Text.c: a sentence in UTF-8, cut at a character where it is too long. `error` may be NULL.
void rhl_say(rhl_error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));
// How many bytes the character at `text` has; 0 where it is none.
size_t rhl_character_length(const char *text);

// Elf.c: whether the file behind `fd` is a library for this machine, and whole. `is_pinned`: it can't be unmapped.
bool rhl_check_elf(const char *module, int fd, bool *is_pinned, rhl_error *error);

// Library.c. `is_copied`: a copy is mapped, not the file itself. RHL_OK, RHL_BAD_LIBRARY, RHL_NO_ROOM.
int rhl_open_library(struct library *library, const char *module, int fd, bool is_copied, rhl_error *error);
// False where it stays mapped; it is as good as before then.
bool rhl_close_library(struct library *library);
// An exported symbol of the library itself, else NULL.
void *rhl_symbol(const struct library *library, const char *name);

// Version.c. A version that is not current, and that was read as unused once, will not be used again.
bool rhl_is_in_use(rhl_version *version);
uint64_t rhl_calls(rhl_version *version);
// Looks up a function, and remembers what was found.
rhm_function *rhl_look_up(rhl_version *version, int function);
rhm_function rhl_absent;

// Change.c, all under the server's lock.
int rhl_change(rhl_module *module, const char *identity, int fd, rhl_error *error);
int rhl_drop_current(rhl_module *module, rhl_error *error);
int rhl_drop_old(rhl_module *module);
// The version is no more: unloaded, and unmapped or a resident.
void rhl_retire(rhl_version *version);

#endif
