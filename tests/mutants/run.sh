#!/bin/bash
# Shows that the tests can fail: each patch puts one fault into src/, and the
# rung that the patch names must find it.
#
#   tests/mutants/run.sh [--build DIR] [--jobs N] [--sample]
#   tests/mutants/run.sh [--build DIR] [--jobs N] --campaign [SECONDS]
#   tests/mutants/run.sh [--build DIR] [--jobs N] PATCH ...
#
# --sample takes the patches marked "# sample", and is the default; --campaign
# takes all (SECONDS are accepted and not needed: it ends by itself).
# --markdown FILE writes the table there as well; --keep DIR keeps the output
# of each mutant, and the explorer's scripts.
#
# DIR (ROOT/build) is a normal build of this tree; it is brought up to date
# and otherwise not touched. A mutant's objects and programs are made in a
# directory of their own: only the sources that the patch changes are compiled,
# and linked with the build's other objects.
#
# Every rung is first run without a fault: one that fails then would kill
# anything. A mutant that survives, a patch that no longer applies or does not
# compile, fails the run.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
build=$root/build
jobs=$(nproc)
choice=sample
markdown=
keep=
patches=()
limit_s=60 # for one rung, unless a patch says "# seconds: N"

die() {
    printf 'tests/mutants/run.sh: %s\n' "$*" >&2
    exit 2
}

parse() {
    while [ $# -gt 0 ]; do
        case $1 in
        --build) build=$(cd "$2" && pwd) && shift ;;
        --jobs) jobs=$2 && shift ;;
        --markdown) markdown=$2 && shift ;;
        --keep) mkdir -p "$2" && keep=$(cd "$2" && pwd) && shift ;;
        --sample) choice=sample ;;
        --campaign)
            choice=all
            if [[ ${2:-} =~ ^[0-9]+$ ]]; then shift; fi
            ;;
        -*)
            sed -n '5,14s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
            exit 2
            ;;
        *)
            [ -f "$1" ] || { echo "$0: no patch $1" >&2 && exit 2; }
            patches+=("$(realpath "$1")")
            choice=given
            ;;
        esac
        shift
    done
}

# Lines "# KEY: value" before the first file of a patch.
header() {
    sed -n "/^---/q; s/^# $2: *//p" "$1"
}

name_of() {
    local path=${1#"$here"/}
    printf '%s' "${path%.patch}"
}

choose() {
    local all=()
    mapfile -t all < <(find "$here" -mindepth 2 -name '*.patch' | sort)
    case $choice in
    all) patches=("${all[@]}") ;;
    sample)
        mapfile -t patches < <(grep -l '^# sample' "${all[@]}")
        ;;
    esac
    [ ${#patches[@]} -gt 0 ] || die "no patches"
}

# The program that a rung runs, as the build names it.
target_of() {
    local kind=$1 what=${2:-}
    case $kind in
    unit) printf 'tests/%s' "${what//\//_}" ;;
    contract) printf 'tests/contract_test_store_contract' ;;
    model | model4) printf 'tests/model/%s' "$kind" ;;
    script) printf 'tests/run_scripts' ;;
    sim) printf 'tests/simulate' ;;
    disk) printf 'tests/disk_driver' ;;
    tcl) printf 'vard' ;;
    ctl) printf 'vardctl' ;;
    *) die "no rung is called '$kind'" ;;
    esac
}

# "PATCH RUNG" for each of the patches' rungs; in a sample for the first.
list_items() {
    local patch
    for patch in "${patches[@]}"; do
        if [ $choice = sample ]; then
            header "$patch" rung | head -n 1
        else
            header "$patch" rung
        fi | sed "s#^#$patch #"
    done
}

