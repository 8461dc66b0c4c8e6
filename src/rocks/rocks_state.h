/*
 * The families of the state, of which one is in use (rocks_state.c).
 *
 * Threads: the store's thread opens, uses and closes. The thread that tidies
 * drops, so for it what was in use a moment ago is still there; that of the
 * tables is idle while a state is put in the place of another one. All others
 * hold the state that they use.
 */
#ifndef ROCKS_ROCKS_STATE_H
#define ROCKS_ROCKS_STATE_H

#include "base/base.h"
#include "store/store.h"

#include <rocksdb/c.h>

#define ROCKS_STATE_NAME 32

struct rocks;

struct rocks_state {
    rocksdb_column_family_handle_t *handle;
    uint64_t number;
    char name[ROCKS_STATE_NAME];
    uint32_t users;     /* that hold it */
    bool is_old;        /* to be dropped */
    uint64_t old_since; /* when so many uses are durable */
    struct rocks_state *next;
};

bool rocks_state_is_name(const char *name);
/* A family of the state was opened; takes the handle over. */
void rocks_state_opened(struct rocks *r, const char *name,
                        rocksdb_column_family_handle_t *handle);
/* Finds the one in use among them. Returns a text like RocksDB's, which the
 * caller frees, or NULL. */
char *rocks_state_choose(struct rocks *r);
/* Drops all that are not in use, when a database was opened for writing. */
void rocks_state_drop_others(struct rocks *r);
/* Drops those that nobody needs any more; of the thread that tidies. */
void rocks_state_tidy(struct rocks *r);
/* Destroys all handles. */
void rocks_state_close(struct rocks *r);

/* The one in use, which stays until it is released. */
struct rocks_state *rocks_state_hold(struct rocks *r);
void rocks_state_release(struct rocks *r, struct rocks_state *s);

/* Makes an empty one; NULL: *why says why, the caller frees it. */
struct rocks_state *rocks_state_make(struct rocks *r, char **why);
/* It has its rows, and may be used; not `whole`: it is dropped. */
void rocks_state_made(struct rocks *r, struct rocks_state *s, bool whole);
/* Those that were made and not used will not be any more. */
void rocks_state_forget_unused(struct rocks *r);

/* Of a state that was made, and not forgotten. */
bool rocks_state_is_whole(struct rocks *r, uint64_t number);
/* Puts into a batch that it is in use. */
void rocks_state_put(struct store_batch *b, uint64_t number);
/* The batch was written: it is in use, and the other one is dropped once a sync
 * that begins after this has ended. */
void rocks_state_change(struct rocks *r, uint64_t number);

#endif
