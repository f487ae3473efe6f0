// The interface of a driver: a library NAME.so with state of its own, of which a process runs one version only. Its users open
// ports, and control them. docs/drivers.md has what it means; this header and that of functional modules, which it includes, are
// all that a driver in C or C++ needs. It needs no library.
//
//     #include <release_handler_driver.h>
//
//     RHD_DRIVER("counter", "1.0.0", start, stop, open_port, close_port, control)
//
// Threads: all functions of a driver are called by one thread at a time, not always the same one. While one of them runs nobody
// else gets into the driver, so none of them may wait for another call to it. Threads of the driver's own it guards itself against.
#ifndef RELEASE_HANDLER_DRIVER_H
#define RELEASE_HANDLER_DRIVER_H

#include "release_handler_module.h"

// The version of this interface. A library that was made for another one is not loaded.
#define RHD_ABI 1

// Limits: a name has 1 to RHD_MAX_NAME bytes, a vsn at most that many, the command of an open RHD_MAX_COMMAND.
enum { RHD_MAX_NAME = 255, RHD_MAX_COMMAND = 65536 };

// What a driver says of itself. All of it is the library's, and good for as long as it is mapped.
typedef struct rhd_info {
    // RHD_ABI of this header.
    uint32_t abi;
    uint32_t reserved;
    // The driver's name: the one that it is loaded by.
    const char *name;
    // Its version, a text of its author's, in UTF-8.
    const char *vsn;
    // Called once after the library is mapped, before anything else of it. Another value than 0 refuses: the library is unmapped,
    // without `finish`. It may be called again after `finish`, where the version that was to follow refused: variables are then as
    // `finish` left them. NULL where there is nothing to do.
    int32_t (*init)(void);
    // Called once for each `init` that accepted, when all ports are closed, before the library is unmapped. What `init` and
    // the calls since made is freed here, and threads of the driver's own have ended when it returns. NULL where there is nothing to do.
    void (*finish)(void);
    // Opens a port: `command` is the opener's, its `size` bytes are good until the function returns. 0 with what `*port` is set to (NULL
    // is as good as any); another value refuses, and is told to the opener. What `*port` points to is the driver's: `close` frees it.
    int32_t (*open)(const uint8_t *command, size_t size, void **port);
    // Closes a port, exactly once for each `open` that answered 0. Nothing comes for it any more. NULL where there is nothing to do.
    void (*close)(void *port);
    // An operation on an open port, by a number that the driver chose. Arguments, answer and what is returned are those of a
    // function of a module: `call` is the caller's and good until the function returns, and the room of the answer is the caller's.
    int32_t (*control)(void *port, uint32_t command, const rhm_call *call);
} rhd_info;

// The exported symbol rhd_driver_info, which every driver has. It is called before `init`, and does nothing.
typedef const rhd_info *rhd_info_function(void);

#define RHD_DRIVER(NAME, VSN, INIT, FINISH, OPEN, CLOSE, CONTROL)                                                         \
    RHM_EXPORT const rhd_info *rhd_driver_info(void);                                                                     \
    RHM_EXPORT const rhd_info *rhd_driver_info(void)                                                                      \
    {                                                                                                                     \
        static const rhd_info info = {RHD_ABI, 0, NAME, VSN, INIT, FINISH, OPEN, CLOSE, CONTROL};                         \
        return &info;                                                                                                     \
    }

#endif
