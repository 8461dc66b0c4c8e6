#!/bin/bash
# tests/rolling.sh [ROUNDS] [run.tcl options]: tcl/long/rolling.tcl, 5 rounds if
# nothing else is said, on the programs in build/. BEFORE=DIR: from the programs
# in that directory to those in build/, a rolling upgrade. AFTER=DIR: from those
# in build/ to those in DIR (build/next has the next level).
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export ROUNDS=5
if [[ ${1:-} =~ ^[0-9]+$ ]]; then
    ROUNDS=$1
    shift
fi
exec tclsh "$root/tcl/run.tcl" --limit $((ROUNDS * 120 + 60)) "$@" \
    "$root/tcl/long/rolling.tcl"
