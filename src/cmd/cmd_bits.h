/*
 * What the commands on bits share.
 */
#ifndef CMD_CMD_BITS_H
#define CMD_CMD_BITS_H

#include "cmd/cmd.h"

/* The number of a bit. `field_bits`: in numbers of fields of so many bits if
 * it begins with '#'; 0: that is not known here. False: the error has been
 * written. */
MUST_USE bool parse_bit_offset(struct resp_writer *w, struct bytes text,
                               uint8_t field_bits, uint64_t *offset);

/* Copies bytes of a string; zeros where it has none. */
void read_window(struct cmd_call *c, const struct value *v, uint64_t first,
                 uint8_t *out, size_t len);

#endif
