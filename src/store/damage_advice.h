/*
 * What a person can do about damaged files; ends texts about ERR_CORRUPT. A
 * node that comes back empty has forgotten its votes and entries, and gets
 * entries from the others only as long as they still have all of them.
 */
#ifndef STORE_DAMAGE_ADVICE_H
#define STORE_DAMAGE_ADVICE_H

#define STORE_DAMAGE_ADVICE                                                    \
    "Before anything else, copy the node's whole directory. If files were "    \
    "moved away, bring them back. If not, restore the directory from a "       \
    "backup that was made after this node's last stop. Removing it, so that "  \
    "the other members refill the node, works only while all of them run, "    \
    "have a leader, and still hold the log from its first entry on "           \
    "(raft_first_index:1 in INFO raft of the leader); a node on its own has "  \
    "nobody to refill it."

#endif
