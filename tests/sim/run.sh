#!/bin/bash
# The simulator, as CI takes it (about a minute on two cores), or for long.
#
#   tests/sim/run.sh [--build DIR] [--other DIR]
#   tests/sim/run.sh [--build DIR] --campaign SECONDS [--first SEED]
#
# CI: seeds 1..300 in two processes; eight seeds twice; and the hashes of
# twenty runs, the same from the build in DIR (ROOT/build) and from one by clang
# without optimization: --other DIR, or made for this in a temporary directory.
# Campaign: two processes on fresh seeds, from SEED on (default: from the
# clock), past failures; half of the time as they come, the rest with faults
# that few seeds have; prints the sums. Each failure stands there with what
# to type to see it again.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=$root/build
other=
campaign=
first=
passed=0
failed=0
jobs=2
hashed=1..20

usage() {
    sed -n '4,5s/^# *//p' "${BASH_SOURCE[0]}" >&2
    exit 2
}

while [ $# -gt 0 ]; do
    [ $# -ge 2 ] || usage
    case $1 in
    --build) build=$2 ;;
    --other) other=$2 ;;
    --campaign) campaign=$2 ;;
    --first) first=$2 ;;
    *) usage ;;
    esac
    shift 2
done
for number in "$campaign" "$first"; do
    [[ $number =~ ^[0-9]*$ ]] || usage
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
simulate=$build/tests/simulate
if [ ! -x "$simulate" ]; then
    echo "no simulator in $build: build it first" >&2
    echo "sim: 0 passed, 1 failed"
    exit 1
fi

# verdict NAME STATUS
verdict() {
    if [ "$2" -eq 0 ]; then
        passed=$((passed + 1))
        echo "ok - $1"
    else
        failed=$((failed + 1))
        echo "not ok - $1"
    fi
}

finish() {
    echo "sim: $passed passed, $failed failed"
    [ "$failed" -eq 0 ]
    exit
}

# campaign_with SECONDS [OPTION ...]
campaign_with() {
    local seconds=$1 status=0
    shift
    timeout $((seconds + 600)) "$simulate" --jobs "$jobs" --keep-going \
        --seeds "$first..$((first + 1000000000))" \
        --seconds "$seconds" "$@" || status=$?
    verdict "campaign from seed $first${*:+ $*}" "$status"
}

if [ -n "$campaign" ]; then
    [ -n "$first" ] || first=$(($(date +%s) * 1000))
    echo "seeds from $first on, $campaign s, $jobs processes"
    campaign_with $(((campaign + 1) / 2))
    rare_s=$(((campaign + 9) / 10))
    campaign_with $rare_s --fault copy-back --no-fault churn --no-fault disk-lost
    campaign_with $rare_s --fault level --no-fault copy-back
    campaign_with $rare_s --fault clone --no-fault churn \
        --no-fault disk-lost --no-fault level
    campaign_with $rare_s --fault churn --fault wipe --no-fault copy-back \
        --no-fault disk-lost
    campaign_with $rare_s --fault majority-lost --no-fault copy-back
    finish
fi

# --- seeds ---------------------------------------------------------------

status=0
timeout 600 "$simulate" --jobs "$jobs" --keep-going --seeds 1..300 || status=$?
verdict "seeds 1..300" "$status"

status=0
timeout 120 "$simulate" --seeds 1..8 --twice >"$work/twice" || status=$?
[ "$status" -eq 0 ] || tail -n 3 "$work/twice"
verdict "eight seeds are the same twice" "$status"

# --- compilers -----------------------------------------------------------

# The simulator alone; nothing of it is stripped: the same sources.
build_other() {
    CC=clang cmake -G Ninja -S "$root" -B "$1" -DCMAKE_BUILD_TYPE=Debug \
        -DCMAKE_C_FLAGS_DEBUG='-O0 -g0' -DVARD_WERROR=OFF \
        -DVARD_TESTS=ON >"$work/log" 2>&1 &&
        timeout 300 ninja -C "$1" -j "$jobs" simulate >>"$work/log" 2>&1
}

# hashes BINARY FILE
hashes() {
    timeout 300 "$1" --seeds "$hashed" --hashes | grep ' hash ' >"$2"
}

if [ -z "$other" ]; then
    other=$work/clang
    build_other "$other" || tail -n 20 "$work/log"
fi
status=0
hashes "$simulate" "$work/one" || status=1
hashes "$other/tests/simulate" "$work/two" || status=1
if ! cmp -s "$work/one" "$work/two"; then
    status=1
    diff "$work/one" "$work/two" | head -n 10 || true
fi
# Twenty different hashes: the comparison is of something.
[ "$(awk '{print $4}' "$work/one" | sort -u | wc -l)" -eq 20 ] || status=1
verdict "seeds $hashed have the same hashes from gcc -O3 and clang -O0" \
    "$status"
finish
