#!/bin/bash
# vard, etcd and redis-server under the same load, in turn, in one run.
#
#   tests/bench/compare.sh [--quick] [option value ...]
#
#   --quick          about 2 minutes: fewer kinds of work, one round
#   --rounds N       each store has its turn N times (2; quick: 1)
#   --seconds S      measured time of a run (4; quick: 2)
#   --keys N         of 128 bytes (100000; quick: 10000)
#   --only LIST      of strings,small,large: keys with a value; collections of
#                    20 elements; one of a million (quick: 20000), both of 16
#                    bytes, vard and redis-always only (all; quick: strings)
#   --systems LIST   of vard,etcd,redis-always,redis-everysec
#   --build DIR      an existing build (build)
#   --data DIR       where the stores keep their data: a folder on the disk to
#                    be measured (default: TMPDIR, else /tmp)
#   --out DIR        results: results.csv, table.md, environment.txt, *.svg
#                    (default: bench-results in the build directory)
#
# Ends with "bench: N passed, N failed": runs without and with errors. What it
# starts it ends, by pid; its data folders go away.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)

# shellcheck source-path=SCRIPTDIR source=stores.sh
. "$here/stores.sh"

read_options "rounds seconds keys systems only" bench-results "$@"
rounds=$(number_option rounds 2 1)
seconds=$(number_option seconds 4 2)
keys=$(number_option keys 100000 10000)
warmup=1
[ "$quick" = no ] || warmup=0.5
systems=${option[systems]:-vard,etcd,redis-always,redis-everysec}
IFS=, read -ra system_list <<<"$systems"

need() {
    command -v "$1" >/dev/null || die "no $1: install the package $2"
}
need_built vard vard-bench tests/disk-sync
for system in "${system_list[@]}"; do
    case $system in
    vard) ;;
    etcd)
        need etcd etcd-server
        [ -x "$build/tests/etcd-bench" ] ||
            die "no etcd-bench: install libnghttp2-dev, configure and build"
        ;;
    redis-always | redis-everysec) need redis-server redis-server ;;
    *) die "unknown system $system" ;;
    esac
done

# One line a kind of work: name, loop, operation, connections, pipeline, the
# rest. "RATE" is half of what this store did in set-256 of this round. The
# setups that a line needs are made before it.
work_strings="
set-1        closed set    1   1
set-1-leader closed set    1   1 --leader
set-256      closed set    256 1
set-256-p16  closed set    256 16
get-256      closed get    256 1
get-256-p16  closed get    256 16
get-256-leader    closed get 256 1 --leader
get-256-followers closed get 256 1 --followers
mixed-256    closed mixed  256 1
zipf-256     closed mixed  256 1  --dist zipf
incr-256     closed incr   256 1
cas-256      closed cas    256 1
setnx-256    closed setnx  256 1
set-half     open   set    256 1  --rate RATE --arrivals poisson
set-64k      closed set    32  1  --size 64kb --keys 1000 --prefix large:
get-64k      closed get    32  1  --size 64kb --keys 1000 --prefix large:
set-half-after-64k  open set 256 1 --rate RATE --arrivals poisson
"
work_quick="
set-1        closed set    1   1
set-256      closed set    256 1
set-256-p16  closed set    256 16
get-256      closed get    256 1
set-half     open   set    256 1  --rate RATE --arrivals poisson
"
[ "$quick" = no ] || work_strings=$work_quick

# The operations on collections; what one writes another reads, and takes away.
collections() { # NAME EXTRA
    local op
    for op in hset hget lpush rpop sadd sismember zadd zrank zrange xadd xread
    do
        say "$op-$1 closed $op 256 16 --size 16 $2"
    done
}
usual=strings,small,large
[ "$quick" = no ] || usual=strings
IFS=, read -ra kinds <<<"${option[only]:-$usual}"
work=
for kind in "${kinds[@]}"; do
    case $kind in
    strings) work+=$work_strings ;;
    small) work+=$(collections small "--elements 20")$'\n' ;;
    large)
        elements=1000000
        [ "$quick" = no ] || elements=20000
        work+=$(collections large \
            "--keys 1 --elements $elements --prefix one:")$'\n'
        ;;
    *) die "--only $kind" ;;
    esac
done

# ---- stores --------------------------------------------------------------

make_folders

start_etcd() {
    local id port peers="" peer=() ports=()
    for id in 1 2 3; do
        free_port && peer[id]=$port
        free_port && ports[id]=$port
        nodes+=${nodes:+,}127.0.0.1:$port
        peers+=${peers:+,}n$id=http://127.0.0.1:${peer[id]}
    done
    for id in 1 2 3; do
        start "$data/$id.log" etcd --name "n$id" --data-dir "$data/$id" \
            --listen-client-urls "http://127.0.0.1:${ports[id]}" \
            --advertise-client-urls "http://127.0.0.1:${ports[id]}" \
            --listen-peer-urls "http://127.0.0.1:${peer[id]}" \
            --initial-advertise-peer-urls "http://127.0.0.1:${peer[id]}" \
            --initial-cluster "$peers" --initial-cluster-token "vard$$" \
            --quota-backend-bytes 8589934592
    done
}

