#define _GNU_SOURCE
#include "CHost.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/eventfd.h>
#include <unistd.h>

// Those that would end a daemon at once, and that people and service managers send to one.
static const int service_signals[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGALRM};
enum { SERVICE_SIGNALS = sizeof service_signals / sizeof service_signals[0] };

// A bit for each that has come and was not taken.
static _Atomic uint64_t come;
static int descriptor = -1;
// Whether anybody looks at them.
static _Atomic bool is_watched;
// Whether there are processes to be stopped in order from the very beginning.
static bool has_workers;
// Who executes another program.
static pthread_t leaver;

static bool stops(int number) { return number == SIGTERM || number == SIGINT; }

// Handlers, and no blocked signals with a signalfd(2): the main thread of a Swift program waits in sigsuspend(2) with none blocked.
static void note(int number)
{
    // There is nothing yet to be stopped in order, and whoever is to look may be waiting for a disk.
    if (stops(number) && !atomic_load(&is_watched) && !has_workers) _exit(0);
    int before = errno;
    atomic_fetch_or(&come, UINT64_C(1) << number);
    uint64_t one = 1;
    ssize_t written = write(descriptor, &one, sizeof one);
    (void)written;
    errno = before;
}

static void set_handlers(void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    for (int i = 0; i < SERVICE_SIGNALS; i++) sigaction(service_signals[i], &action, NULL);
}

static void set_mask(int how)
{
    sigset_t signals;
    sigemptyset(&signals);
    for (int i = 0; i < SERVICE_SIGNALS; i++) sigaddset(&signals, service_signals[i]);
    pthread_sigmask(how, &signals, NULL);
}

// Until then each waits for the next program: on the thread that becomes it, which has all of them blocked.
static void pass_on(int number)
{
    int before = errno;
    pthread_kill(leaver, number);
    errno = before;
}

int chost_note_service_signals(int workers)
{
    if (workers >= 0) has_workers = workers;
    if (descriptor < 0) {
        descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (descriptor < 0) return -errno;
    }
    set_handlers(note);
    // What has come since before the program was executed comes now.
    set_mask(SIG_UNBLOCK);
    return 0;
}

int chost_watch_service_signals(void)
{
    int error = chost_note_service_signals(-1);
    if (error < 0) return error;
    atomic_store(&is_watched, true);
    return descriptor;
}

int chost_next_service_signal(void)
{
    // Before it is looked: what comes after that makes it readable again.
    chost_drain_eventfd(descriptor);
    for (int i = 0; i < SERVICE_SIGNALS; i++) {
        uint64_t bit = UINT64_C(1) << service_signals[i];
        if (atomic_fetch_and(&come, ~bit) & bit) return service_signals[i];
    }
    return 0;
}

void chost_leave_service_signals(void)
{
    // This thread is the one that goes on: for it they wait, and they alone, since the mask is the next program's. What another thread
    // is given it passes on to this one.
    set_mask(SIG_SETMASK);
    leaver = pthread_self();
    set_handlers(pass_on);
    // What was noted and not taken is the next program's, too.
    uint64_t noted = atomic_exchange(&come, 0);
    for (int i = 0; i < SERVICE_SIGNALS; i++)
        if (noted & UINT64_C(1) << service_signals[i]) pthread_kill(leaver, service_signals[i]);
}

void chost_stay_with_service_signals(void)
{
    set_handlers(note);
    set_mask(SIG_UNBLOCK);
}
