# Shared by the scripts beside it; sourced, not run.
# shellcheck shell=bash

set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=${DM_BUILD_DIR:-$root/build}
# Another python on PATH may lack the modules that Debian packages for its own.
python=/usr/bin/python3

say() {
    printf '%s\n' "$*" >&2
}

die() {
    say "${0##*/}: $*"
    exit 1
}

# needed_packages: names in tools/packages that are not installed.
needed_packages() {
    local name
    grep -v '^#' "$root/tools/packages" | while read -r name; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || echo "$name"
    done
}

# configure DIR OPTION…: a build directory with exactly these options, made or brought up to date.
configure() {
    local dir=$1
    shift
    if [ -e "$dir/build.ninja" ]; then
        meson configure "$dir" "$@" >"$dir/configure.log" 2>&1 || die "cannot configure: see $dir/configure.log"
    else
        mkdir -p "$dir"
        meson setup "$dir" "$root" "$@" >"$dir/configure.log" 2>&1 || {
            cat "$dir/configure.log" >&2
            die "cannot configure $dir: the reason stands above"
        }
    fi
}

# What it takes to run the product, without the tests.
programs=(agent/dmclient-agent plugin/dmclient.so broker/dmclient-broker cli/dmclientctl tree/dmclient-schema)

# compile DIR [TARGET…]: builds; its output is shown only when it fails.
compile() {
    local dir=$1
    shift
    if ! ninja -C "$dir" "$@" >"$dir/compile.log" 2>&1; then
        tail -n 60 "$dir/compile.log" >&2
        die "the build failed: all of it is in $dir/compile.log"
    fi
}
