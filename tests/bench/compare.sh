#!/bin/bash
# vard, etcd and redis-server under the same load, in turn, in one run.
#
#   tests/bench/compare.sh [--quick] [option value ...]
#
#   --quick          about 2 minutes: fewer kinds of work, one round
#   --rounds N       each store has its turn N times (2; quick: 1)
#   --seconds S      measured time of a run (4; quick: 2)
#   --keys N         of 128 bytes (100000; quick: 10000)
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
build=$root/build
data_in=${TMPDIR:-/tmp}
out=
quick=no
rounds=
seconds=
keys=
systems=vard,etcd,redis-always,redis-everysec

say() { printf '%s\n' "$*"; }
die() {
    printf 'compare.sh: %s\n' "$*" >&2
    exit 2
}

while [ $# -gt 0 ]; do
    case $1 in
    --quick)
        quick=yes
        shift
        continue
        ;;
    -h | --help)
        sed -n '2,19s/^# \{0,1\}//p' "$0"
        exit 0
        ;;
    esac
    [ $# -ge 2 ] || die "unknown option or no value: $1 (try --help)"
    case $1 in
    --rounds) rounds=$2 ;;
    --seconds) seconds=$2 ;;
    --keys) keys=$2 ;;
    --systems) systems=$2 ;;
    --build) build=$(cd "$2" && pwd) ;;
    --data) data_in=$2 ;;
    --out) out=$2 ;;
    *) die "unknown option $1 (try --help)" ;;
    esac
    shift 2
done
if [ "$quick" = yes ]; then
    : "${rounds:=1}" "${seconds:=2}" "${keys:=10000}"
    warmup=0.5
else
    : "${rounds:=2}" "${seconds:=4}" "${keys:=100000}"
    warmup=1
fi
[[ $rounds =~ ^[1-9][0-9]*$ ]] || die "--rounds $rounds"
[[ $seconds =~ ^[0-9]+(\.[0-9]+)?$ ]] || die "--seconds $seconds"
[[ $keys =~ ^[1-9][0-9]*$ ]] || die "--keys $keys"
: "${out:=$build/bench-results}"
IFS=, read -ra system_list <<<"$systems"

need() {
    command -v "$1" >/dev/null || die "no $1: install the package $2"
}
for program in vard vard-bench tests/disk-sync; do
    [ -x "$build/$program" ] || die "no $build/$program: build first"
done
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
work_all="
set-1        closed set    1   1
set-256      closed set    256 1
set-256-p16  closed set    256 16
get-256      closed get    256 1
get-256-p16  closed get    256 16
mixed-256    closed mixed  256 1
zipf-256     closed mixed  256 1  --dist zipf
incr-256     closed incr   256 1
cas-256      closed cas    256 1
setnx-256    closed setnx  256 1
set-64k      closed set    32  1  --size 64kb --keys 1000 --prefix large:
set-half     open   set    256 1  --rate RATE --arrivals poisson
"
work_quick="
set-1        closed set    1   1
set-256      closed set    256 1
set-256-p16  closed set    256 16
get-256      closed get    256 1
set-half     open   set    256 1  --rate RATE --arrivals poisson
"
work=$work_all
[ "$quick" = no ] || work=$work_quick

# ---- processes -----------------------------------------------------------

mkdir -p "$out"
out=$(cd "$out" && pwd)
data=$(mktemp -d "$data_in/vard-compare.XXXXXX")
pids=()
taken_ports=" "

# SIGTERM, and SIGKILL for what has not gone after ten seconds.
stop_servers() {
    local pid i
    [ ${#pids[@]} -gt 0 ] || return 0
    for pid in "${pids[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
    for pid in "${pids[@]}"; do
        for ((i = 0; i < 100; i++)); do
            kill -0 "$pid" 2>/dev/null || break
            sleep 0.1
        done
        kill -KILL "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    pids=()
}
clean_up() {
    stop_servers
    rm -rf "$data"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# Sets `port`: nobody listens there, and it was not given before.
free_port() {
    while true; do
        port=$((20000 + RANDOM % 12000))
        [[ $taken_ports != *" $port "* ]] || continue
        if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then break; fi
    done
    taken_ports+="$port "
}

start() { # LOG COMMAND ...
    local log=$1
    shift
    "$@" >"$log" 2>&1 </dev/null &
    pids+=($!)
}

start_vard() {
    local id lines="" peer=()
    for id in 1 2 3; do
        free_port && peer[id]=$port
        free_port
        nodes+=${nodes:+,}127.0.0.1:$port
        lines+="node $id 127.0.0.1:${peer[id]} 127.0.0.1:$port"$'\n'
        ports[id]=$port
    done
    for id in 1 2 3; do
        mkdir "$data/$id"
        {
            printf '%s' "$lines"
            printf '%s\n' "node-id $id" "port ${ports[id]}" \
                "bind 127.0.0.1" "dir $data/$id"
        } >"$data/$id.conf"
        start "$data/$id.log" "$build/vard" "$data/$id.conf"
    done
}

start_etcd() {
    local id peers="" peer=()
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

start_redis() { # always | everysec
    free_port
    nodes=127.0.0.1:$port
    mkdir "$data/1"
    start "$data/1.log" redis-server --port "$port" --bind 127.0.0.1 \
        --dir "$data/1" --save "" --appendonly yes --appendfsync "$1"
}

# Sets `nodes` and `bench`, and waits until writes succeed through all nodes.
start_system() {
    local ports=() i
    nodes=
    bench=$build/vard-bench
    case $1 in
    vard) start_vard ;;
    etcd)
        bench=$build/tests/etcd-bench
        start_etcd
        ;;
    redis-*) start_redis "${1#redis-}" ;;
    esac
    for ((i = 0; i < 100; i++)); do
        sleep 0.2
        if timeout 20 "$bench" closed --quiet --nodes "$nodes" --count 30 \
            --connections 3 --prefix probe: --timeout 5 >/dev/null 2>&1; then
            return 0
        fi
    done
    tail -n 25 "$data"/*.log >&2 || true
    die "$1 does not answer"
}

# ---- runs ----------------------------------------------------------------

passed=0
failed=0

# Is this operation there at all?
supports() { # SYSTEM OP
    case $1/$2 in
    etcd/incr | redis-*/cas) return 1 ;;
    *) return 0 ;;
    esac
}

