#include <release_handler_module.h>

#include <fcntl.h>
#include <sched.h>
#include <string.h>

// A module in several versions: NUMBER is 1, 2, 3, ..., VSN the same as a text.

RHM_MODULE("versions", VSN)

// What the test program has; module-host has neither.
void test_note(int number, char what) __attribute__((weak));
void test_wait(void) __attribute__((weak));

static volatile int number = NUMBER;

#ifdef LARGE
static volatile char large[LARGE] = {NUMBER};
#endif

#ifdef SWIFT
__attribute__((section("swift5_types"), used)) static const int types[1] = {1};
#endif

RHM_EXPORT int32_t rhm_module_load(void);
RHM_EXPORT int32_t rhm_module_load(void)
{
    if (test_note)
        test_note(number, '+');
    return 0;
}

RHM_EXPORT void rhm_module_unload(void);
RHM_EXPORT void rhm_module_unload(void)
{
    if (test_note)
        test_note(number, '-');
}

static int32_t answer_byte(const rhm_call *call, int value)
{
    uint8_t *answer = call->answer(call, 1);
    if (!answer)
        return RHM_ERROR;
    answer[0] = value;
    return RHM_OK;
}

RHM_FUNCTION(number)
{
    int first = number;
    sched_yield();
#ifdef LARGE
    first += large[LARGE - 1];
#endif
    return first == number ? answer_byte(call, first) : RHM_ERROR;
}

// The same for a call that gives up nothing.
RHM_FUNCTION(quick) { return call->abi == RHM_ABI && number == NUMBER ? RHM_OK : RHM_ERROR; }

RHM_FUNCTION(count)
{
    static int count;
    return answer_byte(call, ++count);
}

RHM_FUNCTION(wait)
{
    int first = number;
    test_wait();
    return answer_byte(call, first == number ? first : 0);
}

RHM_FUNCTION(echo)
{
    uint8_t *answer = call->answer(call, call->arguments_size);
    if (!answer)
        return RHM_ERROR;
    memcpy(answer, call->arguments, call->arguments_size);
    return RHM_OK;
}

RHM_FUNCTION(silent)
{
    (void)call;
    return RHM_OK;
}

RHM_FUNCTION(fail)
{
    answer_byte(call, 42);
    return RHM_ERROR;
}

RHM_FUNCTION(fail_silently)
{
    (void)call;
    return 7;
}

RHM_FUNCTION(large) { return call->answer(call, 16777217) ? RHM_OK : RHM_ERROR; }

RHM_FUNCTION(limit)
{
    uint8_t *answer = call->answer(call, 16777216);
    if (!answer)
        return RHM_ERROR;
    memset(answer, 1, 16777216);
    return RHM_OK;
}

RHM_FUNCTION(less)
{
    if (call->answer(call, SIZE_MAX))
        return RHM_ERROR;
    return answer_byte(call, 1);
}

RHM_FUNCTION(again)
{
    uint8_t *answer = call->answer(call, 100);
    if (answer)
        memset(answer, 1, 100);
    return answer_byte(call, 2);
}

RHM_FUNCTION(descriptors)
{
    return answer_byte(call, fcntl(3, F_GETFD) == FD_CLOEXEC && fcntl(4, F_GETFD) == FD_CLOEXEC);
}

#if NUMBER > 1
RHM_FUNCTION(newer) { return answer_byte(call, number); }
#endif
