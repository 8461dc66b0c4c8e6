/*
 * What the files of places share: places, sizes and distances as arguments and
 * replies. A function that returns false has written the reply.
 */
#ifndef CMD_CMD_GEO_H
#define CMD_CMD_GEO_H

#include "cmd/cmd_zset.h"
#include "type/geo.h"

/* Two arguments: longitude and latitude. */
MUST_USE bool parse_place(struct resp_writer *w, const struct bytes *argv,
                          struct geo_place *out);
/* "m", "km", "ft" or "mi", in metres. */
MUST_USE bool parse_unit(struct resp_writer *w, struct bytes word, double *out);

/* False: the set has no such member; nothing has been written. */
MUST_USE bool place_of(struct zset *z, struct bytes member,
                       struct geo_place *out);

void reply_place(struct resp_writer *w, const struct geo_place *p);
void reply_distance(struct resp_writer *w, double distance);

#endif
