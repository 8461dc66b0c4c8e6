#!/bin/bash
# Fuzzing: bytes that attack, against oracles.
#
#   tests/fuzz/run.sh [--build DIR]           what CI takes: at most 80 s
#   tests/fuzz/run.sh --campaign SECONDS [--fast] [--only TARGET]
#   tests/fuzz/run.sh --adopt [--only TARGET] findings of campaigns to corpus/
#   tests/fuzz/run.sh --coverage [--only TARGET]     lines and functions
#
# Builds the targets with clang, libFuzzer, AddressSanitizer and
# UndefinedBehaviorSanitizer in build-fuzz/ (or --fuzz-build DIR). CI: replays
# corpus/, fuzzes each target for some seconds, expects the canary to fail,
# and compares replies with redis-server, those of a node with tiny pages, too.
# A campaign gives every target and every family of commands its share of the
# time and keeps what it finds in build-fuzz/corpus/; with --fast without
# AddressSanitizer (build-fuzz-fast/), which then sees only those inputs that
# reach something new. --build is a normal build, whose vard is compared.
# The last line is "fuzz: N passed, N failed".
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
build=$root/build
fuzz=$root/build-fuzz
mode=sample
fast=
seconds=2
only=
passed=0
failed=0

say() { printf '%s\n' "$*"; }
usage() {
    sed -n '2,17s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
    exit 2
}

while [ $# -gt 0 ]; do
    case $1 in
    --build) build=$(realpath "${2:?}") && shift ;;
    --fuzz-build) fuzz=$(realpath -m "${2:?}") && shift ;;
    --campaign) mode=campaign seconds=${2:?} && shift ;;
    --fast) fast=1 ;;
    --only) only=${2:?} && shift ;;
    --adopt) mode=adopt ;;
    --coverage) mode=coverage ;;
    *) usage ;;
    esac
    shift
done
[[ $seconds =~ ^[0-9]+$ ]] || usage

# An input has little in use, so a small quarantine does; and no more of a
# block's origin is kept than its caller: replay a finding without this.
export ASAN_OPTIONS=detect_leaks=1:malloc_context_size=1
ASAN_OPTIONS+=:quarantine_size_mb=1:thread_local_quarantine_size_kb=64
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1

