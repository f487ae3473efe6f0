#define _GNU_SOURCE
#include "cmodules-tests.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

// Libraries that are none, and the program that keeps what they do to itself.

// MARK: Bad libraries

// A copy of a library in memory, for a test to damage.
static int copy_module(const char *file, size_t *size)
{
    static char bytes[1 << 20];
    int fd = open_module(file), copy = memfd_create("module", MFD_CLOEXEC);
    ssize_t count = read(fd, bytes, sizeof bytes);
    CHECK(count > 0 && count < (ssize_t)sizeof bytes);
    CHECK_EQUAL(write(copy, bytes, count), count);
    close(fd);
    *size = count;
    return copy;
}

static void check_refusal(rhl_server *server, const char *module, int fd, const char *expected)
{
    static unsigned number = 1000;
    rhl_error error = {""};
    CHECK_EQUAL(rhl_load(server, module, identity(number++), fd, &error), RHL_BAD_LIBRARY);
    if (strstr(error.text, expected) == NULL) {
        fprintf(stderr, "\"%s\" is said, expected \"%s\"\n", error.text, expected);
        CHECK(!"the sentence");
    }
}

static void check_kind(rhl_server *server, const char *file, const char *expected)
{
    int fd = open_module(file);
    check_refusal(server, "bad", fd, expected);
    close(fd);
}

static void patch(int fd, off_t offset, uint16_t value) { CHECK_EQUAL(pwrite(fd, &value, 2, offset), 2); }

void test_bad_libraries(void)
{
    rhl_server *server = rhl_create();
    check_kind(server, "bad-NO_ENTRY.so", "bad.so is no functional module: it does not export rhm_module_info");
    check_kind(server, "bad-NO_INFO.so", "rhm_module_info of bad.so returns nothing");
    check_kind(server, "bad-WRONG_ABI.so",
        "bad.so was made for version 2 of the interface of modules, this program has version 1");
    check_kind(server, "bad-WRONG_NAME.so", "bad.so says that its name is good");
    check_kind(server, "bad-NO_VSN.so", "bad.so has no vsn");
    check_kind(server, "bad-LONG_VSN.so", "the vsn of bad.so is longer than 255 bytes");
    check_kind(server, "bad-NO_UTF8.so", "the vsn of bad.so is no UTF-8");
    check_kind(server, "bad-REFUSES.so", "bad.so does not want to be loaded: its rhm_module_load returned 5");
    check_kind(server, "bad-UNDEFINED.so", "bad.so can't be loaded: undefined symbol: no_such_symbol");
    CHECK_EQUAL(count_versions(server), 0);
    CHECK_EQUAL(call_byte(rhl_module_named(server, "bad"), "call"), RHL_NOT_LOADED);

    // One that works runs on while others are refused.
    int good = open_module("versions-1.so");
    rhl_module *module = rhl_module_named(server, "versions");
    CHECK_EQUAL(rhl_load(server, "versions", identity(1), good, NULL), RHL_OK);
    CHECK_EQUAL(rhl_load(server, "versions", "12", good, NULL), RHL_BAD_LIBRARY);
    // Under another name the file is another module, and refused by what it says of itself.
    check_refusal(server, "other", good, "other.so says that its name is versions");
    close(good);

    size_t size;
    int fd = copy_module("versions-2.so", &size);
    patch(fd, offsetof(Elf64_Ehdr, e_machine), EM_S390);
    check_refusal(server, "versions", fd, "versions.so is for s390x, this machine is ");
    patch(fd, offsetof(Elf64_Ehdr, e_machine), 4711);
    check_refusal(server, "versions", fd, "versions.so is for the machine number 4711, this machine is ");
    close(fd);
    fd = copy_module("versions-2.so", &size);
    patch(fd, offsetof(Elf64_Ehdr, e_type), ET_REL);
    check_refusal(server, "versions", fd, "versions.so is no shared library but an object file");
    close(fd);

    // Cut off anywhere.
    fd = copy_module("versions-2.so", &size);
    for (size_t length = size - 1; length > 4; length = length < 200 ? length - 1 : length - 61) {
        CHECK_EQUAL(ftruncate(fd, length), 0);
        check_refusal(server, "versions", fd, "versions.so is cut off: it has ");
    }
    CHECK_EQUAL(ftruncate(fd, 3), 0);
    check_refusal(server, "versions", fd, "versions.so is no ELF file");
    CHECK_EQUAL(ftruncate(fd, 0), 0);
    check_refusal(server, "versions", fd, "versions.so is no ELF file");
    CHECK_EQUAL(write(fd, "#!/bin/sh\nexit 0\n", 17), 17);
    check_refusal(server, "versions", fd, "versions.so is no ELF file");
    close(fd);
    fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    check_refusal(server, "versions", fd, "versions.so is no shared library but a program");
    close(fd);
    fd = open("/", O_RDONLY | O_CLOEXEC);
    check_refusal(server, "versions", fd, "versions.so is no file");
    close(fd);
    check_refusal(server, "versions", -1, "versions.so is no file");

    CHECK_EQUAL(count_versions(server), 1);
    CHECK_EQUAL(call_byte(module, "number"), 1);
    fd = open_module("bad-LONGEST_VSN.so");
    CHECK_EQUAL(rhl_load(server, "bad", identity(2), fd, NULL), RHL_OK);
    close(fd);
    rhl_destroy(server);
}

