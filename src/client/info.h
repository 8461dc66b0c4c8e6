/*
 * Values out of the text of INFO: lines of "name:value", and values of
 * "name=value,name=value". Views of the text given.
 */
#ifndef CLIENT_INFO_H
#define CLIENT_INFO_H

#include "base/base.h"
#include "base/bytes.h"

/* The next line of *text, without its end; false when there is none. */
bool info_line(struct bytes *text, struct bytes *line);
/* The two sides of "name:value"; false if the line is none. */
bool info_pair(struct bytes line, struct bytes *name, struct bytes *value);
/* The value of "name:value" in INFO's text; empty if it is not there. */
struct bytes info_field(struct bytes info, const char *name);
/* The value of "name=value" among "a=b,c=d"; empty if it is not there. */
struct bytes info_part(struct bytes value, const char *name);

#endif
