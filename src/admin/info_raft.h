/*
 * INFO's section "# Raft". Its names are read by vardctl and by people's
 * monitoring: fields are added, never renamed.
 */
#ifndef ADMIN_INFO_RAFT_H
#define ADMIN_INFO_RAFT_H

#include "base/buf.h"

struct server;

void info_section_raft(struct server *s, struct buf *out);

#endif
