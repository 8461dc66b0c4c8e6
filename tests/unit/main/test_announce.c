/*
 * Where the node lines differ from what the members have agreed on.
 */
// link: config
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "main/announce.h"
#include "unit/config/fixture.h"

#define LINES "node-id 1\nnode 1 a:1 a:11\nnode 2 b:2 b:22\nnode 3 c:3\n"

/* Members 1 to 3 as in the lines. */
static void agree(struct configuration *c)
{
    static const node_id ids[] = {1, 2, 3};
    static const char *const peers[] = {"a:1", "b:2", "c:3"};
    static const char *const clients[] = {"a:11", "b:22", ""};
    configuration_of(c, ids, 3);
    for (size_t i = 0; i < 3; i++) {
        struct member *m = &c->members[i];
        assert_true(member_set_text(m->peer_address, sizeof(m->peer_address),
                                    peers[i]));
        assert_true(member_set_text(m->client_address,
                                    sizeof(m->client_address), clients[i]));
    }
}

static void compare(const char *lines, const struct configuration *c,
                    const char *wanted)
{
    struct fixture f;
    struct buf said = BUF_INIT;
    fixture_init(&f);
    fixture_file(&f, "main.conf", lines);
    assert_int_equal(fixture_load(&f, "main.conf", NULL), CONFIG_RUN);
    announce_differences(&f.config, c, &said);
    buf_char(&said, '\0');
    assert_string_equal((const char *)said.data, wanted);
    fixture_release(&f);
    buf_release(&said);
}

static void test_as_agreed(void **state)
{
    struct configuration c;
    UNUSED(state);
    agree(&c);
    compare(LINES, &c, "");
    /* What nobody has said yet is no difference. */
    c.members[1].peer_address[0] = '\0';
    c.members[0].client_address[0] = '\0';
    compare(LINES, &c, "");
    /* One that joins has only its own line. */
    agree(&c);
    compare("node-id 3\nnode 3 c:3\njoin a:1,b:2\n", &c, "");
}

static void test_all_differences(void **state)
{
    struct configuration c;
    UNUSED(state);
    agree(&c);
    compare("node-id 1\nnode 1 a:1 a:12\nnode 2 b:3 b:22\nnode 4 d:4\n", &c,
            "node 1 is at a:11 for clients, not at a:12 as its line says\n"
            "node 2 is at b:2, not at b:3 as its line says\n"
            "node 4 (d:4) has a line, and is no member\n"
            "node 3 (c:3) is a member, and has no line\n");
    compare("node-id 1\nnode 1 a:1 priority 100\nnode 2 b:2 priority 5\n"
            "node 3 c:3 priority 0\n",
            &c,
            "node 2 has priority 100, not 5 as its line says\n"
            "node 3 has priority 100, not 0 as its line says\n");
    c.members[2].roles = 0;
    compare(LINES, &c, "node 3 does not vote\n");
    c.members[2].peer_address[0] = '\0';
    compare("node-id 1\nnode 1 a:1 a:11\nnode 2 b:2 b:22\n", &c,
            "node 3 (at an unknown address) is a member, and has no line\n");
    compare("node-id 3\nnode 3 c:4\njoin a:1,b:2\n", &c,
            "node 3 does not vote\n");
    agree(&c);
    compare("node-id 3\nnode 3 c:4\njoin a:1,b:2\n", &c,
            "node 3 is at c:3, not at c:4 as its line says\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_agreed),
        cmocka_unit_test(test_all_differences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
