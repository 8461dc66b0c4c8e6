/*
 * Which calls of a watched process are to fail: one rule, from the
 * environment (journal.h, DISK_FAULT). Thread-safe.
 */
#ifndef DISK_FAULT_H
#define DISK_FAULT_H

enum fault_call {
    FAULT_OPEN,
    FAULT_WRITE,
    FAULT_SYNC,
    FAULT_RENAME,
    FAULT_UNLINK,
};

/* `rule` may be NULL: nothing fails. A rule that cannot be read ends the
 * process. */
void fault_begin(const char *rule);
/* The errno that this call is to fail with; 0: it may go on. */
int fault_due(enum fault_call call, const char *path);

#endif
