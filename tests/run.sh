#!/bin/bash
# Installs what is missing, builds, runs all tests. As root, or with sudo for
# what deps/install.sh installs.
#
#   tests/run.sh [PART ...]
#
# Parts: units      unit tests, normal and sanitized
#        scripts    interaction scripts of the Raft core, both builds
#        contract   the contract of the stores, both builds
#        tidy       rules for the tree; that they and the runners can fail
#        model      the explorer: what can be exhausted in a few minutes
#        sim        the simulator: some hundred seeds, and its repeatability
#        mutants    a sample of faults put into the code; each must be found
#        mechanical a sample of small changes to the core; the same
#        proof      Frama-C: functions proved, small scopes executed
#        fuzz       the corpora, some seconds of each fuzzer, redis-server
#        disk       power cuts, damaged files, failing calls
#        trace      real processes, judged step by step
#        chaos      real processes on broken networks, judged by histories
#        tcl        real processes: what users and operators see
#        clients    real processes, used by client libraries of six kinds
# Without a part: all of them, in that order. Each prints a line
# "NAME: N passed, N failed"; the exit status is 0 if nothing failed.
#
# build/ is the normal build with gcc, build-asan/ the one with clang and
# AddressSanitizer and UndefinedBehaviorSanitizer.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
normal=$root/build
sanitized=$root/build-asan
jobs=$(nproc)
results=()
failures=0
failed_lines=() # what runners have said of what failed, to be said again
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0:strict_string_checks=1
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1

say() { printf '%s\n' "$*"; }

# One line of the summary. A part that ran nothing has failed: a test that
# cannot fail is a defect.
result() {
    local bad=$3
    if [ $(($2 + $3)) -eq 0 ]; then bad=1; fi
    results+=("$1: $2 passed, $bad failed")
    failures=$((failures + bad))
    say "$1: $2 passed, $bad failed"
}

# The lines of a runner that failed which say what: its output may be long, and
# the end of a run is what is read, or kept.
remember() {
    local line
    failed_lines+=("--- what failed in $1")
    while IFS= read -r line; do
        failed_lines+=("${line:0:400}")
    done < <(grep -a -i -E \
        'fail|not ok|error|wrong|crash|stuck|stopped|not caught|survived' "$2" |
        grep -a -v -E '(^| )0 failed|^\[ok\]|^ok ' | tail -n 40)
}

configure() {
    cmake -G Ninja -S "$root" -B "$1" -DVARD_TESTS=ON "${@:2}" >"$1.log" 2>&1 ||
        {
            tail -n 30 "$1.log" >&2
            return 1
        }
}

build_normal() {
    CC=gcc configure "$normal" && ninja -C "$normal" -j "$jobs" --quiet
}

build_sanitized() {
    CC=clang configure "$sanitized" -DVARD_SANITIZE=address,undefined &&
        ninja -C "$sanitized" -j "$jobs" --quiet unit_tests run_scripts
}

# Runs a build once; a build that fails is a failure of its own, and what
# needs it is not run.
declare -A built=()
need() {
    if [ -z "${built[$1]:-}" ]; then
        say "--- build: $1"
        if "build_$1"; then
            built[$1]=good
        else
            built[$1]=bad
            result "build-$1" 0 1
        fi
    fi
    [ "${built[$1]}" = good ]
}

# run_ctest NAME DIRECTORY FILTER...: counts from ctest's own report.
run_ctest() {
    local name=$1 dir=$2 report total failed
    report=$(mktemp)
    (cd "$dir" && ctest -j "$jobs" --timeout 300 --output-on-failure \
        "${@:3}") >"$report" 2>&1 || true
    grep -v -E '^(Test project| *Start |.* Passed )' "$report" || true
    # "97% tests passed, 1 tests failed out of 35"
    total=$(sed -n 's/.*tests failed out of \([0-9]*\).*/\1/p' "$report")
    failed=$(sed -n 's/.*passed, \([0-9]*\) tests failed.*/\1/p' "$report")
    total=${total:-0}
    [ "${failed:-0}" -eq 0 ] || remember "$name" "$report"
    rm -f "$report"
    result "$name" $((total - ${failed:-0})) "${failed:-0}"
}

# Tests of both builds: both NAME FILTER...
both() {
    say "--- $1"
    if need normal; then run_ctest "$1" "$normal" "${@:2}"; fi
    if need sanitized; then run_ctest "$1-asan" "$sanitized" "${@:2}"; fi
}

