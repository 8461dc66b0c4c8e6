/*
 * The levels of the state machine.
 *
 * Members execute the same entries, and must come to the same state, whatever
 * version of vard each of them is. So whatever a version adds to the commands,
 * their subcommands and options, the kinds of entries and the kinds of rows is
 * of a level above that of the version before it, and is used only when the
 * cluster has reached that level, by an entry of the log. Until then a program
 * that knows it answers as one that does not.
 *
 * To raise it for a version that adds something: LEVEL_KNOWN, and a line about
 * what it has. Nothing of a level is ever changed once a version with it was
 * released.
 *
 *   1  all there is
 */
#ifndef BASE_LEVEL_H
#define BASE_LEVEL_H

#define LEVEL_MIN   1 /* in force as long as no entry has said anything */
#define LEVEL_KNOWN 1

/* Of the version after this one. What has it cannot be used by anybody: tests
 * have nodes that know it, and build that version (tests/next). */
#define LEVEL_NEXT (LEVEL_KNOWN + 1)

#ifdef VARD_LEVEL_NEXT
#define LEVEL_MAX LEVEL_NEXT
#else
#define LEVEL_MAX LEVEL_KNOWN /* that this program can execute */
#endif

#endif
