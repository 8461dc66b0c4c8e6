#!/bin/bash
# tests/chaos/run.sh [--build DIR] [--campaign SECONDS]: real nodes on broken
# networks, killed, paused, with clocks that jump; what their clients saw must
# be linearizable. Without --campaign a sample of a minute on three nodes, and
# planted mistakes that must be found; with it random schedules on three and
# five nodes for about that many seconds, every step of every core replayed
# as well (tests/trace), and a table; SEED=N begins with that seed. --build:
# an existing build (build/ if nothing is said). Ends with "chaos: N passed,
# N failed".
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=$root/build
seconds=0
while [ $# -gt 0 ]; do
    case $1 in
    --build) build=$2 && shift 2 ;;
    --campaign) seconds=$2 && shift 2 ;;
    *) echo "usage: $0 [--build DIR] [--campaign SECONDS]" >&2 && exit 2 ;;
    esac
done
build=$(cd "$build" && pwd)
for program in link recorder lincheck; do
    [ -x "$build/tests/$program" ] ||
        { echo "$0: no $build/tests/$program; build first" >&2 && exit 2; }
done

work=$(mktemp -d)
passed=0
failed=0
export CHAOS_RESULTS=$work/results
: >"$CHAOS_RESULTS"

# files LIMIT NAME...: Tcl files of tcl/chaos; takes their counts.
files() {
    local limit=$1 name paths=() line
    shift
    for name in "$@"; do paths+=("$root/tcl/chaos/$name.tcl"); done
    TMPDIR=$work tclsh "$root/tcl/run.tcl" --build "$build" --limit "$limit" \
        "${paths[@]}" | tee "$work/report" | grep -v -E '^(tcl|---)' || true
    line=$(tail -n 1 "$work/report")
    if [[ $line =~ ^tcl:\ ([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
        passed=$((passed + BASH_REMATCH[1]))
        failed=$((failed + BASH_REMATCH[2]))
    else
        echo "[err] the run did not come to its end"
        failed=$((failed + 1))
    fi
}

# A cluster after the other, each with a seed and a shape of its own; a trace
# must not become too long for tracecheck.
campaign() {
    local end=$((SECONDS + seconds)) seed=${SEED:-$RANDOM} turn=0 left
    local shapes=("3 0" "5 0" "3 1" "5 0" "3 0" "5 1")
    files 120 canary
    while left=$((end - SECONDS)) && [ "$left" -gt 0 ]; do
        read -r CHAOS_NODES CHAOS_CLOCKS <<<"${shapes[turn % 6]}"
        CHAOS_SECONDS=$((left < 90 ? left : 90))
        CHAOS_SEED=$((seed + turn))
        export CHAOS_NODES CHAOS_CLOCKS CHAOS_SECONDS CHAOS_SEED
        VARD_TRACE=1 files 600 campaign
        turn=$((turn + 1))
    done
    echo
    tclsh "$root/tcl/chaos/table.tcl" "$CHAOS_RESULTS"
    echo "$turn clusters, seeds $seed to $((seed + turn - 1))"
}

if [ "$seconds" -gt 0 ]; then campaign; else files 240 sample canary; fi
if [ "$failed" -eq 0 ]; then rm -rf "$work"; else echo "kept: $work"; fi
echo "chaos: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
