#!/bin/bash
# All that is measured, one after the other, at one commit: about 40 minutes on
# an otherwise idle machine.
#
#   tests/bench/all.sh [--quick] [--build DIR] [--data DIR] [--out DIR]
#
#   --quick          about six minutes
#   --build, --data  as of the programs below
#   --out DIR        a folder for each (default: bench-all in the build)
#
# profile.sh, compare.sh, scaling.sh, endurance.sh, then tests/failover.sh with
# kill -9 and SIGSTOP of the leader. What each printed stays in its folder, in
# log.txt. Ends with "bench: N passed, N failed": of the programs.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)

# shellcheck source-path=SCRIPTDIR source=stores.sh
. "$here/stores.sh"

read_options "" bench-all "$@"
mkdir -p "$out"
out=$(cd "$out" && pwd)
common=(--build "$build")
[ -z "${option[data]:-}" ] || common+=(--data "${option[data]}")
kills=20 stops=12
if [ "$quick" = yes ]; then
    common+=(--quick)
    kills=3 stops=2
fi
passed=0
failed=0

measure() { # NAME COMMAND ...
    local name=$1
    shift
    mkdir -p "$out/$name"
    say "$(date -u +%H:%M) $name"
    if "$@" >"$out/$name/log.txt" 2>&1; then
        passed=$((passed + 1))
    else
        say "  failed: $out/$name/log.txt"
        failed=$((failed + 1))
    fi
    tail -n 2 "$out/$name/log.txt" | sed 's/^/  /'
}

for name in profile compare scaling endurance; do
    measure "$name" "$here/$name.sh" "${common[@]}" --out "$out/$name"
done
measure failover-kill "$root/tests/failover.sh" "$kills" --build "$build"
measure failover-stop env SIGNAL=STOP "$root/tests/failover.sh" "$stops" \
    --build "$build"
say "$(date -u +%H:%M) results are in $out"
say "bench: $passed passed, $failed failed"
[ "$failed" = 0 ]
