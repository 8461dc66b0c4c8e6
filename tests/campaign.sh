#!/bin/bash
# The long version of one rung of the ladder.
#
#   tests/campaign.sh RUNG [HOURS]
#
# RUNG is a folder of tests/ with a run.sh that knows --campaign: without a
# RUNG they are listed. HOURS may be a fraction; 1 if not given. Prints what
# belongs into tests/RESULTS.md, with the commit and the machine first.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

die() {
    printf 'tests/campaign.sh: %s\n' "$*" >&2
    exit 2
}

rungs() {
    local script
    for script in tests/*/run.sh; do
        if grep -q -e '--campaign' "$script"; then
            basename "$(dirname "$script")"
        fi
    done
}

if [ $# -lt 1 ] || [ $# -gt 2 ]; then
    sed -n '4,8s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
    printf 'Rungs: %s\n' "$(rungs | tr '\n' ' ')"
    exit 2
fi
rung=$1
hours=${2:-1}
rungs | grep -qx -e "$rung" ||
    die "no rung '$rung'; there are: $(rungs | tr '\n' ' ')"
[[ $hours =~ ^[0-9]+(\.[0-9]+)?$ ]] ||
    die "'$hours' is not a number of hours, such as 2 or 0.5"
seconds=$(awk -v h="$hours" 'BEGIN { printf "%d", h * 3600 }')
[ "$seconds" -gt 0 ] || die "$hours hours are less than a second"

deps/install.sh --tests
mkdir -p build
cmake -G Ninja -S . -B build -DVARD_TESTS=ON >build.log 2>&1 ||
    { tail -n 30 build.log >&2; exit 1; }
ninja -C build --quiet

changed=
[ -z "$(git status --porcelain 2>/dev/null)" ] || changed=' and changes'
printf 'campaign %s, %s s, commit %s%s, %s, %s processors\n' "$rung" \
    "$seconds" "$(git rev-parse --short HEAD 2>/dev/null || echo unknown)" \
    "$changed" "$(date -u +%F)" "$(nproc)"
exec "tests/$rung/run.sh" --build "$root/build" --campaign "$seconds"
