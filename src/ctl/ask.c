/*
 * Asking, and what is said of an answer.
 *
 * How it fails: with one line on standard error, and an exit status.
 */
#include "ctl/command.h"

#include "ctl/ctl.h"

#include <string.h>

static bool begins(struct bytes text, const char *with)
{
    size_t len = strlen(with);
    return text.len >= len && memcmp(text.data, with, len) == 0;
}

int command_misused(const char *what, const char *word)
{
    fprintf(stderr, "vardctl: %s%s (try: vardctl help)\n", what, word);
    return CTL_USAGE;
}

int ctl_fail(int status, const struct answer *a)
{
    const char *what = status == CTL_UNKNOWN
                           ? "outcome unknown, it may have been executed: "
                       : status == CTL_NOT_DONE ? "not executed: "
                                                : "";
    struct bytes text = buf_view(&a->text);
    bool denied = begins(text, "NOAUTH") || begins(text, "WRONGPASS");
    fprintf(stderr, "vardctl: %s%.*s%s\n", what, (int)text.len,
            text.len == 0 ? "" : (const char *)text.data,
            denied ? " (the password: VARD_PASSWORD or --password)" : "");
    return status;
}

int ctl_ask(struct ctl *c, const char *const *argv, size_t argc, bool write,
            struct answer *a)
{
    const struct link_request r = {.argv = argv, .argc = argc, .write = write};
    cluster_discover(&c->cluster);
    int err = cluster_ask(&c->cluster, &r, a);
    if (err != 0)
        return ctl_fail(err == ERR_CLOSED ? CTL_NOT_DONE : CTL_UNKNOWN, a);
    if (a->kind == ANSWER_ERROR)
        return ctl_fail(CTL_REFUSED, a);
    return CTL_GOOD;
}

int ctl_find_leader(struct cluster *c, size_t *leader)
{
    struct answer refusal = {0};
    int status = CTL_GOOD;
    int err = cluster_find_leader(c, CTL_ASK_MS, true, leader, &refusal);
    if (err == ERR_AUTH) {
        status = ctl_fail(CTL_REFUSED, &refusal);
    } else if (err != 0) {
        fprintf(stderr, "vardctl: no leader is known (try: vardctl status)\n");
        status = CTL_NOT_DONE;
    }
    buf_release(&refusal.text);
    return status;
}
