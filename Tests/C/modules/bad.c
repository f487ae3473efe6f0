#include <release_handler_module.h>

#include <stdlib.h>

// Modules that are wrong, each in one way.

#define INFO(...)                                                              \
    RHM_EXPORT const rhm_info *rhm_module_info(void);                          \
    RHM_EXPORT const rhm_info *rhm_module_info(void)                           \
    {                                                                          \
        static const rhm_info info = {__VA_ARGS__};                            \
        return &info;                                                          \
    }

#define TEN "0123456789"
#define FIFTY TEN TEN TEN TEN TEN

#if defined(NO_ENTRY)
int nothing;
#elif defined(NO_INFO)
RHM_EXPORT const rhm_info *rhm_module_info(void);
RHM_EXPORT const rhm_info *rhm_module_info(void) { return NULL; }
#elif defined(WRONG_ABI)
INFO(2, 0, "bad", "1")
#elif defined(WRONG_NAME)
INFO(RHM_ABI, 0, "good", "1")
#elif defined(NO_VSN)
INFO(RHM_ABI, 0, "bad", NULL)
#elif defined(LONG_VSN)
INFO(RHM_ABI, 0, "bad", FIFTY FIFTY FIFTY FIFTY FIFTY "123456")
#elif defined(LONGEST_VSN)
INFO(RHM_ABI, 0, "bad", FIFTY FIFTY FIFTY FIFTY FIFTY "12345")
#elif defined(NO_UTF8)
INFO(RHM_ABI, 0, "bad", "1\xc3")
#elif defined(REFUSES)
INFO(RHM_ABI, 0, "bad", "1")
RHM_EXPORT int32_t rhm_module_load(void);
RHM_EXPORT int32_t rhm_module_load(void) { return 5; }
#elif defined(UNDEFINED)
INFO(RHM_ABI, 0, "bad", "1")
void no_such_symbol(void);
RHM_FUNCTION(call)
{
    (void)call;
    no_such_symbol();
    return RHM_OK;
}
#elif defined(ABORTS)
INFO(RHM_ABI, 0, "bad", "1")
__attribute__((constructor)) static void begin(void) { abort(); }
#elif defined(DIES)
INFO(RHM_ABI, 0, "bad", "1")
RHM_FUNCTION(die)
{
    (void)call;
    abort();
}
#endif
