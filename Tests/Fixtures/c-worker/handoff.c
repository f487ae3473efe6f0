#include "worker.h"

#include "CWorkerKit.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

// States: {lines, Total} in 1.x, #{total => Total, changes => Changes} from 2.0.0 on. Extra `fail` of a code_change fails.

#define PACKET_DESCRIPTORS 128

static int has_map(const char *vsn) { return atoi(vsn) >= 2; }

static void send_packet(struct worker *worker, struct writer *packet, const int *descriptors, size_t count) {
    for (;;) {
        int result = cwk_send_packet(worker->transfer, packet->bytes, packet->count, descriptors, count);
        if (result >= 0) break;
        if (result == -ETOOMANYREFS) {
            usleep(1000);
        } else if (result == -EAGAIN) {
            if (cwk_wait_ready(worker->transfer, 1, worker->channel, -1) < 0) exit(0);
        } else {
            fail("a packet can't be sent");
        }
    }
    free(packet->bytes);
}

static void write_state(struct worker *worker, struct writer *state, const char *vsn) {
    write_version(state);
    write_tuple(state, 4);
    write_atom(state, "worker_state");
    write_integer(state, 1);
    write_map(state, 2);
    write_atom(state, "timers");
    write_list_end(state);
    write_atom(state, "descriptors");
    write_list(state, (uint32_t)worker->connection_count);
    for (int index = 0; index < worker->connection_count; index += 1) {
        struct connection *connection = &worker->connections[index];
        write_tuple(state, 4);
        write_atom(state, "connection");
        write_integer(state, connection->number);
        write_integer(state, connection->count);
        write_binary(state, connection->input, connection->input_count);
    }
    write_list_end(state);
    if (has_map(vsn)) {
        write_map(state, 2);
        write_atom(state, "total");
        write_integer(state, worker->total);
        write_atom(state, "changes");
        write_integer(state, worker->changes);
    } else {
        write_tuple(state, 2);
        write_atom(state, "lines");
        write_integer(state, worker->total);
    }
}

// {code_change, Vsn | {down, Vsn}, Extra}, or none. Returns whether it is one, and whether it is to fail.
static int read_change(struct reader *message, char *vsn, int *fails) {
    char name[256];
    if (is_atom(message)) {
        skip_term(message);
        return 0;
    }
    read_tuple(message);
    skip_term(message);
    if (is_tuple(message)) {
        read_tuple(message);
        skip_term(message);
    }
    read_text(message, vsn, 64);
    *fails = 0;
    if (is_atom(message)) {
        read_atom(message, name);
        *fails = strcmp(name, "fail") == 0;
    } else {
        skip_term(message);
    }
    return 1;
}

void export_state(struct worker *worker, int64_t ref, struct reader *message) {
    char vsn[64];
    int fails = 0;
    strcpy(vsn, worker->vsn);
    read_change(message, vsn, &fails);
    if (fails) return send_error(worker, ref, "told_to_fail");
    struct writer state = {0};
    write_state(worker, &state, vsn);
    int memory = cwk_memfd_create("worker-state");
    if (memory < 0 || write(memory, state.bytes, state.count) != (ssize_t)state.count) fail("no memory for the state");
    if (cwk_memfd_seal(memory) < 0) fail("the state can't be sealed");
    struct writer packet = {0};
    write_version(&packet);
    write_tuple(&packet, 3);
    write_atom(&packet, "state");
    write_integer(&packet, ref);
    write_integer(&packet, (int64_t)state.count);
    send_packet(worker, &packet, &memory, 1);
    close(memory);
    for (int first = 0; first < worker->connection_count; first += PACKET_DESCRIPTORS) {
        int descriptors[PACKET_DESCRIPTORS];
        int count = 0;
        while (count < PACKET_DESCRIPTORS && first + count < worker->connection_count) {
            descriptors[count] = worker->connections[first + count].descriptor;
            count += 1;
        }
        packet = (struct writer){0};
        write_version(&packet);
        write_tuple(&packet, 4);
        write_atom(&packet, "descriptors");
        write_integer(&packet, ref);
        write_integer(&packet, first);
        write_integer(&packet, count);
        send_packet(worker, &packet, descriptors, (size_t)count);
    }
    struct writer frame = {0};
    write_version(&frame);
    write_tuple(&frame, 3);
    write_atom(&frame, "exported");
    write_integer(&frame, ref);
    write_map(&frame, 2);
    write_atom(&frame, "size");
    write_integer(&frame, (int64_t)state.count);
    write_atom(&frame, "descriptors");
    write_integer(&frame, worker->connection_count);
    send_frame(worker, &frame);
    free(state.bytes);
}