# All targets that are needed, their commands, and what includes what.
prepare_build() {
    local patch rung
    [ -f "$build/build.ninja" ] || die "no build in $build"
    grep -qx "CMAKE_HOME_DIRECTORY:INTERNAL=$root" "$build/CMakeCache.txt" ||
        die "$build was not made from $root"
    : >"$work/targets"
    while read -r patch rung; do
        [ -n "$rung" ] || die "$(name_of "$patch") names no rung"
        # shellcheck disable=SC2086
        printf '%s\n' "$(target_of $rung)" >>"$work/targets"
        case $rung in
        disk*) printf '%s\n' tests/disk_power tests/libjournal.so ;;
        tcl* | ctl*)
            printf '%s\n' vard vardctl tests/loadgen \
                tests/hiredis_client tests/disk_spoil
            ;;
        esac >>"$work/targets"
    done <"$work/items"
    sort -u -o "$work/targets" "$work/targets"
    xargs ninja -C "$build" -j "$jobs" --quiet <"$work/targets" \
        >"$work/ninja" 2>&1 || { tail -n 30 "$work/ninja" >&2 && exit 2; }
    cp -R "$root/src" "$work/src"
    mkdir "$work/commands"
    while read -r target; do
        ninja -C "$build" -t commands "$target" \
            >"$work/commands/${target//\//_}"
    done <"$work/targets"
    # "OBJECT HEADER" for each include.
    ninja -C "$build" -t deps | awk '
        /^[^ ].*: #deps/ { sub(":", "", $1); o = $1 }
        /^ .*\.(h|def)$/ { print o, $1 }' >"$work/includes"
}

# objects_of COMMANDS FILE: objects of a target that FILE (src/...) is in.
objects_of() {
    case $2 in
    *.c) sed -n "s#.* -o \([^ ]*\) -c $root/$2\$#\1#p" "$1" ;;
    *)
        awk -v h="$root/$2" '$2 == h { print $1 }' "$work/includes" |
            while read -r object; do
                if grep -q -F -e " -o $object -c " "$1"; then
                    printf '%s\n' "$object"
                fi
            done
        ;;
    esac
}

# make_program DIR TARGET: DIR/src has the fault, DIR/program becomes the
# target with it. Objects stand before the libraries that hold the sound ones.
make_program() {
    local dir=$1 target=$2 commands file object line link own n=0
    commands=$work/commands/${target//\//_}
    link=$(tail -n 1 "$commands")
    link=${link/" -flto -flto=auto "/" "} # most of a minute of a processor
    own=
    while read -r file; do objects_of "$commands" "$file"; done \
        <"$dir/changed" | sort -u >"$dir/objects"
    [ -s "$dir/objects" ] || return 1
    while read -r object; do
        n=$((n + 1))
        line=$(grep -F -e " -o $object -c " "$commands")
        line=${line//"$root/src"/"$dir/src"}
        line=${line/" -o $object "/" -w -o $dir/$n.o "}
        # shellcheck disable=SC2001
        line=$(sed 's/ -MD -MT [^ ]* -MF [^ ]*//' <<<"$line")
        (cd "$build" && eval "$line") || return 1
        case $link in
        *" $object "*) link=${link/" $object "/" $dir/$n.o "} ;;
        *) own="$own $dir/$n.o" ;;
        esac
    done <"$dir/objects"
    link=${link/" -o $target "/"$own -o $dir/program "}
    (cd "$build" && eval "$link")
}

# limited SECONDS COMMAND ...: so much of a processor, three times that by the
# clock, so that a busy machine does not decide.
limited() {
    local seconds=$1
    shift
    (
        ulimit -c 0 -t "$seconds"
        exec timeout $((3 * seconds)) "$@"
    )
}

