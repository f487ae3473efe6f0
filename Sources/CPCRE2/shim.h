#pragma once
// The library for patterns and subjects of 8-bit code units, which UTF-8 is. The header asks for the choice.
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
