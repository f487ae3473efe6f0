// The libraries of drivers that are mapped, by the descriptor that they are mapped from. Private to Driver*.c.
#ifndef RHD_DRIVER_IMAGE_H
#define RHD_DRIVER_IMAGE_H

#include "release_handler_driver_loader.h"

// A mapped library. The dynamic linker knows it by its device and inode, and by each name that it was ever opened by, which is
// /proc/self/fd/N: N stays open for as long as it is mapped, so that no other file gets its name.
typedef struct rhd_image rhd_image;

// RHD_OK, RHD_BAD_LIBRARY, RHD_NO_ROOM. The same file again is the same image.
int rhd_image_open(int fd, rhd_image **image, rhd_error *error);
// True where it stays mapped.
bool rhd_image_close(rhd_image *image);
// A symbol that the library itself defines, none of those that it depends on; NULL.
void *rhd_image_symbol(const rhd_image *image, const char *name);

// Writes a sentence, and answers `result`.
int rhd_say(rhd_error *error, int result, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
