#!/bin/bash
# Installs the Debian 12 packages that vard needs, by name, and only those
# that are missing. With everything in place it asks dpkg once and ends.
#
#   deps/install.sh           what building and running need
#   deps/install.sh --tests   what the tests need as well
#   deps/install.sh --bench   what tests/bench compares with and draws with
#   deps/install.sh --list    prints the names, installs nothing
set -euo pipefail

build_packages=(
    gcc libc6-dev cmake ninja-build pkg-config
    librocksdb-dev libev-dev libhiredis-dev libssl-dev libxxhash-dev
    liblz4-dev libzstd-dev liblzf-dev libsystemd-dev libcmocka-dev
    redis-tools procps iproute2
)
test_packages=(
    clang clang-format libclang-rt-14-dev binutils python3
    tcl redis-server python3-redis git patch
    frama-c-base why3 z3 cvc4
    php-cli php-redis ruby-redis libredis-perl nodejs node-redis
)
bench_packages=(
    etcd-server redis-server libnghttp2-dev gnuplot-nox python3 linux-perf tcl
)

say() { printf '%s\n' "$*"; }
die() {
    printf 'deps/install.sh: %s\n' "$*" >&2
    exit 1
}

packages=("${build_packages[@]}")
list=no
for arg in "$@"; do
    case $arg in
    --tests) packages+=("${test_packages[@]}") ;;
    --bench) packages+=("${bench_packages[@]}") ;;
    --list) list=yes ;;
    -h | --help)
        sed -n '2,8s/^# \{0,1\}//p' "$0"
        exit 0
        ;;
    *) die "unknown argument '$arg' (known: --tests, --bench, --list)" ;;
    esac
done
if [ "$list" = yes ]; then
    printf '%s\n' "${packages[@]}"
    exit 0
fi

by_hand="Install by hand what 'deps/install.sh --list' names."
command -v dpkg-query >/dev/null && command -v apt-get >/dev/null ||
    die "this is not a Debian system (no dpkg or apt-get). $by_hand"

# Names of those packages that are not installed.
missing_packages() {
    local have
    have=$(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' \
        "${packages[@]}" 2>/dev/null || true)
    local p
    for p in "${packages[@]}"; do
        grep -qx "ii  $p" <<<"$have" || printf '%s\n' "$p"
    done
}

mapfile -t missing < <(missing_packages)
if [ ${#missing[@]} -eq 0 ]; then
    exit 0
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null ||
        die "missing: ${missing[*]}. Run this as root, or install sudo."
    as_root=(sudo)
fi
say "installing: ${missing[*]}"

# Servers are installed for their programs. Their packages would start them, and
# at each boot again: redis-server on the port of a local cluster's first node.
# policy-rc.d forbids the start while packages are being installed; it goes
# away afterwards, and so does the entry for the boot.
policy=/usr/sbin/policy-rc.d
policy_is_ours=no
remove_policy() {
    if [ "$policy_is_ours" = yes ]; then
        "${as_root[@]}" rm -f "$policy"
        policy_is_ours=no
    fi
}
forbid_service_start() {
    [ ! -e "$policy" ] || return 0
    policy_is_ours=yes
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
    "${as_root[@]}" chmod 755 "$policy"
}
disable_service() {
    if command -v systemctl >/dev/null; then
        "${as_root[@]}" systemctl disable --quiet "$1" 2>/dev/null || true
    fi
    if command -v update-rc.d >/dev/null; then
        "${as_root[@]}" update-rc.d "$1" disable >/dev/null 2>&1 || true
    fi
}
apt() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get -qq -y -o DPkg::Lock::Timeout=300 "$@"
}

trap remove_policy EXIT
trap 'exit 130' INT TERM
servers=()
for server in redis-server etcd; do
    case " ${missing[*]} " in
    *" $server "* | *" $server-server "*) servers+=("$server") ;;
    esac
done
[ ${#servers[@]} -eq 0 ] || forbid_service_start
# The lists may be fresh enough: the network is asked only if they are not.
if ! apt install --no-install-recommends "${missing[@]}" >/dev/null 2>&1; then
    apt update || die "apt-get update failed; see above. $by_hand"
    apt install --no-install-recommends "${missing[@]}" >/dev/null ||
        die "apt-get install failed; see above. vard is made for Debian 12."
fi
for server in "${servers[@]}"; do disable_service "$server"; done
remove_policy

mapfile -t missing < <(missing_packages)
[ ${#missing[@]} -eq 0 ] || die "still missing: ${missing[*]}. $by_hand"
say "installed."
