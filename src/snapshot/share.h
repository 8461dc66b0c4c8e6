/*
 * A view for several readers at a time, each on a thread of its own, and each
 * with its own way through it.
 */
#ifndef SNAPSHOT_SHARE_H
#define SNAPSHOT_SHARE_H

#include "base/base.h"
#include "store/store_view.h"

/* Takes the view over: it is closed with the one that is returned. */
struct store_view *share_view(struct store_view *view);

#endif
