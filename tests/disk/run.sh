#!/bin/bash
# tests/disk/run.sh [--build DIR] [--campaign SECONDS]: disks that lose power,
# rot, fill up, fail and hang. Without --campaign a sample of a minute; with
# it, about that many seconds, with tables. --build: an existing build (build/
# beside src/ if nothing is said). Ends with "disk: N passed, N failed".
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
build=$here/../../build
seconds=0
while [ $# -gt 0 ]; do
    case $1 in
    --build) build=$2 && shift 2 ;;
    --campaign) seconds=$2 && shift 2 ;;
    *) echo "usage: $0 [--build DIR] [--campaign SECONDS]" >&2 && exit 2 ;;
    esac
done
build=$(cd "$build" && pwd)

# In memory if possible: what is tested is the order of the calls.
tmp=${TMPDIR:-/tmp}
if [ -w /dev/shm ] && [ "$(df --output=avail /dev/shm | tail -1)" -gt 2000000 ]
then
    tmp=/dev/shm
fi
work=$(mktemp -d "$tmp/vard-disk-XXXXXX")
trap 'rm -rf "$work"' EXIT
passed=0
failed=0

# count GOOD BAD
count() {
    passed=$((passed + $1))
    failed=$((failed + $2))
}

# power NAME ARGUMENTS...: a sweep of crash points; counts them.
power() {
    local name=$1 status=0 distinct bad
    shift
    echo "--- power cuts: $name"
    "$build/tests/disk_power" --driver "$build/tests/disk_driver" \
        --journal "$build/tests/libjournal.so" --work "$work/power" "$@" \
        >"$work/out" 2>&1 || status=$?
    cat "$work/out"
    rm -rf "$work/power"
    while read -r distinct bad; do
        count $((distinct - bad)) "$bad"
    done < <(sed -n \
        's/^seed.* \([0-9]*\) distinct, \([0-9]*\) failed$/\1 \2/p' "$work/out")
    if [ "$status" -ne 0 ]; then count 0 1; fi
}

# mutant NAME ARGUMENTS...: a sweep that must find something.
mutant() {
    local name=$1
    shift
    if "$build/tests/disk_power" --driver "$build/tests/disk_driver" \
        --journal "$build/tests/libjournal.so" --work "$work/mutant" \
        --seed 3 --steps 200 --points 180 --expect-failure "$@" \
        >"$work/out" 2>&1; then
        echo "mutant: $name: caught ($(tail -1 "$work/out"))"
        count 1 0
    else
        echo "mutant: $name: NOT caught"
        cat "$work/out"
        count 0 1
    fi
    rm -rf "$work/mutant"
}

faults() {
    local sum
    echo "--- single faults"
    "$build/tests/disk_faults" --driver "$build/tests/disk_driver" \
        --journal "$build/tests/libjournal.so" --work "$work/faults" "$@" \
        >"$work/out" 2>&1 || true
    cat "$work/out"
    rm -rf "$work/faults"
    sum=$(sed -n 's/^\([0-9]*\) single faults, \([0-9]*\) with.*/\1 \2/p' \
        "$work/out")
    [ -n "$sum" ] || sum="1 1"
    count $((${sum% *} - ${sum#* })) "${sum#* }"
}

# nodes SCRIPT ARGUMENTS...: whole nodes; what they print is counted.
nodes() {
    local wrap=() script=$1
    shift
    if unshare -m true 2>/dev/null; then wrap=(unshare -m); fi
    echo "--- whole nodes: $script $*"
    "${wrap[@]}" python3 "$here/$script" --build "$build" \
        --work "$work/nodes" "$@" >"$work/out" 2>&1 || true
    cat "$work/out"
    rm -rf "$work/nodes"
    grep -q '^disk-.* passed' "$work/out" || count 0 1
    while read -r good bad; do
        count "$good" "$bad"
    done < <(sed -n 's/^disk-.*: \([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' \
        "$work/out")
}

mutants() {
    echo "--- mutants of the disk and of the disk thread"
    mutant "syncs of write-ahead logs not believed" --lives 2 --distrust .log
    mutant "syncs of tables not believed" --lives 2 --distrust .sst
    mutant "syncs of the watermark not believed" --lives 2 \
        --distrust watermark
    mutant "syncs of directories not believed" --lives 2 --distrust /
    mutant "the disk thread reports before it syncs" --lives 1 \
        --driver "$build/tests/disk_driver_mutant"
}

sample() {
    power "seed 1" --seed 1 --points 380 --lives 3 --again 2
    power "a sync fails before" --seed 2 --points 80 --lives 2 \
        --fault sync:90:EIO
    power "another one, mostly the watermark's" --seed 90 --points 40 \
        --lives 2 --fault sync:62:EIO
    DISK_STATE=collections power "collections" --seed 5 --points 40 --lives 2
    mutants
    faults --every 60 --call-every 60
    nodes nodes.py power1=5 power3=5 call=3 hang full
    nodes short.py one two own
}

campaign() {
    local end=$((SECONDS + seconds)) seed=100 cuts=$((seconds / 60 + 9))
    mutants
    faults --every 1 --call-every 3
    nodes nodes.py --seed "$RANDOM" "power1=$cuts" "power3=$cuts" \
        "call=$cuts" hang full
    nodes short.py one two own
    for nth in 5 20 60 90 140 200; do
        power "sync $nth fails before" --seed $nth --points 400 --lives 2 \
            --fault "sync:$nth:EIO"
    done
    while [ $SECONDS -lt $end ]; do
        power "seed $seed" --seed $seed --points 12000 --again 12 \
            --seconds $(((end - SECONDS) / 2))
        [ $SECONDS -lt $end ] || break
        DISK_STATE=collections power "collections, seed $seed" --seed $seed \
            --points 3000 --again 6 --seconds $((end - SECONDS))
        seed=$((seed + 1))
    done
}

if [ "$seconds" -gt 0 ]; then campaign; else sample; fi
echo "disk: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
