#define _GNU_SOURCE
#include "cmodules-tests.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

COUNT_CHECKS;

const char *modules_path, *host_path;

// MARK: What the modules call

atomic_int begun[16], ended[16];
static pthread_barrier_t entered, left;

void test_note(int number, char what);
void test_wait(void);

void test_note(int number, char what) { atomic_fetch_add(what == '+' ? &begun[number] : &ended[number], 1); }

void test_wait(void)
{
    pthread_barrier_wait(&entered);
    pthread_barrier_wait(&left);
}

void forget_notes(void)
{
    for (int i = 0; i < 16; i++) {
        atomic_store(&begun[i], 0);
        atomic_store(&ended[i], 0);
    }
}

// MARK: Helpers

int open_module(const char *file)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", modules_path, file);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    CHECK(fd >= 0);
    return fd;
}

const char *identity(unsigned number)
{
    static char texts[8][RHL_IDENTITY_SIZE + 1];
    static unsigned next;
    char *text = texts[next++ % 8];
    snprintf(text, RHL_IDENTITY_SIZE + 1, "%064x", number);
    return text;
}

static int load(rhl_server *server, const char *file, unsigned number)
{
    rhl_error error = {""};
    int fd = open_module(file);
    int result = rhl_load(server, "versions", identity(number), fd, &error);
    CHECK(result == RHL_OK || error.text[0] != '\0');
    close(fd);
    return result;
}

static int byte_of(int result, uint8_t *answer, size_t size)
{
    int byte = result != RHL_OK ? result : size == 1 ? answer[0] : -100;
    free(answer);
    return byte;
}

int call_entered(rhl_entry *entry)
{
    uint8_t *answer = NULL;
    size_t size = 0;
    int result = rhl_invoke(entry, NULL, 0, &answer, &size);
    rhl_leave(entry);
    return byte_of(result, answer, size);
}

int call_byte(rhl_module *module, const char *function)
{
    rhl_entry entry;
    int result = rhl_enter(module, rhl_function_named(module, function), &entry);
    return result == RHL_OK ? call_entered(&entry) : result;
}

static int call_held(rhl_module *module, rhl_version *held, const char *function)
{
    rhl_entry entry;
    int result = rhl_enter_held(held, rhl_function_named(module, function), &entry);
    return result == RHL_OK ? call_entered(&entry) : result;
}

size_t count_versions(rhl_server *server) { return rhl_versions(server, NULL, 0); }

rhl_status status_at(rhl_server *server, size_t index)
{
    rhl_status list[8];
    memset(list, 0, sizeof list);
    CHECK(rhl_versions(server, list, 8) > index);
    return list[index];
}

// MARK: Versions

static void test_versions(void)
{
    rhl_server *server = rhl_create();
    rhl_module *module = rhl_module_named(server, "versions");
    CHECK(rhl_can_load());
    CHECK_EQUAL(call_byte(module, "number"), RHL_NOT_LOADED);
    CHECK(rhl_hold(module) == NULL);
    CHECK_EQUAL(rhl_purge(server, "versions"), RHL_OK);
    CHECK_EQUAL(rhl_delete(server, "versions", NULL), RHL_OK);
    CHECK_EQUAL(count_versions(server), 0);

    forget_notes();
    CHECK_EQUAL(load(server, "versions-1.so", 1), RHL_OK);
    CHECK_EQUAL(call_byte(module, "number"), 1);
    CHECK_EQUAL(call_byte(module, "newer"), RHL_NO_FUNCTION);
    CHECK_EQUAL(load(server, "versions-2.so", 2), RHL_OK);
    CHECK_EQUAL(call_byte(module, "number"), 2);
    CHECK_EQUAL(call_byte(module, "newer"), 2);
    rhl_status status = status_at(server, 0);
    CHECK_EQUAL(strcmp(status.module, "versions"), 0);
    CHECK_EQUAL(strcmp(status.vsn, "2"), 0);
    CHECK_EQUAL(strcmp(status.identity, identity(2)), 0);
    CHECK_EQUAL(status.state, RHL_CURRENT);
    status = status_at(server, 1);
    CHECK_EQUAL(strcmp(status.vsn, "1"), 0);
    CHECK_EQUAL(status.state, RHL_OLD);
    CHECK_EQUAL(status.calls + status.holds, 0);

    // What is there already is loaded by a change of roles.
    CHECK_EQUAL(load(server, "versions-2.so", 2), RHL_OK);
    CHECK_EQUAL(load(server, "versions-1.so", 1), RHL_OK);
    CHECK_EQUAL(call_byte(module, "number"), 1);
    CHECK_EQUAL(status_at(server, 0).vsn[0], '1');
    CHECK_EQUAL(status_at(server, 1).vsn[0], '2');
    CHECK_EQUAL(begun[1] + begun[2], 2);
    CHECK_EQUAL(ended[1] + ended[2], 0);

    // Of three there are two, and the first is told once.
    CHECK_EQUAL(load(server, "versions-3.so", 3), RHL_OK);
    CHECK_EQUAL(ended[2], 1);
    CHECK_EQUAL(count_versions(server), 2);
    CHECK_EQUAL(rhl_purge(server, "versions"), RHL_OK);
    CHECK_EQUAL(ended[1], 1);
    CHECK_EQUAL(count_versions(server), 1);

    CHECK_EQUAL(rhl_delete(server, "versions", NULL), RHL_OK);
    CHECK_EQUAL(call_byte(module, "number"), RHL_NOT_LOADED);
    CHECK_EQUAL(status_at(server, 0).state, RHL_OLD);
    CHECK_EQUAL(rhl_delete(server, "versions", NULL), RHL_OK);
    CHECK_EQUAL(load(server, "versions-3.so", 3), RHL_OK);
    CHECK_EQUAL(call_byte(module, "number"), 3);
    CHECK_EQUAL(count_versions(server), 1);
    CHECK_EQUAL(begun[3], 1);
    rhl_destroy(server);
    CHECK_EQUAL(ended[3], 1);
    CHECK_EQUAL(ended[1] + ended[2], 2);
}

