/* Patterns, and that none takes long. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/glob.h"

struct glob_case {
    const char *pattern;
    const char *text;
    bool match;
};

static const struct glob_case glob_cases[] = {
    {"", "", true},
    {"", "a", false},
    {"a", "", false},
    {"*", "", true},
    {"***", "abc", true},
    {"?", "", false},
    {"h?llo", "hello", true},
    {"h*llo", "heeeello", true},
    {"h*llo", "hell", false},
    {"h[ae]llo", "hallo", true},
    {"h[^e]llo", "hello", false},
    {"h[^e]llo", "hallo", true},
    {"h[a-c]llo", "hbllo", true},
    {"h[c-a]llo", "hbllo", true},
    {"h[a-c]llo", "hdllo", false},
    {"[]", "a", false},
    {"[^]", "a", true},
    {"[a", "a", true},
    {"[", "a", false},
    {"[a\\]]", "]", true},
    {"[\\-]", "-", true},
    {"\\*", "*", true},
    {"\\*", "a", false},
    {"\\?a", "?a", true},
    {"a\\", "a\\", true},
    {"*a*b*c*", "xxaxxbxxcxx", true},
    {"*a*b*c", "xxaxxbxxcxx", false},
    {"*ab", "aaab", true},
    {"*.txt?", "a.txt.txta", true},
    {"a*[bc]?*d", "axxbd", false},
    {"a*[bc]?*d", "axxbxxcdd", true},
};

static void globs(void **state)
{
    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(glob_cases); i++) {
        const struct glob_case *c = &glob_cases[i];
        if (glob_match(bytes_str(c->pattern), bytes_str(c->text), false) !=
            c->match)
            fail_msg("pattern %s, text %s", c->pattern, c->text);
    }
    assert_true(glob_match(BYTES_LIT("MAX*"), BYTES_LIT("maxclients"), true));
    assert_false(glob_match(BYTES_LIT("MAX*"), BYTES_LIT("maxclients"), false));
    assert_true(glob_match(BYTES_LIT("[A-C]x"), BYTES_LIT("bX"), true));
}

/* Exponential for a matcher that tries every star; must end at once. */
static void glob_is_not_exponential(void **state)
{
    UNUSED(state);
    struct buf pattern = BUF_INIT;
    struct buf text = BUF_INIT;
    for (int i = 0; i < 500; i++) {
        buf_str(&pattern, "*a");
        buf_str(&text, "aaaa");
    }
    buf_str(&pattern, "b");
    assert_false(glob_match(buf_view(&pattern), buf_view(&text), false));
    buf_release(&pattern);
    buf_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(globs),
        cmocka_unit_test(glob_is_not_exponential),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