result() { # 0 or 1, and what it is about
    if [ "$1" -eq 0 ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        say "fuzz: FAILED: $2"
    fi
}

finish() {
    say "fuzz: $passed passed, $failed failed"
    [ "$failed" -eq 0 ]
}

# Comparisons are not traced: that costs half of the speed, and the inputs
# are built so that no constant has to be guessed.
build_targets() { # directory, sanitizers, more options
    mkdir -p "$1"
    if ! { CC=clang cmake -G Ninja -S "$root" -B "$1" -DVARD_TESTS=ON \
        -DVARD_FUZZ=ON -DVARD_SANITIZE="$2,fuzzer-no-link" \
        -DCMAKE_C_FLAGS="-fno-sanitize-coverage=trace-cmp ${3:-}" &&
        ninja -C "$1" fuzz; } >"$1/build.log" 2>&1; then
        tail -n 30 "$1/build.log" >&2
        result 1 "the targets do not build"
        finish
    fi
}

# Name, longest input, largest allocation, dictionary of each target.
targets() {
    grep -v '^#' "$here/targets" | while read -r name rest; do
        if [ -z "$only" ] || [ "$only" = "$name" ]; then
            printf '%s %s\n' "$name" "$rest"
        fi
    done
}

# The options of a target, from its line in `targets`.
options_of() {
    printf '%s\n' "-max_len=$2" "-malloc_limit_mb=$3" -rss_limit_mb=1500 \
        -timeout=20 -len_control=20 -entropic=0 -print_final_stats=1 \
        "-artifact_prefix=$fuzz/findings/$1-"
    [ "$4" = - ] || printf '%s\n' "-dict=$here/dict/$4.dict"
}

# What went wrong, and how to see it again.
explain() { # target, log
    local input
    grep -v -E '^(#|INFO|NEW_FUNC|.*(NEW|REDUCE|pulse))' "$2" |
        grep -m 12 -E 'assert|violation|runtime error|ERROR|#[0-9]+ .* in ' ||
        true
    input=$(sed -n 's/.*Test unit written to //p' "$2" | head -n 1)
    [ -z "$input" ] || say "replay: $fuzz/fuzz/fuzz_$1 $input"
}

# The corpus again, and then inputs for some seconds, the same each time: what
# is new is looked for by campaigns.
sample_target() {
    local name=$1 log=$fuzz/findings/$1.log fresh=0
    mapfile -t options < <(options_of "$@")
    local work
    work=$(mktemp -d)
    timeout -k 5 $((seconds * 4 + 60)) "$fuzz/fuzz/fuzz_$name" \
        "${options[@]}" -seed=1 -max_total_time="$seconds" "$work" \
        "$here/corpus/$name" >"$log" 2>&1 || fresh=1
    rm -rf "$work"
    local runs
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log" | tail -n 1)
    printf '%s %s %s\n' "$fresh" "$name" "${runs:-0}" >>"$fuzz/findings/results"
}

# An empty corpus replays nothing, and would always pass.
check_corpora() {
    local name rest
    while read -r name rest; do
        compgen -G "$here/corpus/$name/*" >/dev/null ||
            result 1 "corpus/$name is empty"
    done < <(targets)
    [ -n "$(targets)" ] || result 1 "no target is called $only"
    [ "$failed" -eq 0 ] || finish
}

run_canary() {
    local work
    work=$(mktemp -d)
    if timeout 60 "$fuzz/fuzz/fuzz_canary" -max_total_time=20 -max_len=16 \
        -artifact_prefix="$work/" "$work" >"$fuzz/findings/canary.log" 2>&1; then
        result 1 "the canary lives: a planted fault was not found"
    else
        result 0 canary
    fi
    rm -rf "$work"
}

run_redis() { # what is compared, a node's program, and more arguments
    local what=$1 program=$2 log=$fuzz/findings/redis.log counts
    shift 2
    python3 "$here/redis_diff.py" --vard "$program" "$@" >"$log" 2>&1 || true
    grep -v '^redis: ' "$log" || true
    counts=$(tail -n 1 "$log")
    if [[ $counts =~ ^redis:\ ([0-9]+)\ passed,\ 0\ failed$ ]]; then
        say "$what as redis-server's: ${BASH_REMATCH[1]} rounds"
        result 0 redis
    else
        result 1 "$what are not redis-server's: $counts"
    fi
}

# The families that redis-server 7.0 knows, one a line.
families() {
    grep -L '^VERSION' "$here"/family_*.py |
        sed 's/.*family_\(.*\)\.py/\1/'
}

# Collections on trees with tiny pages.
run_tiny() {
    run_redis 'replies on tiny trees' "$build/tests/vard_tiny" --seed 1 \
        --seconds 6 --family hash,set,zset,geo,list,stream,group,multi
}

# Each family for so long, on tiny trees and on others.
run_families() { # seconds
    local family program
    while read -r family <&3; do
        for program in tests/vard_tiny vard; do
            run_redis "replies of $program, $family," "$build/$program" \
                --family "$family" --seconds "$1" --commands 100000
        done
    done 3< <(families)
}

run_sample() {
    local name rest status runs
    : >"$fuzz/findings/results"
    while read -r name rest; do
        while [ "$(jobs -rp | wc -l)" -ge "$(nproc)" ]; do wait -n; done
        # shellcheck disable=SC2086 # the fields of the line
        sample_target "$name" $rest &
    done < <(targets)
    wait
    while read -r status name runs; do
        say "$name: $runs inputs"
        [ "$status" -eq 0 ] || explain "$name" "$fuzz/findings/$name.log"
        result "$status" "$name"
    done <"$fuzz/findings/results"
    run_canary
    if [ -z "$only" ]; then
        run_redis replies "$build/vard" --seconds 15 --seed 1
        run_redis corners "$build/vard" --corners
        run_tiny
    fi
    finish
}

# One row of the table: executions, per second of processor and of clock,
# edges reached, findings.
campaign_target() {
    local name=$1 share=$2 log=$fuzz/findings/$1.log found=0 cpu
    shift
    set -- "$name" "${@:2}"
    mapfile -t options < <(options_of "$@")
    mkdir -p "$fuzz/corpus/$name" "$here/corpus/$name"
    local TIMEFORMAT='%U'
    cpu=$({ time timeout -k 5 $((share + 120)) \
        "$fuzz${fast:+-fast}/fuzz/fuzz_$name" "${options[@]}" \
        -max_total_time="$share" "$fuzz/corpus/$name" "$here/corpus/$name" \
        >"$log" 2>&1; } 2>&1) || found=1
    local runs edges loaded
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log" | tail -n 1)
    edges=$(sed -n 's/^#.* cov: \([0-9]*\).*/\1/p' "$log" | tail -n 1)
    loaded=$(sed -n 's/^INFO: Loaded .*(\([0-9]*\) inline.*/\1/p' "$log" |
        head -n 1)
    if [ "$found" -eq 0 ] && [ -n "$fast" ]; then
        timeout -k 5 600 "$fuzz/fuzz/fuzz_$name" "${options[@]}" -runs=0 \
            "$fuzz/corpus/$name" >"$log" 2>&1 || found=1
    fi
    awk -v n="$name" -v r="${runs:-0}" -v s="$share" -v c="${cpu:-0}" \
        -v e="${edges:-0}" -v l="${loaded:-0}" -v f="$found" 'BEGIN {
        printf "| %s | %d | %d | %d | %d of %d | %d |\n", n, r, r / s,
            (c > 0 ? r / c : 0), e, l, f }'
    [ "$found" -eq 0 ] || explain "$name" "$log"
    result "$found" "$name"
    minimize "$name" "$fuzz/corpus/$name" >>"$log" 2>&1 || true
}

