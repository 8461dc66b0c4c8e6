#!/bin/bash
# What large values make others wait: a client writes or reads values of 60 MB,
# as fast as it is answered, while three others, one on each node, do INCR, one
# at a time. Three nodes with default options on this machine, one build or two
# in turn; each load has a new cluster, and its own turn of each build.
#
#   tests/bench/large.sh [--before DIR] [--build DIR] [option value ...]
#
#   --before DIR     another build, to compare with
#   --build DIR      the build to be judged (build)
#   --rounds N       how often each build has its turn (3; quick: 1)
#   --seconds S      measured time of a load (6; quick: 0.5)
#   --size MB        of the large value, in millions of bytes, at most 67 (60;
#                    quick: 8)
#   --only LIST      of none,set-follower,get-follower,get8-leader,ttl-leader:
#                    what is asked, by how many clients, and of which node
#   --quick          whether it works, half a minute for each build
#   --data DIR       where the nodes keep their data: a folder on the disk to
#                    be measured (default: TMPDIR, else /tmp)
#   --out DIR        results: large.csv, large.md, environment.txt
#                    (default: bench-large in the build directory)
#
# The INCRs are those of vard-bench, of the first build for both. A request that
# was sent in the measured time is waited for, so the longest may be longer than
# that. Places (leader, follower, asked) are those at the beginning of a load;
# "elections" is by how much the term rose during a load, "busy" the
# longest time for which a node's log says that its loop was busy or stopped.
# Ends with "bench: N passed, N failed": loads without and with errors.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)

# shellcheck source-path=SCRIPTDIR source=stores.sh
. "$here/stores.sh"

read_options "before rounds seconds size only" bench-large "$@"
rounds=$(number_option rounds 3 1)
seconds=$(number_option seconds 6 0.5)
size_mb=$(number_option size 60 8)
[ "$size_mb" -le 67 ] || die "--size $size_mb: 67 at most (proto-max-bulk-len)"
IFS=, read -ra works \
    <<<"${option[only]:-none,set-follower,get-follower,get8-leader,ttl-leader}"
for work in "${works[@]}"; do
    [[ $work =~ ^(none|(set|get|ttl)[1-9]?-(leader|follower))$ ]] ||
        die "--only: no load is called $work"
done
command -v redis-cli >/dev/null || die "no redis-cli: deps/install.sh"
after=$build
before=
need_built vard vard-bench tests/disk-sync
bench=$build/vard-bench
if [ -n "${option[before]:-}" ]; then
    [ -d "${option[before]}" ] || die "--before ${option[before]}: no such folder"
    before=$(cd "${option[before]}" && pwd)
    build=$before
    need_built vard vard-bench
    bench=$before/vard-bench
    build=$after
fi
make_folders
environment | tee "$out/environment.txt"

warmup=0.5
log_sizes=()
passed=0
failed=0
csv=$out/large.csv
columns=round,build,load,node,place,incr_per_s,p50_us,p99_us,max_us,errors
say "$columns,large_per_s,large_errors,elections,busy_ms" >"$csv"

# Sets `leader`, the number of the node that leads, and `term`, of all nodes the
# highest; false: nobody says that it leads.
look() {
    local i ports info role_term
    leader=
    term=0
    IFS=, read -ra ports <<<"$nodes"
    for i in "${!ports[@]}"; do
        info=$(timeout 20 redis-cli -p "${ports[i]##*:}" info raft |
            tr -d '\r') || return 1
        [[ $info != *"raft_role:leader"* ]] || leader=$((i + 1))
        role_term=$(sed -n 's/^raft_term://p' <<<"$info")
        [ "${role_term:-0}" -le "$term" ] || term=$role_term
    done
    [ -n "$leader" ]
}

# The longest that the nodes' logs speak of since settle().
busy_ms() {
    local id
    for id in 1 2 3; do
        tail -c "+$((log_sizes[id] + 1))" "$data/$id.log"
    done | sed -n 's/.*the loop was busy or stopped for \([0-9]*\) ms.*/\1/p' |
        sort -n | tail -n 1
}

# Writes the large value, through a node, and lets what that began come to rest;
# sets `log_sizes`.
settle() { # ADDRESS
    local i id
    for ((i = 0; i < 100; i++)); do
        if head -c "$((size_mb * 1000000))" /dev/urandom |
            timeout 60 redis-cli -p "${1##*:}" -x set large 2>/dev/null |
            grep -q OK; then
            sleep 1
            for id in 1 2 3; do
                log_sizes[id]=$(wc -c <"$data/$id.log")
            done
            return 0
        fi
        sleep 0.2
    done
    return 1
}

