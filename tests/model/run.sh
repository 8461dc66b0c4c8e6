#!/bin/bash
# The explorer, as CI takes it (some five minutes on two cores), or for long.
#
#   tests/model/run.sh [--build DIR]
#   tests/model/run.sh [--build DIR] --campaign SECONDS
#
# CI: the configurations that can be exhausted are, with liveness where it is
# asked for; some are searched again without the reductions, and must show the
# same outlines; every transition of the beginning of each is done the slow way
# as well; and a random walk. DIR is a normal build (ROOT/build).
# Campaign: the largest configurations one after the other, each for its share
# of the time, on two threads with MODEL_MEMORY_MB (8192) of memory; the last
# line sums up. TMPDIR has to take some 16 bytes for each state.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=$root/build
campaign=
passed=0
failed=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

usage() {
    sed -n '4,5s/^# *//p' "${BASH_SOURCE[0]}" >&2
    exit 2
}

while [ $# -gt 0 ]; do
    [ $# -ge 2 ] || usage
    case $1 in
    --build) build=$2 ;;
    --campaign) campaign=$2 ;;
    *) usage ;;
    esac
    shift 2
done
model=$build/tests/model/model
for name in "$model" "${model}4"; do
    [ -x "$name" ] || {
        echo "$name is missing: build it first" >&2
        exit 2
    }
done

# judge WHAT PATTERN: the last search must have printed the pattern, and no
# violation.
judge() {
    grep -v 'so far' "$work/out" || true
    if [ "$status" -eq 0 ] && grep -q "$2" "$work/out" &&
        ! grep -q '^VIOLATION' "$work/out"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED: $1"
        ! [ -s "$work/script" ] || cat "$work/script"
    fi
}

# The explorer of four nodes knows some configurations, that of three the others.
search() {
    local program=$model
    case $1 in X-D1* | X-D2 | X-D4 | X-CD) program=${model}4 ;; esac
    status=0
    rm -f "$work/script"
    "$program" "$@" --script "$work/script" >"$work/out" 2>&1 || status=$?
}

exhaust() {
    search "$1" --threads 2 --memory-mb 1024 --seconds 600
    judge "$1: exhausted" "^$1: exhausted"
}

exhaust_live() {
    search "$1" --threads 2 --memory-mb 1024 --seconds 600
    judge "$1: exhausted, live" "^$1: every state can still reach the goal"
}

# same_outlines OPTION...: a small search shows the same with reductions and
# without.
same_outlines() {
    search X-A --live 0 --memory-mb 256 --outlines 1 --in-flight 2 "$@"
    judge "reduced: $*" "exhausted"
    grep outlines "$work/out" >"$work/outlines" || true
    search X-A --live 0 --memory-mb 256 --outlines 1 --in-flight 2 "$@" --plain 1
    judge "the same outlines: $* --plain 1" "^$(cat "$work/outlines")$"
}

# plainly CONFIG OPTION...: it shows the same without any reduction.
plainly() {
    search "$@" --memory-mb 256 --outlines 1
    judge "reduced: $*" "exhausted"
    grep outlines "$work/out" >"$work/outlines" || true
    search "$@" --memory-mb 256 --outlines 1 --plain 1 --all 1
    judge "the same outlines: $* --plain 1 --all 1" "^$(cat "$work/outlines")$"
}

run_campaign() {
    local names=(X-AP X-A5 X-B X-B2 X-E2 X-R2 X-T X-P X-D1L X-D1P X-D2 X-D4 X-D5
        X-C3 X-L)
    local name share line
    local states=0 transitions=0
    share=$((campaign / (${#names[@]} + 7)))
    for name in "${names[@]}"; do
        # Half of the time belongs to the first one.
        line=$share
        [ "$name" != X-AP ] || line=$((share * 8))
        search "$name" --threads 2 --seconds "$line" \
            --memory-mb "${MODEL_MEMORY_MB:-8192}"
        judge "$name: no violation" "^$name: "
        line=$(grep -v 'so far' "$work/out" | grep -m 1 "^$name: ")
        states=$((states + $(sed -E 's/.* ([0-9]+) states,.*/\1/' <<<"$line")))
        transitions=$((transitions +
            $(sed -E 's/.* ([0-9]+) transitions,.*/\1/' <<<"$line")))
    done
    echo "model: $states distinct states, $transitions transitions"
}

run_sample() {
    local name
    exhaust_live X-A
    exhaust X-A1
    exhaust_live X-A3
    exhaust_live X-A4
    exhaust X-E
    exhaust X-S
    exhaust_live X-SL
    exhaust X-R
    exhaust X-R1
    exhaust_live X-K
    exhaust_live X-K2
    exhaust X-D1
    exhaust X-D3
    exhaust_live X-C
    exhaust X-C1
    exhaust X-C2
    exhaust X-CD
    exhaust X-L0
    exhaust X-L2
    exhaust_live X-LK
    exhaust_live X-D3K
    exhaust_live X-D1K
    search X-LB --memory-mb 256
    status=0 # it has to be found what an unseen older copy does
    mv "$work/out" "$work/blind"
    sed -n 's/^VIOLATION: /found: /p' "$work/blind" >"$work/out"
    judge "X-LB: ends in a loss" "^found: I14 leader completeness"
    same_outlines --losses 0
    same_outlines --losses 255 --requests 0 --crashes 0 --duplicates 0
    search X-A --live 0 --memory-mb 256 --outlines 1 --in-flight 2 \
        --losses 255 --requests 0 --crashes 0 --duplicates 0 --plain 1 --all 1
    judge "the same outlines with useless messages" \
        "^$(cat "$work/outlines")$"
    search X-A --live 0 --memory-mb 256 --outlines 1 --in-flight 2 \
        --losses 255 --requests 0 --crashes 0 --duplicates 0 --all 1
    judge "the same outlines, reduced, with useless messages" \
        "^$(cat "$work/outlines")$"
    plainly X-R
    plainly X-D3
    plainly X-C1 --in-flight 1
    for name in X-D1L X-D1P X-D2 X-D4 X-D5 X-L; do
        search "$name" --memory-mb 256 --states-max 300000
        judge "$name: no violation" "^$name: bounded"
    done
    for name in X-D1 X-D1L X-D2 X-D3 X-D4 X-D5 X-CD; do
        search "$name" --memory-mb 256 --states-max 20000 --compare 1
        judge "$name: remembered steps are the core's" "^$name: bounded"
    done
    for name in X-A X-A1 X-A3 X-B X-B2 X-E X-E2 X-S X-SL X-R X-R1 X-T X-P X-K \
        X-C X-C2 X-C3 X-L X-L2; do
        search "$name" --live 0 --memory-mb 256 --states-max 20000 --compare 1
        judge "$name: remembered steps are the core's" "^$name: bounded"
    done
    search X-F --walk 1 --steps 2000000 --seconds 30
    judge "walk" "^X-F: seed"
}

if [ -n "$campaign" ]; then
    run_campaign
else
    run_sample
fi
echo "model: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