static void test_held(void)
{
    rhl_server *server = rhl_create();
    rhl_module *module = rhl_module_named(server, "versions");
    forget_notes();
    CHECK_EQUAL(load(server, "versions-1.so", 1), RHL_OK);
    rhl_version *held = rhl_hold(module);
    CHECK_EQUAL(load(server, "versions-2.so", 2), RHL_OK);
    CHECK_EQUAL(call_held(module, held, "number"), 1);
    CHECK_EQUAL(call_held(module, held, "newer"), RHL_NO_FUNCTION);
    CHECK_EQUAL(call_byte(module, "number"), 2);
    CHECK_EQUAL(status_at(server, 1).holds, 1);

    CHECK_EQUAL(load(server, "versions-3.so", 3), RHL_IN_USE);
    CHECK_EQUAL(rhl_delete(server, "versions", NULL), RHL_IN_USE);
    CHECK_EQUAL(rhl_purge(server, "versions"), RHL_IN_USE);
    CHECK_EQUAL(call_byte(module, "number"), 2);
    CHECK_EQUAL(count_versions(server), 2);
    CHECK_EQUAL(begun[3] + ended[1] + ended[2], 0);

    // A call that is under way outlasts the hold that it came by.
    rhl_entry entry;
    CHECK_EQUAL(rhl_enter_held(held, rhl_function_named(module, "number"), &entry), RHL_OK);
    rhl_release(held);
    CHECK_EQUAL(status_at(server, 1).calls, 1);
    CHECK_EQUAL(rhl_purge(server, "versions"), RHL_IN_USE);
    CHECK_EQUAL(call_entered(&entry), 1);
    CHECK_EQUAL(load(server, "versions-3.so", 3), RHL_OK);
    CHECK_EQUAL(ended[1], 1);
    rhl_destroy(server);
}

static void *call_wait(void *module)
{
    CHECK_EQUAL(call_byte(module, "wait"), 1);
    return NULL;
}

static void test_thread_inside(void)
{
    rhl_server *server = rhl_create();
    rhl_module *module = rhl_module_named(server, "versions");
    pthread_t thread;
    forget_notes();
    pthread_barrier_init(&entered, NULL, 2);
    pthread_barrier_init(&left, NULL, 2);
    CHECK_EQUAL(load(server, "versions-1.so", 1), RHL_OK);
    pthread_create(&thread, NULL, call_wait, module);
    pthread_barrier_wait(&entered);
    CHECK_EQUAL(load(server, "versions-2.so", 2), RHL_OK);
    CHECK_EQUAL(status_at(server, 1).calls, 1);
    CHECK_EQUAL(load(server, "versions-3.so", 3), RHL_IN_USE);
    CHECK_EQUAL(rhl_purge(server, "versions"), RHL_IN_USE);
    CHECK_EQUAL(call_byte(module, "number"), 2);
    CHECK_EQUAL(ended[1], 0);
    pthread_barrier_wait(&left);
    pthread_join(thread, NULL);
    CHECK_EQUAL(rhl_purge(server, "versions"), RHL_OK);
    CHECK_EQUAL(ended[1], 1);
    pthread_barrier_destroy(&entered);
    pthread_barrier_destroy(&left);
    rhl_destroy(server);
}

