#!/bin/bash
# Two builds of vard, measured in turn: what a change costs. In each round each
# build runs once: three nodes with default options on this machine, 128-byte
# values, 100,000 keys. The load comes from one vard-bench, that of the first
# build, so that it is the same for both.
#
#   tests/bench/builds.sh --before DIR [--build DIR] [option value ...]
#
#   --before DIR     the build to compare with
#   --build DIR      the build to be judged (build)
#   --rounds N       how often each build has its turn (7; quick: 2)
#   --seconds S      measured time of a run (3; quick: 0.8)
#   --only LIST      of set-256,set-256-p16,get-256,get-256-p16,set-1,get-1
#   --quick          a look, two minutes
#   --data DIR       where the nodes keep their data: a folder on the disk to
#                    be measured (default: TMPDIR, else /tmp)
#   --out DIR        results: builds.csv, builds.md, environment.txt
#                    (default: bench-builds in the build directory)
#
# The ratios (after / before) are of pairs: the two runs of one round, between
# which the machine has changed least; their median is shown. Ends with
# "bench: N passed, N failed": runs without and with errors.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)

# shellcheck source-path=SCRIPTDIR source=stores.sh
. "$here/stores.sh"

read_options "before rounds seconds only" bench-builds "$@"
rounds=$(number_option rounds 7 2)
seconds=$(number_option seconds 3 0.8)
[ -n "${option[before]:-}" ] || die "--before DIR: the build to compare with"
[ -d "${option[before]}" ] || die "--before ${option[before]}: no such folder"
before=$(cd "${option[before]}" && pwd)
after=$build
IFS=, read -ra works \
    <<<"${option[only]:-set-256,set-256-p16,get-256,get-256-p16,set-1,get-1}"
for work in "${works[@]}"; do
    [[ $work =~ ^(set|get)-[1-9][0-9]*(-p[1-9][0-9]*)?$ ]] ||
        die "--only: no work is called $work"
done
for build in "$before" "$after"; do need_built vard; done
[ -x "$before/vard-bench" ] || die "no $before/vard-bench: build first"
bench=$before/vard-bench
build=$after
make_folders
need_built tests/disk-sync
environment | tee "$out/environment.txt"

passed=0
failed=0
csv=$out/builds.csv
say "round,build,work,ops_per_s,cpu_us_per_op,p50_us,p99_us,errors" >"$csv"

# One work of the build whose cluster runs.
measure() { # ROUND NAME WORK
    local op connections pipeline=1
    IFS=- read -r op connections pipeline <<<"$3"
    pipeline=${pipeline#p}
    if run_bench closed --op "$op" --connections "$connections" \
        --pipeline "${pipeline:-1}" --seconds "$seconds" --warmup 0.5; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        return 0
    fi
    print_result "$1 $2 $3"
    say "$1,$2,$3,${result[ops_per_s]},${result[server_cpu_us_per_op]},"\
"${result[p50_us]},${result[p99_us]},${result[errors]}" >>"$csv"
}

one_build() { # ROUND NAME DIRECTORY
    local work
    build=$3
    start_vard 3
    if wait_for_writes && run_bench setup; then
        for work in "${works[@]}"; do measure "$1" "$2" "$work"; done
    else
        failed=$((failed + 1))
    fi
    drop_store
}

# The build that goes first changes from round to round.
for ((round = 1; round <= rounds; round++)); do
    if ((round % 2)); then
        one_build "$round" before "$before"
        one_build "$round" after "$after"
    else
        one_build "$round" after "$after"
        one_build "$round" before "$before"
    fi
done

python3 "$here/builds_report.py" "$csv" | tee "$out/builds.md"
say "bench: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
