#include "DriverImage.h"

#include <stdlib.h>
#include <string.h>

struct rhd_driver {
    rhd_image *image;
    const rhd_info *info;
};

// A text of the library's: at most `most` bytes, and its zero byte.
static bool rhd_is_text(const char *text, size_t least, size_t most)
{
    if (!text) return false;
    size_t size = strnlen(text, most + 1);
    return size >= least && size <= most;
}

static int rhd_accept(const rhd_info *info, const char *name, rhd_error *error)
{
    if (!info) return rhd_say(error, RHD_BAD_LIBRARY, "rhd_driver_info answers NULL");
    if (info->abi != RHD_ABI)
        return rhd_say(
            error, RHD_BAD_LIBRARY, "it was made for version %u of release_handler_driver.h, and this program has version %u",
            info->abi, RHD_ABI);
    if (!rhd_is_text(info->name, 1, RHD_MAX_NAME))
        return rhd_say(error, RHD_BAD_LIBRARY, "its name is not of 1 to %d bytes", RHD_MAX_NAME);
    if (strcmp(info->name, name) != 0)
        return rhd_say(error, RHD_BAD_LIBRARY, "it is the driver %s", info->name);
    if (!rhd_is_text(info->vsn, 0, RHD_MAX_NAME))
        return rhd_say(error, RHD_BAD_LIBRARY, "its vsn is not of 0 to %d bytes", RHD_MAX_NAME);
    if (!info->open || !info->control)
        return rhd_say(error, RHD_BAD_LIBRARY, "it has no function %s", info->open ? "control" : "open");
    return RHD_OK;
}

int rhd_open(const char *name, int fd, rhd_driver **driver, rhd_error *error)
{
    if (!rhd_can_load())
        return rhd_say(error, RHD_BAD_LIBRARY, "this program is linked statically: it can load no library");
    int result = rhd_check(fd, error);
    if (result != RHD_OK) return result;
    rhd_driver *made = malloc(sizeof *made);
    if (!made) return rhd_say(error, RHD_NO_ROOM, "no memory");
    result = rhd_image_open(fd, &made->image, error);
    if (result != RHD_OK) {
        free(made);
        return result;
    }
    rhd_info_function *function = (rhd_info_function *)rhd_image_symbol(made->image, "rhd_driver_info");
    if (!function) {
        result = rhd_say(error, RHD_BAD_LIBRARY, "it is no driver: it exports no rhd_driver_info");
    } else {
        made->info = function();
        result = rhd_accept(made->info, name, error);
    }
    if (result != RHD_OK) {
        rhd_close(made);
        return result;
    }
    *driver = made;
    return RHD_OK;
}

bool rhd_close(rhd_driver *driver)
{
    bool stays = rhd_image_close(driver->image);
    free(driver);
    return stays;
}

int rhd_start(rhd_driver *driver, rhd_error *error)
{
    int32_t answer = driver->info->init ? driver->info->init() : 0;
    if (answer != 0) return rhd_say(error, RHD_BAD_LIBRARY, "its init refuses: %d", answer);
    return RHD_OK;
}

void rhd_stop(rhd_driver *driver)
{
    if (driver->info->finish) driver->info->finish();
}

const char *rhd_vsn(const rhd_driver *driver) { return driver->info->vsn; }

int32_t rhd_open_port(rhd_driver *driver, const uint8_t *command, size_t size, void **port)
{
    *port = NULL;
    return driver->info->open(command, size, port);
}

void rhd_close_port(rhd_driver *driver, void *port)
{
    if (driver->info->close) driver->info->close(port);
}

// A call, with the room of its answer behind it.
typedef struct rhd_call {
    rhm_call call;
    uint8_t *answer;
    size_t answer_size;
    bool is_too_large;
} rhd_call;

static uint8_t *rhd_answer(const rhm_call *call, size_t size)
{
    rhd_call *own = (rhd_call *)call;
    free(own->answer);
    own->answer_size = size;
    own->answer = size <= RHD_MAX_ANSWER ? malloc(size ? size : 1) : NULL;
    own->is_too_large = !own->answer;
    return own->answer;
}

int rhd_control(
    rhd_driver *driver, void *port, uint32_t command, const uint8_t *arguments, size_t size, uint8_t **answer,
    size_t *answer_size)
{
    rhd_call own = {
        .call = {.abi = RHM_ABI, .arguments = arguments, .arguments_size = size, .answer = rhd_answer},
    };
    int32_t result = driver->info->control(port, command, &own.call);
    *answer = own.answer;
    *answer_size = own.answer ? own.answer_size : 0;
    if (own.is_too_large) return RHD_ANSWER_TOO_LARGE;
    return result == RHM_OK ? RHD_OK : RHD_FAILED;
}
