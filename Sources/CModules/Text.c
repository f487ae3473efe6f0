#include "Loader.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

size_t rhl_character_length(const char *text)
{
    const unsigned char *bytes = (const unsigned char *)text;
    if (bytes[0] < 0x80)
        return 1;
    size_t length = bytes[0] >= 0xf0 ? 4 : bytes[0] >= 0xe0 ? 3 : 2;
    if (bytes[0] < 0xc2 || bytes[0] > 0xf4)
        return 0;
    // A zero byte ends it here, too: nothing behind it is read.
    for (size_t i = 1; i < length; i++)
        if ((bytes[i] & 0xc0) != 0x80)
            return 0;
    // Longer than need be, surrogates, above U+10FFFF.
    if ((bytes[0] == 0xe0 && bytes[1] < 0xa0) || (bytes[0] == 0xed && bytes[1] > 0x9f)
        || (bytes[0] == 0xf0 && bytes[1] < 0x90) || (bytes[0] == 0xf4 && bytes[1] > 0x8f))
        return 0;
    return length;
}

void rhl_say(rhl_error *error, const char *format, ...)
{
    if (!error)
        return;
    char text[2048];
    va_list values;
    va_start(values, format);
    vsnprintf(text, sizeof text, format, values);
    va_end(values);
    // Names of symbols, and what a library says of itself, may be any bytes.
    size_t written = 0;
    for (const char *next = text; *next;) {
        size_t length = rhl_character_length(next);
        if (written + (length ? length : 1) >= sizeof error->text)
            break;
        if (length == 0)
            error->text[written++] = '?';
        memcpy(error->text + written, next, length);
        written += length;
        next += length ? length : 1;
    }
    error->text[written] = '\0';
}