// MARK: Libraries that stay mapped

static void test_residents(const char *first)
{
    rhl_server *server = rhl_create();
    rhl_module *module = rhl_module_named(server, "versions");
    forget_notes();
    CHECK_EQUAL(load(server, first, 1), RHL_OK);
    CHECK_EQUAL(call_byte(module, "count"), 1);
    CHECK_EQUAL(load(server, "versions-2.so", 2), RHL_OK);
    for (int i = 1; i <= 3; i++) {
        CHECK_EQUAL(rhl_purge(server, "versions"), RHL_OK);
        CHECK_EQUAL(ended[4], i);
        CHECK_EQUAL(count_versions(server), 2);
        CHECK_EQUAL(status_at(server, 1).state, RHL_RESIDENT);
        // It comes back as it was, whatever file it comes from: it is not mapped twice.
        CHECK_EQUAL(load(server, i % 2 ? first : "versions-3.so", 1), RHL_OK);
        CHECK_EQUAL(begun[4], i + 1);
        CHECK_EQUAL(call_byte(module, "count"), i + 1);
        CHECK_EQUAL(load(server, "versions-2.so", 2), RHL_OK);
    }
    CHECK_EQUAL(begun[3], 0);
    rhl_destroy(server);
}

static void test_mapped_by_another(void)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/versions-1.so", modules_path);
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    CHECK(handle != NULL);
    rhl_server *server = rhl_create();
    CHECK_EQUAL(load(server, "versions-1.so", 1), RHL_OK);
    CHECK_EQUAL(rhl_delete(server, "versions", NULL), RHL_OK);
    CHECK_EQUAL(rhl_purge(server, "versions"), RHL_OK);
    CHECK_EQUAL(status_at(server, 0).state, RHL_RESIDENT);
    CHECK_EQUAL(rhl_purge(server, "versions"), RHL_OK);
    CHECK_EQUAL(load(server, "versions-1.so", 1), RHL_OK);
    CHECK_EQUAL(call_byte(rhl_module_named(server, "versions"), "number"), 1);
    CHECK_EQUAL(rhl_delete(server, "versions", NULL), RHL_OK);
    CHECK_EQUAL(rhl_purge(server, "versions"), RHL_OK);
    CHECK_EQUAL(status_at(server, 0).state, RHL_RESIDENT);
    dlclose(handle);
    // Then nothing keeps it.
    CHECK_EQUAL(rhl_purge(server, "versions"), RHL_OK);
    CHECK_EQUAL(count_versions(server), 0);
    rhl_destroy(server);
}

// One file under two identities, as one that was written over: two versions, each with its own variables.
static void test_same_file(void)
{
    rhl_server *server = rhl_create();
    rhl_module *module = rhl_module_named(server, "versions");
    CHECK_EQUAL(load(server, "versions-1.so", 1), RHL_OK);
    CHECK_EQUAL(call_byte(module, "count"), 1);
    rhl_version *held = rhl_hold(module);
    CHECK_EQUAL(load(server, "versions-1.so", 2), RHL_OK);
    CHECK_EQUAL(call_byte(module, "count"), 1);
    CHECK_EQUAL(call_held(module, held, "count"), 2);
    rhl_release(held);
    CHECK_EQUAL(load(server, "versions-1.so", 3), RHL_OK);
    CHECK_EQUAL(call_byte(module, "count"), 1);
    rhl_destroy(server);
}

// MARK: Answers and names

static int invoke(rhl_module *module, const char *function, uint8_t **answer, size_t *size)
{
    static const uint8_t arguments[] = {131, 106};
    rhl_entry entry;
    CHECK_EQUAL(rhl_enter(module, rhl_function_named(module, function), &entry), RHL_OK);
    int result = rhl_invoke(&entry, arguments, sizeof arguments, answer, size);
    rhl_leave(&entry);
    return result;
}

