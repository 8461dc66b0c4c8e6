/* An interaction script: its cluster, and what the last command printed. */
#ifndef SCRIPT_SCRIPT_H
#define SCRIPT_SCRIPT_H

#include "cluster.h"

#define SCRIPT_ARGS_MAX 24

struct script {
    struct cluster *c; /* NULL before the command "cluster" */
    struct buf out;
    char line[512]; /* what args point into */
    const char *args[SCRIPT_ARGS_MAX];
    uint32_t arg_count;
    bool broken; /* a violation, or a command that cannot be */
};

/* Runs one line (without "> "); its output is in s->out. */
void script_command(struct script *s, const char *line);
void script_release(struct script *s);

/* script_args.c */
void script_error(struct script *s, const char *format, ...) PRINTF(2, 3);
bool script_split(struct script *s, const char *line);
/* Argument i as a number, or `usual` if there are fewer arguments. */
uint64_t script_number(struct script *s, uint32_t i, uint64_t usual);
/* Argument i as a node id: its position. False: printed why. */
bool script_node(struct script *s, uint32_t i, uint32_t *pos);
/* Value of an argument "key=value". */
const char *script_value(const struct script *s, const char *key);
uint64_t script_option(struct script *s, const char *key, uint64_t usual);
/* "1,1,2" into terms; returns how many. */
uint32_t script_terms(struct script *s, const char *text, raft_term *terms,
                      uint32_t max);

/* script_show.c */
void show_status(struct script *s);
void show_log(struct script *s);
void show_progress(struct script *s);
void show_deadline(struct script *s);

/* script_forge.c: a message that no core made. */
void forge_message(struct script *s);

#endif
