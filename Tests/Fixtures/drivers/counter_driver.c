// A driver that counts, built by tests in several versions: -DVSN, -DNAME, -DABI, -DREFUSE, -DNO_ENTRY, -DINIT_ONCE,
// -DMISSING. The control functions:
// 1 adds one and answers the port's count, 2 the vsn, 3 how many ports are open, 4 fails with {error, count}, 5 asks for too
// much room, 6 fails with nothing, 7 answers nothing, 8 writes a byte to the descriptor of the port's command and waits for one
// from it, then answers the vsn, 9 answers what is no term, 10 the ports that were ever opened since init, 11 has finish do what 8 does.
// A command of one byte is the port's first count.
#include <release_handler_driver.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef VSN
#define VSN "1.0.0"
#endif
#ifndef NAME
#define NAME "counter"
#endif
#ifndef ABI
#define ABI RHD_ABI
#endif

struct port {
    uint8_t count;
    // To the test, where the command is two of them.
    int descriptors[2];
};

static uint8_t open_ports, ports_since;
// Those that finish waits on.
static int waiting[2];
static int inits;

#ifdef MISSING
int MISSING(void);
#endif

static int32_t start(void)
{
    inits++;
    ports_since = 0;
#ifdef MISSING
    inits += MISSING();
#endif
#ifdef INIT_ONCE
    if (inits > 1) return 7;
#endif
#ifdef REFUSE
    return REFUSE;
#else
    return 0;
#endif
}

static bool wait_for_test(const int descriptors[2])
{
    char byte = 0;
    return write(descriptors[0], &byte, 1) == 1 && read(descriptors[1], &byte, 1) == 1;
}

static void stop(void)
{
    if (waiting[0] != 0) wait_for_test(waiting);
    waiting[0] = 0;
    // A port that is open still is an error of who loaded this: it shows as a crash.
    if (open_ports != 0) abort();
}

static int32_t open_port(const uint8_t *command, size_t size, void **port)
{
    if (size == 6 && memcmp(command, "refuse", 6) == 0) return 42;
    struct port *made = calloc(1, sizeof *made);
    if (!made) return 1;
    if (size == 1) made->count = command[0];
    if (size == sizeof made->descriptors) memcpy(made->descriptors, command, size);
    open_ports++;
    ports_since++;
    *port = made;
    return 0;
}

static void close_port(void *port)
{
    open_ports--;
    free(port);
}

static int32_t answer_byte(const rhm_call *call, uint8_t value)
{
    uint8_t *answer = call->answer(call, 3);
    if (!answer) return RHM_ERROR;
    answer[0] = 131;
    answer[1] = 97;  // SMALL_INTEGER_EXT
    answer[2] = value;
    return RHM_OK;
}

static int32_t answer_garbage(const rhm_call *call)
{
    uint8_t *answer = call->answer(call, 2);
    if (!answer) return RHM_ERROR;
    memset(answer, 0, 2);
    return RHM_OK;
}

static int32_t answer_vsn(const rhm_call *call)
{
    size_t size = strlen(VSN);
    uint8_t *answer = call->answer(call, 6 + size);
    if (!answer) return RHM_ERROR;
    const uint8_t head[6] = {131, 109, 0, 0, 0, (uint8_t)size};  // BINARY_EXT
    memcpy(answer, head, sizeof head);
    memcpy(answer + sizeof head, VSN, size);
    return RHM_OK;
}

static int32_t control(void *opened, uint32_t command, const rhm_call *call)
{
    struct port *port = opened;
    switch (command) {
    case 1: return answer_byte(call, ++port->count);
    case 2: return answer_vsn(call);
    case 3: return answer_byte(call, open_ports);
    case 4: return answer_byte(call, port->count) == RHM_OK ? RHM_ERROR : 2;
    case 5: return call->answer(call, (size_t)1 << 30) ? RHM_OK : RHM_ERROR;
    case 6: return RHM_ERROR;
    case 7: return RHM_OK;
    case 8: return wait_for_test(port->descriptors) ? answer_vsn(call) : RHM_ERROR;
    case 9: return answer_garbage(call);
    case 10: return answer_byte(call, ports_since);
    case 11: memcpy(waiting, port->descriptors, sizeof waiting); return RHM_OK;
    default: return RHM_ERROR;
    }
}

#ifndef NO_ENTRY
RHM_EXPORT const rhd_info *rhd_driver_info(void);
RHM_EXPORT const rhd_info *rhd_driver_info(void)
{
    static const rhd_info info = {ABI, 0, NAME, VSN, start, stop, open_port, close_port, control};
    return &info;
}
#endif
