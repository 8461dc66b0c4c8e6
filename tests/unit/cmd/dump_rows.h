/*
 * DUMP and RESTORE: lines and the exact replies, as those of cmd_rows.h. All of
 * them were run on redis-server 7.0.15.
 */
#ifndef TESTS_UNIT_CMD_DUMP_ROWS_H
#define TESTS_UNIT_CMD_DUMP_ROWS_H

#include "unit/cmd/cmd_rows.h"

static const struct row dump_rows[] = {
    {"FLUSHALL", "+OK\r\n"},
    {"DUMP", "-ERR wrong number of arguments for 'dump' command\r\n"},
    {"DUMP none", "$-1\r\n"},
    {"RESTORE", "-ERR wrong number of arguments for 'restore' command\r\n"},
    {"RESTORE k 0", "-ERR wrong number of arguments for 'restore' command\r\n"},
    {"RESTORE k 0 x", "-ERR DUMP payload version or checksum are wrong\r\n"},
    {"RESTORE k x x", "-ERR value is not an integer or out of range\r\n"},
    {"RESTORE k -1 x", "-ERR Invalid TTL value, must be >= 0\r\n"},
    {"RESTORE k 0 "
     "\"\\x00\\x05iello\\x09\\x00\\xb3\\x80\\x8e\\xba1\\xb2C\\xbb\"",
     "-ERR DUMP payload version or checksum are wrong\r\n"},
    {"RESTORE k 0 \"\\x00\\x05helloo\\x00d\\xd7\\xa3\\x1b*\\xae[\\xc6\"",
     "-ERR DUMP payload version or checksum are wrong\r\n"},
    {"RESTORE k 0 \"\\x06\\x00\\x09\\x00$\\x96\\xa2L\\xe7\\xe2m<\"",
     "-ERR Bad data format\r\n"},
    {"RESTORE k 0 \"\\xc8\\x00\\x09\\x00\\xd4\\xe7c\\xb5\\xfd\\x0c\\x0fs\"",
     "-ERR Bad data format\r\n"},
    {"RESTORE k 0 \"\\x01\\x00\\x09\\x00\\x8b\\x0at\\x008\\x91 \\xe7\"",
     "-ERR Bad data format\r\n"},
    {"RESTORE k 0 \"\\x02\\x02\\x01a\\x01a\\x09\\x00\\x87L'\\xe3\\x96P1\\x8b\"",
     "-ERR Bad data format\r\n"},
    {"RESTORE k 0 "
     "\"\\x05\\x01\\x01a\\x00\\x00\\x00\\x00\\x00\\x00\\xf8\\x7f\\x09\\x00 "
     "\\x0bxeR\\xd2:\\x96\"",
     "-ERR Bad data format\r\n"},
    {"EXISTS k", ":0\r\n"},
    {"RESTORE k 0 "
     "\"\\x00\\x05hello\\x09\\x00\\xb3\\x80\\x8e\\xba1\\xb2C\\xbb\"",
     "+OK\r\n"},
    {"GET k", "$5\r\nhello\r\n"},
    {"PTTL k", ":-1\r\n"},
    {"RESTORE k 0 \"\\x00\\xc0\\x07\\x09\\x00\\xa4?\\x19n\\xd7-\\xad#\"",
     "-BUSYKEY Target key name already exists.\r\n"},
    {"RESTORE k 0 \"\\x00\\xc0\\x07\\x09\\x00\\xa4?\\x19n\\xd7-\\xad#\" "
     "REPLACE",
     "+OK\r\n"},
    {"GET k", "$1\r\n7\r\n"},
    {"OBJECT ENCODING k", "$3\r\nint\r\n"},
    {"RESTORE k 0 "
     "\"\\x01\\x02\\x01a\\x01b\\x09\\x00\\xe2Z\\xc1\\xb2\\x81\\x85y\\xf4\" "
     "replace",
     "+OK\r\n"},
    {"LRANGE k 0 -1", "*2\r\n$1\r\na\r\n$1\r\nb\r\n"},
    {"RESTORE k 100000000 "
     "\"\\x05\\x02\\x01b\\x00\\x00\\x00\\x00\\x00\\x00\\xf8?"
     "\\x01a\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x80\\x09\\x00\\x1b\\xbcA\\xc1"
     "\\xf6zY\\x87\" REPLACE IDLETIME 5",
     "+OK\r\n"},
    {"ZRANGE k 0 -1 WITHSCORES",
     "*4\r\n$1\r\na\r\n$1\r\n0\r\n$1\r\nb\r\n$3\r\n1.5\r\n"},
    {"PERSIST k", ":1\r\n"},
    {"RESTORE k 1 "
     "\"\\x00\\x05hello\\x09\\x00\\xb3\\x80\\x8e\\xba1\\xb2C\\xbb\" ABSTTL "
     "REPLACE",
     "+OK\r\n"},
    {"EXISTS k", ":0\r\n"},
    {"RESTORE k 4000000000000 "
     "\"\\x00\\x05hello\\x09\\x00\\xb3\\x80\\x8e\\xba1\\xb2C\\xbb\" ABSTTL "
     "FREQ 7",
     "+OK\r\n"},
    {"PEXPIRETIME k", ":4000000000000\r\n"},
    {"RESTORE k 1 "
     "\"\\x00\\x05hello\\x09\\x00\\xb3\\x80\\x8e\\xba1\\xb2C\\xbb\" ABSTTL",
     "-BUSYKEY Target key name already exists.\r\n"},
    {"RESTORE k 0 "
     "\"\\x00\\x05hello\\x09\\x00\\xb3\\x80\\x8e\\xba1\\xb2C\\xbb\" IDLETIME",
     "-ERR syntax error\r\n"},
    {"RESTORE j 0 "
     "\"\\x00\\x05hello\\x09\\x00\\xb3\\x80\\x8e\\xba1\\xb2C\\xbb\" IDLETIME "
     "-1",
     "-ERR Invalid IDLETIME value, must be >= 0\r\n"},
    {"RESTORE j 0 "
     "\"\\x00\\x05hello\\x09\\x00\\xb3\\x80\\x8e\\xba1\\xb2C\\xbb\" IDLETIME x",
     "-ERR value is not an integer or out of range\r\n"},
    {"RESTORE j 0 "
     "\"\\x00\\x05hello\\x09\\x00\\xb3\\x80\\x8e\\xba1\\xb2C\\xbb\" FREQ 256",
     "-ERR Invalid FREQ value, must be >= 0 and <= 255\r\n"},
    {"RESTORE j 0 "
     "\"\\x00\\x05hello\\x09\\x00\\xb3\\x80\\x8e\\xba1\\xb2C\\xbb\" FREQ 1 "
     "IDLETIME 1",
     "-ERR syntax error\r\n"},
    {"RESTORE j 0 "
     "\"\\x00\\x05hello\\x09\\x00\\xb3\\x80\\x8e\\xba1\\xb2C\\xbb\" FOO",
     "-ERR syntax error\r\n"},
    {"RESTORE j 9223372036854775807 "
     "\"\\x00\\x05hello\\x09\\x00\\xb3\\x80\\x8e\\xba1\\xb2C\\xbb\"",
     "+OK\r\n"},
    {"EXISTS j", ":0\r\n"},
    {"FLUSHALL", "+OK\r\n"},
};

#endif
