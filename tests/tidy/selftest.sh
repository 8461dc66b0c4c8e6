#!/bin/bash
# Shows that each check of tidy.py can fail: a tiny tree that passes all, then
# one defect at a time, each of which must be complained of, and by the check
# it is meant for.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0
failed=0

put() {
    mkdir -p "$(dirname "$tree/$1")"
    cat >"$tree/$1"
}

# A house with three rooms and nothing wrong in it.
good_tree() {
    tree=$work/tree
    rm -rf "$tree"
    mkdir -p "$tree/build"
    cp "$here/../../.clang-format" "$tree/"
    put src/LAYERS <<'END'
base:
raft: base
codec: base raft/raft.h
resp: base
data: base
table: base
cmd: base resp data table
metrics: base
foreign: ev.h src/cmd/loop.c
END
    put tests/tidy/symbols <<'END'
raft: memcpy
codec: BASE
resp: BASE
END
    put src/base/base.h <<'END'
#ifndef BASE_BASE_H
#define BASE_BASE_H
#define ASSERT(x) ((void)(x))
int base_one(void);
#endif
END
    put src/base/base.c <<'END'
/* Nothing here fails. */
#include "base/base.h"

int base_one(void)
{
    return 1;
}
END
    put src/raft/raft.h <<'END'
int raft_one(void);
END
    put src/raft/raft.c <<'END'
/* Nothing here fails. */
#include "raft/raft.h"

#include "base/base.h"

int raft_one(void)
{
    ASSERT(2 > 1);
    return 1;
}
END
    for room in codec resp; do
        printf '#include "base/base.h"\n\nint %s_one(void);\n' $room |
            put src/$room/$room.h
        printf '%s\n#include "%s/%s.h"\n\nint %s_one(void)\n{\n    ASSERT(1);\n    %s;\n}\n' \
            '/* Nothing here fails. */' $room $room $room 'return base_one()' |
            put src/$room/$room.c
    done
    for room in base raft codec resp data cmd metrics; do
        printf '/*\n * One.\n */\n' | put tests/unit/$room/test_$room.c
    done
    put src/data/kinds.h <<'END'
enum row_letter { ROW_VALUE = 'k', ROW_ONCE = 'o' };
END
    put src/data/kinds.c <<'END'
/* Nothing here fails. */
const char *const kinds[] = {[ROW_VALUE] = "value", [ROW_ONCE] = "once"};
END
    put src/table/rows.def <<'END'
ROW(GET, "get", 2, CMD_READ, 0, .since = "1.0.0")
END
    put tests/tidy/levels <<<'1 get'
    printf 'get\nsave: no, of no use\n' | put tests/tidy/redis7
    cp "$here/commands_page.py" "$tree/tests/tidy/"
    python3 "$here/commands_page.py" "$tree"
    put src/cmd/functions.def <<<'RUN(GET, get)'
    put src/cmd/cmd.h <<'END'
struct cmd_call;
void cmd_get_run(struct cmd_call *c);
END
    put src/cmd/cmd.c <<'END'
/* Nothing here fails. */
#include "cmd/cmd.h"

#include "base/base.h"

void cmd_get_run(struct cmd_call *c)
{
    ASSERT(c);
}
END
    put src/metrics/metrics.def <<'END'
COUNTER(stats, input, BYTES, "vard_input_bytes_total", "Bytes read.")
GAUGE(raft, term, NONE,
      "vard_term{of=\"a\"}", "Term, "
      "of this node.")
TEXT(raft, role, "Role (of this node).")
CONSTANT(raft, mode, "0", "There is one.")
END
    put src/metrics/set.c <<'END'
/* Nothing here fails. */
static void set_all(struct metrics *m)
{
    metrics_count(m, METRIC_input, 1);
    metrics_set(m, METRIC_term, 1);
    metrics_text(m, METRIC_role, "a");
}
END
    put tcl/tests/get.tcl <<<'test GET'
    put README.md <<<'GET key'
    local d
    for d in src src/base src/raft src/codec src/resp src/data src/table \
        src/cmd src/metrics tests tests/tidy tests/unit tcl conf deps; do
        put $d/README.md <<<'What must never come in: b. Reading order: c.'
    done
    for d in base raft codec resp data table cmd metrics; do
        printf '| `%s` | is |\n' $d
    done | put src/README.md
}

repeat() {
    local i
    for ((i = 0; i < $1; i++)); do printf '%s\n' "$2"; done
}

