#!/bin/bash
# What large collections take of memory, and what it takes to delete one: a sorted
# set of ten million members and five million hashes of ten fields on three nodes
# with state-memory 64mb; then an open loop of SET and GET goes on before, while
# and after the sorted set is deleted.
#
#   tests/bench/memory.sh [--quick] [option value ...]
#
#   --quick          half a minute: 100 times smaller, short phases
#   --members N      of the sorted set (10000000)
#   --hashes N       of ten fields each (5000000)
#   --seconds S      length of a phase (30; quick: 3)
#   --rate N         requests a second of the open loop (4000; quick: 1000)
#   --build DIR      an existing build (build)
#   --data DIR       where the nodes keep their data: a folder on the disk to
#                    be measured (default: TMPDIR, else /tmp)
#   --out DIR        results: memory.md, memory-PHASE.csv (each second),
#                    environment.txt (default: bench-memory in the build)
#
# Resident memory is that of the largest node, now and at its most, in MB. The
# aims: below 500 MB; DEL is answered within 2 ms; nobody notices. Ends with
# "bench: N passed, N failed": loads without and with errors, and the first two
# aims. What it starts it ends, by pid; its data folders go away.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)

# shellcheck source-path=SCRIPTDIR source=stores.sh
. "$here/stores.sh"

read_options "members hashes seconds rate" bench-memory "$@"
members=$(number_option members 10000000 100000)
hashes=$(number_option hashes 5000000 50000)
seconds=$(number_option seconds 30 3)
rate=$(number_option rate 4000 1000)
need_built vard vard-bench tests/disk-sync
command -v redis-cli >/dev/null || die "no redis-cli: deps/install.sh"
bench=$build/vard-bench
make_folders
passed=0
failed=0
count() { # 0 or 1
    if [ "$1" = 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
}
table() { say "$1" | tee -a "$out/memory.md"; }

# The largest of the nodes, in MB: VmRSS or VmHWM.
largest_mb() { # FIELD
    local pid
    for pid in "${pids[@]}"; do
        awk -v f="$1:" '$1 == f { print $2 }' "/proc/$pid/status"
    done | awk '$1 > most { most = $1 } END { printf "%.0f", most * 1.024 / 1000 }'
}
# The data directories, together.
disk_mb() {
    du -sk "$data"/[1-3] 2>/dev/null |
        awk '{ sum += $1 } END { printf "%.0f", sum * 1.024 / 1000 }' || true
}

filled() { # NAME
    table "| $1 | $(largest_mb VmRSS) | $(largest_mb VmHWM) | $(disk_mb) |"
}
fill() { # NAME ARGUMENT ...
    local status=0 name=$1
    shift
    bench_timeout=7200 run_bench setup --size 16 --timeout 60 "$@" || status=$?
    count "$status"
    print_result "$name"
    filled "$name"
}

# An open loop for one phase; a row of its figures, and of its worst second.
phase() { # NAME [KEY-TO-DELETE]
    local status=0 load worst
    "$bench" open --csv --quiet --nodes "$nodes" --op mixed --connections 50 \
        --rate "$rate" --arrivals poisson --keys 10000 --timeout 30 --warmup 1 \
        --seconds "$seconds" --series "$out/memory-$1.csv" \
        >"$data/$1.csv" 2>"$data/$1.err" </dev/null &
    load=$!
    if [ $# -gt 1 ]; then
        sleep 2
        delete "$2"
    fi
    wait "$load" || status=$?
    count "$status"
    [ "$status" = 0 ] || cat "$data/$1.err"
    read_result "$data/$1.csv" || die "$1: no result"
    worst=$(awk -F, 'NR > 1 && $1 > 0 && $4 > most { most = $4 }
        END { print most + 0 }' "$out/memory-$1.csv")
    table "| $1 | ${result[ops_per_s]} | ${result[p50_us]} | ${result[p99_us]} \
| ${result[p999_us]} | ${result[max_us]} | $worst | ${result[errors]} |"
}

# Sets `del_us`: from the request on a connection that is there to its answer.
delete() { # KEY
    del_us=$(python3 - "${nodes%%,*}" "$1" <<'PYTHON'
import socket, sys, time
host, port = sys.argv[1].split(':')
with socket.create_connection((host, int(port)), 60) as s:
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    s.sendall(b'PING\r\n')
    assert s.recv(100) == b'+PONG\r\n'
    before = time.perf_counter()
    s.sendall(b'DEL %s\r\n' % sys.argv[2].encode())
    reply = s.recv(100)
    after = time.perf_counter()
assert reply == b':1\r\n', reply
print(round((after - before) * 1e6))
PYTHON
    ) || die "DEL $1 failed"
}

{
    environment
    say "work       $members members, $hashes hashes of 10 fields," \
        "state-memory 64mb, $rate requests a second, half of them SET"
} | tee "$out/environment.txt"
# shellcheck disable=SC2034 # start_vard's
vard_lines=("state-memory 64mb")
start_vard 3
wait_for_writes || die "the cluster does not answer"
: >"$out/memory.md"
table "| filled with | resident MB | at most | MB on disk, all nodes |"
table "| --- | ---: | ---: | ---: |"
filled "nothing"
fill "a sorted set of $members" --op zadd --keys 1 --elements "$members" \
    --prefix large:
fill "and $hashes hashes" --op hset --keys "$hashes" --elements 10 \
    --prefix small: --connections 64 --pipeline 64
run_bench setup --keys 10000 --timeout 60 || die "setup failed"
# What the filling left is merged first.
sleep "$seconds"
filled "the same, later"
table ""
table "| phase | per s | p50 us | p99 us | p99.9 us | longest us |\
 p99 of the worst second | errors |"
table "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
phase before
phase during large:z000000000000
phase after
table ""
most=$(largest_mb VmHWM)
table "DEL of $members members: $del_us us; the most a node had: $most MB;\
 on disk then: $(disk_mb) MB"
[ "$del_us" -le 2000 ] && count 0 || count 1
[ "$most" -lt 500 ] && count 0 || count 1
say "load at the end $(cut -d' ' -f1-3 /proc/loadavg)" |
    tee -a "$out/environment.txt"
say "results are in $out"
say "bench: $passed passed, $failed failed"
[ "$failed" = 0 ]
