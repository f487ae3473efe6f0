#define _GNU_SOURCE
#include "cmodules-tests.h"

#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// Versions replaced under threads that call without pause.

enum { THREADS = 4, SWAPS = 1000 };
static atomic_bool is_over;
static atomic_long wrong_calls;
static rhl_module *swapped;
static pthread_barrier_t all_call;

static void *call_without_pause(void *unused)
{
    int number = rhl_function_named(swapped, "number"), quick = rhl_function_named(swapped, "quick");
    bool is_first = true;
    (void)unused;
    while (!atomic_load(&is_over)) {
        rhl_entry entry;
        int byte = rhl_enter(swapped, number, &entry) == RHL_OK ? call_entered(&entry) : -100;
        if (byte < 1 || byte > 3)
            atomic_fetch_add(&wrong_calls, 1);
        for (int i = 0; i < 10; i++) {
            uint8_t *answer = NULL;
            size_t size = 0;
            if (rhl_enter(swapped, quick, &entry) != RHL_OK || rhl_invoke(&entry, NULL, 0, &answer, &size) != RHL_OK)
                atomic_fetch_add(&wrong_calls, 1);
            rhl_leave(&entry);
        }
        // Held versions go on, too, one that was replaced among them.
        rhl_version *held = rhl_hold(swapped);
        byte = held && rhl_enter_held(held, number, &entry) == RHL_OK ? call_entered(&entry) : -100;
        if (byte < 1 || byte > 3)
            atomic_fetch_add(&wrong_calls, 1);
        rhl_release(held);
        if (is_first)
            pthread_barrier_wait(&all_call);
        is_first = false;
    }
    return NULL;
}

static int count_entries(const char *path)
{
    DIR *directory = opendir(path);
    int count = 0;
    while (readdir(directory)) count++;
    closedir(directory);
    return count;
}

// A number behind a word in a file of /proc, or how often the word is there.
static long read_process(const char *path, const char *word, bool is_counted)
{
    char line[4352];
    long found = 0;
    FILE *file = fopen(path, "re");
    while (fgets(line, sizeof line, file)) {
        char *place = strstr(line, word);
        if (place)
            found = is_counted ? found + 1 : atol(place + strlen(word));
    }
    fclose(file);
    return found;
}

void test_swaps(void)
{
    rhl_server *server = rhl_create();
    pthread_t threads[THREADS];
    int files[] = {open_module("versions-1.so"), open_module("versions-2.so"), open_module("versions-3.so")};
    long maps = 0, memory = 0, descriptors = 0;
    forget_notes();
    swapped = rhl_module_named(server, "versions");
    CHECK_EQUAL(rhl_load(server, "versions", identity(1), files[0], NULL), RHL_OK);
    pthread_barrier_init(&all_call, NULL, THREADS + 1);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, call_without_pause, NULL);
    pthread_barrier_wait(&all_call);
    for (int i = 1; i <= SWAPS; i++) {
        int result;
        // Until those in the old one have left it.
        while ((result = rhl_load(server, "versions", identity(1 + i % 3), files[i % 3], NULL)) == RHL_IN_USE)
            sched_yield();
        CHECK_EQUAL(result, RHL_OK);
        if (i == 100 || i == SWAPS) {
            long rss = read_process("/proc/self/status", "VmRSS:", false);
            long lines = read_process("/proc/self/maps", "/versions-", true);
            long fds = count_entries("/proc/self/fd");
            if (i == 100) {
                maps = lines, memory = rss, descriptors = fds;
                continue;
            }
            CHECK_EQUAL(lines, maps);
            CHECK_EQUAL(fds, descriptors);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
            if (rss > memory + 1024)
                CHECK_EQUAL(rss, memory);
#else
            (void)memory;
#endif
        }
    }
    atomic_store(&is_over, true);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    CHECK_EQUAL(wrong_calls, 0);
    CHECK_EQUAL(begun[1] + begun[2] + begun[3], SWAPS + 1);
    CHECK_EQUAL(ended[1] + ended[2] + ended[3], SWAPS - 1);
    CHECK_EQUAL(status_at(server, 0).calls + status_at(server, 1).calls, 0);
    CHECK_EQUAL(status_at(server, 0).holds + status_at(server, 1).holds, 0);
    CHECK_EQUAL(rhl_purge(server, "versions"), RHL_OK);
    CHECK_EQUAL(rhl_delete(server, "versions", NULL), RHL_OK);
    CHECK_EQUAL(rhl_purge(server, "versions"), RHL_OK);
    CHECK_EQUAL(ended[1] + ended[2] + ended[3], SWAPS + 1);
    CHECK_EQUAL(count_versions(server), 0);
    CHECK_EQUAL(read_process("/proc/self/maps", "/versions-", true), 0);
    pthread_barrier_destroy(&all_call);
    for (int i = 0; i < 3; i++)
        close(files[i]);
    rhl_destroy(server);
}
