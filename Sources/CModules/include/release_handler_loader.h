// The loader of functional modules, for a worker process in any language: the code server of one process. WorkerKit uses
// it, and a library for another language may. docs/module-abi.md says what modules are, docs/worker-protocol.md what the
// daemon asks of a worker that has some.
//
// Of each module there are at most two versions that run: the current one, and the old one. Every function may be called
// from any thread, but for `rhl_destroy`. A module's own functions are called under no lock; what runs as a library is loaded
// or purged (constructors, rhm_module_info, rhm_module_load, rhm_module_unload, destructors) must not call the loader.
#ifndef RELEASE_HANDLER_LOADER_H
#define RELEASE_HANDLER_LOADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "release_handler_module.h"

typedef struct rhl_server rhl_server;
typedef struct rhl_module rhl_module;
typedef struct rhl_version rhl_version;

enum rhl_result {
    RHL_OK = 0,
    // The version that was old before is still in use.
    RHL_IN_USE = -1,
    // It can't be loaded; the text says why.
    RHL_BAD_LIBRARY = -2,
    // Nothing of the module is current.
    RHL_NOT_LOADED = -3,
    // The version has no such function.
    RHL_NO_FUNCTION = -4,
    // The function failed; its answer is the reason.
    RHL_FAILED = -5,
    // The function asked for more room than the limit, or than there is memory.
    RHL_ANSWER_TOO_LARGE = -6,
    // There is no memory, or a name is longer than 255 bytes, or a module has more than RHL_MAX_FUNCTIONS names.
    RHL_NO_ROOM = -7,
};

enum {
    RHL_MAX_NAME = 255,
    RHL_IDENTITY_SIZE = 64,
    // Names of functions of one module that are ever asked for.
    RHL_MAX_FUNCTIONS = 256,
    RHL_MAX_ANSWER = 16777216,
};

typedef struct rhl_error {
    // A sentence in UTF-8, with its zero byte.
    char text[512];
} rhl_error;

// One for a process: the dynamic linker has one table of libraries. NULL where there is no memory.
rhl_server *rhl_create(void);
// Ends it. Nobody may be in a module, nor hold one.
void rhl_destroy(rhl_server *server);

// Makes the library behind `fd` the current version of `module`; what was current becomes old, and what was old is
// purged. `identity`: 64 hexadecimal digits, the SHA-256 of its bytes. The library is read from the descriptor and from no path; the
// descriptor is the caller's still, and its offset is not moved. A version that is there already (its identity is that of the current or of the old
// one) becomes current as it is.
//
// Whoever calls meanwhile does not wait, and is in one version or the other for the whole of a call.
//
// RHL_OK, RHL_IN_USE, RHL_BAD_LIBRARY (also for an identity that is none), RHL_NO_ROOM. Where it fails nothing has changed; a
// library that was refused and can't be unmapped is a resident from then on.
int rhl_load(rhl_server *server, const char *module, const char *identity, int fd, rhl_error *error);

// What is current becomes old, nothing is current. RHL_OK, also where nothing was; RHL_IN_USE.
int rhl_delete(rhl_server *server, const char *module, rhl_error *error);

// The old version goes, where nobody is in it nor holds it: RHL_OK, also where there is none, else RHL_IN_USE. A library in
// C is unmapped. One that can't be (it is written in Swift, or linked with -z nodelete) stays mapped, is never entered again,
// and is counted as resident.
int rhl_purge(rhl_server *server, const char *module);

// The slot of a module by its name, whether anything of it is loaded or not; NULL where there is no room. Good for as long as the server.
rhl_module *rhl_module_named(rhl_server *server, const char *name);

// The number of a function's name in this module, from 0 on; RHL_NO_ROOM. To be asked once for each name, and kept. A name that
// is no identifier of C, or is too long, has the number RHL_MAX_FUNCTIONS, for which no version has a function; it takes no room.
// A name that is told before a load is looked up by it, another by the first call.
int rhl_function_named(rhl_module *module, const char *name);

// A call under way. It is the caller's, on its stack.
typedef struct rhl_entry {
    rhm_function *function;
    rhl_version *version;
    int stripe;
} rhl_entry;

// Enters the current version, without a lock: RHL_OK, RHL_NOT_LOADED, RHL_NO_FUNCTION. After RHL_OK, `rhl_leave` must follow.
int rhl_enter(rhl_module *module, int function, rhl_entry *entry);
void rhl_leave(rhl_entry *entry);

// The current version, held: it stays callable after later loads, and is in use, until it is let go. NULL where nothing is current.
rhl_version *rhl_hold(rhl_module *module);
void rhl_release(rhl_version *held);
int rhl_enter_held(rhl_version *held, int function, rhl_entry *entry);

// Calls what was entered. `answer` is NULL where the function answered nothing, else `free` is the caller's duty.
// RHL_OK, RHL_FAILED, RHL_ANSWER_TOO_LARGE (no answer; the last room that was asked for was refused, whatever the function
// returned).
int rhl_invoke(const rhl_entry *entry, const uint8_t *arguments, size_t size, uint8_t **answer, size_t *answer_size);

enum rhl_state { RHL_CURRENT = 1, RHL_OLD = 2, RHL_RESIDENT = 3 };

typedef struct rhl_status {
    char module[RHL_MAX_NAME + 1];
    char vsn[RHL_MAX_NAME + 1];
    char identity[RHL_IDENTITY_SIZE + 1];
    enum rhl_state state;
    // Threads that are in it.
    uint64_t calls;
    // Times that it is held.
    uint64_t holds;
} rhl_status;

// Every version that is mapped, in the order of the modules' first mention: current, old, resident ones. At most `room` of them are written; the
// number that there are is returned.
size_t rhl_versions(rhl_server *server, rhl_status *list, size_t room);

// Whether this program can load libraries: one that is linked statically can't.
bool rhl_can_load(void);

#endif
