# Sourced by the programs beside it: starts stores on free ports of this
# machine, runs a load, reads its result; ends everything by pid.
#
# The caller sets `root`, and `bench` (the load generator); the functions set
# `quick`, `option`, `build`, `out`, `data` (where the stores are), `pids`,
# `nodes` (for --nodes) and `result`. Any of them may end the program by `die`;
# what was started is gone then, too.
# shellcheck shell=bash disable=SC2154

# shellcheck disable=SC2034 # used by the callers
declare -A result=() option=()
quick=no
pids=()
nodes=
# shellcheck disable=SC2034
vard_lines=() # more lines for the configuration of each node
data=
taken_ports=" "

say() { printf '%s\n' "$*"; }
die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 2
}
# The comment that opens the program.
show_help() { sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"; }

# Reads --NAME VALUE into option[NAME] for each of NAMES, and what all programs
# here know: --quick, --build, --data, --out (in the build, if not given).
read_options() { # "NAME ..." OUT ARGUMENT ...
    local names=" $1 build data out " out_name=$2 name
    shift 2
    while [ $# -gt 0 ]; do
        name=${1#--}
        case $1 in
        --quick)
            quick=yes
            shift
            continue
            ;;
        -h | --help)
            show_help
            exit 0
            ;;
        esac
        [[ $1 == --* && $names == *" $name "* ]] ||
            die "unknown option $1 (try --help)"
        [ $# -ge 2 ] || die "$1 takes a value (try --help)"
        option[$name]=$2
        shift 2
    done
    build=${option[build]:-$root/build}
    [ -d "$build" ] || die "no $build: conf/cluster.sh start builds, or --build"
    build=$(cd "$build" && pwd)
    out=${option[out]:-$build/$out_name}
}
# The value of an option: a number above 0, of seconds or minutes a fraction as
# well.
number_option() { # NAME USUAL QUICK
    local value=$2 form='^[0-9]+$'
    [ "$quick" = no ] || value=$3
    value=${option[$1]:-$value}
    case $1 in seconds | minutes) form='^[0-9]+(\.[0-9]+)?$' ;; esac
    [[ $value =~ $form && $value =~ [1-9] ]] ||
        die "--$1 $value: not a number above 0"
    say "$value"
}

need_built() { # PROGRAM ...
    local program
    for program in "$@"; do
        [ -x "$build/$program" ] || die "no $build/$program: build first"
    done
}

# ---- processes -----------------------------------------------------------

# SIGTERM, and SIGKILL for what has not gone after ten seconds.
stop_servers() {
    local pid i
    [ ${#pids[@]} -gt 0 ] || return 0
    for pid in "${pids[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
    for pid in "${pids[@]}"; do
        for ((i = 0; i < 100; i++)); do
            kill -0 "$pid" 2>/dev/null || break
            sleep 0.1
        done
        kill -KILL "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    pids=()
}
# Ends the store and drops its data.
drop_store() {
    stop_servers
    rm -rf "${data:?}"/*
}
clean_up() {
    stop_servers
    rm -rf "$data"
}
make_folders() {
    mkdir -p "$out"
    out=$(cd "$out" && pwd)
    data=$(mktemp -d "${option[data]:-${TMPDIR:-/tmp}}/vard-bench.XXXXXX")
    trap clean_up EXIT
    trap 'exit 130' INT TERM
}

# Sets `port`: nobody listens there, and it was not given before.
free_port() {
    while true; do
        port=$((20000 + RANDOM % 12000))
        [[ $taken_ports != *" $port "* ]] || continue
        if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then break; fi
    done
    taken_ports+="$port "
}

start() { # LOG COMMAND ...
    local log=$1
    shift
    "$@" >"$log" 2>&1 </dev/null &
    pids+=($!)
}

start_redis() { # always | everysec
    local port
    free_port
    nodes=127.0.0.1:$port
    mkdir "$data/1"
    start "$data/1.log" redis-server --port "$port" --bind 127.0.0.1 \
        --dir "$data/1" --save "" --appendonly yes --appendfsync "$1"
}

# A cluster with default options; node N keeps its data in $data/N.
start_vard() { # NODES
    local id port lines="" ports=()
    nodes=
    for ((id = 1; id <= $1; id++)); do
        free_port && lines+="node $id 127.0.0.1:$port"
        free_port && lines+=" 127.0.0.1:$port"$'\n'
        nodes+=${nodes:+,}127.0.0.1:$port
        ports[id]=$port
    done
    for ((id = 1; id <= $1; id++)); do
        mkdir "$data/$id"
        printf '%s' "$lines" >"$data/$id.conf"
        printf '%s\n' "node-id $id" "port ${ports[id]}" "bind 127.0.0.1" \
            "dir $data/$id" "${vard_lines[@]}" >>"$data/$id.conf"
        start "$data/$id.log" "$build/vard" "$data/$id.conf"
    done
}

# Until writes succeed through all nodes; false after a minute or two.
wait_for_writes() {
    local i count
    count=$(tr -dc , <<<"$nodes" | wc -c)
    for ((i = 0; i < 100; i++)); do
        sleep 0.2
        if timeout 20 "$bench" closed --quiet --nodes "$nodes" --count 30 \
            --connections $((count + 1)) --prefix probe: --timeout 5 \
            >/dev/null 2>&1; then
            return 0
        fi
    done
    tail -n 25 "$data"/*.log >&2 || true
    return 1
}

# ---- runs ----------------------------------------------------------------

# One load, measured: fills `result` by the names of the CSV's columns, which
# stays in $data/run.csv. 0 good; 1 with errors; 2 there is no result. What
# went wrong is printed.
run_bench() { # setup|closed|open ARGUMENT ...
    local status=0 pid_list
    pid_list=$(IFS=, && printf '%s' "${pids[*]}")
    timeout "${bench_timeout:-180}" "$bench" "$@" --csv --quiet \
        --nodes "$nodes" --pids "$pid_list" </dev/null \
        >"$data/run.csv" 2>"$data/run.err" || status=$?
    [ "$status" = 0 ] || cat "$data/run.err"
    if ! read_result "$data/run.csv"; then
        say "  no result, status $status"
        return 2
    fi
    [ "$status" = 0 ] || return 1
}
# Fills `result` from what the load generator wrote; false if that is nothing.
read_result() { # FILE
    local names values i
    mapfile -t values <"$1"
    [ ${#values[@]} = 2 ] || return 1
    IFS=, read -ra names <<<"${values[0]}"
    IFS=, read -ra values <<<"${values[1]}"
    result=()
    for i in "${!names[@]}"; do result[${names[i]}]=${values[i]}; done
}

print_result() { # NAME
    printf '  %-26s %9.0f/s  p50 %7d  p99 %7d us  CPU %7.2f us/op  errors %d\n' \
        "$1" "${result[ops_per_s]}" "${result[p50_us]}" "${result[p99_us]}" \
        "${result[server_cpu_us_per_op]}" "${result[errors]}"
}

# What the figures depend on, but for the work itself.
environment() {
    say "date       $(date -u +%Y-%m-%dT%H:%MZ)"
    say "commit     $(git -C "$root" rev-parse --short HEAD 2>/dev/null ||
        say unknown)$(git -C "$root" diff --quiet HEAD 2>/dev/null ||
        say ', with changes')"
    say "processor  $(nproc) x $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo |
        head -n 1)"
    say "kernel     $(uname -sr)"
    say "data on    $(stat -f -c %T "$data")"
    say "fdatasync  $("$build/tests/disk-sync" "$data" 2)"
    say "load       $(cut -d' ' -f1-3 /proc/loadavg)"
    case $(stat -f -c %T "$data") in
    tmpfs | ramfs)
        say "WARNING    this is memory, durability costs nothing: --data"
        ;;
    esac
}
