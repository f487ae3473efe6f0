#pragma once
#include <stdio.h>

// What the test programs share: a check that fails is told with its place and both values, the program goes on and
// ends with 1.

extern int failures;
extern int checks;

#define CHECK(condition)                                                                \
    do {                                                                                \
        checks++;                                                                       \
        if (!(condition)) {                                                             \
            failures++;                                                                 \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);     \
        }                                                                               \
    } while (0)

#define CHECK_EQUAL(found, expected)                                                                  \
    do {                                                                                              \
        checks++;                                                                                     \
        long long found_ = (long long)(found), expected_ = (long long)(expected);                     \
        if (found_ != expected_) {                                                                    \
            failures++;                                                                               \
            fprintf(stderr, "%s:%d: %s is %lld, expected %s (%lld)\n", __FILE__, __LINE__, #found,    \
                found_, #expected, expected_);                                                        \
        }                                                                                             \
    } while (0)

// Once a program, in its main file.
#define COUNT_CHECKS int failures, checks

static inline int report(const char *name)
{
    printf("%s: %d checks, %d failed\n", name, checks, failures);
    return failures ? 1 : 0;
}
