/*
 * What every room may rely on: attributes, assertions, errors, ids.
 *
 * Assertions stay on in release builds. An assertion states a fact that only a
 * mistake of the programmer can make false; what the outside can cause (a peer,
 * a client, a disk, a configuration file) is an error that is returned.
 */
#ifndef BASE_BASE_H
#define BASE_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MUST_USE     __attribute__((warn_unused_result))
#define NORETURN     __attribute__((noreturn))
#define PRINTF(f, a) __attribute__((format(printf, f, a)))
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b)    ((a) < (b) ? (a) : (b))
#define MAX(a, b)    ((a) > (b) ? (a) : (b))
#define UNUSED(x)    ((void)(x))

/* The struct that holds `member`, from a pointer to the member. */
#define CONTAINER_OF(ptr, type, member)                                        \
    ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* tests/proof proves that an assertion never calls it. */
/*@ requires never: \false;
  @ assigns \nothing;
  @ ensures \false; */
NORETURN void assert_failed(const char *expr, const char *file, int line,
                            const char *func);

#define ASSERT(expr)                                                           \
    ((expr) ? (void)0 : assert_failed(#expr, __FILE__, __LINE__, __func__))

/* Results: 0 is success; failures are negative and come from this table. */
#define ERROR_TABLE(X)                                                         \
    X(ERR_NOT_FOUND, -1, "not found")                                          \
    X(ERR_CORRUPT, -2, "corrupt data")                                         \
    X(ERR_IO, -3, "input/output error")                                        \
    X(ERR_AGAIN, -4, "not now, try again")                                     \
    X(ERR_INVALID, -5, "invalid argument")                                     \
    X(ERR_TOO_BIG, -6, "too big")                                              \
    X(ERR_CLOSED, -7, "closed by the other side")                              \
    X(ERR_LIMIT, -8, "limit reached")                                          \
    X(ERR_PROTOCOL, -9, "protocol error")                                      \
    X(ERR_AUTH, -10, "authentication failed")                                  \
    X(ERR_NO_LEADER, -11, "no leader is known")                                \
    X(ERR_BUSY, -12, "in use by another process")                              \
    X(ERR_MISMATCH, -13, "does not belong here")                               \
    X(ERR_REFILL, -14, "this node has not been refilled yet")                  \
    X(ERR_BEHIND, -15, "this node lacks entries of the log")                   \
    X(ERR_NO_ANSWER, -16, "no answer in time")                                 \
    X(ERR_SPACE, -17, "this node lacks disk space")

enum error {
#define X(name, value, text) name = value,
    ERROR_TABLE(X)
#undef X
};

/* A short English text for a result; "ok" for 0. Never NULL. */
const char *error_text(int err);

/* A member of the cluster. All values but NODE_NONE are valid, 0 too. */
typedef uint32_t node_id;
#define NODE_NONE UINT32_MAX

#endif
