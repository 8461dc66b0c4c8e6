/*
 * Large requests: given to the node part by part; what comes after one waits.
 */
// link: admin original
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/server/fake_node.h"

static void upload_ready(struct fixture *f)
{
    f->node->events->upload_ready(f->node->events->ctx, f->client);
    turn(f);
}

/* A large request is given to the node again and again; what comes after it
 * waits. */
static void a_large_request_goes_on_when_told(void **state)
{
    struct fixture *f = *state;
    f->node->again = 3;
    send_text(f, "SET a 1\r\nINCR b\r\nGET a\r\n");
    for (int left = 2; left >= 0; left--) {
        assert_int_equal(f->node->again, left);
        assert_int_equal(f->client->wait, WAIT_UPLOAD);
        assert_int_equal(f->node->submitted, 0);
        turn(f); /* nothing happens by itself */
        assert_int_equal(f->node->again, left);
        upload_ready(f);
    }
    assert_int_equal(f->node->submitted, 3);
    assert_int_equal(f->node->abandoned, 0);
    assert_false(f->client->uploading);
    answer(f, 3);
    expect(f, "+SET a 1\r\n+INCR b\r\n+GET a\r\n");
    upload_ready(f); /* it has nothing of that kind any more */
    assert_int_equal(f->node->submitted, 3);
}

/* Between two parts it is refused: the node hears, or has said so. */
static void a_large_request_that_ends_early_is_abandoned(void **state)
{
    struct fixture *f = *state;
    f->node->again = 1;
    send_text(f, "SET a 1\r\n");
    f->node->disk_short = true;
    upload_ready(f);
    assert_int_equal(f->node->abandoned, 1);
    assert_memory_equal(received_on(f->fd), "-MISCONF ", 9);
    f->node->disk_short = false;
    f->node->again = 1;
    send_text(f, "SET a 1\r\n");
    f->node->error = ERR_NO_ANSWER;
    upload_ready(f);
    assert_int_equal(f->node->abandoned, 1);
    assert_false(f->client->uploading);
    assert_memory_equal(received_on(f->fd), "-CLUSTERDOWN ", 13);
    f->node->error = 0;
    f->node->again = 1;
    send_text(f, "SET a 1\r\nPING\r\n");
    upload_ready(f);
    answer(f, 1);
    expect(f, "+SET a 1\r\n+PONG\r\n");
    assert_int_equal(f->node->abandoned, 1);
}

static void the_client_of_a_large_request_goes(void **state)
{
    struct fixture *f = *state;
    for (int how = 0; how < 3; how++) {
        int fd;
        struct client *c = connect_client(f, &fd);
        f->node->again = 1;
        assert_int_equal(write(fd, "SET a 1\r\n", 9), 9);
        turn(f);
        assert_int_equal(c->wait, WAIT_UPLOAD);
        assert_ptr_equal(f->node->uploader, c);
        if (how == 0)
            client_doom(c);
        if (how == 1) /* it waits for something else by now */
            f->node->full = true;
        if (how == 1)
            f->node->events->upload_ready(f->node->events->ctx, c);
        turn(f);
        if (how == 1)
            assert_int_equal(c->wait, WAIT_NODE);
        if (how > 0)
            client_doom(c);
        turn(f);
        f->node->full = false;
        assert_int_equal(f->node->abandoned, how + 1);
        assert_null(f->node->uploader);
        assert_int_equal(f->server->clients.count, 1);
        close(fd);
    }
}

/* Of reads in doubt as of any request. */
static void a_large_read_goes_through_the_log(void **state)
{
    struct fixture *f = *state;
    send_text(f, "GET doubt\r\nGET a\r\n");
    f->node->again = 1;
    reads_told(f, 0);
    turn(f);
    assert_int_equal(f->client->wait, WAIT_UPLOAD);
    assert_int_equal(f->node->submitted, 0);
    upload_ready(f);
    assert_int_equal(f->node->submitted, 2);
    answer(f, 2);
    expect(f, "+GET doubt\r\n+GET a\r\n");
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(a_large_request_goes_on_when_told),
        test(a_large_request_that_ends_early_is_abandoned),
        test(the_client_of_a_large_request_goes),
        test(a_large_read_goes_through_the_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
