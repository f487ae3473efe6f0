// A worker in C, from docs/worker-protocol.md, that keeps connections over its changes.
//
// It is of the version of the directory that it lies in, `.../lib/APP-VSN/ebin/MODULE`. Every line that comes on a
// connection of its first listening socket is answered with `CONNECTION COUNT TOTAL VSN`: the connection's number and how
// many lines came on it, how many came to the worker, and the version. Calls: get answers TOTAL, vsn the version, changes
// how often the state was converted.

#include "worker.h"

#include "CWorkerKit.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct worker worker;

void send_frame(struct worker *worker, struct writer *writer) {
    uint8_t length[4];
    for (int index = 0; index < 4; index += 1) length[index] = (uint8_t)(writer->count >> (24 - 8 * index));
    const struct { const uint8_t *bytes; size_t count; } parts[] = {{length, 4}, {writer->bytes, writer->count}};
    for (int index = 0; index < 2; index += 1) {
        for (size_t sent = 0; sent < parts[index].count;) {
            ssize_t count = write(worker->channel, parts[index].bytes + sent, parts[index].count - sent);
            if (count < 0 && errno == EINTR) continue;
            if (count <= 0) exit(0);
            sent += (size_t)count;
        }
    }
    free(writer->bytes);
}

static struct writer answer(const char *name, uint8_t count, int64_t ref) {
    struct writer frame = {0};
    write_version(&frame);
    write_tuple(&frame, count);
    write_atom(&frame, name);
    write_integer(&frame, ref);
    return frame;
}

void send_ok(struct worker *worker, int64_t ref) {
    struct writer frame = answer("ok", 2, ref);
    send_frame(worker, &frame);
}

void send_error(struct worker *worker, int64_t ref, const char *reason) {
    struct writer frame = answer("error", 3, ref);
    write_atom(&frame, reason);
    send_frame(worker, &frame);
}

static void init(int64_t ref, struct reader *message) {
    char name[256];
    char mode[256] = "";
    for (uint32_t left = read_map(message); left > 0; left -= 1) {
        read_atom(message, name);
        if (strcmp(name, "mode") == 0) read_atom(message, mode);
        else if (strcmp(name, "generation") == 0) worker.generation = read_integer(message);
        else skip_term(message);
    }
    worker.status = strcmp(mode, "standby") == 0 ? status_standby : status_running;
    struct writer frame = answer("ack", 3, ref);
    write_map(&frame, 3);
    write_atom(&frame, "vsn");
    write_string(&frame, worker.vsn);
    write_atom(&frame, "protocol");
    write_integer(&frame, 1);
    write_atom(&frame, "code_change");
    write_atom(&frame, "true");
    send_frame(&worker, &frame);
}

static void call(int64_t ref, struct reader *message) {
    char name[256] = "";
    if (is_atom(message)) read_atom(message, name);
    struct writer frame = answer("reply", 3, ref);
    if (strcmp(name, "get") == 0) write_integer(&frame, worker.total);
    else if (strcmp(name, "changes") == 0) write_integer(&frame, worker.changes);
    else if (strcmp(name, "vsn") == 0) write_string(&frame, worker.vsn);
    else write_atom(&frame, "bad_call");
    send_frame(&worker, &frame);
}

static const char *shown(void) {
    switch (worker.status) {
    case status_running: return "running";
    case status_standby: return "standby";
    default: return "suspended";
    }
}

static void get_status(int64_t ref) {
    struct writer frame = answer("ok", 3, ref);
    write_map(&frame, 4);
    write_atom(&frame, "status");
    write_atom(&frame, shown());
    write_atom(&frame, "vsn");
    write_string(&frame, worker.vsn);
    write_atom(&frame, "pid");
    write_integer(&frame, getpid());
    write_atom(&frame, "generation");
    write_integer(&frame, worker.generation);
    send_frame(&worker, &frame);
}

