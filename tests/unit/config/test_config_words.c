/* Lines taken apart: blanks, quotes, escapes. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "config/config_table.h"
#include "config/config_words.h"

/* Words are joined with '|' for comparison. */
static void assert_words(const char *line, const char *expected)
{
    struct arena arena = ARENA_INIT;
    struct config_words words;
    struct buf joined = BUF_INIT;
    assert_int_equal(config_split(bytes_str(line), &arena, &words), 0);
    for (size_t i = 0; i < words.count; i++) {
        buf_str(&joined, i > 0 ? "|" : "");
        buf_bytes(&joined, words.items[i]);
    }
    buf_char(&joined, '\0');
    assert_string_equal((char *)joined.data, expected);
    buf_release(&joined);
    arena_release(&arena);
}

static void splits(void **state)
{
    UNUSED(state);
    assert_words("", "");
    assert_words(" \t ", "");
    assert_words("a  b\tc\r", "a|b|c");
    assert_words("a \"\" ''", "a||");
    assert_words("\"a b\" 'c d'", "a b|c d");
    assert_words("\"\\x41\\x4g\\n\\q\\\\\\\"\"", "Ax4g\nq\\\"");
    assert_words("'a\\'b\\n\"'", "a'b\\n\"");
    assert_words("\"\\n\\r\\t\\b\\a\"", "\n\r\t\b\a");
    assert_words("\"\\c\\f\\v\\0\\N\\R\\T\\'\"", "cfv0NRT'");
    assert_words("a\"b c\"", "ab c");
    assert_words("a\\n", "a\\n");
    assert_words("\"\\x4\"", "x4");
    assert_words("\"\\x4A\\x4a\\x4G\\xg0\"", "JJx4Gxg0");
    assert_words("\va\vb\fc\nd\f", "a|b|c|d");
    assert_words("\"a\"\t'b'\v\"c\"\f'd'\n\"e\"\r", "a|b|c|d|e");
}

/* Of all characters 22 are digits, in either place. */
static void digits_of_a_byte(void **state)
{
    static const char digits[] = "0123456789abcdefABCDEF";
    int taken = 0;
    UNUSED(state);
    for (int c = '!'; c < 127; c++) {
        char line[8], expected[8];
        if (c == '"' || c == '\\')
            continue;
        const char *digit = strchr(digits, c);
        snprintf(line, sizeof(line), "\"\\x4%c\"", c);
        snprintf(expected, sizeof(expected), "x4%c", c);
        if (digit != NULL) {
            int value = (int)(digit - digits);
            value = value < 16 ? value : value - 6;
            snprintf(expected, sizeof(expected), "%c", 0x40 + value);
            taken++;
        }
        assert_words(line, expected);
        snprintf(line, sizeof(line), "\"\\x%c1\"", c);
        snprintf(expected, sizeof(expected), "x%c1", c);
        if (digit == NULL)
            assert_words(line, expected);
    }
    assert_int_equal(taken, 22);
    assert_words("\"\\xF1\\xf1\\xFF\\xA9\"", "\xF1\xF1\xFF\xA9");
    assert_words("\"\\X41\"", "X41");
}

static void refuses(void **state)
{
    UNUSED(state);
    const char *bad[] = {"\"a", "'a",    "\"a\"b", "'a'b",
                         "\"",  "\"a\\", "\"\\\"", "'\\'"};
    struct arena arena = ARENA_INIT;
    struct config_words words;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(config_split(bytes_str(bad[i]), &arena, &words),
                         ERR_INVALID);
    struct buf line = BUF_INIT;
    for (int i = 0; i < CONFIG_WORDS_MAX; i++)
        buf_str(&line, "a ");
    assert_int_equal(config_split(buf_view(&line), &arena, &words), 0);
    buf_str(&line, "a");
    assert_int_equal(config_split(buf_view(&line), &arena, &words),
                     ERR_TOO_BIG);
    buf_release(&line);
    arena_release(&arena);
}

static void assert_nearest(const char *name, const char *expected)
{
    const struct option *o = option_nearest(bytes_str(name));
    if (expected == NULL)
        assert_null(o);
    else
        assert_string_equal(o != NULL ? o->name : "", expected);
}

static void nearest_names(void **state)
{
    UNUSED(state);
    assert_nearest("prot", "port");
    assert_nearest("PORTS", "port");
    assert_nearest("tcpbacklog", "tcp-backlog");
    assert_nearest("hearbeat-intreval", "heartbeat-interval");
    assert_nearest("client-output", "client-output-buffer-limit");
    assert_nearest("cluster-enabled", NULL);
    assert_nearest("q", NULL);
    assert_nearest("", NULL);
    assert_nearest("a-name-that-is-much-longer-than-any-option-there-is", NULL);
    /* A name of 40 bytes is looked at, as the start of it; not one of 41. */
    assert_nearest("client-output-buffer-limit-and-something",
                   "client-output-buffer-limit");
    assert_nearest("client-output-buffer-limit-and-something1", NULL);
    /* Two bytes may be wrong, or a third of them. */
    assert_nearest("poss", "port");
    assert_nearest("puss", NULL);
    assert_nearest("lxglxvel", "loglevel");
    assert_nearest("lxglxvxl", NULL);
    assert_nearest("dxemxnixe", "daemonize");
    assert_nearest("dxexxnixe", NULL);
    /* One that lacks, one that is another; two too many, one other. */
    assert_nearest("daxonize", "daemonize");
    assert_nearest("daxnize", NULL);
    assert_nearest("dxxaemonqze", "daemonize");
    assert_nearest("dxxaemoqqze", NULL);
    /* Neighbours that change places are one fault, others are two. */
    assert_nearest("adeomnzie", "daemonize");
    assert_nearest("adeomnzei", NULL);
    assert_nearest("ptro", "port");
    assert_nearest("otrp", NULL);
    /* The nearest one, whichever is first in the table. */
    assert_nearest("pogfile", "logfile");
    assert_nearest("lidfile", "pidfile");
    /* A beginning has four bytes; that of the first option counts, too. */
    assert_nearest("maxc", "maxclients");
    assert_nearest("max", NULL);
    assert_nearest("bind-to-addresses", "bind");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(splits),
        cmocka_unit_test(digits_of_a_byte),
        cmocka_unit_test(refuses),
        cmocka_unit_test(nearest_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
