#define VSN "1.0.0"
#define PATTERN "._-^"
#include "../lolwut.inc"
