#!/bin/bash
# tests/failover.sh [ROUNDS] [run.tcl options]: tcl/long/failover.tcl, 20 rounds if
# nothing else is said, on the programs in build/. SIGNAL=STOP: the leader is
# paused, not killed.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export ROUNDS=20
if [[ ${1:-} =~ ^[0-9]+$ ]]; then
    ROUNDS=$1
    shift
fi
exec tclsh "$root/tcl/run.tcl" --limit $((ROUNDS * 60 + 60)) "$@" \
    "$root/tcl/long/failover.tcl"
