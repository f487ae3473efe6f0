#define _GNU_SOURCE
#include "release_handler_loader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// One module in a process of its own, so that what it does to the process is done to nobody else:
//
//     module-host probe MODULE [IDENTITY]
//     module-host call MODULE FUNCTION
//
// The library is descriptor 3, what there is to say is written to descriptor 4.

enum { LIBRARY = 3, OUTPUT = 4 };

// How it ends. Whatever else it ends by, the module did.
enum {
    WELL = 0,
    FAILED = 1,
    MISUSED = 64,
    BAD_LIBRARY = 65,
    NO_FUNCTION = 66,
    TOO_LARGE = 67,
    NOT_WRITTEN = 74,
};

static const uint8_t ok_term[] = {131, 119, 2, 'o', 'k'};
static const uint8_t undefined_term[] = {131, 119, 9, 'u', 'n', 'd', 'e', 'f', 'i', 'n', 'e', 'd'};

// Nothing of the module runs after the last word, neither its handlers nor its destructors.
static _Noreturn void end(int status, const void *bytes, size_t count)
{
    fflush(NULL);
    while (count > 0) {
        ssize_t written = write(OUTPUT, bytes, count);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            _exit(NOT_WRITTEN);
        bytes = (const char *)bytes + written;
        count -= written;
    }
    _exit(status);
}

static _Noreturn void end_saying(int status, const char *format, const char *name)
{
    char text[512];
    int length = snprintf(text, sizeof text, format, name);
    end(status, text, (size_t)length < sizeof text ? (size_t)length : sizeof text - 1);
}

static rhl_server *load(const char *module, const char *identity)
{
    rhl_error error = {""};
    rhl_server *server = rhl_create();
    if (!server)
        end_saying(BAD_LIBRARY, "there is no memory for %s.so", module);
    if (rhl_load(server, module, identity, LIBRARY, &error) != RHL_OK)
        end_saying(BAD_LIBRARY, "%s", error.text);
    return server;
}

// The arguments, up to the end of descriptor 0.
static uint8_t *read_arguments(size_t *size)
{
    // One byte more than there may be, to see that there are more.
    size_t room = 65536, limit = (size_t)RHL_MAX_ANSWER + 1;
    uint8_t *bytes = malloc(room);
    for (*size = 0; bytes && *size < limit;) {
        if (*size == room) {
            uint8_t *more = realloc(bytes, room * 2);
            if (!more)
                break;
            bytes = more;
            room *= 2;
        }
        ssize_t count = read(STDIN_FILENO, bytes + *size, (room < limit ? room : limit) - *size);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            end_saying(MISUSED, "the arguments can't be read: %s", strerror(errno));
        if (count == 0)
            return bytes;
        *size += count;
    }
    end_saying(MISUSED, "%s", "the arguments have more than 16 MiB");
}

static _Noreturn void probe(const char *module, const char *identity)
{
    rhl_server *server = load(module, identity);
    rhl_status status;
    memset(&status, 0, sizeof status);
    rhl_versions(server, &status, 1);
    rhl_destroy(server);
    // A library that ends the process as it is loaded says nothing of the kind.
    end_saying(WELL, "loaded %s", status.vsn);
}

static _Noreturn void call(const char *module, const char *function, const char *identity)
{
    rhl_server *server = load(module, identity);
    rhl_module *named = rhl_module_named(server, module);
    size_t size = 0, answer_size = 0;
    uint8_t *answer = NULL, *arguments = read_arguments(&size);
    rhl_entry entry;
    if (rhl_enter(named, rhl_function_named(named, function), &entry) != RHL_OK) {
        rhl_destroy(server);
        end_saying(NO_FUNCTION, "there is no function %s", function);
    }
    int result = rhl_invoke(&entry, arguments, size, &answer, &answer_size);
    rhl_leave(&entry);
    rhl_destroy(server);
    if (result == RHL_ANSWER_TOO_LARGE)
        end_saying(TOO_LARGE, "the answer of %s has more than 16 MiB, or there is no memory for it", function);
    int status = result == RHL_OK ? WELL : FAILED;
    if (answer)
        end(status, answer, answer_size);
    if (status == WELL)
        end(status, ok_term, sizeof ok_term);
    end(status, undefined_term, sizeof undefined_term);
}

int main(int count, char **arguments)
{
    char zeros[RHL_IDENTITY_SIZE + 1];
    memset(zeros, '0', RHL_IDENTITY_SIZE);
    zeros[RHL_IDENTITY_SIZE] = '\0';
    if (fcntl(LIBRARY, F_SETFD, FD_CLOEXEC) == 0 && fcntl(OUTPUT, F_SETFD, FD_CLOEXEC) == 0) {
        if (count >= 3 && count <= 4 && strcmp(arguments[1], "probe") == 0)
            probe(arguments[2], count == 4 ? arguments[3] : zeros);
        if (count == 4 && strcmp(arguments[1], "call") == 0)
            call(arguments[2], arguments[3], zeros);
    }
    fprintf(stderr, "usage: module-host probe MODULE [IDENTITY] | call MODULE FUNCTION, with descriptors 3 and 4\n");
    return MISUSED;
}