compile() {
    local room
    for room in base raft codec resp cmd; do
        rm -f "$tree/build/lib$room.a"
        (cd "$tree/build" && gcc -c -I ../src "../src/$room/"*.c &&
            ar qc "lib$room.a" ./*.o && rm -f ./*.o)
    done
}

count() {
    if [ "$1" = ok ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'selftest: %s\n' "$2"
    fi
}

# expect CHECK TEXT: the check complains, with TEXT in its complaint.
expect() {
    local out
    if out=$(python3 "$here/tidy.py" --root "$tree" --build "$tree/build" \
        "$1"); then
        count bad "$1 did not see: $2"
    elif grep -qF -- "$2" <<<"$out"; then
        count ok
    else
        count bad "$1 should say '$2', says: $out"
    fi
    good_tree
}

good_tree
compile
if out=$(python3 "$here/tidy.py" --root "$tree" --build "$tree/build"); then
    count ok
else
    count bad "the good tree fails: $out"
fi

sed -i '1i #include "cmd/cmd.h"' "$tree/src/raft/raft.c"
expect layers 'raft must not include "cmd/cmd.h"'
sed -i '1i #include "raft/other.h"' "$tree/src/codec/codec.c"
expect layers 'codec must not include "raft/other.h"'
put src/new/new.c <<<'int new_one;'
expect layers 'room new is not in src/LAYERS'
put src/cmd/other.c <<<'#include <ev.h>'
expect foreign 'only src/cmd/loop.c may include <ev.h>'
put src/cmd/other.c <<<'#include <curl/curl.h>'
expect foreign '<curl/curl.h> is not in src/LAYERS'
put src/cmd/other.c <<<'#include <zstd.h>'
printf 'foreign: zstd.h src/raft/\n' >>"$tree/src/LAYERS"
expect foreign 'only src/raft/ may include <zstd.h>'
put src/raft/raft_internal.h <<<'int raft_two(void);'
sed -i 's/^cmd: base resp/cmd: base resp raft/' "$tree/src/LAYERS"
sed -i '1i #include "raft/raft_internal.h"' "$tree/src/cmd/cmd.c"
expect layers '"raft/raft_internal.h" is not public'
put src/resp/second.h <<<'int resp_two(void);'
printf 'public: resp/resp.h\n' >>"$tree/src/LAYERS"
sed -i '1i #include "resp/second.h"' "$tree/src/cmd/cmd.c"
expect layers '"resp/second.h" is not public'
sed -i 's/^base:/base: resp/' "$tree/src/LAYERS"
expect order 'base names resp, which is not above it'
printf 'public: resp/gone.h\n' >>"$tree/src/LAYERS"
expect order 'public header resp/gone.h does not exist'

sed -i 's/return 1/extern int getpid(void);\n    return getpid()/' \
    "$tree/src/raft/raft.c"
compile
expect symbols 'libraft.a: calls getpid'
sed -i 's/return 1/extern int rocksdb_put(void);\n    return rocksdb_put()/' \
    "$tree/src/base/base.c"
compile
expect symbols 'calls rocksdb_put'
sed -i '1i static int calls;' "$tree/src/raft/raft.c"
sed -i 's/return 1/return calls++/' "$tree/src/raft/raft.c"
compile
expect data 'calls in .bss'
printf 'data: raft/gone\n' >>"$tree/tests/tidy/symbols"
compile
expect data 'data raft/gone is not needed any more'

printf 'int raft_%s_x(void);\n' one two | put src/raft/both.h
printf '#include "raft/both.h"\nint raft_one_x(void)\n{\n    %s;\n}\n' \
    'return raft_two_x()' | put src/raft/one.c
printf '#include "raft/both.h"\nint raft_two_x(void)\n{\n    %s;\n}\n' \
    'return raft_one_x()' | put src/raft/two.c
compile
expect circles 'src/raft: a circle of files: one -> two -> one'

printf 'void raft_x(struct nowhere y);\nuint64_t z;\n' >>"$tree/src/raft/raft.h"
expect headers 'raft/raft.h: gcc'
put src/cmd/other.c <<<'int f(char *a) { return atoi(a); }'
expect banned 'atoi is banned'
put src/cmd/other.c <<<'void *f(void) { return malloc(1); }'
expect banned 'malloc: use base/alloc.h'
put src/cmd/other.c <<<"char *f(char *a) { return strrchr(a, ':'); }"
expect hostport 'src/cmd/other.c:1: searches for a colon'
put src/cmd/other.c <<<"int f(char *a) { return a[1] != ':'; }"
expect hostport 'src/cmd/other.c:1: searches for a colon'

{
    printf 'int f(void)\n{\n'
    repeat 48 '    ;'
    printf '}\n'
} | put src/cmd/other.c
printf 'function-lines src/cmd/other.c:f 80\n' >"$tree/tests/tidy/exceptions"
expect sizes 'lower (or remove)'
{
    printf 'int f(void)\n{\n'
    repeat 48 '    ;'
    printf '}\n'
} | put src/cmd/other.c
expect sizes 'function-lines is 51'
repeat 601 '' | put src/cmd/other.c
expect sizes 'file-lines is 601'
printf 'int f(int a, int (*b)(int, int), int c, int d, int e, int g)\n{\n}\n' |
    put src/cmd/other.c
expect sizes 'parameters is 6'
printf 'int f(void)\n{\n  {{{{{}}}}}\n}\n' | put src/cmd/other.c
expect sizes 'nesting is 5'
printf 'nesting src/cmd/cmd.c:gone 9\n' >"$tree/tests/tidy/exceptions"
expect sizes 'gone is not needed any more'

put src/cmd/other.c <<<'int f(void) { int rc = 1; return rc; }'
expect names 'rc: an error is called err'
put src/cmd/other.c <<<'int f(int error) { return error; }'
expect names 'error: an error is called err'
put src/cmd/other.c <<<'const char *f(void) { return "%08llx"; }'
expect names '%08llx: use PRIu64'
put src/cmd/other.c <<<'long long f(int a) { return (long long)a; }'
expect names '(long long): use PRIu64'
put src/cmd/other.c <<'END'
int f(void)
{
    return 2;
}
END
expect assertions 'src/cmd: 1 assertions in 2 functions'
put src/cmd/other.c <<<'int  f( void );'
expect format 'src/cmd/other.c:1: format'
put src/table/set.def <<<'ROW(SET, "set", 3, CMD_WRITE, 0)'
expect commands 'command set: no function'
put src/table/raft.def <<<'SUB(RAFT, STATUS, "raft|status", 2, CMD_LOCAL, 0)'
expect commands 'command raft|status: no function'
put src/table/raft.def <<<'SUB(RAFT, STATUS, "raft|status", 2, CMD_LOCAL, 0)'
expect commands 'command raft|status: no test'
put tcl/tests/get.tcl <<<'test SET'
expect commands 'command get: no test'
put README.md <<<'nothing'
expect commands 'command get: not in README.md'
put src/table/set.def <<<'ROW(SET, "set", 3, CMD_WRITE, 0, .level = 2)'
expect levels 'command set: not in tests/tidy/levels'
put src/table/rows.def <<<'ROW(GET, "get", 2, CMD_READ, 0, .level = 2)'
expect levels 'command get: of level 2, and listed with another'
put tests/tidy/levels <<<'2 get'
expect levels 'command get: of level 1, and listed with another'
printf '1 get\n1 gone # for ever\n' | put tests/tidy/levels
expect levels 'there is no command gone any more'
put src/table/set.def <<<'ROW(SET, "set", 3, CMD_WRITE, 0)'
expect page 'COMMANDS.md is not current'
printf 'get\nsave\n' | put tests/tidy/redis7
expect page 'save: not there'
printf 'get: no, for a reason\n' | put tests/tidy/redis7
expect page 'get: it is there'
put src/config/config.def <<<'CONFIG_BOOL("a-b", a_b, "yes", PUSH, "doc")'
expect options 'server_config_changed() does not push it'
put src/config/config.def <<<'CONFIG_BOOL("a-b", a_b, "yes", PULL, "doc")'
expect options 'nothing reads config->a_b'
put src/config/config.def <<<'CONFIG_BOOL("a-b", a_b, "yes", SECRET, "doc")'
expect options 'option a-b: does not say how'
put src/config/config.def <<<'CONFIG_BOOL("a-b", a_b, "yes", START, "doc")'
printf 'void server_config_changed(void)\n{\n    use(s->config->a_b);\n}\n' |
    put src/cmd/other.c
expect options 'option a-b: is pushed'
sed -i "/cmd_get/a struct bytes *key = c->key.data[0] == 'o';" \
    "$tree/src/cmd/cmd.c"
sed -i '1i #include "data/kinds.h"' "$tree/src/cmd/cmd.c"
expect kinds "src/cmd/cmd.c:8: == 'o': use the constants"
put src/data/key.c <<<"char letter = 'k';"
expect kinds "src/data/key.c:1: 'k': use the constants"
sed -i 's/ROW_ONCE\]/ROW_VALUE]/' "$tree/src/data/kinds.c"
expect kinds 'src/data/kinds.c: no entry for ROW_ONCE'
put src/data/kinds.h <<<'int no_letter;'
expect kinds 'src/data/kinds.h: no letters'
metric() {
    printf '%s\n' "$1" >>"$tree/src/metrics/metrics.def"
}
metric 'GAUGE(raft, term, NONE, "vard_two", "Twice.")'
expect metrics 'metric term: twice in the table'
metric 'CONSTANT(raft, other, "1", "No stop")'
expect metrics 'metric other: its help does not end'
metric 'TEXT(raft, other, "Unset.")'
expect metrics 'metric other: nothing sets it'
metric 'GAUGE(raft, other, NONE, "raft_other", "Prefix.")'
expect metrics 'raft_other begins with neither'
metric 'COUNTER(raft, other, NONE, "vard_other", "No total.")'
expect metrics 'vard_other ends in _total if'
metric 'GAUGE(raft, other, NONE, "vard_other_total", "No counter.")'
expect metrics 'vard_other_total ends in _total if'
metric 'GAUGE(raft, other, BYTES, "vard_other", "No unit.")'
expect metrics 'vard_other and its unit BYTES do not fit'
metric 'COUNTER(raft, other, NONE, "vard_other_seconds_total", "A unit.")'
expect metrics 'vard_other_seconds_total and its unit NONE do not fit'
put src/metrics/metrics.def <<<''
expect metrics 'no rows'
rm "$tree/tests/unit/raft/test_raft.c"
expect units 'src/raft: no test in tests/unit/raft'
put tests/unit/gone/test_gone.c <<<$'/*\n * Of nothing.\n */'
expect units 'tests/unit/gone/test_gone.c: no room gone'
put tests/unit/raft/raft.c <<<$'/*\n * Never run.\n */'
expect units 'raft.c: is not named test_'
put tests/unit/raft/test_votes.c <<<'int silent;'
expect units 'test_votes.c: is not named after a file of src/raft'
put tests/unit/raft/test_raft.c <<<$'/*\n * One.\n */\n/* (void)state; */'
expect units 'say UNUSED(state)'
sed -i '1s/ fails/ ends/' "$tree/src/raft/raft.c"
expect openings 'src/raft/raft.c: its opening does not say how it fails'
sed -i 1d "$tree/src/raft/raft.c"
expect openings 'src/raft/raft.c: does not open with a comment'
rm "$tree/src/raft/README.md"
expect readmes 'src/raft: no README.md'
put src/raft/README.md <<<'Reading order: a.'
expect readmes 'src/raft/README.md: no "What must never come in"'
sed -i '/raft/d' "$tree/src/README.md"
expect readmes 'src/README.md: no row for room raft'
put tests/tidy/words <<<'the (old|ancient) page : there is none'
put src/raft/README.md <<<'As the ancient page says.'
expect words 'src/raft/README.md:1: "the ancient page": there is none'
put src/raft/README.md <<<'See `raft.h`, `base/base.h`, `cmd.c`, `other.h`.'
expect documents 'src/raft/README.md:1: no file other.h'
put tests/proof/functions.txt <<<'src/raft/gone.c raft_one'
expect documents 'tests/proof/functions.txt:1: no file src/raft/gone.c'
put src/raft/README.md <<<'`raft_one()` and `raft_two()`'
expect documents 'src/raft/README.md:1: no function raft_two()'
put tests/unit/raft/test_raft.c <<<'void test_one(void);'
put tests/BUGS.md <<<'`raft/gone` fails'
expect documents 'tests/BUGS.md:1: no unit test raft/test_gone.c'
put tests/unit/raft/test_raft.c <<<'void test_one(void);'
put tests/unit/raft/test_b.c <<<'void test_two(void);'
put tests/BUGS.md <<<'`raft/raft` `test_one`, `test_two`'
expect documents 'no test_two in raft/test_raft.c'
put tests/SECURITY.md <<<'unit: nothing_of_this_name'
expect documents 'nothing is called nothing_of_this_name'
put conf/x.sh <<<"cd /$(printf work)/x"
expect paths 'conf/x.sh:1: absolute path'

printf 'selftest: %d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
