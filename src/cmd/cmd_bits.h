/*
 * What the commands on bits share.
 */
#ifndef CMD_CMD_BITS_H
#define CMD_CMD_BITS_H

#include "cmd/cmd.h"

/* What one command may look at, in bytes of pages (keyspace_scan): more would
 * hold up the loop for half a second and longer. It decides what is written,
 * so it is part of the state machine, and not an option. */
#define CMD_LOOK_MAX (128 * 1024 * 1024)

/* The number of a bit. `field_bits`: in numbers of fields of so many bits if
 * it begins with '#'; 0: that is not known here. False: the error has been
 * written. */
MUST_USE bool parse_bit_offset(struct resp_writer *w, struct bytes text,
                               uint8_t field_bits, uint64_t *offset);

/* Copies bytes of a string; zeros where it has none. */
void read_window(struct cmd_call *c, const struct value *v, uint64_t first,
                 uint8_t *out, size_t len);

/* "NAME of more than 128 MiB" and what to do instead. */
void reply_too_long(struct cmd_call *c, const char *name, const char *instead);

#endif
