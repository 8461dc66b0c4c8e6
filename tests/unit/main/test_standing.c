/*
 * What a node does about what others say of it. (With whole nodes:
 * tcl/tests/identity.tcl.)
 */
// link: config
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "main/standing.h"
#include "unit/config/fixture.h"

static const char three[] = "node-id 1\nnode 1 10.0.0.1:9001\n"
                            "node 2 10.0.0.2:9001\nnode 3 10.0.0.3:9001\n";

/* Of a node with this configuration; `words` are in the text. */
static enum standing_next judge(const char *text, struct greeting g,
                                const char *words)
{
    struct fixture f;
    struct standing s = {.next = STANDING_GOOD};
    struct buf said = BUF_INIT;
    fixture_init(&f);
    fixture_file(&f, "main.conf", text);
    assert_int_equal(fixture_load(&f, "main.conf", NULL), CONFIG_RUN);
    standing_judge(&s, &f.config, 2, &g, &said);
    buf_char(&said, '\0');
    assert_non_null(strstr((const char *)said.data, words));
    assert_int_equal(s.next == STANDING_GOOD, said.len == 1);
    fixture_release(&f);
    buf_release(&said);
    return s.next;
}

static void test_nothing_to_do(void **state)
{
    UNUSED(state);
    static const enum greeting_verdict verdicts[] = {
        GREETING_WELCOME, GREETING_NOT_YET, GREETING_OTHER_CLUSTER,
        GREETING_FORGOT, GREETING_LINKED};
    for (size_t i = 0; i < ARRAY_LEN(verdicts); i++) {
        struct greeting g = {.verdict = verdicts[i]};
        assert_int_equal(judge(three, g, ""), STANDING_GOOD);
    }
}

/* An older copy is completed, where that is possible and wanted. */
static void test_older_copy(void **state)
{
    char text[300];
    struct greeting g = {.verdict = GREETING_OLD, .known_incarnation = 9};
    UNUSED(state);
    assert_int_equal(
        judge(three, g,
              "member 2 knows start 9 of this node, which is newer: this data "
              "directory is an older copy. The other members complete it"),
        STANDING_OLD_COPY);
    snprintf(text, sizeof(text), "%sdamaged-data refuse\n", three);
    assert_int_equal(
        judge(
            text, g,
            "an older copy. FATAL: exiting, since what this node has promised "
            "after that copy is not in it. Use the directory that was "
            "used last"),
        STANDING_LOST);
    assert_int_equal(judge("node-id 1\nnode 1 10.0.0.1:9001\n"
                           "node 2 10.0.0.2:9001\n",
                           g, "an older copy. FATAL: exiting"),
                     STANDING_LOST);
}

/* What the node itself finds missing, by another's receipt. */
static void test_receipt(void **state)
{
    struct greeting g = {.receipt = {.life = 1, .term = 7, .index = 88}};
    UNUSED(state);
    for (int refuses = 0; refuses < 2; refuses++) {
        struct fixture f;
        struct standing s = {.next = STANDING_GOOD};
        struct buf said = BUF_INIT;
        char text[300];
        snprintf(text, sizeof(text), "%s%s", three,
                 refuses ? "damaged-data refuse\n" : "");
        fixture_init(&f);
        fixture_file(&f, "main.conf", text);
        assert_int_equal(fixture_load(&f, "main.conf", NULL), CONFIG_RUN);
        standing_forgot(&s, &f.config, 3, &g, &said);
        buf_char(&said, '\0');
        assert_non_null(strstr(
            (const char *)said.data,
            refuses ? "FATAL: exiting, since what this node has promised"
                    : "member 3 has a receipt of this node for entry 88 of the "
                      "log, in term 7, and it is not here: this data directory "
                      "is an older copy. The other members complete it"));
        assert_int_equal(s.next, refuses ? STANDING_LOST : STANDING_OLD_COPY);
        fixture_release(&f);
        buf_release(&said);
    }
}

static void test_the_end(void **state)
{
    struct greeting g = {.verdict = GREETING_TWIN, .address = "10.9.9.9:77"};
    UNUSED(state);
    assert_int_equal(judge(three, g,
                           "another process that is node 1, at "
                           "10.9.9.9:77. Does it run on a copy of this data "
                           "directory? Only one of them may run"),
                     STANDING_LOST);
    g = (struct greeting){.verdict = GREETING_REPLACED, .replaced_at = 123};
    assert_int_equal(judge(three, g,
                           "node 1 since entry 123 of the log, says "
                           "member 2: put this one aside"),
                     STANDING_LOST);
    g = (struct greeting){.verdict = GREETING_REMOVED, .replaced_at = 124};
    assert_int_equal(judge(three, g,
                           "node 1 is no member of the cluster any more: it "
                           "was removed by entry 124 of the log, or before, "
                           "says member 2. It exits; this data directory is "
                           "of no use any more"),
                     STANDING_REMOVED);
    g = (struct greeting){
        .verdict = GREETING_LEVEL, .level = 2, .version = "7.8.9"};
    assert_int_equal(judge(three, g,
                           "reached level 2, as member 2 says, and this "
                           "program, vard " VARD_VERSION
                           ", knows the levels 1 to 1: start another version "
                           "of vard, as that member's: 7.8.9"),
                     STANDING_LOST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_to_do),
        cmocka_unit_test(test_older_copy),
        cmocka_unit_test(test_receipt),
        cmocka_unit_test(test_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