// Packets of this handoff; those of one that was called off are closed.
static int receive(struct worker *worker, int64_t ref, int64_t announced, int *descriptors) {
    int memory = -1;
    int64_t received = 0;
    while (memory < 0 || received < announced) {
        uint8_t bytes[1024];
        int part[PACKET_DESCRIPTORS];
        size_t count = PACKET_DESCRIPTORS;
        int truncated = 0;
        int size = cwk_receive_packet(worker->transfer, bytes, sizeof bytes, part, &count, &truncated);
        if (size == -EAGAIN) {
            if (cwk_wait_ready(worker->transfer, 0, worker->channel, -1) < 0) exit(0);
            continue;
        }
        if (size <= 0 || truncated) fail("a packet is lost");
        struct reader packet = {.bytes = bytes, .count = (size_t)size, .offset = 1};
        char name[256];
        read_tuple(&packet);
        read_atom(&packet, name);
        int isOurs = read_integer(&packet) == ref;
        if (isOurs && strcmp(name, "state") == 0 && count == 1) {
            memory = part[0];
            continue;
        }
        for (size_t index = 0; index < count; index += 1) {
            if (isOurs && received < announced) {
                descriptors[received++] = part[index];
            } else {
                close(part[index]);
            }
        }
    }
    return memory;
}

static void read_records(struct worker *worker, struct reader *state, const int *descriptors, int64_t announced) {
    uint32_t count = read_list(state);
    if (count != announced) fail("records and descriptors differ in number");
    for (uint32_t index = 0; index < count; index += 1) {
        struct connection *connection = &worker->connections[index];
        *connection = (struct connection){.descriptor = descriptors[index]};
        read_tuple(state);
        skip_term(state);
        connection->number = read_integer(state);
        connection->count = read_integer(state);
        const uint8_t *input = read_binary(state, &connection->input_count);
        if (connection->input_count > MAX_INPUT) fail("too much input");
        memcpy(connection->input, input, connection->input_count);
        if (connection->number > worker->last_number) worker->last_number = connection->number;
    }
    read_list_end(state, count);
    worker->connection_count = (int)count;
}

static void read_own(struct worker *worker, struct reader *state) {
    char name[256];
    if (is_tuple(state)) {
        read_tuple(state);
        skip_term(state);
        worker->total = read_integer(state);
        return;
    }
    for (uint32_t left = read_map(state); left > 0; left -= 1) {
        read_atom(state, name);
        if (strcmp(name, "total") == 0) worker->total = read_integer(state);
        else worker->changes = read_integer(state);
    }
}

void import_state(struct worker *worker, int64_t ref, struct reader *message) {
    char name[256];
    char vsn[64];
    int64_t size = 0;
    int64_t announced = 0;
    int fails = 0;
    int isChange = 0;
    for (uint32_t left = read_map(message); left > 0; left -= 1) {
        read_atom(message, name);
        if (strcmp(name, "size") == 0) size = read_integer(message);
        else if (strcmp(name, "descriptors") == 0) announced = read_integer(message);
        else if (strcmp(name, "change") == 0) isChange = read_change(message, vsn, &fails);
        else skip_term(message);
    }
    if (announced > MAX_CONNECTIONS || size <= 0) return send_error(worker, ref, "too_much");
    int descriptors[MAX_CONNECTIONS];
    int memory = receive(worker, ref, announced, descriptors);
    if (fails) {
        for (int64_t index = 0; index < announced; index += 1) close(descriptors[index]);
        close(memory);
        return send_error(worker, ref, "told_to_fail");
    }
    const uint8_t *bytes = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, memory, 0);
    if (bytes == MAP_FAILED) fail("the state can't be mapped");
    struct reader state = {.bytes = bytes, .count = (size_t)size, .offset = 1};
    read_tuple(&state);
    skip_term(&state);
    skip_term(&state);
    for (uint32_t left = read_map(&state); left > 0; left -= 1) {
        read_atom(&state, name);
        if (strcmp(name, "descriptors") == 0) read_records(worker, &state, descriptors, announced);
        else skip_term(&state);
    }
    // A state that was not converted is one of another version.
    if (!isChange && is_tuple(&state) == has_map(worker->vsn)) fail("the state is of another version");
    read_own(worker, &state);
    worker->changes += isChange;
    munmap((void *)bytes, (size_t)size);
    close(memory);
    worker->status = status_imported;
    send_ok(worker, ref);
}