// What was refused and stays mapped is mapped once, however often it is tried.
void test_refused_resident(void)
{
    rhl_server *server = rhl_create();
    int fd = open_module("bad-PINNED.so"), next = -1;
    for (int i = 0; i < 3; i++) {
        CHECK_EQUAL(rhl_load(server, "bad", identity(1), fd, NULL), RHL_BAD_LIBRARY);
        CHECK_EQUAL(count_versions(server), 1);
        CHECK_EQUAL(status_at(server, 0).state, RHL_RESIDENT);
        int free_one = dup(fd);
        CHECK(next < 0 || free_one == next);
        next = free_one;
        close(free_one);
    }
    close(fd);
    fd = open_module("bad-LONGEST_VSN.so");
    CHECK_EQUAL(rhl_load(server, "bad", identity(2), fd, NULL), RHL_OK);
    CHECK_EQUAL(count_versions(server), 2);
    close(fd);
    rhl_destroy(server);
}

// MARK: module-host

struct ending {
    int exit_status, signal;
    // What it wrote to descriptor 4.
    size_t size;
    char output[256];
};

// Both ends of what it is given and says are files in memory, so that nobody waits for anybody.
static struct ending run_host(const char *file, const char *command, const char *module, const char *third,
    const void *arguments, size_t count)
{
    struct ending ending = {-1, 0, 0, ""};
    int library = open_module(file), output = memfd_create("output", 0), input = memfd_create("input", 0), status;
    CHECK_EQUAL(write(input, arguments, count), (ssize_t)count);
    lseek(input, 0, SEEK_SET);
    pid_t child = fork();
    if (child == 0) {
        // Out of the way of 3 and 4.
        int from[] = {fcntl(input, F_DUPFD, 20), fcntl(library, F_DUPFD, 20), fcntl(output, F_DUPFD, 20)};
        dup2(from[0], 0);
        dup2(from[1], 3);
        dup2(from[2], 4);
        for (int fd = 5; fd < 64; fd++) close(fd);
        // How it is used is told on 2.
        if (!third && strcmp(command, "probe") != 0)
            close(2);
        execl(host_path, "module-host", command, module, third, NULL);
        _exit(99);
    }
    CHECK_EQUAL(waitpid(child, &status, 0), child);
    if (WIFEXITED(status))
        ending.exit_status = WEXITSTATUS(status);
    else
        ending.signal = WTERMSIG(status);
    struct stat size;
    fstat(output, &size);
    ending.size = size.st_size;
    CHECK(pread(output, ending.output, sizeof ending.output - 1, 0) >= 0);
    close(library);
    close(output);
    close(input);
    return ending;
}

static void check_ending(struct ending ending, int exit_status, const char *output)
{
    CHECK_EQUAL(ending.signal, 0);
    CHECK_EQUAL(ending.exit_status, exit_status);
    if (strcmp(ending.output, output) != 0) {
        fprintf(stderr, "\"%s\" is written, expected \"%s\"\n", ending.output, output);
        CHECK(!"the output");
    }
}

void test_host(void)
{
    const char *file = "versions-2.so", *name = "versions";
    check_ending(run_host(file, "probe", name, NULL, "", 0), 0, "loaded 2");
    check_ending(run_host(file, "probe", name, identity(5), "", 0), 0, "loaded 2");
    check_ending(run_host(file, "probe", name, "no identity", "", 0), 65,
        "the identity of versions.so is none: it has 64 hexadecimal digits");
    check_ending(run_host(file, "probe", "other", NULL, "", 0), 65, "other.so says that its name is versions");
    check_ending(run_host(file, "listen", name, NULL, "", 0), 64, "");
    check_ending(run_host(file, "call", name, NULL, "", 0), 64, "");

    check_ending(run_host(file, "call", name, "echo", "\x83j", 2), 0, "\x83j");
    check_ending(run_host(file, "call", name, "descriptors", "\x83j", 2), 0, "\x01");
    check_ending(run_host(file, "call", name, "silent", "\x83j", 2), 0, "\x83w\x02ok");
    check_ending(run_host(file, "call", name, "fail", "\x83j", 2), 1, "*");
    check_ending(run_host(file, "call", name, "fail_silently", "\x83j", 2), 1, "\x83w\tundefined");
    check_ending(run_host(file, "call", name, "no_such", "\x83j", 2), 66, "there is no function no_such");
    check_ending(run_host(file, "call", name, "large", "\x83j", 2), 67,
        "the answer of large has more than 16 MiB, or there is no memory for it");
    CHECK_EQUAL(run_host(file, "call", name, "limit", "\x83j", 2).size, 16777216);
    uint8_t *most = calloc(1, 16777217);
    struct ending ending = run_host(file, "call", name, "echo", most, 16777216);
    CHECK_EQUAL(ending.exit_status, 0);
    CHECK_EQUAL(ending.size, 16777216);
    check_ending(run_host(file, "call", name, "echo", most, 16777217), 64, "the arguments have more than 16 MiB");
    free(most);

    check_ending(run_host("bad-WRONG_ABI.so", "call", "bad", "call", "", 0), 65,
        "bad.so was made for version 2 of the interface of modules, this program has version 1");
    // What ends the process ends nobody else.
    ending = run_host("bad-ABORTS.so", "probe", "bad", NULL, "", 0);
    CHECK_EQUAL(ending.signal, SIGABRT);
    CHECK_EQUAL(ending.size, 0);
    check_ending(run_host("bad-DIES.so", "probe", "bad", NULL, "", 0), 0, "loaded 1");
    ending = run_host("bad-DIES.so", "call", "bad", "die", "", 0);
    CHECK_EQUAL(ending.signal, SIGABRT);
    CHECK_EQUAL(ending.size, 0);
}
