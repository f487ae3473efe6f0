#include "worker.h"

#include "CWorkerKit.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void serve_listener(struct worker *worker) {
    while (worker->connection_count < MAX_CONNECTIONS) {
        int descriptor = cwk_accept(worker->listener);
        if (descriptor < 0) return;
        struct connection *connection = &worker->connections[worker->connection_count++];
        *connection = (struct connection){.descriptor = descriptor, .number = ++worker->last_number};
    }
}

void close_connection(struct worker *worker, int index) {
    close(worker->connections[index].descriptor);
    worker->connections[index] = worker->connections[--worker->connection_count];
}

// Returns 0 where the client is gone.
static int answer(struct worker *worker, struct connection *connection) {
    char line[160];
    worker->total += 1;
    connection->count += 1;
    int count = snprintf(
        line, sizeof line, "%lld %lld %lld %s\n", (long long)connection->number, (long long)connection->count,
        (long long)worker->total, worker->vsn);
    for (int sent = 0; sent < count;) {
        int part = cwk_send(connection->descriptor, line + sent, (size_t)(count - sent));
        if (part == -EAGAIN) {
            struct pollfd polled = {.fd = connection->descriptor, .events = POLLOUT};
            poll(&polled, 1, -1);
        } else if (part < 0) {
            return 0;
        } else {
            sent += part;
        }
    }
    return 1;
}

// Every whole line is a request.
static int answer_received(struct worker *worker, struct connection *connection) {
    uint8_t *end;
    while ((end = memchr(connection->input, '\n', connection->input_count))) {
        uint32_t count = (uint32_t)(end - connection->input) + 1;
        connection->input_count -= count;
        memmove(connection->input, end + 1, connection->input_count);
        if (!answer(worker, connection)) return 0;
    }
    return connection->input_count < MAX_INPUT;
}

int serve_connection(struct worker *worker, struct connection *connection) {
    int count = cwk_receive(
        connection->descriptor, connection->input + connection->input_count, MAX_INPUT - connection->input_count);
    if (count == -EAGAIN || count == -EINTR) return 1;
    if (count <= 0) return 0;
    connection->input_count += (uint32_t)count;
    return answer_received(worker, connection);
}

void serve_received(struct worker *worker) {
    for (int index = worker->connection_count - 1; index >= 0; index -= 1) {
        if (!answer_received(worker, &worker->connections[index])) close_connection(worker, index);
    }
}
