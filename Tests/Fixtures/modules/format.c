// A functional module for tests. -DVSN="..." gives its version, -DNAME="..." its name; the other definitions make it bad in one way.
#include <release_handler_module.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef NAME
#define NAME "format"
#endif

#ifdef OTHER_ABI
RHM_EXPORT const rhm_info *rhm_module_info(void);
const rhm_info *rhm_module_info(void)
{
    static const rhm_info info = {99, 0, NAME, VSN};
    return &info;
}
#elif !defined(NO_INFO)
RHM_MODULE(NAME, VSN)
#else
RHM_EXPORT void rhm_module_infos(void);
void rhm_module_infos(void) {}
#endif

#ifdef CRASHES_AT_LOAD
__attribute__((constructor)) static void crash(void) { abort(); }
#endif

#ifdef EXITS_AT_LOAD
__attribute__((constructor)) static void leave(void) { _exit(0); }
#endif

#ifdef HANGS_AT_LOAD
__attribute__((constructor)) static void hang(void) { while (1) pause(); }
#endif

#ifdef DIES_IN_WORKERS
// Nothing is wrong where it is tried.
__attribute__((constructor)) static void die(void)
{
    char name[64] = "";
    FILE *file = fopen("/proc/self/comm", "r");
    if (file && fgets(name, sizeof name, file) && strncmp(name, "module-host", 11) != 0) abort();
    if (file) fclose(file);
}
#endif

static int32_t answer(const rhm_call *call, const void *bytes, size_t size)
{
    uint8_t *room = call->answer(call, size);
    if (!room) return RHM_ERROR;
    memcpy(room, bytes, size);
    return RHM_OK;
}

// Its version, as a binary.
RHM_FUNCTION(version)
{
    uint8_t bytes[64] = {131, 109, 0, 0, 0, sizeof VSN - 1};
    memcpy(bytes + 6, VSN, sizeof VSN - 1);
    return answer(call, bytes, 6 + sizeof VSN - 1);
}

// The list of its arguments.
RHM_FUNCTION(echo) { return answer(call, call->arguments, call->arguments_size); }

RHM_FUNCTION(nothing) { (void)call; return RHM_OK; }

// {no_room, 7}
RHM_FUNCTION(fails)
{
    static const uint8_t reason[] = {131, 104, 2, 119, 7, 'n', 'o', '_', 'r', 'o', 'o', 'm', 97, 7};
    answer(call, reason, sizeof reason);
    return RHM_ERROR;
}

RHM_FUNCTION(garbage) { return answer(call, "\xff\x00no term", 9); }

RHM_FUNCTION(floods) { return call->answer(call, (size_t)17 << 20) ? RHM_OK : RHM_ERROR; }

RHM_FUNCTION(crashes) { (void)call; abort(); }

// Never returns.
RHM_FUNCTION(hangs) { (void)call; while (1) pause(); }

RHM_FUNCTION(says)
{
    (void)call;
    static const char text[] = "something on the way\n";
    return write(1, text, sizeof text - 1) > 0 ? RHM_OK : RHM_ERROR;
}

// {error, Arguments}, as a value.
RHM_FUNCTION(refuses)
{
    static const uint8_t head[] = {131, 104, 2, 119, 5, 'e', 'r', 'r', 'o', 'r'};
    uint8_t *room = call->answer(call, sizeof head + call->arguments_size - 1);
    if (!room) return RHM_ERROR;
    memcpy(room, head, sizeof head);
    memcpy(room + sizeof head, call->arguments + 1, call->arguments_size - 1);
    return RHM_OK;
}

// Prints which version of it is called, for which release, and where.
RHM_FUNCTION(place)
{
    (void)call;
    char directory[4096];
    const char *root = getenv("RELEASE_ROOT"), *vsn = getenv("RELEASE_VSN");
    if (!root || !vsn || !getcwd(directory, sizeof directory)) return RHM_ERROR;
    return dprintf(1, VSN " for %s of %s in %s\n", vsn, root, directory) > 0 ? RHM_OK : RHM_ERROR;
}

// Prints its process, and never returns.
RHM_FUNCTION(waits)
{
    (void)call;
    dprintf(2, "process %d\n", (int)getpid());
    while (1) pause();
}
