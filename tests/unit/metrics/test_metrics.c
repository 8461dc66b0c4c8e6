/* The table of measured values, and its values as INFO writes them. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "metrics/metrics.h"
#include "unit/metrics/names.h"

#include <string.h>

static bool is_exported(const struct metric *m)
{
    return m->kind == KIND_COUNTER || m->kind == KIND_GAUGE;
}

static void a_row_is_whole(void **state)
{
    UNUSED(state);
    for (enum metric_id id = 0; id < METRIC_COUNT; id++) {
        const struct metric *m = metric_at(id);
        assert_true(m->name[0] != '\0' && m->section[0] != '\0');
        assert_true((m->exported != NULL) == is_exported(m));
        assert_true((m->value != NULL) == (m->kind == KIND_CONSTANT));
        assert_int_equal(m->help[strlen(m->help) - 1], '.');
    }
}

static void exported_names_are_unique(void **state)
{
    UNUSED(state);
    for (enum metric_id a = 0; a < METRIC_COUNT; a++) {
        for (enum metric_id b = 0; b < a; b++) {
            if (is_exported(metric_at(a)) && is_exported(metric_at(b)))
                assert_string_not_equal(metric_at(a)->exported,
                                        metric_at(b)->exported);
        }
    }
}

static void names_and_their_order_stay(void **state)
{
    UNUSED(state);
    struct buf names = BUF_INIT;
    const char *section = "";
    for (enum metric_id id = 0; id < METRIC_COUNT; id++) {
        const struct metric *m = metric_at(id);
        if (strcmp(m->section, section) != 0)
            buf_printf(&names, "# %s\n", m->section);
        buf_printf(&names, "%s\n", m->name);
        section = m->section;
    }
    buf_char(&names, '\0');
    assert_string_equal((const char *)names.data, names_of_info);
    buf_release(&names);
}

static void assert_written(const struct metrics *m, enum metric_id id,
                           const char *want)
{
    struct buf out = BUF_INIT;
    metrics_write(m, id, &out);
    assert_true(bytes_eq(buf_view(&out), bytes_str(want)));
    buf_release(&out);
}

static void values_are_written_by_kind_and_unit(void **state)
{
    UNUSED(state);
    struct metrics m = METRICS_INIT;
    metrics_set(&m, METRIC_raft_leader_id, -1);
    metrics_count(&m, METRIC_raft_elections, 12);
    metrics_count(&m, METRIC_once_requests, UINT64_MAX);
    metrics_count(&m, METRIC_used_cpu_sys, 61000002);
    metrics_count(&m, METRIC_used_cpu_user, 0);
    metrics_text(&m, METRIC_raft_role, "lead%s", "er");
    metrics_text(&m, METRIC_config_file, "%s", "");
    metrics_text(&m, METRIC_os, "%d", 7);
    assert_written(&m, METRIC_raft_leader_id, "-1");
    assert_written(&m, METRIC_raft_elections, "12");
    assert_written(&m, METRIC_once_requests, "9223372036854775807");
    assert_written(&m, METRIC_used_cpu_sys, "61.000002");
    assert_written(&m, METRIC_used_cpu_user, "0.000000");
    assert_written(&m, METRIC_raft_role, "leader");
    assert_written(&m, METRIC_config_file, "");
    assert_written(&m, METRIC_os, "7");
    assert_written(&m, METRIC_maxmemory_human, "0B");
    assert_int_equal(metrics_number(&m, METRIC_raft_leader_id), -1);
    metrics_release(&m);
}

static void expect_rounded(uint64_t bytes, const char *text)
{
    struct buf out = BUF_INIT;
    metrics_rounded(bytes, &out);
    assert_true(bytes_eq(buf_view(&out), bytes_str(text)));
    buf_release(&out);
}

static void sizes_for_people(void **state)
{
    UNUSED(state);
    expect_rounded(0, "0B");
    expect_rounded(1023, "1023B");
    expect_rounded(1024, "1.00K");
    expect_rounded(1536, "1.50K");
    expect_rounded(UINT64_C(3) << 20, "3.00M");
    expect_rounded(UINT64_C(5) << 30, "5.00G");
    expect_rounded(UINT64_MAX, "16384.00P");
    struct metrics m = METRICS_INIT;
    assert_false(metrics_has(&m, METRIC_used_memory_human));
    metrics_count(&m, METRIC_used_memory, 1536);
    assert_true(metrics_has(&m, METRIC_used_memory_human));
    assert_written(&m, METRIC_used_memory, "1536");
    assert_written(&m, METRIC_used_memory_human, "1.50K");
    assert_written(&m, METRIC_used_memory_rss_human, "1.50K");
    metrics_release(&m);
}

static void what_is_not_set_is_not_there(void **state)
{
    UNUSED(state);
    struct metrics m = METRICS_INIT;
    assert_false(metrics_has(&m, METRIC_raft_term));
    assert_false(metrics_has(&m, METRIC_os));
    assert_true(metrics_has(&m, METRIC_cluster_enabled));
    metrics_set(&m, METRIC_raft_term, 1);
    assert_true(metrics_has(&m, METRIC_raft_term));
    metrics_release(&m);
    assert_false(metrics_has(&m, METRIC_raft_term));
}

static void a_section_is_its_rows_in_order(void **state)
{
    UNUSED(state);
    struct metrics m = METRICS_INIT;
    struct buf out = BUF_INIT;
    metrics_count(&m, METRIC_used_cpu_user, 1);
    metrics_count(&m, METRIC_used_cpu_sys, 2500000);
    metrics_count(&m, METRIC_used_cpu_user_main_thread, 2);
    metrics_count(&m, METRIC_used_cpu_sys_main_thread, 3);
    metrics_info(&m, "cpu", &out);
    assert_true(bytes_eq(buf_view(&out),
                         BYTES_LIT("used_cpu_sys:2.500000\r\n"
                                   "used_cpu_user:0.000001\r\n"
                                   "used_cpu_sys_children:0.000000\r\n"
                                   "used_cpu_user_children:0.000000\r\n"
                                   "used_cpu_sys_main_thread:0.000003\r\n"
                                   "used_cpu_user_main_thread:0.000002\r\n")));
    buf_reset(&out);
    metrics_info(&m, "cluster", &out);
    assert_true(bytes_eq(buf_view(&out), BYTES_LIT("cluster_enabled:0\r\n")));
    buf_reset(&out);
    metrics_info(&m, "keyspace", &out);
    assert_int_equal(out.len, 0);
    buf_release(&out);
    metrics_release(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_is_whole),
        cmocka_unit_test(exported_names_are_unique),
        cmocka_unit_test(names_and_their_order_stay),
        cmocka_unit_test(values_are_written_by_kind_and_unit),
        cmocka_unit_test(sizes_for_people),
        cmocka_unit_test(what_is_not_set_is_not_there),
        cmocka_unit_test(a_section_is_its_rows_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
