# Sourced by every script of findings/: a temporary folder ($dir, removed at the end), packages
# installed inside it, and a comparison that ends the script with 1 when behaviour has changed.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

# debian PACKAGE=VERSION ...: unpacks packages of Debian 12 (amd64), and what they need that this
# machine lacks, under $dir/root; nothing is installed on the machine itself.
debian() {
    mkdir -p archives/partial root
    apt-get install --download-only --no-install-recommends --reinstall -qq -y --allow-downgrades \
        -o Debug::NoLocking=1 -o APT::Sandbox::User=root -o Dir::Cache::archives="$dir/archives" "$@" >apt.log 2>&1 || {
        cat apt.log
        echo "cannot have $*: Debian 12 and its package lists (apt-get update) are needed"
        exit 2
    }
    local archive lib=$dir/root/usr/lib/x86_64-linux-gnu
    for archive in archives/*.deb; do dpkg -x "$archive" root; done
    export PATH=$dir/root/usr/bin:$PATH PYTHONPATH=$dir/root/usr/lib/python3/dist-packages
    export LD_LIBRARY_PATH=$lib:$lib/blas:$lib/lapack:$lib/openmpi/lib
}

# npm_packages PACKAGE@VERSION ...: node finds them by require() from then on.
npm_packages() {
    npm install --ignore-scripts --no-audit --no-fund --prefix "$dir" "$@" >npm.log 2>&1 || {
        tail -n 3 npm.log
        echo "cannot have $*: node, npm and a registry are needed"
        exit 2
    }
    export NODE_PATH=$dir/node_modules:$here/tools
}

# openmpi: Open MPI 4.1.4 with its compiler's files; `compile NAME` makes NAME of NAME.c.
openmpi() {
    debian openmpi-bin=4.1.4-3+b1 libopenmpi3=4.1.4-3+b1 openmpi-common=4.1.4-3 libopenmpi-dev=4.1.4-3+b1
    export OPAL_PREFIX=$dir/root/usr OPAL_LIBDIR=$dir/root/usr/lib/x86_64-linux-gnu/openmpi/lib
    export OPAL_PKGLIBDIR=$OPAL_LIBDIR/openmpi3
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
}
compile() {
    command -v gcc >/dev/null || { echo "gcc is needed"; exit 2; }
    gcc -o "$1" "$1.c" -I"$OPAL_LIBDIR/../include" -L"$OPAL_LIBDIR" -L"$OPAL_LIBDIR/../.." -lmpi -lm
}

# expect WHAT WANTED: compares what the command on standard input printed with what was seen.
expect() {
    local found
    found=$(cat)
    echo "$1: $found"
    [ "$found" = "$2" ] || {
        echo "CHANGED: it was $2"
        exit 1
    }
}