# One client on each node. False if one of them had errors or no result.
run_counters() {
    local i address addresses counters=() status=0
    IFS=, read -ra addresses <<<"$nodes"
    for i in "${!addresses[@]}"; do
        address=${addresses[i]}
        timeout 180 "$bench" closed --op incr --connections 1 --keys 1 \
            --prefix "n$((i + 1)):" --nodes "$address" --timeout 60 \
            --warmup "$warmup" --seconds "$seconds" --csv --quiet \
            </dev/null >"$data/incr$((i + 1)).csv" 2>"$data/incr$((i + 1)).err" &
        counters+=($!)
    done
    for i in "${!counters[@]}"; do
        wait "${counters[i]}" || {
            status=1
            cat "$data/incr$((i + 1)).err"
        }
    done
    return "$status"
}

# A column of what a counter has printed.
counted() { # NODE COLUMN
    python3 -c 'import csv, sys
print(next(csv.DictReader(open(sys.argv[1])))[sys.argv[2]])' \
        "$data/incr$1.csv" "$2" 2>/dev/null || say 0
}

# The rows of a load: which node leads, which is asked for the large values.
write_rows() { # ROUND BUILD LOAD ASKED LARGE_PER_S LARGE_ERRORS ELECTIONS BUSY
    local id place name fields
    for id in 1 2 3; do
        place=follower
        [ "$id" != "$leader" ] || place=leader
        [ "$id" != "$4" ] || place+=" asked"
        fields=
        for name in ops_per_s p50_us p99_us max_us errors; do
            fields+=$(counted "$id" "$name"),
        done
        say "$1,$2,$3,$id,$place,$fields$5,$6,$7,$8" >>"$csv"
    done
}

# A load on the cluster that runs.
measure() { # ROUND BUILD LOAD
    local load=$3 op=${3%%-*} clients=1 asked="" addresses status=0 client=""
    local term_before large=(0 0)
    IFS=, read -ra addresses <<<"$nodes"
    look || return 1
    term_before=$term
    case $load in
    *-leader) asked=$leader ;;
    *-follower) asked=$((leader % 3 + 1)) ;;
    esac
    if [[ $op =~ [1-9]$ ]]; then
        clients=${op: -1}
        op=${op%?}
    fi
    settle "${addresses[${asked:-1} - 1]}" || return 1
    if [ "$op" != none ]; then
        python3 "$here/large_load.py" "$op" "${addresses[asked - 1]}" \
            "$clients" "$((size_mb * 1000000))" \
            >"$data/large.txt" 2>"$data/large.err" </dev/null &
        client=$!
        pids+=("$client")
        sleep 0.2
    fi
    run_counters || status=1
    if [ -n "$client" ]; then
        kill -TERM "$client" 2>/dev/null || status=1
        wait "$client" || status=1
        unset 'pids[-1]'
        cat "$data/large.err"
        read -ra large <"$data/large.txt" || large=(0 1)
        [ "${large[0]}" != 0.00 ] || status=1
    fi
    local leader_then=$leader
    look || status=1
    leader=$leader_then
    write_rows "$1" "$2" "$load" "$asked" "${large[0]}" "${large[1]}" \
        "$((term - term_before))" "$(busy_ms || true)"
    return "$status"
}

one_build() { # ROUND BUILD DIRECTORY LOAD
    build=$3
    start_vard 3
    if wait_for_writes && measure "$1" "$2" "$4"; then
        passed=$((passed + 1))
        say "  $1 $2 $4"
    else
        failed=$((failed + 1))
        say "  $1 $2 $4: errors"
    fi
    drop_store
}

# The build that goes first changes from round to round.
for ((round = 1; round <= rounds; round++)); do
    for work in "${works[@]}"; do
        ((round % 2 == 0)) || [ -z "$before" ] ||
            one_build "$round" before "$before" "$work"
        one_build "$round" after "$after" "$work"
        ((round % 2)) || [ -z "$before" ] ||
            one_build "$round" before "$before" "$work"
    done
done

python3 "$here/large_report.py" "$csv" | tee "$out/large.md"
say "load at the end $(cut -d' ' -f1-3 /proc/loadavg)" |
    tee -a "$out/environment.txt"
say "bench: $passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
