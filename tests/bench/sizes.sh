#!/bin/bash
# How the cost of an operation grows with its collection: processor time for
# each operation of vard-bench on one collection of 10^3 to 10^7 elements, on one
# node of vard and on redis-server with appendfsync always, in turn. What is
# O(log n) there may not grow faster here.
#
#   tests/bench/sizes.sh [--quick] [option value ...]
#
#   --quick          about a minute: 1000 and 10000 elements, short runs
#   --sizes LIST     elements (1000,10000,100000,1000000,10000000)
#   --only LIST      of hash,list,set,zset,stream: each is filled once, then
#                    its operations run
#   --seconds S      measured time of a run (4; quick: 0.3)
#   --nodes N        of vard (1)
#   --systems LIST   of vard,redis-always
#   --build DIR      an existing build (build)
#   --data DIR       where the stores keep their data: a folder on the disk to
#                    be measured (default: TMPDIR, else /tmp)
#   --out DIR        results: sizes.csv, sizes.md, environment.txt, *.svg
#                    (default: bench-sizes in the build directory)
#
# 64 connections, pipeline 16, values of 16 bytes. Each size of each type has a
# new store. Ends with "bench: N passed, N failed": runs without and with errors.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)

# shellcheck source-path=SCRIPTDIR source=stores.sh
. "$here/stores.sh"

read_options "sizes only seconds nodes systems" bench-sizes "$@"
seconds=$(number_option seconds 4 0.3)
node_count=$(number_option nodes 1 1)
warmup=1
sizes=1000,10000,100000,1000000,10000000
[ "$quick" = no ] || warmup=0.2 sizes=1000,10000
IFS=, read -ra sizes <<<"${option[sizes]:-$sizes}"
for size in "${sizes[@]}"; do
    [[ $size =~ ^[1-9][0-9]*$ ]] || die "--sizes: $size is no number"
done
# The first operation of a type fills it; those that add or take away come last.
operations_of() { # TYPE
    case $1 in
    hash) say hset hget ;;
    list) say lpush rpop ;;
    set) say sismember sadd ;;
    zset) say zrank zrange zadd ;;
    stream) say xread xadd ;;
    *) return 1 ;;
    esac
}
IFS=, read -ra types <<<"${option[only]:-hash,list,set,zset,stream}"
for type in "${types[@]}"; do
    operations_of "$type" >/dev/null || die "--only: no type is called $type"
done
IFS=, read -ra systems <<<"${option[systems]:-vard,redis-always}"
need_built vard vard-bench tests/disk-sync
for system in "${systems[@]}"; do
    case $system in
    vard) ;;
    redis-always)
        command -v redis-server >/dev/null || die "no redis-server"
        ;;
    *) die "unknown system $system" ;;
    esac
done
bench=$build/vard-bench
make_folders
passed=0
failed=0

start_system() { # SYSTEM
    nodes=
    case $1 in
    vard) start_vard "$node_count" ;;
    *) start_redis always ;;
    esac
    wait_for_writes || die "$1 does not answer"
}

load() { # SYSTEM TYPE OP ELEMENTS MODE ARGUMENT ...
    local system=$1 type=$2 op=$3 elements=$4 mode=$5 status=0 name=$3
    shift 5
    [ "$mode" != setup ] || name=setup
    run_bench "$mode" --op "$op" --keys 1 --elements "$elements" --size 16 \
        --timeout 60 "$@" || status=$?
    if [ "$status" = 0 ]; then
        passed=$((passed + 1))
        [ -s "$out/sizes.csv" ] ||
            say "system,type,work,$(sed -n 1p "$data/run.csv")" \
                >"$out/sizes.csv"
        say "$system,$type,$name,$(sed -n 2p "$data/run.csv")" \
            >>"$out/sizes.csv"
        print_result "$system $name $elements"
    else
        failed=$((failed + 1))
        say "  $system $name $elements failed"
    fi
    return "$status"
}

run_size() { # SYSTEM TYPE ELEMENTS
    local op ops
    read -ra ops < <(operations_of "$2")
    start_system "$1"
    # A command of setup is as much work as a hundred others.
    if bench_timeout=3600 load "$1" "$2" "${ops[0]}" "$3" setup; then
        for op in "${ops[@]}"; do
            load "$1" "$2" "$op" "$3" closed --connections 64 --pipeline 16 \
                --seconds "$seconds" --warmup "$warmup" || true
        done
    fi
    drop_store
}

{
    environment
    say "work       $seconds s each, one collection, 64 connections," \
        "pipeline 16, $node_count node(s) of vard"
} | tee "$out/environment.txt"
rm -f "$out/sizes.csv"
for type in "${types[@]}"; do
    for size in "${sizes[@]}"; do
        for system in "${systems[@]}"; do run_size "$system" "$type" "$size"; done
    done
done
say "load at the end $(cut -d' ' -f1-3 /proc/loadavg)" |
    tee -a "$out/environment.txt"
python3 -B "$here/sizes_report.py" "$out" >"$out/sizes.md"
cat "$out/sizes.md"
say "results are in $out"
say "bench: $passed passed, $failed failed"
[ "$failed" = 0 ]