# Sets `nodes` and `bench`, and waits until writes succeed through all nodes.
start_system() {
    nodes=
    bench=$build/vard-bench
    case $1 in
    vard) start_vard 3 ;;
    etcd)
        bench=$build/tests/etcd-bench
        start_etcd
        ;;
    redis-*) start_redis "${1#redis-}" ;;
    esac
    wait_for_writes || die "$1 does not answer"
}

# ---- runs ----------------------------------------------------------------

passed=0
failed=0

# Is this operation there at all? Only vard is asked for its leader.
supports() { # SYSTEM OP EXTRA
    case $1/$2/$3 in
    etcd/*--elements* | redis-everysec/*--elements*) return 1 ;;
    etcd/incr/* | redis-*/cas/*) return 1 ;;
    vard/*) return 0 ;;
    */--leader* | */--followers*) return 1 ;;
    *) return 0 ;;
    esac
}

# Makes the keys that a line needs, unless they are there. Of the rest of the
# line, it takes the options that setup has, too.
set_up() { # OP EXTRA ...
    local op=$1 kept=()
    shift
    case $op in
    setnx) return 0 ;;
    get | mixed) op="set" ;;
    hget) op=hset ;;
    rpop) op=lpush ;;
    sismember) op=sadd ;;
    zrank | zrange) op=zadd ;;
    xread) op=xadd ;;
    esac
    while [ $# -gt 1 ]; do
        case $1 in
        --size | --keys | --prefix | --elements)
            kept+=("$1" "$2")
            shift
            ;;
        esac
        shift
    done
    [[ $made != *" $op ${kept[*]} "* ]] || return 0
    timeout 300 "$bench" setup --quiet --nodes "$nodes" --op "$op" \
        --keys "$keys" --timeout 60 "${kept[@]}" >/dev/null || return 1
    made+=" $op ${kept[*]} "
}

run_one() { # ROUND SYSTEM NAME LOOP OP CONNECTIONS PIPELINE EXTRA ...
    local round=$1 system=$2 name=$3 loop=$4 op=$5 status=0
    local common=(--connections "$6" --pipeline "$7" --keys "$keys")
    shift 7
    set_up "$op" "$@" || {
        say "  $system $name: setup failed"
        failed=$((failed + 1))
        return 0
    }
    run_bench "$loop" --op "$op" "${common[@]}" --seconds "$seconds" \
        --warmup "$warmup" --seed "$round" "${@/#RATE/$half_rate}" || status=$?
    [ "$status" = 0 ] || say "  $system $name failed"
    if [ "$status" != 2 ]; then
        [ -s "$out/results.csv" ] ||
            say "round,system,work,$(sed -n 1p "$data/run.csv")" \
                >"$out/results.csv"
        say "$round,$system,$name,$(sed -n 2p "$data/run.csv")" \
            >>"$out/results.csv"
        print_result "$system $name"
    fi
    if [ "$name" = set-256 ] && [ "$status" != 2 ]; then
        half_rate=$((${result[ops_per_s]%.*} / 2))
        [ "$half_rate" -gt 0 ] || half_rate=1
    fi
    if [ "$status" = 0 ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
    fi
}

run_system() { # ROUND SYSTEM
    local name loop op connections pipeline rest
    made=" "
    half_rate=100
    start_system "$2"
    while read -r name loop op connections pipeline rest; do
        [ -n "$name" ] || continue
        supports "$2" "$op" "$rest" || continue
        # shellcheck disable=SC2086 # words
        run_one "$1" "$2" "$name" "$loop" "$op" "$connections" "$pipeline" \
            $rest </dev/null
    done <<<"$work"
    drop_store
}

versions() {
    local system
    say "work       $rounds rounds, $seconds s each, $keys keys of 128 bytes"
    for system in "${system_list[@]}"; do
        case $system in
        etcd) say "etcd       $(etcd --version | sed -n 1p)" ;;
        redis-always) say "redis      $(redis-server --version)" ;;
        esac
    done
}

rm -f "$out/results.csv"
{
    environment
    versions
} | tee "$out/environment.txt"
for ((round = 1; round <= rounds; round++)); do
    # The next round begins with another store.
    for ((i = 0; i < ${#system_list[@]}; i++)); do
        system=${system_list[(i + round - 1) % ${#system_list[@]}]}
        say "round $round: $system"
        run_system "$round" "$system"
    done
done
say "load at the end $(cut -d' ' -f1-3 /proc/loadavg)" |
    tee -a "$out/environment.txt"
python3 "$here/report.py" "$out" | tee "$out/table.md"
say "results are in $out"
say "bench: $passed passed, $failed failed"
[ "$failed" = 0 ]