# run_rung PROGRAM OUT SECONDS KIND ARGUMENTS...: what the rung says of it.
run_rung() {
    local program=$1 out=$2 seconds=$3 kind=$4 scripts=()
    shift 4
    case $kind in
    unit | contract) limited "$seconds" stdbuf -o0 "$program" ;;
    sim) limited "$seconds" "$program" --seeds "$1" --no-shrink "${@:2}" ;;
    model | model4)
        limited $((seconds + 20)) "$program" "$@" --seconds "$seconds" \
            --memory-mb 1024 --script "$out.script"
        ;;
    script)
        scripts=("${@/#/$root/tests/script/}")
        limited "$seconds" "$program" "${scripts[@]/%/.txt}"
        ;;
    disk)
        limited "$seconds" "$build/tests/disk_power" --driver "$program" \
            --journal "$build/tests/libjournal.so" --work "$out.disk" \
            --seed 3 --lives 1 --steps 200 --points 180 "$@"
        ;;
    tcl) run_tcl vard "$program" "$out" "$seconds" "$@" ;;
    ctl) run_tcl vardctl "$program" "$out" "$seconds" "$@" ;;
    esac >"$out" 2>&1
}

# The Tcl tests want a whole build: ours, with one program exchanged.
run_tcl() {
    local name=$1 program=$2 dir=$3.build seconds=$4 file=$5
    shift 5
    rm -rf "$dir"
    mkdir "$dir"
    ln -s "$build/tests" "$build/vard" "$build/vardctl" "$dir/"
    rm "$dir/$name"
    cp "$program" "$dir/$name"
    TMPDIR=$work limited "$seconds" tclsh "$root/tcl/run.tcl" \
        --build "$dir" --only "$*" "$file"
}

# The line that says what has failed: reason OUT KIND ...
reason() {
    local line=
    case $2 in
    unit | contract) line=$(awk '
        /^\[ RUN / { sub(/^\[ RUN *\] /, ""); test = $0 ": "; next }
        /assertion|Sanitizer|^\[  ERROR   \] --- ./ {
            sub(/^\[  ERROR   \] --- /, ""); print test $0; exit }
        /^\[   LINE   \]/ { sub(/.*\//, ""); print test $0; exit }' "$1") ;;
    sim) line=$(awk '/^seed .* FAILED/ {
            seed = $2; getline; sub(/^ */, "")
            print "seed " seed ": " $0; exit }' "$1") ;;
    model | model4) line=$(sed -n 's/^VIOLATION: //p' "$1" | head -n 1) ;;
    script) line=$(sed -n 's/^# .*\/\([^/]*:[0-9]*: >\)/\1/p' "$1" |
        head -n 1) ;;
    disk) line=$(sed -n '/^seed [0-9]*, after/ { p; q; }' "$1") ;;
    tcl | ctl) line=$(sed -n '/^\[err\]/ { n; s/^ *//; p; q; }' "$1") ;;
    esac
    [ -n "$line" ] || line=$(grep -v -E '^ *$' "$1" | tail -n 1)
    printf '%s' "${line//"$work"\/mutant[0-9]*\/}" | tr '|\t' '/ ' |
        cut -c1-110
}

# A search that ends badly without a finding has not found the fault.
said_why() {
    case $2 in
    sim) grep -q '^seed .* FAILED' "$1" ;;
    model | model4) grep -q '^VIOLATION' "$1" ;;
    disk) grep -q ' [1-9][0-9]* failed$' "$1" ;;
    tcl | ctl) grep -q '^\[err\]' "$1" ;;
    esac
}

# result NAME VERDICT RUNG SECONDS REASON
result() {
    printf '%s\t%s\t%s\t%s\t%s\n' "$@" >"$work/results/${1//\//_}.$BASHPID"
    printf '%-36s %-9s %-28.28s %5s  %s\n' "$@"
}

elapsed() {
    awk -v a="$1" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }'
}

