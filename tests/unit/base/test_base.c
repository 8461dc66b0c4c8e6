/* The error table, allocation, views and the intrusive list. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/base.h"
#include "base/bytes.h"
#include "base/list.h"
#include "base/rng.h"

#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void errors_have_texts(void **state)
{
    UNUSED(state);
    assert_string_equal(error_text(0), "ok");
    assert_string_equal(error_text(ERR_IO), "input/output error");
    assert_string_equal(error_text(-999), "unknown error");
#define X(name, value, text) assert_string_equal(error_text(name), text);
    ERROR_TABLE(X)
#undef X
}

/* A false assertion ends the process and says where, in any build. */
static void assertions_abort(void **state)
{
    UNUSED(state);
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const struct rlimit none = {0, 0};
        setrlimit(RLIMIT_CORE, &none);
        signal(SIGABRT, SIG_DFL);
        dup2(ends[1], 2);
        ASSERT(child != 0);
        _exit(0);
    }
    close(ends[1]);
    char text[300] = "";
    assert_true(read(ends[0], text, sizeof(text) - 1) > 0);
    close(ends[0]);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
    assert_non_null(strstr(text, "child != 0"));
    assert_non_null(strstr(text, "assertions_abort"));
}

static void alloc_never_null(void **state)
{
    UNUSED(state);
    void *p = mem_alloc(0);
    assert_non_null(p);
    p = mem_realloc(p, 100);
    assert_non_null(p);
    mem_free(p);
    mem_free(NULL);
    uint8_t *z = mem_zalloc(100);
    for (int i = 0; i < 100; i++)
        assert_int_equal(z[i], 0);
    mem_free(z);
    char *s = mem_strdup("text");
    assert_string_equal(s, "text");
    mem_free(s);
}

static void bytes_order(void **state)
{
    UNUSED(state);
    assert_true(bytes_cmp(BYTES_LIT("a"), BYTES_LIT("b")) < 0);
    assert_true(bytes_cmp(BYTES_LIT("a"), BYTES_LIT("aa")) < 0);
    assert_true(bytes_cmp(BYTES_LIT("\xff"), BYTES_LIT("a")) > 0);
    assert_int_equal(bytes_cmp(BYTES_NONE, BYTES_LIT("")), 0);
    assert_true(bytes_eq(BYTES_NONE, BYTES_LIT("")));
    assert_false(bytes_eq(BYTES_LIT("a"), BYTES_LIT("A")));
    assert_true(bytes_eq_nocase(BYTES_LIT("aZ["), BYTES_LIT("Az[")));
    assert_false(bytes_eq_nocase(BYTES_LIT("["), BYTES_LIT("{")));
    assert_false(bytes_eq_nocase(BYTES_LIT("a"), BYTES_LIT("ab")));
    assert_true(bytes_eq(bytes_from(BYTES_LIT("abc"), 1), BYTES_LIT("bc")));
}

struct item {
    int value;
    struct list link;
};

static void list_keeps_order(void **state)
{
    UNUSED(state);
    struct list l;
    list_init(&l);
    assert_true(list_empty(&l));
    struct item items[3] = {{.value = 0}, {.value = 1}, {.value = 2}};
    for (int i = 0; i < 3; i++)
        list_append(&l, &items[i].link);
    list_remove(&items[1].link);
    list_remove(&items[1].link);
    int sum = 0;
    LIST_EACH(cur, &l)
    {
        sum = sum * 10 + CONTAINER_OF(cur, struct item, link)->value + 1;
        list_remove(cur);
    }
    assert_int_equal(sum, 13);
    assert_true(list_empty(&l));
}

static void rng_is_deterministic(void **state)
{
    UNUSED(state);
    /* The first outputs of splitmix64 for seed 1234567. */
    uint64_t s = 1234567;
    assert_true(rng_next(&s) == UINT64_C(6457827717110365317));
    assert_true(rng_next(&s) == UINT64_C(3203168211198807973));
    for (int i = 0; i < 1000; i++)
        assert_true(rng_below(&s, 7) < 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_have_texts),
        cmocka_unit_test(assertions_abort),
        cmocka_unit_test(alloc_never_null),
        cmocka_unit_test(bytes_order),
        cmocka_unit_test(list_keeps_order),
        cmocka_unit_test(rng_is_deterministic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