# Replaces a corpus by the part of it that reaches the same.
minimize() { # target, directory
    mkdir -p "$2.min"
    timeout 300 "$fuzz/fuzz/fuzz_$1" -merge=1 "$2.min" "$2"
    rm -rf "$2"
    mv "$2.min" "$2"
}

run_campaign() {
    local name rest count share
    count=$(targets | wc -l)
    [ "$count" -gt 0 ] || usage
    share=$((seconds / (count + 1 + $(families | wc -l)) + 1))
    say '| target | executions | per s | per s of CPU | edges | findings |'
    say '| --- | --- | --- | --- | --- | --- |'
    while read -r name rest <&3; do
        # shellcheck disable=SC2086
        campaign_target "$name" "$share" $rest
    done 3< <(targets)
    run_canary
    if [ -z "$only" ]; then
        run_redis replies "$build/vard" --seconds "$share"
        run_families $((share / 2 + 1))
    fi
    finish
}

# A small corpus that reaches the same edges, to be checked in.
run_adopt() {
    local name rest
    while read -r name rest <&3; do
        rm -rf "$fuzz/adopt"
        mkdir -p "$fuzz/adopt" "$here/corpus/$name" "$fuzz/corpus/$name"
        "$fuzz/fuzz/fuzz_$name" -merge=1 -set_cover_merge=1 -use_counters=0 \
            "$fuzz/adopt" "$here/corpus/$name" "$fuzz/corpus/$name" \
            >"$fuzz/findings/adopt.log" 2>&1
        rm -rf "${here:?}/corpus/$name"
        mv "$fuzz/adopt" "$here/corpus/$name"
        say "$name: $(find "$here/corpus/$name" -type f | wc -l) inputs," \
            "$(du -sb "$here/corpus/$name" | cut -f 1) bytes"
    done 3< <(targets)
}

# What of each room the inputs reach; needs the package llvm.
run_coverage() {
    local name rest wrong objects=() profiles=$fuzz-coverage/profiles
    build_targets "$fuzz-coverage" address,undefined \
        '-fprofile-instr-generate -fcoverage-mapping'
    rm -rf "$profiles"
    mkdir -p "$profiles" "$fuzz/corpus"
    while read -r name rest <&3; do
        mkdir -p "$fuzz/corpus/$name"
        wrong=0
        LLVM_PROFILE_FILE=$profiles/$name.raw timeout -k 5 600 \
            "$fuzz-coverage/fuzz/fuzz_$name" -runs=0 "$here/corpus/$name" \
            "$fuzz/corpus/$name" >"$fuzz/findings/coverage.log" 2>&1 ||
            wrong=1
        [ "$wrong" -eq 0 ] || explain "$name" "$fuzz/findings/coverage.log"
        result "$wrong" "$name"
        objects+=(-object "$fuzz-coverage/fuzz/fuzz_$name")
    done 3< <(targets)
    llvm-profdata-14 merge -o "$profiles/all" "$profiles"/*.raw
    llvm-cov-14 export -format=lcov -instr-profile "$profiles/all" \
        "${objects[@]}" >"$profiles/all.lcov" 2>/dev/null
    python3 "$here/coverage.py" "$profiles/all.lcov" "$root/src"
    finish
}

case $mode in sample | coverage) check_corpora ;; esac
mkdir -p "$fuzz/findings"
[ "$mode" = coverage ] || build_targets "$fuzz" address,undefined
[ -z "$fast" ] || build_targets "$fuzz-fast" undefined
"run_$mode"
