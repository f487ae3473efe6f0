#define VSN "2.0.0"
#define PATTERN "/\\"
#include "../lolwut.inc"
