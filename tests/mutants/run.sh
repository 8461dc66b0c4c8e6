#!/bin/sh
# run.sh [-c "CONFIG ..."] [-s SECONDS] [PATCH ...]: shows that the explorer
# finds faults that are put into the core. Each patch of core/ is applied to a
# copy of src/, the explorer is built on it and runs the configurations named
# (or those of a line "# configs:" in the patch) until one finds a violation.
# Prints a table; ends with 1 if a mutant survives. Uses one processor.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
configs="X-A X-T X-B X-B2 X-E X-E2 X-L X-L2 walk"
seconds=60
while getopts c:s: opt; do
    case $opt in
    c) configs=$OPTARG ;;
    s) seconds=$OPTARG ;;
    *) exit 2 ;;
    esac
done
shift $((OPTIND - 1))
[ $# -gt 0 ] || set -- "$here"/core/*.patch

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

flags="-std=gnu11 -O2 -fno-strict-aliasing -D_GNU_SOURCE"
flags="$flags $(tr '\n' ' ' <"$root/tests/model/limits.txt")"

# compile DIR SOURCE...: objects into DIR; headers from $work/src first.
compile() {
    dir=$1
    shift
    mkdir -p "$dir"
    for source in "$@"; do
        # shellcheck disable=SC2086
        ${CC:-cc} $flags -I"$work/src" -I"$root/src" -I"$root/tests" \
            -c "$source" -o "$dir/$(basename "$source" .c).o" || return 1
    done
}

mkdir "$work/src"
compile "$work/tool" "$root"/tests/model/*.c "$root/tests/check/check.c" \
    "$root/tests/check/check_message.c" "$root/src/base/alloc.c" \
    "$root/src/base/hash.c"

printf '%-28s %-10s %-6s %10s %7s  %s\n' \
    mutant verdict config states seconds 'killed by'
survivors=0
patches=$*
for patch in $patches; do
    name=$(basename "$patch" .patch)
    rm -rf "$work/src"
    mkdir "$work/src"
    cp -R "$root/src/raft" "$root/src/base" "$work/src/"
    if ! patch -s -d "$work" -p1 <"$patch" >"$work/errors" 2>&1; then
        printf '%-28s does not apply\n' "$name"
        survivors=$((survivors + 1))
        continue
    fi
    rm -rf "$work/core"
    if ! compile "$work/core" "$work"/src/raft/*.c 2>"$work/errors" ||
        ! ${CC:-cc} "$work"/tool/*.o "$work"/core/*.o -lxxhash -lm \
            -o "$work/model" 2>"$work/errors"; then
        printf '%-28s does not compile\n' "$name"
        survivors=$((survivors + 1))
        continue
    fi
    own=$(sed -n 's/^# configs: //p' "$patch")
    verdict=survived
    for config in ${own:-$configs}; do
        status=0
        if [ "$config" = walk ]; then
            set -- X-F --walk 1 --steps 1000000000
        else
            set -- "$config"
        fi
        nice -n 19 "$work/model" "$@" --seconds "$seconds" \
            --memory-mb "${MEMORY_MB:-2048}" --script "$work/script" \
            >"$work/out" 2>&1 || status=$?
        [ "$status" -ne 0 ] || continue
        verdict=broken
        ! grep -q '^VIOLATION' "$work/out" || verdict=killed
        break
    done
    if [ $verdict = survived ] && grep -q '^# unseen: ' "$patch"; then
        verdict=unseen
    elif [ $verdict != killed ]; then
        survivors=$((survivors + 1))
    fi
    line=$(grep -v 'so far' "$work/out" |
        sed -En 's/.*[ :]([0-9]+) (states|steps),.* ([0-9.]+) s, .*/\1 \3/p' |
        head -1)
    by=$(sed -n 's/^VIOLATION: //p' "$work/out")
    # shellcheck disable=SC2086
    set_line="${line:-0 0}"
    printf '%-28s %-10s %-6s %10s %7s  %s\n' "$name" $verdict "$config" \
        ${set_line% *} ${set_line#* } "${by:--}"
    if [ -n "${KEEP:-}" ] && [ $verdict = killed ]; then
        cp "$work/script" "$KEEP/$name.txt"
    fi
done
[ $survivors -eq 0 ]
