#!/bin/bash
# tests/clients/run.sh [--build DIR] [--campaign SECONDS] [--redis] [--only NAME]
#
# Programs in the languages of real client libraries use every family of
# commands through a follower of three nodes; then the leader is killed while
# they write. Without --campaign once, in a few seconds; with it large
# collections, and one leader after the other, for about that long. --redis: the
# families against one redis-server instead, which shows that the programs
# expect what is right. --only: the libraries whose name has NAME in it. --build:
# an existing build (build/ if nothing is said). Ends with "clients: N passed, N
# failed".
set -euo pipefail

exec python3 "$(dirname "${BASH_SOURCE[0]}")/run.py" "$@"
