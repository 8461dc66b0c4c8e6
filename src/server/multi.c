/*
 * How it works: one flag of the client's settings says that it is between
 * MULTI and EXEC. dispatch.c asks for it before it executes anything.
 *
 * MULTI answers OK, and each command behind it the error: then every client
 * ends the transaction, whether it sends all of it at once or waits for each
 * answer. One that was told an error by MULTI itself would not; its
 * connection, perhaps back in a pool, would refuse everything from then on.
 *
 * MULTI with arguments is an error, as in Redis. There what follows it is
 * executed; here it is refused, because whoever sent it meant a transaction.
 *
 * How it fails: with the texts of Redis, as far as it has them.
 */
#include "server/multi.h"

static const struct {
    const char *name;
    enum multi_word word;
} words[] = {
    {"multi", MULTI_BEGIN},
    {"exec", MULTI_EXEC},
    {"discard", MULTI_DISCARD},
};

enum multi_word multi_word_of(struct bytes name)
{
    ASSERT(name.len == 0 || name.data != NULL);
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (bytes_eq_nocase(name, bytes_str(words[i].name)))
            return words[i].word;
    return MULTI_NONE;
}

static const char *begin(uint32_t argc, bool *in_multi)
{
    bool nested = *in_multi;
    ASSERT(argc > 0);
    *in_multi = true;
    if (argc > 1)
        return "ERR wrong number of arguments for 'multi' command";
    return nested ? "ERR MULTI calls can not be nested" : NULL;
}

static const char *exec(uint32_t argc, bool *in_multi)
{
    bool was_in = *in_multi;
    ASSERT(argc > 0);
    if (argc > 1)
        return "ERR wrong number of arguments for 'exec' command";
    *in_multi = false;
    return was_in ? "EXECABORT Transaction discarded because of: there are no "
                    "transactions yet; nothing was executed"
                  : "ERR EXEC without MULTI";
}

static const char *discard(uint32_t argc, bool *in_multi)
{
    bool was_in = *in_multi;
    ASSERT(argc > 0);
    if (argc > 1)
        return "ERR wrong number of arguments for 'discard' command";
    *in_multi = false;
    return was_in ? NULL : "ERR DISCARD without MULTI";
}

const char *multi_run(enum multi_word word, uint32_t argc, bool *in_multi)
{
    ASSERT(word != MULTI_NONE);
    switch (word) {
    case MULTI_BEGIN:
        return begin(argc, in_multi);
    case MULTI_EXEC:
        return exec(argc, in_multi);
    case MULTI_DISCARD:
    case MULTI_NONE:
        break;
    }
    return discard(argc, in_multi);
}

bool multi_lets_pass(const struct cmd *cmd)
{
    ASSERT((cmd->flags & CMD_INTERNAL) == 0);
    return cmd->id == CMD_ID_RESET || cmd->id == CMD_ID_QUIT;
}