static void test_answers(void)
{
    rhl_server *server = rhl_create();
    rhl_module *module = rhl_module_named(server, "versions");
    uint8_t *answer;
    size_t size;
    CHECK_EQUAL(load(server, "versions-1.so", 1), RHL_OK);
    CHECK_EQUAL(invoke(module, "echo", &answer, &size), RHL_OK);
    CHECK(size == 2 && answer[0] == 131 && answer[1] == 106);
    free(answer);
    CHECK_EQUAL(invoke(module, "silent", &answer, &size), RHL_OK);
    CHECK(answer == NULL && size == 0);
    CHECK_EQUAL(invoke(module, "fail", &answer, &size), RHL_FAILED);
    CHECK(size == 1 && answer[0] == 42);
    free(answer);
    CHECK_EQUAL(invoke(module, "fail_silently", &answer, &size), RHL_FAILED);
    CHECK(answer == NULL && size == 0);
    CHECK_EQUAL(invoke(module, "large", &answer, &size), RHL_ANSWER_TOO_LARGE);
    CHECK(answer == NULL && size == 0);
    CHECK_EQUAL(invoke(module, "limit", &answer, &size), RHL_OK);
    CHECK(size == RHL_MAX_ANSWER && answer[RHL_MAX_ANSWER - 1] == 1);
    free(answer);
    CHECK_EQUAL(call_byte(module, "less"), 1);
    CHECK_EQUAL(call_byte(module, "again"), 2);
    rhl_destroy(server);
}

static void test_names(void)
{
    rhl_server *server = rhl_create();
    char long_name[300];
    memset(long_name, 'n', sizeof long_name - 1);
    long_name[299] = '\0';
    CHECK(rhl_module_named(server, long_name) == NULL);
    CHECK_EQUAL(rhl_load(server, long_name, identity(1), 0, NULL), RHL_NO_ROOM);
    CHECK_EQUAL(rhl_delete(server, long_name, NULL), RHL_OK);
    CHECK_EQUAL(rhl_purge(server, long_name), RHL_OK);
    rhl_module *module = rhl_module_named(server, "versions");
    CHECK(module == rhl_module_named(server, "versions"));
    CHECK(module != rhl_module_named(server, "version"));

    CHECK_EQUAL(rhl_function_named(module, "number"), 0);
    CHECK_EQUAL(load(server, "versions-2.so", 2), RHL_OK);
    // Names that no function can have, and numbers that nobody gave.
    const char *none[] = {"", "1st", "a-b", "a b", "gr\xc3\xbc\xc3\x9f", "number@GLIBC", "../number", long_name, "numbe"};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        CHECK_EQUAL(call_byte(module, none[i]), RHL_NO_FUNCTION);
    rhl_entry entry;
    CHECK_EQUAL(rhl_enter(module, -7, &entry), RHL_NO_FUNCTION);
    CHECK_EQUAL(rhl_enter(module, 200, &entry), RHL_NO_FUNCTION);
    CHECK_EQUAL(rhl_enter(module, 100000, &entry), RHL_NO_FUNCTION);
    // Symbols of the module's other kinds, and of the libraries that it is linked with, are no functions.
    CHECK_EQUAL(call_byte(module, "printf"), RHL_NO_FUNCTION);

    // Two names have a number already.
    for (int i = 2; i < 300; i++) {
        char name[32];
        snprintf(name, sizeof name, "name_%d", i);
        int number = rhl_function_named(module, name);
        if (number == RHL_MAX_FUNCTIONS)
            break;
        if (i < 255)
            CHECK(number > 0 && call_byte(module, name) == RHL_NO_FUNCTION);
        if (i > 256)
            CHECK_EQUAL(number, RHL_NO_ROOM);
    }
    CHECK_EQUAL(rhl_function_named(module, "number"), 0);
    CHECK_EQUAL(call_byte(module, "number"), 2);
    CHECK_EQUAL(call_byte(module, "newer"), RHL_NO_FUNCTION);
    rhl_status status = status_at(server, 0);
    CHECK_EQUAL(status.calls, 0);
    rhl_destroy(server);
}

int main(int count, char **arguments)
{
    if (count != 3)
        return 2;
    modules_path = arguments[1];
    host_path = arguments[2];
    test_versions();
    test_held();
    test_thread_inside();
    test_same_file();
    test_mapped_by_another();
    test_answers();
    test_names();
    test_bad_libraries();
    test_host();
    test_swaps();
    // What they map stays.
    test_residents("versions-nodelete.so");
    test_residents("versions-swift.so");
    test_refused_resident();
    return report("CModules");
}
