// The loader of drivers, on real libraries: argv[1] and argv[2] are the counter in two versions, argv[3] one that is none.
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "release_handler_driver_loader.h"

COUNT_CHECKS;

static rhd_driver *load(const char *path, rhd_error *error)
{
    rhd_driver *driver = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    CHECK(fd >= 0);
    int result = rhd_open("counter", fd, &driver, error);
    CHECK((result == RHD_OK) == (driver != NULL));
    close(fd);
    return driver;
}

static void use(rhd_driver *driver, const char *vsn)
{
    rhd_error error;
    void *port;
    uint8_t *answer;
    size_t size;
    CHECK(strcmp(rhd_vsn(driver), vsn) == 0);
    CHECK(rhd_start(driver, &error) == RHD_OK);
    CHECK(rhd_open_port(driver, (const uint8_t *)"refuse", 6, &port) == 42);
    CHECK(rhd_open_port(driver, NULL, 0, &port) == 0);
    CHECK(rhd_control(driver, port, 1, NULL, 0, &answer, &size) == RHD_OK && size == 3 && answer[2] == 1);
    free(answer);
    CHECK(rhd_control(driver, port, 5, NULL, 0, &answer, &size) == RHD_ANSWER_TOO_LARGE && !answer && size == 0);
    CHECK(rhd_control(driver, port, 6, NULL, 0, &answer, &size) == RHD_FAILED && !answer);
    rhd_close_port(driver, port);
    rhd_stop(driver);
}

int main(int count, char **paths)
{
    rhd_error error;
    CHECK(count == 4 && rhd_can_load());
    if (failures) return report("CModules, drivers");
    // The numbers of descriptors come again: none may lead to a library that was mapped by it before.
    for (int round = 0; round < 100; round++) {
        rhd_driver *first = load(paths[1], &error), *again = load(paths[1], &error), *second = load(paths[2], &error);
        use(first, "1.0.0");
        use(second, "2.0.0");
        CHECK(rhd_close(first));
        use(again, "1.0.0");
        CHECK(!load(paths[3], &error) && strstr(error.text, "rhd_driver_info"));
        CHECK(!rhd_close(again));
        CHECK(!rhd_close(second));
    }
    return report("CModules, drivers");
}
