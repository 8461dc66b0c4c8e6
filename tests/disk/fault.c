/*
 * One rule and one counter, global for the same reason as the journal's
 * state.
 */
#include "fault.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct rule {
    bool any;
    bool on; /* all calls from the nth on */
    enum fault_call call;
    unsigned long nth;
    int error;
    char suffix[64];
    unsigned long count;
} rule;

struct name {
    const char *text;
    int value;
};

static const struct name calls[] = {
    {"open", FAULT_OPEN},     {"write", FAULT_WRITE},   {"sync", FAULT_SYNC},
    {"rename", FAULT_RENAME}, {"unlink", FAULT_UNLINK},
};

static const struct name errors[] = {
    {"EIO", EIO}, {"ENOSPC", ENOSPC}, {"EMFILE", EMFILE}, {"EROFS", EROFS}};

static int lookup(const struct name *names, size_t count, const char *text)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i].text, text) == 0)
            return names[i].value;
    }
    fprintf(stderr, "libjournal: DISK_FAULT: %s is not known\n", text);
    abort();
}

void fault_begin(const char *text)
{
    char call[16];
    char nth[16];
    char error[16];
    if (text == NULL || text[0] == 0)
        return;
    int fields = sscanf(text, "%15[^:]:%15[^:]:%15[^:]:%63s", call, nth, error,
                        rule.suffix);
    if (fields < 3) {
        fprintf(stderr, "libjournal: DISK_FAULT: %s\n", text);
        abort();
    }
    rule.call = (enum fault_call)lookup(calls, 5, call);
    rule.error = lookup(errors, 4, error);
    rule.nth = strtoul(nth, NULL, 10);
    rule.on = strchr(nth, '+') != NULL;
    rule.any = true;
}

static bool ends_in(const char *path, const char *suffix)
{
    size_t len = strlen(path);
    size_t n = strlen(suffix);
    return n <= len && strcmp(path + len - n, suffix) == 0;
}

int fault_due(enum fault_call call, const char *path)
{
    if (!rule.any || call != rule.call || !ends_in(path, rule.suffix))
        return 0;
    unsigned long n = __atomic_add_fetch(&rule.count, 1, __ATOMIC_SEQ_CST);
    return n == rule.nth || (rule.on && n > rule.nth) ? rule.error : 0;
}
