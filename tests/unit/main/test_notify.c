/* A supervisor: whether there is one, and what it is told. */
// link: os base
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "main/notify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void is_wanted_if_there_is_a_socket(void **state)
{
    UNUSED(state);
    unsetenv("NOTIFY_SOCKET");
    assert_false(notify_wanted());
    setenv("NOTIFY_SOCKET", "", 1);
    assert_false(notify_wanted());
    setenv("NOTIFY_SOCKET", "x", 1);
    assert_true(notify_wanted());
    setenv("NOTIFY_SOCKET", "/run/systemd/notify", 1);
    assert_true(notify_wanted());
}

/* Each message arrives as it is, also when it is not the first. */
static void it_is_told(void **state)
{
    static const char *const said[] = {"READY=1\nSTATUS=Ready\n",
                                       "STOPPING=1\n"};
    char dir[] = "/tmp/vard-notify.XXXXXX";
    char heard[64];
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    UNUSED(state);
    assert_non_null(mkdtemp(dir));
    snprintf(a.sun_path, sizeof(a.sun_path), "%s/socket", dir);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    setenv("NOTIFY_SOCKET", a.sun_path, 1);
    for (size_t i = 0; i < ARRAY_LEN(said); i++) {
        notify_send(said[i]);
        ssize_t len = recv(fd, heard, sizeof(heard), MSG_DONTWAIT);
        assert_int_equal(len, strlen(said[i]));
        assert_memory_equal(heard, said[i], (size_t)len);
        assert_true(notify_wanted());
    }
    close(fd);
    notify_send("STATUS=nobody listens\n");
    assert_int_equal(unlink(a.sun_path), 0);
    assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_wanted_if_there_is_a_socket),
        cmocka_unit_test(it_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
