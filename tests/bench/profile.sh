#!/bin/bash
# Where the processor's time of a SET goes: three nodes with default options on
# this machine, 256 connections over all of them, perf on each thread.
#
#   tests/bench/profile.sh [--quick] [option value ...]
#
#   --quick          a few seconds
#   --seconds S      measured (9; quick: 2)
#   --pipeline LIST  requests at once on each connection, in turn (1,16)
#   --keys N         of 128 bytes (100000; quick: 10000)
#   --build DIR      an existing build (build)
#   --data DIR       where the nodes keep their data: a folder on the disk to
#                    be measured (default: TMPDIR, else /tmp)
#   --out DIR        results: profile.md, environment.txt, profile-pN.data for
#                    `perf report` (default: bench-profile in the build)
#
# Needs perf, and the right to look at the kernel's part (root). What it starts
# it ends, by pid; its data folders go away.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)

# shellcheck source-path=SCRIPTDIR source=stores.sh
. "$here/stores.sh"

read_options "seconds pipeline keys" bench-profile "$@"
seconds=$(number_option seconds 9 2)
keys=$(number_option keys 100000 10000)
IFS=, read -ra depths <<<"${option[pipeline]:-1,16}"
for depth in "${depths[@]}"; do
    [[ $depth =~ ^[1-9][0-9]*$ ]] || die "--pipeline $depth: not a number"
done
command -v perf >/dev/null || die "no perf: deps/install.sh --bench"
command -v redis-cli >/dev/null || die "no redis-cli: deps/install.sh"
need_built vard vard-bench tests/disk-sync
bench=$build/vard-bench
warmup=2
make_folders

# PID ROLE of each node.
roles() {
    local i ports
    IFS=, read -ra ports <<<"$nodes"
    for i in "${!pids[@]}"; do
        say "${pids[i]} $(redis-cli -p "${ports[i]##*:}" info raft |
            tr -d '\r' | sed -n 's/^raft_role://p')"
    done
}

profile() { # PIPELINE
    local file=$out/profile-p$1.data status=0 recorder
    start_vard 3
    wait_for_writes || die "the cluster does not answer"
    run_bench setup --keys "$keys" || die "setup failed"
    roles >"$data/roles"
    (sleep "$warmup" && exec perf record --quiet -e cpu-clock -F 999 \
        --output "$file" --pid "$(IFS=, && printf '%s' "${pids[*]}")" \
        -- sleep "$seconds") 2>"$data/perf.err" &
    recorder=$!
    run_bench closed --op set --connections 256 --pipeline "$1" --keys "$keys" \
        --warmup "$warmup" --seconds "$seconds" || status=$?
    wait "$recorder" || {
        cat "$data/perf.err"
        die "perf record failed"
    }
    [ "$status" = 0 ] || die "errors"
    print_result "set-256-p$1"
    [ "$(roles)" = "$(cat "$data/roles")" ] ||
        die "another node leads now: run it again"
    perf report --input "$file" --no-children --sort pid,comm,dso \
        --field-separator '|' 2>/dev/null >"$data/report"
    python3 "$here/profile_report.py" "$data/report" "$data/roles" \
        "set-256-p$1" "${result[ops_per_s]}" \
        "${result[server_cpu_us_per_op]}" >>"$out/profile.md"
    drop_store
}

environment | tee "$out/environment.txt"
: >"$out/profile.md"
for depth in "${depths[@]}"; do profile "$depth"; done
cat "$out/profile.md"
say "load at the end $(cut -d' ' -f1-3 /proc/loadavg)" |
    tee -a "$out/environment.txt"
say "results are in $out"
