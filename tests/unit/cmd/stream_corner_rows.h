/*
 * Streams, corner by corner: a word that is no option, with what would follow
 * one; an option at the end, without its value; numbers that are none; equal
 * values at bounds; what is not there. The replies are those of redis-server
 * 7.0.15, but for times, which are the test's. To be run in order.
 */
#ifndef TESTS_UNIT_CMD_STREAM_CORNER_ROWS_H
#define TESTS_UNIT_CMD_STREAM_CORNER_ROWS_H

#include "unit/cmd/cmd_rows.h"

static const struct row stream_corner_rows[] = {
    {"FLUSHALL", "+OK\r\n"},
    /* ids: a missing half is 0, as a beginning; spaces and signs in front */
    {"XADD s 5 a b", "$3\r\n5-0\r\n"},
    {"XADD s 5-1 a b", "$3\r\n5-1\r\n"},
    {"XADD s 6-0 a b", "$3\r\n6-0\r\n"},
    {"XDEL s 5", ":1\r\n"},
    {"XRANGE s - +", "*2\r\n*2\r\n$3\r\n5-1\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n*"
                     "2\r\n$3\r\n6-0\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n"},
    {"XDEL s 6 5-0", ":1\r\n"},
    {"XLEN s", ":1\r\n"},
    {"XADD s \" 7-1\" a b", "$3\r\n7-1\r\n"},
    {"XADD s \"\\t7- 2\" a b", "$3\r\n7-2\r\n"},
    {"XADD s \"\\r7-3\" a b", "$3\r\n7-3\r\n"},
    {"XADD s 7-+4 a b", "$3\r\n7-4\r\n"},
    {"XADD s + a b",
     "-ERR Invalid stream ID specified as stream command argument\r\n"},
    {"XADD s 7- a b",
     "-ERR Invalid stream ID specified as stream command argument\r\n"},
    {"XADD s - a b",
     "-ERR Invalid stream ID specified as stream command argument\r\n"},
    {"XADD s \"\" a b",
     "-ERR Invalid stream ID specified as stream command argument\r\n"},
    {"XADD s 8-1x a b",
     "-ERR Invalid stream ID specified as stream command argument\r\n"},
    {"XADD s \"8-1 \" a b",
     "-ERR Invalid stream ID specified as stream command argument\r\n"},
    {"XADD s \"\\x0e8-1\" a b",
     "-ERR Invalid stream ID specified as stream command argument\r\n"},
    {"XADD s \"\\x088-1\" a b",
     "-ERR Invalid stream ID specified as stream command argument\r\n"},
    {"XADD s 3-* a b", "-ERR The ID specified in XADD is equal or smaller than "
                       "the target stream top item\r\n"},
    {"XADD s 7-* a b", "$3\r\n7-5\r\n"},
    {"XADD s 8-* a b", "$3\r\n8-0\r\n"},
    {"XADD s 8* a b",
     "-ERR Invalid stream ID specified as stream command argument\r\n"},
    {"XADD s 9-** a b",
     "-ERR Invalid stream ID specified as stream command argument\r\n"},
    {"XADD s *-1 a b",
     "-ERR Invalid stream ID specified as stream command argument\r\n"},
    {"XADD s 0 a b",
     "-ERR The ID specified in XADD must be greater than 0-0\r\n"},
    {"XRANGE s 8-0 +", "*1\r\n*2\r\n$3\r\n8-0\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n"},
    {"XDEL s 8-*",
     "-ERR Invalid stream ID specified as stream command argument\r\n"},
    {"XRANGE s 8-* +",
     "-ERR Invalid stream ID specified as stream command argument\r\n"},
    {"XREAD STREAMS s 8-*",
     "-ERR Invalid stream ID specified as stream command argument\r\n"},
    {"XSETID s 8-*",
     "-ERR Invalid stream ID specified as stream command argument\r\n"},
    {"XREVRANGE s + - COUNT 1",
     "*1\r\n*2\r\n$3\r\n8-0\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n"},
    {"XADD one 0-1 a b", "$3\r\n0-1\r\n"},
    {"XADD one 0-0 a b",
     "-ERR The ID specified in XADD must be greater than 0-0\r\n"},
    /* arguments of XADD */
    {"XADD s 10-1 a", "-ERR wrong number of arguments for 'xadd' command\r\n"},
    {"XADD s 10-1 a b c",
     "-ERR wrong number of arguments for 'xadd' command\r\n"},
    {"XADD s NOMKSTREAM 10-1 a b", "$4\r\n10-1\r\n"},
    {"XADD s MAXLEN 2 10-2 a b", "$4\r\n10-2\r\n"},
    {"XADD s MAXLEN 2 10-3 a b c",
     "-ERR wrong number of arguments for 'xadd' command\r\n"},
    {"XADD s 10-3 a b c d", "$4\r\n10-3\r\n"},
    {"XADD s 10-3 a b", "-ERR The ID specified in XADD is equal or smaller "
                        "than the target stream top item\r\n"},
    {"XADD s MAXLEN 2 MINID",
     "-ERR Invalid stream ID specified as stream command argument\r\n"},
    {"XADD s maxlen = 3 nomkstream 11-1 a b", "$4\r\n11-1\r\n"},
    {"XRANGE s - +",
     "*3\r\n*2\r\n$4\r\n10-2\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n*2\r\n$4\r\n10-"
     "3\r\n*4\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n$1\r\nd\r\n*2\r\n$4\r\n11-"
     "1\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n"},
    {"XADD s NOMKSTREAM NOMKSTREAM 11-2 a b", "$4\r\n11-2\r\n"},
    {"XADD s MAXLEN 3 NOMKSTREAM 11-3 a b c",
     "-ERR wrong number of arguments for 'xadd' command\r\n"},
    {"XADD none NOMKSTREAM MAXLEN 3 11-3 a b", "$-1\r\n"},
    {"XADD s MAXLEN ~ 3 LIMIT x 12-1 a b",
     "-ERR value is not an integer or out of range\r\n"},
    {"XADD s MAXLEN ~ 3 LIMIT -1 12-1 a b",
     "-ERR The LIMIT argument must be >= 0.\r\n"},
    {"XADD s MAXLEN ~ 3 LIMIT 12-1 a b",
     "-ERR value is not an integer or out of range\r\n"},
    {"XADD s MAXLEN ~ x 12-1 a b",
     "-ERR value is not an integer or out of range\r\n"},
    {"XADD s MAXLEN x 12-1 a b",
     "-ERR value is not an integer or out of range\r\n"},
    {"XADD s MINID ~ x 12-1 a b",
     "-ERR Invalid stream ID specified as stream command argument\r\n"},
    {"XTRIM s MAXLEN ~ 3 LIMIT x",
     "-ERR value is not an integer or out of range\r\n"},
    {"XTRIM s MAXLEN ~ 3 LIMIT -1",
     "-ERR The LIMIT argument must be >= 0.\r\n"},
    {"XTRIM s MAXLEN ~ 3 LIMIT", "-ERR syntax error\r\n"},
    {"XTRIM s MAXLEN 3 LIMIT 1", "-ERR syntax error, LIMIT cannot be used "
                                 "without the special ~ option\r\n"},
    {"XTRIM s MAXLEN = 3 LIMIT 1", "-ERR syntax error, LIMIT cannot be used "
                                   "without the special ~ option\r\n"},
    {"XTRIM s MAXLEN ~ 1", ":0\r\n"},
    {"XTRIM s MAXLEN -1", "-ERR The MAXLEN argument must be >= 0.\r\n"},
    {"XTRIM s MAXLEN 100", ":0\r\n"},
    {"XTRIM s MINID 11", ":2\r\n"},
    {"XTRIM s MINID ~ 11-2 LIMIT 1", ":0\r\n"},
    {"XTRIM s MINID 11-2", ":1\r\n"},
    {"XTRIM s MAXLEN 1 MINID 1", "-ERR syntax error, MAXLEN and MINID options "
                                 "at the same time are not compatible\r\n"},
    {"XLEN s", ":1\r\n"},
    /* the last id of all */
    {"XADD e 18446744073709551615-18446744073709551614 a b",
     "$41\r\n18446744073709551615-18446744073709551614\r\n"},
    {"XADD e 18446744073709551615-* a b",
     "$41\r\n18446744073709551615-18446744073709551615\r\n"},
    {"XADD e 18446744073709551615-* a b",
     "-ERR The stream has exhausted the last possible ID, unable to add more "
     "items\r\n"},
    {"XADD e * a b", "-ERR The stream has exhausted the last possible ID, "
                     "unable to add more items\r\n"},
    {"XADD e 18446744073709551615-1 a b",
     "-ERR The stream has exhausted the last possible ID, unable to add more "
     "items\r\n"},
    {"XADD e 18446744073709551615-18446744073709551615 a b",
     "-ERR The stream has exhausted the last possible ID, unable to add more "
     "items\r\n"},
    {"XRANGE e 18446744073709551615-18446744073709551615 +",
     "*1\r\n*2\r\n$41\r\n18446744073709551615-18446744073709551615\r\n*2\r\n$"
     "1\r\na\r\n$1\r\nb\r\n"},
    {"XRANGE e - 18446744073709551615-18446744073709551615",
     "*2\r\n*2\r\n$41\r\n18446744073709551615-18446744073709551614\r\n*2\r\n$"
     "1\r\na\r\n$1\r\nb\r\n*2\r\n$41\r\n18446744073709551615-"
     "18446744073709551615\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n"},
    {"XREAD STREAMS e 18446744073709551615-18446744073709551614",
     "*1\r\n*2\r\n$1\r\ne\r\n*1\r\n*2\r\n$41\r\n18446744073709551615-"
     "18446744073709551615\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n"},
    {"XADD q 7-18446744073709551615 a b", "$22\r\n7-18446744073709551615\r\n"},
    {"XADD q 7-* a b", "-ERR Elements are too large to be stored\r\n"},
    {"XADD q 8-* a b", "$3\r\n8-0\r\n"},
    /* XRANGE */
    {"XRANGE q 7 8",
     "*2\r\n*2\r\n$22\r\n7-18446744073709551615\r\n*2\r\n$1\r\na\r\n$"
     "1\r\nb\r\n*2\r\n$3\r\n8-0\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n"},
    {"XRANGE q (7-18446744073709551615 8",
     "*1\r\n*2\r\n$3\r\n8-0\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n"},
    {"XRANGE q 7 (8-0", "*1\r\n*2\r\n$22\r\n7-18446744073709551615\r\n*2\r\n$"
                        "1\r\na\r\n$1\r\nb\r\n"},
    {"XRANGE q 8 7", "*0\r\n"},
    {"XRANGE q - + COUNT 1 COUNT 2",
     "*2\r\n*2\r\n$22\r\n7-18446744073709551615\r\n*2\r\n$1\r\na\r\n$"
     "1\r\nb\r\n*2\r\n$3\r\n8-0\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n"},
    {"XRANGE q - + COUNT 1 COUNT x",
     "-ERR value is not an integer or out of range\r\n"},
    {"XRANGE q - + COUNT 1 COUNT", "-ERR syntax error\r\n"},
    {"XRANGE q - + COUNT 1 FOO 2", "-ERR syntax error\r\n"},
    {"XRANGE q - + FOO 1 COUNT 2", "-ERR syntax error\r\n"},
    {"XRANGE q - + COUNT -5", "*-1\r\n"},
    {"XRANGE none - + COUNT 1", "*0\r\n"},
    {"XREVRANGE q 8 7 COUNT 1",
     "*1\r\n*2\r\n$3\r\n8-0\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n"},
    {"XREVRANGE q 7 8", "*0\r\n"},
    {"XREVRANGE q (8 7",
     "*2\r\n*2\r\n$3\r\n8-0\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n*2\r\n$22\r\n7-"
     "18446744073709551615\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n"},
    /* XREAD */
    {"XREAD BLOCK STREAMS q 0",
     "-ERR timeout is not an integer or out of range\r\n"},
    {"XREAD BLOCK", "-ERR wrong number of arguments for 'xread' command\r\n"},
    {"XREAD COUNT", "-ERR wrong number of arguments for 'xread' command\r\n"},
    {"XREAD STREAMS q",
     "-ERR wrong number of arguments for 'xread' command\r\n"},
    {"XREAD GROUP", "-ERR wrong number of arguments for 'xread' command\r\n"},
    {"XREAD GROUP g", "-ERR wrong number of arguments for 'xread' command\r\n"},
    {"XREAD COUNT 1 COUNT 2 STREAMS q 0",
     "*1\r\n*2\r\n$1\r\nq\r\n*2\r\n*2\r\n$22\r\n7-18446744073709551615\r\n*"
     "2\r\n$1\r\na\r\n$1\r\nb\r\n*2\r\n$3\r\n8-0\r\n*2\r\n$1\r\na\r\n$"
     "1\r\nb\r\n"},
    {"XREAD STREAMS q 8-0", "*-1\r\n"},
    {"XREAD STREAMS q 7-18446744073709551615",
     "*1\r\n*2\r\n$1\r\nq\r\n*1\r\n*2\r\n$3\r\n8-0\r\n*2\r\n$1\r\na\r\n$"
     "1\r\nb\r\n"},
    {"XREAD STREAMS q 7-18446744073709551614",
     "*1\r\n*2\r\n$1\r\nq\r\n*2\r\n*2\r\n$22\r\n7-18446744073709551615\r\n*"
     "2\r\n$1\r\na\r\n$1\r\nb\r\n*2\r\n$3\r\n8-0\r\n*2\r\n$1\r\na\r\n$"
     "1\r\nb\r\n"},
    {"XREAD STREAMS q 8", "*-1\r\n"},
    {"XREAD STREAMS q 7",
     "*1\r\n*2\r\n$1\r\nq\r\n*2\r\n*2\r\n$22\r\n7-18446744073709551615\r\n*"
     "2\r\n$1\r\na\r\n$1\r\nb\r\n*2\r\n$3\r\n8-0\r\n*2\r\n$1\r\na\r\n$"
     "1\r\nb\r\n"},
    {"XREAD STREAMS q 9", "*-1\r\n"},
    {"XREAD STREAMS q 0-0",
     "*1\r\n*2\r\n$1\r\nq\r\n*2\r\n*2\r\n$22\r\n7-18446744073709551615\r\n*"
     "2\r\n$1\r\na\r\n$1\r\nb\r\n*2\r\n$3\r\n8-0\r\n*2\r\n$1\r\na\r\n$"
     "1\r\nb\r\n"},
    {"XREAD STREAMS q e 8 18446744073709551615-18446744073709551614",
     "*1\r\n*2\r\n$1\r\ne\r\n*1\r\n*2\r\n$41\r\n18446744073709551615-"
     "18446744073709551615\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n"},
    /* XSETID */
    {"XSETID q 9 ENTRIESADDED 3 MAXDELETEDID 9", "+OK\r\n"},
    {"XINFO STREAM q",
     "*20\r\n$6\r\nlength\r\n:2\r\n$15\r\nradix-tree-keys\r\n:1\r\n$"
     "16\r\nradix-tree-nodes\r\n:2\r\n$17\r\nlast-generated-id\r\n$3\r\n9-"
     "0\r\n$20\r\nmax-deleted-entry-id\r\n$3\r\n9-0\r\n$13\r\nentries-"
     "added\r\n:3\r\n$23\r\nrecorded-first-entry-id\r\n$22\r\n7-"
     "18446744073709551615\r\n$6\r\ngroups\r\n:0\r\n$11\r\nfirst-entry\r\n*"
     "2\r\n$22\r\n7-18446744073709551615\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n$"
     "10\r\nlast-entry\r\n*2\r\n$3\r\n8-0\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n"},
    {"XSETID q 9 ENTRIESADDED 3 MAXDELETEDID 9-1",
     "-ERR The ID specified in XSETID is smaller than the provided "
     "max_deleted_entry_id\r\n"},
    {"XSETID q 9 ENTRIESADDED 1",
     "-ERR The entries_added specified in XSETID is smaller than the target "
     "stream length\r\n"},
    {"XSETID q 9 ENTRIESADDED 2", "+OK\r\n"},
    {"XSETID q 9 ENTRIESADDED 5 MAXDELETEDID 0-0", "+OK\r\n"},
    {"XINFO STREAM q",
     "*20\r\n$6\r\nlength\r\n:2\r\n$15\r\nradix-tree-keys\r\n:1\r\n$"
     "16\r\nradix-tree-nodes\r\n:2\r\n$17\r\nlast-generated-id\r\n$3\r\n9-"
     "0\r\n$20\r\nmax-deleted-entry-id\r\n$3\r\n9-0\r\n$13\r\nentries-"
     "added\r\n:5\r\n$23\r\nrecorded-first-entry-id\r\n$22\r\n7-"
     "18446744073709551615\r\n$6\r\ngroups\r\n:0\r\n$11\r\nfirst-entry\r\n*"
     "2\r\n$22\r\n7-18446744073709551615\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n$"
     "10\r\nlast-entry\r\n*2\r\n$3\r\n8-0\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n"},
    {"XSETID q 9 MAXDELETEDID 3", "+OK\r\n"},
    {"XINFO STREAM q",
     "*20\r\n$6\r\nlength\r\n:2\r\n$15\r\nradix-tree-keys\r\n:1\r\n$"
     "16\r\nradix-tree-nodes\r\n:2\r\n$17\r\nlast-generated-id\r\n$3\r\n9-"
     "0\r\n$20\r\nmax-deleted-entry-id\r\n$3\r\n3-0\r\n$13\r\nentries-"
     "added\r\n:5\r\n$23\r\nrecorded-first-entry-id\r\n$22\r\n7-"
     "18446744073709551615\r\n$6\r\ngroups\r\n:0\r\n$11\r\nfirst-entry\r\n*"
     "2\r\n$22\r\n7-18446744073709551615\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n$"
     "10\r\nlast-entry\r\n*2\r\n$3\r\n8-0\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n"},
    {"XSETID q 9 MAXDELETEDID x",
     "-ERR Invalid stream ID specified as stream command argument\r\n"},
    {"XSETID q 7", "-ERR The ID specified in XSETID is smaller than the target "
                   "stream top item\r\n"},
    {"XSETID q 8-1", "+OK\r\n"},
    {"XSETID q 9 MAXDELETEDID", "-ERR syntax error\r\n"},
    {"XADD z 1-1 a b", "$3\r\n1-1\r\n"},
    {"XDEL z 1-1", ":1\r\n"},
    {"XSETID z 3 ENTRIESADDED 0", "+OK\r\n"},
    {"XSETID z 0-1", "+OK\r\n"},
    {"XINFO STREAM z",
     "*20\r\n$6\r\nlength\r\n:0\r\n$15\r\nradix-tree-keys\r\n:0\r\n$"
     "16\r\nradix-tree-nodes\r\n:1\r\n$17\r\nlast-generated-id\r\n$3\r\n0-"
     "1\r\n$20\r\nmax-deleted-entry-id\r\n$3\r\n1-1\r\n$13\r\nentries-"
     "added\r\n:0\r\n$23\r\nrecorded-first-entry-id\r\n$3\r\n0-0\r\n$"
     "6\r\ngroups\r\n:0\r\n$11\r\nfirst-entry\r\n$-1\r\n$10\r\nlast-entry\r\n$-"
     "1\r\n"},
    {"XADD z 1-1 a b", "$3\r\n1-1\r\n"},
    {"XSETID z 9 ENTRIESADDED 0",
     "-ERR The entries_added specified in XSETID is smaller than the target "
     "stream length\r\n"},
    {"XSETID none 9 ENTRIESADDED 0", "-ERR no such key\r\n"},
    {"XADD t 1-1 a b", "$3\r\n1-1\r\n"},
    {"XADD t 1-2 a b", "$3\r\n1-2\r\n"},
    {"XADD t 1-3 a b", "$3\r\n1-3\r\n"},
    {"XDEL t 1-2 1-2 1-9", ":1\r\n"},
    {"XINFO STREAM t",
     "*20\r\n$6\r\nlength\r\n:2\r\n$15\r\nradix-tree-keys\r\n:1\r\n$"
     "16\r\nradix-tree-nodes\r\n:2\r\n$17\r\nlast-generated-id\r\n$3\r\n1-"
     "3\r\n$20\r\nmax-deleted-entry-id\r\n$3\r\n1-2\r\n$13\r\nentries-"
     "added\r\n:3\r\n$23\r\nrecorded-first-entry-id\r\n$3\r\n1-1\r\n$"
     "6\r\ngroups\r\n:0\r\n$11\r\nfirst-entry\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$"
     "1\r\na\r\n$1\r\nb\r\n$10\r\nlast-entry\r\n*2\r\n$3\r\n1-3\r\n*2\r\n$"
     "1\r\na\r\n$1\r\nb\r\n"},
    {"XDEL t 1-1", ":1\r\n"},
    {"XDEL t 1-3 x",
     "-ERR Invalid stream ID specified as stream command argument\r\n"},
    {"XINFO STREAM t",
     "*20\r\n$6\r\nlength\r\n:1\r\n$15\r\nradix-tree-keys\r\n:1\r\n$"
     "16\r\nradix-tree-nodes\r\n:2\r\n$17\r\nlast-generated-id\r\n$3\r\n1-"
     "3\r\n$20\r\nmax-deleted-entry-id\r\n$3\r\n1-2\r\n$13\r\nentries-"
     "added\r\n:3\r\n$23\r\nrecorded-first-entry-id\r\n$3\r\n1-3\r\n$"
     "6\r\ngroups\r\n:0\r\n$11\r\nfirst-entry\r\n*2\r\n$3\r\n1-3\r\n*2\r\n$"
     "1\r\na\r\n$1\r\nb\r\n$10\r\nlast-entry\r\n*2\r\n$3\r\n1-3\r\n*2\r\n$"
     "1\r\na\r\n$1\r\nb\r\n"},
    {"XDEL t 1-3", ":1\r\n"},
    {"XINFO STREAM t",
     "*20\r\n$6\r\nlength\r\n:0\r\n$15\r\nradix-tree-keys\r\n:0\r\n$"
     "16\r\nradix-tree-nodes\r\n:1\r\n$17\r\nlast-generated-id\r\n$3\r\n1-"
     "3\r\n$20\r\nmax-deleted-entry-id\r\n$3\r\n1-3\r\n$13\r\nentries-"
     "added\r\n:3\r\n$23\r\nrecorded-first-entry-id\r\n$3\r\n0-0\r\n$"
     "6\r\ngroups\r\n:0\r\n$11\r\nfirst-entry\r\n$-1\r\n$10\r\nlast-entry\r\n$-"
     "1\r\n"},
    {"XTRIM t MAXLEN 0", ":0\r\n"},
    {"EXISTS t", ":1\r\n"},
    /* as long as an id may be */
    {"XADD long "
     "0000000000000000000000000000000000000000000000000000000000000000000000000"
     "00000000000000000000000000000000000000000000000001-100 a b",
     "$5\r\n1-100\r\n"},
    {"XADD long "
     "0000000000000000000000000000000000000000000000000000000000000000000000000"
     "000000000000000000000000000000000000000000000000001-101 a b",
     "-ERR Invalid stream ID specified as stream command argument\r\n"},
    {"XADD long "
     "0000000000000000000000000000000000000000000000000000000000000000000000000"
     "0000000000000000000000000000000000000000000000000001-102 a b",
     "-ERR Invalid stream ID specified as stream command argument\r\n"},
    {"XADD long "
     "1-"
     "0000000000000000000000000000000000000000000000000000000000000000000000000"
     "000000000000000000000000000000000000000000000000009 a b",
     "-ERR The ID specified in XADD is equal or smaller than the target stream "
     "top item\r\n"},
};

#endif
