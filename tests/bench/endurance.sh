#!/bin/bash
# vard for a long time at half of what it can: what users wait while the log is
# cut, tables are written and RocksDB merges files. Three nodes with default
# options on this machine, 256 connections over all of them.
#
#   tests/bench/endurance.sh [--quick] [option value ...]
#
#   --quick          about a minute
#   --minutes M      of load (10; quick: 0.4)
#   --keys N         of 128 bytes, filled before (1000000; quick: 100000)
#   --op OP          set, get, mixed (set)
#   --percent P      of what a closed loop of 10 seconds does (50)
#   --build DIR      an existing build (build)
#   --data DIR       where the nodes keep their data: a folder on the disk to
#                    be measured (default: TMPDIR, else /tmp)
#   --out DIR        results: endurance.csv (a line a second), endurance.svg,
#                    environment.txt (default: bench-endurance in the build)
#
# An open loop: a request's time runs from when it was due, so waiting behind
# another counts. An error ends it, with status 2. What it starts it ends, by
# pid; its data folders go away.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)

# shellcheck source-path=SCRIPTDIR source=stores.sh
. "$here/stores.sh"

read_options "minutes keys op percent" bench-endurance "$@"
minutes=$(number_option minutes 10 0.4)
keys=$(number_option keys 1000000 100000)
percent=$(number_option percent 50 50)
op=${option[op]:-set}
case $op in set | get | mixed) ;; *) die "--op $op: not set, get or mixed" ;; esac
need_built vard vard-bench tests/disk-sync
command -v redis-cli >/dev/null || die "no redis-cli: deps/install.sh"
bench=$build/vard-bench
make_folders

# What the nodes did below, of the first one: the log's first entry (it moves
# when the log is cut), the number of the newest file of RocksDB (each table
# written or merged takes one), bytes written.
below() {
    first_index=$(redis-cli -p "${nodes##*:}" info raft | tr -d '\r' |
        sed -n 's/^raft_first_index://p')
    newest_file=$(find "$data/3/db" -name '[0-9]*.*' -printf '%f\n' |
        sort -n | tail -n 1)
    newest_file=$((10#${newest_file%.*}))
    written_mib=$(awk '$1 == "write_bytes:" { printf "%d", $2 / 1048576 }' \
        "/proc/${pids[2]}/io")
}

run() { # NAME ARGUMENT ...
    local name=$1 status=0
    shift
    run_bench "$@" --keys "$keys" || status=$?
    [ "$status" != 2 ] || die "$name: no result"
    print_result "$name"
    [ "$status" = 0 ] || die "$name: errors"
}

draw() {
    command -v gnuplot >/dev/null || return 0
    gnuplot <<PLOT || true
set terminal svg size 960,480 font "sans-serif,12"
set output '$out/endurance.svg'
set datafile separator ","
set title "$op at $rate a second, $keys keys, second by second"
set xlabel "second"
set ylabel "microseconds"
set logscale y
set grid ytics
set key outside right top
plot '$out/endurance.csv' using 1:5 with lines lc rgb "#d1495b" title "longest", \
    '' using 1:4 with lines lw 2 lc rgb "#1b6ca8" title "99 %", \
    '' using 1:3 with lines lw 2 lc rgb "#66a182" title "half"
PLOT
}

{
    environment
    say "work       $op, $minutes min at $percent % of a closed loop," \
        "$keys keys of 128 bytes"
} | tee "$out/environment.txt"
start_vard 3
wait_for_writes || die "the cluster does not answer"
bench_timeout=1800 run "filling" setup --timeout 60 --connections 64 \
    --pipeline 64
pause=10
[ "$quick" = no ] || pause=2
sleep "$pause"
run "closed loop" closed --op "$op" --connections 256 --seconds "$pause"
rate=$(awk -v r="${result[ops_per_s]}" -v p="$percent" \
    'BEGIN { printf "%d", r * p / 100 + 1 }')
seconds=$(awk -v m="$minutes" 'BEGIN { printf "%d", m * 60 }')
below
before=("$first_index" "$newest_file" "$written_mib")
bench_timeout=$((seconds + 120)) run "open loop, $rate/s" open --op "$op" \
    --connections 256 --rate "$rate" --arrivals poisson --timeout 30 \
    --seconds "$seconds" --series "$out/endurance.csv"
below
say "latency, us: p50 ${result[p50_us]}, p90 ${result[p90_us]}," \
    "p99 ${result[p99_us]}, p99.9 ${result[p999_us]}," \
    "p99.99 ${result[p9999_us]}, longest ${result[max_us]}"
say "meanwhile a node cut its log from entry ${before[0]} to $first_index," \
    "wrote $((newest_file - before[1])) files and" \
    "$((written_mib - before[2])) MiB; peak memory of the largest node:" \
    "${result[server_peak_mib]} MiB"
say "load at the end $(cut -d' ' -f1-3 /proc/loadavg)" |
    tee -a "$out/environment.txt"
draw
say "results are in $out"