set_up() { # OP EXTRA ...
    local op=$1
    shift
    case $op in
    setnx) return 0 ;;
    esac
    timeout 300 "$bench" setup --quiet --nodes "$nodes" --op "$op" \
        --keys "$keys" --timeout 60 "$@" >/dev/null
}

# The options among the rest that setup has, too.
setup_options() {
    local kept=()
    while [ $# -gt 1 ]; do
        case $1 in
        --size | --keys | --prefix) kept+=("$1" "$2") ;;
        esac
        shift 2
    done
    printf '%s\n' "${kept[@]}"
}

run_one() { # ROUND SYSTEM NAME LOOP OP CONNECTIONS PIPELINE EXTRA ...
    local round=$1 system=$2 name=$3 loop=$4 op=$5 row header common
    common=(--connections "$6" --pipeline "$7" --keys "$keys")
    shift 7
    local extra=("${@/#RATE/$half_rate}") pid_list status=0 prepare=()
    mapfile -t prepare < <(setup_options "$@")
    [ -n "${prepare[0]:-}" ] || prepare=()
    if [[ $made != *" $op ${prepare[*]} "* ]]; then
        set_up "$op" "${prepare[@]}" || {
            say "  $system $name: setup failed"
            failed=$((failed + 1))
            return 0
        }
        made+=" $op ${prepare[*]} "
        [ "$op" = setnx ] || [ ${#prepare[@]} -gt 0 ] || [ "$op" != set ] ||
            made+=" get  mixed "
    fi
    pid_list=$(IFS=, && printf '%s' "${pids[*]}")
    timeout 180 "$bench" "$loop" --csv --quiet --nodes "$nodes" --op "$op" \
        "${common[@]}" --seconds "$seconds" --warmup "$warmup" \
        --pids "$pid_list" --seed "$round" "${extra[@]}" \
        >"$data/run.csv" 2>"$data/run.err" || status=$?
    if [ "$(wc -l <"$data/run.csv")" != 2 ]; then
        say "  $system $name: no result, status $status"
        cat "$data/run.err"
        failed=$((failed + 1))
        return 0
    fi
    header=$(sed -n 1p "$data/run.csv")
    row=$(sed -n 2p "$data/run.csv")
    [ -s "$out/results.csv" ] ||
        say "round,system,work,$header" >"$out/results.csv"
    say "$round,$system,$name,$row" >>"$out/results.csv"
    awk -F, -v what="$system $name" -v header="$header" '
        NR == 2 {
            n = split(header, names, ",")
            for (i = 1; i <= n; i++) v[names[i]] = $i
            printf "  %-26s %9.0f/s  p50 %7d  p99 %7d us  CPU %7.2f us/op" \
                "  errors %d\n", what, v["ops_per_s"], v["p50_us"],
                v["p99_us"], v["server_cpu_us_per_op"], v["errors"]
        }' "$data/run.csv"
    if [ "$name" = set-256 ]; then
        half_rate=$(awk -F, -v header="$header" 'NR == 2 {
            n = split(header, names, ",")
            for (i = 1; i <= n; i++) if (names[i] == "ops_per_s")
                printf "%d", ($i > 2 ? $i / 2 : 1) }' "$data/run.csv")
    fi
    if [ "$status" = 0 ]; then
        passed=$((passed + 1))
    else
        cat "$data/run.err"
        failed=$((failed + 1))
    fi
}

run_system() { # ROUND SYSTEM
    local name loop op connections pipeline rest
    made=" "
    half_rate=100
    start_system "$2"
    while read -r name loop op connections pipeline rest; do
        if [ -z "$name" ] || ! supports "$2" "$op"; then continue; fi
        # shellcheck disable=SC2086 # words
        run_one "$1" "$2" "$name" "$loop" "$op" "$connections" "$pipeline" \
            $rest </dev/null
    done <<<"$work"
    stop_servers
    rm -rf "${data:?}"/*
}

environment() {
    say "date       $(date -u +%Y-%m-%dT%H:%MZ)"
    say "commit     $(git -C "$root" rev-parse --short HEAD 2>/dev/null ||
        say unknown)$(git -C "$root" diff --quiet HEAD 2>/dev/null ||
        say ', with changes')"
    say "processor  $(nproc) x $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo |
        head -n 1)"
    say "kernel     $(uname -sr)"
    say "data on    $(stat -f -c %T "$data")"
    say "fdatasync  $("$build/tests/disk-sync" "$data" 2)"
    say "load       $(cut -d' ' -f1-3 /proc/loadavg)"
    say "work       $rounds rounds, $seconds s each, $keys keys of 128 bytes"
    for system in "${system_list[@]}"; do
        case $system in
        etcd) say "etcd       $(etcd --version | sed -n 1p)" ;;
        redis-always) say "redis      $(redis-server --version)" ;;
        esac
    done
}

rm -f "$out/results.csv"
environment | tee "$out/environment.txt"
case $(stat -f -c %T "$data") in
tmpfs | ramfs) say "WARNING: this is memory, durability costs nothing: --data" ;;
esac
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
