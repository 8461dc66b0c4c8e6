#!/bin/bash
# Shows that the runners can fail: what a test does that must fail, a part that
# ran nothing, a corpus without an input. Takes seconds.
#
#   tests/selftest.sh [--build DIR]
#
# The last line is "runners-selftest: N passed, N failed".
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/.." && pwd)
build=$root/build
if [ "${1:-}" = --build ]; then build=$(realpath "${2:?}"); fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
good=0
bad=0

# expect WHAT STATUS TEXT COMMAND...: it ends with this status, and says this.
expect() {
    local status=0 out
    out=$("${@:4}" 2>&1) || status=$?
    if [ "$status" -eq "$2" ] && grep -qF -- "$3" <<<"$out"; then
        good=$((good + 1))
    else
        bad=$((bad + 1))
        printf 'selftest: %s: status %s, said:\n%s\n' "$1" "$status" "$out"
    fi
}

# A function of tests/run.sh; the status is the number of failures counted.
of_run_sh() {
    bash -c 'source "$1"; "${@:2}"; exit "$failures"' - "$here/run.sh" "$@"
}

tcl() { TMPDIR=$work tclsh "$root/tcl/run.tcl" --build "$build" "$@"; }
verdicts=$root/tcl/selftest/verdicts.tcl
nothing=$root/tcl/selftest/nothing.tcl

expect 'tcl: what must fail fails' 1 'tcl: 2 passed, 8 failed' tcl "$verdicts"
expect 'tcl: what must pass passes' 0 'tcl: 2 passed, 0 failed' \
    tcl --only 'passes:*' "$verdicts"
for kind in 'an error' 'an error without a text' 'a break that no loop takes' \
    'a continue that no loop takes' 'an error by return'; do
    expect "tcl: $kind" 1 'tcl: 0 passed, 1 failed' \
        tcl --only "fails: $kind" "$verdicts"
done
expect 'tcl: a file without a test' 1 'nothing has no test' tcl "$nothing"
expect 'tcl: a pattern that names no test' 1 'no test is called nosuch' \
    tcl --only nosuch "$verdicts"
expect 'tcl: a file that is not there' 1 'tcl: 0 passed, 1 failed' tcl nosuch

expect 'clients: no library has such a name' 1 'clients: 0 passed, 1 failed' \
    "$here/clients/run.sh" --build "$build" --only nosuch

printf 'a: 0 passed, 0 failed\n' >"$work/nothing"
printf 'a: 3 passed, 2 failed\n' >"$work/two"
printf 'a: 3 passed, 0 failed\n' >"$work/none"
printf 'killed\n' >"$work/killed"
expect 'run.sh: nothing ran' 1 'a: 0 passed, 1 failed' \
    of_run_sh take_counts a "$work/nothing"
expect 'run.sh: two failed' 2 'a: 3 passed, 2 failed' \
    of_run_sh take_counts a "$work/two"
expect 'run.sh: none failed' 0 'a: 3 passed, 0 failed' \
    of_run_sh take_counts a "$work/none"
expect 'run.sh: no counts' 1 'a: 0 passed, 1 failed' \
    of_run_sh take_counts a "$work/killed"
printf 'x: it FAILED\nok 1\n0 failed\nwell\na: 3 passed, 2 failed\n' \
    >"$work/long"
said_again() {
    # shellcheck disable=SC2016
    bash -c 'source "$1"; take_counts a "$2"; echo "${failed_lines[*]}"' \
        - "$here/run.sh" "$1"
}
expect 'run.sh: what failed is said again' 0 \
    '--- what failed in a x: it FAILED a: 3 passed, 2 failed' \
    said_again "$work/long"
expect 'run.sh: nothing is said again' 0 'a: 3 passed, 0 failed' \
    said_again "$work/none"
expect 'run.sh: no unit tests' 1 'a: 0 passed, 1 failed' \
    of_run_sh run_ctest a "$work" -R '^nosuch$'

# A tree of its own, with one corpus, which is empty.
mkdir -p "$work/tests/fuzz/corpus/num"
cp "$here/fuzz/run.sh" "$here/fuzz/targets" "$work/tests/fuzz/"
expect 'fuzz: an empty corpus' 1 'corpus/num is empty' \
    "$work/tests/fuzz/run.sh" --only num
expect 'fuzz: a corpus that is not there' 1 'corpus/inline is empty' \
    "$work/tests/fuzz/run.sh" --only inline
expect 'fuzz: a target that is not there' 1 'no target is called nosuch' \
    "$work/tests/fuzz/run.sh" --only nosuch

printf 'runners-selftest: %d passed, %d failed\n' "$good" "$bad"
[ "$bad" -eq 0 ]
