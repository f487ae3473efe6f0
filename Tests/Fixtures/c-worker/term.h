#pragma once

#include <stddef.h>
#include <stdint.h>

// The external term format, as far as a worker without data of its users needs it: docs/worker-protocol.md, section 8.

struct reader {
    const uint8_t *bytes;
    size_t count;
    size_t offset;
};

struct writer {
    uint8_t *bytes;
    size_t count;
    size_t capacity;
};

// Reading. What is not there as it is asked for ends the worker: the daemon writes what the document says.
uint32_t read_tuple(struct reader *reader);
uint32_t read_map(struct reader *reader);
// A list's head; what follows its elements is for `read_list_end`.
uint32_t read_list(struct reader *reader);
void read_list_end(struct reader *reader, uint32_t count);
int64_t read_integer(struct reader *reader);
// Into a buffer of 256 bytes.
void read_atom(struct reader *reader, char *name);
// A binary, an atom or a string, as text; into `capacity` bytes with its end.
void read_text(struct reader *reader, char *text, size_t capacity);
const uint8_t *read_binary(struct reader *reader, uint32_t *count);
int is_atom(const struct reader *reader);
int is_tuple(const struct reader *reader);
void skip_term(struct reader *reader);

void write_version(struct writer *writer);
void write_tuple(struct writer *writer, uint8_t count);
void write_map(struct writer *writer, uint32_t count);
// Its elements follow, then `write_list_end`; one without elements is the end alone.
void write_list(struct writer *writer, uint32_t count);
void write_list_end(struct writer *writer);
void write_integer(struct writer *writer, int64_t value);
void write_atom(struct writer *writer, const char *name);
void write_binary(struct writer *writer, const void *bytes, uint32_t count);
// A list of code points, as Erlang has its strings.
void write_string(struct writer *writer, const char *text);

_Noreturn void fail(const char *what);
