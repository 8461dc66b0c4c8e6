/*
 * Consumer groups of streams: lines of text and the exact replies of
 * redis-server 7.0.15, but for what tells of time, which is 0 here. To be run
 * in order.
 */
#ifndef TESTS_UNIT_CMD_GROUP_ROWS_H
#define TESTS_UNIT_CMD_GROUP_ROWS_H

#include "unit/cmd/cmd_rows.h"

static const struct row group_rows[] = {
    {"FLUSHALL", "+OK\r\n"},
    {"XGROUP CREATE s g 0",
     "-ERR The XGROUP subcommand requires the key to exist. Note that for "
     "CREATE you may want to use the MKSTREAM option to create an empty stream "
     "automatically.\r\n"},
    {"XGROUP CREATE s g $ MKSTREAM", "+OK\r\n"},
    {"XGROUP CREATE s g $ MKSTREAM",
     "-BUSYGROUP Consumer Group name already exists\r\n"},
    {"XGROUP CREATE s g x",
     "-ERR Invalid stream ID specified as stream command argument\r\n"},
    {"XGROUP CREATE s h 0 ENTRIESREAD",
     "-ERR unknown subcommand or wrong number of arguments for 'CREATE'. Try "
     "XGROUP HELP.\r\n"},
    {"XGROUP CREATE s h 0 ENTRIESREAD -2",
     "-ERR value for ENTRIESREAD must be positive or -1\r\n"},
    {"XGROUP CREATE s h 0 ENTRIESREAD x",
     "-ERR value is not an integer or out of range\r\n"},
    {"XGROUP CREATE s h 0 FOO", "-ERR unknown subcommand or wrong number of "
                                "arguments for 'CREATE'. Try XGROUP HELP.\r\n"},
    {"XGROUP CREATE s h",
     "-ERR wrong number of arguments for 'xgroup|create' command\r\n"},
    {"XGROUP CREATE s h 0 mkstream entriesread 5", "+OK\r\n"},
    {"XGROUP FOO s", "-ERR unknown subcommand 'FOO'. Try XGROUP HELP.\r\n"},
    {"XGROUP", "-ERR wrong number of arguments for 'xgroup' command\r\n"},
    {"XGROUP HELP",
     "*17\r\n+XGROUP <subcommand> [<arg> [value] [opt] ...]. Subcommands "
     "are:\r\n+CREATE <key> <groupname> <id|$> [option]\r\n+    Create a new "
     "consumer group. Options are:\r\n+    * MKSTREAM\r\n+      Create the "
     "empty stream if it does not exist.\r\n+    * ENTRIESREAD "
     "entries_read\r\n+      Set the group's entries_read counter (internal "
     "use).\r\n+CREATECONSUMER <key> <groupname> <consumer>\r\n+    Create a "
     "new consumer in the specified group.\r\n+DELCONSUMER <key> <groupname> "
     "<consumer>\r\n+    Remove the specified consumer.\r\n+DESTROY <key> "
     "<groupname>\r\n+    Remove the specified group.\r\n+SETID <key> "
     "<groupname> <id|$> [ENTRIESREAD entries_read]\r\n+    Set the current "
     "group ID and entries_read counter.\r\n+HELP\r\n+    Prints this "
     "help.\r\n"},
    {"XGROUP SETID s nog 0",
     "-NOGROUP No such consumer group 'nog' for key name 's'\r\n"},
    {"XGROUP SETID none g 0",
     "-ERR The XGROUP subcommand requires the key to exist. Note that for "
     "CREATE you may want to use the MKSTREAM option to create an empty stream "
     "automatically.\r\n"},
    {"XGROUP SETID s h -", "+OK\r\n"},
    {"XGROUP SETID s h +", "+OK\r\n"},
    {"XREADGROUP GROUP h c COUNT 1 NOACK STREAMS s >", "*-1\r\n"},
    {"XGROUP SETID s h (5",
     "-ERR Invalid stream ID specified as stream command argument\r\n"},
    {"XGROUP CREATE s bad -",
     "-ERR Invalid stream ID specified as stream command argument\r\n"},
    {"XGROUP SETID s h $", "+OK\r\n"},
    {"XGROUP SETID s h 5 ENTRIESREAD 3", "+OK\r\n"},
    {"XGROUP SETID s h 5 MKSTREAM",
     "-ERR unknown subcommand or wrong number of arguments for 'SETID'. Try "
     "XGROUP HELP.\r\n"},
    {"XGROUP CREATECONSUMER s g c1", ":1\r\n"},
    {"XGROUP CREATECONSUMER s g c1", ":0\r\n"},
    {"XGROUP CREATECONSUMER s nog c1",
     "-NOGROUP No such consumer group 'nog' for key name 's'\r\n"},
    {"XGROUP CREATECONSUMER none g c1",
     "-ERR The XGROUP subcommand requires the key to exist. Note that for "
     "CREATE you may want to use the MKSTREAM option to create an empty stream "
     "automatically.\r\n"},
    {"XGROUP DELCONSUMER s g nobody", ":0\r\n"},
    {"XGROUP DESTROY s nog", ":0\r\n"},
    {"XGROUP DESTROY none nog",
     "-ERR The XGROUP subcommand requires the key to exist. Note that for "
     "CREATE you may want to use the MKSTREAM option to create an empty stream "
     "automatically.\r\n"},
    {"XINFO GROUPS s",
     "*2\r\n*12\r\n$4\r\nname\r\n$1\r\ng\r\n$9\r\nconsumers\r\n:1\r\n$"
     "7\r\npending\r\n:0\r\n$17\r\nlast-delivered-id\r\n$3\r\n0-0\r\n$"
     "12\r\nentries-read\r\n$-1\r\n$3\r\nlag\r\n:0\r\n*12\r\n$4\r\nname\r\n$"
     "1\r\nh\r\n$9\r\nconsumers\r\n:0\r\n$7\r\npending\r\n:0\r\n$17\r\nlast-"
     "delivered-id\r\n$3\r\n5-0\r\n$12\r\nentries-read\r\n:3\r\n$3\r\nlag\r\n:"
     "0\r\n"},
    {"XINFO CONSUMERS s g", "*1\r\n*6\r\n$4\r\nname\r\n$2\r\nc1\r\n$"
                            "7\r\npending\r\n:0\r\n$4\r\nidle\r\n:0\r\n"},
    {"XINFO CONSUMERS s nog",
     "-NOGROUP No such consumer group 'nog' for key name 's'\r\n"},
    {"XINFO CONSUMERS none g", "-ERR no such key\r\n"},
    {"XINFO GROUPS none", "-ERR no such key\r\n"},
    {"XADD s 1-1 a 1", "$3\r\n1-1\r\n"},
    {"XADD s 2-1 a 2", "$3\r\n2-1\r\n"},
    {"XADD s 3-1 a 3", "$3\r\n3-1\r\n"},
    {"XADD s 4-1 a 4", "$3\r\n4-1\r\n"},
    {"XREADGROUP GROUP g c1 STREAMS s >",
     "*1\r\n*2\r\n$1\r\ns\r\n*4\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\na\r\n$"
     "1\r\n1\r\n*2\r\n$3\r\n2-1\r\n*2\r\n$1\r\na\r\n$1\r\n2\r\n*2\r\n$3\r\n3-"
     "1\r\n*2\r\n$1\r\na\r\n$1\r\n3\r\n*2\r\n$3\r\n4-1\r\n*2\r\n$1\r\na\r\n$"
     "1\r\n4\r\n"},
    {"XREADGROUP GROUP g c1 STREAMS s >", "*-1\r\n"},
    {"XREADGROUP GROUP g c1 STREAMS s 0",
     "*1\r\n*2\r\n$1\r\ns\r\n*4\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\na\r\n$"
     "1\r\n1\r\n*2\r\n$3\r\n2-1\r\n*2\r\n$1\r\na\r\n$1\r\n2\r\n*2\r\n$3\r\n3-"
     "1\r\n*2\r\n$1\r\na\r\n$1\r\n3\r\n*2\r\n$3\r\n4-1\r\n*2\r\n$1\r\na\r\n$"
     "1\r\n4\r\n"},
    {"XREADGROUP GROUP g c2 COUNT 1 STREAMS s 0",
     "*1\r\n*2\r\n$1\r\ns\r\n*0\r\n"},
    {"XREADGROUP GROUP g c2 STREAMS s $",
     "-ERR The $ ID is meaningless in the context of XREADGROUP: you want to "
     "read the history of this consumer by specifying a proper ID, or use the "
     "> ID to get new messages. The $ ID would just return an empty result "
     "set.\r\n"},
    {"XREADGROUP GROUP g c2 STREAMS s x",
     "-ERR Invalid stream ID specified as stream command argument\r\n"},
    {"XREADGROUP GROUP nog c2 STREAMS s >",
     "-NOGROUP No such key 's' or consumer group 'nog' in XREADGROUP with "
     "GROUP option\r\n"},
    {"XREADGROUP GROUP g c2 STREAMS none >",
     "-NOGROUP No such key 'none' or consumer group 'g' in XREADGROUP with "
     "GROUP option\r\n"},
    {"XREADGROUP GROUP g c2 STREAMS s none > 0",
     "-NOGROUP No such key 'none' or consumer group 'g' in XREADGROUP with "
     "GROUP option\r\n"},
    {"XREADGROUP STREAMS s >",
     "-ERR wrong number of arguments for 'xreadgroup' command\r\n"},
    {"XREADGROUP GROUP g STREAMS s >",
     "-ERR wrong number of arguments for 'xreadgroup' command\r\n"},
    {"XREADGROUP COUNT 1 STREAMS s >",
     "-ERR wrong number of arguments for 'xreadgroup' command\r\n"},
    {"XREADGROUP GROUP g c1 COUNT 2 STREAMS s 2-1",
     "*1\r\n*2\r\n$1\r\ns\r\n*2\r\n*2\r\n$3\r\n3-1\r\n*2\r\n$1\r\na\r\n$"
     "1\r\n3\r\n*2\r\n$3\r\n4-1\r\n*2\r\n$1\r\na\r\n$1\r\n4\r\n"},
    {"XREADGROUP GROUP g c1 FOO STREAMS s 2-1", "-ERR syntax error\r\n"},
    {"XREADGROUP GROUP g c1 STREAMS s s >",
     "-ERR Unbalanced XREAD list of streams: for each stream key an ID or '$' "
     "must be specified.\r\n"},
    {"XDEL s 2-1", ":1\r\n"},
    {"XREADGROUP GROUP g c1 STREAMS s 0",
     "*1\r\n*2\r\n$1\r\ns\r\n*4\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\na\r\n$"
     "1\r\n1\r\n*2\r\n$3\r\n2-1\r\n*-1\r\n*2\r\n$3\r\n3-1\r\n*2\r\n$1\r\na\r\n$"
     "1\r\n3\r\n*2\r\n$3\r\n4-1\r\n*2\r\n$1\r\na\r\n$1\r\n4\r\n"},
    {"XACK s g 1-1 1-1 9-9", ":1\r\n"},
    {"XACK s nog 1-1", ":0\r\n"},
    {"XACK none g 1-1", ":0\r\n"},
    {"XACK s g x",
     "-ERR Invalid stream ID specified as stream command argument\r\n"},
    {"XACK s g", "-ERR wrong number of arguments for 'xack' command\r\n"},
    {"XPENDING s g", "*4\r\n:3\r\n$3\r\n2-1\r\n$3\r\n4-1\r\n*1\r\n*2\r\n$"
                     "2\r\nc1\r\n$1\r\n3\r\n"},
    {"XPENDING s nog", "-NOGROUP No such key 's' or consumer group 'nog'\r\n"},
    {"XPENDING none g",
     "-NOGROUP No such key 'none' or consumer group 'g'\r\n"},
    {"XPENDING s g - +", "-ERR syntax error\r\n"},
    {"XPENDING s g - + 0", "*0\r\n"},
    {"XPENDING s g - + -5", "*0\r\n"},
    {"XPENDING s g - + x", "-ERR value is not an integer or out of range\r\n"},
    {"XPENDING s g - + 10 nobody", "*0\r\n"},
    {"XPENDING s g IDLE 100000 - + 10", "*0\r\n"},
    {"XPENDING s g IDLE x - + 10",
     "-ERR value is not an integer or out of range\r\n"},
    {"XPENDING s g FOO 3 - + 10",
     "-ERR value is not an integer or out of range\r\n"},
    {"XPENDING s g (1 ( 10",
     "-ERR Invalid stream ID specified as stream command argument\r\n"},
    {"XPENDING s g IDLE", "-ERR syntax error\r\n"},
    {"XPENDING s g IDLE 5", "-ERR syntax error\r\n"},
    {"XPENDING s g - + 10 c1 d",
     "*3\r\n*4\r\n$3\r\n2-1\r\n$2\r\nc1\r\n:0\r\n:2\r\n*4\r\n$3\r\n3-1\r\n$"
     "2\r\nc1\r\n:0\r\n:4\r\n*4\r\n$3\r\n4-1\r\n$2\r\nc1\r\n:0\r\n:4\r\n"},
    {"XCLAIM s g c2 0 2-1 3-1",
     "*1\r\n*2\r\n$3\r\n3-1\r\n*2\r\n$1\r\na\r\n$1\r\n3\r\n"},
    {"XCLAIM s g c2 0 3-1 JUSTID", "*1\r\n$3\r\n3-1\r\n"},
    {"XCLAIM s g c2 0 1-1", "*0\r\n"},
    {"XCLAIM s g c2 0 1-1 FORCE",
     "*1\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\na\r\n$1\r\n1\r\n"},
    {"XCLAIM s g c2 0 9-9 FORCE", "*0\r\n"},
    {"XCLAIM s g c2 -5 4-1 JUSTID", "*1\r\n$3\r\n4-1\r\n"},
    {"XCLAIM s g c2 x 4-1",
     "-ERR Invalid min-idle-time argument for XCLAIM\r\n"},
    {"XCLAIM s g c2 0 4-1 FOO", "-ERR Unrecognized XCLAIM option 'FOO'\r\n"},
    {"XCLAIM s g c2 0 x", "-ERR Unrecognized XCLAIM option 'x'\r\n"},
    {"XCLAIM s g c2 0 4-1 IDLE", "-ERR Unrecognized XCLAIM option 'IDLE'\r\n"},
    {"XCLAIM s g c2 0 4-1 IDLE x",
     "-ERR Invalid IDLE option argument for XCLAIM\r\n"},
    {"XCLAIM s g c2 0 4-1 RETRYCOUNT -3",
     "*1\r\n*2\r\n$3\r\n4-1\r\n*2\r\n$1\r\na\r\n$1\r\n4\r\n"},
    {"XCLAIM s g c2 0 4-1 RETRYCOUNT x",
     "-ERR Invalid RETRYCOUNT option argument for XCLAIM\r\n"},
    {"XCLAIM s g c2 0 4-1 TIME x",
     "-ERR Invalid TIME option argument for XCLAIM\r\n"},
    {"XCLAIM s g c2 0 4-1 LASTID x",
     "-ERR Invalid stream ID specified as stream command argument\r\n"},
    {"XCLAIM s g c2 0 4-1 LASTID 7-7 JUSTID", "*1\r\n$3\r\n4-1\r\n"},
    {"XCLAIM s nog c2 0 4-1",
     "-NOGROUP No such key 's' or consumer group 'nog'\r\n"},
    {"XCLAIM none g c2 0 4-1",
     "-NOGROUP No such key 'none' or consumer group 'g'\r\n"},
    {"XCLAIM s g c9 0 99-99", "*0\r\n"},
    {"XINFO CONSUMERS s g",
     "*2\r\n*6\r\n$4\r\nname\r\n$2\r\nc1\r\n$7\r\npending\r\n:0\r\n$"
     "4\r\nidle\r\n:0\r\n*6\r\n$4\r\nname\r\n$2\r\nc2\r\n$7\r\npending\r\n:"
     "3\r\n$4\r\nidle\r\n:0\r\n"},
    {"XCLAIM s g c2 0 4-1 RETRYCOUNT 9 IDLE 0 JUSTID", "*1\r\n$3\r\n4-1\r\n"},
    {"XPENDING s g", "*4\r\n:3\r\n$3\r\n1-1\r\n$3\r\n4-1\r\n*1\r\n*2\r\n$"
                     "2\r\nc2\r\n$1\r\n3\r\n"},
    {"XAUTOCLAIM s g c3 0 -",
     "*3\r\n$3\r\n0-0\r\n*3\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\na\r\n$1\r\n1\r\n*"
     "2\r\n$3\r\n3-1\r\n*2\r\n$1\r\na\r\n$1\r\n3\r\n*2\r\n$3\r\n4-1\r\n*2\r\n$"
     "1\r\na\r\n$1\r\n4\r\n*0\r\n"},
    {"XAUTOCLAIM s g c3 0 0 COUNT 1",
     "*3\r\n$3\r\n3-1\r\n*1\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\na\r\n$1\r\n1\r\n*"
     "0\r\n"},
    {"XAUTOCLAIM s g c3 0 0 COUNT 0", "-ERR COUNT must be > 0\r\n"},
    {"XAUTOCLAIM s g c3 0 0 COUNT x", "-ERR COUNT must be > 0\r\n"},
    {"XAUTOCLAIM s g c3 0 0 JUSTID",
     "*3\r\n$3\r\n0-0\r\n*3\r\n$3\r\n1-1\r\n$3\r\n3-1\r\n$3\r\n4-1\r\n*0\r\n"},
    {"XAUTOCLAIM s g c3 100000 0", "*3\r\n$3\r\n0-0\r\n*0\r\n*0\r\n"},
    {"XAUTOCLAIM s g c3 x 0",
     "-ERR Invalid min-idle-time argument for XAUTOCLAIM\r\n"},
    {"XAUTOCLAIM s g c3 0 x",
     "-ERR Invalid stream ID specified as stream command argument\r\n"},
    {"XAUTOCLAIM s g c3 0 (3-1", "*3\r\n$3\r\n0-0\r\n*1\r\n*2\r\n$3\r\n4-1\r\n*"
                                 "2\r\n$1\r\na\r\n$1\r\n4\r\n*0\r\n"},
    {"XAUTOCLAIM s nog c3 0 0",
     "-NOGROUP No such key 's' or consumer group 'nog'\r\n"},
    {"XAUTOCLAIM none g c3 0 0",
     "-NOGROUP No such key 'none' or consumer group 'g'\r\n"},
    {"XAUTOCLAIM s g c3 0 0 FOO", "-ERR syntax error\r\n"},
    {"XAUTOCLAIM s g c3 -1 0 COUNT 5 JUSTID",
     "*3\r\n$3\r\n0-0\r\n*3\r\n$3\r\n1-1\r\n$3\r\n3-1\r\n$3\r\n4-1\r\n*0\r\n"},
    {"XGROUP DELCONSUMER s g c3", ":3\r\n"},
    {"XPENDING s g", "*4\r\n:0\r\n$-1\r\n$-1\r\n*-1\r\n"},
    {"XINFO GROUPS s",
     "*2\r\n*12\r\n$4\r\nname\r\n$1\r\ng\r\n$9\r\nconsumers\r\n:2\r\n$"
     "7\r\npending\r\n:0\r\n$17\r\nlast-delivered-id\r\n$3\r\n7-7\r\n$"
     "12\r\nentries-read\r\n:4\r\n$3\r\nlag\r\n:0\r\n*12\r\n$4\r\nname\r\n$"
     "1\r\nh\r\n$9\r\nconsumers\r\n:0\r\n$7\r\npending\r\n:0\r\n$17\r\nlast-"
     "delivered-id\r\n$3\r\n5-0\r\n$12\r\nentries-read\r\n:3\r\n$3\r\nlag\r\n:"
     "1\r\n"},
    {"XINFO STREAM s",
     "*20\r\n$6\r\nlength\r\n:3\r\n$15\r\nradix-tree-keys\r\n:1\r\n$"
     "16\r\nradix-tree-nodes\r\n:2\r\n$17\r\nlast-generated-id\r\n$3\r\n4-"
     "1\r\n$20\r\nmax-deleted-entry-id\r\n$3\r\n2-1\r\n$13\r\nentries-"
     "added\r\n:4\r\n$23\r\nrecorded-first-entry-id\r\n$3\r\n1-1\r\n$"
     "6\r\ngroups\r\n:2\r\n$11\r\nfirst-entry\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$"
     "1\r\na\r\n$1\r\n1\r\n$10\r\nlast-entry\r\n*2\r\n$3\r\n4-1\r\n*2\r\n$"
     "1\r\na\r\n$1\r\n4\r\n"},
    {"XREADGROUP GROUP h z NOACK STREAMS s >", "*-1\r\n"},
    {"XPENDING s h", "*4\r\n:0\r\n$-1\r\n$-1\r\n*-1\r\n"},
    {"XGROUP SETID s h 0", "+OK\r\n"},
    {"XREADGROUP GROUP h z COUNT 2 STREAMS s >",
     "*1\r\n*2\r\n$1\r\ns\r\n*2\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\na\r\n$"
     "1\r\n1\r\n*2\r\n$3\r\n3-1\r\n*2\r\n$1\r\na\r\n$1\r\n3\r\n"},
    {"XDEL s 3-1", ":1\r\n"},
    {"XAUTOCLAIM s h z2 0 0", "*3\r\n$3\r\n0-0\r\n*1\r\n*2\r\n$3\r\n1-1\r\n*"
                              "2\r\n$1\r\na\r\n$1\r\n1\r\n*1\r\n$3\r\n3-1\r\n"},
    {"XGROUP DESTROY s h", ":1\r\n"},
    {"XGROUP DESTROY s h", ":0\r\n"},
    {"SET str x", "+OK\r\n"},
    {"XGROUP CREATE str g 0",
     "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
    {"XGROUP CREATE str g 0 MKSTREAM",
     "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
    {"XGROUP DESTROY str g",
     "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
    {"XREADGROUP GROUP g c STREAMS str >",
     "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
    {"XACK str g 1",
     "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
    {"XPENDING str g",
     "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
    {"XCLAIM str g c 0 1",
     "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
    {"XAUTOCLAIM str g c 0 0",
     "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
    {"XINFO GROUPS str",
     "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
    {"XINFO CONSUMERS str g",
     "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"},
    {"XSETID s 5-5", "+OK\r\n"},
    {"XGROUP CREATE s fresh $", "+OK\r\n"},
    {"XGROUP CREATE s fresh2 0", "+OK\r\n"},
    {"XGROUP CREATE s fresh3 3-1", "+OK\r\n"},
    {"XINFO GROUPS s",
     "*4\r\n*12\r\n$4\r\nname\r\n$5\r\nfresh\r\n$9\r\nconsumers\r\n:0\r\n$"
     "7\r\npending\r\n:0\r\n$17\r\nlast-delivered-id\r\n$3\r\n5-5\r\n$"
     "12\r\nentries-read\r\n$-1\r\n$3\r\nlag\r\n:0\r\n*12\r\n$4\r\nname\r\n$"
     "6\r\nfresh2\r\n$9\r\nconsumers\r\n:0\r\n$7\r\npending\r\n:0\r\n$"
     "17\r\nlast-delivered-id\r\n$3\r\n0-0\r\n$12\r\nentries-read\r\n$-1\r\n$"
     "3\r\nlag\r\n$-1\r\n*12\r\n$4\r\nname\r\n$6\r\nfresh3\r\n$"
     "9\r\nconsumers\r\n:0\r\n$7\r\npending\r\n:0\r\n$17\r\nlast-delivered-"
     "id\r\n$3\r\n3-1\r\n$12\r\nentries-read\r\n$-1\r\n$3\r\nlag\r\n$-1\r\n*"
     "12\r\n$4\r\nname\r\n$1\r\ng\r\n$9\r\nconsumers\r\n:2\r\n$"
     "7\r\npending\r\n:0\r\n$17\r\nlast-delivered-id\r\n$3\r\n7-7\r\n$"
     "12\r\nentries-read\r\n:4\r\n$3\r\nlag\r\n:0\r\n"},
    {"XREADGROUP GROUP g c1 COUNT 0 STREAMS s 0",
     "*1\r\n*2\r\n$1\r\ns\r\n*0\r\n"},
    {"XREADGROUP GROUP g c1 COUNT 0 STREAMS s >", "*-1\r\n"},
    {"XREADGROUP GROUP g c1 BLOCK x STREAMS s >",
     "-ERR timeout is not an integer or out of range\r\n"},
    {"XPENDING s g - +  5 c1", "*0\r\n"},
    {"XGROUP CREATE s  z 0 MKSTREAM MKSTREAM", "+OK\r\n"},
    {"XGROUP CREATECONSUMER s g",
     "-ERR wrong number of arguments for 'xgroup|createconsumer' command\r\n"},
    {"XGROUP DESTROY s",
     "-ERR wrong number of arguments for 'xgroup|destroy' command\r\n"},
    {"XGROUP CREATE s z",
     "-ERR wrong number of arguments for 'xgroup|create' command\r\n"},
    {"XADD e 1-1 a 1", "$3\r\n1-1\r\n"},
    {"XADD e 2-1 a 2", "$3\r\n2-1\r\n"},
    {"XGROUP CREATE e g 0", "+OK\r\n"},
    {"XREADGROUP GROUP g c COUNT 1 STREAMS e >",
     "*1\r\n*2\r\n$1\r\ne\r\n*1\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\na\r\n$"
     "1\r\n1\r\n"},
    {"XPENDING e g - + 10", "*1\r\n*4\r\n$3\r\n1-1\r\n$1\r\nc\r\n:0\r\n:1\r\n"},
    {"XINFO CONSUMERS e g", "*1\r\n*6\r\n$4\r\nname\r\n$1\r\nc\r\n$"
                            "7\r\npending\r\n:1\r\n$4\r\nidle\r\n:0\r\n"},
    {"XINFO STREAM e",
     "*20\r\n$6\r\nlength\r\n:2\r\n$15\r\nradix-tree-keys\r\n:1\r\n$"
     "16\r\nradix-tree-nodes\r\n:2\r\n$17\r\nlast-generated-id\r\n$3\r\n2-"
     "1\r\n$20\r\nmax-deleted-entry-id\r\n$3\r\n0-0\r\n$13\r\nentries-"
     "added\r\n:2\r\n$23\r\nrecorded-first-entry-id\r\n$3\r\n1-1\r\n$"
     "6\r\ngroups\r\n:1\r\n$11\r\nfirst-entry\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$"
     "1\r\na\r\n$1\r\n1\r\n$10\r\nlast-entry\r\n*2\r\n$3\r\n2-1\r\n*2\r\n$"
     "1\r\na\r\n$1\r\n2\r\n"},
    {"XPENDING e g - + 10 c",
     "*1\r\n*4\r\n$3\r\n1-1\r\n$1\r\nc\r\n:0\r\n:1\r\n"},
    {"XREADGROUP GROUP g c COUNT 1 STREAMS e e > 0",
     "*2\r\n*2\r\n$1\r\ne\r\n*1\r\n*2\r\n$3\r\n2-1\r\n*2\r\n$1\r\na\r\n$"
     "1\r\n2\r\n*2\r\n$1\r\ne\r\n*1\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\na\r\n$"
     "1\r\n1\r\n"},
    {"XPENDING e g IDLE 0 - + 1",
     "*1\r\n*4\r\n$3\r\n1-1\r\n$1\r\nc\r\n:0\r\n:2\r\n"},
    {"XREADGROUP GROUP g c NOACK STREAMS e e > >", "*-1\r\n"},
    {"XADD q 1-1 f v", "$3\r\n1-1\r\n"},
    {"XADD q 2-1 f v", "$3\r\n2-1\r\n"},
    {"XGROUP CREATE q g 0", "+OK\r\n"},
    {"XCLAIM q g c 0 1-1 FORCE",
     "*1\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\nf\r\n$1\r\nv\r\n"},
    {"XPENDING q g - + 9", "*1\r\n*4\r\n$3\r\n1-1\r\n$1\r\nc\r\n:0\r\n:2\r\n"},
    {"XCLAIM q g c 0 2-1 FORCE JUSTID", "*1\r\n$3\r\n2-1\r\n"},
    {"XPENDING q g - + 9", "*2\r\n*4\r\n$3\r\n1-1\r\n$1\r\nc\r\n:0\r\n:2\r\n*"
                           "4\r\n$3\r\n2-1\r\n$1\r\nc\r\n:0\r\n:1\r\n"},
    {"XREADGROUP GROUP g c NOACK STREAMS q >",
     "*1\r\n*2\r\n$1\r\nq\r\n*2\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\nf\r\n$"
     "1\r\nv\r\n*2\r\n$3\r\n2-1\r\n*2\r\n$1\r\nf\r\n$1\r\nv\r\n"},
    {"XPENDING q g", "*4\r\n:2\r\n$3\r\n1-1\r\n$3\r\n2-1\r\n*1\r\n*2\r\n$"
                     "1\r\nc\r\n$1\r\n2\r\n"},
    {"XADD q 3-1 f v", "$3\r\n3-1\r\n"},
    {"XREADGROUP GROUP g c NOACK STREAMS q >",
     "*1\r\n*2\r\n$1\r\nq\r\n*1\r\n*2\r\n$3\r\n3-1\r\n*2\r\n$1\r\nf\r\n$"
     "1\r\nv\r\n"},
    {"XPENDING q g", "*4\r\n:2\r\n$3\r\n1-1\r\n$3\r\n2-1\r\n*1\r\n*2\r\n$"
                     "1\r\nc\r\n$1\r\n2\r\n"},
    {"XACK q g 1-1", ":1\r\n"},
    {"XADD q 4-1 f v", "$3\r\n4-1\r\n"},
    {"XDEL q 4-1", ":1\r\n"},
    {"XINFO GROUPS q",
     "*1\r\n*12\r\n$4\r\nname\r\n$1\r\ng\r\n$9\r\nconsumers\r\n:1\r\n$"
     "7\r\npending\r\n:1\r\n$17\r\nlast-delivered-id\r\n$3\r\n3-1\r\n$"
     "12\r\nentries-read\r\n:3\r\n$3\r\nlag\r\n$-1\r\n"},
    {"XADD q 5-1 f v", "$3\r\n5-1\r\n"},
    {"XINFO GROUPS q",
     "*1\r\n*12\r\n$4\r\nname\r\n$1\r\ng\r\n$9\r\nconsumers\r\n:1\r\n$"
     "7\r\npending\r\n:1\r\n$17\r\nlast-delivered-id\r\n$3\r\n3-1\r\n$"
     "12\r\nentries-read\r\n:3\r\n$3\r\nlag\r\n$-1\r\n"},
};

#endif
