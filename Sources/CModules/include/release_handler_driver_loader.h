// The loader of drivers: maps one, checks it, calls it, unmaps it. It decides nothing: who uses a driver, when it is replaced,
// and that one thread at a time is in it, is its caller's to see to (WorkerKit's Drivers).
#ifndef RELEASE_HANDLER_DRIVER_LOADER_H
#define RELEASE_HANDLER_DRIVER_LOADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "release_handler_driver.h"

typedef struct rhd_driver rhd_driver;

enum rhd_result {
    RHD_OK = 0,
    // It can't be loaded; the text says why.
    RHD_BAD_LIBRARY = -1,
    // The control function failed; its answer is the reason.
    RHD_FAILED = -2,
    // The control function asked for more room than RHD_MAX_ANSWER, or than there is memory.
    RHD_ANSWER_TOO_LARGE = -3,
    // There is no memory, or no descriptor.
    RHD_NO_ROOM = -4,
};

enum { RHD_MAX_ANSWER = 16777216 };

typedef struct rhd_error {
    // A sentence in UTF-8, with its zero byte.
    char text[512];
} rhd_error;

// Whether this program can load libraries: one that is linked statically can't.
bool rhd_can_load(void);

// Whether the bytes behind `fd` are a shared library for this machine, and whole: nothing is mapped, nothing of it runs. RHD_OK,
// RHD_BAD_LIBRARY. The descriptor is the caller's still.
int rhd_check(int fd, rhd_error *error);

// Maps the library behind `fd`, runs what it has of constructors, and checks what it says of itself: RHD_ABI, `name`, its functions. It
// is read from the descriptor and from no path; the descriptor is the caller's still, and its file must not change while it is
// mapped. RHD_OK with a driver that is not started, RHD_BAD_LIBRARY, RHD_NO_ROOM. Any thread, for any library.
int rhd_open(const char *name, int fd, rhd_driver **driver, rhd_error *error);
// Unmaps it; all of it is gone with that. `driver` is not started, or was stopped. True where the library stays mapped, since another driver
// has it too or it can't be unmapped: it is never entered again by this one.
bool rhd_close(rhd_driver *driver);

// RHD_OK, or RHD_BAD_LIBRARY where the driver's init refuses.
int rhd_start(rhd_driver *driver, rhd_error *error);
void rhd_stop(rhd_driver *driver);

// The driver's version, good until `rhd_close`.
const char *rhd_vsn(const rhd_driver *driver);

// What the driver's open answers: 0 with the port, else a refusal.
int32_t rhd_open_port(rhd_driver *driver, const uint8_t *command, size_t size, void **port);
void rhd_close_port(rhd_driver *driver, void *port);
// RHD_OK and RHD_FAILED with `answer`, which is NULL where the driver answered nothing, else `free` is the caller's duty;
// RHD_ANSWER_TOO_LARGE without one.
int rhd_control(
    rhd_driver *driver, void *port, uint32_t command, const uint8_t *arguments, size_t size, uint8_t **answer,
    size_t *answer_size);

#endif
