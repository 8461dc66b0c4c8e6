/*
 * The disk of a node in a test: `struct disk` that completes when it is told
 * to. A point is asked for by the node, then under way, then ready to be taken
 * by the node; each step is the owner's, so a test decides how long a sync
 * takes, what is written meanwhile, and whether it ends at all.
 *
 * Points that are asked for while one is under way, or not taken yet, become
 * one: the newest, with the hard state of all of them.
 *
 * With `keeps_mark` there is a watermark, as in the file beside a database:
 * each sync writes it, and the owner says when it is synced itself.
 */
#ifndef TESTS_WORLD_DISK_H
#define TESTS_WORLD_DISK_H

#include "journal/disk.h"

struct world_disk {
    struct disk disk; /* what the node is given */
    struct disk_point asked, running, ready;
    bool has_asked, is_running, has_ready;
    const char *failure; /* what failed; NULL: nothing */
    bool keeps_mark;
    bool has_mark;
    struct watermark mark;        /* as written last */
    struct watermark mark_synced; /* what a crash leaves of it, at least */
    /* The node has asked while no sync was under way; NULL: nobody minds. */
    void (*on_asked)(struct world_disk *d);
};

/* Nothing asked for, no watermark yet. */
void world_disk_init(struct world_disk *d);

/* The node's process has ended: what it asked for is forgotten. */
void world_disk_crash(struct world_disk *d);

/* The point asked for is under way; false: none is, or one is already. */
bool world_disk_begin(struct world_disk *d);
/* What is under way is durable. The owner has synced the store, and tells the
 * node with node_disk_done(). */
void world_disk_end(struct world_disk *d);
/* Both, with a sync of the store; false: nothing was asked for. */
bool world_disk_complete(struct world_disk *d, struct store *s);
/* From now on nothing is durable any more, and the node must end. */
void world_disk_fail(struct world_disk *d, const char *text);

/* A node of this identity starts; `fresh`: it has no watermark to go on. */
void world_disk_start(struct world_disk *d, const struct identity *id,
                      bool fresh);

#endif
