/*
 * RAFT CHECK, as a table.
 *
 * How it fails: with one line; a node that does not answer any more, for it has
 * stopped because of what was found, is told as what it is: not known.
 */
#include "ctl/ctl.h"

#include "base/num.h"
#include "client/info.h"

#include <inttypes.h>
#include <string.h>

#define ANSWER_MS 10000 /* beyond what the members have */

static int text_len(struct bytes b)
{
    ASSERT(b.len <= INT32_MAX);
    return (int)b.len;
}

static void print_member(struct bytes id, struct bytes value)
{
    struct bytes link = info_part(value, "link");
    struct bytes found = info_part(value, "result");
    struct bytes hash = info_part(value, "hash");
    printf("%-4.*s  %-4.*s  %-10.*s  %.*s\n", text_len(id),
           (const char *)id.data, text_len(link), (const char *)link.data,
           text_len(found), (const char *)found.data, text_len(hash),
           (const char *)hash.data);
}

static void print_members(struct bytes text)
{
    struct bytes prefix = BYTES_LIT("node_");
    struct bytes line;
    struct bytes name;
    struct bytes value;
    printf("node  link  result      hash\n");
    while (info_line(&text, &line)) {
        if (info_pair(line, &name, &value) && name.len > prefix.len &&
            memcmp(name.data, prefix.data, prefix.len) == 0)
            print_member(bytes_from(name, prefix.len), value);
    }
}

static int print_answer(struct bytes text)
{
    struct bytes index = info_field(text, "index");
    struct bytes result = info_field(text, "result");
    print_members(text);
    printf("after entry %.*s: %.*s\n", text_len(index),
           (const char *)index.data, text_len(result),
           (const char *)result.data);
    return bytes_eq(result, BYTES_LIT("equal")) ? CTL_GOOD : CTL_NO;
}

int check_members(struct cluster *c, int64_t seconds)
{
    char text[NUM_TEXT_MAX];
    struct answer answer = {0};
    num_format_i64(seconds, text);
    const char *argv[] = {"RAFT", "CHECK", text};
    const struct link_request r = {.argv = argv, .argc = ARRAY_LEN(argv)};
    cluster_discover(c);
    c->timeout_ms = seconds * 1000 + ANSWER_MS;
    int err = cluster_ask(c, &r, &answer);
    struct bytes got = buf_view(&answer.text);
    int status = CTL_NOT_DONE;
    if (err != 0) {
        fprintf(stderr, "vardctl: no node answers (try: vardctl status)\n");
    } else if (answer.kind != ANSWER_TEXT) {
        fprintf(stderr, "vardctl: %.*s\n", text_len(got),
                (const char *)got.data);
        status = CTL_REFUSED;
    } else {
        status = print_answer(got);
    }
    buf_release(&answer.text);
    return status;
}
