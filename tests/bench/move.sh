#!/bin/bash
# What clients feel while a whole state moves: three nodes full of data get a
# fourth member, which then takes the place of an old one. Default options on
# this machine; 50 connections to the nodes that stay, an open loop of SET.
#
#   tests/bench/move.sh [--quick] [option value ...]
#
#   --quick          about a minute
#   --keys N         of 128 bytes, filled before (10000000; quick: 200000)
#   --rate N         SET a second (5000)
#   --seconds S      before, and after (30; quick: 5)
#   --remove ID      the member that leaves (3)
#   --build DIR      an existing build (build)
#   --data DIR       where the nodes keep their data: a folder on the disk to
#                    be measured (default: TMPDIR, else /tmp)
#   --out DIR        results: move.md, move-*.csv (a line a second),
#                    environment.txt (default: bench-move in the build)
#
# A request's time runs from when it was due. Ends with "bench: N passed, N
# failed": the phases without and with errors of clients, and whether in the
# end all members have the same data. What it starts it ends, by pid; its data
# folders go away.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)

# shellcheck source-path=SCRIPTDIR source=stores.sh
. "$here/stores.sh"

read_options "keys rate seconds remove" bench-move "$@"
keys=$(number_option keys 10000000 200000)
rate=$(number_option rate 5000 5000)
seconds=$(number_option seconds 30 5)
leaving=$(number_option remove 3 3)
[[ $leaving =~ ^[123]$ ]] || die "--remove $leaving: not 1, 2 or 3"
need_built vard vardctl vard-bench tests/disk-sync
bench=$build/vard-bench
make_folders
transfer_limit=900 # seconds
load=
trap '[ -z "$load" ] || kill "$load" 2>/dev/null || true; clean_up' EXIT

passed=0
failed=0
count() { # 0 or 1
    if [ "$1" = 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
}

# The addresses for clients, without the one of the member that leaves: in
# `nodes`, and in `control` for vardctl.
leave_out() {
    local all i=0 address
    IFS=, read -ra all <<<"$nodes"
    nodes=
    for address in "${all[@]}"; do
        i=$((i + 1))
        [ "$i" = "$leaving" ] || nodes+=${nodes:+,}$address
    done
    control=("$build/vardctl" --cluster "$nodes" --timeout 20)
}

# The load of one phase, in the background: `load` is its process. It ends
# after so many seconds, or by SIGINT.
load_begin() { # PHASE SECONDS
    "$bench" open --csv --quiet --nodes "$nodes" --op set --connections 50 \
        --rate "$rate" --keys "$keys" --timeout 30 --warmup 1 \
        --seconds "$2" --series "$out/move-$1.csv" \
        >"$data/$1.csv" 2>"$data/$1.err" </dev/null &
    load=$!
}

# Waits for it, and puts its figures into a row of the table.
load_end() { # PHASE
    local phase=$1 status=0
    wait "$load" || status=$?
    load=
    count "$status"
    [ "$status" = 0 ] || cat "$data/$phase.err"
    read_result "$data/$phase.csv" ||
        die "$phase: no result: $(cat "$data/$phase.err")"
    printf '| %s | %.0f | %s | %s | %s | %s | %s | %s |\n' "$phase" \
        "${result[seconds]}" "${result[ops_per_s]}" "${result[p50_us]}" \
        "${result[p99_us]}" "${result[p999_us]}" "${result[max_us]}" \
        "${result[errors]}" | tee -a "$out/move.md"
}

# Adds a member as `vardctl add` says, and starts it.
add_member() {
    local peer text
    free_port && peer=127.0.0.1:$port
    free_port
    text=$("${control[@]}" add "$peer" "127.0.0.1:$port") ||
        die "vardctl add: $text"
    mkdir "$data/new"
    sed -e "s|^dir .*|dir $data/new|" -e '/^bind /d' <<<"$text" \
        >"$data/new.conf"
    say "bind 127.0.0.1" >>"$data/new.conf"
    start "$data/new.log" "$build/vard" "$data/new.conf"
    added=$(sed -n 's/^node-id //p' "$data/new.conf")
}

# Until a member is no learner any more; then how long that took is in `took`.
wait_for_vote() {
    local began=$EPOCHREALTIME i
    for ((i = 0; i < transfer_limit * 5; i++)); do
        if "${control[@]}" members |
            awk -v id="$added" '$1 == id && $2 == "voter" { found = 1 }
                END { exit !found }'; then
            took=$(awk -v a="$began" -v b="$EPOCHREALTIME" \
                'BEGIN { printf "%.1f", b - a }')
            return 0
        fi
        kill -0 "${pids[3]}" 2>/dev/null || break
        sleep 0.2
    done
    "${control[@]}" members >&2 || true
    tail -n 20 "$data/new.log" >&2
    die "node $added does not vote"
}

fill() {
    run_bench setup --keys "$keys" --timeout 60 --connections 64 \
        --pipeline 64 || die "filling: errors"
    print_result "filling"
    sleep "$seconds"
}

{
    environment
    say "work       $keys keys of 128 bytes, $rate SET a second," \
        "50 connections; node $leaving leaves"
} | tee "$out/environment.txt"
start_vard 3
wait_for_writes || die "the cluster does not answer"
bench_timeout=1800 fill
leave_out
say "| phase | s | SET/s | p50 us | p99 us | p99.9 us | longest us |" \
    "errors |" >"$out/move.md"
say "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |" \
    >>"$out/move.md"
cat "$out/move.md"

load_begin before "$seconds"
load_end before
load_begin during "$transfer_limit"
sleep 2
add_member
wait_for_vote
bytes=$(du -sb --exclude='*.log' "$data/new" | cut -f 1)
"${control[@]}" remove "$leaving" >"$data/remove.out" ||
    die "vardctl remove: $(cat "$data/remove.out")"
for ((i = 0; i < 300; i++)); do
    kill -0 "${pids[leaving - 1]}" 2>/dev/null || break
    sleep 0.2
done
kill -0 "${pids[leaving - 1]}" 2>/dev/null && die "node $leaving has not ended"
kill -INT "$load"
load_end during
load_begin after "$seconds"
load_end after
say "node $added voted $took s after it had been added:" \
    "$((bytes / 1000000)) MB in its folder," \
    "$(awk -v b="$bytes" -v t="$took" 'BEGIN { printf "%.0f", b / t / 1e6 }')" \
    "MB/s" | tee "$out/move.txt"
status=0
"${control[@]}" check 300 | tee -a "$out/move.txt" || status=1
count "$status"
say "load at the end $(cut -d' ' -f1-3 /proc/loadavg)" |
    tee -a "$out/environment.txt"
say "bench: $passed passed, $failed failed"
[ "$failed" = 0 ]