static void handle(struct reader *message) {
    char name[256];
    uint32_t count = read_tuple(message);
    read_atom(message, name);
    if (count < 2 || strcmp(name, "cast") == 0) return;
    int64_t ref = read_integer(message);
    int stands = worker.status == status_suspended || worker.status == status_imported;
    int serves = worker.status == status_running || stands;
    if (strcmp(name, "init") == 0 && worker.status == status_new) {
        init(ref, message);
    } else if (strcmp(name, "call") == 0 && worker.status == status_running) {
        call(ref, message);
    } else if (strcmp(name, "suspend") == 0 && (worker.status == status_running || worker.status == status_suspended)) {
        worker.status = status_suspended;
        send_ok(&worker, ref);
    } else if (strcmp(name, "resume") == 0 && serves) {
        // First of all: it is what makes this process the worker.
        send_ok(&worker, ref);
        worker.status = status_running;
        serve_received(&worker);
    } else if (strcmp(name, "export_state") == 0 && worker.status == status_suspended) {
        export_state(&worker, ref, message);
    } else if (strcmp(name, "import_state") == 0 && worker.status == status_standby) {
        import_state(&worker, ref, message);
    } else if (strcmp(name, "get_status") == 0) {
        get_status(ref);
    } else if (strcmp(name, "config_change") == 0 && serves) {
        send_ok(&worker, ref);
    } else if (strcmp(name, "terminate") == 0) {
        _exit(0);
    } else {
        send_error(&worker, ref, serves || worker.status == status_standby ? shown() : "unknown_request");
    }
}

static void read_exactly(uint8_t *bytes, size_t count) {
    for (size_t received = 0; received < count;) {
        ssize_t part = read(worker.channel, bytes + received, count - received);
        if (part < 0 && errno == EINTR) continue;
        // The daemon is gone.
        if (part <= 0) _exit(0);
        received += (size_t)part;
    }
}

static void read_frame(void) {
    uint8_t length[4];
    read_exactly(length, 4);
    size_t count = (size_t)length[0] << 24 | (size_t)length[1] << 16 | (size_t)length[2] << 8 | length[3];
    if (count > 16 << 20) fail("a frame is too long");
    uint8_t *bytes = malloc(count + 1);
    if (!bytes) fail("out of memory");
    read_exactly(bytes, count);
    struct reader message = {.bytes = bytes, .count = count, .offset = 1};
    handle(&message);
    free(bytes);
}

static int descriptor_of(const char *variable) {
    const char *value = getenv(variable);
    if (!value) fail("no worker of a daemon: its descriptors are not in the environment");
    int descriptor = atoi(value);
    cwk_set_close_on_exec(descriptor);
    return descriptor;
}

// lib/APP-VSN/ebin/MODULE
static void find_vsn(const char *path) {
    strcpy(worker.vsn, "1.0.0");
    const char *ebin = strstr(path, "/ebin/");
    if (!ebin) return;
    const char *begin = ebin;
    while (begin > path && begin[-1] != '-' && begin[-1] != '/') begin -= 1;
    size_t count = (size_t)(ebin - begin);
    if (begin == path || begin[-1] != '-' || count >= sizeof worker.vsn) return;
    memcpy(worker.vsn, begin, count);
    worker.vsn[count] = 0;
}

int main(int argc, char **argv) {
    (void)argc;
    find_vsn(argv[0]);
    worker.channel = descriptor_of("RELEASE_HANDLER_CHANNEL");
    worker.transfer = descriptor_of("RELEASE_HANDLER_TRANSFER");
    worker.listener = getenv("LISTEN_FDS") && atoi(getenv("LISTEN_FDS")) > 0 ? 3 : -1;
    if (worker.listener >= 0) cwk_set_nonblocking(worker.listener);
    for (;;) {
        static struct pollfd polled[MAX_CONNECTIONS + 2];
        int serves = worker.status == status_running;
        int connections = serves ? worker.connection_count : 0;
        polled[0] = (struct pollfd){.fd = worker.channel, .events = POLLIN};
        polled[1] = (struct pollfd){.fd = serves ? worker.listener : -1, .events = POLLIN};
        for (int index = 0; index < connections; index += 1) {
            polled[index + 2] = (struct pollfd){.fd = worker.connections[index].descriptor, .events = POLLIN};
        }
        if (poll(polled, (nfds_t)connections + 2, -1) < 0) continue;
        if (polled[0].revents) {
            // It may be a suspend: nothing else is done before it is known.
            read_frame();
            continue;
        }
        for (int index = connections - 1; index >= 0; index -= 1) {
            if (!polled[index + 2].revents) continue;
            if (!serve_connection(&worker, &worker.connections[index])) close_connection(&worker, index);
        }
        if (polled[1].revents) serve_listener(&worker);
    }
}
