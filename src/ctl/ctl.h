/*
 * vardctl, the operator's tool.
 *
 * vardctl.c   the command line: the program
 * command.h   the commands, their table and help; commands.c, help.c, ask.c
 * status.c    the table of the cluster
 * backup.c    backups: taken and verified
 * restore.c   a backup becomes a data directory
 * follow.h    an archive is kept of a cluster; follow.c
 * rewind.h    an archive is verified, and becomes a data directory as of some
 *             moment; rewind.c
 * shelf.h     what an archive's directory has; shelf.c
 * members.h   who the members are; members.c
 * change.c    members come and go
 * recover.c   what is left becomes a cluster of its own
 * reach.c     until the members are what was asked for
 * check.c     have the members the same data?
 * level.c     what the members may use, and raising it
 * wait.c      until the cluster is as somebody wants it
 * conf.c      addresses and password from a node's configuration
 *
 * Thread: one.
 */
#ifndef CTL_CTL_H
#define CTL_CTL_H

#include "client/cluster.h"
#include "ctl/health.h"
#include "store/store.h"

#include <stdio.h>

/* Exit statuses, also in the help. */
enum ctl_exit {
    CTL_GOOD = 0,
    CTL_NO = 1, /* key missing, not equal, cluster not healthy, not in time */
    CTL_USAGE = 2,
    CTL_NOT_DONE = 3, /* nobody could do it: definitely not executed */
    CTL_UNKNOWN = 4,  /* no answer: it may have been executed */
    CTL_REFUSED = 5,  /* an error as the answer: not executed */
};

/* All nodes at once, and again those that they name. */
#define CTL_ASK_MS 1500

/* Asks all nodes, prints the table and the verdict; the exit status: CTL_GOOD
 * healthy, CTL_NO serving but not healthy, CTL_NOT_DONE not serving. */
int status_print(struct cluster *c, FILE *out);
/* The same of a look that was taken and judged. */
int status_show(FILE *out, const struct view *v, const struct health *h);

/* The number of what can be waited for, by its name; -1: there is no such. */
int wait_goal(const char *name);
/* CTL_GOOD when it is reached, CTL_NO if it is not within the time,
 * CTL_REFUSED if the password is. */
int wait_for(struct cluster *c, int goal, int64_t timeout_ms);

/* Has the members compare their data, and says what each has: CTL_GOOD if all
 * are equal, CTL_NO if not, or if one has not said so in time. */
int check_members(struct cluster *c, int64_t seconds);
/* Prints the level, what each node's program can execute, and what a higher one
 * waits for. */
int level_show(struct cluster *c, FILE *out);
/* Asks the leader, this node, to raise it, and waits until it has. */
int level_ask(struct cluster *c, size_t leader, const char *level);

/* Writes a backup of a follower, or of the node at `from`, if not NULL. */
int backup_take(struct cluster *c, const char *file, const char *from);
/* Reads a backup, and says whether it is whole: CTL_GOOD or CTL_NO. No node is
 * asked. */
int backup_verify(const char *file);
/* Makes a data directory of a backup, for the first node of a new cluster. */
int backup_restore(const char *file, const char *dir);

/* There is no such directory, or nothing in it; else a text. */
bool restore_is_free(const char *dir, struct buf *error);
/* A database in DIR/db as the one was that the backup is of, except that its
 * log begins there: who it was goes on. It is the caller's, who closes it. */
MUST_USE int restore_database(struct store **out, const char *dir,
                              const char *backup, struct buf *error);

/* CTL_GOOD with the place of the leader in the cluster, or an exit status
 * after a message. */
int ctl_find_leader(struct cluster *c, size_t *leader);

/* The table of the members, and what comes next. */
int members_print(struct cluster *c, FILE *out);
/* Until the leader, whoever it is then, says that the members are what was
 * asked for: CTL_GOOD, or CTL_NO after so long. */
int reach_members(struct cluster *c, int64_t wait_ms);
/* RAFT REMOVE, PROMOTE, DEMOTE, PRIORITY; `option` may be NULL. Waits for so
 * long until it is done; CTL_NO: it is not, and goes on. 0: it does not wait.
 */
int change_members(struct cluster *c, const char *word, const char *id,
                   const char *option, int64_t wait_ms);
/* `client` may be NULL. */
int change_address(struct cluster *c, const char *id, const char *peer,
                   const char *client, int64_t wait_ms);
struct new_member {
    const char *peer;     /* where other members reach it */
    const char *client;   /* where clients do; NULL: the usual port there */
    bool learner;         /* and stays one */
    const char *replaces; /* the id of a member that goes; NULL: none */
    int64_t wait_ms;      /* as above */
    const char *extra;    /* lines for its configuration; NULL: not known */
};
/* Adds it, and prints its whole configuration. */
int change_add(struct cluster *c, const struct new_member *n);

/* Makes a new cluster of the directory with the newest log. The id of the old
 * one must be given, or typed. Of a majority only if forced. */
int recover_dirs(int count, char **dirs, const char *cluster_id, bool force);

/* Adds the nodes that the configuration names, if `nodes`, and copies the
 * clients' password, if there is one, and in `shared` the lines that all nodes
 * have in common; the caller frees both. False: a message
 * was printed. */
bool conf_take(struct cluster *c, char *path, bool nodes, char **password,
               char **shared);

#endif
