#!/bin/bash
# Real processes, with real disks and sockets, under faults: their traces are
# replayed through the invariants of tests/check. Then the same traces, each
# with one thing changed, which must be noticed.
#
#   tests/trace/run.sh [--build DIR] [--campaign SECONDS]
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=$root/build
seconds=0
while [ $# -gt 0 ]; do
    case $1 in
    --build) build=$(cd "$2" && pwd) && shift 2 ;;
    --campaign) seconds=$2 && shift 2 ;;
    *)
        sed -n '6s/^# *//p' "${BASH_SOURCE[0]}" >&2
        exit 2
        ;;
    esac
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0
failed=0

count() { # count GOOD TEXT
    if [ "$1" = yes ]; then
        passed=$((passed + 1))
        echo "[ok]  $2"
    else
        failed=$((failed + 1))
        echo "[err] $2"
    fi
}

# One run of tcl/long/trace.tcl; its traces are left in $work.
traced_run() {
    local report=$work/report line
    rm -rf "$work"/vard-tcl.*
    TMPDIR=$work VARD_TRACE=1 ROUNDS=$1 tclsh "$root/tcl/run.tcl" --keep \
        --build "$build" --limit $(($1 * 120 + 120)) \
        "$root/tcl/long/trace.tcl" | tee "$report" |
        grep -v -E '^(tcl|data and logs|---)' || true
    line=$(tail -n 1 "$report")
    if [[ $line =~ ^tcl:\ ([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
        passed=$((passed + BASH_REMATCH[1]))
        failed=$((failed + BASH_REMATCH[2]))
    else
        count no "the traced run came to its end"
    fi
}

# forgery NAME FILTER: node 1's trace through FILTER must be noticed.
forgery() {
    local traces=("$work"/vard-tcl.*/trace/run1/*.trace)
    "${@:2}" <"${traces[0]}" >"$work/forged" || true
    if cmp -s "$work/forged" "${traces[0]}"; then
        count no "$1: the forgery changes nothing"
        return
    fi
    "$build/tests/tracecheck" "$work/forged" "${traces[@]:1}" \
        >"$work/verdict" || true
    if grep -q '^VIOLATION' "$work/verdict"; then
        count yes "$1: $(grep -m 1 '^VIOLATION' "$work/verdict")"
    else
        count no "$1: not noticed"
    fi
}

forgeries() {
    forgery "a step is missing" \
        awk '$2 == "step" && $4 == 1 && $(NF - 2) != "-" && !gone {
                 gone = 1; next } 1'
    forgery "another entry than the leader's" \
        awk '$2 == "step" && $4 == 1 && $(NF - 2) != "-" && !gone {
                 c = $(NF - 2); n = length(c)
                 $(NF - 2) = substr(c, 1, n - 1) (substr(c, n) + 1) % 10
                 gone = 1 } 1'
    forgery "a write that is called durable too early" \
        awk '$2 == "step" && $4 == 4 && !gone && NR > 500 {
                 $7 += 1; $8 += 1; gone = 1 } 1'
    forgery "an entry applied before it is committed" \
        awk '$2 == "applied" && !gone && NR > 500 { $3 += 3; gone = 1 } 1'
    forgery "a vote that the disk has lost at the restart" \
        awk '$2 == "start" && ++starts == 2 { $17 = $17 % 3 + 1 } 1'
}

if [ "$seconds" -gt 0 ]; then
    end=$((SECONDS + seconds))
    runs=0
    while [ $SECONDS -lt $end ]; do
        traced_run 3
        runs=$((runs + 1))
    done
    echo "$runs runs"
else
    traced_run 1
    forgeries
fi
echo "trace: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
