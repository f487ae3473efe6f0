// The module of the measurement. -DVSN gives its version, -DSIZE how many bytes it has at least.
#include <release_handler_module.h>

#include <sched.h>
#include <string.h>

RHM_MODULE("bench", VSN)

#ifdef SIZE
// In the file, and read as it is loaded: each page has an address that is to be relocated.
static const char *const ballast[SIZE / sizeof(char *)] = {[0 ... SIZE / sizeof(char *) - 1] = VSN};
#endif

static const char *volatile version = VSN;

// Its version, a binary; the atom mixed where that is another at the end of the call than at its beginning.
RHM_FUNCTION(version)
{
    const char *before = version;
    sched_yield();
    size_t size = strlen(before);
    uint8_t *answer = call->answer(call, 6 + size);
    if (!answer) return RHM_ERROR;
    uint8_t head[] = {131, 109, 0, 0, 0, (uint8_t)size};
    memcpy(answer, head, sizeof head);
    memcpy(answer + sizeof head, before, size);
    if (before == version) return RHM_OK;
    answer = call->answer(call, 8);
    memcpy(answer, "\203w\005mixed", 8);
    return RHM_OK;
}

RHM_FUNCTION(nothing)
{
    (void)call;
#ifdef SIZE
    return ballast[0] ? RHM_OK : RHM_ERROR;
#else
    return RHM_OK;
#endif
}
