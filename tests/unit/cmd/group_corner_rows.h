/*
 * Consumer groups, corner by corner: a word that is no option, with what would
 * follow one; an option at the end, without its value; numbers that are none;
 * equal values at bounds; what is not there. The replies are those of
 * redis-server 7.0.15, but for times, which are the test's. To be run in order.
 */
#ifndef TESTS_UNIT_CMD_GROUP_CORNER_ROWS_H
#define TESTS_UNIT_CMD_GROUP_CORNER_ROWS_H

#include "unit/cmd/cmd_rows.h"

static const struct row group_corner_rows[] = {
    {"FLUSHALL", "+OK\r\n"},
    {"XADD s 1-1 a b", "$3\r\n1-1\r\n"},
    {"XADD s 2-0 c d", "$3\r\n2-0\r\n"},
    {"XADD s 3-0 e f", "$3\r\n3-0\r\n"},
    {"XADD s 4-0 g h", "$3\r\n4-0\r\n"},
    {"XADD s 5-0 i j", "$3\r\n5-0\r\n"},
    {"XGROUP CREATE s g 0", "+OK\r\n"},
    {"XGROUP CREATE s h $", "+OK\r\n"},
    {"XGROUP CREATE s i 2 ENTRIESREAD 2", "+OK\r\n"},
    {"XGROUP CREATE s j 3", "+OK\r\n"},
    {"XINFO STREAM s",
     "*20\r\n$6\r\nlength\r\n:5\r\n$15\r\nradix-tree-keys\r\n:1\r\n$"
     "16\r\nradix-tree-nodes\r\n:2\r\n$17\r\nlast-generated-id\r\n$3\r\n5-"
     "0\r\n$20\r\nmax-deleted-entry-id\r\n$3\r\n0-0\r\n$13\r\nentries-"
     "added\r\n:5\r\n$23\r\nrecorded-first-entry-id\r\n$3\r\n1-1\r\n$"
     "6\r\ngroups\r\n:4\r\n$11\r\nfirst-entry\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$"
     "1\r\na\r\n$1\r\nb\r\n$10\r\nlast-entry\r\n*2\r\n$3\r\n5-0\r\n*2\r\n$"
     "1\r\ni\r\n$1\r\nj\r\n"},
    {"XREADGROUP GROUP g one COUNT 2 STREAMS s >",
     "*1\r\n*2\r\n$1\r\ns\r\n*2\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\na\r\n$"
     "1\r\nb\r\n*2\r\n$3\r\n2-0\r\n*2\r\n$1\r\nc\r\n$1\r\nd\r\n"},
    {"XREADGROUP GROUP g two COUNT 1 STREAMS s >",
     "*1\r\n*2\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n3-0\r\n*2\r\n$1\r\ne\r\n$"
     "1\r\nf\r\n"},
    {"XREADGROUP GROUP g one COUNT 1 STREAMS s >",
     "*1\r\n*2\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n4-0\r\n*2\r\n$1\r\ng\r\n$"
     "1\r\nh\r\n"},
    {"XGROUP CREATECONSUMER s g idle", ":1\r\n"},
    {"XINFO STREAM s FULL",
     "*18\r\n$6\r\nlength\r\n:5\r\n$15\r\nradix-tree-keys\r\n:1\r\n$"
     "16\r\nradix-tree-nodes\r\n:2\r\n$17\r\nlast-generated-id\r\n$3\r\n5-"
     "0\r\n$20\r\nmax-deleted-entry-id\r\n$3\r\n0-0\r\n$13\r\nentries-"
     "added\r\n:5\r\n$23\r\nrecorded-first-entry-id\r\n$3\r\n1-1\r\n$"
     "7\r\nentries\r\n*5\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n*"
     "2\r\n$3\r\n2-0\r\n*2\r\n$1\r\nc\r\n$1\r\nd\r\n*2\r\n$3\r\n3-0\r\n*2\r\n$"
     "1\r\ne\r\n$1\r\nf\r\n*2\r\n$3\r\n4-0\r\n*2\r\n$1\r\ng\r\n$1\r\nh\r\n*"
     "2\r\n$3\r\n5-0\r\n*2\r\n$1\r\ni\r\n$1\r\nj\r\n$6\r\ngroups\r\n*4\r\n*"
     "14\r\n$4\r\nname\r\n$1\r\ng\r\n$17\r\nlast-delivered-id\r\n$3\r\n4-0\r\n$"
     "12\r\nentries-read\r\n:4\r\n$3\r\nlag\r\n:1\r\n$9\r\npel-count\r\n:4\r\n$"
     "7\r\npending\r\n*4\r\n*4\r\n$3\r\n1-1\r\n$3\r\none\r\n:1800000000000\r\n:"
     "1\r\n*4\r\n$3\r\n2-0\r\n$3\r\none\r\n:1800000000000\r\n:1\r\n*4\r\n$"
     "3\r\n3-0\r\n$3\r\ntwo\r\n:1800000000000\r\n:1\r\n*4\r\n$3\r\n4-0\r\n$"
     "3\r\none\r\n:1800000000000\r\n:1\r\n$9\r\nconsumers\r\n*3\r\n*8\r\n$"
     "4\r\nname\r\n$4\r\nidle\r\n$9\r\nseen-time\r\n:1800000000000\r\n$"
     "9\r\npel-count\r\n:0\r\n$7\r\npending\r\n*0\r\n*8\r\n$4\r\nname\r\n$"
     "3\r\none\r\n$9\r\nseen-time\r\n:1800000000000\r\n$9\r\npel-count\r\n:"
     "3\r\n$7\r\npending\r\n*3\r\n*3\r\n$3\r\n1-1\r\n:1800000000000\r\n:1\r\n*"
     "3\r\n$3\r\n2-0\r\n:1800000000000\r\n:1\r\n*3\r\n$3\r\n4-0\r\n:"
     "1800000000000\r\n:1\r\n*8\r\n$4\r\nname\r\n$3\r\ntwo\r\n$9\r\nseen-"
     "time\r\n:1800000000000\r\n$9\r\npel-count\r\n:1\r\n$7\r\npending\r\n*"
     "1\r\n*3\r\n$3\r\n3-0\r\n:1800000000000\r\n:1\r\n*14\r\n$4\r\nname\r\n$"
     "1\r\nh\r\n$17\r\nlast-delivered-id\r\n$3\r\n5-0\r\n$12\r\nentries-"
     "read\r\n$-1\r\n$3\r\nlag\r\n:0\r\n$9\r\npel-count\r\n:0\r\n$"
     "7\r\npending\r\n*0\r\n$9\r\nconsumers\r\n*0\r\n*14\r\n$4\r\nname\r\n$"
     "1\r\ni\r\n$17\r\nlast-delivered-id\r\n$3\r\n2-0\r\n$12\r\nentries-"
     "read\r\n:2\r\n$3\r\nlag\r\n:3\r\n$9\r\npel-count\r\n:0\r\n$"
     "7\r\npending\r\n*0\r\n$9\r\nconsumers\r\n*0\r\n*14\r\n$4\r\nname\r\n$"
     "1\r\nj\r\n$17\r\nlast-delivered-id\r\n$3\r\n3-0\r\n$12\r\nentries-"
     "read\r\n$-1\r\n$3\r\nlag\r\n$-1\r\n$9\r\npel-count\r\n:0\r\n$"
     "7\r\npending\r\n*0\r\n$9\r\nconsumers\r\n*0\r\n"},
    {"XINFO STREAM s FULL COUNT 1",
     "*18\r\n$6\r\nlength\r\n:5\r\n$15\r\nradix-tree-keys\r\n:1\r\n$"
     "16\r\nradix-tree-nodes\r\n:2\r\n$17\r\nlast-generated-id\r\n$3\r\n5-"
     "0\r\n$20\r\nmax-deleted-entry-id\r\n$3\r\n0-0\r\n$13\r\nentries-"
     "added\r\n:5\r\n$23\r\nrecorded-first-entry-id\r\n$3\r\n1-1\r\n$"
     "7\r\nentries\r\n*1\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n$"
     "6\r\ngroups\r\n*4\r\n*14\r\n$4\r\nname\r\n$1\r\ng\r\n$17\r\nlast-"
     "delivered-id\r\n$3\r\n4-0\r\n$12\r\nentries-read\r\n:4\r\n$3\r\nlag\r\n:"
     "1\r\n$9\r\npel-count\r\n:4\r\n$7\r\npending\r\n*1\r\n*4\r\n$3\r\n1-1\r\n$"
     "3\r\none\r\n:1800000000000\r\n:1\r\n$9\r\nconsumers\r\n*3\r\n*8\r\n$"
     "4\r\nname\r\n$4\r\nidle\r\n$9\r\nseen-time\r\n:1800000000000\r\n$"
     "9\r\npel-count\r\n:0\r\n$7\r\npending\r\n*0\r\n*8\r\n$4\r\nname\r\n$"
     "3\r\none\r\n$9\r\nseen-time\r\n:1800000000000\r\n$9\r\npel-count\r\n:"
     "3\r\n$7\r\npending\r\n*1\r\n*3\r\n$3\r\n1-1\r\n:1800000000000\r\n:1\r\n*"
     "8\r\n$4\r\nname\r\n$3\r\ntwo\r\n$9\r\nseen-time\r\n:1800000000000\r\n$"
     "9\r\npel-count\r\n:1\r\n$7\r\npending\r\n*1\r\n*3\r\n$3\r\n3-0\r\n:"
     "1800000000000\r\n:1\r\n*14\r\n$4\r\nname\r\n$1\r\nh\r\n$17\r\nlast-"
     "delivered-id\r\n$3\r\n5-0\r\n$12\r\nentries-read\r\n$-1\r\n$3\r\nlag\r\n:"
     "0\r\n$9\r\npel-count\r\n:0\r\n$7\r\npending\r\n*0\r\n$9\r\nconsumers\r\n*"
     "0\r\n*14\r\n$4\r\nname\r\n$1\r\ni\r\n$17\r\nlast-delivered-id\r\n$3\r\n2-"
     "0\r\n$12\r\nentries-read\r\n:2\r\n$3\r\nlag\r\n:3\r\n$9\r\npel-count\r\n:"
     "0\r\n$7\r\npending\r\n*0\r\n$9\r\nconsumers\r\n*0\r\n*14\r\n$"
     "4\r\nname\r\n$1\r\nj\r\n$17\r\nlast-delivered-id\r\n$3\r\n3-0\r\n$"
     "12\r\nentries-read\r\n$-1\r\n$3\r\nlag\r\n$-1\r\n$9\r\npel-count\r\n:"
     "0\r\n$7\r\npending\r\n*0\r\n$9\r\nconsumers\r\n*0\r\n"},
    {"XINFO STREAM s FULL COUNT 2",
     "*18\r\n$6\r\nlength\r\n:5\r\n$15\r\nradix-tree-keys\r\n:1\r\n$"
     "16\r\nradix-tree-nodes\r\n:2\r\n$17\r\nlast-generated-id\r\n$3\r\n5-"
     "0\r\n$20\r\nmax-deleted-entry-id\r\n$3\r\n0-0\r\n$13\r\nentries-"
     "added\r\n:5\r\n$23\r\nrecorded-first-entry-id\r\n$3\r\n1-1\r\n$"
     "7\r\nentries\r\n*2\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n*"
     "2\r\n$3\r\n2-0\r\n*2\r\n$1\r\nc\r\n$1\r\nd\r\n$6\r\ngroups\r\n*4\r\n*"
     "14\r\n$4\r\nname\r\n$1\r\ng\r\n$17\r\nlast-delivered-id\r\n$3\r\n4-0\r\n$"
     "12\r\nentries-read\r\n:4\r\n$3\r\nlag\r\n:1\r\n$9\r\npel-count\r\n:4\r\n$"
     "7\r\npending\r\n*2\r\n*4\r\n$3\r\n1-1\r\n$3\r\none\r\n:1800000000000\r\n:"
     "1\r\n*4\r\n$3\r\n2-0\r\n$3\r\none\r\n:1800000000000\r\n:1\r\n$"
     "9\r\nconsumers\r\n*3\r\n*8\r\n$4\r\nname\r\n$4\r\nidle\r\n$9\r\nseen-"
     "time\r\n:1800000000000\r\n$9\r\npel-count\r\n:0\r\n$7\r\npending\r\n*"
     "0\r\n*8\r\n$4\r\nname\r\n$3\r\none\r\n$9\r\nseen-time\r\n:"
     "1800000000000\r\n$9\r\npel-count\r\n:3\r\n$7\r\npending\r\n*2\r\n*3\r\n$"
     "3\r\n1-1\r\n:1800000000000\r\n:1\r\n*3\r\n$3\r\n2-0\r\n:"
     "1800000000000\r\n:1\r\n*8\r\n$4\r\nname\r\n$3\r\ntwo\r\n$9\r\nseen-"
     "time\r\n:1800000000000\r\n$9\r\npel-count\r\n:1\r\n$7\r\npending\r\n*"
     "1\r\n*3\r\n$3\r\n3-0\r\n:1800000000000\r\n:1\r\n*14\r\n$4\r\nname\r\n$"
     "1\r\nh\r\n$17\r\nlast-delivered-id\r\n$3\r\n5-0\r\n$12\r\nentries-"
     "read\r\n$-1\r\n$3\r\nlag\r\n:0\r\n$9\r\npel-count\r\n:0\r\n$"
     "7\r\npending\r\n*0\r\n$9\r\nconsumers\r\n*0\r\n*14\r\n$4\r\nname\r\n$"
     "1\r\ni\r\n$17\r\nlast-delivered-id\r\n$3\r\n2-0\r\n$12\r\nentries-"
     "read\r\n:2\r\n$3\r\nlag\r\n:3\r\n$9\r\npel-count\r\n:0\r\n$"
     "7\r\npending\r\n*0\r\n$9\r\nconsumers\r\n*0\r\n*14\r\n$4\r\nname\r\n$"
     "1\r\nj\r\n$17\r\nlast-delivered-id\r\n$3\r\n3-0\r\n$12\r\nentries-"
     "read\r\n$-1\r\n$3\r\nlag\r\n$-1\r\n$9\r\npel-count\r\n:0\r\n$"
     "7\r\npending\r\n*0\r\n$9\r\nconsumers\r\n*0\r\n"},
    {"XINFO STREAM s FULL COUNT 0",
     "*18\r\n$6\r\nlength\r\n:5\r\n$15\r\nradix-tree-keys\r\n:1\r\n$"
     "16\r\nradix-tree-nodes\r\n:2\r\n$17\r\nlast-generated-id\r\n$3\r\n5-"
     "0\r\n$20\r\nmax-deleted-entry-id\r\n$3\r\n0-0\r\n$13\r\nentries-"
     "added\r\n:5\r\n$23\r\nrecorded-first-entry-id\r\n$3\r\n1-1\r\n$"
     "7\r\nentries\r\n*5\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n*"
     "2\r\n$3\r\n2-0\r\n*2\r\n$1\r\nc\r\n$1\r\nd\r\n*2\r\n$3\r\n3-0\r\n*2\r\n$"
     "1\r\ne\r\n$1\r\nf\r\n*2\r\n$3\r\n4-0\r\n*2\r\n$1\r\ng\r\n$1\r\nh\r\n*"
     "2\r\n$3\r\n5-0\r\n*2\r\n$1\r\ni\r\n$1\r\nj\r\n$6\r\ngroups\r\n*4\r\n*"
     "14\r\n$4\r\nname\r\n$1\r\ng\r\n$17\r\nlast-delivered-id\r\n$3\r\n4-0\r\n$"
     "12\r\nentries-read\r\n:4\r\n$3\r\nlag\r\n:1\r\n$9\r\npel-count\r\n:4\r\n$"
     "7\r\npending\r\n*4\r\n*4\r\n$3\r\n1-1\r\n$3\r\none\r\n:1800000000000\r\n:"
     "1\r\n*4\r\n$3\r\n2-0\r\n$3\r\none\r\n:1800000000000\r\n:1\r\n*4\r\n$"
     "3\r\n3-0\r\n$3\r\ntwo\r\n:1800000000000\r\n:1\r\n*4\r\n$3\r\n4-0\r\n$"
     "3\r\none\r\n:1800000000000\r\n:1\r\n$9\r\nconsumers\r\n*3\r\n*8\r\n$"
     "4\r\nname\r\n$4\r\nidle\r\n$9\r\nseen-time\r\n:1800000000000\r\n$"
     "9\r\npel-count\r\n:0\r\n$7\r\npending\r\n*0\r\n*8\r\n$4\r\nname\r\n$"
     "3\r\none\r\n$9\r\nseen-time\r\n:1800000000000\r\n$9\r\npel-count\r\n:"
     "3\r\n$7\r\npending\r\n*3\r\n*3\r\n$3\r\n1-1\r\n:1800000000000\r\n:1\r\n*"
     "3\r\n$3\r\n2-0\r\n:1800000000000\r\n:1\r\n*3\r\n$3\r\n4-0\r\n:"
     "1800000000000\r\n:1\r\n*8\r\n$4\r\nname\r\n$3\r\ntwo\r\n$9\r\nseen-"
     "time\r\n:1800000000000\r\n$9\r\npel-count\r\n:1\r\n$7\r\npending\r\n*"
     "1\r\n*3\r\n$3\r\n3-0\r\n:1800000000000\r\n:1\r\n*14\r\n$4\r\nname\r\n$"
     "1\r\nh\r\n$17\r\nlast-delivered-id\r\n$3\r\n5-0\r\n$12\r\nentries-"
     "read\r\n$-1\r\n$3\r\nlag\r\n:0\r\n$9\r\npel-count\r\n:0\r\n$"
     "7\r\npending\r\n*0\r\n$9\r\nconsumers\r\n*0\r\n*14\r\n$4\r\nname\r\n$"
     "1\r\ni\r\n$17\r\nlast-delivered-id\r\n$3\r\n2-0\r\n$12\r\nentries-"
     "read\r\n:2\r\n$3\r\nlag\r\n:3\r\n$9\r\npel-count\r\n:0\r\n$"
     "7\r\npending\r\n*0\r\n$9\r\nconsumers\r\n*0\r\n*14\r\n$4\r\nname\r\n$"
     "1\r\nj\r\n$17\r\nlast-delivered-id\r\n$3\r\n3-0\r\n$12\r\nentries-"
     "read\r\n$-1\r\n$3\r\nlag\r\n$-1\r\n$9\r\npel-count\r\n:0\r\n$"
     "7\r\npending\r\n*0\r\n$9\r\nconsumers\r\n*0\r\n"},
    {"XINFO STREAM s FULL COUNT -1",
     "*18\r\n$6\r\nlength\r\n:5\r\n$15\r\nradix-tree-keys\r\n:1\r\n$"
     "16\r\nradix-tree-nodes\r\n:2\r\n$17\r\nlast-generated-id\r\n$3\r\n5-"
     "0\r\n$20\r\nmax-deleted-entry-id\r\n$3\r\n0-0\r\n$13\r\nentries-"
     "added\r\n:5\r\n$23\r\nrecorded-first-entry-id\r\n$3\r\n1-1\r\n$"
     "7\r\nentries\r\n*5\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n*"
     "2\r\n$3\r\n2-0\r\n*2\r\n$1\r\nc\r\n$1\r\nd\r\n*2\r\n$3\r\n3-0\r\n*2\r\n$"
     "1\r\ne\r\n$1\r\nf\r\n*2\r\n$3\r\n4-0\r\n*2\r\n$1\r\ng\r\n$1\r\nh\r\n*"
     "2\r\n$3\r\n5-0\r\n*2\r\n$1\r\ni\r\n$1\r\nj\r\n$6\r\ngroups\r\n*4\r\n*"
     "14\r\n$4\r\nname\r\n$1\r\ng\r\n$17\r\nlast-delivered-id\r\n$3\r\n4-0\r\n$"
     "12\r\nentries-read\r\n:4\r\n$3\r\nlag\r\n:1\r\n$9\r\npel-count\r\n:4\r\n$"
     "7\r\npending\r\n*4\r\n*4\r\n$3\r\n1-1\r\n$3\r\none\r\n:1800000000000\r\n:"
     "1\r\n*4\r\n$3\r\n2-0\r\n$3\r\none\r\n:1800000000000\r\n:1\r\n*4\r\n$"
     "3\r\n3-0\r\n$3\r\ntwo\r\n:1800000000000\r\n:1\r\n*4\r\n$3\r\n4-0\r\n$"
     "3\r\none\r\n:1800000000000\r\n:1\r\n$9\r\nconsumers\r\n*3\r\n*8\r\n$"
     "4\r\nname\r\n$4\r\nidle\r\n$9\r\nseen-time\r\n:1800000000000\r\n$"
     "9\r\npel-count\r\n:0\r\n$7\r\npending\r\n*0\r\n*8\r\n$4\r\nname\r\n$"
     "3\r\none\r\n$9\r\nseen-time\r\n:1800000000000\r\n$9\r\npel-count\r\n:"
     "3\r\n$7\r\npending\r\n*3\r\n*3\r\n$3\r\n1-1\r\n:1800000000000\r\n:1\r\n*"
     "3\r\n$3\r\n2-0\r\n:1800000000000\r\n:1\r\n*3\r\n$3\r\n4-0\r\n:"
     "1800000000000\r\n:1\r\n*8\r\n$4\r\nname\r\n$3\r\ntwo\r\n$9\r\nseen-"
     "time\r\n:1800000000000\r\n$9\r\npel-count\r\n:1\r\n$7\r\npending\r\n*"
     "1\r\n*3\r\n$3\r\n3-0\r\n:1800000000000\r\n:1\r\n*14\r\n$4\r\nname\r\n$"
     "1\r\nh\r\n$17\r\nlast-delivered-id\r\n$3\r\n5-0\r\n$12\r\nentries-"
     "read\r\n$-1\r\n$3\r\nlag\r\n:0\r\n$9\r\npel-count\r\n:0\r\n$"
     "7\r\npending\r\n*0\r\n$9\r\nconsumers\r\n*0\r\n*14\r\n$4\r\nname\r\n$"
     "1\r\ni\r\n$17\r\nlast-delivered-id\r\n$3\r\n2-0\r\n$12\r\nentries-"
     "read\r\n:2\r\n$3\r\nlag\r\n:3\r\n$9\r\npel-count\r\n:0\r\n$"
     "7\r\npending\r\n*0\r\n$9\r\nconsumers\r\n*0\r\n*14\r\n$4\r\nname\r\n$"
     "1\r\nj\r\n$17\r\nlast-delivered-id\r\n$3\r\n3-0\r\n$12\r\nentries-"
     "read\r\n$-1\r\n$3\r\nlag\r\n$-1\r\n$9\r\npel-count\r\n:0\r\n$"
     "7\r\npending\r\n*0\r\n$9\r\nconsumers\r\n*0\r\n"},
    {"XINFO STREAM s FULL COUNT x",
     "-ERR value is not an integer or out of range\r\n"},
    {"XINFO STREAM s FULL COUNT",
     "-ERR unknown subcommand or wrong number of arguments for 'STREAM'. Try "
     "XINFO HELP.\r\n"},
    {"XINFO STREAM s FULL 1", "-ERR unknown subcommand or wrong number of "
                              "arguments for 'STREAM'. Try XINFO HELP.\r\n"},
    {"XINFO STREAM s FULL FOO 1",
     "-ERR unknown subcommand or wrong number of arguments for 'STREAM'. Try "
     "XINFO HELP.\r\n"},
    {"XINFO STREAM s FOO", "-ERR unknown subcommand or wrong number of "
                           "arguments for 'STREAM'. Try XINFO HELP.\r\n"},
    {"XINFO STREAM s COUNT 1", "-ERR unknown subcommand or wrong number of "
                               "arguments for 'STREAM'. Try XINFO HELP.\r\n"},
    {"XINFO GROUPS s",
     "*4\r\n*12\r\n$4\r\nname\r\n$1\r\ng\r\n$9\r\nconsumers\r\n:3\r\n$"
     "7\r\npending\r\n:4\r\n$17\r\nlast-delivered-id\r\n$3\r\n4-0\r\n$"
     "12\r\nentries-read\r\n:4\r\n$3\r\nlag\r\n:1\r\n*12\r\n$4\r\nname\r\n$"
     "1\r\nh\r\n$9\r\nconsumers\r\n:0\r\n$7\r\npending\r\n:0\r\n$17\r\nlast-"
     "delivered-id\r\n$3\r\n5-0\r\n$12\r\nentries-read\r\n$-1\r\n$3\r\nlag\r\n:"
     "0\r\n*12\r\n$4\r\nname\r\n$1\r\ni\r\n$9\r\nconsumers\r\n:0\r\n$"
     "7\r\npending\r\n:0\r\n$17\r\nlast-delivered-id\r\n$3\r\n2-0\r\n$"
     "12\r\nentries-read\r\n:2\r\n$3\r\nlag\r\n:3\r\n*12\r\n$4\r\nname\r\n$"
     "1\r\nj\r\n$9\r\nconsumers\r\n:0\r\n$7\r\npending\r\n:0\r\n$17\r\nlast-"
     "delivered-id\r\n$3\r\n3-0\r\n$12\r\nentries-read\r\n$-1\r\n$3\r\nlag\r\n$"
     "-1\r\n"},
    {"XINFO CONSUMERS s g",
     "*3\r\n*6\r\n$4\r\nname\r\n$4\r\nidle\r\n$7\r\npending\r\n:0\r\n$"
     "4\r\nidle\r\n:0\r\n*6\r\n$4\r\nname\r\n$3\r\none\r\n$7\r\npending\r\n:"
     "3\r\n$4\r\nidle\r\n:0\r\n*6\r\n$4\r\nname\r\n$3\r\ntwo\r\n$"
     "7\r\npending\r\n:1\r\n$4\r\nidle\r\n:0\r\n"},
    {"XINFO CONSUMERS s h", "*0\r\n"},
    {"XINFO CONSUMERS s nosuch",
     "-NOGROUP No such consumer group 'nosuch' for key name 's'\r\n"},
    {"XINFO CONSUMERS none g", "-ERR no such key\r\n"},
    {"XINFO GROUPS none", "-ERR no such key\r\n"},
    {"XINFO STREAM none", "-ERR no such key\r\n"},
    {"XINFO STREAM none FULL", "-ERR no such key\r\n"},
    {"XINFO FOO s", "-ERR unknown subcommand 'FOO'. Try XINFO HELP.\r\n"},
    {"XINFO "
     "0123456789012345678901234567890123456789012345678901234567890123456789012"
     "345678901234567890123456789012345678901234567890123456789abcdef s",
     "-ERR unknown subcommand "
     "'012345678901234567890123456789012345678901234567890123456789012345678901"
     "23456789012345678901234567890123456789012345678901234567'. Try XINFO "
     "HELP.\r\n"},
    {"XINFO STREAM",
     "-ERR wrong number of arguments for 'xinfo|stream' command\r\n"},
    {"XINFO GROUPS",
     "-ERR wrong number of arguments for 'xinfo|groups' command\r\n"},
    {"XINFO GROUPS s g",
     "-ERR wrong number of arguments for 'xinfo|groups' command\r\n"},
    {"XINFO CONSUMERS s",
     "-ERR wrong number of arguments for 'xinfo|consumers' command\r\n"},
    {"XINFO CONSUMERS s g x",
     "-ERR wrong number of arguments for 'xinfo|consumers' command\r\n"},
    /* XPENDING */
    {"XPENDING s g", "*4\r\n:4\r\n$3\r\n1-1\r\n$3\r\n4-0\r\n*2\r\n*2\r\n$"
                     "3\r\none\r\n$1\r\n3\r\n*2\r\n$3\r\ntwo\r\n$1\r\n1\r\n"},
    {"XPENDING s h", "*4\r\n:0\r\n$-1\r\n$-1\r\n*-1\r\n"},
    {"XPENDING s g - + 10",
     "*4\r\n*4\r\n$3\r\n1-1\r\n$3\r\none\r\n:0\r\n:1\r\n*4\r\n$3\r\n2-0\r\n$"
     "3\r\none\r\n:0\r\n:1\r\n*4\r\n$3\r\n3-0\r\n$3\r\ntwo\r\n:0\r\n:1\r\n*"
     "4\r\n$3\r\n4-0\r\n$3\r\none\r\n:0\r\n:1\r\n"},
    {"XPENDING s g - + 2", "*2\r\n*4\r\n$3\r\n1-1\r\n$3\r\none\r\n:0\r\n:1\r\n*"
                           "4\r\n$3\r\n2-0\r\n$3\r\none\r\n:0\r\n:1\r\n"},
    {"XPENDING s g - + 1 one",
     "*1\r\n*4\r\n$3\r\n1-1\r\n$3\r\none\r\n:0\r\n:1\r\n"},
    {"XPENDING s g - + 10 one",
     "*3\r\n*4\r\n$3\r\n1-1\r\n$3\r\none\r\n:0\r\n:1\r\n*4\r\n$3\r\n2-0\r\n$"
     "3\r\none\r\n:0\r\n:1\r\n*4\r\n$3\r\n4-0\r\n$3\r\none\r\n:0\r\n:1\r\n"},
    {"XPENDING s g - + 10 two",
     "*1\r\n*4\r\n$3\r\n3-0\r\n$3\r\ntwo\r\n:0\r\n:1\r\n"},
    {"XPENDING s g - + 10 idle", "*0\r\n"},
    {"XPENDING s g - + 10 nosuch", "*0\r\n"},
    {"XPENDING s g 2 3 10",
     "*2\r\n*4\r\n$3\r\n2-0\r\n$3\r\none\r\n:0\r\n:1\r\n*4\r\n$3\r\n3-0\r\n$"
     "3\r\ntwo\r\n:0\r\n:1\r\n"},
    {"XPENDING s g (2 3 10",
     "*1\r\n*4\r\n$3\r\n3-0\r\n$3\r\ntwo\r\n:0\r\n:1\r\n"},
    {"XPENDING s g 2 (3 10",
     "*2\r\n*4\r\n$3\r\n2-0\r\n$3\r\none\r\n:0\r\n:1\r\n*4\r\n$3\r\n3-0\r\n$"
     "3\r\ntwo\r\n:0\r\n:1\r\n"},
    {"XPENDING s g 2-0 (3-0 10 one",
     "*1\r\n*4\r\n$3\r\n2-0\r\n$3\r\none\r\n:0\r\n:1\r\n"},
    {"XPENDING s g 3 3 10",
     "*1\r\n*4\r\n$3\r\n3-0\r\n$3\r\ntwo\r\n:0\r\n:1\r\n"},
    {"XPENDING s g 2-0 3-0 10",
     "*2\r\n*4\r\n$3\r\n2-0\r\n$3\r\none\r\n:0\r\n:1\r\n*4\r\n$3\r\n3-0\r\n$"
     "3\r\ntwo\r\n:0\r\n:1\r\n"},
    {"XPENDING s g 2-0 2-0 10 one",
     "*1\r\n*4\r\n$3\r\n2-0\r\n$3\r\none\r\n:0\r\n:1\r\n"},
    {"XPENDING s g 1-2 2-0 10",
     "*1\r\n*4\r\n$3\r\n2-0\r\n$3\r\none\r\n:0\r\n:1\r\n"},
    {"XPENDING s g 9 + 10", "*0\r\n"},
    {"XPENDING s g - + 0", "*0\r\n"},
    {"XPENDING s g - + -1", "*0\r\n"},
    {"XPENDING s g - + x", "-ERR value is not an integer or out of range\r\n"},
    {"XPENDING s g x + 10",
     "-ERR Invalid stream ID specified as stream command argument\r\n"},
    {"XPENDING s g - x 10",
     "-ERR Invalid stream ID specified as stream command argument\r\n"},
    {"XPENDING s g - +", "-ERR syntax error\r\n"},
    {"XPENDING s g -", "-ERR syntax error\r\n"},
    {"XPENDING s g IDLE 0 - + 10",
     "*4\r\n*4\r\n$3\r\n1-1\r\n$3\r\none\r\n:0\r\n:1\r\n*4\r\n$3\r\n2-0\r\n$"
     "3\r\none\r\n:0\r\n:1\r\n*4\r\n$3\r\n3-0\r\n$3\r\ntwo\r\n:0\r\n:1\r\n*"
     "4\r\n$3\r\n4-0\r\n$3\r\none\r\n:0\r\n:1\r\n"},
    {"XPENDING s g IDLE 0 - + 10 two",
     "*1\r\n*4\r\n$3\r\n3-0\r\n$3\r\ntwo\r\n:0\r\n:1\r\n"},
    {"XPENDING s g IDLE 100000 - + 10", "*0\r\n"},
    {"XPENDING s g IDLE x - + 10",
     "-ERR value is not an integer or out of range\r\n"},
    {"XPENDING s g IDLE 0 - +", "-ERR syntax error\r\n"},
    {"XPENDING s g IDLE 0 - + 10 two x", "-ERR syntax error\r\n"},
    {"XPENDING s g FOO 0 - + 10",
     "-ERR value is not an integer or out of range\r\n"},
    {"XPENDING none g",
     "-NOGROUP No such key 'none' or consumer group 'g'\r\n"},
    {"XPENDING s none",
     "-NOGROUP No such key 's' or consumer group 'none'\r\n"},
    /* XACK: a missing half is 0 */
    {"XACK s g 3", ":1\r\n"},
    {"XACK s g 1 1-1 1-1", ":1\r\n"},
    {"XACK s g 4 x",
     "-ERR Invalid stream ID specified as stream command argument\r\n"},
    {"XACK s g 2-5", ":0\r\n"},
    {"XACK none g 2", ":0\r\n"},
    {"XACK s none 2", ":0\r\n"},
    {"XPENDING s g", "*4\r\n:2\r\n$3\r\n2-0\r\n$3\r\n4-0\r\n*1\r\n*2\r\n$"
                     "3\r\none\r\n$1\r\n2\r\n"},
    {"XINFO STREAM s FULL COUNT 1",
     "*18\r\n$6\r\nlength\r\n:5\r\n$15\r\nradix-tree-keys\r\n:1\r\n$"
     "16\r\nradix-tree-nodes\r\n:2\r\n$17\r\nlast-generated-id\r\n$3\r\n5-"
     "0\r\n$20\r\nmax-deleted-entry-id\r\n$3\r\n0-0\r\n$13\r\nentries-"
     "added\r\n:5\r\n$23\r\nrecorded-first-entry-id\r\n$3\r\n1-1\r\n$"
     "7\r\nentries\r\n*1\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n$"
     "6\r\ngroups\r\n*4\r\n*14\r\n$4\r\nname\r\n$1\r\ng\r\n$17\r\nlast-"
     "delivered-id\r\n$3\r\n4-0\r\n$12\r\nentries-read\r\n:4\r\n$3\r\nlag\r\n:"
     "1\r\n$9\r\npel-count\r\n:2\r\n$7\r\npending\r\n*1\r\n*4\r\n$3\r\n2-0\r\n$"
     "3\r\none\r\n:1800000000000\r\n:1\r\n$9\r\nconsumers\r\n*3\r\n*8\r\n$"
     "4\r\nname\r\n$4\r\nidle\r\n$9\r\nseen-time\r\n:1800000000000\r\n$"
     "9\r\npel-count\r\n:0\r\n$7\r\npending\r\n*0\r\n*8\r\n$4\r\nname\r\n$"
     "3\r\none\r\n$9\r\nseen-time\r\n:1800000000000\r\n$9\r\npel-count\r\n:"
     "2\r\n$7\r\npending\r\n*1\r\n*3\r\n$3\r\n2-0\r\n:1800000000000\r\n:1\r\n*"
     "8\r\n$4\r\nname\r\n$3\r\ntwo\r\n$9\r\nseen-time\r\n:1800000000000\r\n$"
     "9\r\npel-count\r\n:0\r\n$7\r\npending\r\n*0\r\n*14\r\n$4\r\nname\r\n$"
     "1\r\nh\r\n$17\r\nlast-delivered-id\r\n$3\r\n5-0\r\n$12\r\nentries-"
     "read\r\n$-1\r\n$3\r\nlag\r\n:0\r\n$9\r\npel-count\r\n:0\r\n$"
     "7\r\npending\r\n*0\r\n$9\r\nconsumers\r\n*0\r\n*14\r\n$4\r\nname\r\n$"
     "1\r\ni\r\n$17\r\nlast-delivered-id\r\n$3\r\n2-0\r\n$12\r\nentries-"
     "read\r\n:2\r\n$3\r\nlag\r\n:3\r\n$9\r\npel-count\r\n:0\r\n$"
     "7\r\npending\r\n*0\r\n$9\r\nconsumers\r\n*0\r\n*14\r\n$4\r\nname\r\n$"
     "1\r\nj\r\n$17\r\nlast-delivered-id\r\n$3\r\n3-0\r\n$12\r\nentries-"
     "read\r\n$-1\r\n$3\r\nlag\r\n$-1\r\n$9\r\npel-count\r\n:0\r\n$"
     "7\r\npending\r\n*0\r\n$9\r\nconsumers\r\n*0\r\n"},
    /* XCLAIM */
    {"XCLAIM s g two 0 2-0",
     "*1\r\n*2\r\n$3\r\n2-0\r\n*2\r\n$1\r\nc\r\n$1\r\nd\r\n"},
    {"XCLAIM s g two 0 2 JUSTID", "*1\r\n$3\r\n2-0\r\n"},
    {"XCLAIM s g two 100000 2", "*0\r\n"},
    {"XCLAIM s g two -5 2 JUSTID", "*1\r\n$3\r\n2-0\r\n"},
    {"XCLAIM s g two x 2",
     "-ERR Invalid min-idle-time argument for XCLAIM\r\n"},
    {"XCLAIM s g two 0 5 JUSTID", "*0\r\n"},
    {"XCLAIM s g two 0 5 FORCE JUSTID", "*1\r\n$3\r\n5-0\r\n"},
    {"XCLAIM s g two 0 9 FORCE JUSTID", "*0\r\n"},
    {"XCLAIM s g two 0 5 LASTID 4",
     "*1\r\n*2\r\n$3\r\n5-0\r\n*2\r\n$1\r\ni\r\n$1\r\nj\r\n"},
    {"XINFO GROUPS s",
     "*4\r\n*12\r\n$4\r\nname\r\n$1\r\ng\r\n$9\r\nconsumers\r\n:3\r\n$"
     "7\r\npending\r\n:3\r\n$17\r\nlast-delivered-id\r\n$3\r\n4-0\r\n$"
     "12\r\nentries-read\r\n:4\r\n$3\r\nlag\r\n:1\r\n*12\r\n$4\r\nname\r\n$"
     "1\r\nh\r\n$9\r\nconsumers\r\n:0\r\n$7\r\npending\r\n:0\r\n$17\r\nlast-"
     "delivered-id\r\n$3\r\n5-0\r\n$12\r\nentries-read\r\n$-1\r\n$3\r\nlag\r\n:"
     "0\r\n*12\r\n$4\r\nname\r\n$1\r\ni\r\n$9\r\nconsumers\r\n:0\r\n$"
     "7\r\npending\r\n:0\r\n$17\r\nlast-delivered-id\r\n$3\r\n2-0\r\n$"
     "12\r\nentries-read\r\n:2\r\n$3\r\nlag\r\n:3\r\n*12\r\n$4\r\nname\r\n$"
     "1\r\nj\r\n$9\r\nconsumers\r\n:0\r\n$7\r\npending\r\n:0\r\n$17\r\nlast-"
     "delivered-id\r\n$3\r\n3-0\r\n$12\r\nentries-read\r\n$-1\r\n$3\r\nlag\r\n$"
     "-1\r\n"},
    {"XCLAIM s g two 0 5 LASTID 4-1 JUSTID", "*1\r\n$3\r\n5-0\r\n"},
    {"XINFO GROUPS s",
     "*4\r\n*12\r\n$4\r\nname\r\n$1\r\ng\r\n$9\r\nconsumers\r\n:3\r\n$"
     "7\r\npending\r\n:3\r\n$17\r\nlast-delivered-id\r\n$3\r\n4-1\r\n$"
     "12\r\nentries-read\r\n:4\r\n$3\r\nlag\r\n:1\r\n*12\r\n$4\r\nname\r\n$"
     "1\r\nh\r\n$9\r\nconsumers\r\n:0\r\n$7\r\npending\r\n:0\r\n$17\r\nlast-"
     "delivered-id\r\n$3\r\n5-0\r\n$12\r\nentries-read\r\n$-1\r\n$3\r\nlag\r\n:"
     "0\r\n*12\r\n$4\r\nname\r\n$1\r\ni\r\n$9\r\nconsumers\r\n:0\r\n$"
     "7\r\npending\r\n:0\r\n$17\r\nlast-delivered-id\r\n$3\r\n2-0\r\n$"
     "12\r\nentries-read\r\n:2\r\n$3\r\nlag\r\n:3\r\n*12\r\n$4\r\nname\r\n$"
     "1\r\nj\r\n$9\r\nconsumers\r\n:0\r\n$7\r\npending\r\n:0\r\n$17\r\nlast-"
     "delivered-id\r\n$3\r\n3-0\r\n$12\r\nentries-read\r\n$-1\r\n$3\r\nlag\r\n$"
     "-1\r\n"},
    {"XCLAIM s g two 0 5 LASTID 5 JUSTID", "*1\r\n$3\r\n5-0\r\n"},
    {"XINFO GROUPS s",
     "*4\r\n*12\r\n$4\r\nname\r\n$1\r\ng\r\n$9\r\nconsumers\r\n:3\r\n$"
     "7\r\npending\r\n:3\r\n$17\r\nlast-delivered-id\r\n$3\r\n5-0\r\n$"
     "12\r\nentries-read\r\n:4\r\n$3\r\nlag\r\n:1\r\n*12\r\n$4\r\nname\r\n$"
     "1\r\nh\r\n$9\r\nconsumers\r\n:0\r\n$7\r\npending\r\n:0\r\n$17\r\nlast-"
     "delivered-id\r\n$3\r\n5-0\r\n$12\r\nentries-read\r\n$-1\r\n$3\r\nlag\r\n:"
     "0\r\n*12\r\n$4\r\nname\r\n$1\r\ni\r\n$9\r\nconsumers\r\n:0\r\n$"
     "7\r\npending\r\n:0\r\n$17\r\nlast-delivered-id\r\n$3\r\n2-0\r\n$"
     "12\r\nentries-read\r\n:2\r\n$3\r\nlag\r\n:3\r\n*12\r\n$4\r\nname\r\n$"
     "1\r\nj\r\n$9\r\nconsumers\r\n:0\r\n$7\r\npending\r\n:0\r\n$17\r\nlast-"
     "delivered-id\r\n$3\r\n3-0\r\n$12\r\nentries-read\r\n$-1\r\n$3\r\nlag\r\n$"
     "-1\r\n"},
    {"XCLAIM s g two 0 5 LASTID x JUSTID",
     "-ERR Invalid stream ID specified as stream command argument\r\n"},
    {"XCLAIM s g two 0 5 RETRYCOUNT 7 JUSTID", "*1\r\n$3\r\n5-0\r\n"},
    {"XPENDING s g - + 10",
     "*3\r\n*4\r\n$3\r\n2-0\r\n$3\r\ntwo\r\n:0\r\n:2\r\n*4\r\n$3\r\n4-0\r\n$"
     "3\r\none\r\n:0\r\n:1\r\n*4\r\n$3\r\n5-0\r\n$3\r\ntwo\r\n:0\r\n:7\r\n"},
    {"XCLAIM s g two 0 5 RETRYCOUNT 7",
     "*1\r\n*2\r\n$3\r\n5-0\r\n*2\r\n$1\r\ni\r\n$1\r\nj\r\n"},
    {"XPENDING s g - + 10",
     "*3\r\n*4\r\n$3\r\n2-0\r\n$3\r\ntwo\r\n:0\r\n:2\r\n*4\r\n$3\r\n4-0\r\n$"
     "3\r\none\r\n:0\r\n:1\r\n*4\r\n$3\r\n5-0\r\n$3\r\ntwo\r\n:0\r\n:7\r\n"},
    {"XCLAIM s g two 0 5 RETRYCOUNT x",
     "-ERR Invalid RETRYCOUNT option argument for XCLAIM\r\n"},
    {"XCLAIM s g two 0 5 IDLE x",
     "-ERR Invalid IDLE option argument for XCLAIM\r\n"},
    {"XCLAIM s g two 0 5 TIME x",
     "-ERR Invalid TIME option argument for XCLAIM\r\n"},
    {"XCLAIM s g two 0 5 IDLE", "-ERR Unrecognized XCLAIM option 'IDLE'\r\n"},
    {"XCLAIM s g two 0 5 FOO", "-ERR Unrecognized XCLAIM option 'FOO'\r\n"},
    {"XCLAIM s g two 0 5 FOO 1", "-ERR Unrecognized XCLAIM option 'FOO'\r\n"},
    {"XCLAIM s g two 0 JUSTID", "*0\r\n"},
    {"XCLAIM s g two 0 5 x 2", "-ERR Unrecognized XCLAIM option 'x'\r\n"},
    {"XCLAIM s none two 0 5",
     "-NOGROUP No such key 's' or consumer group 'none'\r\n"},
    {"XCLAIM none g two 0 5",
     "-NOGROUP No such key 'none' or consumer group 'g'\r\n"},
    {"XCLAIM s g new 0 5 2 JUSTID", "*2\r\n$3\r\n5-0\r\n$3\r\n2-0\r\n"},
    {"XINFO CONSUMERS s g",
     "*4\r\n*6\r\n$4\r\nname\r\n$4\r\nidle\r\n$7\r\npending\r\n:0\r\n$"
     "4\r\nidle\r\n:0\r\n*6\r\n$4\r\nname\r\n$3\r\nnew\r\n$7\r\npending\r\n:"
     "2\r\n$4\r\nidle\r\n:0\r\n*6\r\n$4\r\nname\r\n$3\r\none\r\n$"
     "7\r\npending\r\n:1\r\n$4\r\nidle\r\n:0\r\n*6\r\n$4\r\nname\r\n$"
     "3\r\ntwo\r\n$7\r\npending\r\n:0\r\n$4\r\nidle\r\n:0\r\n"},
    /* XAUTOCLAIM */
    {"XAUTOCLAIM s g one 0 0",
     "*3\r\n$3\r\n0-0\r\n*3\r\n*2\r\n$3\r\n2-0\r\n*2\r\n$1\r\nc\r\n$1\r\nd\r\n*"
     "2\r\n$3\r\n4-0\r\n*2\r\n$1\r\ng\r\n$1\r\nh\r\n*2\r\n$3\r\n5-0\r\n*2\r\n$"
     "1\r\ni\r\n$1\r\nj\r\n*0\r\n"},
    {"XAUTOCLAIM s g one 0 3 JUSTID",
     "*3\r\n$3\r\n0-0\r\n*2\r\n$3\r\n4-0\r\n$3\r\n5-0\r\n*0\r\n"},
    {"XAUTOCLAIM s g one 0 (4 JUSTID",
     "*3\r\n$3\r\n0-0\r\n*1\r\n$3\r\n5-0\r\n*0\r\n"},
    {"XAUTOCLAIM s g one 0 0 COUNT 1",
     "*3\r\n$3\r\n4-0\r\n*1\r\n*2\r\n$3\r\n2-0\r\n*2\r\n$1\r\nc\r\n$1\r\nd\r\n*"
     "0\r\n"},
    {"XAUTOCLAIM s g one 0 0 COUNT 1 JUSTID",
     "*3\r\n$3\r\n4-0\r\n*1\r\n$3\r\n2-0\r\n*0\r\n"},
    {"XAUTOCLAIM s g one 0 0 COUNT 2 JUSTID",
     "*3\r\n$3\r\n5-0\r\n*2\r\n$3\r\n2-0\r\n$3\r\n4-0\r\n*0\r\n"},
    {"XAUTOCLAIM s g one 0 0 COUNT 3 JUSTID",
     "*3\r\n$3\r\n0-0\r\n*3\r\n$3\r\n2-0\r\n$3\r\n4-0\r\n$3\r\n5-0\r\n*0\r\n"},
    {"XAUTOCLAIM s g one 100000 0 COUNT 3 JUSTID",
     "*3\r\n$3\r\n0-0\r\n*0\r\n*0\r\n"},
    {"XAUTOCLAIM s g one 0 0 COUNT 0", "-ERR COUNT must be > 0\r\n"},
    {"XAUTOCLAIM s g one 0 0 COUNT -1", "-ERR COUNT must be > 0\r\n"},
    {"XAUTOCLAIM s g one 0 0 COUNT x", "-ERR COUNT must be > 0\r\n"},
    {"XAUTOCLAIM s g one 0 0 COUNT 4611686018427387904",
     "-ERR COUNT must be > 0\r\n"},
    {"XAUTOCLAIM s g one 0 0 COUNT 576460752303423488 JUSTID",
     "-ERR COUNT must be > 0\r\n"},
    {"XAUTOCLAIM s g one 0 0 COUNT", "-ERR syntax error\r\n"},
    {"XAUTOCLAIM s g one 0 0 FOO 1", "-ERR syntax error\r\n"},
    {"XAUTOCLAIM s g one 0 0 FOO", "-ERR syntax error\r\n"},
    {"XAUTOCLAIM s g one 0 x",
     "-ERR Invalid stream ID specified as stream command argument\r\n"},
    {"XAUTOCLAIM s g one x 0",
     "-ERR Invalid min-idle-time argument for XAUTOCLAIM\r\n"},
    {"XAUTOCLAIM none g one 0 0",
     "-NOGROUP No such key 'none' or consumer group 'g'\r\n"},
    {"XAUTOCLAIM s none one 0 0",
     "-NOGROUP No such key 's' or consumer group 'none'\r\n"},
    {"XDEL s 4-0", ":1\r\n"},
    {"XPENDING s g", "*4\r\n:3\r\n$3\r\n2-0\r\n$3\r\n5-0\r\n*1\r\n*2\r\n$"
                     "3\r\none\r\n$1\r\n3\r\n"},
    {"XREADGROUP GROUP g one STREAMS s 0",
     "*1\r\n*2\r\n$1\r\ns\r\n*3\r\n*2\r\n$3\r\n2-0\r\n*2\r\n$1\r\nc\r\n$"
     "1\r\nd\r\n*2\r\n$3\r\n4-0\r\n*-1\r\n*2\r\n$3\r\n5-0\r\n*2\r\n$1\r\ni\r\n$"
     "1\r\nj\r\n"},
    {"XCLAIM s g one 0 4", "*0\r\n"},
    {"XPENDING s g", "*4\r\n:2\r\n$3\r\n2-0\r\n$3\r\n5-0\r\n*1\r\n*2\r\n$"
                     "3\r\none\r\n$1\r\n2\r\n"},
    {"XDEL s 5-0", ":1\r\n"},
    {"XAUTOCLAIM s g one 0 0",
     "*3\r\n$3\r\n0-0\r\n*1\r\n*2\r\n$3\r\n2-0\r\n*2\r\n$1\r\nc\r\n$1\r\nd\r\n*"
     "1\r\n$3\r\n5-0\r\n"},
    {"XPENDING s g", "*4\r\n:1\r\n$3\r\n2-0\r\n$3\r\n2-0\r\n*1\r\n*2\r\n$"
                     "3\r\none\r\n$1\r\n1\r\n"},
    /* XREADGROUP */
    {"XADD s 6-0 k l", "$3\r\n6-0\r\n"},
    {"XADD s 7-0 m n", "$3\r\n7-0\r\n"},
    {"XREADGROUP GROUP g one NOACK STREAMS s >",
     "*1\r\n*2\r\n$1\r\ns\r\n*2\r\n*2\r\n$3\r\n6-0\r\n*2\r\n$1\r\nk\r\n$"
     "1\r\nl\r\n*2\r\n$3\r\n7-0\r\n*2\r\n$1\r\nm\r\n$1\r\nn\r\n"},
    {"XPENDING s g", "*4\r\n:1\r\n$3\r\n2-0\r\n$3\r\n2-0\r\n*1\r\n*2\r\n$"
                     "3\r\none\r\n$1\r\n1\r\n"},
    {"XREADGROUP GROUP h one COUNT 1 STREAMS s >",
     "*1\r\n*2\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n6-0\r\n*2\r\n$1\r\nk\r\n$"
     "1\r\nl\r\n"},
    {"XREADGROUP GROUP h one COUNT 1 STREAMS s 0",
     "*1\r\n*2\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n6-0\r\n*2\r\n$1\r\nk\r\n$"
     "1\r\nl\r\n"},
    {"XREADGROUP GROUP h one COUNT 0 STREAMS s >",
     "*1\r\n*2\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n7-0\r\n*2\r\n$1\r\nm\r\n$"
     "1\r\nn\r\n"},
    {"XREADGROUP GROUP h one STREAMS s 6",
     "*1\r\n*2\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n7-0\r\n*2\r\n$1\r\nm\r\n$"
     "1\r\nn\r\n"},
    {"XREADGROUP GROUP h one STREAMS s 6-0",
     "*1\r\n*2\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n7-0\r\n*2\r\n$1\r\nm\r\n$"
     "1\r\nn\r\n"},
    {"XREADGROUP GROUP h one STREAMS s 7", "*1\r\n*2\r\n$1\r\ns\r\n*0\r\n"},
    {"XREADGROUP GROUP h one STREAMS s >", "*-1\r\n"},
    {"XREADGROUP GROUP h new STREAMS s 0", "*1\r\n*2\r\n$1\r\ns\r\n*0\r\n"},
    {"XREADGROUP GROUP h one STREAMS s $",
     "-ERR The $ ID is meaningless in the context of XREADGROUP: you want to "
     "read the history of this consumer by specifying a proper ID, or use the "
     "> ID to get new messages. The $ ID would just return an empty result "
     "set.\r\n"},
    {"XREADGROUP GROUP h one STREAMS s +",
     "-ERR Invalid stream ID specified as stream command argument\r\n"},
    {"XREADGROUP GROUP h one STREAMS s",
     "-ERR wrong number of arguments for 'xreadgroup' command\r\n"},
    {"XREADGROUP GROUP h one",
     "-ERR wrong number of arguments for 'xreadgroup' command\r\n"},
    {"XREADGROUP GROUP h",
     "-ERR wrong number of arguments for 'xreadgroup' command\r\n"},
    {"XREADGROUP STREAMS s >",
     "-ERR wrong number of arguments for 'xreadgroup' command\r\n"},
    {"XREADGROUP GROUP h one COUNT x STREAMS s >",
     "-ERR value is not an integer or out of range\r\n"},
    {"XREADGROUP GROUP h one BLOCK x STREAMS s >",
     "-ERR timeout is not an integer or out of range\r\n"},
    {"XREADGROUP GROUP h one COUNT STREAMS s >",
     "-ERR value is not an integer or out of range\r\n"},
    {"XREADGROUP GROUP h one FOO 1 STREAMS s >", "-ERR syntax error\r\n"},
    {"XREADGROUP GROUP nosuch one STREAMS s >",
     "-NOGROUP No such key 's' or consumer group 'nosuch' in XREADGROUP with "
     "GROUP option\r\n"},
    {"XREADGROUP GROUP h one STREAMS none >",
     "-NOGROUP No such key 'none' or consumer group 'h' in XREADGROUP with "
     "GROUP option\r\n"},
    {"XREADGROUP GROUP h one STREAMS s none > >",
     "-NOGROUP No such key 'none' or consumer group 'h' in XREADGROUP with "
     "GROUP option\r\n"},
    {"XREADGROUP GROUP i one COUNT 1 STREAMS s s 0 >",
     "*2\r\n*2\r\n$1\r\ns\r\n*0\r\n*2\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n3-0\r\n*"
     "2\r\n$1\r\ne\r\n$1\r\nf\r\n"},
    {"XREADGROUP GROUP i one COUNT 1 STREAMS s s > >",
     "*2\r\n*2\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n6-0\r\n*2\r\n$1\r\nk\r\n$"
     "1\r\nl\r\n*2\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n7-0\r\n*2\r\n$1\r\nm\r\n$"
     "1\r\nn\r\n"},
    {"XREADGROUP GROUP nosuch one STREAMS "
     "k012345678901234567890123456789012345678901234567890123456789012345678901"
     "2345678901234567890123456789012345678901234567890123456789abcdef >",
     "-NOGROUP No such key "
     "'k01234567890123456789012345678901234567890123456789012345678901234567890"
     "12345678901234567890123456789012345678901234567890123456' or consumer "
     "group 'nosuch' in XREADGROUP with GROUP option\r\n"},
    {"XPENDING "
     "k012345678901234567890123456789012345678901234567890123456789012345678901"
     "2345678901234567890123456789012345678901234567890123456789abcdef g",
     "-NOGROUP No such key "
     "'k01234567890123456789012345678901234567890123456789012345678901234567890"
     "12345678901234567890123456789012345678901234567890123456' or consumer "
     "group 'g'\r\n"},
    {"XINFO CONSUMERS s "
     "g012345678901234567890123456789012345678901234567890123456789012345678901"
     "2345678901234567890123456789012345678901234567890123456789abcdef",
     "-NOGROUP No such consumer group "
     "'g01234567890123456789012345678901234567890123456789012345678901234567890"
     "12345678901234567890123456789012345678901234567890123456' for key name "
     "'s'\r\n"},
    {"XGROUP "
     "FOO0123456789012345678901234567890123456789012345678901234567890123456789"
     "012345678901234567890123456789012345678901234567890123456789abcdef s",
     "-ERR unknown subcommand "
     "'FOO012345678901234567890123456789012345678901234567890123456789012345678"
     "90123456789012345678901234567890123456789012345678901234'. Try XGROUP "
     "HELP.\r\n"},
    {"XGROUP CREATE s m 0 FOO", "-ERR unknown subcommand or wrong number of "
                                "arguments for 'CREATE'. Try XGROUP HELP.\r\n"},
    {"XGROUP CREATE s m 0 ENTRIESREAD 5 FOO",
     "-ERR unknown subcommand or wrong number of arguments for 'CREATE'. Try "
     "XGROUP HELP.\r\n"},
    {"XGROUP CREATECONSUMER s g one", ":0\r\n"},
    {"XGROUP CREATECONSUMER s g again", ":1\r\n"},
    {"XGROUP CREATECONSUMER s g again", ":0\r\n"},
    {"XGROUP CREATECONSUMER s nosuch again",
     "-NOGROUP No such consumer group 'nosuch' for key name 's'\r\n"},
    {"XGROUP CREATECONSUMER none g again",
     "-ERR The XGROUP subcommand requires the key to exist. Note that for "
     "CREATE you may want to use the MKSTREAM option to create an empty stream "
     "automatically.\r\n"},
    {"XGROUP DELCONSUMER s h one", ":2\r\n"},
    {"XGROUP DELCONSUMER s h one", ":0\r\n"},
    {"XGROUP DELCONSUMER s nosuch one",
     "-NOGROUP No such consumer group 'nosuch' for key name 's'\r\n"},
    {"XPENDING s h", "*4\r\n:0\r\n$-1\r\n$-1\r\n*-1\r\n"},
    {"XGROUP SETID s i 1", "+OK\r\n"},
    {"XINFO GROUPS s",
     "*4\r\n*12\r\n$4\r\nname\r\n$1\r\ng\r\n$9\r\nconsumers\r\n:5\r\n$"
     "7\r\npending\r\n:1\r\n$17\r\nlast-delivered-id\r\n$3\r\n7-0\r\n$"
     "12\r\nentries-read\r\n:6\r\n$3\r\nlag\r\n:1\r\n*12\r\n$4\r\nname\r\n$"
     "1\r\nh\r\n$9\r\nconsumers\r\n:1\r\n$7\r\npending\r\n:0\r\n$17\r\nlast-"
     "delivered-id\r\n$3\r\n7-0\r\n$12\r\nentries-read\r\n:7\r\n$3\r\nlag\r\n:"
     "0\r\n*12\r\n$4\r\nname\r\n$1\r\ni\r\n$9\r\nconsumers\r\n:1\r\n$"
     "7\r\npending\r\n:3\r\n$17\r\nlast-delivered-id\r\n$3\r\n1-0\r\n$"
     "12\r\nentries-read\r\n$-1\r\n$3\r\nlag\r\n$-1\r\n*12\r\n$4\r\nname\r\n$"
     "1\r\nj\r\n$9\r\nconsumers\r\n:0\r\n$7\r\npending\r\n:0\r\n$17\r\nlast-"
     "delivered-id\r\n$3\r\n3-0\r\n$12\r\nentries-read\r\n$-1\r\n$3\r\nlag\r\n$"
     "-1\r\n"},
    {"XGROUP SETID s i 1-1 ENTRIESREAD 1", "+OK\r\n"},
    {"XINFO GROUPS s",
     "*4\r\n*12\r\n$4\r\nname\r\n$1\r\ng\r\n$9\r\nconsumers\r\n:5\r\n$"
     "7\r\npending\r\n:1\r\n$17\r\nlast-delivered-id\r\n$3\r\n7-0\r\n$"
     "12\r\nentries-read\r\n:6\r\n$3\r\nlag\r\n:1\r\n*12\r\n$4\r\nname\r\n$"
     "1\r\nh\r\n$9\r\nconsumers\r\n:1\r\n$7\r\npending\r\n:0\r\n$17\r\nlast-"
     "delivered-id\r\n$3\r\n7-0\r\n$12\r\nentries-read\r\n:7\r\n$3\r\nlag\r\n:"
     "0\r\n*12\r\n$4\r\nname\r\n$1\r\ni\r\n$9\r\nconsumers\r\n:1\r\n$"
     "7\r\npending\r\n:3\r\n$17\r\nlast-delivered-id\r\n$3\r\n1-1\r\n$"
     "12\r\nentries-read\r\n:1\r\n$3\r\nlag\r\n$-1\r\n*12\r\n$4\r\nname\r\n$"
     "1\r\nj\r\n$9\r\nconsumers\r\n:0\r\n$7\r\npending\r\n:0\r\n$17\r\nlast-"
     "delivered-id\r\n$3\r\n3-0\r\n$12\r\nentries-read\r\n$-1\r\n$3\r\nlag\r\n$"
     "-1\r\n"},
    {"XGROUP SETID s i $", "+OK\r\n"},
    {"XINFO GROUPS s",
     "*4\r\n*12\r\n$4\r\nname\r\n$1\r\ng\r\n$9\r\nconsumers\r\n:5\r\n$"
     "7\r\npending\r\n:1\r\n$17\r\nlast-delivered-id\r\n$3\r\n7-0\r\n$"
     "12\r\nentries-read\r\n:6\r\n$3\r\nlag\r\n:1\r\n*12\r\n$4\r\nname\r\n$"
     "1\r\nh\r\n$9\r\nconsumers\r\n:1\r\n$7\r\npending\r\n:0\r\n$17\r\nlast-"
     "delivered-id\r\n$3\r\n7-0\r\n$12\r\nentries-read\r\n:7\r\n$3\r\nlag\r\n:"
     "0\r\n*12\r\n$4\r\nname\r\n$1\r\ni\r\n$9\r\nconsumers\r\n:1\r\n$"
     "7\r\npending\r\n:3\r\n$17\r\nlast-delivered-id\r\n$3\r\n7-0\r\n$"
     "12\r\nentries-read\r\n$-1\r\n$3\r\nlag\r\n:0\r\n*12\r\n$4\r\nname\r\n$"
     "1\r\nj\r\n$9\r\nconsumers\r\n:0\r\n$7\r\npending\r\n:0\r\n$17\r\nlast-"
     "delivered-id\r\n$3\r\n3-0\r\n$12\r\nentries-read\r\n$-1\r\n$3\r\nlag\r\n$"
     "-1\r\n"},
    {"XGROUP SETID s i x",
     "-ERR Invalid stream ID specified as stream command argument\r\n"},
    {"XGROUP SETID s i 1 ENTRIESREAD",
     "-ERR unknown subcommand or wrong number of arguments for 'SETID'. Try "
     "XGROUP HELP.\r\n"},
    {"XGROUP SETID s i 1 ENTRIESREAD x",
     "-ERR value is not an integer or out of range\r\n"},
    {"XGROUP SETID s i 1 ENTRIESREAD -1", "+OK\r\n"},
    {"XGROUP SETID s i 1 ENTRIESREAD -2",
     "-ERR value for ENTRIESREAD must be positive or -1\r\n"},
    {"XGROUP SETID s i 1 FOO 1", "-ERR unknown subcommand or wrong number of "
                                 "arguments for 'SETID'. Try XGROUP HELP.\r\n"},
    {"XGROUP DESTROY s i", ":1\r\n"},
    {"XGROUP DESTROY s i", ":0\r\n"},
    {"XGROUP DESTROY none i",
     "-ERR The XGROUP subcommand requires the key to exist. Note that for "
     "CREATE you may want to use the MKSTREAM option to create an empty stream "
     "automatically.\r\n"},
    {"XINFO STREAM s",
     "*20\r\n$6\r\nlength\r\n:5\r\n$15\r\nradix-tree-keys\r\n:1\r\n$"
     "16\r\nradix-tree-nodes\r\n:2\r\n$17\r\nlast-generated-id\r\n$3\r\n7-"
     "0\r\n$20\r\nmax-deleted-entry-id\r\n$3\r\n5-0\r\n$13\r\nentries-"
     "added\r\n:7\r\n$23\r\nrecorded-first-entry-id\r\n$3\r\n1-1\r\n$"
     "6\r\ngroups\r\n:3\r\n$11\r\nfirst-entry\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$"
     "1\r\na\r\n$1\r\nb\r\n$10\r\nlast-entry\r\n*2\r\n$3\r\n7-0\r\n*2\r\n$"
     "1\r\nm\r\n$1\r\nn\r\n"},
    {"XINFO GROUPS s",
     "*3\r\n*12\r\n$4\r\nname\r\n$1\r\ng\r\n$9\r\nconsumers\r\n:5\r\n$"
     "7\r\npending\r\n:1\r\n$17\r\nlast-delivered-id\r\n$3\r\n7-0\r\n$"
     "12\r\nentries-read\r\n:6\r\n$3\r\nlag\r\n:1\r\n*12\r\n$4\r\nname\r\n$"
     "1\r\nh\r\n$9\r\nconsumers\r\n:1\r\n$7\r\npending\r\n:0\r\n$17\r\nlast-"
     "delivered-id\r\n$3\r\n7-0\r\n$12\r\nentries-read\r\n:7\r\n$3\r\nlag\r\n:"
     "0\r\n*12\r\n$4\r\nname\r\n$1\r\nj\r\n$9\r\nconsumers\r\n:0\r\n$"
     "7\r\npending\r\n:0\r\n$17\r\nlast-delivered-id\r\n$3\r\n3-0\r\n$"
     "12\r\nentries-read\r\n$-1\r\n$3\r\nlag\r\n$-1\r\n"},
    {"DEL s", ":1\r\n"},
    {"XGROUP CREATE s g $ MKSTREAM", "+OK\r\n"},
    {"XINFO STREAM s FULL",
     "*18\r\n$6\r\nlength\r\n:0\r\n$15\r\nradix-tree-keys\r\n:0\r\n$"
     "16\r\nradix-tree-nodes\r\n:1\r\n$17\r\nlast-generated-id\r\n$3\r\n0-"
     "0\r\n$20\r\nmax-deleted-entry-id\r\n$3\r\n0-0\r\n$13\r\nentries-"
     "added\r\n:0\r\n$23\r\nrecorded-first-entry-id\r\n$3\r\n0-0\r\n$"
     "7\r\nentries\r\n*0\r\n$6\r\ngroups\r\n*1\r\n*14\r\n$4\r\nname\r\n$"
     "1\r\ng\r\n$17\r\nlast-delivered-id\r\n$3\r\n0-0\r\n$12\r\nentries-"
     "read\r\n$-1\r\n$3\r\nlag\r\n:0\r\n$9\r\npel-count\r\n:0\r\n$"
     "7\r\npending\r\n*0\r\n$9\r\nconsumers\r\n*0\r\n"},
    {"XREADGROUP GROUP g one STREAMS s >", "*-1\r\n"},
    {"XADD s 1-0 a b", "$3\r\n1-0\r\n"},
    {"XREADGROUP GROUP g one STREAMS s >",
     "*1\r\n*2\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n1-0\r\n*2\r\n$1\r\na\r\n$"
     "1\r\nb\r\n"},
    {"XTRIM s MAXLEN 0", ":1\r\n"},
    {"XREADGROUP GROUP g one STREAMS s 0",
     "*1\r\n*2\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n1-0\r\n*-1\r\n"},
    {"XINFO STREAM s FULL",
     "*18\r\n$6\r\nlength\r\n:0\r\n$15\r\nradix-tree-keys\r\n:0\r\n$"
     "16\r\nradix-tree-nodes\r\n:1\r\n$17\r\nlast-generated-id\r\n$3\r\n1-"
     "0\r\n$20\r\nmax-deleted-entry-id\r\n$3\r\n0-0\r\n$13\r\nentries-"
     "added\r\n:1\r\n$23\r\nrecorded-first-entry-id\r\n$3\r\n0-0\r\n$"
     "7\r\nentries\r\n*0\r\n$6\r\ngroups\r\n*1\r\n*14\r\n$4\r\nname\r\n$"
     "1\r\ng\r\n$17\r\nlast-delivered-id\r\n$3\r\n1-0\r\n$12\r\nentries-"
     "read\r\n:1\r\n$3\r\nlag\r\n:0\r\n$9\r\npel-count\r\n:1\r\n$"
     "7\r\npending\r\n*1\r\n*4\r\n$3\r\n1-0\r\n$3\r\none\r\n:1800000000000\r\n:"
     "1\r\n$9\r\nconsumers\r\n*1\r\n*8\r\n$4\r\nname\r\n$3\r\none\r\n$"
     "9\r\nseen-time\r\n:1800000000000\r\n$9\r\npel-count\r\n:1\r\n$"
     "7\r\npending\r\n*1\r\n*3\r\n$3\r\n1-0\r\n:1800000000000\r\n:1\r\n"},
    {"XREADGROUP COUNT 1 COUNT 2 STREAMS s >",
     "-ERR Missing GROUP option for XREADGROUP\r\n"},
};

#endif
