#pragma once
#include <stdatomic.h>

#include "check.h"
#include "release_handler_loader.h"

// What the files of the loader's tests share.

// The directory with the modules, and the program module-host.
extern const char *modules_path, *host_path;

void test_bad_libraries(void);
void test_refused_resident(void);
void test_host(void);
void test_swaps(void);

// How often version N of the modules was told that it begins, and ends.
extern atomic_int begun[16], ended[16];
void forget_notes(void);

// A library of the tests, opened.
int open_module(const char *file);
// An identity by a number, in one of a few places.
const char *identity(unsigned number);
// Calls a function that answers one byte: the byte, or the negative result, or -100 for an answer of another length.
int call_byte(rhl_module *module, const char *function);
size_t count_versions(rhl_server *server);
// Invokes what was entered, and leaves it; the result is that of `call_byte`.
int call_entered(rhl_entry *entry);
rhl_status status_at(rhl_server *server, size_t index);
