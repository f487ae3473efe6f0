// An event handler for tests: it counts events. Its state is the count; where TWO is defined, {two, Count}. -DVSN and -DNAME as in
// format.c; FAILS_TO_CHANGE has its code_change fail.
#define _GNU_SOURCE
#include <release_handler_module.h>

#include <stdbool.h>
#include <string.h>

RHM_MODULE(NAME, VSN)

static bool mentions(const rhm_call *call, const char *word)
{
    return memmem(call->arguments, call->arguments_size, word, strlen(word)) != NULL;
}

// The count ends the arguments, but for the ends of lists behind it: [] is 106, a small integer 97 and its value. A list of nothing but
// small integers is 107, its length and their values.
static uint8_t count(const rhm_call *call)
{
    const uint8_t *end = call->arguments + call->arguments_size;
    if (call->arguments[1] == 107) return end[-1];
    while (end[-1] == 106) end--;
    return end[-2] == 97 ? end[-1] : 0;
}

static size_t put_state(uint8_t *room, bool two, uint8_t count)
{
    static const uint8_t pair[] = {104, 2, 119, 3, 't', 'w', 'o'};
    size_t size = two ? sizeof pair : 0;
    memcpy(room, pair, size);
    room[size] = 97;
    room[size + 1] = count;
    return size + 2;
}

static int32_t answer(const rhm_call *call, const uint8_t *bytes, size_t size)
{
    uint8_t *room = call->answer(call, size);
    if (!room) return RHM_ERROR;
    memcpy(room, bytes, size);
    return RHM_OK;
}

// {ok, State}
static int32_t keep(const rhm_call *call, bool two, uint8_t count)
{
    uint8_t bytes[32] = {131, 104, 2, 119, 2, 'o', 'k'};
    return answer(call, bytes, 7 + put_state(bytes + 7, two, count));
}

#ifdef TWO
static const bool own = true;
#else
static const bool own = false;
#endif

RHM_FUNCTION(init) { return keep(call, own, count(call)); }

RHM_FUNCTION(handle_event)
{
    static const uint8_t removed[] = {131, 119, 14, 'r', 'e', 'm', 'o', 'v', 'e', '_', 'h', 'a', 'n', 'd', 'l', 'e', 'r'};
    if (mentions(call, "leave")) return answer(call, removed, sizeof removed);
    if (mentions(call, "fail")) return RHM_ERROR;
    return keep(call, own, count(call) + 1);
}

// {ok, State, State}, the state as it is: one that was not converted shows.
RHM_FUNCTION(handle_call)
{
    // [get, State]: a list of two, the atom of three bytes, the state, the list's end.
    const uint8_t *state = call->arguments + 11;
    size_t size = call->arguments_size - 12;
    if (call->arguments[6] != 119 || call->arguments[7] != 3 || size > 24) return RHM_ERROR;
    uint8_t bytes[64] = {131, 104, 3, 119, 2, 'o', 'k'};
    memcpy(bytes + 7, state, size);
    memcpy(bytes + 7 + size, state, size);
    return answer(call, bytes, 7 + 2 * size);
}

// The state.
RHM_FUNCTION(terminate)
{
    uint8_t bytes[32] = {131};
    return answer(call, bytes, 1 + put_state(bytes + 1, own, count(call)));
}

RHM_FUNCTION(code_change)
{
#ifdef FAILS_TO_CHANGE
    return RHM_ERROR;
#endif
    bool down = mentions(call, "down");
    // To the other shape, where there are two.
    return keep(call, down ? false : own, count(call));
}
