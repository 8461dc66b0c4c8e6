#!/bin/bash
# How the cost of vard grows: one dimension at a time, all else at the base:
# three nodes with default options on this machine, 64 connections over all of
# them, 128-byte values, 100000 keys, no pipelining.
#
#   tests/bench/scaling.sh [--quick] [option value ...]
#
#   --quick          about 3 minutes: shorter runs, 10000 keys, at most 10^6
#   --only LIST      of connections,size,keys,nodes,pipeline; of a sweep only
#                    some points: --only size:128:1024,nodes:1
#   --seconds S      measured time of a run (4; quick: 0.8)
#   --keys N         at the base
#   --build DIR      an existing build (build)
#   --data DIR       where the nodes keep their data: a folder on the disk to
#                    be measured (default: TMPDIR, else /tmp)
#   --out DIR        results: scaling.csv, scaling.md, environment.txt,
#                    *.svg (default: bench-scaling in the build directory)
#
# Each point has a new cluster. Ends with "bench: N passed, N failed": runs
# without and with errors; what the machine's limits do not allow is skipped,
# with a line. What it starts it ends, by pid; its data folders go away.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)

# shellcheck source-path=SCRIPTDIR source=stores.sh
. "$here/stores.sh"

read_options "only seconds keys" bench-scaling "$@"
seconds=$(number_option seconds 4 0.8)
keys_base=$(number_option keys 100000 10000)
warmup=1
[ "$quick" = no ] || warmup=0.3

points_of() { # SWEEP
    case $1 in
    connections) say 1 4 16 64 256 1000 4000 10000 ;;
    size) say 16 128 1024 4096 16384 65536 262144 1048576 ;;
    keys)
        say 1000 10000 100000 1000000
        [ "$quick" = yes ] || say 10000000
        ;;
    nodes) say 1 3 5 7 ;;
    pipeline) say 1 4 16 64 256 ;;
    *) return 1 ;;
    esac
}

IFS=, read -ra sweeps <<<"${option[only]:-connections,size,keys,nodes,pipeline}"
for sweep in "${sweeps[@]}"; do
    [[ $sweep =~ ^[a-z]+(:[1-9][0-9]*)*$ ]] || die "--only $sweep"
    points_of "${sweep%%:*}" >/dev/null || die "no sweep ${sweep%%:*}"
done
need_built vard vard-bench tests/disk-sync
bench=$build/vard-bench

# As many files as allowed: a connection is one here, and one in a node.
ulimit -n "$(ulimit -Hn)" 2>/dev/null || true
make_folders
passed=0
failed=0

# ---- one point -----------------------------------------------------------

# The base, then what this sweep changes.
set_point() { # SWEEP X
    connections=64 size=128 keys=$keys_base node_count=3 pipeline=1
    ops=(set get)
    case $1 in
    connections) connections=$2 ;;
    size)
        size=$2
        ops=(set)
        # Values under way, and all of them, take at most 8 and 64 MiB.
        connections=$(least 64 $((8388608 / size)))
        keys=$(least "$keys_base" $((67108864 / size)))
        ;;
    keys) keys=$2 ;;
    nodes) node_count=$2 ;;
    pipeline) pipeline=$2 ;;
    esac
}
least() { say $(($1 < $2 ? $1 : $2)); }

# Says why not.
allowed() { # SWEEP X
    local files free_gib
    files=$(ulimit -n)
    if [ "$files" != unlimited ] && [ "$files" -lt $((connections + 200)) ]
    then
        say "  skipped: $1 $2: ulimit -Hn is $files, it takes" \
            "$((connections + 200))"
        return 1
    fi
    free_gib=$(df -Pk "$data" | awk 'NR == 2 { print int($4 / 1048576) }')
    if [ "$free_gib" -lt $((2 + keys / 500000)) ]; then
        say "  skipped: $1 $2: $free_gib GiB of disk are free, it takes" \
            "$((2 + keys / 500000))"
        return 1
    fi
}

# What each node ever had in memory, "7.3 7.1 7.2".
peaks_mib() {
    local pid
    for pid in "${pids[@]}"; do
        awk '$1 == "VmHWM:" { printf "%.1f ", $2 / 1024 }' \
            "/proc/$pid/status" 2>/dev/null || printf 'gone '
    done | sed 's/ $//'
}
# Of the largest data directory, as it is on disk.
data_mib() {
    local id
    for ((id = 1; id <= node_count; id++)); do
        du -sk "$data/$id" 2>/dev/null || true # files may go meanwhile
    done | awk '$1 > most { most = $1 } END { printf "%.1f", most / 1024 }'
}

columns=(ops_per_s p50_us p99_us server_cpu_us_per_op client_cpu_us_per_op
    server_peak_mib errors)
record() { # SWEEP X OP
    # How keys come in matters only where there are many.
    [ "$1/$3" = keys/setup ] || [ "$3" != setup ] || return 0
    local line=$1,$2,$3,${result[connections]} column
    for column in "${columns[@]}"; do line+=,${result[$column]}; done
    say "$line,$(peaks_mib),$(data_mib)" >>"$out/scaling.csv"
    print_result "$1 $2 $3"
}

load() { # SWEEP X OP ARGUMENT ...
    local what=("$1" "$2" "$3") status=0
    shift 3
    run_bench "$@" --keys "$keys" --size "$size" || status=$?
    [ "$status" = 2 ] || record "${what[@]}"
    if [ "$status" = 0 ]; then
        passed=$((passed + 1))
    else
        say "  ${what[*]} failed"
        failed=$((failed + 1))
    fi
    return "$status"
}

# Every key once. Many are written by more at a time.
fill() { # SWEEP X
    local at_once=16
    [ "$keys" -lt 1000000 ] || at_once=64
    [ "$size" -lt 4096 ] || at_once=1
    bench_timeout=600 load "$1" "$2" setup setup --timeout 60 \
        --connections $((at_once == 64 ? 64 : 16)) --pipeline "$at_once"
}

run_point() { # SWEEP X
    local op
    set_point "$1" "$2"
    allowed "$1" "$2" || return 0
    start_vard "$node_count"
    if ! wait_for_writes; then
        say "  $1 $2: the cluster does not answer"
        failed=$((failed + 1))
    elif fill "$1" "$2"; then
        for op in "${ops[@]}"; do
            load "$1" "$2" "$op" closed --op "$op" --timeout 30 \
                --connections "$connections" --pipeline "$pipeline" \
                --seconds "$seconds" --warmup "$warmup" || true
        done
    fi
    drop_store
}

# ---- all -----------------------------------------------------------------

{
    environment
    say "work       $seconds s each, base: 3 nodes, 64 connections," \
        "$keys_base keys of 128 bytes"
} | tee "$out/environment.txt"
(IFS=, && say "sweep,x,op,connections,${columns[*]},peak_mib_each,data_mib") \
    >"$out/scaling.csv"
for sweep in "${sweeps[@]}"; do
    IFS=: read -ra points <<<"$sweep"
    sweep=${points[0]}
    points=("${points[@]:1}")
    [ ${#points[@]} -gt 0 ] || read -d '' -ra points < <(points_of "$sweep") ||
        true
    say "$sweep: ${points[*]}"
    for x in "${points[@]}"; do run_point "$sweep" "$x"; done
done
say "load at the end $(cut -d' ' -f1-3 /proc/loadavg)" |
    tee -a "$out/environment.txt"
python3 -B "$here/scaling_report.py" "$out" >"$out/scaling.md"
cat "$out/scaling.md"
say "results are in $out"
say "bench: $passed passed, $failed failed"
[ "$failed" = 0 ]
