#!/bin/bash
# Proofs of the small functions of src/, and small scopes by execution.
#
#   run.sh [--build DIR]        the sample that CI takes
#   run.sh --campaign SECONDS   all functions and canaries without the cache,
#                               as far as two thirds of the time go; then the
#                               scopes, larger and larger in what is left
#
# DIR is an existing build (default: build). Installs nothing. Ends with
# "proof: N passed, N failed", which counts functions proved to the last goal,
# canaries seen, and scopes run through.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
build=$root/build
campaign=0
while [ $# -gt 0 ]; do
    case $1 in
    --build) build=$2 ;;
    --campaign) campaign=$2 ;;
    *)
        sed -n '2,12s/^# \{0,1\}//p' "$0" >&2
        exit 2
        ;;
    esac
    shift 2
done

passed=0
failed=0
report=$(mktemp)
trap 'rm -f "$report"' EXIT

options=(--root "$root" --work "$build/proof")
if [ "$campaign" -gt 0 ]; then
    options+=(--all --partly --within $((campaign * 2 / 3))
        --table "$build/proof/goals.md")
else
    options+=(--cache --within 600)
fi
python3 "$here/prove.py" "${options[@]}" | tee "$report" || true
if [[ $(tail -n 1 "$report") =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
    passed=${BASH_REMATCH[1]}
    failed=${BASH_REMATCH[2]}
else
    failed=1
fi

# scope PROGRAM N: prints one line by itself.
scope() {
    if "$build/tests/$1" "$2"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
    fi
}

# larger PROGRAM N: the same, unless the time ends first.
larger() {
    local left=$((campaign - SECONDS)) status=0
    if [ "$left" -gt 0 ]; then
        timeout "$left" "$build/tests/$1" "$2" || status=$?
    else
        status=124
    fi
    case $status in
    0) passed=$((passed + 1)) ;;
    124) echo "$1 $2: out of time" ;;
    *) failed=$((failed + 1)) ;;
    esac
}

scope scope_quorum 7
scope scope_runs 5
scope scope_resp 5
scope scope_codec 7
if [ "$campaign" -gt 0 ]; then
    larger scope_runs 6
    larger scope_quorum 9
    larger scope_codec 9
    larger scope_resp 6
    larger scope_resp 7
fi

echo "proof: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