try_mutant() {
    local patch=$1 rung=$2 dir=$3 seconds target begin status=0 verdict
    local name
    name=$(name_of "$patch")
    seconds=$(header "$patch" seconds)
    mkdir -p "$dir"
    cp -R "$work/src" "$dir/src"
    sed -n 's#^+++ b/##p' "$patch" >"$dir/changed"
    if ! patch -s -d "$dir" -p1 --no-backup-if-mismatch <"$patch" \
        >"$dir/out" 2>&1; then
        result "$name" stale "$rung" 0 "the patch does not apply"
        return
    fi
    # shellcheck disable=SC2086
    target=$(target_of $rung)
    if ! make_program "$dir" "$target" >"$dir/out" 2>&1; then
        result "$name" broken "$rung" 0 \
            "$(grep -m 1 'error' "$dir/out" || echo "is not in $target")"
        return
    fi
    begin=$EPOCHREALTIME
    # shellcheck disable=SC2086
    run_rung "$dir/program" "$dir/out" "${seconds:-$limit_s}" $rung ||
        status=$?
    case $status in
    0) verdict=SURVIVED ;;
    124 | 137 | 152) # a test without end has failed, a search found nothing
        case $rung in
        sim* | model*) verdict=SURVIVED ;;
        *) verdict=hangs ;;
        esac
        ;;
    *)
        verdict=killed
        # shellcheck disable=SC2086
        said_why "$dir/out" $rung || verdict=broken
        ;;
    esac
    # shellcheck disable=SC2086
    result "$name" $verdict "$rung" "$(elapsed "$begin")" \
        "$([ $status -eq 0 ] || reason "$dir/out" $rung)"
    if [ -n "$keep" ]; then
        cp "$dir/out" "$keep/${name//\//_}.out"
        [ ! -f "$dir/out.script" ] ||
            cp "$dir/out.script" "$keep/${name//\//_}.txt"
    fi
    rm -rf "$dir"
}

# The same rung without a fault must say nothing. The explorer gets a few
# seconds: in all of its states it is run elsewhere.
try_rung() {
    local rung=$1 out=$2 seconds=$limit_s begin=$EPOCHREALTIME verdict=sound
    local target why=
    # shellcheck disable=SC2086
    target=$(target_of $rung)
    case $rung in model*) seconds=5 ;; esac
    # shellcheck disable=SC2086
    if ! run_rung "$build/$target" "$out" $seconds $rung; then
        verdict=FALSE
        # shellcheck disable=SC2086
        why=$(reason "$out" $rung)
        [ -z "$keep" ] || cp "$out" "$keep/no-fault-$3.out"
    fi
    result "(no fault) $3" $verdict "$rung" "$(elapsed "$begin")" \
        "$why"
}

# At most `jobs` of them at a time.
spawn() {
    while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do wait -n || true; done
    "$@" &
}

run_all() {
    local patch rung n=0
    mkdir "$work/results"
    cut -d ' ' -f 2- "$work/items" | sort -u >"$work/rungs"
    while read -r rung; do
        n=$((n + 1))
        spawn try_rung "$rung" "$work/rung$n" $n
    done <"$work/rungs"
    while read -r patch rung; do
        n=$((n + 1))
        spawn try_mutant "$patch" "$rung" "$work/mutant$n"
    done <"$work/items"
    wait
}

summary() {
    local good all
    if [ -n "$markdown" ]; then
        {
            printf '| mutant | verdict | rung | seconds | killed by |\n'
            printf '| --- | --- | --- | --- | --- |\n'
            cat "$work"/results/* | grep -v '^(no fault)' | sort |
                awk -F '\t' '{ printf "| %s | %s | %s | %s | %s |\n",
                    $1, $2, $3, $4, $5 }'
        } >"$markdown"
    fi
    all=$(cat "$work/items" "$work/rungs" | wc -l)
    good=$(cat "$work"/results/* | cut -f 2 |
        grep -c -x -e killed -e hangs -e sound || true)
    printf 'mutants: %d passed, %d failed\n' "$good" $((all - good))
    [ "$good" -eq "$all" ]
}

parse "$@"
choose
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
list_items >"$work/items"
prepare_build
printf '%-36s %-9s %-28.28s %5s  %s\n' mutant verdict rung s 'killed by'
run_all
summary