# What takes long is sampled in the normal build only; test_lin_speed measures.
run_units() {
    local slow='script$|contract/|model/|sim/'
    say "--- units"
    if need normal; then run_ctest units "$normal" -E "^($slow)"; fi
    if need sanitized; then
        run_ctest units-asan "$sanitized" -E "^($slow|check/test_lin_speed)"
    fi
}

# rung NAME COMMAND...: a runner that ends with "name: N passed, N failed".
rung() {
    local report
    need normal || return 0
    report=$(mktemp)
    say "--- $1"
    "${@:2}" | tee "$report" | sed '$d' || true
    take_counts "$1" "$report"
    rm -f "$report"
}

run_model() { rung model tests/model/run.sh --build "$normal"; }
run_sim() { rung sim tests/sim/run.sh --build "$normal"; }
run_mutants() { rung mutants tests/mutants/run.sh --build "$normal"; }
run_proof() { rung proof tests/proof/run.sh --build "$normal"; }
run_fuzz() { rung fuzz tests/fuzz/run.sh --build "$normal"; }
run_disk() { rung disk tests/disk/run.sh --build "$normal"; }
run_trace() { rung trace tests/trace/run.sh --build "$normal"; }
run_clients() { rung clients tests/clients/run.sh --build "$normal"; }
run_chaos() { rung chaos tests/chaos/run.sh --build "$normal"; }
# Files of the Tcl tests wait more than they work.
run_tcl() {
    rung tcl tclsh tcl/run.tcl --build "$normal" --jobs $((jobs + 1))
}

# The core alone: the codec has survivors that are not argued yet.
run_mechanical() {
    rung mechanical tests/mutants/mechanical.py --sample 40 --seed 1 \
        --only raft --jobs "$jobs"
}

# run_scripts_of NAME DIRECTORY: the runner prints TAP.
run_scripts_of() {
    local report good bad scripts
    report=$(mktemp)
    mapfile -t scripts < <(find tests/script -name '*.txt' \
        ! -name CMakeLists.txt | sort)
    "$2/tests/run_scripts" "${scripts[@]}" >"$report" 2>&1 || true
    grep -v -E '^(ok |1\.\.)' "$report" || true
    good=$(grep -c '^ok ' "$report" || true)
    bad=$(grep -c '^not ok ' "$report" || true)
    # A runner that ended before its last script says so by its plan.
    if ! grep -qx "1\.\.$((good + bad))" "$report"; then bad=$((bad + 1)); fi
    [ "$bad" -eq 0 ] || remember "$1" "$report"
    rm -f "$report"
    result "$1" "$good" "$bad"
}

run_scripts() {
    say "--- scripts"
    if need normal; then run_scripts_of scripts "$normal"; fi
    if need sanitized; then run_scripts_of scripts-asan "$sanitized"; fi
}

run_contract() {
    both contract -R '^contract/'
}

# Takes the counts from the last line of a runner, "name: N passed, N failed".
take_counts() {
    local line
    line=$(tail -n 1 "$2")
    if [[ $line =~ ([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
        result "$1" "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}"
        [[ $line = *\ 0\ failed ]] || remember "$1" "$2"
    else
        result "$1" 0 1
        remember "$1" "$2"
    fi
}

run_tidy() {
    rung tidy python3 tests/tidy/tidy.py --build "$normal"
    rung tidy-selftest tests/tidy/selftest.sh
    rung runners-selftest tests/selftest.sh --build "$normal"
}

main() {
    local part started=$SECONDS line
    for part in "$@"; do
        declare -F "run_$part" >/dev/null || {
            sed -n '2,29s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
            exit 2
        }
    done
    [ $# -gt 0 ] || set -- units scripts contract tidy model sim mutants \
        mechanical proof fuzz disk trace chaos tcl clients
    deps/install.sh --tests
    for part in "$@"; do
        line=$SECONDS
        "run_$part"
        say "$part took $((SECONDS - line)) s"
    done
    say ""
    for line in "${failed_lines[@]}"; do say "$line"; done
    say "=== $((SECONDS - started)) s in total"
    for line in "${results[@]}"; do say "$line"; done
    [ "$failures" -eq 0 ]
}

# tests/selftest.sh takes the functions alone.
[ "${BASH_SOURCE[0]}" != "$0" ] || main "$@"
