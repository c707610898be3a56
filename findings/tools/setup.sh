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

# booksim2: builds this revision of BookSim2, which Debian has not, from its public repository, or
# from a clone of it that the variable BOOKSIM2 names; $booksim is the program.
booksim2() {
    local from=${BOOKSIM2:-https://github.com/booksim/booksim2}
    local flags='-w -O1 -I. -Iarbiters -Iallocators -Irouters -Inetworks -Ipower'
    {
        git clone -q "$from" booksim2 &&
            git -C booksim2 checkout -q 28f43299f1706a3160ffac721ca461d74eb6e618 &&
            make -C booksim2/src clean && make -C booksim2/src -j "$(nproc)" CPPFLAGS="$flags"
    } >booksim2.log 2>&1 || {
        tail -n 3 booksim2.log
        echo "cannot have BookSim2 28f4329: git, flex, bison and g++ are needed, and $from"
        exit 2
    }
    booksim=$dir/booksim2/src/booksim
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
