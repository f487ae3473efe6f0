#define _GNU_SOURCE
#include "CHost.h"

// Of the Swift run-time, whose headers are not installed: `void swift_task_enqueueGlobal(Job *)` calls the hook where there is one, and a
// job is run by `swift_job_run(Job *, SerialExecutorRef)`, whose second parameter, two words, is zero for no executor in particular.
// Weak: the tests of these sources in C are linked without it. Source: swift/Runtime/Concurrency.h.
#if defined(__clang__)
typedef __attribute__((swiftcall)) void (*enqueue_hook)(void *job, void *original);
extern enqueue_hook swift_task_enqueueGlobal_hook __attribute__((weak));
extern __attribute__((swiftcall)) void swift_job_run(void *job, void *executor, uintptr_t implementation)
    __attribute__((weak));

static void (*taker)(void *job);

static __attribute__((swiftcall)) void take(void *job, void *original)
{
    (void)original;
    taker(job);
}

int chost_take_tasks(void (*take_job)(void *job))
{
    if (!&swift_task_enqueueGlobal_hook || !swift_job_run)
        return 0;
    taker = take_job;
    swift_task_enqueueGlobal_hook = take;
    return 1;
}

void chost_run_job(void *job)
{
    swift_job_run(job, NULL, 0);
}
#endif
