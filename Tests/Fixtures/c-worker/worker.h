#pragma once

#include "term.h"

#include <stdint.h>

// What is one per process.

#define MAX_CONNECTIONS 1024
#define MAX_INPUT 256

struct connection {
    int descriptor;
    int64_t number;
    // Requests that came on it.
    int64_t count;
    // What was received and is no whole line yet.
    uint8_t input[MAX_INPUT];
    uint32_t input_count;
};

enum status { status_new, status_running, status_suspended, status_standby, status_imported };

struct worker {
    int channel;
    int transfer;
    int listener;
    enum status status;
    char vsn[64];
    int64_t generation;
    // All requests.
    int64_t total;
    // Versions of 2.x on also have how often the state was converted.
    int64_t changes;
    int64_t last_number;
    struct connection connections[MAX_CONNECTIONS];
    int connection_count;
};

// connections.c
void serve_listener(struct worker *worker);
// Returns 0 where the connection has ended.
int serve_connection(struct worker *worker, struct connection *connection);
void serve_received(struct worker *worker);
void close_connection(struct worker *worker, int index);

// handoff.c
void export_state(struct worker *worker, int64_t ref, struct reader *message);
void import_state(struct worker *worker, int64_t ref, struct reader *message);

// main.c
void send_frame(struct worker *worker, struct writer *writer);
void send_error(struct worker *worker, int64_t ref, const char *reason);
void send_ok(struct worker *worker, int64_t ref);
