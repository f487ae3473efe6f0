#include "Loader.h"

#include <stdio.h>
#include <stdlib.h>

// Who is in a version, without a lock. A version may go when it is not current and nobody is in it; a thread enters the
// one that is current. Both read what the other writes:
//
//     who enters                                who lets a version go
//     1. version = current                      a. current = another one
//     2. count of the version + 1               b. the version's counts are read
//     3. is current still this version?
//        else count - 1, and back to 1
//
// 2, 3, a and b are sequentially consistent, so they have one order. If b comes before 2, then so does a, and 3 finds
// another one, and the thread has touched nothing of the version but its count. If 2 comes before b, b finds the thread.
// So a version that is not current and was read as unused once stays so, for as long as it is not made current again, which
// only happens under the lock that b is done under.
//
// The thread may sleep between 1 and 2, for as long as it likes. Meanwhile the version may have gone, so:
//
// - The memory of a version is never given back while the server lives, and is used again for versions of the same module only.
//   A late 2 counts somewhere where counting is allowed.
// - The counts are not set to zero when the memory is used again: a late thread may have counted up, and will count down. What it
//   does in between is at worst that a version looks as if in use for a moment, which is what RHL_IN_USE allows.
// - If 3 finds the memory current, in its next life, the thread has entered that one: it is the module's current version, which
//   is what was asked for, and it was counted before 3. The order above holds for this life as for the first.
// - All else of a version is read after 3.
//
// Each stripe is counted up and down by the same entry, so none goes below zero, and one that is read as zero had nobody at
// that moment. Holding is the same with a count of its own. One who holds a version may enter it while it is not current, so
// the holds are read before the calls: who entered, and then let go, is seen among the calls.

static int own_stripe(void)
{
    static atomic_uint threads;
    static _Thread_local int stripe = -1;
    if (__builtin_expect(stripe < 0, 0))
        stripe = atomic_fetch_add_explicit(&threads, 1, memory_order_relaxed) % STRIPES;
    return stripe;
}

bool rhl_is_in_use(rhl_version *version)
{
    if (atomic_load(&version->holds) != 0)
        return true;
    for (int i = 0; i < STRIPES; i++)
        if (atomic_load(&version->stripes[i].count) != 0)
            return true;
    return false;
}

uint64_t rhl_calls(rhl_version *version)
{
    uint64_t sum = 0;
    for (int i = 0; i < STRIPES; i++)
        sum += atomic_load(&version->stripes[i].count);
    return sum;
}

int32_t rhl_absent(const rhm_call *call)
{
    (void)call;
    return RHM_ERROR;
}

rhm_function *rhl_look_up(rhl_version *version, int function)
{
    const char *name = atomic_load_explicit(&version->module->functions[function], memory_order_acquire);
    // A number that was made up.
    if (!name)
        return rhl_absent;
    char symbol[RHL_MAX_NAME + 16];
    snprintf(symbol, sizeof symbol, "rhm_call_%s", name);
    rhm_function *found = (rhm_function *)rhl_symbol(&version->library, symbol);
    if (!found)
        found = rhl_absent;
    // Two may look it up at once, and find the same.
    atomic_store_explicit(&version->functions[function], found, memory_order_release);
    return found;
}

// The second half of entering; the version is counted already.
static int find(rhl_version *version, int stripe, int function, rhl_entry *entry)
{
    rhm_function *found = rhl_absent;
    if (function >= 0 && function < RHL_MAX_FUNCTIONS) {
        found = atomic_load_explicit(&version->functions[function], memory_order_acquire);
        // A name that was new after the version was loaded.
        if (__builtin_expect(!found, 0))
            found = rhl_look_up(version, function);
    }
    entry->function = found;
    entry->version = version;
    entry->stripe = stripe;
    if (__builtin_expect(found != rhl_absent, 1))
        return RHL_OK;
    rhl_leave(entry);
    return RHL_NO_FUNCTION;
}

int rhl_enter(rhl_module *module, int function, rhl_entry *entry)
{
    int stripe = own_stripe();
    for (;;) {
        rhl_version *version = atomic_load(&module->current);
        if (!version)
            return RHL_NOT_LOADED;
        atomic_fetch_add(&version->stripes[stripe].count, 1);
        if (__builtin_expect(atomic_load(&module->current) == version, 1))
            return find(version, stripe, function, entry);
        atomic_fetch_sub(&version->stripes[stripe].count, 1);
    }
}

void rhl_leave(rhl_entry *entry)
{
    // Whoever reads it as unused sees all that was done in it.
    atomic_fetch_sub_explicit(&entry->version->stripes[entry->stripe].count, 1, memory_order_release);
}

rhl_version *rhl_hold(rhl_module *module)
{
    for (;;) {
        rhl_version *version = atomic_load(&module->current);
        if (!version)
            return NULL;
        atomic_fetch_add(&version->holds, 1);
        if (atomic_load(&module->current) == version)
            return version;
        atomic_fetch_sub(&version->holds, 1);
    }
}

void rhl_release(rhl_version *held) { atomic_fetch_sub_explicit(&held->holds, 1, memory_order_release); }

int rhl_enter_held(rhl_version *held, int function, rhl_entry *entry)
{
    int stripe = own_stripe();
    atomic_fetch_add(&held->stripes[stripe].count, 1);
    return find(held, stripe, function, entry);
}

// MARK: The call

struct call {
    // First, so that it is known again by the pointer that the module has.
    rhm_call seen;
    uint8_t *answer;
    size_t size;
    bool was_refused;
};

static uint8_t *give_room(const rhm_call *seen, size_t size)
{
    struct call *call = (struct call *)seen;
    free(call->answer);
    call->answer = size <= RHL_MAX_ANSWER ? malloc(size ? size : 1) : NULL;
    call->was_refused = !call->answer;
    call->size = call->answer ? size : 0;
    return call->answer;
}

int rhl_invoke(const rhl_entry *entry, const uint8_t *arguments, size_t size, uint8_t **answer, size_t *answer_size)
{
    struct call call = {
        .seen = {.abi = RHM_ABI, .arguments = arguments, .arguments_size = size, .answer = give_room},
    };
    int32_t result = entry->function(&call.seen);
    // The last word counts: who was refused may have been content with less.
    *answer = call.answer;
    *answer_size = call.size;
    if (call.was_refused)
        return RHL_ANSWER_TOO_LARGE;
    return result == RHM_OK ? RHL_OK : RHL_FAILED;
}
