#!/bin/bash
# tests/replace.sh [ROUNDS] [run.tcl options]: tcl/long/replace.tcl, 20 rounds if
# nothing else is said, on the programs in build/.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export ROUNDS=20
if [[ ${1:-} =~ ^[0-9]+$ ]]; then
    ROUNDS=$1
    shift
fi
exec tclsh "$root/tcl/run.tcl" --limit $((ROUNDS * 120 + 60)) "$@" \
    "$root/tcl/long/replace.tcl"
