#!/bin/bash
# A local cluster of three nodes, configured by conf/node1.conf to node3.conf;
# data, logs and process ids are in conf/run.
#
#   conf/cluster.sh start    installs and builds what is missing, starts what
#                            is not running, waits until all is well
#   conf/cluster.sh stop     SIGTERM: each node hands over, answers, ends
#   conf/cluster.sh status   shows a table of the nodes
#   conf/cluster.sh wipe     removes conf/run, if no node is running
#
# VARD_BUILD names another build directory than build/.
set -euo pipefail

conf=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$conf")
build=${VARD_BUILD:-$root/build}
run=$conf/run
nodes=(1 2 3)
start_timeout_s=30
stop_timeout_s=20

say() { printf '%s\n' "$*"; }
die() {
    printf 'cluster.sh: %s\n' "$*" >&2
    exit 1
}

# An option of a node, from its file.
option() {
    awk -v name="$2" '$1 == name { print $2; exit }' "$conf/node$1.conf"
}

# The port at which a node listens for the other nodes.
peer_port() {
    awk -v id="$1" '$1 == "node" && $2 == id {
        sub(/.*:/, "", $3); print $3; exit }' "$conf/node$1.conf"
}

# The process id of a node, if it runs. After a crash the file may name another
# process: it has to be a vard, and to have been started with this node's file.
node_pid() {
    local pid exe
    [ -r "$run/node$1.pid" ] || return 1
    read -r pid <"$run/node$1.pid" || return 1
    [[ $pid =~ ^[0-9]+$ ]] || return 1
    exe=$(readlink "/proc/$pid/exe" 2>/dev/null) || return 1
    [[ ${exe% (deleted)} == */vard ]] || return 1
    tr '\0' '\n' <"/proc/$pid/cmdline" 2>/dev/null |
        grep -qxF "$conf/node$1.conf" || return 1
    printf '%s' "$pid"
}

running_count() {
    local id count=0
    for id in "${nodes[@]}"; do
        if node_pid "$id" >/dev/null; then count=$((count + 1)); fi
    done
    printf '%s' "$count"
}

# The process that listens on a port, from ss; empty if there is none.
port_owner() {
    ss -Hltnp "sport = :$1" 2>/dev/null | head -n 1 || true
}

check_port() {
    local owner name
    owner=$(port_owner "$2")
    [ -n "$owner" ] || return 0
    name=$(sed -n 's/.*users:(("\([^"]*\)",pid=\([0-9]*\).*/\1, process \2/p' \
        <<<"$owner")
    die "port $2, which node $1 needs, is in use${name:+ by $name}." \
        "Stop that, or choose another one: option port in conf/node$1.conf," \
        "and the line 'node $1' in all three files."
}

build_programs() {
    "$root/deps/install.sh"
    if [ ! -f "$build/CMakeCache.txt" ]; then
        say "configuring into $build"
        cmake -G Ninja -S "$root" -B "$build" >"$run/build.log" 2>&1 ||
            build_failed
    fi
    say "building (the first time this takes a minute)"
    cmake --build "$build" --target vard vardctl >"$run/build.log" 2>&1 ||
        build_failed
}

build_failed() {
    tail -n 30 "$run/build.log" >&2
    die "the build failed; its whole output is in $run/build.log"
}

# Not as a daemon, so that the process id is known from the beginning; in a
# session of its own, so that Ctrl-C for this script does not reach it.
start_node() {
    local file=$run/node$1
    mkdir -p "$file"
    setsid "$build/vard" "$conf/node$1.conf" --dir "$file" \
        --logfile "$file.log" --pidfile "$file.pid" --daemonize no \
        >"$file.start" 2>&1 </dev/null &
    printf '%s\n' $! >"$file.pid"
    disown
}

# What the node printed when it was started; if that is nothing, the end of its
# log, which may be from an earlier run.
show_failure() {
    local file=$run/node$1.start
    [ -s "$file" ] || file=$run/node$1.log
    tail -n 15 "$file" >&2 2>/dev/null || true
    die "node $1 $2; its log is $run/node$1.log"
}

vardctl() {
    "$build/vardctl" --config "$conf/node1.conf" "$@"
}

# As long as all nodes run, at most for a while.
wait_healthy() {
    local id end=$((SECONDS + start_timeout_s))
    until vardctl wait healthy 1 >/dev/null 2>&1; do
        for id in "${nodes[@]}"; do
            node_pid "$id" >/dev/null || show_failure "$id" "has ended"
        done
        [ $SECONDS -lt $end ] || {
            vardctl status >&2 || true
            die "the cluster is not healthy after ${start_timeout_s} s;" \
                "the logs of the nodes are in $run"
        }
    done
}

start() {
    local id
    mkdir -p "$run"
    if [ "$(running_count)" -eq ${#nodes[@]} ]; then
        [ -x "$build/vardctl" ] || build_programs
        wait_healthy
        say "the cluster is running already."
        say_next
        return
    fi
    build_programs
    for id in "${nodes[@]}"; do
        if ! node_pid "$id" >/dev/null; then
            check_port "$id" "$(option "$id" port)"
            check_port "$id" "$(peer_port "$id")"
        fi
    done
    for id in "${nodes[@]}"; do
        node_pid "$id" >/dev/null || start_node "$id"
    done
    wait_healthy
    say "three nodes are running, and the cluster is healthy."
    say_next
}

say_next() {
    local first second
    first=$(option 1 port)
    second=$(option 2 port)
    cat <<END

Try:
  redis-cli -p $first SET greeting "hello"
  redis-cli -p $second GET greeting
  conf/cluster.sh status
  conf/cluster.sh stop
END
}

stop() {
    local id pid end
    if [ "$(running_count)" -eq 0 ]; then
        say "no node is running."
        return
    fi
    for id in "${nodes[@]}"; do
        if pid=$(node_pid "$id"); then kill -TERM "$pid"; fi
    done
    end=$((SECONDS + stop_timeout_s))
    for id in "${nodes[@]}"; do
        while pid=$(node_pid "$id"); do
            [ $SECONDS -lt $end ] || die "node $id (process $pid) does not" \
                "end; see $run/node$id.log, then: kill -KILL $pid"
            sleep 0.05
        done
        rm -f "$run/node$id.pid"
    done
    say "stopped; the data is in $run."
}

status() {
    [ -x "$build/vardctl" ] || die "not built yet: conf/cluster.sh start"
    vardctl status
}

wipe() {
    [ "$(running_count)" -eq 0 ] ||
        die "nodes are running: conf/cluster.sh stop first"
    rm -rf "$run"
    say "removed $run."
}

case ${1:-} in
start | stop | status | wipe)
    [ $# -eq 1 ] || die "$1 takes no arguments"
    "$1"
    ;;
*)
    sed -n '2,12s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
    [ "${1:-}" = help ] || [ "${1:-}" = --help ] || exit 2
    ;;
esac
