#include "term.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fail(const char *what) {
    fprintf(stderr, "c-worker: %s\n", what);
    exit(1);
}

static const uint8_t *take(struct reader *reader, size_t count) {
    if (count > reader->count - reader->offset) fail("a term is cut short");
    reader->offset += count;
    return reader->bytes + reader->offset - count;
}

static uint8_t take8(struct reader *reader) { return *take(reader, 1); }

static uint32_t take16(struct reader *reader) {
    const uint8_t *bytes = take(reader, 2);
    return (uint32_t)bytes[0] << 8 | bytes[1];
}

static uint32_t take32(struct reader *reader) {
    const uint8_t *bytes = take(reader, 4);
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static uint8_t peek(const struct reader *reader) {
    if (reader->offset >= reader->count) fail("a term is cut short");
    return reader->bytes[reader->offset];
}

int is_atom(const struct reader *reader) { return peek(reader) == 119 || peek(reader) == 118; }
int is_tuple(const struct reader *reader) { return peek(reader) == 104 || peek(reader) == 105; }

uint32_t read_tuple(struct reader *reader) {
    switch (take8(reader)) {
    case 104: return take8(reader);
    case 105: return take32(reader);
    default: fail("expected a tuple");
    }
}

uint32_t read_map(struct reader *reader) {
    if (take8(reader) != 116) fail("expected a map");
    return take32(reader);
}

uint32_t read_list(struct reader *reader) {
    switch (take8(reader)) {
    case 106: return 0;
    case 108: return take32(reader);
    default: fail("expected a list");
    }
}

void read_list_end(struct reader *reader, uint32_t count) {
    if (count > 0 && take8(reader) != 106) fail("an improper list");
}

int64_t read_integer(struct reader *reader) {
    switch (take8(reader)) {
    case 97: return take8(reader);
    case 98: return (int32_t)take32(reader);
    case 110: {
        uint8_t count = take8(reader);
        uint8_t sign = take8(reader);
        if (count > 7) fail("an integer is too large");
        const uint8_t *bytes = take(reader, count);
        int64_t value = 0;
        for (int index = count - 1; index >= 0; index -= 1) value = value << 8 | bytes[index];
        return sign ? -value : value;
    }
    default: fail("expected an integer");
    }
}

void read_atom(struct reader *reader, char *name) {
    if (!is_atom(reader)) fail("expected an atom");
    read_text(reader, name, 256);
}

void read_text(struct reader *reader, char *text, size_t capacity) {
    uint32_t count = 0;
    switch (take8(reader)) {
    case 119: count = take8(reader); break;
    case 118: case 107: count = take16(reader); break;
    case 109: count = take32(reader); break;
    case 106: break;
    default: fail("expected a text");
    }
    const uint8_t *bytes = take(reader, count);
    if (count >= capacity) fail("a text is too long");
    memcpy(text, bytes, count);
    text[count] = 0;
}

const uint8_t *read_binary(struct reader *reader, uint32_t *count) {
    if (take8(reader) != 109) fail("expected a binary");
    *count = take32(reader);
    return take(reader, *count);
}

void skip_term(struct reader *reader) {
    uint64_t count = 0;
    switch (take8(reader)) {
    case 97: take(reader, 1); return;
    case 98: take(reader, 4); return;
    case 70: take(reader, 8); return;
    case 110: count = take8(reader); take(reader, count + 1); return;
    case 111: count = take32(reader); take(reader, count + 1); return;
    case 119: case 115: take(reader, take8(reader)); return;
    case 118: case 100: case 107: take(reader, take16(reader)); return;
    case 109: take(reader, take32(reader)); return;
    case 106: return;
    case 104: count = take8(reader); break;
    case 105: count = take32(reader); break;
    case 108: count = (uint64_t)take32(reader) + 1; break;
    case 116: count = 2 * (uint64_t)take32(reader); break;
    default: fail("a term of a kind that is not known");
    }
    while (count-- > 0) skip_term(reader);
}

static uint8_t *reserve(struct writer *writer, size_t count) {
    while (writer->capacity - writer->count < count) {
        writer->capacity = writer->capacity ? writer->capacity * 2 : 256;
        writer->bytes = realloc(writer->bytes, writer->capacity);
        if (!writer->bytes) fail("out of memory");
    }
    writer->count += count;
    return writer->bytes + writer->count - count;
}

static void put8(struct writer *writer, uint8_t value) { *reserve(writer, 1) = value; }

static void put32(struct writer *writer, uint32_t value) {
    uint8_t *bytes = reserve(writer, 4);
    for (int index = 0; index < 4; index += 1) bytes[index] = (uint8_t)(value >> (24 - 8 * index));
}

static void put(struct writer *writer, const void *bytes, size_t count) {
    if (count > 0) memcpy(reserve(writer, count), bytes, count);
}

void write_version(struct writer *writer) { put8(writer, 131); }

void write_tuple(struct writer *writer, uint8_t count) {
    put8(writer, 104);
    put8(writer, count);
}

void write_map(struct writer *writer, uint32_t count) {
    put8(writer, 116);
    put32(writer, count);
}

void write_list(struct writer *writer, uint32_t count) {
    if (count == 0) return;
    put8(writer, 108);
    put32(writer, count);
}

void write_list_end(struct writer *writer) { put8(writer, 106); }

void write_integer(struct writer *writer, int64_t value) {
    if (value >= 0 && value < 256) {
        put8(writer, 97);
        put8(writer, (uint8_t)value);
    } else if (value >= INT32_MIN && value <= INT32_MAX) {
        put8(writer, 98);
        put32(writer, (uint32_t)(int32_t)value);
    } else {
        uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;
        put8(writer, 110);
        put8(writer, 8);
        put8(writer, value < 0);
        for (int index = 0; index < 8; index += 1) put8(writer, (uint8_t)(rest >> (8 * index)));
    }
}

void write_atom(struct writer *writer, const char *name) {
    put8(writer, 119);
    put8(writer, (uint8_t)strlen(name));
    put(writer, name, strlen(name));
}

void write_binary(struct writer *writer, const void *bytes, uint32_t count) {
    put8(writer, 109);
    put32(writer, count);
    put(writer, bytes, count);
}

void write_string(struct writer *writer, const char *text) {
    write_list(writer, (uint32_t)strlen(text));
    for (const char *point = text; *point; point += 1) write_integer(writer, (uint8_t)*point);
    write_list_end(writer);
}
