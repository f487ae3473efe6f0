// The interface of a functional module: a library MODULE.so that worker processes call into, and that an upgrade
// replaces under them. docs/module-abi.md has what it means; this header is all that a module in C or C++ includes, and
// what one in another language declares again. It needs no library.
//
//     #include <release_handler_module.h>
//
//     RHM_MODULE("kv_lolwut", "1.0.0")
//
//     RHM_FUNCTION(lolwut)
//     {
//         uint8_t *answer = call->answer(call, sizeof bytes);
//         if (!answer) return RHM_ERROR;
//         memcpy(answer, bytes, sizeof bytes);
//         return RHM_OK;
//     }
#ifndef RELEASE_HANDLER_MODULE_H
#define RELEASE_HANDLER_MODULE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define RHM_C extern "C"
#else
#define RHM_C
#endif
#define RHM_EXPORT RHM_C __attribute__((visibility("default")))

// The version of this interface. A library that was made for another one is not loaded.
#define RHM_ABI 1

// What a function returns: with RHM_OK its answer is the call's value, with RHM_ERROR the reason of its failure; any
// other value is one, too. What was not answered is the atom ok, or for a failure the atom undefined.
#define RHM_OK 0
#define RHM_ERROR 1

// One call. It is the caller's, and good until the function returns.
typedef struct rhm_call rhm_call;
struct rhm_call {
    // That of the process that calls.
    uint32_t abi;
    uint32_t reserved;
    // The arguments: a list, in the external term format of docs/worker-protocol.md, version byte first. Not to be changed.
    const uint8_t *arguments;
    size_t arguments_size;
    // Room for an answer of `size` bytes, which is one term in the same format; NULL where that is more than the limit (16
    // MiB), or there is no memory. The room is the caller's: nobody frees it here. Asked for again, the earlier one is gone.
    uint8_t *(*answer)(const rhm_call *call, size_t size);
};

// A function F of a module is the exported symbol rhm_call_F. Several threads may be in it at once.
typedef int32_t rhm_function(const rhm_call *call);

// What a module says of itself.
typedef struct rhm_info {
    // RHM_ABI of this header.
    uint32_t abi;
    uint32_t reserved;
    // The module's name: that of its file.
    const char *name;
    // Its version, a text of its author's; at most 255 bytes of UTF-8.
    const char *vsn;
} rhm_info;

// The exported symbol rhm_module_info, which every module has.
typedef const rhm_info *rhm_info_function(void);
// The exported symbol rhm_module_load, which a module may have: called once, before any rhm_call_F and with nothing else of
// this version running. Another value than 0 refuses the module.
typedef int32_t rhm_load_function(void);
// The exported symbol rhm_module_unload, which a module may have: called once, when nobody is in this version any more nor
// will be. Threads of its own must have ended when it returns. A library that can't be unmapped, and comes back, is called
// again: its load, then its unload.
typedef void rhm_unload_function(void);

#define RHM_MODULE(NAME, VSN)                                                                                             \
    RHM_EXPORT const rhm_info *rhm_module_info(void);                                                                     \
    RHM_EXPORT const rhm_info *rhm_module_info(void)                                                                      \
    {                                                                                                                     \
        static const rhm_info info = {RHM_ABI, 0, NAME, VSN};                                                             \
        return &info;                                                                                                     \
    }

#define RHM_FUNCTION(NAME)                                                                                                \
    RHM_EXPORT int32_t rhm_call_##NAME(const rhm_call *call);                                                             \
    RHM_EXPORT int32_t rhm_call_##NAME(const rhm_call *call)

#endif
